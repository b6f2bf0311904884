//! Claims: submitted, decided, paid, and what waits.
use super::{Part, Scope};
use crate::claims::model::{ClaimReason, Outcome, SettlementState};
use crate::dates::days_between;
use crate::db::Read;
use crate::db::schema::*;
use crate::error::Result;
use crate::ids::*;
use crate::reports::care_store;
use crate::reports::measures::{Dimension, Measure, Sheet};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use std::collections::BTreeMap;

/// Outcomes by which the mutual bears something.
const ACCEPTED: [Outcome; 2] = [Outcome::Approved, Outcome::PartiallyApproved];

/// Billed, and what each party bears.
type Shares = [Option<i64>; 5];

/// The amounts of a decision, with the measures that add them up.
const SHARES: [(Measure, &str); 5] = [
    (Measure::BilledDecided, "billed_minor"),
    (Measure::BenefitsDecided, "mutual_minor"),
    (Measure::MemberShare, "member_minor"),
    (Measure::WriteOff, "provider_writeoff_minor"),
    (Measure::OtherPayer, "other_paid_minor"),
];

/// Sums of the shares of a table's rows, as both engines give them.
macro_rules! shares {
    ($table:literal) => {
        (
            sql::<Nullable<BigInt>>(concat!("CAST(SUM(", $table, ".billed_minor) AS BIGINT)")),
            sql::<Nullable<BigInt>>(concat!("CAST(SUM(", $table, ".mutual_minor) AS BIGINT)")),
            sql::<Nullable<BigInt>>(concat!("CAST(SUM(", $table, ".member_minor) AS BIGINT)")),
            sql::<Nullable<BigInt>>(concat!("CAST(SUM(", $table, ".provider_writeoff_minor) AS BIGINT)")),
            sql::<Nullable<BigInt>>(concat!("CAST(SUM(", $table, ".other_paid_minor) AS BIGINT)")),
        )
    };
}

/// Adds what was decided and what waits; how many cases there were is counted with the persons.
pub(super) fn decisions(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    let sheet = &mut part.sheet;
    decided(r, of, sheet)?;
    taken_back(r, of, sheet)?;
    let submitted: i64 = claims::table
        .filter(claims::mutual_id.eq(of.mutual))
        .filter(claims::submitted_on.between(of.from, of.to))
        .count()
        .get_result(r.conn())?;
    sheet.totals.set(Measure::ClaimsSubmitted, submitted);
    for (_, number, billed) in care_store::undecided_on(r, of.mutual, of.stock_on)? {
        sheet.totals.set(Measure::UndecidedClaims, sheet.totals.get(Measure::UndecidedClaims) + number);
        sheet.totals.set(Measure::UndecidedBilled, sheet.totals.get(Measure::UndecidedBilled) + billed);
    }
    Ok(())
}

/// The same, as a row of a query.
type ShareRow = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
type Row = (Outcome, i64, ShareRow);
/// Decisions as they stand, of one facility and for one reason.
type Standing = (ProviderId, Option<ClaimReason>, Outcome, i64, ShareRow);

