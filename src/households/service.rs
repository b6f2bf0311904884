//! Commands of the register: register a household with its members, correct typing errors. What happens later is an event.
use super::duplicates::{Joining, Newcomer};
use super::file_store as files;
use super::model::*;
use super::phones::{Dialled, dialled};
use super::rules::{card_number, fold_name, is_valid_card_number};
use super::store;
use crate::access::permissions::OrganisationKind;
use crate::access::picture::Picture;
use crate::access::scopes::{MutualScope, Sections};
use crate::audit::frame::Order;
use crate::dates::days_between;
use crate::db::effects::Effects;
use crate::db::{Read, Write};
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::*;
use crate::series::{self, SeriesKind};
use crate::web::must_match;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::BTreeSet;

/// Until this many days after birth a newborn counts from birth (R18).
pub const NEWBORN_REGISTRATION_DAYS: i64 = 30;

/// Persons in one household at most.
pub const LARGEST: usize = 50;

/// A person as told at registration.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Made by the client, or by us.
    pub id: Option<MemberId>,
    pub relationship: Relationship,
    pub family_name: String,
    pub given_name: String,
    pub sex: Sex,
    pub birth_date: Option<NaiveDate>,
    pub birth_precision: BirthPrecision,
    pub national_id: Option<String>,
    pub phone: Option<String>,
    pub occupation: Option<String>,
    /// The number of another system.
    pub legacy_number: Option<String>,
    /// A card number that had been given out for the field; the next of the series where there is none.
    pub card_number: Option<String>,
}

/// A household as told at registration.
#[derive(Debug, Clone)]
pub struct NewHousehold {
    /// Its number; the next of the series where none is given.
    pub number: Option<String>,
    pub section: Option<OrganisationId>,
    pub area: Option<AreaId>,
    pub class: String,
    pub phone: Option<String>,
    pub registered_on: NaiveDate,
    pub members: Vec<NewMember>,
}

/// Sees that a section is of the mutual and within the caller's reach; where the caller has one section only and names
/// none, it is that one.
///
/// # Errors
/// `invalid` naming the field, `not_found` for a section outside.
pub fn section_for(
    picture: &Picture,
    scope: &MutualScope,
    asked: Option<OrganisationId>,
) -> Result<Option<OrganisationId>> {
    let section = match (asked, scope.sections()) {
        (None, Sections::These(only)) if only.len() == 1 => only.first().copied(),
        (None, Sections::These(_)) => {
            return Err(Problem::field("/section_id", "missing", "name one of your sections").into());
        }
        (asked, _) => asked,
    };
    if let Some(section) = section {
        let is_section =
            picture.organisation(section).is_some_and(|organisation| organisation.kind == OrganisationKind::Section);
        let of_mutual = picture.mutual_of(section, scope.today()) == Some(scope.mutual().into());
        if !is_section || !of_mutual || !scope.sees(Some(section)) {
            return Err(Problem::of(Code::NotFound).at("/section_id").into());
        }
    }
    Ok(section)
}

/// The mutual to which a card leads by its number; a number of another system needs the mutual's code.
///
/// # Errors
/// `card_check_failed`, `not_found`.
pub fn mutual_of_card(picture: &Picture, card: &str, code: Option<&str>) -> Result<OrganisationId> {
    let found = match code {
        Some(code) => picture.by_code(code),
        None => {
            let by_card = picture.by_card(card);
            if by_card.is_some() && !is_valid_card_number(card) {
                return Err(Problem::of(Code::NoCardCheck).at("/card").into());
            }
            by_card
        }
    };
    found.map(|organisation| organisation.id).ok_or_else(|| Code::NotFound.into())
}

/// What a household that was registered has for consequences, and its persons as duplicates are looked for.
pub struct Registered {
    pub effects: Effects,
    pub newcomers: Vec<Newcomer>,
}

