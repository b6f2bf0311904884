//! Households, members and memberships in the database. Functions that answer a caller take his scope; those that a
//! command uses under a household's lock take the mutual of the wall.
use super::model::*;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::{insert_all, insert_new};
use chrono::NaiveDate;
use diesel::prelude::*;
use std::collections::BTreeSet;

/// Takes a household as a lock: the first thing that a command on it does. Gives its revision, which rises with every
/// command and so orders what they write; none where it is not there.
pub fn lock(w: &mut Write, mutual: MutualId, id: HouseholdId) -> QueryResult<Option<i64>> {
    let moved = diesel::update(households::table.find((mutual, id)))
        .set(households::revision.eq(households::revision + 1))
        .execute(w.conn())?;
    if moved == 0 {
        return Ok(None);
    }
    households::table.find((mutual, id)).select(households::revision).get_result(w.conn()).optional()
}

#[derive(Insertable)]
#[diesel(table_name = field_versions, treat_none_as_default_value = false)]
struct FieldVersion<'a> {
    mutual_id: MutualId,
    entity_id: EntityId,
    field: &'a str,
    version: i64,
}

/// Keeps in which version fields of a household or a person were changed last.
pub fn set_field_versions(
    w: &mut Write,
    mutual: MutualId,
    entity: EntityId,
    names: &[&str],
    version: i64,
) -> QueryResult<()> {
    if names.is_empty() {
        return Ok(());
    }
    let own = field_versions::table
        .filter(field_versions::mutual_id.eq(mutual))
        .filter(field_versions::entity_id.eq(entity))
        .filter(field_versions::field.eq_any(names.to_vec()));
    diesel::delete(own).execute(w.conn())?;
    let rows: Vec<FieldVersion> =
        names.iter().map(|field| FieldVersion { mutual_id: mutual, entity_id: entity, field, version }).collect();
    crate::insert_all!(w, field_versions::table, rows)
}

/// Whether a person is known who belongs to no household any more: his arrival was taken back.
pub fn is_gone(r: &mut Read, mutual: MutualId, id: MemberId) -> QueryResult<bool> {
    let known = members::table.find((mutual, id));
    let stays = memberships::table.filter(memberships::mutual_id.eq(mutual)).filter(memberships::member_id.eq(id));
    diesel::select(diesel::dsl::exists(known).and(diesel::dsl::not(diesel::dsl::exists(stays)))).get_result(r.conn())
}

/// The section of a household that the command holds locked.
pub fn section_of(r: &mut Read, mutual: MutualId, id: HouseholdId) -> QueryResult<Option<OrganisationId>> {
    households::table.find((mutual, id)).select(households::section_id).get_result(r.conn())
}

/// The class of a household that the command holds locked.
pub fn class_of(r: &mut Read, mutual: MutualId, id: HouseholdId) -> QueryResult<Option<String>> {
    households::table.find((mutual, id)).select(households::class).get_result(r.conn()).optional()
}

/// A household within the caller's sections.
pub fn find(r: &mut Read, scope: &MutualScope, id: HouseholdId) -> QueryResult<Option<Household>> {
    let found: Option<Household> =
        households::table.find((scope.mutual(), id)).select(Household::as_select()).get_result(r.conn()).optional()?;
    Ok(found.filter(|household| scope.sees(household.section_id)))
}

/// A household by its number, within the caller's sections.
pub fn find_by_number(r: &mut Read, scope: &MutualScope, number: &str) -> QueryResult<Option<Household>> {
    let found: Option<Household> = households::table
        .filter(households::mutual_id.eq(scope.mutual()))
        .filter(households::number.eq(number))
        .select(Household::as_select())
        .first(r.conn())
        .optional()?;
    Ok(found.filter(|household| scope.sees(household.section_id)))
}

/// Households within the caller's sections, by id.
pub fn list(
    r: &mut Read,
    scope: &MutualScope,
    section: Option<OrganisationId>,
    after: Option<HouseholdId>,
    limit: i64,
) -> QueryResult<Vec<Household>> {
    let mut query = households::table
        .filter(households::mutual_id.eq(scope.mutual()))
        .order(households::id)
        .limit(limit)
        .select(Household::as_select())
        .into_boxed();
    if let Sections::These(ids) = scope.sections() {
        query = query.filter(households::section_id.eq_any(ids.iter().map(|id| Some(*id)).collect::<Vec<_>>()));
    }
    if let Some(section) = section {
        query = query.filter(households::section_id.eq(section));
    }
    if let Some(after) = after {
        query = query.filter(households::id.gt(after));
    }
    query.load(r.conn())
}

