//! `/mutuals/{m}/invoices`: shapes and handlers of the office, and what both sides send.
use super::file::{REQUIRED, Sent, SentRow, read};
use super::model::{InvoiceState, ItemResult};
use super::service::{self, NewInvoice};
use super::views::{self, InvoiceView};
use super::{notice, store};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::claims::gathering;
use crate::error::{Code, FieldError, Problem, Result};
use crate::ids::*;
use crate::jobs::worker::Worker;
use crate::money::{Currency, format_minor};
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, blocking, changed, csv_file, found, shown, taken};
use crate::words;
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// A line of a certificate.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendCertificateLine {
    /// From 1; by its place where all leave it out.
    #[garde(skip)]
    pub line: Option<i64>,
    /// The service's code.
    #[garde(length(chars, max = 200))]
    #[schema(max_length = 200)]
    pub service: String,
    #[garde(skip)]
    pub quantity: i64,
    /// Minor units.
    #[garde(skip)]
    pub unit_price_minor: i64,
}

/// A certificate, as a row of the file is. What is wrong with it is told in the invoice's lines.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendCertificate {
    /// The number of the single care certificate.
    #[garde(length(chars, max = 200))]
    #[schema(max_length = 200)]
    pub certificate: String,
    /// The card presented.
    #[garde(length(chars, max = 200))]
    #[schema(max_length = 200)]
    pub card: String,
    /// `other`, `emergency` or `referral`; `other` where it is left out.
    #[garde(inner(length(chars, max = 200)))]
    #[schema(max_length = 200)]
    pub visit_type: Option<String>,
    /// Of a stay, the day of admission.
    #[garde(skip)]
    pub service_on: NaiveDate,
    #[garde(skip)]
    pub discharged_on: Option<NaiveDate>,
    /// ICD-10 codes.
    #[garde(inner(length(max = 10), inner(length(chars, max = 15))))]
    #[schema(max_items = 10)]
    pub diagnoses: Option<Vec<String>>,
    /// What another payer pays first, in minor units.
    #[garde(skip)]
    pub other_payer_minor: Option<i64>,
    /// Number or id of a guarantee letter.
    #[garde(inner(length(chars, max = 200)))]
    #[schema(max_length = 200)]
    pub letter: Option<String>,
    /// The check of eligibility that it cites.
    #[garde(skip)]
    pub check_id: Option<AuditId>,
    #[garde(length(min = 1, max = 1000), dive)]
    #[schema(min_items = 1, max_items = 1000)]
    pub lines: Vec<SendCertificateLine>,
}

/// A list that has something in it, and no more than a file may have.
pub(super) fn is_list(list: &Option<Vec<SendCertificate>>, _: &()) -> garde::Result {
    match list {
        Some(list) if list.is_empty() || list.len() > super::file::MOST_ROWS => {
            Err(garde::Error::new(format!("1 to {} certificates", super::file::MOST_ROWS)))
        }
        _ => Ok(()),
    }
}

/// The body of an invoice: what is sent is the same, whoever sends it.
macro_rules! invoice_body {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, Validate, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Made by the client; it or an `Idempotency-Key` is needed.
            #[garde(skip)]
            pub id: Option<InvoiceId>,
            $($own)*
            /// The facility's number of the invoice; sent again with it, what was bad is tried again.
            #[garde(custom(crate::households::http::is_number))]
            #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
            pub number: String,
            /// `2026-03`
            #[garde(pattern("^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"))]
            #[schema(pattern = "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]
            pub month: String,
            /// The file: see `docs/invoices.md`. Amounts in major units, at most 10,000 rows. This or `claims`.
            #[garde(inner(length(min = 1)))]
            pub csv: Option<String>,
            /// The same as a list.
            #[garde(custom(crate::claims::invoices::http::is_list), dive)]
            #[schema(min_items = 1, max_items = 10000)]
            pub claims: Option<Vec<SendCertificate>>,
        }

        impl $name {
            /// What was sent.
            ///
            /// # Errors
            /// `file_refused`, `invalid` where there is neither a file nor a list, or both.
            pub(super) fn sent(&self, provider: ProviderId, by_provider: bool, currency: Currency) -> Result<NewInvoice> {
                let sent = match (&self.csv, &self.claims) {
                    (Some(csv), None) => read(csv)?,
                    (None, Some(claims)) => as_rows(claims, currency)?,
                    _ => return Err(Problem::field("/csv", "missing", "either `csv` or `claims`").into()),
                };
                let month_on = format!("{}-01", self.month).parse();
                let month_on = month_on.map_err(|_| Problem::of(Code::ImpossibleDate).at("/month"))?;
                Ok(NewInvoice { provider, number: self.number.clone(), month_on, by_provider, sent })
            }
        }
    };
}
pub(super) use invoice_body;

