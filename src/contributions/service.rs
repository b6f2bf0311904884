//! Commands of money: issue dues, record payments. The caller holds the household's lock; what is read here is read under
//! it, and what follows (allocations, transfers, receipt) is written in the same transaction.
use super::model::*;
use super::position::Position;
use super::receipts::{self, Issuer};
use super::rules::{self, Event as BookEvent};
use super::{desks, store};
use crate::audit::frame::Order;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::{Event, Holding, Income};
use crate::ledger::service::{Posting, post};
use crate::money::Currency;
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

pub use super::rules::{HOUSEHOLD, LARGEST_MINOR};

/// A household that this command holds locked, and what every row of money needs.
#[derive(Debug, Clone, Copy)]
pub struct Locked {
    /// The mutual.
    pub mutual: MutualId,
    /// The household.
    pub household: HouseholdId,
    /// Its revision under this lock.
    pub revision: i64,
    /// The mutual's currency.
    pub currency: Currency,
    /// The business date.
    pub today: NaiveDate,
    /// The command.
    pub command: CommandId,
}

impl DueKind {
    /// The income that a kind of due is.
    pub const fn income(self) -> Income {
        match self {
            DueKind::Registration => Income::Fees,
            DueKind::Contribution => Income::Contributions,
            DueKind::Other => Income::Other,
        }
    }
}

/// A due to be issued.
#[derive(Debug, Clone)]
pub struct NewDue {
    /// For what.
    pub enrolment: EnrolmentId,
    /// Kind.
    pub kind: DueKind,
    /// Payer.
    pub payer: String,
    /// When.
    pub due_on: NaiveDate,
    /// How much; none of 0 is issued.
    pub amount_minor: i64,
}

/// Issues dues of the household's enrolments, once per command; what its payments had left fills them at once (R9).
///
/// # Errors
/// The database's.
pub fn issue(w: &mut Write, locked: &Locked, new: &[NewDue]) -> Result<()> {
    let rows: Vec<Due> = new
        .iter()
        .filter(|due| due.amount_minor > 0)
        .map(|due| Due {
            mutual_id: locked.mutual,
            id: w.new_id(),
            household_id: locked.household,
            enrolment_id: due.enrolment,
            kind: due.kind,
            payer: due.payer.clone(),
            due_on: due.due_on,
            amount_minor: due.amount_minor,
            currency: locked.currency.code().to_owned(),
            issued_on: locked.today,
            recorded_at: w.now(),
        })
        .collect();
    let mut position = Position::load(w, locked.mutual, locked.household)?;
    let mut book = position.book()?;
    store::insert_dues(w, &rows)?;
    position.dues.extend(rows.iter().cloned());
    let own: Vec<&Due> = rows.iter().filter(|due| due.payer == HOUSEHOLD).collect();
    let of_rules = |due: &Due| rules::Due {
        id: due.id.uuid(),
        kind: due.kind,
        due_on: due.due_on,
        amount: due.amount_minor,
        paid: 0,
    };
    let refused = |error: rules::BookError| Error::Fault(format!("a due cannot be issued: {error}"));
    // All are there before credit is looked at, so that it goes to the earliest and not to the first named.
    if let Some((last, before)) = own.split_last() {
        for due in before {
            book.add_due(of_rules(due)).map_err(refused)?;
        }
        let made = book.apply(BookEvent::DueIssued(of_rules(last))).map_err(refused)?;
        let postings = write_allocations(w, locked, &position, &made, None)?;
        post(w, locked.mutual, locked.currency, locked.command, locked.today, &postings)?;
    }
    for due in &rows {
        w.names("due", due.id.uuid());
        w.mark(due.due_on);
    }
    Ok(())
}

/// Cancels dues that nothing has been paid of, and nothing where one has been: gives false then.
///
/// # Errors
/// The database's.
pub fn cancel_unpaid(
    w: &mut Write,
    mutual: MutualId,
    household: HouseholdId,
    ids: &[DueId],
    on: NaiveDate,
) -> Result<bool> {
    let position = Position::load(w, mutual, household)?;
    if ids.iter().any(|id| position.paid(*id) != 0) {
        return Ok(false);
    }
    if !invoiced(w, mutual, &position, |due| ids.contains(&due.id))?.is_empty() {
        return Ok(false);
    }
    cancel_open(w, mutual, household, on, |due| ids.contains(&due.id))?;
    Ok(true)
}

/// Which of these dues another payer has been sent an invoice with; none more is sent until the command ends.
fn invoiced(w: &mut Write, mutual: MutualId, position: &Position, which: impl Fn(&Due) -> bool) -> Result<Vec<DueId>> {
    let of_others = position.dues.iter().filter(|due| due.payer != HOUSEHOLD && which(due));
    let ids: Vec<DueId> = of_others.map(|due| due.id).collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    store::lock_invoicing(w, mutual)?;
    Ok(store::list_invoiced(w, mutual, &ids)?)
}

