//! `/services` and `/tariffs`: shapes and handlers.
use super::http::{is_care_code, is_word, must_own, owners_asked, seen, visible_owners};
use super::model::{Service, ServiceKind, SexLimit, Tariff};
use super::service::{self, Limits, NewService, NewTariff, ServiceChange};
use super::store;
use crate::access::guard::{Guard, Signed, Somewhere};
use crate::access::permissions::{Permission, need};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::page::Ask;
use crate::web::{Body, Ids, Query, changed, emptied, found, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which services.
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
    /// Only for persons of this sex; null for both.
    pub sex: Option<SexLimit>,
    /// From this age on, in completed years on the day of the service.
    pub min_age_years: Option<i32>,
    /// Up to this age, it included.
    pub max_age_years: Option<i32>,
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
            sex: row.sex,
            min_age_years: row.min_age_years,
            max_age_years: row.max_age_years,
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

async fn seen_service(signed: &Signed, id: ServiceId) -> Result<Service> {
    let row = signed.read_root(move |r| store::find_service(r, id)?.ok_or_else(|| Code::NotFound.into())).await?;
    if visible_owners(signed).contains(&row.owner_id) { Ok(row) } else { Err(Code::NotFound.into()) }
}

/// `GET /services/{id}`
pub async fn get_service(guard: Guard<need::ProviderRead, Somewhere>, path: Ids<ServiceId>) -> Result<HttpResponse> {
    let row = seen_service(&guard, path.0).await?;
    Ok(found(row.version, &ServiceView::from(row)))
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
    #[garde(length(chars, min = 1, max = 120), custom(not_blank))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// The benefit category: `OPD`, `HOSP`…
    #[garde(custom(is_word))]
    #[schema(pattern = "^[0-9A-Za-z_]{1,30}$")]
    pub category: String,
    #[garde(skip)]
    pub kind: ServiceKind,
    /// Only for persons of this sex; left out, for both.
    #[garde(skip)]
    pub sex: Option<SexLimit>,
    /// From this age on, in completed years on the day of the service.
    #[garde(inner(range(min = 0, max = 150)))]
    #[schema(minimum = 0, maximum = 150)]
    pub min_age_years: Option<i32>,
    /// Up to this age, it included.
    #[garde(inner(range(min = 0, max = 150)))]
    #[schema(minimum = 0, maximum = 150)]
    pub max_age_years: Option<i32>,
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
        limits: Limits { sex: asked.sex, min_age_years: asked.min_age_years, max_age_years: asked.max_age_years },
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::add_service(w, order, &new).map(|_| ()),
            |r, order| store::find_service(r, Key::new(order.id.uuid()))?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    let location = format!("/api/v1/services/{}", row.id);
    Ok(made(replayed, &location, Some(row.version), &ServiceView::from(row)))
}

/// What changes of a service; null empties a field. Its code does not change.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeService {
    #[garde(inner(length(chars, min = 1, max = 120), custom(not_blank)))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    #[garde(inner(custom(is_word)))]
    #[schema(pattern = "^[0-9A-Za-z_]{1,30}$")]
    pub category: Option<String>,
    #[garde(skip)]
    pub kind: Option<ServiceKind>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<SexLimit>)]
    pub sex: Option<Option<SexLimit>>,
    #[garde(inner(inner(range(min = 0, max = 150))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 150)]
    pub min_age_years: Option<Option<i32>>,
    #[garde(inner(inner(range(min = 0, max = 150))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 150)]
    pub max_age_years: Option<Option<i32>>,
}

/// `PATCH /services/{id}`
pub async fn change_service(
    guard: Guard<need::ProviderWrite, Somewhere>,
    path: Ids<ServiceId>,
    body: Body<ChangeService>,
) -> Result<HttpResponse> {
    let id = path.0;
    must_own(&guard, seen_service(&guard, id).await?.owner_id)?;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    let change = ServiceChange {
        name: asked.name.map(|name| name.trim().to_owned()),
        category: asked.category,
        kind: asked.kind,
        sex: asked.sex,
        min_age_years: asked.min_age_years,
        max_age_years: asked.max_age_years,
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, _| service::change_service(w, id, if_match.as_deref(), &change),
            move |r, _| store::find_service(r, id)?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    Ok(changed(replayed, Some(row.version), &ServiceView::from(row)))
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
