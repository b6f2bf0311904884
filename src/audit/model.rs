//! Rows of the audit and of the command frame.
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use uuid::Uuid;

words! {
    /// Why somebody reads or writes; each route has a default, each role a set.
    pub enum Purpose {
        /// Keeping the register.
        Enrolment = "ENROLMENT",
        /// Keeping the money.
        Collection = "COLLECTION",
        /// Deciding and paying care.
        Claim = "CLAIM",
        /// Medical review of a claim.
        MedicalReview = "MEDICAL_REVIEW",
        /// Helping a user, running the installation.
        Support = "SUPPORT",
        /// Control.
        Audit = "AUDIT",
    }
}

words! {
    /// Whether an audit row is of a write or of a read.
    pub enum AuditKind {
        /// Something changed.
        Write = "write",
        /// Somebody looked.
        Read = "read",
    }
}

/// A command as stored.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = commands, treat_none_as_default_value = false)]
pub struct CommandRow {
    pub mutual_id: MutualId,
    pub id: CommandId,
    pub route: String,
    pub actor_id: Option<UserId>,
    pub request_hash: Vec<u8>,
    pub recorded_at: NaiveDateTime,
}

/// A row of the audit. `entities` is a JSON list of `[kind, id]`, `fields` of names; values lie apart, since erasure may
/// blank them, and `digest` is SHA-256 of `salt` and the values.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_rows, treat_none_as_default_value = false)]
pub struct AuditRow {
    pub mutual_id: MutualId,
    pub id: AuditId,
    pub recorded_at: NaiveDateTime,
    pub actor_id: Option<UserId>,
    pub kind: AuditKind,
    pub route: String,
    pub purpose: Purpose,
    pub request_id: AuditId,
    pub command_id: Option<CommandId>,
    pub entities: String,
    pub fields: String,
    pub salt: Vec<u8>,
    pub digest: Vec<u8>,
}

/// The values of an audit row, as a JSON text.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_values, treat_none_as_default_value = false)]
pub struct AuditValue {
    pub mutual_id: MutualId,
    pub id: AuditId,
    pub content: Option<String>,
}

/// A mark: the facts of this month may no longer equal the rows.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = fact_marks, treat_none_as_default_value = false)]
pub struct MarkRow {
    pub mutual_id: MutualId,
    pub id: MarkId,
    pub month: NaiveDate,
    pub command_id: CommandId,
}

/// A change that devices must hear of, not yet numbered.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = changes_pending, treat_none_as_default_value = false)]
pub struct ChangeRow {
    pub mutual_id: MutualId,
    pub id: ChangeId,
    pub entity_kind: String,
    pub entity_id: CommandId,
    pub section_before: Option<OrganisationId>,
    pub section_after: Option<OrganisationId>,
    pub recorded_at: NaiveDateTime,
}

/// Who asks, as every audit row says it.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// The user; none for the program itself (an import at the terminal, a simulation).
    pub user: Option<UserId>,
    /// For what.
    pub purpose: Purpose,
    /// The request's id.
    pub request: Uuid,
}
