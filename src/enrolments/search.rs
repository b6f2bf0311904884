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
        Sieve::NoCover(on) => {
            let covered = cover_spans::table
                .filter(cover_spans::mutual_id.eq(mutual))
                .filter(cover_spans::member_id.eq(members::id))
                .filter(cover_spans::from_on.le(on));
            members::table
                .filter(members::mutual_id.eq(mutual))
                .filter(not(exists(covered)))
                .select(members::id)
                .limit(SMALL + 1)
                .load(r.conn())?
        }
    };
    let few = i64::try_from(found.len()).is_ok_and(|count| count <= SMALL);
    Ok(few.then(|| found.into_iter().collect()))
}

fn some<T: Copy>(ids: &[T]) -> Vec<Option<T>> {
    ids.iter().map(|id| Some(*id)).collect()
}

diesel::alias!(name_words as earlier: Earlier, name_words as further: Further);

/// Keeps of a query over members, alone or joined, those who fit one thing.
macro_rules! sift {
    ($query:expr, $sieve:expr, $mutual:expr, $there_on:expr) => {{
        let (query, mutual, there_on) = ($query, $mutual, $there_on);
        match $sieve {
            Sieve::Word(word) => {
                let last = end_of(&word);
                query.filter(exists(
                    further
                        .filter(further.field(name_words::mutual_id).eq(mutual))
                        .filter(further.field(name_words::member_id).eq(members::id))
                        .filter(further.field(name_words::word).ge(word))
                        .filter(further.field(name_words::word).lt(last)),
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
        }
    }};
}

/// After which row a page begins. Which of the two ways a search goes is settled by its first page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// A folded name and an id.
    Name(String, MemberId),
    /// A word and an id.
    Word(String, MemberId),
}

impl After {
    /// The two parts of a cursor's key.
    pub fn key(&self) -> Vec<String> {
        match self {
            After::Name(name, id) => vec![format!("n{name}"), id.to_string()],
            After::Word(word, id) => vec![format!("w{word}"), id.to_string()],
        }
    }

    /// Reads the parts of a key.
    pub fn read(first: &str, id: MemberId) -> Option<After> {
        let name = || first.strip_prefix('n').map(|name| After::Name(name.to_owned(), id));
        name().or_else(|| first.strip_prefix('w').map(|word| After::Word(word.to_owned(), id)))
    }
}

/// Persons with the last stay of each in a household, and the place of each: by folded name where the answer is small or no
/// name is asked for, else by the rarest of the words, so that a page of ten thousand of one name is found at once.
pub fn find(
    r: &mut Read,
    scope: &MutualScope,
    asked: &Asked,
    after: Option<After>,
    limit: i64,
) -> QueryResult<Vec<(After, Member, Membership)>> {
    let mutual = scope.mutual();
    // Who has left is found where he lived last.
    let there_on = if asked.former { long_ago() } else { asked.today };
    let mut within: Option<BTreeSet<MemberId>> = None;
    let mut large = Vec::new();
    for sieve in sieves(asked, scope) {
        // Who was never covered is found by looking at everybody, which is not done for the few who are known already.
        let is_known = matches!(sieve, Sieve::NoCover(_)) && within.is_some();
        let set = if is_known { None } else { small(r, mutual, &sieve, there_on)? };
        match set {
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
    let by_word = match &after {
        None => within.is_none(),
        Some(after) => matches!(after, After::Word(..)),
    };
    if by_word && let Some(word) = rarest(r, mutual, &asked.words)? {
        return along_a_word(r, scope, &word, asked, there_on, after, limit);
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
        query = sift!(query, sieve, mutual, there_on);
    }
    // Somebody whose registration was taken back has no stay and is nobody's member.
    let stays =
        memberships::table.filter(memberships::mutual_id.eq(mutual)).filter(memberships::member_id.eq(members::id));
    query = query.filter(exists(stays.filter(memberships::to_on.is_null().or(memberships::to_on.ge(there_on)))));
    if let Some(After::Name(name, id)) = after {
        query = query
            .filter(members::folded_name.gt(name.clone()).or(members::folded_name.eq(name).and(members::id.gt(id))));
    }
    let found: Vec<Member> = query.load(r.conn())?;
    let rows = crate::households::store::with_last_stays(r, scope, found)?;
    let placed =
        |(member, stay): (Member, Membership)| (After::Name(member.folded_name.clone(), member.id), member, stay);
    Ok(rows.into_iter().map(placed).collect())
}

/// The word that fewest persons have.
fn rarest(r: &mut Read, mutual: MutualId, words: &[String]) -> QueryResult<Option<String>> {
    let mut found: Option<(i64, String)> = None;
    for word in words {
        let count: i64 = name_words::table
            .filter(name_words::mutual_id.eq(mutual))
            .filter(name_words::word.ge(word))
            .filter(name_words::word.lt(end_of(word)))
            .count()
            .get_result(r.conn())?;
        if found.as_ref().is_none_or(|(least, _)| count < *least) {
            found = Some((count, word.clone()));
        }
    }
    Ok(found.map(|(_, word)| word))
}

/// Persons by the word of their name that begins so, and id; who has two such words stands at the first.
fn along_a_word(
    r: &mut Read,
    scope: &MutualScope,
    word: &str,
    asked: &Asked,
    there_on: NaiveDate,
    after: Option<After>,
    limit: i64,
) -> QueryResult<Vec<(After, Member, Membership)>> {
    let mutual = scope.mutual();
    let before = earlier
        .filter(earlier.field(name_words::mutual_id).eq(mutual))
        .filter(earlier.field(name_words::member_id).eq(name_words::member_id))
        .filter(earlier.field(name_words::word).ge(word.to_owned()))
        .filter(earlier.field(name_words::word).lt(name_words::word));
    let stays = memberships::table
        .filter(memberships::mutual_id.eq(mutual))
        .filter(memberships::member_id.eq(name_words::member_id))
        .filter(memberships::to_on.is_null().or(memberships::to_on.ge(there_on)));
    let mut query = name_words::table
        .inner_join(
            members::table.on(members::mutual_id.eq(name_words::mutual_id).and(members::id.eq(name_words::member_id))),
        )
        .filter(name_words::mutual_id.eq(mutual))
        .filter(name_words::word.ge(word.to_owned()))
        .filter(name_words::word.lt(end_of(word)))
        .filter(not(exists(before)))
        .filter(exists(stays))
        .order((name_words::word, name_words::member_id))
        .limit(limit)
        .select((name_words::word, Member::as_select()))
        .into_boxed();
    for sieve in sieves(asked, scope).into_iter().filter(|sieve| !matches!(sieve, Sieve::Word(own) if own == word)) {
        query = sift!(query, sieve, mutual, there_on);
    }
    if let Some(After::Word(word, id)) = after {
        query = query
            .filter(name_words::word.gt(word.clone()).or(name_words::word.eq(word).and(name_words::member_id.gt(id))));
    }
    let found: Vec<(String, Member)> = query.load(r.conn())?;
    let words: std::collections::HashMap<MemberId, String> =
        found.iter().map(|(word, member)| (member.id, word.clone())).collect();
    let rows = crate::households::store::with_last_stays(r, scope, found.into_iter().map(|(_, one)| one).collect())?;
    let placed = |(member, stay): (Member, Membership)| {
        let word = words.get(&member.id).cloned().unwrap_or_default();
        (After::Word(word, member.id), member, stay)
    };
    Ok(rows.into_iter().map(placed).collect())
}
