//! The units of a report with what is known of their months: a mutual's own facts, or what was released of mutuals.
use super::period::Period;
use crate::access::permissions::OrganisationKind;
use crate::access::picture::Picture;
use crate::access::scopes::{BodyScope, FigureScope};
use crate::dates::add_months;
use crate::db::{Db, Wall};
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::money::Currency;
use crate::reports::facts::service as facts;
use crate::reports::measures::{Cells, Dimension, Measure, Totals};
use crate::reports::releases::model::TargetPopulation;
use crate::reports::releases::service as releases;
use crate::reports::releases::shelf::{Shelf, Told};
use crate::reports::releases::store;
use chrono::{NaiveDate, NaiveDateTime};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A mutual with what is known of some months.
pub struct Unit {
    pub id: OrganisationId,
    pub currency: Currency,
    pub target: Option<TargetPopulation>,
    /// By month; those that nobody knows of are not here.
    pub months: BTreeMap<NaiveDate, KnownMonth>,
    /// It had so few persons that its figures are theirs: a body above is shown none of them.
    pub too_small: bool,
    /// The same of the period before.
    pub too_small_before: bool,
    /// The same of the period's last month by itself, whose stocks are the period's.
    pub too_small_at_end: bool,
}

/// A unit of fewer persons is not shown above.
const SMALLEST_UNIT: i64 = 8;

fn is_few(persons: i64) -> bool {
    (1..SMALLEST_UNIT).contains(&persons)
}

impl Unit {
    /// Whether a month of a period, or the one before it, tells of persons and of too few. One such month hides a quarter, which
    /// less its other months would be that month; and it hides the month that follows, whose entries, exits and growth tell how
    /// it began. So a period is hidden in whatever answer it stands.
    fn is_too_small(&self, period: Period) -> bool {
        let before = period.before().unwrap_or(period.first);
        let began_few = |month: NaiveDate, known: &KnownMonth| {
            // Nobody knows the month before, but what entered and left leads back to its end.
            let is_known = add_months(month, -1).is_ok_and(|before| self.months.contains_key(&before));
            month >= period.first && !is_known && known.began_with().is_some_and(is_few)
        };
        self.months.range(before..=period.last).any(|(month, known)| known.is_of_few() || began_few(*month, known))
    }
}

/// What is known of a month.
pub struct KnownMonth {
    pub known: Known,
    /// Only of the dimensions that were asked for, of the months of the period.
    pub cells: BTreeMap<Dimension, Cells>,
}

/// Where it is known from.
pub enum Known {
    /// The mutual's own, as it is now.
    Live { totals: Box<Totals>, stock_on: NaiveDate, as_of: NaiveDateTime },
    /// What bodies above were told.
    Released(Arc<Told>),
}

impl KnownMonth {
    fn is_of_few(&self) -> bool {
        [Measure::BeneficiariesInForce, Measure::PersonsRegistered]
            .iter()
            .any(|measure| is_few(self.totals().get(*measure)))
    }

    /// How many were covered or suspended when it began, where that is told.
    fn began_with(&self) -> Option<i64> {
        const EXITS: [Measure; 7] = [
            Measure::ExitsExpired,
            Measure::ExitsLapsed,
            Measure::ExitsResigned,
            Measure::ExitsExcluded,
            Measure::ExitsDeceased,
            Measure::ExitsLeft,
            Measure::ExitsOther,
        ];
        let totals = self.totals();
        let entries = totals.known(Measure::EntriesNew)? + totals.get(Measure::EntriesReturning);
        let exits: i64 = EXITS.iter().map(|measure| totals.get(*measure)).sum();
        let there = totals.known(Measure::BeneficiariesInForce)? + totals.get(Measure::BeneficiariesSuspended);
        Some(there - entries + exits)
    }

    pub fn totals(&self) -> &Totals {
        match &self.known {
            Known::Live { totals, .. } => totals,
            Known::Released(told) => &told.totals,
        }
    }

    pub fn stock_on(&self) -> NaiveDate {
        match &self.known {
            Known::Live { stock_on, .. } => *stock_on,
            Known::Released(told) => told.stock_on,
        }
    }

    pub fn as_of(&self) -> NaiveDateTime {
        match &self.known {
            Known::Live { as_of, .. } => *as_of,
            Known::Released(told) => told.as_of,
        }
    }