/// Registers a household with its members, each with a card number of the mutual; gives them as duplicates are looked for.
///
/// # Errors
/// `no_principal`, `second_principal`, `impossible_date`, `future_date`, `number_taken`.
pub fn register(w: &mut Write, scope: &MutualScope, order: &Order, new: &NewHousehold) -> Result<Vec<Newcomer>> {
    let registered = register_all(w, scope, &[(Key::new(order.id.uuid()), new)])?.pop();
    let Registered { effects, newcomers } = registered.ok_or_else(|| Error::Fault("nothing was registered".into()))?;
    w.effects = effects;
    Ok(newcomers)
}

/// Registers households, their rows written together; gives what each has done, in their order. No other command has written
/// of them, so that there is no cover to rewrite.
///
/// # Errors
/// As [`register`]; of several it does not tell which is at fault, and the caller must give its savepoint up.
pub fn register_all(
    w: &mut Write,
    scope: &MutualScope,
    new: &[(HouseholdId, &NewHousehold)],
) -> Result<Vec<Registered>> {
    for (_, household) in new {
        let is_principal = |member: &&NewMember| member.relationship == Relationship::Principal;
        match household.members.iter().filter(is_principal).count() {
            1 => {}
            0 => return Err(Problem::of(Code::NoPrincipal).at("/members").into()),
            _ => return Err(Problem::of(Code::SecondPrincipal).at("/members").into()),
        }
    }
    let households = found_all(w, scope, new)?;
    let arriving: Vec<Arriving> = households
        .iter()
        .zip(new)
        .map(|(household, (_, new))| Arriving { household, on: new.registered_on, persons: &new.members, founds: true })
        .collect();
    let added = add_all(w, scope.mutual(), &arriving)?;
    let mut registered = Vec::with_capacity(new.len());
    for (household, added) in households.iter().zip(added) {
        w.effects = Effects::default();
        tell_of_household(w, household);
        tell_of_persons(w, household, &added.stays);
        registered.push(Registered { effects: std::mem::take(&mut w.effects), newcomers: added.newcomers });
    }
    Ok(registered)
}

/// Registers a household whose members are told apart, as an import does.
///
/// # Errors
/// As [`register`].
pub fn found_household(w: &mut Write, scope: &MutualScope, order: &Order, new: &NewHousehold) -> Result<Household> {
    let founded = found_all(w, scope, &[(Key::new(order.id.uuid()), new)])?.pop();
    let row = founded.ok_or_else(|| Error::Fault("no household was founded".into()))?;
    tell_of_household(w, &row);
    w.touch(row.id);
    Ok(row)
}

/// Writes households, with where they live and what they are called by.
fn found_all(w: &mut Write, scope: &MutualScope, new: &[(HouseholdId, &NewHousehold)]) -> Result<Vec<Household>> {
    let mutual = scope.mutual();
    let mut areas = BTreeSet::new();
    for (_, new) in new {
        must_be_possible(scope, new.registered_on, "/registered_on", &new.members)?;
        if let Some(area) = new.area
            && areas.insert((area, new.registered_on))
        {
            must_be_area(w, scope, area, new.registered_on, "/area_id")?;
        }
    }
    let told: Vec<Option<&str>> = new.iter().map(|(_, new)| new.phone.as_deref()).collect();
    let dialled = dialled(w, mutual, &told, |_| "/phone".into())?;
    let without = new.iter().filter(|(_, new)| new.number.is_none()).count();
    let mut serial = take_numbers(w, mutual, without)?;
    let mut number = |told: Option<&String>| {
        told.cloned().unwrap_or_else(|| {
            serial += 1;
            format!("H{:06}", serial - 1)
        })
    };
    let mut rows: Vec<Household> = Vec::with_capacity(new.len());
    for ((id, new), phone) in new.iter().zip(&dialled) {
        rows.push(Household {
            mutual_id: mutual,
            id: *id,
            number: number(new.number.as_ref()),
            section_id: new.section,
            area_id: new.area,
            class: new.class.clone(),
            phone: phone.as_ref().map(|phone| phone.e164.clone()),
            registered_on: new.registered_on,
            recorded_at: w.now(),
            revision: 1,
            version: 1,
        });
    }
    while store::insert(w, &rows)? != rows.len() {
        // A number of the paper register may look like one of the series: then the series goes on. A household that was founded by
        // those who parted has an id that was no command's.
        match (rows.as_mut_slice(), without) {
            ([row], _) if store::is_there(w, mutual, row.id)? => {
                return Err(Problem::of(Code::IdReused).at("/id").into());
            }
            ([row], 1) => row.number = format!("H{:06}", take_numbers(w, mutual, 1)?),
            _ => return Err(Problem::of(Code::NumberTaken).at("/number").into()),
        }
    }
    let mut residences = Vec::with_capacity(rows.len());
    let mut phones = Vec::new();
    for (row, phone) in rows.iter().zip(&dialled) {
        residences.push(residence(w, mutual, row.id, row.area_id, row.registered_on));
        let own = |phone| phone_row(w, mutual, (Some(row.id), None), phone, row.registered_on);
        phones.extend(phone.as_ref().map(own));
    }
    store::insert_residences(w, &residences)?;
    files::insert_phones(w, &phones)?;
    Ok(rows)
}

