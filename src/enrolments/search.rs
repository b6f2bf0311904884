//! Finding persons in a register of any size. Each thing that is asked for is tried first as a set of persons, read from its
//! index up to a bound: where one of them is small, the answer lies within it; where all are large, so is the answer, and
//! a walk along the names finds a page of it soon.
use super::model::SpanState;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::Read;
use crate::db::schema::*;
use crate::households::model::{Member, Membership};
use crate::ids::*;
use chrono::NaiveDate;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use std::collections::BTreeSet;

/// A set of at most so many persons is small.
const SMALL: i64 = 2_000;

/// Whom to look for: each that is given must fit.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Words of the folded name, each a word or the beginning of one.
    pub words: Vec<String>,
    /// Card number, or number of another system.
    pub number: Option<String>,
    /// The person's or the household's phone, in international form.
    pub phone: Option<String>,
    pub birth_year: Option<(NaiveDate, NaiveDate)>,
    /// The area in which the household lives, with all areas within it.
    pub areas: Option<Vec<AreaId>>,
    pub group: Option<GroupId>,
    /// State of cover on a day; none stands for no cover ever begun by then.
    pub cover: Option<(Option<SpanState>, NaiveDate)>,
    /// Also persons who have left or died.
    pub former: bool,
    /// The day that counts as today.
    pub today: NaiveDate,
}

/// One thing that is asked for.
#[derive(Debug, Clone)]
enum Sieve {
    Word(String),
    Number(String),
    Phone(String),
    Born(NaiveDate, NaiveDate),
    Areas(Vec<AreaId>),
    Sections(Vec<OrganisationId>),
    Group(GroupId, NaiveDate),
    Cover(SpanState, NaiveDate),
    NoCover(NaiveDate),
}

fn sieves(asked: &Asked, scope: &MutualScope) -> Vec<Sieve> {
    let mut all: Vec<Sieve> = asked.words.iter().cloned().map(Sieve::Word).collect();
    all.extend(asked.number.clone().map(Sieve::Number));
    all.extend(asked.phone.clone().map(Sieve::Phone));
    all.extend(asked.birth_year.map(|(from, to)| Sieve::Born(from, to)));
    all.extend(asked.areas.clone().map(Sieve::Areas));
    all.extend(asked.group.map(|group| Sieve::Group(group, asked.today)));
    all.extend(asked.cover.map(|(state, on)| state.map_or(Sieve::NoCover(on), |state| Sieve::Cover(state, on))));
    if let Sections::These(ids) = scope.sections() {
        all.push(Sieve::Sections(ids.to_vec()));
    }
    all
}

