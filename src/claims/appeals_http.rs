//! `/mutuals/{m}/appeals`, `/providers/{id}/appeals`: shapes and handlers.
use super::appeals::{self, Verdict};
use super::http::{SetShare, asked_for, owners};
use super::model::{Appeal, AppealState, Appellant, ClaimReason};
use super::rules::Share;
use super::{review_store as store, store as claims};
use crate::access::guard::{AtProvider, Guard};
use crate::access::permissions::{Permission, need};
use crate::access::scopes::MutualScope;
use crate::db::{Read, Wall};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, blocking, changed, found, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An appeal against a decision.
#[derive(Serialize, ToSchema)]
pub struct AppealView {
    pub id: AppealId,
    pub claim_id: ClaimId,
    pub appellant: Appellant,
    pub reason: String,
    pub filed_on: NaiveDate,
    pub filed_by: Option<UserId>,
    pub state: AppealState,
    /// The mutual's share before it.
    pub original_minor: i64,
    /// The mutual's share after it less that before it; below zero it is to be recovered. Null while it waits.
    pub difference_minor: Option<i64>,
    pub decided_on: Option<NaiveDate>,
    pub decided_by: Option<UserId>,
    pub decision_reason: Option<String>,
    pub version: i64,
}

impl From<Appeal> for AppealView {
    fn from(row: Appeal) -> Self {
        AppealView {
            id: row.id,
            claim_id: row.claim_id,
            appellant: row.appellant,
            reason: row.reason,
            filed_on: row.filed_on,
            filed_by: row.filed_by,
            state: row.state,
            original_minor: row.original_minor,
            difference_minor: row.difference_minor,
            decided_on: row.decided_on,
            decided_by: row.decided_by,
            decision_reason: row.decision_reason,
            version: row.version,
        }
    }
}

fn show(r: &mut Read, mutual: MutualId, id: AppealId) -> Result<AppealView> {
    Ok(store::find_appeal(r, mutual, id)?.ok_or(Problem::of(Code::NotFound))?.into())
}

/// Which appeals.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AppealFilter {
    /// Only in this state: `FILED` are those that wait.
    #[param(inline)]
    pub state: Option<AppealState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/appeals`
pub async fn list(guard: Guard<need::ClaimRead, MutualScope>, query: Query<AppealFilter>) -> Result<HttpResponse> {
    let state = query.0.state;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("appeals {state:?}"))?;
    let page: Page<AppealView> = guard
        .read(move |r, scope| {
            let rows = store::list_appeals(r, scope.mutual(), state, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], AppealView::from))
        })
        .await?;
    guard.note("appeal", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/appeals/{id}`
pub async fn get(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, AppealId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show(r, scope.mutual(), id)).await?;
    guard.note("appeal", [id.uuid()], None).await?;
    Ok(found(view.version, &view))
}

/// An appeal to be filed, by the member or by the facility through the office.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileAppeal {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<AppealId>,
    #[garde(skip)]
    pub claim_id: ClaimId,
    #[garde(skip)]
    pub appellant: Appellant,
    #[garde(length(chars, min = 1, max = 1000), custom(not_blank))]
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// `POST /mutuals/{m}/appeals`
pub async fn file(guard: Guard<need::ClaimSubmit, MutualScope>, body: Body<FileAppeal>) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| appeals::file(w, scope, order, asked.claim_id, asked.appellant, asked.reason.trim()),
            |r, scope, order| show(r, scope.mutual(), Key::new(order.id.uuid())),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/appeals/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// An appeal of a facility against a decision on its own claim.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileOwnAppeal {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<AppealId>,
    /// The mutual that decided it.
    #[garde(skip)]
    pub mutual_id: OrganisationId,
    #[garde(skip)]
    pub claim_id: ClaimId,
    #[garde(length(chars, min = 1, max = 1000), custom(not_blank))]
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
}