/// The first of the next numbers of households.
fn take_numbers(w: &mut Write, mutual: MutualId, count: usize) -> Result<i64> {
    match i64::try_from(count).unwrap_or(i64::MAX) {
        0 => Ok(0),
        count => Ok(series::take(w, mutual, SeriesKind::Household, Key::NIL, 0, "H", count)?.1),
    }
}

fn tell_of_household(w: &mut Write, row: &Household) {
    w.changed("household", row.id.uuid(), None, row.section_id);
    w.field("number", None, Some(json!(row.number)));
    w.field("class", None, Some(json!(row.class)));
    w.field("registered_on", None, Some(json!(row.registered_on)));
    w.mark(row.registered_on);
}

fn tell_of_persons(w: &mut Write, household: &Household, stays: &[Membership]) {
    for stay in stays {
        w.changed("member", stay.member_id.uuid(), None, household.section_id);
    }
}

fn phone_row(
    w: &Write,
    mutual: MutualId,
    of: (Option<HouseholdId>, Option<MemberId>),
    number: &Dialled,
    from_on: NaiveDate,
) -> Phone {
    Phone {
        mutual_id: mutual,
        id: w.new_id(),
        household_id: of.0,
        member_id: of.1,
        e164: number.e164.clone(),
        raw: number.raw.clone(),
        from_on,
        ended_on: None,
        recorded_at: w.now(),
    }
}

/// What a correction says of a phone: nothing, that there is none, or another.
fn corrected_phone(r: &mut Read, mutual: MutualId, told: Option<&Option<String>>) -> Result<Option<Option<Dialled>>> {
    let Some(told) = told else { return Ok(None) };
    Ok(dialled(r, mutual, &[told.as_deref()], |_| "/phone".into())?.pop())
}

/// A phone that was typed wrongly: the wrong one ends, the right one begins.
fn correct_phone(
    w: &mut Write,
    mutual: MutualId,
    of: (Option<HouseholdId>, Option<MemberId>),
    before: Option<&str>,
    after: Option<&Dialled>,
    on: NaiveDate,
) -> Result<()> {
    if before == after.map(|after| after.e164.as_str()) {
        return Ok(());
    }
    if let Some(before) = before {
        files::end_phones_like(w, mutual, of, before, on)?;
    }
    if let Some(after) = after {
        let phone = phone_row(w, mutual, of, after, on);
        files::insert_phones(w, &[phone])?;
    }
    Ok(())
}

/// Says where a household lives from a day on.
///
/// # Errors
/// The database's.
pub fn settle(
    w: &mut Write,
    mutual: MutualId,
    household: HouseholdId,
    area: Option<AreaId>,
    from_on: NaiveDate,
) -> Result<ResidenceId> {
    let row = residence(w, mutual, household, area, from_on);
    store::insert_residences(w, std::slice::from_ref(&row))?;
    Ok(row.id)
}

fn residence(
    w: &Write,
    mutual: MutualId,
    household: HouseholdId,
    area: Option<AreaId>,
    from_on: NaiveDate,
) -> Residence {
    Residence {
        mutual_id: mutual,
        id: w.new_id(),
        household_id: household,
        area_id: area,
        from_on,
        recorded_at: w.now(),
    }
}

