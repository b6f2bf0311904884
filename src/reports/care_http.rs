//! `/mutuals/{m}/claims/outstanding`, `/promptness`: what is owed for care on a day, and how fast care is paid. Counts and sums.
use super::care_store::{self as store, PaidClaim};
use super::rules::{Promptness, promptness};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::dates::days_between;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::ledger::rules::MAIN;
use crate::ledger::store as ledger;
use crate::web::{Query, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// On which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OutstandingFilter {
    /// Past or today; today where it is left out.
    pub on: Option<NaiveDate>,
}

/// What is owed to a facility, or to members, on a day.
#[derive(Serialize, ToSchema)]
pub struct OwedForCareView {
    /// Null for reimbursements to members.
    pub provider_id: Option<ProviderId>,
    /// Decided and not paid, as the books have it; below zero what is to be recovered.
    pub decided_minor: i64,
}

/// Claims that were submitted and not decided on a day.
#[derive(Serialize, ToSchema)]
pub struct UndecidedView {
    pub provider_id: ProviderId,
    pub claims: i64,
    /// What they bill: what the mutual will bear of it is not known.
    pub billed_minor: i64,
}

/// Claims outstanding on a day.
#[derive(Serialize, ToSchema)]
pub struct OutstandingView {
    pub on: NaiveDate,
    pub currency: String,
    pub decided_minor: i64,
    pub undecided_claims: i64,
    pub undecided_billed_minor: i64,
    /// By facility; members together.
    pub owed: Vec<OwedForCareView>,
    pub undecided: Vec<UndecidedView>,
}

/// `GET /mutuals/{m}/claims/outstanding`
pub async fn outstanding(
    guard: Guard<need::ClaimRead, MutualScope>,
    query: Query<OutstandingFilter>,
) -> Result<HttpResponse> {
    let today = guard.scope.today();
    let on = query.0.on.unwrap_or(today);
    if on > today {
        return Err(Problem::of(Code::FutureDate).at("on").into());
    }
    let view = guard
        .read(move |r, scope| {
            let mut owed = Vec::new();
            for (account, debits, credits) in ledger::list_sums(r, scope, MAIN, None, Some(on))? {
                let Some(of) = account.code.strip_prefix("payable:") else { continue };
                let decided_minor = credits - debits;
                if decided_minor != 0 {
                    // `payable:member` names no facility.
                    owed.push(OwedForCareView { provider_id: of.parse().ok(), decided_minor });
                }
            }
            let undecided: Vec<UndecidedView> = store::undecided_on(r, scope.mutual(), on)?
                .into_iter()
                .map(|(provider_id, claims, billed_minor)| UndecidedView { provider_id, claims, billed_minor })
                .collect();
            Ok(OutstandingView {
                on,
                currency: scope.currency().code().to_owned(),
                decided_minor: owed.iter().map(|row| row.decided_minor).sum(),
                undecided_claims: undecided.iter().map(|row| row.claims).sum(),
                undecided_billed_minor: undecided.iter().map(|row| row.billed_minor).sum(),
                owed,
                undecided,
            })
        })
        .await?;
    Ok(shown(&view))
}

/// Between which days claims were paid.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PromptnessFilter {
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Only of this facility.
    pub provider_id: Option<ProviderId>,
}

/// How many days payment took.
#[derive(Serialize, ToSchema)]
pub struct DaysView {
    pub up_to_7: i64,
    pub from_8_to_30: i64,
    pub from_31_to_90: i64,
    pub over_90: i64,
    /// Hundredths of a day, half up; null without a claim.
    pub mean_hundredths: Option<i64>,
    /// Tenths of a day; null without a claim.
    pub median_tenths: Option<i64>,
}

impl From<Promptness> for DaysView {
    fn from(found: Promptness) -> Self {
        let [up_to_7, from_8_to_30, from_31_to_90, over_90] = found.buckets;
        DaysView {
            up_to_7,
            from_8_to_30,
            from_31_to_90,
            over_90,
            mean_hundredths: found.mean_hundredths,
            median_tenths: found.median_tenths,
        }
    }
}

/// How fast the claims were paid whose settlement was paid in full between two days.
#[derive(Serialize, ToSchema)]
pub struct PromptnessView {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub claims: i64,
    /// From the care: the discharge, or the service without one.
    pub from_event: DaysView,
    /// From the submission of the claim.
    pub from_submission: DaysView,
}

/// `GET /mutuals/{m}/claims/promptness`
pub async fn promptness_of(
    guard: Guard<need::ClaimRead, MutualScope>,
    query: Query<PromptnessFilter>,
) -> Result<HttpResponse> {
    let PromptnessFilter { from, to, provider_id } = query.0;
    if to < from {
        return Err(Problem::with(Code::ImpossibleDate, "the last day lies before the first").at("to").into());
    }
    let view = guard
        .read(move |r, scope| {
            let paid = store::paid_between(r, scope.mutual(), crate::dates::bounded((from, to)), provider_id)?;
            let since = |day: fn(&PaidClaim) -> NaiveDate| -> Result<DaysView> {
                let days: Vec<i64> = paid.iter().map(|claim| days_between(day(claim), claim.paid_on)).collect();
                let found = promptness(&days).map_err(|_| Problem::of(Code::AmountTooLarge))?;
                Ok(found.into())
            };
            Ok(PromptnessView {
                from,
                to,
                claims: i64::try_from(paid.len()).unwrap_or(i64::MAX),
                from_event: since(|claim| claim.ended_on)?,
                from_submission: since(|claim| claim.submitted_on)?,
            })
        })
        .await?;
    Ok(shown(&view))
}
