//! Collectors: what they hold, what they hand over, what is counted of it. A remittance is submitted by the collector and
//! counted by somebody else; what is missing becomes his debt.
use super::model::*;
use super::rules::{self, Balance, Collected};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::contributions::desks;
use crate::contributions::model::DueKind;
use crate::contributions::service::must_be_at_least;
use crate::db::{Read, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::{Event, MAIN};
use crate::ledger::service::{Posting, post};
use crate::ledger::store as ledger;
use crate::web::must_match;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::BTreeMap;

/// The account of what a collector holds.
pub fn float_of(collector: UserId) -> String {
    format!("float:{collector}")
}

/// A collector says what he hands over.
///
/// # Errors
/// `amount_refused`, `amount_too_large`, `remittance_above_float`.
pub fn submit(w: &mut Write, scope: &MutualScope, order: &Order, collector: UserId, declared_minor: i64) -> Result<()> {
    must_be_at_least(1, declared_minor, "/declared_minor")?;
    let mutual = scope.mutual();
    let by = order.asker.user.ok_or_else(|| Error::Fault("nobody submits".into()))?;
    // The account is the lock: two remittances of one collector never exceed his float together.
    ledger::lock_account(w, mutual, MAIN, &float_of(collector))?;
    let known = store::list_remittances_of(w, mutual, collector)?;
    let free = ledger::balance(w, mutual, MAIN, &float_of(collector))? - waiting(&known);
    if declared_minor > free {
        let detail = format!("the float that is not submitted yet is {free} minor units");
        return Err(Problem::with(Code::RemittanceAboveFloat, detail).at("/declared_minor").into());
    }
    let text = collector.to_string();
    let id: RemittanceId = Key::new(order.id.uuid());
    let row = Remittance {
        mutual_id: mutual,
        id,
        collector_id: collector,
        label: format!("R{}{}-{:04}", text.get(..8).unwrap_or(""), text.get(32..).unwrap_or(""), known.len() + 1),
        declared_minor,
        submitted_on: scope.today(),
        submitted_by: by,
        submitted_at: w.now(),
        cash_desk_id: None,
        counted_minor: None,
        reconciled_on: None,
        reconciled_by: None,
        reconciled_at: None,
        closed_on: None,
        closed_by: None,
        note: None,
        version: 1,
    };
    store::insert_remittance(w, &row)?;
    w.changed("remittance", id.uuid(), None, None);
    w.field("declared_minor", None, Some(json!(declared_minor)));
    w.mark(scope.today());
    Ok(())
}

/// What a collector has submitted and nobody counted yet.
pub fn waiting(remittances: &[Remittance]) -> i64 {
    remittances.iter().filter(|row| row.counted_minor.is_none()).map(|row| row.declared_minor).sum()
}

/// Takes a remittance, in the version that was read.
fn hold(w: &mut Write, scope: &MutualScope, id: RemittanceId, if_match: Option<&str>) -> Result<Remittance> {
    if !store::lock_remittance(w, scope.mutual(), id)? {
        return Err(Code::NotFound.into());
    }
    let row = store::find_remittance(w, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, row.version - 1)?;
    Ok(row)
}

/// Counts what a collector hands over, at a desk. Never the collector himself.
///
/// # Errors
/// `wrong_state`, `same_person`, `version_mismatch`, `invalid` where a difference has no note.
#[allow(clippy::too_many_arguments, reason = "the parts of one count")]
pub fn count(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: RemittanceId,
    if_match: Option<&str>,
    desk: Option<CashDeskId>,
    counted_minor: i64,
    note: Option<&str>,
) -> Result<()> {
    must_be_at_least(0, counted_minor, "/counted_minor")?;
    let row = hold(w, scope, id, if_match)?;
    if order.asker.user == Some(row.collector_id) {
        return Err(Problem::with(Code::SamePerson, "nobody counts what he hands over himself").into());
    }
    if row.counted_minor.is_some() {
        return Err(Problem::with(Code::WrongState, "it was counted already").into());
    }
    let declared = row.declared_minor;
    if counted_minor != declared && note.is_none() {
        let message = format!("{counted_minor} counted and {declared} submitted: say why");
        return Err(Problem::field("/note", "missing", message).into());
    }
    let desk = match desk {
        Some(desk) => desk,
        None => desks::first(w, scope.mutual())?.id,
    };
    let till = desks::hold(w, scope.mutual(), desk, scope.today())?;
    let (collector, into) = (row.collector_id, till.holding());
    let taken = counted_minor.min(declared);
    let postings: Vec<Posting> = [
        (Event::RemittanceCounted { collector, into }, taken, Some(till.session.id)),
        (Event::RemittanceShort { collector }, declared - taken, None),
        (Event::RemittanceOver { collector, into }, counted_minor - taken, Some(till.session.id)),
    ]
    .into_iter()
    .filter(|(_, amount, _)| *amount > 0)
    .map(|(event, amount, session)| Posting {
        source: Some(id.uuid()),
        session,
        ..Posting::of(event, amount, scope.today())
    })
    .collect();
    let counted = Remittance {
        cash_desk_id: Some(desk),
        counted_minor: Some(counted_minor),
        reconciled_on: Some(scope.today()),
        reconciled_by: order.asker.user,
        reconciled_at: Some(w.now()),
        note: note.map(str::to_owned),
        ..row
    };
    store::set_remittance(w, &counted)?;
    post(w, scope.mutual(), scope.currency(), order.id, scope.today(), &postings)?;
    w.changed("remittance", id.uuid(), None, None);
    w.field("counted_minor", None, Some(json!(counted_minor)));
    w.mark(scope.today());
    Ok(())
}

/// Closes a remittance that was counted: nobody has anything to add.
///
/// # Errors
/// `wrong_state`, `version_mismatch`.
pub fn close(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: RemittanceId,
    if_match: Option<&str>,
) -> Result<()> {
    let row = hold(w, scope, id, if_match)?;
    if row.counted_minor.is_none() || row.closed_on.is_some() {
        let detail = if row.closed_on.is_some() { "it was closed already" } else { "it is counted first" };
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let closed = Remittance { closed_on: Some(scope.today()), closed_by: order.asker.user, ..row };
    store::set_remittance(w, &closed)?;
    w.changed("remittance", id.uuid(), None, None);
    w.field("closed_on", None, Some(json!(scope.today())));
    w.mark(scope.today());
    Ok(())
}

/// A collector's account.
#[derive(Debug, Clone)]
pub struct Account {
    pub collector: UserId,
    /// Of the time asked for, R16: what he collected, what of it he handed over, what it earns him.
    pub period: Collected,
    /// Of the time asked for: what was counted of what he handed over.
    pub remitted_minor: i64,
    /// How many standing receipts he gave in that time.
    pub receipts: usize,
    /// What he holds now.
    pub float_minor: i64,
    /// What of it he has submitted and nobody counted yet.
    pub submitted_minor: i64,
    /// What he was short, less what he repaid; below zero the mutual owes him.
    pub debt_minor: i64,
    /// The day of the oldest receipt that is still in his float.
    pub oldest_on: Option<NaiveDate>,
}

impl Account {
    /// Where he stands now, all counted.
    pub fn state(&self) -> Balance {
        Balance::of(self.float_minor + self.debt_minor)
    }
}

/// A collector's account between two days.
///
/// # Errors
/// The database's.
pub fn account(
    r: &mut Read,
    scope: &MutualScope,
    collector: UserId,
    between: (NaiveDate, NaiveDate),
) -> Result<Account> {
    let mutual = scope.mutual();
    let rate = i64::from(store::settings(r, mutual)?.commission_bp);
    let payments = store::list_receipts_of(r, mutual, collector, between)?;
    let mut by_receipt: BTreeMap<PaymentId, i64> = BTreeMap::new();
    for (payment, kind, amount) in store::list_parts_of(r, mutual, collector, between)? {
        if kind == DueKind::Contribution {
            *by_receipt.entry(payment).or_default() += amount;
        }
    }
    // One receipt may be for a fee and a contribution: only the contribution earns a commission, once per receipt.
    let mut receipts = Vec::new();
    for (payment, _) in &payments {
        let contribution = by_receipt.get(&payment.id).copied().unwrap_or(0);
        receipts.push((DueKind::Contribution, contribution));
        receipts.push((DueKind::Other, payment.amount_minor - contribution));
    }
    let remittances = store::list_remittances_of(r, mutual, collector)?;
    let in_time = |row: &&Remittance| row.reconciled_on.is_some_and(|on| on >= between.0 && on <= between.1);
    let remitted_minor: i64 = remittances.iter().filter(in_time).filter_map(|row| row.counted_minor).sum();
    let period = rules::collected(&receipts, remitted_minor, rate)
        .map_err(|_| Error::Fault("a collector's receipts do not fit".into()))?;
    let float_minor = ledger::balance(r, mutual, MAIN, &float_of(collector))?;
    let debt_minor = ledger::balance(r, mutual, MAIN, &format!("debt:{collector}"))?;
    Ok(Account {
        collector,
        period,
        remitted_minor,
        receipts: payments.len(),
        float_minor,
        submitted_minor: waiting(&remittances),
        debt_minor,
        oldest_on: oldest(r, mutual, collector, float_minor)?,
    })
}

/// What was collected first is handed over first: the float is of the last receipts.
fn oldest(r: &mut Read, mutual: MutualId, collector: UserId, float_minor: i64) -> Result<Option<NaiveDate>> {
    if float_minor <= 0 {
        return Ok(None);
    }
    let always = (NaiveDate::from_ymd_opt(1, 1, 1), NaiveDate::from_ymd_opt(9999, 12, 31));
    let (Some(from), Some(to)) = always else { return Ok(None) };
    let mut left = float_minor;
    let mut found = None;
    for (payment, _) in store::list_receipts_of(r, mutual, collector, (from, to))? {
        found = Some(payment.received_on);
        left -= payment.amount_minor;
        if left <= 0 {
            break;
        }
    }
    Ok(found)
}

/// Everybody who has collected in the mutual.
///
/// # Errors
/// The database's.
pub fn all(r: &mut Read, scope: &MutualScope) -> Result<Vec<UserId>> {
    let accounts = ledger::list_accounts_of(r, scope.mutual(), MAIN)?;
    let of = |code: &str| code.strip_prefix("float:").and_then(|id| id.parse().ok()).map(Key::new);
    let mut found: Vec<UserId> = accounts.iter().filter_map(|account| of(&account.code)).collect();
    found.sort_unstable();
    Ok(found)
}
