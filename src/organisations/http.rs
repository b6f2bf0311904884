//! `/organisations`, `/areas`: shapes and handlers.
use super::model::{Area, Organisation};
use super::rules::NewOrganisation;
use super::{service, store};
use crate::access::guard::{Guard, Somewhere};
use crate::access::model::{Link, LinkKind};
use crate::access::permissions::{OrganisationKind, Permission, need};
use crate::access::scopes::BodyScope;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An organisation.
#[derive(Serialize, ToSchema)]
pub struct OrganisationView {
    pub id: OrganisationId,
    pub code: String,
    pub name: String,
    pub kind: OrganisationKind,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// ISO 4217; a mutual has one.
    pub currency: Option<String>,
    /// IANA zone; business dates are civil dates there.
    pub timezone: String,
    /// The six digits in front of the mutual's card numbers.
    pub card_prefix: Option<String>,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

impl From<Organisation> for OrganisationView {
    fn from(row: Organisation) -> Self {
        OrganisationView {
            id: row.id,
            code: row.code,
            name: row.name,
            kind: row.kind,
            country: row.country,
            currency: row.currency,
            timezone: row.timezone,
            card_prefix: row.card_prefix,
            created_at: row.created_at.and_utc(),
            version: row.version,
        }
    }
}

/// An organisation as the tree shows it.
#[derive(Serialize, ToSchema)]
pub struct OrganisationItem {
    pub id: OrganisationId,
    pub code: String,
    pub name: String,
    pub kind: OrganisationKind,
    pub country: Option<String>,
    pub currency: Option<String>,
    /// The one above today; null below the root.
    pub parent_id: Option<OrganisationId>,
}

/// Which organisations.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OrganisationFilter {
    /// Only this kind.
    pub kind: Option<OrganisationKind>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /organisations`
pub async fn list(
    guard: Guard<need::OrganisationRead, Somewhere>,
    query: Query<OrganisationFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("organisations {:?}", filter.kind))?;
    let after: Option<String> = ask.after_one()?;
    let reach = guard.reach(Permission::OrganisationRead);
    let on = guard.now.date();
    let fetch = usize::try_from(ask.fetch()).unwrap_or(usize::MAX);
    let rows: Vec<OrganisationItem> = guard
        .picture
        .organisations()
        .into_iter()
        .filter(|organisation| reach.contains(&organisation.id) && organisation.kind != OrganisationKind::Root)
        .filter(|organisation| filter.kind.is_none_or(|kind| organisation.kind == kind))
        .filter(|organisation| after.as_ref().is_none_or(|after| organisation.code > *after))
        .take(fetch)
        .map(|organisation| OrganisationItem {
            id: organisation.id,
            code: organisation.code.clone(),
            name: organisation.name.clone(),
            kind: organisation.kind,
            country: organisation.country.clone(),
            currency: organisation.currency.map(|currency| currency.code().to_owned()),
            parent_id: guard
                .picture
                .ancestors(organisation.id, on)
                .first()
                .copied()
                .filter(|parent| *parent != OrganisationId::NIL),
        })
        .collect();
    Ok(shown(&ask.page(rows, |row| vec![row.code.clone()], |row| row)))
}

/// `GET /organisations/{id}`
pub async fn get(guard: Guard<need::OrganisationRead, BodyScope>) -> Result<HttpResponse> {
    let id = guard.scope.organisation();
    let row = guard.read(move |r, _| store::find(r, id)?.ok_or_else(|| Code::NotFound.into())).await?;
    Ok(found(row.version, &OrganisationView::from(row)))
}

/// A new organisation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddOrganisation {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<OrganisationId>,
    /// 2 to 20 capitals, digits or hyphens, unique in the installation.
    #[garde(skip)]
    #[schema(pattern = "^[A-Z][A-Z0-9-]{1,19}$")]
    pub code: String,
    #[garde(length(chars, max = 120))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    #[garde(skip)]
    pub kind: OrganisationKind,
    /// The one above; the root where it is left out.
    #[garde(skip)]
    pub parent_id: Option<OrganisationId>,
    /// ISO 3166-1 alpha-2; a mutual needs it.
    #[garde(skip)]
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: Option<String>,
    /// ISO 4217; a mutual needs it.
    #[garde(skip)]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// IANA zone; a mutual needs it.
    #[garde(length(chars, max = 60))]
    #[schema(max_length = 60)]
    pub timezone: Option<String>,
    /// Six digits in front of the mutual's card numbers; the next free one where it is left out.
    #[garde(skip)]
    #[schema(pattern = "^[1-9][0-9]{5}$")]
    pub card_prefix: Option<String>,
}

/// `POST /organisations`
pub async fn add(guard: Guard<need::SectionWrite, Somewhere>, body: Body<AddOrganisation>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let parent = asked.parent_id.unwrap_or(OrganisationId::NIL);
    let needed = match asked.kind {
        OrganisationKind::Section => Permission::SectionWrite,
        _ => Permission::OrganisationWrite,
    };
    guard.body_scope(parent, needed)?;
    let new = NewOrganisation {
        code: asked.code,
        name: asked.name,
        kind: asked.kind,
        country: asked.country,
        currency: asked.currency,
        timezone: asked.timezone,
        card_prefix: asked.card_prefix,
    };
    let hooks = guard.desk.hooks;
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::add(w, &hooks, order, &new, parent).map(|_| ()),
            |r, order| store::find(r, Key::new(order.id.uuid()))?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    guard.reload().await?;
    let location = format!("/api/v1/organisations/{}", row.id);
    Ok(made(replayed, &location, Some(row.version), &OrganisationView::from(row)))
}

/// What may change of an organisation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeOrganisation {
    #[garde(inner(length(chars, max = 120), custom(not_blank)))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    /// IANA zone.
    #[garde(inner(length(chars, max = 60)))]
    #[schema(max_length = 60)]
    pub timezone: Option<String>,
}

/// `PATCH /organisations/{id}`
pub async fn change(
    guard: Guard<need::SectionWrite, BodyScope>,
    body: Body<ChangeOrganisation>,
) -> Result<HttpResponse> {
    let id = guard.scope.organisation();
    if id == OrganisationId::NIL {
        return Err(Problem::with(Code::TreeRefused, "the root does not change").into());
    }
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, _| service::change(w, id, if_match.as_deref(), asked.name.as_deref(), asked.timezone.as_deref()),
            move |r, _| store::find(r, id)?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    guard.reload().await?;
    Ok(changed(replayed, Some(row.version), &OrganisationView::from(row)))
}

/// A dated link upwards.
#[derive(Serialize, ToSchema)]
pub struct LinkView {
    pub id: LinkId,
    pub kind: LinkKind,
    /// The organisation above.
    pub parent_id: OrganisationId,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day; null where it stands.
    pub valid_to: Option<NaiveDate>,
}

impl From<Link> for LinkView {
    fn from(link: Link) -> Self {
        LinkView {
            id: link.id,
            kind: link.kind,
            parent_id: link.parent_id,
            valid_from: link.valid_from,
            valid_to: link.valid_to,
        }
    }
}

/// `GET /organisations/{id}/links`
pub async fn links(guard: Guard<need::OrganisationRead, BodyScope>) -> Result<HttpResponse> {
    let id = guard.scope.organisation();
    let rows = guard.read(move |r, _| Ok(store::list_links_up(r, id)?)).await?;
    let items: Vec<LinkView> = rows.into_iter().map(LinkView::from).collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// A new link upwards.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddLink {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<LinkId>,
    #[garde(skip)]
    pub kind: LinkKind,
    /// The organisation above.
    #[garde(skip)]
    pub parent_id: OrganisationId,
    /// First day; a parent before it ends the day before.
    #[garde(skip)]
    pub valid_from: NaiveDate,
}

/// `POST /organisations/{id}/links`
pub async fn add_link(guard: Guard<need::OrganisationWrite, BodyScope>, body: Body<AddLink>) -> Result<HttpResponse> {
    let child = guard.scope.organisation();
    guard.body_scope(body.value.parent_id, Permission::OrganisationWrite)?;
    let order = guard.order(&body)?;
    let asked = body.value;
    let (link, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::link(w, order, child, asked.parent_id, asked.kind, asked.valid_from).map(|_| ()),
            move |r, order| {
                let id = Key::new(order.id.uuid());
                let link = store::list_links_up(r, child)?.into_iter().find(|link| link.id == id);
                link.ok_or_else(|| Code::NotFound.into())
            },
        )
        .await?;
    guard.reload().await?;
    Ok(made(replayed, "", None, &LinkView::from(link)))
}

/// The end of a link.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndLink {
    /// The last day on which it stands.
    #[garde(skip)]
    pub on: NaiveDate,
}

/// `POST /organisations/{id}/links/{link}/end`
pub async fn end_link(
    guard: Guard<need::OrganisationWrite, BodyScope>,
    path: Ids<(OrganisationId, LinkId)>,
    body: Body<EndLink>,
) -> Result<HttpResponse> {
    let (child, id) = path.0;
    let order = guard.order(&body)?;
    let on = body.value.on;
    let (link, replayed) = guard
        .carry_out(
            order,
            move |w, _| service::end_link(w, child, id, on),
            move |r, _| {
                let link = store::list_links_up(r, child)?.into_iter().find(|link| link.id == id);
                link.ok_or_else(|| Code::NotFound.into())
            },
        )
        .await?;
    guard.reload().await?;
    Ok(changed(replayed, None, &LinkView::from(link)))
}

/// An area.
#[derive(Serialize, ToSchema)]
pub struct AreaView {
    pub id: AreaId,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The area above.
    pub parent_id: Option<AreaId>,
    pub name: String,
    pub valid_from: NaiveDate,
    /// Its last day; null while it stands.
    pub valid_to: Option<NaiveDate>,
    /// Its code in the country's list.
    pub code: Option<String>,
    /// The areas out of which a reform made it.
    pub predecessor_ids: Vec<AreaId>,
    pub version: i64,
}

impl AreaView {
    /// An area with its predecessors.
    pub fn new(row: Area, predecessors: &[(AreaId, AreaId)]) -> Self {
        let of = row.id;
        AreaView {
            id: row.id,
            country: row.country,
            parent_id: row.parent_id,
            name: row.name,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            code: row.code,
            predecessor_ids: predecessors.iter().filter(|(area, _)| *area == of).map(|(_, one)| *one).collect(),
            version: row.version,
        }
    }
}

/// Which areas.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AreaFilter {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Only those that stand on this day.
    pub on: Option<NaiveDate>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /areas`
pub async fn areas(guard: Guard<need::OrganisationRead, Somewhere>, query: Query<AreaFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("areas {} {:?}", filter.country, filter.on))?;
    let page = guard
        .read(move |r, _| {
            let rows = store::list_areas(r, &filter.country, filter.on, ask.after_two()?, ask.fetch())?;
            let ids: Vec<AreaId> = rows.iter().map(|row| row.id).collect();
            let before = store::list_predecessors(r, &ids)?;
            Ok(ask.page(rows, |row| vec![row.name.clone(), row.id.to_string()], |row| AreaView::new(row, &before)))
        })
        .await?;
    Ok(shown(&page))
}

