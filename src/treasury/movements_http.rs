//! `/mutuals/{m}/movements`, `/money-settings`: shapes and handlers.
use super::model::{MoneySettings, Movement, MovementReversal, Place};
use super::movements::{self, NewMovement};
use super::store;
use crate::access::approvals::ask_for;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::contributions::http::must_be_own;
use crate::db::Read;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::MovementKind;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, found, made, must_match, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A movement of money that concerns no household's dues.
#[derive(Serialize, ToSchema)]
pub struct MovementView {
    pub id: MovementId,
    pub kind: MovementKind,
    pub amount_minor: i64,
    pub currency: String,
    /// Where it came from or went to.
    pub holding: Place,
    pub cash_desk_id: Option<CashDeskId>,
    pub collector_id: Option<UserId>,
    pub category: Option<String>,
    pub description: String,
    pub counterparty: Option<String>,
    pub reference: Option<String>,
    pub moved_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    /// Null while it stands.
    pub reversed_on: Option<NaiveDate>,
    pub reversal_reason: Option<String>,
}

fn view((row, reversal): (Movement, Option<MovementReversal>)) -> MovementView {
    MovementView {
        id: row.id,
        kind: row.kind,
        amount_minor: row.amount_minor,
        currency: row.currency,
        holding: row.holding,
        cash_desk_id: row.cash_desk_id,
        collector_id: row.collector_id,
        category: row.category,
        description: row.description,
        counterparty: row.counterparty,
        reference: row.reference,
        moved_on: row.moved_on,
        recorded_at: row.recorded_at.and_utc(),
        reversed_on: reversal.as_ref().map(|row| row.reversed_on),
        reversal_reason: reversal.map(|row| row.reason),
    }
}

/// Which movements.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct MovementFilter {
    /// Only of this kind.
    #[param(inline)]
    pub kind: Option<MovementKind>,
    /// From this day on.
    pub from: Option<NaiveDate>,
    /// Until this day.
    pub to: Option<NaiveDate>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/movements`
pub async fn list(guard: Guard<need::TreasuryRead, MutualScope>, query: Query<MovementFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let between = (filter.from.unwrap_or(NaiveDate::MIN), filter.to.unwrap_or(NaiveDate::MAX));
    let between = crate::dates::bounded(between);
    let kind = filter.kind;
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("movements {kind:?} {between:?}"))?;
    let page: Page<MovementView> = guard
        .read(move |r, scope| {
            let rows = store::list_movements(r, scope.mutual(), kind, between, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |(row, _)| vec![row.id.to_string()], view))
        })
        .await?;
    Ok(shown(&page))
}

fn show(r: &mut Read, scope: &MutualScope, id: MovementId) -> Result<MovementView> {
    Ok(view(store::find_movement(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?))
}

/// `GET /mutuals/{m}/movements/{id}`
pub async fn get(
    guard: Guard<need::TreasuryRead, MutualScope>,
    path: Ids<(OrganisationId, MovementId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    Ok(found(1, &guard.read(move |r, scope| show(r, scope, id)).await?))
}

/// A movement to be recorded.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordMovement {
    /// Made by the client; it or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// `deposit` and `withdrawal` are between a desk and the bank, `payout` from the operator to the bank.
    #[garde(skip)]
    pub kind: MovementKind,
    /// Minor units, above zero.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: i64,
    /// The mutual's.
    #[garde(length(chars, min = 3, max = 3))]
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Where it comes from or goes to: `cash` of a deposit and a withdrawal, `mobile` of a payout.
    #[garde(skip)]
    pub holding: Place,
    /// Where it is cash; the mutual's first desk where it is left out.
    #[garde(skip)]
    pub cash_desk_id: Option<CashDeskId>,
    /// Of a commission and of a repaid debt.
    #[garde(skip)]
    pub collector_id: Option<UserId>,
    /// Of an expense: rent, salaries, transport…
    #[garde(inner(length(chars, min = 1, max = 60)))]
    #[schema(min_length = 1, max_length = 60)]
    pub category: Option<String>,
    #[garde(length(chars, min = 1, max = 300), custom(crate::web::not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub description: String,
    /// Who was paid or who paid.
    #[garde(inner(length(chars, min = 1, max = 120)))]
    #[schema(min_length = 1, max_length = 120)]
    pub counterparty: Option<String>,
    /// The number of the invoice, of the bank's slip…
    #[garde(inner(length(chars, min = 1, max = 120)))]
    #[schema(min_length = 1, max_length = 120)]
    pub reference: Option<String>,
    /// Not after today.
    #[garde(skip)]
    pub moved_on: NaiveDate,
}

/// A movement that was recorded, or the approval for which it waits.
#[derive(Serialize, ToSchema)]
pub struct RecordedView {
    /// Null where it waits for a second person.
    pub movement: Option<MovementView>,
    /// Where it waits: to be approved or refused by somebody else under `/approvals/{id}`.
    pub approval_id: Option<ApprovalId>,
}

/// `POST /mutuals/{m}/movements`
pub async fn record(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    body: Body<RecordMovement>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let collectors = guard.collectors();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                must_be_own(scope, &asked.currency)?;
                let new = NewMovement {
                    kind: asked.kind,
                    amount_minor: asked.amount_minor,
                    holding: asked.holding,
                    cash_desk_id: asked.cash_desk_id,
                    collector_id: asked.collector_id,
                    category: asked.category.clone(),
                    description: asked.description.clone(),
                    counterparty: asked.counterparty.clone(),
                    reference: asked.reference.clone(),
                    moved_on: asked.moved_on,
                };
                movements::record(w, scope, order, &new, &collectors).map(|_| ())
            },
            |r, scope, order| {
                let id = order.id.uuid();
                let movement = store::find_movement(r, scope.mutual(), Key::new(id))?.map(view);
                let approval_id = movement.is_none().then_some(Key::new(id));
                Ok(RecordedView { movement, approval_id })
            },
        )
        .await?;
    let mutual = guard.scope.mutual();
    let location = match (&view.movement, view.approval_id) {
        (Some(movement), _) => format!("/api/v1/mutuals/{mutual}/movements/{}", movement.id),
        (None, approval) => {
            format!("/api/v1/mutuals/{mutual}/approvals/{}", approval.map(|id| id.to_string()).unwrap_or_default())
        }
    };
    Ok(made(replayed, &location, None, &view))
}

/// Why a movement is to be reversed.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseMovement {
    /// The approval's id; made by the client. It or an `Idempotency-Key` is needed.
    #[garde(skip)]
    pub id: Option<Uuid>,
    #[garde(length(chars, min = 1, max = 300))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/movements/{id}/reversal`
