//! Rows of dues, payments, receipts, reversals and allocations.
pub use super::rules::DueKind;
use crate::db::schema::*;
use crate::ids::*;
use crate::ledger::rules::Holding;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// How money came.
    pub enum Method {
        /// Notes and coins.
        Cash = "cash",
        /// A transfer to the mutual's account.
        Bank = "bank",
        /// Mobile money.
        Mobile = "mobile",
        /// An employer's or a group's transfer.
        Payroll = "payroll",
    }
}

/// What a payer owes.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = dues, treat_none_as_default_value = false)]
pub struct Due {
    pub mutual_id: MutualId,
    pub id: DueId,
    pub household_id: HouseholdId,
    pub enrolment_id: EnrolmentId,
    pub kind: DueKind,
    pub payer: String,
    pub due_on: NaiveDate,
    pub amount_minor: i64,
    pub currency: String,
    pub issued_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
}

/// Money received from a household.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = payments, treat_none_as_default_value = false)]
pub struct Payment {
    pub mutual_id: MutualId,
    pub id: PaymentId,
    pub household_id: HouseholdId,
    pub cash_desk_id: Option<CashDeskId>,
    pub receipt_id: ReceiptId,
    pub method: Method,
    pub amount_minor: i64,
    pub currency: String,
    pub received_on: NaiveDate,
    pub reference: Option<String>,
    pub recorded_by: Option<UserId>,
    pub posted_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
    /// The collector who took it in the field.
    pub collector_id: Option<UserId>,
    /// The operator's payment or the collection of a group that it is part of.
    pub source_id: Option<SourceId>,
    /// It had come before anybody knew for whom.
    pub was_unallocated: bool,
}

impl Payment {
    /// Where it went when it was recorded; for cash at a desk, as the desk says.
    pub fn holding(&self, desk: impl FnOnce(CashDeskId) -> Holding) -> Holding {
        match (self.method, self.collector_id, self.cash_desk_id) {
            _ if self.was_unallocated => Holding::Unallocated,
            (Method::Cash, Some(collector), _) => Holding::Float(collector),
            (Method::Cash, None, Some(id)) => desk(id),
            // Another system's cash is in the mutual's first desk.
            (Method::Cash, None, None) => Holding::Cash,
            (Method::Bank | Method::Payroll, ..) => Holding::Bank,
            (Method::Mobile, ..) => Holding::Mobile,
        }
    }
}

/// A receipt: of a series with a number, or of another system with its label alone.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = receipts, treat_none_as_default_value = false)]
pub struct Receipt {
    pub mutual_id: MutualId,
    pub id: ReceiptId,
    pub series_id: Option<SeriesId>,
    pub number: Option<i64>,
    pub label: String,
    pub issued_on: NaiveDate,
}

/// A reversal of a payment.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = reversals, treat_none_as_default_value = false)]
pub struct Reversal {
    pub mutual_id: MutualId,
    pub id: ReversalId,
    pub payment_id: PaymentId,
    pub household_id: HouseholdId,
    pub receipt_id: ReceiptId,
    pub reason: String,
    pub reversed_on: NaiveDate,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// What a due took from a payment, or gave back to a reversal. `revision` and `ordinal` keep the order in the household.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = allocations, treat_none_as_default_value = false)]
pub struct Allocation {
    pub mutual_id: MutualId,
    pub id: AllocationId,
    pub household_id: HouseholdId,
    pub payment_id: PaymentId,
    pub reversal_id: Option<ReversalId>,
    pub due_id: DueId,
    pub amount_minor: i64,
    pub counts_on: NaiveDate,
    pub revision: i64,
    pub ordinal: i32,
}

/// A cash desk: it holds cash and issues receipts.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = cash_desks, treat_none_as_default_value = false)]
pub struct CashDesk {
    pub mutual_id: MutualId,
    pub id: CashDeskId,
    pub code: String,
    pub name: String,
    pub version: i64,
    /// Its account: `cash` for the mutual's first, else one of its own.
    pub account: String,
    /// Its lock.
    pub revision: i64,
}

impl CashDesk {
    /// Its cash.
    pub fn holding(&self) -> Holding {
        if self.account == "cash" { Holding::Cash } else { Holding::Desk(self.id) }
    }
}

words! {
    /// Why what is open of a due is owed no more.
    pub enum CancellationKind {
        /// What it was for does not happen.
        Cancelled = "CANCELLED",
        /// The mutual renounces it, or another payer takes it over: it counts as paid from that day.
        Waived = "WAIVED",
        /// Nobody expects it any more; for cover it stays unpaid.
        WrittenOff = "WRITTEN_OFF",
    }
}

/// That what is open of a due is owed no more: the due stands as it was issued, less this.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = due_cancellations, treat_none_as_default_value = false)]
pub struct DueCancellation {
    pub mutual_id: MutualId,
    pub id: DueCancellationId,
    pub due_id: DueId,
    pub household_id: HouseholdId,
    pub amount_minor: i64,
    pub cancelled_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
    pub kind: CancellationKind,
    /// Of a waiver or a write-off.
    pub reason: Option<String>,
    /// What another payer owes instead.
    pub payer_due_id: Option<DueId>,
}

/// A credit given back to a household.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = refunds, treat_none_as_default_value = false)]
pub struct Refund {
    pub mutual_id: MutualId,
    pub id: RefundId,
    pub household_id: HouseholdId,
    pub receipt_id: ReceiptId,
    pub method: Method,
    pub cash_desk_id: Option<CashDeskId>,
    pub amount_minor: i64,
    pub currency: String,
    pub reason: String,
    pub refunded_on: NaiveDate,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// What a refund takes from the credit of one payment.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = refund_parts, treat_none_as_default_value = false)]
pub struct RefundPart {
    pub mutual_id: MutualId,
    pub id: RefundPartId,
    pub refund_id: RefundId,
    pub household_id: HouseholdId,
    pub payment_id: PaymentId,
    pub amount_minor: i64,
}

/// A desk's cash from one count to the next.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = cash_sessions, treat_none_as_default_value = false)]
pub struct CashSession {
    pub mutual_id: MutualId,
    pub id: CashSessionId,
    pub cash_desk_id: CashDeskId,
    /// Of this desk, from 1.
    pub number: i64,
    pub opened_on: NaiveDate,
    /// Nobody where it opened by itself with the first movement after a closing.
    pub opened_by: Option<UserId>,
    pub opened_at: NaiveDateTime,
    /// What the books had on the desk.
    pub opening_minor: i64,
    pub closed_on: Option<NaiveDate>,
    pub closed_by: Option<UserId>,
    pub closed_at: Option<NaiveDateTime>,
    /// What the books had before the count.
    pub expected_minor: Option<i64>,
    pub counted_minor: Option<i64>,
    pub note: Option<String>,
}
