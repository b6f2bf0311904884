//! Invoices in the database.
use super::model::*;
use crate::claims::model::ClaimState;
use crate::claims::rules::{ClaimReason, Totals};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use std::collections::BTreeMap;

/// Rows named in one statement at most.
const MANY: usize = 500;

/// Adds an invoice; false where the facility has one of this number.
pub fn insert(w: &mut Write, row: &Invoice) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(invoices::table).values(row).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// An invoice.
pub fn find(r: &mut Read, mutual: MutualId, id: InvoiceId) -> QueryResult<Option<Invoice>> {
    invoices::table.find((mutual, id)).select(Invoice::as_select()).get_result(r.conn()).optional()
}

/// A facility's invoice of a number.
pub fn find_by_number(
    r: &mut Read,
    mutual: MutualId,
    provider: ProviderId,
    number: &str,
) -> QueryResult<Option<Invoice>> {
    invoices::table
        .filter(invoices::mutual_id.eq(mutual))
        .filter(invoices::provider_id.eq(provider))
        .filter(invoices::number.eq(number))
        .select(Invoice::as_select())
        .first(r.conn())
        .optional()
}

/// Takes an invoice as a lock; gives it as it is then.
pub fn lock(w: &mut Write, mutual: MutualId, id: InvoiceId) -> QueryResult<Option<Invoice>> {
    let taken = diesel::update(invoices::table.find((mutual, id)))
        .set(invoices::version.eq(invoices::version))
        .execute(w.conn())?;
    if taken == 0 { Ok(None) } else { find(w, mutual, id) }
}

