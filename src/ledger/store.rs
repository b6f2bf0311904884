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

/// What one kind of event moved on an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSum {
    /// As transfers name it.
    pub event: String,
    /// How many transfers.
    pub transfers: i64,
    pub debit_minor: i64,
    pub credit_minor: i64,
}

/// What went through a desk's account in a session, by kind of event.
pub fn sums_of_session(
    r: &mut Read,
    mutual: MutualId,
    account: &str,
    session: CashSessionId,
) -> QueryResult<Vec<EventSum>> {
    use diesel::dsl::{count_star, sql};
    use diesel::sql_types::BigInt;
    let id: Option<AccountId> = accounts::table
        .filter(accounts::mutual_id.eq(mutual))
        .filter(accounts::book.eq(super::rules::MAIN))
        .filter(accounts::code.eq(account))
        .select(accounts::id)
        .first(r.conn())
        .optional()?;
    let Some(id) = id else { return Ok(Vec::new()) };
    let of = || {
        transfers::table
            .filter(transfers::mutual_id.eq(mutual))
            .filter(transfers::cash_session_id.eq(session))
            .group_by(transfers::event)
            .select((transfers::event, count_star(), sql::<BigInt>("CAST(SUM(amount_minor) AS BIGINT)")))
    };
    let debits: Vec<(String, i64, i64)> = of().filter(transfers::debit_account_id.eq(id)).load(r.conn())?;
    let credits: Vec<(String, i64, i64)> = of().filter(transfers::credit_account_id.eq(id)).load(r.conn())?;
    let mut sums: std::collections::BTreeMap<String, EventSum> = std::collections::BTreeMap::new();
    for (event, transfers, sum) in debits {
        sums.insert(event.clone(), EventSum { event, transfers, debit_minor: sum, credit_minor: 0 });
    }
    for (event, transfers, sum) in credits {
        let line = sums.entry(event.clone()).or_insert_with(|| EventSum { event, ..EventSum::default() });
        line.transfers += transfers;
        line.credit_minor = sum;
    }
    Ok(sums.into_values().collect())
}

/// Debits less credits of an account by one kind of event.
pub fn sum_of_event(r: &mut Read, mutual: MutualId, book: &str, code: &str, event: &str) -> QueryResult<i64> {
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
    let of = transfers::table.filter(transfers::mutual_id.eq(mutual)).filter(transfers::event.eq(event));
    let total = || sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)");
    let debits: Option<i64> = of.filter(transfers::debit_account_id.eq(id)).select(total()).first(r.conn())?;
    let credits: Option<i64> = of.filter(transfers::credit_account_id.eq(id)).select(total()).first(r.conn())?;
    Ok(debits.unwrap_or(0) - credits.unwrap_or(0))
}

/// Debits less credits of an account, all that was ever posted.
pub fn balance(r: &mut Read, mutual: MutualId, book: &str, code: &str) -> QueryResult<i64> {
    balance_on(r, mutual, book, code, NaiveDate::MAX)
}

/// Takes an account as a lock, where there is one.
pub fn lock_account(w: &mut Write, mutual: MutualId, book: &str, code: &str) -> QueryResult<()> {
    diesel::update(
        accounts::table
            .filter(accounts::mutual_id.eq(mutual))
            .filter(accounts::book.eq(book))
            .filter(accounts::code.eq(code)),
    )
    .set(accounts::code.eq(code))
    .execute(w.conn())
    .map(|_| ())
}

/// The transfers of a payment, in their order.
pub fn list_transfers_of_payment(r: &mut Read, mutual: MutualId, payment: PaymentId) -> QueryResult<Vec<Transfer>> {
    transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::payment_id.eq(payment))
        .order((transfers::id, transfers::ordinal))
        .select(Transfer::as_select())
        .load(r.conn())
}

/// The transfers of a settlement.
pub fn list_transfers_of_settlement(r: &mut Read, mutual: MutualId, id: SettlementId) -> QueryResult<Vec<Transfer>> {
    transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::settlement_id.eq(id))
        .order((transfers::id, transfers::ordinal))
        .select(Transfer::as_select())
        .load(r.conn())
}

/// The transfers that come from something else: a movement, a refund, a remittance.
pub fn list_transfers_from(r: &mut Read, mutual: MutualId, source: SourceId) -> QueryResult<Vec<Transfer>> {
    transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::source_id.eq(source))
        .order((transfers::id, transfers::ordinal))
        .select(Transfer::as_select())
        .load(r.conn())
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
    // Beyond what a date of an engine holds there is no bound at all.
    let last = on.min(NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(on));
    let until = transfers::table.filter(transfers::mutual_id.eq(mutual)).filter(transfers::value_on.le(last));
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

/// All accounts of a mutual, by book and code.
pub fn list_all_accounts(r: &mut Read, scope: &MutualScope) -> QueryResult<Vec<Account>> {
    accounts::table
        .filter(accounts::mutual_id.eq(scope.mutual()))
        .order((accounts::book, accounts::code))
        .select(Account::as_select())
        .load(r.conn())
}

