//! `/mutuals/{m}/cash-desks`: desks, their sessions, what is counted.
use super::model::{CashDesk, CashSession};
use super::{desks, store};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::db::Read;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::MAIN;
use crate::ledger::store as ledger;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A cash desk.
#[derive(Serialize, ToSchema)]
pub struct CashDeskView {
    pub id: CashDeskId,
    /// In front of its receipts' numbers.
    pub code: String,
    pub name: String,
    /// Its account in the main book.
    pub account: String,
}

impl From<CashDesk> for CashDeskView {
    fn from(row: CashDesk) -> Self {
        CashDeskView { id: row.id, code: row.code, name: row.name, account: row.account }
    }
}

/// `GET /mutuals/{m}/cash-desks`
pub async fn list(guard: Guard<need::PaymentRead, MutualScope>) -> Result<HttpResponse> {
    let rows = guard.read(|r, scope| Ok(store::list_desks(r, scope.mutual())?)).await?;
    let items: Vec<CashDeskView> = rows.into_iter().map(CashDeskView::from).collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// One more desk.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddCashDesk {
    #[garde(skip)]
    pub id: Option<CashDeskId>,
    /// In front of its receipts' numbers; letters and digits. `A` is in front of collectors'.
    #[garde(length(chars, min = 1, max = 12), pattern("^[B-Z][A-Z0-9]*$"))]
    #[schema(min_length = 1, max_length = 12, pattern = "^[B-Z][A-Z0-9]*$")]
    pub code: String,
    #[garde(length(chars, min = 1, max = 80), custom(crate::web::not_blank))]
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
}

/// `POST /mutuals/{m}/cash-desks`
pub async fn add(guard: Guard<need::TreasuryWrite, MutualScope>, body: Body<AddCashDesk>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| desks::add(w, scope, order, &asked.code, &asked.name),
            |r, scope, order| {
                let row = store::find_desk(r, scope.mutual(), Key::new(order.id.uuid()))?;
                Ok(CashDeskView::from(row.ok_or(Problem::of(Code::NotFound))?))
            },
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/cash-desks/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, None, &view))
}

/// What went through a desk for one kind of event.
#[derive(Serialize, ToSchema)]
pub struct SessionLine {
    /// As transfers name it: `payment_allocated`, `deposit`… A reversal stands under what it reverses.
    pub event: String,
    pub movements: i64,
    pub in_minor: i64,
    pub out_minor: i64,
}

/// A desk's cash from one count to the next.
#[derive(Serialize, ToSchema)]
pub struct CashSessionView {
    pub id: CashSessionId,
    pub cash_desk_id: CashDeskId,
    /// Of this desk, from 1.
    pub number: i64,
    pub opened_on: NaiveDate,
    pub opened_at: DateTime<Utc>,
    /// Null where it opened by itself with the first movement after a closing.
    pub opened_by: Option<UserId>,
    /// What the books had when it opened.
    pub opening_minor: i64,
    /// What came in and went out, by kind; without differences found by counting.
    pub lines: Vec<SessionLine>,
    pub in_minor: i64,
    pub out_minor: i64,
    /// What the books have, or had before the count.
    pub expected_minor: i64,
    pub counted_minor: Option<i64>,
    /// Counted less expected: below zero, cash is missing. It is posted to `cash_differences`.
    pub difference_minor: Option<i64>,
    pub note: Option<String>,
    pub closed_on: Option<NaiveDate>,
    pub closed_at: Option<DateTime<Utc>>,
    pub closed_by: Option<UserId>,
    pub currency: String,
}

