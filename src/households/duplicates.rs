//! Persons who may be registered twice (R50): flagged where they are registered, never refused, and decided in the office.
use super::duplicates_store::{self as store, PairState, PossibleDuplicate};
use super::model::{Household, Member, Membership, Relationship};
use super::resemblance::{Called, Folded, Keys, Person, Sounds};
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::db::{Db, Read, Wall, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::web::must_match;
use chrono::NaiveDate;
use diesel::QueryResult;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Persons for whom one question looks.
const TOGETHER: usize = 16;
/// Persons whose keys are written in one transaction.
const AT_ONCE: i64 = 500;

/// A person who was just registered.
#[derive(Debug, Clone)]
pub struct Newcomer {
    id: MemberId,
    folded: Folded,
    keys: Keys,
}

impl Newcomer {
    fn new(id: MemberId, folded: Folded, sounds: &mut Sounds) -> Self {
        Newcomer { id, keys: folded.keys(sounds), folded }
    }
}

/// What is compared of persons, by their ids: with what their households tell of them.
fn persons(
    r: &mut Read,
    mutual: MutualId,
    ids: &[MemberId],
    sounds: &mut Sounds,
) -> QueryResult<BTreeMap<MemberId, Folded>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = store::list_persons(r, mutual, ids)?;
    let households: Vec<HouseholdId> = rows.iter().map(|(_, _, household)| household.id).collect();
    let heads = store::list_heads(r, mutual, &households)?;
    let mut folded = BTreeMap::new();
    for (member, stay, household) in rows {
        let (id, head) = (member.id, heads.get(&household.id));
        folded.insert(id, fold(member, stay.relationship, &household, head, sounds));
    }
    Ok(folded)
}

/// A person as he is compared, with what his household tells of him.
fn fold(
    member: Member,
    relationship: Relationship,
    household: &Household,
    head: Option<&String>,
    sounds: &mut Sounds,
) -> Folded {
    let own = format!("{} {}", member.family_name, member.given_name);
    let person = Person {
        head_name: if relationship == Relationship::Principal { Some(own) } else { head.cloned() },
        family_name: member.family_name,
        given_name: member.given_name,
        sex: member.sex,
        birth_date: member.birth_date,
        birth_precision: member.birth_precision,
        phone: member.phone.or_else(|| household.phone.clone()),
        area: household.area_id.map(Key::uuid),
    };
    Folded::new(person, sounds)
}

/// Persons who were just added to a household, their stays too.
pub struct Joining<'a> {
    pub household: &'a Household,
    pub members: Vec<(Member, Relationship)>,
    /// They are all who ever were in it.
    pub is_whole: bool,
}

/// Keeps by what persons are found who were just added to households; gives those of each.
///
/// # Errors
/// The database's.
pub fn key_new(w: &mut Write, mutual: MutualId, joining: Vec<Joining>) -> Result<Vec<Vec<Newcomer>>> {
    let others: Vec<HouseholdId> = joining.iter().filter(|one| !one.is_whole).map(|one| one.household.id).collect();
    let mut heads = store::list_heads(w, mutual, &others)?;
    let mut sounds = Sounds::default();
    let mut newcomers = Vec::with_capacity(joining.len());
    for Joining { household, members, is_whole } in joining {
        if is_whole {
            let head = members.iter().find(|(_, relationship)| *relationship == Relationship::Principal);
            let name = |member: &Member| format!("{} {}", member.family_name, member.given_name);
            heads.extend(head.map(|(member, _)| (household.id, name(member))));
        }
        let head = heads.get(&household.id);
        let mut newcomer = |(member, relationship): (Member, Relationship)| {
            let id = member.id;
            Newcomer::new(id, fold(member, relationship, household, head, &mut sounds), &mut sounds)
        };
        newcomers.push(members.into_iter().map(&mut newcomer).collect::<Vec<_>>());
    }
    let all = newcomers.iter().flatten();
    let keys: Vec<(MemberId, &str)> =
        all.flat_map(|one| one.keys.kept.iter().map(|key| (one.id, key.as_str()))).collect();
    store::insert_keys(w, mutual, &keys)?;
    Ok(newcomers)
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
    let mut sounds = Sounds::default();
    for (id, person) in persons(w, mutual, ids, &mut sounds)? {
        let keys = person.keys(&mut sounds);
        let rows: Vec<(MemberId, &str)> = keys.kept.iter().map(|key| (id, key.as_str())).collect();
        store::insert_keys(w, mutual, &rows)?;
    }
    Ok(())
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
    look_at(w, scope, &new).map(|_| ())
}

