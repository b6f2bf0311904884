//! Rows of the treasury.
use super::rules::Seen;
use crate::contributions::model::Method;
use crate::db::schema::*;
use crate::ids::*;
use crate::ledger::rules::MovementKind;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

/// What a mutual has decided about its money.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = money_settings, treat_none_as_default_value = false)]
pub struct MoneySettings {
    pub mutual_id: MutualId,
    /// The mutual's own.
    pub id: MoneySettingsId,
    /// Up to this amount an expense needs no second person.
    pub expense_limit_minor: i64,
    /// Collectors' commission on each contribution receipt.
    pub commission_bp: i32,
    pub version: i64,
}

words! {
    /// From where to where money moves beside payments.
    pub enum Place {
        /// A cash desk.
        Cash = "cash",
        /// The bank.
        Bank = "bank",
        /// The mobile-money operator.
        Mobile = "mobile",
    }
}

/// A movement of money that concerns no household's dues.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = movements, treat_none_as_default_value = false)]
pub struct Movement {
    pub mutual_id: MutualId,
    pub id: MovementId,
    pub kind: MovementKind,
    pub amount_minor: i64,
    pub currency: String,
    /// Where it came from or went to; of a deposit and a withdrawal the desk, of a payout the operator.
    pub holding: Place,
    pub cash_desk_id: Option<CashDeskId>,
    pub collector_id: Option<UserId>,
    pub category: Option<String>,
    pub description: String,
    pub counterparty: Option<String>,
    pub reference: Option<String>,
    pub moved_on: NaiveDate,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// The reversal of a movement.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = movement_reversals, treat_none_as_default_value = false)]
pub struct MovementReversal {
    pub mutual_id: MutualId,
    pub id: MovementReversalId,
    pub movement_id: MovementId,
    pub reason: String,
    pub reversed_on: NaiveDate,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// What a collector hands over.
#[derive(Debug, Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = remittances, treat_none_as_default_value = false, treat_none_as_null = true, primary_key(mutual_id, id))]
pub struct Remittance {
    pub mutual_id: MutualId,
    pub id: RemittanceId,
    pub collector_id: UserId,
    pub label: String,
    pub declared_minor: i64,
    pub submitted_on: NaiveDate,
    pub submitted_by: UserId,
    pub submitted_at: NaiveDateTime,
    pub cash_desk_id: Option<CashDeskId>,
    pub counted_minor: Option<i64>,
    pub reconciled_on: Option<NaiveDate>,
    pub reconciled_by: Option<UserId>,
    pub reconciled_at: Option<NaiveDateTime>,
    pub closed_on: Option<NaiveDate>,
    pub closed_by: Option<UserId>,
    pub note: Option<String>,
    pub version: i64,
}

/// An operator's way to tell of payments.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false)]
pub struct Webhook {
    pub mutual_id: MutualId,
    pub id: WebhookId,
    pub provider: String,
    pub secret: Vec<u8>,
    pub created_by: Option<UserId>,
    pub created_at: NaiveDateTime,
    pub ended_at: Option<NaiveDateTime>,
    pub version: i64,
}

/// A body that was well signed and is no payment.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = refused_tellings, treat_none_as_default_value = false)]
pub struct RefusedTelling {
    pub mutual_id: MutualId,
    pub id: RefusedTellingId,
    pub webhook_id: WebhookId,
    pub code: String,
    pub pointer: Option<String>,
    pub raw: String,
    pub received_at: NaiveDateTime,
}

words! {
    /// How an operator told of a payment.
    pub enum Channel {
        Webhook = "webhook",
        Statement = "statement",
    }
}

/// A payment as an operator told it, once per telling.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = mobile_events, treat_none_as_default_value = false)]
pub struct MobileEvent {
    pub mutual_id: MutualId,
    pub id: MobileEventId,
    pub provider: String,
    pub provider_txn_id: String,
    pub channel: Channel,
    pub amount_text: String,
    /// Null where it cannot be read in its currency.
    pub amount_minor: Option<i64>,
    pub currency: String,
    pub account_ref: String,
    pub received_on: NaiveDate,
    pub result: Seen,
    pub household_id: Option<HouseholdId>,
    pub payment_id: Option<PaymentId>,
    /// The body of a webhook, the line of a statement, as it came.
    pub raw: String,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// An operator's transaction, once.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = mobile_identities, treat_none_as_default_value = false)]
pub struct MobileIdentity {
    pub mutual_id: MutualId,
    pub id: MobileIdentityId,
    pub provider: String,
    pub provider_txn_id: String,
    pub event_id: MobileEventId,
    /// Of the first telling.
    pub content: String,
}

words! {
    /// What a person decided on an operator's payment that found no household, or that contradicts another.
    pub enum Decided {
        /// It is this household's.
        Assigned = "ASSIGNED",
        /// It was sent back.
        Returned = "RETURNED",
        /// It was looked into; no money moves.
        Dismissed = "DISMISSED",
    }
}

/// Such a decision. Where its payment is reversed the next one follows.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = mobile_decisions, treat_none_as_default_value = false)]
pub struct MobileDecision {
    pub mutual_id: MutualId,
    pub id: MobileDecisionId,
    pub event_id: MobileEventId,
    pub ordinal: i32,
    pub kind: Decided,
    pub payment_id: Option<PaymentId>,
    pub reason: Option<String>,
    pub decided_on: NaiveDate,
    pub decided_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// One transfer for many households, with its list.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = group_collections, treat_none_as_default_value = false)]
pub struct GroupCollection {
    pub mutual_id: MutualId,
    pub id: GroupCollectionId,
    pub group_id: Option<GroupId>,
    pub payer: String,
    pub method: Method,
    pub cash_desk_id: Option<CashDeskId>,
    pub amount_minor: i64,
    pub currency: String,
    pub received_on: NaiveDate,
    pub reference: Option<String>,
    /// Which of its lists counts, from 1.
    pub list_version: i32,
    /// Its first list did not agree: the money lay unallocated.
    pub was_pending: bool,
    pub allocated_on: Option<NaiveDate>,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
}

/// A line of such a list.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = group_collection_items, treat_none_as_default_value = false)]
pub struct GroupCollectionItem {
    pub mutual_id: MutualId,
    pub id: GroupCollectionItemId,
    pub collection_id: GroupCollectionId,
    pub list_version: i32,
    pub ordinal: i32,
    pub household_id: HouseholdId,
    pub amount_minor: i64,
    pub payment_id: Option<PaymentId>,
}

/// What another payer is invoiced.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = subsidy_batches, treat_none_as_default_value = false)]
pub struct SubsidyBatch {
    pub mutual_id: MutualId,
    pub id: SubsidyBatchId,
    pub payer: String,
    pub label: String,
    pub until_on: NaiveDate,
    pub issued_on: NaiveDate,
    pub number_of_dues: i64,
    pub amount_minor: i64,
    pub currency: String,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
}

/// A due of such an invoice. What is paid of the invoice pays its dues in their order.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = subsidy_items, treat_none_as_default_value = false)]
pub struct SubsidyItem {
    pub mutual_id: MutualId,
    pub id: SubsidyItemId,
    pub batch_id: SubsidyBatchId,
    pub ordinal: i32,
    pub due_id: DueId,
    pub household_id: HouseholdId,
    pub amount_minor: i64,
    /// The amounts of the items before it.
    pub before_minor: i64,
}

/// What another payer has paid.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = subsidy_payments, treat_none_as_default_value = false)]
pub struct SubsidyPayment {
    pub mutual_id: MutualId,
    pub id: SubsidyPaymentId,
    pub batch_id: SubsidyBatchId,
    pub receipt_id: ReceiptId,
    pub amount_minor: i64,
    pub currency: String,
    pub received_on: NaiveDate,
    pub reference: Option<String>,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}
