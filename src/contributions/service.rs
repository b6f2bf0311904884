//! Commands of money: issue dues, record payments. The caller holds the household's lock; what is read here is read under
//! it, and what follows (allocations, transfers, receipt) is written in the same transaction.
use super::model::*;
use super::rules::{self, Book, Event as BookEvent};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::{Event, Holding, Income};
use crate::ledger::service::{Posting, post};
use crate::money::Currency;
use crate::series::{self, SeriesKind};
use chrono::{Datelike, NaiveDate};
use serde_json::json;

/// Who pays what the household itself owes.
pub const HOUSEHOLD: &str = crate::products::rules::HOUSEHOLD;
/// The largest amount: every client counts exactly up to it.
pub const LARGEST_MINOR: i64 = (1 << 53) - 1;

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

/// Gives a new mutual its cash desk.
///
/// # Errors
/// The database's.
pub fn open_desk(w: &mut Write, mutual: MutualId) -> Result<()> {
    let row = CashDesk { mutual_id: mutual, id: w.new_id(), code: "C1".into(), name: "Cash desk".into(), version: 1 };
    Ok(store::insert_desk(w, &row)?)
}

/// The household's own dues and its payments, as allocation knows them.
///
/// # Errors
/// A fault where stored rows contradict each other.
pub fn load_book(w: &mut Write, locked: &Locked) -> Result<Book<uuid::Uuid>> {
    let dues = store::list_dues_of(w, locked.mutual, locked.household)?;
    let payments = store::list_payments_of(w, locked.mutual, locked.household)?;
    let allocations = store::list_allocations_of(w, locked.mutual, locked.household)?;
    let reversals = store::list_reversals_of(w, locked.mutual, locked.household)?;
    book_of(&dues, &payments, &allocations, &reversals)
}

/// As [`load_book`], from rows.
///
/// # Errors
/// A fault where the rows contradict each other.
pub fn book_of(
    dues: &[Due],
    payments: &[Payment],
    allocations: &[Allocation],
    reversals: &[Reversal],
) -> Result<Book<uuid::Uuid>> {
    let contradict =
        |error: rules::BookError| Error::Fault(format!("the household's money contradicts itself: {error}"));
    let mut book = Book::new();
    for due in dues.iter().filter(|due| due.payer == HOUSEHOLD) {
        let paid = allocations.iter().filter(|row| row.due_id == due.id).map(|row| row.amount_minor).sum();
        book.add_due(rules::Due {
            id: due.id.uuid(),
            kind: due.kind,
            due_on: due.due_on,
            amount: due.amount_minor,
            paid,
        })
        .map_err(contradict)?;
    }
    for payment in payments {
        let taken: Vec<(uuid::Uuid, i64)> = allocations
            .iter()
            .filter(|row| row.payment_id == payment.id && row.reversal_id.is_none())
            .map(|row| (row.due_id.uuid(), row.amount_minor))
            .collect();
        let reversed = reversals.iter().any(|reversal| reversal.payment_id == payment.id);
        let credit =
            if reversed { 0 } else { payment.amount_minor - taken.iter().map(|(_, amount)| amount).sum::<i64>() };
        book.add_payment(rules::Payment {
            id: payment.id.uuid(),
            received_on: payment.received_on,
            credit,
            reversed,
            allocations: taken,
        })
        .map_err(contradict)?;
    }
    Ok(book)
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
    let mut book = load_book(w, locked)?;
    store::insert_dues(w, &rows)?;
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
        let postings = write_allocations(w, locked, &made, None)?;
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
    let allocations = store::list_allocations_of(w, mutual, household)?;
    let paid = |id: DueId| allocations.iter().filter(|row| row.due_id == id).map(|row| row.amount_minor).sum::<i64>();
    if ids.iter().any(|id| paid(*id) != 0) {
        return Ok(false);
    }
    cancel_open(w, mutual, household, on, |due| ids.contains(&due.id))?;
    Ok(true)
}

