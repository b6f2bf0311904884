//! `/mutuals/{m}/dues`, `/payments`, `/cash-desks`: shapes and handlers.
use super::model::{CancellationKind, CashDesk, Due, DueCancellation, DueKind, Method, Payment, Receipt};
use super::service::{self, Locked, NewPayment, Taker};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::money::Currency;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, found, made, shown};
use crate::words;
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
    /// As it is owed, without what was cancelled, waived or written off.
    pub amount_minor: i64,
    /// What was cancelled of it.
    pub cancelled_minor: i64,
    /// What was waived of it.
    pub waived_minor: i64,
    /// What was written off of it.
    pub written_off_minor: i64,
    /// What payments received so far have paid of it.
    pub paid_minor: i64,
    /// What is open.
    pub outstanding_minor: i64,
    pub currency: String,
    /// `ISSUED`, `PARTLY_PAID`, `PAID`, `WAIVED`, `CANCELLED` or `WRITTEN_OFF`; whether it is overdue follows from its day.
    pub state: DueState,
}

words! {
    /// Where a due stands.
    pub enum DueState {
        Issued = "ISSUED",
        PartlyPaid = "PARTLY_PAID",
        Paid = "PAID",
        Waived = "WAIVED",
        Cancelled = "CANCELLED",
        WrittenOff = "WRITTEN_OFF",
    }
}

