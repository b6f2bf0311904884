//! Money that moves beside the dues of households: expenses, grants and other income, deposits and withdrawals, payouts of the
//! operator, a collector's commission and his debt. An expense above the mutual's limit needs a second person; a reversal
//! always does.
use super::model::*;
use super::store;
use crate::access::approvals::{self, Kind};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Execution, Order};
use crate::contributions::desks;
use crate::contributions::service::must_be_amount;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::{Event, Holding, MovementKind};
use crate::ledger::service::{Entry, Posting, mirror, post};
use crate::ledger::store as ledger;
use crate::money::Currency;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Gives a new mutual its settings.
///
/// # Errors
/// The database's.
pub fn begin(w: &mut Write, mutual: MutualId) -> Result<()> {
    let row = MoneySettings {
        mutual_id: mutual,
        id: Key::new(mutual.uuid()),
        expense_limit_minor: 0,
        commission_bp: 0,
        version: 1,
    };
    Ok(store::insert_settings(w, &row)?)
}

/// A movement to be recorded; the whole request where it waits for a second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewMovement {
    pub kind: MovementKind,
    pub amount_minor: i64,
    pub holding: Place,
    pub cash_desk_id: Option<CashDeskId>,
    pub collector_id: Option<UserId>,
    pub category: Option<String>,
    pub description: String,
    pub counterparty: Option<String>,
    pub reference: Option<String>,
    pub moved_on: NaiveDate,
}

/// Whose movement it is: what its rows have in common.
struct Act {
    mutual: MutualId,
    currency: Currency,
    command: CommandId,
    today: NaiveDate,
    by: Option<UserId>,
}

/// Records a movement, or asks a second person where it is an expense above the mutual's limit. True where it was recorded.
///
/// # Errors
/// `amount_refused`, `amount_too_large`, `future_date`, `not_enough_cash`, `not_found` for a desk or a collector, `invalid` for a field that
/// does not belong to the kind.
pub fn record(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    new: &NewMovement,
    collectors: &[UserId],
) -> Result<bool> {
    must_be_amount(new.amount_minor)?;
    if new.moved_on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/moved_on").into());
    }
    belongs(new)?;
    if new.collector_id.is_some_and(|collector| !collectors.contains(&collector)) {
        return Err(Problem::of(Code::NotFound).at("/collector_id").into());
    }
    let is_expense = matches!(new.kind, MovementKind::Expense | MovementKind::Commission);
    if is_expense && new.amount_minor > store::settings(w, scope.mutual())?.expense_limit_minor {
        approvals::request(w, scope.mutual(), order, Kind::Expense, &json!(new))?;
        w.mark(scope.today());
        return Ok(false);
    }
    let act = Act {
        mutual: scope.mutual(),
        currency: scope.currency(),
        command: order.id,
        today: scope.today(),
        by: order.asker.user,
    };
    write(w, &act, Key::new(order.id.uuid()), new)?;
    Ok(true)
}

/// Each kind has its places and its fields.
fn belongs(new: &NewMovement) -> Result<()> {
    use MovementKind as K;
    let places: &[Place] = match new.kind {
        K::Deposit | K::Withdrawal => &[Place::Cash],
        K::Payout => &[Place::Mobile],
        K::Expense | K::Commission | K::Grant | K::OtherIncome | K::DebtRepaid => {
            &[Place::Cash, Place::Bank, Place::Mobile]
        }
    };
    if !places.contains(&new.holding) {
        let message = format!("a {} is of {}", new.kind, places[0]);
        return Err(Problem::field("/holding", "unknown_value", message).into());
    }
    if new.holding != Place::Cash && new.cash_desk_id.is_some() {
        return Err(Problem::field("/cash_desk_id", "not_here", "only cash moves at a desk").into());
    }
    match (matches!(new.kind, K::Commission | K::DebtRepaid), new.collector_id) {
        (true, None) => Err(Problem::field("/collector_id", "missing", "which collector").into()),
        (false, Some(_)) => Err(Problem::field("/collector_id", "not_here", "no collector has to do with it").into()),
        _ => Ok(()),
    }
}

/// Does what a second person approved.
///
/// # Errors
/// `not_enough_cash` as it is now.
pub fn execute(w: &mut Write, execution: &Execution) -> Result<()> {
    let new: NewMovement = execution.request()?;
    let act = Act {
        mutual: execution.mutual,
        currency: execution.currency,
        command: execution.command,
        today: execution.today,
        by: Some(execution.requested_by),
    };
    write(w, &act, Key::new(execution.id.uuid()), &new)
}