/// Decisions of the month: a decision that was replaced was taken on its day all the same. Those that stand are cut by facility
/// and reason.
fn decided(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let now: Vec<Standing> = claims::table
        .filter(claims::mutual_id.eq(of.mutual))
        .filter(claims::decided_on.between(of.from, of.to))
        .filter(claims::outcome.ne(Outcome::Pended))
        .group_by((claims::provider_id, claims::claim_reason, claims::outcome))
        .select((claims::provider_id, claims::claim_reason, claims::outcome, count_star(), shares!("claims")))
        .load(r.conn())?;
    let former: Vec<Row> = claim_decisions::table
        .filter(claim_decisions::mutual_id.eq(of.mutual))
        .filter(claim_decisions::decided_on.between(of.from, of.to))
        .group_by(claim_decisions::outcome)
        .select((claim_decisions::outcome, count_star(), shares!("claim_decisions")))
        .load(r.conn())?;
    for (provider, reason, outcome, number, sums) in &now {
        let key = provider.to_string();
        let rejected = if *outcome == Outcome::Rejected { *number } else { 0 };
        let (billed, borne, of_member, written_off, _) = *sums;
        let amounts = [billed, borne, of_member, written_off].map(Option::unwrap_or_default);
        for (at, value) in [*number, rejected].into_iter().chain(amounts).enumerate() {
            sheet.add(Dimension::Provider, &key, at, value);
        }
        if rejected > 0 {
            sheet.add(Dimension::Reason, reason.map_or("NOTHING_COVERED", ClaimReason::code), 0, rejected);
        }
    }
    let now = now.into_iter().map(|(_, _, outcome, number, sums)| (outcome, number, sums));
    for (outcome, number, sums) in now.chain(former) {
        let measure = match outcome {
            Outcome::Approved => Some(Measure::ClaimsApproved),
            Outcome::PartiallyApproved => Some(Measure::ClaimsPartiallyApproved),
            Outcome::Rejected => Some(Measure::ClaimsRejected),
            Outcome::Pended => None,
        };
        if let Some(measure) = measure {
            sheet.totals.set(measure, sheet.totals.get(measure) + number);
            share_out(sheet, sums.into(), 1);
        }
    }
    Ok(())
}

fn share_out(sheet: &mut Sheet, sums: Shares, sign: i64) {
    for ((measure, _), amount) in SHARES.into_iter().zip(sums) {
        sheet.totals.set(measure, sheet.totals.get(measure) + sign * amount.unwrap_or(0));
    }
}

/// What decisions had given and was taken back in the month, by another decision or by a void.
fn taken_back(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let replaced: ShareRow = claim_decisions::table
        .filter(claim_decisions::mutual_id.eq(of.mutual))
        .filter(claim_decisions::decided_on.is_not_null())
        .filter(claim_decisions::replaced_on.between(of.from, of.to))
        .select(shares!("claim_decisions"))
        .first(r.conn())?;
    let voided: ShareRow = claim_voids::table
        .inner_join(
            claims::table.on(claims::mutual_id.eq(claim_voids::mutual_id).and(claims::id.eq(claim_voids::claim_id))),
        )
        .filter(claim_voids::mutual_id.eq(of.mutual))
        .filter(claims::decided_on.is_not_null())
        .filter(claim_voids::voided_on.between(of.from, of.to))
        .select(shares!("claims"))
        .first(r.conn())?;
    share_out(sheet, replaced.into(), -1);
    share_out(sheet, voided.into(), -1);
    Ok(())
}

/// Who had accepted care in the month, as often as he had it.
pub(super) fn cases(r: &mut Read, of: &Scope<'_>) -> QueryResult<Vec<MemberId>> {
    claims::table
        .filter(claims::mutual_id.eq(of.mutual))
        .filter(claims::service_on.between(of.from, of.to))
        .filter(claims::outcome.eq_any(ACCEPTED))
        .filter(claims::state.ne(crate::claims::model::ClaimState::Voided))
        .select(claims::member_id)
        .load(r.conn())
}

