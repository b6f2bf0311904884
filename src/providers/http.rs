//! `/providers`, `/services`, `/tariffs`: shapes and handlers.
use super::model::{Convention, Provider, Sector, Service, ServiceKind, Tariff};
use super::service::{self, NewProvider, NewService, NewTariff};
use super::store;
use crate::access::guard::{Guard, Signed, Somewhere};
use crate::access::permissions::{Permission, need};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, found, made, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// Codes of facilities and services: letters, digits, hyphens, dots.
fn is_care_code(code: &str, _: &()) -> garde::Result {
    let good = (1..=30).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    if good { Ok(()) } else { Err(garde::Error::new("1 to 30 letters, digits, hyphens, dots or underscores")) }
}

/// A benefit category or a level of care: a word.
fn is_word(text: &str, _: &()) -> garde::Result {
    let good = (1..=30).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if good { Ok(()) } else { Err(garde::Error::new("1 to 30 letters, digits or underscores")) }
}

/// The owners whose catalogue the caller sees: his organisations, those below, and those above.
fn visible_owners(signed: &Signed) -> BTreeSet<OrganisationId> {
    let mut owners = signed.reach(Permission::ProviderRead);
    let on = signed.now.date();
    for (_, organisation) in signed.grants().filter(|(role, _)| role.may(Permission::ProviderRead)) {
        owners.extend(signed.picture.ancestors(organisation, on));
    }
    owners
}

/// Which rows of the catalogue.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CatalogueFilter {
    /// Only of this owner.
    pub owner_id: Option<OrganisationId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

fn owners_asked(signed: &Signed, asked: Option<OrganisationId>) -> Result<Vec<OrganisationId>> {
    let visible = visible_owners(signed);
    match asked {
        None => Ok(visible.into_iter().collect()),
        Some(owner) if visible.contains(&owner) => Ok(vec![owner]),
        Some(_) => Err(Code::NotFound.into()),
    }
}

/// A health facility.
#[derive(Serialize, ToSchema)]
pub struct ProviderView {
    pub id: ProviderId,
    pub owner_id: OrganisationId,
    pub code: String,
    pub name: String,
    /// `health_centre`, `hospital`…
    pub level: String,
    pub sector: Sector,
    pub area_id: Option<AreaId>,
    pub version: i64,
}

impl From<Provider> for ProviderView {
    fn from(row: Provider) -> Self {
        ProviderView {
            id: row.id,
            owner_id: row.owner_id,
            code: row.code,
            name: row.name,
            level: row.level,
            sector: row.sector,
            area_id: row.area_id,
            version: row.version,
        }
    }
}

/// `GET /providers`
pub async fn list(guard: Guard<need::ProviderRead, Somewhere>, query: Query<CatalogueFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let owners = owners_asked(&guard, filter.owner_id)?;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("providers {:?}", filter.owner_id))?;
    let page = guard
        .read(move |r, _| {
            let rows = store::list(r, &owners, ask.after_two()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.code.clone(), row.id.to_string()], ProviderView::from))
        })
        .await?;
    Ok(shown(&page))
}

async fn seen(signed: &Signed, id: ProviderId) -> Result<Provider> {
    let row = signed.read_root(move |r| store::find(r, id)?.ok_or_else(|| Code::NotFound.into())).await?;
    if visible_owners(signed).contains(&row.owner_id) { Ok(row) } else { Err(Code::NotFound.into()) }
}

/// `GET /providers/{id}`
pub async fn get(guard: Guard<need::ProviderRead, Somewhere>, path: Ids<ProviderId>) -> Result<HttpResponse> {
    let row = seen(&guard, path.0).await?;
    Ok(found(row.version, &ProviderView::from(row)))
}

/// A new facility.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddProvider {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<ProviderId>,
    /// The mutual or body that owns it; it and the mutuals below may use it.
    #[garde(skip)]
    pub owner_id: OrganisationId,
    /// Unique per owner.
    #[garde(custom(is_care_code))]
    #[schema(pattern = "^[0-9A-Za-z._-]{1,30}$")]
    pub code: String,
    #[garde(length(chars, min = 1, max = 120))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// `health_centre`, `hospital`…: what a product's `referral_levels` name.
    #[garde(custom(is_word))]
    #[schema(pattern = "^[0-9A-Za-z_]{1,30}$")]
    pub level: String,
    #[garde(skip)]
    pub sector: Sector,
    #[garde(skip)]
    pub area_id: Option<AreaId>,
}

