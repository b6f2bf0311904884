//! What follows a claim's first decision, in the database: links, reviews, former decisions, voids, letters, appeals, and the
//! settings by which a mutual decides.
use super::model::*;
use crate::access::scopes::MutualScope;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::ledger::model::Transfer;
use diesel::prelude::*;

/// Adds a mutual's settings.
pub fn insert_settings(w: &mut Write, row: &CareSettings) -> QueryResult<()> {
    diesel::insert_into(care_settings::table).values(row).execute(w.conn()).map(|_| ())
}

/// A mutual's settings.
pub fn settings(r: &mut Read, mutual: MutualId) -> QueryResult<CareSettings> {
    care_settings::table.filter(care_settings::mutual_id.eq(mutual)).select(CareSettings::as_select()).first(r.conn())
}

/// Writes settings whose version is still the one read; false where it is not.
pub fn set_settings(w: &mut Write, row: &CareSettings) -> QueryResult<bool> {
    let to = CareSettings { version: row.version + 1, ..row.clone() };
    diesel::update(care_settings::table.find((row.mutual_id, row.id)).filter(care_settings::version.eq(row.version)))
        .set(&to)
        .execute(w.conn())
        .map(|n| n == 1)
}

/// Adds what a claim cites; false where the claim that it resubmits has been resubmitted.
pub fn insert_links(w: &mut Write, row: &Links) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(claim_links::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// What a claim cites; nothing where it cites nothing.
pub fn find_links(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Option<Links>> {
    claim_links::table.find((mutual, claim)).select(Links::as_select()).get_result(r.conn()).optional()
}

/// What these claims cite.
pub fn list_links(r: &mut Read, mutual: MutualId, claims: &[ClaimId]) -> QueryResult<Vec<Links>> {
    claim_links::table
        .filter(claim_links::mutual_id.eq(mutual))
        .filter(claim_links::id.eq_any(claims.to_vec()))
        .select(Links::as_select())
        .load(r.conn())
}

/// The claim that submits this one again.
pub fn find_resubmission(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Option<ClaimId>> {
    claim_links::table
        .filter(claim_links::mutual_id.eq(mutual))
        .filter(claim_links::resubmits_id.eq(claim))
        .select(claim_links::id)
        .first(r.conn())
        .optional()
}

/// Adds why a claim waits, or writes it anew where it has waited before.
pub fn put_review(w: &mut Write, row: &Review) -> QueryResult<()> {
    let changed =
        diesel::update(claim_reviews::table.find((row.mutual_id, row.id))).set(row.clone()).execute(w.conn())?;
    if changed == 0 {
        diesel::insert_into(claim_reviews::table).values(row).execute(w.conn())?;
    }
    Ok(())
}

/// Why a claim waits or waited.
pub fn find_review(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Option<Review>> {
    claim_reviews::table.find((mutual, claim)).select(Review::as_select()).get_result(r.conn()).optional()
}

/// Claims that wait, the riskiest first; of one person's work where asked.
pub fn list_queue(
    r: &mut Read,
    scope: &MutualScope,
    assigned_to: Option<UserId>,
    after: Option<(i64, ClaimId)>,
    limit: i64,
) -> QueryResult<Vec<(Claim, Review)>> {
    let mut query = claim_reviews::table
        .inner_join(
            claims::table.on(claims::mutual_id.eq(claim_reviews::mutual_id).and(claims::id.eq(claim_reviews::id))),
        )
        .filter(claim_reviews::mutual_id.eq(scope.mutual()))
        .filter(claim_reviews::ended_on.is_null())
        .order((claim_reviews::risk.desc(), claim_reviews::id))
        .limit(limit)
        .select((Claim::as_select(), Review::as_select()))
        .into_boxed();
    if let Some(user) = assigned_to {
        query = query.filter(claim_reviews::assigned_to.eq(user));
    }
    if let Some((risk, id)) = after {
        let same = claim_reviews::risk.eq(risk).and(claim_reviews::id.gt(id));
        query = query.filter(claim_reviews::risk.lt(risk).or(same));
    }
    query.load(r.conn())
}

/// Keeps a decision that is replaced.
pub fn insert_former(w: &mut Write, row: &FormerDecision) -> QueryResult<()> {
    diesel::insert_into(claim_decisions::table).values(row).execute(w.conn()).map(|_| ())
}

/// The decisions of a claim that were replaced, the oldest first.
pub fn list_former(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Vec<FormerDecision>> {
    claim_decisions::table
        .filter(claim_decisions::mutual_id.eq(mutual))
        .filter(claim_decisions::claim_id.eq(claim))
        .order((claim_decisions::recorded_at, claim_decisions::id))
        .select(FormerDecision::as_select())
        .load(r.conn())
}

/// Keeps that a claim was taken back.
pub fn insert_void(w: &mut Write, row: &Void) -> QueryResult<()> {
    diesel::insert_into(claim_voids::table).values(row).execute(w.conn()).map(|_| ())
}

/// How a claim was taken back.
pub fn find_void(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Option<Void>> {
    claim_voids::table
        .filter(claim_voids::mutual_id.eq(mutual))
        .filter(claim_voids::claim_id.eq(claim))
        .select(Void::as_select())
        .first(r.conn())
        .optional()
}

/// The transfers of a claim that nothing reversed.
pub fn list_standing_transfers(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Vec<Transfer>> {
    let all: Vec<Transfer> = transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::claim_id.eq(claim))
        .order((transfers::recorded_at, transfers::id))
        .select(Transfer::as_select())
        .load(r.conn())?;
    let reversed: Vec<TransferId> = all.iter().filter_map(|row| row.reverses_id).collect();
    Ok(all.into_iter().filter(|row| row.reverses_id.is_none() && !reversed.contains(&row.id)).collect())
}

/// Adds a letter; false where its number is taken.
pub fn insert_letter(w: &mut Write, row: &Letter) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(letters::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// A letter.
pub fn find_letter(r: &mut Read, mutual: MutualId, id: LetterId) -> QueryResult<Option<Letter>> {
    letters::table.find((mutual, id)).select(Letter::as_select()).get_result(r.conn()).optional()
}

/// The letter of this number.
pub fn find_letter_by_number(r: &mut Read, mutual: MutualId, number: &str) -> QueryResult<Option<Letter>> {
    letters::table
        .filter(letters::mutual_id.eq(mutual))
        .filter(letters::number.eq(number))
        .select(Letter::as_select())
        .first(r.conn())
        .optional()
}

/// Writes a letter whose version is still the one read; false where it is not.
pub fn set_letter(w: &mut Write, row: &Letter) -> QueryResult<bool> {
    let to = Letter { version: row.version + 1, ..row.clone() };
    diesel::update(letters::table.find((row.mutual_id, row.id)).filter(letters::version.eq(row.version)))
        .set(&to)
        .execute(w.conn())
        .map(|n| n == 1)
}

/// Letters by id: of a facility, of a person, in a state, where asked.
pub fn list_letters(
    r: &mut Read,
    mutual: MutualId,
    provider: Option<ProviderId>,
    member: Option<MemberId>,
    state: Option<LetterState>,
    after: Option<LetterId>,
    limit: i64,
) -> QueryResult<Vec<Letter>> {
    let mut query = letters::table
        .filter(letters::mutual_id.eq(mutual))
        .order(letters::id)
        .limit(limit)
        .select(Letter::as_select())
        .into_boxed();
    if let Some(provider) = provider {
        query = query.filter(letters::provider_id.eq(provider));
    }
    if let Some(member) = member {
        query = query.filter(letters::member_id.eq(member));
    }
    if let Some(state) = state {
        query = query.filter(letters::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(letters::id.gt(after));
    }
    query.load(r.conn())
}

/// Adds an appeal.
pub fn insert_appeal(w: &mut Write, row: &Appeal) -> QueryResult<()> {
    diesel::insert_into(appeals::table).values(row).execute(w.conn()).map(|_| ())
}

/// An appeal.
pub fn find_appeal(r: &mut Read, mutual: MutualId, id: AppealId) -> QueryResult<Option<Appeal>> {
    appeals::table.find((mutual, id)).select(Appeal::as_select()).get_result(r.conn()).optional()
}

/// The appeals against a claim's decisions, by id.
pub fn list_appeals_of(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Vec<Appeal>> {
    appeals::table
        .filter(appeals::mutual_id.eq(mutual))
        .filter(appeals::claim_id.eq(claim))
        .order(appeals::id)
        .select(Appeal::as_select())
        .load(r.conn())
}

/// Appeals by id, in a state where asked.
pub fn list_appeals(
    r: &mut Read,
    mutual: MutualId,
    state: Option<AppealState>,
    after: Option<AppealId>,
    limit: i64,
) -> QueryResult<Vec<Appeal>> {
    let mut query = appeals::table
        .filter(appeals::mutual_id.eq(mutual))
        .order(appeals::id)
        .limit(limit)
        .select(Appeal::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(appeals::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(appeals::id.gt(after));
    }
    query.load(r.conn())
}

/// The appeals against decisions on a facility's claims, by id.
pub fn list_appeals_at(
    r: &mut Read,
    mutual: MutualId,
    provider: ProviderId,
    after: Option<AppealId>,
    limit: i64,
) -> QueryResult<Vec<Appeal>> {
    let mut query = appeals::table
        .inner_join(claims::table.on(claims::mutual_id.eq(appeals::mutual_id).and(claims::id.eq(appeals::claim_id))))
        .filter(appeals::mutual_id.eq(mutual))
        .filter(claims::provider_id.eq(provider))
        .order(appeals::id)
        .limit(limit)
        .select(Appeal::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(appeals::id.gt(after));
    }
    query.load(r.conn())
}

/// Writes what was decided on an appeal that waits; false where it does not.
pub fn set_appeal(w: &mut Write, row: &Appeal) -> QueryResult<bool> {
    diesel::update(appeals::table.find((row.mutual_id, row.id)).filter(appeals::state.eq(AppealState::Filed)))
        .set((
            appeals::state.eq(row.state),
            appeals::difference_minor.eq(row.difference_minor),
            appeals::decided_on.eq(row.decided_on),
            appeals::decided_by.eq(row.decided_by),
            appeals::decision_reason.eq(&row.decision_reason),
            appeals::version.eq(row.version + 1),
        ))
        .execute(w.conn())
        .map(|n| n == 1)
}
