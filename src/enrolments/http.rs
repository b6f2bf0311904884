//! `/mutuals/{m}/enrolments` and a member's cover: shapes and handlers.
use super::model::{Enrolment, EnrolmentState, Span, SpanReason, SpanState};
use super::service::{self, Application};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::error::{Code, Problem, Result};
use crate::households::http::is_number;
use crate::households::store as households;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A household in a product for a period.
#[derive(Serialize, ToSchema)]
pub struct EnrolmentView {
    pub id: EnrolmentId,
    pub number: String,
    pub household_id: HouseholdId,
    pub product_version_id: ProductVersionId,
    /// First and last day of the period.
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    /// What was decided; whether cover is in force follows from dates and payments, see the member's cover.
    pub state: EnrolmentState,
    /// True where the registration fee is due: a first enrolment, or a re-entry after a lapse.
    pub first_enrolment: bool,
    pub applied_on: NaiveDate,
    pub admitted_on: Option<NaiveDate>,
    /// The last day of cover of one that was ended.
    pub ended_on: Option<NaiveDate>,
    /// Why it was rejected or ended.
    pub reason: Option<String>,
    pub version: i64,
}

impl From<Enrolment> for EnrolmentView {
    fn from(row: Enrolment) -> Self {
        EnrolmentView {
            id: row.id,
            number: row.number,
            household_id: row.household_id,
            product_version_id: row.product_version_id,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            state: row.state,
            first_enrolment: row.first_enrolment,
            applied_on: row.applied_on,
            admitted_on: row.admitted_on,
            ended_on: row.ended_on,
            reason: row.reason,
            version: row.version,
        }
    }
}

/// Which enrolments.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentFilter {
    /// Only of this household.
    pub household_id: Option<HouseholdId>,
    /// Only in this state: `APPLIED` are those to admit.
    pub state: Option<EnrolmentState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/enrolments`
pub async fn list(
    guard: Guard<need::RegisterRead, MutualScope>,
    query: Query<EnrolmentFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let (household, state) = (filter.household_id, filter.state);
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("enrolments {household:?} {state:?}"))?;
    let page: Page<EnrolmentView> = guard
        .read(move |r, scope| {
            let rows = store::list(r, scope, household, state, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], EnrolmentView::from))
        })
        .await?;
    guard.note("enrolment", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// An enrolment within the caller's sections.
///
/// # Errors
/// `not_found`.
pub fn show(r: &mut crate::db::Read, scope: &MutualScope, id: EnrolmentId) -> Result<EnrolmentView> {
    Ok(store::find(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?.into())
}

/// `GET /mutuals/{m}/enrolments/{id}`
pub async fn get(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show(r, scope, id)).await?;
    guard.note("enrolment", [id.uuid()], None).await?;
    Ok(found(view.version, &view))
}

/// An application.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<EnrolmentId>,
    /// The next of the series where it is left out.
    #[garde(inner(custom(is_number)))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
    pub number: Option<String>,
    #[garde(skip)]
    pub household_id: HouseholdId,
    /// The product; the published version valid on the first day is taken.
    #[garde(skip)]
    pub product_id: ProductId,
    #[garde(skip)]
    pub starts_on: NaiveDate,
    /// Twelve months where it is left out.
    #[garde(skip)]
    pub ends_on: Option<NaiveDate>,
    /// Today where it is left out.
    #[garde(skip)]
    pub applied_on: Option<NaiveDate>,
}

/// `POST /mutuals/{m}/enrolments`
pub async fn apply(guard: Guard<need::RegisterWrite, MutualScope>, body: Body<Apply>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let mutual: OrganisationId = guard.scope.mutual().into();
    let mut owners = guard.picture.ancestors(mutual, guard.scope.today());
    owners.push(mutual);
    let application = Application {
        number: asked.number,
        household: asked.household_id,
        product: asked.product_id,
        starts_on: asked.starts_on,
        ends_on: asked.ends_on,
        applied_on: asked.applied_on.unwrap_or(guard.scope.today()),
        waiting_from: None,
        agreed: false,
    };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::apply(w, scope, order, &owners, &application).map(|_| ()),
            |r, scope, order| show(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/enrolments/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// An admission.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Admit {
    /// Today where it is left out; not after today.
    #[garde(skip)]
    pub admitted_on: Option<NaiveDate>,
}

/// `POST /mutuals/{m}/enrolments/{id}/admit`
pub async fn admit(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<Admit>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let on = body.value.admitted_on.unwrap_or(guard.scope.today());
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::admit(w, scope, order, id, if_match.as_deref(), on),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// A rejection.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// Why.
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/enrolments/{id}/reject`
pub async fn reject(
    guard: Guard<need::EnrolmentDecide, MutualScope>,
    path: Ids<(OrganisationId, EnrolmentId)>,
    body: Body<Reject>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let reason = body.value.reason.trim().to_owned();
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::reject(w, scope, order, id, if_match.as_deref(), &reason),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// A span of a person's cover, as it runs if nothing more is recorded.
#[derive(Serialize, ToSchema)]
pub struct SpanView {
    pub from_on: NaiveDate,
    /// Null where nothing recorded ends it.
    pub to_on: Option<NaiveDate>,
    pub state: SpanState,
    pub reason: SpanReason,
    /// The enrolment that covers the person, or covered the person last.
    pub enrolment_id: EnrolmentId,
    /// From when waiting runs; null for a newborn, who does not wait.
    pub waiting_from_on: Option<NaiveDate>,
}

impl From<Span> for SpanView {
    fn from(row: Span) -> Self {
        SpanView {
            from_on: row.from_on,
            to_on: row.to_on,
            state: row.state,
            reason: row.reason,
            enrolment_id: row.enrolment_id,
            waiting_from_on: row.waiting_from,
        }
    }
}

/// `GET /mutuals/{m}/members/{id}/cover`
pub async fn cover(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let spans = guard
        .read(move |r, scope| {
            households::find_member(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
            Ok(store::list_spans_of_member(r, scope, id)?)
        })
        .await?;
    guard.note("member", [id.uuid()], None).await?;
    let items: Vec<SpanView> = spans.into_iter().map(SpanView::from).collect();
    Ok(shown(&Page { items, next_cursor: None }))
}