/// A list as the rows that a file would have.
pub(super) fn as_rows(claims: &[SendCertificate], currency: Currency) -> Result<Sent> {
    let mut rows = Vec::new();
    for claim in claims {
        for line in &claim.lines {
            let row = u64::try_from(rows.len() + 1).unwrap_or(u64::MAX);
            let fields = [
                ("certificate", claim.certificate.clone()),
                ("card", claim.card.clone()),
                ("visit_type", claim.visit_type.clone().unwrap_or_default()),
                ("service_on", claim.service_on.to_string()),
                ("discharged_on", claim.discharged_on.map(|day| day.to_string()).unwrap_or_default()),
                ("diagnoses", claim.diagnoses.as_ref().map(|codes| codes.join(" ")).unwrap_or_default()),
                ("service_code", line.service.clone()),
                ("quantity", line.quantity.to_string()),
                ("unit_price", format_minor(line.unit_price_minor, currency)),
                ("line", line.line.map(|line| line.to_string()).unwrap_or_default()),
                ("other_payer", claim.other_payer_minor.map(|minor| format_minor(minor, currency)).unwrap_or_default()),
                ("letter", claim.letter.clone().unwrap_or_default()),
                ("check_id", claim.check_id.map(|id| id.to_string()).unwrap_or_default()),
            ];
            let fields = fields.into_iter().map(|(name, text)| (name.to_owned(), text.trim().to_owned()));
            rows.push(SentRow { row, fields: fields.filter(|(_, text)| !text.is_empty()).collect() });
        }
    }
    if rows.len() > super::file::MOST_ROWS {
        let message = format!("at most {} lines in all", super::file::MOST_ROWS);
        let fault = FieldError::new("/claims", "too_long", message);
        return Err(Problem::fields(Code::FileRefused, vec![fault]).into());
    }
    Ok(Sent { columns: REQUIRED.iter().map(|name| (*name).to_owned()).collect(), delimiter: b',', rows })
}

invoice_body! {
    /// A facility's invoice of a month, as the office enters it; or more of one.
    SendInvoice {
        #[garde(skip)]
        pub provider_id: ProviderId,
    }
}

/// `POST /mutuals/{m}/invoices`
pub async fn send(
    guard: Guard<need::ClaimSubmit, MutualScope>,
    body: Body<SendInvoice>,
    worker: web::Data<Worker>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let provider = asked.provider_id;
    let currency = guard.scope.currency();
    let new = blocking(move || asked.sent(provider, false, currency)).await?;
    let owners = gathering::owners(&guard.picture, &guard.scope);
    let (for_show, number) = (owners.clone(), new.number.clone());
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::send(w, scope, order, &owners, &new).map(|_| ()),
            move |r, scope, _| {
                let row = store::find_by_number(r, scope.mutual(), provider, &number)?;
                let id = row.ok_or(Problem::of(Code::NotFound))?.id;
                views::detail(r, scope, &for_show, id, None)
            },
        )
        .await?;
    worker.nudge(guard.scope.mutual());
    let location = format!("/api/v1/mutuals/{}/invoices/{}", guard.scope.mutual(), view.invoice.id);
    Ok(taken(replayed, view.is_done(), &location, view.invoice.version, &view))
}

