//! `/mutuals/{m}/accounts`, `/transfers`: the books, read only.
use super::model::{AccountKind, Transfer};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::error::Result;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Query, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An account with what stands on it.
#[derive(Serialize, ToSchema)]
pub struct AccountView {
    pub id: AccountId,
    /// `MAIN`…: money of different owners never mixes.
    pub book: String,
    pub code: String,
    pub kind: AccountKind,
    pub debit_minor: i64,
    pub credit_minor: i64,
    pub currency: String,
}

/// `GET /mutuals/{m}/accounts`
pub async fn accounts(guard: Guard<need::LedgerRead, MutualScope>) -> Result<HttpResponse> {
    let currency = guard.scope.currency().code().to_owned();
    let rows = guard.read(|r, scope| Ok(store::list_balances(r, scope)?)).await?;
    let items: Vec<AccountView> = rows
        .into_iter()
        .map(|(account, debit_minor, credit_minor)| AccountView {
            id: account.id,
            book: account.book,
            code: account.code,
            kind: account.kind,
            debit_minor,
            credit_minor,
            currency: currency.clone(),
        })
        .collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// A movement.
#[derive(Serialize, ToSchema)]
pub struct TransferView {
    pub id: TransferId,
    pub book: String,
    pub debit_account_id: AccountId,
    pub credit_account_id: AccountId,
    pub amount_minor: i64,
    pub currency: String,
    /// What happened: `payment_allocated`, `credit_used`…
    pub event: String,
    pub payment_id: Option<PaymentId>,
    pub due_id: Option<DueId>,
    /// The transfer that it reverses.
    pub reverses_id: Option<TransferId>,
    /// The business date on which it was written.
    pub posted_on: NaiveDate,
    /// The event's own day.
    pub value_on: NaiveDate,
}

impl From<Transfer> for TransferView {
    fn from(row: Transfer) -> Self {
        TransferView {
            id: row.id,
            book: row.book,
            debit_account_id: row.debit_account_id,
            credit_account_id: row.credit_account_id,
            amount_minor: row.amount_minor,
            currency: row.currency,
            event: row.event,
            payment_id: row.payment_id,
            due_id: row.due_id,
            reverses_id: row.reverses_id,
            posted_on: row.posted_on,
            value_on: row.value_on,
        }
    }
}

/// Which transfers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TransferFilter {
    /// Only on this account.
    pub account_id: Option<AccountId>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/transfers`
pub async fn transfers(
    guard: Guard<need::LedgerRead, MutualScope>,
    query: Query<TransferFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let account = filter.account_id;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("transfers {account:?}"))?;
    let page: Page<TransferView> = guard
        .read(move |r, scope| {
            let rows = store::list_transfers(r, scope, account, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], TransferView::from))
        })
        .await?;
    guard.note("transfer", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}
