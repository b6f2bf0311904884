//! How one connection is made: explicitly by engine, with its session's settings, and for PostgreSQL as `ayni_app`.
use super::url::DatabaseUrl;
use super::{Conn, OpenError, execute};
use diesel::prelude::*;
use diesel::r2d2::{ManageConnection, R2D2Connection};
use std::path::Path;

/// Makes connections for a pool.
pub struct Manager {
    url: DatabaseUrl,
    read_only: bool,
}

impl Manager {
    /// A manager of connections that only read, or of those that may write.
    pub fn new(url: DatabaseUrl, read_only: bool) -> Self {
        Manager { url, read_only }
    }
}

/// Each its own statement. A request waits less long for the file than [`establish`].
const SQLITE: [&str; 6] = [
    "PRAGMA busy_timeout=5000",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
];

/// Of the one connection that writes: what pushes of a hundred households come back to, one after the other, stays in memory (64 MiB),
/// and what they write is carried over into the file every 60 MiB, so that a page which many of them change is carried over less often.
const SQLITE_WRITER: [&str; 2] = ["PRAGMA cache_size=-65536", "PRAGMA wal_autocheckpoint=15360"];

/// Of those that read: what one list or one month of figures comes back to stays in memory (16 MiB), and the file's first GiB is
/// read where the system holds it, without a copy of each page. A disk that fails then ends the process instead of the request,
/// which leaves the books as they were: nothing is written this way.
const SQLITE_READER: [&str; 3] = ["PRAGMA query_only=ON", "PRAGMA cache_size=-16384", "PRAGMA mmap_size=1073741824"];

/// A statement that waits longer than a client would is given up; so is a transaction whose process went away.
const POSTGRES: [&str; 5] = [
    "SET ROLE ayni_app",
    "SET TIME ZONE 'UTC'",
    "SET statement_timeout = '20s'",
    "SET lock_timeout = '5s'",
    "SET idle_in_transaction_session_timeout = '60s'",
];

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Conn, Self::Error> {
        let mut conn = establish(&self.url).map_err(diesel::r2d2::Error::ConnectionError)?;
        let settings: &[&str] = match conn {
            Conn::Pg(_) => &POSTGRES,
            Conn::Sqlite(_) => &SQLITE,
        };
        for setting in settings {
            execute(&mut conn, setting).map_err(diesel::r2d2::Error::QueryError)?;
        }
        let more: &[&str] = match (&conn, self.read_only) {
            (Conn::Pg(_), _) => &[],
            (Conn::Sqlite(_), true) => &SQLITE_READER,
            (Conn::Sqlite(_), false) => &SQLITE_WRITER,
        };
        for setting in more {
            execute(&mut conn, setting).map_err(diesel::r2d2::Error::QueryError)?;
        }
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Self::Error> {
        match conn {
            // A file does not go away between two requests, and the ping would cost a third of a look-up.
            Conn::Sqlite(_) => Ok(()),
            Conn::Pg(pg) => pg.ping().map_err(diesel::r2d2::Error::QueryError),
        }
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}

/// Logs why a pool gets no connection, without the URL.
#[derive(Debug)]
pub struct LogOnce;

impl diesel::r2d2::HandleError<diesel::r2d2::Error> for LogOnce {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::warn!(%error, "no connection to the database");
    }
}

/// Opens one plain connection, as the owner: for migrations and for the checks before them. It waits for whoever has the file:
/// even reading may have to, while the last connection of another process closes and carries its journal over.
///
/// # Errors
/// diesel's.
pub fn establish(url: &DatabaseUrl) -> ConnectionResult<Conn> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map(Conn::Sqlite)?;
            execute(&mut conn, "PRAGMA busy_timeout=20000").map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        }
        DatabaseUrl::Postgres(text) => PgConnection::establish(text).map(Conn::Pg),
    }
}

/// Sees that the database can be reached and written, before anything is built on it.
///
/// # Errors
/// [`OpenError`], each kind with its own sentence.
pub fn prepare(url: &DatabaseUrl) -> Result<(), OpenError> {
    match url {
        DatabaseUrl::Sqlite(path) => prepare_file(path, url),
        DatabaseUrl::Postgres(_) => {
            // libpq writes several lines; the terminal is told one.
            let one_line = |why: String| why.split_whitespace().collect::<Vec<_>>().join(" ");
            let unreachable = |why: String| OpenError::Unreachable { url: url.shown(), why: one_line(why) };
            let mut conn = establish(url).map_err(|error| unreachable(error.to_string()))?;
            execute(&mut conn, "SELECT 1").map_err(|error| unreachable(error.to_string()))?;
            let standby = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(
                "pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'",
            ))
            .get_result::<bool>(&mut conn)
            .map_err(|error| unreachable(error.to_string()))?;
            if standby {
                return Err(OpenError::ReadOnly(url.shown()));
            }
            Ok(())
        }
    }
}

fn prepare_file(path: &Path, url: &DatabaseUrl) -> Result<(), OpenError> {
    let failed = |why: String| OpenError::File { path: path.display().to_string(), why };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    }
    if let Ok(metadata) = std::fs::metadata(path) {
        if metadata.is_dir() {
            return Err(failed("it is a folder".into()));
        }
        // An administrator's process may write where the file says that nobody should.
        if metadata.permissions().readonly() {
            return Err(OpenError::ReadOnly(path.display().to_string()));
        }
    }
    // The first switch to WAL does not wait for anybody: processes that start together come one after another.
    let _lock = lock_file(path).map_err(|error| failed(error.to_string()))?;
    let mut conn = establish(url).map_err(|error| failed(error.to_string()))?;
    for setting in SQLITE {
        execute(&mut conn, setting).map_err(|error| {
            let why = error.to_string();
            if why.contains("readonly") || why.contains("read-only") {
                OpenError::ReadOnly(path.display().to_string())
            } else {
                failed(why)
            }
        })?;
    }
    restrict(path);
    Ok(())
}

/// Takes the lock beside a database file, held until the result is dropped: for what several processes must not do at once.
///
/// # Errors
/// The operating system's.
pub fn lock_file(path: &Path) -> std::io::Result<std::fs::File> {
    let lock = std::fs::File::create(path.with_extension("lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// The register is for its owner's eyes.
#[cfg(unix)]
fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(%error, "the database file's permissions could not be tightened");
    }
}
#[cfg(not(unix))]
fn restrict(_path: &Path) {}