fn view(r: &mut Read, scope: &MutualScope, row: CashSession) -> Result<CashSessionView> {
    let mutual = scope.mutual();
    let desk = store::find_desk(r, mutual, row.cash_desk_id)?.ok_or(Problem::of(Code::NotFound))?;
    let lines = ledger::sums_of_session(r, mutual, &desk.account, row.id)?;
    let is_count = |event: &str| event == "cash_difference";
    let (mut in_minor, mut out_minor) = (0, 0);
    let mut shown = Vec::with_capacity(lines.len());
    for line in lines.into_iter().filter(|line| !is_count(&line.event)) {
        in_minor += line.debit_minor;
        out_minor += line.credit_minor;
        shown.push(SessionLine {
            event: line.event,
            movements: line.transfers,
            in_minor: line.debit_minor,
            out_minor: line.credit_minor,
        });
    }
    let expected_minor = match row.expected_minor {
        Some(expected) => expected,
        None => ledger::balance(r, mutual, MAIN, &desk.account)?,
    };
    Ok(CashSessionView {
        id: row.id,
        cash_desk_id: row.cash_desk_id,
        number: row.number,
        opened_on: row.opened_on,
        opened_at: row.opened_at.and_utc(),
        opened_by: row.opened_by,
        opening_minor: row.opening_minor,
        lines: shown,
        in_minor,
        out_minor,
        expected_minor,
        counted_minor: row.counted_minor,
        difference_minor: row.counted_minor.map(|counted| counted - expected_minor),
        note: row.note,
        closed_on: row.closed_on,
        closed_at: row.closed_at.map(|at| at.and_utc()),
        closed_by: row.closed_by,
        currency: scope.currency().code().to_owned(),
    })
}

/// Which sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SessionFilter {
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/cash-desks/{id}/sessions`
pub async fn sessions(
    guard: Guard<need::TreasuryRead, MutualScope>,
    path: Ids<(OrganisationId, CashDeskId)>,
    query: Query<SessionFilter>,
) -> Result<HttpResponse> {
    let desk = path.0.1;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("sessions {desk}"))?;
    let page: Page<CashSessionView> = guard
        .read(move |r, scope| {
            store::find_desk(r, scope.mutual(), desk)?.ok_or(Problem::of(Code::NotFound))?;
            let rows = store::list_sessions(r, scope.mutual(), desk, ask.after_one()?, ask.fetch())?;
            let page = ask.page(rows, |row| vec![row.number.to_string()], |row| row);
            let mut items = Vec::with_capacity(page.items.len());
            for row in page.items {
                items.push(view(r, scope, row)?);
            }
            Ok(Page { items, next_cursor: page.next_cursor })
        })
        .await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/cash-sessions/{id}`
pub async fn session(
    guard: Guard<need::TreasuryRead, MutualScope>,
    path: Ids<(OrganisationId, CashSessionId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show(r, scope, id)).await?;
    Ok(found(1, &view))
}

fn show(r: &mut Read, scope: &MutualScope, id: CashSessionId) -> Result<CashSessionView> {
    let row = store::find_session(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    view(r, scope, row)
}

/// What was counted at a desk.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountCash {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// Minor units of notes and coins.
    #[garde(skip)]
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub counted_minor: i64,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Needed where it is not what the books have.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    #[schema(min_length = 1, max_length = 300)]
    pub note: Option<String>,
}

/// `POST /mutuals/{m}/cash-desks/{id}/open`
pub async fn open(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, CashDeskId)>,
    body: Body<CountCash>,
) -> Result<HttpResponse> {
    count(guard, path.0.1, body, desks::open).await
}

/// `POST /mutuals/{m}/cash-desks/{id}/close`
pub async fn close(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, CashDeskId)>,
    body: Body<CountCash>,
) -> Result<HttpResponse> {
    count(guard, path.0.1, body, desks::close).await
}

type Counting = fn(
    &mut crate::db::Write,
    &MutualScope,
    &crate::audit::frame::Order,
    CashDeskId,
    i64,
    Option<&str>,
) -> Result<CashSessionId>;

async fn count(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    desk: CashDeskId,
    body: Body<CountCash>,
    how: Counting,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                super::http::must_be_own(scope, &asked.currency)?;
                how(w, scope, order, desk, asked.counted_minor, asked.note.as_deref()).map(|_| ())
            },
            move |r, scope, _| {
                let last = store::last_session(r, scope.mutual(), desk)?.ok_or(Problem::of(Code::NotFound))?;
                view(r, scope, last)
            },
        )
        .await?;
    Ok(changed(replayed, None, &view))
}
