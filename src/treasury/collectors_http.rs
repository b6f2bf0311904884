//! `/mutuals/{m}/collectors`, `/remittances`: shapes and handlers. A collector sees his own, the office all.
use super::collectors;
use super::model::Remittance;
use super::rules::Balance;
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::{MutualScope, Sections};
use crate::contributions::http::must_be_own;
use crate::db::Read;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, shown};
use crate::words;
use actix_web::HttpResponse;
use chrono::{Datelike, NaiveDate};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A collector's account.
#[derive(Serialize, ToSchema)]
pub struct CollectorView {
    pub collector_id: UserId,
    pub name: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// How many receipts he gave in that time that stand.
    pub receipts: usize,
    /// The sum of those receipts.
    pub collected_minor: i64,
    /// What was counted in that time of what he handed over.
    pub remitted_minor: i64,
    /// Collected less remitted in that time.
    pub outstanding_minor: i64,
    /// Of that time.
    pub state: Balance,
    /// The mutual's rate of each contribution receipt of that time.
    pub commission_minor: i64,
    /// What he holds now.
    pub float_minor: i64,
    /// What of it he has submitted and nobody counted yet.
    pub submitted_minor: i64,
    /// What he was short and has not repaid; below zero the mutual owes him.
    pub debt_minor: i64,
    /// Float and debt together, now.
    pub balance: Balance,
    /// The day of the oldest receipt that is still in his float.
    pub oldest_receipt_on: Option<NaiveDate>,
    pub currency: String,
}

/// Of which time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CollectorFilter {
    /// The first day of this month where it is left out.
    pub from: Option<NaiveDate>,
    /// Today where it is left out.
    pub to: Option<NaiveDate>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

fn time_of(filter: &CollectorFilter, today: NaiveDate) -> Result<(NaiveDate, NaiveDate)> {
    let to = filter.to.unwrap_or(today);
    let from = filter.from.unwrap_or(to.with_day(1).unwrap_or(to));
    if from > to {
        return Err(Problem::with(Code::ImpossibleDate, "it begins after its end").at("from").into());
    }
    Ok(crate::dates::bounded((from, to)))
}

fn show(
    r: &mut Read,
    scope: &MutualScope,
    of: &[UserId],
    between: (NaiveDate, NaiveDate),
) -> Result<Vec<CollectorView>> {
    let names = store::names_of(r, scope, of)?;
    let mut views = Vec::with_capacity(of.len());
    for collector in of {
        let account = collectors::account(r, scope, *collector, between)?;
        views.push(CollectorView {
            collector_id: *collector,
            name: names.iter().find(|(id, _)| id == collector).map(|(_, name)| name.clone()).unwrap_or_default(),
            from: between.0,
            to: between.1,
            receipts: account.receipts,
            collected_minor: account.period.collected,
            remitted_minor: account.remitted_minor,
            outstanding_minor: account.period.outstanding,
            state: account.period.state,
            commission_minor: account.period.commission,
            float_minor: account.float_minor,
            submitted_minor: account.submitted_minor,
            debt_minor: account.debt_minor,
            balance: account.state(),
            oldest_receipt_on: account.oldest_on,
            currency: scope.currency().code().to_owned(),
        });
    }
    Ok(views)
}

/// `GET /mutuals/{m}/collectors`
pub async fn list(guard: Guard<need::PaymentRead, MutualScope>, query: Query<CollectorFilter>) -> Result<HttpResponse> {
    let (filter, user) = (query.0, guard.user);
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("collectors {:?}", (filter.from, filter.to)))?;
    let page: Page<CollectorView> = guard
        .read(move |r, scope| {
            let between = time_of(&filter, scope.today())?;
            let after: Option<UserId> = ask.after_one()?;
            let mut of = collectors::all(r, scope)?;
            of.retain(|collector| after.is_none_or(|after| *collector > after));
            if matches!(scope.sections(), Sections::These(_)) {
                of.retain(|collector| *collector == user);
            }
            of.truncate(usize::try_from(ask.fetch()).unwrap_or(usize::MAX));
            let views = show(r, scope, &of, between)?;
            Ok(ask.page(views, |row| vec![row.collector_id.to_string()], |row| row))
        })
        .await?;
    guard.note("user", page.items.iter().map(|row| row.collector_id.uuid()), None).await?;
    Ok(shown(&page))
}

words! {
    /// Where a remittance stands.
    pub enum RemittanceState {
        /// The collector says that he hands it over.
        Submitted = "SUBMITTED",
        /// Somebody else counted it.
        Reconciled = "RECONCILED",
        /// Nobody has anything to add.
        Closed = "CLOSED",
    }
}

/// What a collector hands over.
#[derive(Serialize, ToSchema)]
pub struct RemittanceView {
    pub id: RemittanceId,
    pub label: String,
    pub collector_id: UserId,
    pub state: RemittanceState,
    /// What he said that he hands over.
    pub declared_minor: i64,
    pub counted_minor: Option<i64>,
    /// Declared less counted: above zero it is his debt.
    pub outstanding_minor: Option<i64>,
    /// Null before it is counted.
    pub result: Option<Balance>,
    pub currency: String,
    pub submitted_on: NaiveDate,
    pub reconciled_on: Option<NaiveDate>,
    /// Who counted.
    pub reconciled_by: Option<UserId>,
    pub cash_desk_id: Option<CashDeskId>,
    pub closed_on: Option<NaiveDate>,
    pub note: Option<String>,
    pub version: i64,
}

