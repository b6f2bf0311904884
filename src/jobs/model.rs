//! Rows of jobs.
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::NaiveDateTime;
use diesel::prelude::*;

words! {
    /// What is done.
    pub enum JobKind {
        /// The claims of a facility's invoice are submitted.
        Invoice = "invoice",
    }
}

words! {
    /// Where a job stands.
    pub enum JobState {
        /// Nobody is at it yet.
        Queued = "QUEUED",
        /// A worker has the lease.
        Running = "RUNNING",
        /// All of it is done.
        Done = "DONE",
        /// Given up after several failures; what was done stays.
        Failed = "FAILED",
        /// Somebody stopped it; what was done stays.
        Cancelled = "CANCELLED",
    }
}

impl JobState {
    /// True while a worker is at it, or will be.
    pub const fn is_alive(self) -> bool {
        matches!(self, JobState::Queued | JobState::Running)
    }
}

/// Long work of a mutual.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = jobs, treat_none_as_default_value = false)]
pub struct Job {
    pub mutual_id: MutualId,
    pub id: JobId,
    pub kind: JobKind,
    /// The row on which it works: an invoice.
    pub subject_id: SubjectId,
    pub state: JobState,
    pub done: i64,
    pub total: i64,
    /// Failures since something was last done.
    pub failures: i32,
    pub lease_by: Option<WorkerId>,
    pub lease_until: Option<NaiveDateTime>,
    /// What came of it, as a JSON text.
    pub result: Option<String>,
    pub asked_by: Option<UserId>,
    pub queued_at: NaiveDateTime,
    pub ended_at: Option<NaiveDateTime>,
}
