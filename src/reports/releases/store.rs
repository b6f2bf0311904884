//! Releases stand outside the walls: they hold no person, and whoever asks names the units that he may see.
use super::model::*;
use crate::db::kept::{kept, padded};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use crate::on_each;
use crate::reports::measures::Dimension;
use chrono::NaiveDate;
use diesel::prelude::*;
use std::collections::{BTreeSet, HashSet};

/// More units, or releases, than this are not named one by one: what stands of the months is read and those asked for are kept.
const NAMED: usize = 100;

/// Adds a release with its cuts, in the place of the one that stood; false where another one of the same number was faster.
pub fn insert(w: &mut Write, release: &Release, cuts: &[ReleaseCut]) -> QueryResult<bool> {
    let inserted = on_each!(w.conn(), |c| diesel::insert_into(releases::table)
        .values(release)
        .on_conflict_do_nothing()
        .execute(c))?;
    if inserted == 0 {
        return Ok(false);
    }
    diesel::update(
        releases::table
            .filter(releases::unit_id.eq(release.unit_id))
            .filter(releases::month.eq(release.month))
            .filter(releases::id.ne(release.id))
            .filter(releases::replaced_by.is_null()),
    )
    .set(releases::replaced_by.eq(Some(release.id)))
    .execute(w.conn())?;
    insert_all!(w, release_cuts::table, cuts)?;
    Ok(true)
}

/// The release of a unit's month that stands.
pub fn standing(r: &mut Read, unit: OrganisationId, month: NaiveDate) -> QueryResult<Option<Release>> {
    releases::table
        .filter(releases::unit_id.eq(unit))
        .filter(releases::month.eq(month))
        .order(releases::number.desc())
        .select(Release::as_select())
        .first(r.conn())
        .optional()
}

/// All releases of a unit's month, the last first.
pub fn list(r: &mut Read, unit: OrganisationId, month: NaiveDate) -> QueryResult<Vec<Release>> {
    releases::table
        .filter(releases::unit_id.eq(unit))
        .filter(releases::month.eq(month))
        .order(releases::number.desc())
        .select(Release::as_select())
        .load(r.conn())
}

/// The releases that stand of some units' months: an index has them, and the rows are not looked at. The units are sorted.
pub fn list_standing_ids(
    r: &mut Read,
    units: &[OrganisationId],
    (first, last): (NaiveDate, NaiveDate),
) -> QueryResult<Vec<ReleaseId>> {
    let mut query = releases::table
        .filter(releases::replaced_by.is_null())
        .filter(releases::month.between(first, last))
        .select((releases::unit_id, releases::id))
        .into_boxed();
    let few = units.len() <= NAMED;
    if few {
        query = query.filter(releases::unit_id.eq_any(units.to_vec()));
    }
    let found: Vec<(OrganisationId, ReleaseId)> = query.load(r.conn())?;
    Ok(found.into_iter().filter(|(unit, _)| few || units.binary_search(unit).is_ok()).map(|(_, id)| id).collect())
}

/// Of the releases that stand of some months, those of the given ids.
pub fn list_by_id(r: &mut Read, ids: &[ReleaseId], (first, last): (NaiveDate, NaiveDate)) -> QueryResult<Vec<Release>> {
    if ids.len() > NAMED {
        let wanted: HashSet<ReleaseId> = ids.iter().copied().collect();
        let all: Vec<Release> = releases::table
            .filter(releases::replaced_by.is_null())
            .filter(releases::month.between(first, last))
            .select(Release::as_select())
            .load(r.conn())?;
        return Ok(all.into_iter().filter(|release| wanted.contains(&release.id)).collect());
    }
    let these = releases::table.filter(releases::id.eq_any(padded(ids))).select(Release::as_select());
    kept(these).load(r.conn())
}

/// When the first closed release or return of some units' months was made, by unit and month: by this a month is in time. The
/// units are sorted.
pub fn list_first_reports(
    r: &mut Read,
    units: &[OrganisationId],
    (first, last): (NaiveDate, NaiveDate),
) -> QueryResult<Vec<(OrganisationId, NaiveDate, Option<chrono::NaiveDateTime>)>> {
    let mut query = releases::table
        .filter(releases::basis.ne(Basis::Provisional))
        .filter(releases::month.between(first, last))
        .group_by((releases::unit_id, releases::month))
        .select((releases::unit_id, releases::month, diesel::dsl::min(releases::as_of)))
        .into_boxed();
    if units.len() <= NAMED {
        query = query.filter(releases::unit_id.eq_any(units.to_vec()));
    }
    let mut found: Vec<(OrganisationId, NaiveDate, Option<chrono::NaiveDateTime>)> = query.load(r.conn())?;
    found.retain(|row| units.binary_search(&row.0).is_ok());
    Ok(found)
}