pub async fn reverse(
    guard: Guard<need::TreasuryWrite, MutualScope>,
    path: Ids<(OrganisationId, MovementId)>,
    body: Body<ReverseMovement>,
) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let (id, asked) = (path.0.1, body.value);
    ask_for(&guard, order, move |w, scope, order| movements::request_reversal(w, scope, order, id, &asked.reason)).await
}

/// What a mutual has decided about its money.
#[derive(Serialize, ToSchema)]
pub struct MoneySettingsView {
    /// Minor units: up to this amount an expense needs no second person.
    pub expense_limit_minor: i64,
    /// Basis points of each contribution receipt of a collector.
    pub commission_bp: i32,
    pub currency: String,
    pub version: i64,
}

fn settings_view(row: &MoneySettings, scope: &MutualScope) -> MoneySettingsView {
    MoneySettingsView {
        expense_limit_minor: row.expense_limit_minor,
        commission_bp: row.commission_bp,
        currency: scope.currency().code().to_owned(),
        version: row.version,
    }
}

/// `GET /mutuals/{m}/money-settings`
pub async fn settings(guard: Guard<need::TreasuryRead, MutualScope>) -> Result<HttpResponse> {
    let view = guard.read(|r, scope| Ok(settings_view(&store::settings(r, scope.mutual())?, scope))).await?;
    Ok(found(view.version, &view))
}

/// What of the settings changes.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMoneySettings {
    /// Minor units.
    #[garde(range(min = 0, max = 9_007_199_254_740_991))]
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub expense_limit_minor: Option<i64>,
    /// Basis points.
    #[garde(range(min = 0, max = 10_000))]
    #[schema(minimum = 0, maximum = 10000)]
    pub commission_bp: Option<i32>,
}

/// `PATCH /mutuals/{m}/money-settings`
pub async fn change_settings(
    guard: Guard<need::MoneySettings, MutualScope>,
    body: Body<ChangeMoneySettings>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let if_match = guard.facts.if_match.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| {
                let known = store::settings(w, scope.mutual())?;
                must_match(if_match.as_deref(), known.version)?;
                let row = MoneySettings {
                    expense_limit_minor: asked.expense_limit_minor.unwrap_or(known.expense_limit_minor),
                    commission_bp: asked.commission_bp.unwrap_or(known.commission_bp),
                    ..known.clone()
                };
                if !store::set_settings(w, &row)? {
                    return Err(Code::VersionMismatch.into());
                }
                w.changed("money_settings", row.id.uuid(), None, None);
                w.field(
                    "expense_limit_minor",
                    Some(json!(known.expense_limit_minor)),
                    Some(json!(row.expense_limit_minor)),
                );
                w.field("commission_bp", Some(json!(known.commission_bp)), Some(json!(row.commission_bp)));
                w.mark(scope.today());
                Ok(())
            },
            |r, scope, _| Ok(settings_view(&store::settings(r, scope.mutual())?, scope)),
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}
