//! Settlements, their items and payments, and advances, in the database.
use super::model::*;
use crate::access::scopes::MutualScope;
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use crate::insert_all;
use chrono::NaiveDate;
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use std::collections::BTreeMap;

/// Who is paid: a facility, or a household that paid a facility itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payee {
    Provider(ProviderId),
    Household(HouseholdId),
}

/// A claim of which something is open, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    pub id: ClaimId,
    pub state: ClaimState,
    /// Below zero where it is to be recovered.
    pub open_minor: i64,
    /// The mutual's share.
    pub mutual_minor: i64,
}

type OpenRow = (ClaimId, ClaimState, i64, i64);

fn open((id, state, mutual_minor, settled_minor): OpenRow) -> Open {
    let owed = if state == ClaimState::Voided { 0 } else { mutual_minor };
    Open { id, state, open_minor: owed - settled_minor, mutual_minor }
}

/// Claims of a payee of which something is open, decided on or before a day, by id.
pub fn list_open(r: &mut Read, mutual: MutualId, of: Payee, until: NaiveDate, limit: i64) -> QueryResult<Vec<Open>> {
    let owed = claims::state.eq(ClaimState::Decided).and(claims::mutual_minor.ne(claims::settled_minor));
    let to_recover = claims::state.eq(ClaimState::Voided).and(claims::settled_minor.gt(0));
    // What came with an invoice waits until the invoice is accepted.
    let in_control = invoice_claims::table
        .inner_join(
            invoices::table
                .on(invoices::mutual_id.eq(invoice_claims::mutual_id).and(invoices::id.eq(invoice_claims::invoice_id))),
        )
        .filter(invoice_claims::mutual_id.eq(claims::mutual_id))
        .filter(invoice_claims::claim_id.eq(claims::id.nullable()))
        .filter(invoices::state.ne(InvoiceState::Accepted));
    let mut query = claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(not(exists(in_control)))
        .filter(claims::decided_on.le(until))
        .filter(owed.or(to_recover))
        .order(claims::id)
        .limit(limit)
        .select((claims::id, claims::state, claims::mutual_minor, claims::settled_minor))
        .into_boxed();
    query = match of {
        Payee::Provider(provider) => {
            query.filter(claims::provider_id.eq(provider)).filter(claims::mode.eq(Mode::ThirdParty))
        }
        Payee::Household(household) => {
            query.filter(claims::household_id.eq(household)).filter(claims::mode.eq(Mode::Reimbursement))
        }
    };
    Ok(query.load::<OpenRow>(r.conn())?.into_iter().map(open).collect())
}

/// What is open of these claims, by id.
pub fn list_open_of(r: &mut Read, mutual: MutualId, ids: &[ClaimId]) -> QueryResult<Vec<Open>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(500) {
        let rows: Vec<OpenRow> = claims::table
            .filter(claims::mutual_id.eq(mutual))
            .filter(claims::id.eq_any(chunk.to_vec()))
            .select((claims::id, claims::state, claims::mutual_minor, claims::settled_minor))
            .load(r.conn())?;
        found.extend(rows.into_iter().map(open));
    }
    found.sort_unstable_by_key(|open| open.id);
    Ok(found)
}

/// Moves claims from a state to another; gives how many were in it.
pub fn move_claims(
    w: &mut Write,
    mutual: MutualId,
    ids: &[ClaimId],
    from: ClaimState,
    to: ClaimState,
) -> QueryResult<usize> {
    let mut moved = 0;
    for chunk in ids.chunks(500) {
        moved += diesel::update(
            claims::table
                .filter(claims::mutual_id.eq(mutual))
                .filter(claims::id.eq_any(chunk.to_vec()))
                .filter(claims::state.eq(from)),
        )
        .set((claims::state.eq(to), claims::version.eq(claims::version + 1)))
        .execute(w.conn())?;
    }
    Ok(moved)
}

/// Marks claims of a settlement as paid in full; gives how many were in it.
pub fn set_paid(w: &mut Write, mutual: MutualId, ids: &[ClaimId]) -> QueryResult<usize> {
    let mut paid = 0;
    for chunk in ids.chunks(500) {
        paid += diesel::update(
            claims::table
                .filter(claims::mutual_id.eq(mutual))
                .filter(claims::id.eq_any(chunk.to_vec()))
                .filter(claims::state.eq(ClaimState::Batched)),
        )
        .set((
            claims::state.eq(ClaimState::Paid),
            claims::settled_minor.eq(claims::mutual_minor),
            claims::version.eq(claims::version + 1),
        ))
        .execute(w.conn())?;
    }
    Ok(paid)
}

