//! Who is covered, who came and who went, from cover spans, which are themselves from the facts.
use super::{Part, Scope};
use crate::dates::{add_days, add_months, add_years};
use crate::db::Read;
use crate::db::kept::{kept, padded};
use crate::db::schema::*;
use crate::db::types::Id;
use crate::enrolments::model::EnrolmentState;
use crate::enrolments::rules::{RENEWED_WITHIN_DAYS, SpanReason, SpanState, first_covered_on};
use crate::error::Result;
use crate::households::model::{Relationship, Sex};
use crate::ids::*;
use crate::products::{service as products, store as product_store};
use crate::reports::measures::{Dimension, Measure, Sheet};
use chrono::NaiveDate;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{Date, Nullable};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Cover that makes a person belong to the mutual, suspended or not.
const AFFILIATED: [SpanState; 2] = [SpanState::InForce, SpanState::Suspended];

/// The others, named, so that they are found by their state.
const LEFT: [SpanState; 3] = [SpanState::Lapsed, SpanState::Expired, SpanState::Terminated];

/// The first and the last day that both engines write alike.
const CALENDAR: (NaiveDate, NaiveDate) = match (NaiveDate::from_ymd_opt(1, 1, 1), NaiveDate::from_ymd_opt(9999, 12, 31))
{
    (Some(first), Some(last)) => (first, last),
    _ => panic!("both are days"),
};

/// Ages, each the first year of a band; the last is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeBands(Vec<i64>);

impl Default for AgeBands {
    fn default() -> Self {
        AgeBands(vec![0, 5, 15, 25, 35, 45, 55, 65])
    }
}

impl std::str::FromStr for AgeBands {
    type Err = String;
    /// Reads `0,5,15,25`: from 0, growing, at most 20.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let fault = || format!("'{text}' is no list of growing ages from 0, such as 0,5,15,25,35,45,55,65");
        let ages: Vec<i64> = text
            .split(',')
            .map(|part| part.trim().parse())
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| fault())?;
        let grows = ages.is_sorted_by(|one, next| one < next);
        if ages.first() == Some(&0) && grows && ages.len() <= 20 && ages.last().is_some_and(|last| *last <= 120) {
            Ok(AgeBands(ages))
        } else {
            Err(fault())
        }
    }
}

impl std::fmt::Display for AgeBands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
    }
}

impl AgeBands {
    /// `0-4`, `5-14`, … `65+`.
    pub fn names(&self) -> Vec<String> {
        let next = self.0.iter().skip(1).map(|from| Some(*from - 1)).chain([None]);
        self.0
            .iter()
            .zip(next)
            .map(|(from, last)| last.map_or_else(|| format!("{from}+"), |last| format!("{from}-{last}")))
            .collect()
    }

    /// The latest birth of each band on a day.
    fn latest_births(&self, on: NaiveDate) -> Result<Vec<NaiveDate>> {
        self.0.iter().map(|from| latest_birth(*from, on)).collect()
    }
}

/// The latest day on which somebody of an age was born (R4: a 29 February birthday falls on 28 February).
fn latest_birth(age: i64, on: NaiveDate) -> Result<NaiveDate> {
    let beyond = |_| crate::error::Error::Fault("an age beyond the calendar".into());
    let day = add_years(on, -age).map_err(beyond)?;
    let next = add_days(day, 1).map_err(beyond)?;
    Ok(if add_years(next, age).map_err(beyond)? <= on { next } else { day })
}

/// Cover of a person who belongs to the mutual on the day of the stocks, or did so in the month or on the day before it.
#[derive(Queryable)]
struct Cover {
    household: HouseholdId,
    member: MemberId,
    is_suspended: bool,
    /// Where it lies so late that somebody may wait still.
    waiting_from: Option<NaiveDate>,
    /// Of whom may wait.
    enrolment: Option<EnrolmentId>,
    /// Where it began within the month.
    began: Option<NaiveDate>,
    /// Where it had ended by the end of the day of the stocks.
    ended: Option<NaiveDate>,
}

