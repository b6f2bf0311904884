//! Periods of reports: a month, a quarter, a year, never a free window. Pure.
use crate::dates::{add_days, add_months, month_of};
use chrono::NaiveDate;

/// Whole months, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first day of the first month.
    pub first: NaiveDate,
    /// The first day of the last month.
    pub last: NaiveDate,
    /// How many months.
    pub months: i64,
}

impl Period {
    /// Reads `2026-03`, `2026Q1` or `2026`; none where it is none of them.
    pub fn parse(text: &str) -> Option<Period> {
        let (year, rest) = text.split_at_checked(4)?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let year: i32 =
            Some(year).filter(|year| digits(year))?.parse().ok().filter(|year| (1900..=9_998).contains(year))?;
        let number = |text: &str, length: usize| -> Option<u32> {
            (text.len() == length && digits(text)).then(|| text.parse().ok()).flatten()
        };
        let (month, months) = match rest.split_at_checked(1) {
            None => (1, 12),
            Some(("-", month)) => (number(month, 2)?, 1),
            Some(("Q", quarter)) => (3 * number(quarter, 1).filter(|quarter| (1..=4).contains(quarter))? - 2, 3),
            Some(_) => return None,
        };
        Period::of(NaiveDate::from_ymd_opt(year, month, 1)?, months)
    }

    fn of(first: NaiveDate, months: i64) -> Option<Period> {
        Some(Period { first, last: add_months(first, months - 1).ok()?, months })
    }

    /// As many months before it.
    pub fn previous(self) -> Option<Period> {
        Period::of(add_months(self.first, -self.months).ok()?, self.months)
    }

    /// Its last month by itself.
    pub fn last_month(self) -> Period {
        Period { first: self.last, last: self.last, months: 1 }
    }

    /// The month before it.
    pub fn before(self) -> Option<NaiveDate> {
        add_months(self.first, -1).ok()
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        month_of(self.last).map_or(self.last, |whole| whole.to)
    }

    /// Whether all of it lies before a day.
    pub fn is_over(self, today: NaiveDate) -> bool {
        add_days(self.last_day(), 1).is_ok_and(|next| next <= today)
    }

    /// Its months in order.
    pub fn each(self) -> Vec<NaiveDate> {
        (0..self.months).filter_map(|at| add_months(self.first, at).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn months_quarters_and_years_are_periods_and_nothing_else_is() {
        let read = |text: &str| Period::parse(text).map(|period| (period.first, period.last_day()));
        assert_eq!(read("2026-03"), Some((day("2026-03-01"), day("2026-03-31"))));
        assert_eq!(read("2024-02"), Some((day("2024-02-01"), day("2024-02-29"))));
        assert_eq!(read("2026Q4"), Some((day("2026-10-01"), day("2026-12-31"))));
        assert_eq!(read("2026"), Some((day("2026-01-01"), day("2026-12-31"))));
        for text in [
            "",
            "26",
            "2026-13",
            "2026-00",
            "2026-3",
            "2026Q0",
            "2026Q5",
            "2026Q",
            "2026q1",
            "2026-03-01",
            "+026",
            "0000",
            "9999",
            "２０２６",
            "2026-é",
            "abcd",
            "2026 ",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn before_a_period_lie_as_many_months() {
        let quarter = Period::parse("2026Q1").unwrap();
        assert_eq!(quarter.previous(), Period::parse("2025Q4"));
        assert_eq!(quarter.before(), Some(day("2025-12-01")));
        assert_eq!(quarter.each(), [day("2026-01-01"), day("2026-02-01"), day("2026-03-01")]);
        assert!(!quarter.is_over(day("2026-03-31")) && quarter.is_over(day("2026-04-01")));
    }
}