/// Writes what changes of an invoice that the command holds locked.
pub fn set(w: &mut Write, row: &Invoice) -> QueryResult<()> {
    diesel::update(invoices::table.find((row.mutual_id, row.id)))
        .set((
            invoices::state.eq(row.state),
            invoices::sendings.eq(row.sendings),
            invoices::certificates.eq(row.certificates),
            invoices::job_id.eq(row.job_id),
            invoices::version.eq(row.version),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// Invoices by id, of one facility or in one state where asked.
pub fn list(
    r: &mut Read,
    mutual: MutualId,
    provider: Option<ProviderId>,
    state: Option<InvoiceState>,
    after: Option<InvoiceId>,
    limit: i64,
) -> QueryResult<Vec<Invoice>> {
    let mut query = invoices::table
        .filter(invoices::mutual_id.eq(mutual))
        .order(invoices::id)
        .limit(limit)
        .select(Invoice::as_select())
        .into_boxed();
    if let Some(provider) = provider {
        query = query.filter(invoices::provider_id.eq(provider));
    }
    if let Some(state) = state {
        query = query.filter(invoices::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(invoices::id.gt(after));
    }
    query.load(r.conn())
}

/// Adds a sending.
pub fn insert_sending(w: &mut Write, row: &Sending) -> QueryResult<()> {
    diesel::insert_into(invoice_sendings::table).values(row).execute(w.conn()).map(|_| ())
}

/// The sendings of an invoice, the first one first.
pub fn list_sendings(r: &mut Read, mutual: MutualId, invoice: InvoiceId) -> QueryResult<Vec<Sending>> {
    invoice_sendings::table
        .filter(invoice_sendings::mutual_id.eq(mutual))
        .filter(invoice_sendings::invoice_id.eq(invoice))
        .order(invoice_sendings::ordinal)
        .select(Sending::as_select())
        .load(r.conn())
}

/// Adds a step.
pub fn insert_step(w: &mut Write, row: &Step) -> QueryResult<()> {
    diesel::insert_into(invoice_steps::table).values(row).execute(w.conn()).map(|_| ())
}

/// The steps of an invoice, the first one first.
pub fn list_steps(r: &mut Read, mutual: MutualId, invoice: InvoiceId) -> QueryResult<Vec<Step>> {
    invoice_steps::table
        .filter(invoice_steps::mutual_id.eq(mutual))
        .filter(invoice_steps::invoice_id.eq(invoice))
        .order(invoice_steps::ordinal)
        .select(Step::as_select())
        .load(r.conn())
}

/// Adds certificates.
pub fn insert_items(w: &mut Write, rows: &[Item]) -> QueryResult<()> {
    insert_all!(w, invoice_claims::table, rows)
}

/// Removes certificates that are no claims: what was sent anew speaks for them.
pub fn remove_items(w: &mut Write, mutual: MutualId, ids: &[InvoiceClaimId]) -> QueryResult<()> {
    for chunk in ids.chunks(MANY) {
        diesel::delete(
            invoice_claims::table
                .filter(invoice_claims::mutual_id.eq(mutual))
                .filter(invoice_claims::id.eq_any(chunk.to_vec()))
                .filter(invoice_claims::claim_id.is_null()),
        )
        .execute(w.conn())?;
    }
    Ok(())
}

/// Certificates of an invoice by their place, with one result where asked.
pub fn list_items(
    r: &mut Read,
    mutual: MutualId,
    invoice: InvoiceId,
    result: Option<ItemResult>,
    after: Option<i32>,
    limit: i64,
) -> QueryResult<Vec<Item>> {
    let mut query = invoice_claims::table
        .filter(invoice_claims::mutual_id.eq(mutual))
        .filter(invoice_claims::invoice_id.eq(invoice))
        .filter(invoice_claims::ordinal.gt(after.unwrap_or(0)))
        .order(invoice_claims::ordinal)
        .limit(limit)
        .select(Item::as_select())
        .into_boxed();
    if let Some(result) = result {
        query = query.filter(invoice_claims::result.eq(result));
    }
    query.load(r.conn())
}

/// The certificates that a job has still to submit, by their place.
pub fn list_waiting(r: &mut Read, mutual: MutualId, job: JobId, limit: i64) -> QueryResult<Vec<Item>> {
    invoice_claims::table
        .filter(invoice_claims::mutual_id.eq(mutual))
        .filter(invoice_claims::job_id.eq(job))
        .filter(invoice_claims::result.eq(ItemResult::Waiting))
        .order(invoice_claims::ordinal)
        .limit(limit)
        .select(Item::as_select())
        .load(r.conn())
}

/// Which of these a job has still to submit.
pub fn still_waiting(
    r: &mut Read,
    mutual: MutualId,
    job: JobId,
    ids: &[InvoiceClaimId],
) -> QueryResult<Vec<InvoiceClaimId>> {
    invoice_claims::table
        .filter(invoice_claims::mutual_id.eq(mutual))
        .filter(invoice_claims::id.eq_any(ids.to_vec()))
        .filter(invoice_claims::job_id.eq(job))
        .filter(invoice_claims::result.eq(ItemResult::Waiting))
        .select(invoice_claims::id)
        .load(r.conn())
}

/// How many certificates a job has still to submit.
pub fn count_waiting_of(r: &mut Read, mutual: MutualId, job: JobId) -> QueryResult<i64> {
    invoice_claims::table
        .filter(invoice_claims::mutual_id.eq(mutual))
        .filter(invoice_claims::job_id.eq(job))
        .filter(invoice_claims::result.eq(ItemResult::Waiting))
        .count()
        .get_result(r.conn())
}

/// Gives all that waits of an invoice to a job.
pub fn give_waiting(w: &mut Write, mutual: MutualId, invoice: InvoiceId, job: JobId) -> QueryResult<usize> {
    diesel::update(
        invoice_claims::table
            .filter(invoice_claims::mutual_id.eq(mutual))
            .filter(invoice_claims::invoice_id.eq(invoice))
            .filter(invoice_claims::result.eq(ItemResult::Waiting)),
    )
    .set(invoice_claims::job_id.eq(job))
    .execute(w.conn())
}

/// Writes what came of a certificate.
pub fn set_result(w: &mut Write, row: &Item) -> QueryResult<()> {
    diesel::update(invoice_claims::table.find((row.mutual_id, row.id)))
        .set((
            invoice_claims::result.eq(row.result),
            invoice_claims::claim_id.eq(row.claim_id),
            invoice_claims::faults.eq(&row.faults),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// Says of certificates that are claims that they were sent again alike.
pub fn set_known(w: &mut Write, mutual: MutualId, ids: &[InvoiceClaimId]) -> QueryResult<()> {
    for chunk in ids.chunks(MANY) {
        diesel::update(
            invoice_claims::table
                .filter(invoice_claims::mutual_id.eq(mutual))
                .filter(invoice_claims::id.eq_any(chunk.to_vec()))
                .filter(invoice_claims::claim_id.is_not_null()),
        )
        .set((invoice_claims::result.eq(ItemResult::Known), invoice_claims::faults.eq(None::<String>)))
        .execute(w.conn())?;
    }
    Ok(())
}

/// How many certificates of these invoices have which result.
pub fn count_results(
    r: &mut Read,
    mutual: MutualId,
    invoices: &[InvoiceId],
) -> QueryResult<Vec<(InvoiceId, ItemResult, i64)>> {
    invoice_claims::table
        .filter(invoice_claims::mutual_id.eq(mutual))
        .filter(invoice_claims::invoice_id.eq_any(invoices.to_vec()))
        .group_by((invoice_claims::invoice_id, invoice_claims::result))
        .select((invoice_claims::invoice_id, invoice_claims::result, diesel::dsl::count_star()))
        .load(r.conn())
}

/// The claims of an invoice in one state, added up.
#[derive(Debug, Clone)]
pub struct Sums {
    pub state: ClaimState,
    pub claims: i64,
    pub totals: Totals,
}

type SumRow = (InvoiceId, ClaimState, i64, (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>));

/// The claims of these invoices, added up by invoice and state; what was taken back counts nothing.
pub fn sum_claims(r: &mut Read, mutual: MutualId, of: &[InvoiceId]) -> QueryResult<BTreeMap<InvoiceId, Vec<Sums>>> {
    let rows: Vec<SumRow> = invoice_claims::table
        .inner_join(claims::table.on(
            claims::mutual_id.eq(invoice_claims::mutual_id).and(claims::id.nullable().eq(invoice_claims::claim_id)),
        ))
        .filter(invoice_claims::mutual_id.eq(mutual))
        .filter(invoice_claims::invoice_id.eq_any(of.to_vec()))
        .filter(claims::state.ne(ClaimState::Voided))
        .group_by((invoice_claims::invoice_id, claims::state))
        .select((
            invoice_claims::invoice_id,
            claims::state,
            diesel::dsl::count_star(),
            (
                sql::<Nullable<BigInt>>("CAST(SUM(billed_minor) AS BIGINT)"),
                sql::<Nullable<BigInt>>("CAST(SUM(mutual_minor) AS BIGINT)"),
                sql::<Nullable<BigInt>>("CAST(SUM(member_minor) AS BIGINT)"),
                sql::<Nullable<BigInt>>("CAST(SUM(provider_writeoff_minor) AS BIGINT)"),
                sql::<Nullable<BigInt>>("CAST(SUM(other_paid_minor) AS BIGINT)"),
            ),
        ))
        .load(r.conn())?;
    let mut found: BTreeMap<InvoiceId, Vec<Sums>> = BTreeMap::new();
    for (invoice, state, claims, (billed, mutual, member, provider_writeoff, other_payer)) in rows {
        let totals = Totals {
            billed: billed.unwrap_or(0),
            mutual: mutual.unwrap_or(0),
            member: member.unwrap_or(0),
            provider_writeoff: provider_writeoff.unwrap_or(0),
            other_payer: other_payer.unwrap_or(0),
        };
        found.entry(invoice).or_default().push(Sums { state, claims, totals });
    }
    Ok(found)
}

/// What a claim says in its certificate's line.
pub type ClaimFigures = (ClaimId, String, ClaimState, crate::claims::rules::Outcome, Option<ClaimReason>, i64, i64);

/// The claims of certificates.
pub fn list_figures(r: &mut Read, mutual: MutualId, ids: &[ClaimId]) -> QueryResult<Vec<ClaimFigures>> {
    claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::id.eq_any(ids.to_vec()))
        .select((
            claims::id,
            claims::number,
            claims::state,
            claims::outcome,
            claims::claim_reason,
            claims::billed_minor,
            claims::mutual_minor,
        ))
        .load(r.conn())
}

/// A line of which something was cut or refused.
#[derive(Debug, Clone, Queryable)]
pub struct CutLine {
    pub ordinal: i32,
    pub certificate: String,
    pub claim: ClaimId,
    pub claim_reason: Option<ClaimReason>,
    pub line: (i32, String, i64, i64),
    pub approved: (Option<i64>, Option<i64>),
    /// The mutual's, the member's, the provider's, another payer's part; null where the whole claim was refused.
    pub parts: (Option<i64>, Option<i64>, Option<i64>, Option<i64>),
    pub reasons: String,
    /// The provider's part of the whole claim.
    pub claim_writeoff: i64,
}

/// The lines of an invoice's decided claims of which something was cut or refused, by certificate and line.
pub fn list_cut(
    r: &mut Read,
    mutual: MutualId,
    invoice: InvoiceId,
    after: Option<(i32, i32)>,
    limit: i64,
) -> QueryResult<Vec<CutLine>> {
    let mut query = invoice_claims::table
        .inner_join(claims::table.on(
            claims::mutual_id.eq(invoice_claims::mutual_id).and(claims::id.nullable().eq(invoice_claims::claim_id)),
        ))
        .inner_join(
            claim_lines::table
                .on(claim_lines::mutual_id.eq(claims::mutual_id).and(claim_lines::claim_id.eq(claims::id))),
        )
        .inner_join(services::table.on(services::id.eq(claim_lines::service_id)))
        .filter(invoice_claims::mutual_id.eq(mutual))
        .filter(invoice_claims::invoice_id.eq(invoice))
        .filter(claims::state.ne(ClaimState::Pended))
        .filter(claims::state.ne(ClaimState::Voided))
        .filter(claims::claim_reason.is_not_null().or(claim_lines::reasons.ne("[]").nullable()))
        .order((invoice_claims::ordinal, claim_lines::line))
        .limit(limit)
        .select((
            invoice_claims::ordinal,
            invoice_claims::certificate,
            claims::id,
            claims::claim_reason,
            (claim_lines::line, services::code, claim_lines::quantity, claim_lines::unit_price_minor),
            (claim_lines::approved_quantity, claim_lines::allowed_unit_minor),
            (
                claim_lines::mutual_minor,
                claim_lines::member_minor,
                claim_lines::provider_writeoff_minor,
                claim_lines::other_paid_minor,
            ),
            claim_lines::reasons,
            claims::provider_writeoff_minor,
        ))
        .into_boxed();
    if let Some((ordinal, line)) = after {
        query = query.filter(
            invoice_claims::ordinal.gt(ordinal).or(invoice_claims::ordinal.eq(ordinal).and(claim_lines::line.gt(line))),
        );
    }
    query.load(r.conn())
}

/// A certificate that is a claim, with the claim's facility and number where it is there.
type Claimed = (String, Option<(ProviderId, String)>);

/// The certificates of an invoice that are claims.
pub fn list_claimed(r: &mut Read, mutual: MutualId, invoice: InvoiceId) -> QueryResult<Vec<Claimed>> {
    invoice_claims::table
        .left_join(claims::table.on(
            claims::mutual_id.eq(invoice_claims::mutual_id).and(claims::id.nullable().eq(invoice_claims::claim_id)),
        ))
        .filter(invoice_claims::mutual_id.eq(mutual))
        .filter(invoice_claims::invoice_id.eq(invoice))
        .filter(invoice_claims::result.eq_any(vec![ItemResult::Claimed, ItemResult::Known, ItemResult::Differs]))
        .order(invoice_claims::ordinal)
        .select((invoice_claims::certificate, (claims::provider_id, claims::invoice_number).nullable()))
        .load(r.conn())
}
