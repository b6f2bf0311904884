//! Rows of proofs of affiliation: cards of persons, certificates of households, and their revocations.
use crate::db::schema::*;
use crate::households::model::Relationship;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// What proves the affiliation.
    pub enum ProofKind {
        /// A person's card, shown to the provider.
        Card = "card",
        /// A household's certificate of affiliation, towards third parties.
        Certificate = "certificate",
    }
}

words! {
    /// Why a proof counts no more.
    pub enum RevocationReason {
        Lost = "LOST",
        Stolen = "STOLEN",
        /// Another was issued.
        Replaced = "REPLACED",
        /// The person or household left the mutual.
        Left = "LEFT",
        Deceased = "DECEASED",
        /// It says something wrong.
        Error = "ERROR",
    }
}

/// A proof, as it was issued. `member_id` is the holder of a card, the principal of a certificate's household.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = proofs, treat_none_as_default_value = false)]
pub struct Proof {
    pub mutual_id: MutualId,
    pub id: ProofId,
    pub kind: ProofKind,
    pub household_id: HouseholdId,
    pub member_id: MemberId,
    /// Which of its kind for this person, from 1.
    pub ordinal: i32,
    /// SHA-256 of its token.
    pub token_hash: Vec<u8>,
    /// The key that signs its QR code.
    pub kid: String,
    pub issued_on: NaiveDate,
    /// The last day on which it counts.
    pub expires_on: NaiveDate,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// A person named on a certificate.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = proof_members, treat_none_as_default_value = false)]
pub struct ProofMember {
    pub mutual_id: MutualId,
    pub id: ProofMemberId,
    pub proof_id: ProofId,
    pub member_id: MemberId,
    /// On the day of issue.
    pub relationship: Relationship,
}

/// That a proof counts no more.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = proof_revocations, treat_none_as_default_value = false)]
pub struct Revocation {
    pub mutual_id: MutualId,
    pub id: RevocationId,
    pub proof_id: ProofId,
    pub reason: RevocationReason,
    pub revoked_on: NaiveDate,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// To which mutual a token leads: outside the walls.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = proof_tokens, treat_none_as_default_value = false)]
pub struct ProofToken {
    pub token_hash: Vec<u8>,
    pub owner_id: OrganisationId,
    pub expires_on: NaiveDate,
}

/// A token that counts no more: outside the walls.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = revoked_tokens, treat_none_as_default_value = false)]
pub struct RevokedToken {
    pub token_hash: Vec<u8>,
    pub revoked_on: NaiveDate,
}
