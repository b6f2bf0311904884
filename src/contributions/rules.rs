//! Which payment pays which due: allocation, credit and reversal (R9, R10).

use std::collections::BTreeMap;

use crate::money::{self, Overflow};
use chrono::NaiveDate;

pub use crate::products::rules::DueKind;

/// Who pays what the household itself owes.
pub const HOUSEHOLD: &str = crate::products::rules::HOUSEHOLD;
/// The largest amount: every client counts exactly up to it.
pub const LARGEST_MINOR: i64 = (1 << 53) - 1;

/// A due and what was paid for it so far. Ids are ordered as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due<Id> {
    pub id: Id,
    pub kind: DueKind,
    pub due_on: NaiveDate,
    pub amount: i64,
    pub paid: i64,
}

impl<Id> Due<Id> {
    /// What is left to pay, never below 0.
    pub fn outstanding(&self) -> i64 {
        self.amount.saturating_sub(self.paid).max(0)
    }
}

/// A payment as far as allocation knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment<Id> {
    pub id: Id,
    pub received_on: NaiveDate,
    /// What no due has taken yet.
    pub credit: i64,
    pub reversed: bool,
    /// What dues took from it, in order, as (due, amount). Only a reversal reads it.
    pub allocations: Vec<(Id, i64)>,
}

/// One row of money on a due: of a payment, positive, or of a reversal, negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation<Id> {
    /// The payment, or the reversal for a counter-allocation.
    pub payment: Id,
    pub due: Id,
    pub amount: i64,
}

/// What happens to a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<Id> {
    Payment { id: Id, received_on: NaiveDate, amount: i64 },
    Reversal { id: Id, payment: Id },
    DueIssued(Due<Id>),
}

/// Why an event is refused. The book is then unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    #[error("an amount is negative, or more is paid than due")]
    InvalidAmount,
    #[error("the id is already in the book")]
    DuplicateId,
    #[error("the payment is not in the book")]
    UnknownPayment,
    #[error("the payment is already reversed")]
    AlreadyReversed,
    #[error("an allocation names a due that is not in the book")]
    UnknownDue,
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// The dues and payments of one account. A store fills it with what the event can touch: every due of the account that
/// is open, the payments that have credit, and for a reversal the payment with its allocations and their dues.
#[derive(Clone, Debug)]
pub struct Book<Id> {
    dues: BTreeMap<Id, Due<Id>>,
    payments: BTreeMap<Id, Payment<Id>>,
}

impl<Id> Default for Book<Id> {
    fn default() -> Self {
        Self { dues: BTreeMap::new(), payments: BTreeMap::new() }
    }
}

impl<Id: Clone + Ord> Book<Id> {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a stored due into the book, without allocating anything.
    pub fn add_due(&mut self, due: Due<Id>) -> Result<(), BookError> {
        if due.amount < 0 || due.paid < 0 || due.paid > due.amount {
            return Err(BookError::InvalidAmount);
        }
        if self.dues.contains_key(&due.id) {
            return Err(BookError::DuplicateId);
        }
        self.dues.insert(due.id.clone(), due);
        Ok(())
    }

    /// Puts a stored payment into the book, without allocating anything.
    pub fn add_payment(&mut self, payment: Payment<Id>) -> Result<(), BookError> {
        if payment.credit < 0 {
            return Err(BookError::InvalidAmount);
        }
        if self.payments.contains_key(&payment.id) {
            return Err(BookError::DuplicateId);
        }
        self.payments.insert(payment.id.clone(), payment);
        Ok(())
    }

    /// The dues, by id.
    pub fn dues(&self) -> impl Iterator<Item = &Due<Id>> {
        self.dues.values()
    }

    /// The payments, by id.
    pub fn payments(&self) -> impl Iterator<Item = &Payment<Id>> {
        self.payments.values()
    }

    /// The credit of all payments together.
    pub fn credit(&self) -> Result<i64, Overflow> {
        money::sum(self.payments().map(|payment| payment.credit))
    }