/// Sees that an area stands when a household comes to live there. One that a list began to name later is the same place.
///
/// # Errors
/// `not_found`, `area_ended`.
pub fn must_be_area(w: &mut Write, scope: &MutualScope, area: AreaId, on: NaiveDate, pointer: &str) -> Result<()> {
    let row = crate::organisations::store::find_area(w, area)?.ok_or(Problem::of(Code::NotFound).at(pointer))?;
    if row.valid_to.is_some_and(|to| to < on) || row.valid_from > scope.today() {
        return Err(Problem::of(Code::AreaEnded).at(pointer).into());
    }
    Ok(())
}

/// Sees that a household can take one more person.
///
/// # Errors
/// `invalid` naming the household.
pub fn must_have_room<Id>(known: &[super::rules::events::Present<Id>], on: NaiveDate) -> Result<()> {
    if known.iter().filter(|one| one.to.is_none_or(|to| to >= on)).count() < LARGEST {
        return Ok(());
    }
    Err(Problem::field("/household_id", "out_of_bounds", format!("at most {LARGEST} persons")).into())
}

/// Whether a child born on a day is still a newborn on another (R18).
pub fn is_newborn(born: NaiveDate, on: NaiveDate) -> bool {
    born <= on && days_between(born, on) <= NEWBORN_REGISTRATION_DAYS
}

/// Nobody who lives was born before.
const FIRST_BIRTH: NaiveDate = match NaiveDate::from_ymd_opt(1880, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// Dates that cannot be: a registration after today, a birth after the registration or before any living person's.
///
/// # Errors
/// `future_date`, `impossible_date`.
pub fn must_be_possible(scope: &MutualScope, on: NaiveDate, pointer: &str, members: &[NewMember]) -> Result<()> {
    if on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at(pointer).into());
    }
    let mut faults = Vec::new();
    if on < FIRST_BIRTH {
        faults.push(FieldError::new(pointer, "too_early", "before 1880"));
    }
    for (at, member) in members.iter().enumerate() {
        let pointer = || format!("/members/{at}/birth_date");
        match member.birth_date {
            Some(born) if born > on => {
                faults.push(FieldError::new(pointer(), "after_registration", "born after the registration"));
            }
            Some(born) if born < FIRST_BIRTH => faults.push(FieldError::new(pointer(), "too_early", "before 1880")),
            _ => {}
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::fields(Code::ImpossibleDate, faults).into()) }
}

/// Persons who were added to a household: their stays, and themselves as duplicates are looked for.
pub struct Added {
    pub stays: Vec<Membership>,
    pub newcomers: Vec<Newcomer>,
}

/// Persons who come to a household on a day.
struct Arriving<'a> {
    household: &'a Household,
    on: NaiveDate,
    persons: &'a [NewMember],
    /// They are its first.
    founds: bool,
}

/// Adds persons to a household from a day, with card numbers.
///
/// # Errors
/// `number_taken`.
pub fn add_persons(
    w: &mut Write,
    scope: &MutualScope,
    household: &Household,
    on: NaiveDate,
    new: &[NewMember],
) -> Result<Added> {
    let added = add_all(w, scope.mutual(), &[Arriving { household, on, persons: new, founds: false }])?.pop();
    let added = added.ok_or_else(|| Error::Fault("nobody was added".into()))?;
    tell_of_persons(w, household, &added.stays);
    Ok(added)
}

