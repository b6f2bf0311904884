//! What is counted and added up of a mutual's month: the list of measures, their values, and cuts of some of them.
use crate::error::Result;
use crate::words;
use std::collections::BTreeMap;

/// The version of the definitions below; it moves when one of them changes, and facts of another version are stale.
pub const DEFINITION_VERSION: u32 = 3;

words! {
    /// One figure of a mutual's month. Stocks are those of the month's last day, or of today within it; all else is of the whole
    /// month up to that day. Amounts are minor units. The order is that in which they are kept: new ones go to the end.
    pub enum Measure {
        /// Households with a person in force; one who waits counts.
        Households = "households",
        Principals = "principals",
        /// Persons in force, whether they wait or not.
        BeneficiariesInForce = "beneficiaries_in_force",
        WomenInForce = "women_in_force",
        /// Persons in force for whom at least one category of care has not begun yet.
        BeneficiariesWaiting = "beneficiaries_waiting",
        HouseholdsSuspended = "households_suspended",
        BeneficiariesSuspended = "beneficiaries_suspended",
        /// Living persons who belong to a household, covered or not.
        PersonsRegistered = "persons_registered",
        /// Days in force of all persons.
        PersonDays = "person_days",
        /// Persons who were covered or suspended on a day of the month and not the day before, for the first time.
        EntriesNew = "entries_new",
        /// The same, but not for the first time.
        EntriesReturning = "entries_returning",
        /// Persons who were covered or suspended until the day before one of the month: their period was over.
        ExitsExpired = "exits_expired",
        /// Arrears had gone too far.
        ExitsLapsed = "exits_lapsed",
        ExitsResigned = "exits_resigned",
        ExitsExcluded = "exits_excluded",
        ExitsDeceased = "exits_deceased",
        /// They left the household.
        ExitsLeft = "exits_left",
        /// The enrolment was cancelled, closed or transferred.
        ExitsOther = "exits_other",
        /// Enrolments whose period ended in the month.
        EnrolmentsEnding = "enrolments_ending",
        /// Of these, followed by another one of the household within 31 days.
        EnrolmentsRenewed = "enrolments_renewed",
        /// Contributions due in the month, of all payers, less what was cancelled or waived.
        Dues = "dues_minor",
        /// Of these, the part of the households.
        DuesHousehold = "dues_household_minor",
        /// Registration fees due in the month.
        Fees = "fees_minor",
        /// What was received for the contributions due in the month, of all payers, whenever it came.
        ReceivedForDues = "received_for_dues_minor",
        /// Payments of households received in the month less reversals of the month, credit included.
        Collected = "collected_minor",
        /// What other payers paid in the month.
        SubsidiesReceived = "subsidies_received_minor",
        /// Open dues of households by age in days, at the end of the stock's day.
        Arrears1To30 = "arrears_1_30_minor",
        Arrears31To90 = "arrears_31_90_minor",
        ArrearsOver90 = "arrears_over_90_minor",
        /// Contributions earned in the month, day by day of the enrolments' periods.
        Earned = "earned_minor",
        /// Contributions written and not earned at the end of the stock's day.
        Unearned = "unearned_minor",
        /// Of the books: income of the month from contributions and fees.
        ContributionIncome = "contribution_income_minor",
        SubsidyIncome = "subsidy_income_minor",
        /// Grants and other income.
        OtherIncome = "other_income_minor",
        Expenses = "expenses_minor",
        /// Cash, bank, mobile money at the end of the stock's day; what collectors hold is not in it.
        Liquid = "liquid_minor",
        /// Decided and not paid, to facilities and members.
        Payable = "payable_minor",
        Assets = "assets_minor",
        Liabilities = "liabilities_minor",
        ClaimsSubmitted = "claims_submitted",
        /// Decided in the month: approved whole.
        ClaimsApproved = "claims_approved",
        ClaimsPartiallyApproved = "claims_partially_approved",
        ClaimsRejected = "claims_rejected",
        /// Of the decisions of the month, less those that were replaced or taken back in it.
        BilledDecided = "billed_decided_minor",
        BenefitsDecided = "benefits_decided_minor",
        MemberShare = "member_share_minor",
        WriteOff = "provider_writeoff_minor",
        OtherPayer = "other_payer_minor",
        /// The mutual's share settled in the month.
        Paid = "paid_minor",
        /// Claims approved, whole or in part, whose care was in the month.
        Cases = "cases",
        /// Claims submitted and not decided at the end of the stock's day, and what they bill.
        UndecidedClaims = "undecided_claims",
        UndecidedBilled = "undecided_billed_minor",
    }
}

