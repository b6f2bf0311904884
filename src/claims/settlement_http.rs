//! `/mutuals/{m}/settlements`, `/advances`: shapes and handlers.
use super::http::owners;
use super::model::{
    Advance, Claim, ClaimState, PaidBy, Settlement, SettlementItem, SettlementPayment, SettlementState,
};
use super::settlement::{self, AdvanceRequest, NewPayment};
use super::settlement_store::{self as store, Payee};
use crate::access::approvals;
use crate::access::guard::{AtProvider, Guard};
use crate::access::permissions::{Permission, need};
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::db::{Read, Wall, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::money::{Currency, format_minor};
use crate::page::{Ask, Page};
use crate::providers::store as providers;
use crate::web::{Body, Ids, Query, blocking, cell, changed, found, not_blank, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What is to be settled.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestSettlement {
    /// Made by the client; it or an `Idempotency-Key` is needed. The approval and the settlement take it.
    #[garde(skip)]
    pub id: Option<ApprovalId>,
    /// The facility, for third-party payment.
    #[garde(skip)]
    pub provider_id: Option<ProviderId>,
    /// The household, for reimbursement. One of the two.
    #[garde(skip)]
    pub household_id: Option<HouseholdId>,
    /// Claims decided on or before this day; today where it is left out.
    #[garde(skip)]
    pub decided_until: Option<NaiveDate>,
}

/// `POST /mutuals/{m}/settlements`
pub async fn request(
    guard: Guard<need::SettlementWrite, MutualScope>,
    body: Body<RequestSettlement>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let payee = match (asked.provider_id, asked.household_id) {
        (Some(provider), None) => Payee::Provider(provider),
        (None, Some(household)) => Payee::Household(household),
        (None, None) => return Err(Problem::field("/provider_id", "missing", "a facility or a household").into()),
        (Some(_), Some(_)) => {
            return Err(Problem::field("/household_id", "not_here", "either a facility or a household").into());
        }
    };
    approvals::ask_for(&guard, order, move |w, scope, order| {
        let until = asked.decided_until.unwrap_or(scope.today());
        settlement::request(w, scope, order, payee, until)
    })
    .await
}

/// What is paid at once to a facility, or to a household.
#[derive(Serialize, ToSchema)]
pub struct SettlementView {
    pub id: SettlementId,
    pub provider_id: Option<ProviderId>,
    pub household_id: Option<HouseholdId>,
    pub state: SettlementState,
    pub number_of_claims: i64,
    /// What its claims come to.
    pub amount_minor: i64,
    /// What an advance took off.
    pub advance_offset_minor: i64,
    /// What is to be paid after it.
    pub payable_minor: i64,
    pub paid_minor: i64,
    pub currency: String,
    pub approved_on: NaiveDate,
    /// When the last of it was paid.
    pub paid_on: Option<NaiveDate>,
    /// Why it is contested, or was given up.
    pub reason: Option<String>,
    pub version: i64,
}

impl From<Settlement> for SettlementView {
    fn from(row: Settlement) -> Self {
        SettlementView {
            id: row.id,
            provider_id: row.provider_id,
            household_id: row.household_id,
            state: row.state,
            number_of_claims: row.number_of_claims,
            amount_minor: row.amount_minor,
            advance_offset_minor: row.advance_offset_minor,
            payable_minor: row.amount_minor - row.advance_offset_minor,
            paid_minor: row.paid_minor,
            currency: row.currency,
            approved_on: row.approved_on,
            paid_on: row.paid_on,
            reason: row.reason,
            version: row.version,
        }
    }
}

/// Which settlements.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SettlementFilter {
    /// Only of this facility.
    pub provider_id: Option<ProviderId>,
    /// Only in this state.
    #[param(inline)]
    pub state: Option<SettlementState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/settlements`
pub async fn list(guard: Guard<need::ClaimRead, MutualScope>, query: Query<SettlementFilter>) -> Result<HttpResponse> {
    let (provider, state) = (query.0.provider_id, query.0.state);
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("settlements {provider:?} {state:?}"))?;
    let page: Page<SettlementView> = guard
        .read(move |r, scope| {
            let rows = store::list(r, scope, provider, state, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], SettlementView::from))
        })
        .await?;
    guard.note("settlement", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// Which of the facility's settlements.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnSettlementFilter {
    /// The mutual that pays.
    pub mutual_id: OrganisationId,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /providers/{id}/settlements`
pub async fn list_own(
    guard: Guard<need::OwnClaims, AtProvider>,
    query: Query<OwnSettlementFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let provider = guard.scope.provider();
    let scope = guard.provider_scope(provider, filter.mutual_id, Permission::OwnClaims)?;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("own settlements {}", filter.mutual_id))?;
    let (db, mutual) = (guard.desk.db.clone(), scope.mutual().mutual());
    let page: Page<SettlementView> = blocking(move || {
        db.read(Wall::mutual(mutual), |r| {
            let rows = store::list(r, scope.mutual(), Some(provider), None, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], SettlementView::from))
        })
    })
    .await?;
    guard.note_in(mutual, "settlement", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// Money that went out.
#[derive(Serialize, ToSchema)]
pub struct SettlementPaymentView {
    pub id: SettlementPaymentId,
    pub method: PaidBy,
    pub cash_desk_id: Option<CashDeskId>,
    pub amount_minor: i64,
    pub currency: String,
    pub reference: Option<String>,
    pub paid_on: NaiveDate,
}

impl From<SettlementPayment> for SettlementPaymentView {
    fn from(row: SettlementPayment) -> Self {
        SettlementPaymentView {
            id: row.id,
            method: row.method,
            cash_desk_id: row.cash_desk_id,
            amount_minor: row.amount_minor,
            currency: row.currency,
            reference: row.reference,
            paid_on: row.paid_on,
        }
    }
}

/// A settlement with its payments.
#[derive(Serialize, ToSchema)]
pub struct FullSettlementView {
    #[serde(flatten)]
    pub settlement: SettlementView,
    pub payments: Vec<SettlementPaymentView>,
}

fn show(r: &mut Read, scope: &MutualScope, id: SettlementId) -> Result<FullSettlementView> {
    let row = store::find(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    let payments = store::list_payments(r, scope.mutual(), id)?;
    Ok(FullSettlementView {
        settlement: row.into(),
        payments: payments.into_iter().map(SettlementPaymentView::from).collect(),
    })
}

/// `GET /mutuals/{m}/settlements/{id}`
pub async fn get(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, SettlementId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show(r, scope, id)).await?;
    guard.note("settlement", [id.uuid()], None).await?;
    Ok(found(view.settlement.version, &view))
}

/// What a settlement pays of a claim.
#[derive(Serialize, ToSchema)]
pub struct SettlementItemView {
    pub claim_id: ClaimId,
    pub claim_number: String,
    /// The provider's number of the care certificate.
    pub invoice_number: String,
    pub state: ClaimState,
    /// What this settlement pays of it; below zero what it recovers.
    pub amount_minor: i64,
    pub billed_minor: i64,
    pub mutual_minor: i64,
    /// What all settlements have paid of it.
    pub settled_minor: i64,
    pub currency: String,
}

fn item((item, claim): (SettlementItem, Claim)) -> SettlementItemView {
    SettlementItemView {
        claim_id: claim.id,
        claim_number: claim.number,
        invoice_number: claim.invoice_number,
        state: claim.state,
        amount_minor: item.amount_minor,
        billed_minor: claim.billed_minor,
        mutual_minor: claim.mutual_minor,
        settled_minor: claim.settled_minor,
        currency: claim.currency,
    }
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ItemFilter {
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/settlements/{id}/claims`
pub async fn items(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, SettlementId)>,
    query: Query<ItemFilter>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("items {id}"))?;
    let page: Page<SettlementItemView> = guard
        .read(move |r, scope| {
            store::find(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
            let rows = store::list_items_with_claims(r, scope.mutual(), id, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |(item, _)| vec![item.claim_id.to_string()], item))
        })
        .await?;
    guard.note("settlement", [id.uuid()], None).await?;
    Ok(shown(&page))
}

async fn step(
    guard: Guard<need::SettlementWrite, MutualScope>,
    order: Order,
    id: SettlementId,
    act: impl FnMut(&mut Write, &MutualScope, &Order) -> Result<()> + Send + 'static,
) -> Result<HttpResponse> {
    let (view, replayed) = guard.act(order, act, move |r, scope, _| show(r, scope, id)).await?;
    Ok(changed(replayed, Some(view.settlement.version), &view))
}

/// Money that goes out for a settlement.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaySettlement {
    /// The payment's id, made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<SettlementPaymentId>,
    #[garde(skip)]
    pub method: PaidBy,
    /// Of cash; the mutual's first desk where it is left out.
    #[garde(skip)]
    pub cash_desk_id: Option<CashDeskId>,
    /// Minor units, above zero: all that is left of it, or a part.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: i64,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// The bank's or operator's.
    #[garde(inner(length(chars, min = 1, max = 120)))]
    #[schema(min_length = 1, max_length = 120)]
    pub reference: Option<String>,
    /// Not after today, not before the approval; today where it is left out.
    #[garde(skip)]
    pub paid_on: Option<NaiveDate>,
}

/// `POST /mutuals/{m}/settlements/{id}/payments`
pub async fn pay(
    guard: Guard<need::SettlementWrite, MutualScope>,
    path: Ids<(OrganisationId, SettlementId)>,
    body: Body<PaySettlement>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.money_order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    step(guard, order, id, move |w, scope, order| {
        crate::contributions::http::must_be_own(scope, &asked.currency)?;
        if asked.method != PaidBy::Cash && asked.cash_desk_id.is_some() {
            return Err(Problem::field("/cash_desk_id", "not_here", "only cash is paid at a desk").into());
        }
        let new = NewPayment {
            settlement: id,
            method: asked.method,
            cash_desk: asked.cash_desk_id,
            amount_minor: asked.amount_minor,
            reference: asked.reference.clone(),
            paid_on: asked.paid_on.unwrap_or(scope.today()),
        };
        settlement::pay(w, scope, order, if_match.as_deref(), &new)
    })
    .await
}

/// Why a settlement is contested, taken up again or given up.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlementReason {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<CommandId>,
    #[garde(length(chars, min = 1, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/settlements/{id}/dispute`
pub async fn dispute(
    guard: Guard<need::SettlementWrite, MutualScope>,
    path: Ids<(OrganisationId, SettlementId)>,
    body: Body<SettlementReason>,
) -> Result<HttpResponse> {
    let (id, order, if_match) = (path.0.1, guard.money_order(&body)?, guard.facts.if_match.clone());
    let reason = body.value.reason.trim().to_owned();
    step(guard, order, id, move |w, scope, _| settlement::dispute(w, scope, id, if_match.as_deref(), &reason)).await
}

/// `POST /mutuals/{m}/settlements/{id}/resume`
pub async fn resume(
    guard: Guard<need::SettlementWrite, MutualScope>,
    path: Ids<(OrganisationId, SettlementId)>,
    body: Body<SettlementReason>,
) -> Result<HttpResponse> {
    let (id, order, if_match) = (path.0.1, guard.money_order(&body)?, guard.facts.if_match.clone());
    let reason = body.value.reason.trim().to_owned();
    step(guard, order, id, move |w, scope, _| settlement::resume(w, scope, id, if_match.as_deref(), &reason)).await
}

/// `POST /mutuals/{m}/settlements/{id}/cancel`
pub async fn cancel(
    guard: Guard<need::SettlementWrite, MutualScope>,
    path: Ids<(OrganisationId, SettlementId)>,
    body: Body<SettlementReason>,
) -> Result<HttpResponse> {
    let (id, order, if_match) = (path.0.1, guard.money_order(&body)?, guard.facts.if_match.clone());
    let reason = body.value.reason.trim().to_owned();
    step(guard, order, id, move |w, scope, order| settlement::cancel(w, scope, order, id, if_match.as_deref(), &reason))
        .await
}

/// `GET /mutuals/{m}/settlements/payment-file`
pub async fn payment_file(guard: Guard<need::SettlementWrite, MutualScope>) -> Result<HttpResponse> {
    let rows: Vec<(Settlement, [String; 3])> = guard
        .read(|r, scope| {
            let mut rows = Vec::new();
            for row in store::list_to_pay(r, scope.mutual())? {
                let payee = match (row.provider_id, row.household_id) {
                    (Some(provider), _) => providers::find(r, provider)?
                        .map(|found| [found.code, found.name, found.phone.unwrap_or_default()]),
                    (None, Some(household)) => crate::households::store::find(r, scope, household)?.map(|found| {
                        let name = format!("Household {}", found.number);
                        [found.number, name, found.phone.unwrap_or_default()]
                    }),
                    (None, None) => None,
                }
                .unwrap_or_default();
                rows.push((row, payee));
            }
            Ok(rows)
        })
        .await?;
    let broken = |error: ::csv::Error| Error::Fault(format!("a table cannot be written: {error}"));
    let mut table = ::csv::Writer::from_writer(Vec::new());
    table
        .write_record([
            "settlement_id",
            "payee_kind",
            "payee_code",
            "payee_name",
            "payee_phone",
            "amount",
            "currency",
            "reference",
            "approved_on",
        ])
        .map_err(broken)?;
    for (row, [code, name, phone]) in &rows {
        let left = row.amount_minor - row.advance_offset_minor - row.paid_minor;
        let currency = Currency::parse(&row.currency).ok_or_else(|| Error::Fault("an unknown currency".into()))?;
        let kind = if row.provider_id.is_some() { "provider" } else { "household" };
        let (id, amount) = (row.id.to_string(), format_minor(left, currency));
        // What the bank shows on its statement leads back to the settlement.
        let reference = format!("AYNI-{}", &id[24..]);
        let on = row.approved_on.to_string();
        table
            .write_record([&id, kind, &cell(code), &cell(name), &cell(phone), &amount, &row.currency, &reference, &on])
            .map_err(broken)?;
    }
    let bytes = table.into_inner().map_err(|error| Error::Fault(format!("a table cannot be written: {error}")))?;
    guard.note("settlement", rows.iter().map(|(row, ..)| row.id.uuid()), None).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("Content-Disposition", "attachment; filename=\"payments.csv\""))
        .body(bytes))
}

/// An advance to be given.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestAdvance {
    /// Made by the client; it or an `Idempotency-Key` is needed. The approval and the advance take it.
    #[garde(skip)]
    pub id: Option<ApprovalId>,
    #[garde(skip)]
    pub provider_id: ProviderId,
    /// Minor units, above zero.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: i64,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    #[garde(inner(length(chars, min = 1, max = 120)))]
    #[schema(min_length = 1, max_length = 120)]
    pub reference: Option<String>,
}

