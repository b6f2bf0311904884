//! `POST /eligibility` of a presented card, and the status of a member for the office.
use super::service::{self, Answer};
use crate::access::guard::{ByCard, Guard, Signed};
use crate::access::permissions::{Permission, need};
use crate::access::scopes::MutualScope;
use crate::cards::presented::{self, Presented, Sent};
use crate::claims::http::owners;
use crate::claims::model::ClaimReason;
use crate::db::Wall;
use crate::enrolments::rules::CategoryAnswer;
use crate::error::{Code, Problem, Result};
use crate::households::http::is_number;
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
    #[garde(inner(custom(is_number)))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$", examples("1000010000000123"))]
    pub card: Option<String>,
    /// What the card's QR code says, instead of the number.
    #[garde(inner(length(min = 1, max = 800)))]
    #[schema(min_length = 1, max_length = 800)]
    pub qr: Option<String>,
    /// The year of birth, which a facility sends with a number that was typed.
    #[garde(inner(range(min = 1900, max = 9999)))]
    #[schema(minimum = 1900, maximum = 9999)]
    pub birth_year: Option<i32>,
    /// The day of care; today where it is left out.
    #[garde(skip)]
    pub on: Option<NaiveDate>,
    /// A service's code: what one unit of it costs whom, and what it needs.
    #[garde(inner(length(chars, min = 1, max = 30)))]
    #[schema(min_length = 1, max_length = 30)]
    pub service: Option<String>,
    /// Where the service is asked for; a facility's clerk leaves it out.
    #[garde(skip)]
    pub provider_id: Option<ProviderId>,
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
    /// What the mutual bears at a public and at a private facility, in basis points; null where there is a co-payment instead.
    pub rate_public_bp: Option<i64>,
    pub rate_private_bp: Option<i64>,
    /// What the member pays of each unit, in minor units; null where there is a rate instead.
    pub copayment_minor: Option<i64>,
    /// Units left in the calendar month; null where there is no limit.
    pub quantity_left: Option<i64>,
    /// The first day on which a unit is left, from the day asked on.
    pub next_allowed_on: NaiveDate,
    /// A claim that bills so much or more in this category needs a guarantee letter; null where none does.
    pub letter_from_minor: Option<i64>,
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
    /// Levels of facilities that need a referral, but in an emergency.
    pub referral_levels: Vec<String>,
    /// One unit of the service that was asked for, at the facility's price.
    pub service: Option<ServiceAnswerView>,
}

/// What one unit of a service costs whom on that day, as a claim for it would be decided.
#[derive(Serialize, ToSchema)]
pub struct ServiceAnswerView {
    pub code: String,
    pub category: String,
    /// Whether the mutual would pay something.
    pub is_covered: bool,
    /// The price agreed with the facility, or the reference; null where there is none.
    pub price_minor: Option<i64>,
    pub mutual_minor: i64,
    pub member_minor: i64,
    /// Why a whole claim would be refused: `REFERRAL_REQUIRED`, `PRIOR_AUTH_REQUIRED`, `NO_COVERAGE`…
    pub claim_reason: Option<ClaimReason>,
    /// Why the service would be refused or cut: `NOT_COVERED`, `FREQUENCY_LIMIT`, `CEILING_PERSON_YEAR`…
    pub reasons: Vec<String>,
    pub referral_needed: bool,
    pub letter_needed: bool,
}

