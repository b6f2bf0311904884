//! Money taken back: the reversal of a payment (R10) and the refund of a household's credit. Each is asked for, and done in
//! the transaction of the second person who approves it.
use super::model::*;
use super::position::Position;
use super::receipts::{self, Issuer};
use super::rules::Event as BookEvent;
use super::service::{Locked, Now, must_be_amount, till_of, write_allocations};
use super::{desks, store};
use crate::access::approvals::{self, Kind};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Execution, Order};
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::ledger::rules::{Event, Holding};
use crate::ledger::service::{Entry, Posting, mirror, post};
use crate::ledger::store as ledger;
use crate::money;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A reversal, as it waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReversalRequest {
    /// Which payment.
    pub payment_id: PaymentId,
    /// Whose it is, for who decides.
    pub household_id: HouseholdId,
    /// Its amount.
    pub amount_minor: i64,
    /// Why.
    pub reason: String,
}

/// Asks for the reversal of a payment.
///
/// # Errors
/// `not_found`, `already_reversed`, `reversal_of_reversal`, `payment_refunded`.
pub fn request_reversal(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    payment: PaymentId,
    reason: &str,
) -> Result<()> {
    let mutual = scope.mutual();
    if let Some((row, _)) = store::find_payment(w, scope, payment)? {
        let position = Position::load(w, mutual, row.household_id)?;
        must_be_reversible(&position, payment)?;
        let asked = ReversalRequest {
            payment_id: payment,
            household_id: row.household_id,
            amount_minor: row.amount_minor,
            reason: reason.to_owned(),
        };
        approvals::request(w, mutual, order, Kind::Reversal, &json!(asked))?;
        w.names("payment", payment.uuid());
        w.mark(scope.today());
        return Ok(());
    }
    // A counter-receipt has its own number, and somebody may take it for a payment.
    match store::find_reversal(w, mutual, Key::new(payment.uuid()))? {
        Some(row) if store::find_payment(w, scope, row.payment_id)?.is_some() => Err(Code::ReversalOfReversal.into()),
        _ => Err(Code::NotFound.into()),
    }
}

fn must_be_reversible(position: &Position, payment: PaymentId) -> Result<()> {
    if position.is_reversed(payment) {
        return Err(Code::AlreadyReversed.into());
    }
    if position.refunded.iter().any(|part| part.payment_id == payment) {
        return Err(Code::PaymentRefunded.into());
    }
    Ok(())
}

/// Locks the household of what was approved.
fn lock(w: &mut Write, execution: &Execution, household: HouseholdId) -> Result<Locked> {
    let revision = households::lock(w, execution.mutual, household)?
        .ok_or_else(|| Error::Fault("a request names an unknown household".into()))?;
    Ok(Locked {
        mutual: execution.mutual,
        household,
        revision,
        currency: execution.currency,
        today: execution.today,
        command: execution.command,
    })
}

/// Tells devices, figures and the audit of a household's money that changed.
pub(super) fn told(w: &mut Write, locked: &Locked, kind: &'static str, id: uuid::Uuid) -> Result<()> {
    let section = households::section_of(w, locked.mutual, locked.household)?;
    w.changed(kind, id, section, section);
    w.names("household", locked.household.uuid());
    w.touch(locked.household);
    w.mark(locked.today);
    Ok(())
}

/// Reverses a payment: a counter-receipt, a counter-allocation for each of its allocations, the mirror of its transfers;
/// then the credit of other payments fills what is open again.
///
/// # Errors
/// `already_reversed`, `payment_refunded` where that happened since it was asked for.
pub fn reverse(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: ReversalRequest = execution.request()?;
    let locked = lock(w, execution, asked.household_id)?;
    let mut position = Position::load(w, locked.mutual, locked.household)?;
    must_be_reversible(&position, asked.payment_id)?;
    let payment = position.payments.iter().find(|row| row.id == asked.payment_id).cloned();
    let payment = payment.ok_or_else(|| Error::Fault("a request names an unknown payment".into()))?;
    let (_, session) = till_of(w, &locked, &payment)?;
    let id: ReversalId = Key::new(execution.id.uuid());
    let mut book = position.book()?;
    let made = book
        .apply(BookEvent::Reversal { id: id.uuid(), payment: payment.id.uuid() })
        .map_err(|error| Error::Fault(format!("a payment cannot be reversed: {error}")))?;
    let first = desks::first(w, locked.mutual)?.id;
    let receipt = receipts::give(w, locked.mutual, &Issuer::of(&payment, first), locked.today)?;
    let row = Reversal {
        mutual_id: locked.mutual,
        id,
        payment_id: payment.id,
        household_id: locked.household,
        receipt_id: receipt.id,
        reason: asked.reason,
        reversed_on: locked.today,
        recorded_by: Some(execution.requested_by),
        recorded_at: w.now(),
    };
    store::insert_reversal(w, &row)?;
    position.reversals.push(row);
    let postings = write_allocations(w, &locked, &position, &made, Some(Now::Reversal(id, payment.id)))?;
    let entry =
        Entry { mutual: locked.mutual, currency: locked.currency, command: locked.command, posted_on: locked.today };
    let originals = ledger::list_transfers_of_payment(w, locked.mutual, payment.id)?;
    mirror(w, entry, &originals, id.uuid(), session, locked.today)?;
    post(w, locked.mutual, locked.currency, locked.command, locked.today, &postings)?;
    w.mark(payment.received_on);
    w.names("payment", payment.id.uuid());
    w.field("receipt", None, Some(json!(receipt.label)));
    told(w, &locked, "reversal", id.uuid())
}

