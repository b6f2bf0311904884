//! A household's statement between two days, as a member reads it: what fell due, what was paid, what was taken back. It
//! closes to the books: what it says was received is what the transfers of the household's payments brought in.
use super::model::*;
use super::position::Position;
use super::service::HOUSEHOLD;
use crate::ids::*;
use crate::words;
use chrono::NaiveDate;
use uuid::Uuid;

words! {
    /// What a line of a statement is.
    pub enum LineKind {
        /// Something fell due.
        Due = "DUE",
        /// Money was received.
        Payment = "PAYMENT",
        /// A payment was reversed.
        Reversal = "REVERSAL",
        /// A credit was given back.
        Refund = "REFUND",
        /// What was open of a due was waived.
        Waiver = "WAIVER",
        /// What was open of a due was written off.
        WriteOff = "WRITE_OFF",
    }
}

/// A line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub on: NaiveDate,
    pub kind: LineKind,
    /// Of a due, and of the due that was waived or written off.
    pub due_kind: Option<DueKind>,
    /// The receipt that was given.
    pub receipt: Option<ReceiptId>,
    /// What the household owes more; below zero, less.
    pub amount: i64,
    /// What it owes after this line; below zero, it has paid ahead.
    pub balance: i64,
    /// The row.
    pub id: Uuid,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub opening: i64,
    pub lines: Vec<Line>,
    pub closing: i64,
    /// What is open of dues that fell due.
    pub open: i64,
    /// What was paid of dues that fall due later.
    pub advance: i64,
    /// What no due has taken.
    pub credit: i64,
}

/// A household's statement. What was cancelled of a due was never owed; dues of other payers are not its own.
pub fn statement(money: &Position, refunds: &[Refund], from: NaiveDate, to: NaiveDate) -> Statement {
    let mut all: Vec<Line> = Vec::new();
    let line = |on, kind, due_kind, receipt, amount, id| Line { on, kind, due_kind, receipt, amount, balance: 0, id };
    let (mut open, mut advance, mut taken) = (0, 0, 0);
    for due in money.dues.iter().filter(|due| due.payer == HOUSEHOLD) {
        let mut owed = due.amount_minor;
        for relief in money.cancellations.iter().filter(|row| row.due_id == due.id) {
            let kind = match relief.kind {
                CancellationKind::Cancelled => {
                    owed -= relief.amount_minor;
                    continue;
                }
                CancellationKind::Waived => LineKind::Waiver,
                CancellationKind::WrittenOff => LineKind::WriteOff,
            };
            // What was given up before it fell due never weighed on the household.
            let on = relief.cancelled_on.max(due.due_on);
            all.push(line(on, kind, Some(due.kind), None, -relief.amount_minor, relief.id.uuid()));
            if on <= to {
                open -= relief.amount_minor;
            }
        }
        if owed > 0 {
            all.push(line(due.due_on, LineKind::Due, Some(due.kind), None, owed, due.id.uuid()));
        }
        let paid = money.paid_by(due.id, to);
        taken += paid;
        if due.due_on <= to {
            open += owed - paid;
        } else {
            advance += paid;
        }
    }
    let mut received = 0;
    for payment in &money.payments {
        let (amount, receipt) = (payment.amount_minor, Some(payment.receipt_id));
        all.push(line(payment.received_on, LineKind::Payment, None, receipt, -amount, payment.id.uuid()));
        received += if payment.received_on <= to { amount } else { 0 };
    }
    for reversal in &money.reversals {
        let payment = money.payments.iter().find(|payment| payment.id == reversal.payment_id);
        let amount = payment.map_or(0, |payment| payment.amount_minor);
        let receipt = Some(reversal.receipt_id);
        all.push(line(reversal.reversed_on, LineKind::Reversal, None, receipt, amount, reversal.id.uuid()));
        received -= if reversal.reversed_on <= to { amount } else { 0 };
    }
    for refund in refunds {
        let (amount, receipt) = (refund.amount_minor, Some(refund.receipt_id));
        all.push(line(refund.refunded_on, LineKind::Refund, None, receipt, amount, refund.id.uuid()));
        received -= if refund.refunded_on <= to { amount } else { 0 };
    }
    all.sort_by_key(|line| (line.on, line.kind, line.id));
    let opening: i64 = all.iter().filter(|line| line.on < from).map(|line| line.amount).sum();
    let mut balance = opening;
    let mut lines: Vec<Line> = all.into_iter().filter(|line| line.on >= from && line.on <= to).collect();
    for line in &mut lines {
        balance += line.amount;
        line.balance = balance;
    }
    Statement { opening, lines, closing: balance, open, advance, credit: received - taken }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn id<K>(number: u128) -> Key<K> {
        Key::new(Uuid::from_u128(number))
    }

    fn due(number: u128, due_on: &str, amount_minor: i64, payer: &str) -> Due {
        Due {
            mutual_id: MutualId::NIL,
            id: id(number),
            household_id: HouseholdId::NIL,
            enrolment_id: EnrolmentId::NIL,
            kind: DueKind::Contribution,
            payer: payer.into(),
            due_on: day(due_on),
            amount_minor,
            currency: "BIF".into(),
            issued_on: day("2026-01-01"),
            recorded_at: Default::default(),
        }
    }

    fn payment(number: u128, on: &str, amount_minor: i64) -> Payment {
        Payment {
            mutual_id: MutualId::NIL,
            id: id(number),
            household_id: HouseholdId::NIL,
            cash_desk_id: None,
            receipt_id: id(number),
            method: Method::Bank,
            amount_minor,
            currency: "BIF".into(),
            received_on: day(on),
            reference: None,
            recorded_by: None,
            posted_on: day(on),
            recorded_at: Default::default(),
            collector_id: None,
            source_id: None,
            was_unallocated: false,
        }
    }

    fn part(payment: u128, due: u128, amount_minor: i64, on: &str) -> Allocation {
        Allocation {
            mutual_id: MutualId::NIL,
            id: id(payment * 100 + due),
            household_id: HouseholdId::NIL,
            payment_id: id(payment),
            reversal_id: None,
            due_id: id(due),
            amount_minor,
            counts_on: day(on),
            revision: 1,
            ordinal: 0,
        }
    }

    #[test]
    fn it_runs_from_what_was_owed_before_to_what_is_owed_after() {
        let money = Position {
            dues: vec![
                due(1, "2026-01-01", 100, HOUSEHOLD),
                due(2, "2026-02-01", 100, HOUSEHOLD),
                due(3, "2026-06-01", 100, HOUSEHOLD),
                due(4, "2026-01-01", 999, "STATE"),
            ],
            payments: vec![payment(10, "2026-01-20", 60), payment(11, "2026-02-20", 200)],
            allocations: vec![
                part(10, 1, 60, "2026-01-20"),
                part(11, 1, 40, "2026-02-20"),
                part(11, 2, 100, "2026-02-20"),
                part(11, 3, 60, "2026-02-20"),
            ],
            ..Position::default()
        };
        let found = statement(&money, &[], day("2026-02-01"), day("2026-03-31"));
        assert_eq!(found.opening, 40);
        let lines: Vec<(LineKind, i64, i64)> =
            found.lines.iter().map(|line| (line.kind, line.amount, line.balance)).collect();
        assert_eq!(lines, [(LineKind::Due, 100, 140), (LineKind::Payment, -200, -60)]);
        assert_eq!((found.closing, found.open, found.advance, found.credit), (-60, 0, 60, 0));
        assert_eq!(found.closing, found.open - found.advance - found.credit);
    }
}
