//! What is taken back or owed no more: reversals and refunds, waivers and write-offs. Each is asked for here and done when a
//! second person approves.
use super::model::{CancellationKind, Method};
use super::{relief, reversals};
use crate::access::approvals::ask_for;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::contributions::http::must_be_own;
use crate::error::{Problem, Result};
use crate::ids::*;
use crate::web::{Body, Ids};
use actix_web::HttpResponse;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Why a payment is to be reversed.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversePayment {
    /// The approval's id, and the reversal's when it is approved; made by the client. It or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/payments/{id}/reversal`
pub async fn reverse_payment(
    guard: Guard<need::PaymentWrite, MutualScope>,
    path: Ids<(OrganisationId, PaymentId)>,
    body: Body<ReversePayment>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let (id, asked) = (path.0.1, body.value);
    ask_for(&guard, order, move |w, scope, order| reversals::request_reversal(w, scope, order, id, &asked.reason)).await
}

/// A credit to be given back.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRefund {
    /// The approval's id, and the refund's when it is approved; made by the client. It or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    #[garde(skip)]
    pub household_id: HouseholdId,
    /// Minor units, at most the household's credit.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: i64,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// `cash`, `bank` or `mobile`.
    #[garde(skip)]
    pub method: Method,
    /// From which desk, where it is cash; the mutual's first where it is left out.
    #[garde(skip)]
    pub cash_desk_id: Option<CashDeskId>,
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/refunds`
pub async fn request_refund(
    guard: Guard<need::MoneyRelief, MutualScope>,
    body: Body<RequestRefund>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    ask_for(&guard, order, move |w, scope, order| {
        must_be_own(scope, &asked.currency)?;
        if asked.method == Method::Payroll {
            return Err(Problem::field("/method", "unknown_value", "cash, bank or mobile").into());
        }
        if asked.method != Method::Cash && asked.cash_desk_id.is_some() {
            return Err(Problem::field("/cash_desk_id", "not_here", "only cash comes from a desk").into());
        }
        let request = reversals::RefundRequest {
            household_id: asked.household_id,
            amount_minor: asked.amount_minor,
            method: asked.method,
            cash_desk_id: asked.cash_desk_id,
            reason: asked.reason.clone(),
        };
        reversals::request_refund(w, scope, order, &request)
    })
    .await
}

/// Why a due is to be waived, and who owes it instead.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiveDue {
    /// The approval's id; made by the client. It or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// Minor units; all that is open where it is left out.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: Option<i64>,
    /// Who owes it instead, `FUND` or `DONOR`; nobody where it is left out.
    #[garde(inner(length(chars, min = 1, max = 40), pattern("^[A-Z][A-Z0-9_]*$")))]
    #[schema(min_length = 1, max_length = 40, pattern = "^[A-Z][A-Z0-9_]*$")]
    pub payer: Option<String>,
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/dues/{id}/waiver`
pub async fn waive_due(
    guard: Guard<need::MoneyRelief, MutualScope>,
    path: Ids<(OrganisationId, DueId)>,
    body: Body<WaiveDue>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let (id, asked) = (path.0.1, body.value);
    ask_for(&guard, order, move |w, scope, order| {
        let (kind, payer) = (CancellationKind::Waived, asked.payer.as_deref());
        relief::request(w, scope, order, kind, id, asked.amount_minor, payer, &asked.reason)
    })
    .await
}

/// Why a due is to be written off.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteOffDue {
    /// The approval's id; made by the client. It or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// Minor units; all that is open where it is left out.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: Option<i64>,
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/dues/{id}/write-off`
pub async fn write_off_due(
    guard: Guard<need::MoneyRelief, MutualScope>,
    path: Ids<(OrganisationId, DueId)>,
    body: Body<WriteOffDue>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let (id, asked) = (path.0.1, body.value);
    ask_for(&guard, order, move |w, scope, order| {
        relief::request(w, scope, order, CancellationKind::WrittenOff, id, asked.amount_minor, None, &asked.reason)
    })
    .await
}
