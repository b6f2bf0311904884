//! Closes months, opens them again by two persons, releases what came late.
use super::store;
use crate::access::approvals::{self, Kind};
use crate::access::scopes::{FigureScope, MutualScope};
use crate::audit::frame::{Execution, Order};
use crate::dates::month_of;
use crate::db::{Read, Write};
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::*;
use crate::reports::facts::definition;
use crate::reports::facts::service::AsOf;
use crate::reports::releases::model::*;
use crate::reports::releases::service::{self as releases, NewRelease, closes_from};
use crate::reports::releases::store as release_store;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

words! {
    /// What may be open at the end of a month.
    pub enum OpenItem {
        /// Collectors handed something over that nobody has counted.
        RemittancesNotCounted = "remittances_not_counted",
        /// Claims wait for a person.
        ClaimsPending = "claims_pending",
        /// Money came without a household.
        MoneyUnallocated = "money_unallocated",
        /// A desk's cash was not counted.
        CashNotCounted = "cash_not_counted",
    }
}

/// How much of something is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    pub item: OpenItem,
    /// How many; 1 for a sum of money.
    pub number: i64,
    pub amount_minor: i64,
}

words! {
    /// Where a month stands.
    pub enum MonthState {
        /// It is not over.
        Running = "RUNNING",
        /// It is over and was never closed, or was opened again.
        Open = "OPEN",
        Closed = "CLOSED",
    }
}

/// A month as it stands.
#[derive(Debug, Clone)]
pub struct Month {
    pub month: NaiveDate,
    pub state: MonthState,
    pub closes_from: NaiveDate,
    pub steps: Vec<MonthStep>,
    pub standing: Option<Release>,
}

/// Reads `2026-03`.
///
/// # Errors
/// `not_found`: there is no such month in the path.
pub fn month_in_path(text: &str) -> Result<NaiveDate> {
    let parsed = (text.len() == 7).then(|| NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()).flatten();
    parsed.ok_or_else(|| Code::NotFound.into())
}

/// What of a month is open, the empty left out.
///
/// # Errors
/// The database's.
pub fn checklist(r: &mut Read, scope: &MutualScope, month: NaiveDate) -> Result<Vec<Open>> {
    let mutual = scope.mutual();
    let last = month_of(month).map_err(|_| Error::Fault("a month beyond the calendar".into()))?.to;
    let remittances = store::uncounted(r, mutual, last)?;
    let claims = store::pending(r, mutual, last)?;
    let unallocated = store::unallocated(r, mutual, last)?;
    let desks = store::open_sessions(r, mutual, last)?;
    let all = [
        Open { item: OpenItem::RemittancesNotCounted, number: remittances.0, amount_minor: remittances.1 },
        Open { item: OpenItem::ClaimsPending, number: claims.0, amount_minor: claims.1 },
        Open { item: OpenItem::MoneyUnallocated, number: i64::from(unallocated != 0), amount_minor: unallocated },
        Open { item: OpenItem::CashNotCounted, number: desks, amount_minor: 0 },
    ];
    Ok(all.into_iter().filter(|open| open.number > 0).collect())
}

/// A month as it stands.
///
/// # Errors
/// The database's.
pub fn month(r: &mut Read, scope: &MutualScope, month: NaiveDate) -> Result<Month> {
    let steps = store::list_steps(r, scope.mutual(), (month, month))?;
    let standing = release_store::standing(r, scope.mutual().into(), month)?;
    Ok(Month { month, state: state(&steps, month, scope.today()), closes_from: closes_from(month)?, steps, standing })
}

fn state(steps: &[MonthStep], month: NaiveDate, today: NaiveDate) -> MonthState {
    match steps.last().map(|step| step.kind) {
        Some(MonthStepKind::Closed | MonthStepKind::Corrected) => MonthState::Closed,
        _ if month_of(month).is_ok_and(|whole| today <= whole.to) => MonthState::Running,
        _ => MonthState::Open,
    }
}

fn step(
    w: &mut Write,
    mutual: MutualId,
    id: MonthStepId,
    (month, ordinal): (NaiveDate, usize),
    kind: MonthStepKind,
    today: NaiveDate,
) -> MonthStep {
    MonthStep {
        mutual_id: mutual,
        id,
        month,
        ordinal: i32::try_from(ordinal + 1).unwrap_or(i32::MAX),
        kind,
        despite: "[]".into(),
        reason: None,
        recorded_on: today,
        requested_by: None,
        recorded_by: None,
        recorded_at: w.now(),
    }
}

/// Releases a month as its facts are, in the transaction of the step that makes it.
fn publish(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    month: NaiveDate,
    as_of: &AsOf,
    basis: Basis,
    note: Option<String>,
) -> Result<Release> {
    let sheet = releases::hold_facts(w, &FigureScope::of(scope), month, as_of)?;
    if basis == Basis::Correction {
        let standing = release_store::standing(w, scope.mutual().into(), month)?;
        if let Some(standing) = standing
            && releases::sheet_of(w, &standing)? == sheet
        {
            return Err(Code::NothingToCorrect.into());
        }
    }
    let whole = month_of(month).map_err(|_| Error::Fault("a month beyond the calendar".into()))?;
    releases::release(
        w,
        &NewRelease {
            unit: scope.mutual().into(),
            month,
            basis,
            source: Source::Register,
            stock_on: whole.to,
            currency: scope.currency().code(),
            definition: definition(&as_of.bands),
            note,
            by: order.asker.user,
            sheet: &sheet,
        },
    )
}

