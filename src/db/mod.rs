//! Both engines behind one door. A URL chooses SQLite or PostgreSQL; [`Db::read`] gives one snapshot, [`Db::write`] one
//! transaction; store functions take [`Read`] or [`Write`] and never see a pool. All engine-specific behaviour lives here.
pub mod backup;
mod conn;
pub mod connect;
pub mod effects;
pub mod kept;
pub mod migrate;
pub mod schema;
pub mod split;
mod two;
pub mod types;
pub mod url;

use crate::clock::Clock;
use crate::ids::{Ids, Key, MutualId, OrganisationId};
use crate::on_each;
use chrono::NaiveDateTime;
pub use conn::{Conn, MultiBackend};
use connect::Manager;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::Pool;
use diesel::result::{DatabaseErrorKind, Error as Failure};
use parking_lot::FairMutex;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;
use url::DatabaseUrl;

/// How long a request may wait for a connection or for the single writer before it is told that the server is busy.
pub const WAIT: Duration = Duration::from_secs(2);
/// How often a transaction is tried that the database asked to try again.
const ATTEMPTS: u32 = 5;

/// How a snapshot begins on PostgreSQL.
const READ_ON_POSTGRES: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Which engine is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, one file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Why a database could not be opened, in a sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is not understood or not allowed.
    #[error("{0}")]
    Url(String),
    /// The server does not answer or refuses.
    #[error("cannot reach the database {url}: {why}")]
    Unreachable {
        /// The URL without its password.
        url: String,
        /// What the engine said.
        why: String,
    },
    /// The file cannot be opened or is no database.
    #[error("cannot open the database file {path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What the engine said.
        why: String,
    },
    /// The file or the server takes no writes.
    #[error("the database {0} is read-only; ayni needs to write to it")]
    ReadOnly(String),
    /// Made by a later version of the program.
    #[error(
        "the database was made by a newer ayni (it has migration {0}, unknown here); install that version or a later one"
    )]
    Newer(String),
    /// The schema is older and was not to be migrated now.
    #[error("the database lacks migration {0}; run `ayni migrate`")]
    Older(String),
    /// A migration failed.
    #[error("migration failed: {0}")]
    Migration(String),
}

/// Why a transaction did not happen, where it was not the caller's own refusal.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No connection, or not the writer's turn, within [`WAIT`].
    #[error("the database is busy")]
    Busy,
    /// The database said no.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What a transaction's own error must tell the frame: the database's part in it, so that it can be tried again.
pub trait Outcome: From<DbError> {
    /// The database's error within, if it is one.
    fn database(&self) -> Option<&Failure>;
    /// True where the work must start anew because what it had read to find its lock changed.
    fn wants_again(&self) -> bool {
        false
    }
}

impl Outcome for DbError {
    fn database(&self) -> Option<&Failure> {
        match self {
            DbError::Failed(failure) => Some(failure),
            DbError::Busy => None,
        }
    }
}

/// Whose rows a transaction may see on PostgreSQL: one mutual's, or those that belong to none (ROOT's).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall(MutualId);

impl Wall {
    /// Rows of no mutual: commands, audit and jobs of the installation.
    pub const ROOT: Wall = Wall(Key::NIL);

    /// Rows of one mutual.
    pub const fn mutual(mutual: MutualId) -> Self {
        Wall(mutual)
    }

    /// The id that the rows carry.
    pub const fn id(self) -> MutualId {
        self.0
    }
}

impl From<OrganisationId> for Wall {
    fn from(organisation: OrganisationId) -> Self {
        Wall(Key::new(organisation.uuid()))
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    url: DatabaseUrl,
    readers: Pool<Manager>,
    writers: Pool<Manager>,
    /// SQLite has one writer; those who wait come in turn.
    turn: FairMutex<()>,
    clock: Clock,
    ids: Ids,
}

/// One snapshot. Store functions that read take `&mut Read`.
pub struct Read<'c> {
    conn: &'c mut Conn,
    now: NaiveDateTime,
    wall: Wall,
}

impl Read<'_> {
    /// The connection, for store functions alone.
    pub fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// The instant of this transaction: every row that it writes carries the same.
    pub fn now(&self) -> NaiveDateTime {
        self.now
    }

    /// Whose rows are seen.
    pub fn wall(&self) -> Wall {
        self.wall
    }
}

/// One transaction that writes. Store functions that write take `&mut Write`.
pub struct Write<'c> {
    read: Read<'c>,
    ids: Ids,
    is_repeated: bool,
    /// What the transaction has done so far that has consequences at its end; the command frame reads it.
    pub effects: effects::Effects,
}

impl<'c> Deref for Write<'c> {
    type Target = Read<'c>;
    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}
impl<'c> DerefMut for Write<'c> {
    fn deref_mut(&mut self) -> &mut Read<'c> {
        &mut self.read
    }
}