fn due_view(due: Due, relief: &[DueCancellation], paid_minor: i64) -> DueView {
    let of = |kind: CancellationKind| -> i64 {
        relief.iter().filter(|row| row.due_id == due.id && row.kind == kind).map(|row| row.amount_minor).sum()
    };
    let cancelled_minor = of(CancellationKind::Cancelled);
    let waived_minor = of(CancellationKind::Waived);
    let written_off_minor = of(CancellationKind::WrittenOff);
    let amount_minor = due.amount_minor - cancelled_minor - waived_minor - written_off_minor;
    let outstanding_minor = amount_minor - paid_minor;
    let state = if outstanding_minor > 0 {
        if paid_minor > 0 { DueState::PartlyPaid } else { DueState::Issued }
    } else if written_off_minor > 0 {
        DueState::WrittenOff
    } else if waived_minor > 0 {
        DueState::Waived
    } else if paid_minor > 0 {
        DueState::Paid
    } else {
        DueState::Cancelled
    };
    DueView {
        id: due.id,
        household_id: due.household_id,
        enrolment_id: due.enrolment_id,
        kind: due.kind,
        payer: due.payer,
        due_on: due.due_on,
        amount_minor,
        cancelled_minor,
        waived_minor,
        written_off_minor,
        paid_minor,
        outstanding_minor,
        currency: due.currency,
        state,
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
            let ids: Vec<DueId> = rows.iter().map(|due| due.id).collect();
            let paid = store::list_paid_on(r, scope, &ids)?;
            let relief = store::list_cancellations_on(r, scope, &ids)?;
            Ok(ask.page(
                rows,
                |due| vec![due.id.to_string()],
                |due| {
                    let paid = paid.get(&due.id).copied().unwrap_or(0);
                    due_view(due, &relief, paid)
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

/// That a payment was reversed.
#[derive(Serialize, ToSchema)]
pub struct ReversalView {
    pub id: ReversalId,
    pub reversed_on: NaiveDate,
    pub reason: String,
    /// The counter-receipt.
    pub receipt_id: ReceiptId,
    pub receipt_number: String,
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
    /// The collector who took it in the field.
    pub collector_id: Option<UserId>,
    pub receipt_id: ReceiptId,
    pub receipt_number: String,
    pub recorded_at: DateTime<Utc>,
    /// Which dues took what, in order.
    pub allocations: Vec<AllocationView>,
    /// What no due has taken yet, less what was given back.
    pub credit_minor: i64,
    /// What was given back of it.
    pub refunded_minor: i64,
    pub reversal: Option<ReversalView>,
}

/// Payments with what belongs to them, a statement for all of them together.
pub(super) fn payment_views(
    r: &mut Read,
    scope: &MutualScope,
    rows: Vec<(Payment, Receipt)>,
) -> Result<Vec<PaymentView>> {
    let ids: Vec<PaymentId> = rows.iter().map(|(payment, _)| payment.id).collect();
    let allocations = store::list_allocations_from(r, scope, &ids)?;
    let refunds = store::list_refund_parts_from(r, scope, &ids)?;
    let reversals = store::list_reversals_on(r, scope, &ids)?;
    let view = |(payment, receipt): (Payment, Receipt)| {
        let own = || allocations.iter().filter(|row| row.payment_id == payment.id);
        let taken: i64 = own().map(|row| row.amount_minor).sum();
        let back = refunds.iter().filter(|row| row.payment_id == payment.id).map(|row| row.amount_minor).sum::<i64>();
        let reversal = reversals.iter().find(|(row, _)| row.payment_id == payment.id);
        PaymentView {
            id: payment.id,
            household_id: payment.household_id,
            amount_minor: payment.amount_minor,
            currency: payment.currency,
            method: payment.method,
            received_on: payment.received_on,
            reference: payment.reference,
            cash_desk_id: payment.cash_desk_id,
            collector_id: payment.collector_id,
            receipt_id: receipt.id,
            receipt_number: receipt.label,
            recorded_at: payment.recorded_at.and_utc(),
            credit_minor: if reversal.is_some() { 0 } else { payment.amount_minor - taken - back },
            refunded_minor: back,
            allocations: own()
                .map(|row| AllocationView {
                    due_id: row.due_id,
                    amount_minor: row.amount_minor,
                    counts_on: row.counts_on,
                })
                .collect(),
            reversal: reversal.map(|(row, receipt)| ReversalView {
                id: row.id,
                reversed_on: row.reversed_on,
                reason: row.reason.clone(),
                receipt_id: receipt.id,
                receipt_number: receipt.label.clone(),
            }),
        }
    };
    Ok(rows.into_iter().map(view).collect())
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
            let views = payment_views(r, scope, rows)?;
            Ok(ask.page(views, |view| vec![view.id.to_string()], |view| view))
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

pub(super) fn show_payment(r: &mut Read, scope: &MutualScope, id: PaymentId) -> Result<PaymentView> {
    let row = store::find_payment(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    payment_views(r, scope, vec![row])?.pop().ok_or(Code::NotFound.into())
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
    /// The collector who took the cash, where the office enters the receipt that he wrote on paper.
    #[garde(skip)]
    pub collector_id: Option<UserId>,
}

/// `POST /mutuals/{m}/payments`
pub async fn record_payment(
    guard: Guard<need::PaymentWrite, MutualScope>,
    body: Body<RecordPayment>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let user = guard.user;
    let collectors = guard.collectors();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                must_be_own(scope, &asked.currency)?;
                let revision = households::lock(w, scope.mutual(), asked.household_id)?
                    .ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
                let household = households::find(w, scope, asked.household_id)?
                    .ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
                let taker = match (scope.sections(), asked.collector_id) {
                    (Sections::These(_), other) if other.is_some_and(|other| other != user) => {
                        return Err(Problem::field("/collector_id", "not_here", "a collector records his own").into());
                    }
                    (Sections::These(_), _) => collector(user, asked.method, asked.cash_desk_id)?,
                    (Sections::All, Some(other)) if collectors.contains(&other) => {
                        collector(other, asked.method, asked.cash_desk_id)?
                    }
                    (Sections::All, Some(_)) => return Err(Problem::of(Code::NotFound).at("/collector_id").into()),
                    (Sections::All, None) => Taker::Desk(match asked.cash_desk_id {
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
                    source: None,
                    was_unallocated: false,
                };
                let id = service::pay(w, order, &locked, Key::new(order.id.uuid()), &new)?;
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

/// R1: the currency is looked at before the amount.
///
/// # Errors
/// `CURRENCY_MISMATCH`.
pub fn must_be_own(scope: &MutualScope, currency: &str) -> Result<()> {
    if Currency::parse(currency) == Some(scope.currency()) {
        return Ok(());
    }
    let detail = format!("the mutual counts in {}", scope.currency());
    Err(Problem::with(Code::CurrencyMismatch, detail).at("/currency").into())
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

/// The only one, where none was named.
pub(crate) fn only_desk(desks: &[CashDesk]) -> Result<CashDeskId> {
    match desks {
        [only] => Ok(only.id),
        [] => Err(Error::Fault("the mutual has no cash desk".into())),
        _ => Err(Problem::field("/cash_desk_id", "missing", "name one of the mutual's desks").into()),
    }
}
