//! Numbers in turn: card numbers, household and enrolment numbers, receipts. A series is one row of the mutual; taking a
//! number locks it, last of all locks, so that a series has no gap and no number twice.
use crate::db::Write;
use crate::db::kept::kept;
use crate::db::schema::series;
use crate::ids::*;
use crate::words;
use diesel::prelude::*;

words! {
    /// What is numbered.
    pub enum SeriesKind {
        /// Member cards.
        Card = "card",
        /// Receipts of one issuer and year.
        Receipt = "receipt",
        /// Households.
        Household = "household",
        /// Enrolments.
        Enrolment = "enrolment",
    }
}

/// Lets a series begin where paper ended. One that has given numbers may skip some only where gaps are no matter; a receipt
/// must never be missing. False where the numbers before `first` are not all free to be skipped.
///
/// # Errors
/// The database's.
pub fn begin_at(
    w: &mut Write,
    mutual: MutualId,
    kind: SeriesKind,
    issuer: CashDeskId,
    year: i32,
    label: &str,
    first: i64,
) -> QueryResult<bool> {
    // Makes the row where it is not there, and locks it.
    take(w, mutual, kind, issuer, year, label, 0)?;
    let this = series::mutual_id
        .eq(mutual)
        .and(series::kind.eq(kind))
        .and(series::issuer_id.eq(issuer))
        .and(series::year.eq(year))
        .and(series::last_number.lt(first));
    let moved = if kind == SeriesKind::Receipt {
        diesel::update(series::table.filter(this).filter(series::last_number.lt(series::first_number)))
            .set((series::last_number.eq(first - 1), series::first_number.eq(first)))
            .execute(w.conn())?
    } else {
        diesel::update(series::table.filter(this)).set(series::last_number.eq(first - 1)).execute(w.conn())?
    };
    Ok(moved == 1)
}

/// Says that a number of a series was given elsewhere: the series reaches that far now, if it did not before.
///
/// # Errors
/// The database's.
pub fn put(
    w: &mut Write,
    mutual: MutualId,
    kind: SeriesKind,
    issuer: CashDeskId,
    year: i32,
    label: &str,
    number: i64,
) -> QueryResult<SeriesId> {
    // Makes the row where it is not there, and locks it.
    let (id, _) = take(w, mutual, kind, issuer, year, label, 0)?;
    diesel::update(series::table.find((mutual, id)).filter(series::last_number.lt(number)))
        .set(series::last_number.eq(number))
        .execute(w.conn())?;
    Ok(id)
}

#[derive(Insertable)]
#[diesel(table_name = series, treat_none_as_default_value = false)]
struct Row {
    mutual_id: MutualId,
    id: SeriesId,
    kind: SeriesKind,
    issuer_id: CashDeskId,
    year: i32,
    label: String,
    last_number: i64,
}

/// Takes the next `count` numbers of a series, made with `label` where it is not there yet. Gives the series and the
/// first number; the others follow.
///
/// # Errors
/// The database's.
pub fn take(
    w: &mut Write,
    mutual: MutualId,
    kind: SeriesKind,
    issuer: CashDeskId,
    year: i32,
    label: &str,
    count: i64,
) -> QueryResult<(SeriesId, i64)> {
    let this = series::mutual_id
        .eq(mutual)
        .and(series::kind.eq(kind))
        .and(series::issuer_id.eq(issuer))
        .and(series::year.eq(year));
    let forward = |w: &mut Write| -> QueryResult<Option<(SeriesId, i64)>> {
        let forward =
            diesel::update(series::table.filter(this)).set(series::last_number.eq(series::last_number + count));
        let forward = kept(forward.returning((series::id, series::last_number)));
        crate::on_each!(w.conn(), |c| forward.load(c)).map(|mut rows| rows.pop())
    };
    let mut moved = forward(w)?;
    if moved.is_none() {
        let row = Row {
            mutual_id: mutual,
            id: w.new_id(),
            kind,
            issuer_id: issuer,
            year,
            label: label.to_owned(),
            last_number: 0,
        };
        crate::on_each!(w.conn(), |c| diesel::insert_into(series::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))?;
        moved = forward(w)?;
    }
    let (id, last) = moved.ok_or(diesel::result::Error::NotFound)?;
    Ok((id, last - count + 1))
}