/// Adds persons to their households, with card numbers, their rows written together.
fn add_all(w: &mut Write, mutual: MutualId, arriving: &[Arriving]) -> Result<Vec<Added>> {
    let prefix = card_prefix(w, mutual)?;
    let all = || arriving.iter().flat_map(|one| one.persons.iter().enumerate());
    let told: Vec<Option<&str>> = all().map(|(_, person)| person.phone.as_deref()).collect();
    let places: Vec<usize> = all().map(|(at, _)| at).collect();
    let place = |at: usize| places.get(at).copied().unwrap_or_default();
    let dialled = dialled(w, mutual, &told, |at| format!("/members/{}/phone", place(at)))?;
    let without = all().filter(|(_, person)| person.card_number.is_none()).count();
    // The series' row is the last lock: what follows only inserts.
    let mut serial = match i64::try_from(without).unwrap_or(i64::MAX) {
        0 => 0,
        count => series::take(w, mutual, SeriesKind::Card, Key::NIL, 0, &prefix, count)?.1,
    };
    let (mut members, mut phones) = (Vec::with_capacity(told.len()), Vec::new());
    let mut stays: Vec<Vec<Membership>> = Vec::with_capacity(arriving.len());
    let mut dialled = dialled.iter();
    for one in arriving {
        let mut here = Vec::with_capacity(one.persons.len());
        for (person, phone) in one.persons.iter().zip(dialled.by_ref()) {
            let id = person.id.unwrap_or_else(|| w.new_id());
            let card_number = match &person.card_number {
                Some(number) => number.clone(),
                None => {
                    serial += 1;
                    card_of(&prefix, serial - 1)?
                }
            };
            members.push(member_row(w, mutual, id, card_number, person, phone.as_ref()));
            phones.extend(phone.as_ref().map(|phone| phone_row(w, mutual, (None, Some(id)), phone, one.on)));
            here.push(Membership {
                mutual_id: mutual,
                id: w.new_id(),
                household_id: one.household.id,
                member_id: id,
                relationship: person.relationship,
                from_on: one.on,
                to_on: None,
                recorded_at: w.now(),
                waiting_from: None,
            });
        }
        stays.push(here);
    }
    if store::insert_members(w, &members)? != members.len() {
        let at = place(taken_one(w, mutual, &members)?);
        let detail = "a member has this id or number already";
        return Err(Problem::with(Code::NumberTaken, detail).at(format!("/members/{at}")).into());
    }
    let names: Vec<(MemberId, &str)> = members.iter().map(|row| (row.id, row.folded_name.as_str())).collect();
    store::insert_words(w, mutual, &names)?;
    store::insert_memberships(w, &stays.concat())?;
    files::insert_phones(w, &phones)?;
    let mut members = members.into_iter();
    let mut joining = Vec::with_capacity(arriving.len());
    for (one, stays) in arriving.iter().zip(&stays) {
        let members = members.by_ref().take(stays.len()).zip(stays.iter().map(|stay| stay.relationship)).collect();
        joining.push(Joining { household: one.household, members, is_whole: one.founds });
    }
    let newcomers = super::duplicates::key_new(w, mutual, joining)?;
    Ok(stays.into_iter().zip(newcomers).map(|(stays, newcomers)| Added { stays, newcomers }).collect())
}

fn member_row(
    w: &Write,
    mutual: MutualId,
    id: MemberId,
    card_number: String,
    person: &NewMember,
    phone: Option<&Dialled>,
) -> Member {
    Member {
        mutual_id: mutual,
        id,
        card_number,
        legacy_number: person.legacy_number.clone(),
        family_name: person.family_name.clone(),
        given_name: person.given_name.clone(),
        folded_name: fold_name(&format!("{} {}", person.family_name, person.given_name)),
        sex: person.sex,
        birth_date: person.birth_date,
        birth_precision: person.birth_precision,
        national_id: person.national_id.clone(),
        phone: phone.map(|phone| phone.e164.clone()),
        occupation: person.occupation.clone(),
        died_on: None,
        recorded_at: w.now(),
        version: 1,
    }
}

/// Which of these persons could not be added: his number is another's, or his id is.
fn taken_one(w: &mut Write, mutual: MutualId, members: &[Member]) -> Result<usize> {
    for (at, row) in members.iter().enumerate() {
        if store::find_card_of(w, mutual, row.id)?.as_ref() != Some(&row.card_number) {
            return Ok(at);
        }
    }
    // The same person told twice.
    Ok(members.len().saturating_sub(1))
}

/// The card number of a serial.
///
/// # Errors
/// A fault where they are used up.
pub fn card_of(prefix: &str, serial: i64) -> Result<String> {
    card_number(&format!("{prefix}{serial:08}")).map_err(|error| Error::Fault(format!("no card number: {error}")))
}

