//! Rows of dues, payments, receipts, reversals and allocations.
pub use super::rules::DueKind;
use crate::db::schema::*;
use crate::ids::*;
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
}
