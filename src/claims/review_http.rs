//! `/mutuals/{m}/claims/queue`, `…/claims/{id}/decision | pend | assignment | void | history`: shapes and handlers.
use super::http::{ClaimView, SetShare, asked_for, owners, reads_diagnoses, show, views};
use super::model::{Appeal, ClaimReason, FormerDecision, ReplacedBy, Review, Void};
use super::review::{self, Verdict};
use super::risk::{Risk, RiskFacts, facts_of, risk};
use super::rules::{Bearer, Outcome, Share};
use super::{appeals_http, review_store as store, settlement_store};
use crate::access::guard::Guard;
use crate::access::permissions::{Permission, need, roles_with};
use crate::access::scopes::MutualScope;
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, not_blank, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Why a claim waits, how risky it looked when it began to wait, and who works on it.
#[derive(Serialize, ToSchema)]
pub struct ReviewView {
    /// `SUSPECTED_DUPLICATE`, `ABOVE_LIMIT`, `DOCUMENTS_MISSING` or `MEDICAL_REVIEW`.
    pub reason: ClaimReason,
    pub note: Option<String>,
    /// What the risk is made of; null for a claim that waited before risks were computed.
    pub risk: Option<Risk>,
    /// What it was computed from.
    pub facts: Option<RiskFacts>,
    pub assigned_to: Option<UserId>,
    pub assigned_at: Option<DateTime<Utc>>,
    pub since_on: NaiveDate,
    /// When it was decided; null while it waits.
    pub ended_on: Option<NaiveDate>,
    /// For `If-Match` of the assignment.
    pub version: i64,
}

impl TryFrom<Review> for ReviewView {
    type Error = Error;

    fn try_from(row: Review) -> Result<Self> {
        let facts = facts_of(&row)?;
        Ok(ReviewView {
            reason: row.reason,
            note: row.note,
            risk: facts.as_ref().and_then(|facts| risk(facts).ok()),
            facts,
            assigned_to: row.assigned_to,
            assigned_at: row.assigned_at.map(|at| at.and_utc()),
            since_on: row.since_on,
            ended_on: row.ended_on,
            version: row.version,
        })
    }
}

/// A claim that waits for a person.
#[derive(Serialize, ToSchema)]
pub struct WaitingView {
    pub claim: ClaimView,
    pub review: ReviewView,
}

/// Which claims that wait.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct QueueFilter {
    /// Only those given to this user.
    pub assigned_to: Option<UserId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/claims/queue`
pub async fn queue(guard: Guard<need::ClaimRead, MutualScope>, query: Query<QueueFilter>) -> Result<HttpResponse> {
    let to = query.0.assigned_to;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("queue {to:?}"))?;
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let page: Page<WaitingView> = guard
        .read(move |r, scope| {
            let rows = store::list_queue(r, scope, to, ask.after_two()?, ask.fetch())?;
            let page = ask.page(rows, |(_, row)| vec![row.risk.to_string(), row.id.to_string()], |row| row);
            let (claims, reviews): (Vec<_>, Vec<_>) = page.items.into_iter().unzip();
            let claims = views(r, scope.mutual(), claims, with_diagnoses)?;
            let items = claims.into_iter().zip(reviews);
            let items = items.map(|(claim, review)| Ok(WaitingView { claim, review: review.try_into()? }));
            Ok(Page { items: items.collect::<Result<_>>()?, next_cursor: page.next_cursor })
        })
        .await?;
    guard.note("claim", page.items.iter().map(|row| row.claim.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// A person's word on a claim that waits.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideClaim {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed. An approval takes it.
    #[garde(skip)]
    pub id: Option<CommandId>,
    /// True: the rules decide it, with the shares set here. False: it is refused.
    #[garde(skip)]
    pub accept: bool,
    #[garde(length(chars, min = 1, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
    /// Who bears a claim that is refused; the member where it is left out.
    #[garde(skip)]
    pub bearer: Option<Bearer>,
    /// Lines of which the mutual bears something else than the rules give.
    #[garde(length(max = 100), dive)]
    #[serde(default)]
    #[schema(max_items = 100)]
    pub shares: Vec<SetShare>,
}

/// A claim after a person's word, or the approval for which the word waits.
#[derive(Serialize, ToSchema)]
pub struct ReviewedClaimView {
    #[serde(flatten)]
    pub claim: ClaimView,
    /// Where the mutual would bear more than its limit: to be approved or refused by somebody else under `/approvals/{id}`.
    pub approval_id: Option<ApprovalId>,
}

/// `POST /mutuals/{m}/claims/{id}/decision`
pub async fn decide(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, ClaimId)>,
    body: Body<DecideClaim>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.money_order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let owners = owners(&guard, &guard.scope);
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let verdict = Verdict {
                    accept: asked.accept,
                    reason: asked.reason.trim().to_owned(),
                    bearer: asked.bearer,
                    shares: asked.shares.iter().map(Share::from).collect(),
                };
                review::review(w, scope, order, &owners, id, if_match.as_deref(), &verdict).map(|_| ())
            },
            move |r, scope, order| {
                let approval_id = asked_for(r, scope, order.id)?;
                Ok(ReviewedClaimView { claim: show(r, scope, id, with_diagnoses)?, approval_id })
            },
        )
        .await?;
    Ok(changed(replayed, Some(view.claim.version), &view))
}

/// For what a claim waits.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub enum WaitsFor {
    #[serde(rename = "DOCUMENTS_MISSING")]
    DocumentsMissing,
    #[serde(rename = "MEDICAL_REVIEW")]
    MedicalReview,
}

/// Why a claim has to wait.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PendClaim {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<CommandId>,
    #[garde(skip)]
    pub reason: WaitsFor,
    /// What is missing, what is asked.
    #[garde(length(chars, min = 1, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub note: String,
}

/// `POST /mutuals/{m}/claims/{id}/pend`
pub async fn pend(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, ClaimId)>,
    body: Body<PendClaim>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.money_order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let reason = match asked.reason {
                    WaitsFor::DocumentsMissing => ClaimReason::DocumentsMissing,
                    WaitsFor::MedicalReview => ClaimReason::MedicalReview,
                };
                review::pend(w, scope, order, id, if_match.as_deref(), (reason, asked.note.trim()))
            },
            move |r, scope, _| show(r, scope, id, with_diagnoses),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// Who is to work on a claim.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignClaim {
    /// Who may decide claims in the mutual; null takes it from whoever has it.
    #[garde(skip)]
    pub user_id: Option<UserId>,
}

/// `PUT /mutuals/{m}/claims/{id}/assignment`
pub async fn assign(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, ClaimId)>,
    body: Body<AssignClaim>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let to = body.value.user_id;
    let mutual = std::collections::BTreeSet::from([OrganisationId::from(guard.scope.mutual())]);
    let able = |user: &UserId| {
        roles_with(Permission::ClaimDecide)
            .iter()
            .any(|role| guard.picture.holders(*role, &mutual, guard.now).contains(user))
    };
    if to.as_ref().is_some_and(|user| !able(user)) {
        return Err(Problem::field("/user_id", "unknown_value", "who may decide claims of this mutual").into());
    }
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| review::assign(w, scope, id, if_match.as_deref(), to),
            move |r, scope, _| {
                let row = store::find_review(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
                ReviewView::try_from(row)
            },
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// Why a claim is taken back.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidClaim {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<CommandId>,
    #[garde(length(chars, min = 1, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/claims/{id}/void`