    /// None where it is the mutual's own.
    pub fn release(&self) -> Option<&Told> {
        match &self.known {
            Known::Live { .. } => None,
            Known::Released(told) => Some(told),
        }
    }
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
        too_small: false,
        too_small_before: false,
        too_small_at_end: false,
    };
    let now = db.clock().now();
    let Some(begins) = db.read(Wall::mutual(figures.mutual()), |r| facts::begins(r, &figures))? else {
        return Ok(vec![unit]);
    };
    let (first, last) = asked.span();
    for month in facts::months(db, &figures, (first.max(begins), last), &as_of)? {
        let cells =
            month.sheet.cuts.into_iter().filter(|(dimension, _)| asked.dimensions.contains(dimension)).collect();
        let known = Known::Live { totals: Box::new(month.sheet.totals), stock_on: month.stock_on, as_of: now };
        unit.months.insert(month.month, KnownMonth { known, cells });
    }
    Ok(vec![unit])
}

/// The mutuals of a body, or one mutual seen from above: what was released of them.
///
/// # Errors
/// `month_not_over`, `no_mutuals`, the database's.
pub fn released(db: &Db, picture: &Picture, shelf: &Shelf, scope: &BodyScope, asked: &Asked<'_>) -> Result<Vec<Unit>> {
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
    released_of(db, picture, shelf, ids, asked)
}

/// A mutual and its sisters under the body next above it, as they released their figures; those of too few persons are not
/// among them.
///
/// # Errors
/// The database's.
pub fn sisters(db: &Db, picture: &Picture, shelf: &Shelf, scope: &BodyScope, asked: &Asked<'_>) -> Result<Vec<Unit>> {
    let last = asked.period.last_day();
    let above = picture.ancestors(scope.organisation(), last).into_iter().next();
    let is_asked = |above: &OrganisationId| *above != OrganisationId::NIL && asked.period.is_over(scope.today());
    let Some(above) = above.filter(is_asked) else { return Ok(Vec::new()) };
    let ids: Vec<OrganisationId> = picture.mutuals_under(above, last).into_iter().collect();
    if ids.len() < 2 {
        return Ok(Vec::new());
    }
    let mut units = released_of(db, picture, shelf, ids, asked)?;
    units.retain(|unit| !unit.too_small);
    Ok(units)
}

fn released_of(
    db: &Db,
    picture: &Picture,
    shelf: &Shelf,
    mut ids: Vec<OrganisationId>,
    asked: &Asked<'_>,
) -> Result<Vec<Unit>> {
    ids.sort_unstable();
    let (standing, cuts) = db.read(Wall::ROOT, |r| {
        let standing = shelf.standing(r, &ids, asked.span())?;
        let within = standing.iter().filter(|(_, told)| told.month >= asked.period.first);
        let cut_of: Vec<ReleaseId> = within.map(|(id, _)| *id).collect();
        let mut cuts = Vec::new();
        for dimension in asked.dimensions {
            cuts.extend(store::list_cuts(r, &cut_of, *dimension)?);
        }
        Ok::<_, Error>((standing, cuts))
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
            too_small: false,
            too_small_before: false,
            too_small_at_end: false,
        };
        units.insert(*id, unit);
    }
    for (id, told) in standing {
        if let Some(unit) = units.get_mut(&told.unit) {
            let cells = cells.remove(&id).unwrap_or_default();
            unit.months.insert(told.month, KnownMonth { known: Known::Released(told), cells });
        }
    }
    for target in targets(db, &ids, asked.period)? {
        if let Some(unit) = units.get_mut(&target.organisation_id) {
            unit.target = Some(target);
        }
    }
    let mut units: Vec<Unit> = units.into_values().collect();
    let before = asked.period.previous().filter(|_| asked.with_previous);
    for unit in &mut units {
        unit.too_small = unit.is_too_small(asked.period);
        unit.too_small_at_end = unit.is_too_small(asked.period.last_month());
        unit.too_small_before = before.is_some_and(|before| unit.is_too_small(before));
    }
    units.sort_by_cached_key(|unit| picture.organisation(unit.id).map(|found| found.code.clone()));
    Ok(units)
}

/// The target populations of organisations on a period's last day.
///
/// # Errors
/// The database's.
pub fn targets(db: &Db, ids: &[OrganisationId], period: Period) -> Result<Vec<TargetPopulation>> {
    db.read(Wall::ROOT, |r| store::targets_on(r, ids, period.last_day()).map_err(Error::from))
}