/// Adds to what was settled of a claim, which is and goes to a state; false where it is not in it.
pub fn settle(
    w: &mut Write,
    mutual: MutualId,
    id: ClaimId,
    more_minor: i64,
    (from, to): (ClaimState, ClaimState),
) -> QueryResult<bool> {
    diesel::update(claims::table.find((mutual, id)).filter(claims::state.eq(from)))
        .set((
            claims::state.eq(to),
            claims::settled_minor.eq(claims::settled_minor + more_minor),
            claims::version.eq(claims::version + 1),
        ))
        .execute(w.conn())
        .map(|n| n == 1)
}

/// Adds a settlement.
pub fn insert(w: &mut Write, row: &Settlement) -> QueryResult<()> {
    diesel::insert_into(settlements::table).values(row).execute(w.conn()).map(|_| ())
}

/// Adds what a settlement pays of claims.
pub fn insert_items(w: &mut Write, rows: &[SettlementItem]) -> QueryResult<()> {
    insert_all!(w, settlement_items::table, rows)
}

/// Takes a settlement as a lock; false where there is none.
pub fn lock(w: &mut Write, mutual: MutualId, id: SettlementId) -> QueryResult<bool> {
    diesel::update(settlements::table.find((mutual, id)))
        .set(settlements::version.eq(settlements::version))
        .execute(w.conn())
        .map(|n| n == 1)
}

/// A settlement.
pub fn find(r: &mut Read, mutual: MutualId, id: SettlementId) -> QueryResult<Option<Settlement>> {
    settlements::table.find((mutual, id)).select(Settlement::as_select()).get_result(r.conn()).optional()
}

/// Writes where a settlement stands, which is locked.
pub fn set(w: &mut Write, row: &Settlement) -> QueryResult<()> {
    diesel::update(settlements::table.find((row.mutual_id, row.id)))
        .set((
            settlements::state.eq(row.state),
            settlements::paid_minor.eq(row.paid_minor),
            settlements::paid_on.eq(row.paid_on),
            settlements::reason.eq(&row.reason),
            settlements::version.eq(row.version + 1),
        ))
        .execute(w.conn())
        .map(|_| ())
}

/// What a settlement pays, by claim.
pub fn list_items(r: &mut Read, mutual: MutualId, id: SettlementId) -> QueryResult<Vec<SettlementItem>> {
    settlement_items::table
        .filter(settlement_items::mutual_id.eq(mutual))
        .filter(settlement_items::settlement_id.eq(id))
        .order(settlement_items::claim_id)
        .select(SettlementItem::as_select())
        .load(r.conn())
}

/// What a settlement pays, with the claims, by claim.
pub fn list_items_with_claims(
    r: &mut Read,
    mutual: MutualId,
    id: SettlementId,
    after: Option<ClaimId>,
    limit: i64,
) -> QueryResult<Vec<(SettlementItem, Claim)>> {
    settlement_items::table
        .inner_join(
            claims::table
                .on(claims::mutual_id.eq(settlement_items::mutual_id).and(claims::id.eq(settlement_items::claim_id))),
        )
        .filter(settlement_items::mutual_id.eq(mutual))
        .filter(settlement_items::settlement_id.eq(id))
        .filter(settlement_items::claim_id.gt(after.unwrap_or(ClaimId::NIL)))
        .order(settlement_items::claim_id)
        .limit(limit)
        .select((SettlementItem::as_select(), Claim::as_select()))
        .load(r.conn())
}

/// The settlements in which a claim is.
pub fn list_of_claim(r: &mut Read, mutual: MutualId, claim: ClaimId) -> QueryResult<Vec<SettlementId>> {
    settlement_items::table
        .filter(settlement_items::mutual_id.eq(mutual))
        .filter(settlement_items::claim_id.eq(claim))
        .order(settlement_items::settlement_id)
        .select(settlement_items::settlement_id)
        .load(r.conn())
}

/// The settlements of each of these claims.
pub fn list_of_claims(
    r: &mut Read,
    mutual: MutualId,
    claims: &[ClaimId],
) -> QueryResult<BTreeMap<ClaimId, Vec<SettlementId>>> {
    let rows: Vec<(ClaimId, SettlementId)> = settlement_items::table
        .filter(settlement_items::mutual_id.eq(mutual))
        .filter(settlement_items::claim_id.eq_any(claims.to_vec()))
        .order(settlement_items::settlement_id)
        .select((settlement_items::claim_id, settlement_items::settlement_id))
        .load(r.conn())?;
    let mut found: BTreeMap<ClaimId, Vec<SettlementId>> = BTreeMap::new();
    for (claim, settlement) in rows {
        found.entry(claim).or_default().push(settlement);
    }
    Ok(found)
}