    /// Applies one event and gives the allocations that it makes, in order.
    pub fn apply(&mut self, event: Event<Id>) -> Result<Vec<Allocation<Id>>, BookError> {
        let mut made = match event {
            Event::Payment { id, received_on, amount } => {
                self.add_payment(Payment {
                    id,
                    received_on,
                    credit: amount,
                    reversed: false,
                    allocations: Vec::new(),
                })?;
                Vec::new()
            }
            Event::Reversal { id, payment } => self.reverse(&id, &payment)?,
            Event::DueIssued(due) => {
                self.add_due(due)?;
                Vec::new()
            }
        };
        made.extend(self.fill());
        Ok(made)
    }

    /// R10: a counter-allocation for each allocation of the payment, in order, and its credit is gone.
    fn reverse(&mut self, reversal: &Id, payment: &Id) -> Result<Vec<Allocation<Id>>, BookError> {
        let reversed = self.payments.get_mut(payment).ok_or(BookError::UnknownPayment)?;
        if reversed.reversed {
            return Err(BookError::AlreadyReversed);
        }
        let taken = reversed.allocations.iter();
        if !taken.clone().all(|(due, _)| self.dues.contains_key(due)) {
            return Err(BookError::UnknownDue);
        }
        let mut made = Vec::with_capacity(reversed.allocations.len());
        for (due, amount) in taken {
            if let Some(due) = self.dues.get_mut(due) {
                due.paid = due.paid.saturating_sub(*amount);
            }
            made.push(Allocation { payment: reversal.clone(), due: due.clone(), amount: amount.saturating_neg() });
        }
        reversed.reversed = true;
        reversed.credit = 0;
        Ok(made)
    }

