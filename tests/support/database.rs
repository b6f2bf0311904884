//! One database per test, copied from a migrated template: a file for SQLite, `CREATE DATABASE … TEMPLATE` for PostgreSQL.
//! `AYNI_TEST_ENGINE` says which engine; PostgreSQL is at `AYNI_TEST_POSTGRES`.
use ayni::clock::Clock;
use ayni::db::url::DatabaseUrl;
use ayni::db::{Db, migrate};
use ayni::ids::Ids;
use chrono::{DateTime, TimeZone, Utc};
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The instant at which tests begin: 10 March 2026, noon in Greenwich.
pub fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).unwrap()
}

/// True where the suite runs on PostgreSQL.
pub fn on_postgres() -> bool {
    match std::env::var("AYNI_TEST_ENGINE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("AYNI_TEST_ENGINE is '{other}', neither sqlite nor postgres"),
    }
}

/// A database that goes away with the test.
pub struct TestDb {
    pub db: Db,
    pub clock: Clock,
    pub url: DatabaseUrl,
    pub text: String,
    _folder: Option<tempfile::TempDir>,
    drop: Option<(String, String)>,
}

impl TestDb {
    pub fn new() -> TestDb {
        TestDb::with_clock(Clock::set_at(start()))
    }

    pub fn with_clock(clock: Clock) -> TestDb {
        let (text, folder, drop) = if on_postgres() { postgres() } else { sqlite() };
        let url = DatabaseUrl::parse(&text, true).unwrap();
        let db = Db::open(url.clone(), clock.clone(), Ids::random(clock.clone()), false).unwrap();
        TestDb { db, clock, url, text, _folder: folder, drop }
    }

    /// The same database once more; it goes away with the first.
    pub fn again(of: &TestDb) -> TestDb {
        let (db, clock, url, text) = (of.db.clone(), of.clock.clone(), of.url.clone(), of.text.clone());
        TestDb { db, clock, url, text, _folder: None, drop: None }
    }

    /// A copy that was made of this one, as a database of its own.
    pub fn restored(&self, copy: &Path) -> TestDb {
        let (text, folder, drop) = if on_postgres() { self.restored_there(copy) } else { restored_file(copy) };
        let url = DatabaseUrl::parse(&text, true).unwrap();
        let db = Db::open(url.clone(), self.clock.clone(), Ids::random(self.clock.clone()), false).unwrap();
        TestDb { db, clock: self.clock.clone(), url, text, _folder: folder, drop }
    }

    fn restored_there(&self, copy: &Path) -> (String, Option<tempfile::TempDir>, Option<(String, String)>) {
        let (server, _) = self.text.rsplit_once('/').unwrap();
        let mut unique = [0u8; 8];
        ayni::ids::fill_from_machine(&mut unique);
        let name = format!("ayni_test_{}_r", data_encoding::HEXLOWER.encode(&unique));
        let admin = std::env::var("AYNI_TEST_POSTGRES").unwrap();
        let mut conn = PgConnection::establish(&admin).unwrap();
        diesel::sql_query(format!("CREATE DATABASE {name} TEMPLATE template0")).execute(&mut conn).unwrap();
        let url = format!("{server}/{name}");
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let newest = versions.map(|entry| entry.path().join("bin/pg_restore")).filter(|path| path.is_file()).max();
        let program = newest.unwrap_or_else(|| "pg_restore".into());
        let restoring = std::process::Command::new(program).args(["--no-owner", "--dbname", &url]).arg(copy).output();
        let output = restoring.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (url, None, Some((admin, name)))
    }

    /// A connection as the owner, below all walls.
    pub fn owner(&self) -> ayni::db::Conn {
        ayni::db::connect::establish(&self.url).unwrap()
    }

    /// Runs a statement as the owner.
    pub fn execute(&self, statement: &str) -> usize {
        ayni::db::execute(&mut self.owner(), statement).unwrap()
    }

