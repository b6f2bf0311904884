//! Dues that are owed no more: waived, with another payer or none, or written off. A second person approves.
use super::model::*;
use super::position::Position;
use super::reversals::told;
use super::service::{HOUSEHOLD, Locked};
use super::store;
use crate::access::approvals::{self, Kind};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Execution, Order};
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A waiver or a write-off, as it waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReliefRequest {
    /// Of which due.
    pub due_id: DueId,
    /// Whose household it is, for who decides.
    pub household_id: HouseholdId,
    /// What was open when it was asked for, or the part of it that was asked for.
    pub amount_minor: i64,
    /// Who owes it instead; nobody where this is absent.
    pub payer: Option<String>,
    /// Why.
    pub reason: String,
}

/// Asks for the waiver or the write-off of what is open of a due.
///
/// # Errors
/// `not_found`, `nothing_open` where nothing is open, `amount_refused` where less is open than asked for.
#[allow(clippy::too_many_arguments, reason = "the parts of one request")]
pub fn request(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    kind: CancellationKind,
    due: DueId,
    amount_minor: Option<i64>,
    payer: Option<&str>,
    reason: &str,
) -> Result<()> {
    let row = store::find_due(w, scope.mutual(), due)?.ok_or(Problem::of(Code::NotFound))?;
    households::find(w, scope, row.household_id)?.ok_or(Problem::of(Code::NotFound))?;
    if payer == Some(HOUSEHOLD) {
        // Its credit would have to pay it at once; what a household owes is issued with its enrolment.
        let message = "another payer than the household";
        return Err(Problem::field("/payer", "unknown_value", message).into());
    }
    if payer == Some(row.payer.as_str()) {
        let message = "owes it already";
        return Err(Problem::field("/payer", "unknown_value", message).into());
    }
    let position = Position::load(w, scope.mutual(), row.household_id)?;
    let open = open_of(w, scope.mutual(), &position, &row)?;
    let amount_minor = match amount_minor {
        Some(part) if part < 1 || part > open => {
            let detail = format!("from 1 to what is open, {open} minor units");
            return Err(Problem::with(Code::AmountRefused, detail).at("/amount_minor").into());
        }
        part => part.unwrap_or(open),
    };
    let asked = ReliefRequest {
        due_id: due,
        household_id: row.household_id,
        amount_minor,
        payer: payer.map(str::to_owned),
        reason: reason.to_owned(),
    };
    let kind = if kind == CancellationKind::Waived { Kind::Waiver } else { Kind::WriteOff };
    approvals::request(w, scope.mutual(), order, kind, &json!(asked))?;
    w.names("due", due.uuid());
    w.mark(scope.today());
    Ok(())
}

/// What is open of a due; one of another payer that was invoiced is not relieved here.
fn open_of(w: &mut Write, mutual: MutualId, position: &Position, due: &Due) -> Result<i64> {
    if due.payer != HOUSEHOLD && !store::list_invoiced(w, mutual, &[due.id])?.is_empty() {
        let detail = "the due stands in an invoice to its payer";
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    match position.owed(due) - position.paid(due.id) {
        0 => Err(Code::NothingOpen.into()),
        open => Ok(open),
    }
}

/// Does what was approved.
///
/// # Errors
/// `nothing_open`, `amount_refused` where less is open by now.
pub fn relieve(w: &mut Write, execution: &Execution, kind: CancellationKind) -> Result<()> {
    let asked: ReliefRequest = execution.request()?;
    let revision = households::lock(w, execution.mutual, asked.household_id)?
        .ok_or_else(|| Error::Fault("a request names an unknown household".into()))?;
    let locked = Locked {
        mutual: execution.mutual,
        household: asked.household_id,
        revision,
        currency: execution.currency,
        today: execution.today,
        command: execution.command,
    };
    let position = Position::load(w, locked.mutual, locked.household)?;
    let due = position.dues.iter().find(|due| due.id == asked.due_id).cloned();
    let due = due.ok_or_else(|| Error::Fault("a request names an unknown due".into()))?;
    if due.payer != HOUSEHOLD {
        store::lock_invoicing(w, locked.mutual)?;
    }
    let open = open_of(w, locked.mutual, &position, &due)?;
    if asked.amount_minor > open {
        let detail = format!("{open} minor units are open by now");
        return Err(Problem::with(Code::AmountRefused, detail).into());
    }
    let payer_due = asked.payer.map(|payer| Due {
        id: w.new_id(),
        payer,
        due_on: locked.today.max(due.due_on),
        amount_minor: asked.amount_minor,
        issued_on: locked.today,
        recorded_at: w.now(),
        ..due.clone()
    });
    if let Some(row) = &payer_due {
        store::insert_dues(w, std::slice::from_ref(row))?;
        w.names("due", row.id.uuid());
    }
    let row = DueCancellation {
        mutual_id: locked.mutual,
        id: Key::new(execution.id.uuid()),
        due_id: due.id,
        household_id: locked.household,
        amount_minor: asked.amount_minor,
        cancelled_on: locked.today,
        recorded_at: w.now(),
        kind,
        reason: Some(asked.reason),
        payer_due_id: payer_due.map(|row| row.id),
    };
    store::insert_cancellations(w, &[row])?;
    w.mark(due.due_on);
    told(w, &locked, "due", due.id.uuid())
}