fn view(row: Remittance, scope: &MutualScope) -> RemittanceView {
    let outstanding_minor = row.counted_minor.map(|counted| row.declared_minor - counted);
    RemittanceView {
        id: row.id,
        label: row.label,
        collector_id: row.collector_id,
        state: match (row.closed_on, row.counted_minor) {
            (Some(_), _) => RemittanceState::Closed,
            (None, Some(_)) => RemittanceState::Reconciled,
            (None, None) => RemittanceState::Submitted,
        },
        declared_minor: row.declared_minor,
        counted_minor: row.counted_minor,
        outstanding_minor,
        result: outstanding_minor.map(Balance::of),
        currency: scope.currency().code().to_owned(),
        submitted_on: row.submitted_on,
        reconciled_on: row.reconciled_on,
        reconciled_by: row.reconciled_by,
        cash_desk_id: row.cash_desk_id,
        closed_on: row.closed_on,
        note: row.note,
        version: row.version,
    }
}

/// Which remittances.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RemittanceFilter {
    /// Only of this collector.
    pub collector_id: Option<UserId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/remittances`
pub async fn remittances(
    guard: Guard<need::PaymentRead, MutualScope>,
    query: Query<RemittanceFilter>,
) -> Result<HttpResponse> {
    let (filter, user) = (query.0, guard.user);
    let of = filter.collector_id;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("remittances {of:?}"))?;
    let page: Page<RemittanceView> = guard
        .read(move |r, scope| {
            let of = match scope.sections() {
                Sections::All => of,
                Sections::These(_) if of.is_some_and(|of| of != user) => {
                    return Ok(Page { items: Vec::new(), next_cursor: None });
                }
                Sections::These(_) => Some(user),
            };
            let rows = store::list_remittances(r, scope.mutual(), of, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], |row| view(row, scope)))
        })
        .await?;
    Ok(shown(&page))
}

fn show_one(r: &mut Read, scope: &MutualScope, id: RemittanceId, user: UserId) -> Result<RemittanceView> {
    let row = store::find_remittance(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    if matches!(scope.sections(), Sections::These(_)) && row.collector_id != user {
        return Err(Code::NotFound.into());
    }
    Ok(view(row, scope))
}

/// `GET /mutuals/{m}/remittances/{id}`
pub async fn remittance(
    guard: Guard<need::PaymentRead, MutualScope>,
    path: Ids<(OrganisationId, RemittanceId)>,
) -> Result<HttpResponse> {
    let (id, user) = (path.0.1, guard.user);
    let view = guard.read(move |r, scope| show_one(r, scope, id, user)).await?;
    Ok(found(view.version, &view))
}

/// What a collector hands over.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRemittance {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<RemittanceId>,
    /// Minor units, at most the float that is not submitted yet.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub declared_minor: i64,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Whose, where the office enters it; a collector gives none.
    #[garde(skip)]
    pub collector_id: Option<UserId>,
}

/// `POST /mutuals/{m}/remittances`
pub async fn submit(
    guard: Guard<need::PaymentWrite, MutualScope>,
    body: Body<SubmitRemittance>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let (asked, user) = (body.value, guard.user);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                must_be_own(scope, &asked.currency)?;
                let collector = match (scope.sections(), asked.collector_id) {
                    (Sections::These(_), Some(other)) if other != user => {
                        let message = "a collector hands over his own";
                        return Err(Problem::field("/collector_id", "not_here", message).into());
                    }
                    (Sections::These(_), _) => user,
                    (Sections::All, Some(collector)) if collectors::all(w, scope)?.contains(&collector) => collector,
                    (Sections::All, Some(_)) => return Err(Problem::of(Code::NotFound).at("/collector_id").into()),
                    (Sections::All, None) => {
                        return Err(Problem::field("/collector_id", "missing", "whose").into());
                    }
                };
                collectors::submit(w, scope, order, collector, asked.declared_minor)
            },
            move |r, scope, order| show_one(r, scope, Key::new(order.id.uuid()), user),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/remittances/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// What was counted of a remittance.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountRemittance {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// Minor units.
    #[garde(skip)]
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub counted_minor: i64,
    /// The desk that takes it; the mutual's first where it is left out.
    #[garde(skip)]
    pub cash_desk_id: Option<CashDeskId>,
    /// Needed where it is not what was submitted.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    #[schema(min_length = 1, max_length = 300)]
    pub note: Option<String>,
}

/// `POST /mutuals/{m}/remittances/{id}/count`
pub async fn count(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, RemittanceId)>,
    body: Body<CountRemittance>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let (id, asked, user) = (path.0.1, body.value, guard.user);
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let (desk, note) = (asked.cash_desk_id, asked.note.as_deref());
                collectors::count(w, scope, order, id, if_match.as_deref(), desk, asked.counted_minor, note)
            },
            move |r, scope, _| show_one(r, scope, id, user),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// `POST /mutuals/{m}/remittances/{id}/close`
pub async fn close(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, RemittanceId)>,
) -> Result<HttpResponse> {
    let order = guard.plain_order()?;
    let (id, user) = (path.0.1, guard.user);
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| collectors::close(w, scope, order, id, if_match.as_deref()),
            move |r, scope, _| show_one(r, scope, id, user),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}
