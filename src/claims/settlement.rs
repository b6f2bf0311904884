//! Settlement: a treasurer asks, a second person approves, the bank pays, at once or in parts. What an advance gave before, and
//! what is recovered of claims that were taken back or cut in appeal, is taken off first; money then pays claims in order.
use super::model::*;
use super::settlement_store::{self as store, Open, Payee};
use crate::access::approvals::{self, Kind};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Execution, Order};
use crate::contributions::desks;
use crate::contributions::service::must_be_amount;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::ledger::rules::{Creditor, Event, Holding};
use crate::ledger::service::{Entry, Posting, mirror, post};
use crate::ledger::store as ledger;
use crate::money;
use crate::providers::store as providers;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Claims of one settlement at most.
const MOST: i64 = 5_000;

/// The whole request, as it waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// The facility that is paid.
    #[serde(default)]
    pub provider_id: Option<ProviderId>,
    /// The household that is paid back.
    #[serde(default)]
    pub household_id: Option<HouseholdId>,
    /// Which claims.
    pub claims: Vec<ClaimId>,
    /// The sum of what the mutual owes for them.
    pub amount_minor: i64,
}

impl Request {
    fn of(payee: Payee, claims: Vec<ClaimId>, amount_minor: i64) -> Request {
        let (provider_id, household_id) = match payee {
            Payee::Provider(id) => (Some(id), None),
            Payee::Household(id) => (None, Some(id)),
        };
        Request { provider_id, household_id, claims, amount_minor }
    }
}