/// A new area.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddArea {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<AreaId>,
    /// ISO 3166-1 alpha-2.
    #[garde(custom(is_country))]
    #[schema(pattern = "^[A-Z]{2}$")]
    pub country: String,
    /// The area above.
    #[garde(skip)]
    pub parent_id: Option<AreaId>,
    #[garde(length(chars, max = 120), custom(not_blank))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// Its code in the country's list.
    #[garde(inner(custom(is_area_code)))]
    #[schema(pattern = "^[0-9A-Za-z._-]{1,30}$")]
    pub code: Option<String>,
    /// First day on which it is called so and lies there.
    #[garde(skip)]
    pub valid_from: NaiveDate,
    /// The areas out of which a reform made it: what was counted there is counted here from then on.
    #[serde(default)]
    #[garde(length(max = 50))]
    #[schema(max_items = 50)]
    pub predecessor_ids: Vec<AreaId>,
}

fn is_area_code(code: &str, _: &()) -> garde::Result {
    let good = super::rules::is_area_code(code);
    if good { Ok(()) } else { Err(garde::Error::new("1 to 30 letters, digits, dots, hyphens or underscores")) }
}

/// A country that exists.
///
/// # Errors
/// A sentence for the field.
pub fn is_country(code: &str, _: &()) -> garde::Result {
    match rust_iso3166::from_alpha2(code) {
        Some(_) => Ok(()),
        None => Err(garde::Error::new("an ISO 3166-1 alpha-2 code such as BI")),
    }
}

