//! Puts a report together: each figure of each unit and of all, with what it was before and what it is among sisters, and how
//! complete it all is.
use super::converted;
use super::cuts::{self, CutTable};
use super::period::Period;
use super::shape::{Cut, ReportName};
use super::units::{self, Asked, KnownMonth, Unit};
use crate::access::picture::Picture;
use crate::access::scopes::BodyScope;
use crate::dates::{add_days, month_of};
use crate::db::{Db, Wall};
use crate::error::{Code, Error, Problem, Result};
use crate::money::{self, Currency};
use crate::reports::catalogue::{self, At, DaysFrom, How, Indicator, Parts, Undefined, Value, Window};
use crate::reports::disclosure::rounded;
use crate::reports::measures::{Dimension, Measure, Totals};
use crate::reports::rates::model::ExchangeRate;
use crate::reports::releases::model::Basis;
use crate::reports::releases::service::DUE_DAYS;
use crate::reports::releases::store;
use crate::reports::rules::{Promptness, promptness};
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub name: ReportName,
    pub period: Period,
    pub cut: Option<Cut>,
    /// With the period before it.
    pub compare: bool,
    /// The caller works for the mutual itself: it is shown whole and live.
    pub own: bool,
    /// With one total more, of all units, in this currency.
    pub into: Option<Currency>,
}

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

/// How a unit has reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reported {
    /// Every month closed or handed in, in time.
    InTime,
    /// Every month, some of them late.
    Late,
    /// Of some months there are figures that are not final.
    Provisional,
    /// Of some months there is nothing.
    Missing,
}

/// A unit with its figures.
pub struct UnitReport {
    pub unit: Unit,
    pub reported: Reported,
    /// Days after which its months were due have passed for something that is not closed.
    pub overdue: bool,
    pub figures: Vec<Figure>,
}

/// The figures of all units of one currency; without a currency those that are no money, of all units.
pub struct Total {
    pub currency: Option<Currency>,
    pub units: usize,
    pub figures: Vec<Figure>,
    /// Of one that was converted: what the currencies were worth.
    pub rates: Option<Vec<ExchangeRate>>,
}

/// A report.
pub struct Report {
    pub question: Question,
    pub as_of: NaiveDateTime,
    pub stock_on: NaiveDate,
    pub due_days: i32,
    pub totals: Vec<Total>,
    pub units: Vec<UnitReport>,
    pub cuts: Vec<CutTable>,
}

/// Answers.
///
/// # Errors
/// `month_not_over`, `no_mutuals`, `no_exchange_rate`, `invalid` naming a cut that the report does not have, the database's.
pub fn report(db: &Db, picture: &Picture, scope: &BodyScope, question: Question) -> Result<Report> {
    let cut = question.cut.or(question.name.own_cut());
    if let Some(cut) = question.cut.filter(|cut| !question.name.cuts().contains(cut)) {
        let has: Vec<&str> = question.name.cuts().iter().map(|cut| cut.code()).collect();
        let message = format!("'{cut}' is no cut of this report; it has: {}", has.join(", "));
        return Err(Problem::field("cut", "unknown_value", message).into());
    }
    let figures = question.name.figures();
    let mut dimensions: Vec<Dimension> = cut.iter().map(|cut| cut.dimension()).collect();
    dimensions.extend(figures.iter().filter_map(|indicator| days_of(indicator)));
    let asked = Asked { period: question.period, with_previous: question.compare, dimensions: &dimensions };
    let found = if question.own {
        units::own(db, picture, scope, &asked)?
    } else {
        units::released(db, picture, scope, &asked)?
    };
    let due_days = due_days(db, picture, scope)?;
    // A total with a unit that is not shown, less those that are, would be that unit.
    let (small, found): (Vec<Unit>, Vec<Unit>) = found.into_iter().partition(|unit| unit.too_small);
    let cuts = match cut {
        None => Vec::new(),
        Some(cut) => cuts::tables(&found, question.period, cut, question.own, scope.kind())?,
    };
    let as_of = found.iter().flat_map(|unit| unit.months.values().map(|month| month.as_of)).max();
    let stock_on =
        found.iter().filter_map(|unit| unit.months.get(&question.period.last)).map(|month| month.stock_on).max();
    let mut totals = totals(&found, &figures, question)?;
    if let Some(into) = question.into {
        let rates = db.read(Wall::ROOT, |r| converted::rates(r, picture, scope, &found, question.period, into))?;
        let before = match question.period.previous().filter(|_| question.compare) {
            None => None,
            Some(before) => Some(db.read(Wall::ROOT, |r| converted::rates(r, picture, scope, &found, before, into))?),
        };
        totals.push(converted::total(&found, &figures, question, &rates, before.as_ref())?);
    }
    let mut lines = Vec::with_capacity(found.len());
    let several = found.len() + small.len() > 1;
    for unit in found.into_iter().chain(small) {
        let own: Vec<Figure> = if unit.too_small {
            Vec::new()
        } else if several || question.name == ReportName::Completeness {
            figures_of(&[&unit], &figures, question, false)?
        } else {
            // The total says it already.
            Vec::new()
        };
        let (reported, overdue) = reported(&unit, question.period, due_days, scope.today());
        lines.push(UnitReport { unit, reported, overdue, figures: own });
    }
    lines.sort_by_key(|line| picture.organisation(line.unit.id).map(|found| found.code.clone()));
    Ok(Report {
        question,
        as_of: as_of.unwrap_or(db.clock().now()),
        stock_on: stock_on.unwrap_or(question.period.last_day()),
        due_days,
        totals,
        units: lines,
        cuts,
    })
}

