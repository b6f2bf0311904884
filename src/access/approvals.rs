//! What needs a second person: stored with its whole request, done in the approver's transaction, never by the same
//! person.
use super::guard::Guard;
use super::permissions::need;
use super::scopes::MutualScope;
use crate::audit::frame::{Execution, Hooks, Order};
use crate::db::schema::approvals;
use crate::db::{Read, Write};
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, must_match, shown};
use crate::words;
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

words! {
    /// What waits for a second person.
    pub enum Kind {
        /// A payment to a provider.
        Settlement = "settlement",
        /// The reversal of a household's payment.
        Reversal = "reversal",
        /// What is open of a due is renounced, or taken over by another payer.
        Waiver = "waiver",
        /// What is open of a due is given up.
        WriteOff = "write_off",
        /// A household's credit is given back.
        Refund = "refund",
        /// An expense above the mutual's limit.
        Expense = "expense",
        /// The reversal of an expense or of another movement.
        MovementReversal = "movement_reversal",
        /// A person's decision on a claim above the mutual's limit.
        Override = "override",
        /// A person's decision on an appeal above the limit.
        Appeal = "appeal",
        /// A guarantee letter above the limit.
        Letter = "letter",
        /// Money given to a facility in advance.
        Advance = "advance",
        /// A closed month is opened again.
        Reopening = "reopening",
    }
}

words! {
    /// Where it stands.
    pub enum State {
        Requested = "requested",
        Approved = "approved",
        Refused = "refused",
    }
}

/// Something that waits, or waited.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = approvals, treat_none_as_default_value = false)]
pub struct Approval {
    pub mutual_id: MutualId,
    pub id: ApprovalId,
    pub kind: Kind,
    pub request: String,
    pub state: State,
    pub requested_by: UserId,
    pub requested_at: NaiveDateTime,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<NaiveDateTime>,
    pub reason: Option<String>,
    pub version: i64,
}

/// Stores a request.
///
/// # Errors
/// The database's.
pub fn request(
    w: &mut Write,
    mutual: MutualId,
    order: &Order,
    kind: Kind,
    request: &serde_json::Value,
) -> Result<ApprovalId> {
    let id = Key::new(order.id.uuid());
    let by = order.asker.user.ok_or_else(|| Error::Fault("nobody asks for an approval".into()))?;
    let row = Approval {
        mutual_id: mutual,
        id,
        kind,
        request: request.to_string(),
        state: State::Requested,
        requested_by: by,
        requested_at: w.now(),
        decided_by: None,
        decided_at: None,
        reason: None,
        version: 1,
    };
    diesel::insert_into(approvals::table).values(&row).execute(w.conn())?;
    w.changed("approval", id.uuid(), None, None);
    w.field("kind", None, Some(json!(kind)));
    Ok(id)
}

fn find(r: &mut Read, scope: &MutualScope, id: ApprovalId) -> Result<Approval> {
    approvals::table
        .find((scope.mutual(), id))
        .select(Approval::as_select())
        .first(r.conn())
        .optional()?
        .ok_or_else(|| Code::NotFound.into())
}

/// Whether something of this id waits, or waited, for a second person.
///
/// # Errors
/// The database's.
pub fn exists(r: &mut Read, scope: &MutualScope, id: ApprovalId) -> Result<bool> {
    let row = approvals::table.find((scope.mutual(), id));
    Ok(diesel::select(diesel::dsl::exists(row)).get_result(r.conn())?)
}

/// Approves a request, which is done now, or refuses it. One statement takes the row, so that two approvers do it once.
///
/// # Errors
/// `same_person`, `wrong_state`, `version_mismatch`, and what doing it gives.
pub fn decide(
    w: &mut Write,
    hooks: &Hooks,
    scope: &MutualScope,
    order: &Order,
    id: ApprovalId,
    if_match: Option<&str>,
    refusal: Option<&str>,
) -> Result<()> {
    let state = if refusal.is_some() { State::Refused } else { State::Approved };
    let by = order.asker.user.ok_or_else(|| Error::Fault("nobody approves".into()))?;
    let known = find(w, scope, id)?;
    if known.requested_by == by {
        return Err(Code::SamePerson.into());
    }
    must_match(if_match, known.version)?;
    let now = w.now();
    let taken = diesel::update(
        approvals::table
            .filter(approvals::mutual_id.eq(scope.mutual()))
            .filter(approvals::id.eq(id))
            .filter(approvals::state.eq(State::Requested)),
    )
    .set((
        approvals::state.eq(state),
        approvals::decided_by.eq(Some(by)),
        approvals::decided_at.eq(Some(now)),
        approvals::reason.eq(refusal),
        approvals::version.eq(approvals::version + 1),
    ))
    .execute(w.conn())?;
    if taken != 1 {
        return Err(Problem::with(Code::WrongState, format!("the request was {} already", known.state)).into());
    }
    let request = kept(&known.request, "requests")?;
    let execution = Execution {
        kind: known.kind.code().to_owned(),
        id,
        request,
        scope: scope.clone(),
        mutual: scope.mutual(),
        currency: scope.currency(),
        today: scope.today(),
        command: order.id,
        requested_by: known.requested_by,
        approved_by: by,
    };
    match state {
        State::Approved => (hooks.execute)(w, &execution)?,
        State::Requested | State::Refused => (hooks.refused)(w, &execution)?,
    }
    w.changed("approval", id.uuid(), None, None);
    w.field("state", Some(json!(known.state)), Some(json!(state)));
    w.mark(scope.today());
    Ok(())
}