/// `POST /areas`
pub async fn add_area(guard: Guard<need::OrganisationWrite, Somewhere>, body: Body<AddArea>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| {
                let area = Area {
                    id: AreaId::NIL,
                    country: asked.country.clone(),
                    parent_id: asked.parent_id,
                    name: asked.name.trim().to_owned(),
                    valid_from: asked.valid_from,
                    valid_to: None,
                    version: 1,
                    code: asked.code.clone(),
                };
                service::add_area(w, order, area, &asked.predecessor_ids).map(|_| ())
            },
            |r, order| show_area(r, Key::new(order.id.uuid())),
        )
        .await?;
    Ok(made(replayed, "", Some(row.version), &row))
}

fn show_area(r: &mut crate::db::Read, id: AreaId) -> Result<AreaView> {
    let row = store::find_area(r, id)?.ok_or(Problem::of(Code::NotFound))?;
    Ok(AreaView::new(row, &store::list_predecessors(r, &[id])?))
}

/// The last day of an area.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndArea {
    /// The last day on which it stands.
    #[garde(skip)]
    pub valid_to: NaiveDate,
}

/// `PATCH /areas/{id}`
pub async fn end_area(
    guard: Guard<need::OrganisationWrite, Somewhere>,
    path: Ids<AreaId>,
    body: Body<EndArea>,
) -> Result<HttpResponse> {
    let id = path.0;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let on = body.value.valid_to;
    let (row, replayed) = guard
        .carry_out(order, move |w, _| service::end_area(w, id, if_match.as_deref(), on), move |r, _| show_area(r, id))
        .await?;
    Ok(changed(replayed, Some(row.version), &row))
}
