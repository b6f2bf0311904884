//! Figures of one unit or of several: value, what it was before, what it is among sisters.
use super::period::Period;
use super::shape::Question;
use super::units::{KnownMonth, Unit};
use crate::error::{Code, Error, Problem, Result};
use crate::money::{self, Currency};
use crate::reports::catalogue::{self, DaysFrom, How, Indicator, Parts, Undefined, Value, Window};
use crate::reports::disclosure::{rounded, rounded_amount};
use crate::reports::measures::{Dimension, Measure, Totals};
use crate::reports::rates::model::ExchangeRate;
use crate::reports::releases::model::TargetPopulation;
use crate::reports::rules::promptness;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Of fewer sisters who have a value the middle one is too easily known to be that of one of them.
const FEWEST_SISTERS: usize = 5;

/// A figure of a unit, or of several.
pub struct Figure {
    pub indicator: &'static Indicator,
    pub value: Value,
    /// Units that were left out, since a figure of theirs is not known.
    pub left_out: usize,
    pub previous: Option<Value>,
    /// Units that are not in what it was.
    pub previous_left_out: usize,
    /// The middle value of the units that have one (of an even number the mean of the two, half up).
    pub median: Option<i64>,
    /// Of a promptness: how many within which days, mean and median.
    pub promptness: Option<Days>,
}

/// How fast claims were paid; what is of too few is not told above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// How many within the days of each bucket.
    pub buckets: [Option<i64>; 4],
    pub mean_hundredths: Option<i64>,
    pub median_tenths: Option<i64>,
}

/// The figures of all units of one currency; without a currency those that are no money, of all units.
pub struct Total {
    pub currency: Option<Currency>,
    pub units: usize,
    pub figures: Vec<Figure>,
    /// Of one that was converted: what the currencies were worth.
    pub rates: Option<Vec<ExchangeRate>>,
}

/// A unit with numerator and denominator of each figure of a report, reckoned once: they enter its own figures, those of its
/// currency and those of all.
pub struct Reckoned<'a> {
    pub unit: &'a Unit,
    /// In the order of the figures.
    pub now: Vec<Parts>,
    /// Of the period before, where it is compared with.
    pub before: Option<Vec<Parts>>,
}

impl<'a> Reckoned<'a> {
    /// Reckons the figures of a unit.
    pub fn new(unit: &'a Unit, figures: &[&'static Indicator], question: Question) -> Self {
        let before = question.period.previous().filter(|_| question.compare);
        let hidden = Parts { numerator: None, denominator: None };
        Reckoned {
            unit,
            now: parts(unit, figures, question.period),
            before: before.map(|before| match unit.too_small_before {
                true => vec![hidden; figures.len()],
                false => parts(unit, figures, before),
            }),
        }
    }
}

/// Of whom the middle value is.
#[derive(Clone, Copy)]
pub enum Among<'a> {
    /// Of nobody.
    None,
    /// The units themselves.
    Them,
    /// A mutual's sisters, as they released their figures, itself among them.
    Sisters(&'a [Reckoned<'a>]),
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

