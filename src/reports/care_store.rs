//! Counts and sums of claims on a day and of claims paid between two days. No function here gives a person.
use crate::claims::model::SettlementState;
use crate::db::Read;
use crate::db::schema::*;
use crate::ids::*;
use chrono::NaiveDate;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// Claims that were submitted by a day and neither decided nor taken back by then: of each facility, how many and what they
/// bill. A decision that was replaced later stood on that day.
pub fn undecided_on(r: &mut Read, mutual: MutualId, on: NaiveDate) -> QueryResult<Vec<(ProviderId, i64, i64)>> {
    let stood = claim_decisions::table
        .filter(claim_decisions::mutual_id.eq(claims::mutual_id))
        .filter(claim_decisions::claim_id.eq(claims::id))
        .filter(claim_decisions::decided_on.le(on))
        .filter(claim_decisions::replaced_on.gt(on));
    let taken_back = claim_voids::table
        .filter(claim_voids::mutual_id.eq(claims::mutual_id))
        .filter(claim_voids::claim_id.eq(claims::id))
        .filter(claim_voids::voided_on.le(on));
    let waiting = claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::submitted_on.le(on))
        .filter(not(exists(stood)))
        .filter(not(exists(taken_back)))
        .select((claims::provider_id, claims::billed_minor));
    // Asked apart, so that each is found by the day of decision and all that was decided before is not looked at.
    let mut rows: Vec<(ProviderId, i64)> = waiting.filter(claims::decided_on.is_null()).load(r.conn())?;
    let later: Vec<(ProviderId, i64)> = waiting.filter(claims::decided_on.gt(on)).load(r.conn())?;
    rows.extend(later);
    let mut sums: BTreeMap<ProviderId, (i64, i64)> = BTreeMap::new();
    for (provider, billed) in rows {
        let sum = sums.entry(provider).or_default();
        *sum = (sum.0 + 1, sum.1 + billed);
    }
    Ok(sums.into_iter().map(|(provider, (count, billed))| (provider, count, billed)).collect())
}

/// A claim that was paid, without the person.
#[derive(Debug, Clone, Copy)]
pub struct PaidClaim {
    /// The discharge, or the service without one.
    pub ended_on: NaiveDate,
    pub submitted_on: NaiveDate,
    pub paid_on: NaiveDate,
}

/// Claims of settlements that were paid in full between two days.
pub fn paid_between(
    r: &mut Read,
    mutual: MutualId,
    (from, to): (NaiveDate, NaiveDate),
    provider: Option<ProviderId>,
) -> QueryResult<Vec<PaidClaim>> {
    let paid: HashMap<SettlementId, Option<NaiveDate>> = settlements::table
        .filter(settlements::mutual_id.eq(mutual))
        .filter(settlements::state.eq(SettlementState::Paid))
        .filter(settlements::paid_on.between(from, to))
        .select((settlements::id, settlements::paid_on))
        .load(r.conn())?
        .into_iter()
        .collect();
    let ids: Vec<SettlementId> = paid.keys().copied().collect();
    let mut found = Vec::new();
    // Named, so that what was paid before is not looked at.
    for chunk in ids.chunks(500) {
        type Item = (SettlementId, ProviderId, NaiveDate, Option<NaiveDate>, NaiveDate);
        let items: Vec<Item> =
            settlement_items::table
                .inner_join(claims::table.on(
                    claims::mutual_id.eq(settlement_items::mutual_id).and(claims::id.eq(settlement_items::claim_id)),
                ))
                .filter(settlement_items::mutual_id.eq(mutual))
                .filter(settlement_items::settlement_id.eq_any(chunk.to_vec()))
                .filter(settlement_items::amount_minor.gt(0))
                .select((
                    settlement_items::settlement_id,
                    claims::provider_id,
                    claims::service_on,
                    claims::discharged_on,
                    claims::submitted_on,
                ))
                .load(r.conn())?;
        for (settlement, by, service_on, discharged_on, submitted_on) in items {
            let Some(paid_on) = paid.get(&settlement).copied().flatten() else { continue };
            if provider.is_none_or(|wanted| wanted == by) {
                found.push(PaidClaim { ended_on: discharged_on.unwrap_or(service_on), submitted_on, paid_on });
            }
        }
    }
    Ok(found)
}