/// `POST /mutuals/{m}/advances`
pub async fn request_advance(
    guard: Guard<need::SettlementWrite, MutualScope>,
    body: Body<RequestAdvance>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let owners = owners(&guard, &guard.scope);
    approvals::ask_for(&guard, order, move |w, scope, order| {
        crate::contributions::http::must_be_own(scope, &asked.currency)?;
        let request = AdvanceRequest {
            provider_id: asked.provider_id,
            amount_minor: asked.amount_minor,
            reference: asked.reference.clone(),
        };
        settlement::request_advance(w, scope, order, &owners, &request)
    })
    .await
}

/// Money given to a facility in advance.
#[derive(Serialize, ToSchema)]
pub struct AdvanceView {
    pub id: AdvanceId,
    pub provider_id: ProviderId,
    pub amount_minor: i64,
    pub currency: String,
    pub reference: Option<String>,
    pub paid_on: NaiveDate,
    /// What is left of all advances of this facility now.
    pub left_of_facility_minor: i64,
}

/// Which advances.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AdvanceFilter {
    /// Only of this facility.
    pub provider_id: Option<ProviderId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/advances`
pub async fn advances(guard: Guard<need::ClaimRead, MutualScope>, query: Query<AdvanceFilter>) -> Result<HttpResponse> {
    let provider = query.0.provider_id;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("advances {provider:?}"))?;
    let page: Page<AdvanceView> = guard
        .read(move |r, scope| {
            let rows = store::list_advances(r, scope.mutual(), provider, ask.after_one()?, ask.fetch())?;
            let page = ask.page(rows, |row: &Advance| vec![row.id.to_string()], |row| row);
            let mut left = std::collections::BTreeMap::new();
            let mut items = Vec::with_capacity(page.items.len());
            for row in page.items {
                let left_of_facility_minor = match left.get(&row.provider_id) {
                    Some(known) => *known,
                    None => store::advance_left(r, scope.mutual(), row.provider_id)?,
                };
                left.insert(row.provider_id, left_of_facility_minor);
                items.push(AdvanceView {
                    id: row.id,
                    provider_id: row.provider_id,
                    amount_minor: row.amount_minor,
                    currency: row.currency,
                    reference: row.reference,
                    paid_on: row.paid_on,
                    left_of_facility_minor,
                });
            }
            Ok(Page { items, next_cursor: page.next_cursor })
        })
        .await?;
    Ok(shown(&page))
}
