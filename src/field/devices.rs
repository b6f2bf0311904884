//! Devices of field agents: a one-time code makes one, a key of its own activates it, and it may be lost or revoked. And the
//! card numbers that are given to it ahead.
use super::model::*;
use super::signatures::KEY_LENGTH;
use super::store;
use crate::access::keys;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::dates::add_days;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::households::service::{card_of, card_prefix};
use crate::ids::*;
use crate::series::{self, SeriesKind};
use crate::web::must_match;
use chrono::{Duration, NaiveDate, NaiveDateTime};
use serde_json::json;

/// How long a code can be used.
pub const CODE_MINUTES: i64 = 15;
/// How long the numbers of a block are kept for its device.
pub const BLOCK_DAYS: i64 = 60;
/// Numbers in a block at most.
pub const LARGEST_BLOCK: i64 = 500;
/// Expired blocks that are looked at for numbers to give again.
const LOOKED_AT: i64 = 200;
/// Numbers of blocks in force that a device has at most.
const HELD_AT_MOST: i64 = 2_000;

/// A device as it is registered.
#[derive(Debug, Clone)]
pub struct NewDevice {
    pub agent: UserId,
    pub code: String,
    pub name: String,
}

fn new_code(w: &Write) -> (String, Vec<u8>, NaiveDateTime) {
    let (code, hash) = keys::one_time_code();
    (code, hash, w.now() + Duration::minutes(CODE_MINUTES))
}

/// Registers a device and gives the code with which its agent activates it.
///
/// # Errors
/// `not_found` where the agent collects in no section, `number_taken` for a code that another device has.
pub fn register(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    agents: &[UserId],
    new: &NewDevice,
) -> Result<String> {
    if !agents.contains(&new.agent) {
        return Err(Problem::of(Code::NotFound).at("/agent_id").into());
    }
    let (code, hash, until) = new_code(w);
    let row = Device {
        mutual_id: scope.mutual(),
        id: Key::new(order.id.uuid()),
        code: new.code.clone(),
        name: new.name.clone(),
        agent_id: new.agent,
        state: DeviceState::Pending,
        code_hash: Some(hash),
        code_expires_at: Some(until),
        public_key: None,
        created_by: order.asker.user,
        created_at: w.now(),
        activated_at: None,
        last_seen_at: None,
        version: 1,
    };
    if !store::insert_device(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/code").into());
    }
    w.changed("device", row.id.uuid(), None, None);
    w.names("user", row.agent_id.uuid());
    w.field("code", None, Some(json!(row.code)));
    w.mark(scope.today());
    Ok(code)
}

/// Takes a device's lock and reads it.
///
/// # Errors
/// `not_found`.
pub fn hold(w: &mut Write, mutual: MutualId, id: DeviceId) -> Result<Device> {
    if !store::lock_device(w, mutual, id)? {
        return Err(Code::NotFound.into());
    }
    store::find_device(w, mutual, id)?.ok_or_else(|| Error::Fault("a locked device is gone".into()))
}

fn write(w: &mut Write, scope: &MutualScope, before: &Device, row: &Device) -> Result<()> {
    store::set_device(w, row)?;
    w.changed("device", row.id.uuid(), None, None);
    w.names("user", row.agent_id.uuid());
    w.field("state", Some(json!(before.state)), Some(json!(row.state)));
    w.mark(scope.today());
    Ok(())
}

/// Gives a new code to a device that was not activated in time, or that forgot its key. Until it is
/// activated again, nothing of it is taken.
///
/// # Errors
/// `not_found`, `wrong_state` for a revoked one, `version_mismatch`.
pub fn renew(w: &mut Write, scope: &MutualScope, id: DeviceId, if_match: Option<&str>) -> Result<String> {
    let known = hold(w, scope.mutual(), id)?;
    must_match(if_match, known.version)?;
    // What a lost one still holds would be lost with its key, and its receipts would be given twice.
    if matches!(known.state, DeviceState::Revoked | DeviceState::Lost) {
        return Err(Problem::with(Code::WrongState, format!("a {} device is registered anew", known.state)).into());
    }
    let (code, hash, until) = new_code(w);
    let row = Device {
        state: DeviceState::Pending,
        code_hash: Some(hash),
        code_expires_at: Some(until),
        public_key: None,
        version: known.version + 1,
        ..known.clone()
    };
    write(w, scope, &known, &row)?;
    Ok(code)
}