/// The cuts of one dimension of some releases.
pub fn list_cuts(r: &mut Read, of: &[ReleaseId], dimension: Dimension) -> QueryResult<Vec<ReleaseCut>> {
    let mut found = Vec::new();
    for chunk in of.chunks(500) {
        let rows: Vec<ReleaseCut> = release_cuts::table
            .filter(release_cuts::release_id.eq_any(chunk.to_vec()))
            .filter(release_cuts::dimension.eq(dimension))
            .select(ReleaseCut::as_select())
            .load(r.conn())?;
        found.extend(rows);
    }
    Ok(found)
}

/// All cuts of a release.
pub fn list_all_cuts(r: &mut Read, of: ReleaseId) -> QueryResult<Vec<ReleaseCut>> {
    release_cuts::table.filter(release_cuts::release_id.eq(of)).select(ReleaseCut::as_select()).load(r.conn())
}

/// What an organisation has set for figures.
pub fn settings(r: &mut Read, organisation: OrganisationId) -> QueryResult<Option<FigureSettings>> {
    figure_settings::table.find(organisation).select(FigureSettings::as_select()).first(r.conn()).optional()
}

/// Sets it, for the first time or in the place of a version; false where another was faster.
pub fn set_settings(w: &mut Write, row: &FigureSettings, known: Option<i64>) -> QueryResult<bool> {
    let changed = match known {
        None => on_each!(w.conn(), |c| diesel::insert_into(figure_settings::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?,
        Some(version) => diesel::update(
            figure_settings::table.find(row.organisation_id).filter(figure_settings::version.eq(version)),
        )
        .set((
            figure_settings::due_days.eq(row.due_days),
            figure_settings::age_bands.eq(row.age_bands.clone()),
            figure_settings::version.eq(row.version),
        ))
        .execute(w.conn())?,
    };
    Ok(changed == 1)
}

/// The target populations of organisations that hold on a day, the latest of each.
pub fn targets_on(r: &mut Read, units: &[OrganisationId], on: NaiveDate) -> QueryResult<Vec<TargetPopulation>> {
    let mut found: Vec<TargetPopulation> = target_populations::table
        .filter(target_populations::valid_from.le(on))
        .order((target_populations::organisation_id, target_populations::valid_from.desc()))
        .select(TargetPopulation::as_select())
        .load(r.conn())?;
    found.dedup_by_key(|row| row.organisation_id);
    let units: BTreeSet<OrganisationId> = units.iter().copied().collect();
    found.retain(|row| units.contains(&row.organisation_id));
    Ok(found)
}

/// All of an organisation's, the last first.
pub fn list_targets(r: &mut Read, organisation: OrganisationId) -> QueryResult<Vec<TargetPopulation>> {
    target_populations::table
        .filter(target_populations::organisation_id.eq(organisation))
        .order(target_populations::valid_from.desc())
        .select(TargetPopulation::as_select())
        .load(r.conn())
}

/// Adds one; false where there is one from that day.
pub fn insert_target(w: &mut Write, row: &TargetPopulation) -> QueryResult<bool> {
    on_each!(w.conn(), |c| diesel::insert_into(target_populations::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// Names of areas and facilities, by id.
pub fn names(
    r: &mut Read,
    areas_of: &[uuid::Uuid],
    providers_of: &[uuid::Uuid],
) -> QueryResult<std::collections::BTreeMap<String, String>> {
    let mut found = std::collections::BTreeMap::new();
    for chunk in areas_of.chunks(500) {
        let ids: Vec<AreaId> = chunk.iter().map(|id| Key::new(*id)).collect();
        let rows: Vec<(AreaId, String)> =
            areas::table.filter(areas::id.eq_any(ids)).select((areas::id, areas::name)).load(r.conn())?;
        found.extend(rows.into_iter().map(|(id, name)| (id.to_string(), name)));
    }
    for chunk in providers_of.chunks(500) {
        let ids: Vec<ProviderId> = chunk.iter().map(|id| Key::new(*id)).collect();
        let rows: Vec<(ProviderId, String)> = providers::table
            .filter(providers::id.eq_any(ids))
            .select((providers::id, providers::name))
            .load(r.conn())?;
        found.extend(rows.into_iter().map(|(id, name)| (id.to_string(), name)));
    }
    Ok(found)
}

/// The levels of facilities, by id.
pub fn levels(r: &mut Read, of: &[ProviderId]) -> QueryResult<std::collections::BTreeMap<String, String>> {
    let mut found = std::collections::BTreeMap::new();
    for some in of.chunks(500) {
        let rows: Vec<(ProviderId, String)> = providers::table
            .filter(providers::id.eq_any(some))
            .select((providers::id, providers::level))
            .load(r.conn())?;
        found.extend(rows.into_iter().map(|(id, level)| (id.to_string(), level)));
    }
    Ok(found)
}