/// Cancels what is open of some of a household's dues; what was paid of them stands, and so does what its payer was invoiced.
///
/// # Errors
/// The database's.
pub fn cancel_open(
    w: &mut Write,
    mutual: MutualId,
    household: HouseholdId,
    on: NaiveDate,
    which: impl Fn(&Due) -> bool,
) -> Result<()> {
    let position = Position::load(w, mutual, household)?;
    let sent = invoiced(w, mutual, &position, &which)?;
    let mut rows = Vec::new();
    for due in position.dues.iter().filter(|due| which(due)) {
        let open = position.owed(due) - position.paid(due.id);
        if open > 0 && !sent.contains(&due.id) {
            w.mark(due.due_on);
            w.names("due", due.id.uuid());
            rows.push(DueCancellation {
                mutual_id: mutual,
                id: w.new_id(),
                due_id: due.id,
                household_id: household,
                amount_minor: open,
                cancelled_on: on,
                recorded_at: w.now(),
                kind: CancellationKind::Cancelled,
                reason: None,
                payer_due_id: None,
            });
        }
    }
    Ok(store::insert_cancellations(w, &rows)?)
}

/// The event to which allocations belong, beside credits that fill what it opened.
#[derive(Debug, Clone, Copy)]
pub(super) enum Now {
    /// A payment, with the day on which it was received, where it went, and the session of the desk.
    Payment(PaymentId, NaiveDate, Holding, Option<CashSessionId>),
    /// A reversal of a payment.
    Reversal(ReversalId, PaymentId),
}

/// Writes what dues took and says how to post it: from the payment recorded now as income, from earlier ones as credit
/// used. What a reversal takes back is posted as the mirror of the payment, not here.
pub(super) fn write_allocations(
    w: &mut Write,
    locked: &Locked,
    position: &Position,
    made: &[rules::Allocation<Uuid>],
    now: Option<Now>,
) -> Result<Vec<Posting>> {
    let unknown = |what: &str| Error::Fault(format!("an allocation names an unknown {what}"));
    let mut rows = Vec::with_capacity(made.len());
    let mut postings = Vec::with_capacity(made.len());
    for (ordinal, part) in (0i32..).zip(made) {
        let due = position.dues.iter().find(|due| due.id.uuid() == part.due).ok_or_else(|| unknown("due"))?;
        let income = due.kind.income();
        let payment: PaymentId = Key::new(part.payment);
        let mut row = Allocation {
            mutual_id: locked.mutual,
            id: w.new_id(),
            household_id: locked.household,
            payment_id: payment,
            reversal_id: None,
            due_id: due.id,
            amount_minor: part.amount,
            counts_on: locked.today,
            revision: locked.revision,
            ordinal,
        };
        let posting = match now {
            Some(Now::Reversal(id, of)) if id.uuid() == part.payment => {
                row.payment_id = of;
                row.reversal_id = Some(id);
                None
            }
            Some(Now::Payment(id, received_on, into, session)) if id == payment => {
                row.counts_on = received_on;
                let event = Event::PaymentAllocated { into, income };
                Some(Posting { session, ..Posting::of(event, part.amount, received_on) })
            }
            _ => {
                let earlier = position.payments.iter().find(|row| row.id == payment);
                row.counts_on = earlier.ok_or_else(|| unknown("payment"))?.received_on;
                Some(Posting::of(Event::CreditUsed { income }, part.amount, locked.today))
            }
        };
        // A rate of collection is of the month of the due, which may lie before the payment.
        w.mark(due.due_on.min(row.counts_on));
        postings.extend(posting.map(|posting| Posting { payment: Some(payment), due: Some(due.id), ..posting }));
        rows.push(row);
    }
    store::insert_allocations(w, &rows)?;
    Ok(postings)
}

/// Who took the money, which says who gives the receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taker {
    /// A cash desk of the mutual.
    Desk(CashDeskId),
    /// A collector in the field: cash stays in his float until he remits it.
    Collector(UserId),
    /// A collector with his device, which gave the receipt: its code and the number there.
    Device(UserId, DeviceId, String, i64),
    /// Another system, before this one.
    Imported,
}

/// Money received.
#[derive(Debug, Clone)]
pub struct NewPayment {
    /// Above zero.
    pub amount_minor: i64,
    /// How it came.
    pub method: Method,
    /// When.
    pub received_on: NaiveDate,
    /// The payer's or the bank's reference.
    pub reference: Option<String>,
    /// Who took it.
    pub taker: Taker,
    /// The receipt's label of another system; needed where the taker is `Imported`, refused elsewhere.
    pub label: Option<String>,
    /// The operator's payment or the collection of a group that it is part of.
    pub source: Option<SourceId>,
    /// It had come before anybody knew for whom.
    pub was_unallocated: bool,
}

/// Refuses what is no amount, or beyond what can be counted.
///
/// # Errors
/// `amount_refused`, `amount_too_large`, both naming `amount_minor`.
pub fn must_be_amount(amount_minor: i64) -> Result<()> {
    must_be_at_least(1, amount_minor, "/amount_minor")
}