/// Asks for the settlement of what is owed for claims decided on or before a day; they wait in it.
///
/// # Errors
/// `wrong_state` where nothing is owed.
pub fn request(w: &mut Write, scope: &MutualScope, order: &Order, of: Payee, until: NaiveDate) -> Result<()> {
    let mutual = scope.mutual();
    let open = store::list_open(w, mutual, of, until, MOST)?;
    let amount_minor = total(&open)?;
    if amount_minor <= 0 {
        let detail = "nothing decided by that day is to be paid beyond what is to be recovered; claims of an invoice wait until it is \
                      accepted, and what is in an open settlement is not asked for again";
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let decided: Vec<ClaimId> = ids(&open, |open| open.state == ClaimState::Decided);
    let moved = store::move_claims(w, mutual, &decided, ClaimState::Decided, ClaimState::Batched)?;
    if moved != decided.len() {
        return Err(Error::Again);
    }
    let asked = Request::of(of, ids(&open, |_| true), amount_minor);
    approvals::request(w, mutual, order, Kind::Settlement, &json!(asked))?;
    match of {
        Payee::Provider(id) => w.names("provider", id.uuid()),
        Payee::Household(id) => w.names("household", id.uuid()),
    }
    w.field("amount_minor", None, Some(json!(amount_minor)));
    w.mark(scope.today());
    Ok(())
}

fn total(open: &[Open]) -> Result<i64> {
    money::sum(open.iter().map(|open| open.open_minor)).map_err(|_| Problem::of(Code::AmountTooLarge).into())
}

fn ids(open: &[Open], which: impl Fn(&&Open) -> bool) -> Vec<ClaimId> {
    open.iter().filter(which).map(|open| open.id).collect()
}

/// Gives the claims of a request that was refused back to the next one. The hook of approvals.
///
/// # Errors
/// The database's.
pub fn refused(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: Request = execution.request()?;
    store::move_claims(w, execution.mutual, &asked.claims, ClaimState::Batched, ClaimState::Decided)?;
    Ok(())
}

/// Does what was approved: the settlement, its items, what is taken off before anything is paid. The hook of approvals.
///
/// # Errors
/// `wrong_state` where a claim of the request is not as it was asked for.
pub fn execute(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: Request = execution.request()?;
    let mutual = execution.mutual;
    // The payee is the lock: of a facility's advances, of what is recovered from either.
    if let Some(household) = asked.household_id {
        households::lock(w, mutual, household)?;
    }
    if let Some(provider) = asked.provider_id {
        providers::lock(w, provider)?;
    }
    let open = store::list_open_of(w, mutual, &asked.claims)?;
    let stands = |open: &Open| {
        open.open_minor != 0 && matches!(open.state, ClaimState::Batched | ClaimState::Decided | ClaimState::Voided)
    };
    if open.len() != asked.claims.len() || !open.iter().all(stands) || total(&open)? != asked.amount_minor {
        let detail = "a claim of the request is not as it was asked for; ask anew";
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let left = match asked.provider_id {
        Some(provider) => store::advance_left(w, mutual, provider)?,
        None => 0,
    };
    let advance_offset_minor = left.clamp(0, asked.amount_minor);
    let id: SettlementId = Key::new(execution.id.uuid());
    let is_paid = advance_offset_minor == asked.amount_minor;
    let row = Settlement {
        mutual_id: mutual,
        id,
        provider_id: asked.provider_id,
        number_of_claims: i64::try_from(open.len()).unwrap_or(i64::MAX),
        amount_minor: asked.amount_minor,
        currency: execution.currency.code().to_owned(),
        paid_on: is_paid.then_some(execution.today),
        recorded_at: w.now(),
        household_id: asked.household_id,
        advance_offset_minor,
        paid_minor: 0,
        state: if is_paid { SettlementState::Paid } else { SettlementState::Approved },
        approved_on: execution.today,
        reason: None,
        version: 1,
    };
    store::insert(w, &row)?;
    let mut items = Vec::with_capacity(open.len());
    for open in &open {
        items.push(SettlementItem {
            mutual_id: mutual,
            id: w.new_id(),
            settlement_id: id,
            claim_id: open.id,
            amount_minor: open.open_minor,
        });
    }
    store::insert_items(w, &items)?;
    let decided = ids(&open, |open| open.state == ClaimState::Decided);
    let moved = store::move_claims(w, mutual, &decided, ClaimState::Decided, ClaimState::Batched)?;
    if moved != decided.len() {
        return Err(Error::Again);
    }
    recover(w, mutual, &open)?;
    spread(w, mutual, &items, 0, taken_off(&items) + advance_offset_minor)?;
    if let Some(provider) = asked.provider_id.filter(|_| advance_offset_minor > 0) {
        let event = Event::AdvanceOffset { provider };
        let posting = Posting { settlement: Some(id), ..Posting::of(event, advance_offset_minor, execution.today) };
        post(w, mutual, execution.currency, execution.command, execution.today, &[posting])?;
    }
    w.names("settlement", id.uuid());
    w.changed("settlement", id.uuid(), None, None);
    Ok(())
}

/// Takes what is to be recovered off: it is settled with the settlement's approval.
fn recover(w: &mut Write, mutual: MutualId, open: &[Open]) -> Result<()> {
    for one in open.iter().filter(|open| open.open_minor < 0) {
        let (from, to) = match one.state {
            ClaimState::Voided => (ClaimState::Voided, ClaimState::Voided),
            // What is left of it was paid before.
            _ if one.mutual_minor > 0 => (ClaimState::Batched, ClaimState::Paid),
            _ => (ClaimState::Batched, ClaimState::Decided),
        };
        if !store::settle(w, mutual, one.id, one.open_minor, (from, to))? {
            return Err(Error::Again);
        }
    }
    Ok(())
}

/// What is recovered within a settlement, above zero.
fn taken_off(items: &[SettlementItem]) -> i64 {
    items.iter().map(|item| item.amount_minor.min(0)).sum::<i64>().saturating_neg()
}

/// What of each item, in their order, is paid by so much money.
///
/// It is kept nowhere: the sum of what was paid says it.
pub fn covered(items: &[SettlementItem], funds_minor: i64) -> Vec<i64> {
    let mut left = funds_minor;
    items
        .iter()
        .map(|item| {
            let paid = item.amount_minor.min(left).max(0);
            left -= paid;
            if item.amount_minor < 0 { item.amount_minor } else { paid }
        })
        .collect()
}

/// Lets the money between two sums pay claims, in order: those that are paid in full now, and at most one in part at each end.
fn spread(w: &mut Write, mutual: MutualId, items: &[SettlementItem], before: i64, after: i64) -> Result<()> {
    let mut full = Vec::new();
    for ((item, was), is) in items.iter().zip(covered(items, before)).zip(covered(items, after)) {
        if item.amount_minor < 0 || was == is {
            continue;
        }
        if is == item.amount_minor {
            full.push(item.claim_id);
        } else if !store::settle(w, mutual, item.claim_id, is - was, (ClaimState::Batched, ClaimState::Batched))? {
            return Err(Error::Again);
        }
    }
    if store::set_paid(w, mutual, &full)? != full.len() {
        return Err(Error::Again);
    }
    Ok(())
}

/// A settlement, locked.
fn hold(w: &mut Write, mutual: MutualId, id: SettlementId, if_match: Option<&str>) -> Result<Settlement> {
    if !store::lock(w, mutual, id)? {
        return Err(Code::NotFound.into());
    }
    let row = store::find(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
    crate::web::must_match(if_match, row.version)?;
    Ok(row)
}

fn must_be(row: &Settlement, states: &[SettlementState]) -> Result<()> {
    if states.contains(&row.state) {
        return Ok(());
    }
    Err(Problem::with(Code::WrongState, format!("the settlement is {}", row.state)).into())
}

/// Money that goes out for a settlement.
#[derive(Debug, Clone)]
pub struct NewPayment {
    pub settlement: SettlementId,
    pub method: PaidBy,
    /// From which desk, where it is cash; the mutual's first one where it is left out.
    pub cash_desk: Option<CashDeskId>,
    pub amount_minor: i64,
    pub reference: Option<String>,
    pub paid_on: NaiveDate,
}

/// Records that a settlement was paid, in full or in part.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`, `amount_refused`, `amount_too_large`, `payment_above_settlement`, `future_date`,
/// `impossible_date` before the approval, `not_enough_cash`.
pub fn pay(w: &mut Write, scope: &MutualScope, order: &Order, if_match: Option<&str>, new: &NewPayment) -> Result<()> {
    let mutual = scope.mutual();
    let row = hold(w, mutual, new.settlement, if_match)?;
    must_be(&row, &[SettlementState::Approved, SettlementState::PartPaid])?;
    must_be_amount(new.amount_minor)?;
    let to_pay = row.amount_minor - row.advance_offset_minor;
    if new.amount_minor > to_pay - row.paid_minor {
        let detail = format!("{} minor units are to be paid", to_pay - row.paid_minor);
        return Err(Problem::with(Code::PaymentAboveSettlement, detail).at("/amount_minor").into());
    }
    if new.paid_on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/paid_on").into());
    }
    if new.paid_on < row.approved_on {
        let detail = format!("it was approved on {}", row.approved_on);
        return Err(Problem::with(Code::ImpossibleDate, detail).at("/paid_on").into());
    }
    let items = store::list_items(w, mutual, row.id)?;
    let mut session = None;
    let mut desk = None;
    let from = match new.method {
        PaidBy::Bank => Holding::Bank,
        PaidBy::Mobile => Holding::Mobile,
        PaidBy::Cash => {
            let which = match new.cash_desk {
                Some(desk) => desk,
                None => desks::first(w, mutual)?.id,
            };
            let till = desks::hold(w, mutual, which, scope.today())?;
            desks::must_have(w, mutual, &till, new.amount_minor)?;
            session = Some(till.session.id);
            desk = Some(which);
            till.holding()
        }
    };
    let id: SettlementPaymentId = Key::new(order.id.uuid());
    let payment = SettlementPayment {
        mutual_id: mutual,
        id,
        settlement_id: row.id,
        method: new.method,
        cash_desk_id: desk,
        amount_minor: new.amount_minor,
        currency: row.currency.clone(),
        reference: new.reference.clone(),
        paid_on: new.paid_on,
        recorded_by: order.asker.user,
        recorded_at: w.now(),
    };
    store::insert_payment(w, &payment)?;
    let before = taken_off(&items) + row.advance_offset_minor + row.paid_minor;
    spread(w, mutual, &items, before, before + new.amount_minor)?;
    let paid_minor = row.paid_minor + new.amount_minor;
    let is_paid = paid_minor == to_pay;
    let now = Settlement {
        paid_minor,
        state: if is_paid { SettlementState::Paid } else { SettlementState::PartPaid },
        paid_on: is_paid.then_some(new.paid_on),
        ..row.clone()
    };
    store::set(w, &now)?;
    let to = row.provider_id.map_or(Creditor::Member, Creditor::Provider);
    let event = Event::SettlementPaid { to, from };
    let posting = Posting {
        settlement: Some(row.id),
        source: Some(id.uuid()),
        session,
        ..Posting::of(event, new.amount_minor, new.paid_on)
    };
    post(w, mutual, scope.currency(), order.id, scope.today(), &[posting])?;
    w.field("amount_minor", None, Some(json!(new.amount_minor)));
    w.mark(new.paid_on);
    tell(w, &row, &now, scope.today());
    Ok(())
}

fn tell(w: &mut Write, before: &Settlement, now: &Settlement, today: NaiveDate) {
    w.changed("settlement", now.id.uuid(), None, None);
    w.field("state", Some(json!(before.state)), Some(json!(now.state)));
    w.mark(today);
}

/// A facility contests a settlement: nothing is paid until it is taken up again.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn dispute(
    w: &mut Write,
    scope: &MutualScope,
    id: SettlementId,
    if_match: Option<&str>,
    reason: &str,
) -> Result<()> {
    let row = hold(w, scope.mutual(), id, if_match)?;
    must_be(&row, &[SettlementState::Approved, SettlementState::PartPaid])?;
    let now = Settlement { state: SettlementState::Disputed, reason: Some(reason.to_owned()), ..row.clone() };
    store::set(w, &now)?;
    w.field("reason", None, Some(json!(reason)));
    tell(w, &row, &now, scope.today());
    Ok(())
}

/// Takes a contested settlement up again: what is left of it is to be paid.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn resume(
    w: &mut Write,
    scope: &MutualScope,
    id: SettlementId,
    if_match: Option<&str>,
    reason: &str,
) -> Result<()> {
    let row = hold(w, scope.mutual(), id, if_match)?;
    must_be(&row, &[SettlementState::Disputed])?;
    let state = if row.paid_minor == 0 { SettlementState::Approved } else { SettlementState::PartPaid };
    let now = Settlement { state, reason: Some(reason.to_owned()), ..row.clone() };
    store::set(w, &now)?;
    w.field("reason", None, Some(json!(reason)));
    tell(w, &row, &now, scope.today());
    Ok(())
}