/// Whether any claim of a settlement is in one that was approved after it and not given up.
pub fn has_later(r: &mut Read, of: &Settlement, claims: &[ClaimId]) -> QueryResult<bool> {
    for chunk in claims.chunks(500) {
        let later = settlement_items::table
            .inner_join(
                settlements::table.on(settlements::mutual_id
                    .eq(settlement_items::mutual_id)
                    .and(settlements::id.eq(settlement_items::settlement_id))),
            )
            .filter(settlement_items::mutual_id.eq(of.mutual_id))
            .filter(settlement_items::claim_id.eq_any(chunk.to_vec()))
            .filter(settlements::id.ne(of.id))
            .filter(settlements::recorded_at.ge(of.recorded_at))
            .filter(settlements::state.ne(SettlementState::Cancelled));
        if diesel::select(exists(later)).get_result(r.conn())? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Settlements by id: of a facility, in a state, where asked.
pub fn list(
    r: &mut Read,
    scope: &MutualScope,
    provider: Option<ProviderId>,
    state: Option<SettlementState>,
    after: Option<SettlementId>,
    limit: i64,
) -> QueryResult<Vec<Settlement>> {
    let mut query = settlements::table
        .filter(settlements::mutual_id.eq(scope.mutual()))
        .order(settlements::id)
        .limit(limit)
        .select(Settlement::as_select())
        .into_boxed();
    if let Some(provider) = provider {
        query = query.filter(settlements::provider_id.eq(provider));
    }
    if let Some(state) = state {
        query = query.filter(settlements::state.eq(state));
    }
    if let Some(after) = after {
        query = query.filter(settlements::id.gt(after));
    }
    query.load(r.conn())
}

/// Settlements of which something is to be paid, by id.
pub fn list_to_pay(r: &mut Read, mutual: MutualId) -> QueryResult<Vec<Settlement>> {
    settlements::table
        .filter(settlements::mutual_id.eq(mutual))
        .filter(settlements::state.eq_any(vec![SettlementState::Approved, SettlementState::PartPaid]))
        .order(settlements::id)
        .select(Settlement::as_select())
        .load(r.conn())
}

/// Adds a payment.
pub fn insert_payment(w: &mut Write, row: &SettlementPayment) -> QueryResult<()> {
    diesel::insert_into(settlement_payments::table).values(row).execute(w.conn()).map(|_| ())
}

/// The payments of a settlement, by id.
pub fn list_payments(r: &mut Read, mutual: MutualId, id: SettlementId) -> QueryResult<Vec<SettlementPayment>> {
    settlement_payments::table
        .filter(settlement_payments::mutual_id.eq(mutual))
        .filter(settlement_payments::settlement_id.eq(id))
        .order(settlement_payments::id)
        .select(SettlementPayment::as_select())
        .load(r.conn())
}

/// Adds an advance.
pub fn insert_advance(w: &mut Write, row: &Advance) -> QueryResult<()> {
    diesel::insert_into(advances::table).values(row).execute(w.conn()).map(|_| ())
}

/// An advance.
pub fn find_advance(r: &mut Read, mutual: MutualId, id: AdvanceId) -> QueryResult<Option<Advance>> {
    advances::table.find((mutual, id)).select(Advance::as_select()).get_result(r.conn()).optional()
}

/// Advances by id.
pub fn list_advances(
    r: &mut Read,
    mutual: MutualId,
    provider: Option<ProviderId>,
    after: Option<AdvanceId>,
    limit: i64,
) -> QueryResult<Vec<Advance>> {
    let mut query = advances::table
        .filter(advances::mutual_id.eq(mutual))
        .order(advances::id)
        .limit(limit)
        .select(Advance::as_select())
        .into_boxed();
    if let Some(provider) = provider {
        query = query.filter(advances::provider_id.eq(provider));
    }
    if let Some(after) = after {
        query = query.filter(advances::id.gt(after));
    }
    query.load(r.conn())
}

/// What is left of the advances of a facility.
pub fn advance_left(r: &mut Read, mutual: MutualId, provider: ProviderId) -> QueryResult<i64> {
    let given: Option<i64> = advances::table
        .filter(advances::mutual_id.eq(mutual))
        .filter(advances::provider_id.eq(provider))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    let used: Option<i64> = settlements::table
        .filter(settlements::mutual_id.eq(mutual))
        .filter(settlements::provider_id.eq(provider))
        .filter(settlements::state.ne(SettlementState::Cancelled))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(advance_offset_minor) AS BIGINT)"))
        .first(r.conn())?;
    Ok(given.unwrap_or(0) - used.unwrap_or(0))
}