fn write(w: &mut Write, act: &Act, id: MovementId, new: &NewMovement) -> Result<()> {
    let mut session = None;
    let mut desk = None;
    let holding = match new.holding {
        Place::Bank => Holding::Bank,
        Place::Mobile => Holding::Mobile,
        Place::Cash => {
            let first = match new.cash_desk_id {
                Some(desk) => desk,
                None => desks::first(w, act.mutual)?.id,
            };
            let till = desks::hold(w, act.mutual, first, act.today)?;
            if matches!(new.kind, MovementKind::Expense | MovementKind::Commission | MovementKind::Deposit) {
                desks::must_have(w, act.mutual, &till, new.amount_minor)?;
            }
            (session, desk) = (Some(till.session.id), Some(till.desk.id));
            till.holding()
        }
    };
    let row = Movement {
        mutual_id: act.mutual,
        id,
        kind: new.kind,
        amount_minor: new.amount_minor,
        currency: act.currency.code().to_owned(),
        holding: new.holding,
        cash_desk_id: desk,
        collector_id: new.collector_id,
        category: new.category.clone(),
        description: new.description.clone(),
        counterparty: new.counterparty.clone(),
        reference: new.reference.clone(),
        moved_on: new.moved_on,
        recorded_by: act.by,
        recorded_at: w.now(),
    };
    store::insert_movement(w, &row)?;
    let event = Event::Moved { kind: new.kind, holding, collector: new.collector_id };
    let posting = Posting { source: Some(id.uuid()), session, ..Posting::of(event, new.amount_minor, new.moved_on) };
    post(w, act.mutual, act.currency, act.command, act.today, &[posting])?;
    w.changed("movement", id.uuid(), None, None);
    w.field("kind", None, Some(json!(new.kind)));
    w.field("amount_minor", None, Some(json!(new.amount_minor)));
    w.mark(new.moved_on);
    Ok(())
}

/// The reversal of a movement, as it waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReversalRequest {
    pub movement_id: MovementId,
    pub kind: MovementKind,
    pub amount_minor: i64,
    pub reason: String,
}

/// Asks for the reversal of a movement.
///
/// # Errors
/// `not_found`, `already_reversed`.
pub fn request_reversal(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    movement: MovementId,
    reason: &str,
) -> Result<()> {
    let (row, reversal) = store::find_movement(w, scope.mutual(), movement)?.ok_or(Problem::of(Code::NotFound))?;
    if reversal.is_some() {
        return Err(Code::AlreadyReversed.into());
    }
    let asked = ReversalRequest {
        movement_id: movement,
        kind: row.kind,
        amount_minor: row.amount_minor,
        reason: reason.to_owned(),
    };
    approvals::request(w, scope.mutual(), order, Kind::MovementReversal, &json!(asked))?;
    w.names("movement", movement.uuid());
    w.mark(scope.today());
    Ok(())
}

/// Reverses a movement: the mirror of its transfers.
///
/// # Errors
/// `already_reversed` where that happened since it was asked for.
pub fn reverse(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: ReversalRequest = execution.request()?;
    let id: MovementReversalId = Key::new(execution.id.uuid());
    let found = store::find_movement(w, execution.mutual, asked.movement_id)?;
    let (movement, _) = found.ok_or_else(|| Error::Fault("a request names an unknown movement".into()))?;
    let session = match movement.cash_desk_id {
        Some(desk) => Some(desks::hold(w, execution.mutual, desk, execution.today)?.session.id),
        None => None,
    };
    let row = MovementReversal {
        mutual_id: execution.mutual,
        id,
        movement_id: movement.id,
        reason: asked.reason,
        reversed_on: execution.today,
        recorded_by: Some(execution.requested_by),
        recorded_at: w.now(),
    };
    if !store::insert_movement_reversal(w, &row)? {
        return Err(Code::AlreadyReversed.into());
    }
    let originals = ledger::list_transfers_from(w, execution.mutual, Key::new(movement.id.uuid()))?;
    let entry = Entry {
        mutual: execution.mutual,
        currency: execution.currency,
        command: execution.command,
        posted_on: execution.today,
    };
    mirror(w, entry, &originals, id.uuid(), session, execution.today)?;
    w.changed("movement", movement.id.uuid(), None, None);
    w.field("amount_minor", None, Some(json!(movement.amount_minor)));
    w.mark(movement.moved_on);
    Ok(())
}