impl Cover {
    fn stands(&self, on: NaiveDate) -> bool {
        self.ended.is_none_or(|ended| ended >= on)
    }

    /// It began within the month, or ended within it or on the day before.
    fn is_turn(&self) -> bool {
        self.began.is_some() || self.ended.is_some()
    }
}

/// An enrolment whose period does not end before the month: all cover of the month and after it is by one of these.
#[derive(Queryable)]
struct Enrolled {
    id: EnrolmentId,
    household: HouseholdId,
    version: ProductVersionId,
    is_admitted: bool,
    /// It was admitted, whatever became of it but that it was cancelled.
    counts: bool,
    /// Where it begins so that it may follow one that ends in the month.
    begins: Option<NaiveDate>,
    /// Where it ends by the day of the stocks.
    ends: Option<NaiveDate>,
}

/// Adds what is told of cover.
pub(super) fn cover(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    let sheet = &mut part.sheet;
    let enrolled = enrolled(r, of)?;
    let longest = waiting_months(r, &enrolled)?;
    let covers = covers(r, of, longest.values().copied().max().unwrap_or(0))?;
    let (suspended, covered): (Vec<&Cover>, Vec<&Cover>) =
        covers.iter().filter(|one| one.stands(of.stock_on)).partition(|one| one.is_suspended);
    let turns: Vec<&Cover> = covers.iter().filter(|one| one.is_turn()).collect();
    let mut homes: HashMap<HouseholdId, i64> = HashMap::with_capacity(covered.len());
    covered.iter().for_each(|one| *homes.entry(one.household).or_default() += 1);
    sheet.totals.set(Measure::Households, count_of(homes.len()));
    sheet.totals.set(Measure::BeneficiariesInForce, count_of(covered.len()));
    let households: HashSet<HouseholdId> = suspended.iter().map(|one| one.household).collect();
    sheet.totals.set(Measure::HouseholdsSuspended, count_of(households.len()));
    sheet.totals.set(Measure::BeneficiariesSuspended, count_of(suspended.len()));
    by_sex_and_age(r, of, &covered, sheet)?;
    by_area(r, of, &homes, sheet)?;
    waiting(of, &covered, &enrolled, &longest, sheet);
    person_days(of, count_of(covered.len()), &turns, sheet);
    renewals(&enrolled, sheet);
    moves(r, of, &turns, sheet)?;
    part.covered.extend(covered.into_iter().map(|one| (one.household, one.member)));
    Ok(())
}

