//! Enrolments and cover spans in the database.
use super::model::*;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use diesel::prelude::*;

/// Adds an enrolment; false where its number is taken.
pub fn insert(w: &mut Write, row: &Enrolment) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(enrolments::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// An enrolment of a household within the caller's sections.
pub fn find(r: &mut Read, scope: &MutualScope, id: EnrolmentId) -> QueryResult<Option<Enrolment>> {
    let found: Option<(Enrolment, Option<OrganisationId>)> = enrolments::table
        .inner_join(
            households::table
                .on(households::mutual_id.eq(enrolments::mutual_id).and(households::id.eq(enrolments::household_id))),
        )
        .filter(enrolments::mutual_id.eq(scope.mutual()))
        .filter(enrolments::id.eq(id))
        .select((Enrolment::as_select(), households::section_id))
        .first(r.conn())
        .optional()?;
    Ok(found.filter(|(_, section)| scope.sees(*section)).map(|(row, _)| row))
}

/// Enrolments within the caller's sections, by id.
pub fn list(
    r: &mut Read,
    scope: &MutualScope,
    household: Option<HouseholdId>,
    state: Option<EnrolmentState>,
    after: Option<EnrolmentId>,
    limit: i64,
) -> QueryResult<Vec<Enrolment>> {
    let mut query = enrolments::table
        .inner_join(
            households::table
                .on(households::mutual_id.eq(enrolments::mutual_id).and(households::id.eq(enrolments::household_id))),
        )
        .filter(enrolments::mutual_id.eq(scope.mutual()))
        .order(enrolments::id)
        .limit(limit)
        .select(Enrolment::as_select())
        .into_boxed();
    if let Sections::These(ids) = scope.sections() {
        query = query.filter(households::section_id.eq_any(ids.iter().map(|id| Some(*id)).collect::<Vec<_>>()));
    }
    if let Some(household) = household {
        query = query.filter(enrolments::household_id.eq(household));
    }
    if let Some(state) = state {
        query = query.filter(enrolments::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(enrolments::id.gt(after));
    }
    query.load(r.conn())
}

/// The enrolments of a household, by first day and id.
pub fn list_of_household(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Enrolment>> {
    enrolments::table
        .filter(enrolments::mutual_id.eq(mutual))
        .filter(enrolments::household_id.eq(household))
        .order((enrolments::starts_on, enrolments::id))
        .select(Enrolment::as_select())
        .load(r.conn())
}

/// Writes the state in which an enrolment is now and moves its version.
pub fn set_state(w: &mut Write, row: &Enrolment) -> QueryResult<()> {
    diesel::update(enrolments::table.find((row.mutual_id, row.id)))
        .set((
            enrolments::state.eq(row.state),
            enrolments::first_enrolment.eq(row.first_enrolment),
            enrolments::admitted_on.eq(row.admitted_on),
            enrolments::ended_on.eq(row.ended_on),
            enrolments::reason.eq(&row.reason),
            enrolments::version.eq(row.version + 1),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// The spans of a household, by person and day.
pub fn list_spans_of(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Span>> {
    cover_spans::table
        .filter(cover_spans::mutual_id.eq(mutual))
        .filter(cover_spans::household_id.eq(household))
        .order((cover_spans::member_id, cover_spans::from_on))
        .select(Span::as_select())
        .load(r.conn())
}

/// The spans of a person, by day.
pub fn list_spans_of_member(r: &mut Read, scope: &MutualScope, member: MemberId) -> QueryResult<Vec<Span>> {
    cover_spans::table
        .filter(cover_spans::mutual_id.eq(scope.mutual()))
        .filter(cover_spans::member_id.eq(member))
        .order((cover_spans::from_on, cover_spans::id))
        .select(Span::as_select())
        .load(r.conn())
}

/// Puts a household's spans in the place of those stored.
pub fn replace_spans(w: &mut Write, mutual: MutualId, household: HouseholdId, rows: &[Span]) -> QueryResult<()> {
    diesel::delete(
        cover_spans::table.filter(cover_spans::mutual_id.eq(mutual)).filter(cover_spans::household_id.eq(household)),
    )
    .execute(w.conn())?;
    insert_all!(w, cover_spans::table, rows)
}

/// Adds a step.
pub fn insert_step(w: &mut Write, row: &Step) -> QueryResult<()> {
    diesel::insert_into(enrolment_steps::table).values(row).execute(w.conn()).map(|_| ())
}

/// The steps of an enrolment, in the order of recording.
pub fn list_steps(r: &mut Read, mutual: MutualId, id: EnrolmentId) -> QueryResult<Vec<Step>> {
    enrolment_steps::table
        .filter(enrolment_steps::mutual_id.eq(mutual))
        .filter(enrolment_steps::enrolment_id.eq(id))
        .order(enrolment_steps::ordinal)
        .select(Step::as_select())
        .load(r.conn())
}
