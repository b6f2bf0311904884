//! Long work: what takes more than a request is answered with 202 and done by a worker of the server, a short transaction
//! at a time. A row says how far it is, and its lease who is at it until when: a worker that is killed in the middle has
//! done whole transactions or nothing, and another goes on when the lease has run out. No command waits for a job.
pub mod http;
pub mod model;
pub mod store;
pub mod worker;

use crate::audit::frame::Order;
use crate::db::Write;
use crate::error::Result;
use crate::ids::*;
use model::{Job, JobKind, JobState};

/// Puts a job into the queue, in the transaction of the command that asks for it; nudge the worker after its commit.
///
/// # Errors
/// The database's.
pub fn enqueue(
    w: &mut Write,
    mutual: MutualId,
    order: &Order,
    kind: JobKind,
    subject: SubjectId,
    total: i64,
) -> Result<JobId> {
    let job = Job {
        mutual_id: mutual,
        id: w.new_id(),
        kind,
        subject_id: subject,
        state: JobState::Queued,
        done: 0,
        total,
        failures: 0,
        lease_by: None,
        lease_until: None,
        result: None,
        asked_by: order.asker.user,
        queued_at: w.now(),
        ended_at: None,
    };
    store::insert(w, &job)?;
    w.names("job", job.id.uuid());
    Ok(job.id)
}
