//! `/providers/{id}/conventions`: shapes and handlers.
use super::http::{is_care_code, is_word, seen, visible_owners};
use super::model::Convention;
use super::service::{self, Advance, Agreed, ConventionChange, NewConvention};
use super::store;
use crate::access::guard::{Guard, Signed, Somewhere};
use crate::access::permissions::{Permission, need};
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::page::Page;
use crate::web::{Body, Ids, changed, emptied, found, made, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A convention.
#[derive(Serialize, ToSchema)]
pub struct ConventionView {
    pub id: ConventionId,
    pub provider_id: ProviderId,
    /// The mutual, or the body for its mutuals.
    pub party_id: OrganisationId,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    /// Benefit categories that are covered; null is all.
    pub categories: Option<Vec<String>>,
    /// Codes of services that are not covered, though their category is.
    pub excluded_services: Vec<String>,
    /// Days after the month's end within which the facility's invoice must arrive.
    pub invoice_days: Option<i32>,
    /// Days after the invoice's reception within which it is paid.
    pub payment_days: Option<i32>,
    /// The advance or deposit agreed; the money itself moves elsewhere.
    pub advance_minor: Option<i64>,
    /// ISO 4217, of the advance.
    pub currency: Option<String>,
    pub version: i64,
}

impl From<Convention> for ConventionView {
    fn from(row: Convention) -> Self {
        ConventionView {
            id: row.id,
            provider_id: row.provider_id,
            party_id: row.party_id,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            categories: row.categories.map(|words| words.to_vec()),
            excluded_services: row.excluded_services.to_vec(),
            invoice_days: row.invoice_days,
            payment_days: row.payment_days,
            advance_minor: row.advance_minor,
            currency: row.currency,
            version: row.version,
        }
    }
}

/// `GET /providers/{id}/conventions`
pub async fn list(guard: Guard<need::ProviderRead, Somewhere>, path: Ids<ProviderId>) -> Result<HttpResponse> {
    let id = seen(&guard, path.0).await?.id;
    let owners = visible_owners(&guard);
    let rows = guard.read(move |r, _| Ok(store::list_conventions(r, id)?)).await?;
    let items: Vec<ConventionView> =
        rows.into_iter().filter(|row| owners.contains(&row.party_id)).map(ConventionView::from).collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// A convention of a facility, where the caller sees both.
async fn seen_convention(signed: &Signed, provider: ProviderId, id: ConventionId) -> Result<Convention> {
    seen(signed, provider).await?;
    let owners = visible_owners(signed);
    let rows = signed.read_root(move |r| Ok(store::list_conventions(r, provider)?)).await?;
    let row = rows.into_iter().find(|row| row.id == id && owners.contains(&row.party_id));
    row.ok_or_else(|| Code::NotFound.into())
}

/// `GET /providers/{id}/conventions/{convention}`
pub async fn get(
    guard: Guard<need::ProviderRead, Somewhere>,
    path: Ids<(ProviderId, ConventionId)>,
) -> Result<HttpResponse> {
    let row = seen_convention(&guard, path.0.0, path.0.1).await?;
    Ok(found(row.version, &ConventionView::from(row)))
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
    /// Benefit categories that are covered; left out, all are.
    #[garde(inner(length(max = 50), inner(custom(is_word))))]
    #[schema(max_items = 50, value_type = Option<Vec<String>>)]
    pub categories: Option<Vec<String>>,
    /// Codes of services that are not covered, though their category is.
    #[garde(inner(length(max = 500), inner(custom(is_care_code))))]
    #[schema(max_items = 500, value_type = Option<Vec<String>>)]
    pub excluded_services: Option<Vec<String>>,
    /// Days after the month's end within which the facility's invoice must arrive.
    #[garde(inner(range(min = 0, max = 366)))]
    #[schema(minimum = 0, maximum = 366)]
    pub invoice_days: Option<i32>,
    /// Days after the invoice's reception within which it is paid.
    #[garde(inner(range(min = 0, max = 366)))]
    #[schema(minimum = 0, maximum = 366)]
    pub payment_days: Option<i32>,
    /// The advance or deposit agreed, in minor units: information, the money itself moves elsewhere.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub advance_minor: Option<i64>,
    /// ISO 4217, with `advance_minor`.
    #[garde(inner(length(chars, min = 3, max = 3)))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
}

/// An amount and its currency stand together.
fn advance(amount_minor: Option<i64>, currency: Option<&str>) -> Result<Option<Advance>> {
    let missing = |pointer: &str| {
        let fault = FieldError::new(pointer, "missing", "an advance has an amount and a currency");
        Error::from(Problem::fields(Code::Invalid, vec![fault]))
    };
    match (amount_minor, currency) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(missing("/advance_minor")),
        (Some(_), None) => Err(missing("/currency")),
        (Some(amount_minor), Some(code)) => {
            let currency = Currency::parse(code)
                .ok_or_else(|| Problem::field("/currency", "unknown_value", "an ISO 4217 code such as BIF"))?;
            Ok(Some(Advance { amount_minor, currency }))
        }
    }
}

/// `POST /providers/{id}/conventions`
pub async fn add(
    guard: Guard<need::ProviderWrite, Somewhere>,
    path: Ids<ProviderId>,
    body: Body<AddConvention>,
) -> Result<HttpResponse> {
    let id = seen(&guard, path.0).await?.id;
    let order = guard.order(&body)?;
    let asked = body.value;
    guard.body_scope(asked.party_id, Permission::ProviderWrite)?;
    let new = NewConvention {
        provider: id,
        party: asked.party_id,
        valid_from: asked.valid_from,
        valid_to: asked.valid_to,
        terms: Agreed {
            categories: asked.categories,
            excluded_services: asked.excluded_services.unwrap_or_default(),
            invoice_days: asked.invoice_days,
            payment_days: asked.payment_days,
            advance: advance(asked.advance_minor, asked.currency.as_deref())?,
        },
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::convene(w, order, &new).map(|_| ()),
            move |r, order| {
                let made = Key::new(order.id.uuid());
                let row = store::list_conventions(r, id)?.into_iter().find(|row| row.id == made);
                row.ok_or_else(|| Code::NotFound.into())
            },
        )
        .await?;
    guard.reload().await?;
    let location = format!("/api/v1/providers/{id}/conventions/{}", row.id);
    Ok(made(replayed, &location, Some(row.version), &ConventionView::from(row)))
}

/// What changes of a convention; null empties a field. What it covers does not change: end it and make another one.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeConvention {
    /// Its last day: today at the earliest, or its first day where that is still to come.
    #[garde(skip)]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<NaiveDate>)]
    pub valid_to: Option<Option<NaiveDate>>,
    #[garde(inner(inner(range(min = 0, max = 366))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 366)]
    pub invoice_days: Option<Option<i32>>,
    #[garde(inner(inner(range(min = 0, max = 366))))]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 366)]
    pub payment_days: Option<Option<i32>>,
    /// With its currency; null where none is agreed any more.
    #[garde(skip)]
    #[serde(default, deserialize_with = "emptied")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 9007199254740991_i64)]
    pub advance_minor: Option<Option<i64>>,
    /// ISO 4217, with `advance_minor`.
    #[garde(inner(length(chars, min = 3, max = 3)))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
}

/// `PATCH /providers/{id}/conventions/{convention}`
pub async fn change(
    guard: Guard<need::ProviderWrite, Somewhere>,
    path: Ids<(ProviderId, ConventionId)>,
    body: Body<ChangeConvention>,
) -> Result<HttpResponse> {
    let (provider, id) = path.0;
    let party = seen_convention(&guard, provider, id).await?.party_id;
    super::http::must_own(&guard, party)?;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let today = guard.on(party);
    let asked = body.value;
    let advance = match (asked.advance_minor, asked.currency.as_deref()) {
        (None, None) => None,
        (amount_minor, currency) => Some(advance(amount_minor.flatten(), currency)?),
    };
    let change = ConventionChange {
        valid_to: asked.valid_to,
        invoice_days: asked.invoice_days,
        payment_days: asked.payment_days,
        advance,
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, _| service::change_convention(w, provider, id, if_match.as_deref(), today, &change),
            move |r, _| {
                let row = store::list_conventions(r, provider)?.into_iter().find(|row| row.id == id);
                row.ok_or_else(|| Code::NotFound.into())
            },
        )
        .await?;
    guard.reload().await?;
    Ok(changed(replayed, Some(row.version), &ConventionView::from(row)))
}
