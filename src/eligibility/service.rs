//! Derives a person's entitlement on a date from memberships and cover spans.
use crate::access::scopes::MutualScope;
use crate::claims::model::{ClaimReason, Mode, VisitType};
use crate::claims::rules::Decision;
use crate::claims::service::{self as claims, Cites, Left, NewClaim, NewLine, left};
use crate::dates::within;
use crate::db::Read;
use crate::enrolments::model::EnrolmentState;
use crate::enrolments::rules::{CategoryAnswer, CoverSpan, Entitlement, category_answer, span_on};
use crate::enrolments::service::as_cover_span;
use crate::enrolments::store as enrolments;
use crate::error::{Error, Result};
use crate::households::model::{Member, Membership};
use crate::households::store as households;
use crate::ids::*;
use crate::products::rules::Product;
use crate::products::{service as products, store as product_store};
use chrono::NaiveDate;
use uuid::Uuid;

/// What is true of a person on a date.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The person.
    pub member: Member,
    /// The stay of that day, or the last one.
    pub stay: Membership,
    /// Cover as such, without waiting.
    pub cover: CategoryAnswer,
    /// Why, as the span of that day says it.
    pub reason: Option<String>,
    /// The enrolment that decides, where there is one.
    pub enrolment: Option<EnrolmentId>,
    /// Per benefit category of its product, by name.
    pub benefits: Vec<(String, CategoryAnswer)>,
    /// What is left of ceilings and frequencies.
    pub left: Left,
    /// The product whose benefits are asked.
    pub product: Option<Product>,
}

/// What one unit of a service would be decided to cost whom.
#[derive(Debug, Clone)]
pub struct OfService {
    /// Its code.
    pub code: String,
    /// Its category.
    pub category: String,
    /// The price agreed, or the reference.
    pub price_minor: Option<i64>,
    /// What a claim for one unit at this price would be decided.
    pub decision: Decision,
    /// It needs a guarantee letter, with a referral too.
    pub letter_needed: bool,
}

/// Prices one unit of a service through the function that decides claims.
///
/// # Errors
/// `not_found` for a facility, `invalid` for a service that the catalogue does not have.
pub fn of_service(
    r: &mut Read,
    scope: &MutualScope,
    owners: &[OrganisationId],
    member: MemberId,
    provider: ProviderId,
    code: &str,
    on: NaiveDate,
) -> Result<OfService> {
    let price = claims::price_of(r, owners, provider, code, on)?;
    let new = NewClaim {
        number: None,
        // No certificate has this number: it is no duplicate.
        invoice_number: String::new(),
        provider,
        member,
        mode: Mode::ThirdParty,
        visit_type: VisitType::Other,
        service_on: on,
        discharged_on: None,
        submitted_on: on,
        diagnoses: String::new(),
        other_payer_minor: None,
        lines: vec![NewLine { line: 1, service: code.to_owned(), quantity: 1, unit_price_minor: price.1.unwrap_or(0) }],
        cites: Cites::default(),
    };
    let (decision, referred) = claims::price(r, scope, owners, &new)?;
    let letter_needed = referred.claim_reason == Some(ClaimReason::PriorAuthRequired);
    Ok(OfService { code: code.to_owned(), category: price.0, price_minor: price.1, decision, letter_needed })
}

/// Answers for a person found within the scope.
///
/// # Errors
/// A fault where stored rows cannot be read.
pub fn answer(r: &mut Read, scope: &MutualScope, member: Member, stay: Membership, on: NaiveDate) -> Result<Answer> {
    let calendar = |_| Error::Fault("a span lies beyond the calendar".into());
    let person = member.id.uuid();
    let stays = households::list_stays(r, scope, member.id)?;
    let alive = member.died_on.is_none_or(|died| on <= died);
    let present = stays.iter().find(|stay| within(on, stay.from_on, stay.to_on));
    let spans: Vec<CoverSpan<Uuid>> =
        enrolments::list_spans_of_member(r, scope, member.id)?.iter().map(as_cover_span).collect();
    let standing = span_on(&spans, person, on).copied();
    // Before the first span and without one, the enrolment asked is the next, else the last.
    let enrolment = standing
        .map(|span| span.enrolment)
        .or_else(|| spans.iter().find(|span| span.from > on).map(|span| span.enrolment))
        .or_else(|| spans.last().map(|span| span.enrolment))
        .map(Key::new);
    let household = present.unwrap_or(&stay).household_id;
    let product = product_of(r, scope, household, enrolment, on)?;
    let is_beneficiary = alive && (present.is_some() || newborn_before_registration(&spans, person, on));
    let of = |waiting_months: i64| -> Result<CategoryAnswer> {
        let known = category_answer(&spans, person, on, waiting_months).map_err(calendar)?;
        if is_beneficiary {
            return Ok(known);
        }
        let since = member.died_on.and_then(|died| died.succ_opt()).filter(|day| *day <= on);
        Ok(CategoryAnswer { entitlement: Entitlement::NotABeneficiary, since: since.or(known.since), until: None })
    };
    let mut benefits = Vec::new();
    for (category, benefit) in product.iter().flat_map(|product| &product.benefits) {
        benefits.push((category.clone(), of(benefit.waiting_months.unwrap_or(0))?));
    }
    let remaining = match (&product, enrolment) {
        (Some(product), Some(enrolment)) => left(r, scope.mutual(), household, member.id, enrolment, product, on)?,
        _ => Left::default(),
    };
    Ok(Answer {
        left: remaining,
        product,
        cover: of(0)?,
        reason: standing.map(|span| span.reason.code().to_owned()),
        enrolment,
        benefits,
        stay: present.cloned().unwrap_or(stay),
        member,
    })
}

/// A newborn is covered from birth, days before the registration (R18).
fn newborn_before_registration(spans: &[CoverSpan<Uuid>], person: Uuid, on: NaiveDate) -> bool {
    span_on(spans, person, on).is_some_and(|span| span.state == crate::enrolments::rules::SpanState::InForce)
}

/// The product whose benefits are asked: of the enrolment that decides, else of the household's enrolment of that day, else
/// of its last one.
fn product_of(
    r: &mut Read,
    scope: &MutualScope,
    household: HouseholdId,
    enrolment: Option<EnrolmentId>,
    on: NaiveDate,
) -> Result<Option<Product>> {
    let rows = enrolments::list_of_household(r, scope.mutual(), household)?;
    let row = rows
        .iter()
        .find(|row| Some(row.id) == enrolment)
        .or_else(|| rows.iter().find(|row| within(on, row.starts_on, Some(row.ends_on))))
        .or_else(|| rows.last());
    let Some(row) = row else { return Ok(None) };
    match product_store::list_versions_by_id(r, &[row.product_version_id])?.first() {
        Some(version) => products::parameters(version).map(Some),
        None => Ok(None),
    }
}

/// Why no cover has begun by a day, from the household's enrolments.
///
/// # Errors
/// The database's.
pub fn why_not(r: &mut Read, mutual: MutualId, household: HouseholdId, on: NaiveDate) -> Result<&'static str> {
    let rows = enrolments::list_of_household(r, mutual, household)?;
    let stands = |state: EnrolmentState| rows.iter().any(|row| row.state == state && row.ends_on >= on);
    Ok(match (stands(EnrolmentState::Admitted), stands(EnrolmentState::Applied)) {
        (true, _) => "UNPAID",
        (false, true) => "APPLIED",
        (false, false) => "NOT_ENROLLED",
    })
}
