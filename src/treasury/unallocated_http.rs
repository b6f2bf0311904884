//! `/mutuals/{m}/unallocated`: money that is here and pays nothing yet.
use super::mobile::{self, Waits};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::contributions::lists;
use crate::db::Read;
use crate::error::Result;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Query, shown};
use crate::words;
use actix_web::HttpResponse;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

words! {
    /// Why it pays nothing yet.
    pub enum Unallocated {
        /// A household has paid more than it owes: it waits for the next due, or is given back.
        Credit = "CREDIT",
        /// A transfer whose list does not agree.
        Collection = "COLLECTION",
        /// An operator's payment that names no household.
        Mobile = "MOBILE",
    }
}

/// Money that pays nothing yet.
#[derive(Serialize, ToSchema)]
pub struct UnallocatedView {
    pub kind: Unallocated,
    /// The payment, the collection or the operator's event.
    pub id: Uuid,
    pub amount_minor: i64,
    pub currency: String,
    pub received_on: NaiveDate,
    /// Of a credit.
    pub household_id: Option<HouseholdId>,
    /// Who transferred, or the account reference as the payer gave it.
    pub told: Option<String>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct UnallocatedFilter {
    /// Only of this kind.
    #[param(inline)]
    pub kind: Option<Unallocated>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/unallocated`
pub async fn list(
    guard: Guard<need::TreasuryRead, MutualScope>,
    query: Query<UnallocatedFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let only = filter.kind;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("unallocated {only:?}"))?;
    let page: Page<UnallocatedView> = guard
        .read(move |r, scope| {
            let after: Option<(Unallocated, Uuid)> = ask.after_two()?;
            let wanted = usize::try_from(ask.fetch()).unwrap_or(usize::MAX);
            let mut found = Vec::new();
            for kind in Unallocated::ALL.iter().copied().filter(|kind| only.is_none_or(|only| only == *kind)) {
                if after.is_some_and(|(last, _)| kind < last) || found.len() >= wanted {
                    continue;
                }
                let after = after.filter(|(last, _)| *last == kind).map(|(_, id)| id);
                found.extend(of_kind(r, scope, kind, after, wanted - found.len())?);
            }
            Ok(ask.page(found, |row| vec![row.kind.to_string(), row.id.to_string()], |row| row))
        })
        .await?;
    guard.note("payment", page.items.iter().map(|row| row.id), None).await?;
    Ok(shown(&page))
}

fn of_kind(
    r: &mut Read,
    scope: &MutualScope,
    kind: Unallocated,
    after: Option<Uuid>,
    wanted: usize,
) -> Result<Vec<UnallocatedView>> {
    let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
    let currency = scope.currency().code();
    let view = |id, amount_minor, received_on, household_id, told| UnallocatedView {
        kind,
        id,
        amount_minor,
        currency: currency.to_owned(),
        received_on,
        household_id,
        told,
    };
    match kind {
        Unallocated::Credit => Ok(lists::credits(r, scope, after.map(Key::new), limit)?
            .into_iter()
            .map(|(row, credit)| view(row.id.uuid(), credit, row.received_on, Some(row.household_id), None))
            .collect()),
        Unallocated::Collection => Ok(store::list_collections(r, scope.mutual(), true, after.map(Key::new), limit)?
            .into_iter()
            .map(|row| view(row.id.uuid(), row.amount_minor, row.received_on, None, Some(row.payer)))
            .collect()),
        Unallocated::Mobile => {
            let mut found = Vec::new();
            let mut after: Option<MobileEventId> = after.map(Key::new);
            loop {
                let events = store::list_odd_events(r, scope.mutual(), after, 200)?;
                let waits = mobile::waiting(r, scope.mutual(), &events)?;
                after = events.last().map(|event| event.id);
                let is_last = events.len() < 200;
                for (event, (waits, _)) in events.into_iter().zip(waits) {
                    if let (Waits::Money, Some(amount)) = (waits, event.amount_minor) {
                        let told = Some(event.account_ref);
                        found.push(view(event.id.uuid(), amount, event.received_on, None, told));
                    }
                }
                if is_last || found.len() >= wanted {
                    break;
                }
            }
            found.truncate(wanted);
            Ok(found)
        }
    }
}