/// `POST /providers/{id}/appeals`
pub async fn file_own(guard: Guard<need::OwnClaims, AtProvider>, body: Body<FileOwnAppeal>) -> Result<HttpResponse> {
    let provider = guard.scope.provider();
    let asked = body.value;
    let scope = guard.provider_scope(provider, asked.mutual_id, Permission::OwnClaims)?;
    let order = guard.order_in(&scope, (asked.id.map(Key::uuid), body.hash))?;
    let mutual = scope.mutual().mutual();
    let (view, replayed) = guard
        .carry_out(
            order,
            move |w, order| {
                let scope = scope.mutual();
                let own = claims::find(w, scope, asked.claim_id)?.filter(|claim| claim.provider_id == provider);
                own.ok_or(Problem::of(Code::NotFound).at("/claim_id"))?;
                appeals::file(w, scope, order, asked.claim_id, Appellant::Provider, asked.reason.trim())
            },
            move |r, order| show(r, mutual, Key::new(order.id.uuid())),
        )
        .await?;
    Ok(made(replayed, "", Some(view.version), &view))
}

/// Which of the facility's rows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnAppealFilter {
    /// The mutual that decides.
    pub mutual_id: OrganisationId,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /providers/{id}/appeals`
pub async fn list_own(
    guard: Guard<need::OwnClaims, AtProvider>,
    query: Query<OwnAppealFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let provider = guard.scope.provider();
    let scope = guard.provider_scope(provider, filter.mutual_id, Permission::OwnClaims)?;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("own appeals {}", filter.mutual_id))?;
    let (db, mutual) = (guard.desk.db.clone(), scope.mutual().mutual());
    let page: Page<AppealView> = blocking(move || {
        db.read(Wall::mutual(mutual), |r| {
            let rows = store::list_appeals_at(r, mutual, provider, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], AppealView::from))
        })
    })
    .await?;
    guard.note_in(mutual, "appeal", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// A person's word on an appeal.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideClaimAppeal {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed. An approval takes it.
    #[garde(skip)]
    pub id: Option<CommandId>,
    /// False: the decision stays. True: the claim is decided anew, with what is known now.
    #[garde(skip)]
    pub change: bool,
    #[garde(length(chars, min = 1, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
    /// Checks that do not count for this claim: `LATE_FILING`, `REFERRAL_REQUIRED`…
    #[garde(length(max = 10))]
    #[serde(default)]
    #[schema(max_items = 10)]
    pub waive: Vec<ClaimReason>,
    /// Lines of which the mutual bears something else than the rules give.
    #[garde(length(max = 100), dive)]
    #[serde(default)]
    #[schema(max_items = 100)]
    pub shares: Vec<SetShare>,
}

/// An appeal after a person's word, or the approval for which the word waits.
#[derive(Serialize, ToSchema)]
pub struct DecidedAppealView {
    #[serde(flatten)]
    pub appeal: AppealView,
    /// Where the mutual would bear more than its limit: to be approved or refused by somebody else under `/approvals/{id}`.
    pub approval_id: Option<ApprovalId>,
}

/// `POST /mutuals/{m}/appeals/{id}/decision`
pub async fn decide(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, AppealId)>,
    body: Body<DecideClaimAppeal>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.money_order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let owners = owners(&guard, &guard.scope);
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let verdict = Verdict {
                    change: asked.change,
                    reason: asked.reason.trim().to_owned(),
                    waived: asked.waive.clone(),
                    shares: asked.shares.iter().map(Share::from).collect(),
                };
                appeals::decide_on(w, scope, order, &owners, id, if_match.as_deref(), &verdict).map(|_| ())
            },
            move |r, scope, order| {
                let approval_id = asked_for(r, scope, order.id)?;
                Ok(DecidedAppealView { appeal: show(r, scope.mutual(), id)?, approval_id })
            },
        )
        .await?;
    Ok(changed(replayed, Some(view.appeal.version), &view))
}
