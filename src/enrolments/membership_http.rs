//! `/mutuals/{m}/enrolments/{id}/renew`, `/resign`, `/hearing`, `/exclude`, `/appeal`, `/cancel`, `/end` and the steps so far.
use super::http::{EnrolmentView, show};
use super::membership::{self, NewStep, Renewal};
use super::model::{Step, StepKind};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::db::Write;
use crate::error::Result;
use crate::households::http::is_number;
use crate::ids::*;
use crate::page::Page;
use crate::web::{Body, Ids, changed, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A step of an enrolment.
#[derive(Serialize, ToSchema)]
pub struct StepView {
    pub id: EnrolmentStepId,
    pub kind: StepKind,
    pub decided_on: NaiveDate,
    /// The last day of cover that followed; of `APPLIED` the business date on which it was recorded.
    pub effective_on: Option<NaiveDate>,
    pub reason: Option<String>,
    pub recorded_by: Option<UserId>,
    pub recorded_at: DateTime<Utc>,
}

impl From<Step> for StepView {
    fn from(row: Step) -> Self {
        StepView {
            id: row.id,
            kind: row.kind,
            decided_on: row.decided_on,
            effective_on: row.effective_on,
            reason: row.reason,
            recorded_by: row.recorded_by,
            recorded_at: row.recorded_at.and_utc(),
        }
    }
}

/// `GET /mutuals/{m}/enrolments/{id}/steps`
pub async fn steps(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let rows = guard
        .read(move |r, scope| {
            show(r, scope, id)?;
            Ok(store::list_steps(r, scope.mutual(), id)?)
        })
        .await?;
    guard.note("enrolment", [id.uuid()], None).await?;
    Ok(shown(&Page { items: rows.into_iter().map(StepView::from).collect::<Vec<_>>(), next_cursor: None }))
}

/// A renewal.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// The new enrolment's id, made by the client.
    #[garde(skip)]
    pub id: Option<EnrolmentId>,
    /// The next of the series where it is left out.
    #[garde(inner(custom(is_number)))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
    pub number: Option<String>,
    /// Another product; the same where it is left out.
    #[garde(skip)]
    pub product_id: Option<ProductId>,
    /// The day after the period's end where it is left out, or today where the product's days of grace have gone.
    #[garde(skip)]
    pub starts_on: Option<NaiveDate>,
    #[garde(skip)]
    pub ends_on: Option<NaiveDate>,
}

/// `POST /mutuals/{m}/enrolments/{id}/renew`
pub async fn renew(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<Renew>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let hooks = guard.desk.hooks;
    let asked = body.value;
    let mutual: OrganisationId = guard.scope.mutual().into();
    let mut owners = guard.picture.ancestors(mutual, guard.scope.today());
    owners.push(mutual);
    let renewal =
        Renewal { product: asked.product_id, starts_on: asked.starts_on, ends_on: asked.ends_on, number: asked.number };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                membership::renew(w, &hooks, scope, order, &owners, id, if_match.as_deref(), &renewal)
            },
            |r, scope, order| show(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/enrolments/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// A step that needs no reason of its own.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeStep {
    /// The command's id, made by the client.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// When it was decided; today where it is left out.
    #[garde(skip)]
    pub on: Option<NaiveDate>,
    /// The last day of cover. A resignation leaves it at the period's end, an exclusion and an end at `on`; hearing, appeal
    /// and cancellation take none.
    #[garde(skip)]
    pub effective_on: Option<NaiveDate>,
    /// Why, or what was said.
    #[garde(length(chars, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

type StepFn = fn(&mut Write, &MutualScope, &Order, EnrolmentId, Option<&str>, &NewStep) -> Result<()>;

async fn take(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    id: EnrolmentId,
    body: Body<TakeStep>,
    takes_last_day: bool,
    step: StepFn,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    if asked.effective_on.is_some() && !takes_last_day {
        let message = "this step has no last day of cover";
        return Err(crate::error::Problem::field("/effective_on", "unexpected", message).into());
    }
    let new = NewStep {
        on: asked.on.unwrap_or(guard.scope.today()),
        effective_on: asked.effective_on,
        reason: Some(asked.reason.trim().to_owned()),
    };
    let (view, replayed): (EnrolmentView, bool) = guard
        .act(
            order,
            move |w, scope, order| step(w, scope, order, id, if_match.as_deref(), &new),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// `POST /mutuals/{m}/enrolments/{id}/resign`
pub async fn resign(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<TakeStep>,
) -> Result<HttpResponse> {
    take(guard, path.0.1, body, true, membership::resign).await
}

/// `POST /mutuals/{m}/enrolments/{id}/end`
pub async fn end(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<TakeStep>,
) -> Result<HttpResponse> {
    take(guard, path.0.1, body, true, membership::end).await
}

/// `POST /mutuals/{m}/enrolments/{id}/hearing`
pub async fn hear(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<TakeStep>,
) -> Result<HttpResponse> {
    take(guard, path.0.1, body, false, membership::hear).await
}

/// `POST /mutuals/{m}/enrolments/{id}/exclude`
pub async fn exclude(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<TakeStep>,
) -> Result<HttpResponse> {
    take(guard, path.0.1, body, true, membership::exclude).await
}

/// `POST /mutuals/{m}/enrolments/{id}/appeal`
pub async fn appeal(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<TakeStep>,
) -> Result<HttpResponse> {
    take(guard, path.0.1, body, false, membership::appeal).await
}

/// `POST /mutuals/{m}/enrolments/{id}/cancel`
pub async fn cancel(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<TakeStep>,
) -> Result<HttpResponse> {
    take(guard, path.0.1, body, false, membership::cancel).await
}

/// `POST /mutuals/{m}/enrolments/{id}/entered-in-error`
pub async fn entered_in_error(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<TakeStep>,
) -> Result<HttpResponse> {
    take(guard, path.0.1, body, false, membership::entered_in_error).await
}

/// The decision of an appeal.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideAppeal {
    /// The command's id, made by the client.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// True where the exclusion falls: the enrolment stands as if it had not been ended.
    #[garde(skip)]
    pub upheld: bool,
    /// When it was decided; today where it is left out.
    #[garde(skip)]
    pub on: Option<NaiveDate>,
    #[garde(length(chars, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/enrolments/{id}/appeal/decision`
pub async fn decide_appeal(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<DecideAppeal>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let upheld = body.value.upheld;
    let new = NewStep {
        on: body.value.on.unwrap_or(guard.scope.today()),
        effective_on: None,
        reason: Some(body.value.reason.trim().to_owned()),
    };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| membership::decide_appeal(w, scope, order, id, if_match.as_deref(), upheld, &new),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}
