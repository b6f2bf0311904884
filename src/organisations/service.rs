//! Commands of the tree.
use super::model::*;
use super::rules::{self, NewOrganisation};
use super::store;
use crate::access::model::{Link, LinkKind};
use crate::access::permissions::OrganisationKind;
use crate::access::store as access;
use crate::audit::frame::{Hooks, Order};
use crate::db::{Wall, Write};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::web::must_match;
use chrono::NaiveDate;
use serde_json::json;

/// Makes an organisation below another. A mutual gets its accounts, its cash desk and its series in the same transaction.
///
/// # Errors
/// `invalid` with all faults, `tree_refused`, `number_taken`.
pub fn add(
    w: &mut Write,
    hooks: &Hooks,
    order: &Order,
    new: &NewOrganisation,
    parent: OrganisationId,
) -> Result<OrganisationId> {
    let faults = rules::faults(new);
    if !faults.is_empty() {
        return Err(Problem::fields(Code::Invalid, faults).into());
    }
    store::lock_tree(w)?;
    let above = store::find(w, parent)?.ok_or(Problem::of(Code::NotFound))?;
    rules::must_fit(new.kind, above.kind)?;
    let is_mutual = new.kind == OrganisationKind::Mutual;
    let card_prefix = match (&new.card_prefix, is_mutual) {
        (Some(prefix), _) => Some(prefix.clone()),
        (None, true) => rules::free_prefix(&store::list_prefixes(w)?),
        (None, false) => None,
    };
    let id = Key::new(order.id.uuid());
    let row = Organisation {
        id,
        code: new.code.clone(),
        name: new.name.trim().to_owned(),
        kind: new.kind,
        country: new.country.clone().or(above.country),
        currency: new.currency.clone().filter(|_| is_mutual),
        timezone: new.timezone.clone().unwrap_or(above.timezone),
        card_prefix,
        created_at: w.now(),
        version: 1,
    };
    if !store::insert(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    if parent != OrganisationId::NIL {
        let link = Link {
            id: w.new_id(),
            child_id: id,
            parent_id: parent,
            kind: LinkKind::Parent,
            valid_from: order.today,
            valid_to: None,
            created_at: w.now(),
        };
        store::insert_link(w, &link)?;
    }
    w.names("organisation", id.uuid());
    w.field("code", None, Some(json!(row.code)));
    w.field("kind", None, Some(json!(row.kind)));
    if is_mutual {
        let mutual = Key::new(id.uuid());
        w.enter(Wall::mutual(mutual))?;
        (hooks.found_mutual)(w, mutual)?;
        w.enter(order.wall)?;
    }
    access::move_version(w)?;
    Ok(id)
}

/// Changes an organisation's name or zone.
///
/// # Errors
/// `version_mismatch`, `invalid`.
pub fn change(
    w: &mut Write,
    id: OrganisationId,
    if_match: Option<&str>,
    name: Option<&str>,
    timezone: Option<&str>,
) -> Result<()> {
    let known = store::find(w, id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    if timezone.is_some_and(|zone| zone.parse::<chrono_tz::Tz>().is_err()) {
        return Err(Problem::field("/timezone", "unknown_value", "an IANA zone such as Africa/Bujumbura").into());
    }
    let new_name = name.map_or(known.name.as_str(), str::trim);
    let new_zone = timezone.unwrap_or(&known.timezone);
    if !store::set(w, id, known.version, new_name, new_zone)? {
        return Err(Code::VersionMismatch.into());
    }
    w.names("organisation", id.uuid());
    w.field("name", Some(json!(known.name)), Some(json!(new_name)));
    w.field("timezone", Some(json!(known.timezone)), Some(json!(new_zone)));
    Ok(access::move_version(w)?)
}

/// Links an organisation upwards from a day. A new parent ends the one before on the day before.
///
/// # Errors
/// `tree_refused`, `impossible_date`.
pub fn link(
    w: &mut Write,
    order: &Order,
    child: OrganisationId,
    parent: OrganisationId,
    kind: LinkKind,
    from: NaiveDate,
) -> Result<LinkId> {
    store::lock_tree(w)?;
    let below = store::find(w, child)?.ok_or(Problem::of(Code::NotFound))?;
    let above = store::find(w, parent)?.ok_or(Problem::of(Code::NotFound))?;
    rules::must_fit(below.kind, above.kind)?;
    let links = store::list_links(w)?;
    if is_circle(&links, child, parent, from) {
        return Err(Problem::with(Code::TreeRefused, "the link would make a circle").at("/parent_id").into());
    }
    if kind == LinkKind::MemberOf && store::has_link(w, child, parent, kind, from)? {
        return Err(Problem::with(Code::TreeRefused, "it is a member there already").at("/parent_id").into());
    }
    if kind == LinkKind::Parent {
        let standing = links
            .iter()
            .filter(|link| link.child_id == child && link.kind == kind && link.valid_to.is_none_or(|end| end >= from));
        for link in standing {
            if link.valid_from >= from {
                let detail = "the organisation has a parent that begins on this day or later";
                return Err(Problem::with(Code::ImpossibleDate, detail).at("/valid_from").into());
            }
            store::end_link(w, link.id, from.pred_opt().unwrap_or(from))?;
        }
    }
    let row = Link {
        id: Key::new(order.id.uuid()),
        child_id: child,
        parent_id: parent,
        kind,
        valid_from: from,
        valid_to: None,
        created_at: w.now(),
    };
    if parent == OrganisationId::NIL && kind == LinkKind::MemberOf {
        return Err(Problem::with(Code::TreeRefused, "nothing is a member of the root").at("/parent_id").into());
    }
    store::insert_link(w, &row)?;
    w.names("organisation", child.uuid());
    w.names("organisation", parent.uuid());
    w.names("link", row.id.uuid());
    w.field("kind", None, Some(json!(kind)));
    access::move_version(w)?;
    Ok(row.id)
}

/// True where `parent` is `child` or lies below it on or after a day.
fn is_circle(links: &[Link], child: OrganisationId, parent: OrganisationId, from: NaiveDate) -> bool {
    let mut seen = vec![parent];
    let mut at = 0;
    while let Some(organisation) = seen.get(at).copied() {
        if organisation == child {
            return true;
        }
        for link in links {
            let stands = link.valid_to.is_none_or(|end| end >= from);
            if link.child_id == organisation && stands && !seen.contains(&link.parent_id) {
                seen.push(link.parent_id);
            }
        }
        at += 1;
    }
    false
}

/// Ends a link on a day, the last on which it stands.
///
/// # Errors
/// `not_found`, `impossible_date`.
pub fn end_link(w: &mut Write, child: OrganisationId, id: LinkId, on: NaiveDate) -> Result<()> {
    store::lock_tree(w)?;
    let link =
        store::list_links_up(w, child)?.into_iter().find(|link| link.id == id).ok_or(Problem::of(Code::NotFound))?;
    if on < link.valid_from || link.valid_to.is_some_and(|end| on > end) {
        return Err(Problem::with(Code::ImpossibleDate, "the link does not stand on that day").at("/on").into());
    }
    store::end_link(w, id, on)?;
    w.names("organisation", child.uuid());
    w.names("link", id.uuid());
    w.field("valid_to", Some(json!(link.valid_to)), Some(json!(on)));
    Ok(access::move_version(w)?)
}

/// Adds an area, made out of others where a reform made it. Series are added up over predecessors, so that a reform breaks
/// none.
///
/// # Errors
/// `number_taken` where the country has one of this code, or of this name in the same area from this day; `tree_refused`
/// for an area of another country; `area_ended` where the area above has ended before.
pub fn add_area(w: &mut Write, order: &Order, area: Area, predecessors: &[AreaId]) -> Result<AreaId> {
    let area = Area { id: Key::new(order.id.uuid()), ..area };
    put_area(w, &area, predecessors)?;
    w.names("area", area.id.uuid());
    w.field("name", None, Some(json!(area.name)));
    Ok(area.id)
}

/// Writes a new area.
///
/// # Errors
/// As [`add_area`].
pub fn put_area(w: &mut Write, area: &Area, predecessors: &[AreaId]) -> Result<()> {
    let abroad = |pointer: &str| Problem::with(Code::TreeRefused, "the area lies in another country").at(pointer);
    if area.valid_to.is_some_and(|to| to < area.valid_from) {
        return Err(Problem::with(Code::ImpossibleDate, "it ends before it begins").at("/valid_to").into());
    }
    if let Some(parent) = area.parent_id {
        let above = store::find_area(w, parent)?.ok_or(Problem::of(Code::NotFound).at("/parent_id"))?;
        if above.country != area.country {
            return Err(abroad("/parent_id").into());
        }
        if above.valid_to.is_some_and(|to| to < area.valid_from) {
            return Err(Problem::of(Code::AreaEnded).at("/parent_id").into());
        }
    }
    for (at, predecessor) in predecessors.iter().enumerate() {
        let pointer = format!("/predecessor_ids/{at}");
        let before = store::find_area(w, *predecessor)?.ok_or(Problem::of(Code::NotFound).at(&pointer))?;
        if before.country != area.country {
            return Err(abroad(&pointer).into());
        }
        if before.valid_from >= area.valid_from {
            let detail = "a predecessor begins before what is made of it";
            return Err(Problem::with(Code::ImpossibleDate, detail).at(&pointer).into());
        }
    }
    if !store::insert_area(w, area)? {
        return Err(Problem::of(Code::NumberTaken).at(if area.code.is_some() { "/code" } else { "/name" }).into());
    }
    let mut distinct = predecessors.to_vec();
    distinct.sort();
    distinct.dedup();
    Ok(store::insert_predecessors(w, area.id, &distinct)?)
}

/// Ends an area: nobody is registered there or moves there after its last day.
///
/// # Errors
/// `not_found`, `version_mismatch`, `impossible_date`.
pub fn end_area(w: &mut Write, id: AreaId, if_match: Option<&str>, on: NaiveDate) -> Result<()> {
    let area = store::find_area(w, id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, area.version)?;
    if on < area.valid_from {
        return Err(Problem::with(Code::ImpossibleDate, "it ends before it begins").at("/valid_to").into());
    }
    if !store::end_area(w, id, area.version, Some(on))? {
        return Err(Problem::of(Code::VersionMismatch).into());
    }
    w.names("area", id.uuid());
    w.field("valid_to", Some(json!(area.valid_to)), Some(json!(on)));
    Ok(())
}
