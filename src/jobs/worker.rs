//! The worker: a thread of the server that does jobs, a short transaction at a time, each mutual in turn. It is nudged when
//! something was enqueued in this process, and looks round at the start and every so often for what nobody is at: jobs of
//! another process, or of one that was killed.
use super::model::{Job, JobState};
use super::store;
use crate::access::picture::{Picture, Pictures};
use crate::access::scopes::{MutualScope, SystemScope};
use crate::audit::frame::Hooks;
use crate::db::{Db, Outcome, Wall, Write, is_passing};
use crate::error::{Error, Result};
use crate::ids::*;
use chrono::Duration as Span;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a lease holds that nobody extends; each transaction extends it.
pub const LEASE_SECONDS: i64 = 30;
/// How often a worker looks round by itself.
const LOOK: Duration = Duration::from_secs(15);
/// How long one transaction may go on taking more work.
const SHORT: Duration = Duration::from_millis(80);
/// After so many failures on end a job is given up.
const MOST_FAILURES: i32 = 5;
/// How long the worker waits after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// What a step of a job is done with.
pub struct Task<'a> {
    /// The job, its lease held by this transaction.
    pub job: &'a Job,
    /// The whole mutual.
    pub scope: &'a MutualScope,
    /// Organisations and their links.
    pub picture: &'a Picture,
    /// What follows from commands.
    pub hooks: &'a Hooks,
    /// When the transaction began.
    pub began: Instant,
    /// When to take no more work into it.
    pub until: Instant,
}

/// How far a step has brought a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// So much is done in all, and there is more.
    Done(i64),
    /// Nothing is left; what came of it, as a JSON text.
    Finished(String),
}

/// Does a short part of a job in the transaction given. Done twice, it changes nothing more: what it has done is found by
/// the next step in the rows.
pub type StepOf = fn(&mut Write, &Task) -> Result<Progress>;

/// What is done for a mutual where no job waits: a short part of it, true where there may be more.
pub type KeepUp = fn(&Db, &MutualScope) -> Result<bool>;

/// The way to the worker. Cheap to clone.
#[derive(Clone)]
pub struct Worker {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    pictures: Pictures,
    hooks: Hooks,
    step: StepOf,
    keep_up: KeepUp,
    me: WorkerId,
    calls: Mutex<Calls>,
    called: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Calls {
    mutuals: VecDeque<MutualId>,
    stopped: bool,
}

impl Worker {
    /// A worker without a thread: it works where somebody has it work.
    pub fn new(db: Db, pictures: Pictures, hooks: Hooks, step: StepOf, keep_up: KeepUp) -> Worker {
        // Never from a seed: a simulation makes the same rows whoever serves them.
        let me = Ids::random(db.clock().clone()).next();
        let (calls, called, thread) = (Mutex::default(), Condvar::new(), Mutex::default());
        Worker { inner: Arc::new(Inner { db, pictures, hooks, step, keep_up, me, calls, called, thread }) }
    }

    /// Starts the thread, which works until [`Worker::stop`].
    ///
    /// # Errors
    /// The operating system's, where it gives no thread.
    pub fn start(&self) -> std::io::Result<()> {
        let me = self.clone();
        let thread = std::thread::Builder::new().name("jobs".into()).spawn(move || me.run())?;
        *self.inner.thread.lock() = Some(thread);
        Ok(())
    }

    /// Says that a mutual has a new job: after the commit that enqueued it.
    pub fn nudge(&self, mutual: MutualId) {
        let mut calls = self.inner.calls.lock();
        if !calls.mutuals.contains(&mutual) {
            calls.mutuals.push_back(mutual);
        }
        self.inner.called.notify_one();
    }

    /// Has the thread end after the transaction at hand, and waits for it. What it was at is free for the next one.
    pub fn stop(&self) {
        self.inner.calls.lock().stopped = true;
        self.inner.called.notify_all();
        let thread = self.inner.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the worker of jobs had panicked");
        }
    }

    /// Works until nothing is left that this worker may do; gives how many transactions it took. For tests and for the
    /// terminal, which have no thread.
    ///
    /// # Errors
    /// The first of a step.
    pub fn work_all(&self) -> Result<usize> {
        let mut turns = 0;
        for mutual in self.inner.pictures.current()?.mutuals() {
            while self.turn(Key::new(mutual.uuid()))? {
                turns += 1;
            }
        }
        Ok(turns)
    }

    /// One short transaction for a mutual; false where there was nothing to do.
    ///
    /// # Errors
    /// The step's; then nothing of it was done.
    pub fn turn(&self, mutual: MutualId) -> Result<bool> {
        let inner = &*self.inner;
        let (wall, me) = (Wall::mutual(mutual), inner.me);
        let found = inner.db.read(wall, |r| {
            let now = r.now();
            store::find_runnable(r, mutual, me, now).map_err(Error::from)
        })?;
        let Some(job) = found else { return Ok(false) };
        let picture = inner.pictures.current()?;
        let scope = SystemScope::of_the_terminal().mutual(&picture, inner.db.clock(), mutual.into())?;
        let done = catch_unwind(AssertUnwindSafe(|| inner.db.write(wall, |w| self.step(w, &job, &scope, &picture))))
            .unwrap_or_else(|_| Err(Error::Fault("a step of a job panicked".into())));
        match done {
            Ok(()) => Ok(true),
            Err(error) if comes_again(&error) => Err(error),
            Err(error) => {
                self.failed(&job, &error)?;
                Err(error)
            }
        }
    }