/// `POST /providers`
pub async fn add(guard: Guard<need::ProviderWrite, Somewhere>, body: Body<AddProvider>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    guard.body_scope(asked.owner_id, Permission::ProviderWrite)?;
    let new = NewProvider {
        owner: asked.owner_id,
        code: asked.code,
        name: asked.name.trim().to_owned(),
        level: asked.level,
        sector: asked.sector,
        area: asked.area_id,
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| {
                if let Some(area) = new.area
                    && crate::organisations::store::find_area(w, area)?.is_none()
                {
                    return Err(Problem::of(Code::NotFound).at("/area_id").into());
                }
                service::add(w, order, &new).map(|_| ())
            },
            |r, order| store::find(r, Key::new(order.id.uuid()))?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    guard.reload().await?;
    let location = format!("/api/v1/providers/{}", row.id);
    Ok(made(replayed, &location, Some(row.version), &ProviderView::from(row)))
}

/// A convention.
#[derive(Serialize, ToSchema)]
pub struct ConventionView {
    pub id: ConventionId,
    pub provider_id: ProviderId,
    /// The mutual, or the body for its mutuals.
    pub party_id: OrganisationId,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

impl From<Convention> for ConventionView {
    fn from(row: Convention) -> Self {
        ConventionView {
            id: row.id,
            provider_id: row.provider_id,
            party_id: row.party_id,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
        }
    }
}

/// `GET /providers/{id}/conventions`
pub async fn conventions(guard: Guard<need::ProviderRead, Somewhere>, path: Ids<ProviderId>) -> Result<HttpResponse> {
    let id = seen(&guard, path.0).await?.id;
    let owners = visible_owners(&guard);
    let rows = guard.read(move |r, _| Ok(store::list_conventions(r, id)?)).await?;
    let items: Vec<ConventionView> =
        rows.into_iter().filter(|row| owners.contains(&row.party_id)).map(ConventionView::from).collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// A new convention.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddConvention {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<ConventionId>,
    /// The mutual, or the body for its mutuals.
    #[garde(skip)]
    pub party_id: OrganisationId,
    #[garde(skip)]
    pub valid_from: NaiveDate,
    #[garde(skip)]
    pub valid_to: Option<NaiveDate>,
}

/// `POST /providers/{id}/conventions`
pub async fn add_convention(
    guard: Guard<need::ProviderWrite, Somewhere>,
    path: Ids<ProviderId>,
    body: Body<AddConvention>,
) -> Result<HttpResponse> {
    let id = seen(&guard, path.0).await?.id;
    let order = guard.order(&body)?;
    let asked = body.value;
    guard.body_scope(asked.party_id, Permission::ProviderWrite)?;
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| {
                service::convene(w, order, id, asked.party_id, asked.valid_from, asked.valid_to).map(|_| ())
            },
            move |r, order| {
                let made = Key::new(order.id.uuid());
                let row = store::list_conventions(r, id)?.into_iter().find(|row| row.id == made);
                row.ok_or_else(|| Code::NotFound.into())
            },
        )
        .await?;
    guard.reload().await?;
    Ok(made(replayed, "", None, &ConventionView::from(row)))
}

/// A service of a catalogue.
#[derive(Serialize, ToSchema)]
pub struct ServiceView {
    pub id: ServiceId,
    pub owner_id: OrganisationId,
    pub code: String,
    pub name: String,
    /// The benefit category of which it is.
    pub category: String,
    pub kind: ServiceKind,
    pub version: i64,
}

impl From<Service> for ServiceView {
    fn from(row: Service) -> Self {
        ServiceView {
            id: row.id,
            owner_id: row.owner_id,
            code: row.code,
            name: row.name,
            category: row.category,
            kind: row.kind,
            version: row.version,
        }
    }
}

/// `GET /services`
pub async fn services(
    guard: Guard<need::ProviderRead, Somewhere>,
    query: Query<CatalogueFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let owners = owners_asked(&guard, filter.owner_id)?;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("services {:?}", filter.owner_id))?;
    let page = guard
        .read(move |r, _| {
            let rows = store::list_services(r, &owners, ask.after_two()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.code.clone(), row.id.to_string()], ServiceView::from))
        })
        .await?;
    Ok(shown(&page))
}

