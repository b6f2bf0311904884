//! Organisations, links and areas in the database.
use super::model::*;
use crate::access::model::{Link, LinkKind};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use chrono::NaiveDate;
use diesel::prelude::*;
use std::collections::BTreeSet;

/// An organisation.
pub fn find(r: &mut Read, id: OrganisationId) -> QueryResult<Option<Organisation>> {
    organisations::table.find(id).select(Organisation::as_select()).get_result(r.conn()).optional()
}

/// An organisation by its code.
pub fn find_by_code(r: &mut Read, code: &str) -> QueryResult<Option<Organisation>> {
    organisations::table
        .filter(organisations::code.eq(code))
        .select(Organisation::as_select())
        .first(r.conn())
        .optional()
}

/// Adds an organisation; false where its code or prefix is taken.
pub fn insert(w: &mut Write, row: &Organisation) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(organisations::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// Takes the tree as a lock: links and prefixes are given one after another. Trees change a few times a year.
pub fn lock_tree(w: &mut Write) -> QueryResult<()> {
    diesel::update(organisations::table.find(OrganisationId::NIL))
        .set(organisations::version.eq(organisations::version + 1))
        .execute(w.conn())
        .map(|_| ())
}

/// The prefixes in use.
pub fn list_prefixes(r: &mut Read) -> QueryResult<BTreeSet<String>> {
    organisations::table
        .filter(organisations::card_prefix.is_not_null())
        .select(organisations::card_prefix.assume_not_null())
        .load::<String>(r.conn())
        .map(|all| all.into_iter().collect())
}

/// Changes name and zone where the version is still `version`; false where it is not.
pub fn set(w: &mut Write, id: OrganisationId, version: i64, name: &str, timezone: &str) -> QueryResult<bool> {
    diesel::update(organisations::table.filter(organisations::id.eq(id)).filter(organisations::version.eq(version)))
        .set((
            organisations::name.eq(name),
            organisations::timezone.eq(timezone),
            organisations::version.eq(version + 1),
        ))
        .execute(w.conn())
        .map(|n| n == 1)
}

/// The links of an organisation upwards, oldest first.
pub fn list_links_up(r: &mut Read, id: OrganisationId) -> QueryResult<Vec<Link>> {
    organisation_links::table
        .filter(organisation_links::child_id.eq(id))
        .order((organisation_links::valid_from, organisation_links::id))
        .select(Link::as_select())
        .load(r.conn())
}

/// Every link, for walking the tree inside a command.
pub fn list_links(r: &mut Read) -> QueryResult<Vec<Link>> {
    crate::access::store::list_links(r)
}

/// Adds a link.
pub fn insert_link(w: &mut Write, link: &Link) -> QueryResult<()> {
    diesel::insert_into(organisation_links::table).values(link).execute(w.conn()).map(|_| ())
}

/// Ends a link on a day.
pub fn end_link(w: &mut Write, id: LinkId, on: NaiveDate) -> QueryResult<()> {
    diesel::update(organisation_links::table.find(id))
        .set(organisation_links::valid_to.eq(Some(on)))
        .execute(w.conn())
        .map(|_| ())
}

/// True where the organisation has a link of this kind to this parent that stands on or after a day.
pub fn has_link(
    r: &mut Read,
    child: OrganisationId,
    parent: OrganisationId,
    kind: LinkKind,
    from: NaiveDate,
) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        organisation_links::table
            .filter(organisation_links::child_id.eq(child))
            .filter(organisation_links::parent_id.eq(parent))
            .filter(organisation_links::kind.eq(kind))
            .filter(organisation_links::valid_to.is_null().or(organisation_links::valid_to.ge(from))),
    ))
    .get_result(r.conn())
}

/// Areas of a country, by name.
pub fn list_areas(
    r: &mut Read,
    country: &str,
    on: Option<NaiveDate>,
    after: Option<(String, AreaId)>,
    limit: i64,
) -> QueryResult<Vec<Area>> {
    let mut query = areas::table
        .filter(areas::country.eq(country.to_owned()))
        .order((areas::name, areas::id))
        .limit(limit)
        .select(Area::as_select())
        .into_boxed();
    if let Some(on) = on {
        query = query.filter(areas::valid_from.le(on)).filter(areas::valid_to.is_null().or(areas::valid_to.ge(on)));
    }
    if let Some((name, id)) = after {
        query = query.filter(areas::name.gt(name.clone()).or(areas::name.eq(name).and(areas::id.gt(id))));
    }
    query.load(r.conn())
}

/// An area.
pub fn find_area(r: &mut Read, id: AreaId) -> QueryResult<Option<Area>> {
    areas::table.find(id).select(Area::as_select()).get_result(r.conn()).optional()
}

/// An area of a country by its name, the one that stands on a day.
pub fn find_area_by_name(r: &mut Read, country: &str, name: &str, on: NaiveDate) -> QueryResult<Option<Area>> {
    areas::table
        .filter(areas::country.eq(country))
        .filter(areas::name.eq(name))
        .filter(areas::valid_from.le(on))
        .filter(areas::valid_to.is_null().or(areas::valid_to.ge(on)))
        .order((areas::valid_from.desc(), areas::id))
        .select(Area::as_select())
        .first(r.conn())
        .optional()
}

/// Adds an area; false where it is there.
pub fn insert_area(w: &mut Write, area: &Area) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(areas::table).values(area).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// An area of a country by its code.
pub fn find_area_by_code(r: &mut Read, country: &str, code: &str) -> QueryResult<Option<Area>> {
    areas::table
        .filter(areas::country.eq(country))
        .filter(areas::code.eq(code))
        .select(Area::as_select())
        .first(r.conn())
        .optional()
}

/// Sets an area's last day where its version is still `version`; false where it is not.
pub fn end_area(w: &mut Write, id: AreaId, version: i64, on: Option<NaiveDate>) -> QueryResult<bool> {
    diesel::update(areas::table.filter(areas::id.eq(id)).filter(areas::version.eq(version)))
        .set((areas::valid_to.eq(on), areas::version.eq(version + 1)))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// Says out of which areas a reform made one.
pub fn insert_predecessors(w: &mut Write, area: AreaId, of: &[AreaId]) -> QueryResult<()> {
    let rows: Vec<_> = of
        .iter()
        .map(|one| (area_predecessors::area_id.eq(area), area_predecessors::predecessor_id.eq(*one)))
        .collect();
    insert_all!(w, area_predecessors::table, rows)
}

/// The predecessors of areas: (area, predecessor).
pub fn list_predecessors(r: &mut Read, of: &[AreaId]) -> QueryResult<Vec<(AreaId, AreaId)>> {
    area_predecessors::table
        .filter(area_predecessors::area_id.eq_any(of.to_vec()))
        .order((area_predecessors::area_id, area_predecessors::predecessor_id))
        .select((area_predecessors::area_id, area_predecessors::predecessor_id))
        .load(r.conn())
}

/// An area with all areas within it, at whatever depth.
pub fn list_within(r: &mut Read, area: AreaId) -> QueryResult<Vec<AreaId>> {
    let mut all = BTreeSet::from([area]);
    let mut level = vec![area];
    while !level.is_empty() {
        let above: Vec<Option<AreaId>> = level.iter().map(|id| Some(*id)).collect();
        let below: Vec<AreaId> =
            areas::table.filter(areas::parent_id.eq_any(above)).select(areas::id).load(r.conn())?;
        level = below.into_iter().filter(|id| all.insert(*id)).collect();
    }
    Ok(all.into_iter().collect())
}