/// Which invoices.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct InvoiceFilter {
    /// Only of this facility.
    pub provider_id: Option<ProviderId>,
    /// Only in this state, as it was decided: what is paid of an invoice does not count here.
    pub state: Option<InvoiceState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/invoices`
pub async fn list(guard: Guard<need::ClaimRead, MutualScope>, query: Query<InvoiceFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let by = (filter.provider_id, filter.state);
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("invoices {by:?}"))?;
    let owners = gathering::owners(&guard.picture, &guard.scope);
    let page: Page<InvoiceView> = guard
        .read(move |r, scope| {
            let rows = store::list(r, scope.mutual(), by.0, by.1, ask.after_one()?, ask.fetch())?;
            let views = views::views(r, scope, &owners, rows)?;
            Ok(ask.page(views, |row| vec![row.id.to_string()], |row| row))
        })
        .await?;
    guard.note("invoice", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/invoices/{id}`
pub async fn get(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, InvoiceId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let owners = gathering::owners(&guard.picture, &guard.scope);
    let view = guard.read(move |r, scope| views::detail(r, scope, &owners, id, None)).await?;
    guard.note("invoice", [id.uuid()], None).await?;
    Ok(found(view.invoice.version, &view))
}

/// Which certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LineFilter {
    /// Only those of which this came.
    pub result: Option<ItemResult>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/invoices/{id}/lines`
pub async fn lines(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, InvoiceId)>,
    query: Query<LineFilter>,
) -> Result<HttpResponse> {
    let (id, result) = (path.0.1, query.0.result);
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("invoice lines {id} {result:?}"))?;
    let page = guard
        .read(move |r, scope| {
            views::must_find(r, scope, id, None)?;
            views::items(r, scope, id, result, &ask)
        })
        .await?;
    guard.note("invoice", [id.uuid()], None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/invoices/{id}/bad.csv`
pub async fn bad_file(
    guard: Guard<need::DiagnosisRead, MutualScope>,
    path: Ids<(OrganisationId, InvoiceId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let text = guard
        .read(move |r, scope| {
            views::must_find(r, scope, id, None)?;
            notice::bad_rows(r, scope, id)
        })
        .await?;
    guard.note("invoice", [id.uuid()], None).await?;
    Ok(csv_file("bad.csv", text))
}

words! {
    /// In what form a list is given.
    pub enum FileForm {
        /// Pages.
        Json = "json",
        /// All of it as a table.
        Csv = "csv",
    }
}

/// Which page, or the whole as a file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DisallowanceFilter {
    /// `csv` for all of them as a file; pages of JSON where it is left out.
    #[param(inline)]
    pub format: Option<FileForm>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/invoices/{id}/disallowances`
pub async fn disallowances(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, InvoiceId)>,
    query: Query<DisallowanceFilter>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("disallowances {id}"))?;
    if query.0.format == Some(FileForm::Csv) {
        let text = guard
            .read(move |r, scope| {
                views::must_find(r, scope, id, None)?;
                notice::table(r, scope, id)
            })
            .await?;
        guard.note("invoice", [id.uuid()], None).await?;
        return Ok(csv_file("disallowances.csv", text));
    }
    let page = guard
        .read(move |r, scope| {
            views::must_find(r, scope, id, None)?;
            notice::page(r, scope, id, &ask)
        })
        .await?;
    guard.note("invoice", [id.uuid()], None).await?;
    Ok(shown(&page))
}

/// The office's word on what came of an invoice.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvoice {
    /// The command's id, made by the client.
    #[garde(skip)]
    pub id: Option<CommandId>,
    /// What is said of it, a dispute above all.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: Option<String>,
}

/// `POST /mutuals/{m}/invoices/{id}/accept`
pub async fn accept(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, InvoiceId)>,
    body: Body<AcceptInvoice>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let reason = body.value.reason;
    let owners = gathering::owners(&guard.picture, &guard.scope);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::accept(w, scope, order, id, if_match.as_deref(), reason.as_deref()),
            move |r, scope, _| views::detail(r, scope, &owners, id, None),
        )
        .await?;
    Ok(changed(replayed, Some(view.invoice.version), &view))
}
