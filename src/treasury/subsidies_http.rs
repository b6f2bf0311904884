//! `/mutuals/{m}/subsidies`: shapes and handlers.
use super::model::SubsidyBatch;
use super::store;
use super::subsidies::{self, NewSubsidyPayment};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::contributions::http::must_be_own;
use crate::dates::within;
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Format, Ids, Query, cell, found, made, shown, wanted};
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What a payer has paid.
#[derive(Serialize, ToSchema)]
pub struct SubsidyPaymentView {
    pub id: SubsidyPaymentId,
    pub amount_minor: i64,
    pub received_on: NaiveDate,
    pub reference: Option<String>,
    pub receipt_number: String,
}

/// What another payer is invoiced.
#[derive(Serialize, ToSchema)]
pub struct SubsidyView {
    pub id: SubsidyBatchId,
    pub label: String,
    pub payer: String,
    /// Dues until this day.
    pub until_on: NaiveDate,
    pub issued_on: NaiveDate,
    pub number_of_dues: i64,
    pub amount_minor: i64,
    pub paid_minor: i64,
    pub outstanding_minor: i64,
    pub currency: String,
    pub payments: Vec<SubsidyPaymentView>,
}

fn views(r: &mut Read, scope: &MutualScope, rows: Vec<SubsidyBatch>) -> Result<Vec<SubsidyView>> {
    let ids: Vec<SubsidyBatchId> = rows.iter().map(|row| row.id).collect();
    let payments = store::list_subsidy_payments(r, scope.mutual(), &ids)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let own = || payments.iter().filter(|(payment, _)| payment.batch_id == row.id);
            let paid_minor: i64 = own().map(|(payment, _)| payment.amount_minor).sum();
            SubsidyView {
                payments: own()
                    .map(|(payment, receipt)| SubsidyPaymentView {
                        id: payment.id,
                        amount_minor: payment.amount_minor,
                        received_on: payment.received_on,
                        reference: payment.reference.clone(),
                        receipt_number: receipt.label.clone(),
                    })
                    .collect(),
                id: row.id,
                label: row.label,
                payer: row.payer,
                until_on: row.until_on,
                issued_on: row.issued_on,
                number_of_dues: row.number_of_dues,
                amount_minor: row.amount_minor,
                paid_minor,
                outstanding_minor: row.amount_minor - paid_minor,
                currency: row.currency,
            }
        })
        .collect())
}

fn show(r: &mut Read, scope: &MutualScope, id: SubsidyBatchId) -> Result<SubsidyView> {
    let row = store::find_batch(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    views(r, scope, vec![row])?.pop().ok_or(Code::NotFound.into())
}

/// Which invoices.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SubsidyFilter {
    /// Only of this payer.
    pub payer: Option<String>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/subsidies`
pub async fn list(guard: Guard<need::TreasuryRead, MutualScope>, query: Query<SubsidyFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let payer = filter.payer;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("subsidies {payer:?}"))?;
    let page: Page<SubsidyView> = guard
        .read(move |r, scope| {
            let rows = store::list_batches(r, scope.mutual(), payer.as_deref(), ask.after_one()?, ask.fetch())?;
            let page = ask.page(rows, |row| vec![row.id.to_string()], |row| row);
            Ok(Page { items: views(r, scope, page.items)?, next_cursor: page.next_cursor })
        })
        .await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/subsidies/{id}`
pub async fn get(
    guard: Guard<need::TreasuryRead, MutualScope>,
    path: Ids<(OrganisationId, SubsidyBatchId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    Ok(found(1, &guard.read(move |r, scope| show(r, scope, id)).await?))
}

/// A payer to be invoiced.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceSubsidy {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<SubsidyBatchId>,
    /// As his dues name him: `STATE`, `FUND`…
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40)]
    pub payer: String,
    /// Dues until this day; today where it is left out.
    #[garde(skip)]
    pub until_on: Option<NaiveDate>,
}

/// `POST /mutuals/{m}/subsidies`
pub async fn invoice(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    body: Body<InvoiceSubsidy>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let until = asked.until_on.unwrap_or(scope.today());
                subsidies::invoice(w, scope, order, &asked.payer, until)
            },
            |r, scope, order| show(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/subsidies/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, None, &view))
}

/// What a payer has paid of an invoice.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordSubsidyPayment {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// Minor units, at most what is open of the invoice.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: i64,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Not after today.
    #[garde(skip)]
    pub received_on: NaiveDate,
    #[garde(inner(length(chars, min = 1, max = 120)))]
    #[schema(min_length = 1, max_length = 120)]
    pub reference: Option<String>,
}