/// The figures of units that are wanted.
pub(super) fn figures_of(
    units: &[&Reckoned<'_>],
    figures: &[&'static Indicator],
    wanted: impl Fn(&Indicator) -> bool,
    question: Question,
    among: Among<'_>,
) -> Result<Vec<Figure>> {
    let all = figures.iter().enumerate().filter(|(_, indicator)| wanted(indicator));
    all.map(|(at, indicator)| figure(units, (at, indicator), question, among)).collect()
}

/// Whether there are units and nothing of any of them is told of the period before.
pub(super) fn are_hidden_before(units: &[&Reckoned<'_>]) -> bool {
    !units.is_empty() && units.iter().all(|unit| unit.unit.too_small_before)
}

/// Instead of what is not told.
pub(super) const TOO_FEW: Value =
    Value { numerator: None, denominator: None, value: None, undefined: Some(Undefined::TooFew) };

fn beyond<T>(_: T) -> Error {
    Problem::of(Code::AmountTooLarge).into()
}

/// A figure, by its place among those that were reckoned.
pub(super) fn figure(
    units: &[&Reckoned<'_>],
    (at, indicator): (usize, &'static Indicator),
    question: Question,
    among: Among<'_>,
) -> Result<Figure> {
    let now: Vec<Parts> = units.iter().filter_map(|unit| unit.now.get(at)).copied().collect();
    let told = |parts: &[Parts]| -> Result<(Value, usize)> {
        let (value, left_out) = catalogue::value(indicator, parts).map_err(beyond)?;
        Ok((if question.own { value } else { told_above(indicator, value)? }, left_out))
    };
    let (value, left_out) = told(&now)?;
    let before: Option<Vec<Parts>> = units.iter().map(|unit| unit.before.as_ref()?.get(at).copied()).collect();
    // What a promptness was is in cells that are not read for the period before.
    let (previous, previous_left_out) = match before.filter(|_| question.compare && days_of(indicator).is_none()) {
        Some(_) if are_hidden_before(units) => (Some(TOO_FEW), units.len()),
        Some(before) => told(&before).map(|(value, left_out)| (Some(value), left_out))?,
        None => (None, 0),
    };
    let median = match among {
        Among::Them if units.len() > 1 => middle(values(indicator, &now, question.own)?).map_err(beyond)?,
        Among::Sisters(sisters) => {
            let currency = units.first().map(|unit| unit.unit.currency);
            let same = |sister: &&Reckoned<'_>| !is_money(indicator) || Some(sister.unit.currency) == currency;
            let theirs: Vec<Parts> =
                sisters.iter().filter(same).filter_map(|sister| sister.now.get(at)).copied().collect();
            let values = values(indicator, &theirs, false)?;
            if values.len() < FEWEST_SISTERS { None } else { middle(values).map_err(beyond)? }
        }
        _ => None,
    };
    let promptness = match days_of(indicator) {
        None => None,
        Some(dimension) => Some(days(units, question, dimension)?),
    };
    Ok(Figure { indicator, value, left_out, previous, previous_left_out, median, promptness })
}

/// Target populations of a body itself, on the last day of the period and of the one before it.
pub struct OwnTargets {
    pub now: Option<TargetPopulation>,
    pub before: Option<TargetPopulation>,
}

/// A total of a body that has a target population of its own: of that, and not of the sum of those of its mutuals.
pub(super) fn of_target(
    total: &mut Total,
    units: &[&Reckoned<'_>],
    figures: &[&'static Indicator],
    targets: &OwnTargets,
) -> Result<()> {
    let places = figures.iter().enumerate().filter(|(_, indicator)| indicator.how == How::OfTarget);
    for (at, indicator) in places {
        let Some(figure) = total.figures.iter_mut().find(|figure| figure.indicator.id == indicator.id) else {
            continue;
        };
        let over = |known: &[i128], target: &Option<TargetPopulation>| -> Result<Option<Value>> {
            let target = target.as_ref().and_then(|target| denominator(indicator, target));
            let Some(denominator) = target.filter(|_| !known.is_empty()) else { return Ok(None) };
            let whole = Parts { numerator: Some(known.iter().sum()), denominator: Some(denominator) };
            Ok(Some(catalogue::value(indicator, &[whole]).map_err(beyond)?.0))
        };
        let now: Vec<i128> = units.iter().filter_map(|unit| unit.now.get(at)?.numerator).collect();
        let before: Vec<i128> = units.iter().filter_map(|unit| unit.before.as_ref()?.get(at)?.numerator).collect();
        if let Some(value) = over(&now, &targets.now)? {
            (figure.value, figure.left_out) = (value, units.len() - now.len());
        }
        if let Some(value) = over(&before, &targets.before)? {
            (figure.previous, figure.previous_left_out) = (Some(value), units.len() - before.len());
        }
    }
    Ok(())
}

fn denominator(indicator: &Indicator, target: &TargetPopulation) -> Option<i128> {
    let of_households = indicator.numerator.iter().any(|term| term.measure == Measure::Households);
    let population = if of_households { target.households } else { Some(target.persons) };
    population.map(i128::from)
}

/// What of a value bodies above are told.
fn told_above(indicator: &Indicator, value: Value) -> Result<Value> {
    let value = without_sex(indicator, value)?;
    let (Some(days), Some(claims), true) = (value.numerator, value.denominator, days_of(indicator).is_some()) else {
        return Ok(value);
    };
    // As in a cut: the number of claims is rounded and their days are told of so many, so that those of all less those of the
    // others are nobody's. The mean is that of what is told.
    let claims = i64::try_from(claims).map_err(beyond)?;
    let days = rounded_amount(claims, i64::try_from(days).map_err(beyond)?, 0).map_err(beyond)?;
    let Some((days, shown)) = days.zip(rounded(claims)) else {
        return Ok(TOO_FEW);
    };
    let mean = money::ratio(days, shown, indicator.unit.scale()).map_err(beyond)?;
    Ok(Value { numerator: Some(i128::from(days)), denominator: Some(i128::from(shown)), value: mean, ..value })
}

/// How many women there are is a cut of how many persons there are: above, it is rounded as cuts are, so that it gives back
/// nothing that a table of sex and age hides.
fn without_sex(indicator: &Indicator, value: Value) -> Result<Value> {
    if !indicator.numerator.iter().any(|term| term.measure == Measure::WomenInForce) {
        return Ok(value);
    }
    let Some(women) = value.numerator else { return Ok(value) };
    let women = i64::try_from(women).map_err(beyond)?;
    let Some(shown) = rounded(women) else {
        return Ok(Value { numerator: None, value: None, undefined: Some(Undefined::TooFew), ..value });
    };
    let again = match value.denominator {
        None => Some(shown),
        Some(all) => money::ratio(i128::from(shown), all, indicator.unit.scale()).map_err(beyond)?,
    };
    Ok(Value { numerator: Some(i128::from(shown)), value: again, ..value })
}

/// The days of all claims that were paid. Above, each bucket is a count like others of a cut, and of few claims nothing is told:
/// how many they are is a figure, which the empty buckets would give to the only one that is not.
fn days(units: &[&Reckoned<'_>], question: Question, dimension: Dimension) -> Result<Days> {
    let mut days = Vec::new();
    for (day, number) in histogram(units.iter().map(|unit| unit.unit), question.period, dimension) {
        days.extend(std::iter::repeat_n(day, usize::try_from(number).unwrap_or(0)));
    }
    let found = promptness(&days).map_err(beyond)?;
    let (mean_hundredths, median_tenths) = (found.mean_hundredths, found.median_tenths);
    if question.own {
        return Ok(Days { buckets: found.buckets.map(Some), mean_hundredths, median_tenths });
    }
    let claims = i64::try_from(days.len()).map_err(beyond)?;
    let told = rounded_amount(claims, money::sum(days).map_err(beyond)?, 0).map_err(beyond)?;
    let Some((told, shown)) = told.zip(rounded(claims)) else {
        return Ok(Days { buckets: [None; 4], mean_hundredths: None, median_tenths: None });
    };
    // To the day, as the mean is that of rounded days.
    let whole_days = |tenths: i64| (tenths + 5).div_euclid(10) * 10;
    Ok(Days {
        buckets: found.buckets.map(rounded),
        mean_hundredths: money::ratio(told, shown, 100).map_err(beyond)?,
        median_tenths: median_tenths.map(whole_days),
    })
}

fn histogram<'a>(units: impl Iterator<Item = &'a Unit>, period: Period, dimension: Dimension) -> BTreeMap<i64, i64> {
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

/// Numerators and denominators of a unit in a period, one after the other.
fn parts(unit: &Unit, figures: &[&'static Indicator], period: Period) -> Vec<Parts> {
    let totals = |month: &NaiveDate| unit.months.get(month).map(KnownMonth::totals);
    let months: Vec<Option<&Totals>> = period.each().iter().map(totals).collect();
    let window = Window { before: period.before().and_then(|month| totals(&month)), months: &months };
    figures.iter().map(|indicator| parts_of(unit, indicator, period, &window)).collect()
}

fn parts_of(unit: &Unit, indicator: &Indicator, period: Period, window: &Window<'_>) -> Parts {
    if let Some(dimension) = days_of(indicator) {
        let known = window.months.iter().all(Option::is_some);
        let found = histogram(std::iter::once(unit), period, dimension);
        let sum: i128 = found.iter().map(|(day, number)| i128::from(*day) * i128::from(*number)).sum();
        let count: i128 = found.values().map(|number| i128::from(*number)).sum();
        return Parts { numerator: known.then_some(sum), denominator: known.then_some(count) };
    }
    let found = catalogue::parts(indicator, window);
    if indicator.how != How::OfTarget {
        return found;
    }
    Parts { denominator: unit.target.as_ref().and_then(|target| denominator(indicator, target)), ..found }
}

/// The values of those units that have one.
fn values(indicator: &Indicator, units: &[Parts], own: bool) -> Result<Vec<i64>> {
    let mut values = Vec::with_capacity(units.len());
    for unit in units {
        let (value, _) = catalogue::value(indicator, std::slice::from_ref(unit)).map_err(beyond)?;
        let value = if own { value } else { told_above(indicator, value)? };
        values.extend(value.value);
    }
    Ok(values)
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
