//! Counts and sums of one mutual, from the rows. No function here gives a person.
use super::model::{Figures, Month};
use crate::access::scopes::FigureScope;
use crate::claims::model::{Outcome, SettlementState};
use crate::contributions::model::{CancellationKind, DueKind};
use crate::db::Read;
use crate::db::schema::*;
use crate::enrolments::store::count_in_force;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

/// A mutual's month.
pub fn month(r: &mut Read, scope: &FigureScope, month: Month) -> QueryResult<Figures> {
    let mutual = scope.mutual();
    let (households, principals, beneficiaries_in_force) = count_in_force(r, mutual, month.stock_on)?;
    let due = |kind: DueKind| {
        dues::table
            .filter(dues::mutual_id.eq(mutual))
            .filter(dues::kind.eq(kind))
            .filter(dues::due_on.between(month.from, month.to))
            .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
    };
    let cancelled = |kind: DueKind| {
        due_cancellations::table
            .inner_join(
                dues::table
                    .on(dues::mutual_id.eq(due_cancellations::mutual_id).and(dues::id.eq(due_cancellations::due_id))),
            )
            .filter(dues::mutual_id.eq(mutual))
            .filter(dues::kind.eq(kind))
            .filter(dues::due_on.between(month.from, month.to))
            // What nobody expects any more was due all the same.
            .filter(due_cancellations::kind.ne(CancellationKind::WrittenOff))
            .select(sql::<Nullable<BigInt>>("CAST(SUM(due_cancellations.amount_minor) AS BIGINT)"))
    };
    let mut owed = |kind: DueKind| -> QueryResult<i64> {
        let issued: Option<i64> = due(kind).first(r.conn())?;
        let less: Option<i64> = cancelled(kind).first(r.conn())?;
        Ok(issued.unwrap_or(0) - less.unwrap_or(0))
    };
    let dues_minor = owed(DueKind::Contribution)?;
    let fees_minor = owed(DueKind::Registration)?;
    let received: Option<i64> = allocations::table
        .inner_join(dues::table.on(dues::mutual_id.eq(allocations::mutual_id).and(dues::id.eq(allocations::due_id))))
        .filter(dues::mutual_id.eq(mutual))
        .filter(dues::kind.eq(DueKind::Contribution))
        .filter(dues::due_on.between(month.from, month.to))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(allocations.amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    let payments_minor: Option<i64> = payments::table
        .filter(payments::mutual_id.eq(mutual))
        .filter(payments::received_on.between(month.from, month.to))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    let reversed_minor: Option<i64> = reversals::table
        .inner_join(
            payments::table
                .on(payments::mutual_id.eq(reversals::mutual_id).and(payments::id.eq(reversals::payment_id))),
        )
        .filter(reversals::mutual_id.eq(mutual))
        .filter(reversals::reversed_on.between(month.from, month.to))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(payments.amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    let claims_submitted: i64 = claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::submitted_on.between(month.from, month.to))
        .count()
        .get_result(r.conn())?;
    let decided: Vec<(Outcome, i64, Option<i64>)> = claims::table
        .filter(claims::mutual_id.eq(mutual))
        .filter(claims::decided_on.between(month.from, month.to))
        .group_by(claims::outcome)
        .select((
            claims::outcome,
            diesel::dsl::count_star(),
            sql::<Nullable<BigInt>>("CAST(SUM(mutual_minor) AS BIGINT)"),
        ))
        .load(r.conn())?;
    // A decision that was replaced was taken on its day all the same; what it gave was taken back on the day of the other.
    let former: Vec<(Outcome, i64, Option<i64>)> = claim_decisions::table
        .filter(claim_decisions::mutual_id.eq(mutual))
        .filter(claim_decisions::decided_on.between(month.from, month.to))
        .group_by(claim_decisions::outcome)
        .select((
            claim_decisions::outcome,
            diesel::dsl::count_star(),
            sql::<Nullable<BigInt>>("CAST(SUM(mutual_minor) AS BIGINT)"),
        ))
        .load(r.conn())?;
    let replaced_minor: Option<i64> = claim_decisions::table
        .filter(claim_decisions::mutual_id.eq(mutual))
        .filter(claim_decisions::replaced_on.between(month.from, month.to))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(mutual_minor) AS BIGINT)"))
        .first(r.conn())?;
    let voided_minor: Option<i64> = claim_voids::table
        .inner_join(
            claims::table.on(claims::mutual_id.eq(claim_voids::mutual_id).and(claims::id.eq(claim_voids::claim_id))),
        )
        .filter(claim_voids::mutual_id.eq(mutual))
        .filter(claim_voids::voided_on.between(month.from, month.to))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(claims.mutual_minor) AS BIGINT)"))
        .first(r.conn())?;
    let decided: Vec<(Outcome, i64, Option<i64>)> = decided.into_iter().chain(former).collect();
    let count = |outcome: Outcome| -> i64 {
        decided.iter().filter(|(found, ..)| *found == outcome).map(|(_, count, _)| count).sum()
    };
    let given_minor: i64 = decided.iter().filter_map(|(_, _, sum)| *sum).sum();
    let paid_minor: Option<i64> = settlement_payments::table
        .filter(settlement_payments::mutual_id.eq(mutual))
        .filter(settlement_payments::paid_on.between(month.from, month.to))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)"))
        .first(r.conn())?;
    let offset_minor: Option<i64> = settlements::table
        .filter(settlements::mutual_id.eq(mutual))
        .filter(settlements::state.ne(SettlementState::Cancelled))
        .filter(settlements::approved_on.between(month.from, month.to))
        .select(sql::<Nullable<BigInt>>("CAST(SUM(advance_offset_minor) AS BIGINT)"))
        .first(r.conn())?;
    Ok(Figures {
        households,
        principals,
        beneficiaries_in_force,
        dues_minor,
        fees_minor,
        received_for_dues_minor: received.unwrap_or(0),
        collected_minor: payments_minor.unwrap_or(0) - reversed_minor.unwrap_or(0),
        claims_submitted,
        claims_approved: count(Outcome::Approved),
        claims_partially_approved: count(Outcome::PartiallyApproved),
        claims_rejected: count(Outcome::Rejected),
        benefits_decided_minor: given_minor - replaced_minor.unwrap_or(0) - voided_minor.unwrap_or(0),
        paid_minor: paid_minor.unwrap_or(0) + offset_minor.unwrap_or(0),
    })
}
