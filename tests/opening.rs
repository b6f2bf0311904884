//! Opening a database: what cannot be opened is refused with a sentence of its own, and never with the password.
mod support;

use ayni::clock::Clock;
use ayni::db::url::DatabaseUrl;
use ayni::db::{Db, OpenError, migrate};
use ayni::ids::Ids;
use diesel::prelude::*;
use std::path::Path;
use support::TestDb;
use support::database::{on_postgres, start};

fn open(text: &str, migrate: bool) -> Result<Db, OpenError> {
    let clock = Clock::set_at(start());
    Db::open(DatabaseUrl::parse(text, true)?, clock.clone(), Ids::random(clock), migrate)
}

fn refused(text: &str, migrate: bool) -> OpenError {
    match open(text, migrate) {
        Ok(_) => panic!("{text} was opened"),
        Err(error) => error,
    }
}

/// A database without a schema; it goes away with what is given beside its URL.
enum Empty {
    File { _folder: tempfile::TempDir },
    Server(String, String),
}

fn empty() -> (String, Empty) {
    if !on_postgres() {
        let folder = tempfile::tempdir().unwrap();
        return (format!("sqlite://{}", folder.path().join("new/ayni.db").display()), Empty::File { _folder: folder });
    }
    let admin = std::env::var("AYNI_TEST_POSTGRES").unwrap();
    let mut unique = [0u8; 8];
    ayni::ids::fill_from_machine(&mut unique);
    let name = format!("ayni_test_{}", data_encoding::HEXLOWER.encode(&unique));
    let mut conn = PgConnection::establish(&admin).unwrap();
    diesel::sql_query(format!("CREATE DATABASE {name}")).execute(&mut conn).unwrap();
    let mut url = url::Url::parse(&admin).unwrap();
    url.set_path(&format!("/{name}"));
    (url.to_string(), Empty::Server(admin, name))
}

impl Drop for Empty {
    fn drop(&mut self) {
        if let Empty::Server(admin, name) = self {
            let mut conn = PgConnection::establish(admin).unwrap();
            let _ = diesel::sql_query(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).execute(&mut conn);
        }
    }
}

#[test]
fn a_wrong_url_is_refused_before_anything_is_opened() {
    for text in ["mysql://ayni:secret@localhost/ayni", "/var/lib/ayni.db", "sqlite://", "postgres://a:secret@:x/y"] {
        let error = refused(text, true);
        assert!(matches!(error, OpenError::Url(_)), "{text}: {error:?}");
        assert!(!error.to_string().contains("secret") && !error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_named_without_the_password() {
    // A port that was free a moment ago and on which nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refused(&format!("postgres://ayni:secret@127.0.0.1:{port}/ayni"), true);
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.starts_with("cannot reach the database postgres://127.0.0.1/ayni: "), "{said}");
    assert!(!said.contains("secret"), "{said}");
    assert!(!said.contains('\n'), "one line: {said}");
}

#[test]
fn an_unknown_database_on_the_server_is_refused() {
    if !on_postgres() {
        println!("SQLite makes the file that is not there");
        return;
    }
    let mut url = url::Url::parse(&std::env::var("AYNI_TEST_POSTGRES").unwrap()).unwrap();
    url.set_path("/no_such_database");
    let error = refused(url.as_str(), true);
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let test = TestDb::new();
    test.execute(
        "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('29991231000001', CURRENT_TIMESTAMP)",
    );
    for migrate in [true, false] {
        let error = refused(&test.text, migrate);
        assert!(matches!(&error, OpenError::Newer(version) if version == "29991231000001"), "{error:?}");
        assert!(error.to_string().contains("newer ayni"), "{error}");
    }
}

#[test]
fn a_schema_that_lacks_a_migration_is_not_served_unmigrated() {
    let (text, _empty) = empty();
    let error = refused(&text, false);
    assert!(matches!(error, OpenError::Older(_)), "{error:?}");
    assert!(error.to_string().contains("run `ayni migrate`"), "{error}");
    open(&text, true).unwrap();
    open(&text, false).unwrap();
}

#[test]
fn a_migrated_database_is_opened_again_and_nothing_is_applied() {
    let (text, _empty) = empty();
    let url = DatabaseUrl::parse(&text, true).unwrap();
    ayni::db::connect::prepare(&url).unwrap();
    let first = migrate::run(&url).unwrap();
    assert!(first.len() >= 5, "{first:?}");
    assert_eq!(migrate::run(&url).unwrap(), Vec::<String>::new());
    open(&text, true).unwrap();
    assert_eq!(migrate::run(&url).unwrap(), Vec::<String>::new());
}

#[test]
fn servers_that_start_together_migrate_once() {
    let (text, _empty) = empty();
    let url = DatabaseUrl::parse(&text, true).unwrap();
    let applied: Vec<usize> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4)
            .map(|_| {
                let url = url.clone();
                scope.spawn(move || {
                    ayni::db::connect::prepare(&url).unwrap();
                    migrate::run(&url).unwrap().len()
                })
            })
            .collect();
        starting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let all: usize = applied.iter().sum();
    assert_eq!(applied.iter().max(), Some(&all), "one of them applied everything: {applied:?}");
    assert!(all >= 5);
    open(&text, false).unwrap();
}

#[test]
fn processes_that_start_together_migrate_once() {
    let (text, _empty) = empty();
    let starting: Vec<_> = (0..3)
        .map(|_| {
            std::process::Command::new(env!("CARGO_BIN_EXE_ayni"))
                .args(["migrate", "--allow-plaintext-database", "--database", &text])
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for process in starting {
        let ended = process.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    open(&text, false).unwrap();
}

fn file(folder: &Path, name: &str) -> String {
    format!("sqlite://{}", folder.join(name).display())
}

#[test]
fn a_read_only_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = file(folder.path(), "ayni.db");
    open(&text, true).unwrap();
    let path = folder.path().join("ayni.db");
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    let error = refused(&text, true);
    assert!(matches!(error, OpenError::ReadOnly(_)), "{error:?}");
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[test]
fn a_folder_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ayni.db")).unwrap();
    let error = refused(&file(folder.path(), "ayni.db"), true);
    assert!(matches!(&error, OpenError::File { why, .. } if why == "it is a folder"), "{error:?}");
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.db");
    let letter = "Dear treasurer, ".repeat(200);
    std::fs::write(&path, &letter).unwrap();
    for migrate in [true, false] {
        let error = refused(&file(folder.path(), "letter.db"), migrate);
        assert!(matches!(&error, OpenError::File { why, .. } if why.contains("not a database")), "{error:?}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let error = refused(&file(folder.path(), "file/ayni.db"), true);
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
}

#[cfg(unix)]
#[test]
fn the_register_is_for_its_owners_eyes() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    open(&file(folder.path(), "ayni.db"), true).unwrap();
    let mode = std::fs::metadata(folder.path().join("ayni.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
