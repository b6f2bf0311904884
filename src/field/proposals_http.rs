//! `/mutuals/{m}/proposals`, `/held-pushes`: what the office decides on.
use super::model::{HeldPush, HeldState, Proposal, ProposalState};
use super::outcome::OperationResult;
use super::proposals::{self, Office};
use super::rules::Status;
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::{Permission, need};
use crate::access::scopes::{MutualScope, SystemScope};
use crate::db::Read;
use crate::error::{Code, Problem, Result, kept};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, not_blank, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// An operation from the field that came to nothing.
#[derive(Serialize, ToSchema)]
pub struct ProposalView {
    /// The operation's id.
    pub id: OperationId,
    pub device_id: DeviceId,
    pub agent_id: UserId,
    /// What it does and what it is about, as it was sent.
    #[schema(value_type = Object)]
    pub operation: Value,
    pub status: Status,
    pub code: String,
    /// The fields at fault, or that clash.
    pub fields: Vec<String>,
    pub detail: Option<String>,
    pub received_at: DateTime<Utc>,
    pub state: ProposalState,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
    pub version: i64,
}

fn view(row: Proposal) -> Result<ProposalView> {
    Ok(ProposalView {
        id: row.id,
        device_id: row.device_id,
        agent_id: row.agent_id,
        operation: kept(&row.content, "proposals")?,
        status: row.status,
        code: row.code,
        fields: kept(&row.fields, "fields")?,
        detail: row.detail,
        received_at: row.received_at.and_utc(),
        state: row.state,
        decided_by: row.decided_by,
        decided_at: row.decided_at.map(|at| at.and_utc()),
        note: row.note,
        version: row.version,
    })
}

fn find(r: &mut Read, scope: &MutualScope, id: OperationId) -> Result<Proposal> {
    let row = store::find_proposal(r, scope.mutual(), id)?;
    let row = row.filter(|row| scope.sees_all() || scope.sees(row.section_id));
    row.ok_or_else(|| Code::NotFound.into())
}

/// Which proposals.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ProposalFilter {
    /// Only in this state.
    #[param(inline)]
    pub state: Option<ProposalState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/proposals`
pub async fn list(
    guard: Guard<need::ProposalDecide, MutualScope>,
    query: Query<ProposalFilter>,
) -> Result<HttpResponse> {
    let state = query.0.state;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("proposals {state:?}"))?;
    let page: Page<ProposalView> = guard
        .read(move |r, scope| {
            let rows = store::list_proposals(r, scope, state, ask.after_one()?, ask.fetch())?;
            ask.try_page(rows, |row| vec![row.id.to_string()], view)
        })
        .await?;
    guard.note("proposal", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/proposals/{id}`
pub async fn get(
    guard: Guard<need::ProposalDecide, MutualScope>,
    path: Ids<(OrganisationId, OperationId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| view(find(r, scope, id)?)).await?;
    guard.note("proposal", [id.uuid()], None).await?;
    Ok(found(view.version, &view))
}

/// A proposal that is carried out.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptProposal {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<CommandId>,
    /// What takes the place of the operation's `data`; as it was where it is left out.
    #[garde(skip)]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Map<String, Value>>,
    #[garde(inner(length(chars, max = 300), custom(not_blank)))]
    #[schema(min_length = 1, max_length = 300)]
    pub note: Option<String>,
}

/// A proposal, or what a lost device sent, that is not carried out.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardProposal {
    /// Why.
    #[garde(length(chars, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub note: String,
}

type Deciding = Guard<need::ProposalDecide, MutualScope>;

/// Who decides on money records payments; on the register, who keeps it.
async fn must_be_able(guard: &Deciding, id: OperationId) -> Result<()> {
    let row = guard.read(move |r, scope| find(r, scope, id)).await?;
    let needed = if proposals::is_of_money(&row) { Permission::PaymentWrite } else { Permission::RegisterWrite };
    guard.mutual_scope(guard.scope.mutual().into(), needed)?;
    Ok(())
}

/// `POST /mutuals/{m}/proposals/{id}/accept`
pub async fn accept(
    guard: Deciding,
    path: Ids<(OrganisationId, OperationId)>,
    body: Body<AcceptProposal>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    must_be_able(&guard, id).await?;
    let order = guard.money_order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let (hooks, picture, asked) = (guard.desk.hooks, guard.picture.clone(), body.value);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let office = Office { hooks: &hooks, picture: &picture, scope, order };
                proposals::accept(w, &office, id, if_match.as_deref(), asked.data.as_ref(), asked.note.as_deref())
            },
            move |r, scope, _| view(find(r, scope, id)?),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// `POST /mutuals/{m}/proposals/{id}/discard`
