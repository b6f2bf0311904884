//! Rows of accounts and transfers.
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// What an account is in the balance.
    pub enum AccountKind {
        /// What the mutual has.
        Asset = "asset",
        /// What it owes.
        Liability = "liability",
        /// What is its own.
        Equity = "equity",
        /// What came in for good.
        Income = "income",
        /// What went out for good.
        Expense = "expense",
    }
}

/// An account of a book.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = accounts, treat_none_as_default_value = false)]
pub struct Account {
    pub mutual_id: MutualId,
    pub id: AccountId,
    pub book: String,
    pub code: String,
    pub kind: AccountKind,
}

/// A movement of money between two accounts of one book.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = transfers, treat_none_as_default_value = false)]
pub struct Transfer {
    pub mutual_id: MutualId,
    pub id: TransferId,
    pub book: String,
    pub debit_account_id: AccountId,
    pub credit_account_id: AccountId,
    pub amount_minor: i64,
    pub currency: String,
    pub event: String,
    pub command_id: CommandId,
    pub ordinal: i32,
    pub payment_id: Option<PaymentId>,
    pub due_id: Option<DueId>,
    pub claim_id: Option<ClaimId>,
    pub settlement_id: Option<SettlementId>,
    pub reverses_id: Option<TransferId>,
    pub posted_on: NaiveDate,
    pub value_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
    /// What it comes from beside payment, claim and settlement.
    pub source_id: Option<SourceId>,
    /// The session of the desk through which cash went.
    pub cash_session_id: Option<CashSessionId>,
}
