//! Heads, marks and facts of a mutual's months.
use super::model::*;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::{insert_all, on_each};
use chrono::NaiveDate;
use diesel::prelude::*;

/// The heads of some months.
pub fn heads(r: &mut Read, mutual: MutualId, (first, last): (NaiveDate, NaiveDate)) -> QueryResult<Vec<FactHead>> {
    fact_heads::table
        .filter(fact_heads::mutual_id.eq(mutual))
        .filter(fact_heads::month.between(first, last))
        .order(fact_heads::month)
        .select(FactHead::as_select())
        .load(r.conn())
}

/// Which of some months are marked.
pub fn marked(r: &mut Read, mutual: MutualId, (first, last): (NaiveDate, NaiveDate)) -> QueryResult<Vec<NaiveDate>> {
    fact_marks::table
        .filter(fact_marks::mutual_id.eq(mutual))
        .filter(fact_marks::month.between(first, last))
        .order(fact_marks::month)
        .select(fact_marks::month)
        .distinct()
        .load(r.conn())
}

/// The ids of a month's marks.
pub fn marks(r: &mut Read, mutual: MutualId, month: NaiveDate) -> QueryResult<Vec<MarkId>> {
    fact_marks::table
        .filter(fact_marks::mutual_id.eq(mutual))
        .filter(fact_marks::month.eq(month))
        .order(fact_marks::id)
        .select(fact_marks::id)
        .load(r.conn())
}

/// All months that are marked or have a head, by month.
pub fn months(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<NaiveDate>> {
    let mut months: Vec<NaiveDate> = fact_marks::table
        .filter(fact_marks::mutual_id.eq(mutual))
        .select(fact_marks::month)
        .distinct()
        .load(r.conn())?;
    let heads: Vec<NaiveDate> =
        fact_heads::table.filter(fact_heads::mutual_id.eq(mutual)).select(fact_heads::month).load(r.conn())?;
    months.extend(heads);
    months.sort_unstable();
    months.dedup();
    Ok(months)
}

/// Makes a head that may be there: generation 0, nothing computed.
pub fn insert_head(w: &mut Write, head: &FactHead) -> QueryResult<()> {
    on_each!(w.conn(), |c| diesel::insert_into(fact_heads::table).values(head).on_conflict_do_nothing().execute(c))
        .map(|_| ())
}

/// Moves a head from a generation to the next; false where another was faster.
pub fn advance(w: &mut Write, head: &FactHead, computed_through: NaiveDate, definition: &str) -> QueryResult<bool> {
    diesel::update(fact_heads::table.find((head.mutual_id, head.id)).filter(fact_heads::generation.eq(head.generation)))
        .set((
            fact_heads::generation.eq(head.generation + 1),
            fact_heads::computed_through.eq(Some(computed_through)),
            fact_heads::definition.eq(definition),
        ))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// Puts a month's facts in the place of those before.
pub fn replace(w: &mut Write, totals: &TotalsRow, cuts: &[CutRow]) -> QueryResult<()> {
    let (mutual, month) = (totals.mutual_id, totals.month);
    diesel::delete(
        month_totals::table.filter(month_totals::mutual_id.eq(mutual)).filter(month_totals::month.eq(month)),
    )
    .execute(w.conn())?;
    diesel::delete(month_cuts::table.filter(month_cuts::mutual_id.eq(mutual)).filter(month_cuts::month.eq(month)))
        .execute(w.conn())?;
    diesel::insert_into(month_totals::table).values(totals).execute(w.conn())?;
    insert_all!(w, month_cuts::table, cuts)
}

/// Removes exactly these marks.
pub fn remove_marks(w: &mut Write, mutual: MutualId, ids: &[MarkId]) -> QueryResult<()> {
    for chunk in ids.chunks(500) {
        diesel::delete(
            fact_marks::table.filter(fact_marks::mutual_id.eq(mutual)).filter(fact_marks::id.eq_any(chunk.to_vec())),
        )
        .execute(w.conn())?;
    }
    Ok(())
}

/// The figures of some months, by month.
pub fn totals(r: &mut Read, mutual: MutualId, (first, last): (NaiveDate, NaiveDate)) -> QueryResult<Vec<TotalsRow>> {
    month_totals::table
        .filter(month_totals::mutual_id.eq(mutual))
        .filter(month_totals::month.between(first, last))
        .order(month_totals::month)
        .select(TotalsRow::as_select())
        .load(r.conn())
}

/// The cuts of some months, by month and dimension.
pub fn cuts(r: &mut Read, mutual: MutualId, (first, last): (NaiveDate, NaiveDate)) -> QueryResult<Vec<CutRow>> {
    month_cuts::table
        .filter(month_cuts::mutual_id.eq(mutual))
        .filter(month_cuts::month.between(first, last))
        .order((month_cuts::month, month_cuts::dimension))
        .select(CutRow::as_select())
        .load(r.conn())
}

/// Takes a month's head as a lock; none where there is none.
pub fn lock_head(w: &mut Write, mutual: MutualId, month: NaiveDate) -> QueryResult<Option<FactHead>> {
    let held =
        diesel::update(fact_heads::table.filter(fact_heads::mutual_id.eq(mutual)).filter(fact_heads::month.eq(month)))
            // The value that it has: what is meant is the lock of the row.
            .set(fact_heads::generation.eq(fact_heads::generation))
            .execute(w.conn())?;
    if held == 0 {
        return Ok(None);
    }
    Ok(heads(w, mutual, (month, month))?.pop())
}

/// When the mutual's first household was registered.
pub fn first_household(r: &mut Read, mutual: MutualId) -> QueryResult<Option<NaiveDate>> {
    households::table
        .filter(households::mutual_id.eq(mutual))
        .select(diesel::dsl::min(households::registered_on))
        .first(r.conn())
}