/// How many there are.
pub const MEASURES: usize = Measure::ALL.len();

/// The figures of a month. What a return on paper does not tell is not known, which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals([Option<i64>; MEASURES]);

impl Totals {
    /// Nothing of anything.
    pub const NOTHING: Totals = Totals([Some(0); MEASURES]);
    /// Not a figure is known.
    pub const UNKNOWN: Totals = Totals([None; MEASURES]);

    /// A figure, where it is known.
    pub fn known(&self, measure: Measure) -> Option<i64> {
        self.0.get(measure as usize).copied().flatten()
    }

    /// A figure; 0 where it is not known.
    pub fn get(&self, measure: Measure) -> i64 {
        self.known(measure).unwrap_or(0)
    }

    pub fn set(&mut self, measure: Measure, value: i64) {
        if let Some(place) = self.0.get_mut(measure as usize) {
            *place = Some(value);
        }
    }

    /// With one figure more.
    pub fn with(mut self, measure: Measure, value: i64) -> Self {
        self.set(measure, value);
        self
    }

    /// As they are kept: numbers in the order of the measures, with commas; nothing where a figure is not known.
    pub fn text(&self) -> String {
        self.0
            .iter()
            .map(|figure| figure.map(|value| value.to_string()).unwrap_or_default())
            .collect::<Vec<_>>()
            .join(",")
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// A fault where it is not what was kept.
    pub fn read(text: &str) -> Result<Totals> {
        let mut totals = Totals::UNKNOWN;
        let mut parts = text.split(',');
        for place in &mut totals.0 {
            let part = parts.next().ok_or_else(broken)?;
            *place = if part.is_empty() { None } else { Some(part.parse().map_err(|_| broken())?) };
        }
        if parts.next().is_none() { Ok(totals) } else { Err(broken()) }
    }
}

impl Default for Totals {
    fn default() -> Self {
        Totals::NOTHING
    }
}

fn broken() -> crate::error::Error {
    crate::error::Error::Fault("kept figures cannot be read".into())
}

words! {
    /// By what figures are cut.
    pub enum Dimension {
        /// Sex and age: persons in force, cases of the month.
        SexAge = "sex_age",
        /// The area of the household: households and persons in force.
        Area = "area",
        /// Who owes a contribution: due in the month, received for it.
        Payer = "payer",
        /// Category of care: claims decided in the month, what they bill and who bears it; the rest is other payers'.
        Category = "category",
        /// The facility: claims decided in the month, of these rejected, what they bill and who bears it; the rest is other payers'.
        Provider = "provider",
        /// Why claims were rejected: claims.
        Reason = "reason",
        /// Days from care to payment: claims paid in the month.
        DaysFromEvent = "days_from_event",
        /// Days from submission to payment: claims paid in the month.
        DaysFromSubmission = "days_from_submission",
    }
}

/// The cells of a cut, by key, each with as many numbers as the dimension says.
pub type Cells = BTreeMap<String, Vec<i64>>;

/// All that is kept of a month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    pub totals: Totals,
    pub cuts: BTreeMap<Dimension, Cells>,
}

impl Sheet {
    /// The cells of a dimension.
    pub fn cells(&self, dimension: Dimension) -> impl Iterator<Item = (&String, &Vec<i64>)> {
        self.cuts.get(&dimension).into_iter().flatten()
    }

    /// Adds to a number of a cell.
    pub fn add(&mut self, dimension: Dimension, key: &str, at: usize, value: i64) {
        let cells = self.cuts.entry(dimension).or_default();
        let cell = cells.entry(key.to_owned()).or_insert_with(|| vec![0; dimension.numbers().len()]);
        if let Some(place) = cell.get_mut(at) {
            *place = place.saturating_add(value);
        }
    }