/// Adds claims decided in the month as they stand, by category.
pub(super) fn categories(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    let total = |column: &str| sql::<Nullable<BigInt>>(&format!("CAST(SUM({column}) AS BIGINT)"));
    let billed = "claim_lines.quantity * claim_lines.unit_price_minor";
    // Named by their claims, so that the lines of other months are not looked at.
    let decided = claims::table
        .filter(claims::mutual_id.eq(of.mutual))
        .filter(claims::decided_on.between(of.from, of.to))
        .filter(claims::outcome.ne(Outcome::Pended))
        .select(claims::id);
    type OfCategory = (String, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
    let rows: Vec<OfCategory> = claim_lines::table
        .filter(claim_lines::mutual_id.eq(of.mutual))
        .filter(claim_lines::claim_id.eq_any(decided))
        .group_by(claim_lines::category)
        .select((
            claim_lines::category,
            diesel::dsl::count(claim_lines::claim_id).aggregate_distinct(),
            total(billed),
            total("claim_lines.mutual_minor"),
            total("claim_lines.member_minor"),
            total("claim_lines.provider_writeoff_minor"),
        ))
        .load(r.conn())?;
    for (category, number, billed, borne, of_member, written_off) in rows {
        let amounts = [billed, borne, of_member, written_off].map(Option::unwrap_or_default);
        for (at, value) in std::iter::once(number).chain(amounts).enumerate() {
            part.sheet.add(Dimension::Category, &category, at, value);
        }
    }
    refused(r, of, &mut part.sheet)
}

/// Claims refused whole: nothing is said of their lines, and all that they bill is the bearer's.
fn refused(r: &mut Read, of: &Scope<'_>, sheet: &mut Sheet) -> Result<()> {
    let billed = || sql::<Nullable<BigInt>>("CAST(SUM(claim_lines.quantity * claim_lines.unit_price_minor) AS BIGINT)");
    for (at, is_of_provider) in [(CATEGORY_MEMBER, false), (CATEGORY_WRITEOFF, true)] {
        let refused = claims::table
            .filter(claims::mutual_id.eq(of.mutual))
            .filter(claims::decided_on.between(of.from, of.to))
            .filter(claims::outcome.eq(Outcome::Rejected))
            .filter(claims::provider_writeoff_minor.gt(0).eq(is_of_provider))
            .select(claims::id);
        let rows: Vec<(String, Option<i64>)> = claim_lines::table
            .filter(claim_lines::mutual_id.eq(of.mutual))
            .filter(claim_lines::claim_id.eq_any(refused))
            .filter(claim_lines::mutual_minor.is_null())
            .group_by(claim_lines::category)
            .select((claim_lines::category, billed()))
            .load(r.conn())?;
        for (category, billed) in rows {
            sheet.add(Dimension::Category, &category, at, billed.unwrap_or(0));
        }
    }
    Ok(())
}

/// Where the numbers of a category have who bears a claim that was refused.
const CATEGORY_MEMBER: usize = 3;
const CATEGORY_WRITEOFF: usize = 4;

/// Adds what was paid in the month, and how many days after care and after submission.
pub(super) fn paid(r: &mut Read, of: &Scope<'_>, part: &mut Part) -> Result<()> {
    let sheet = &mut part.sheet;
    let total = |column: &str| sql::<Nullable<BigInt>>(&format!("CAST(SUM({column}) AS BIGINT)"));
    let money: Option<i64> = settlement_payments::table
        .filter(settlement_payments::mutual_id.eq(of.mutual))
        .filter(settlement_payments::paid_on.between(of.from, of.to))
        .select(total("amount_minor"))
        .first(r.conn())?;
    let offset: Option<i64> = settlements::table
        .filter(settlements::mutual_id.eq(of.mutual))
        .filter(settlements::state.ne(SettlementState::Cancelled))
        .filter(settlements::approved_on.between(of.from, of.to))
        .select(total("advance_offset_minor"))
        .first(r.conn())?;
    sheet.totals.set(Measure::Paid, money.unwrap_or(0) + offset.unwrap_or(0));
    let mut days: BTreeMap<(Dimension, i64), i64> = BTreeMap::new();
    for claim in care_store::paid_between(r, of.mutual, (of.from, of.to), None)? {
        *days.entry((Dimension::DaysFromEvent, days_between(claim.ended_on, claim.paid_on))).or_default() += 1;
        *days.entry((Dimension::DaysFromSubmission, days_between(claim.submitted_on, claim.paid_on))).or_default() += 1;
    }
    for ((dimension, day), number) in days {
        sheet.add(dimension, &day.to_string(), 0, number);
    }
    Ok(())
}
