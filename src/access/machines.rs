//! Keys of programs that pull: made and revoked by a body's administrator, for reading alone, with scopes, an end and the time of
//! their last use. The key itself is shown once and stored as a digest.
use super::guard::Guard;
use super::permissions::{Permission, need};
use super::scopes::BodyScope;
use super::store;
use crate::db::schema::api_keys;
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::web::{Body, Ids, changed, made, must_match, shown};
use crate::words;
use actix_web::HttpResponse;
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use diesel::prelude::*;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// How a key begins, so that it is known where it is found.
const PREFIX: &str = "ayni_";
/// A key ends after so many days at most.
const MOST_DAYS: i64 = 366;
/// A use is written down when the last one that was is so many minutes old.
const USED_MINUTES: i64 = 5;

words! {
    /// What a program may read.
    pub enum MachineScope {
        /// Reports and the catalogue of indicators.
        Reports = "reports",
        /// The tree of organisations and areas.
        Tree = "tree",
        /// Products, facilities, services and prices.
        Catalogue = "catalogue",
    }
}

impl MachineScope {
    /// The permissions that it gives.
    const fn permissions(self) -> &'static [Permission] {
        match self {
            MachineScope::Reports => &[Permission::FiguresRead],
            MachineScope::Tree => &[Permission::OrganisationRead],
            MachineScope::Catalogue => &[Permission::ProductRead, Permission::ProviderRead],
        }
    }
}

/// A key as it is stored.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub organisation_id: OrganisationId,
    pub name: String,
    pub secret_hash: Vec<u8>,
    /// A JSON list.
    pub scopes: String,
    pub created_by: Option<UserId>,
    pub created_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
    pub last_used_at: Option<NaiveDateTime>,
    pub revoked_at: Option<NaiveDateTime>,
    pub version: i64,
}

/// A program that is let in.
#[derive(Debug, Clone)]
pub struct Machine {
    pub key: ApiKeyId,
    pub organisation: OrganisationId,
    scopes: Vec<MachineScope>,
    hash: Vec<u8>,
    expires_at: NaiveDateTime,
}

impl Machine {
    /// A key that stands.
    ///
    /// # Errors
    /// A fault where what was kept cannot be read.
    pub fn of(row: ApiKey) -> Result<Machine> {
        Ok(Machine {
            key: row.id,
            organisation: row.organisation_id,
            scopes: kept(&row.scopes, "scopes of a key")?,
            hash: row.secret_hash,
            expires_at: row.expires_at,
        })
    }

    /// Whether it may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.scopes.iter().any(|scope| scope.permissions().contains(&permission))
    }

    /// Whether a secret is its own, now.
    pub fn is_told(&self, secret: &str, now: NaiveDateTime) -> bool {
        let told = Sha256::digest(secret.as_bytes());
        now < self.expires_at && aws_lc_rs::constant_time::verify_slices_are_equal(&told, &self.hash).is_ok()
    }
}

/// The id and the secret of what looks like a key.
pub fn read(token: &str) -> Option<(ApiKeyId, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    Some((Key::new(uuid::Uuid::try_parse(id).ok()?), secret))
}

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

/// Writes down that a key was used, about every five minutes.
///
/// # Errors
/// The database's.
pub fn used(db: &crate::db::Db, key: ApiKeyId) -> Result<()> {
    let wall = crate::db::Wall::ROOT;
    let long_ago = db.clock().now() - Duration::minutes(USED_MINUTES);
    let known = db.read(wall, |r| store::last_use(r, key).map_err(Error::from))?;
    if known.flatten().is_some_and(|at| at > long_ago) {
        return Ok(());
    }
    db.write(wall, |w| {
        let now = w.now();
        store::set_last_use(w, key, now).map_err(Error::from)
    })
}