/// `POST /mutuals/{m}/subsidies/{id}/payments`
pub async fn pay(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, SubsidyBatchId)>,
    body: Body<RecordSubsidyPayment>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let (id, asked) = (path.0.1, body.value);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                must_be_own(scope, &asked.currency)?;
                let new = NewSubsidyPayment {
                    amount_minor: asked.amount_minor,
                    received_on: asked.received_on,
                    reference: asked.reference.clone(),
                };
                subsidies::pay(w, scope, order, id, &new)
            },
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/subsidies/{id}", guard.scope.mutual());
    Ok(made(replayed, &location, None, &view))
}

/// A due of an invoice with the household for which it is.
#[derive(Serialize, ToSchema)]
pub struct BeneficiaryView {
    /// In the invoice, from 1.
    pub ordinal: i32,
    pub due_id: DueId,
    pub due_on: NaiveDate,
    pub household_id: HouseholdId,
    pub household_number: String,
    pub class: String,
    /// Family name first; empty where the household has none.
    pub principal: String,
    /// How many belong to it on the due's day.
    pub persons: usize,
    pub amount_minor: i64,
    /// What the payer has paid of it: the invoice's dues are paid in their order.
    pub paid_minor: i64,
}

/// Which page of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BeneficiaryFilter {
    /// Rows, 1 to 200; in CSV all.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

fn beneficiaries(
    r: &mut Read,
    scope: &MutualScope,
    batch: SubsidyBatchId,
    after: Option<i32>,
    limit: i64,
) -> Result<Vec<BeneficiaryView>> {
    let mutual = scope.mutual();
    store::find_batch(r, mutual, batch)?.ok_or(Problem::of(Code::NotFound))?;
    let paid: i64 =
        store::list_subsidy_payments(r, mutual, &[batch])?.iter().map(|(payment, _)| payment.amount_minor).sum();
    let rows = store::list_batch_items(r, mutual, batch, after, limit)?;
    let mut households: Vec<HouseholdId> = rows.iter().map(|(item, ..)| item.household_id).collect();
    households.sort_unstable();
    households.dedup();
    let mut persons = Vec::new();
    for chunk in households.chunks(500) {
        persons.extend(store::list_belonging(r, mutual, chunk)?);
    }
    Ok(rows
        .into_iter()
        .map(|(item, due_on, household_number, class)| {
            let there = |row: &&store::Belonging| row.0 == item.household_id && within(due_on, row.4, row.5);
            let principal = persons.iter().filter(there).find(|row| row.3);
            BeneficiaryView {
                ordinal: item.ordinal,
                due_id: item.due_id,
                due_on,
                household_id: item.household_id,
                household_number,
                class,
                principal: principal.map(|row| format!("{} {}", row.1, row.2)).unwrap_or_default(),
                persons: persons.iter().filter(there).count(),
                amount_minor: item.amount_minor,
                paid_minor: (paid - item.before_minor).clamp(0, item.amount_minor),
            }
        })
        .collect())
}

/// The list as a table.
fn csv(rows: &[BeneficiaryView]) -> Result<Vec<u8>> {
    let failed = |error: String| Error::Fault(format!("a table cannot be written: {error}"));
    let mut table = ::csv::Writer::from_writer(Vec::new());
    let header =
        ["ordinal", "due_on", "household_number", "class", "principal", "persons", "amount_minor", "paid_minor"];
    table.write_record(header).map_err(|error| failed(error.to_string()))?;
    for row in rows {
        table
            .write_record([
                &row.ordinal.to_string(),
                &row.due_on.to_string(),
                cell(&row.household_number).as_ref(),
                cell(&row.class).as_ref(),
                cell(&row.principal).as_ref(),
                &row.persons.to_string(),
                &row.amount_minor.to_string(),
                &row.paid_minor.to_string(),
            ])
            .map_err(|error| failed(error.to_string()))?;
    }
    table.into_inner().map_err(|error| failed(error.to_string()))
}

/// `GET /mutuals/{m}/subsidies/{id}/beneficiaries`
pub async fn list_beneficiaries(
    guard: Guard<need::TreasuryRead, MutualScope>,
    path: Ids<(OrganisationId, SubsidyBatchId)>,
    query: Query<BeneficiaryFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (batch, filter) = (path.0.1, query.0);
    let format = wanted(&req)?;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("beneficiaries {batch}"))?;
    if format == Format::Csv {
        let rows = guard.read(move |r, scope| beneficiaries(r, scope, batch, None, i64::MAX)).await?;
        guard.note("due", rows.iter().map(|row| row.due_id.uuid()), None).await?;
        let text = csv(&rows)?;
        return Ok(HttpResponse::Ok().content_type("text/csv; charset=utf-8").body(text));
    }
    let page: Page<BeneficiaryView> = guard
        .read(move |r, scope| {
            let rows = beneficiaries(r, scope, batch, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.ordinal.to_string()], |row| row))
        })
        .await?;
    guard.note("due", page.items.iter().map(|row| row.due_id.uuid()), None).await?;
    Ok(shown(&page))
}