    /// A step with the lease and the progress that belong to it, in one transaction.
    fn step(&self, w: &mut Write, job: &Job, scope: &MutualScope, picture: &Picture) -> Result<()> {
        let inner = &*self.inner;
        let until = w.now() + Span::seconds(LEASE_SECONDS);
        if !store::take(w, job, inner.me, until)? {
            return Ok(());
        }
        // What was read to find it may be old by now.
        let Some(job) = store::find(w, scope.mutual(), job.id)? else { return Ok(()) };
        let began = Instant::now();
        let task = Task { job: &job, scope, picture, hooks: &inner.hooks, began, until: began + SHORT };
        match (inner.step)(w, &task)? {
            Progress::Done(done) => store::set_done(w, &job, done)?,
            Progress::Finished(result) => {
                store::end(w, &job, JobState::Done, Some(job.total), Some(&result))?;
            }
        }
        Ok(())
    }

    /// A failure that trying again does not mend by itself: after some of them the job is given up.
    fn failed(&self, job: &Job, error: &Error) -> Result<()> {
        let inner = &*self.inner;
        tracing::error!(%error, job = %job.id, kind = %job.kind, "a step of a job failed");
        inner.db.write(Wall::mutual(job.mutual_id), |w| {
            let until = w.now() + Span::seconds(LEASE_SECONDS);
            if !store::take(w, job, inner.me, until)? {
                return Ok(());
            }
            let Some(job) = store::find(w, job.mutual_id, job.id)? else { return Ok(()) };
            if job.failures + 1 >= MOST_FAILURES {
                let why = serde_json::json!({"code": crate::error::Code::Internal.as_str()}).to_string();
                store::end(w, &job, JobState::Failed, None, Some(&why))?;
            } else {
                store::set_failures(w, &job, job.failures + 1)?;
            }
            Ok::<_, Error>(())
        })
    }

    fn run(&self) {
        let mut busy: VecDeque<MutualId> = VecDeque::new();
        let mut looked: Option<Instant> = None;
        loop {
            {
                let mut calls = self.inner.calls.lock();
                if busy.is_empty() && calls.mutuals.is_empty() && !calls.stopped && looked.is_some() {
                    self.inner.called.wait_for(&mut calls, LOOK);
                }
                if calls.stopped {
                    break;
                }
                let called = std::mem::take(&mut calls.mutuals);
                busy.extend(called);
            }
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                if let Ok(picture) = self.inner.pictures.current() {
                    busy.extend(picture.mutuals().into_iter().map(|mutual| MutualId::new(mutual.uuid())));
                }
            }
            // Each mutual in turn: a large invoice of one keeps no other waiting.
            let Some(mutual) = busy.pop_front() else { continue };
            busy.retain(|other| *other != mutual);
            match self.turn(mutual) {
                Ok(true) => busy.push_back(mutual),
                Ok(false) => match self.keep_up(mutual) {
                    Ok(true) => busy.push_back(mutual),
                    Ok(false) => {}
                    // What is put off is done at the next look.
                    Err(error) => tracing::warn!(%error, %mutual, "figures are not kept up"),
                },
                Err(error) => {
                    tracing::warn!(%error, %mutual, "a step of a job is tried again");
                    busy.push_back(mutual);
                    std::thread::sleep(PAUSE);
                }
            }
        }
        self.release();
    }

    /// Does a short part of what is done where no job waits.
    fn keep_up(&self, mutual: MutualId) -> Result<bool> {
        let inner = &*self.inner;
        let picture = inner.pictures.current()?;
        let scope = SystemScope::of_the_terminal().mutual(&picture, inner.db.clock(), mutual.into())?;
        catch_unwind(AssertUnwindSafe(|| (inner.keep_up)(&inner.db, &scope)))
            .unwrap_or_else(|_| Err(Error::Fault("keeping figures up panicked".into())))
    }

    /// Frees what this worker was at, so that the next server goes on at once.
    fn release(&self) {
        let inner = &*self.inner;
        let Ok(picture) = inner.pictures.current() else { return };
        for mutual in picture.mutuals().into_iter().map(|mutual| MutualId::new(mutual.uuid())) {
            let mine = |r: &mut crate::db::Read| {
                let now = r.now();
                store::find_runnable(r, mutual, inner.me, now).map_err(Error::from)
            };
            let found = inner.db.read(Wall::mutual(mutual), mine);
            if !matches!(found, Ok(Some(job)) if job.lease_by == Some(inner.me)) {
                continue;
            }
            if let Err(error) =
                inner.db.write(Wall::mutual(mutual), |w| Ok::<_, Error>(store::release(w, mutual, inner.me)?))
            {
                tracing::warn!(%error, "a lease stays until it runs out");
            }
        }
    }
}

/// True where the database only did not get to it.
fn comes_again(error: &Error) -> bool {
    match error {
        Error::Again => true,
        Error::Db(crate::db::DbError::Busy) => true,
        error => error.database().is_some_and(is_passing),
    }
}
