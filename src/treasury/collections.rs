//! Collections of groups: one transfer and one list, of an employer, a cooperative, a school. Allocated whole where list and
//! transfer agree, not at all where they do not (R16); then the money lies unallocated until the list is corrected.
use super::model::*;
use super::rules::{self, ListResult};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::contributions::desks;
use crate::contributions::model::Method;
use crate::contributions::service::{self as contributions, Locked, NewPayment, Taker, must_be_amount};
use crate::db::Write;
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::households::file_store;
use crate::households::store as households;
use crate::ids::*;
use crate::ledger::rules::{Event, Holding};
use crate::ledger::service::{Posting, post};
use crate::web::must_match;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::BTreeMap;

/// Lines of one list at most: a transaction holds all their households.
pub const MOST: usize = 500;

/// A line of a list.
#[derive(Debug, Clone)]
pub struct Line {
    pub household_number: String,
    pub amount_minor: i64,
}

/// A transfer with its list.
#[derive(Debug, Clone)]
pub struct NewCollection {
    pub group: Option<GroupId>,
    pub payer: String,
    pub method: Method,
    pub desk: Option<CashDeskId>,
    pub amount_minor: i64,
    pub received_on: NaiveDate,
    pub reference: Option<String>,
    pub list: Vec<Line>,
}

/// The lines with their households, in the order of the list.
fn resolve(w: &mut Write, scope: &MutualScope, list: &[Line]) -> Result<Vec<(HouseholdId, i64)>> {
    let mut faults = Vec::new();
    let mut found = Vec::new();
    let mut seen: BTreeMap<HouseholdId, usize> = BTreeMap::new();
    for (at, line) in list.iter().enumerate() {
        if let Some(code) = contributions::refused_amount(1, line.amount_minor) {
            faults.push(FieldError::new(format!("/list/{at}/amount_minor"), code.as_str(), code.meaning()));
        }
        let pointer = format!("/list/{at}/household_number");
        match households::find_by_number(w, scope, line.household_number.trim())? {
            None => faults.push(FieldError::new(pointer, "not_found", "no household has this number")),
            Some(household) => {
                if let Some(before) = seen.insert(household.id, at) {
                    let message = format!("line {before} names the same household");
                    faults.push(FieldError::new(pointer, "duplicate", message));
                }
                found.push((household.id, line.amount_minor));
            }
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(Problem::fields(Code::Invalid, faults).into()) }
}

/// Records a transfer with its list.
///
/// # Errors
/// `amount_refused`, `amount_too_large`, `future_date`, `not_found`, `invalid` naming the lines at fault.
pub fn record(w: &mut Write, scope: &MutualScope, order: &Order, new: &NewCollection) -> Result<()> {
    must_be_amount(new.amount_minor)?;
    if new.received_on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/received_on").into());
    }
    let mutual = scope.mutual();
    if let Some(group) = new.group {
        file_store::find_group(w, mutual, group)?.ok_or(Problem::of(Code::NotFound).at("/group_id"))?;
    }
    if let Some(desk) = new.desk {
        crate::contributions::store::find_desk(w, mutual, desk)?
            .ok_or(Problem::of(Code::NotFound).at("/cash_desk_id"))?;
    }
    let lines = resolve(w, scope, &new.list)?;
    let result = judged(&lines, new.amount_minor)?;
    let id: GroupCollectionId = Key::new(order.id.uuid());
    let row = GroupCollection {
        mutual_id: mutual,
        id,
        group_id: new.group,
        payer: new.payer.clone(),
        method: new.method,
        cash_desk_id: new.desk,
        amount_minor: new.amount_minor,
        currency: scope.currency().code().to_owned(),
        received_on: new.received_on,
        reference: new.reference.clone(),
        list_version: 1,
        was_pending: result == ListResult::PendingListCorrection,
        allocated_on: (result == ListResult::Allocated).then_some(scope.today()),
        recorded_by: order.asker.user,
        recorded_at: w.now(),
        version: 1,
    };
    store::insert_collection(w, &row)?;
    let payments = match result {
        ListResult::Allocated => allocate(w, scope, order, &row, &lines)?,
        ListResult::PendingListCorrection => {
            let (into, session) = till_of(w, scope, &row)?;
            let event = Event::MoneyUnallocated { into };
            let posting =
                Posting { source: Some(id.uuid()), session, ..Posting::of(event, new.amount_minor, new.received_on) };
            post(w, mutual, scope.currency(), order.id, scope.today(), &[posting])?;
            Vec::new()
        }
    };
    keep_list(w, &row, &lines, &payments)?;
    told(w, &row, result);
    Ok(())
}