pub async fn discard(
    guard: Deciding,
    path: Ids<(OrganisationId, OperationId)>,
    body: Body<DiscardProposal>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    must_be_able(&guard, id).await?;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let (hooks, picture, note) = (guard.desk.hooks, guard.picture.clone(), body.value.note);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let office = Office { hooks: &hooks, picture: &picture, scope, order };
                proposals::discard(w, &office, id, if_match.as_deref(), Some(&note))
            },
            move |r, scope, _| view(find(r, scope, id)?),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// What a lost device sent.
#[derive(Serialize, ToSchema)]
pub struct HeldPushView {
    pub id: HeldPushId,
    pub device_id: DeviceId,
    /// The push as it was sent.
    #[schema(value_type = Object)]
    pub push: Value,
    /// The device's own clock.
    pub signed_at: String,
    pub received_at: DateTime<Utc>,
    pub state: HeldState,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
    pub version: i64,
    /// Of one that was just applied: what its operations came to.
    pub results: Vec<OperationResult>,
}

fn held_view(row: HeldPush, results: Vec<OperationResult>) -> Result<HeldPushView> {
    Ok(HeldPushView {
        id: row.id,
        device_id: row.device_id,
        push: kept(&row.body, "pushes")?,
        signed_at: row.signed_at,
        received_at: row.received_at.and_utc(),
        state: row.state,
        decided_by: row.decided_by,
        decided_at: row.decided_at.map(|at| at.and_utc()),
        note: row.note,
        version: row.version,
        results,
    })
}

/// Held pushes in one page.
const HELD_IN_A_PAGE: u16 = 10;

/// Which of what lost devices sent.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HeldFilter {
    /// Only in this state.
    #[param(inline)]
    pub state: Option<HeldState>,
    /// Rows, 1 to 10.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/held-pushes`
pub async fn held(guard: Guard<need::DeviceManage, MutualScope>, query: Query<HeldFilter>) -> Result<HttpResponse> {
    let state = query.0.state;
    // Each may be a mebibyte.
    let limit = query.0.limit.map_or(HELD_IN_A_PAGE, |limit| limit.min(HELD_IN_A_PAGE));
    let ask = Ask::new(Some(limit), query.0.cursor.as_deref(), &format!("held {state:?}"))?;
    let page: Page<HeldPushView> = guard
        .read(move |r, scope| {
            let rows = store::list_held(r, scope.mutual(), state, ask.after_one()?, ask.fetch())?;
            ask.try_page(rows, |row| vec![row.id.to_string()], |row| held_view(row, Vec::new()))
        })
        .await?;
    guard.note("held_push", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

async fn decide_held(
    guard: Guard<need::DeviceManage, MutualScope>,
    id: HeldPushId,
    body: Body<DiscardProposal>,
    apply: bool,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let (hooks, picture, note) = (guard.desk.hooks, guard.picture.clone(), body.value.note);
    let clock = guard.desk.db.clock().clone();
    let scope = guard.scope.clone();
    let results = guard
        .carry_out_once(order, move |w, order| {
            let agent = if apply {
                let held = store::find_held(w, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
                let device =
                    store::find_device(w, scope.mutual(), held.device_id)?.ok_or(Problem::of(Code::NotFound))?;
                let mutual = scope.mutual().into();
                Some(SystemScope::of_the_terminal().agent(&picture, &clock, mutual, device.agent_id)?)
            } else {
                None
            };
            let office = Office { hooks: &hooks, picture: &picture, scope: &scope, order };
            proposals::decide_held(w, &office, agent.as_ref(), id, if_match.as_deref(), Some(&note))
        })
        .await?;
    let replayed = results.is_none();
    let row = guard
        .read(move |r, scope| store::find_held(r, scope.mutual(), id)?.ok_or_else(|| Code::NotFound.into()))
        .await?;
    let view = held_view(row, results.unwrap_or_default())?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// `POST /mutuals/{m}/held-pushes/{id}/apply`
pub async fn apply_held(
    guard: Guard<need::DeviceManage, MutualScope>,
    path: Ids<(OrganisationId, HeldPushId)>,
    body: Body<DiscardProposal>,
) -> Result<HttpResponse> {
    decide_held(guard, path.0.1, body, true).await
}

/// `POST /mutuals/{m}/held-pushes/{id}/discard`
pub async fn discard_held(
    guard: Guard<need::DeviceManage, MutualScope>,
    path: Ids<(OrganisationId, HeldPushId)>,
    body: Body<DiscardProposal>,
) -> Result<HttpResponse> {
    decide_held(guard, path.0.1, body, false).await
}
