//! Jobs in the database.
use super::model::*;
use crate::db::schema::jobs;
use crate::db::{Read, Write};
use crate::ids::*;
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Adds a job.
pub fn insert(w: &mut Write, row: &Job) -> QueryResult<()> {
    diesel::insert_into(jobs::table).values(row).execute(w.conn()).map(|_| ())
}

/// A job.
pub fn find(r: &mut Read, mutual: MutualId, id: JobId) -> QueryResult<Option<Job>> {
    jobs::table.find((mutual, id)).select(Job::as_select()).get_result(r.conn()).optional()
}

/// The jobs of these ids.
pub fn list(r: &mut Read, mutual: MutualId, ids: &[JobId]) -> QueryResult<Vec<Job>> {
    jobs::table
        .filter(jobs::mutual_id.eq(mutual))
        .filter(jobs::id.eq_any(ids.to_vec()))
        .select(Job::as_select())
        .load(r.conn())
}

/// The first job that a worker may do now: nobody is at it, he himself is, or whose lease has run out.
pub fn find_runnable(r: &mut Read, mutual: MutualId, worker: WorkerId, now: NaiveDateTime) -> QueryResult<Option<Job>> {
    jobs::table
        .filter(jobs::mutual_id.eq(mutual))
        .filter(jobs::state.eq_any(vec![JobState::Queued, JobState::Running]))
        .filter(
            jobs::state.eq(JobState::Queued).or(jobs::lease_by.eq(Some(worker))).or(jobs::lease_until.lt(Some(now))),
        )
        .order(jobs::id)
        .select(Job::as_select())
        .first(r.conn())
        .optional()
}

/// Takes the lease of a job, or has it for longer; false where somebody else has it, or it has ended meanwhile. The row
/// stays locked to the end of the transaction.
pub fn take(w: &mut Write, job: &Job, worker: WorkerId, until: NaiveDateTime) -> QueryResult<bool> {
    let now = w.now();
    diesel::update(
        jobs::table
            .filter(jobs::mutual_id.eq(job.mutual_id))
            .filter(jobs::id.eq(job.id))
            .filter(jobs::state.eq_any(vec![JobState::Queued, JobState::Running]))
            .filter(
                jobs::state
                    .eq(JobState::Queued)
                    .or(jobs::lease_by.eq(Some(worker)))
                    .or(jobs::lease_until.lt(Some(now))),
            ),
    )
    .set((jobs::state.eq(JobState::Running), jobs::lease_by.eq(Some(worker)), jobs::lease_until.eq(Some(until))))
    .execute(w.conn())
    .map(|taken| taken == 1)
}

/// Writes how far a job is, whose lease this transaction holds.
pub fn set_done(w: &mut Write, job: &Job, done: i64) -> QueryResult<()> {
    diesel::update(jobs::table.find((job.mutual_id, job.id)))
        .set((jobs::done.eq(done.min(job.total)), jobs::failures.eq(0)))
        .execute(w.conn())
        .map(|_| ())
}

/// Counts a failure of a job whose lease this transaction holds.
pub fn set_failures(w: &mut Write, job: &Job, failures: i32) -> QueryResult<()> {
    diesel::update(jobs::table.find((job.mutual_id, job.id)))
        .set(jobs::failures.eq(failures))
        .execute(w.conn())
        .map(|_| ())
}

/// Ends a job that is alive, saying how far it came where that is known; false where it had ended.
pub fn end(w: &mut Write, job: &Job, state: JobState, done: Option<i64>, result: Option<&str>) -> QueryResult<bool> {
    let now = w.now();
    diesel::update(
        jobs::table
            .filter(jobs::mutual_id.eq(job.mutual_id))
            .filter(jobs::id.eq(job.id))
            .filter(jobs::state.eq_any(vec![JobState::Queued, JobState::Running])),
    )
    .set((
        jobs::state.eq(state),
        done.map(|done| jobs::done.eq(done)),
        jobs::lease_by.eq(None::<WorkerId>),
        jobs::lease_until.eq(None::<NaiveDateTime>),
        jobs::result.eq(result),
        jobs::ended_at.eq(Some(now)),
    ))
    .execute(w.conn())
    .map(|ended| ended == 1)
}

/// Puts what a worker leaves behind back into the queue.
pub fn release(w: &mut Write, mutual: MutualId, worker: WorkerId) -> QueryResult<usize> {
    diesel::update(
        jobs::table
            .filter(jobs::mutual_id.eq(mutual))
            .filter(jobs::state.eq(JobState::Running))
            .filter(jobs::lease_by.eq(Some(worker))),
    )
    .set((
        jobs::state.eq(JobState::Queued),
        jobs::lease_by.eq(None::<WorkerId>),
        jobs::lease_until.eq(None::<NaiveDateTime>),
    ))
    .execute(w.conn())
}