/// Gives a list that was wrong another one.
///
/// # Errors
/// `wrong_state` where it was allocated, `version_mismatch`, `invalid` naming the lines at fault.
pub fn correct(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: GroupCollectionId,
    if_match: Option<&str>,
    list: &[Line],
) -> Result<()> {
    let mutual = scope.mutual();
    let lines = resolve(w, scope, list)?;
    // Households before the collection: the order of locks.
    let revisions = lock_all(w, mutual, &lines)?;
    if !store::lock_collection(w, mutual, id)? {
        return Err(Code::NotFound.into());
    }
    let row = store::find_collection(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, row.version - 1)?;
    if row.allocated_on.is_some() {
        return Err(Problem::with(Code::WrongState, "its list agreed and was allocated").into());
    }
    let result = judged(&lines, row.amount_minor)?;
    let row = GroupCollection {
        list_version: row.list_version + 1,
        allocated_on: (result == ListResult::Allocated).then_some(scope.today()),
        ..row
    };
    let payments = match result {
        ListResult::Allocated => {
            // Where the money lies it is whose it is now: each payment is posted from there, as if it had come today.
            let (from, session) = till_of(w, scope, &row)?;
            let event = Event::UnallocatedReturned { from };
            let posting =
                Posting { source: Some(id.uuid()), session, ..Posting::of(event, row.amount_minor, row.received_on) };
            post(w, mutual, scope.currency(), order.id, scope.today(), &[posting])?;
            pay_all(w, scope, order, &row, &lines, &revisions)?
        }
        ListResult::PendingListCorrection => Vec::new(),
    };
    store::set_collection(w, &row)?;
    keep_list(w, &row, &lines, &payments)?;
    told(w, &row, result);
    Ok(())
}

/// Where the transfer lies; a desk through which its cash goes is held.
fn till_of(w: &mut Write, scope: &MutualScope, row: &GroupCollection) -> Result<(Holding, Option<CashSessionId>)> {
    match row.method {
        Method::Cash => {
            let desk = match row.cash_desk_id {
                Some(desk) => desk,
                None => desks::first(w, scope.mutual())?.id,
            };
            let till = desks::hold(w, scope.mutual(), desk, scope.today())?;
            Ok((till.holding(), Some(till.session.id)))
        }
        Method::Bank | Method::Payroll => Ok((Holding::Bank, None)),
        Method::Mobile => Ok((Holding::Mobile, None)),
    }
}

fn judged(lines: &[(HouseholdId, i64)], amount_minor: i64) -> Result<ListResult> {
    let amounts: Vec<i64> = lines.iter().map(|(_, amount)| *amount).collect();
    Ok(rules::listed(&amounts, amount_minor).map_err(|_| Problem::of(Code::AmountTooLarge).at("/list"))?.result)
}

fn told(w: &mut Write, row: &GroupCollection, result: ListResult) {
    w.changed("group_collection", row.id.uuid(), None, None);
    w.field("amount_minor", None, Some(json!(row.amount_minor)));
    w.field("result", None, Some(json!(result)));
    w.mark(row.received_on);
}

fn keep_list(w: &mut Write, row: &GroupCollection, lines: &[(HouseholdId, i64)], payments: &[PaymentId]) -> Result<()> {
    let items: Vec<GroupCollectionItem> = (1i32..)
        .zip(lines)
        .enumerate()
        .map(|(at, (ordinal, (household, amount)))| GroupCollectionItem {
            mutual_id: row.mutual_id,
            id: w.new_id(),
            collection_id: row.id,
            list_version: row.list_version,
            ordinal,
            household_id: *household,
            amount_minor: *amount,
            payment_id: payments.get(at).copied(),
        })
        .collect();
    Ok(store::insert_collection_items(w, &items)?)
}

/// Locks the households of a list, by ascending id.
fn lock_all(w: &mut Write, mutual: MutualId, lines: &[(HouseholdId, i64)]) -> Result<BTreeMap<HouseholdId, i64>> {
    let mut ids: Vec<HouseholdId> = lines.iter().map(|(household, _)| *household).collect();
    ids.sort_unstable();
    let mut revisions = BTreeMap::new();
    for id in ids {
        let revision = households::lock(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
        revisions.insert(id, revision);
    }
    Ok(revisions)
}

fn allocate(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    row: &GroupCollection,
    lines: &[(HouseholdId, i64)],
) -> Result<Vec<PaymentId>> {
    let revisions = lock_all(w, scope.mutual(), lines)?;
    pay_all(w, scope, order, row, lines, &revisions)
}

fn pay_all(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    row: &GroupCollection,
    lines: &[(HouseholdId, i64)],
    revisions: &BTreeMap<HouseholdId, i64>,
) -> Result<Vec<PaymentId>> {
    let desk = match row.cash_desk_id {
        Some(desk) => desk,
        None => desks::first(w, scope.mutual())?.id,
    };
    let mut payments = Vec::with_capacity(lines.len());
    for (household, amount_minor) in lines {
        let revision = revisions.get(household).ok_or_else(|| Error::Fault("a household was not locked".into()))?;
        let locked = Locked {
            mutual: scope.mutual(),
            household: *household,
            revision: *revision,
            currency: scope.currency(),
            today: scope.today(),
            command: order.id,
        };
        let new = NewPayment {
            amount_minor: *amount_minor,
            method: row.method,
            received_on: row.received_on,
            reference: row.reference.clone(),
            taker: Taker::Desk(desk),
            label: None,
            source: Some(Key::new(row.id.uuid())),
            was_unallocated: false,
        };
        let id = w.new_id();
        payments.push(contributions::pay(w, order, &locked, id, &new)?);
        let section = households::section_of(w, scope.mutual(), *household)?;
        w.changed("payment", id.uuid(), section, section);
        w.touch(*household);
    }
    Ok(payments)
}
