//! The units of a report with what is known of their months: a mutual's own facts, or what was released of mutuals.
use super::period::Period;
use crate::access::permissions::OrganisationKind;
use crate::access::picture::Picture;
use crate::access::scopes::{BodyScope, FigureScope};
use crate::db::{Db, Wall};
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::money::Currency;
use crate::reports::facts::service as facts;
use crate::reports::measures::{Cells, Dimension, Measure, Totals};
use crate::reports::releases::model::{Basis, Release, Source, TargetPopulation};
use crate::reports::releases::service as releases;
use crate::reports::releases::store;
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::BTreeMap;

/// A mutual with what is known of some months.
pub struct Unit {
    pub id: OrganisationId,
    pub currency: Currency,
    pub target: Option<TargetPopulation>,
    /// By month; those that nobody knows of are not here.
    pub months: BTreeMap<NaiveDate, KnownMonth>,
    /// When its months were first reported, those that were closed or handed in.
    pub first_reports: BTreeMap<NaiveDate, NaiveDateTime>,
    /// It has so few persons that its figures are theirs: a body above is shown nothing of it.
    pub too_small: bool,
}

/// A unit of fewer persons is not shown above.
const SMALLEST_UNIT: i64 = 8;

impl Unit {
    /// Whether the last month that is known tells of persons, and of too few.
    fn is_too_small(&self) -> bool {
        let Some(last) = self.months.values().next_back() else { return false };
        [Measure::BeneficiariesInForce, Measure::PersonsRegistered]
            .iter()
            .any(|measure| (1..SMALLEST_UNIT).contains(&last.totals.get(*measure)))
    }
}

/// What is known of a month.
pub struct KnownMonth {
    pub totals: Totals,
    pub stock_on: NaiveDate,
    pub as_of: NaiveDateTime,
    /// None where it is the mutual's own, live.
    pub release: Option<Released>,
    /// Only of the dimensions that were asked for, of the months of the period.
    pub cells: BTreeMap<Dimension, Cells>,
}

/// How a month came to bodies above.
pub struct Released {
    pub basis: Basis,
    pub source: Source,
    /// The definitions by which it was reckoned.
    pub definition: String,
}

/// What is asked of the units.
pub struct Asked<'a> {
    pub period: Period,
    /// The months before the period as well, to compare with.
    pub with_previous: bool,
    pub dimensions: &'a [Dimension],
}

impl Asked<'_> {
    fn span(&self) -> (NaiveDate, NaiveDate) {
        let first = if self.with_previous { self.period.previous().unwrap_or(self.period) } else { self.period };
        (first.before().unwrap_or(first.first), self.period.last)
    }
}

/// The mutual itself, for itself: its facts as they are now.
///
/// # Errors
/// The database's.
pub fn own(db: &Db, picture: &Picture, scope: &BodyScope, asked: &Asked<'_>) -> Result<Vec<Unit>> {
    let today = scope.today();
    let figures = FigureScope::within(scope, picture, scope.organisation(), today)?;
    let as_of = releases::as_of(db, today)?;
    let mut unit = Unit {
        id: scope.organisation(),
        currency: figures.currency(),
        target: targets(db, &[scope.organisation()], asked.period)?.pop(),
        months: BTreeMap::new(),
        first_reports: BTreeMap::new(),
        too_small: false,
    };
    let now = db.clock().now();
    let Some(begins) = db.read(Wall::mutual(figures.mutual()), |r| facts::begins(r, &figures))? else {
        return Ok(vec![unit]);
    };
    let (first, last) = asked.span();
    for month in facts::months(db, &figures, (first.max(begins), last), &as_of)? {
        let cells =
            month.sheet.cuts.into_iter().filter(|(dimension, _)| asked.dimensions.contains(dimension)).collect();
        let known =
            KnownMonth { totals: month.sheet.totals, stock_on: month.stock_on, as_of: now, release: None, cells };
        unit.months.insert(month.month, known);
    }
    Ok(vec![unit])
}

/// The mutuals of a body, or one mutual seen from above: what was released of them.
///
/// # Errors
/// `month_not_over`, `no_mutuals`, the database's.
pub fn released(db: &Db, picture: &Picture, scope: &BodyScope, asked: &Asked<'_>) -> Result<Vec<Unit>> {
    if !asked.period.is_over(scope.today()) {
        return Err(Problem::of(Code::MonthNotOver).at("period").into());
    }
    let ids: Vec<OrganisationId> = match scope.kind() {
        OrganisationKind::Mutual => vec![scope.organisation()],
        OrganisationKind::Root => picture.mutuals(),
        _ => picture.mutuals_under(scope.organisation(), asked.period.last_day()).into_iter().collect(),
    };
    if ids.is_empty() {
        return Err(Code::NoMutuals.into());
    }
    released_of(db, picture, ids, asked)
}

