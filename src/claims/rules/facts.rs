//! What a decision on a claim depends on, and what it says. Both are kept as text, so that it can be computed again.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::enrolments::rules::CoverStatus;
use crate::products::rules::Product;
pub use crate::providers::model::Sector;
pub use crate::providers::rules::Exclusion;
use crate::words;

/// Everything that a decision depends on, kept with it so that it can be computed again. Amounts are minor units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The product version in force on the service date; without one nothing is covered and no limit applies.
    pub product: Option<Product>,
    pub coverage: Coverage,
    pub provider: ProviderFacts,
    pub claim: ClaimFacts,
    #[serde(default)]
    pub history: History,
    /// Claims of the same beneficiary, without voided ones and the one that this claim resubmits (R31).
    #[serde(default)]
    pub existing_claims: Vec<ExistingClaim>,
    /// The share of the mutual above which a claim waits for a person; none where it never does for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_above: Option<i64>,
    /// What a person said: kept here so that his decision can be computed again too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Word>,
}

/// A person's word on a claim, in review or in appeal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// It waits, for this reason, whatever the rules say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<ClaimReason>,
    /// It is refused as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<ClaimReason>,
    /// Who bears a claim that is refused as a whole; R26 where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Bearer>,
    /// Checks that do not count for this claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waived: Vec<ClaimReason>,
    /// What the mutual bears of lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
}

words! {
    /// Who bears what the mutual does not.
    pub enum Bearer {
        Member = "member",
        Provider = "provider",
    }
}

/// What the mutual bears of a line, as a person set it; the difference is added to what `bearer` bears, or taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub line: i64,
    pub mutual: i64,
    pub bearer: Bearer,
}

/// The person's cover on the service date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// False for who was in no household of the mutual on that day, or dead.
    pub is_beneficiary: bool,
    pub status: CoverStatus,
    /// From when waiting runs; `None` for a person who was never covered.
    pub cover_start: Option<NaiveDate>,
    /// A newborn covered from birth (R18).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting_exempt: bool,
}

/// The provider as known on the service date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderFacts {
    pub id: String,
    pub level: String,
    pub sector: Sector,
    /// `None`: no convention.
    pub contract: Option<Contract>,
}

/// The days of a convention, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    pub from: NaiveDate,
    #[serde(default)]
    pub to: Option<NaiveDate>,
}

/// What was claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimFacts {
    pub mode: Mode,
    /// Of a stay, the admission date (R17).
    pub service_date: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discharge_date: Option<NaiveDate>,
    pub submitted_on: NaiveDate,
    #[serde(default)]
    pub emergency: bool,
    #[serde(default)]
    pub referral: bool,
    /// The number of the single care certificate, never of a monthly batch (R31).
    pub invoice_no: String,
    pub lines: Vec<ClaimLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_auth: Option<GuaranteeLetter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_payer_amount: Option<i64>,
}

words! {
    /// Who is paid by the mutual.
    pub enum Mode {
        /// The provider.
        ThirdParty = "third_party",
        /// The member, who paid the provider: everything unpaid stays with the member (R26).
        Reimbursement = "reimbursement",
    }
}

/// One service of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimLine {
    pub line: i64,
    pub code: String,
    pub category: String,
    pub qty: i64,
    pub unit_price: i64,
    /// The versions of the price agreed for this service; they never overlap (R22).
    #[serde(default)]
    pub tariffs: Vec<TariffVersion>,
    /// Why the service is not for this person, or not covered by the facility's convention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Exclusion>,
}

/// An agreed unit price and its days, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffVersion {
    pub from: NaiveDate,
    #[serde(default)]
    pub to: Option<NaiveDate>,
    pub amount: i64,
}

/// The mutual's prior commitment to the provider (R29).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuaranteeLetter {
    pub valid_from: NaiveDate,
    pub valid_to: NaiveDate,
    pub amount: i64,
}

/// What earlier decisions consumed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Paid for the person in the cover year of the service date (R28).
    #[serde(default)]
    pub person_year_paid: i64,
    /// Paid for the household in that year.
    #[serde(default)]
    pub household_year_paid: i64,
    /// By category, in the window of the service date (R23).
    #[serde(default)]
    pub used_qty: BTreeMap<String, i64>,
}

/// Another claim of the same beneficiary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingClaim {
    pub provider: String,
    pub invoice_no: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_date: Option<NaiveDate>,
    /// Codes of its lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<String>>,
}

/// What was decided, and the amounts of each party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub decision: Outcome,
    /// The check that failed, if one did.
    pub claim_reason: Option<ClaimReason>,
    /// In ascending line number; empty where a check failed.
    pub lines: Vec<LineDecision>,
    pub totals: Totals,
}

words! {
    /// The decision in one word.
    pub enum Outcome {
        Approved = "approved",
        PartiallyApproved = "partially_approved",
        Rejected = "rejected",
        Pended = "pended",
    }
}