/// The digits with which a mutual's card numbers begin.
///
/// # Errors
/// A fault where it has none.
pub fn card_prefix(w: &mut Write, mutual: MutualId) -> Result<String> {
    crate::organisations::store::find(w, mutual.into())?
        .and_then(|organisation| organisation.card_prefix)
        .ok_or_else(|| Error::Fault(format!("the mutual {mutual} has no card prefix")))
}

/// The first day on which a person may count: a newborn from birth where registered in time (R18), else the first day in
/// the household.
pub fn first_effect(on: NaiveDate, born: Option<NaiveDate>) -> NaiveDate {
    born.filter(|born| days_between(*born, on) <= NEWBORN_REGISTRATION_DAYS).map_or(on, |born| born.min(on))
}

/// The pointers of a registration as those of the one person who joins.
pub fn of_person(error: Error) -> Error {
    match error {
        Error::Problem(mut problem) => {
            for fault in &mut problem.errors {
                fault.pointer = fault.pointer.replace("/members/0", "/person");
            }
            Error::Problem(problem)
        }
        other => other,
    }
}

/// What is corrected of a household; none leaves as it is, none within empties.
#[derive(Debug, Clone, Default)]
pub struct HouseholdCorrection {
    pub section: Option<Option<OrganisationId>>,
    pub area: Option<Option<AreaId>>,
    pub class: Option<String>,
    pub phone: Option<Option<String>>,
}

