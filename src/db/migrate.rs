//! Migrations: embedded, one folder per engine with the same names, run under a lock so that two servers that start
//! together do not meet in them.
use super::connect::{establish, lock_file};
use super::url::DatabaseUrl;
use super::{Conn, OpenError, execute};
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

/// The migrations of SQLite.
pub const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
/// The migrations of PostgreSQL.
pub const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number will do, as long as every ayni uses the same.
const ADVISORY_LOCK: &str = "SELECT pg_advisory_lock(4151940211)";

/// Applies what is pending. Returns the names applied, oldest first.
///
/// # Errors
/// [`OpenError::Newer`] where the database knows a migration that this program does not; [`OpenError::Migration`].
pub fn run(url: &DatabaseUrl) -> Result<Vec<String>, OpenError> {
    let failed = |error: String| OpenError::Migration(error);
    let _file_lock = match url {
        DatabaseUrl::Sqlite(path) => Some(lock_file(path).map_err(|e| failed(e.to_string()))?),
        DatabaseUrl::Postgres(_) => None,
    };
    let mut conn = establish(url).map_err(|e| failed(e.to_string()))?;
    refuse_newer(&mut conn)?;
    let applied = match &mut conn {
        Conn::Pg(pg) => {
            diesel::sql_query(ADVISORY_LOCK).execute(pg).map_err(|e| failed(e.to_string()))?;
            // The lock belongs to this connection and goes with it.
            pg.run_pending_migrations(POSTGRES).map(names)
        }
        Conn::Sqlite(sqlite) => {
            // A table that is made anew under its old name would take the references to it along; they are checked below.
            diesel::sql_query("PRAGMA foreign_keys=OFF").execute(sqlite).map_err(|e| failed(e.to_string()))?;
            sqlite.run_pending_migrations(SQLITE).map(names)
        }
    };
    let applied = applied.map_err(|e| failed(e.to_string()))?;
    if let (Conn::Sqlite(sqlite), false) = (&mut conn, applied.is_empty()) {
        let broken: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
            "(SELECT count(*) FROM pragma_foreign_key_check)",
        ))
        .get_result(sqlite)
        .map_err(|e| failed(e.to_string()))?;
        if broken > 0 {
            return Err(failed(format!("{broken} rows point to rows that are not there")));
        }
        estimate(sqlite).map_err(|e| failed(e.to_string()))?;
    }
    Ok(applied)
}

/// Rows of a table, as SQLite's planner is to think.
const ROWS: i64 = 1_000_000;
/// Rows of one mutual.
const ROWS_OF_MUTUAL: i64 = 50_000;
/// How many times fewer rows fit with each further column of an index.
const FEWER: i64 = 50;
/// The same of a state.
const STATES: i64 = 4;

/// Tells SQLite's planner how rows lie. Without statistics it takes the mutual alone, the first column of each primary key, for
/// as good as an index of three columns, and reads all rows of the mutual where ten are meant; statistics of a database that
/// was just made say nothing. These are the same for all, so that plans are too.
fn estimate(sqlite: &mut SqliteConnection) -> QueryResult<()> {
    use diesel::sql_types::{BigInt, Text};
    // The table of statistics is made by asking for some.
    diesel::sql_query("ANALYZE __diesel_schema_migrations").execute(sqlite)?;
    let indexes: Vec<(String, String, String, i64, String)> =
        diesel::select(diesel::dsl::sql::<(Text, Text, Text, BigInt, Text)>(
            "t.name, i.name, i.origin, i.\"unique\", \
             (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) \
             FROM pragma_table_list t JOIN pragma_index_list(t.name) i WHERE t.schema = 'main' AND t.wr",
        ))
        .load(sqlite)?;
    diesel::sql_query("DELETE FROM sqlite_stat1").execute(sqlite)?;
    for (table, index, origin, is_unique, columns) in indexes {
        let columns: Vec<&str> = columns.split(',').collect();
        let mut left = ROWS;
        let mut stat = ROWS.to_string();
        for (column, place) in columns.iter().zip(1..) {
            left /= match (place, *column) {
                (1, "mutual_id") => ROWS / ROWS_OF_MUTUAL,
                // One of a handful of words tells little.
                (_, "state") => STATES,
                _ => FEWER,
            };
            let found = if is_unique > 0 && place == columns.len() { 1 } else { left.max(1) };
            stat.push_str(&format!(" {found}"));
        }
        // The primary key of a table without row ids goes by the table's name.
        let index = if origin == "pk" { &table } else { &index };
        diesel::sql_query("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)")
            .bind::<Text, _>(&table)
            .bind::<Text, _>(index)
            .bind::<Text, _>(&stat)
            .execute(sqlite)?;
    }
    Ok(())
}

/// Sees that the schema is exactly this program's.
///
/// # Errors
/// [`OpenError::Newer`] or [`OpenError::Older`].
pub fn check(url: &DatabaseUrl) -> Result<(), OpenError> {
    let mut conn = establish(url).map_err(|e| OpenError::Migration(e.to_string()))?;
    let known = refuse_newer(&mut conn)?;
    match own(&conn).into_iter().find(|version| !known.contains(version)) {
        Some(missing) => Err(OpenError::Older(missing)),
        None => Ok(()),
    }
}

fn names<V: std::fmt::Display>(versions: Vec<V>) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}

/// The versions that this program brings.
fn own(conn: &Conn) -> Vec<String> {
    fn list<DB: diesel::backend::Backend>(found: Vec<Box<dyn Migration<DB>>>) -> Vec<String> {
        found.iter().map(|migration| migration.name().version().to_string()).collect()
    }
    match conn {
        Conn::Pg(_) => MigrationSource::<diesel::pg::Pg>::migrations(&POSTGRES).map(list).unwrap_or_default(),
        Conn::Sqlite(_) => MigrationSource::<diesel::sqlite::Sqlite>::migrations(&SQLITE).map(list).unwrap_or_default(),
    }
}

/// The versions in the database; refuses those that this program does not know.
fn refuse_newer(conn: &mut Conn) -> Result<Vec<String>, OpenError> {
    let failed = |error: diesel::result::Error| OpenError::Migration(error.to_string());
    let table_exists = match conn {
        Conn::Pg(_) => "to_regclass('__diesel_schema_migrations') IS NOT NULL",
        Conn::Sqlite(_) => "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')",
    };
    let exists: bool =
        diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(table_exists)).get_result(conn).map_err(failed)?;
    if !exists {
        if let Conn::Sqlite(_) = conn {
            // Reading tells whether the file is a database at all.
            execute(conn, "SELECT count(*) FROM sqlite_master").map_err(failed)?;
        }
        return Ok(Vec::new());
    }
    let known: Vec<String> = diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(
        "version FROM __diesel_schema_migrations ORDER BY version",
    ))
    .load(conn)
    .map_err(failed)?;
    let own = own(conn);
    match known.iter().find(|version| !own.contains(version)) {
        Some(newer) => Err(OpenError::Newer(newer.clone())),
        None => Ok(known),
    }
}
