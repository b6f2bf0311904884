//! How risky a claim that waits looks: four signs, each worth 0 to 25, added up. It decides nothing; it says where to look first.
//! What it is computed from is kept with it, so that anybody can compute it again.
use super::model::{Claim, Line, Review};
use crate::dates::add_days;
use crate::db::Read;
use crate::db::schema::{claim_lines, claims};
use crate::error::{self, kept};
use crate::ids::*;
use crate::money::{self, Overflow};
use chrono::NaiveDate;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// The days before the service of which a facility's other claims count.
pub const FACILITY_DAYS: i64 = 90;
/// The days before the service of which a person's other claims count.
pub const PERSON_DAYS: i64 = 30;
/// How many days apart two claims for the same service are near duplicates.
pub const NEAR_DAYS: i64 = 3;
/// What one sign is worth at most.
const MOST: i64 = 25;

/// What the risk of a claim is computed from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RiskFacts {
    /// What the claim bills.
    pub billed_minor: i64,
    /// The mean of what the facility's other claims billed in the 90 days before the service, cut to the minor unit; null
    /// without any.
    pub usual_minor: Option<i64>,
    /// The person's other claims in the 30 days before the service.
    pub claims_of_person: i64,
    /// The person's other claims with a service of this one, at most 3 days away, at any facility.
    pub near_duplicates: i64,
    /// Of the facility's lines in the 90 days before the service, in basis points: those for its highest-priced service; null
    /// without any.
    pub dearest_share_bp: Option<i64>,
}

/// The risk, sign by sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Risk {
    /// The sum, 0 to 100.
    pub score: i64,
    /// 0 where the claim bills what is usual or less, 25 from three times as much on.
    pub amount: i64,
    /// 0 up to two other claims of the person, 5 for each one more.
    pub frequency: i64,
    /// 10 for each near duplicate.
    pub near_duplicates: i64,
    /// 0 up to a share of 20 %, 25 from 70 % on.
    pub dearest: i64,
}

/// Computes the risk.
///
/// # Errors
/// Where an amount is too large to be compared.
pub fn risk(facts: &RiskFacts) -> Result<Risk, Overflow> {
    let between = |value: i64, low: i64, high: i64| (value.clamp(low, high) - low) * MOST / (high - low);
    let amount = match facts.usual_minor.filter(|usual| *usual > 0) {
        // In hundredths of the usual amount.
        Some(usual) => between(money::ratio(facts.billed_minor, usual, 100)?.unwrap_or(0), 100, 300),
        None => 0,
    };
    let frequency = (facts.claims_of_person - 2).clamp(0, 5) * 5;
    let near_duplicates = (facts.near_duplicates.clamp(0, 3) * 10).min(MOST);
    let dearest = facts.dearest_share_bp.map_or(0, |share| between(share, 2_000, 7_000));
    Ok(Risk { score: amount + frequency + near_duplicates + dearest, amount, frequency, near_duplicates, dearest })
}

/// The days that count back from a service.
fn window(on: NaiveDate, days: i64) -> (NaiveDate, NaiveDate) {
    crate::dates::bounded((add_days(on, -days).unwrap_or(NaiveDate::MIN), on))
}

