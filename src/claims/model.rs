//! Rows of claims, their lines and settlements.
pub use super::rules::{ClaimReason, Mode, Outcome};
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// How the patient came.
    pub enum VisitType {
        Other = "other",
        Emergency = "emergency",
        Referral = "referral",
    }
}

words! {
    /// Where a claim stands.
    pub enum ClaimState {
        /// Waits for a person.
        Pended = "PENDED",
        /// Decided.
        Decided = "DECIDED",
        /// Decided and paid.
        Paid = "PAID",
    }
}

/// A claim with its decision and the inputs that the decision used.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = claims, treat_none_as_default_value = false)]
pub struct Claim {
    pub mutual_id: MutualId,
    pub id: ClaimId,
    pub number: String,
    pub invoice_number: String,
    pub provider_id: ProviderId,
    pub member_id: MemberId,
    pub household_id: HouseholdId,
    pub enrolment_id: Option<EnrolmentId>,
    pub mode: Mode,
    pub visit_type: VisitType,
    pub service_on: NaiveDate,
    pub discharged_on: Option<NaiveDate>,
    pub submitted_on: NaiveDate,
    pub diagnoses: String,
    pub other_payer_minor: Option<i64>,
    pub state: ClaimState,
    pub outcome: Outcome,
    pub claim_reason: Option<ClaimReason>,
    pub decided_on: Option<NaiveDate>,
    pub decided_by: Option<UserId>,
    pub decision_reason: Option<String>,
    pub billed_minor: i64,
    pub mutual_minor: i64,
    pub member_minor: i64,
    pub provider_writeoff_minor: i64,
    pub other_paid_minor: i64,
    pub currency: String,
    pub inputs: String,
    pub settlement_id: Option<SettlementId>,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
}

/// A line of a claim; amounts are null while it is not decided, and where the whole claim was refused.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = claim_lines, treat_none_as_default_value = false)]
pub struct Line {
    pub mutual_id: MutualId,
    pub id: ClaimLineId,
    pub claim_id: ClaimId,
    pub line: i32,
    pub service_id: ServiceId,
    pub category: String,
    pub quantity: i64,
    pub unit_price_minor: i64,
    pub approved_quantity: Option<i64>,
    pub allowed_unit_minor: Option<i64>,
    pub mutual_minor: Option<i64>,
    pub member_minor: Option<i64>,
    pub provider_writeoff_minor: Option<i64>,
    pub other_paid_minor: Option<i64>,
    pub reasons: String,
}

/// A provider's own number of a claim, which exists once (R31).
#[derive(Debug, Insertable)]
#[diesel(table_name = claim_numbers, treat_none_as_default_value = false)]
pub struct Number {
    pub mutual_id: MutualId,
    pub id: ClaimNumberId,
    pub provider_id: ProviderId,
    pub number: String,
    pub claim_id: ClaimId,
}

/// A payment to a provider.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = settlements, treat_none_as_default_value = false)]
pub struct Settlement {
    pub mutual_id: MutualId,
    pub id: SettlementId,
    pub provider_id: ProviderId,
    pub number_of_claims: i64,
    pub amount_minor: i64,
    pub currency: String,
    pub paid_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
}

/// What a person had used of a category of a cover year before the mutual went live.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = opening_usages, treat_none_as_default_value = false)]
pub struct OpeningUsage {
    pub mutual_id: MutualId,
    pub id: OpeningUsageId,
    pub household_id: HouseholdId,
    pub enrolment_id: EnrolmentId,
    pub member_id: MemberId,
    pub category: String,
    pub amount_minor: i64,
    pub quantity: i64,
    pub recorded_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
}
