//! Settlement: a treasurer asks, a second person approves, and in his transaction the claims are paid.
use super::model::Settlement;
use super::store;
use crate::access::approvals::{self, Kind};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Execution, Order};
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::{Creditor, Event};
use crate::ledger::service::{Posting, post};
use crate::money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Claims of one settlement at most.
const MOST: i64 = 5_000;

/// The whole request, as it waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Who is paid.
    pub provider_id: ProviderId,
    /// Which claims.
    pub claims: Vec<ClaimId>,
    /// The sum of what the mutual owes for them.
    pub amount_minor: i64,
}

/// Asks for the settlement of what is owed to a provider for claims decided on or before a day.
///
/// # Errors
/// `wrong_state` where nothing is owed.
pub fn request(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    provider: ProviderId,
    until: NaiveDate,
) -> Result<()> {
    let payable = store::list_payable(w, scope.mutual(), provider, until, MOST)?;
    if payable.is_empty() {
        return Err(Problem::with(Code::WrongState, "nothing decided by that day is to be paid").into());
    }
    let amount_minor = money::sum(payable.iter().map(|(_, amount)| *amount))
        .map_err(|_| Error::from(Problem::of(Code::AmountRefused)))?;
    let asked = Request { provider_id: provider, claims: payable.iter().map(|(id, _)| *id).collect(), amount_minor };
    approvals::request(w, scope.mutual(), order, Kind::Settlement, &serde_json::json!(asked))?;
    w.names("provider", provider.uuid());
    w.field("amount_minor", None, Some(serde_json::json!(amount_minor)));
    w.mark(scope.today());
    Ok(())
}

/// Does what was approved: the settlement with its transfer, the claims paid. The hook of approvals.
///
/// # Errors
/// `wrong_state` where a claim of the request is no longer to be paid.
pub fn execute(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: Request = serde_json::from_value(execution.request.clone())
        .map_err(|error| Error::Fault(format!("a stored request cannot be read: {error}")))?;
    let id: SettlementId = Key::new(execution.id.uuid());
    let row = Settlement {
        mutual_id: execution.mutual,
        id,
        provider_id: asked.provider_id,
        number_of_claims: i64::try_from(asked.claims.len()).unwrap_or(i64::MAX),
        amount_minor: asked.amount_minor,
        currency: execution.currency.code().to_owned(),
        paid_on: execution.today,
        recorded_at: w.now(),
    };
    store::insert_settlement(w, &row)?;
    let paid = store::set_paid(w, execution.mutual, &asked.claims, id)?;
    if paid != asked.claims.len() {
        let detail = "a claim of the request has been paid meanwhile; ask anew";
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let posting = Posting {
        event: Event::SettlementPaid { to: Creditor::Provider(asked.provider_id) },
        amount_minor: asked.amount_minor,
        payment: None,
        due: None,
        claim: None,
        settlement: Some(id),
        source: None,
        session: None,
        value_on: execution.today,
    };
    post(w, execution.mutual, execution.currency, execution.command, execution.today, &[posting])?;
    w.names("settlement", id.uuid());
    w.changed("settlement", id.uuid(), None, None);
    w.mark(execution.today);
    Ok(())
}
