//! Dues, payments, receipts and allocations in the database.
use super::model::*;
use crate::access::scopes::{MutualScope, Sections};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use diesel::prelude::*;
use std::collections::HashMap;

/// Adds a cash desk; false where its code is taken.
pub fn insert_desk(w: &mut Write, row: &CashDesk) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(cash_desks::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))
    .map(|inserted| inserted == 1)
}

/// Takes a desk's lock; false where there is none.
pub fn lock_desk(w: &mut Write, mutual: MutualId, id: CashDeskId) -> QueryResult<bool> {
    diesel::update(cash_desks::table.find((mutual, id)))
        .set(cash_desks::revision.eq(cash_desks::revision + 1))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// A desk.
pub fn find_desk(r: &mut Read, mutual: MutualId, id: CashDeskId) -> QueryResult<Option<CashDesk>> {
    cash_desks::table.find((mutual, id)).select(CashDesk::as_select()).get_result(r.conn()).optional()
}

/// A desk's last session, open or closed.
pub fn last_session(r: &mut Read, mutual: MutualId, desk: CashDeskId) -> QueryResult<Option<CashSession>> {
    cash_sessions::table
        .filter(cash_sessions::mutual_id.eq(mutual))
        .filter(cash_sessions::cash_desk_id.eq(desk))
        .order(cash_sessions::number.desc())
        .select(CashSession::as_select())
        .first(r.conn())
        .optional()
}

/// Adds a session.
pub fn insert_session(w: &mut Write, row: &CashSession) -> QueryResult<()> {
    diesel::insert_into(cash_sessions::table).values(row).execute(w.conn()).map(|_| ())
}

/// A session.
pub fn find_session(r: &mut Read, mutual: MutualId, id: CashSessionId) -> QueryResult<Option<CashSession>> {
    cash_sessions::table.find((mutual, id)).select(CashSession::as_select()).get_result(r.conn()).optional()
}

/// A desk's sessions, the last first, before a number.
pub fn list_sessions(
    r: &mut Read,
    mutual: MutualId,
    desk: CashDeskId,
    before: Option<i64>,
    limit: i64,
) -> QueryResult<Vec<CashSession>> {
    cash_sessions::table
        .filter(cash_sessions::mutual_id.eq(mutual))
        .filter(cash_sessions::cash_desk_id.eq(desk))
        .filter(cash_sessions::number.lt(before.unwrap_or(i64::MAX)))
        .order(cash_sessions::number.desc())
        .limit(limit)
        .select(CashSession::as_select())
        .load(r.conn())
}

/// Closes a session.
pub fn close_session(w: &mut Write, row: &CashSession) -> QueryResult<()> {
    diesel::update(cash_sessions::table.find((row.mutual_id, row.id)))
        .set((
            cash_sessions::closed_on.eq(row.closed_on),
            cash_sessions::closed_by.eq(row.closed_by),
            cash_sessions::closed_at.eq(row.closed_at),
            cash_sessions::expected_minor.eq(row.expected_minor),
            cash_sessions::counted_minor.eq(row.counted_minor),
            cash_sessions::note.eq(row.note.as_deref()),
        ))
        .execute(w.conn())
        .map(|_| ())
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

/// The household's dues as they were issued, by day and id.
pub fn list_dues_of(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<Due>> {
    dues::table
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::household_id.eq(household))
        .order((dues::due_on, dues::id))
        .select(Due::as_select())
        .load(r.conn())
}

/// What the household's dues are owed no more of, in order.
pub fn list_cancellations_of(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
) -> QueryResult<Vec<DueCancellation>> {
    due_cancellations::table
        .filter(due_cancellations::mutual_id.eq(mutual))
        .filter(due_cancellations::household_id.eq(household))
        .order(due_cancellations::id)
        .select(DueCancellation::as_select())
        .load(r.conn())
}

/// What these dues are owed no more of.
pub fn list_cancellations_on(r: &mut Read, scope: &MutualScope, due: &[DueId]) -> QueryResult<Vec<DueCancellation>> {
    due_cancellations::table
        .filter(due_cancellations::mutual_id.eq(scope.mutual()))
        .filter(due_cancellations::due_id.eq_any(due.to_vec()))
        .order(due_cancellations::id)
        .select(DueCancellation::as_select())
        .load(r.conn())
}

/// What was given back of the household's payments.
pub fn list_refund_parts_of(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<RefundPart>> {
    refund_parts::table
        .filter(refund_parts::mutual_id.eq(mutual))
        .filter(refund_parts::household_id.eq(household))
        .order(refund_parts::id)
        .select(RefundPart::as_select())
        .load(r.conn())
}

/// What was given back of these payments.
pub fn list_refund_parts_from(
    r: &mut Read,
    scope: &MutualScope,
    payment: &[PaymentId],
) -> QueryResult<Vec<RefundPart>> {
    refund_parts::table
        .filter(refund_parts::mutual_id.eq(scope.mutual()))
        .filter(refund_parts::payment_id.eq_any(payment.to_vec()))
        .select(RefundPart::as_select())
        .load(r.conn())
}

/// The household's refunds, by day and id.
pub fn list_refunds_of(r: &mut Read, mutual: MutualId, household: HouseholdId) -> QueryResult<Vec<(Refund, Receipt)>> {
    refunds::table
        .inner_join(
            receipts::table.on(receipts::mutual_id.eq(refunds::mutual_id).and(receipts::id.eq(refunds::receipt_id))),
        )
        .filter(refunds::mutual_id.eq(mutual))
        .filter(refunds::household_id.eq(household))
        .order((refunds::refunded_on, refunds::id))
        .select((Refund::as_select(), Receipt::as_select()))
        .load(r.conn())
}

/// Adds a refund with its parts.
pub fn insert_refund(w: &mut Write, row: &Refund, parts: &[RefundPart]) -> QueryResult<()> {
    diesel::insert_into(refunds::table).values(row).execute(w.conn())?;
    for part in parts {
        diesel::insert_into(refund_parts::table).values(part).execute(w.conn())?;
    }
    Ok(())
}

/// Adds a reversal.
pub fn insert_reversal(w: &mut Write, row: &Reversal) -> QueryResult<()> {
    diesel::insert_into(reversals::table).values(row).execute(w.conn()).map(|_| ())
}

/// The reversal of a payment.
pub fn find_reversal_of(r: &mut Read, mutual: MutualId, payment: PaymentId) -> QueryResult<Option<Reversal>> {
    reversals::table
        .filter(reversals::mutual_id.eq(mutual))
        .filter(reversals::payment_id.eq(payment))
        .select(Reversal::as_select())
        .first(r.conn())
        .optional()
}

/// A reversal.
pub fn find_reversal(r: &mut Read, mutual: MutualId, id: ReversalId) -> QueryResult<Option<Reversal>> {
    reversals::table.find((mutual, id)).select(Reversal::as_select()).get_result(r.conn()).optional()
}

/// The reversals of these payments, with their receipts.
pub fn list_reversals_on(
    r: &mut Read,
    scope: &MutualScope,
    payment: &[PaymentId],
) -> QueryResult<Vec<(Reversal, Receipt)>> {
    reversals::table
        .inner_join(
            receipts::table
                .on(receipts::mutual_id.eq(reversals::mutual_id).and(receipts::id.eq(reversals::receipt_id))),
        )
        .filter(reversals::mutual_id.eq(scope.mutual()))
        .filter(reversals::payment_id.eq_any(payment.to_vec()))
        .select((Reversal::as_select(), Receipt::as_select()))
        .load(r.conn())
}

/// A receipt.
pub fn find_receipt(r: &mut Read, mutual: MutualId, id: ReceiptId) -> QueryResult<Option<Receipt>> {
    receipts::table.find((mutual, id)).select(Receipt::as_select()).get_result(r.conn()).optional()
}

/// The labels of receipts.
pub fn list_labels(r: &mut Read, mutual: MutualId, of: &[ReceiptId]) -> QueryResult<Vec<(ReceiptId, String)>> {
    receipts::table
        .filter(receipts::mutual_id.eq(mutual))
        .filter(receipts::id.eq_any(of.to_vec()))
        .select((receipts::id, receipts::label))
        .load(r.conn())
}

/// What stands behind a receipt.
#[derive(Debug)]
pub enum Behind {
    Payment(Payment),
    /// With the payment that it takes back and that payment's receipt.
    Reversal(Reversal, Payment, String),
    Refund(Refund),
    Subsidy {
        payer: String,
        amount_minor: i64,
        reference: Option<String>,
    },
}

/// What stands behind a receipt: exactly one of these.
pub fn behind_receipt(r: &mut Read, mutual: MutualId, id: ReceiptId) -> QueryResult<Option<Behind>> {
    let payment: Option<Payment> = payments::table
        .filter(payments::mutual_id.eq(mutual))
        .filter(payments::receipt_id.eq(id))
        .select(Payment::as_select())
        .first(r.conn())
        .optional()?;
    if let Some(payment) = payment {
        return Ok(Some(Behind::Payment(payment)));
    }
    let reversal: Option<(Reversal, Payment)> = reversals::table
        .inner_join(
            payments::table
                .on(payments::mutual_id.eq(reversals::mutual_id).and(payments::id.eq(reversals::payment_id))),
        )
        .filter(reversals::mutual_id.eq(mutual))
        .filter(reversals::receipt_id.eq(id))
        .select((Reversal::as_select(), Payment::as_select()))
        .first(r.conn())
        .optional()?;
    if let Some((reversal, payment)) = reversal {
        let label = receipts::table.find((mutual, payment.receipt_id)).select(receipts::label).get_result(r.conn())?;
        return Ok(Some(Behind::Reversal(reversal, payment, label)));
    }
    let refund: Option<Refund> = refunds::table
        .filter(refunds::mutual_id.eq(mutual))
        .filter(refunds::receipt_id.eq(id))
        .select(Refund::as_select())
        .first(r.conn())
        .optional()?;
    if let Some(refund) = refund {
        return Ok(Some(Behind::Refund(refund)));
    }
    let subsidy: Option<(String, i64, Option<String>)> = subsidy_payments::table
        .inner_join(
            subsidy_batches::table.on(subsidy_batches::mutual_id
                .eq(subsidy_payments::mutual_id)
                .and(subsidy_batches::id.eq(subsidy_payments::batch_id))),
        )
        .filter(subsidy_payments::mutual_id.eq(mutual))
        .filter(subsidy_payments::receipt_id.eq(id))
        .select((subsidy_batches::payer, subsidy_payments::amount_minor, subsidy_payments::reference))
        .first(r.conn())
        .optional()?;
    Ok(subsidy.map(|(payer, amount_minor, reference)| Behind::Subsidy { payer, amount_minor, reference }))
}

/// A series of receipts.
#[derive(Debug, Clone, Queryable)]
pub struct ReceiptSeries {
    pub id: SeriesId,
    pub label: String,
    pub year: i32,
    pub first_number: i64,
    pub last_number: i64,
}

/// The series of receipts that were begun, by label.
pub fn list_receipt_series(
    r: &mut Read,
    mutual: MutualId,
    after: Option<String>,
    limit: i64,
) -> QueryResult<Vec<ReceiptSeries>> {
    series::table
        .filter(series::mutual_id.eq(mutual))
        .filter(series::kind.eq(crate::series::SeriesKind::Receipt))
        .filter(series::label.gt(after.unwrap_or_default()))
        .order((series::label, series::id))
        .limit(limit)
        .select((series::id, series::label, series::year, series::first_number, series::last_number))
        .load(r.conn())
}

/// How many receipts a series has, and the numbers that none of them has. Where count and ends agree there is no gap: a
/// number is given once.
pub fn gaps(r: &mut Read, mutual: MutualId, of: &ReceiptSeries) -> QueryResult<(i64, Vec<i64>)> {
    let own = receipts::table.filter(receipts::mutual_id.eq(mutual)).filter(receipts::series_id.eq(of.id));
    let count: i64 = own.count().get_result(r.conn())?;
    if count == of.last_number - of.first_number + 1 {
        return Ok((count, Vec::new()));
    }
    let numbers: Vec<Option<i64>> = own.order(receipts::number).select(receipts::number).load(r.conn())?;
    let there: std::collections::BTreeSet<i64> = numbers.into_iter().flatten().collect();
    Ok((count, (of.first_number..=of.last_number).filter(|number| !there.contains(number)).collect()))
}

/// The receipt series of an issuer, by year.
pub fn list_series_of(r: &mut Read, mutual: MutualId, issuer: CashDeskId) -> QueryResult<Vec<ReceiptSeries>> {
    series::table
        .filter(series::mutual_id.eq(mutual))
        .filter(series::kind.eq(crate::series::SeriesKind::Receipt))
        .filter(series::issuer_id.eq(issuer))
        .order((series::year, series::id))
        .select((series::id, series::label, series::year, series::first_number, series::last_number))
        .load(r.conn())
}

/// The sum of a collector's standing receipts.
pub fn sum_of_collector(r: &mut Read, mutual: MutualId, collector: UserId) -> QueryResult<i64> {
    let sum: Option<i64> = payments::table
        .filter(payments::mutual_id.eq(mutual))
        .filter(payments::collector_id.eq(collector))
        .filter(diesel::dsl::not(diesel::dsl::exists(
            reversals::table
                .filter(reversals::mutual_id.eq(payments::mutual_id))
                .filter(reversals::payment_id.eq(payments::id)),
        )))
        .select(diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::BigInt>>(
            "CAST(SUM(amount_minor) AS BIGINT)",
        ))
        .first(r.conn())?;
    Ok(sum.unwrap_or(0))
}

/// The household to which a payment belongs.
pub fn household_of(r: &mut Read, mutual: MutualId, payment: PaymentId) -> QueryResult<Option<HouseholdId>> {
    payments::table.find((mutual, payment)).select(payments::household_id).get_result(r.conn()).optional()
}

/// A due.
pub fn find_due(r: &mut Read, mutual: MutualId, id: DueId) -> QueryResult<Option<Due>> {
    dues::table.find((mutual, id)).select(Due::as_select()).get_result(r.conn()).optional()
}

/// Holds off invoices to other payers: a due is in one or is relieved, never both.
pub fn lock_invoicing(w: &mut Write, mutual: MutualId) -> QueryResult<()> {
    diesel::update(money_settings::table.filter(money_settings::mutual_id.eq(mutual)))
        .set(money_settings::version.eq(money_settings::version))
        .execute(w.conn())
        .map(|_| ())
}

/// Which of these dues stand in an invoice to their payer.
pub fn list_invoiced(r: &mut Read, mutual: MutualId, of: &[DueId]) -> QueryResult<Vec<DueId>> {
    subsidy_items::table
        .filter(subsidy_items::mutual_id.eq(mutual))
        .filter(subsidy_items::due_id.eq_any(of.to_vec()))
        .select(subsidy_items::due_id)
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

/// What is paid of these dues, by the household or, in the order of its invoice, by their own payer.
pub fn list_paid_on(r: &mut Read, scope: &MutualScope, due: &[DueId]) -> QueryResult<HashMap<DueId, i64>> {
    let mut paid = HashMap::new();
    let rows: Vec<(DueId, i64)> = allocations::table
        .filter(allocations::mutual_id.eq(scope.mutual()))
        .filter(allocations::due_id.eq_any(due.to_vec()))
        .select((allocations::due_id, allocations::amount_minor))
        .load(r.conn())?;
    for (due, amount) in rows {
        *paid.entry(due).or_default() += amount;
    }
    let invoiced: Vec<(DueId, SubsidyBatchId, i64, i64)> = subsidy_items::table
        .filter(subsidy_items::mutual_id.eq(scope.mutual()))
        .filter(subsidy_items::due_id.eq_any(due.to_vec()))
        .select((
            subsidy_items::due_id,
            subsidy_items::batch_id,
            subsidy_items::before_minor,
            subsidy_items::amount_minor,
        ))
        .load(r.conn())?;
    let batches: Vec<SubsidyBatchId> = invoiced.iter().map(|row| row.1).collect();
    let received: Vec<(SubsidyBatchId, i64)> = subsidy_payments::table
        .filter(subsidy_payments::mutual_id.eq(scope.mutual()))
        .filter(subsidy_payments::batch_id.eq_any(batches))
        .select((subsidy_payments::batch_id, subsidy_payments::amount_minor))
        .load(r.conn())?;
    for (due, batch, before, amount) in invoiced {
        let sum: i64 = received.iter().filter(|(of, _)| *of == batch).map(|(_, amount)| amount).sum();
        *paid.entry(due).or_default() += (sum - before).clamp(0, amount);
    }
    Ok(paid)
}

/// What dues took from payments, in order.
pub fn list_allocations_from(r: &mut Read, scope: &MutualScope, payment: &[PaymentId]) -> QueryResult<Vec<Allocation>> {
    allocations::table
        .filter(allocations::mutual_id.eq(scope.mutual()))
        .filter(allocations::payment_id.eq_any(payment.to_vec()))
        .order((allocations::revision, allocations::ordinal))
        .select(Allocation::as_select())
        .load(r.conn())
}

/// The sections to which the caller is bound; none where he sees all.
pub(crate) fn sections(scope: &MutualScope) -> Option<Vec<Option<OrganisationId>>> {
    match scope.sections() {
        Sections::All => None,
        Sections::These(ids) => Some(ids.iter().map(|id| Some(*id)).collect()),
    }
}

/// Dues within the caller's sections as they were issued, by id.
pub fn list_dues(
    r: &mut Read,
    scope: &MutualScope,
    household: Option<HouseholdId>,
    after: Option<DueId>,
    limit: i64,
) -> QueryResult<Vec<Due>> {
    let mut query = dues::table
        .inner_join(
            households::table.on(households::mutual_id.eq(dues::mutual_id).and(households::id.eq(dues::household_id))),
        )
        .filter(dues::mutual_id.eq(scope.mutual()))
        .order(dues::id)
        .limit(limit)
        .select(Due::as_select())
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
    query.load(r.conn())
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