pub async fn void(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, ClaimId)>,
    body: Body<VoidClaim>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.money_order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| review::void(w, scope, order, id, if_match.as_deref(), asked.reason.trim()),
            move |r, scope, _| show(r, scope, id, with_diagnoses),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// A decision that another one replaced.
#[derive(Serialize, ToSchema)]
pub struct FormerDecisionView {
    pub replaced_by: ReplacedBy,
    pub replaced_on: NaiveDate,
    pub outcome: Outcome,
    pub claim_reason: Option<ClaimReason>,
    pub decided_on: Option<NaiveDate>,
    pub decided_by: Option<UserId>,
    pub decision_reason: Option<String>,
    pub billed_minor: i64,
    pub mutual_minor: i64,
    pub member_minor: i64,
    pub provider_writeoff_minor: i64,
    pub other_payer_minor: i64,
    /// Its lines, as they were.
    #[schema(value_type = Vec<Object>)]
    pub lines: serde_json::Value,
}

impl TryFrom<FormerDecision> for FormerDecisionView {
    type Error = Error;

    fn try_from(row: FormerDecision) -> Result<Self> {
        Ok(FormerDecisionView {
            replaced_by: row.replaced_by,
            replaced_on: row.replaced_on,
            outcome: row.outcome,
            claim_reason: row.claim_reason,
            decided_on: row.decided_on,
            decided_by: row.decided_by,
            decision_reason: row.decision_reason,
            billed_minor: row.billed_minor,
            mutual_minor: row.mutual_minor,
            member_minor: row.member_minor,
            provider_writeoff_minor: row.provider_writeoff_minor,
            other_payer_minor: row.other_paid_minor,
            lines: kept(&row.lines, "lines")?,
        })
    }
}

/// How a claim was taken back.
#[derive(Serialize, ToSchema)]
pub struct VoidView {
    pub reason: String,
    pub voided_on: NaiveDate,
    pub voided_by: Option<UserId>,
}

impl From<Void> for VoidView {
    fn from(row: Void) -> Self {
        VoidView { reason: row.reason, voided_on: row.voided_on, voided_by: row.voided_by }
    }
}

/// A claim with all that was decided on it.
#[derive(Serialize, ToSchema)]
pub struct ClaimHistoryView {
    pub claim: ClaimView,
    /// What the decision depended on: with it anybody can compute it again.
    #[schema(value_type = Object)]
    pub inputs: serde_json::Value,
    /// Decisions that were replaced, the oldest first.
    pub former_decisions: Vec<FormerDecisionView>,
    pub review: Option<ReviewView>,
    pub appeals: Vec<appeals_http::AppealView>,
    pub void: Option<VoidView>,
    /// The claim that submits this one again.
    pub resubmitted_as: Option<ClaimId>,
    /// The settlements in which it is.
    pub settlement_ids: Vec<SettlementId>,
}

/// `GET /mutuals/{m}/claims/{id}/history`
pub async fn history(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, ClaimId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let view = guard
        .read(move |r, scope| {
            let mutual = scope.mutual();
            let row = super::store::find(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
            Ok(ClaimHistoryView {
                inputs: kept(&row.inputs, "inputs")?,
                claim: show(r, scope, id, with_diagnoses)?,
                former_decisions: store::list_former(r, mutual, id)?
                    .into_iter()
                    .map(FormerDecisionView::try_from)
                    .collect::<Result<_>>()?,
                review: store::find_review(r, mutual, id)?.map(ReviewView::try_from).transpose()?,
                appeals: store::list_appeals_of(r, mutual, id)?.into_iter().map(appeal).collect(),
                void: store::find_void(r, mutual, id)?.map(VoidView::from),
                resubmitted_as: store::find_resubmission(r, mutual, id)?,
                settlement_ids: settlement_store::list_of_claim(r, mutual, id)?,
            })
        })
        .await?;
    guard.note("claim", [id.uuid()], None).await?;
    Ok(shown(&view))
}

fn appeal(row: Appeal) -> appeals_http::AppealView {
    row.into()
}
