//! Rows of claims, their lines and settlements.
pub use super::rules::{ClaimReason, Mode, Outcome};
use crate::db::schema::*;
use crate::ids::*;
use crate::ledger::rules::Creditor;
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
        /// Decided; what is open of it, if anything, goes into the next settlement.
        Decided = "DECIDED",
        /// In a settlement that is asked for or not paid in full.
        Batched = "BATCHED",
        /// Decided and paid.
        Paid = "PAID",
        /// Taken back: it uses nothing, and what was paid of it is recovered.
        Voided = "VOIDED",
    }
}

words! {
    /// Where an invoice stands, as it was decided; what was paid of it follows from its claims.
    pub enum InvoiceState {
        /// Its claims are being submitted.
        Received = "RECEIVED",
        /// They are decided as far as the rules go; some may wait for a person.
        InControl = "IN_CONTROL",
        /// The office has accepted what came of it.
        Accepted = "ACCEPTED",
        /// The facility does not agree.
        Disputed = "DISPUTED",
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
    pub recorded_at: NaiveDateTime,
    pub version: i64,
    /// What settlements have paid of it.
    pub settled_minor: i64,
}

impl Claim {
    /// To whom the mutual owes its share.
    pub fn creditor(&self) -> Creditor {
        match self.mode {
            Mode::ThirdParty => Creditor::Provider(self.provider_id),
            Mode::Reimbursement => Creditor::Member,
        }
    }

    /// What is still to be paid; below zero what is to be recovered.
    pub fn open_minor(&self) -> i64 {
        let owed = if self.state == ClaimState::Voided { 0 } else { self.mutual_minor };
        owed - self.settled_minor
    }
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

words! {
    /// Where a settlement stands.
    pub enum SettlementState {
        /// A second person approved it; it is to be paid.
        Approved = "APPROVED",
        PartPaid = "PART_PAID",
        Paid = "PAID",
        /// The facility contests it: nothing is paid until the mutual takes it up again.
        Disputed = "DISPUTED",
        /// Given up before anything was paid: its claims may be settled anew.
        Cancelled = "CANCELLED",
    }
}

/// What is paid at once to a facility, or to a household that paid a facility itself.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = settlements, treat_none_as_default_value = false)]
pub struct Settlement {
    pub mutual_id: MutualId,
    pub id: SettlementId,
    pub provider_id: Option<ProviderId>,
    pub number_of_claims: i64,
    pub amount_minor: i64,
    pub currency: String,
    /// When the last of it was paid.
    pub paid_on: Option<NaiveDate>,
    pub recorded_at: NaiveDateTime,
    pub household_id: Option<HouseholdId>,
    /// What an advance that was paid before takes off (R34).
    pub advance_offset_minor: i64,
    pub paid_minor: i64,
    pub state: SettlementState,
    pub approved_on: NaiveDate,
    pub reason: Option<String>,
    pub version: i64,
}

/// What a settlement pays of a claim; below zero what it recovers.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = settlement_items, treat_none_as_default_value = false)]
pub struct SettlementItem {
    pub mutual_id: MutualId,
    pub id: SettlementItemId,
    pub settlement_id: SettlementId,
    pub claim_id: ClaimId,
    pub amount_minor: i64,
}

words! {
    /// How a settlement is paid.
    pub enum PaidBy {
        Bank = "bank",
        Cash = "cash",
        Mobile = "mobile",
    }
}

/// Money that went out for a settlement.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = settlement_payments, treat_none_as_default_value = false)]
pub struct SettlementPayment {
    pub mutual_id: MutualId,
    pub id: SettlementPaymentId,
    pub settlement_id: SettlementId,
    pub method: PaidBy,
    pub cash_desk_id: Option<CashDeskId>,
    pub amount_minor: i64,
    pub currency: String,
    pub reference: Option<String>,
    pub paid_on: NaiveDate,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// Money given to a facility before it has anything to be paid for.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = advances, treat_none_as_default_value = false)]
pub struct Advance {
    pub mutual_id: MutualId,
    pub id: AdvanceId,
    pub provider_id: ProviderId,
    pub amount_minor: i64,
    pub currency: String,
    pub reference: Option<String>,
    pub paid_on: NaiveDate,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// How a mutual decides on care.
#[derive(Debug, Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = care_settings, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct CareSettings {
    pub mutual_id: MutualId,
    pub id: CareSettingsId,
    /// Days after a decision within which an appeal may be filed.
    pub appeal_days: i64,
    /// How long a letter is valid where nothing else is said.
    pub letter_days: i64,
    /// A claim of which the mutual bears more waits for a person.
    pub review_above_minor: Option<i64>,
    /// A person's decision by which the mutual bears more waits for a second person.
    pub second_person_above_minor: Option<i64>,
    pub version: i64,
}

words! {
    /// Where a guarantee letter stands. That it has expired follows from its dates.
    pub enum LetterState {
        Requested = "REQUESTED",
        InReview = "IN_REVIEW",
        Issued = "ISSUED",
        Refused = "REFUSED",
        Used = "USED",
        Revoked = "REVOKED",
    }
}

/// The mutual's commitment to a facility before care.
#[derive(Debug, Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = letters, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Letter {
    pub mutual_id: MutualId,
    pub id: LetterId,
    pub number: String,
    pub provider_id: ProviderId,
    pub member_id: MemberId,
    pub household_id: HouseholdId,
    /// Codes of the services asked for, as a JSON list.
    pub services: String,
    pub diagnoses: String,
    pub estimated_minor: i64,
    pub planned_on: NaiveDate,
    pub note: Option<String>,
    pub state: LetterState,
    pub amount_minor: Option<i64>,
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
    pub currency: String,
    /// The claim that used it.
    pub claim_id: Option<ClaimId>,
    pub requested_on: NaiveDate,
    pub requested_by: Option<UserId>,
    pub decided_on: Option<NaiveDate>,
    pub decided_by: Option<UserId>,
    pub reason: Option<String>,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
}

/// What a claim cites. Its id is the claim's.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = claim_links, treat_none_as_default_value = false)]
pub struct Links {
    pub mutual_id: MutualId,
    pub id: ClaimId,
    /// The refused or voided claim that it submits again.
    pub resubmits_id: Option<ClaimId>,
    /// The check at the counter.
    pub check_id: Option<AuditId>,
    pub letter_id: Option<LetterId>,
}

/// Why a claim waits, and who works on it. Its id is the claim's.
#[derive(Debug, Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = claim_reviews, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Review {
    pub mutual_id: MutualId,
    pub id: ClaimId,
    pub reason: ClaimReason,
    pub note: Option<String>,
    /// 0 to 100.
    pub risk: i64,
    /// What the risk was computed from.
    pub risk_facts: String,
    pub assigned_to: Option<UserId>,
    pub assigned_at: Option<NaiveDateTime>,
    pub since_on: NaiveDate,
    /// When it was decided; none while it waits.
    pub ended_on: Option<NaiveDate>,
    pub version: i64,
}

words! {
    /// What replaced a decision.
    pub enum ReplacedBy {
        Appeal = "APPEAL",
        /// It had to wait for a person after all.
        Review = "REVIEW",
    }
}

/// A decision that another one replaced.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = claim_decisions, treat_none_as_default_value = false)]
pub struct FormerDecision {
    pub mutual_id: MutualId,
    pub id: ClaimDecisionId,
    pub claim_id: ClaimId,
    pub replaced_by: ReplacedBy,
    pub replaced_on: NaiveDate,
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
    /// Its lines as they were, a JSON list.
    pub lines: String,
    pub inputs: String,
    pub recorded_at: NaiveDateTime,
}

/// A claim taken back.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = claim_voids, treat_none_as_default_value = false)]
pub struct Void {
    pub mutual_id: MutualId,
    pub id: ClaimVoidId,
    pub claim_id: ClaimId,
    pub reason: String,
    pub voided_on: NaiveDate,
    pub voided_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

words! {
    /// Who appeals.
    pub enum Appellant {
        Member = "member",
        Provider = "provider",
    }
}

words! {
    /// Where an appeal stands.
    pub enum AppealState {
        Filed = "FILED",
        /// The decision stays.
        Upheld = "UPHELD",
        /// Another decision replaced it.
        Changed = "CHANGED",
    }
}

/// An appeal against a decision.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = appeals, treat_none_as_default_value = false)]
pub struct Appeal {
    pub mutual_id: MutualId,
    pub id: AppealId,
    pub claim_id: ClaimId,
    pub appellant: Appellant,
    pub reason: String,
    pub filed_on: NaiveDate,
    pub filed_by: Option<UserId>,
    pub state: AppealState,
    /// The mutual's share before it.
    pub original_minor: i64,
    /// The mutual's share after it less that before it (R33).
    pub difference_minor: Option<i64>,
    pub decided_on: Option<NaiveDate>,
    pub decided_by: Option<UserId>,
    pub decision_reason: Option<String>,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
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