/// Activates a device with its code and its key, by its agent.
///
/// # Errors
/// `code_refused` for a code that is unknown, used, too old or another agent's; `invalid` for a key that can be none.
pub fn activate(w: &mut Write, scope: &MutualScope, user: UserId, code: &str, public_key: &[u8]) -> Result<DeviceId> {
    if public_key.len() != KEY_LENGTH {
        let detail = format!("an Ed25519 key of {KEY_LENGTH} bytes");
        return Err(Problem::field("/public_key", "pattern", detail).into());
    }
    let refused = || Error::from(Problem::of(Code::CodeRefused).at("/code"));
    let hash = keys::hash(code);
    let found = store::find_by_code_hash(w, scope.mutual(), &hash)?.ok_or_else(refused)?;
    let known = hold(w, scope.mutual(), found.id)?;
    let in_time = known.code_expires_at.is_some_and(|until| w.now() < until);
    if known.code_hash.as_deref() != Some(hash.as_slice()) || !in_time || known.agent_id != user {
        return Err(refused());
    }
    let row = Device {
        state: DeviceState::Active,
        code_hash: None,
        code_expires_at: None,
        public_key: Some(public_key.to_vec()),
        activated_at: Some(w.now()),
        version: known.version + 1,
        ..known.clone()
    };
    write(w, scope, &known, &row)?;
    Ok(row.id)
}

/// Says that a device is lost or revoked.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn withdraw(
    w: &mut Write,
    scope: &MutualScope,
    id: DeviceId,
    if_match: Option<&str>,
    to: DeviceState,
) -> Result<()> {
    let known = hold(w, scope.mutual(), id)?;
    must_match(if_match, known.version)?;
    let possible = match to {
        DeviceState::Lost => known.state == DeviceState::Active,
        DeviceState::Revoked => known.state != DeviceState::Revoked,
        DeviceState::Pending | DeviceState::Active => false,
    };
    if !possible {
        return Err(Problem::with(Code::WrongState, format!("the device is {}", known.state)).into());
    }
    let row = Device { state: to, code_hash: None, code_expires_at: None, version: known.version + 1, ..known.clone() };
    write(w, scope, &known, &row)
}

/// The device of this agent, where what it sends may be taken, or held.
///
/// # Errors
/// `not_found` where it is none of his, `device_refused` where it is revoked or not activated.
pub fn must_be_own(found: Option<Device>, user: UserId) -> Result<Device> {
    let device = found.filter(|device| device.agent_id == user);
    let device = device.ok_or(Problem::of(Code::NotFound).at("device_id"))?;
    match device.state {
        DeviceState::Active | DeviceState::Lost => Ok(device),
        DeviceState::Pending | DeviceState::Revoked => Err(Code::DeviceRefused.into()),
    }
}

/// Gives a device card numbers ahead: those that another did not use in time, else the next of the series.
///
/// # Errors
/// `device_refused` where it is not active.
pub fn give_numbers(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: DeviceId,
    user: UserId,
    count: i64,
) -> Result<NumberBlock> {
    let mutual = scope.mutual();
    let device = hold(w, mutual, id)?;
    if device.agent_id != user {
        return Err(Code::NotFound.into());
    }
    if device.state != DeviceState::Active {
        return Err(Code::DeviceRefused.into());
    }
    let blocks = store::list_blocks(w, mutual, id)?;
    let mut held = 0;
    for block in blocks.iter().filter(|block| block.expires_on >= scope.today()) {
        held += block.last_serial + 1 - free_from(w, mutual, block)?;
    }
    if held + count > HELD_AT_MOST {
        let detail = format!("a device has at most {HELD_AT_MOST} unused numbers at a time, this one has {held}");
        return Err(Problem::field("/count", "out_of_bounds", detail).into());
    }
    let prefix = card_prefix(w, mutual)?;
    // The series' row is the last lock, and it is the one that guards expired blocks too.
    series::take(w, mutual, SeriesKind::Card, Key::NIL, 0, &prefix, 0)?;
    let first = match returned(w, mutual, scope.today(), count)? {
        Some(first) => first,
        None => series::take(w, mutual, SeriesKind::Card, Key::NIL, 0, &prefix, count)?.1,
    };
    let row = NumberBlock {
        mutual_id: mutual,
        id: Key::new(order.id.uuid()),
        device_id: id,
        prefix,
        first_serial: first,
        last_serial: first + count - 1,
        issued_on: scope.today(),
        expires_on: add_days(scope.today(), BLOCK_DAYS).unwrap_or(scope.today()),
        recorded_at: w.now(),
    };
    store::insert_block(w, &row)?;
    w.changed("number_block", row.id.uuid(), None, None);
    w.names("device", id.uuid());
    w.field("first_serial", None, Some(json!(row.first_serial)));
    w.field("last_serial", None, Some(json!(row.last_serial)));
    w.mark(scope.today());
    Ok(row)
}