/// After how many days a month is due: as the organisation has set it, or the nearest above that has.
fn due_days(db: &Db, picture: &Picture, scope: &BodyScope) -> Result<i32> {
    let mut above = vec![scope.organisation()];
    above.extend(picture.ancestors(scope.organisation(), scope.today()));
    db.read(Wall::ROOT, |r| {
        for organisation in &above {
            if let Some(days) = store::settings(r, *organisation)?.and_then(|row| row.due_days) {
                return Ok(days);
            }
        }
        Ok::<_, Error>(DUE_DAYS)
    })
}

/// How a unit has reported a period, and whether something of it is overdue.
fn reported(unit: &Unit, period: Period, due_days: i32, today: NaiveDate) -> (Reported, bool) {
    let mut worst = Reported::InTime;
    let mut overdue = false;
    for month in period.each() {
        let last = month_of(month).map_or(month, |whole| whole.to);
        let due = add_days(last, i64::from(due_days)).unwrap_or(last);
        let state = match unit.months.get(&month).map(|known| known.release) {
            None => Reported::Missing,
            Some(Some((_, Basis::Provisional))) => Reported::Provisional,
            // The mutual's own month, live, is not final for anybody above.
            Some(None) => Reported::InTime,
            Some(Some(_)) => match unit.first_reports.get(&month) {
                Some(at) if at.date() > due => Reported::Late,
                _ => Reported::InTime,
            },
        };
        overdue |= matches!(state, Reported::Missing | Reported::Provisional) && today > due;
        worst = worst.max(state);
    }
    (worst, overdue)
}

/// Whether an indicator is of money: such are never added over currencies.
pub fn is_money(indicator: &Indicator) -> bool {
    let terms = || indicator.numerator.iter().chain(indicator.denominator);
    terms().any(|term| term.measure.code().ends_with("_minor"))
}

/// The totals by currency, and of what is no money over all of them where there are several.
fn totals(units: &[Unit], figures: &[&'static Indicator], question: Question) -> Result<Vec<Total>> {
    let mut by_currency: BTreeMap<&str, (Currency, Vec<&Unit>)> = BTreeMap::new();
    for unit in units {
        by_currency.entry(unit.currency.code()).or_insert((unit.currency, Vec::new())).1.push(unit);
    }
    let mut totals = Vec::new();
    if by_currency.len() > 1 {
        let counts: Vec<&'static Indicator> =
            figures.iter().copied().filter(|indicator| !is_money(indicator)).collect();
        let all: Vec<&Unit> = units.iter().collect();
        let figures = figures_of(&all, &counts, question, true)?;
        totals.push(Total { currency: None, units: all.len(), figures, rates: None });
    }
    for (currency, own) in by_currency.into_values() {
        let figures = figures_of(&own, figures, question, true)?;
        totals.push(Total { currency: Some(currency), units: own.len(), figures, rates: None });
    }
    Ok(totals)
}

pub(super) fn days_of(indicator: &Indicator) -> Option<Dimension> {
    match indicator.how {
        How::Promptness(DaysFrom::Event) => Some(Dimension::DaysFromEvent),
        How::Promptness(DaysFrom::Submission) => Some(Dimension::DaysFromSubmission),
        _ => None,
    }
}

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

/// Whether an indicator looks at the month before the period.
pub fn looks_back(indicator: &Indicator) -> bool {
    indicator.numerator.iter().chain(indicator.denominator).any(|term| term.at == At::Start)
}

/// The codes of units of a state.
pub fn codes(report: &Report, picture: &Picture, wanted: &BTreeSet<Reported>) -> Vec<String> {
    let fit = report.units.iter().filter(|line| wanted.contains(&line.reported));
    fit.map(|line| picture.organisation(line.unit.id).map(|found| found.code.clone()).unwrap_or_default()).collect()
}
