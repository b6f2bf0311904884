//! `/mutuals/{m}/sync/areas`, `/products`, `/texts`: what devices keep beside households. Each is a whole snapshot with an
//! `ETag`: who has it already gets 304.
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::contributions::texts::{Texts, texts_of};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::organisations::store as organisations;
use crate::products::model::VersionState;
use crate::products::rules::Product;
use crate::products::{service as products, store as product_store};
use crate::web::LanguageFilter;
use crate::web::Query;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// More areas of one country than this no snapshot has.
const MOST: i64 = 100_000;

/// An area of residence.
#[derive(Serialize, ToSchema)]
pub struct AreaDocument {
    pub id: AreaId,
    pub parent_id: Option<AreaId>,
    pub name: String,
}

/// The areas of the mutual's country that stand today, by name.
#[derive(Serialize, ToSchema)]
pub struct AreasSnapshot {
    pub areas: Vec<AreaDocument>,
}

/// A published version of a product.
#[derive(Serialize, ToSchema)]
pub struct ProductDocument {
    pub version_id: ProductVersionId,
    pub code: String,
    pub name: String,
    pub number: i32,
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
    /// Prices, benefits, waiting, ceilings.
    #[schema(value_type = Object)]
    pub parameters: Product,
}

/// The products that the mutual may use, by code and number.
#[derive(Serialize, ToSchema)]
pub struct ProductsSnapshot {
    pub currency: String,
    pub products: Vec<ProductDocument>,
}

/// What receipts say, in one language.
#[derive(Serialize, ToSchema)]
pub struct TextsSnapshot {
    /// By name.
    #[schema(value_type = Object)]
    pub texts: &'static Texts,
}

/// The snapshot, or 304 for who has it.
fn snapshot<V: Serialize>(req: &HttpRequest, view: &V) -> Result<HttpResponse> {
    let body = serde_json::to_string(view).map_err(|error| crate::error::Error::Fault(error.to_string()))?;
    let digest = Sha256::digest(body.as_bytes());
    let tag = format!("\"{}\"", HEXLOWER.encode(digest.get(..16).unwrap_or_default()));
    let known = req.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if known.split(',').any(|known| known.trim() == tag) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    Ok(HttpResponse::Ok().insert_header((header::ETAG, tag)).content_type("application/json").body(body))
}

type Asking = Guard<need::FieldSync, MutualScope>;

/// `GET /mutuals/{m}/sync/areas`
pub async fn areas(guard: Asking, req: HttpRequest) -> Result<HttpResponse> {
    let view = guard
        .read(|r, scope| {
            let mutual = organisations::find(r, scope.mutual().into())?.ok_or(Problem::of(Code::NotFound))?;
            let rows = match &mutual.country {
                Some(country) => organisations::list_areas(r, country, Some(scope.today()), None, MOST)?,
                None => Vec::new(),
            };
            let areas = rows
                .into_iter()
                .map(|row| AreaDocument { id: row.id, parent_id: row.parent_id, name: row.name })
                .collect();
            Ok(AreasSnapshot { areas })
        })
        .await?;
    snapshot(&req, &view)
}

/// `GET /mutuals/{m}/sync/products`
pub async fn products_of(guard: Asking, req: HttpRequest) -> Result<HttpResponse> {
    let mutual: OrganisationId = guard.scope.mutual().into();
    let mut owners = vec![mutual];
    owners.extend(guard.picture.ancestors(mutual, guard.on(mutual)));
    let view = guard
        .read(move |r, scope| {
            let mut found = Vec::new();
            for product in product_store::list(r, &owners, None, i64::from(u16::MAX))? {
                if product.currency != scope.currency().code() {
                    continue;
                }
                for row in product_store::list_versions(r, product.id)? {
                    let is_over = row.valid_to.is_some_and(|last| last < scope.today());
                    if row.state == VersionState::Published && !is_over {
                        found.push(ProductDocument {
                            version_id: row.id,
                            code: product.code.clone(),
                            name: product.name.clone(),
                            number: row.number,
                            valid_from: row.valid_from,
                            valid_to: row.valid_to,
                            parameters: products::parameters(&row)?,
                        });
                    }
                }
            }
            Ok(ProductsSnapshot { currency: scope.currency().code().to_owned(), products: found })
        })
        .await?;
    snapshot(&req, &view)
}

/// `GET /mutuals/{m}/sync/texts`
pub async fn texts(guard: Asking, req: HttpRequest, query: Query<LanguageFilter>) -> Result<HttpResponse> {
    // The guard alone: the texts are the same for all.
    drop(guard);
    snapshot(&req, &TextsSnapshot { texts: texts_of(query.0.wanted(&req)) })
}
