//! `/products`: shapes and handlers.
use super::model::{ProductRow, VersionRow, VersionState};
use super::rules::Product;
use super::service::{self, DraftChange, NewProduct};
use super::store;
use crate::access::guard::{Guard, Reach, Signed, Somewhere};
use crate::access::permissions::{Need, Permission, need};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::organisations::rules::is_code;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// A product.
#[derive(Serialize, ToSchema)]
pub struct ProductView {
    pub id: ProductId,
    /// The mutual or body that owns it; it and the mutuals below may use it.
    pub owner_id: OrganisationId,
    pub code: String,
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    pub version: i64,
}

impl From<ProductRow> for ProductView {
    fn from(row: ProductRow) -> Self {
        ProductView {
            id: row.id,
            owner_id: row.owner_id,
            code: row.code,
            name: row.name,
            currency: row.currency,
            version: row.version,
        }
    }
}

/// A version of a product.
#[derive(Serialize, ToSchema)]
pub struct VersionView {
    pub id: ProductVersionId,
    pub product_id: ProductId,
    /// From 1.
    pub number: i32,
    pub state: VersionState,
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
    /// Prices, benefits, waiting, ceilings: amounts in minor units, rates in basis points.
    #[schema(value_type = Object)]
    pub parameters: Product,
    pub published_at: Option<DateTime<Utc>>,
    pub version: i64,
}

fn version_view(row: VersionRow) -> Result<VersionView> {
    Ok(VersionView {
        parameters: service::parameters(&row)?,
        id: row.id,
        product_id: row.product_id,
        number: row.number,
        state: row.state,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        published_at: row.published_at.map(|at| at.and_utc()),
        version: row.version,
    })
}

/// The owners whose products the caller sees: his organisations, those below them, and those above, whose products his
/// mutual may use.
fn visible_owners(signed: &Signed) -> BTreeSet<OrganisationId> {
    let mut owners = signed.reach(Permission::ProductRead);
    let on = signed.now.date();
    for (_, organisation) in signed.grants().filter(|(role, _)| role.may(Permission::ProductRead)) {
        owners.extend(signed.picture.ancestors(organisation, on));
    }
    owners
}

/// The product, where the caller sees it.
///
/// # Errors
/// `not_found`.
pub async fn visible<N: Need, S: Reach>(guard: &Guard<N, S>, id: ProductId) -> Result<ProductRow> {
    let row = guard.read_root(move |r| store::find(r, id)?.ok_or_else(|| Code::NotFound.into())).await?;
    if visible_owners(guard).contains(&row.owner_id) { Ok(row) } else { Err(Code::NotFound.into()) }
}

/// Sees the product, then asks for the permission on its owner.
async fn owned(guard: &Guard<need::ProductWrite, Somewhere>, id: ProductId) -> Result<()> {
    let row = visible(guard, id).await?;
    match guard.body_scope(row.owner_id, Permission::ProductWrite) {
        Ok(_) => Ok(()),
        // It is seen, as one that may be used, so that its absence would be a lie.
        Err(_) => Err(Code::Forbidden.into()),
    }
}