/// Gives a settlement up of which nothing was paid: its claims may be settled anew, its advance is there again.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn cancel(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: SettlementId,
    if_match: Option<&str>,
    reason: &str,
) -> Result<()> {
    let mutual = scope.mutual();
    let row = hold(w, mutual, id, if_match)?;
    must_be(&row, &[SettlementState::Approved, SettlementState::Disputed])?;
    if row.paid_minor > 0 {
        return Err(Problem::with(Code::WrongState, "a part of it was paid").into());
    }
    let items = store::list_items(w, mutual, id)?;
    let given = covered(&items, taken_off(&items) + row.advance_offset_minor);
    let claims: Vec<ClaimId> = items.iter().map(|item| item.claim_id).collect();
    if store::has_later(w, &row, &claims)? {
        return Err(Problem::with(Code::WrongState, "a later settlement stands on what this one settled").into());
    }
    let states = store::list_open_of(w, mutual, &claims)?;
    for (item, back) in items.iter().zip(given) {
        let state = states.iter().find(|open| open.id == item.claim_id).map(|open| open.state);
        let state = state.ok_or_else(|| Error::Fault("a settlement pays an unknown claim".into()))?;
        // What was recovered may have been decided anew since; its sum is given back all the same.
        let to = if state == ClaimState::Voided { ClaimState::Voided } else { ClaimState::Decided };
        if !store::settle(w, mutual, item.claim_id, -back, (state, to))? {
            return Err(Error::Again);
        }
    }
    let entry = Entry { mutual, currency: scope.currency(), command: order.id, posted_on: scope.today() };
    let originals = ledger::list_transfers_of_settlement(w, mutual, id)?;
    mirror(w, entry, &originals, order.id.uuid(), None, scope.today())?;
    let now = Settlement { state: SettlementState::Cancelled, reason: Some(reason.to_owned()), ..row.clone() };
    store::set(w, &now)?;
    w.field("reason", None, Some(json!(reason)));
    w.mark(row.approved_on);
    tell(w, &row, &now, scope.today());
    Ok(())
}

