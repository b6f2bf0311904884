//! Claims and settlements in the database.
use super::model::*;
use crate::access::scopes::MutualScope;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use std::collections::BTreeMap;

/// Takes a provider's own number; false where a claim has it.
pub fn insert_number(w: &mut Write, row: &Number) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(claim_numbers::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// The claim that has this number of the provider.
pub fn holder_of_number(
    r: &mut Read,
    mutual: MutualId,
    provider: ProviderId,
    number: &str,
) -> QueryResult<Option<ClaimId>> {
    claim_numbers::table
        .filter(claim_numbers::mutual_id.eq(mutual))
        .filter(claim_numbers::provider_id.eq(provider))
        .filter(claim_numbers::number.eq(number))
        .select(claim_numbers::claim_id)
        .first(r.conn())
        .optional()
}

/// Lets a claim take over the number of the one that it resubmits; false where that one does not have it.
pub fn take_over_number(w: &mut Write, of: &Number, from: ClaimId) -> QueryResult<bool> {
    diesel::update(
        claim_numbers::table
            .filter(claim_numbers::mutual_id.eq(of.mutual_id))
            .filter(claim_numbers::provider_id.eq(of.provider_id))
            .filter(claim_numbers::number.eq(&of.number))
            .filter(claim_numbers::claim_id.eq(from)),
    )
    .set(claim_numbers::claim_id.eq(of.claim_id))
    .execute(w.conn())
    .map(|n| n == 1)
}

/// Frees the number of a claim that is taken back; one that it never had stays where it is.
pub fn free_number(w: &mut Write, mutual: MutualId, claim: ClaimId) -> QueryResult<()> {
    diesel::delete(
        claim_numbers::table.filter(claim_numbers::mutual_id.eq(mutual)).filter(claim_numbers::claim_id.eq(claim)),
    )
    .execute(w.conn())
    .map(|_| ())
}

/// Adds a claim; false where its number is taken.
pub fn insert(w: &mut Write, row: &Claim) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(claims::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// Adds lines.
pub fn insert_lines(w: &mut Write, rows: &[Line]) -> QueryResult<()> {
    insert_all!(w, claim_lines::table, rows)
}

/// A claim.
pub fn find(r: &mut Read, scope: &MutualScope, id: ClaimId) -> QueryResult<Option<Claim>> {
    claims::table.find((scope.mutual(), id)).select(Claim::as_select()).get_result(r.conn()).optional()
}

/// A claim of a mutual, for a command that has its right already.
pub fn find_in(r: &mut Read, mutual: MutualId, id: ClaimId) -> QueryResult<Option<Claim>> {
    claims::table.find((mutual, id)).select(Claim::as_select()).get_result(r.conn()).optional()
}

/// The lines of a claim, by line.
pub fn list_lines(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Vec<Line>> {
    claim_lines::table
        .filter(claim_lines::mutual_id.eq(mutual))
        .filter(claim_lines::claim_id.eq(claim))
        .order(claim_lines::line)
        .select(Line::as_select())
        .load(r.conn())
}

/// The lines of these claims, by claim and line.
pub fn list_lines_of(r: &mut Read, mutual: MutualId, claims: &[ClaimId]) -> QueryResult<Vec<Line>> {
    claim_lines::table
        .filter(claim_lines::mutual_id.eq(mutual))
        .filter(claim_lines::claim_id.eq_any(claims.to_vec()))
        .order((claim_lines::claim_id, claim_lines::line))
        .select(Line::as_select())
        .load(r.conn())
}

/// Claims by id, of one provider or in one state where asked.
pub fn list(
    r: &mut Read,
    scope: &MutualScope,
    provider: Option<ProviderId>,
    state: Option<ClaimState>,
    after: Option<ClaimId>,
    limit: i64,
) -> QueryResult<Vec<Claim>> {
    let mut query = claims::table
        .filter(claims::mutual_id.eq(scope.mutual()))
        .order(claims::id)
        .limit(limit)
        .select(Claim::as_select())
        .into_boxed();
    if let Some(provider) = provider {
        query = query.filter(claims::provider_id.eq(provider));
    }
    if let Some(state) = state {
        query = query.filter(claims::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(claims::id.gt(after));
    }
    query.load(r.conn())
}

/// What the mutual has paid in the cover year of an enrolment, before it went live too: for a person, and for the household
/// (R28). Claims taken back do not count, nor does the one that is decided anew.
pub fn year_paid(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
    member: MemberId,
    enrolment: EnrolmentId,
    but: Option<ClaimId>,
) -> QueryResult<(i64, i64)> {
    let of = claims::mutual_id
        .eq(mutual)
        .and(claims::household_id.eq(household))
        .and(claims::enrolment_id.eq(enrolment))
        .and(claims::state.ne(ClaimState::Voided))
        .and(claims::id.ne(but.unwrap_or(ClaimId::NIL)));
    let total = || sql::<Nullable<BigInt>>("CAST(SUM(mutual_minor) AS BIGINT)");
    let all: Option<i64> = claims::table.filter(of).select(total()).first(r.conn())?;
    let own: Option<i64> =
        claims::table.filter(of).filter(claims::member_id.eq(member)).select(total()).first(r.conn())?;
    let before = opening_usages::table
        .filter(opening_usages::mutual_id.eq(mutual))
        .filter(opening_usages::enrolment_id.eq(enrolment))
        .select((opening_usages::member_id, opening_usages::amount_minor))
        .load::<(MemberId, i64)>(r.conn())?;
    let used = |of: Option<MemberId>| -> i64 {
        before.iter().filter(|(who, _)| of.is_none_or(|of| of == *who)).map(|(_, amount)| amount).sum()
    };
    Ok((own.unwrap_or(0) + used(Some(member)), all.unwrap_or(0) + used(None)))
}

/// Adds what was used before; false where it is there already.
pub fn insert_opening(w: &mut Write, row: &OpeningUsage) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(opening_usages::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|rows| rows == 1)
}

/// Whether any claim was submitted under an enrolment.
pub fn has_claims(r: &mut Read, mutual: MutualId, enrolment: EnrolmentId) -> QueryResult<bool> {
    let of = claims::table.filter(claims::mutual_id.eq(mutual)).filter(claims::enrolment_id.eq(enrolment));
    diesel::select(diesel::dsl::exists(of)).get_result(r.conn())
}

/// The quantities approved for a person between two service days, by category (R23).
pub fn used_quantities(
    r: &mut Read,
    mutual: MutualId,
    member: MemberId,
    (from, to): (NaiveDate, NaiveDate),
    but: [Option<ClaimId>; 2],
) -> QueryResult<BTreeMap<String, i64>> {
    let but = but.map(|id| id.unwrap_or(ClaimId::NIL));
    let rows: Vec<(String, Option<i64>)> = claim_lines::table
        .inner_join(
            claims::table.on(claims::mutual_id.eq(claim_lines::mutual_id).and(claims::id.eq(claim_lines::claim_id))),
        )
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::member_id.eq(member))
        .filter(claims::service_on.between(from, to))
        .filter(claims::state.ne(ClaimState::Voided))
        .filter(claims::id.ne_all(but.to_vec()))
        .filter(claim_lines::approved_quantity.is_not_null())
        .group_by(claim_lines::category)
        .select((claim_lines::category, sql::<Nullable<BigInt>>("CAST(SUM(approved_quantity) AS BIGINT)")))
        .load(r.conn())?;
    Ok(rows.into_iter().map(|(category, sum)| (category, sum.unwrap_or(0))).collect())
}

/// Other claims of the person at this provider on this day, with the codes of their services (R31): for suspicion.
pub fn list_near(
    r: &mut Read,
    mutual: MutualId,
    member: MemberId,
    provider: ProviderId,
    on: NaiveDate,
    but: [Option<ClaimId>; 2],
) -> QueryResult<Vec<(String, Vec<String>)>> {
    let but = but.map(|id| id.unwrap_or(ClaimId::NIL));
    let rows: Vec<(ClaimId, String, String)> = claims::table
        .inner_join(
            claim_lines::table
                .on(claim_lines::mutual_id.eq(claims::mutual_id).and(claim_lines::claim_id.eq(claims::id))),
        )
        .inner_join(services::table.on(services::id.eq(claim_lines::service_id)))
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::member_id.eq(member))
        .filter(claims::provider_id.eq(provider))
        .filter(claims::service_on.eq(on))
        .filter(claims::state.ne(ClaimState::Voided))
        .filter(claims::id.ne_all(but.to_vec()))
        .order((claims::id, claim_lines::line))
        .select((claims::id, claims::invoice_number, services::code))
        .load(r.conn())?;
    let mut found: BTreeMap<ClaimId, (String, Vec<String>)> = BTreeMap::new();
    for (id, invoice, code) in rows {
        found.entry(id).or_insert((invoice, Vec::new())).1.push(code);
    }
    Ok(found.into_values().collect())
}

/// Writes the state and the decision of a claim whose version is still the one read; false where it is not.
pub fn set_decision(w: &mut Write, row: &Claim) -> QueryResult<bool> {
    diesel::update(
        claims::table
            .filter(claims::mutual_id.eq(row.mutual_id))
            .filter(claims::id.eq(row.id))
            .filter(claims::version.eq(row.version)),
    )
    .set((
        (
            claims::state.eq(row.state),
            claims::outcome.eq(row.outcome),
            claims::claim_reason.eq(row.claim_reason),
            claims::decided_on.eq(row.decided_on),
            claims::decided_by.eq(row.decided_by),
            claims::decision_reason.eq(&row.decision_reason),
        ),
        (
            claims::mutual_minor.eq(row.mutual_minor),
            claims::member_minor.eq(row.member_minor),
            claims::provider_writeoff_minor.eq(row.provider_writeoff_minor),
            claims::other_paid_minor.eq(row.other_paid_minor),
            claims::inputs.eq(&row.inputs),
            claims::household_id.eq(row.household_id),
            claims::enrolment_id.eq(row.enrolment_id),
            claims::version.eq(row.version + 1),
        ),
    ))
    .execute(w.conn())
    .map(|n| n == 1)
}

/// Writes what was decided on a line.
pub fn set_line(w: &mut Write, row: &Line) -> QueryResult<()> {
    diesel::update(claim_lines::table.find((row.mutual_id, row.id)))
        .set((
            claim_lines::approved_quantity.eq(row.approved_quantity),
            claim_lines::allowed_unit_minor.eq(row.allowed_unit_minor),
            claim_lines::mutual_minor.eq(row.mutual_minor),
            claim_lines::member_minor.eq(row.member_minor),
            claim_lines::provider_writeoff_minor.eq(row.provider_writeoff_minor),
            claim_lines::other_paid_minor.eq(row.other_paid_minor),
            claim_lines::reasons.eq(&row.reasons),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// All claims of a mutual by id, for `verify`.
pub fn list_after(r: &mut Read, mutual: MutualId, after: Option<ClaimId>, limit: i64) -> QueryResult<Vec<Claim>> {
    claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::id.gt(after.unwrap_or(ClaimId::NIL)))
        .order(claims::id)
        .limit(limit)
        .select(Claim::as_select())
        .load(r.conn())
}