fn count_of(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Who belongs to the mutual on the day of the stocks, and who came and went. All are read once, and most of what is asked of
/// them is found among them: to look each up in another table takes the database longer than to read that table. A day, which
/// takes longer to read than all else, is read of those of whom it says something.
fn covers(r: &mut Read, of: &Scope<'_>, most_months: i64) -> Result<Vec<Cover>> {
    // Who has waited for longer than any product asks does not wait: whose waiting began a day earlier, since months differ in
    // length, and not before any calendar.
    let since = add_months(of.stock_on, -most_months).and_then(|day| add_days(day, -1));
    let since = since.unwrap_or(CALENDAR.0);
    let late = |what: &str| format!("CASE WHEN cover_spans.waiting_from >= '{since}' THEN cover_spans.{what} END");
    let began = format!("CASE WHEN cover_spans.from_on >= '{}' THEN cover_spans.from_on END", of.from);
    let ended = format!("CASE WHEN cover_spans.to_on <= '{}' THEN cover_spans.to_on END", of.stock_on);
    let found = cover_spans::table
        .filter(cover_spans::mutual_id.eq(of.mutual))
        .filter(cover_spans::state.eq_any(AFFILIATED))
        .filter(cover_spans::from_on.le(of.stock_on))
        .filter(cover_spans::to_on.is_null().or(cover_spans::to_on.ge(day_before(of.from)?)))
        .select((
            cover_spans::household_id,
            cover_spans::member_id,
            cover_spans::state.eq(SpanState::Suspended),
            sql::<Nullable<Date>>(&late("waiting_from")),
            sql::<Nullable<Id>>(&late("enrolment_id")),
            sql::<Nullable<Date>>(&began),
            sql::<Nullable<Date>>(&ended),
        ))
        .load(r.conn())?;
    Ok(found)
}

fn enrolled(r: &mut Read, of: &Scope<'_>) -> QueryResult<Vec<Enrolled>> {
    let soon = add_days(of.stock_on, RENEWED_WITHIN_DAYS).unwrap_or(CALENDAR.1);
    let begins = format!("CASE WHEN starts_on > '{}' AND starts_on <= '{soon}' THEN starts_on END", of.from);
    let ends = format!("CASE WHEN ends_on <= '{}' THEN ends_on END", of.stock_on);
    enrolments::table
        .filter(enrolments::mutual_id.eq(of.mutual))
        // Every state is named, so that the index finds the days.
        .filter(enrolments::state.eq_any(EnrolmentState::ALL))
        .filter(enrolments::ends_on.ge(of.from))
        .select((
            enrolments::id,
            enrolments::household_id,
            enrolments::product_version_id,
            enrolments::state.eq(EnrolmentState::Admitted),
            enrolments::admitted_on.is_not_null().and(enrolments::state.ne(EnrolmentState::Cancelled)),
            sql::<Nullable<Date>>(&begins),
            sql::<Nullable<Date>>(&ends),
        ))
        .load(r.conn())
}

fn day_after(day: NaiveDate) -> Result<NaiveDate> {
    add_days(day, 1).map_err(|_| crate::error::Error::Fault("a birth beyond the calendar".into()))
}

fn day_before(day: NaiveDate) -> Result<NaiveDate> {
    add_days(day, -1).map_err(|_| crate::error::Error::Fault("a month beyond the calendar".into()))
}

/// Adds who stays in a household on the day of the stocks: the living are counted, the principals named.
pub(super) fn stays(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    macro_rules! staying {
        ($query:expr) => {
            $query
                .filter(memberships::mutual_id.eq(of.mutual))
                .filter(memberships::from_on.le(of.stock_on))
                .filter(memberships::to_on.is_null().or(memberships::to_on.ge(of.stock_on)))
        };
    }
    let principals: Vec<(HouseholdId, MemberId)> = staying!(memberships::table)
        .filter(memberships::relationship.eq(Relationship::Principal))
        .select((memberships::household_id, memberships::member_id))
        .load(r.conn())?;
    // Who stays in a household, less those of them who have died: they are few, and the others need not be looked at.
    let staying: i64 = staying!(memberships::table).select(count_star()).first(r.conn())?;
    let dead: Vec<MemberId> = members::table
        .filter(members::mutual_id.eq(of.mutual))
        .filter(members::died_on.lt(of.stock_on))
        .select(members::id)
        .load(r.conn())?;
    let mut died = 0;
    for some in dead.chunks(500) {
        let theirs = staying!(memberships::table).filter(memberships::member_id.eq_any(padded(some)));
        let number: i64 = kept(theirs.select(count_star())).get_result(r.conn())?;
        died += number;
    }
    part.sheet.totals.set(Measure::PersonsRegistered, staying - died);
    part.principals.extend(principals);
    Ok(())
}

/// Principals who are covered: each of the two is of a part.
pub(super) fn principals(part: &mut Part) {
    let both = part.covered.iter().filter(|one| part.principals.contains(*one)).count();
    part.sheet.totals.set(Measure::Principals, count_of(both));
}

/// Of everybody, the sex and the place of the band among all; past the last where the birth is not known. Each band is asked for
/// apart, since the index has them in this order, and the day of birth of each then need not be read.
fn persons(r: &mut Read, of: &Scope<'_>) -> Result<HashMap<MemberId, (Sex, usize)>> {
    let latest = of.bands.latest_births(of.stock_on)?;
    // Born after the day, which an error of typing can make: the first band. The last one is open.
    let until = [CALENDAR.1].into_iter().chain(latest.iter().skip(1).copied());
    let first = latest.iter().skip(1).map(|older| day_after(*older)).chain([Ok(CALENDAR.0)]);
    let of_all = || members::table.filter(members::mutual_id.eq(of.mutual)).select((members::id, members::sex));
    let mut persons: HashMap<MemberId, (Sex, usize)> = HashMap::new();
    let mut add = |place: usize, rows: Vec<(MemberId, Sex)>| {
        persons.reserve(rows.len());
        persons.extend(rows.into_iter().map(|(member, sex)| (member, (sex, place))));
    };
    for (place, (last, first)) in until.zip(first).enumerate() {
        let born = of_all().filter(members::birth_date.ge(first?)).filter(members::birth_date.le(last));
        add(place, born.load(r.conn())?);
    }
    add(latest.len(), of_all().filter(members::birth_date.is_null()).load(r.conn())?);
    Ok(persons)
}

fn by_sex_and_age(r: &mut Read, of: &Scope<'_>, covered: &[&Cover], sheet: &mut Sheet) -> Result<()> {
    let persons = persons(r, of)?;
    let names = of.bands.names();
    let in_force: Vec<MemberId> = covered.iter().map(|one| one.member).collect();
    let cases = super::care::cases(r, of)?;
    sheet.totals.set(Measure::Cases, count_of(cases.len()));
    for (at, of_whom) in [in_force, cases].into_iter().enumerate() {
        let mut numbers: BTreeMap<(Sex, usize), i64> = BTreeMap::new();
        for who in of_whom.iter().filter_map(|member| persons.get(member)) {
            *numbers.entry(*who).or_default() += 1;
        }
        if at == 0 {
            let women = numbers.iter().filter(|((sex, _), _)| *sex == Sex::Female).map(|(_, number)| number).sum();
            sheet.totals.set(Measure::WomenInForce, women);
        }
        for ((sex, place), number) in numbers {
            let band = names.get(place).map_or("unknown", String::as_str);
            sheet.add(Dimension::SexAge, &format!("{sex} {band}"), at, number);
        }
    }
    Ok(())
}

fn by_area(r: &mut Read, of: &Scope<'_>, homes: &HashMap<HouseholdId, i64>, sheet: &mut Sheet) -> Result<()> {
    let lived: Vec<(HouseholdId, Option<AreaId>)> = residences::table
        .filter(residences::mutual_id.eq(of.mutual))
        .filter(residences::from_on.le(of.stock_on))
        .order((residences::household_id, residences::from_on))
        .select((residences::household_id, residences::area_id))
        .load(r.conn())?;
    // The last one of each household stands.
    let areas: HashMap<HouseholdId, Option<AreaId>> = lived.into_iter().collect();
    let mut found: BTreeMap<Option<AreaId>, (i64, i64)> = BTreeMap::new();
    for (household, number) in homes {
        let sums = found.entry(areas.get(household).copied().flatten()).or_default();
        *sums = (sums.0 + 1, sums.1 + number);
    }
    for (area, (households, number)) in found {
        let key = area.map_or_else(|| "none".to_owned(), |area| area.to_string());
        sheet.add(Dimension::Area, &key, 0, households);
        sheet.add(Dimension::Area, &key, 1, number);
    }
    Ok(())
}

/// How long each product in use has somebody wait at most.
fn waiting_months(r: &mut Read, enrolled: &[Enrolled]) -> Result<HashMap<ProductVersionId, i64>> {
    let versions: BTreeSet<ProductVersionId> = enrolled.iter().map(|one| one.version).collect();
    let versions: Vec<ProductVersionId> = versions.into_iter().collect();
    let mut longest: HashMap<ProductVersionId, i64> = HashMap::new();
    for version in product_store::list_versions_by_id(r, &versions)? {
        let months =
            products::parameters(&version)?.benefits.values().filter_map(|benefit| benefit.waiting_months).max();
        longest.insert(version.id, months.unwrap_or(0));
    }
    Ok(longest)
}

/// Who is in force and waits for a category of care (R17).
fn waiting(
    of: &Scope<'_>,
    covered: &[&Cover],
    enrolled: &[Enrolled],
    longest: &HashMap<ProductVersionId, i64>,
    sheet: &mut Sheet,
) {
    let mut anchors: BTreeMap<(EnrolmentId, NaiveDate), i64> = BTreeMap::new();
    for one in covered {
        if let (Some(enrolment), Some(anchor)) = (one.enrolment, one.waiting_from) {
            *anchors.entry((enrolment, anchor)).or_default() += 1;
        }
    }
    let waits: HashSet<EnrolmentId> = anchors.keys().map(|(enrolment, _)| *enrolment).collect();
    let version_of: HashMap<EnrolmentId, ProductVersionId> =
        enrolled.iter().filter(|one| waits.contains(&one.id)).map(|one| (one.id, one.version)).collect();
    let mut number = 0_i64;
    for ((enrolment, anchor), persons) in anchors {
        let version = version_of.get(&enrolment);
        let months = version.and_then(|version| longest.get(version)).copied().unwrap_or(0);
        // Beyond the calendar nobody is covered yet.
        if first_covered_on(anchor, months).map_or(true, |first| first > of.stock_on) {
            number += persons;
        }
    }
    sheet.totals.set(Measure::BeneficiariesWaiting, number);
}

/// Most are in force throughout, and are only counted.
fn person_days(of: &Scope<'_>, covered: i64, turns: &[&Cover], sheet: &mut Sheet) {
    let days_from = |from: NaiveDate, to: NaiveDate| crate::dates::days_between(from, to) + 1;
    let (mut throughout, mut parts) = (covered, 0);
    for turn in turns.iter().filter(|turn| !turn.is_suspended) {
        // Whoever stands on the day of the stocks is among those who were counted.
        if turn.stands(of.stock_on) {
            throughout -= 1;
        }
        parts += days_from(turn.began.unwrap_or(of.from), turn.ended.unwrap_or(of.stock_on));
    }
    sheet.totals.set(Measure::PersonDays, throughout * days_from(of.from, of.stock_on) + parts);
}

/// Who came and who went: the first day of cover without a day of cover before it, and the day after the last.
fn moves(r: &mut Read, of: &Scope<'_>, turns: &[&Cover], sheet: &mut Sheet) -> Result<()> {
    let begins: HashSet<(MemberId, NaiveDate)> =
        turns.iter().filter_map(|turn| Some((turn.member, turn.began?))).collect();
    let next_day = |turn: &&Cover| Some((turn.member, add_days(turn.ended?, 1).ok()?));
    let ends: HashSet<(MemberId, NaiveDate)> =
        turns.iter().filter_map(next_day).filter(|(_, day)| *day <= of.stock_on).collect();
    let entries: Vec<(MemberId, NaiveDate)> = begins.difference(&ends).copied().collect();
    let first_days = first_days(r, of, &entries)?;
    for (member, day) in entries {
        let is_return = first_days.get(&member).is_some_and(|first| *first < day);
        bump(sheet, if is_return { Measure::EntriesReturning } else { Measure::EntriesNew });
    }
    let why: Vec<(MemberId, NaiveDate, SpanReason)> = cover_spans::table
        .filter(cover_spans::mutual_id.eq(of.mutual))
        .filter(cover_spans::state.eq_any(LEFT))
        .filter(cover_spans::from_on.between(of.from, of.stock_on))
        .select((cover_spans::member_id, cover_spans::from_on, cover_spans::reason))
        .load(r.conn())?;
    let why: HashMap<(MemberId, NaiveDate), SpanReason> =
        why.into_iter().map(|(member, day, reason)| ((member, day), reason)).collect();
    for gone in ends.difference(&begins) {
        bump(
            sheet,
            match why.get(gone) {
                Some(SpanReason::PeriodEnded) => Measure::ExitsExpired,
                Some(SpanReason::Lapsed | SpanReason::Arrears) => Measure::ExitsLapsed,
                Some(SpanReason::Resigned) => Measure::ExitsResigned,
                Some(SpanReason::Excluded) => Measure::ExitsExcluded,
                Some(SpanReason::Deceased) => Measure::ExitsDeceased,
                Some(SpanReason::LeftHousehold) => Measure::ExitsLeft,
                _ => Measure::ExitsOther,
            },
        );
    }
    Ok(())
}

/// When these persons first belonged to the mutual.
fn first_days(
    r: &mut Read,
    of: &Scope<'_>,
    entries: &[(MemberId, NaiveDate)],
) -> QueryResult<HashMap<MemberId, NaiveDate>> {
    let mut found: HashMap<MemberId, NaiveDate> = HashMap::new();
    for some in entries.chunks(500) {
        let members: Vec<MemberId> = some.iter().map(|(member, _)| *member).collect();
        let days = cover_spans::table
            .filter(cover_spans::mutual_id.eq(of.mutual))
            .filter(cover_spans::member_id.eq_any(padded(&members)))
            .select((cover_spans::member_id, cover_spans::from_on, cover_spans::state));
        // Were the states asked for, SQLite would look through all spans of theirs.
        let days: Vec<(MemberId, NaiveDate, SpanState)> = kept(days).load(r.conn())?;
        for (member, day, _) in days.into_iter().filter(|(_, _, state)| AFFILIATED.contains(state)) {
            let first = found.entry(member).or_insert(day);
            *first = day.min(*first);
        }
    }
    Ok(found)
}

fn bump(sheet: &mut Sheet, measure: Measure) {
    sheet.totals.set(measure, sheet.totals.get(measure) + 1);
}

/// Enrolments that end in the month, and those of them after which another one of the household begins soon.
fn renewals(enrolled: &[Enrolled], sheet: &mut Sheet) {
    let mut starts: HashMap<HouseholdId, Vec<NaiveDate>> = HashMap::new();
    for one in enrolled.iter().filter(|one| one.counts) {
        if let Some(begins) = one.begins {
            starts.entry(one.household).or_default().push(begins);
        }
    }
    let (mut ended, mut renewed) = (0, 0);
    for one in enrolled.iter().filter(|one| one.is_admitted) {
        let Some(ends) = one.ends else { continue };
        let is_soon = |start: &NaiveDate| (1..=RENEWED_WITHIN_DAYS).contains(&crate::dates::days_between(ends, *start));
        ended += 1;
        renewed += i64::from(starts.get(&one.household).is_some_and(|starts| starts.iter().any(is_soon)));
    }
    sheet.totals.set(Measure::EnrolmentsEnding, ended);
    sheet.totals.set(Measure::EnrolmentsRenewed, renewed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_have_names_and_must_grow() {
        assert_eq!(AgeBands::default().names().join(" "), "0-4 5-14 15-24 25-34 35-44 45-54 55-64 65+");
        assert_eq!("0".parse::<AgeBands>().unwrap().names(), ["0+"]);
        for text in ["", "5,10", "0,5,5", "0,10,5", "0,x", "0,-1", "0,130"] {
            assert!(text.parse::<AgeBands>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_is_reached_on_the_birthday_of_the_rules() {
        let days: Vec<NaiveDate> = ["2024-02-28", "2024-02-29", "2025-02-28", "2025-03-01", "2028-02-29", "2026-12-31"]
            .iter()
            .map(|day| day.parse().unwrap())
            .collect();
        for on in days {
            for age in [0, 1, 4, 5, 18, 65] {
                let latest = latest_birth(age, on).unwrap();
                assert_eq!(crate::dates::age_on(latest, on).unwrap(), age, "{latest} {on}");
                assert!(crate::dates::age_on(add_days(latest, 1).unwrap(), on).unwrap() < age, "{latest} {on}");
            }
        }
    }
}
