//! Proofs of affiliation in the database. Functions that read or write persons take the mutual of the wall, whose household
//! the caller has found in his scope or holds locked; those about tokens alone stand outside the walls, and give no person.
use super::model::*;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::households::model::Member;
use crate::ids::*;
use crate::insert_all;
use chrono::NaiveDate;
use diesel::prelude::*;

/// Adds a proof and the way from its token to its mutual.
pub fn insert(w: &mut Write, row: &Proof) -> QueryResult<()> {
    let token =
        ProofToken { token_hash: row.token_hash.clone(), owner_id: row.mutual_id.into(), expires_on: row.expires_on };
    diesel::insert_into(proof_tokens::table).values(&token).execute(w.conn())?;
    diesel::insert_into(proofs::table).values(row).execute(w.conn()).map(|_| ())
}

/// Adds the persons named on a certificate.
pub fn insert_members(w: &mut Write, rows: &[ProofMember]) -> QueryResult<()> {
    insert_all!(w, proof_members::table, rows)
}

/// Revokes a proof, for the mutual and for everybody.
pub fn insert_revocation(w: &mut Write, row: &Revocation, token_hash: &[u8]) -> QueryResult<()> {
    let token = RevokedToken { token_hash: token_hash.to_vec(), revoked_on: row.revoked_on };
    diesel::insert_into(revoked_tokens::table).values(&token).execute(w.conn())?;
    diesel::insert_into(proof_revocations::table).values(row).execute(w.conn()).map(|_| ())
}

/// A proof.
pub fn find(r: &mut Read, mutual: MutualId, id: ProofId) -> QueryResult<Option<Proof>> {
    proofs::table.find((mutual, id)).select(Proof::as_select()).get_result(r.conn()).optional()
}

/// A person's last proof of a kind.
pub fn find_last(r: &mut Read, mutual: MutualId, member: MemberId, kind: ProofKind) -> QueryResult<Option<Proof>> {
    proofs::table
        .filter(proofs::mutual_id.eq(mutual))
        .filter(proofs::member_id.eq(member))
        .filter(proofs::kind.eq(kind))
        .order(proofs::ordinal.desc())
        .select(Proof::as_select())
        .first(r.conn())
        .optional()
}

/// The revocation of a proof.
pub fn find_revocation(r: &mut Read, mutual: MutualId, proof: ProofId) -> QueryResult<Option<Revocation>> {
    proof_revocations::table
        .filter(proof_revocations::mutual_id.eq(mutual))
        .filter(proof_revocations::proof_id.eq(proof))
        .select(Revocation::as_select())
        .first(r.conn())
        .optional()
}

/// The holder of a proof: a card's person, the principal of a certificate.
pub fn get_holder(r: &mut Read, proof: &Proof) -> QueryResult<Member> {
    members::table.find((proof.mutual_id, proof.member_id)).select(Member::as_select()).get_result(r.conn())
}

/// The number of a proof's household.
pub fn get_household_number(r: &mut Read, proof: &Proof) -> QueryResult<String> {
    households::table.find((proof.mutual_id, proof.household_id)).select(households::number).get_result(r.conn())
}

/// The persons named on a certificate.
pub fn list_members(r: &mut Read, mutual: MutualId, proof: ProofId) -> QueryResult<Vec<(ProofMember, Member)>> {
    proof_members::table
        .inner_join(
            members::table
                .on(members::mutual_id.eq(proof_members::mutual_id).and(members::id.eq(proof_members::member_id))),
        )
        .filter(proof_members::mutual_id.eq(mutual))
        .filter(proof_members::proof_id.eq(proof))
        .order(proof_members::member_id)
        .select((ProofMember::as_select(), Member::as_select()))
        .load(r.conn())
}

/// How many of these persons have cover in force on a day.
pub fn count_in_force(r: &mut Read, mutual: MutualId, of: &[MemberId], on: NaiveDate) -> QueryResult<i64> {
    use crate::enrolments::model::SpanState;
    use diesel::dsl::count;
    cover_spans::table
        .filter(cover_spans::mutual_id.eq(mutual))
        .filter(cover_spans::member_id.eq_any(of.to_vec()))
        .filter(cover_spans::state.eq(SpanState::InForce))
        .filter(cover_spans::from_on.le(on))
        .filter(cover_spans::to_on.is_null().or(cover_spans::to_on.ge(on)))
        .select(count(cover_spans::member_id).aggregate_distinct())
        .first(r.conn())
}

/// The proof of a token, in the mutual to which the token leads.
pub fn find_by_token(r: &mut Read, mutual: MutualId, token_hash: &[u8]) -> QueryResult<Option<Proof>> {
    proofs::table
        .filter(proofs::mutual_id.eq(mutual))
        .filter(proofs::token_hash.eq(token_hash.to_vec()))
        .select(Proof::as_select())
        .first(r.conn())
        .optional()
}

/// The mutual to which a token leads. Outside the walls.
pub fn find_owner(r: &mut Read, token_hash: &[u8]) -> QueryResult<Option<OrganisationId>> {
    proof_tokens::table.find(token_hash.to_vec()).select(proof_tokens::owner_id).first(r.conn()).optional()
}

/// The tokens that were revoked and had not expired before a day, of one mutual or of all, by hash. Outside the walls.
pub fn list_revoked(
    r: &mut Read,
    owner: Option<OrganisationId>,
    expire_from: NaiveDate,
) -> QueryResult<Vec<RevokedToken>> {
    let mut query = revoked_tokens::table
        .inner_join(proof_tokens::table.on(proof_tokens::token_hash.eq(revoked_tokens::token_hash)))
        .filter(proof_tokens::expires_on.ge(expire_from))
        .order(revoked_tokens::token_hash)
        .select(RevokedToken::as_select())
        .into_boxed();
    if let Some(owner) = owner {
        query = query.filter(proof_tokens::owner_id.eq(owner));
    }
    query.load(r.conn())
}