    /// R9: credits fill open dues, oldest payment first, until no credit stands beside an open due.
    fn fill(&mut self) -> Vec<Allocation<Id>> {
        let mut payments: Vec<&mut Payment<Id>> =
            self.payments.values_mut().filter(|payment| payment.credit > 0).collect();
        payments.sort_by(|a, b| (a.received_on, &a.id).cmp(&(b.received_on, &b.id)));
        let mut open: Vec<&mut Due<Id>> = self.dues.values_mut().filter(|due| due.outstanding() > 0).collect();
        open.sort_by(|a, b| (a.due_on, a.kind, &a.id).cmp(&(b.due_on, b.kind, &b.id)));

        let mut made = Vec::new();
        for payment in payments {
            for due in &mut open {
                let amount = due.outstanding().min(payment.credit);
                if amount == 0 {
                    continue;
                }
                due.paid += amount;
                payment.credit -= amount;
                payment.allocations.push((due.id.clone(), amount));
                made.push(Allocation { payment: payment.id.clone(), due: due.id.clone(), amount });
            }
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(offset: i64) -> NaiveDate {
        crate::dates::add_days("2026-01-01".parse().unwrap(), offset).unwrap()
    }

    fn due(id: u8, kind: DueKind, due_on: i64, amount: i64) -> Event<u8> {
        Event::DueIssued(Due { id, kind, due_on: day(due_on), amount, paid: 0 })
    }

    fn payment(id: u8, received_on: i64, amount: i64) -> Event<u8> {
        Event::Payment { id, received_on: day(received_on), amount }
    }

    fn apply_all(book: &mut Book<u8>, events: Vec<Event<u8>>) -> Vec<(u8, u8, i64)> {
        let mut made = Vec::new();
        for event in events {
            made.extend(book.apply(event).unwrap());
        }
        made.into_iter().map(|row| (row.payment, row.due, row.amount)).collect()
    }

    #[test]
    fn the_oldest_due_and_the_fee_come_first() {
        let mut book = Book::new();
        let made = apply_all(
            &mut book,
            vec![
                due(1, DueKind::Contribution, 0, 2000),
                due(2, DueKind::Contribution, 31, 2000),
                due(9, DueKind::Registration, 0, 1000),
                payment(50, 70, 3500),
            ],
        );
        assert_eq!(made, [(50, 9, 1000), (50, 1, 2000), (50, 2, 500)]);
    }

    #[test]
    fn credit_fills_a_new_due_under_the_first_payment() {
        let mut book = Book::new();
        let made = apply_all(
            &mut book,
            vec![payment(51, 5, 100), payment(50, 5, 100), payment(52, 1, 100), due(1, DueKind::Other, 40, 250)],
        );
        assert_eq!(made, [(52, 1, 100), (50, 1, 100), (51, 1, 50)]);
        assert_eq!(book.credit(), Ok(50));
    }

    #[test]
    fn a_reversal_takes_back_also_what_its_credit_paid_later() {
        let mut book = Book::new();
        let made = apply_all(
            &mut book,
            vec![
                due(1, DueKind::Contribution, 0, 100),
                payment(50, 1, 150),
                due(2, DueKind::Contribution, 9, 100),
                payment(51, 9, 80),
                Event::Reversal { id: 60, payment: 50 },
            ],
        );
        assert_eq!(made, [(50, 1, 100), (50, 2, 50), (51, 2, 50), (60, 1, -100), (60, 2, -50), (51, 1, 30)]);
        let again = book.apply(Event::Reversal { id: 61, payment: 50 });
        assert_eq!(again, Err(BookError::AlreadyReversed));
        let unknown = book.apply(Event::Reversal { id: 61, payment: 99 });
        assert_eq!(unknown, Err(BookError::UnknownPayment));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Due(u8, i64, i64),
        Payment(i64, i64),
        Reversal(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u8..3, 0_i64..90, 0_i64..500).prop_map(|(kind, on, amount)| Step::Due(kind, on, amount)),
            (0_i64..90, 0_i64..900).prop_map(|(on, amount)| Step::Payment(on, amount)),
            any::<prop::sample::Index>().prop_map(Step::Reversal),
        ]
    }

    proptest! {
        #[test]
        fn money_stays_within_payments_and_dues(steps in prop::collection::vec(step(), 1..25)) {
            let mut book = Book::new();
            let mut rows: Vec<Allocation<u8>> = Vec::new();
            let mut received = BTreeMap::new();
            let mut reversals = BTreeMap::new();
            let mut amounts = BTreeMap::new();
            for (id, step) in (0_u8..).zip(steps) {
                let event = match step {
                    Step::Due(kind, on, amount) => {
                        let kind = [DueKind::Registration, DueKind::Contribution, DueKind::Other][usize::from(kind)];
                        amounts.insert(id, amount);
                        due(id, kind, on, amount)
                    }
                    Step::Payment(on, amount) => {
                        received.insert(id, amount);
                        payment(id, on, amount)
                    }
                    Step::Reversal(index) => {
                        let standing: Vec<u8> = received.keys().copied().filter(|id| !reversals.contains_key(id)).collect();
                        if standing.is_empty() { continue; }
                        let chosen = *index.get(&standing);
                        reversals.insert(chosen, id);
                        Event::Reversal { id, payment: chosen }
                    }
                };
                rows.extend(book.apply(event).unwrap());

                let paid = |due: u8| rows.iter().filter(|row| row.due == due).map(|row| row.amount).sum::<i64>();
                for held in book.dues() {
                    prop_assert_eq!(held.paid, paid(held.id));
                    prop_assert!((0..=amounts[&held.id]).contains(&held.paid));
                }
                for held in book.payments() {
                    let used: i64 = rows.iter().filter(|row| row.payment == held.id).map(|row| row.amount).sum();
                    match reversals.get(&held.id) {
                        None => prop_assert_eq!(used + held.credit, received[&held.id]),
                        Some(reversal) => {
                            let taken_back: i64 = rows.iter().filter(|row| row.payment == *reversal).map(|row| row.amount).sum();
                            prop_assert_eq!((used + taken_back, held.credit), (0, 0));
                        }
                    }
                }
                let open: i64 = book.dues().map(Due::outstanding).sum();
                prop_assert!(open == 0 || book.credit().unwrap() == 0);
            }
        }
    }
}
