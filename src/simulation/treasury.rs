//! The simulated treasurer: at the month's end collectors hand over what they hold, an expense is paid, cash goes to the bank and
//! the desk is counted; now and then something was entered twice, a float is short, the operator's statement is read.
use super::Dice;
use super::tree::{Mutual, Tree, order};
use crate::access::approvals;
use crate::access::picture::Picture;
use crate::access::scopes::{MutualScope, SystemScope};
use crate::app::HOOKS;
use crate::audit::frame::{Order, command};
use crate::audit::model::Purpose;
use crate::contributions::{desks, reversals, store as money};
use crate::db::{Db, Wall, Write};
use crate::error::{Error, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::ledger::rules::{MAIN, MovementKind};
use crate::ledger::store as ledger;
use crate::treasury::collectors::{self, float_of};
use crate::treasury::mobile::{self, Telling};
use crate::treasury::model::{Channel, Place};
use crate::treasury::movements::{self, NewMovement};

/// Gives an order of a user for the mutual's money.
fn give(
    db: &Db,
    scope: &MutualScope,
    user: UserId,
    mut body: impl FnMut(&mut Write, &Order) -> Result<()>,
) -> Result<CommandId> {
    let order = order(db, scope, user, Purpose::Collection);
    command(db, &HOOKS, &order, |w| body(w, &order))?;
    Ok(order.id)
}

fn approve(db: &Db, scope: &MutualScope, mutual: &Mutual, asked: CommandId) -> Result<()> {
    let (id, tag): (ApprovalId, String) = (Key::new(asked.uuid()), crate::web::etag(1));
    give(db, scope, mutual.admin, |w, order| approvals::decide(w, &HOOKS, scope, order, id, Some(&tag), None))?;
    Ok(())
}

/// A mutual's month end.
///
/// # Errors
/// The database's.
pub fn month_end(db: &Db, picture: &Picture, tree: &Tree, mutual: usize, dice: &mut Dice) -> Result<()> {
    let Some(mutual) = tree.mutuals.get(mutual) else { return Ok(()) };
    let scope = &SystemScope::of_the_terminal().mutual(picture, db.clock(), mutual.id)?;
    for agent in &mutual.agents {
        hand_over(db, scope, mutual, *agent, dice)?;
    }
    if dice.percent(60) {
        take_back(db, scope, mutual, dice)?;
    }
    statement(db, scope, mutual, dice)?;
    let expense = NewMovement {
        kind: MovementKind::Expense,
        amount_minor: 1_000 + 250 * i64::try_from(dice.below(20)).unwrap_or(0),
        holding: Place::Bank,
        cash_desk_id: None,
        collector_id: None,
        category: Some("office".into()),
        description: "Paper, telephone and transport".into(),
        counterparty: None,
        reference: None,
        moved_on: scope.today(),
    };
    let asked =
        give(db, scope, mutual.treasurer, |w, order| movements::record(w, scope, order, &expense, &[]).map(|_| ()))?;
    // One in five still waits for the second person.
    if !dice.percent(20) {
        approve(db, scope, mutual, asked)?;
    }
    close(db, scope, mutual, dice)
}

fn balance(db: &Db, scope: &MutualScope, code: &str) -> Result<i64> {
    db.read(Wall::mutual(scope.mutual()), |r| Ok(ledger::balance(r, scope.mutual(), MAIN, code)?))
}

/// A collector hands over what he holds; one time in eight a little is missing.
fn hand_over(db: &Db, scope: &MutualScope, mutual: &Mutual, agent: UserId, dice: &mut Dice) -> Result<()> {
    let held = balance(db, scope, &float_of(agent))?;
    // Some keep what they took in the last days.
    if held <= 0 || dice.percent(15) {
        return Ok(());
    }
    let id = give(db, scope, agent, |w, order| collectors::submit(w, scope, order, agent, held))?;
    let (id, tag): (RemittanceId, String) = (Key::new(id.uuid()), crate::web::etag(1));
    let missing = if dice.percent(12) { held.min(500) } else { 0 };
    let note = (missing > 0).then_some("a note is missing");
    give(db, scope, mutual.treasurer, |w, order| {
        collectors::count(w, scope, order, id, Some(&tag), None, held - missing, note)
    })?;
    Ok(())
}

/// A payment of the month was entered twice: the second is reversed.
fn take_back(db: &Db, scope: &MutualScope, mutual: &Mutual, dice: &mut Dice) -> Result<()> {
    let found = db.read(Wall::mutual(scope.mutual()), |r| {
        let rows = money::list_payments(r, scope, None, None, 50)?;
        let mut open = Vec::new();
        for (payment, _) in rows {
            if payment.cash_desk_id.is_some() && money::find_reversal_of(r, scope.mutual(), payment.id)?.is_none() {
                open.push(payment);
            }
        }
        Ok::<_, Error>(open)
    })?;
    let at = usize::try_from(dice.below(50)).unwrap_or(0) % found.len().max(1);
    let Some(payment) = found.get(at) else { return Ok(()) };
    let asked = give(db, scope, mutual.treasurer, |w, order| {
        reversals::request_reversal(w, scope, order, payment.id, "entered twice")
    })?;
    approve(db, scope, mutual, asked)
}

/// The operator's statement: a payment that names its household, now and then one that names nobody.
fn statement(db: &Db, scope: &MutualScope, mutual: &Mutual, dice: &mut Dice) -> Result<()> {
    let homes =
        db.read(Wall::mutual(scope.mutual()), |r| Ok::<_, Error>(households::list(r, scope, None, None, 50)?))?;
    let at = usize::try_from(dice.below(50)).unwrap_or(0) % homes.len().max(1);
    let Some(home) = homes.get(at) else { return Ok(()) };
    let month = scope.today().format("%y%m").to_string();
    let telling = |number: u32, account_ref: &str| Telling {
        provider: "MOBILE".into(),
        provider_txn_id: format!("M{month}.{number}"),
        amount: "1000".into(),
        currency: scope.currency().code().to_owned(),
        account_ref: account_ref.to_owned(),
        received_on: scope.today(),
        raw: String::new(),
    };
    let mut tellings = vec![telling(1, &home.number)];
    if dice.percent(40) {
        tellings.push(telling(2, "?"));
    }
    give(db, scope, mutual.treasurer, |w, order| {
        mobile::take(w, scope, order, Channel::Statement, &tellings).map(|_| ())
    })?;
    Ok(())
}

/// Cash goes to the bank but for some change, and the desk is counted; once in a while something is missing.
fn close(db: &Db, scope: &MutualScope, mutual: &Mutual, dice: &mut Dice) -> Result<()> {
    let there = balance(db, scope, "cash")?;
    let deposit = (there - 20_000).max(0) / 1_000 * 1_000;
    if deposit > 0 {
        let new = NewMovement {
            kind: MovementKind::Deposit,
            amount_minor: deposit,
            holding: Place::Cash,
            cash_desk_id: None,
            collector_id: None,
            category: None,
            description: "To the bank".into(),
            counterparty: None,
            reference: None,
            moved_on: scope.today(),
        };
        give(db, scope, mutual.treasurer, |w, order| movements::record(w, scope, order, &new, &[]).map(|_| ()))?;
    }
    let missing = if dice.percent(10) { 100 } else { 0 };
    let counted = (there - deposit - missing).max(0);
    let note = (counted != there - deposit).then_some("counted twice, it stays so");
    let desk = db.read(Wall::mutual(scope.mutual()), |r| desks::first(r, scope.mutual()))?.id;
    give(db, scope, mutual.treasurer, |w, order| desks::close(w, scope, order, desk, counted, note).map(|_| ()))?;
    Ok(())
}
