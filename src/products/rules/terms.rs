//! When a household may enter, for how long, how it pays within the period, and whom the product takes: parameters beside
//! the price, and their contradictions.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Contribution, Findings, Product};
use crate::dates::{self, DateOutOfRange, Period, add_days, add_months};
use crate::money::FULL_RATE_BP;

/// Months of a period where the product does not say.
pub const PERIOD_MONTHS: i64 = 12;

/// A day of every year, written `MM-DD`; 29 February falls on the 28th in other years (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MonthDay {
    month: u32,
    day: u32,
}

impl FromStr for MonthDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no day of the year such as 07-01");
        let (month, day) = text.split_once('-').ok_or_else(wrong)?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(month) || !digits(day) {
            return Err(wrong());
        }
        let (month, day) = (month.parse().map_err(|_| wrong())?, day.parse().map_err(|_| wrong())?);
        // A leap year has every day that there is.
        NaiveDate::from_ymd_opt(2024, month, day).map(|_| MonthDay { month, day }).ok_or_else(wrong)
    }
}

impl TryFrom<String> for MonthDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<MonthDay> for String {
    fn from(day: MonthDay) -> String {
        day.to_string()
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl MonthDay {
    /// The day in a year.
    pub fn in_year(self, year: i32) -> Option<NaiveDate> {
        let last = if (self.month, self.day) == (2, 29) { 28 } else { self.day };
        NaiveDate::from_ymd_opt(year, self.month, self.day).or_else(|| NaiveDate::from_ymd_opt(year, self.month, last))
    }

    /// The first such day on or after a date.
    pub fn on_or_after(self, date: NaiveDate) -> Result<NaiveDate, DateOutOfRange> {
        let this_year = self.in_year(date.year()).filter(|day| *day >= date);
        this_year.or_else(|| self.in_year(date.year() + 1)).ok_or(DateOutOfRange)
    }
}

/// Days of the year on which entry is open, both included; from November to January it goes over the year's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    pub from: MonthDay,
    pub to: MonthDay,
}

impl Window {
    /// Whether a day lies in the window.
    pub fn holds(&self, day: NaiveDate) -> bool {
        let at = MonthDay { month: day.month(), day: day.day() };
        if self.from <= self.to { self.from <= at && at <= self.to } else { at >= self.from || at <= self.to }
    }
}

/// When an instalment falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstalmentDue {
    /// So many months after the period's first day (R4).
    Months(i64),
    /// The first such day on or after the period's first day: the harvest.
    On(MonthDay),
}

impl InstalmentDue {
    /// The day on which it falls due.
    pub fn due_on(self, starts_on: NaiveDate) -> Result<NaiveDate, DateOutOfRange> {
        match self {
            Self::Months(months) => add_months(starts_on, months),
            Self::On(day) => day.on_or_after(starts_on),
        }
    }
}

/// A part of the household's contribution with a due date of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instalment {
    pub share_bp: i64,
    pub due: InstalmentDue,
}

/// For what a fee is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeePer {
    Household,
    Person,
}

/// When a fee is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeWhen {
    /// At first enrolment and at re-entry after a lapse, as the registration fee (R6).
    First,
    EveryPeriod,
}

/// A fee beside the registration fee: a card, a booklet. The household owes it on the period's first day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherFee {
    pub code: String,
    pub amount: i64,
    pub per: FeePer,
    pub when: FeeWhen,
}

/// Whom the product takes, in completed years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgeLimits {
    /// A child who reaches this age is not renewed (R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child_max_age: Option<i64>,
    /// Who is older on the period's first day does not enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_max_age: Option<i64>,
}

/// Why a household may not enter on these terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    #[error("entry is open in other months only")]
    OutsideWindow,
    #[error("a period begins on {0}")]
    NotACycleStart(String),
    #[error("the product takes households of at most {most} persons, and this one has {size}")]
    TooLarge { size: i64, most: i64 },
    #[error("{count} of the persons are older than {most} on the period's first day")]
    TooOld { count: usize, most: i64 },
}

impl Product {
    /// The last day of a period that begins on a day.
    pub fn period_end(&self, starts_on: NaiveDate) -> Result<NaiveDate, DateOutOfRange> {
        add_days(add_months(starts_on, self.period_months.unwrap_or(PERIOD_MONTHS))?, -1)
    }

    /// The age at which a child is no longer renewed.
    pub fn child_max_age(&self) -> Option<i64> {
        self.age_limits.as_ref().and_then(|limits| limits.child_max_age)
    }