/// A new service.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddService {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<ServiceId>,
    #[garde(skip)]
    pub owner_id: OrganisationId,
    /// Unique per owner.
    #[garde(custom(is_care_code))]
    #[schema(pattern = "^[0-9A-Za-z._-]{1,30}$")]
    pub code: String,
    #[garde(length(chars, min = 1, max = 120))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// The benefit category: `OPD`, `HOSP`…
    #[garde(custom(is_word))]
    #[schema(pattern = "^[0-9A-Za-z_]{1,30}$")]
    pub category: String,
    #[garde(skip)]
    pub kind: ServiceKind,
}

/// `POST /services`
pub async fn add_service(guard: Guard<need::ProviderWrite, Somewhere>, body: Body<AddService>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    guard.body_scope(asked.owner_id, Permission::ProviderWrite)?;
    let new = NewService {
        owner: asked.owner_id,
        code: asked.code,
        name: asked.name.trim().to_owned(),
        category: asked.category,
        kind: asked.kind,
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::add_service(w, order, &new).map(|_| ()),
            |r, order| store::find_service(r, Key::new(order.id.uuid()))?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    Ok(made(replayed, "", Some(row.version), &ServiceView::from(row)))
}

/// A price between two days.
#[derive(Serialize, ToSchema)]
pub struct TariffView {
    pub id: TariffId,
    pub owner_id: OrganisationId,
    /// Null for the reference price.
    pub provider_id: Option<ProviderId>,
    pub service_id: ServiceId,
    pub unit_price_minor: i64,
    pub currency: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

impl From<Tariff> for TariffView {
    fn from(row: Tariff) -> Self {
        TariffView {
            id: row.id,
            owner_id: row.owner_id,
            provider_id: row.provider_id,
            service_id: row.service_id,
            unit_price_minor: row.unit_price_minor,
            currency: row.currency,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
        }
    }
}

/// Which prices.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TariffFilter {
    /// Only of this owner.
    pub owner_id: Option<OrganisationId>,
    /// Only of this provider.
    pub provider_id: Option<ProviderId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /tariffs`
pub async fn tariffs(guard: Guard<need::ProviderRead, Somewhere>, query: Query<TariffFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let owners = owners_asked(&guard, filter.owner_id)?;
    let provider = filter.provider_id;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("tariffs {:?} {provider:?}", filter.owner_id))?;
    let page = guard
        .read(move |r, _| {
            let rows = store::list_tariffs(r, &owners, provider, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], TariffView::from))
        })
        .await?;
    Ok(shown(&page))
}

/// A new price.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddTariff {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<TariffId>,
    #[garde(skip)]
    pub owner_id: OrganisationId,
    /// Left out for the reference price.
    #[garde(skip)]
    pub provider_id: Option<ProviderId>,
    #[garde(skip)]
    pub service_id: ServiceId,
    /// Minor units.
    #[garde(skip)]
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub unit_price_minor: i64,
    /// ISO 4217.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    #[garde(skip)]
    pub valid_from: NaiveDate,
    #[garde(skip)]
    pub valid_to: Option<NaiveDate>,
}

/// `POST /tariffs`
pub async fn add_tariff(guard: Guard<need::ProviderWrite, Somewhere>, body: Body<AddTariff>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    guard.body_scope(asked.owner_id, Permission::ProviderWrite)?;
    if let Some(provider) = asked.provider_id {
        seen(&guard, provider).await?;
    }
    let visible = visible_owners(&guard);
    let service = asked.service_id;
    let of = guard.read_root(move |r| store::find_service(r, service)?.ok_or_else(|| Code::NotFound.into())).await?;
    if !visible.contains(&of.owner_id) {
        return Err(Problem::of(Code::NotFound).at("/service_id").into());
    }
    let currency = Currency::parse(&asked.currency)
        .ok_or_else(|| Problem::field("/currency", "unknown_value", "an ISO 4217 code such as BIF"))?;
    let new = NewTariff {
        owner: asked.owner_id,
        provider: asked.provider_id,
        service: asked.service_id,
        unit_price_minor: asked.unit_price_minor,
        currency,
        valid_from: asked.valid_from,
        valid_to: asked.valid_to,
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::add_tariff(w, order, &new).map(|_| ()),
            |r, order| store::find_tariff(r, Key::new(order.id.uuid()))?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    Ok(made(replayed, "", None, &TariffView::from(row)))
}
