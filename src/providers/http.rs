//! `/providers`: shapes and handlers; and what of the catalogue a caller sees.
use super::model::{Provider, Sector};
use super::service::{self, NewProvider, ProviderChange, ProviderDetails};
use super::store::{self, ProviderFilter};
use crate::access::guard::{Guard, Signed, Somewhere};
use crate::access::permissions::{Permission, need};
use crate::error::{Code, Error, Problem, Result};
use crate::households::phones::may_be_phone;
use crate::ids::*;
use crate::page::Ask;
use crate::web::{Body, Ids, Query, changed, emptied, found, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// Codes of facilities and services: letters, digits, hyphens, dots.
///
/// # Errors
/// A sentence for the field.
pub fn is_care_code(code: &str, _: &()) -> garde::Result {
    let good = (1..=30).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    if good { Ok(()) } else { Err(garde::Error::new("1 to 30 letters, digits, hyphens, dots or underscores")) }
}

/// A benefit category or a level of care: a word.
///
/// # Errors
/// A sentence for the field.
pub fn is_word(text: &str, _: &()) -> garde::Result {
    let good = (1..=30).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if good { Ok(()) } else { Err(garde::Error::new("1 to 30 letters, digits or underscores")) }
}

/// A kind of care: a word in small letters.
fn is_care_type(text: &str, _: &()) -> garde::Result {
    let good = (1..=30).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if good { Ok(()) } else { Err(garde::Error::new("1 to 30 small letters, digits or underscores")) }
}

fn is_email(text: &str, _: &()) -> garde::Result {
    let parts: Vec<&str> = text.split('@').collect();
    let good = text.len() <= 120 && parts.len() == 2 && parts.iter().all(|part| !part.is_empty());
    if good && !text.contains(char::is_whitespace) { Ok(()) } else { Err(garde::Error::new("an e-mail address")) }
}

/// The owners whose catalogue the caller sees: his organisations, those below, and those above.
pub fn visible_owners(signed: &Signed) -> BTreeSet<OrganisationId> {
    let mut owners = signed.reach(Permission::ProviderRead);
    let on = signed.now.date();
    for (_, organisation) in signed.grants().filter(|(role, _)| role.may(Permission::ProviderRead)) {
        owners.extend(signed.picture.ancestors(organisation, on));
    }
    owners
}

/// The owners whose rows are listed: one that was asked for, or all that the caller sees.
///
/// # Errors
/// `not_found`.
pub fn owners_asked(signed: &Signed, asked: Option<OrganisationId>) -> Result<Vec<OrganisationId>> {
    let visible = visible_owners(signed);
    match asked {
        None => Ok(visible.into_iter().collect()),
        Some(owner) if visible.contains(&owner) => Ok(vec![owner]),
        Some(_) => Err(Code::NotFound.into()),
    }
}

/// Sees a row of an owner, then asks for the permission on that owner.
///
/// # Errors
/// `not_found`, `forbidden`.
pub fn must_own(guard: &Guard<need::ProviderWrite, Somewhere>, owner: OrganisationId) -> Result<()> {
    if !visible_owners(guard).contains(&owner) {
        return Err(Code::NotFound.into());
    }
    // It is seen, as one that may be used, so that its absence would be a lie.
    guard.body_scope(owner, Permission::ProviderWrite).map(|_| ()).map_err(|_| Error::from(Code::Forbidden))
}

/// Which facilities.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct FacilityFilter {
    /// Only of this owner.
    pub owner_id: Option<OrganisationId>,
    /// Only of this level: `health_centre`, `hospital`…
    pub level: Option<String>,
    /// Only of this sector.
    #[param(inline)]
    pub sector: Option<Sector>,
    /// Only those that give this kind of care: `maternity`…
    pub care_type: Option<String>,
    /// Only in this area; areas below it are not looked into.
    pub area_id: Option<AreaId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
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
    /// `outpatient`, `maternity`…
    pub care_types: Vec<String>,
    pub contact_name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub address: Option<String>,
    /// The last day on which it gives care; no convention counts after it.
    pub active_to: Option<NaiveDate>,
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
            care_types: row.care_types.to_vec(),
            contact_name: row.contact_name,
            phone: row.phone,
            email: row.email,
            address: row.address,
            active_to: row.active_to,
            version: row.version,
        }
    }
}

/// `GET /providers`
pub async fn list(guard: Guard<need::ProviderRead, Somewhere>, query: Query<FacilityFilter>) -> Result<HttpResponse> {
    let asked = query.0;
    let owners = owners_asked(&guard, asked.owner_id)?;
    if let Some(Err(error)) = asked.care_type.as_deref().map(|word| is_care_type(word, &())) {
        return Err(Problem::field("care_type", "out_of_bounds", error.message()).into());
    }
    let filter =
        ProviderFilter { level: asked.level, sector: asked.sector, care_type: asked.care_type, area: asked.area_id };
    let of = format!("providers {:?} {filter:?}", asked.owner_id);
    let ask = Ask::new(asked.limit, asked.cursor.as_deref(), &of)?;
    let page = guard
        .read(move |r, _| {
            let rows = store::list(r, &owners, &filter, ask.after_two()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.code.clone(), row.id.to_string()], ProviderView::from))
        })
        .await?;
    Ok(shown(&page))
}