/// Gathers what the risk of a claim is computed from, as it is known now.
pub fn gather(r: &mut Read, claim: &Claim, lines: &[Line]) -> QueryResult<RiskFacts> {
    let (from, to) = window(claim.service_on, FACILITY_DAYS);
    let of_facility = claims::mutual_id
        .eq(claim.mutual_id)
        .and(claims::provider_id.eq(claim.provider_id))
        .and(claims::service_on.between(from, to))
        .and(claims::id.ne(claim.id));
    let (number, billed): (i64, Option<i64>) = claims::table
        .filter(of_facility)
        .select((count_star(), sql::<Nullable<BigInt>>("CAST(SUM(billed_minor) AS BIGINT)")))
        .first(r.conn())?;
    let on_line = claims::mutual_id.eq(claim_lines::mutual_id).and(claims::id.eq(claim_lines::claim_id));
    let by_service: Vec<(ServiceId, i64, Option<i64>)> = claim_lines::table
        .inner_join(claims::table.on(on_line))
        .filter(of_facility)
        .group_by(claim_lines::service_id)
        .select((
            claim_lines::service_id,
            count_star(),
            sql::<Nullable<BigInt>>("CAST(MAX(unit_price_minor) AS BIGINT)"),
        ))
        .load(r.conn())?;
    let all: i64 = by_service.iter().map(|(_, number, _)| number).sum();
    let dearest =
        by_service.iter().max_by_key(|(id, _, price)| (price.unwrap_or(0), *id)).map(|(_, number, _)| *number);
    let (from, to) = window(claim.service_on, PERSON_DAYS);
    let near = |days| add_days(claim.service_on, days).unwrap_or(claim.service_on);
    let of_person: Vec<(ClaimId, NaiveDate, ServiceId)> = claim_lines::table
        .inner_join(claims::table.on(on_line))
        .filter(claims::mutual_id.eq(claim.mutual_id))
        .filter(claims::member_id.eq(claim.member_id))
        .filter(claims::service_on.between(from, near(NEAR_DAYS).max(to)))
        .filter(claims::id.ne(claim.id))
        .select((claims::id, claims::service_on, claim_lines::service_id))
        .load(r.conn())?;
    let before: BTreeSet<ClaimId> =
        of_person.iter().filter(|(_, on, _)| *on <= claim.service_on).map(|(id, ..)| *id).collect();
    let services: BTreeSet<ServiceId> = lines.iter().map(|line| line.service_id).collect();
    let mut alike: BTreeMap<ClaimId, ()> = BTreeMap::new();
    for (id, on, service) in &of_person {
        if *on >= near(-NEAR_DAYS) && services.contains(service) {
            alike.insert(*id, ());
        }
    }
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    Ok(RiskFacts {
        billed_minor: claim.billed_minor,
        usual_minor: billed.filter(|_| number > 0).map(|billed| billed / number.max(1)),
        claims_of_person: count(before.len()),
        near_duplicates: count(alike.len()),
        dearest_share_bp: dearest.and_then(|number| money::ratio_bp(number, all).ok().flatten()),
    })
}

/// What the risk of a claim was computed from; none where it waited before risks were computed.
///
/// # Errors
/// A fault where it cannot be read.
pub fn facts_of(review: &Review) -> error::Result<Option<RiskFacts>> {
    if review.risk_facts == "{}" {
        return Ok(None);
    }
    kept(&review.risk_facts, "facts of a risk").map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> RiskFacts {
        RiskFacts { billed_minor: 1_000, usual_minor: Some(1_000), ..RiskFacts::default() }
    }

    #[test]
    fn each_sign_has_its_bounds() {
        let score = |facts: RiskFacts| risk(&facts).unwrap().score;
        assert_eq!(score(facts()), 0);
        assert_eq!(score(RiskFacts { billed_minor: 2_000, ..facts() }), 12);
        assert_eq!(score(RiskFacts { billed_minor: 9_000, ..facts() }), 25);
        assert_eq!(score(RiskFacts { usual_minor: None, billed_minor: 9_000, ..facts() }), 0);
        assert_eq!(score(RiskFacts { usual_minor: Some(0), ..facts() }), 0);
        assert_eq!(score(RiskFacts { claims_of_person: 2, ..facts() }), 0);
        assert_eq!(score(RiskFacts { claims_of_person: 3, ..facts() }), 5);
        assert_eq!(score(RiskFacts { claims_of_person: 70, ..facts() }), 25);
        assert_eq!(score(RiskFacts { near_duplicates: 1, ..facts() }), 10);
        assert_eq!(score(RiskFacts { near_duplicates: 3, ..facts() }), 25);
        assert_eq!(score(RiskFacts { dearest_share_bp: Some(2_000), ..facts() }), 0);
        assert_eq!(score(RiskFacts { dearest_share_bp: Some(7_000), ..facts() }), 25);
        let worst = RiskFacts {
            billed_minor: i64::MAX,
            usual_minor: Some(i64::MAX / 4),
            claims_of_person: 9,
            near_duplicates: 9,
            dearest_share_bp: Some(10_000),
        };
        assert_eq!(score(worst), 100);
    }

    proptest! {
        #[test]
        fn it_lies_between_0_and_100_and_grows_with_each_sign(
            billed in 0_i64..1_000_000, usual in 1_i64..1_000_000, person in 0_i64..20, near in 0_i64..20, share in 0_i64..=10_000,
        ) {
            let facts = RiskFacts {
                billed_minor: billed,
                usual_minor: Some(usual),
                claims_of_person: person,
                near_duplicates: near,
                dearest_share_bp: Some(share),
            };
            let score = risk(&facts).unwrap();
            prop_assert!((0..=100).contains(&score.score));
            prop_assert_eq!(score.score, score.amount + score.frequency + score.near_duplicates + score.dearest);
            let more = RiskFacts { billed_minor: billed * 2, claims_of_person: person + 1, ..facts };
            prop_assert!(risk(&more).unwrap().score >= score.score);
        }
    }
}
