//! A household's money as the rows say it: what it owes, what it paid, what took what. Everything that decides on money or
//! cover, and everything that shows it, begins here.
use super::model::*;
use super::rules::{self, Book, HOUSEHOLD};
use super::store;
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::*;
use chrono::NaiveDate;
use diesel::prelude::*;
use uuid::Uuid;

/// The rows of a household's money.
#[derive(Debug, Clone, Default)]
pub struct Position {
    /// As they were issued, by day and id.
    pub dues: Vec<Due>,
    /// What they are owed no more of.
    pub cancellations: Vec<DueCancellation>,
    /// By day and id.
    pub payments: Vec<Payment>,
    /// In order.
    pub allocations: Vec<Allocation>,
    pub reversals: Vec<Reversal>,
    /// What was given back of its credit.
    pub refunded: Vec<RefundPart>,
}

impl Position {
    /// Reads a household's rows; within a command under its lock.
    pub fn load(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Position> {
        Ok(Position {
            dues: store::list_dues_of(r, mutual, household)?,
            cancellations: store::list_cancellations_of(r, mutual, household)?,
            payments: store::list_payments_of(r, mutual, household)?,
            allocations: store::list_allocations_of(r, mutual, household)?,
            reversals: store::list_reversals_of(r, mutual, household)?,
            refunded: store::list_refund_parts_of(r, mutual, household)?,
        })
    }

    /// What was cancelled, waived or written off of a due.
    pub fn relieved(&self, due: DueId) -> i64 {
        self.cancellations.iter().filter(|row| row.due_id == due).map(|row| row.amount_minor).sum()
    }

    /// What cover still asks for of a due: for it, what was written off stays unpaid.
    pub fn unpaid(&self, due: &Due) -> i64 {
        let written_off = |row: &&DueCancellation| row.due_id == due.id && row.kind == CancellationKind::WrittenOff;
        let given_up: i64 = self.cancellations.iter().filter(written_off).map(|row| row.amount_minor).sum();
        self.owed(due) + given_up - self.paid(due.id)
    }

    /// What a due is owed of, paid or not.
    pub fn owed(&self, due: &Due) -> i64 {
        due.amount_minor - self.relieved(due.id)
    }

    /// What is paid of a due.
    pub fn paid(&self, due: DueId) -> i64 {
        self.allocations.iter().filter(|row| row.due_id == due).map(|row| row.amount_minor).sum()
    }

    /// What was paid of a due by a day, as allocations count.
    pub fn paid_by(&self, due: DueId, on: NaiveDate) -> i64 {
        let counts = |row: &&Allocation| row.due_id == due && row.counts_on <= on;
        self.allocations.iter().filter(counts).map(|row| row.amount_minor).sum()
    }

    /// True where a payment was reversed.
    pub fn is_reversed(&self, payment: PaymentId) -> bool {
        self.reversals.iter().any(|row| row.payment_id == payment)
    }

    /// What no due has taken of a payment, and what was not given back.
    pub fn credit(&self, payment: &Payment) -> i64 {
        if self.is_reversed(payment.id) {
            return 0;
        }
        let taken: i64 =
            self.allocations.iter().filter(|row| row.payment_id == payment.id).map(|row| row.amount_minor).sum();
        let back: i64 =
            self.refunded.iter().filter(|row| row.payment_id == payment.id).map(|row| row.amount_minor).sum();
        payment.amount_minor - taken - back
    }

    /// The household's own dues and its payments, as allocation knows them.
    ///
    /// # Errors
    /// A fault where the rows contradict each other.
    pub fn book(&self) -> Result<Book<Uuid>> {
        let contradict =
            |error: rules::BookError| Error::Fault(format!("the household's money contradicts itself: {error}"));
        let mut book = Book::new();
        for due in self.dues.iter().filter(|due| due.payer == HOUSEHOLD) {
            book.add_due(rules::Due {
                id: due.id.uuid(),
                kind: due.kind,
                due_on: due.due_on,
                amount: self.owed(due),
                paid: self.paid(due.id),
            })
            .map_err(contradict)?;
        }
        for payment in &self.payments {
            let taken = self.allocations.iter().filter(|row| row.payment_id == payment.id && row.reversal_id.is_none());
            book.add_payment(rules::Payment {
                id: payment.id.uuid(),
                received_on: payment.received_on,
                credit: self.credit(payment),
                reversed: self.is_reversed(payment.id),
                allocations: taken.map(|row| (row.due_id.uuid(), row.amount_minor)).collect(),
            })
            .map_err(contradict)?;
        }
        Ok(book)
    }
}
