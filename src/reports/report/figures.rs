//! Figures of one unit or of several: value, what it was before, what it is among sisters.
use super::period::Period;
use super::shape::Question;
use super::units::{KnownMonth, Unit};
use crate::error::{Code, Error, Problem, Result};
use crate::money::{self, Currency};
use crate::reports::catalogue::{self, DaysFrom, How, Indicator, Parts, Undefined, Value, Window};
use crate::reports::disclosure::rounded;
use crate::reports::measures::{Dimension, Measure, Totals};
use crate::reports::rates::model::ExchangeRate;
use crate::reports::rules::{Promptness, promptness};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// A figure of a unit, or of several.
pub struct Figure {
    pub indicator: &'static Indicator,
    pub value: Value,
    /// Units that were left out, since a figure of theirs is not known.
    pub left_out: usize,
    pub previous: Option<Value>,
    /// The middle value of the units that have one (of an even number the mean of the two, half up).
    pub median: Option<i64>,
    /// Of a promptness: how many within which days, mean and median.
    pub promptness: Option<Promptness>,
}

/// The figures of all units of one currency; without a currency those that are no money, of all units.
pub struct Total {
    pub currency: Option<Currency>,
    pub units: usize,
    pub figures: Vec<Figure>,
    /// Of one that was converted: what the currencies were worth.
    pub rates: Option<Vec<ExchangeRate>>,
}

/// Whether an indicator is of money: such are never added over currencies.
pub fn is_money(indicator: &Indicator) -> bool {
    let terms = || indicator.numerator.iter().chain(indicator.denominator);
    terms().any(|term| term.measure.code().ends_with("_minor"))
}

pub(super) fn days_of(indicator: &Indicator) -> Option<Dimension> {
    match indicator.how {
        How::Promptness(DaysFrom::Event) => Some(Dimension::DaysFromEvent),
        How::Promptness(DaysFrom::Submission) => Some(Dimension::DaysFromSubmission),
        _ => None,
    }
}

/// All figures of units.
pub(super) fn figures_of(
    units: &[&Unit],
    figures: &[&'static Indicator],
    question: Question,
    with_median: bool,
) -> Result<Vec<Figure>> {
    figures.iter().map(|indicator| figure(units, indicator, question, with_median)).collect()
}

fn figure(units: &[&Unit], indicator: &'static Indicator, question: Question, with_median: bool) -> Result<Figure> {
    let beyond = |_| Error::from(Problem::of(Code::AmountTooLarge));
    let now: Vec<Parts> = units.iter().map(|unit| parts(unit, indicator, question.period)).collect();
    let (value, left_out) = catalogue::value(indicator, &now).map_err(beyond)?;
    let value = if question.own { value } else { without_sex(indicator, value)? };
    let previous = match question.period.previous().filter(|_| question.compare) {
        // What a promptness was is in cells that are not read for the period before.
        Some(before) if days_of(indicator).is_none() => {
            let parts: Vec<Parts> = units.iter().map(|unit| parts(unit, indicator, before)).collect();
            let value = catalogue::value(indicator, &parts).map_err(beyond)?.0;
            Some(if question.own { value } else { without_sex(indicator, value)? })
        }
        _ => None,
    };
    let median = if with_median && units.len() > 1 { median(indicator, &now, question.own)? } else { None };
    let promptness = match days_of(indicator) {
        None => None,
        Some(dimension) => Some(promptness(&days(units, question.period, dimension)).map_err(beyond)?),
    };
    Ok(Figure { indicator, value, left_out, previous, median, promptness })
}

/// How many women there are is a cut of how many persons there are: above, it is rounded as cuts are, so that it gives back
/// nothing that a table of sex and age hides.
fn without_sex(indicator: &Indicator, value: Value) -> Result<Value> {
    if !indicator.numerator.iter().any(|term| term.measure == Measure::WomenInForce) {
        return Ok(value);
    }
    let beyond = |_| Error::from(Problem::of(Code::AmountTooLarge));
    let Some(women) = value.numerator else { return Ok(value) };
    let women = i64::try_from(women).map_err(|_| Error::from(Problem::of(Code::AmountTooLarge)))?;
    let Some(shown) = rounded(women) else {
        return Ok(Value { numerator: None, value: None, undefined: Some(Undefined::TooFew), ..value });
    };
    let again = match value.denominator {
        None => Some(shown),
        Some(all) => money::ratio(i128::from(shown), all, indicator.unit.scale()).map_err(beyond)?,
    };
    Ok(Value { numerator: Some(i128::from(shown)), value: again, ..value })
}

/// The days of all claims that were paid.
fn days(units: &[&Unit], period: Period, dimension: Dimension) -> Vec<i64> {
    let mut days = Vec::new();
    for (day, number) in histogram(units, period, dimension) {
        days.extend(std::iter::repeat_n(day, usize::try_from(number).unwrap_or(0)));
    }
    days
}

fn histogram(units: &[&Unit], period: Period, dimension: Dimension) -> BTreeMap<i64, i64> {
    let mut found: BTreeMap<i64, i64> = BTreeMap::new();
    for unit in units {
        for (_, month) in unit.months.range(period.first..=period.last) {
            for (day, numbers) in month.cells.get(&dimension).into_iter().flatten() {
                if let (Ok(day), Some(number)) = (day.parse(), numbers.first()) {
                    *found.entry(day).or_default() += number;
                }
            }
        }
    }
    found
}

/// Numerator and denominator of a unit in a period.
pub(super) fn parts(unit: &Unit, indicator: &Indicator, period: Period) -> Parts {
    let totals = |month: &NaiveDate| unit.months.get(month).map(|known: &KnownMonth| &known.totals);
    if let Some(dimension) = days_of(indicator) {
        let known = period.each().iter().all(|month| unit.months.contains_key(month));
        let found = histogram(&[unit], period, dimension);
        let sum: i128 = found.iter().map(|(day, number)| i128::from(*day) * i128::from(*number)).sum();
        let count: i128 = found.values().map(|number| i128::from(*number)).sum();
        return Parts { numerator: known.then_some(sum), denominator: known.then_some(count) };
    }
    let months: Vec<Option<&Totals>> = period.each().iter().map(totals).collect();
    let before = period.before().and_then(|month| totals(&month));
    let found = catalogue::parts(indicator, &Window { before, months: &months });
    if indicator.how != How::OfTarget {
        return found;
    }
    let of_households = indicator.numerator.iter().any(|term| term.measure == Measure::Households);
    let target =
        unit.target.as_ref().and_then(|target| if of_households { target.households } else { Some(target.persons) });
    Parts { denominator: target.map(i128::from), ..found }
}

fn median(indicator: &Indicator, units: &[Parts], own: bool) -> Result<Option<i64>> {
    let beyond = |_| Error::from(Problem::of(Code::AmountTooLarge));
    let mut values = Vec::with_capacity(units.len());
    for unit in units {
        let (value, _) = catalogue::value(indicator, std::slice::from_ref(unit)).map_err(beyond)?;
        let value = if own { value } else { without_sex(indicator, value)? };
        values.extend(value.value);
    }
    middle(values).map_err(beyond)
}

/// The middle value; of an even number the mean of the two, half up.
pub(super) fn middle(mut values: Vec<i64>) -> std::result::Result<Option<i64>, money::Overflow> {
    values.sort_unstable();
    let upper = values.get(values.len() / 2);
    let lower = values.get(values.len().saturating_sub(1) / 2);
    match (lower, upper) {
        (Some(lower), Some(upper)) => money::ratio(i128::from(*lower) + i128::from(*upper), 2, 1),
        _ => Ok(None),
    }
}
