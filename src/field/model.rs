//! Rows of the field.
use super::rules::Status;
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// Where a device stands.
    pub enum DeviceState {
        /// It has a code and no key yet.
        Pending = "PENDING",
        Active = "ACTIVE",
        /// What it sends is held, and it is told to wipe itself.
        Lost = "LOST",
        /// Nothing of it is taken any more.
        Revoked = "REVOKED",
    }
}

/// An agent's device.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = devices, treat_none_as_default_value = false)]
pub struct Device {
    pub mutual_id: MutualId,
    pub id: DeviceId,
    /// Names its series of receipts.
    pub code: String,
    pub name: String,
    pub agent_id: UserId,
    pub state: DeviceState,
    /// SHA-256 of the one-time code; none once it was used.
    pub code_hash: Option<Vec<u8>>,
    pub code_expires_at: Option<NaiveDateTime>,
    /// Ed25519, 32 bytes.
    pub public_key: Option<Vec<u8>>,
    pub created_by: Option<UserId>,
    pub created_at: NaiveDateTime,
    pub activated_at: Option<NaiveDateTime>,
    pub last_seen_at: Option<NaiveDateTime>,
    pub version: i64,
}

/// Card numbers given to a device, by their serials.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = number_blocks, treat_none_as_default_value = false)]
pub struct NumberBlock {
    pub mutual_id: MutualId,
    pub id: NumberBlockId,
    pub device_id: DeviceId,
    pub prefix: String,
    pub first_serial: i64,
    pub last_serial: i64,
    pub issued_on: NaiveDate,
    /// Its last day; from then on what was not used may be given to another.
    pub expires_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
}

/// What an operation came to, so that the same answer can be given again.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = sync_results, treat_none_as_default_value = false)]
pub struct StoredResult {
    pub mutual_id: MutualId,
    pub id: OperationId,
    pub device_id: DeviceId,
    /// SHA-256 of the operation without its id.
    pub hash: Vec<u8>,
    /// JSON of `outcome::OperationResult`.
    pub result: String,
    pub recorded_at: NaiveDateTime,
}

words! {
    /// Where a proposal stands.
    pub enum ProposalState {
        Open = "OPEN",
        Accepted = "ACCEPTED",
        Discarded = "DISCARDED",
    }
}

/// An operation that came to nothing, kept so that nothing that was typed is lost.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = sync_proposals, treat_none_as_default_value = false)]
pub struct Proposal {
    pub mutual_id: MutualId,
    pub id: OperationId,
    pub device_id: DeviceId,
    pub agent_id: UserId,
    /// `create`, `update`…, as it was sent.
    pub operation: String,
    /// `household/…`, as it was sent.
    pub entity: String,
    pub section_id: Option<OrganisationId>,
    /// The operation as JSON.
    pub content: String,
    pub status: Status,
    pub code: String,
    /// JSON list of names.
    pub fields: String,
    pub detail: Option<String>,
    pub received_at: NaiveDateTime,
    pub state: ProposalState,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<NaiveDateTime>,
    pub note: Option<String>,
    pub version: i64,
}

words! {
    /// Where what a lost device sent stands.
    pub enum HeldState {
        Held = "HELD",
        Applied = "APPLIED",
        Discarded = "DISCARDED",
    }
}

/// What a lost device sent.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = held_pushes, treat_none_as_default_value = false)]
pub struct HeldPush {
    pub mutual_id: MutualId,
    pub id: HeldPushId,
    pub device_id: DeviceId,
    pub body: String,
    /// The device's own clock, as it signed.
    pub signed_at: String,
    pub received_at: NaiveDateTime,
    pub state: HeldState,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<NaiveDateTime>,
    pub note: Option<String>,
    pub version: i64,
    /// SHA-256 of its operations, whatever they came in; none of what was held before it was kept.
    pub content_hash: Option<Vec<u8>>,
}

/// The head of a mutual's feed.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = feed_heads, treat_none_as_default_value = false)]
pub struct FeedHead {
    pub mutual_id: MutualId,
    pub id: MutualId,
    /// Another in every copy of the database.
    pub epoch: EpochId,
    pub last_number: i64,
    /// Changes up to this number were forgotten.
    pub forgotten_to: i64,
}

/// A change with its number.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = changes, treat_none_as_default_value = false)]
pub struct Change {
    pub mutual_id: MutualId,
    pub number: i64,
    pub entity_kind: String,
    pub entity_id: EntityId,
    pub section_before: Option<OrganisationId>,
    pub section_after: Option<OrganisationId>,
    pub recorded_at: NaiveDateTime,
}
