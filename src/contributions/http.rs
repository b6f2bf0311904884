//! `/mutuals/{m}/dues`, `/payments`, `/cash-desks`: shapes and handlers.
use super::model::{CashDesk, Due, DueKind, Method, Payment, Receipt};
use super::service::{self, Locked, NewPayment, Taker};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::{MutualScope, Sections};
use crate::error::{Code, Error, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::money::Currency;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, found, made, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a payer owes, and what of it is paid.
#[derive(Serialize, ToSchema)]
pub struct DueView {
    pub id: DueId,
    pub household_id: HouseholdId,
    pub enrolment_id: EnrolmentId,
    pub kind: DueKind,
    /// `HOUSEHOLD`, or who pays for it: `STATE`…
    pub payer: String,
    pub due_on: NaiveDate,
    /// As it is owed, without what was cancelled.
    pub amount_minor: i64,
    /// What was cancelled of it.
    pub cancelled_minor: i64,
    /// What payments received so far have paid of it.
    pub paid_minor: i64,
    /// What is open.
    pub outstanding_minor: i64,
    pub currency: String,
}

fn due_view(due: Due, cancelled_minor: i64, paid_minor: i64) -> DueView {
    DueView {
        id: due.id,
        household_id: due.household_id,
        enrolment_id: due.enrolment_id,
        kind: due.kind,
        payer: due.payer,
        due_on: due.due_on,
        amount_minor: due.amount_minor,
        cancelled_minor,
        paid_minor,
        outstanding_minor: due.amount_minor - paid_minor,
        currency: due.currency,
    }
}

/// Of which household.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HouseholdFilter {
    /// Only of this household.
    pub household_id: Option<HouseholdId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/dues`
pub async fn dues(guard: Guard<need::PaymentRead, MutualScope>, query: Query<HouseholdFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let household = filter.household_id;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("dues {household:?}"))?;
    let page: Page<DueView> = guard
        .read(move |r, scope| {
            let rows = store::list_dues(r, scope, household, ask.after_one()?, ask.fetch())?;
            let ids: Vec<DueId> = rows.iter().map(|(due, _)| due.id).collect();
            let paid = store::list_allocations_on(r, scope, &ids)?;
            Ok(ask.page(
                rows,
                |(due, _)| vec![due.id.to_string()],
                |(due, cancelled)| {
                    let paid = paid.iter().filter(|row| row.due_id == due.id).map(|row| row.amount_minor).sum();
                    due_view(due, cancelled, paid)
                },
            ))
        })
        .await?;
    guard.note("due", page.items.iter().map(|due| due.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// What a due took from a payment.
#[derive(Serialize, ToSchema)]
pub struct AllocationView {
    pub due_id: DueId,
    /// Negative for what a reversal took back.
    pub amount_minor: i64,
    /// The day from which it counts.
    pub counts_on: NaiveDate,
}

/// A payment with its receipt.
#[derive(Serialize, ToSchema)]
pub struct PaymentView {
    pub id: PaymentId,
    pub household_id: HouseholdId,
    pub amount_minor: i64,
    pub currency: String,
    pub method: Method,
    pub received_on: NaiveDate,
    pub reference: Option<String>,
    /// The desk that took it; null where a collector did.
    pub cash_desk_id: Option<CashDeskId>,
    pub receipt_number: String,
    pub recorded_at: DateTime<Utc>,
    /// Which dues took what, in order.
    pub allocations: Vec<AllocationView>,
    /// What no due has taken yet.
    pub credit_minor: i64,
}

fn payment_view((payment, receipt): (Payment, Receipt), allocations: Vec<super::model::Allocation>) -> PaymentView {
    let taken: i64 = allocations.iter().filter(|row| row.reversal_id.is_none()).map(|row| row.amount_minor).sum();
    let reversed = allocations.iter().any(|row| row.reversal_id.is_some());
    PaymentView {
        id: payment.id,
        household_id: payment.household_id,
        amount_minor: payment.amount_minor,
        currency: payment.currency,
        method: payment.method,
        received_on: payment.received_on,
        reference: payment.reference,
        cash_desk_id: payment.cash_desk_id,
        receipt_number: receipt.label,
        recorded_at: payment.recorded_at.and_utc(),
        credit_minor: if reversed { 0 } else { payment.amount_minor - taken },
        allocations: allocations
            .into_iter()
            .map(|row| AllocationView { due_id: row.due_id, amount_minor: row.amount_minor, counts_on: row.counts_on })
            .collect(),
    }
}

/// `GET /mutuals/{m}/payments`
pub async fn payments(
    guard: Guard<need::PaymentRead, MutualScope>,
    query: Query<HouseholdFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let household = filter.household_id;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("payments {household:?}"))?;
    let page: Page<PaymentView> = guard
        .read(move |r, scope| {
            let rows = store::list_payments(r, scope, household, ask.after_one()?, ask.fetch())?;
            let mut with_parts = Vec::with_capacity(rows.len());
            for row in rows {
                let parts = store::list_allocations_from(r, scope, row.0.id)?;
                with_parts.push((row, parts));
            }
            let page = ask.page(
                with_parts,
                |((payment, _), _)| vec![payment.id.to_string()],
                |(row, parts)| payment_view(row, parts),
            );
            Ok(page)
        })
        .await?;
    guard.note("payment", page.items.iter().map(|payment| payment.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/payments/{id}`
pub async fn get_payment(
    guard: Guard<need::PaymentRead, MutualScope>,
    path: Ids<(OrganisationId, PaymentId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show_payment(r, scope, id)).await?;
    guard.note("payment", [id.uuid()], None).await?;
    Ok(found(1, &view))
}

fn show_payment(r: &mut crate::db::Read, scope: &MutualScope, id: PaymentId) -> Result<PaymentView> {
    let row = store::find_payment(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    let parts = store::list_allocations_from(r, scope, id)?;
    Ok(payment_view(row, parts))
}

/// Money received from a household.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordPayment {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<PaymentId>,
    #[garde(skip)]
    pub household_id: HouseholdId,
    /// Minor units, above zero.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: i64,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    #[garde(skip)]
    pub method: Method,
    /// Not after today.
    #[garde(skip)]
    pub received_on: NaiveDate,
    /// The payer's or the bank's reference.
    #[garde(inner(length(chars, min = 1, max = 120)))]
    #[schema(min_length = 1, max_length = 120)]
    pub reference: Option<String>,
    /// The desk that took it; the mutual's only one where it is left out. A collector gives none.
    #[garde(skip)]
    pub cash_desk_id: Option<CashDeskId>,
}

/// `POST /mutuals/{m}/payments`
pub async fn record_payment(
    guard: Guard<need::PaymentWrite, MutualScope>,
    body: Body<RecordPayment>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let user = guard.user;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                if Currency::parse(&asked.currency) != Some(scope.currency()) {
                    let detail = format!("the mutual counts in {}", scope.currency());
                    return Err(Problem::with(Code::CurrencyMismatch, detail).at("/currency").into());
                }
                let revision = households::lock(w, scope.mutual(), asked.household_id)?
                    .ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
                let household = households::find(w, scope, asked.household_id)?
                    .ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
                let taker = match scope.sections() {
                    Sections::These(_) => collector(user, asked.method, asked.cash_desk_id)?,
                    Sections::All => Taker::Desk(match asked.cash_desk_id {
                        Some(desk) => desk,
                        None => only_desk(&store::list_desks(w, scope.mutual())?)?,
                    }),
                };
                let locked = Locked {
                    mutual: scope.mutual(),
                    household: asked.household_id,
                    revision,
                    currency: scope.currency(),
                    today: scope.today(),
                    command: order.id,
                };
                let new = NewPayment {
                    amount_minor: asked.amount_minor,
                    method: asked.method,
                    received_on: asked.received_on,
                    reference: asked.reference.clone(),
                    taker,
                    label: None,
                };
                let id = service::pay(w, order, &locked, &new)?;
                w.changed("payment", id.uuid(), household.section_id, household.section_id);
                w.touch(asked.household_id);
                Ok(())
            },
            |r, scope, order| show_payment(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/payments/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, None, &view))
}

