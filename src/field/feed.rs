//! What a device pulls. Commands leave unnumbered changes; a pull that holds the feed's head gives them their numbers, so that
//! what is committed late is numbered late and nothing is skipped, on either engine. A device without a cursor gets all
//! households of its sections first, then what changed since it began.
use super::documents::{HouseholdDocument, document};
use super::model::*;
use super::rules;
use super::store;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::{Db, Read, Wall, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::households::model::Household;
use crate::households::store as households;
use crate::ids::*;
use crate::words;
use chrono::{Duration, NaiveDate};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// What devices hear of; every change of a household's persons, money and cover is a change of the household.
pub const HEARD: [&str; 1] = ["household"];
/// Days for which changes are kept.
pub const KEPT_DAYS: i64 = 180;
/// Changes that are numbered in one transaction, so that nobody waits long for the writer.
const AT_ONCE: i64 = 1_000;
/// Changes that are forgotten in one transaction.
const FORGOTTEN: i64 = 1_000;

words! {
    /// Why something is no longer with a device.
    pub enum GoneReason {
        /// It was taken back.
        Deleted = "DELETED",
        /// It is in no section of the device any more.
        OutOfScope = "OUT_OF_SCOPE",
    }
}

/// A household as it is now, or that it is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PulledItem {
    /// `household/…`
    pub entity: String,
    pub deleted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<GoneReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<HouseholdDocument>,
}

/// Where a device has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    #[serde(rename = "d")]
    device: DeviceId,
    /// Of the sections.
    #[serde(rename = "s")]
    scope: String,
    #[serde(rename = "e")]
    epoch: EpochId,
    /// The last change read; while all is pulled, the last one before that began.
    #[serde(rename = "n")]
    number: i64,
    /// While all is pulled: the last household.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    after: Option<HouseholdId>,
    /// The day as of which the device knows its households.
    #[serde(rename = "t")]
    day: NaiveDate,
    /// While what the calendar changed since then is pulled: the last household.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    turned: Option<HouseholdId>,
}

impl Cursor {
    fn write(&self) -> String {
        BASE64URL_NOPAD.encode(serde_json::json!(self).to_string().as_bytes())
    }

    fn read(text: &str) -> Result<Cursor> {
        // Whatever is wrong with it, it is no cursor of ours: one answer for all.
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        read.ok_or_else(|| Problem::of(Code::CursorInvalid).at("cursor").into())
    }
}

/// A digest of the sections that a device sees.
fn digest(sections: &Sections) -> String {
    let text = match sections {
        Sections::All => "all".to_owned(),
        Sections::These(ids) => {
            let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            ids.sort();
            ids.dedup();
            ids.join(",")
        }
    };
    let digest = Sha256::digest(text.as_bytes());
    HEXLOWER.encode(digest.get(..8).unwrap_or_default())
}

/// A page of what a device pulls.
#[derive(Debug)]
pub struct Pulled {
    pub items: Vec<PulledItem>,
    pub next_cursor: String,
    pub has_more: bool,
}

/// Gives the waiting changes their numbers, some at once; true where more wait.
///
/// # Errors
/// The database's.
pub fn number(w: &mut Write, mutual: MutualId) -> Result<bool> {
    let first = FeedHead { mutual_id: mutual, id: mutual, epoch: w.new_id(), last_number: 0, forgotten_to: 0 };
    store::ensure_head(w, &first)?;
    let head = store::lock_head(w, mutual)?.ok_or_else(|| Error::Fault("the feed's head is gone".into()))?;
    // Read after the head was locked: what these ids are, nobody else numbers.
    let pending = store::list_pending(w, mutual, AT_ONCE)?;
    let ids: Vec<ChangeId> = pending.iter().map(|change| change.id).collect();
    let heard = pending.into_iter().filter(|change| HEARD.contains(&change.entity_kind.as_str()));
    let rows: Vec<Change> = (head.last_number + 1..)
        .zip(heard)
        .map(|(number, change)| Change {
            mutual_id: mutual,
            number,
            entity_kind: change.entity_kind,
            entity_id: Key::new(change.entity_id.uuid()),
            section_before: change.section_before,
            section_after: change.section_after,
            recorded_at: change.recorded_at,
        })
        .collect();
    store::insert_changes(w, &rows)?;
    store::remove_pending(w, mutual, &ids)?;
    let last = rows.last().map_or(head.last_number, |row| row.number);
    let old = w.now() - Duration::days(KEPT_DAYS);
    let forgotten = match store::last_of_old(w, mutual, old, FORGOTTEN)? {
        Some(to) => {
            store::forget_changes(w, mutual, to)?;
            to
        }
        None => head.forgotten_to,
    };
    if last != head.last_number || forgotten != head.forgotten_to {
        store::set_head(w, mutual, last, forgotten)?;
    }
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX) == AT_ONCE)
}

