//! Rows of persons who may be registered twice.
use super::duplicates::Row;
use super::model::{Household, Member, Membership, Relationship, Sex};
use super::resemblance::Name;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::kept::{kept, padded};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::words;
use crate::{insert_all, on_each};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// What the office said of a pair.
    pub enum PairState {
        Open = "OPEN",
        /// They are one person.
        Same = "SAME",
        /// They are two.
        Different = "DIFFERENT",
    }
}

/// Two persons who may be one.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = possible_duplicates, treat_none_as_default_value = false)]
pub struct PossibleDuplicate {
    pub mutual_id: MutualId,
    pub id: PossibleDuplicateId,
    /// Who was registered later.
    pub member_id: MemberId,
    pub other_id: MemberId,
    /// 0 to 100.
    pub score: i64,
    pub state: PairState,
    pub found_at: NaiveDateTime,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<NaiveDateTime>,
    pub note: Option<String>,
    pub version: i64,
}

#[derive(Insertable)]
#[diesel(table_name = match_keys, treat_none_as_default_value = false)]
struct KeyRow<'a> {
    mutual_id: MutualId,
    key: &'a str,
    member_id: MemberId,
}

/// Of one person, more who share a key with him are not looked at.
const MOST: &str = "400";
/// More for several persons together are looked at person by person.
const MOST_TOGETHER: &str = "800";
const AS_MANY: usize = 800;

/// Writes by what persons are found.
pub fn insert_keys(w: &mut Write, mutual: MutualId, keys: &[(MemberId, &str)]) -> QueryResult<()> {
    let mut rows: Vec<KeyRow> =
        keys.iter().map(|&(member_id, key)| KeyRow { mutual_id: mutual, key, member_id }).collect();
    // In the order of their table, so that what lies together there is written together.
    rows.sort_unstable_by_key(|row| (row.key, row.member_id));
    insert_all!(w, match_keys::table, rows)
}

/// Takes a person's keys away.
pub fn remove_keys(w: &mut Write, mutual: MutualId, member: MemberId) -> QueryResult<()> {
    let own = match_keys::table.filter(match_keys::mutual_id.eq(mutual)).filter(match_keys::member_id.eq(member));
    diesel::delete(own).execute(w.conn())?;
    Ok(())
}

/// For each list of keys, the persons who have one of them; of more than [`MOST`] the others are not looked at.
pub fn list_with_keys(r: &mut Read, mutual: MutualId, wanted: &[&[String]]) -> QueryResult<Vec<BTreeSet<MemberId>>> {
    found_by(wanted, |keys: &[&String], most| {
        let having = match_keys::table
            .filter(match_keys::mutual_id.eq(mutual))
            .filter(match_keys::key.eq_any(padded(keys)))
            .select((match_keys::key, match_keys::member_id));
        kept(having).at_most(most).load(r.conn())
    })
}

/// For each day, the persons who are registered as born then; of more than [`MOST`] the others are not looked at.
pub fn list_born_on(
    r: &mut Read,
    mutual: MutualId,
    days: &[Option<NaiveDate>],
) -> QueryResult<Vec<BTreeSet<MemberId>>> {
    let days: Vec<&[NaiveDate]> = days.iter().map(|day| day.as_slice()).collect();
    found_by(&days, |days: &[&NaiveDate], most| {
        let days: Vec<NaiveDate> = days.iter().map(|day| **day).collect();
        let born = members::table
            .filter(members::mutual_id.eq(mutual))
            .filter(members::birth_date.eq_any(padded(&days)))
            .select((members::birth_date.assume_not_null(), members::id));
        kept(born).at_most(most).load(r.conn())
    })
}

