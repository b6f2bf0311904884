//! `/providers/{id}/invoices`: a facility's own invoices, sent and followed by its clerk.
use super::file::read;
use super::http::{FileForm, SendCertificate, as_rows, invoice_body};
use super::model::{InvoiceState, ItemResult};
use super::service::{self, NewInvoice};
use super::views::{self, InvoiceView};
use super::{notice, store};
use crate::access::guard::{AtProvider, Guard};
use crate::access::permissions::{Permission, need};
use crate::access::scopes::{MutualScope, ProviderScope};
use crate::claims::gathering;
use crate::db::{Read, Wall};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::jobs::worker::Worker;
use crate::money::Currency;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, blocking, changed, csv_file, found, shown, taken};
use actix_web::{HttpResponse, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

type OwnGuard = Guard<need::OwnClaims, AtProvider>;

fn reach(guard: &OwnGuard, mutual: OrganisationId) -> Result<ProviderScope> {
    guard.provider_scope(guard.scope.provider(), mutual, Permission::OwnClaims)
}

/// Reads in the mutual that the query names, and keeps that these invoices were read.
async fn look<T: Send + 'static>(
    guard: &OwnGuard,
    scope: &ProviderScope,
    mut body: impl FnMut(&mut Read, &MutualScope) -> Result<T> + Send + 'static,
    ids: impl FnOnce(&T) -> Vec<Uuid>,
) -> Result<T> {
    let (db, scope) = (guard.desk.db.clone(), scope.mutual().clone());
    let mutual = scope.mutual();
    let value = blocking(move || db.read(Wall::mutual(mutual), |r| body(r, &scope))).await?;
    guard.note_in(mutual, "invoice", ids(&value), None).await?;
    Ok(value)
}

invoice_body! {
    /// A facility's own invoice of a month; or more of one.
    SendOwnInvoice {
        /// The mutual whose members were treated: each has an invoice of its own.
        #[garde(skip)]
        pub mutual_id: OrganisationId,
    }
}

/// `POST /providers/{id}/invoices`
pub async fn send(guard: OwnGuard, body: Body<SendOwnInvoice>, worker: web::Data<Worker>) -> Result<HttpResponse> {
    let provider = guard.scope.provider();
    let scope = reach(&guard, body.value.mutual_id)?;
    let order = guard.order_in(&scope, (body.id, body.hash))?;
    let scope = scope.mutual().clone();
    let (asked, currency) = (body.value, scope.currency());
    let new = blocking(move || asked.sent(provider, true, currency)).await?;
    let owners = gathering::owners(&guard.picture, &scope);
    let (for_show, number) = (owners.clone(), new.number.clone());
    let (acting, showing) = (scope.clone(), scope.clone());
    let (view, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::send(w, &acting, order, &owners, &new).map(|_| ()),
            move |r, _| {
                let row = store::find_by_number(r, showing.mutual(), provider, &number)?;
                let id = row.ok_or(Problem::of(Code::NotFound))?.id;
                views::detail(r, &showing, &for_show, id, Some(provider))
            },
        )
        .await?;
    worker.nudge(scope.mutual());
    let location = format!("/api/v1/providers/{provider}/invoices/{}?mutual_id={}", view.invoice.id, scope.mutual());
    Ok(taken(replayed, view.is_done(), &location, view.invoice.version, &view))
}

/// Which of the facility's invoices.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnInvoiceFilter {
    /// The mutual that decides them.
    pub mutual_id: OrganisationId,
    /// Only in this state, as it was decided.
    pub state: Option<InvoiceState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /providers/{id}/invoices`
pub async fn list(guard: OwnGuard, query: Query<OwnInvoiceFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let (provider, state) = (guard.scope.provider(), filter.state);
    let scope = reach(&guard, filter.mutual_id)?;
    let name = format!("own invoices {} {provider} {state:?}", filter.mutual_id);
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &name)?;
    let owners = gathering::owners(&guard.picture, scope.mutual());
    let page: Page<InvoiceView> = look(
        &guard,
        &scope,
        move |r, scope| {
            let rows = store::list(r, scope.mutual(), Some(provider), state, ask.after_one()?, ask.fetch())?;
            let views = views::views(r, scope, &owners, rows)?;
            Ok(ask.page(views, |row| vec![row.id.to_string()], |row| row))
        },
        |page| page.items.iter().map(|row| row.id.uuid()).collect(),
    )
    .await?;
    Ok(shown(&page))
}

/// The mutual.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnFilter {
    /// The mutual that decides it.
    pub mutual_id: OrganisationId,
}

/// `GET /providers/{id}/invoices/{invoice}`
pub async fn get(guard: OwnGuard, path: Ids<(ProviderId, InvoiceId)>, query: Query<OwnFilter>) -> Result<HttpResponse> {
    let (provider, id) = (guard.scope.provider(), path.0.1);
    let scope = reach(&guard, query.0.mutual_id)?;
    let owners = gathering::owners(&guard.picture, scope.mutual());
    let show = move |r: &mut Read, scope: &MutualScope| views::detail(r, scope, &owners, id, Some(provider));
    let view = look(&guard, &scope, show, |_| vec![id.uuid()]).await?;
    Ok(found(view.invoice.version, &view))
}

/// Which certificates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnLineFilter {
    /// The mutual that decides it.
    pub mutual_id: OrganisationId,
    /// Only those of which this came.
    pub result: Option<ItemResult>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /providers/{id}/invoices/{invoice}/lines`