/// A refund, as it waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefundRequest {
    /// To whom.
    pub household_id: HouseholdId,
    /// How much.
    pub amount_minor: i64,
    /// How it is paid.
    pub method: Method,
    /// From which desk, where it is paid in cash.
    pub cash_desk_id: Option<CashDeskId>,
    /// Why.
    pub reason: String,
}

/// Asks for the refund of a household's credit, or of a part of it.
///
/// # Errors
/// `amount_refused`, `amount_too_large`, `refund_above_credit`, `not_found`.
pub fn request_refund(w: &mut Write, scope: &MutualScope, order: &Order, asked: &RefundRequest) -> Result<()> {
    must_be_amount(asked.amount_minor)?;
    let household = households::find(w, scope, asked.household_id)?;
    household.ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
    let position = Position::load(w, scope.mutual(), asked.household_id)?;
    taken(&position, asked.amount_minor)?;
    if let Some(desk) = asked.cash_desk_id {
        store::find_desk(w, scope.mutual(), desk)?.ok_or(Problem::of(Code::NotFound).at("/cash_desk_id"))?;
    }
    approvals::request(w, scope.mutual(), order, Kind::Refund, &json!(asked))?;
    w.names("household", asked.household_id.uuid());
    w.mark(scope.today());
    Ok(())
}

/// From which payments a refund is taken: the oldest first.
fn taken(position: &Position, amount_minor: i64) -> Result<Vec<(PaymentId, i64)>> {
    let mut left = amount_minor;
    let mut parts = Vec::new();
    for payment in &position.payments {
        let part = position.credit(payment).min(left);
        if part > 0 {
            left -= part;
            parts.push((payment.id, part));
        }
    }
    if left == 0 {
        return Ok(parts);
    }
    let credit = money::sum(position.payments.iter().map(|payment| position.credit(payment))).unwrap_or(i64::MAX);
    let detail = format!("the household's credit is {credit} minor units");
    Err(Problem::with(Code::RefundAboveCredit, detail).at("/amount_minor").into())
}

/// Gives a credit back, with a counter-receipt.
///
/// # Errors
/// `refund_above_credit`, `not_enough_cash` as it is now.
pub fn refund(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: RefundRequest = execution.request()?;
    let locked = lock(w, execution, asked.household_id)?;
    let position = Position::load(w, locked.mutual, locked.household)?;
    let parts = taken(&position, asked.amount_minor)?;
    let mut session = None;
    let first = desks::first(w, locked.mutual)?.id;
    let desk = asked.cash_desk_id.unwrap_or(first);
    let from = match asked.method {
        Method::Cash => {
            let till = desks::hold(w, locked.mutual, desk, locked.today)?;
            desks::must_have(w, locked.mutual, &till, asked.amount_minor)?;
            session = Some(till.session.id);
            till.holding()
        }
        Method::Bank | Method::Payroll => Holding::Bank,
        Method::Mobile => Holding::Mobile,
    };
    let receipt = receipts::give(w, locked.mutual, &Issuer::Desk(desk), locked.today)?;
    let id: RefundId = Key::new(execution.id.uuid());
    let row = Refund {
        mutual_id: locked.mutual,
        id,
        household_id: locked.household,
        receipt_id: receipt.id,
        method: asked.method,
        cash_desk_id: (asked.method == Method::Cash).then_some(desk),
        amount_minor: asked.amount_minor,
        currency: locked.currency.code().to_owned(),
        reason: asked.reason,
        refunded_on: locked.today,
        recorded_by: Some(execution.requested_by),
        recorded_at: w.now(),
    };
    let mut rows = Vec::with_capacity(parts.len());
    let mut postings = Vec::with_capacity(parts.len());
    for (payment, amount_minor) in parts {
        rows.push(RefundPart {
            mutual_id: locked.mutual,
            id: w.new_id(),
            refund_id: id,
            household_id: locked.household,
            payment_id: payment,
            amount_minor,
        });
        postings.push(Posting {
            payment: Some(payment),
            source: Some(id.uuid()),
            session,
            ..Posting::of(Event::Refunded { from }, amount_minor, locked.today)
        });
    }
    store::insert_refund(w, &row, &rows)?;
    post(w, locked.mutual, locked.currency, locked.command, locked.today, &postings)?;
    w.field("receipt", None, Some(json!(receipt.label)));
    told(w, &locked, "refund", id.uuid())
}
