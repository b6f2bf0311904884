//! Persons who may be registered twice (R50): flagged where they are registered, never refused, and decided in the office.
use super::duplicates_store::{self as store, PairState, PossibleDuplicate};
use super::model::{Household, Member, Membership, Relationship};
use super::resemblance::{self, Person};
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::db::{Db, Read, Wall, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::web::must_match;
use diesel::QueryResult;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Of one person, more who share a key with him are not looked at.
const MOST: i64 = 400;
/// Persons whose keys are written in one transaction.
const AT_ONCE: i64 = 500;

/// What is compared of persons, by their ids: with what their households tell of them.
fn persons(r: &mut Read, mutual: MutualId, ids: &[MemberId]) -> QueryResult<BTreeMap<MemberId, Person>> {
    let rows = store::list_persons(r, mutual, ids)?;
    let households: Vec<HouseholdId> = rows.iter().map(|(_, _, household)| household.id).collect();
    let heads = store::list_heads(r, mutual, &households)?;
    let person = |(member, stay, household): Row| {
        let own = format!("{} {}", member.family_name, member.given_name);
        let is_head = stay.relationship == Relationship::Principal;
        let head_name = if is_head { Some(own) } else { heads.get(&household.id).cloned() };
        let person = Person {
            head_name,
            family_name: member.family_name,
            given_name: member.given_name,
            sex: member.sex,
            birth_date: member.birth_date,
            birth_precision: member.birth_precision,
            phone: member.phone.or(household.phone),
            area: household.area_id.map(Key::uuid),
        };
        (member.id, person)
    };
    Ok(rows.into_iter().map(person).collect())
}

/// Keeps by what persons are found again, in the place of what was kept where they are known.
///
/// # Errors
/// The database's.
pub fn key(w: &mut Write, mutual: MutualId, ids: &[MemberId], are_known: bool) -> Result<()> {
    if are_known {
        for id in ids {
            store::remove_keys(w, mutual, *id)?;
        }
    }
    let found = persons(w, mutual, ids)?;
    let rows: Vec<(MemberId, String)> = found
        .iter()
        .flat_map(|(id, person)| resemblance::blocking_keys(person).into_iter().map(|key| (*id, key)))
        .collect();
    Ok(store::insert_keys(w, mutual, &rows)?)
}

/// Who was registered in a household by this very transaction.
///
/// # Errors
/// The database's.
pub fn just_registered(w: &mut Write, scope: &MutualScope, household: HouseholdId) -> Result<Vec<MemberId>> {
    let now = w.now();
    let rows = super::store::list_of_household(w, scope.mutual(), household)?;
    Ok(rows.into_iter().filter(|(member, _)| member.recorded_at == now).map(|(member, _)| member.id).collect())
}

/// Looks for others who may be those whom this transaction registered in a household.
///
/// # Errors
/// The database's.
pub fn look_in(w: &mut Write, scope: &MutualScope, household: HouseholdId) -> Result<()> {
    let new = just_registered(w, scope, household)?;
    if !new.is_empty() {
        look(w, scope, &new)?;
    }
    Ok(())
}

/// Looks for others who may be these persons, who were just registered; keeps the pairs and gives the others, the likeliest of
/// each first.
///
/// # Errors
/// The database's.
pub fn look(w: &mut Write, scope: &MutualScope, members: &[MemberId]) -> Result<Vec<MemberId>> {
    let mutual = scope.mutual();
    let new = persons(w, mutual, members)?;
    let mut candidates: BTreeMap<MemberId, BTreeSet<MemberId>> = BTreeMap::new();
    for (member, person) in &new {
        let keys = resemblance::blocking_keys(person);
        let found = store::list_with_keys(w, mutual, &keys, MOST)?.into_iter().filter(|other| other != member);
        candidates.insert(*member, found.collect());
    }
    let others: BTreeSet<MemberId> = candidates.values().flatten().copied().collect();
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let persons = persons(w, mutual, &others.into_iter().collect::<Vec<_>>())?;
    let mut flagged = Vec::new();
    for (member, found) in candidates {
        let Some(own) = new.get(&member) else { continue };
        let mut likely: Vec<(u32, MemberId)> = found
            .into_iter()
            .filter_map(|other| Some((resemblance::score(own, persons.get(&other)?), other)))
            .filter(|(score, _)| *score >= resemblance::THRESHOLD)
            .collect();
        likely.sort_by_key(|(score, other)| (std::cmp::Reverse(*score), *other));
        for (score, other) in likely {
            let row = PossibleDuplicate {
                mutual_id: mutual,
                id: w.new_id(),
                member_id: member,
                other_id: other,
                score: i64::from(score),
                state: PairState::Open,
                found_at: w.now(),
                decided_by: None,
                decided_at: None,
                note: None,
                version: 1,
            };
            store::insert_pair(w, &row)?;
            flagged.push(other);
        }
    }
    Ok(flagged)
}

/// Says whether two persons are one. That they are changes nothing by itself: the office ends one of them by an event, so that
/// what was paid and treated stays where it was recorded.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn decide(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: PossibleDuplicateId,
    if_match: Option<&str>,
    to: PairState,
    note: Option<&str>,
) -> Result<()> {
    let known = store::find_pair(w, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    must_see(w, scope, &known)?;
    must_match(if_match, known.version)?;
    if known.state != PairState::Open || to == PairState::Open {
        return Err(Problem::with(Code::WrongState, format!("the pair is {}", known.state)).into());
    }
    if !store::decide_pair(w, &known, to, order.asker.user, note)? {
        return Err(Code::VersionMismatch.into());
    }
    w.changed("possible_duplicate", id.uuid(), None, None);
    w.names("member", known.member_id.uuid());
    w.names("member", known.other_id.uuid());
    w.field("state", Some(json!(known.state)), Some(json!(to)));
    w.mark(scope.today());
    Ok(())
}

/// A pair is seen by who sees both.
///
/// # Errors
/// `not_found`.
pub fn must_see(r: &mut Read, scope: &MutualScope, pair: &PossibleDuplicate) -> Result<()> {
    for member in [pair.member_id, pair.other_id] {
        super::store::find_member(r, scope, member)?.ok_or(Problem::of(Code::NotFound))?;
    }
    Ok(())
}

/// Gives keys to persons who were registered before there were any, in short transactions.
///
/// # Errors
/// The database's.
pub fn key_all(db: &Db, mutual: MutualId) -> Result<()> {
    let wall = Wall::mutual(mutual);
    let mut after = MemberId::NIL;
    loop {
        let without = db.read(wall, |r| Ok::<_, Error>(store::list_without_keys(r, mutual, after, AT_ONCE)?))?;
        let Some(last) = without.last().map(|member| member.id) else { return Ok(()) };
        after = last;
        db.write(wall, |w| {
            // Another server may have been here meanwhile.
            let ids: Vec<MemberId> = without.iter().map(|member| member.id).collect();
            let keyed: BTreeSet<MemberId> = store::list_keyed(w, mutual, &ids)?.into_iter().collect();
            let ids: Vec<MemberId> = ids.into_iter().filter(|id| !keyed.contains(id)).collect();
            key(w, mutual, &ids, false)
        })?;
    }
}

/// A person with his last stay and his household.
pub type Row = (Member, Membership, Household);