/// Refuses an amount below a smallest one, or beyond what can be counted.
///
/// # Errors
/// `amount_refused`, `amount_too_large`, both naming the field.
pub fn must_be_at_least(least: i64, amount_minor: i64, pointer: &str) -> Result<()> {
    let code = match refused_amount(least, amount_minor) {
        None => return Ok(()),
        Some(code) => code,
    };
    Err(Problem::with(code, format!("from {least} to {LARGEST_MINOR} minor units")).at(pointer).into())
}

/// Why an amount cannot be.
pub fn refused_amount(least: i64, amount_minor: i64) -> Option<Code> {
    match amount_minor {
        low if low < least => Some(Code::AmountRefused),
        high if high > LARGEST_MINOR => Some(Code::AmountTooLarge),
        _ => None,
    }
}

/// Records a payment under an id of its own: receipt, allocation by R9, transfers by the posting table.
///
/// # Errors
/// `amount_refused`, `amount_too_large`, `future_date`, `not_found` for an unknown desk, `number_taken` for a label seen
/// before.
pub fn pay(w: &mut Write, order: &Order, locked: &Locked, id: PaymentId, new: &NewPayment) -> Result<PaymentId> {
    must_be_amount(new.amount_minor)?;
    if new.received_on > locked.today {
        return Err(Problem::of(Code::FutureDate).at("/received_on").into());
    }
    let mut row = Payment {
        mutual_id: locked.mutual,
        id,
        household_id: locked.household,
        cash_desk_id: match new.taker {
            Taker::Desk(desk) => Some(desk),
            Taker::Collector(_) | Taker::Device(..) | Taker::Imported => None,
        },
        receipt_id: ReceiptId::NIL,
        method: new.method,
        amount_minor: new.amount_minor,
        currency: locked.currency.code().to_owned(),
        received_on: new.received_on,
        reference: new.reference.clone(),
        recorded_by: order.asker.user,
        posted_on: locked.today,
        recorded_at: w.now(),
        collector_id: match (new.method, &new.taker) {
            (Method::Cash, Taker::Collector(user) | Taker::Device(user, ..)) => Some(*user),
            _ => None,
        },
        source_id: new.source,
        was_unallocated: new.was_unallocated,
    };
    let (into, session) = till_of(w, locked, &row)?;
    let mut position = Position::load(w, locked.mutual, locked.household)?;
    let mut book = position.book()?;
    let made = book
        .apply(BookEvent::Payment { id: id.uuid(), received_on: new.received_on, amount: new.amount_minor })
        .map_err(|error| Error::Fault(format!("a payment cannot be allocated: {error}")))?;
    let issuer = match (&new.taker, &new.label) {
        (Taker::Desk(desk), _) => Issuer::Desk(*desk),
        (Taker::Collector(user), _) => Issuer::Collector(*user),
        (Taker::Device(_, device, code, number), _) => Issuer::Device(*device, code.clone(), *number),
        (Taker::Imported, Some(label)) => Issuer::Other(label.clone()),
        (Taker::Imported, None) => return Err(Error::Fault("an imported payment has no receipt".into())),
    };
    let receipt = receipts::give(w, locked.mutual, &issuer, new.received_on)?;
    row.receipt_id = receipt.id;
    store::insert_payment(w, &row)?;
    position.payments.push(row);
    w.mark(new.received_on);
    let now = Now::Payment(id, new.received_on, into, session);
    let mut postings = write_allocations(w, locked, &position, &made, Some(now))?;
    let taken: i64 = made.iter().filter(|part| part.payment == id.uuid()).map(|part| part.amount).sum();
    let left = new.amount_minor - taken;
    if left > 0 {
        let event = Event::PaymentSurplus { into };
        postings.push(Posting { payment: Some(id), session, ..Posting::of(event, left, new.received_on) });
    }
    post(w, locked.mutual, locked.currency, locked.command, locked.today, &postings)?;
    w.names("payment", id.uuid());
    w.names("household", locked.household.uuid());
    w.field("amount_minor", None, Some(json!(new.amount_minor)));
    w.field("received_on", None, Some(json!(new.received_on)));
    w.field("receipt", None, Some(json!(receipt.label)));
    Ok(id)
}

/// Where a payment goes, or went; a desk through which its cash goes is held.
pub(super) fn till_of(w: &mut Write, locked: &Locked, row: &Payment) -> Result<(Holding, Option<CashSessionId>)> {
    let desk = match (row.cash_desk_id, row.holding(Holding::Desk)) {
        (Some(desk), Holding::Desk(_)) => desk,
        (None, Holding::Cash) => desks::first(w, locked.mutual)?.id,
        (_, holding) => return Ok((holding, None)),
    };
    let till = desks::hold(w, locked.mutual, desk, locked.today)?;
    Ok((till.holding(), Some(till.session.id)))
}
