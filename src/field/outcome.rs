//! On whose behalf operations are carried out, and what they come to.
use super::model::Device;
use super::operations::{Refusal, Sent};
use super::rules::Status;
use crate::access::picture::Picture;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Hooks;
use crate::audit::model::Asker;
use crate::db::DbError;
use crate::error::Error;
use crate::ids::*;
use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// When a push was heard of, by which its dates are judged: what was held or carried is judged as of then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Now,
    /// It was held since.
    At(NaiveDateTime),
    /// It came as a file, whenever: only a clock that is ahead is wrong for certain.
    Carried,
}

/// On whose behalf a push is carried out.
#[derive(Clone, Copy)]
pub struct Pushing<'a> {
    pub hooks: &'a Hooks,
    pub picture: &'a Picture,
    /// The agent's own reach, or the officer's who decides on a proposal.
    pub scope: &'a MutualScope,
    pub device: &'a Device,
    pub asker: Asker,
    pub heard: Heard,
}

/// What an operation came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationResult {
    /// Null where the operation had none that could be read.
    pub op_id: Option<Uuid>,
    pub status: Status,
    /// The entity's version: of what was applied or merged, and now, of a conflict of fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Why it came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The fields at fault, or that clash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Of a conflict of fields: what the server has in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub server_values: Option<Map<String, Value>>,
    /// `member/…`: a person of the device's sections who may be the same as one that was just registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possible_duplicate_of: Option<String>,
}

/// A result of which nothing more is to be told.
pub(super) fn plain(op: &Sent, status: Status) -> OperationResult {
    OperationResult {
        op_id: op.id.map(Key::uuid),
        status,
        version: None,
        code: None,
        detail: None,
        fields: Vec::new(),
        server_values: None,
        possible_duplicate_of: None,
    }
}

/// Why an operation was not carried out.
pub(super) enum Stop {
    Blocked,
    Refused(Status, Box<Refusal>, Option<Clashed>),
}

/// What the device is told of a conflict of fields: the version, and what the server has.
pub(super) struct Clashed {
    pub version: i64,
    pub values: Map<String, Value>,
}

/// What ends a savepoint: an operation that is told why, or the whole push.
pub(super) enum Failed {
    /// Which of the group, and why.
    Stop(usize, Stop),
    Error(Error),
}

impl crate::db::Outcome for Failed {
    fn database(&self) -> Option<&diesel::result::Error> {
        match self {
            Failed::Error(error) => crate::db::Outcome::database(error),
            Failed::Stop(..) => None,
        }
    }
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Failed::Error(error.into())
    }
}

impl From<diesel::result::Error> for Failed {
    fn from(error: diesel::result::Error) -> Self {
        Failed::Error(error.into())
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed::Error(error)
    }
}

/// A fault that trying again would only repeat; a database that is busy or gone is none.
pub(super) fn is_own_fault(error: &Error) -> bool {
    use diesel::result::DatabaseErrorKind as Kind;
    match error {
        Error::Fault(_) => true,
        Error::Db(DbError::Failed(diesel::result::Error::DatabaseError(kind, _))) => matches!(
            kind,
            Kind::UniqueViolation | Kind::ForeignKeyViolation | Kind::NotNullViolation | Kind::CheckViolation
        ),
        _ => false,
    }
}