/// A collector takes cash and gives receipts of his own series.
fn collector(user: UserId, method: Method, desk: Option<CashDeskId>) -> Result<Taker> {
    if method != Method::Cash {
        return Err(Problem::field("/method", "not_here", "a collector records cash").into());
    }
    if desk.is_some() {
        return Err(Problem::field("/cash_desk_id", "not_here", "a collector has no cash desk").into());
    }
    Ok(Taker::Collector(user))
}

fn only_desk(desks: &[CashDesk]) -> Result<CashDeskId> {
    match desks {
        [only] => Ok(only.id),
        [] => Err(Error::Fault("the mutual has no cash desk".into())),
        _ => Err(Problem::field("/cash_desk_id", "missing", "name one of the mutual's desks").into()),
    }
}

/// A cash desk.
#[derive(Serialize, ToSchema)]
pub struct CashDeskView {
    pub id: CashDeskId,
    /// In front of its receipts' numbers.
    pub code: String,
    pub name: String,
}

/// `GET /mutuals/{m}/cash-desks`
pub async fn cash_desks(guard: Guard<need::PaymentRead, MutualScope>) -> Result<HttpResponse> {
    let rows = guard.read(|r, scope| Ok(store::list_desks(r, scope.mutual())?)).await?;
    let items: Vec<CashDeskView> =
        rows.into_iter().map(|row| CashDeskView { id: row.id, code: row.code, name: row.name }).collect();
    Ok(shown(&Page { items, next_cursor: None }))
}