/// The first number of a block after all those that cards have.
fn free_from(w: &mut Write, mutual: MutualId, block: &NumberBlock) -> Result<i64> {
    let (from, to) = (card_of(&block.prefix, block.first_serial)?, card_of(&block.prefix, block.last_serial)?);
    let last_used = match store::last_card_between(w, mutual, &from, &to)? {
        Some(number) => serial_of(&block.prefix, &number),
        None => None,
    };
    Ok(last_used.map_or(block.first_serial, |last| last + 1))
}

/// The first of so many numbers in a row that an expired block did not use; the block ends before them.
fn returned(w: &mut Write, mutual: MutualId, today: NaiveDate, count: i64) -> Result<Option<i64>> {
    for block in store::list_expired(w, mutual, today, LOOKED_AT)? {
        let free_from = free_from(w, mutual, &block)?;
        if block.last_serial - free_from + 1 < count {
            continue;
        }
        let first = block.last_serial - count + 1;
        let left = (first > block.first_serial).then_some(first - 1);
        store::shorten_block(w, mutual, block.id, left)?;
        return Ok(Some(first));
    }
    Ok(None)
}

/// Numbers beyond the last one given that a device may have got from another copy of the database.
const LOST_AT_MOST: i64 = 10_000;

/// Of some card numbers, the first that is not the device's to give: it is neither of a block of its own nor of none at all, which
/// is where this database was restored from before the block was given. Whose block has expired is looked at again under the lock
/// that gives its numbers to others.
///
/// # Errors
/// The database's.
pub fn first_not_given(
    w: &mut Write,
    mutual: MutualId,
    blocks: &[NumberBlock],
    numbers: &[&str],
) -> Result<Option<usize>> {
    if numbers.is_empty() {
        return Ok(None);
    }
    let prefix = card_prefix(w, mutual)?;
    let (_, mut next) = series::take(w, mutual, SeriesKind::Card, Key::NIL, 0, &prefix, 0)?;
    let serials: Vec<Option<i64>> = numbers.iter().map(|number| serial_of(&prefix, number)).collect();
    let all = || serials.iter().flatten().copied();
    let (Some(least), Some(greatest)) = (all().min(), all().max()) else { return Ok(Some(0)) };
    let known = store::list_blocks_over(w, mutual, least, greatest)?;
    for (at, serial) in serials.iter().enumerate() {
        let Some(serial) = *serial else { return Ok(Some(at)) };
        let of = known.iter().find(|block| (block.first_serial..=block.last_serial).contains(&serial));
        let is_given = match of {
            Some(of) => blocks.iter().any(|block| block.device_id == of.device_id),
            None => serial < next + LOST_AT_MOST,
        };
        if !is_given {
            return Ok(Some(at));
        }
        if of.is_none() && serial >= next {
            series::put(w, mutual, SeriesKind::Card, Key::NIL, 0, &prefix, serial)?;
            next = serial + 1;
        }
    }
    Ok(None)
}

/// The serial within a card number, between the prefix and the check digits.
pub fn serial_of(prefix: &str, number: &str) -> Option<i64> {
    number.strip_prefix(prefix)?.get(..8)?.parse().ok()
}
