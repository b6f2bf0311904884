//! `POST /eligibility` of a presented card, and the status of a member for the office.
use super::service::{self, Answer};
use crate::access::guard::{ByCard, Guard};
use crate::access::permissions::{Permission, need};
use crate::access::scopes::MutualScope;
use crate::db::Wall;
use crate::enrolments::rules::CategoryAnswer;
use crate::error::{Code, Problem, Result};
use crate::households::http::is_number;
use crate::households::service::mutual_of_card;
use crate::households::store as households;
use crate::ids::*;
use crate::web::{Body, Ids, Query, blocking, shown};
use actix_web::HttpResponse;
use chrono::{Datelike, NaiveDate};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The question.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckEligibility {
    /// The card's number; its first six digits lead to the mutual. A number of another system needs `mutual`.
    #[garde(custom(is_number))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$", examples("1000010000000123"))]
    pub card: String,
    /// The day of care; today where it is left out.
    #[garde(skip)]
    pub on: Option<NaiveDate>,
    /// The mutual's code, for a number of another system.
    #[garde(inner(length(chars, min = 2, max = 20)))]
    #[schema(min_length = 2, max_length = 20)]
    pub mutual: Option<String>,
}

/// What holds, and how long.
#[derive(Serialize, ToSchema)]
pub struct EntitlementView {
    /// `COVERED`, `WAITING_PERIOD`, `COVERAGE_SUSPENDED`, `NO_COVERAGE` or `NOT_A_BENEFICIARY`.
    pub status: String,
    /// First day of this status; null as far back as is known.
    pub since: Option<NaiveDate>,
    /// Last day of this status; null until something more is recorded.
    pub until: Option<NaiveDate>,
}

impl From<CategoryAnswer> for EntitlementView {
    fn from(answer: CategoryAnswer) -> Self {
        EntitlementView { status: answer.entitlement.code().to_owned(), since: answer.since, until: answer.until }
    }
}

/// A benefit category's status.
#[derive(Serialize, ToSchema)]
pub struct BenefitView {
    /// `OPD`, `HOSP`…
    pub category: String,
    #[serde(flatten)]
    pub entitlement: EntitlementView,
}

/// Who presented the card, to be compared with the person at the counter.
#[derive(Serialize, ToSchema)]
pub struct PresentedView {
    pub member_id: MemberId,
    pub family_name: String,
    pub given_name: String,
    pub birth_year: Option<i32>,
}

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct EligibilityView {
    /// The id of this check; a claim may cite it.
    pub check_id: AuditId,
    pub on: NaiveDate,
    pub mutual_id: MutualId,
    pub person: PresentedView,
    /// Cover as such, without waiting.
    pub cover: EntitlementView,
    /// Why: `UP_TO_DATE`, `ARREARS`, `PERIOD_ENDED`…; null where there has been no cover.
    pub reason: Option<String>,
    /// The enrolment that decides.
    pub enrolment_id: Option<EnrolmentId>,
    /// Each category of its product, by name.
    pub benefits: Vec<BenefitView>,
    /// What is left of the cover year's ceilings and of the month's frequencies.
    pub left: LeftView,
}

/// What is left. A limit that the product does not have is null.
#[derive(Serialize, ToSchema)]
pub struct LeftView {
    pub currency: String,
    pub person_year_minor: Option<i64>,
    pub household_year_minor: Option<i64>,
    /// Units by category in the calendar month, for those that have a limit.
    pub quantities: Vec<QuantityView>,
}

/// Units left in the calendar month.
#[derive(Serialize, ToSchema)]
pub struct QuantityView {
    pub category: String,
    pub quantity: i64,
}