/// Before every stay.
fn long_ago() -> NaiveDate {
    NaiveDate::from_ymd_opt(1880, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// What comes after every word that begins so.
fn end_of(word: &str) -> String {
    format!("{word}\u{10FFFF}")
}

/// The persons who fit one thing, or none where they are many.
fn small(
    r: &mut Read,
    mutual: MutualId,
    sieve: &Sieve,
    there_on: NaiveDate,
) -> QueryResult<Option<BTreeSet<MemberId>>> {
    let of_household =
        || {
            memberships::table
                .inner_join(households::table.on(
                    households::mutual_id.eq(memberships::mutual_id).and(households::id.eq(memberships::household_id)),
                ))
                .filter(memberships::mutual_id.eq(mutual))
                .filter(memberships::to_on.is_null().or(memberships::to_on.ge(there_on)))
                .select(memberships::member_id)
                .limit(SMALL + 1)
        };
    let found: Vec<MemberId> = match sieve {
        Sieve::Word(word) => name_words::table
            .filter(name_words::mutual_id.eq(mutual))
            .filter(name_words::word.ge(word))
            .filter(name_words::word.lt(end_of(word)))
            .select(name_words::member_id)
            .limit(SMALL + 1)
            .load(r.conn())?,
        Sieve::Number(number) => {
            let of_mutual = members::table.filter(members::mutual_id.eq(mutual)).select(members::id);
            let mut ids: Vec<MemberId> = of_mutual.filter(members::card_number.eq(number)).load(r.conn())?;
            ids.extend(of_mutual.filter(members::legacy_number.eq(number)).load::<MemberId>(r.conn())?);
            ids
        }
        Sieve::Phone(phone) => {
            let standing = phones::table
                .filter(phones::mutual_id.eq(mutual))
                .filter(phones::e164.eq(phone))
                .filter(phones::ended_on.is_null())
                .limit(SMALL + 1);
            let rows: Vec<(Option<HouseholdId>, Option<MemberId>)> =
                standing.select((phones::household_id, phones::member_id)).load(r.conn())?;
            let homes: Vec<HouseholdId> = rows.iter().filter_map(|(home, _)| *home).collect();
            let mut ids: Vec<MemberId> = rows.iter().filter_map(|(_, member)| *member).collect();
            ids.extend(of_household().filter(memberships::household_id.eq_any(homes)).load::<MemberId>(r.conn())?);
            ids
        }
        Sieve::Born(from, to) => members::table
            .filter(members::mutual_id.eq(mutual))
            .filter(members::birth_date.between(from, to))
            .select(members::id)
            .limit(SMALL + 1)
            .load(r.conn())?,
        Sieve::Areas(areas) => of_household().filter(households::area_id.eq_any(some(areas))).load(r.conn())?,
        Sieve::Sections(ids) => of_household().filter(households::section_id.eq_any(some(ids))).load(r.conn())?,
        Sieve::Group(group, on) => group_members::table
            .filter(group_members::mutual_id.eq(mutual))
            .filter(group_members::group_id.eq(group))
            .filter(group_members::from_on.le(on))
            .filter(group_members::ended_on.is_null().or(group_members::ended_on.ge(on)))
            .select(group_members::member_id)
            .limit(SMALL + 1)
            .load(r.conn())?,
        Sieve::Cover(state, on) => cover_spans::table
            .filter(cover_spans::mutual_id.eq(mutual))
            .filter(cover_spans::state.eq(state))
            .filter(cover_spans::from_on.le(on))
            .filter(cover_spans::to_on.is_null().or(cover_spans::to_on.ge(on)))
            .select(cover_spans::member_id)
            .limit(SMALL + 1)
            .load(r.conn())?,
        Sieve::NoCover(_) => return Ok(None),
    };
    let few = i64::try_from(found.len()).is_ok_and(|count| count <= SMALL);
    Ok(few.then(|| found.into_iter().collect()))
}

fn some<T: Copy>(ids: &[T]) -> Vec<Option<T>> {
    ids.iter().map(|id| Some(*id)).collect()
}

/// Persons, by folded name and id, each with the last stay in a household.
pub fn find(
    r: &mut Read,
    scope: &MutualScope,
    asked: &Asked,
    after: Option<(String, MemberId)>,
    limit: i64,
) -> QueryResult<Vec<(Member, Membership)>> {
    let mutual = scope.mutual();
    // Who has left is found where he lived last.
    let there_on = if asked.former { long_ago() } else { asked.today };
    let mut within: Option<BTreeSet<MemberId>> = None;
    let mut large = Vec::new();
    for sieve in sieves(asked, scope) {
        match small(r, mutual, &sieve, there_on)? {
            Some(set) => {
                within = Some(match within {
                    Some(known) => known.intersection(&set).copied().collect(),
                    None => set,
                });
            }
            None => large.push(sieve),
        }
        if within.as_ref().is_some_and(BTreeSet::is_empty) {
            return Ok(Vec::new());
        }
    }
    let mut query = members::table
        .filter(members::mutual_id.eq(mutual))
        .order((members::folded_name, members::id))
        .limit(limit)
        .select(Member::as_select())
        .into_boxed();
    if let Some(ids) = within {
        query = query.filter(members::id.eq_any(ids));
    }
    for sieve in large {
        query = match sieve {
            Sieve::Word(word) => {
                let last = end_of(&word);
                query.filter(exists(
                    name_words::table
                        .filter(name_words::mutual_id.eq(mutual))
                        .filter(name_words::member_id.eq(members::id))
                        .filter(name_words::word.ge(word))
                        .filter(name_words::word.lt(last)),
                ))
            }
            Sieve::Born(from, to) => query.filter(members::birth_date.between(from, to)),
            Sieve::Areas(areas) => query.filter(exists(
                memberships::table
                    .inner_join(
                        households::table.on(households::mutual_id
                            .eq(memberships::mutual_id)
                            .and(households::id.eq(memberships::household_id))),
                    )
                    .filter(memberships::mutual_id.eq(mutual))
                    .filter(memberships::member_id.eq(members::id))
                    .filter(memberships::to_on.is_null().or(memberships::to_on.ge(there_on)))
                    .filter(households::area_id.eq_any(some(&areas))),
            )),
            Sieve::Sections(ids) => query.filter(exists(
                memberships::table
                    .inner_join(
                        households::table.on(households::mutual_id
                            .eq(memberships::mutual_id)
                            .and(households::id.eq(memberships::household_id))),
                    )
                    .filter(memberships::mutual_id.eq(mutual))
                    .filter(memberships::member_id.eq(members::id))
                    .filter(memberships::to_on.is_null().or(memberships::to_on.ge(there_on)))
                    .filter(households::section_id.eq_any(some(&ids))),
            )),
            Sieve::Group(group, on) => query.filter(exists(
                group_members::table
                    .filter(group_members::mutual_id.eq(mutual))
                    .filter(group_members::member_id.eq(members::id))
                    .filter(group_members::group_id.eq(group))
                    .filter(group_members::from_on.le(on))
                    .filter(group_members::ended_on.is_null().or(group_members::ended_on.ge(on))),
            )),
            Sieve::Cover(state, on) => query.filter(exists(
                cover_spans::table
                    .filter(cover_spans::mutual_id.eq(mutual))
                    .filter(cover_spans::member_id.eq(members::id))
                    .filter(cover_spans::state.eq(state))
                    .filter(cover_spans::from_on.le(on))
                    .filter(cover_spans::to_on.is_null().or(cover_spans::to_on.ge(on))),
            )),
            Sieve::NoCover(on) => query.filter(not(exists(
                cover_spans::table
                    .filter(cover_spans::mutual_id.eq(mutual))
                    .filter(cover_spans::member_id.eq(members::id))
                    .filter(cover_spans::from_on.le(on)),
            ))),
            Sieve::Phone(phone) => query.filter(exists(
                phones::table
                    .filter(phones::mutual_id.eq(mutual))
                    .filter(phones::member_id.eq(members::id.nullable()))
                    .filter(phones::e164.eq(phone))
                    .filter(phones::ended_on.is_null()),
            )),
            // A number has one person, or two where another system's number looks like a card's.
            Sieve::Number(number) => {
                query.filter(members::card_number.eq(number.clone()).or(members::legacy_number.eq(number)))
            }
        };
    }
    // Somebody whose registration was taken back has no stay and is nobody's member.
    let stays =
        memberships::table.filter(memberships::mutual_id.eq(mutual)).filter(memberships::member_id.eq(members::id));
    query = query.filter(exists(stays.filter(memberships::to_on.is_null().or(memberships::to_on.ge(there_on)))));
    if let Some((name, id)) = after {
        query = query
            .filter(members::folded_name.gt(name.clone()).or(members::folded_name.eq(name).and(members::id.gt(id))));
    }
    let found: Vec<Member> = query.load(r.conn())?;
    crate::households::store::with_last_stays(r, scope, found)
}