/// An advance, as it waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdvanceRequest {
    pub provider_id: ProviderId,
    pub amount_minor: i64,
    pub reference: Option<String>,
}

/// Asks for an advance to a facility.
///
/// # Errors
/// `not_found` naming the field, `amount_refused`, `amount_too_large`.
pub fn request_advance(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    asked: &AdvanceRequest,
) -> Result<()> {
    super::gathering::known_provider(w, owners, asked.provider_id)?;
    must_be_amount(asked.amount_minor)?;
    approvals::request(w, scope.mutual(), order, Kind::Advance, &json!(asked))?;
    w.names("provider", asked.provider_id.uuid());
    w.mark(scope.today());
    Ok(())
}

/// Pays an advance that was approved, from the bank.
///
/// # Errors
/// The database's.
pub fn execute_advance(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: AdvanceRequest = execution.request()?;
    let id: AdvanceId = Key::new(execution.id.uuid());
    let row = Advance {
        mutual_id: execution.mutual,
        id,
        provider_id: asked.provider_id,
        amount_minor: asked.amount_minor,
        currency: execution.currency.code().to_owned(),
        reference: asked.reference,
        paid_on: execution.today,
        recorded_by: Some(execution.requested_by),
        recorded_at: w.now(),
    };
    store::insert_advance(w, &row)?;
    let posting =
        Posting { source: Some(id.uuid()), ..Posting::of(Event::AdvancePaid, asked.amount_minor, execution.today) };
    post(w, execution.mutual, execution.currency, execution.command, execution.today, &[posting])?;
    w.changed("advance", id.uuid(), None, None);
    w.names("provider", asked.provider_id.uuid());
    w.field("amount_minor", None, Some(json!(asked.amount_minor)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(amounts: &[i64]) -> Vec<SettlementItem> {
        amounts
            .iter()
            .enumerate()
            .map(|(at, amount)| SettlementItem {
                mutual_id: MutualId::NIL,
                id: SettlementItemId::NIL,
                settlement_id: SettlementId::NIL,
                claim_id: Key::new(uuid::Uuid::from_u128(u128::try_from(at).unwrap() + 1)),
                amount_minor: *amount,
            })
            .collect()
    }

    #[test]
    fn money_pays_claims_in_order() {
        let three = items(&[100, -30, 50]);
        assert_eq!(taken_off(&three), 30);
        assert_eq!(covered(&three, 30), [30, -30, 0]);
        assert_eq!(covered(&three, 110), [100, -30, 10]);
        assert_eq!(covered(&three, 150), [100, -30, 50]);
    }

    proptest! {
        #[test]
        fn all_the_money_is_somewhere(amounts in prop::collection::vec(prop_oneof![-500_i64..0, 1_i64..2_000], 1..20), part in 0_i64..=100) {
            let items = items(&amounts);
            let owed: i64 = amounts.iter().filter(|amount| **amount > 0).sum();
            let funds = owed * part / 100;
            let paid = covered(&items, funds);
            prop_assert_eq!(paid.iter().filter(|amount| **amount > 0).sum::<i64>(), funds);
            for (item, paid) in items.iter().zip(&paid) {
                prop_assert!(item.amount_minor < 0 || (0..=item.amount_minor).contains(paid));
            }
        }
    }
}
