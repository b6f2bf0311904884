//! The journal for another program: every transfer of a time, as CSV that is written as it is read, or as a sheet.
use super::model::{Account, Transfer};
use super::store;
use crate::access::scopes::MutualScope;
use crate::db::{Db, Wall};
use crate::error::{Error, Result};
use crate::ids::*;
use crate::money::format_minor;
use crate::web::blocking;
use actix_web::web::Bytes;
use chrono::NaiveDate;
use rust_xlsxwriter::{Workbook, XlsxError};
use std::collections::HashMap;

/// Transfers read at a time.
const PAGE: i64 = 1_000;

const COLUMNS: [&str; 13] = [
    "value_on",
    "posted_on",
    "book",
    "event",
    "debit_account",
    "credit_account",
    "amount",
    "currency",
    "payment_id",
    "due_id",
    "claim_id",
    "reverses_id",
    "transfer_id",
];

/// The cells of a transfer. None of them can be a formula: codes, ids, dates and digits alone.
fn cells(row: &Transfer, codes: &HashMap<AccountId, String>, scope: &MutualScope) -> [String; 13] {
    let code = |id: &AccountId| codes.get(id).cloned().unwrap_or_default();
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    [
        row.value_on.to_string(),
        row.posted_on.to_string(),
        row.book.clone(),
        row.event.clone(),
        code(&row.debit_account_id),
        code(&row.credit_account_id),
        format_minor(row.amount_minor, scope.currency()),
        row.currency.clone(),
        id(row.payment_id.map(Key::uuid)),
        id(row.due_id.map(Key::uuid)),
        id(row.claim_id.map(Key::uuid)),
        id(row.reverses_id.map(Key::uuid)),
        row.id.to_string(),
    ]
}

fn read_page(
    db: &Db,
    scope: &MutualScope,
    book: &str,
    time: (NaiveDate, NaiveDate),
    after: Option<(NaiveDate, TransferId)>,
) -> Result<(Vec<Transfer>, HashMap<AccountId, String>)> {
    db.read(Wall::mutual(scope.mutual()), |r| {
        let rows = store::list_journal(r, scope, book, time, after, PAGE)?;
        let accounts: Vec<Account> = store::list_all_accounts(r, scope)?;
        Ok((rows, accounts.into_iter().map(|account| (account.id, account.code)).collect()))
    })
}

fn line(cells: &[impl AsRef<[u8]>]) -> Result<Vec<u8>> {
    let failed = |error: String| Error::Fault(format!("a table cannot be written: {error}"));
    let mut table = ::csv::Writer::from_writer(Vec::new());
    table.write_record(cells).map_err(|error| failed(error.to_string()))?;
    table.into_inner().map_err(|error| failed(error.to_string()))
}

/// Where a table stands: not begun, after a transfer, or done.
enum Place {
    Head,
    After(Option<(NaiveDate, TransferId)>),
    Done,
}

/// The journal as CSV, a page of transfers at a time, so that memory does not grow with the year.
pub fn table(
    db: Db,
    scope: MutualScope,
    book: String,
    time: (NaiveDate, NaiveDate),
) -> impl futures_util::Stream<Item = std::result::Result<Bytes, Error>> {
    futures_util::stream::try_unfold(Place::Head, move |place| {
        let (db, scope, book) = (db.clone(), scope.clone(), book.clone());
        async move {
            match place {
                Place::Head => Ok(Some((Bytes::from(line(&COLUMNS)?), Place::After(None)))),
                Place::Done => Ok(None),
                Place::After(after) => {
                    let (text, next) = blocking(move || {
                        let (rows, codes) = read_page(&db, &scope, &book, time, after)?;
                        let mut text = Vec::new();
                        for row in &rows {
                            text.extend(line(&cells(row, &codes, &scope))?);
                        }
                        let full = i64::try_from(rows.len()).unwrap_or(0) == PAGE;
                        let next = rows.last().filter(|_| full).map(|row| (row.value_on, row.id));
                        Ok((text, next))
                    })
                    .await?;
                    let next = next.map_or(Place::Done, |last| Place::After(Some(last)));
                    Ok(Some((Bytes::from(text), next)))
                }
            }
        }
    })
}

/// The journal as a sheet.
///
/// # Errors
/// The database's, or where the sheet cannot be written.
pub fn sheet(db: &Db, scope: &MutualScope, book: &str, time: (NaiveDate, NaiveDate)) -> Result<Vec<u8>> {
    let failed = |error: XlsxError| Error::Fault(format!("a sheet cannot be written: {error}"));
    let mut file = Workbook::new();
    // Rows leave memory as they are written.
    let page = file.add_worksheet_with_constant_memory().map_err(failed)?;
    page.set_name("Journal").map_err(failed)?;
    for (column, title) in (0u16..).zip(COLUMNS) {
        page.write_string(0, column, title).map_err(failed)?;
    }
    let mut at = 1u32;
    let mut after = None;
    loop {
        let (rows, codes) = read_page(db, scope, book, time, after)?;
        for row in &rows {
            for (column, cell) in (0u16..).zip(cells(row, &codes, scope)) {
                if COLUMNS[usize::from(column)] == "amount" && scope.currency().exponent() == 0 {
                    write_whole(page, at, column, row.amount_minor).map_err(failed)?;
                } else {
                    page.write_string(at, column, cell).map_err(failed)?;
                }
            }
            at += 1;
        }
        if i64::try_from(rows.len()).unwrap_or(0) < PAGE {
            break;
        }
        after = rows.last().map(|row| (row.value_on, row.id));
    }
    file.save_to_buffer().map_err(failed)
}

/// An amount without decimals as a number that a sheet adds up. A sheet knows no other number; below 2^53 it is exact.
#[expect(clippy::disallowed_types, clippy::cast_precision_loss, reason = "exact below 2^53, where every amount is")]
fn write_whole(
    page: &mut rust_xlsxwriter::Worksheet,
    row: u32,
    column: u16,
    amount: i64,
) -> std::result::Result<(), XlsxError> {
    page.write_number(row, column, amount as f64).map(|_| ())
}
