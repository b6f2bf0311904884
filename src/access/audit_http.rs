//! `GET /mutuals/{m}/audit`: who did and who read what, for the mutual itself and its auditor.
use super::guard::Guard;
use super::permissions::need;
use super::scopes::MutualScope;
use crate::audit::model::{AuditKind, AuditRow, Purpose};
use crate::audit::store;
use crate::error::{Result, kept};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Query, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An entity named in an audit row.
#[derive(Serialize, ToSchema)]
pub struct EntityView {
    pub kind: String,
    pub id: uuid::Uuid,
}

/// A row of the audit. It names fields and never shows values.
#[derive(Serialize, ToSchema)]
pub struct AuditView {
    pub id: AuditId,
    pub recorded_at: DateTime<Utc>,
    /// Null for the program itself.
    pub actor_id: Option<UserId>,
    pub kind: AuditKind,
    /// `METHOD /path/{with}/names`.
    pub route: String,
    pub purpose: Purpose,
    pub request_id: AuditId,
    pub command_id: Option<CommandId>,
    pub entities: Vec<EntityView>,
    pub fields: Vec<String>,
}

fn view(row: AuditRow) -> Result<AuditView> {
    let entities: Vec<(String, uuid::Uuid)> = kept(&row.entities, "entities")?;
    Ok(AuditView {
        id: row.id,
        recorded_at: row.recorded_at.and_utc(),
        actor_id: row.actor_id,
        kind: row.kind,
        route: row.route,
        purpose: row.purpose,
        request_id: row.request_id,
        command_id: row.command_id,
        entities: entities.into_iter().map(|(kind, id)| EntityView { kind, id }).collect(),
        fields: kept(&row.fields, "fields")?,
    })
}

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditFilter {
    /// Only by this user.
    pub actor_id: Option<UserId>,
    /// Only from this day on (UTC).
    pub from: Option<NaiveDate>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/audit`
pub async fn audit(guard: Guard<need::AuditRead, MutualScope>, query: Query<AuditFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let (actor, from) = (filter.actor_id, filter.from.and_then(|day| day.and_hms_opt(0, 0, 0)));
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("audit {actor:?} {from:?}"))?;
    let page: Page<AuditView> = guard
        .read(move |r, scope| {
            let rows = store::list_rows(r, scope.mutual(), actor, from, ask.after_two()?, ask.fetch())?;
            ask.try_page(rows, |row| vec![row.recorded_at.to_string().replace(' ', "T"), row.id.to_string()], view)
        })
        .await?;
    guard.note("audit", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}
