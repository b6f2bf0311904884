//! A mutual's month in figures.
use chrono::NaiveDate;

/// The version of the definitions below; it moves when one of them changes.
pub const DEFINITION_VERSION: u32 = 1;

/// Counts and sums of one mutual and month, or of several of one currency. Stocks are those of the month's last day, or of
/// today within it; flows are of the whole month. Amounts are minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Households with a person in force; one who waits counts.
    pub households: i64,
    /// Principals in force.
    pub principals: i64,
    /// Persons in force.
    pub beneficiaries_in_force: i64,
    /// Contributions due in the month, of all payers; fees apart.
    pub dues_minor: i64,
    /// Registration fees due in the month.
    pub fees_minor: i64,
    /// What was received for the contributions due in the month, whenever it came.
    pub received_for_dues_minor: i64,
    /// Payments received in the month less reversals of the month, credit included.
    pub collected_minor: i64,
    /// Claims submitted in the month.
    pub claims_submitted: i64,
    /// Claims decided in the month: approved whole.
    pub claims_approved: i64,
    /// Claims decided in the month: approved in part.
    pub claims_partially_approved: i64,
    /// Claims decided in the month: rejected.
    pub claims_rejected: i64,
    /// The mutual's share of claims decided in the month.
    pub benefits_decided_minor: i64,
    /// The mutual's share settled in the month.
    pub paid_minor: i64,
}

impl Figures {
    /// The sum of two mutuals' figures, of one currency; none beyond what can be counted.
    pub fn plus(&self, other: &Figures) -> Option<Figures> {
        Some(Figures {
            households: self.households.checked_add(other.households)?,
            principals: self.principals.checked_add(other.principals)?,
            beneficiaries_in_force: self.beneficiaries_in_force.checked_add(other.beneficiaries_in_force)?,
            dues_minor: self.dues_minor.checked_add(other.dues_minor)?,
            fees_minor: self.fees_minor.checked_add(other.fees_minor)?,
            received_for_dues_minor: self.received_for_dues_minor.checked_add(other.received_for_dues_minor)?,
            collected_minor: self.collected_minor.checked_add(other.collected_minor)?,
            claims_submitted: self.claims_submitted.checked_add(other.claims_submitted)?,
            claims_approved: self.claims_approved.checked_add(other.claims_approved)?,
            claims_partially_approved: self.claims_partially_approved.checked_add(other.claims_partially_approved)?,
            claims_rejected: self.claims_rejected.checked_add(other.claims_rejected)?,
            benefits_decided_minor: self.benefits_decided_minor.checked_add(other.benefits_decided_minor)?,
            paid_minor: self.paid_minor.checked_add(other.paid_minor)?,
        })
    }
}

/// A month, and the day for which its stocks are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// The last day, or today within the month.
    pub stock_on: NaiveDate,
}
