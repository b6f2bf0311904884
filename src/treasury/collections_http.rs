//! `/mutuals/{m}/group-collections`: shapes and handlers.
use super::collections::{self, Line, MOST, NewCollection};
use super::model::GroupCollection;
use super::rules::ListResult;
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::contributions::http::must_be_own;
use crate::contributions::model::Method;
use crate::db::Read;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A line of a list.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListLine {
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40)]
    pub household_number: String,
    /// Minor units, above zero.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: i64,
}

fn lines(list: &[ListLine]) -> Vec<Line> {
    let line =
        |line: &ListLine| Line { household_number: line.household_number.clone(), amount_minor: line.amount_minor };
    list.iter().map(line).collect()
}

/// A line of a list with what came of it.
#[derive(Serialize, ToSchema)]
pub struct CollectionLineView {
    pub household_id: HouseholdId,
    pub household_number: String,
    pub amount_minor: i64,
    /// Null while the list does not agree with the transfer.
    pub payment_id: Option<PaymentId>,
}

/// One transfer for many households, with its list.
#[derive(Serialize, ToSchema)]
pub struct CollectionView {
    pub id: GroupCollectionId,
    pub group_id: Option<GroupId>,
    pub payer: String,
    pub method: Method,
    /// What was transferred.
    pub amount_minor: i64,
    pub currency: String,
    pub received_on: NaiveDate,
    pub reference: Option<String>,
    pub list_total_minor: i64,
    /// Transferred less the list's total.
    pub difference_minor: i64,
    pub result: ListResult,
    pub allocated_on: Option<NaiveDate>,
    /// Which list it is, from 1.
    pub list_version: i32,
    pub list: Vec<CollectionLineView>,
    pub version: i64,
}

fn view(r: &mut Read, row: GroupCollection) -> Result<CollectionView> {
    let items = store::list_collection_items(r, &row)?;
    let list_total_minor: i64 = items.iter().map(|(item, _)| item.amount_minor).sum();
    Ok(CollectionView {
        id: row.id,
        group_id: row.group_id,
        payer: row.payer,
        method: row.method,
        amount_minor: row.amount_minor,
        currency: row.currency,
        received_on: row.received_on,
        reference: row.reference,
        list_total_minor,
        difference_minor: row.amount_minor - list_total_minor,
        result: match row.allocated_on {
            Some(_) => ListResult::Allocated,
            None => ListResult::PendingListCorrection,
        },
        allocated_on: row.allocated_on,
        list_version: row.list_version,
        list: items
            .into_iter()
            .map(|(item, household_number)| CollectionLineView {
                household_id: item.household_id,
                household_number,
                amount_minor: item.amount_minor,
                payment_id: item.payment_id,
            })
            .collect(),
        version: row.version,
    })
}

fn show(r: &mut Read, scope: &MutualScope, id: GroupCollectionId) -> Result<CollectionView> {
    let row = store::find_collection(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    view(r, row)
}

/// Which collections.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CollectionFilter {
    /// True: only those whose list does not agree yet.
    pub pending: Option<bool>,
    /// Rows, 1 to 50: each comes with its list.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/group-collections`
pub async fn list(
    guard: Guard<need::TreasuryRead, MutualScope>,
    query: Query<CollectionFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let pending = filter.pending.unwrap_or(false);
    if filter.limit.is_some_and(|limit| limit > 50) {
        return Err(Problem::field("limit", "out_of_bounds", "from 1 to 50").into());
    }
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("collections {pending}"))?;
    let page: Page<CollectionView> = guard
        .read(move |r, scope| {
            let rows = store::list_collections(r, scope.mutual(), pending, ask.after_one()?, ask.fetch())?;
            let page = ask.page(rows, |row| vec![row.id.to_string()], |row| row);
            let mut items = Vec::with_capacity(page.items.len());
            for row in page.items {
                items.push(view(r, row)?);
            }
            Ok(Page { items, next_cursor: page.next_cursor })
        })
        .await?;
    guard.note("group_collection", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/group-collections/{id}`
pub async fn get(
    guard: Guard<need::TreasuryRead, MutualScope>,
    path: Ids<(OrganisationId, GroupCollectionId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show(r, scope, id)).await?;
    guard.note("group_collection", [id.uuid()], None).await?;
    Ok(found(view.version, &view))
}

/// A transfer with its list.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordCollection {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<GroupCollectionId>,
    /// A group of the register, where it is one.
    #[garde(skip)]
    pub group_id: Option<GroupId>,
    /// Who transferred it: an employer, a cooperative, a school.
    #[garde(length(chars, min = 1, max = 120), custom(crate::web::not_blank))]
    #[schema(min_length = 1, max_length = 120)]
    pub payer: String,
    #[garde(skip)]
    pub method: Method,
    /// Where it is cash; the mutual's first desk where it is left out. Receipts are its.
    #[garde(skip)]
    pub cash_desk_id: Option<CashDeskId>,
    /// Minor units transferred, above zero.
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
    /// One line per household.
    #[garde(length(min = 1, max = MOST), dive)]
    #[schema(min_items = 1, max_items = 500)]
    pub list: Vec<ListLine>,
}

/// `POST /mutuals/{m}/group-collections`
pub async fn record(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    body: Body<RecordCollection>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                must_be_own(scope, &asked.currency)?;
                if asked.method != Method::Cash && asked.cash_desk_id.is_some() {
                    return Err(Problem::field("/cash_desk_id", "not_here", "only cash comes to a desk").into());
                }
                let new = NewCollection {
                    group: asked.group_id,
                    payer: asked.payer.clone(),
                    method: asked.method,
                    desk: asked.cash_desk_id,
                    amount_minor: asked.amount_minor,
                    received_on: asked.received_on,
                    reference: asked.reference.clone(),
                    list: lines(&asked.list),
                };
                collections::record(w, scope, order, &new)
            },
            |r, scope, order| show(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/group-collections/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// Another list.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectList {
    /// One line per household.
    #[garde(length(min = 1, max = MOST), dive)]
    #[schema(min_items = 1, max_items = 500)]
    pub list: Vec<ListLine>,
}

/// `PUT /mutuals/{m}/group-collections/{id}/list`
pub async fn correct(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, GroupCollectionId)>,
    body: Body<CorrectList>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let (id, asked) = (path.0.1, body.value);
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| collections::correct(w, scope, order, id, if_match.as_deref(), &lines(&asked.list)),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}
