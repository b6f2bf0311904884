//! The arithmetic of indicators: ratios, growth, rates per year, the technical result, promptness (R39–R41).

use crate::money::{self, Overflow};

/// Thousandths, the scale of rates per year.
const PER_MILLE: i64 = 1000;

/// One unit's part of a consolidated ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    pub numerator: i64,
    pub denominator: i64,
}

impl Fraction {
    /// In basis points; `None` over zero (R40).
    pub fn ratio_bp(self) -> Result<Option<i64>, Overflow> {
        money::ratio_bp(self.numerator, self.denominator)
    }
}

/// The ratio over several units in basis points: Σ numerators / Σ denominators, never a mean of ratios (R39).
pub fn consolidated_bp(units: &[Fraction]) -> Result<Option<i64>, Overflow> {
    let numerators: i128 = units.iter().map(|unit| i128::from(unit.numerator)).sum();
    let denominators: i128 = units.iter().map(|unit| i128::from(unit.denominator)).sum();
    money::ratio_bp(numerators, denominators)
}

/// (now − before) / before in basis points; `None` from zero (R40).
pub fn growth_bp(now: i64, before: i64) -> Result<Option<i64>, Overflow> {
    money::ratio_bp(i128::from(now) - i128::from(before), before)
}

/// A rate per year in thousandths; `None` over zero (R40).
pub fn per_year_milli(numerator: i64, denominator: i64) -> Result<Option<i64>, Overflow> {
    money::ratio(numerator, denominator, PER_MILLE)
}

/// A mean amount in minor units; `None` of nothing (R40).
pub fn average_minor(amount: i64, count: i64) -> Result<Option<i64>, Overflow> {
    money::ratio(amount, count, 1)
}

/// The figures of a technical result, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TechnicalFigures {
    pub unearned_open: i64,
    pub written: i64,
    pub unearned_close: i64,
    pub claims_paid: i64,
    pub reserve_open: i64,
    pub reserve_close: i64,
    pub expenses: i64,
    pub other_income: i64,
}

/// The technical result; the ratios are over what was earned, `None` if nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TechnicalResult {
    pub earned: i64,
    pub incurred_claims: i64,
    pub incurred_claims_ratio_bp: Option<i64>,
    pub incurred_expense_ratio_bp: Option<i64>,
    pub net_income: i64,
    pub net_income_ratio_bp: Option<i64>,
}

/// R41: earned, incurred and net result, and their ratios.
pub fn technical_result(figures: &TechnicalFigures) -> Result<TechnicalResult, Overflow> {
    let wide = |amount: i64| i128::from(amount);
    let narrow = |amount: i128| i64::try_from(amount).map_err(|_| Overflow);
    let earned = wide(figures.unearned_open) + wide(figures.written) - wide(figures.unearned_close);
    let incurred = wide(figures.claims_paid) + wide(figures.reserve_close) - wide(figures.reserve_open);
    let net = earned + wide(figures.other_income) - incurred - wide(figures.expenses);
    Ok(TechnicalResult {
        earned: narrow(earned)?,
        incurred_claims: narrow(incurred)?,
        incurred_claims_ratio_bp: money::ratio_bp(incurred, earned)?,
        incurred_expense_ratio_bp: money::ratio_bp(figures.expenses, earned)?,
        net_income: narrow(net)?,
        net_income_ratio_bp: money::ratio_bp(net, earned)?,
    })
}

/// How fast claims are paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promptness {
    /// How many within 0–7, 8–30, 31–90 and more than 90 days.
    pub buckets: [i64; 4],
    pub mean_hundredths: Option<i64>,
    pub median_tenths: Option<i64>,
}

/// The names of the buckets, in their order.
pub const PROMPTNESS_BUCKETS: [&str; 4] = ["0-7", "8-30", "31-90", ">90"];

