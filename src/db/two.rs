//! Two connections that read one snapshot, each in a thread of its own. PostgreSQL hands a snapshot from one to the other.
//! SQLite does not: there both begin, and the second sees whether anything was committed since before the first did.
use super::{Conn, READ_ON_POSTGRES, Wall, begin as begin_one, set_wall};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// Begins a snapshot on one connection, and where it can be shared on the other. Says whether it is; the other is then to be
/// [`end`]ed, and has otherwise nothing begun. The first reads alone where the second cannot, for whatever reason.
pub(super) fn begin(one: &mut Conn, other: Option<&mut Conn>, wall: Wall) -> QueryResult<bool> {
    let Some(other) = other else { return begin_one(one, true, wall).map(|()| false) };
    let before = match other {
        Conn::Pg(_) => None,
        Conn::Sqlite(_) => Some(version(other)?),
    };
    begin_one(one, true, wall)?;
    let shared = match before {
        // A transaction of SQLite begins with its first read.
        Some(before) => version(one).map(|_| follow(other, before, wall)),
        None => exported(one).map(|name| import(other, &name, wall).map(|()| true)),
    };
    match shared {
        Ok(shared) => Ok(given(shared, other)),
        Err(error) => {
            end(one);
            Err(error)
        }
    }
}

/// Ends what was begun; it was read only, so how it ends changes nothing.
pub(super) fn end(other: &mut Conn) {
    let ended = <Conn as Connection>::TransactionManager::rollback_transaction(other);
    if let Err(error) = ended {
        tracing::debug!(%error, "a reader did not end");
    }
}

/// Leaves nothing begun where the snapshot is not shared.
fn given(shared: QueryResult<bool>, other: &mut Conn) -> bool {
    if let Err(error) = &shared {
        tracing::debug!(%error, "a snapshot was not shared");
    }
    let is_shared = shared.unwrap_or(false);
    if !is_shared && is_open(other) {
        end(other);
    }
    is_shared
}

fn is_open(conn: &mut Conn) -> bool {
    let state = <Conn as Connection>::TransactionManager::transaction_manager_status_mut(conn);
    state.transaction_depth().is_ok_and(|depth| depth.is_some())
}

/// A number that is another one after anybody else has committed. Within a transaction it is that of its snapshot.
fn version(conn: &mut Conn) -> QueryResult<i64> {
    diesel::select(diesel::dsl::sql::<BigInt>("data_version FROM pragma_data_version")).get_result(conn)
}

/// Begins after the first has begun; true where nobody has committed since before it had.
fn follow(other: &mut Conn, before: i64, wall: Wall) -> QueryResult<bool> {
    begin_one(other, true, wall)?;
    Ok(version(other)? == before)
}

fn exported(one: &mut Conn) -> QueryResult<String> {
    diesel::select(diesel::dsl::sql::<Text>("pg_export_snapshot()")).get_result(one)
}

fn import(other: &mut Conn, name: &str, wall: Wall) -> QueryResult<()> {
    if let Conn::Pg(pg) = other {
        AnsiTransactionManager::begin_transaction_sql(pg, READ_ON_POSTGRES)?;
        // The server made the name, of digits, letters and hyphens; the statement takes no value that is bound.
        diesel::sql_query(format!("SET TRANSACTION SNAPSHOT '{name}'")).execute(pg)?;
    }
    set_wall(other, wall)
}