/// A mutual and its sisters under the body next above it, as they released their figures; those of too few persons are not
/// among them.
///
/// # Errors
/// The database's.
pub fn sisters(db: &Db, picture: &Picture, scope: &BodyScope, asked: &Asked<'_>) -> Result<Vec<Unit>> {
    let last = asked.period.last_day();
    let above = picture.ancestors(scope.organisation(), last).into_iter().next();
    let is_asked = |above: &OrganisationId| *above != OrganisationId::NIL && asked.period.is_over(scope.today());
    let Some(above) = above.filter(is_asked) else { return Ok(Vec::new()) };
    let ids: Vec<OrganisationId> = picture.mutuals_under(above, last).into_iter().collect();
    if ids.len() < 2 {
        return Ok(Vec::new());
    }
    let mut units = released_of(db, picture, ids, asked)?;
    units.retain(|unit| !unit.too_small);
    Ok(units)
}

fn released_of(db: &Db, picture: &Picture, mut ids: Vec<OrganisationId>, asked: &Asked<'_>) -> Result<Vec<Unit>> {
    ids.sort_unstable();
    let (rows, first, cuts) = db.read(Wall::ROOT, |r| {
        let rows = store::list_standing(r, &ids, asked.span())?;
        let first = store::list_first_reports(r, &ids, (asked.period.first, asked.period.last))?;
        let cut_of: Vec<ReleaseId> =
            rows.iter().filter(|release| release.month >= asked.period.first).map(|release| release.id).collect();
        let mut cuts = Vec::new();
        for dimension in asked.dimensions {
            cuts.extend(store::list_cuts(r, &cut_of, *dimension)?);
        }
        Ok::<_, Error>((rows, first, cuts))
    })?;
    let mut cells: BTreeMap<ReleaseId, BTreeMap<Dimension, Cells>> = BTreeMap::new();
    for cut in cuts {
        cells.entry(cut.release_id).or_default().insert(cut.dimension, kept(&cut.cells, "cells of a release")?);
    }
    let mut units: BTreeMap<OrganisationId, Unit> = BTreeMap::new();
    for id in &ids {
        // Currency and name are the tree's; a mutual without a currency has no figures.
        let currency = picture.organisation(*id).and_then(|found| found.currency);
        let currency = currency.ok_or_else(|| Error::Fault(format!("the mutual {id} has no usable currency")))?;
        let unit = Unit {
            id: *id,
            currency,
            target: None,
            months: BTreeMap::new(),
            first_reports: BTreeMap::new(),
            too_small: false,
        };
        units.insert(*id, unit);
    }
    for row in rows {
        let known = known(&row, cells.remove(&row.id).unwrap_or_default())?;
        if let Some(unit) = units.get_mut(&row.unit_id) {
            unit.months.insert(row.month, known);
        }
    }
    for (id, month, at) in first {
        if let (Some(unit), Some(at)) = (units.get_mut(&id), at) {
            unit.first_reports.insert(month, at);
        }
    }
    for target in targets(db, &ids, asked.period)? {
        if let Some(unit) = units.get_mut(&target.organisation_id) {
            unit.target = Some(target);
        }
    }
    let mut units: Vec<Unit> = units.into_values().collect();
    units.iter_mut().for_each(|unit| unit.too_small = unit.is_too_small());
    units.sort_by_key(|unit| picture.organisation(unit.id).map(|found| found.code.clone()));
    Ok(units)
}

fn known(row: &Release, cells: BTreeMap<Dimension, Cells>) -> Result<KnownMonth> {
    Ok(KnownMonth {
        totals: Totals::read(&row.figures)?,
        stock_on: row.stock_on,
        as_of: row.as_of,
        release: Some(Released { basis: row.basis, source: row.source, definition: row.definition.clone() }),
        cells,
    })
}

/// The target populations of organisations on a period's last day.
///
/// # Errors
/// The database's.
pub fn targets(db: &Db, ids: &[OrganisationId], period: Period) -> Result<Vec<TargetPopulation>> {
    db.read(Wall::ROOT, |r| store::targets_on(r, ids, period.last_day()).map_err(Error::from))
}