/// As [`look`], for persons by their ids.
///
/// # Errors
/// The database's.
pub fn look_at(w: &mut Write, scope: &MutualScope, members: &[MemberId]) -> Result<Vec<MemberId>> {
    let mut sounds = Sounds::default();
    let found = persons(w, scope.mutual(), members, &mut sounds)?;
    look(w, scope, found.into_iter().map(|(id, folded)| Newcomer::new(id, folded, &mut sounds)).collect())
}

/// Looks for others who may be these persons, who were just registered; keeps the pairs and gives the others, the likeliest of
/// each first.
///
/// # Errors
/// The database's.
pub fn look(w: &mut Write, scope: &MutualScope, newcomers: Vec<Newcomer>) -> Result<Vec<MemberId>> {
    Ok(look_all(w, scope, vec![newcomers])?.pop().unwrap_or_default())
}

/// As [`look`], for the persons of several households, registered one after the other: of two who may be one the later is told
/// of the earlier.
///
/// # Errors
/// The database's.
pub fn look_all(w: &mut Write, scope: &MutualScope, households: Vec<Vec<Newcomer>>) -> Result<Vec<Vec<MemberId>>> {
    let mutual = scope.mutual();
    let count = households.len();
    let (mut own, mut place_of) = (Vec::new(), BTreeMap::new());
    for (place, newcomers) in households.into_iter().enumerate() {
        place_of.extend(newcomers.iter().map(|new| (new.id, place)));
        own.extend(newcomers);
    }
    let mut candidates: BTreeMap<MemberId, BTreeSet<MemberId>> = BTreeMap::new();
    for some in own.chunks(TOGETHER) {
        let keys: Vec<&[String]> = some.iter().map(|new| new.keys.sought.as_slice()).collect();
        let days: Vec<Option<NaiveDate>> = some.iter().map(|new| new.keys.born_on).collect();
        let with_keys = store::list_with_keys(w, mutual, &keys)?;
        let born = store::list_born_on(w, mutual, &days)?;
        for ((new, mut found), born) in some.iter().zip(with_keys).zip(born) {
            found.extend(born);
            candidates.insert(new.id, found);
        }
    }
    for (id, found) in &mut candidates {
        let place = place_of.get(id);
        // Who was registered later is told of it himself; those of one household are told together.
        found.retain(|other| other != id && place_of.get(other).is_none_or(|theirs| place >= Some(theirs)));
    }
    // Those who were registered together are known already.
    let mut known: BTreeMap<MemberId, Folded> = own.into_iter().map(|new| (new.id, new.folded)).collect();
    let mut sounds = Sounds::default();
    let others: BTreeSet<MemberId> = candidates.values().flatten().copied().collect();
    let others: Vec<MemberId> = others.into_iter().filter(|other| !known.contains_key(other)).collect();
    let names = store::list_names(w, mutual, &others)?;
    let called: BTreeMap<MemberId, Called> =
        names.iter().map(|(id, name)| (*id, Called::new(name, &mut sounds))).collect();
    for (id, found) in &mut candidates {
        let Some(own) = known.get(id) else { continue };
        found.retain(|other| called.get(other).is_none_or(|called| own.may_be(called)));
    }
    let others: BTreeSet<MemberId> = candidates.values().flatten().copied().collect();
    let others: Vec<MemberId> = others.into_iter().filter(|other| !known.contains_key(other)).collect();
    known.extend(persons(w, mutual, &others, &mut sounds)?);
    let mut flagged = vec![Vec::new(); count];
    for (member, found) in candidates {
        let (Some(own), Some(place)) = (known.get(&member), place_of.get(&member)) else { continue };
        let mut likely: Vec<(u32, MemberId)> =
            found.into_iter().filter_map(|other| Some((own.probable(known.get(&other)?)?, other))).collect();
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
            if let Some(flagged) = flagged.get_mut(*place) {
                flagged.push(other);
            }
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
