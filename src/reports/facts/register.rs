//! Who is covered, who came and who went, from cover spans, which are themselves from the facts.
use super::Scope;
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
use diesel::dsl::{count, count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Date, Nullable};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Cover that makes a person belong to the mutual, suspended or not.
const AFFILIATED: [SpanState; 2] = [SpanState::InForce, SpanState::Suspended];

/// The others, named, so that they are found by their state.
const LEFT: [SpanState; 3] = [SpanState::Lapsed, SpanState::Expired, SpanState::Terminated];

/// Whether the person of a span had belonged to the mutual before it, as SQL.
const WAS_THERE: &str = "EXISTS (SELECT 1 FROM cover_spans b WHERE b.mutual_id = cover_spans.mutual_id \
    AND b.member_id = cover_spans.member_id AND b.from_on < cover_spans.from_on AND b.state IN ('IN_FORCE', 'SUSPENDED'))";

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

/// The place of a birth date's band among the latest births of all; past the last where the date is not known.
fn place_of(born: Option<NaiveDate>, latest: &[NaiveDate]) -> usize {
    // Born after the day, which an error of typing can make: the first band.
    born.map_or(latest.len(), |born| latest.iter().rposition(|last| born <= *last).unwrap_or(0))
}

/// The latest day on which somebody of an age was born (R4: a 29 February birthday falls on 28 February).
fn latest_birth(age: i64, on: NaiveDate) -> Result<NaiveDate> {
    let beyond = |_| crate::error::Error::Fault("an age beyond the calendar".into());
    let day = add_years(on, -age).map_err(beyond)?;
    let next = add_days(day, 1).map_err(beyond)?;
    Ok(if add_years(next, age).map_err(beyond)? <= on { next } else { day })
}

/// Adds what the register says.
pub(super) fn add(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let covered = in_force(r, of)?;
    let mut homes: BTreeMap<HouseholdId, i64> = BTreeMap::new();
    covered.iter().for_each(|(household, _)| *homes.entry(*household).or_default() += 1);
    stocks(r, of, &covered, &homes, sheet)?;
    by_sex_and_age(r, of, &covered, sheet)?;
    by_area(r, of, &homes, sheet)?;
    waiting(r, of, sheet)?;
    person_days(r, of, sheet)?;
    moves(r, of, sheet)?;
    renewals(r, of, sheet)
}

macro_rules! standing {
    ($of:expr, $state:expr) => {
        cover_spans::mutual_id
            .eq($of.mutual)
            .and(cover_spans::state.eq($state))
            .and(cover_spans::from_on.le($of.stock_on))
            .and(cover_spans::to_on.is_null().or(cover_spans::to_on.ge($of.stock_on)))
    };
}

/// Who is in force, and in which household. They are read once and looked up here: to look each up in another table takes the
/// database longer than to read that table.
fn in_force(r: &mut Read, of: &Scope<'_>) -> QueryResult<Vec<(HouseholdId, MemberId)>> {
    cover_spans::table
        .filter(standing!(of, SpanState::InForce))
        .select((cover_spans::household_id, cover_spans::member_id))
        .load(r.conn())
}

fn stocks(
    r: &mut Read,
    of: &Scope<'_>,
    covered: &[(HouseholdId, MemberId)],
    homes: &BTreeMap<HouseholdId, i64>,
    sheet: &mut Sheet,
) -> Result<()> {
    let households = i64::try_from(homes.len()).unwrap_or(i64::MAX);
    let persons = i64::try_from(covered.len()).unwrap_or(i64::MAX);
    macro_rules! staying {
        ($query:expr) => {
            $query
                .filter(memberships::mutual_id.eq(of.mutual))
                .filter(memberships::from_on.le(of.stock_on))
                .filter(memberships::to_on.is_null().or(memberships::to_on.ge(of.stock_on)))
        };
    }
    let heads: Vec<(HouseholdId, MemberId)> = staying!(memberships::table)
        .filter(memberships::relationship.eq(Relationship::Principal))
        .select((memberships::household_id, memberships::member_id))
        .load(r.conn())?;
    let covered: HashSet<&(HouseholdId, MemberId)> = covered.iter().collect();
    let principals = heads.iter().filter(|head| covered.contains(head)).count();
    let principals = i64::try_from(principals).unwrap_or(i64::MAX);
    let suspended: (i64, i64) = cover_spans::table
        .filter(standing!(of, SpanState::Suspended))
        .select((count(cover_spans::household_id).aggregate_distinct(), count_star()))
        .first(r.conn())?;
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
    let registered = staying - died;
    let totals = &mut sheet.totals;
    totals.set(Measure::Households, households);
    totals.set(Measure::Principals, principals);
    totals.set(Measure::BeneficiariesInForce, persons);
    totals.set(Measure::HouseholdsSuspended, suspended.0);
    totals.set(Measure::BeneficiariesSuspended, suspended.1);
    totals.set(Measure::PersonsRegistered, registered);
    Ok(())
}