/// Whether there is a household of this id, whoever sees it.
pub fn is_there(r: &mut Read, mutual: MutualId, id: HouseholdId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(households::table.find((mutual, id)))).get_result(r.conn())
}

/// Adds households; gives how many, those left out whose number is taken.
pub fn insert(w: &mut Write, rows: &[Household]) -> QueryResult<usize> {
    insert_new!(w, households::table, rows)
}

/// Writes what may be corrected of a household and moves its version.
pub fn set(w: &mut Write, row: &Household) -> QueryResult<()> {
    diesel::update(households::table.find((row.mutual_id, row.id)))
        .set((
            households::section_id.eq(row.section_id),
            households::area_id.eq(row.area_id),
            households::class.eq(&row.class),
            households::phone.eq(&row.phone),
            households::version.eq(row.version + 1),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// Adds members; gives how many, those left out whose id or number is taken.
pub fn insert_members(w: &mut Write, rows: &[Member]) -> QueryResult<usize> {
    insert_new!(w, members::table, rows)
}

/// The card number of a person.
pub fn find_card_of(r: &mut Read, mutual: MutualId, id: MemberId) -> QueryResult<Option<String>> {
    members::table.find((mutual, id)).select(members::card_number).get_result(r.conn()).optional()
}

/// Adds memberships.
pub fn insert_memberships(w: &mut Write, rows: &[Membership]) -> QueryResult<()> {
    insert_all!(w, memberships::table, rows)
}

/// A person whose household of today, or last one, is within the caller's sections; with that stay.
pub fn find_member(r: &mut Read, scope: &MutualScope, id: MemberId) -> QueryResult<Option<(Member, Membership)>> {
    let found =
        members::table.find((scope.mutual(), id)).select(Member::as_select()).get_result(r.conn()).optional()?;
    with_stay(r, scope, found)
}

/// A person by card number, or by the number of another system.
pub fn find_member_by_number(
    r: &mut Read,
    scope: &MutualScope,
    number: &str,
) -> QueryResult<Option<(Member, Membership)>> {
    let found = members::table
        .filter(members::mutual_id.eq(scope.mutual()))
        .filter(members::card_number.eq(number).or(members::legacy_number.eq(number)))
        .order(members::id)
        .select(Member::as_select())
        .first(r.conn())
        .optional()?;
    with_stay(r, scope, found)
}

fn with_stay(r: &mut Read, scope: &MutualScope, member: Option<Member>) -> QueryResult<Option<(Member, Membership)>> {
    let Some(member) = member else { return Ok(None) };
    let last: Option<(Membership, Option<OrganisationId>)> = memberships::table
        .inner_join(
            households::table
                .on(households::mutual_id.eq(memberships::mutual_id).and(households::id.eq(memberships::household_id))),
        )
        .filter(memberships::mutual_id.eq(scope.mutual()))
        .filter(memberships::member_id.eq(member.id))
        .order((memberships::from_on.desc(), memberships::id.desc()))
        .select((Membership::as_select(), households::section_id))
        .first(r.conn())
        .optional()?;
    Ok(last.filter(|(_, section)| scope.sees(*section)).map(|(stay, _)| (member, stay)))
}

/// Persons with the last stay of each, as far as it lies within the caller's sections; in the order given.
pub fn with_last_stays(
    r: &mut Read,
    scope: &MutualScope,
    found: Vec<Member>,
) -> QueryResult<Vec<(Member, Membership)>> {
    let ids: Vec<MemberId> = found.iter().map(|member| member.id).collect();
    let rows: Vec<(Membership, Option<OrganisationId>)> = memberships::table
        .inner_join(
            households::table
                .on(households::mutual_id.eq(memberships::mutual_id).and(households::id.eq(memberships::household_id))),
        )
        .filter(memberships::mutual_id.eq(scope.mutual()))
        .filter(memberships::member_id.eq_any(ids))
        .order((memberships::from_on, memberships::id))
        .select((Membership::as_select(), households::section_id))
        .load(r.conn())?;
    let mut last: std::collections::HashMap<MemberId, (Membership, Option<OrganisationId>)> =
        rows.into_iter().map(|(stay, section)| (stay.member_id, (stay, section))).collect();
    let seen = |member: Member| {
        let (stay, section) = last.remove(&member.id)?;
        scope.sees(section).then_some((member, stay))
    };
    Ok(found.into_iter().filter_map(seen).collect())
}

/// A person's stays in households, by first day.
pub fn list_stays(r: &mut Read, scope: &MutualScope, member: MemberId) -> QueryResult<Vec<Membership>> {
    memberships::table
        .filter(memberships::mutual_id.eq(scope.mutual()))
        .filter(memberships::member_id.eq(member))
        .order((memberships::from_on, memberships::id))
        .select(Membership::as_select())
        .load(r.conn())
}

/// Everybody who is or was in a household, with the stay, by first day and id.
pub fn list_of_household(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
) -> QueryResult<Vec<(Member, Membership)>> {
    memberships::table
        .inner_join(
            members::table
                .on(members::mutual_id.eq(memberships::mutual_id).and(members::id.eq(memberships::member_id))),
        )
        .filter(memberships::mutual_id.eq(mutual))
        .filter(memberships::household_id.eq(household))
        .order((memberships::from_on, memberships::id))
        .select((Member::as_select(), Membership::as_select()))
        .load(r.conn())
}

/// Persons who are in a household of the caller's sections on a day, by folded name and id.
pub fn list_members(
    r: &mut Read,
    scope: &MutualScope,
    household: Option<HouseholdId>,
    on: NaiveDate,
    after: Option<(String, MemberId)>,
    limit: i64,
) -> QueryResult<Vec<(Member, Membership)>> {
    let mut query = members::table
        .inner_join(
            memberships::table
                .on(memberships::mutual_id.eq(members::mutual_id).and(memberships::member_id.eq(members::id))),
        )
        .inner_join(
            households::table
                .on(households::mutual_id.eq(memberships::mutual_id).and(households::id.eq(memberships::household_id))),
        )
        .filter(members::mutual_id.eq(scope.mutual()))
        .filter(memberships::from_on.le(on))
        .filter(memberships::to_on.is_null().or(memberships::to_on.ge(on)))
        .order((members::folded_name, members::id))
        .limit(limit)
        .select((Member::as_select(), Membership::as_select()))
        .into_boxed();
    if let Sections::These(ids) = scope.sections() {
        query = query.filter(households::section_id.eq_any(ids.iter().map(|id| Some(*id)).collect::<Vec<_>>()));
    }
    if let Some(household) = household {
        query = query.filter(memberships::household_id.eq(household));
    }
    if let Some((name, id)) = after {
        query = query
            .filter(members::folded_name.gt(name.clone()).or(members::folded_name.eq(name).and(members::id.gt(id))));
    }
    query.load(r.conn())
}

/// Writes what may be corrected of a person and moves the version.
pub fn set_member(w: &mut Write, row: &Member) -> QueryResult<()> {
    diesel::update(members::table.find((row.mutual_id, row.id)))
        .set((
            members::family_name.eq(&row.family_name),
            members::given_name.eq(&row.given_name),
            members::folded_name.eq(&row.folded_name),
            members::sex.eq(row.sex),
            members::birth_date.eq(row.birth_date),
            members::birth_precision.eq(row.birth_precision),
            members::national_id.eq(&row.national_id),
            members::phone.eq(&row.phone),
            members::occupation.eq(&row.occupation),
            members::version.eq(row.version + 1),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// True where the household has a living principal on a day.
pub fn has_principal(r: &mut Read, mutual: MutualId, household: HouseholdId, on: NaiveDate) -> QueryResult<bool> {
    Ok(list_of_household(r, mutual, household)?.iter().any(|(member, stay)| {
        stay.relationship == Relationship::Principal
            && crate::dates::within(on, stay.from_on, stay.to_on)
            && member.died_on.is_none_or(|died| died >= on)
    }))
}

/// Sets or clears a person's day of death and moves the version.
pub fn set_died(w: &mut Write, mutual: MutualId, id: MemberId, on: Option<NaiveDate>) -> QueryResult<()> {
    diesel::update(members::table.find((mutual, id)))
        .set((members::died_on.eq(on), members::version.eq(members::version + 1)))
        .execute(w.conn())
        .map(|_| ())
}

/// A stay.
pub fn find_stay(r: &mut Read, mutual: MutualId, id: MembershipId) -> QueryResult<Option<Membership>> {
    memberships::table.find((mutual, id)).select(Membership::as_select()).get_result(r.conn()).optional()
}

/// Ends a stay on a day, or opens it again.
pub fn end_stay(w: &mut Write, mutual: MutualId, id: MembershipId, to: Option<NaiveDate>) -> QueryResult<()> {
    diesel::update(memberships::table.find((mutual, id))).set(memberships::to_on.eq(to)).execute(w.conn()).map(|_| ())
}

/// Removes a stay that an event began, when the event is taken back; the event keeps what there was.
pub fn remove_stay(w: &mut Write, mutual: MutualId, id: MembershipId) -> QueryResult<()> {
    diesel::delete(memberships::table.find((mutual, id))).execute(w.conn()).map(|_| ())
}

/// True where the person has an open stay, or, for a principal, the household another open principal.
pub fn has_open_stay(
    r: &mut Read,
    mutual: MutualId,
    member: MemberId,
    household: HouseholdId,
    relationship: Relationship,
) -> QueryResult<bool> {
    let open = memberships::table.filter(memberships::mutual_id.eq(mutual)).filter(memberships::to_on.is_null());
    let own: i64 = open.filter(memberships::member_id.eq(member)).count().get_result(r.conn())?;
    let principals: i64 = open
        .filter(memberships::household_id.eq(household))
        .filter(memberships::relationship.eq(Relationship::Principal))
        .count()
        .get_result(r.conn())?;
    Ok(own > 0 || (relationship == Relationship::Principal && principals > 0))
}

/// The days on which these persons began a stay in another household of the mutual.
pub fn list_begun_elsewhere(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
    of: &[MemberId],
) -> QueryResult<Vec<(MemberId, NaiveDate)>> {
    memberships::table
        .filter(memberships::mutual_id.eq(mutual))
        .filter(memberships::member_id.eq_any(of.to_vec()))
        .filter(memberships::household_id.ne(household))
        .order((memberships::from_on, memberships::id))
        .select((memberships::member_id, memberships::from_on))
        .load(r.conn())
}

/// Adds an event.
pub fn insert_event(w: &mut Write, row: &Event) -> QueryResult<()> {
    diesel::insert_into(household_events::table).values(row).execute(w.conn()).map(|_| ())
}

/// An event.
pub fn find_event(r: &mut Read, mutual: MutualId, id: EventId) -> QueryResult<Option<Event>> {
    household_events::table.find((mutual, id)).select(Event::as_select()).get_result(r.conn()).optional()
}

/// The counter-event of an event.
pub fn find_counter(r: &mut Read, mutual: MutualId, id: EventId) -> QueryResult<Option<Event>> {
    household_events::table
        .filter(household_events::mutual_id.eq(mutual))
        .filter(household_events::reverses_id.eq(id))
        .select(Event::as_select())
        .first(r.conn())
        .optional()
}

/// The events of a household, its own and those of another that concern it, by day and id.
pub fn list_events(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Event>> {
    household_events::table
        .filter(household_events::mutual_id.eq(mutual))
        .filter(household_events::household_id.eq(household).or(household_events::other_household_id.eq(household)))
        .order((household_events::happened_on, household_events::id))
        .select(Event::as_select())
        .load(r.conn())
}

/// Adds where a household lives from a day on.
pub fn insert_residences(w: &mut Write, rows: &[Residence]) -> QueryResult<()> {
    insert_all!(w, residences::table, rows)
}

/// Where a household lived, by first day.
pub fn list_residences(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Residence>> {
    residences::table
        .filter(residences::mutual_id.eq(mutual))
        .filter(residences::household_id.eq(household))
        .order(residences::from_on)
        .select(Residence::as_select())
        .load(r.conn())
}

/// Corrects the area of a residence.
pub fn set_residence_area(w: &mut Write, mutual: MutualId, id: ResidenceId, area: Option<AreaId>) -> QueryResult<()> {
    diesel::update(residences::table.find((mutual, id))).set(residences::area_id.eq(area)).execute(w.conn()).map(|_| ())
}

/// Removes where a household lived, when the move is taken back.
pub fn remove_residence(w: &mut Write, mutual: MutualId, id: ResidenceId) -> QueryResult<()> {
    diesel::delete(residences::table.find((mutual, id))).execute(w.conn()).map(|_| ())
}

/// Adds the words of a folded name, by which the person is found.
pub fn insert_words(w: &mut Write, mutual: MutualId, names: &[(MemberId, &str)]) -> QueryResult<()> {
    // In the order of their table, so that what lies together there is written together.
    let words: BTreeSet<(&str, MemberId)> =
        names.iter().flat_map(|(id, folded)| words_of(folded).map(|word| (word, *id))).collect();
    let row = |(word, member)| {
        (name_words::mutual_id.eq(mutual), name_words::word.eq(word), name_words::member_id.eq(member))
    };
    let rows: Vec<_> = words.into_iter().map(row).collect();
    insert_all!(w, name_words::table, rows)
}

/// The words of a folded name.
fn words_of(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(' ').filter(|word| !word.is_empty())
}

/// Removes the words of a name that was typed wrongly.
pub fn remove_words(w: &mut Write, mutual: MutualId, member: MemberId) -> QueryResult<()> {
    let these = name_words::table.filter(name_words::mutual_id.eq(mutual)).filter(name_words::member_id.eq(member));
    diesel::delete(these).execute(w.conn()).map(|_| ())
}
