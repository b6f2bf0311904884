//! Accounts and transfers in the database.
use super::model::*;
use crate::access::scopes::MutualScope;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use chrono::NaiveDate;
use diesel::prelude::*;

/// Adds accounts.
pub fn insert_accounts(w: &mut Write, rows: &[Account]) -> QueryResult<()> {
    insert_all!(w, accounts::table, rows)
}

/// Opens an account where it is not open yet.
pub fn open_account(w: &mut Write, row: &Account) -> QueryResult<()> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(accounts::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|_| ())
}

/// The accounts of a book, by code. Within a command the mutual is the wall's.
pub fn list_accounts_of(r: &mut Read, mutual: MutualId, book: &str) -> QueryResult<Vec<Account>> {
    accounts::table
        .filter(accounts::mutual_id.eq(mutual))
        .filter(accounts::book.eq(book))
        .order(accounts::code)
        .select(Account::as_select())
        .load(r.conn())
}

/// Adds transfers.
pub fn insert_transfers(w: &mut Write, rows: &[Transfer]) -> QueryResult<()> {
    insert_all!(w, transfers::table, rows)
}

/// Debits less credits of an account up to the end of a day.
pub fn balance_on(r: &mut Read, mutual: MutualId, book: &str, code: &str, on: NaiveDate) -> QueryResult<i64> {
    use diesel::dsl::sql;
    use diesel::sql_types::{BigInt, Nullable};
    let id: Option<AccountId> = accounts::table
        .filter(accounts::mutual_id.eq(mutual))
        .filter(accounts::book.eq(book))
        .filter(accounts::code.eq(code))
        .select(accounts::id)
        .first(r.conn())
        .optional()?;
    let Some(id) = id else { return Ok(0) };
    let until = transfers::table.filter(transfers::mutual_id.eq(mutual)).filter(transfers::value_on.le(on));
    let total = || sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)");
    let debits: Option<i64> = until.filter(transfers::debit_account_id.eq(id)).select(total()).first(r.conn())?;
    let credits: Option<i64> = until.filter(transfers::credit_account_id.eq(id)).select(total()).first(r.conn())?;
    Ok(debits.unwrap_or(0) - credits.unwrap_or(0))
}

/// The accounts with what was debited and credited on each, by book and code.
pub fn list_balances(r: &mut Read, scope: &MutualScope) -> QueryResult<Vec<(Account, i64, i64)>> {
    use diesel::dsl::sql;
    use diesel::sql_types::{BigInt, Nullable};
    let mutual = scope.mutual();
    let debits: Vec<(AccountId, Option<i64>)> = transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .group_by(transfers::debit_account_id)
        .select((transfers::debit_account_id, sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)")))
        .load(r.conn())?;
    let credits: Vec<(AccountId, Option<i64>)> = transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .group_by(transfers::credit_account_id)
        .select((transfers::credit_account_id, sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)")))
        .load(r.conn())?;
    let all: Vec<Account> = accounts::table
        .filter(accounts::mutual_id.eq(mutual))
        .order((accounts::book, accounts::code))
        .select(Account::as_select())
        .load(r.conn())?;
    let of = |sums: &[(AccountId, Option<i64>)], id: AccountId| {
        sums.iter().find(|(account, _)| *account == id).and_then(|(_, sum)| *sum).unwrap_or(0)
    };
    Ok(all
        .into_iter()
        .map(|account| {
            let (debit, credit) = (of(&debits, account.id), of(&credits, account.id));
            (account, debit, credit)
        })
        .collect())
}

/// Transfers by id, after one.
pub fn list_transfers(
    r: &mut Read,
    scope: &MutualScope,
    account: Option<AccountId>,
    after: Option<TransferId>,
    limit: i64,
) -> QueryResult<Vec<Transfer>> {
    let mut query = transfers::table
        .filter(transfers::mutual_id.eq(scope.mutual()))
        .order(transfers::id)
        .limit(limit)
        .select(Transfer::as_select())
        .into_boxed();
    if let Some(account) = account {
        query = query.filter(transfers::debit_account_id.eq(account).or(transfers::credit_account_id.eq(account)));
    }
    if let Some(after) = after {
        query = query.filter(transfers::id.gt(after));
    }
    query.load(r.conn())
}