    /// Whether an earlier sheet says the same, as far as it says anything: cells once had fewer numbers.
    pub fn says(&self, earlier: &Sheet) -> bool {
        let is_same = |(now, then): (&Vec<i64>, &Vec<i64>)| now.get(..then.len()) == Some(then);
        let are_same =
            |now: &Cells, then: &Cells| now.keys().eq(then.keys()) && now.values().zip(then.values()).all(is_same);
        self.totals == earlier.totals
            && self.cuts.keys().eq(earlier.cuts.keys())
            && self.cuts.values().zip(earlier.cuts.values()).all(|(now, then)| are_same(now, then))
    }

    /// Adds what another says.
    pub fn take(&mut self, other: &Sheet) {
        for measure in Measure::ALL {
            self.totals.set(*measure, self.totals.get(*measure) + other.totals.get(*measure));
        }
        for (dimension, cells) in &other.cuts {
            for (key, numbers) in cells {
                for (at, number) in numbers.iter().enumerate() {
                    self.add(*dimension, key, at, *number);
                }
            }
        }
    }
}

impl Dimension {
    /// What the numbers of a cell are.
    pub const fn numbers(self) -> &'static [&'static str] {
        match self {
            Dimension::SexAge => &["beneficiaries_in_force", "cases"],
            Dimension::Area => &["households", "beneficiaries_in_force"],
            Dimension::Payer => &["dues_minor", "received_minor"],
            Dimension::Category => {
                &["claims", "billed_minor", "mutual_minor", "member_share_minor", "provider_writeoff_minor"]
            }
            Dimension::Provider => &[
                "claims",
                "claims_rejected",
                "billed_minor",
                "mutual_minor",
                "member_share_minor",
                "provider_writeoff_minor",
            ],
            Dimension::Reason | Dimension::DaysFromEvent | Dimension::DaysFromSubmission => &["claims"],
        }
    }
}

impl Dimension {
    /// Whether a cell has as many numbers as it has now, or as it had when return files of earlier releases were made.
    pub fn has(self, numbers: usize) -> bool {
        numbers == self.numbers().len() || self == Dimension::Category && numbers == CATEGORY_NUMBERS_BEFORE
    }
}

/// A category had no member's share and no write-off before.
const CATEGORY_NUMBERS_BEFORE: usize = 3;

/// Cells as they are kept, as JSON.
pub fn cells_text(cells: &Cells) -> String {
    serde_json::json!(cells).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_of_more_numbers_says_what_one_of_fewer_said() {
        let sheet = |numbers: &[i64]| {
            let cells: Cells = [("OPD".to_owned(), numbers.to_vec())].into();
            Sheet { cuts: [(Dimension::Category, cells)].into(), ..Sheet::default() }
        };
        let now = sheet(&[3, 900, 700, 100, 100]);
        assert!(now.says(&sheet(&[3, 900, 700])) && now.says(&now));
        for other in [sheet(&[3, 900, 701]), sheet(&[3, 900, 700, 100, 101]), Sheet::default()] {
            assert!(!now.says(&other), "{other:?}");
        }
        assert!(!sheet(&[3, 900, 700]).says(&now));
        assert!(Dimension::Category.has(3) && Dimension::Category.has(5) && !Dimension::Category.has(4));
        assert!(!Dimension::Payer.has(3));
    }

    #[test]
    fn what_is_kept_is_read_back() {
        for none in [Totals::NOTHING, Totals::UNKNOWN] {
            let totals = none.with(Measure::Households, 7).with(Measure::UndecidedBilled, -3);
            assert_eq!(Totals::read(&totals.text()).unwrap(), totals);
            assert_eq!(totals.known(Measure::Households), Some(7));
            assert_eq!(totals.known(Measure::Paid), none.known(Measure::Paid));
        }
        let totals = Totals::NOTHING;
        for text in ["", "1", "1,x"] {
            assert!(Totals::read(text).is_err());
        }
        assert!(Totals::read(&format!("{},0", totals.text())).is_err());
    }
}
