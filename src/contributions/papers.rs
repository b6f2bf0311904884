//! What receipts and statements show, on a screen or on paper.
use super::model::{DueKind, Method};
use super::statement::LineKind;
use crate::ids::*;
use crate::words;
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

words! {
    /// What a receipt is printed on.
    pub enum Paper {
        /// The roll of a receipt printer, 80 mm wide.
        Roll = "80mm",
        /// A sheet.
        A4 = "a4",
    }
}

words! {
    /// For what a receipt was given.
    pub enum ReceiptKind {
        /// Money received from a household.
        Payment = "PAYMENT",
        /// The counter-receipt of a reversal.
        Reversal = "REVERSAL",
        /// The counter-receipt of a credit given back.
        Refund = "REFUND",
        /// What another payer paid.
        Subsidy = "SUBSIDY",
    }
}

/// For what a part of the money was.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptLine {
    /// Null for what no due has taken.
    pub due_kind: Option<DueKind>,
    pub due_on: Option<NaiveDate>,
    pub amount_minor: i64,
}

/// A receipt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReceiptView {
    pub id: ReceiptId,
    pub receipt_number: String,
    pub kind: ReceiptKind,
    pub mutual: String,
    pub issued_on: NaiveDate,
    /// Above zero what was received, below zero what was taken back or given back.
    pub amount_minor: i64,
    pub currency: String,
    pub method: Option<Method>,
    pub reference: Option<String>,
    /// Null where another payer paid.
    pub household_id: Option<HouseholdId>,
    pub household_number: Option<String>,
    /// Who paid: the principal, family name first, or the other payer.
    pub payer: String,
    pub payment_id: Option<PaymentId>,
    /// The receipt that a counter-receipt takes back.
    pub reverses: Option<String>,
    /// Why it was taken back or given back.
    pub reason: Option<String>,
    /// Of a payment, as it is allocated now.
    pub lines: Vec<ReceiptLine>,
}

/// A line of a statement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatementLine {
    pub on: NaiveDate,
    pub kind: LineKind,
    /// Of a due, and of the due that was waived or written off.
    pub due_kind: Option<DueKind>,
    pub receipt_number: Option<String>,
    /// What the household owes more; below zero, less.
    pub amount_minor: i64,
    /// What it owes after this line; below zero, it has paid ahead.
    pub balance_minor: i64,
}

/// A household's statement between two days.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatementView {
    pub mutual: String,
    pub household_id: HouseholdId,
    pub household_number: String,
    /// Family name first; empty where there is none today.
    pub principal: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// What the household owed before the first day.
    pub opening_minor: i64,
    pub lines: Vec<StatementLine>,
    /// What it owes at the end: open dues less what was paid ahead and what no due has taken.
    pub closing_minor: i64,
    pub open_minor: i64,
    pub advance_minor: i64,
    pub credit_minor: i64,
    pub currency: String,
}