    /// A count, as the owner.
    pub fn count(&self, what: &str) -> i64 {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("count(*) FROM {what}")))
            .get_result(&mut self.owner())
            .unwrap()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Some((admin, name)) = self.drop.take()
            && let Ok(mut conn) = PgConnection::establish(&admin)
        {
            let _ = diesel::sql_query(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).execute(&mut conn);
        }
    }
}

/// A name that changes with the migrations.
fn template_name(engine: &str) -> String {
    fn add(path: &Path, hasher: &mut Sha256) {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for entry in entries {
            if entry.is_dir() {
                add(&entry, hasher);
            } else {
                hasher.update(std::fs::read(&entry).unwrap());
            }
        }
    }
    let mut hasher = Sha256::new();
    add(&Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine), &mut hasher);
    format!("ayni_template_{}", data_encoding::HEXLOWER.encode(&hasher.finalize()[..6]))
}

fn sqlite() -> (String, Option<tempfile::TempDir>, Option<(String, String)>) {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(home).unwrap();
    let template = home.join(format!("{}.db", template_name("sqlite")));
    let lock = std::fs::File::create(home.join("template.lock")).unwrap();
    lock.lock().unwrap();
    if !template.exists() {
        let making = template.with_extension("making");
        let _ = std::fs::remove_file(&making);
        let url = DatabaseUrl::parse(&format!("sqlite://{}", making.display()), false).unwrap();
        ayni::db::connect::prepare(&url).unwrap();
        migrate::run(&url).unwrap();
        ayni::db::execute(&mut ayni::db::connect::establish(&url).unwrap(), "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        std::fs::rename(&making, &template).unwrap();
    }
    drop(lock);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ayni.db");
    std::fs::copy(&template, &path).unwrap();
    (format!("sqlite://{}", path.display()), Some(folder), None)
}

fn restored_file(copy: &Path) -> (String, Option<tempfile::TempDir>, Option<(String, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ayni.db");
    std::fs::copy(copy, &path).unwrap();
    (format!("sqlite://{}", path.display()), Some(folder), None)
}

fn postgres() -> (String, Option<tempfile::TempDir>, Option<(String, String)>) {
    let admin = std::env::var("AYNI_TEST_POSTGRES").expect("AYNI_TEST_POSTGRES names the cluster for the tests");
    let mut conn = PgConnection::establish(&admin).unwrap();
    let at = |name: &str| {
        let mut url = url::Url::parse(&admin).unwrap();
        url.set_path(&format!("/{name}"));
        url.to_string()
    };
    let template = template_name("postgres");
    diesel::sql_query("SELECT pg_advisory_lock(77)").execute(&mut conn).unwrap();
    let there: bool = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(&format!(
        "EXISTS (SELECT FROM pg_database WHERE datname = '{template}')"
    )))
    .get_result(&mut conn)
    .unwrap();
    if !there {
        let making = format!("{template}_making");
        diesel::sql_query(format!("DROP DATABASE IF EXISTS {making}")).execute(&mut conn).unwrap();
        diesel::sql_query(format!("CREATE DATABASE {making}")).execute(&mut conn).unwrap();
        migrate::run(&DatabaseUrl::parse(&at(&making), true).unwrap()).unwrap();
        diesel::sql_query(format!("ALTER DATABASE {making} RENAME TO {template}")).execute(&mut conn).unwrap();
    }
    diesel::sql_query("SELECT pg_advisory_unlock(77)").execute(&mut conn).unwrap();
    let mut unique = [0u8; 8];
    ayni::ids::fill_from_machine(&mut unique);
    let name = format!("ayni_test_{}", data_encoding::HEXLOWER.encode(&unique));
    diesel::sql_query(format!("CREATE DATABASE {name} TEMPLATE {template}")).execute(&mut conn).unwrap();
    (at(&name), None, Some((admin, name)))
}
