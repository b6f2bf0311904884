//! Refusals overtaken: claims refused for want of cover that, as it is known now, stood on the day of service. A list: nothing
//! is changed by itself, an earlier decision is never revised (R28).
use super::model::{ClaimReason, ClaimState, Outcome};
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::db::Read;
use crate::db::schema::{claims, cover_spans};
use crate::enrolments::rules::SpanState;
use crate::error::Result;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Query, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A claim that was refused for want of cover that stood.
#[derive(Serialize, ToSchema)]
pub struct OvertakenView {
    pub claim_id: ClaimId,
    pub claim_number: String,
    pub provider_id: ProviderId,
    pub member_id: MemberId,
    pub household_id: HouseholdId,
    pub service_on: NaiveDate,
    pub decided_on: Option<NaiveDate>,
    /// `COVERAGE_SUSPENDED` or `NO_COVERAGE`.
    pub reason: Option<ClaimReason>,
    pub billed_minor: i64,
    pub currency: String,
    /// The cover that stood on the day of service, as it is known now.
    pub covered_from: NaiveDate,
    pub covered_to: Option<NaiveDate>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OvertakenFilter {
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

type Row = (
    (ClaimId, String, ProviderId, MemberId, HouseholdId, NaiveDate),
    (Option<NaiveDate>, Option<ClaimReason>, i64, String),
    (NaiveDate, Option<NaiveDate>),
);

fn rows(r: &mut Read, scope: &MutualScope, after: Option<ClaimId>, limit: i64) -> QueryResult<Vec<Row>> {
    let reasons = vec![Some(ClaimReason::CoverageSuspended), Some(ClaimReason::NoCoverage)];
    claims::table
        .inner_join(
            cover_spans::table
                .on(cover_spans::mutual_id.eq(claims::mutual_id).and(cover_spans::member_id.eq(claims::member_id))),
        )
        .filter(claims::mutual_id.eq(scope.mutual()))
        .filter(claims::state.eq(ClaimState::Decided))
        .filter(claims::outcome.eq(Outcome::Rejected))
        .filter(claims::claim_reason.eq_any(reasons))
        .filter(cover_spans::state.eq(SpanState::InForce))
        .filter(cover_spans::from_on.le(claims::service_on))
        .filter(cover_spans::to_on.is_null().or(cover_spans::to_on.ge(claims::service_on.nullable())))
        .filter(claims::id.gt(after.unwrap_or(ClaimId::NIL)))
        .order(claims::id)
        .limit(limit)
        .select((
            (
                claims::id,
                claims::number,
                claims::provider_id,
                claims::member_id,
                claims::household_id,
                claims::service_on,
            ),
            (claims::decided_on, claims::claim_reason, claims::billed_minor, claims::currency),
            (cover_spans::from_on, cover_spans::to_on),
        ))
        .load(r.conn())
}

/// `GET /mutuals/{m}/claims/overtaken`
pub async fn list(guard: Guard<need::ClaimRead, MutualScope>, query: Query<OvertakenFilter>) -> Result<HttpResponse> {
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), "overtaken")?;
    let page: Page<OvertakenView> = guard
        .read(move |r, scope| {
            let found = rows(r, scope, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(
                found,
                |((id, ..), ..)| vec![id.to_string()],
                |((claim_id, claim_number, provider_id, member_id, household_id, service_on), told, span)| {
                    let (decided_on, reason, billed_minor, currency) = told;
                    OvertakenView {
                        claim_id,
                        claim_number,
                        provider_id,
                        member_id,
                        household_id,
                        service_on,
                        decided_on,
                        reason,
                        billed_minor,
                        currency,
                        covered_from: span.0,
                        covered_to: span.1,
                    }
                },
            ))
        })
        .await?;
    guard.note("claim", page.items.iter().map(|row| row.claim_id.uuid()), None).await?;
    Ok(shown(&page))
}
