//! `/mutuals/{m}/receipts`, `/receipt-series`: shapes and handlers.
use super::drawing;
use super::lists;
use super::model::{Method, Receipt};
use super::papers::{Paper, ReceiptKind, ReceiptLine, ReceiptView};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Ids, Query, shown, wants_pdf};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

/// What stands behind a receipt, within the caller's sections.
fn show(r: &mut Read, scope: &MutualScope, mutual: &str, id: ReceiptId) -> Result<ReceiptView> {
    let row: Receipt = store::find_receipt(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    let behind = store::behind_receipt(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    let mut view = ReceiptView {
        id,
        receipt_number: row.label,
        kind: ReceiptKind::Subsidy,
        mutual: mutual.to_owned(),
        issued_on: row.issued_on,
        amount_minor: 0,
        currency: scope.currency().code().to_owned(),
        method: None,
        reference: None,
        household_id: None,
        household_number: None,
        payer: String::new(),
        payment_id: None,
        reverses: None,
        reason: None,
        lines: Vec::new(),
    };
    match behind {
        store::Behind::Payment(payment) => {
            view.kind = ReceiptKind::Payment;
            view.amount_minor = payment.amount_minor;
            view.method = Some(payment.method);
            view.reference = payment.reference.clone();
            view.household_id = Some(payment.household_id);
            view.payment_id = Some(payment.id);
            view.lines = lines(r, scope, payment.id, payment.amount_minor)?;
        }
        store::Behind::Reversal(reversal, payment, label) => {
            view.kind = ReceiptKind::Reversal;
            view.amount_minor = -payment.amount_minor;
            view.method = Some(payment.method);
            view.household_id = Some(payment.household_id);
            view.payment_id = Some(payment.id);
            view.reverses = Some(label);
            view.reason = Some(reversal.reason);
        }
        store::Behind::Refund(refund) => {
            view.kind = ReceiptKind::Refund;
            view.amount_minor = -refund.amount_minor;
            view.method = Some(refund.method);
            view.household_id = Some(refund.household_id);
            view.reason = Some(refund.reason);
        }
        store::Behind::Subsidy { payer, amount_minor, reference } => {
            if !matches!(scope.sections(), crate::access::scopes::Sections::All) {
                return Err(Code::NotFound.into());
            }
            view.amount_minor = amount_minor;
            view.method = Some(Method::Bank);
            view.reference = reference;
            view.payer = payer;
        }
    }
    if let Some(household) = view.household_id {
        let found = households::find(r, scope, household)?.ok_or(Problem::of(Code::NotFound))?;
        let persons = lists::reached(r, scope, &[household], scope.today())?;
        view.payer = persons.iter().find(|row| row.3).map(|row| format!("{} {}", row.1, row.2)).unwrap_or_default();
        view.household_number = Some(found.number);
    }
    Ok(view)
}

fn lines(r: &mut Read, scope: &MutualScope, payment: PaymentId, amount_minor: i64) -> Result<Vec<ReceiptLine>> {
    let mut found: Vec<ReceiptLine> = Vec::new();
    let mut left = amount_minor;
    for part in store::list_allocations_from(r, scope, &[payment])?.iter().filter(|part| part.reversal_id.is_none()) {
        let due = store::find_due(r, scope.mutual(), part.due_id)?;
        left -= part.amount_minor;
        found.push(ReceiptLine {
            due_kind: due.as_ref().map(|due| due.kind),
            due_on: due.map(|due| due.due_on),
            amount_minor: part.amount_minor,
        });
    }
    if left > 0 {
        found.push(ReceiptLine { due_kind: None, due_on: None, amount_minor: left });
    }
    Ok(found)
}

/// On which paper, in which language.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFilter {
    /// Of the PDF: `80mm`, the roll of a receipt printer, or `a4`; `a4` where it is left out.
    #[param(inline)]
    pub paper: Option<Paper>,
    /// Of the PDF: `en` or `fr`; where it is left out, as `Accept-Language` asks, else English.
    #[param(inline)]
    pub lang: Option<crate::language::Language>,
}

/// `GET /mutuals/{m}/receipts/{id}`
pub async fn get(
    guard: Guard<need::PaymentRead, MutualScope>,
    path: Ids<(OrganisationId, ReceiptId)>,
    query: Query<ReceiptFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (id, filter) = (path.0.1, query.0);
    let pdf = wants_pdf(&req)?;
    let accepted = req.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = crate::language::Language::wanted(filter.lang, accepted);
    let mutual = guard.name_of_mutual();
    let view = guard.read(move |r, scope| show(r, scope, &mutual, id)).await?;
    if !pdf {
        guard.note("receipt", [id.uuid()], None).await?;
        return Ok(shown(&view));
    }
    let paper = filter.paper.unwrap_or(Paper::A4);
    let printed = crate::web::blocking(move || {
        drawing::receipt(&view, paper, language).map_err(|error| Error::Fault(format!("a receipt: {error}")))
    })
    .await?;
    guard.note("receipt", [id.uuid()], Some(json!({"printed": "receipt"}))).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_LANGUAGE, language.code()))
        .insert_header((header::CONTENT_DISPOSITION, "inline; filename=\"receipt.pdf\""))
        .content_type("application/pdf")
        .body(printed))
}

/// A series of receipts: of one issuer and one calendar year.
#[derive(Serialize, ToSchema)]
pub struct SeriesView {
    pub id: SeriesId,
    /// In front of its numbers: `C1-2026`.
    pub label: String,
    pub year: i32,
    /// 1, or where the receipt book of paper ended.
    pub first_number: i64,
    /// The last number given.
    pub last_number: i64,
    pub receipts: i64,
    /// Numbers between first and last that no receipt has: none, or something is wrong.
    pub gaps: Vec<i64>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SeriesFilter {
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/receipt-series`
pub async fn series(guard: Guard<need::TreasuryRead, MutualScope>, query: Query<SeriesFilter>) -> Result<HttpResponse> {
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), "receipt-series")?;
    let page: Page<SeriesView> = guard
        .read(move |r, scope| {
            let rows = store::list_receipt_series(r, scope.mutual(), ask.after_one()?, ask.fetch())?;
            let mut views = Vec::with_capacity(rows.len());
            for row in rows {
                let (receipts, gaps) = store::gaps(r, scope.mutual(), &row)?;
                views.push(SeriesView {
                    id: row.id,
                    label: row.label,
                    year: row.year,
                    first_number: row.first_number,
                    last_number: row.last_number,
                    receipts,
                    gaps,
                });
            }
            Ok(ask.page(views, |row| vec![row.label.clone()], |row| row))
        })
        .await?;
    Ok(shown(&page))
}