/// A request that waits for a second person.
#[derive(Serialize, ToSchema)]
pub struct RequestedView {
    /// The approval, to be approved or refused by somebody else under `/approvals/{id}`.
    pub approval_id: ApprovalId,
}

/// Stores what the body asks for, to be done by a second person; gives the answer.
///
/// # Errors
/// The body's.
pub async fn ask_for<N: super::permissions::Need>(
    guard: &Guard<N, MutualScope>,
    order: Order,
    act: impl FnMut(&mut Write, &MutualScope, &Order) -> Result<()> + Send + 'static,
) -> Result<HttpResponse> {
    let show =
        |_: &mut Read, _: &MutualScope, order: &Order| Ok(RequestedView { approval_id: Key::new(order.id.uuid()) });
    let (view, replayed) = guard.act(order, act, show).await?;
    let location = format!("/api/v1/mutuals/{}/approvals/{}", guard.scope.mutual(), view.approval_id);
    Ok(made(replayed, &location, None, &view))
}

/// Something that waits, or waited, for a second person.
#[derive(Serialize, ToSchema)]
pub struct ApprovalView {
    pub id: ApprovalId,
    pub kind: Kind,
    pub state: State,
    /// The whole request, by ids and amounts.
    #[schema(value_type = Object)]
    pub request: serde_json::Value,
    pub requested_by: UserId,
    pub requested_at: DateTime<Utc>,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was refused.
    pub reason: Option<String>,
    pub version: i64,
}

fn view(row: Approval) -> Result<ApprovalView> {
    Ok(ApprovalView {
        id: row.id,
        kind: row.kind,
        state: row.state,
        request: kept(&row.request, "requests")?,
        requested_by: row.requested_by,
        requested_at: row.requested_at.and_utc(),
        decided_by: row.decided_by,
        decided_at: row.decided_at.map(|at| at.and_utc()),
        reason: row.reason,
        version: row.version,
    })
}

/// Which approvals.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ApprovalFilter {
    /// `requested` are those that wait.
    pub state: Option<State>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/approvals`
pub async fn list(guard: Guard<need::Approve, MutualScope>, query: Query<ApprovalFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let state = filter.state;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("approvals {state:?}"))?;
    let page: Page<ApprovalView> = guard
        .read(move |r, scope| {
            let mut query = approvals::table
                .filter(approvals::mutual_id.eq(scope.mutual()))
                .order(approvals::id)
                .limit(ask.fetch())
                .select(Approval::as_select())
                .into_boxed();
            if let Some(state) = state {
                query = query.filter(approvals::state.eq(state));
            }
            if let Some(after) = ask.after_one::<ApprovalId>()? {
                query = query.filter(approvals::id.gt(after));
            }
            let rows = query.load(r.conn())?;
            ask.try_page(rows, |row: &Approval| vec![row.id.to_string()], view)
        })
        .await?;
    guard.note("approval", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/approvals/{id}`
pub async fn get(
    guard: Guard<need::Approve, MutualScope>,
    path: Ids<(OrganisationId, ApprovalId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let row = guard.read(move |r, scope| find(r, scope, id)).await?;
    guard.note("approval", [id.uuid()], None).await?;
    Ok(found(row.version, &view(row)?))
}

/// `POST /mutuals/{m}/approvals/{id}/approve`
pub async fn approve(
    guard: Guard<need::Approve, MutualScope>,
    path: Ids<(OrganisationId, ApprovalId)>,
) -> Result<HttpResponse> {
    let order = guard.plain_order()?;
    conclude(guard, order, path.0.1, None).await
}

/// Why something is refused.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/approvals/{id}/refuse`
pub async fn refuse(
    guard: Guard<need::Approve, MutualScope>,
    path: Ids<(OrganisationId, ApprovalId)>,
    body: Body<Refuse>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    conclude(guard, order, path.0.1, Some(body.value.reason)).await
}

async fn conclude(
    guard: Guard<need::Approve, MutualScope>,
    order: Order,
    id: ApprovalId,
    refusal: Option<String>,
) -> Result<HttpResponse> {
    let if_match = guard.facts.if_match.clone();
    let hooks = guard.desk.hooks;
    let (row, replayed) = guard
        .act(
            order,
            move |w, scope, order| decide(w, &hooks, scope, order, id, if_match.as_deref(), refusal.as_deref()),
            move |r, scope, _| find(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(row.version), &view(row)?))
}