words! {
    /// Why a whole claim is refused or waits: the checks of R21, then what a person may say.
    pub enum ClaimReason {
        Duplicate = "DUPLICATE",
        FutureServiceDate = "FUTURE_SERVICE_DATE",
        LateFiling = "LATE_FILING",
        NotABeneficiary = "NOT_A_BENEFICIARY",
        CoverageSuspended = "COVERAGE_SUSPENDED",
        NoCoverage = "NO_COVERAGE",
        ProviderNotContracted = "PROVIDER_NOT_CONTRACTED",
        ReferralRequired = "REFERRAL_REQUIRED",
        PriorAuthRequired = "PRIOR_AUTH_REQUIRED",
        PriorAuthExpired = "PRIOR_AUTH_EXPIRED",
        SuspectedDuplicate = "SUSPECTED_DUPLICATE",
        /// The mutual's share is above the one that its settings let pass unseen: it waits.
        AboveLimit = "ABOVE_LIMIT",
        /// A document is missing: it waits.
        DocumentsMissing = "DOCUMENTS_MISSING",
        /// The medical adviser is asked: it waits.
        MedicalReview = "MEDICAL_REVIEW",
        /// A person refused it.
        RefusedOnReview = "REFUSED_ON_REVIEW",
    }
}

impl ClaimReason {
    /// R26: who bears the whole of a claim refused for it, in third-party payment.
    pub const fn is_borne_by_provider(self) -> bool {
        matches!(
            self,
            ClaimReason::Duplicate
                | ClaimReason::FutureServiceDate
                | ClaimReason::LateFiling
                | ClaimReason::PriorAuthRequired
                | ClaimReason::PriorAuthExpired
        )
    }
}

/// Why a line is refused or cut, in the order in which it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LineReason {
    NotCovered,
    WaitingPeriod,
    NoTariff,
    FrequencyLimit,
    FrequencyLimitPartial,
    PriceOverTariff,
    OtherPayerPrimary,
    CeilingEpisode,
    CeilingPersonYear,
    CeilingHouseholdYear,
    AuthorisedAmount,
    /// A person set the mutual's share.
    Reviewed,
}

words! {
    /// Who bears what the mutual does not.
    pub enum Liable {
        Provider = "provider",
        Member = "member",
        /// Another payer, who pays first (R30).
        OtherPayer = "other_payer",
    }
}

impl LineReason {
    /// R26: who bears what it cuts; `set` is who bears what a person set.
    pub fn liable(self, mode: Mode, set: Option<Bearer>) -> Liable {
        match (self, mode) {
            (Self::OtherPayerPrimary, _) => Liable::OtherPayer,
            (Self::PriceOverTariff | Self::AuthorisedAmount, Mode::ThirdParty) => Liable::Provider,
            (Self::Reviewed, Mode::ThirdParty) if set == Some(Bearer::Provider) => Liable::Provider,
            _ => Liable::Member,
        }
    }

    const ALL: [Self; 12] = [
        Self::NotCovered,
        Self::WaitingPeriod,
        Self::NoTariff,
        Self::FrequencyLimit,
        Self::FrequencyLimitPartial,
        Self::PriceOverTariff,
        Self::OtherPayerPrimary,
        Self::CeilingEpisode,
        Self::CeilingPersonYear,
        Self::CeilingHouseholdYear,
        Self::AuthorisedAmount,
        Self::Reviewed,
    ];

    /// The reason of a text, exact in case.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    /// The reason as text.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotCovered => "NOT_COVERED",
            Self::WaitingPeriod => "WAITING_PERIOD",
            Self::NoTariff => "NO_TARIFF",
            Self::FrequencyLimit => "FREQUENCY_LIMIT",
            Self::FrequencyLimitPartial => "FREQUENCY_LIMIT_PARTIAL",
            Self::PriceOverTariff => "PRICE_OVER_TARIFF",
            Self::OtherPayerPrimary => "OTHER_PAYER_PRIMARY",
            Self::CeilingEpisode => "CEILING_EPISODE",
            Self::CeilingPersonYear => "CEILING_PERSON_YEAR",
            Self::CeilingHouseholdYear => "CEILING_HOUSEHOLD_YEAR",
            Self::AuthorisedAmount => "AUTHORISED_AMOUNT",
            Self::Reviewed => "REVIEWED",
        }
    }
}

/// What was decided on a line; the four amounts add up to what was billed (R27).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineDecision {
    pub line: i64,
    pub approved_qty: i64,
    pub allowed_unit: i64,
    pub mutual: i64,
    pub member: i64,
    pub provider_writeoff: i64,
    pub other_payer: i64,
    pub reasons: Vec<LineReason>,
}

/// The amounts of a claim: billed = mutual + member + provider write-off + other payer, unless it is pended (R27).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub billed: i64,
    pub mutual: i64,
    pub member: i64,
    pub provider_writeoff: i64,
    pub other_payer: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_are_stored() {
        for reason in LineReason::ALL {
            assert_eq!(serde_json::json!(reason), reason.code());
            assert_eq!(LineReason::parse(reason.code()), Some(reason));
        }
        for reason in ClaimReason::ALL {
            assert_eq!(serde_json::json!(reason), reason.code());
        }
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::json!(outcome), outcome.code());
        }
        assert_eq!(serde_json::json!(Mode::ThirdParty), Mode::ThirdParty.code());
        assert_eq!(serde_json::json!(Sector::Private), Sector::Private.code());
        assert_eq!(Outcome::parse("APPROVED"), None);
    }
}