/// What is left. A limit that the product does not have is null.
#[derive(Serialize, ToSchema)]
pub struct LeftView {
    pub currency: String,
    pub person_year_minor: Option<i64>,
    pub household_year_minor: Option<i64>,
    /// For one claim, of the categories named.
    pub episode_minor: Option<i64>,
    pub episode_categories: Vec<String>,
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
    let sent = Sent { card: asked.card, qr: asked.qr, mutual: asked.mutual, birth_year: asked.birth_year };
    presented::must_not_wait(&guard)?;
    let card = presented::tried(&guard, presented::read(&guard, &sent))?;
    let (scope, roles) = guard.mutual_scope(card.mutual, Permission::EligibilityCheck)?;
    card.must_be_presented(&roles)?;
    let on = asked.on.unwrap_or(scope.today());
    let provider = match asked.provider_id {
        // What another facility would be paid is not a clerk's matter.
        Some(provider)
            if Presented::is_of_clerk(&roles) && !guard.provider_grants().any(|(_, own)| own == provider) =>
        {
            return Err(Problem::of(Code::NotFound).at("/provider_id").into());
        }
        Some(provider) => Some(provider),
        None => own_facility(&guard, card.mutual),
    };
    if asked.service.is_some() && provider.is_none() {
        return Err(Problem::field("/provider_id", "missing", "at which facility").into());
    }
    let owners = owners(&guard, &scope);
    let db = guard.desk.db.clone();
    let mutual_id = scope.mutual();
    let currency = scope.currency().code().to_owned();
    let found = blocking(move || {
        db.read(Wall::mutual(scope.mutual()), |r| {
            let (member, stay) = card.find(r, &scope)?;
            let answer: Answer = service::answer(r, &scope, member, stay, on)?;
            let of_service = match (&asked.service, provider) {
                (Some(code), Some(provider)) => {
                    Some(service::of_service(r, &scope, &owners, answer.member.id, provider, code, on)?)
                }
                _ => None,
            };
            Ok((answer, of_service))
        })
    })
    .await;
    let (answer, of_service) = presented::tried(&guard, found)?;
    let noted = serde_json::json!({"on": on, "status": answer.cover.entitlement.code()});
    let check_id = guard.note_in(mutual_id, "member", [answer.member.id.uuid()], Some(noted)).await?;
    let product = answer.product.as_ref();
    let episode = product.and_then(|product| product.ceilings.as_ref()).and_then(|found| found.episode.as_ref());
    let left = LeftView {
        currency,
        person_year_minor: answer.left.person_year_minor,
        household_year_minor: answer.left.household_year_minor,
        episode_minor: episode.map(|episode| episode.amount),
        episode_categories: episode.map(|episode| episode.categories.clone()).unwrap_or_default(),
        quantities: answer
            .left
            .quantities
            .iter()
            .map(|(category, quantity)| QuantityView { category: category.clone(), quantity: *quantity })
            .collect(),
    };
    Ok(shown(&EligibilityView {
        check_id,
        on,
        mutual_id,
        referral_levels: product.map(|product| product.referral_levels.clone()).unwrap_or_default(),
        benefits: benefits(&answer, on),
        person: PresentedView {
            member_id: answer.member.id,
            birth_year: answer.member.birth_date.map(|born| born.year()),
            family_name: answer.member.family_name,
            given_name: answer.member.given_name,
        },
        cover: answer.cover.into(),
        reason: answer.reason,
        enrolment_id: answer.enrolment,
        left,
        service: of_service.map(|of| ServiceAnswerView {
            code: of.code,
            category: of.category,
            is_covered: of.decision.totals.mutual > 0,
            price_minor: of.price_minor,
            mutual_minor: of.decision.totals.mutual,
            member_minor: of.decision.totals.member + of.decision.totals.provider_writeoff,
            claim_reason: of.decision.claim_reason,
            reasons: of
                .decision
                .lines
                .iter()
                .flat_map(|line| &line.reasons)
                .map(|reason| reason.code().to_owned())
                .collect(),
            referral_needed: of.decision.claim_reason == Some(ClaimReason::ReferralRequired),
            letter_needed: of.letter_needed,
        }),
    }))
}

/// The facility of a clerk, where he works at one alone that this mutual has a convention with.
fn own_facility(signed: &Signed, mutual: OrganisationId) -> Option<ProviderId> {
    let on = signed.on(mutual);
    let mut mine = signed.provider_grants().map(|(_, provider)| provider);
    let mut found = mine.by_ref().filter(|provider| signed.picture.is_contracted(*provider, mutual, on));
    found.next().filter(|_| found.next().is_none())
}

/// Each category with what it gives, by name.
fn benefits(answer: &Answer, on: NaiveDate) -> Vec<BenefitView> {
    let product = answer.product.as_ref();
    let of = |(category, entitlement): &(String, CategoryAnswer)| {
        let benefit = product.and_then(|product| product.benefits.get(category));
        let rates = benefit.and_then(|benefit| benefit.rate_bp.as_ref());
        let quantity_left = answer.left.quantities.iter().find(|(of, _)| of == category).map(|(_, left)| *left);
        // The window of a frequency is the calendar month (R23): the next one begins anew.
        let next = crate::dates::month_of(on).ok().and_then(|month| month.to.succ_opt());
        let letter = product.and_then(|product| product.prior_auth.as_ref());
        BenefitView {
            category: category.clone(),
            entitlement: (*entitlement).into(),
            rate_public_bp: rates.map(|rates| rates.public),
            rate_private_bp: rates.map(|rates| rates.private),
            copayment_minor: benefit.and_then(|benefit| benefit.copay),
            quantity_left,
            next_allowed_on: next.filter(|_| quantity_left == Some(0)).unwrap_or(on),
            letter_from_minor: letter
                .filter(|letter| letter.categories.contains(category))
                .map(|letter| letter.threshold),
        }
    };
    answer.benefits.iter().map(of).collect()
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
        benefits: benefits(&answer, on),
        cover: answer.cover.into(),
        reason,
        enrolment_id: answer.enrolment,
        next_change_on,
    }))
}