/// Cancels what is open of some of a household's dues; what was paid of them stands.
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
    let allocations = store::list_allocations_of(w, mutual, household)?;
    let mut rows = Vec::new();
    for due in store::list_dues_of(w, mutual, household)?.iter().filter(|due| which(due)) {
        let paid: i64 = allocations.iter().filter(|row| row.due_id == due.id).map(|row| row.amount_minor).sum();
        if due.amount_minor > paid {
            w.mark(due.due_on);
            w.names("due", due.id.uuid());
            rows.push(DueCancellation {
                mutual_id: mutual,
                id: w.new_id(),
                due_id: due.id,
                household_id: household,
                amount_minor: due.amount_minor - paid,
                cancelled_on: on,
                recorded_at: w.now(),
            });
        }
    }
    Ok(store::insert_cancellations(w, &rows)?)
}

/// Writes what dues took and says how to post it: from the payment recorded now as income, from earlier ones as credit
/// used.
fn write_allocations(
    w: &mut Write,
    locked: &Locked,
    made: &[rules::Allocation<uuid::Uuid>],
    now_paid: Option<(PaymentId, NaiveDate, Holding)>,
) -> Result<Vec<Posting>> {
    let unknown = |what: &str| Error::Fault(format!("an allocation names an unknown {what}"));
    let dues = store::list_dues_of(w, locked.mutual, locked.household)?;
    let payments = store::list_payments_of(w, locked.mutual, locked.household)?;
    let mut rows = Vec::with_capacity(made.len());
    let mut postings = Vec::with_capacity(made.len());
    for (ordinal, part) in (0i32..).zip(made) {
        let due = dues.iter().find(|due| due.id.uuid() == part.due).ok_or_else(|| unknown("due"))?;
        let income = due.kind.income();
        let payment: PaymentId = Key::new(part.payment);
        let (event, counts_on, value_on) = match now_paid {
            Some((id, received_on, into)) if id == payment => {
                (Event::PaymentAllocated { into, income }, received_on, received_on)
            }
            _ => {
                let earlier = payments.iter().find(|row| row.id == payment).ok_or_else(|| unknown("payment"))?;
                (Event::CreditUsed { income }, earlier.received_on, locked.today)
            }
        };
        // A rate of collection is of the month of the due, which may lie before the payment.
        w.mark(due.due_on.min(counts_on));
        rows.push(Allocation {
            mutual_id: locked.mutual,
            id: w.new_id(),
            household_id: locked.household,
            payment_id: payment,
            reversal_id: None,
            due_id: due.id,
            amount_minor: part.amount,
            counts_on,
            revision: locked.revision,
            ordinal,
        });
        postings.push(Posting {
            event,
            amount_minor: part.amount,
            payment: Some(payment),
            due: Some(due.id),
            claim: None,
            settlement: None,
            value_on,
        });
    }
    store::insert_allocations(w, &rows)?;
    Ok(postings)
}

/// Who took the money, which says who gives the receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taker {
    /// A cash desk of the mutual.
    Desk(CashDeskId),
    /// A collector in the field: cash stays in his float until he remits it.
    Collector(UserId),
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
}

