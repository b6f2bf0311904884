//! `/organisations/{id}/api-keys`: keys of programs that pull, made and revoked by a body's administrator. The key itself is shown
//! once and stored as a digest.
use super::guard::Guard;
use super::machines::{MachineScope, PREFIX};
use super::model::ApiKey;
use super::permissions::need;
use super::scopes::BodyScope;
use super::store;
use crate::error::{Code, Problem, Result, kept};
use crate::ids::*;
use crate::web::{Body, Ids, changed, made, must_match, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, Duration, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// A key ends after so many days at most.
const MOST_DAYS: i64 = 366;

/// A key without its secret.
#[derive(Serialize, ToSchema)]
pub struct ApiKeyView {
    pub id: ApiKeyId,
    pub name: String,
    pub scopes: Vec<MachineScope>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// To about five minutes; null where it was never used.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub version: i64,
    /// For `Authorization: Bearer …`; shown once, when it is made.
    pub key: Option<String>,
}

fn view(row: ApiKey) -> Result<ApiKeyView> {
    Ok(ApiKeyView {
        id: row.id,
        name: row.name,
        scopes: kept(&row.scopes, "scopes of a key")?,
        created_by: row.created_by,
        created_at: row.created_at.and_utc(),
        expires_at: row.expires_at.and_utc(),
        last_used_at: row.last_used_at.map(|at| at.and_utc()),
        revoked_at: row.revoked_at.map(|at| at.and_utc()),
        version: row.version,
        key: None,
    })
}

/// All keys of a body.
#[derive(Serialize, ToSchema)]
pub struct ApiKeyList {
    pub items: Vec<ApiKeyView>,
}

/// `GET /organisations/{id}/api-keys`
pub async fn list(guard: Guard<need::ApiKeys, BodyScope>) -> Result<HttpResponse> {
    let rows = guard.read(|r, scope| Ok(store::list_api_keys(r, scope.organisation())?)).await?;
    Ok(shown(&ApiKeyList { items: rows.into_iter().map(view).collect::<Result<_>>()? }))
}

/// A key to be made.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddApiKey {
    /// Made by the client, so that it may be sent again; the key is shown the first time alone.
    #[garde(skip)]
    pub id: Option<ApiKeyId>,
    /// What pulls with it.
    #[garde(length(chars, min = 1, max = 80))]
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    #[garde(length(min = 1, max = 3))]
    #[schema(min_items = 1, max_items = 3)]
    pub scopes: Vec<MachineScope>,
    /// 1 to 366.
    #[garde(range(min = 1, max = MOST_DAYS))]
    #[schema(minimum = 1, maximum = 366)]
    pub days: i64,
}

/// `POST /organisations/{id}/api-keys`
pub async fn add(guard: Guard<need::ApiKeys, BodyScope>, body: Body<AddApiKey>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    if !guard.scope.kind().is_body() {
        return Err(Problem::with(Code::WrongState, "keys are of bodies above mutuals").into());
    }
    let mut asked = body.value;
    asked.scopes.sort_unstable();
    asked.scopes.dedup();
    let mut secret = [0u8; 32];
    fill_from_machine(&mut secret);
    let secret = data_encoding::HEXLOWER.encode(&secret);
    let hash = Sha256::digest(secret.as_bytes()).to_vec();
    let (found, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let row = ApiKey {
                    id: Key::new(order.id.uuid()),
                    organisation_id: scope.organisation(),
                    name: asked.name.clone(),
                    secret_hash: hash.clone(),
                    scopes: json!(asked.scopes).to_string(),
                    created_by: order.asker.user,
                    created_at: w.now(),
                    expires_at: w.now() + Duration::days(asked.days),
                    last_used_at: None,
                    revoked_at: None,
                    version: 1,
                };
                store::insert_api_key(w, &row)?;
                store::move_version(w)?;
                w.names("api_key", row.id.uuid());
                w.names("organisation", scope.organisation().uuid());
                w.field("name", None, Some(json!(row.name)));
                w.field("scopes", None, Some(json!(asked.scopes)));
                w.field("expires_at", None, Some(json!(row.expires_at)));
                Ok(())
            },
            |r, scope, order| {
                let row = store::find_api_key(r, scope.organisation(), Key::new(order.id.uuid()))?;
                view(row.ok_or(Problem::of(Code::NotFound))?)
            },
        )
        .await?;
    guard.reload().await?;
    let location = format!("/api/v1/organisations/{}/api-keys", guard.scope.organisation());
    let key = (!replayed).then(|| format!("{PREFIX}{}_{secret}", found.id.uuid().simple()));
    Ok(made(replayed, &location, Some(found.version), &ApiKeyView { key, ..found }))
}

/// `POST /organisations/{id}/api-keys/{key}/revoke`
pub async fn revoke(
    guard: Guard<need::ApiKeys, BodyScope>,
    path: Ids<(OrganisationId, ApiKeyId)>,
) -> Result<HttpResponse> {
    let order = guard.plain_order()?;
    let id = path.0.1;
    let if_match = guard.facts.if_match.clone();
    let (found, replayed) = guard
        .act(
            order,
            move |w, scope, _| {
                let row = store::find_api_key(w, scope.organisation(), id)?.ok_or(Problem::of(Code::NotFound))?;
                must_match(if_match.as_deref(), row.version)?;
                let now = w.now();
                if !store::revoke_api_key(w, id, now)? {
                    return Err(Problem::with(Code::WrongState, "it was revoked already").into());
                }
                store::move_version(w)?;
                w.names("api_key", id.uuid());
                Ok(())
            },
            move |r, scope, _| {
                let row = store::find_api_key(r, scope.organisation(), id)?;
                view(row.ok_or(Problem::of(Code::NotFound))?)
            },
        )
        .await?;
    guard.reload().await?;
    Ok(changed(replayed, Some(found.version), &found))
}