    /// Every reason at once why a household may not enter. A renewal follows the period before and is bound by no window:
    /// a family that pays in time must not be kept out by the calendar.
    pub fn refuses(
        &self,
        applied_on: NaiveDate,
        starts_on: NaiveDate,
        is_renewal: bool,
        born: &[Option<NaiveDate>],
    ) -> Vec<TermsError> {
        let mut found = Vec::new();
        let windows = &self.enrolment_windows;
        if !is_renewal && !windows.is_empty() && !windows.iter().any(|window| window.holds(applied_on)) {
            found.push(TermsError::OutsideWindow);
        }
        let starts = |day: &MonthDay| day.in_year(starts_on.year()) == Some(starts_on);
        if !self.cycle_starts.is_empty() && !self.cycle_starts.iter().any(starts) {
            let days: Vec<String> = self.cycle_starts.iter().map(ToString::to_string).collect();
            found.push(TermsError::NotACycleStart(days.join(", ")));
        }
        let size = i64::try_from(born.len()).unwrap_or(i64::MAX);
        if let Some(most) = self.max_household_size.filter(|most| size > *most) {
            found.push(TermsError::TooLarge { size, most });
        }
        let oldest = self.age_limits.as_ref().and_then(|limits| limits.entry_max_age);
        if let (Some(most), false) = (oldest, is_renewal) {
            let older = |born: &&Option<NaiveDate>| {
                born.and_then(|born| dates::age_on(born, starts_on).ok()).is_some_and(|age| age > most)
            };
            let count = born.iter().filter(older).count();
            if count > 0 {
                found.push(TermsError::TooOld { count, most });
            }
        }
        found
    }

    pub(super) fn check_terms(&self, found: &mut Findings) {
        if let Some(months) = self.period_months.filter(|months| !(1..=60).contains(months)) {
            found.add("/period_months".into(), "PERIOD_OUT_OF_BOUNDS", &format!("1 to 60 months, not {months}"));
        }
        let mut starts = self.cycle_starts.clone();
        starts.sort();
        starts.dedup();
        if starts.len() != self.cycle_starts.len() {
            found.add("/cycle_starts".into(), "CYCLE_START_TWICE", "each day stands once");
        }
        for (at, fee) in self.other_fees.iter().enumerate() {
            found.not_negative(format!("/other_fees/{at}/amount"), fee.amount);
            if fee.code.trim().is_empty() {
                found.add(format!("/other_fees/{at}/code"), "NO_CODE", "a fee has a code");
            }
            if self.other_fees.iter().take(at).any(|other| other.code == fee.code) {
                found.add(format!("/other_fees/{at}/code"), "FEE_TWICE", "each code stands once");
            }
        }
        if let Some(most) = self.max_household_size {
            if most < 1 {
                found.add("/max_household_size".into(), "SIZE_BELOW_ONE", "a household has at least one person");
            }
            if let Some(Contribution::HouseholdBands { bands, extra_per_person_above: None }) = &self.contribution
                && bands.iter().map(|band| band.to).max().is_some_and(|last| last < most)
            {
                found.add(
                    "/max_household_size".into(),
                    "SIZE_WITHOUT_PRICE",
                    "a size that the product takes stands in no band, and there is no extra per person",
                );
            }
        }
        self.check_ages(found);
        self.check_instalments(found);
    }

    fn check_ages(&self, found: &mut Findings) {
        let limits = self.age_limits.clone().unwrap_or(AgeLimits { child_max_age: None, entry_max_age: None });
        for (name, age) in [("child_max_age", limits.child_max_age), ("entry_max_age", limits.entry_max_age)] {
            if age.is_some_and(|age| !(0..=130).contains(&age)) {
                found.add(format!("/age_limits/{name}"), "AGE_OUT_OF_BOUNDS", "an age is from 0 to 130");
            }
        }
        if let Some(Contribution::PerAdultChildYear { adult_from_age, .. }) = &self.contribution {
            if !(0..=130).contains(adult_from_age) {
                found.add("/contribution/adult_from_age".into(), "AGE_OUT_OF_BOUNDS", "an age is from 0 to 130");
            }
            if limits.entry_max_age.is_some_and(|most| most < *adult_from_age) {
                found.add(
                    "/age_limits/entry_max_age".into(),
                    "NO_ADULT_ENTERS",
                    "nobody who pays as an adult could enter",
                );
            }
        }
    }

    fn check_instalments(&self, found: &mut Findings) {
        if self.instalments.is_empty() {
            return;
        }
        match &self.contribution {
            None => found.add("/instalments".into(), "NOTHING_TO_SPLIT", "there is no contribution"),
            Some(Contribution::PerPersonMonth { .. }) => {
                found.add(
                    "/instalments".into(),
                    "MONTHLY_AND_INSTALMENTS",
                    "a monthly price is due each month already",
                );
            }
            Some(_) => {}
        }
        for (at, one) in self.instalments.iter().enumerate() {
            let pointer = format!("/instalments/{at}");
            found.rate(format!("{pointer}/share_bp"), one.share_bp);
            if one.share_bp == 0 {
                found.add(format!("{pointer}/share_bp"), "EMPTY_INSTALMENT", "an instalment is more than nothing");
            }
            let months = self.period_months.unwrap_or(PERIOD_MONTHS);
            match one.due {
                InstalmentDue::Months(after) if !(0..months).contains(&after) => found.add(
                    format!("{pointer}/due/months"),
                    "DUE_OUTSIDE_PERIOD",
                    "an instalment falls due within the period",
                ),
                InstalmentDue::On(_) if months < 12 => found.add(
                    format!("{pointer}/due/on"),
                    "DUE_OUTSIDE_PERIOD",
                    "a period of less than a year may not hold that day",
                ),
                _ => {}
            }
        }
        let whole: i64 = self.instalments.iter().fold(0, |sum, one| sum.saturating_add(one.share_bp));
        if whole != FULL_RATE_BP {
            found.add("/instalments".into(), "SHARES_NOT_WHOLE", &format!("the shares add up to {whole}, not 10000"));
        }
    }
}

