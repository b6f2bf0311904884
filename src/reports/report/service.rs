//! Puts a report together: each figure of each unit and of all, with what it was before and what it is among sisters, and how
//! complete it all is.
use super::converted;
use super::cuts::{self, CutTable, Levels};
use super::figures::{self, Among, Figure, OwnTargets, Reckoned, Total, days_of, figures_of, is_money};
use super::period::Period;
use super::shape::{Cut, Question, ReportName};
use super::units::{self, Asked, KnownMonth, Unit};
use crate::access::permissions::OrganisationKind;
use crate::access::picture::Picture;
use crate::access::scopes::BodyScope;
use crate::dates::{add_days, month_of};
use crate::db::{Db, Wall};
use crate::error::{Error, Problem, Result};
use crate::ids::ProviderId;
use crate::money::Currency;
use crate::reports::catalogue::{At, Indicator};
use crate::reports::measures::Dimension;
use crate::reports::releases::model::Basis;
use crate::reports::releases::service::DUE_DAYS;
use crate::reports::releases::shelf::Shelf;
use crate::reports::releases::store;
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::{BTreeMap, BTreeSet};

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

/// A report.
pub struct Report {
    pub question: Question,
    /// Of the youngest figure in it; none where nothing is known.
    pub as_of: Option<NaiveDateTime>,
    pub stock_on: NaiveDate,
    pub due_days: i32,
    pub totals: Vec<Total>,
    pub units: Vec<UnitReport>,
    pub cuts: Vec<CutTable>,
}

/// Answers; with some indicators of the catalogue, or with those of the report.
///
/// # Errors
/// `month_not_over`, `no_mutuals`, `no_exchange_rate`, `invalid` naming a cut that the report does not have, the database's.
pub fn report(
    db: &Db,
    picture: &Picture,
    shelf: &Shelf,
    scope: &BodyScope,
    question: Question,
    only: Option<&'static Indicator>,
) -> Result<Report> {
    let cut = question.cut.or(question.name.own_cut());
    if let Some(cut) = question.cut.filter(|cut| !question.name.cuts().contains(cut)) {
        let has: Vec<&str> = question.name.cuts().iter().map(|cut| cut.code()).collect();
        let message = format!("'{cut}' is no cut of this report; it has: {}", has.join(", "));
        return Err(Problem::field("cut", "unknown_value", message).into());
    }
    let figures = only.map_or_else(|| question.name.figures(), |only| vec![only]);
    let mut dimensions: Vec<Dimension> = cut.iter().map(|cut| cut.dimension()).collect();
    dimensions.extend(figures.iter().filter_map(|indicator| days_of(indicator)));
    let asked = Asked { period: question.period, with_previous: question.compare, dimensions: &dimensions };
    let found = if question.own {
        units::own(db, picture, scope, &asked)?
    } else {
        units::released(db, picture, shelf, scope, &asked)?
    };
    let due_days = due_days(db, picture, scope)?;
    // A total with a unit that is not shown, less those that are, would be that unit.
    let (small, found): (Vec<Unit>, Vec<Unit>) = found.into_iter().partition(|unit| unit.too_small);
    let cuts = match cut {
        None => Vec::new(),
        Some(cut) => {
            let levels = if cut == Cut::Level { Some(levels(db, &found)?) } else { None };
            let all: Vec<&Unit> = found.iter().chain(&small).collect();
            cuts::tables(&all, question.period, cut, (question.own, scope.kind()), levels.as_ref())?
        }
    };
    let as_of = found.iter().flat_map(|unit| unit.months.values().map(KnownMonth::as_of)).max();
    let stock_on =
        found.iter().filter_map(|unit| unit.months.get(&question.period.last)).map(KnownMonth::stock_on).max();
    let reckoned: Vec<Reckoned<'_>> = found.iter().map(|unit| Reckoned::new(unit, &figures, question)).collect();
    let all: Vec<&Reckoned<'_>> = reckoned.iter().collect();
    let mut totals = if scope.kind() == OrganisationKind::Mutual {
        // Of their cells only the days are needed.
        let days: Vec<Dimension> = figures.iter().filter_map(|indicator| days_of(indicator)).collect();
        let sisters = match figures.is_empty() || found.is_empty() {
            true => Vec::new(),
            false => units::sisters(db, picture, shelf, scope, &Asked { dimensions: &days, ..asked })?,
        };
        let among: Vec<Reckoned<'_>> = sisters.iter().map(|unit| Reckoned::new(unit, &figures, question)).collect();
        totals(&all, &figures, question, Among::Sisters(&among))?
    } else {
        totals(&all, &figures, question, Among::Them)?
    };
    if let Some(into) = question.into {
        let rates = db.read(Wall::ROOT, |r| converted::rates(r, picture, scope, &found, question.period, into))?;
        let before = match question.period.previous().filter(|_| question.compare) {
            None => None,
            Some(before) => Some(db.read(Wall::ROOT, |r| converted::rates(r, picture, scope, &found, before, into))?),
        };
        totals.push(converted::total(&all, &figures, question, &rates, before.as_ref())?);
    }
    if scope.kind() != OrganisationKind::Mutual {
        let own = |period: Period| Ok::<_, Error>(units::targets(db, &[scope.organisation()], period)?.pop());
        let before = question.period.previous().filter(|_| question.compare);
        let targets = OwnTargets { now: own(question.period)?, before: before.map(own).transpose()?.flatten() };
        // Those of all units: the first, where there are several currencies, the only one, and the converted one.
        for total in totals.iter_mut().filter(|total| total.units == all.len()) {
            figures::of_target(total, &all, &figures, &targets)?;
        }
    }
    let several = found.len() + small.len() > 1;
    let mut own = Vec::with_capacity(found.len());
    for unit in &all {
        own.push(if several || question.name == ReportName::Completeness {
            figures_of(&[unit], &figures, |_| true, question, Among::None)?
        } else {
            // The total says it already.
            Vec::new()
        });
    }
    let own = own.into_iter().chain(std::iter::repeat_with(Vec::new));
    let mut lines = Vec::with_capacity(found.len() + small.len());
    for (unit, figures) in found.into_iter().chain(small).zip(own) {
        let (reported, overdue) = reported(&unit, question.period, due_days, scope.today());
        lines.push(UnitReport { unit, reported, overdue, figures });
    }
    lines.sort_by_cached_key(|line| picture.organisation(line.unit.id).map(|found| found.code.clone()));
    Ok(Report {
        question,
        as_of,
        stock_on: stock_on.unwrap_or(question.period.last_day()),
        due_days,
        totals,
        units: lines,
        cuts,
    })
}

