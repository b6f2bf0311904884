//! A consistent copy of a running database. SQLite copies itself into a file; PostgreSQL is copied by its own `pg_dump`, run
//! as the database's owner. The copy appears under its name when it is whole, and never over another file.
use super::connect::establish;
use super::url::DatabaseUrl;
use diesel::RunQueryDsl;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0} is there already; nothing was written")]
    Exists(String),
    #[error("{path}: {why}")]
    File { path: String, why: String },
    #[error("the database could not be copied: {0}")]
    Failed(String),
    #[error(
        "no pg_dump was found; install PostgreSQL's client programs, or say with --pg-bin in which folder they are"
    )]
    NoProgram,
}

/// Copies the database into a new file; gives its size in bytes.
///
/// # Errors
/// [`BackupError`]; then no file of that name is left.
pub fn backup(url: &DatabaseUrl, to: &Path, programs: Option<&Path>) -> Result<u64, BackupError> {
    let failed = |why: std::io::Error| BackupError::File { path: to.display().to_string(), why: why.to_string() };
    if to.exists() {
        return Err(BackupError::Exists(to.display().to_string()));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    let part = Unfinished(PathBuf::from(part));
    // Made here, so that nobody else may read it at any moment.
    let _ = std::fs::remove_file(&part.0);
    open_private(&part.0).map_err(failed)?;
    match url {
        DatabaseUrl::Sqlite(_) => {
            let mut conn = establish(url).map_err(|error| BackupError::Failed(error.to_string()))?;
            let name = part.0.to_string_lossy().into_owned();
            let statement = diesel::sql_query("VACUUM INTO ?").bind::<diesel::sql_types::Text, _>(name);
            let copied = match &mut conn {
                super::Conn::Sqlite(sqlite) => statement.execute(sqlite).map(|_| ()),
                super::Conn::Pg(_) => Ok(()),
            };
            copied.map_err(|error| BackupError::Failed(error.to_string()))?;
            begin_feed_anew(&part.0)?;
        }
        DatabaseUrl::Postgres(text) => dump(text, &part.0, programs)?,
    }
    let file = File::open(&part.0).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    // A hard link never takes another file's place, as a renaming would.
    std::fs::hard_link(&part.0, to).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(to.display().to_string()),
        _ => failed(error),
    })?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(size)
}

/// What devices have pulled is counted from this copy on anew: it may lack what they have seen, so that a cursor of the other
/// database must not fit.
fn begin_feed_anew(copy: &Path) -> Result<(), BackupError> {
    let failed = |why: String| BackupError::Failed(why);
    let mut conn = establish(&DatabaseUrl::Sqlite(copy.to_owned())).map_err(|error| failed(error.to_string()))?;
    for table in FEED {
        super::execute(&mut conn, &format!("DELETE FROM {table}")).map_err(|error| failed(error.to_string()))?;
    }
    Ok(())
}

/// The tables that number what devices pull.
const FEED: [&str; 2] = ["feed_heads", "changes"];

/// The file while it is written; it goes away whatever happens.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Runs `pg_dump`. The password travels in the environment: arguments are seen by every user of the machine.
fn dump(text: &str, to: &Path, programs: Option<&Path>) -> Result<(), BackupError> {
    let mut url = url::Url::parse(text).map_err(|error| BackupError::Failed(error.to_string()))?;
    let password = url.password().map(str::to_owned);
    let _ = url.set_password(None);
    let mut command = Command::new(program(programs).ok_or(BackupError::NoProgram)?);
    command.args(FEED.map(|table| format!("--exclude-table-data={table}")));
    command.arg("--format=custom").arg("--no-owner").arg("--file").arg(to).arg("--dbname").arg(url.as_str());
    if let Some(password) = password {
        let plain = percent(&password);
        command.env("PGPASSWORD", plain);
    }
    let output = command.output().map_err(|error| BackupError::Failed(format!("pg_dump: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BackupError::Failed(said.split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// A password as it is, out of the form in which a URL has it.
fn percent(text: &str) -> String {
    url::form_urlencoded::parse(format!("p={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// `pg_dump` of the folder named, else the newest that the system has, else that of the path: an older one refuses a newer
/// server.
fn program(folder: Option<&Path>) -> Option<PathBuf> {
    let name = "pg_dump";
    if let Some(folder) = folder {
        return Some(folder.join(name)).filter(|path| path.is_file());
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| -> u32 {
        path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    let newest = versions.map(|entry| entry.path()).max_by_key(|path| version(path));
    let installed = newest.map(|path| path.join("bin").join(name)).filter(|path| path.is_file());
    installed.or_else(|| {
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
    })
}