/// The accounts of a book with what was debited and credited on each in a time, by code.
pub fn list_sums(
    r: &mut Read,
    scope: &MutualScope,
    book: &str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> QueryResult<Vec<(Account, i64, i64)>> {
    use diesel::dsl::sql;
    use diesel::sql_types::BigInt;
    let (from, to) = crate::dates::bounded((from.unwrap_or(NaiveDate::MIN), to.unwrap_or(NaiveDate::MAX)));
    let of = || {
        transfers::table
            .filter(transfers::mutual_id.eq(scope.mutual()))
            .filter(transfers::book.eq(book))
            .filter(transfers::value_on.between(from, to))
    };
    let total = || sql::<BigInt>("CAST(SUM(amount_minor) AS BIGINT)");
    let debits: Vec<(AccountId, i64)> =
        of().group_by(transfers::debit_account_id).select((transfers::debit_account_id, total())).load(r.conn())?;
    let credits: Vec<(AccountId, i64)> =
        of().group_by(transfers::credit_account_id).select((transfers::credit_account_id, total())).load(r.conn())?;
    let sum = |sums: &[(AccountId, i64)], id: AccountId| {
        sums.iter().find(|(account, _)| *account == id).map_or(0, |(_, sum)| *sum)
    };
    let all = list_accounts_of(r, scope.mutual(), book)?;
    Ok(all
        .into_iter()
        .map(|account| {
            let (debit, credit) = (sum(&debits, account.id), sum(&credits, account.id));
            (account, debit, credit)
        })
        .collect())
}

fn net(
    r: &mut Read,
    mutual: MutualId,
    account: AccountId,
    until: NaiveDate,
    through: Option<TransferId>,
) -> QueryResult<i64> {
    use diesel::dsl::sql;
    use diesel::sql_types::{BigInt, Nullable};
    // Up to the end of a day, or to a transfer of that day.
    let last = through.unwrap_or(Key::new(uuid::Uuid::max()));
    let until = crate::dates::bounded((NaiveDate::MIN, until)).1;
    let of = transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::value_on.lt(until).or(transfers::value_on.eq(until).and(transfers::id.le(last))));
    let total = || sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)");
    let debits: Option<i64> = of.filter(transfers::debit_account_id.eq(account)).select(total()).first(r.conn())?;
    let credits: Option<i64> = of.filter(transfers::credit_account_id.eq(account)).select(total()).first(r.conn())?;
    Ok(debits.unwrap_or(0) - credits.unwrap_or(0))
}

/// Debits less credits of an account up to the end of a day.
pub fn net_until(r: &mut Read, mutual: MutualId, account: AccountId, on: NaiveDate) -> QueryResult<i64> {
    net(r, mutual, account, on, None)
}

/// Debits less credits of an account up to a transfer, by day and id.
pub fn net_through(
    r: &mut Read,
    mutual: MutualId,
    account: AccountId,
    (on, id): (NaiveDate, TransferId),
) -> QueryResult<i64> {
    net(r, mutual, account, on, Some(id))
}

/// An account's transfers of a time by day and id, after one.
pub fn list_history(
    r: &mut Read,
    mutual: MutualId,
    account: AccountId,
    (from, to): (NaiveDate, NaiveDate),
    after: Option<(NaiveDate, TransferId)>,
    limit: i64,
) -> QueryResult<Vec<Transfer>> {
    let mut query = transfers::table
        .filter(transfers::mutual_id.eq(mutual))
        .filter(transfers::debit_account_id.eq(account).or(transfers::credit_account_id.eq(account)))
        .filter(transfers::value_on.between(from, to))
        .order((transfers::value_on, transfers::id))
        .limit(limit)
        .select(Transfer::as_select())
        .into_boxed();
    if let Some((on, id)) = after {
        query = query.filter(transfers::value_on.gt(on).or(transfers::value_on.eq(on).and(transfers::id.gt(id))));
    }
    query.load(r.conn())
}

/// A book's transfers of a time by day and id, after one.
pub fn list_journal(
    r: &mut Read,
    scope: &MutualScope,
    book: &str,
    (from, to): (NaiveDate, NaiveDate),
    after: Option<(NaiveDate, TransferId)>,
    limit: i64,
) -> QueryResult<Vec<Transfer>> {
    let mut query = transfers::table
        .filter(transfers::mutual_id.eq(scope.mutual()))
        .filter(transfers::book.eq(book.to_owned()))
        .filter(transfers::value_on.between(from, to))
        .order((transfers::value_on, transfers::id))
        .limit(limit)
        .select(Transfer::as_select())
        .into_boxed();
    if let Some((on, id)) = after {
        query = query.filter(transfers::value_on.gt(on).or(transfers::value_on.eq(on).and(transfers::id.gt(id))));
    }
    query.load(r.conn())
}