/// The levels of the facilities that units know of.
fn levels(db: &Db, units: &[Unit]) -> Result<Levels> {
    let months = units.iter().flat_map(|unit| unit.months.values());
    let keys = months.flat_map(|month| month.cells.get(&Dimension::Provider).into_iter().flatten().map(|(key, _)| key));
    let ids: BTreeSet<ProviderId> = keys.filter_map(|key| key.parse().ok()).collect();
    let ids: Vec<ProviderId> = ids.into_iter().collect();
    db.read(Wall::ROOT, |r| store::levels(r, &ids).map_err(Error::from))
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
        let state = match unit.months.get(&month).map(KnownMonth::release) {
            None => Reported::Missing,
            // The mutual's own month, live, is not final for anybody above.
            Some(None) => Reported::InTime,
            Some(Some(told)) if told.basis == Basis::Provisional => Reported::Provisional,
            Some(Some(told)) => match told.first_report {
                Some(at) if at.date() > due => Reported::Late,
                _ => Reported::InTime,
            },
        };
        overdue |= matches!(state, Reported::Missing | Reported::Provisional) && today > due;
        worst = worst.max(state);
    }
    (worst, overdue)
}

/// The totals by currency, and of what is no money over all of them where there are several.
fn totals(
    units: &[&Reckoned<'_>],
    figures: &[&'static Indicator],
    question: Question,
    among: Among<'_>,
) -> Result<Vec<Total>> {
    let mut by_currency: BTreeMap<&str, (Currency, Vec<&Reckoned<'_>>)> = BTreeMap::new();
    for unit in units {
        let currency = unit.unit.currency;
        by_currency.entry(currency.code()).or_insert((currency, Vec::new())).1.push(unit);
    }
    let mut totals = Vec::new();
    if by_currency.len() > 1 {
        let figures = figures_of(units, figures, |indicator| !is_money(indicator), question, among)?;
        totals.push(Total { currency: None, units: units.len(), figures, rates: None });
    }
    for (currency, own) in by_currency.into_values() {
        let figures = figures_of(&own, figures, |_| true, question, among)?;
        totals.push(Total { currency: Some(currency), units: own.len(), figures, rates: None });
    }
    Ok(totals)
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