impl Write<'_> {
    /// A new id.
    pub fn new_id<K: 'static>(&self) -> Key<K> {
        self.ids.next()
    }

    /// The source of ids.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Whether this was tried before and begins anew: what is done in one way for speed is then done in the other.
    pub fn is_repeated(&self) -> bool {
        self.is_repeated
    }

    /// Runs `body` in a savepoint: its refusal leaves nothing of it, and the transaction goes on.
    ///
    /// # Errors
    /// What `body` gives, or the database's.
    pub fn savepoint<T, E: Outcome>(&mut self, body: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        type Manager = <Conn as Connection>::TransactionManager;
        let wall = self.read.wall;
        Manager::begin_transaction(self.read.conn).map_err(DbError::from)?;
        match body(self) {
            Ok(value) => {
                Manager::commit_transaction(self.read.conn).map_err(DbError::from)?;
                Ok(value)
            }
            Err(error) => {
                Manager::rollback_transaction(self.read.conn).map_err(DbError::from)?;
                self.read.wall = wall;
                self.effects = Default::default();
                Err(error)
            }
        }
    }

    /// Goes on behind another wall, within the same transaction: a mutual's first rows are written by the command that
    /// makes the mutual, which belongs to ROOT.
    ///
    /// # Errors
    /// The database's.
    pub fn enter(&mut self, wall: Wall) -> QueryResult<()> {
        if wall == self.read.wall {
            return Ok(());
        }
        set_wall(self.read.conn, wall)?;
        self.read.wall = wall;
        Ok(())
    }
}

impl Db {
    /// Opens a database whose schema is current, or brings it there first when `migrate`.
    ///
    /// # Errors
    /// [`OpenError`], each kind with its own sentence.
    pub fn open(url: DatabaseUrl, clock: Clock, ids: Ids, migrate: bool) -> Result<Self, OpenError> {
        connect::prepare(&url)?;
        if migrate {
            migrate::run(&url)?;
        } else {
            migrate::check(&url)?;
        }
        let cores = u32::try_from(std::thread::available_parallelism().map_or(2, usize::from)).unwrap_or(2);
        let engine = match &url {
            DatabaseUrl::Sqlite(_) => Engine::Sqlite,
            DatabaseUrl::Postgres(_) => Engine::Postgres,
        };
        let pool = |read_only: bool, size: u32| {
            Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(WAIT)
                .error_handler(Box::new(connect::LogOnce))
                .build_unchecked(Manager::new(url.clone(), read_only))
        };
        let (readers, writers) = match engine {
            Engine::Sqlite => (pool(true, 2 * cores), pool(false, 1)),
            Engine::Postgres => {
                let both = pool(false, 4 * cores);
                (both.clone(), both)
            }
        };
        Ok(Db { inner: Arc::new(Inner { engine, url, readers, writers, turn: FairMutex::new(()), clock, ids }) })
    }

    /// Which engine is behind.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// Whether several may write at once.
    pub fn has_many_writers(&self) -> bool {
        self.inner.engine == Engine::Postgres
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.inner.url
    }

    /// The clock whose instants the rows carry.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The source of ids.
    pub fn ids(&self) -> &Ids {
        &self.inner.ids
    }

    /// Runs `body` on one snapshot behind `wall`.
    ///
    /// # Errors
    /// [`DbError::Busy`] when no connection comes free within [`WAIT`]; else what `body` or the database said.
    pub fn read<T, E: Outcome>(&self, wall: Wall, mut body: impl FnMut(&mut Read) -> Result<T, E>) -> Result<T, E> {
        self.again(|_| {
            let mut conn = self.inner.readers.get().map_err(|_| DbError::Busy)?;
            begin(&mut conn, true, wall).map_err(DbError::from)?;
            let mut read = Read { conn: &mut conn, now: self.inner.clock.now(), wall };
            let result = body(&mut read);
            // A snapshot has nothing to keep, so how it ends changes nothing; a broken connection is found by the pool.
            let ended = <Conn as Connection>::TransactionManager::rollback_transaction(&mut *conn);
            let value = result?;
            ended.map_err(DbError::from)?;
            Ok(value)
        })
    }

    /// Like [`Db::read`], with another reader of the same snapshot for a second thread, where one can be had without waiting.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_by_two<T, E: Outcome>(
        &self,
        wall: Wall,
        mut body: impl FnMut(&mut Read, Option<&mut Read>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.again(|_| {
            let mut conn = self.inner.readers.get().map_err(|_| DbError::Busy)?;
            let mut beside = self.inner.readers.try_get();
            let is_shared = two::begin(&mut conn, beside.as_deref_mut(), wall).map_err(DbError::from)?;
            let now = self.inner.clock.now();
            let mut read = Read { conn: &mut conn, now, wall };
            let result = match beside.as_deref_mut().filter(|_| is_shared) {
                Some(beside) => body(&mut read, Some(&mut Read { conn: beside, now, wall })),
                None => body(&mut read, None),
            };
            let ended = <Conn as Connection>::TransactionManager::rollback_transaction(&mut *conn);
            if let Some(beside) = beside.as_deref_mut().filter(|_| is_shared) {
                two::end(beside);
            }
            let value = result?;
            ended.map_err(DbError::from)?;
            Ok(value)
        })
    }

