//! Rows of the audit and of the command frame, written and read.
use super::model::*;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::{insert_all, insert_new};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Takes the ids of commands: true where all were free.
///
/// # Errors
/// The database's.
pub fn claim_commands(w: &mut Write, rows: &[CommandRow]) -> QueryResult<bool> {
    Ok(insert_new!(w, commands::table, rows)? == rows.len())
}

/// The command that has this id.
///
/// # Errors
/// The database's.
pub fn find_command(r: &mut Read, mutual: MutualId, id: CommandId) -> QueryResult<Option<CommandRow>> {
    commands::table.find((mutual, id)).select(CommandRow::as_select()).get_result(r.conn()).optional()
}

/// An audit row of a mutual.
pub fn find(r: &mut Read, mutual: MutualId, id: AuditId) -> QueryResult<Option<AuditRow>> {
    audit_rows::table.find((mutual, id)).select(AuditRow::as_select()).get_result(r.conn()).optional()
}

/// Writes audit rows with their values.
///
/// # Errors
/// The database's.
pub fn insert_audit(w: &mut Write, rows: &[AuditRow], values: &[AuditValue]) -> QueryResult<()> {
    insert_all!(w, audit_rows::table, rows)?;
    insert_all!(w, audit_values::table, values)
}

/// Rows of a mutual, newest last.
///
/// # Errors
/// The database's.
pub fn list_rows(
    r: &mut Read,
    mutual: MutualId,
    actor: Option<UserId>,
    from: Option<NaiveDateTime>,
    after: Option<(NaiveDateTime, AuditId)>,
    limit: i64,
) -> QueryResult<Vec<AuditRow>> {
    let mut query = audit_rows::table
        .filter(audit_rows::mutual_id.eq(mutual))
        .order((audit_rows::recorded_at, audit_rows::id))
        .limit(limit)
        .select(AuditRow::as_select())
        .into_boxed();
    if let Some(actor) = actor {
        query = query.filter(audit_rows::actor_id.eq(actor));
    }
    if let Some(from) = from {
        query = query.filter(audit_rows::recorded_at.ge(from));
    }
    if let Some((at, id)) = after {
        query =
            query.filter(audit_rows::recorded_at.gt(at).or(audit_rows::recorded_at.eq(at).and(audit_rows::id.gt(id))));
    }
    query.load(r.conn())
}

/// Writes marks.
///
/// # Errors
/// The database's.
pub fn insert_marks(w: &mut Write, rows: &[MarkRow]) -> QueryResult<()> {
    insert_all!(w, fact_marks::table, rows)
}

/// Writes pending changes.
///
/// # Errors
/// The database's.
pub fn insert_changes(w: &mut Write, rows: &[ChangeRow]) -> QueryResult<()> {
    insert_all!(w, changes_pending::table, rows)
}
