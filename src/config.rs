//! Settings: each a flag and an `AYNI_*` variable, none needed to start.
use crate::clock::Clock;
use crate::db::url::DatabaseUrl;
use crate::db::{Db, OpenError};
use crate::ids::Ids;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A JSON object per line.
    Json,
    /// For a person at a terminal.
    Text,
}

/// What every command may be told.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// The database: sqlite:// and a path, or a postgres:// URL.
    #[arg(long, env = "AYNI_DATABASE", global = true, default_value = "sqlite://data/ayni.db", hide_env_values = true)]
    pub database: String,
    /// The folder of the signing keys; made with tight permissions where it is absent. Beside the database file where it
    /// is left out, in data/keys with PostgreSQL.
    #[arg(long, env = "AYNI_KEYS", global = true)]
    pub keys: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, env = "AYNI_BIND", global = true, default_value = "127.0.0.1:8080")]
    pub bind: String,
    /// Where /metrics is served, apart from the API; `off` for nowhere.
    #[arg(long, env = "AYNI_METRICS", global = true, default_value = "127.0.0.1:9464")]
    pub metrics: String,
    /// Pins the business date; instants stay those of the machine.
    #[arg(long, env = "AYNI_TODAY", global = true, value_name = "YYYY-MM-DD")]
    pub today: Option<NaiveDate>,
    /// Accepts a PostgreSQL beyond this machine in a build without TLS towards it.
    #[arg(long, env = "AYNI_ALLOW_PLAINTEXT_DATABASE", global = true)]
    pub allow_plaintext_database: bool,
    /// How the log is written.
    #[arg(long, env = "AYNI_LOG_FORMAT", global = true, value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
    /// What is logged: error, warn, info, debug, or a filter of tracing.
    #[arg(long, env = "AYNI_LOG", global = true, default_value = "info")]
    pub log: String,
}

impl Settings {
    /// Where the database is.
    ///
    /// # Errors
    /// [`OpenError::Url`].
    pub fn url(&self) -> Result<DatabaseUrl, OpenError> {
        DatabaseUrl::parse(&self.database, self.allow_plaintext_database)
    }

    /// The clock that these settings make.
    pub fn clock(&self) -> Clock {
        Clock::machine(self.today)
    }

    /// The folder of the keys.
    pub fn key_folder(&self, url: &DatabaseUrl) -> PathBuf {
        match (&self.keys, url) {
            (Some(folder), _) => folder.clone(),
            (None, DatabaseUrl::Sqlite(path)) => path.with_file_name("keys"),
            (None, DatabaseUrl::Postgres(_)) => PathBuf::from("data/keys"),
        }
    }

    /// Opens the database, migrated.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self) -> Result<Db, OpenError> {
        let clock = self.clock();
        Db::open(self.url()?, clock.clone(), Ids::random(clock), true)
    }

    /// Opens a database that is there already: what looks at one or copies it must not make an empty one where a name is mistyped.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_existing(&self) -> Result<Db, OpenError> {
        self.must_exist()?;
        self.open()
    }

    /// Sees that the database is there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn must_exist(&self) -> Result<(), OpenError> {
        let url = self.url()?;
        match url.file() {
            Some(path) if !path.exists() => Err(OpenError::File {
                path: path.display().to_string(),
                why: "there is none; AYNI_DATABASE says which to open".into(),
            }),
            _ => Ok(()),
        }
    }

    /// The settings in force, a line each, without secrets.
    pub fn shown(&self) -> Result<String, OpenError> {
        let url = self.url()?;
        let today = self.today.map_or_else(|| "not pinned".to_owned(), |today| today.to_string());
        Ok([
            ("AYNI_DATABASE", url.shown()),
            ("AYNI_KEYS", self.key_folder(&url).display().to_string()),
            ("AYNI_BIND", self.bind.clone()),
            ("AYNI_METRICS", self.metrics.clone()),
            ("AYNI_TODAY", today),
            ("AYNI_ALLOW_PLAINTEXT_DATABASE", self.allow_plaintext_database.to_string()),
            ("AYNI_LOG_FORMAT", format!("{:?}", self.log_format).to_lowercase()),
            ("AYNI_LOG", self.log.clone()),
        ]
        .map(|(name, value)| format!("{name:<30} {value}\n"))
        .concat())
    }
}