/// R40: buckets, mean and median of days; the statistics of nothing are `None`.
pub fn promptness(days: &[i64]) -> Result<Promptness, Overflow> {
    let [mut week, mut month, mut quarter, mut longer] = [0_i64; 4];
    for day in days {
        match day {
            ..=7 => week += 1,
            8..=30 => month += 1,
            31..=90 => quarter += 1,
            91.. => longer += 1,
        }
    }
    let count = i64::try_from(days.len()).map_err(|_| Overflow)?;
    let total: i128 = days.iter().map(|day| i128::from(*day)).sum();
    Ok(Promptness {
        buckets: [week, month, quarter, longer],
        mean_hundredths: money::ratio(total, count, 100)?,
        median_tenths: median_tenths(days)?,
    })
}

/// The middle value in tenths, of an even count the mean of the two in the middle.
fn median_tenths(days: &[i64]) -> Result<Option<i64>, Overflow> {
    let mut sorted = days.to_vec();
    sorted.sort_unstable();
    let upper = sorted.get(sorted.len() / 2);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2);
    let (Some(lower), Some(upper)) = (lower, upper) else {
        return Ok(None);
    };
    money::ratio(i128::from(*lower) + i128::from(*upper), 2, 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_consolidated_ratio_is_a_ratio_of_sums() {
        let unit = |numerator, denominator| Fraction { numerator, denominator };
        let units = [unit(800, 1000), unit(3000, 2000), unit(5, 0)];
        assert_eq!(consolidated_bp(&units), Ok(Some(12_683)));
        assert_eq!(units[2].ratio_bp(), Ok(None));
        assert_eq!(consolidated_bp(&[]), Ok(None));
    }

    #[test]
    fn growth_and_losses_round_away_from_zero() {
        assert_eq!(growth_bp(21_683, 18_500), Ok(Some(1721)));
        assert_eq!(growth_bp(1, 2), Ok(Some(-5000)));
        assert_eq!(growth_bp(15_999, 16_000), Ok(Some(-1)));
        assert_eq!(growth_bp(5, 0), Ok(None));
        assert_eq!(growth_bp(i64::MIN, i64::MAX), Ok(Some(-20_000)));
        assert_eq!(per_year_milli(59_190, 52_000), Ok(Some(1138)));
        assert_eq!(average_minor(5, 2), Ok(Some(3)));
        assert_eq!(average_minor(5, 0), Ok(None));
    }

    #[test]
    fn nothing_earned_has_no_ratio() {
        let result = technical_result(&TechnicalFigures { claims_paid: 50, ..TechnicalFigures::default() }).unwrap();
        assert_eq!((result.earned, result.net_income), (0, -50));
        assert_eq!(result.incurred_claims_ratio_bp, None);
    }

    #[test]
    fn promptness_has_inclusive_buckets() {
        let days = [3, 7, 8, 30, 31, 90, 91, 12, 15, 5];
        let expected = Promptness { buckets: [3, 4, 2, 1], mean_hundredths: Some(2920), median_tenths: Some(135) };
        assert_eq!(promptness(&days), Ok(expected));
        assert_eq!(promptness(&[]), Ok(Promptness::default()));
        assert_eq!(promptness(&[4, 9, 1]).unwrap().median_tenths, Some(40));
    }

    proptest! {
        #[test]
        fn every_day_stands_in_one_bucket(days in prop::collection::vec(0_i64..400, 1..30)) {
            let found = promptness(&days).unwrap();
            prop_assert_eq!(found.buckets.iter().sum::<i64>(), i64::try_from(days.len()).unwrap());
            let (least, most) = (days.iter().min().unwrap(), days.iter().max().unwrap());
            prop_assert!((least * 10..=most * 10).contains(&found.median_tenths.unwrap()));
            prop_assert!((least * 100..=most * 100).contains(&found.mean_hundredths.unwrap()));
        }

        #[test]
        fn no_figures_panic(a in any::<i64>(), b in any::<i64>(), c in any::<i64>()) {
            let figures = TechnicalFigures { unearned_open: a, written: b, claims_paid: c, expenses: a, ..TechnicalFigures::default() };
            let _ = (technical_result(&figures), growth_bp(a, b), average_minor(a, b), promptness(&[a, b, c]));
        }
    }
}
