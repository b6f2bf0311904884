//! Civil dates: periods with both ends included, months and years added from an anchor, ages (R3, R4).

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// A date beyond what the calendar of the program can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a date lies beyond the calendar")]
pub struct DateOutOfRange;

/// Days from `from` to `to`, both included (R3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Period {
    /// `None` where the end lies before the start.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Option<Self> {
        (from <= to).then_some(Self { from, to })
    }

    /// Whether the day lies within, ends included.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }

    /// Whether the two periods share a day.
    pub fn overlaps(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// How many days it holds; a period of one day holds 1.
    pub fn days(self) -> i64 {
        days_between(self.from, self.to) + 1
    }
}

/// A time within what both engines can hold.
pub fn bounded((from, to): (NaiveDate, NaiveDate)) -> (NaiveDate, NaiveDate) {
    let year = |year, month, day| NaiveDate::from_ymd_opt(year, month, day);
    (from.max(year(1, 1, 1).unwrap_or(from)), to.min(year(9999, 12, 31).unwrap_or(to)))
}

/// Whether `day` lies from `from` to `to`, ends included, `None` standing for no end.
pub fn within(day: NaiveDate, from: NaiveDate, to: Option<NaiveDate>) -> bool {
    from <= day && to.is_none_or(|to| day <= to)
}

/// The day `days` later, or earlier if negative.
pub fn add_days(day: NaiveDate, days: i64) -> Result<NaiveDate, DateOutOfRange> {
    let distance = Days::new(days.unsigned_abs());
    in_calendar(if days < 0 { day.checked_sub_days(distance) } else { day.checked_add_days(distance) })
}

/// The calendar has the years 1 to 9999: no others are written with four digits, as dates travel and as SQLite orders them.
fn in_calendar(day: Option<NaiveDate>) -> Result<NaiveDate, DateOutOfRange> {
    day.filter(|day| (1..=9999).contains(&day.year())).ok_or(DateOutOfRange)
}

/// The same day number `months` later, clamped to the month's last day (R4). Add from the original anchor, never from
/// an earlier sum: 30 November + 3 months is 28 February, but 30 November + 4 months is 30 March.
pub fn add_months(anchor: NaiveDate, months: i64) -> Result<NaiveDate, DateOutOfRange> {
    let distance = Months::new(u32::try_from(months.unsigned_abs()).map_err(|_| DateOutOfRange)?);
    in_calendar(if months < 0 { anchor.checked_sub_months(distance) } else { anchor.checked_add_months(distance) })
}

/// The same day of the year `years` later; 29 February falls on the 28th in other years (R4).
pub fn add_years(anchor: NaiveDate, years: i64) -> Result<NaiveDate, DateOutOfRange> {
    add_months(anchor, years.checked_mul(12).ok_or(DateOutOfRange)?)
}

/// The birthday in a calendar year (R4).
pub fn birthday_in(born_on: NaiveDate, year: i32) -> Result<NaiveDate, DateOutOfRange> {
    add_years(born_on, i64::from(year) - i64::from(born_on.year()))
}

/// Age in completed years on a day; negative before birth.
pub fn age_on(born_on: NaiveDate, day: NaiveDate) -> Result<i64, DateOutOfRange> {
    let years = i64::from(day.year()) - i64::from(born_on.year());
    let not_yet = day < birthday_in(born_on, day.year())?;
    Ok(years - i64::from(not_yet))
}

/// Days from one day to another, 0 for the same day, negative backwards.
pub fn days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    to.signed_duration_since(from).num_days()
}

/// The first and last day of the month that holds the day.
pub fn month_of(day: NaiveDate) -> Result<Period, DateOutOfRange> {
    let from = day.with_day(1).ok_or(DateOutOfRange)?;
    let to = add_days(add_months(from, 1)?, -1)?;
    Ok(Period { from, to })
}

/// How many calendar months two days touch, both months counted whole: 1 within a month, 0 or less backwards.
pub fn whole_months(from: NaiveDate, to: NaiveDate) -> i64 {
    month_number(to) - month_number(from) + 1
}

fn month_number(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month0())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_added_from_the_anchor_and_clamped() {
        assert_eq!(add_months(day("2025-11-30"), 3), Ok(day("2026-02-28")));
        assert_eq!(add_months(day("2025-11-30"), 4), Ok(day("2026-03-30")));
        assert_eq!(add_months(day("2024-01-31"), 1), Ok(day("2024-02-29")));
        assert_eq!(add_months(day("2026-03-31"), -1), Ok(day("2026-02-28")));
        assert_eq!(add_months(day("2026-03-31"), i64::MAX), Err(DateOutOfRange));
        assert_eq!(add_years(day("2026-03-31"), i64::MAX), Err(DateOutOfRange));
        assert_eq!(add_days(day("2026-03-31"), i64::MIN), Err(DateOutOfRange));
    }

    #[test]
    fn a_leap_birthday_falls_on_the_28th() {
        assert_eq!(birthday_in(day("2004-02-29"), 2025), Ok(day("2025-02-28")));
        assert_eq!(birthday_in(day("2004-02-29"), 2024), Ok(day("2024-02-29")));
        assert_eq!(age_on(day("2004-02-29"), day("2025-02-27")), Ok(20));
        assert_eq!(age_on(day("2004-02-29"), day("2025-02-28")), Ok(21));
    }

    #[test]
    fn months_and_periods_include_both_ends() {
        let february = month_of(day("2024-02-10")).unwrap();
        assert_eq!(february.to, day("2024-02-29"));
        assert_eq!(february.days(), 29);
        assert!(february.contains(day("2024-02-01")) && february.contains(day("2024-02-29")));
        assert_eq!(whole_months(day("2026-05-20"), day("2026-12-31")), 8);
        assert_eq!(whole_months(day("2026-05-31"), day("2026-05-01")), 1);
        assert_eq!(Period::new(day("2026-01-02"), day("2026-01-01")), None);
    }

    proptest! {
        #[test]
        fn adding_months_keeps_the_month_count(offset in 0_i64..40_000, months in -600_i64..600) {
            let anchor = add_days(day("1950-01-01"), offset).unwrap();
            let moved = add_months(anchor, months).unwrap();
            prop_assert_eq!(whole_months(anchor, moved), months + 1);
            prop_assert!(moved.day() <= anchor.day());
        }
    }
}