/// The facility, where the caller sees it.
///
/// # Errors
/// `not_found`.
pub async fn seen(signed: &Signed, id: ProviderId) -> Result<Provider> {
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
    #[garde(length(chars, min = 1, max = 120), custom(not_blank))]
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
    /// Kinds of care: `outpatient`, `maternity`, `surgery`…
    #[garde(inner(length(max = 30), inner(custom(is_care_type))))]
    #[schema(max_items = 30, value_type = Option<Vec<String>>)]
    pub care_types: Option<Vec<String>>,
    /// Whom to ask for.
    #[garde(inner(length(chars, min = 1, max = 120), custom(not_blank)))]
    #[schema(min_length = 1, max_length = 120)]
    pub contact_name: Option<String>,
    #[garde(inner(custom(may_be_phone)))]
    #[schema(max_length = 30)]
    pub phone: Option<String>,
    #[garde(inner(custom(is_email)))]
    #[schema(max_length = 120)]
    pub email: Option<String>,
    #[garde(inner(length(chars, min = 1, max = 300), custom(not_blank)))]
    #[schema(min_length = 1, max_length = 300)]
    pub address: Option<String>,
    /// The last day on which it gives care.
    #[garde(skip)]
    pub active_to: Option<NaiveDate>,
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
        details: ProviderDetails {
            care_types: asked.care_types.unwrap_or_default(),
            contact_name: asked.contact_name.map(|name| name.trim().to_owned()),
            phone: asked.phone,
            email: asked.email,
            address: asked.address.map(|address| address.trim().to_owned()),
            active_to: asked.active_to,
        },
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::add(w, order, &new).map(|_| ()),
            |r, order| store::find(r, Key::new(order.id.uuid()))?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    guard.reload().await?;
    let location = format!("/api/v1/providers/{}", row.id);
    Ok(made(replayed, &location, Some(row.version), &ProviderView::from(row)))
}

/// What changes of a facility; null empties a field. Its code does not change.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeProvider {
    #[garde(inner(length(chars, min = 1, max = 120), custom(not_blank)))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    #[garde(inner(custom(is_word)))]
    #[schema(pattern = "^[0-9A-Za-z_]{1,30}$")]
    pub level: Option<String>,
    #[garde(skip)]
    pub sector: Option<Sector>,
    #[garde(skip)]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<AreaId>)]
    pub area_id: Option<Option<AreaId>>,
    /// The whole list.
    #[garde(inner(length(max = 30), inner(custom(is_care_type))))]
    #[schema(max_items = 30, value_type = Option<Vec<String>>)]
    pub care_types: Option<Vec<String>>,
    #[garde(inner(inner(length(chars, min = 1, max = 120), custom(not_blank))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 120)]
    pub contact_name: Option<Option<String>>,
    #[garde(inner(inner(custom(may_be_phone))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<String>, max_length = 30)]
    pub phone: Option<Option<String>>,
    #[garde(inner(inner(custom(is_email))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<String>, max_length = 120)]
    pub email: Option<Option<String>>,
    #[garde(inner(inner(length(chars, min = 1, max = 300), custom(not_blank))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 300)]
    pub address: Option<Option<String>>,
    /// The last day on which it gives care; no convention counts after it.
    #[garde(skip)]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<NaiveDate>)]
    pub active_to: Option<Option<NaiveDate>>,
}

/// `PATCH /providers/{id}`
pub async fn change(
    guard: Guard<need::ProviderWrite, Somewhere>,
    path: Ids<ProviderId>,
    body: Body<ChangeProvider>,
) -> Result<HttpResponse> {
    let id = path.0;
    must_own(&guard, seen(&guard, id).await?.owner_id)?;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    let trimmed = |text: String| text.trim().to_owned();
    let change = ProviderChange {
        name: asked.name.map(trimmed),
        level: asked.level,
        sector: asked.sector,
        area: asked.area_id,
        care_types: asked.care_types,
        contact_name: asked.contact_name.map(|name| name.map(trimmed)),
        phone: asked.phone,
        email: asked.email,
        address: asked.address.map(|address| address.map(trimmed)),
        active_to: asked.active_to,
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, _| service::change(w, id, if_match.as_deref(), &change),
            move |r, _| store::find(r, id)?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    guard.reload().await?;
    Ok(changed(replayed, Some(row.version), &ProviderView::from(row)))
}