    /// Runs `body` in one transaction behind `wall` and commits it, or leaves nothing.
    ///
    /// # Errors
    /// As [`Db::read`]; a commit whose outcome is unknown is an error and is never tried again.
    pub fn write<T, E: Outcome>(&self, wall: Wall, mut body: impl FnMut(&mut Write) -> Result<T, E>) -> Result<T, E> {
        self.again(|is_repeated| {
            let _turn = match self.inner.engine {
                Engine::Sqlite => Some(self.inner.turn.try_lock_for(WAIT).ok_or(DbError::Busy)?),
                Engine::Postgres => None,
            };
            let mut conn = self.inner.writers.get().map_err(|_| DbError::Busy)?;
            begin(&mut conn, false, wall).map_err(DbError::from)?;
            let mut write = Write {
                read: Read { conn: &mut conn, now: self.inner.clock.now(), wall },
                ids: self.inner.ids.clone(),
                is_repeated,
                effects: Default::default(),
            };
            let result = body(&mut write);
            match result {
                Ok(value) => {
                    <Conn as Connection>::TransactionManager::commit_transaction(&mut *conn).map_err(DbError::from)?;
                    Ok(value)
                }
                Err(error) => {
                    let rolled = <Conn as Connection>::TransactionManager::rollback_transaction(&mut *conn);
                    if let Err(failure) = rolled {
                        tracing::warn!(%failure, "a transaction could not be rolled back; its connection is dropped");
                    }
                    Err(error)
                }
            }
        })
    }

    /// Tries again what the database or `body` asked to try again, and only that.
    fn again<T, E: Outcome>(&self, mut attempt: impl FnMut(bool) -> Result<T, E>) -> Result<T, E> {
        let mut pause = Duration::from_millis(2);
        for round in 1..ATTEMPTS {
            match attempt(round > 1) {
                Err(error) if error.wants_again() || error.database().is_some_and(asks_again) => {
                    std::thread::sleep(pause);
                }
                other => return other,
            }
            pause *= 3;
        }
        match attempt(true) {
            Err(error) if error.database().is_some_and(asks_again) => Err(DbError::Busy.into()),
            other => other,
        }
    }
}

/// 40001 and 40P01 of PostgreSQL. Its messages are read in English: sessions ask for `lc_messages = C` (see `connect`).
pub fn asks_again(failure: &Failure) -> bool {
    match failure {
        Failure::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        Failure::DatabaseError(DatabaseErrorKind::Unknown, info) => info.message() == "deadlock detected",
        _ => false,
    }
}

/// True where the database is there but did not get to it in time, or is not there at this moment: the caller may come
/// back.
pub fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => true,
        Failure::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            let message = info.message();
            [
                "canceling statement due to lock timeout",
                "canceling statement due to statement timeout",
                "terminating connection",
                "server closed the connection",
                "no connection to the server",
                "could not receive data",
                "database is locked",
                "the database system is",
            ]
            .iter()
            .any(|known| message.contains(known))
        }
        Failure::BrokenTransactionManager => true,
        _ => false,
    }
}

fn begin(conn: &mut Conn, read_only: bool, wall: Wall) -> QueryResult<()> {
    match conn {
        Conn::Pg(pg) => {
            AnsiTransactionManager::begin_transaction_sql(
                pg,
                if read_only { READ_ON_POSTGRES } else { "BEGIN ISOLATION LEVEL READ COMMITTED" },
            )?;
        }
        Conn::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(
                sqlite,
                if read_only { "BEGIN DEFERRED" } else { "BEGIN IMMEDIATE" },
            )?;
        }
    }
    let walled = set_wall(conn, wall);
    if walled.is_err() {
        // The transaction is open and useless: end it, and let the error that made it so be the answer.
        let ended = <Conn as Connection>::TransactionManager::rollback_transaction(conn);
        tracing::debug!(?ended, "a transaction without its wall was given up");
    }
    walled
}

/// Names the mutual whose rows this transaction may see; SQLite has no such walls, there the scope types stand alone.
fn set_wall(conn: &mut Conn, wall: Wall) -> QueryResult<()> {
    match conn {
        Conn::Pg(pg) => diesel::sql_query("SELECT set_config('app.mutual', $1, true)")
            .bind::<diesel::sql_types::Text, _>(wall.id().to_string())
            .execute(pg)
            .map(|_| ()),
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Runs a statement that gives no rows; for settings and for tests that must reach below the store.
///
/// # Errors
/// The database's.
pub fn execute(conn: &mut Conn, statement: &str) -> QueryResult<usize> {
    on_each!(conn, |c| diesel::sql_query(statement).execute(c))
}
