//! Keeps the rows of reads of persons and care. A read's answer waits until its row is committed; whatever has queued
//! meanwhile goes into one commit, so that a hundred readers cost one. A commit that fails withholds the answers.
use super::frame::audit_row;
use super::model::*;
use super::store;
use crate::db::effects::Effects;
use crate::db::{Db, Wall};
use crate::error::{Error, Result};
use crate::ids::*;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Rows of one commit at most.
const BATCH: usize = 500;

struct Entry {
    row: AuditRow,
    values: AuditValue,
    done: oneshot::Sender<bool>,
}

/// The way to the recorder. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    queue: Sender<Entry>,
    db: Db,
}

impl Recorder {
    /// Starts the recorder's thread; it ends when the last handle is dropped.
    ///
    /// # Errors
    /// The operating system's, where it gives no thread.
    pub fn start(db: Db) -> std::io::Result<Self> {
        let (queue, entries) = channel();
        let worker = db.clone();
        std::thread::Builder::new().name("audit".into()).spawn(move || work(&worker, &entries))?;
        Ok(Recorder { queue, db })
    }

    /// Keeps one read. Returns the row's id when it is committed.
    ///
    /// # Errors
    /// A busy database: the answer must be withheld.
    pub async fn read(&self, asker: Asker, mutual: MutualId, route: &str, effects: &Effects) -> Result<AuditId> {
        let mut salt = [0u8; 16];
        self.db.ids().fill(&mut salt);
        let id = self.db.ids().next();
        let (row, values) =
            audit_row(id, self.db.clock().now(), salt, asker, AuditKind::Read, mutual, route, None, effects);
        let (done, committed) = oneshot::channel();
        let gone = || Error::Db(crate::db::DbError::Busy);
        self.queue.send(Entry { row, values, done }).map_err(|_| gone())?;
        match committed.await {
            Ok(true) => Ok(id),
            _ => Err(gone()),
        }
    }
}

fn work(db: &Db, entries: &Receiver<Entry>) {
    while let Ok(first) = entries.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH {
            match entries.try_recv() {
                Ok(entry) => batch.push(entry),
                Err(_) => break,
            }
        }
        let rows: Vec<AuditRow> = batch.iter().map(|entry| entry.row.clone()).collect();
        let values: Vec<AuditValue> = batch.iter().map(|entry| entry.values.clone()).collect();
        let kept = db.write(Wall::ROOT, |w| store::insert_audit(w, &rows, &values).map_err(Error::from));
        if let Err(error) = &kept {
            tracing::error!(%error, rows = rows.len(), "reads could not be audited; their answers are withheld");
        }
        for entry in batch {
            // Who asked may have gone; then nobody waits for the answer.
            if entry.done.send(kept.is_ok()).is_err() {
                tracing::debug!("the reader went away before its row was kept");
            }
        }
    }
}
