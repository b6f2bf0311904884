//! Rows of the field, written and read.
use super::model::*;
use crate::access::scopes::{MutualScope, Sections};
use crate::audit::model::ChangeRow;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::{insert_all, insert_new};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

/// Adds a device; false where the mutual has one of this code.
pub fn insert_device(w: &mut Write, row: &Device) -> QueryResult<bool> {
    let inserted = crate::on_each!(w.conn(), |c| diesel::insert_into(devices::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(inserted == 1)
}

/// A device.
pub fn find_device(r: &mut Read, mutual: MutualId, id: DeviceId) -> QueryResult<Option<Device>> {
    devices::table.find((mutual, id)).select(Device::as_select()).get_result(r.conn()).optional()
}

/// The pending device that has this code.
pub fn find_by_code_hash(r: &mut Read, mutual: MutualId, hash: &[u8]) -> QueryResult<Option<Device>> {
    devices::table
        .filter(devices::mutual_id.eq(mutual))
        .filter(devices::code_hash.eq(hash))
        .select(Device::as_select())
        .first(r.conn())
        .optional()
}

/// The active device of an agent that has this key.
pub fn find_by_key(r: &mut Read, mutual: MutualId, agent: UserId, key: &[u8]) -> QueryResult<Option<Device>> {
    devices::table
        .filter(devices::mutual_id.eq(mutual))
        .filter(devices::agent_id.eq(agent))
        .filter(devices::public_key.eq(key))
        .filter(devices::state.eq(DeviceState::Active))
        .select(Device::as_select())
        .first(r.conn())
        .optional()
}

/// Devices by id.
pub fn list_devices(r: &mut Read, mutual: MutualId, after: Option<DeviceId>, limit: i64) -> QueryResult<Vec<Device>> {
    devices::table
        .filter(devices::mutual_id.eq(mutual))
        .filter(devices::id.gt(after.unwrap_or(DeviceId::NIL)))
        .order(devices::id)
        .limit(limit)
        .select(Device::as_select())
        .load(r.conn())
}

/// Locks a device; false where there is none.
pub fn lock_device(w: &mut Write, mutual: MutualId, id: DeviceId) -> QueryResult<bool> {
    let row = devices::table.find((mutual, id));
    let locked = diesel::update(row).set(devices::version.eq(devices::version)).execute(w.conn())?;
    Ok(locked == 1)
}

/// Writes where a device stands, with its code and its key.
pub fn set_device(w: &mut Write, row: &Device) -> QueryResult<()> {
    diesel::update(devices::table.find((row.mutual_id, row.id)))
        .set((
            devices::state.eq(row.state),
            devices::code_hash.eq(row.code_hash.as_deref()),
            devices::code_expires_at.eq(row.code_expires_at),
            devices::public_key.eq(row.public_key.as_deref()),
            devices::activated_at.eq(row.activated_at),
            devices::version.eq(row.version),
        ))
        .execute(w.conn())?;
    Ok(())
}

/// Says that a device was heard of. No version: nobody decides on that.
pub fn set_seen(w: &mut Write, mutual: MutualId, id: DeviceId, at: NaiveDateTime) -> QueryResult<()> {
    diesel::update(devices::table.find((mutual, id))).set(devices::last_seen_at.eq(at)).execute(w.conn())?;
    Ok(())
}

/// Adds a block of numbers.
pub fn insert_block(w: &mut Write, row: &NumberBlock) -> QueryResult<()> {
    diesel::insert_into(number_blocks::table).values(row).execute(w.conn())?;
    Ok(())
}

/// The blocks of a device, by their first serial.
pub fn list_blocks(r: &mut Read, mutual: MutualId, device: DeviceId) -> QueryResult<Vec<NumberBlock>> {
    number_blocks::table
        .filter(number_blocks::mutual_id.eq(mutual))
        .filter(number_blocks::device_id.eq(device))
        .order(number_blocks::first_serial)
        .select(NumberBlock::as_select())
        .load(r.conn())
}

/// The blocks, of any device, in which serials from one to another lie, the last one first.
pub fn list_blocks_over(r: &mut Read, mutual: MutualId, first: i64, last: i64) -> QueryResult<Vec<NumberBlock>> {
    number_blocks::table
        .filter(number_blocks::mutual_id.eq(mutual))
        .filter(number_blocks::first_serial.le(last))
        .filter(number_blocks::last_serial.ge(first))
        .order(number_blocks::first_serial.desc())
        .select(NumberBlock::as_select())
        .load(r.conn())
}

/// Blocks of any device that have expired, the oldest first.
pub fn list_expired(r: &mut Read, mutual: MutualId, today: NaiveDate, limit: i64) -> QueryResult<Vec<NumberBlock>> {
    number_blocks::table
        .filter(number_blocks::mutual_id.eq(mutual))
        .filter(number_blocks::expires_on.lt(today))
        .order((number_blocks::expires_on, number_blocks::first_serial))
        .limit(limit)
        .select(NumberBlock::as_select())
        .load(r.conn())
}

/// The last number of a stretch that a card has, by the number itself; card numbers of one prefix are equally long.
pub fn last_card_between(r: &mut Read, mutual: MutualId, from: &str, to: &str) -> QueryResult<Option<String>> {
    members::table
        .filter(members::mutual_id.eq(mutual))
        .filter(members::card_number.ge(from))
        .filter(members::card_number.le(to))
        .order(members::card_number.desc())
        .select(members::card_number)
        .first(r.conn())
        .optional()
}

/// Gives a block's tail back: it ends earlier now, or is gone where nothing of it was used.
pub fn shorten_block(w: &mut Write, mutual: MutualId, id: NumberBlockId, last_serial: Option<i64>) -> QueryResult<()> {
    let row = number_blocks::table.find((mutual, id));
    match last_serial {
        Some(last) => diesel::update(row).set(number_blocks::last_serial.eq(last)).execute(w.conn())?,
        None => diesel::delete(row).execute(w.conn())?,
    };
    Ok(())
}

/// What operations came to, those of these ids that are known.
pub fn list_results(r: &mut Read, mutual: MutualId, ids: &[OperationId]) -> QueryResult<Vec<StoredResult>> {
    sync_results::table
        .filter(sync_results::mutual_id.eq(mutual))
        .filter(sync_results::id.eq_any(ids))
        .select(StoredResult::as_select())
        .load(r.conn())
}

/// Keeps what operations came to; false where one of their ids is kept.
pub fn insert_results(w: &mut Write, rows: &[StoredResult]) -> QueryResult<bool> {
    Ok(insert_new!(w, sync_results::table, rows)? == rows.len())
}

/// Puts what an operation came to after all in the place of what it had come to, where that is kept still.
pub fn set_result(w: &mut Write, row: &StoredResult) -> QueryResult<()> {
    let known = sync_results::table.find((row.mutual_id, row.id));
    let changed = diesel::update(known).set(sync_results::result.eq(&row.result)).execute(w.conn())?;
    if changed == 0 {
        insert_results(w, std::slice::from_ref(row))?;
    }
    Ok(())
}

/// Forgets results from before an instant, the oldest first.
pub fn forget_results(w: &mut Write, mutual: MutualId, before: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    let ids: Vec<OperationId> = sync_results::table
        .filter(sync_results::mutual_id.eq(mutual))
        .filter(sync_results::recorded_at.lt(before))
        .order((sync_results::recorded_at, sync_results::id))
        .limit(limit)
        .select(sync_results::id)
        .load(w.conn())?;
    if ids.is_empty() {
        return Ok(0);
    }
    diesel::delete(sync_results::table.filter(sync_results::mutual_id.eq(mutual)).filter(sync_results::id.eq_any(&ids)))
        .execute(w.conn())
}

/// Keeps a proposal; one of its id stays as it is.
pub fn insert_proposal(w: &mut Write, row: &Proposal) -> QueryResult<()> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(sync_proposals::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// A proposal.
pub fn find_proposal(r: &mut Read, mutual: MutualId, id: OperationId) -> QueryResult<Option<Proposal>> {
    sync_proposals::table.find((mutual, id)).select(Proposal::as_select()).get_result(r.conn()).optional()
}

/// Proposals by id, those of a state; a registrar of sections sees those of his sections.
pub fn list_proposals(
    r: &mut Read,
    scope: &MutualScope,
    state: Option<ProposalState>,
    after: Option<OperationId>,
    limit: i64,
) -> QueryResult<Vec<Proposal>> {
    let mut query = sync_proposals::table
        .filter(sync_proposals::mutual_id.eq(scope.mutual()))
        .filter(sync_proposals::id.gt(after.unwrap_or(OperationId::NIL)))
        .order(sync_proposals::id)
        .limit(limit)
        .select(Proposal::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(sync_proposals::state.eq(state));
    }
    if let Sections::These(sections) = scope.sections() {
        query = query.filter(sync_proposals::section_id.eq_any(sections.clone()));
    }
    query.load(r.conn())
}

/// What the office said of a device's last proposals, the newest first.
pub fn list_proposals_of(
    r: &mut Read,
    mutual: MutualId,
    device: DeviceId,
    limit: i64,
) -> QueryResult<Vec<(OperationId, ProposalState, String)>> {
    sync_proposals::table
        .filter(sync_proposals::mutual_id.eq(mutual))
        .filter(sync_proposals::device_id.eq(device))
        .order((sync_proposals::received_at.desc(), sync_proposals::id))
        .limit(limit)
        .select((sync_proposals::id, sync_proposals::state, sync_proposals::code))
        .load(r.conn())
}

/// Decides an open proposal in the version read; false where it was decided meanwhile.
pub fn decide_proposal(
    w: &mut Write,
    known: &Proposal,
    state: ProposalState,
    by: Option<UserId>,
    note: Option<&str>,
) -> QueryResult<bool> {
    let now = w.now();
    let open = sync_proposals::table
        .filter(sync_proposals::mutual_id.eq(known.mutual_id))
        .filter(sync_proposals::id.eq(known.id))
        .filter(sync_proposals::state.eq(ProposalState::Open))
        .filter(sync_proposals::version.eq(known.version));
    let taken = diesel::update(open)
        .set((
            sync_proposals::state.eq(state),
            sync_proposals::decided_by.eq(by),
            sync_proposals::decided_at.eq(now),
            sync_proposals::note.eq(note),
            sync_proposals::version.eq(known.version + 1),
        ))
        .execute(w.conn())?;
    Ok(taken == 1)
}

/// Holds what a lost device sent.
pub fn insert_held(w: &mut Write, row: &HeldPush) -> QueryResult<()> {
    diesel::insert_into(held_pushes::table).values(row).execute(w.conn())?;
    Ok(())
}

/// What a lost device sent.
pub fn find_held(r: &mut Read, mutual: MutualId, id: HeldPushId) -> QueryResult<Option<HeldPush>> {
    held_pushes::table.find((mutual, id)).select(HeldPush::as_select()).get_result(r.conn()).optional()
}

/// Held pushes by id, those of a state.
pub fn list_held(
    r: &mut Read,
    mutual: MutualId,
    state: Option<HeldState>,
    after: Option<HeldPushId>,
    limit: i64,
) -> QueryResult<Vec<HeldPush>> {
    let mut query = held_pushes::table
        .filter(held_pushes::mutual_id.eq(mutual))
        .filter(held_pushes::id.gt(after.unwrap_or(HeldPushId::NIL)))
        .order(held_pushes::id)
        .limit(limit)
        .select(HeldPush::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(held_pushes::state.eq(state));
    }
    query.load(r.conn())
}

/// Decides a held push in the version read; false where it was decided meanwhile.
pub fn decide_held(
    w: &mut Write,
    known: &HeldPush,
    state: HeldState,
    by: Option<UserId>,
    note: Option<&str>,
) -> QueryResult<bool> {
    let now = w.now();
    let open = held_pushes::table
        .filter(held_pushes::mutual_id.eq(known.mutual_id))
        .filter(held_pushes::id.eq(known.id))
        .filter(held_pushes::state.eq(HeldState::Held))
        .filter(held_pushes::version.eq(known.version));
    let taken = diesel::update(open)
        .set((
            held_pushes::state.eq(state),
            held_pushes::decided_by.eq(by),
            held_pushes::decided_at.eq(now),
            held_pushes::note.eq(note),
            held_pushes::version.eq(known.version + 1),
        ))
        .execute(w.conn())?;
    Ok(taken == 1)
}

/// In which version each field of an entity was last changed.
pub fn list_field_versions(r: &mut Read, mutual: MutualId, entity: EntityId) -> QueryResult<Vec<(String, i64)>> {
    field_versions::table
        .filter(field_versions::mutual_id.eq(mutual))
        .filter(field_versions::entity_id.eq(entity))
        .select((field_versions::field, field_versions::version))
        .load(r.conn())
}

/// Households by number of the mutual's section in which they are now.
pub fn list_sections_of(
    r: &mut Read,
    mutual: MutualId,
    ids: &[HouseholdId],
) -> QueryResult<Vec<(HouseholdId, Option<OrganisationId>)>> {
    households::table
        .filter(households::mutual_id.eq(mutual))
        .filter(households::id.eq_any(ids))
        .select((households::id, households::section_id))
        .load(r.conn())
}

/// The household in which each of these persons is, or was last.
pub fn list_households_of(
    r: &mut Read,
    mutual: MutualId,
    ids: &[MemberId],
) -> QueryResult<Vec<(MemberId, HouseholdId)>> {
    memberships::table
        .filter(memberships::mutual_id.eq(mutual))
        .filter(memberships::member_id.eq_any(ids))
        .order((memberships::from_on, memberships::id))
        .select((memberships::member_id, memberships::household_id))
        .load(r.conn())
}

/// The head of the feed, where a pull has made it.
pub fn find_head(r: &mut Read, mutual: MutualId) -> QueryResult<Option<FeedHead>> {
    feed_heads::table.find((mutual, mutual)).select(FeedHead::as_select()).get_result(r.conn()).optional()
}

/// Makes the head of the feed where it is not there.
pub fn ensure_head(w: &mut Write, row: &FeedHead) -> QueryResult<()> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(feed_heads::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// How much a device has sent that is held.
pub fn count_held(r: &mut Read, mutual: MutualId, device: DeviceId) -> QueryResult<i64> {
    held_pushes::table
        .filter(held_pushes::mutual_id.eq(mutual))
        .filter(held_pushes::device_id.eq(device))
        .filter(held_pushes::state.eq(HeldState::Held))
        .count()
        .get_result(r.conn())
}

/// Whether a device has sent these operations before, and they were held.
pub fn was_held(r: &mut Read, mutual: MutualId, device: DeviceId, content: &[u8]) -> QueryResult<bool> {
    let same = held_pushes::table
        .filter(held_pushes::mutual_id.eq(mutual))
        .filter(held_pushes::device_id.eq(device))
        .filter(held_pushes::content_hash.eq(content));
    diesel::select(diesel::dsl::exists(same)).get_result(r.conn())
}

/// Households of the scope in which something came to be by the calendar alone, from one day to another: somebody has left,
/// cover has begun or ended, a due has fallen due.
pub fn list_turned(
    r: &mut Read,
    scope: &MutualScope,
    (since, today): (NaiveDate, NaiveDate),
    after: HouseholdId,
    limit: i64,
) -> QueryResult<Vec<crate::households::model::Household>> {
    let mutual = scope.mutual();
    let (tomorrow, yesterday) = (since.succ_opt().unwrap_or(since), today.pred_opt().unwrap_or(today));
    let left = memberships::table
        .filter(memberships::mutual_id.eq(mutual))
        .filter(memberships::to_on.between(since, yesterday))
        .select(memberships::household_id);
    let ended = cover_spans::table
        .filter(cover_spans::mutual_id.eq(mutual))
        .filter(cover_spans::to_on.between(since, yesterday))
        .select(cover_spans::household_id);
    let begun = cover_spans::table
        .filter(cover_spans::mutual_id.eq(mutual))
        .filter(cover_spans::from_on.between(tomorrow, today))
        .select(cover_spans::household_id);
    let due = dues::table
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::due_on.between(tomorrow, today))
        .select(dues::household_id);
    let turned = households::id
        .eq_any(left)
        .or(households::id.eq_any(ended))
        .or(households::id.eq_any(begun))
        .or(households::id.eq_any(due));
    let mut query = households::table
        .filter(households::mutual_id.eq(mutual))
        .filter(households::id.gt(after))
        .filter(turned)
        .order(households::id)
        .limit(limit)
        .select(crate::households::model::Household::as_select())
        .into_boxed();
    if let Sections::These(sections) = scope.sections() {
        query = query.filter(households::section_id.eq_any(sections.clone()));
    }
    query.load(r.conn())
}

/// Locks the head of the feed; none where it is not there.
pub fn lock_head(w: &mut Write, mutual: MutualId) -> QueryResult<Option<FeedHead>> {
    let row = feed_heads::table.find((mutual, mutual));
    let locked = diesel::update(row).set(feed_heads::last_number.eq(feed_heads::last_number)).execute(w.conn())?;
    if locked == 0 { Ok(None) } else { find_head(w, mutual) }
}

/// Moves the head of the feed.
pub fn set_head(w: &mut Write, mutual: MutualId, last_number: i64, forgotten_to: i64) -> QueryResult<()> {
    diesel::update(feed_heads::table.find((mutual, mutual)))
        .set((feed_heads::last_number.eq(last_number), feed_heads::forgotten_to.eq(forgotten_to)))
        .execute(w.conn())?;
    Ok(())
}

/// Changes that wait for their numbers, by id; an id that is committed late is numbered late.
pub fn list_pending(r: &mut Read, mutual: MutualId, limit: i64) -> QueryResult<Vec<ChangeRow>> {
    changes_pending::table
        .filter(changes_pending::mutual_id.eq(mutual))
        .order(changes_pending::id)
        .limit(limit)
        .select(ChangeRow::as_select())
        .load(r.conn())
}

/// Whether a change waits for its number.
pub fn has_pending(r: &mut Read, mutual: MutualId) -> QueryResult<bool> {
    let rows = changes_pending::table.filter(changes_pending::mutual_id.eq(mutual));
    diesel::select(diesel::dsl::exists(rows)).get_result(r.conn())
}

/// Takes exactly these away, which have their numbers now.
pub fn remove_pending(w: &mut Write, mutual: MutualId, ids: &[ChangeId]) -> QueryResult<()> {
    for some in ids.chunks(500) {
        diesel::delete(
            changes_pending::table
                .filter(changes_pending::mutual_id.eq(mutual))
                .filter(changes_pending::id.eq_any(some)),
        )
        .execute(w.conn())?;
    }
    Ok(())
}

/// Writes changes with their numbers.
pub fn insert_changes(w: &mut Write, rows: &[Change]) -> QueryResult<()> {
    insert_all!(w, changes::table, rows)
}

/// The feed of some sections after a number.
pub fn list_changes(
    r: &mut Read,
    mutual: MutualId,
    sections: &Sections,
    kinds: &[&str],
    after: i64,
    limit: i64,
) -> QueryResult<Vec<Change>> {
    let mut query = changes::table
        .filter(changes::mutual_id.eq(mutual))
        .filter(changes::number.gt(after))
        .filter(changes::entity_kind.eq_any(kinds.to_vec()))
        .order(changes::number)
        .limit(limit)
        .select(Change::as_select())
        .into_boxed();
    if let Sections::These(sections) = sections {
        query = query.filter(
            changes::section_before.eq_any(sections.clone()).or(changes::section_after.eq_any(sections.clone())),
        );
    }
    query.load(r.conn())
}

/// The number of the last of the oldest changes that are from before an instant.
pub fn last_of_old(r: &mut Read, mutual: MutualId, before: NaiveDateTime, limit: i64) -> QueryResult<Option<i64>> {
    let oldest: Vec<(i64, NaiveDateTime)> = changes::table
        .filter(changes::mutual_id.eq(mutual))
        .order(changes::number)
        .limit(limit)
        .select((changes::number, changes::recorded_at))
        .load(r.conn())?;
    Ok(oldest.into_iter().take_while(|(_, at)| *at < before).last().map(|(number, _)| number))
}

/// Forgets changes up to a number.
pub fn forget_changes(w: &mut Write, mutual: MutualId, to: i64) -> QueryResult<usize> {
    diesel::delete(changes::table.filter(changes::mutual_id.eq(mutual)).filter(changes::number.le(to)))
        .execute(w.conn())
}