/// The whole period of an enrolment.
pub fn period_of(
    product: &Product,
    starts_on: NaiveDate,
    ends_on: Option<NaiveDate>,
) -> Result<Option<Period>, DateOutOfRange> {
    let ends_on = match ends_on {
        Some(day) => day,
        None => product.period_end(starts_on)?,
    };
    Ok(Period::new(starts_on, ends_on))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn product(value: serde_json::Value) -> Product {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_day_of_the_year_is_read_and_falls_on_the_28th() {
        for bad in ["02-30", "13-01", "1-1", "00-10", "07/01", "07-01-02", "+7-01"] {
            assert!(bad.parse::<MonthDay>().is_err(), "{bad}");
        }
        let leap: MonthDay = "02-29".parse().unwrap();
        assert_eq!(leap.in_year(2026), Some(date("2026-02-28")));
        assert_eq!(leap.in_year(2028), Some(date("2028-02-29")));
        let harvest: MonthDay = "06-15".parse().unwrap();
        assert_eq!(harvest.on_or_after(date("2026-06-15")), Ok(date("2026-06-15")));
        assert_eq!(harvest.on_or_after(date("2026-06-16")), Ok(date("2027-06-15")));
    }

    #[test]
    fn entry_is_open_in_its_windows_over_the_years_end_too() {
        let open = product(json!({"currency": "BIF", "cycle_starts": ["01-01", "07-01"],
            "enrolment_windows": [{"from": "11-01", "to": "01-31"}]}));
        let refused = |applied: &str, starts: &str, renewal| open.refuses(date(applied), date(starts), renewal, &[]);
        assert_eq!(refused("2026-12-31", "2026-01-01", false), vec![]);
        assert_eq!(refused("2026-01-31", "2026-07-01", false), vec![]);
        assert_eq!(refused("2026-02-01", "2026-07-01", false), vec![TermsError::OutsideWindow]);
        assert_eq!(refused("2026-02-01", "2026-07-01", true), vec![]);
        let both = refused("2026-06-01", "2026-06-01", false);
        assert_eq!(both, vec![TermsError::OutsideWindow, TermsError::NotACycleStart("01-01, 07-01".into())]);
    }

    #[test]
    fn a_household_that_is_too_large_or_too_old_is_told_so() {
        let limits = product(json!({"currency": "BIF", "max_household_size": 2, "age_limits": {"entry_max_age": 60}}));
        let born = [Some(date("1960-01-02")), Some(date("1990-01-01")), None];
        let found = limits.refuses(date("2026-01-01"), date("2026-01-01"), false, &born);
        assert_eq!(found, vec![TermsError::TooLarge { size: 3, most: 2 }, TermsError::TooOld { count: 1, most: 60 }]);
        assert!(limits.refuses(date("2026-01-01"), date("2026-01-01"), false, &born[1..]).is_empty());
    }

    #[test]
    fn all_contradictions_of_the_terms_are_told_at_once() {
        let wrong = product(json!({
            "currency": "BIF",
            "contribution": {"kind": "per_person_month", "amount": 5},
            "period_months": 0,
            "cycle_starts": ["01-01", "01-01"],
            "instalments": [{"share_bp": 0, "due": {"months": 12}}, {"share_bp": 9000, "due": {"on": "06-15"}}],
            "other_fees": [{"code": "CARD", "amount": -1, "per": "person", "when": "first"},
                {"code": "CARD", "amount": 1, "per": "household", "when": "every_period"}],
            "max_household_size": 0,
            "age_limits": {"child_max_age": 200},
        }));
        let codes: Vec<&str> = wrong.contradictions().iter().map(|one| one.code).collect();
        for code in [
            "PERIOD_OUT_OF_BOUNDS",
            "CYCLE_START_TWICE",
            "NEGATIVE",
            "FEE_TWICE",
            "SIZE_BELOW_ONE",
            "AGE_OUT_OF_BOUNDS",
            "MONTHLY_AND_INSTALMENTS",
            "EMPTY_INSTALMENT",
            "DUE_OUTSIDE_PERIOD",
            "SHARES_NOT_WHOLE",
        ] {
            assert!(codes.contains(&code), "{code} is not among {codes:?}");
        }
        let bands = product(json!({"currency": "BIF", "max_household_size": 9,
            "contribution": {"kind": "household_bands", "bands": [{"from": 1, "to": 6, "amount": 10}]}}));
        assert_eq!(bands.contradictions()[0].code, "SIZE_WITHOUT_PRICE");
    }
}
