//! The connection to one engine or the other, in a file of its own because of what diesel's derive writes.
#![allow(clippy::disallowed_types, reason = "the derive names every type that a column can have, floats too")]
use diesel::{PgConnection, SqliteConnection};

/// A connection to one engine or the other.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL.
    Pg(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}
