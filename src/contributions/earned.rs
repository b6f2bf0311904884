//! What of the contributions is earned by a day and what is not yet: computed from the register, never posted, since a
//! lapse by the calendar writes nothing.
use crate::dates::Period;
use chrono::NaiveDate;

/// What was written for one enrolment by a day, and over which days it is earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Contributions of all payers, less what was cancelled or waived.
    pub amount: i64,
    pub period: Period,
}

impl Written {
    /// What is not earned at the end of a day: by days, half up, all before the period begins and nothing after its end.
    pub fn unearned(self, on: NaiveDate) -> i64 {
        if on < self.period.from {
            return self.amount;
        }
        if on >= self.period.to {
            return 0;
        }
        let left = i128::from(crate::dates::days_between(on, self.period.to));
        let all = i128::from(self.period.days());
        let doubled = 2 * i128::from(self.amount) * left + all;
        i64::try_from(doubled.div_euclid(2 * all)).unwrap_or(self.amount)
    }

    /// What is earned at the end of a day: together with what is not it is what was written.
    pub fn earned(self, on: NaiveDate) -> i64 {
        self.amount - self.unearned(on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_year_is_earned_day_by_day() {
        let year = Written { amount: 36_500, period: Period { from: day("2026-01-01"), to: day("2026-12-31") } };
        assert_eq!(year.unearned(day("2025-12-31")), 36_500);
        assert_eq!(year.earned(day("2026-01-01")), 100);
        assert_eq!(year.earned(day("2026-01-31")), 3_100);
        assert_eq!(year.unearned(day("2026-12-30")), 100);
        assert_eq!(year.unearned(day("2026-12-31")), 0);
        assert_eq!(year.unearned(day("2027-06-01")), 0);
    }

    proptest! {
        #[test]
        fn what_is_earned_never_shrinks(amount in 0_i64..(1 << 53), from in 0_i64..400, length in 0_i64..800, on in -10_i64..1300) {
            let add = |days| crate::dates::add_days(day("2026-01-01"), days).unwrap();
            let written = Written { amount, period: Period { from: add(from), to: add(from + length) } };
            let (today, tomorrow) = (add(on), add(on + 1));
            prop_assert!(written.earned(today) <= written.earned(tomorrow));
            prop_assert!((0..=amount).contains(&written.earned(today)));
            prop_assert_eq!(written.earned(today) + written.unearned(today), amount);
        }
    }
}