/// Which products.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ProductFilter {
    /// Only of this owner.
    pub owner_id: Option<OrganisationId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /products`
pub async fn list(guard: Guard<need::ProductRead, Somewhere>, query: Query<ProductFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("products {:?}", filter.owner_id))?;
    let mut owners = visible_owners(&guard);
    if let Some(owner) = filter.owner_id {
        if !owners.contains(&owner) {
            return Err(Code::NotFound.into());
        }
        owners = BTreeSet::from([owner]);
    }
    let owners: Vec<OrganisationId> = owners.into_iter().collect();
    let page = guard
        .read(move |r, _| {
            let rows = store::list(r, &owners, ask.after_two()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.code.clone(), row.id.to_string()], ProductView::from))
        })
        .await?;
    Ok(shown(&page))
}

/// `GET /products/{id}`
pub async fn get(guard: Guard<need::ProductRead, Somewhere>, path: Ids<ProductId>) -> Result<HttpResponse> {
    let row = visible(&guard, path.0).await?;
    Ok(found(row.version, &ProductView::from(row)))
}

fn code_of_product(code: &str, _: &()) -> garde::Result {
    if is_code(code) {
        Ok(())
    } else {
        Err(garde::Error::new("2 to 20 capitals, digits or hyphens, beginning with a capital"))
    }
}

/// A new product with its first version as a draft.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddProduct {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<ProductId>,
    /// The mutual or body that owns it.
    #[garde(skip)]
    pub owner_id: OrganisationId,
    /// Unique per owner.
    #[garde(custom(code_of_product))]
    #[schema(pattern = "^[A-Z][A-Z0-9-]{1,19}$")]
    pub code: String,
    #[garde(length(chars, min = 1, max = 120))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// Prices, benefits, waiting, ceilings; see `docs/products.md`.
    #[garde(skip)]
    #[schema(value_type = Object)]
    pub parameters: Product,
    #[garde(skip)]
    pub valid_from: Option<NaiveDate>,
    #[garde(skip)]
    pub valid_to: Option<NaiveDate>,
}

/// `POST /products`
pub async fn add(guard: Guard<need::ProductWrite, Somewhere>, body: Body<AddProduct>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    guard.body_scope(asked.owner_id, Permission::ProductWrite)?;
    let new = NewProduct {
        owner: asked.owner_id,
        code: asked.code,
        name: asked.name.trim().to_owned(),
        parameters: asked.parameters,
        valid_from: asked.valid_from,
        valid_to: asked.valid_to,
    };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::add(w, order, &new).map(|_| ()),
            |r, order| store::find(r, Key::new(order.id.uuid()))?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    let location = format!("/api/v1/products/{}", row.id);
    Ok(made(replayed, &location, Some(row.version), &ProductView::from(row)))
}

/// `GET /products/{id}/versions`
pub async fn versions(guard: Guard<need::ProductRead, Somewhere>, path: Ids<ProductId>) -> Result<HttpResponse> {
    let id = visible(&guard, path.0).await?.id;
    let items = guard
        .read(move |r, _| {
            let rows = store::list_versions(r, id)?;
            rows.into_iter().map(version_view).collect::<Result<Vec<VersionView>>>()
        })
        .await?;
    Ok(shown(&Page { items, next_cursor: None }))
}

/// `GET /products/{id}/versions/{number}`
pub async fn get_version(
    guard: Guard<need::ProductRead, Somewhere>,
    path: Ids<(ProductId, i32)>,
) -> Result<HttpResponse> {
    let (id, number) = path.0;
    visible(&guard, id).await?;
    let view = guard
        .read(move |r, _| version_view(store::find_version(r, id, number)?.ok_or(Problem::of(Code::NotFound))?))
        .await?;
    Ok(found(view.version, &view))
}

/// The next version, as a draft.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddVersion {
    /// The command's id, made by the client.
    #[garde(skip)]
    pub id: Option<CommandId>,
    #[garde(skip)]
    #[schema(value_type = Object)]
    pub parameters: Product,
    #[garde(skip)]
    pub valid_from: Option<NaiveDate>,
    #[garde(skip)]
    pub valid_to: Option<NaiveDate>,
}

/// `POST /products/{id}/versions`
pub async fn add_version(
    guard: Guard<need::ProductWrite, Somewhere>,
    path: Ids<ProductId>,
    body: Body<AddVersion>,
) -> Result<HttpResponse> {
    let id = path.0;
    owned(&guard, id).await?;
    let order = guard.order(&body)?;
    let asked = body.value;
    let (view, replayed) = guard
        .carry_out(
            order,
            move |w, order| {
                service::add_version(w, order, id, &asked.parameters, asked.valid_from, asked.valid_to).map(|_| ())
            },
            |r, order| {
                let made = store::list_versions_by_id(r, &[Key::new(order.id.uuid())])?.pop();
                version_view(made.ok_or(Problem::of(Code::NotFound))?)
            },
        )
        .await?;
    let location = format!("/api/v1/products/{id}/versions/{}", view.number);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// What changes of a draft.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeVersion {
    /// New parameters, whole.
    #[garde(skip)]
    #[schema(value_type = Option<Object>)]
    pub parameters: Option<Product>,
    #[garde(skip)]
    pub valid_from: Option<NaiveDate>,
    #[garde(skip)]
    pub valid_to: Option<NaiveDate>,
}

/// `PATCH /products/{id}/versions/{number}`
pub async fn change_version(
    guard: Guard<need::ProductWrite, Somewhere>,
    path: Ids<(ProductId, i32)>,
    body: Body<ChangeVersion>,
) -> Result<HttpResponse> {
    let (id, number) = path.0;
    owned(&guard, id).await?;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    let change = DraftChange { parameters: asked.parameters, valid_from: asked.valid_from, valid_to: asked.valid_to };
    let (view, replayed) = guard
        .carry_out(
            order,
            move |w, _| service::change_draft(w, id, number, if_match.as_deref(), &change),
            move |r, _| version_view(store::find_version(r, id, number)?.ok_or(Problem::of(Code::NotFound))?),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// `POST /products/{id}/versions/{number}/publish`
pub async fn publish_version(
    guard: Guard<need::ProductWrite, Somewhere>,
    path: Ids<(ProductId, i32)>,
) -> Result<HttpResponse> {
    let (id, number) = path.0;
    owned(&guard, id).await?;
    let order = guard.plain_order()?;
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .carry_out(
            order,
            move |w, _| service::publish(w, id, number, if_match.as_deref()),
            move |r, _| version_view(store::find_version(r, id, number)?.ok_or(Problem::of(Code::NotFound))?),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}
