//! Dues, payments, receipts and allocations in the database.
use super::model::*;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use diesel::prelude::*;

/// Adds a cash desk.
pub fn insert_desk(w: &mut Write, row: &CashDesk) -> QueryResult<()> {
    diesel::insert_into(cash_desks::table).values(row).execute(w.conn()).map(|_| ())
}

/// The mutual's cash desks, by code.
pub fn list_desks(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<CashDesk>> {
    cash_desks::table
        .filter(cash_desks::mutual_id.eq(mutual))
        .order(cash_desks::code)
        .select(CashDesk::as_select())
        .load(r.conn())
}

/// Adds dues.
pub fn insert_dues(w: &mut Write, rows: &[Due]) -> QueryResult<()> {
    insert_all!(w, dues::table, rows)
}

/// Adds a receipt; false where its label is taken.
pub fn insert_receipt(w: &mut Write, row: &Receipt) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(receipts::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// Adds a payment.
pub fn insert_payment(w: &mut Write, row: &Payment) -> QueryResult<()> {
    diesel::insert_into(payments::table).values(row).execute(w.conn()).map(|_| ())
}

/// Adds allocations.
pub fn insert_allocations(w: &mut Write, rows: &[Allocation]) -> QueryResult<()> {
    insert_all!(w, allocations::table, rows)
}

/// The household's dues as they are owed, what was cancelled of them taken off, by day and id.
pub fn list_dues_of(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Due>> {
    let rows: Vec<(Due, Option<i64>)> = dues::table
        .left_join(
            due_cancellations::table
                .on(due_cancellations::mutual_id.eq(dues::mutual_id).and(due_cancellations::due_id.eq(dues::id))),
        )
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::household_id.eq(household))
        .order((dues::due_on, dues::id))
        .select((Due::as_select(), due_cancellations::amount_minor.nullable()))
        .load(r.conn())?;
    Ok(rows.into_iter().map(owed).filter(|due| due.amount_minor > 0).collect())
}

fn owed((due, cancelled): (Due, Option<i64>)) -> Due {
    Due { amount_minor: due.amount_minor - cancelled.unwrap_or(0), ..due }
}

/// The household's dues that were cancelled, each with its cancellation.
pub fn list_cancelled_of(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
) -> QueryResult<Vec<(Due, DueCancellation)>> {
    dues::table
        .inner_join(
            due_cancellations::table
                .on(due_cancellations::mutual_id.eq(dues::mutual_id).and(due_cancellations::due_id.eq(dues::id))),
        )
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::household_id.eq(household))
        .order((dues::due_on, dues::id))
        .select((Due::as_select(), DueCancellation::as_select()))
        .load(r.conn())
}

/// Cancels dues.
pub fn insert_cancellations(w: &mut Write, rows: &[DueCancellation]) -> QueryResult<()> {
    insert_all!(w, due_cancellations::table, rows)
}

/// The household's payments, by day and id.
pub fn list_payments_of(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Payment>> {
    payments::table
        .filter(payments::mutual_id.eq(mutual))
        .filter(payments::household_id.eq(household))
        .order((payments::received_on, payments::id))
        .select(Payment::as_select())
        .load(r.conn())
}

/// The household's reversals.
pub fn list_reversals_of(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Reversal>> {
    reversals::table
        .filter(reversals::mutual_id.eq(mutual))
        .filter(reversals::household_id.eq(household))
        .order(reversals::id)
        .select(Reversal::as_select())
        .load(r.conn())
}

/// The household's allocations, in their order.
pub fn list_allocations_of(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Allocation>> {
    allocations::table
        .filter(allocations::mutual_id.eq(mutual))
        .filter(allocations::household_id.eq(household))
        .order((allocations::revision, allocations::ordinal))
        .select(Allocation::as_select())
        .load(r.conn())
}

/// What was allocated on these dues.
pub fn list_allocations_on(r: &mut Read, scope: &MutualScope, due: &[DueId]) -> QueryResult<Vec<Allocation>> {
    allocations::table
        .filter(allocations::mutual_id.eq(scope.mutual()))
        .filter(allocations::due_id.eq_any(due.to_vec()))
        .select(Allocation::as_select())
        .load(r.conn())
}

/// What dues took from a payment, in order.
pub fn list_allocations_from(r: &mut Read, scope: &MutualScope, payment: PaymentId) -> QueryResult<Vec<Allocation>> {
    allocations::table
        .filter(allocations::mutual_id.eq(scope.mutual()))
        .filter(allocations::payment_id.eq(payment))
        .order((allocations::revision, allocations::ordinal))
        .select(Allocation::as_select())
        .load(r.conn())
}

fn sections(scope: &MutualScope) -> Option<Vec<Option<OrganisationId>>> {
    match scope.sections() {
        Sections::All => None,
        Sections::These(ids) => Some(ids.iter().map(|id| Some(*id)).collect()),
    }
}

/// Dues within the caller's sections as they are owed, with what was cancelled, by id.
pub fn list_dues(
    r: &mut Read,
    scope: &MutualScope,
    household: Option<HouseholdId>,
    after: Option<DueId>,
    limit: i64,
) -> QueryResult<Vec<(Due, i64)>> {
    let mut query = dues::table
        .inner_join(
            households::table.on(households::mutual_id.eq(dues::mutual_id).and(households::id.eq(dues::household_id))),
        )
        .left_join(
            due_cancellations::table
                .on(due_cancellations::mutual_id.eq(dues::mutual_id).and(due_cancellations::due_id.eq(dues::id))),
        )
        .filter(dues::mutual_id.eq(scope.mutual()))
        .order(dues::id)
        .limit(limit)
        .select((Due::as_select(), due_cancellations::amount_minor.nullable()))
        .into_boxed();
    if let Some(ids) = sections(scope) {
        query = query.filter(households::section_id.eq_any(ids));
    }
    if let Some(household) = household {
        query = query.filter(dues::household_id.eq(household));
    }
    if let Some(after) = after {
        query = query.filter(dues::id.gt(after));
    }
    let rows: Vec<(Due, Option<i64>)> = query.load(r.conn())?;
    Ok(rows.into_iter().map(|row| (row.1.unwrap_or(0), owed(row))).map(|(cancelled, due)| (due, cancelled)).collect())
}

/// Payments within the caller's sections with their receipts, by id.
pub fn list_payments(
    r: &mut Read,
    scope: &MutualScope,
    household: Option<HouseholdId>,
    after: Option<PaymentId>,
    limit: i64,
) -> QueryResult<Vec<(Payment, Receipt)>> {
    let mut query = payments::table
        .inner_join(
            households::table
                .on(households::mutual_id.eq(payments::mutual_id).and(households::id.eq(payments::household_id))),
        )
        .inner_join(
            receipts::table.on(receipts::mutual_id.eq(payments::mutual_id).and(receipts::id.eq(payments::receipt_id))),
        )
        .filter(payments::mutual_id.eq(scope.mutual()))
        .order(payments::id)
        .limit(limit)
        .select((Payment::as_select(), Receipt::as_select()))
        .into_boxed();
    if let Some(ids) = sections(scope) {
        query = query.filter(households::section_id.eq_any(ids));
    }
    if let Some(household) = household {
        query = query.filter(payments::household_id.eq(household));
    }
    if let Some(after) = after {
        query = query.filter(payments::id.gt(after));
    }
    query.load(r.conn())
}

/// A payment within the caller's sections, with its receipt.
pub fn find_payment(r: &mut Read, scope: &MutualScope, id: PaymentId) -> QueryResult<Option<(Payment, Receipt)>> {
    let found: Option<(Payment, Receipt, Option<OrganisationId>)> = payments::table
        .inner_join(
            households::table
                .on(households::mutual_id.eq(payments::mutual_id).and(households::id.eq(payments::household_id))),
        )
        .inner_join(
            receipts::table.on(receipts::mutual_id.eq(payments::mutual_id).and(receipts::id.eq(payments::receipt_id))),
        )
        .filter(payments::mutual_id.eq(scope.mutual()))
        .filter(payments::id.eq(id))
        .select((Payment::as_select(), Receipt::as_select(), households::section_id))
        .first(r.conn())
        .optional()?;
    Ok(found.filter(|(_, _, section)| scope.sees(*section)).map(|(payment, receipt, _)| (payment, receipt)))
}
