//! Cash desks: each has an account of its own and is counted in sessions. A command that moves a desk's cash holds the desk,
//! so that a session's movements are exactly those between two counts.
use super::model::*;
use super::service::must_be_at_least;
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::db::{Read, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::{Event, Holding, MAIN};
use crate::ledger::service::{Posting, post};
use crate::ledger::store as ledger;
use chrono::NaiveDate;
use serde_json::json;

/// A desk that the command holds, and the session in which it stands.
#[derive(Debug, Clone)]
pub struct Till {
    /// The desk.
    pub desk: CashDesk,
    /// Its open session.
    pub session: CashSession,
}

impl Till {
    /// Its cash.
    pub fn holding(&self) -> Holding {
        self.desk.holding()
    }
}

/// Gives a new mutual its cash desk.
///
/// # Errors
/// The database's.
pub fn open_desk(w: &mut Write, mutual: MutualId) -> Result<()> {
    let row = CashDesk {
        mutual_id: mutual,
        id: w.new_id(),
        code: "C1".into(),
        name: "Cash desk".into(),
        version: 1,
        account: "cash".into(),
        revision: 0,
    };
    store::insert_desk(w, &row)?;
    Ok(())
}

/// One more desk, with an account and a receipt series of its own.
///
/// # Errors
/// `number_taken`.
pub fn add(w: &mut Write, scope: &MutualScope, order: &Order, code: &str, name: &str) -> Result<()> {
    let id: CashDeskId = Key::new(order.id.uuid());
    let row = CashDesk {
        mutual_id: scope.mutual(),
        id,
        code: code.to_owned(),
        name: name.to_owned(),
        version: 1,
        account: format!("cash:{id}"),
        revision: 0,
    };
    if !store::insert_desk(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    w.changed("cash_desk", id.uuid(), None, None);
    w.field("code", None, Some(json!(code)));
    w.mark(scope.today());
    Ok(())
}

/// The mutual's first desk, whose account is `cash`.
///
/// # Errors
/// A fault where there is none.
pub fn first(r: &mut Read, mutual: MutualId) -> Result<CashDesk> {
    let desks = store::list_desks(r, mutual)?;
    let found = desks.into_iter().find(|desk| desk.holding() == Holding::Cash);
    found.ok_or_else(|| Error::Fault("the mutual has no cash desk".into()))
}

/// Takes a desk's lock. The session that was closed last is followed by the next with the first movement.
///
/// # Errors
/// `not_found` naming the field.
pub fn hold(w: &mut Write, mutual: MutualId, desk: CashDeskId, today: NaiveDate) -> Result<Till> {
    hold_as(w, mutual, desk, today, None).map(|(till, _)| till)
}

/// As [`hold`]; says too whether the session was opened just now.
fn hold_as(
    w: &mut Write,
    mutual: MutualId,
    desk: CashDeskId,
    today: NaiveDate,
    by: Option<UserId>,
) -> Result<(Till, bool)> {
    if !store::lock_desk(w, mutual, desk)? {
        return Err(Problem::of(Code::NotFound).at("/cash_desk_id").into());
    }
    let desk = store::find_desk(w, mutual, desk)?.ok_or_else(|| Error::Fault("a locked desk is gone".into()))?;
    let last = store::last_session(w, mutual, desk.id)?;
    if let Some(session) = last.clone().filter(|session| session.closed_at.is_none()) {
        return Ok((Till { desk, session }, false));
    }
    let opening_minor = ledger::balance(w, mutual, MAIN, &desk.account)?;
    let session = CashSession {
        mutual_id: mutual,
        id: w.new_id(),
        cash_desk_id: desk.id,
        number: last.map_or(0, |session| session.number) + 1,
        opened_on: today,
        opened_by: by,
        opened_at: w.now(),
        opening_minor,
        closed_on: None,
        closed_by: None,
        closed_at: None,
        expected_minor: None,
        counted_minor: None,
        note: None,
    };
    store::insert_session(w, &session)?;
    Ok((Till { desk, session }, true))
}

/// Refuses to take out of a desk what is not in it.
///
/// # Errors
/// `not_enough_cash`.
pub fn must_have(w: &mut Write, mutual: MutualId, till: &Till, amount_minor: i64) -> Result<()> {
    let there = ledger::balance(w, mutual, MAIN, &till.desk.account)?;
    if there >= amount_minor {
        return Ok(());
    }
    let detail = format!("the desk {} has {there} minor units", till.desk.code);
    Err(Problem::with(Code::NotEnoughCash, detail).at("/amount_minor").into())
}

/// Somebody begins at a desk and says what he counts there.
///
/// # Errors
/// `wrong_state` where its session is open; `invalid` where a difference has no note.
pub fn open(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    desk: CashDeskId,
    counted_minor: i64,
    note: Option<&str>,
) -> Result<CashSessionId> {
    let (till, is_new) = hold_as(w, scope.mutual(), desk, scope.today(), order.asker.user)?;
    if !is_new {
        return Err(Problem::with(Code::WrongState, "the desk is open; close it first").into());
    }
    let expected = till.session.opening_minor;
    post_difference(w, scope, order, &till, expected, counted_minor, note)?;
    tell(w, scope, &till, "opened", (expected, counted_minor), note);
    Ok(till.session.id)
}

/// A desk is counted and closed. What is missing or too much is posted, so that the books have what is there.
///
/// # Errors
/// `invalid` where a difference has no note.
pub fn close(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    desk: CashDeskId,
    counted_minor: i64,
    note: Option<&str>,
) -> Result<CashSessionId> {
    let till = hold(w, scope.mutual(), desk, scope.today())?;
    let expected = ledger::balance(w, scope.mutual(), MAIN, &till.desk.account)?;
    post_difference(w, scope, order, &till, expected, counted_minor, note)?;
    let closed = CashSession {
        closed_on: Some(scope.today()),
        closed_by: order.asker.user,
        closed_at: Some(w.now()),
        expected_minor: Some(expected),
        counted_minor: Some(counted_minor),
        note: note.map(str::to_owned),
        ..till.session.clone()
    };
    store::close_session(w, &closed)?;
    tell(w, scope, &till, "closed", (expected, counted_minor), note);
    Ok(till.session.id)
}

fn tell(
    w: &mut Write,
    scope: &MutualScope,
    till: &Till,
    what: &str,
    (expected, counted): (i64, i64),
    note: Option<&str>,
) {
    w.changed("cash_session", till.session.id.uuid(), None, None);
    w.names("cash_desk", till.desk.id.uuid());
    w.field("step", None, Some(json!(what)));
    w.field("expected_minor", None, Some(json!(expected)));
    w.field("counted_minor", None, Some(json!(counted)));
    w.field("note", None, note.map(|note| json!(note)));
    w.mark(scope.today());
}

fn post_difference(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    till: &Till,
    expected: i64,
    counted: i64,
    note: Option<&str>,
) -> Result<()> {
    must_be_at_least(0, counted, "/counted_minor")?;
    let difference = counted - expected;
    if difference == 0 {
        return Ok(());
    }
    if note.is_none() {
        let message = format!("{counted} counted and {expected} expected: say why");
        return Err(Problem::field("/note", "missing", message).into());
    }
    let event = Event::CashDifference { at: till.holding(), missing: difference < 0 };
    let posting = Posting {
        source: Some(till.session.id.uuid()),
        session: Some(till.session.id),
        ..Posting::of(event, difference.abs(), scope.today())
    };
    post(w, scope.mutual(), scope.currency(), order.id, scope.today(), &[posting])
}