/// Asks for all at once; where too many come, for some and for the others, so that a key that many have hides nobody from those
/// who do not have it.
fn found_by<K: Ord>(
    wanted: &[&[K]],
    mut ask: impl FnMut(&[&K], &'static str) -> QueryResult<Vec<(K, MemberId)>>,
) -> QueryResult<Vec<BTreeSet<MemberId>>> {
    let mut found = Vec::with_capacity(wanted.len());
    // Lists whose turn is yet to come, the next one last.
    let mut rest = vec![wanted];
    while let Some(some) = rest.pop() {
        let keys: BTreeSet<&K> = some.iter().copied().flatten().collect();
        let keys: Vec<&K> = keys.into_iter().collect();
        let most = if some.len() > 1 { MOST_TOGETHER } else { MOST };
        let rows = if keys.is_empty() { Vec::new() } else { ask(&keys, most)? };
        if some.len() > 1 && rows.len() == AS_MANY {
            let (first, second) = some.split_at(some.len() / 2);
            rest.extend([second, first]);
            continue;
        }
        let mut by_key: BTreeMap<K, Vec<MemberId>> = BTreeMap::new();
        for (key, member) in rows {
            by_key.entry(key).or_default().push(member);
        }
        let of = |keys: &&[K]| keys.iter().filter_map(|key| by_key.get(key)).flatten().copied().collect();
        found.extend(some.iter().map(of));
    }
    Ok(found)
}

/// Persons after an id who have no key yet.
pub fn list_without_keys(r: &mut Read, mutual: MutualId, after: MemberId, limit: i64) -> QueryResult<Vec<Member>> {
    let keyed = match_keys::table
        .filter(match_keys::mutual_id.eq(members::mutual_id))
        .filter(match_keys::member_id.eq(members::id));
    members::table
        .filter(members::mutual_id.eq(mutual))
        .filter(members::id.gt(after))
        .filter(not(exists(keyed)))
        .order(members::id)
        .limit(limit)
        .select(Member::as_select())
        .load(r.conn())
}

/// Those of these persons who have keys.
pub fn list_keyed(r: &mut Read, mutual: MutualId, of: &[MemberId]) -> QueryResult<Vec<MemberId>> {
    match_keys::table
        .filter(match_keys::mutual_id.eq(mutual))
        .filter(match_keys::member_id.eq_any(of))
        .select(match_keys::member_id)
        .distinct()
        .load(r.conn())
}

/// What these persons are called.
pub fn list_names(r: &mut Read, mutual: MutualId, ids: &[MemberId]) -> QueryResult<BTreeMap<MemberId, Name>> {
    let mut found = BTreeMap::new();
    for some in ids.chunks(512) {
        let these = members::table
            .filter(members::mutual_id.eq(mutual))
            .filter(members::id.eq_any(padded(some)))
            .select((members::id, members::family_name, members::given_name, members::sex));
        let rows: Vec<(MemberId, String, String, Sex)> = kept(these).load(r.conn())?;
        let name = |(id, family_name, given_name, sex)| (id, Name { family_name, given_name, sex });
        found.extend(rows.into_iter().map(name));
    }
    Ok(found)
}

/// Persons with their last stay and its household.
pub fn list_persons(r: &mut Read, mutual: MutualId, ids: &[MemberId]) -> QueryResult<Vec<Row>> {
    let mut found: BTreeMap<MemberId, Row> = BTreeMap::new();
    for some in ids.chunks(500) {
        let these =
            memberships::table
                .inner_join(
                    members::table
                        .on(members::mutual_id.eq(memberships::mutual_id).and(members::id.eq(memberships::member_id))),
                )
                .inner_join(households::table.on(
                    households::mutual_id.eq(memberships::mutual_id).and(households::id.eq(memberships::household_id)),
                ))
                .filter(memberships::mutual_id.eq(mutual))
                .filter(memberships::member_id.eq_any(padded(some)))
                .order((memberships::from_on, memberships::id))
                .select((Member::as_select(), Membership::as_select(), Household::as_select()));
        let rows: Vec<Row> = kept(these).load(r.conn())?;
        found.extend(rows.into_iter().map(|row| (row.0.id, row)));
    }
    Ok(found.into_values().collect())
}

/// The whole name of the principal of each of these households.
pub fn list_heads(r: &mut Read, mutual: MutualId, of: &[HouseholdId]) -> QueryResult<BTreeMap<HouseholdId, String>> {
    let mut found = BTreeMap::new();
    for some in of.chunks(500) {
        let heads = memberships::table
            .inner_join(
                members::table
                    .on(members::mutual_id.eq(memberships::mutual_id).and(members::id.eq(memberships::member_id))),
            )
            .filter(memberships::mutual_id.eq(mutual))
            .filter(memberships::household_id.eq_any(padded(some)))
            .filter(memberships::relationship.eq(Relationship::Principal))
            .order((memberships::from_on, memberships::id))
            .select((memberships::household_id, members::family_name, members::given_name));
        let rows: Vec<(HouseholdId, String, String)> = kept(heads).load(r.conn())?;
        found.extend(rows.into_iter().map(|(id, family, given)| (id, format!("{family} {given}"))));
    }
    Ok(found)
}

/// Keeps a pair, once whichever of the two came first.
pub fn insert_pair(w: &mut Write, row: &PossibleDuplicate) -> QueryResult<()> {
    let known = possible_duplicates::table
        .filter(possible_duplicates::mutual_id.eq(row.mutual_id))
        .filter(possible_duplicates::member_id.eq(row.other_id))
        .filter(possible_duplicates::other_id.eq(row.member_id));
    if diesel::select(exists(known)).get_result(w.conn())? {
        return Ok(());
    }
    on_each!(w.conn(), |c| diesel::insert_into(possible_duplicates::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// A pair.
pub fn find_pair(r: &mut Read, mutual: MutualId, id: PossibleDuplicateId) -> QueryResult<Option<PossibleDuplicate>> {
    possible_duplicates::table.find((mutual, id)).select(PossibleDuplicate::as_select()).get_result(r.conn()).optional()
}

/// Pairs of a state, by id, both of whom are registered: whose registration was taken back is nobody's double. Who sees some
/// sections sees the pairs both of whom are there.
pub fn list_pairs(
    r: &mut Read,
    scope: &MutualScope,
    state: Option<PairState>,
    after: Option<PossibleDuplicateId>,
    limit: i64,
) -> QueryResult<Vec<PossibleDuplicate>> {
    let mut query = possible_duplicates::table
        .filter(possible_duplicates::mutual_id.eq(scope.mutual()))
        .filter(possible_duplicates::id.gt(after.unwrap_or(PossibleDuplicateId::NIL)))
        .order(possible_duplicates::id)
        .limit(limit)
        .select(PossibleDuplicate::as_select())
        .into_boxed();
    let stays = || memberships::table.filter(memberships::mutual_id.eq(possible_duplicates::mutual_id));
    query = query
        .filter(exists(stays().filter(memberships::member_id.eq(possible_duplicates::member_id))))
        .filter(exists(stays().filter(memberships::member_id.eq(possible_duplicates::other_id))));
    if let Some(state) = state {
        query = query.filter(possible_duplicates::state.eq(state));
    }
    if let Sections::These(sections) = scope.sections() {
        let within = || {
            memberships::table
                .inner_join(households::table.on(
                    households::mutual_id.eq(memberships::mutual_id).and(households::id.eq(memberships::household_id)),
                ))
                .filter(memberships::mutual_id.eq(scope.mutual()))
                .filter(memberships::to_on.is_null())
                .filter(households::section_id.eq_any(sections.clone()))
                .select(memberships::member_id)
        };
        query = query
            .filter(possible_duplicates::member_id.eq_any(within()))
            .filter(possible_duplicates::other_id.eq_any(within()));
    }
    query.load(r.conn())
}

/// Pairs with one of these persons of which the office has said whether they are one, the lower id first.
pub fn list_decided(r: &mut Read, mutual: MutualId, of: &[MemberId]) -> QueryResult<BTreeSet<(MemberId, MemberId)>> {
    let mut found = BTreeSet::new();
    for some in of.chunks(400) {
        let rows: Vec<(MemberId, MemberId)> = possible_duplicates::table
            .filter(possible_duplicates::mutual_id.eq(mutual))
            .filter(possible_duplicates::state.ne(PairState::Open))
            .filter(possible_duplicates::member_id.eq_any(some).or(possible_duplicates::other_id.eq_any(some)))
            .select((possible_duplicates::member_id, possible_duplicates::other_id))
            .load(r.conn())?;
        found.extend(rows.into_iter().map(|(one, other)| (one.min(other), one.max(other))));
    }
    Ok(found)
}

/// Decides an open pair in the version read; false where it was decided meanwhile.
pub fn decide_pair(
    w: &mut Write,
    known: &PossibleDuplicate,
    to: PairState,
    by: Option<UserId>,
    note: Option<&str>,
) -> QueryResult<bool> {
    let now = w.now();
    let open = possible_duplicates::table
        .filter(possible_duplicates::mutual_id.eq(known.mutual_id))
        .filter(possible_duplicates::id.eq(known.id))
        .filter(possible_duplicates::state.eq(PairState::Open))
        .filter(possible_duplicates::version.eq(known.version));
    let taken = diesel::update(open)
        .set((
            possible_duplicates::state.eq(to),
            possible_duplicates::decided_by.eq(by),
            possible_duplicates::decided_at.eq(now),
            possible_duplicates::note.eq(note),
            possible_duplicates::version.eq(known.version + 1),
        ))
        .execute(w.conn())?;
    Ok(taken == 1)
}