/// Numbers all that waits, in short transactions.
///
/// # Errors
/// The database's.
pub fn number_all(db: &Db, mutual: MutualId) -> Result<()> {
    let wall = Wall::mutual(mutual);
    let waits = |r: &mut Read| Ok::<_, Error>(store::has_pending(r, mutual)? || store::find_head(r, mutual)?.is_none());
    if !db.read(wall, waits)? {
        return Ok(());
    }
    while db.write(wall, |w| number(w, mutual))? {}
    Ok(())
}

/// A page for a device, all in one snapshot.
///
/// # Errors
/// `cursor_invalid`; `full_resync_required` for a cursor of another device, of other sections, of another copy of the
/// database, or from before what is kept.
pub fn pull(r: &mut Read, scope: &MutualScope, device: &Device, cursor: Option<&str>, limit: usize) -> Result<Pulled> {
    let mutual = scope.mutual();
    let head = store::find_head(r, mutual)?.ok_or_else(|| Error::Fault("the feed has no head".into()))?;
    let own = digest(scope.sections());
    let cursor = match cursor {
        None => Cursor {
            device: device.id,
            scope: own,
            epoch: head.epoch,
            number: head.last_number,
            after: Some(HouseholdId::NIL),
            day: scope.today(),
            turned: None,
        },
        Some(text) => {
            let cursor = Cursor::read(text)?;
            let is_here = cursor.device == device.id && cursor.scope == own && cursor.epoch == head.epoch;
            if !is_here || cursor.number < head.forgotten_to || cursor.number > head.last_number {
                return Err(Code::FullResync.into());
            }
            cursor
        }
    };
    match cursor.after {
        Some(after) => all(r, scope, device, &cursor, &head, after, limit),
        None => changed(r, scope, device, &cursor, limit),
    }
}

/// A household as it is now.
fn brought(r: &mut Read, scope: &MutualScope, device: &Device, row: Household) -> Result<PulledItem> {
    Ok(PulledItem {
        entity: format!("household/{}", row.id),
        deleted: false,
        reason: None,
        household: Some(document(r, scope, row, device.agent_id)?),
    })
}

/// Households of the sections, whatever changed of them.
fn all(
    r: &mut Read,
    scope: &MutualScope,
    device: &Device,
    cursor: &Cursor,
    head: &FeedHead,
    after: HouseholdId,
    limit: usize,
) -> Result<Pulled> {
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = households::list(r, scope, None, Some(after), fetch + 1)?;
    let more = rows.len() > limit;
    let mut items = Vec::with_capacity(limit.min(rows.len()));
    let mut last = after;
    for row in rows.into_iter().take(limit) {
        last = row.id;
        items.push(brought(r, scope, device, row)?);
    }
    let next = Cursor { after: more.then_some(last), ..cursor.clone() };
    Ok(Pulled { items, next_cursor: next.write(), has_more: more || head.last_number > cursor.number })
}

/// What changed since.
fn changed(r: &mut Read, scope: &MutualScope, device: &Device, cursor: &Cursor, limit: usize) -> Result<Pulled> {
    let mutual = scope.mutual();
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = store::list_changes(r, mutual, scope.sections(), &HEARD, cursor.number, fetch + 1)?;
    let rows = rows
        .into_iter()
        .map(|row| rules::Row { number: row.number, entity: row.entity_id, is_deleted: false })
        .collect();
    let page = rules::page(cursor.number, limit, rows);
    if page.items.is_empty() && cursor.day < scope.today() {
        return turned(r, scope, device, cursor, limit);
    }
    let mut items = Vec::with_capacity(page.items.len());
    for row in &page.items {
        let id = HouseholdId::new(row.entity.uuid());
        items.push(match households::find(r, scope, id)? {
            Some(household) => brought(r, scope, device, household)?,
            None => {
                let stands = households::class_of(r, mutual, id)?.is_some();
                let reason = if stands { GoneReason::OutOfScope } else { GoneReason::Deleted };
                PulledItem { entity: format!("household/{id}"), deleted: true, reason: Some(reason), household: None }
            }
        });
    }
    let next = Cursor { number: page.next, ..cursor.clone() };
    Ok(Pulled { items, next_cursor: next.write(), has_more: page.has_more || cursor.day < scope.today() })
}

/// What changed by the calendar alone, which no command told.
fn turned(r: &mut Read, scope: &MutualScope, device: &Device, cursor: &Cursor, limit: usize) -> Result<Pulled> {
    let today = scope.today();
    let fetch = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = cursor.turned.unwrap_or(HouseholdId::NIL);
    let rows = store::list_turned(r, scope, (cursor.day, today), after, fetch + 1)?;
    let more = rows.len() > limit;
    let mut items = Vec::with_capacity(limit.min(rows.len()));
    let mut last = after;
    for row in rows.into_iter().take(limit) {
        last = row.id;
        items.push(brought(r, scope, device, row)?);
    }
    let next = if more {
        Cursor { turned: Some(last), ..cursor.clone() }
    } else {
        Cursor { turned: None, day: today, ..cursor.clone() }
    };
    Ok(Pulled { items, next_cursor: next.write(), has_more: more })
}