fn by_sex_and_age(r: &mut Read, of: &Scope<'_>, covered: &[(HouseholdId, MemberId)], sheet: &mut Sheet) -> Result<()> {
    let latest = of.bands.latest_births(of.stock_on)?;
    let everybody: Vec<(MemberId, Sex, Option<NaiveDate>)> = members::table
        .filter(members::mutual_id.eq(of.mutual))
        .select((members::id, members::sex, members::birth_date))
        .load(r.conn())?;
    let persons: HashMap<MemberId, (Sex, usize)> =
        everybody.into_iter().map(|(id, sex, born)| (id, (sex, place_of(born, &latest)))).collect();
    let names = of.bands.names();
    let in_force: Vec<MemberId> = covered.iter().map(|(_, member)| *member).collect();
    for (at, of_whom) in [in_force, super::care::cases(r, of)?].into_iter().enumerate() {
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

fn by_area(r: &mut Read, of: &Scope<'_>, homes: &BTreeMap<HouseholdId, i64>, sheet: &mut Sheet) -> Result<()> {
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

/// Who is in force and waits for a category of care (R17).
fn waiting(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let versions: Vec<ProductVersionId> = enrolments::table
        .filter(enrolments::mutual_id.eq(of.mutual))
        .select(enrolments::product_version_id)
        .distinct()
        .load(r.conn())?;
    let mut longest: HashMap<ProductVersionId, i64> = HashMap::new();
    for version in product_store::list_versions_by_id(r, &versions)? {
        let months =
            products::parameters(&version)?.benefits.values().filter_map(|benefit| benefit.waiting_months).max();
        longest.insert(version.id, months.unwrap_or(0));
    }
    let most = longest.values().copied().max().unwrap_or(0);
    // Who has waited for longer than any product asks does not wait: whose waiting began a day earlier, since months differ in
    // length, and not before any calendar.
    let since = add_months(of.stock_on, -most).and_then(|day| add_days(day, -1));
    let since = since.ok().or(NaiveDate::from_ymd_opt(1, 1, 1)).unwrap_or_default();
    let groups: Vec<(ProductVersionId, Option<NaiveDate>, i64)> = cover_spans::table
        .inner_join(
            enrolments::table
                .on(enrolments::mutual_id.eq(cover_spans::mutual_id).and(enrolments::id.eq(cover_spans::enrolment_id))),
        )
        .filter(standing!(of, SpanState::InForce))
        .filter(cover_spans::waiting_from.ge(since))
        .group_by((sql::<Id>("enrolments.product_version_id"), sql::<Nullable<Date>>("cover_spans.waiting_from")))
        .select((
            sql::<Id>("enrolments.product_version_id"),
            sql::<Nullable<Date>>("cover_spans.waiting_from"),
            count_star(),
        ))
        .load(r.conn())?;
    let mut number = 0_i64;
    for (version, anchor, persons) in groups {
        let months = longest.get(&version).copied().unwrap_or(0);
        let first = anchor.map(|anchor| first_covered_on(anchor, months));
        // Beyond the calendar nobody is covered yet.
        if first.is_some_and(|first| first.map_or(true, |first| first > of.stock_on)) {
            number += persons;
        }
    }
    sheet.totals.set(Measure::BeneficiariesWaiting, number);
    Ok(())
}

fn person_days(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let (from, to) = (of.from, of.stock_on);
    let in_force = cover_spans::mutual_id.eq(of.mutual).and(cover_spans::state.eq(SpanState::InForce));
    let to_the_end = cover_spans::to_on.is_null().or(cover_spans::to_on.ge(to));
    // Most are in force throughout, and are only counted.
    let throughout: i64 = cover_spans::table
        .filter(in_force)
        .filter(cover_spans::from_on.le(from))
        .filter(to_the_end)
        .select(count_star())
        .first(r.conn())?;
    let began_later: Vec<(NaiveDate, Option<NaiveDate>)> = cover_spans::table
        .filter(in_force)
        .filter(cover_spans::from_on.gt(from))
        .filter(cover_spans::from_on.le(to))
        .filter(to_the_end)
        .select((cover_spans::from_on, cover_spans::to_on))
        .load(r.conn())?;
    let ended_before: Vec<(NaiveDate, Option<NaiveDate>)> = cover_spans::table
        .filter(in_force)
        .filter(cover_spans::from_on.le(to))
        .filter(cover_spans::to_on.ge(from))
        .filter(cover_spans::to_on.lt(to))
        .select((cover_spans::from_on, cover_spans::to_on))
        .load(r.conn())?;
    let days_within = |(first, last): (NaiveDate, Option<NaiveDate>)| {
        crate::dates::days_between(first.max(from), last.map_or(to, |last| last.min(to))) + 1
    };
    let parts: i64 = began_later.into_iter().chain(ended_before).map(days_within).sum();
    sheet.totals.set(Measure::PersonDays, throughout * (crate::dates::days_between(from, to) + 1) + parts);
    Ok(())
}

/// Who came and who went: the first day of cover without a day of cover before it, and the day after the last.
fn moves(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let beyond = |_| crate::error::Error::Fault("a month beyond the calendar".into());
    let (before, last) = (add_days(of.from, -1).map_err(beyond)?, add_days(of.stock_on, -1).map_err(beyond)?);
    let began: Vec<(MemberId, NaiveDate, bool)> = cover_spans::table
        .filter(cover_spans::mutual_id.eq(of.mutual))
        .filter(cover_spans::state.eq_any(AFFILIATED))
        .filter(cover_spans::from_on.between(of.from, of.stock_on))
        .select((cover_spans::member_id, cover_spans::from_on, sql::<Bool>(WAS_THERE)))
        .load(r.conn())?;
    let ended: Vec<(MemberId, Option<NaiveDate>)> = cover_spans::table
        .filter(cover_spans::mutual_id.eq(of.mutual))
        .filter(cover_spans::state.eq_any(AFFILIATED))
        .filter(cover_spans::to_on.between(before, last))
        .select((cover_spans::member_id, cover_spans::to_on))
        .load(r.conn())?;
    let ends: HashSet<(MemberId, NaiveDate)> =
        ended.iter().filter_map(|(member, to)| Some((*member, add_days((*to)?, 1).ok()?))).collect();
    let begins: HashSet<(MemberId, NaiveDate)> = began.iter().map(|(member, day, _)| (*member, *day)).collect();
    let returns: HashSet<(MemberId, NaiveDate)> =
        began.into_iter().filter(|span| span.2).map(|(member, day, _)| (member, day)).collect();
    for entry in begins.difference(&ends) {
        let is_return = returns.contains(entry);
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

fn bump(sheet: &mut Sheet, measure: Measure) {
    sheet.totals.set(measure, sheet.totals.get(measure) + 1);
}

/// Enrolments that end in the month, and those of them after which another one of the household begins soon.
fn renewals(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let ending: Vec<(HouseholdId, NaiveDate)> = enrolments::table
        .filter(enrolments::mutual_id.eq(of.mutual))
        .filter(enrolments::state.eq(EnrolmentState::Admitted))
        .filter(enrolments::ends_on.between(of.from, of.stock_on))
        .select((enrolments::household_id, enrolments::ends_on))
        .load(r.conn())?;
    sheet.totals.set(Measure::EnrolmentsEnding, i64::try_from(ending.len()).unwrap_or(i64::MAX));
    if ending.is_empty() {
        return Ok(());
    }
    let until = add_days(of.stock_on, RENEWED_WITHIN_DAYS).unwrap_or(of.stock_on);
    let next: Vec<(HouseholdId, NaiveDate)> = enrolments::table
        .filter(enrolments::mutual_id.eq(of.mutual))
        .filter(enrolments::admitted_on.is_not_null())
        .filter(enrolments::state.ne(EnrolmentState::Cancelled))
        .filter(enrolments::starts_on.between(of.from, until))
        .select((enrolments::household_id, enrolments::starts_on))
        .load(r.conn())?;
    let mut starts: HashMap<HouseholdId, Vec<NaiveDate>> = HashMap::new();
    for (household, day) in next {
        starts.entry(household).or_default().push(day);
    }
    let renewed = ending
        .iter()
        .filter(|(household, end)| {
            let soon =
                |start: &NaiveDate| (1..=RENEWED_WITHIN_DAYS).contains(&crate::dates::days_between(*end, *start));
            starts.get(household).is_some_and(|starts| starts.iter().any(soon))
        })
        .count();
    sheet.totals.set(Measure::EnrolmentsRenewed, i64::try_from(renewed).unwrap_or(i64::MAX));
    Ok(())
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