/// `POST /eligibility`
pub async fn check(guard: Guard<need::EligibilityCheck, ByCard>, body: Body<CheckEligibility>) -> Result<HttpResponse> {
    let asked = body.value;
    let mutual = mutual_of_card(&guard.picture, &asked.card, asked.mutual.as_deref())?;
    let (scope, _) = guard.mutual_scope(mutual, Permission::EligibilityCheck)?;
    let on = asked.on.unwrap_or(scope.today());
    let db = guard.desk.db.clone();
    let mutual_id = scope.mutual();
    let currency = scope.currency().code().to_owned();
    let answer: Answer = blocking(move || {
        db.read(Wall::mutual(scope.mutual()), |r| {
            let (member, stay) =
                households::find_member_by_number(r, &scope, &asked.card)?.ok_or(Problem::of(Code::NotFound))?;
            service::answer(r, &scope, member, stay, on)
        })
    })
    .await?;
    let noted = serde_json::json!({"on": on, "status": answer.cover.entitlement.code()});
    let check_id = guard.note_in(mutual_id, "member", [answer.member.id.uuid()], Some(noted)).await?;
    Ok(shown(&EligibilityView {
        check_id,
        on,
        mutual_id,
        person: PresentedView {
            member_id: answer.member.id,
            birth_year: answer.member.birth_date.map(|born| born.year()),
            family_name: answer.member.family_name,
            given_name: answer.member.given_name,
        },
        cover: answer.cover.into(),
        reason: answer.reason,
        enrolment_id: answer.enrolment,
        benefits: answer
            .benefits
            .into_iter()
            .map(|(category, entitlement)| BenefitView { category, entitlement: entitlement.into() })
            .collect(),
        left: LeftView {
            currency,
            person_year_minor: answer.left.person_year_minor,
            household_year_minor: answer.left.household_year_minor,
            quantities: answer
                .left
                .quantities
                .into_iter()
                .map(|(category, quantity)| QuantityView { category, quantity })
                .collect(),
        },
    }))
}

/// The day that is asked.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct StatusFilter {
    /// Past or future; today where it is left out.
    pub on: Option<NaiveDate>,
}

/// A person's status, per benefit category.
#[derive(Serialize, ToSchema)]
pub struct StatusView {
    pub member_id: MemberId,
    pub on: NaiveDate,
    /// Cover as such, without waiting.
    pub cover: EntitlementView,
    /// Why: `UP_TO_DATE`, `ARREARS`, `PERIOD_ENDED`, `DECEASED`…; where no cover has begun, `APPLIED` (to be admitted),
    /// `UNPAID` (admitted, its threshold not paid) or `NOT_ENROLLED`.
    pub reason: String,
    pub enrolment_id: Option<EnrolmentId>,
    /// Each category of its product, by name.
    pub benefits: Vec<BenefitView>,
    /// The next day on which something of this changes if nothing more is recorded.
    pub next_change_on: Option<NaiveDate>,
}

/// `GET /mutuals/{m}/members/{id}/status`
pub async fn status(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    query: Query<StatusFilter>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let on = query.0.on.unwrap_or(guard.scope.today());
    let (answer, reason) = guard
        .read(move |r, scope| {
            let (member, stay) = households::find_member(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
            let answer = service::answer(r, scope, member, stay, on)?;
            let reason = match &answer.reason {
                Some(reason) => reason.clone(),
                None => service::why_not(r, scope.mutual(), answer.stay.household_id, on)?.to_owned(),
            };
            Ok((answer, reason))
        })
        .await?;
    guard.note("member", [id.uuid()], None).await?;
    let ends = answer.benefits.iter().map(|(_, one)| one.until).chain([answer.cover.until]).flatten();
    let next_change_on = ends.min().and_then(|until| until.succ_opt());
    Ok(shown(&StatusView {
        member_id: id,
        on,
        cover: answer.cover.into(),
        reason,
        enrolment_id: answer.enrolment,
        benefits: answer
            .benefits
            .into_iter()
            .map(|(category, entitlement)| BenefitView { category, entitlement: entitlement.into() })
            .collect(),
        next_change_on,
    }))
}