/// Records a payment: receipt, allocation by R9, transfers by the posting table.
///
/// # Errors
/// `amount_refused`, `future_date`, `not_found` for an unknown desk, `number_taken` for a label seen before.
pub fn pay(w: &mut Write, order: &Order, locked: &Locked, new: &NewPayment) -> Result<PaymentId> {
    if new.amount_minor <= 0 || new.amount_minor > LARGEST_MINOR {
        let detail = format!("from 1 to {LARGEST_MINOR} minor units");
        return Err(Problem::with(Code::AmountRefused, detail).at("/amount_minor").into());
    }
    if new.received_on > locked.today {
        return Err(Problem::of(Code::FutureDate).at("/received_on").into());
    }
    let id: PaymentId = Key::new(order.id.uuid());
    let into = match (new.method, new.taker) {
        (Method::Cash, Taker::Collector(user)) => Holding::Float(user),
        (Method::Cash, _) => Holding::Cash,
        (Method::Bank | Method::Payroll, _) => Holding::Bank,
        (Method::Mobile, _) => Holding::Mobile,
    };
    let mut book = load_book(w, locked)?;
    let made = book
        .apply(BookEvent::Payment { id: id.uuid(), received_on: new.received_on, amount: new.amount_minor })
        .map_err(|error| Error::Fault(format!("a payment cannot be allocated: {error}")))?;
    let receipt = give_receipt(w, locked, new)?;
    let row = Payment {
        mutual_id: locked.mutual,
        id,
        household_id: locked.household,
        cash_desk_id: match new.taker {
            Taker::Desk(desk) => Some(desk),
            Taker::Collector(_) | Taker::Imported => None,
        },
        receipt_id: receipt.id,
        method: new.method,
        amount_minor: new.amount_minor,
        currency: locked.currency.code().to_owned(),
        received_on: new.received_on,
        reference: new.reference.clone(),
        recorded_by: order.asker.user,
        posted_on: locked.today,
        recorded_at: w.now(),
    };
    store::insert_payment(w, &row)?;
    w.mark(new.received_on);
    let mut postings = write_allocations(w, locked, &made, Some((id, new.received_on, into)))?;
    let taken: i64 = made.iter().filter(|part| part.payment == id.uuid()).map(|part| part.amount).sum();
    let left = new.amount_minor - taken;
    if left > 0 {
        postings.push(Posting {
            event: Event::PaymentSurplus { into },
            amount_minor: left,
            payment: Some(id),
            due: None,
            claim: None,
            settlement: None,
            value_on: new.received_on,
        });
    }
    post(w, locked.mutual, locked.currency, locked.command, locked.today, &postings)?;
    w.names("payment", id.uuid());
    w.names("household", locked.household.uuid());
    w.field("amount_minor", None, Some(json!(new.amount_minor)));
    w.field("received_on", None, Some(json!(new.received_on)));
    w.field("receipt", None, Some(json!(receipt.label)));
    Ok(id)
}

/// Lets the receipts of the office's desk begin, for a year, where its receipt book ended.
///
/// # Errors
/// `wrong_state` where a receipt was given already.
pub fn begin_receipts(w: &mut Write, scope: &MutualScope, year: i32, first: i64) -> Result<()> {
    let desks = store::list_desks(w, scope.mutual())?;
    let desk = desks.first().ok_or_else(|| Error::Fault("the mutual has no desk".into()))?;
    let label = format!("{}-{year}", desk.code);
    if series::begin_at(w, scope.mutual(), SeriesKind::Receipt, desk.id, year, &label, first)? {
        return Ok(());
    }
    let detail = format!("receipts {label} were given already: a series has no gap");
    Err(Problem::with(Code::WrongState, detail).at("/first").into())
}

/// A receipt of the taker's series for the year in which the money came; another system's keeps its label alone.
fn give_receipt(w: &mut Write, locked: &Locked, new: &NewPayment) -> Result<Receipt> {
    let year = new.received_on.year();
    let (series, number, label) = match (new.taker, &new.label) {
        (Taker::Imported, Some(label)) => (None, None, label.clone()),
        (Taker::Imported, None) => return Err(Error::Fault("an imported payment has no receipt".into())),
        (Taker::Desk(desk), _) => {
            let desks = store::list_desks(w, locked.mutual)?;
            let found =
                desks.iter().find(|row| row.id == desk).ok_or(Problem::of(Code::NotFound).at("/cash_desk_id"))?;
            let label = format!("{}-{year}", found.code);
            let (series, number) = series::take(w, locked.mutual, SeriesKind::Receipt, desk, year, &label, 1)?;
            (Some(series), Some(number), format!("{label}-{number:06}"))
        }
        (Taker::Collector(user), _) => {
            let issuer: CashDeskId = Key::new(user.uuid());
            let (head, tail) = (user.to_string(), user.to_string());
            let name = format!("A{}{}", head.get(..8).unwrap_or(""), tail.get(32..).unwrap_or(""));
            let label = format!("{name}-{year}");
            let (series, number) = series::take(w, locked.mutual, SeriesKind::Receipt, issuer, year, &label, 1)?;
            (Some(series), Some(number), format!("{label}-{number:06}"))
        }
    };
    let row = Receipt {
        mutual_id: locked.mutual,
        id: w.new_id(),
        series_id: series,
        number,
        label,
        issued_on: new.received_on,
    };
    if !store::insert_receipt(w, &row)? {
        return Err(Problem::with(Code::NumberTaken, "this receipt was recorded before").at("/receipt_number").into());
    }
    Ok(row)
}
