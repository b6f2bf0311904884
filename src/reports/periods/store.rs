//! Steps of a mutual's months, and counts of what is open at the end of one.
use crate::claims::model::ClaimState;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::ledger::model::AccountKind;
use crate::reports::releases::model::MonthStep;
use chrono::NaiveDate;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

/// Adds a step.
pub fn insert_step(w: &mut Write, row: &MonthStep) -> QueryResult<()> {
    diesel::insert_into(month_steps::table).values(row).execute(w.conn()).map(|_| ())
}

/// The steps of some months, by month and order.
pub fn list_steps(
    r: &mut Read,
    mutual: MutualId,
    (first, last): (NaiveDate, NaiveDate),
) -> QueryResult<Vec<MonthStep>> {
    month_steps::table
        .filter(month_steps::mutual_id.eq(mutual))
        .filter(month_steps::month.between(first, last))
        .order((month_steps::month, month_steps::ordinal))
        .select(MonthStep::as_select())
        .load(r.conn())
}

/// A step by its id.
pub fn find_step(r: &mut Read, mutual: MutualId, id: MonthStepId) -> QueryResult<Option<MonthStep>> {
    month_steps::table.find((mutual, id)).select(MonthStep::as_select()).first(r.conn()).optional()
}

/// What collectors submitted by a day and nobody has counted: how many, how much.
pub fn uncounted(r: &mut Read, mutual: MutualId, by: NaiveDate) -> QueryResult<(i64, i64)> {
    let (number, sum): (i64, Option<i64>) = remittances::table
        .filter(remittances::mutual_id.eq(mutual))
        .filter(remittances::submitted_on.le(by))
        .filter(remittances::reconciled_on.is_null())
        .filter(remittances::closed_on.is_null())
        .select((count_star(), sql::<Nullable<BigInt>>("CAST(SUM(declared_minor) AS BIGINT)")))
        .first(r.conn())?;
    Ok((number, sum.unwrap_or(0)))
}

/// Claims submitted by a day that still wait for a person: how many, what they bill.
pub fn pending(r: &mut Read, mutual: MutualId, by: NaiveDate) -> QueryResult<(i64, i64)> {
    let (number, sum): (i64, Option<i64>) = claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::submitted_on.le(by))
        .filter(claims::state.eq(ClaimState::Pended))
        .select((count_star(), sql::<Nullable<BigInt>>("CAST(SUM(billed_minor) AS BIGINT)")))
        .first(r.conn())?;
    Ok((number, sum.unwrap_or(0)))
}

/// What lies unallocated at the end of a day.
pub fn unallocated(r: &mut Read, mutual: MutualId, by: NaiveDate) -> QueryResult<i64> {
    let account: Option<AccountId> = accounts::table
        .filter(accounts::mutual_id.eq(mutual))
        .filter(accounts::kind.eq(AccountKind::Liability))
        .filter(accounts::code.eq(crate::ledger::rules::UNALLOCATED))
        .select(accounts::id)
        .first(r.conn())
        .optional()?;
    let Some(account) = account else { return Ok(0) };
    let until = transfers::table.filter(transfers::mutual_id.eq(mutual)).filter(transfers::value_on.le(by));
    let total = || sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)");
    let credits: Option<i64> =
        until.filter(transfers::credit_account_id.eq(account)).select(total()).first(r.conn())?;
    let debits: Option<i64> = until.filter(transfers::debit_account_id.eq(account)).select(total()).first(r.conn())?;
    Ok(credits.unwrap_or(0) - debits.unwrap_or(0))
}

/// Sessions of cash desks that were opened by a day and are not closed.
pub fn open_sessions(r: &mut Read, mutual: MutualId, by: NaiveDate) -> QueryResult<i64> {
    cash_sessions::table
        .filter(cash_sessions::mutual_id.eq(mutual))
        .filter(cash_sessions::opened_on.le(by))
        .filter(cash_sessions::closed_on.is_null())
        .select(count_star())
        .first(r.conn())
}