/// Corrects typing errors of a household; the old values stay in the audit.
///
/// # Errors
/// `version_mismatch`, `not_found`.
pub fn correct_household(
    w: &mut Write,
    scope: &MutualScope,
    id: HouseholdId,
    if_match: Option<&str>,
    correction: &HouseholdCorrection,
) -> Result<()> {
    store::lock(w, scope.mutual(), id)?;
    let known = store::find(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    let phone = corrected_phone(w, scope.mutual(), correction.phone.as_ref())?;
    let row = Household {
        section_id: correction.section.unwrap_or(known.section_id),
        area_id: correction.area.unwrap_or(known.area_id),
        class: correction.class.clone().unwrap_or_else(|| known.class.clone()),
        phone: phone.as_ref().map_or_else(|| known.phone.clone(), |phone| phone.as_ref().map(|one| one.e164.clone())),
        ..known.clone()
    };
    if row.area_id != known.area_id {
        // A typing error of the place where the household lives now; that it moved is an event.
        let last = store::list_residences(w, scope.mutual(), id)?
            .pop()
            .ok_or_else(|| Error::Fault("a household without residence".into()))?;
        if let Some(area) = row.area_id {
            must_be_area(w, scope, area, last.from_on, "/area_id")?;
        }
        store::set_residence_area(w, scope.mutual(), last.id, row.area_id)?;
    }
    store::set(w, &row)?;
    let of = (Some(id), None);
    if let Some(phone) = &phone {
        correct_phone(w, scope.mutual(), of, known.phone.as_deref(), phone.as_ref(), scope.today())?;
    }
    w.changed("household", id.uuid(), known.section_id, row.section_id);
    let fields = [
        ("section_id", json!(known.section_id), json!(row.section_id)),
        ("area_id", json!(known.area_id), json!(row.area_id)),
        ("class", json!(known.class), json!(row.class)),
        ("phone", json!(known.phone), json!(row.phone)),
    ];
    write_corrected(w, scope.mutual(), id.uuid(), known.version + 1, fields)?;
    w.touch(id);
    w.mark(known.registered_on);
    Ok(())
}

/// Names what was corrected in the audit, and keeps in which version it was: an update from the field that was made on an older
/// one clashes with it (R49).
fn write_corrected<const N: usize>(
    w: &mut Write,
    mutual: MutualId,
    entity: uuid::Uuid,
    version: i64,
    fields: [(&str, serde_json::Value, serde_json::Value); N],
) -> Result<()> {
    let mut names = Vec::new();
    for (name, before, after) in fields {
        if before != after {
            names.push(name);
            w.field(name, Some(before), Some(after));
        }
    }
    Ok(store::set_field_versions(w, mutual, Key::new(entity), &names, version)?)
}

/// What is corrected of a person; none leaves as it is, none within empties.
#[derive(Debug, Clone, Default)]
pub struct MemberCorrection {
    pub family_name: Option<String>,
    pub given_name: Option<String>,
    pub sex: Option<Sex>,
    pub birth_date: Option<Option<NaiveDate>>,
    pub birth_precision: Option<BirthPrecision>,
    pub national_id: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub occupation: Option<Option<String>>,
}

/// Corrects typing errors of a person. The household is found, locked, and looked at again.
///
/// # Errors
/// `version_mismatch`, `not_found`, `impossible_date`.
pub fn correct_member(
    w: &mut Write,
    scope: &MutualScope,
    id: MemberId,
    if_match: Option<&str>,
    correction: &MemberCorrection,
) -> Result<()> {
    let (_, stay) = store::find_member(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    store::lock(w, scope.mutual(), stay.household_id)?;
    let (known, again) = store::find_member(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    if again.household_id != stay.household_id {
        return Err(Error::Again);
    }
    must_match(if_match, known.version)?;
    let detail = match correction.birth_date.flatten() {
        Some(born) if born > stay.from_on => Some("born after the registration"),
        Some(born) if born < FIRST_BIRTH => Some("before 1880"),
        _ => None,
    };
    if let Some(detail) = detail {
        return Err(Problem::with(Code::ImpossibleDate, detail).at("/birth_date").into());
    }
    let phone = corrected_phone(w, scope.mutual(), correction.phone.as_ref())?;
    let mut row = Member {
        family_name: correction.family_name.clone().unwrap_or_else(|| known.family_name.clone()),
        given_name: correction.given_name.clone().unwrap_or_else(|| known.given_name.clone()),
        sex: correction.sex.unwrap_or(known.sex),
        birth_date: correction.birth_date.unwrap_or(known.birth_date),
        birth_precision: correction.birth_precision.unwrap_or(known.birth_precision),
        national_id: correction.national_id.clone().unwrap_or_else(|| known.national_id.clone()),
        phone: phone.as_ref().map_or_else(|| known.phone.clone(), |phone| phone.as_ref().map(|one| one.e164.clone())),
        occupation: correction.occupation.clone().unwrap_or_else(|| known.occupation.clone()),
        ..known.clone()
    };
    row.folded_name = fold_name(&format!("{} {}", row.family_name, row.given_name));
    store::set_member(w, &row)?;
    let of = (None, Some(id));
    if let Some(phone) = &phone {
        correct_phone(w, scope.mutual(), of, known.phone.as_deref(), phone.as_ref(), scope.today())?;
    }
    if row.folded_name != known.folded_name {
        store::remove_words(w, scope.mutual(), id)?;
        store::insert_words(w, scope.mutual(), &[(id, &row.folded_name)])?;
    }
    super::duplicates::key(w, scope.mutual(), &[id], true)?;
    let section = store::find(w, scope, stay.household_id)?.and_then(|household| household.section_id);
    w.changed("member", id.uuid(), section, section);
    let fields = [
        ("family_name", json!(known.family_name), json!(row.family_name)),
        ("given_name", json!(known.given_name), json!(row.given_name)),
        ("sex", json!(known.sex), json!(row.sex)),
        ("birth_date", json!(known.birth_date), json!(row.birth_date)),
        ("birth_precision", json!(known.birth_precision), json!(row.birth_precision)),
        ("national_id", json!(known.national_id), json!(row.national_id)),
        ("phone", json!(known.phone), json!(row.phone)),
        ("occupation", json!(known.occupation), json!(row.occupation)),
    ];
    write_corrected(w, scope.mutual(), id.uuid(), known.version + 1, fields)?;
    w.touch(stay.household_id);
    w.mark(first_effect(stay.from_on, known.birth_date).min(first_effect(stay.from_on, row.birth_date)));
    Ok(())
}