pub async fn lines(
    guard: OwnGuard,
    path: Ids<(ProviderId, InvoiceId)>,
    query: Query<OwnLineFilter>,
) -> Result<HttpResponse> {
    let (provider, id, filter) = (guard.scope.provider(), path.0.1, query.0);
    let scope = reach(&guard, filter.mutual_id)?;
    let result = filter.result;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("invoice lines {id} {result:?}"))?;
    let show = move |r: &mut Read, scope: &MutualScope| {
        views::must_find(r, scope, id, Some(provider))?;
        views::items(r, scope, id, result, &ask)
    };
    let page = look(&guard, &scope, show, |_| vec![id.uuid()]).await?;
    Ok(shown(&page))
}

/// `GET /providers/{id}/invoices/{invoice}/bad.csv`
pub async fn bad_file(
    guard: OwnGuard,
    path: Ids<(ProviderId, InvoiceId)>,
    query: Query<OwnFilter>,
) -> Result<HttpResponse> {
    let (provider, id) = (guard.scope.provider(), path.0.1);
    let scope = reach(&guard, query.0.mutual_id)?;
    let show = move |r: &mut Read, scope: &MutualScope| {
        views::must_find(r, scope, id, Some(provider))?;
        notice::bad_rows(r, scope, id)
    };
    let text = look(&guard, &scope, show, |_| vec![id.uuid()]).await?;
    Ok(csv_file("bad.csv", text))
}

/// Which page, or the whole as a file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnDisallowanceFilter {
    /// The mutual that decided it.
    pub mutual_id: OrganisationId,
    /// `csv` for all of them as a file; pages of JSON where it is left out.
    #[param(inline)]
    pub format: Option<FileForm>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /providers/{id}/invoices/{invoice}/disallowances`
pub async fn disallowances(
    guard: OwnGuard,
    path: Ids<(ProviderId, InvoiceId)>,
    query: Query<OwnDisallowanceFilter>,
) -> Result<HttpResponse> {
    let (provider, id, filter) = (guard.scope.provider(), path.0.1, query.0);
    let scope = reach(&guard, filter.mutual_id)?;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("disallowances {id}"))?;
    if filter.format == Some(FileForm::Csv) {
        let show = move |r: &mut Read, scope: &MutualScope| {
            views::must_find(r, scope, id, Some(provider))?;
            notice::table(r, scope, id)
        };
        let text = look(&guard, &scope, show, |_| vec![id.uuid()]).await?;
        return Ok(csv_file("disallowances.csv", text));
    }
    let show = move |r: &mut Read, scope: &MutualScope| {
        views::must_find(r, scope, id, Some(provider))?;
        notice::page(r, scope, id, &ask)
    };
    let page = look(&guard, &scope, show, |_| vec![id.uuid()]).await?;
    Ok(shown(&page))
}

/// Why the facility does not agree.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeInvoice {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// The mutual that decided it.
    #[garde(skip)]
    pub mutual_id: OrganisationId,
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /providers/{id}/invoices/{invoice}/dispute`
pub async fn dispute(
    guard: OwnGuard,
    path: Ids<(ProviderId, InvoiceId)>,
    body: Body<DisputeInvoice>,
) -> Result<HttpResponse> {
    let (provider, id) = (guard.scope.provider(), path.0.1);
    let scope = reach(&guard, body.value.mutual_id)?;
    let order = guard.order_in(&scope, (body.id, body.hash))?;
    let scope = scope.mutual().clone();
    let owners = gathering::owners(&guard.picture, &scope);
    let reason = body.value.reason;
    let acting = scope.clone();
    let (view, replayed) = guard
        .carry_out(
            order,
            move |w, order| service::dispute(w, &acting, order, provider, id, reason.trim()),
            move |r, _| views::detail(r, &scope, &owners, id, Some(provider)),
        )
        .await?;
    Ok(changed(replayed, Some(view.invoice.version), &view))
}