/// Closes a month: its figures are released as they stand. Its facts were computed just before.
///
/// # Errors
/// `month_not_over`, `month_closed`, `month_not_ready` naming what is open and not in `despite`, `busy` where something was
/// recorded meanwhile.
pub fn close(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    month: NaiveDate,
    as_of: &AsOf,
    despite: &[OpenItem],
) -> Result<()> {
    if scope.today() < closes_from(month)? {
        return Err(Code::MonthNotOver.into());
    }
    let release = publish(w, scope, order, month, as_of, Basis::Closed, None)?;
    // After the lock that publishing takes.
    let steps = store::list_steps(w, scope.mutual(), (month, month))?;
    if state(&steps, month, scope.today()) == MonthState::Closed {
        return Err(Code::MonthClosed.into());
    }
    let open = checklist(w, scope, month)?;
    let faults: Vec<FieldError> = open
        .iter()
        .filter(|open| !despite.contains(&open.item))
        .map(|open| {
            let message = format!("{} open, {} minor units", open.number, open.amount_minor);
            FieldError::new("/despite", open.item.code(), message)
        })
        .collect();
    if !faults.is_empty() {
        return Err(Problem::fields(Code::MonthNotReady, faults).into());
    }
    let open: Vec<OpenItem> = open.iter().map(|open| open.item).collect();
    let row = MonthStep {
        despite: json!(open).to_string(),
        recorded_by: order.asker.user,
        ..step(w, scope.mutual(), Key::new(order.id.uuid()), (month, steps.len()), MonthStepKind::Closed, scope.today())
    };
    store::insert_step(w, &row)?;
    tell(w, &row, Some(&release), scope.today());
    Ok(())
}

fn tell(w: &mut Write, row: &MonthStep, release: Option<&Release>, today: NaiveDate) {
    w.changed("month", row.id.uuid(), None, None);
    w.field("month", None, Some(json!(row.month)));
    w.field("kind", None, Some(json!(row.kind)));
    w.field("despite", None, Some(json!(row.despite)));
    w.field("reason", None, Some(json!(row.reason)));
    w.field("release", None, Some(json!(release.map(|release| release.id))));
    w.mark(today);
}

/// Releases what was recorded late of a closed month.
///
/// # Errors
/// `month_not_closed`, `nothing_to_correct`, `busy`.
pub fn correct(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    month: NaiveDate,
    as_of: &AsOf,
    reason: &str,
) -> Result<()> {
    let release = publish(w, scope, order, month, as_of, Basis::Correction, Some(reason.to_owned()));
    let steps = store::list_steps(w, scope.mutual(), (month, month))?;
    if state(&steps, month, scope.today()) != MonthState::Closed {
        return Err(Code::MonthNotClosed.into());
    }
    let release = release?;
    let row = MonthStep {
        reason: Some(reason.to_owned()),
        recorded_by: order.asker.user,
        ..step(
            w,
            scope.mutual(),
            Key::new(order.id.uuid()),
            (month, steps.len()),
            MonthStepKind::Corrected,
            scope.today(),
        )
    };
    store::insert_step(w, &row)?;
    tell(w, &row, Some(&release), scope.today());
    Ok(())
}

/// A request to open a month again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reopening {
    pub month: NaiveDate,
    pub reason: String,
}

/// Asks for a second person to open a month again.
///
/// # Errors
/// `month_not_closed`.
pub fn request_reopening(w: &mut Write, scope: &MutualScope, order: &Order, asked: &Reopening) -> Result<()> {
    let steps = store::list_steps(w, scope.mutual(), (asked.month, asked.month))?;
    if state(&steps, asked.month, scope.today()) != MonthState::Closed {
        return Err(Code::MonthNotClosed.into());
    }
    approvals::request(w, scope.mutual(), order, Kind::Reopening, &json!(asked))?;
    w.field("month", None, Some(json!(asked.month)));
    w.mark(scope.today());
    Ok(())
}

/// Opens a month again: what bodies see stays until the month is closed anew.
///
/// # Errors
/// `month_not_closed` where somebody else was faster.
pub fn reopen(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: Reopening = execution.request()?;
    crate::reports::facts::store::lock_head(w, execution.mutual, asked.month)?;
    let steps = store::list_steps(w, execution.mutual, (asked.month, asked.month))?;
    if state(&steps, asked.month, execution.today) != MonthState::Closed {
        return Err(Code::MonthNotClosed.into());
    }
    let row = MonthStep {
        reason: Some(asked.reason),
        requested_by: Some(execution.requested_by),
        recorded_by: Some(execution.approved_by),
        ..step(
            w,
            execution.mutual,
            Key::new(execution.id.uuid()),
            (asked.month, steps.len()),
            MonthStepKind::Reopened,
            execution.today,
        )
    };
    store::insert_step(w, &row)?;
    tell(w, &row, None, execution.today);
    Ok(())
}
