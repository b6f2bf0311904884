//! Intake of claims: submit, which decides where the rules do, and price a basket. Both ask the one function of `rules` with
//! inputs gathered here, under the household's lock where they write, so that claims of one household never exceed a ceiling
//! together. What a person decides afterwards (`review`, `appeals`) gathers its inputs here too.
use super::decisions::{begin, decide, decide_lines, post_owed, set_use, take_decision};
pub use super::gathering::{Cites, MOST_LINES, MOST_UNITS, NewClaim, NewLine};
use super::gathering::{gather, household_of, known_provider, must_be_diagnoses, must_be_sound, priced_lines};
use super::model::*;
use super::rules::Decision;
use super::{review_store, store};
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::audit::store as audit;
use crate::dates::month_of;
use crate::db::{Read, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use chrono::NaiveDate;
use serde_json::json;

/// Who decides on when.
#[derive(Debug, Clone, Copy)]
pub struct Deciding {
    /// The day of the decision; an imported claim's is that of its submission.
    pub on: NaiveDate,
}

/// The category of a service and its price at a facility on a day.
///
/// # Errors
/// `not_found` for a facility, `invalid` for a service that the catalogue does not have.
pub fn price_of(
    r: &mut Read,
    owners: &[OrganisationId],
    provider: ProviderId,
    code: &str,
    on: NaiveDate,
) -> Result<(String, Option<i64>)> {
    known_provider(r, owners, provider)?;
    let line = NewLine { line: 1, service: code.to_owned(), quantity: 1, unit_price_minor: 0 };
    let (services, lines) = priced_lines(r, owners, provider, &[line], on).map_err(|error| match error {
        Error::Problem(problem) if problem.code == Code::Invalid => {
            Problem::field("/service", "unknown_value", format!("there is no service {code}")).into()
        }
        other => other,
    })?;
    let price = lines.first().and_then(|line| line.tariffs.first()).map(|version| version.amount);
    Ok((services.into_iter().next().map(|service| service.category).unwrap_or_default(), price))
}

/// A basket decided, and decided once more with a referral: what else it needs.
///
/// # Errors
/// As [`submit`].
pub fn price(
    r: &mut Read,
    scope: &MutualScope,
    owners: &[OrganisationId],
    new: &NewClaim,
) -> Result<(Decision, Decision)> {
    let mut input = gather(r, scope, owners, new, None)?.input;
    // Whether a person would look at it first does not matter here.
    input.existing_claims.clear();
    input.review_above = None;
    let as_it_is = decide(&input)?;
    input.claim.referral = true;
    Ok((as_it_is, decide(&input)?))
}

/// Prices a basket exactly as a claim would be decided, writing nothing.
///
/// # Errors
/// As [`submit`].
pub fn quote(r: &mut Read, scope: &MutualScope, owners: &[OrganisationId], new: &NewClaim) -> Result<Decision> {
    must_be_sound(new)?;
    must_be_diagnoses(r, owners, &new.diagnoses)?;
    if let Some(old) = new.cites.resubmits {
        must_be_resubmittable(r, scope, old, new)?;
    }
    let holder = store::holder_of_number(r, scope.mutual(), new.provider, &new.invoice_number)?;
    let taken = holder.is_some_and(|holder| Some(holder) != new.cites.resubmits);
    let mut gathered = gather(r, scope, owners, new, None)?;
    if taken {
        gathered.number_is_taken();
    }
    decide(&gathered.input)
}

/// What is submitted again is of the same person and facility, was refused as a whole or taken back, and was not submitted
/// again before.
fn must_be_resubmittable(r: &mut Read, scope: &MutualScope, old: ClaimId, new: &NewClaim) -> Result<()> {
    let known = store::find(r, scope, old)?.ok_or(Problem::of(Code::NotFound).at("/resubmits_id"))?;
    if known.member_id != new.member || known.provider_id != new.provider {
        return Err(Problem::of(Code::NotFound).at("/resubmits_id").into());
    }
    let refused = known.state == ClaimState::Decided && known.outcome == Outcome::Rejected;
    let detail = if !refused && known.state != ClaimState::Voided {
        "only a claim that was refused or taken back is submitted again"
    } else if review_store::find_resubmission(r, scope.mutual(), old)?.is_some() {
        "that claim has been submitted again"
    } else if review_store::list_appeals_of(r, scope.mutual(), old)?.iter().any(|row| row.state == AppealState::Filed) {
        "an appeal against that claim waits"
    } else {
        return Ok(());
    };
    Err(Problem::with(Code::WrongState, detail).at("/resubmits_id").into())
}

/// A check that is cited was made in this mutual, about this person.
fn must_be_check(r: &mut Read, mutual: MutualId, check: AuditId, member: MemberId) -> Result<()> {
    let known = audit::find(r, mutual, check)?;
    let names_him = known.is_some_and(|row| row.entities.contains(&member.to_string()));
    if names_him {
        return Ok(());
    }
    Err(Problem::field("/check_id", "unknown_value", "no check of this person has this id").into())
}

/// Submits a claim and decides it where the rules do. A number that the provider used before is stored as a refused
/// claim: DUPLICATE.
///
/// # Errors
/// `invalid`, `not_found`, `future_date`, `number_taken`.
pub fn submit(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    new: &NewClaim,
    deciding: Deciding,
) -> Result<ClaimId> {
    must_be_sound(new)?;
    let mutual = scope.mutual();
    if new.submitted_on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/submitted_on").into());
    }
    must_be_diagnoses(w, owners, &new.diagnoses)?;
    let household = household_of(w, scope, new)?;
    households::lock(w, mutual, household)?.ok_or(Problem::of(Code::NotFound).at("/member_id"))?;
    let mut gathered = gather(w, scope, owners, new, None)?;
    if gathered.household != household {
        return Err(Error::Again);
    }
    if let Some(old) = new.cites.resubmits {
        must_be_resubmittable(w, scope, old, new)?;
    }
    if let Some(check) = new.cites.check {
        must_be_check(w, mutual, check, new.member)?;
    }
    let id: ClaimId = Key::new(order.id.uuid());
    let number = Number {
        mutual_id: mutual,
        id: w.new_id(),
        provider_id: new.provider,
        number: new.invoice_number.clone(),
        claim_id: id,
    };
    let taken_over = match new.cites.resubmits {
        Some(old) => store::take_over_number(w, &number, old)?,
        None => false,
    };
    if !taken_over && !store::insert_number(w, &number)? {
        gathered.number_is_taken();
    }
    let decision = decide(&gathered.input)?;
    let pended = decision.decision == Outcome::Pended;
    let mut row = Claim {
        mutual_id: mutual,
        id,
        number: new.number.clone().unwrap_or_else(|| format!("C-{id}")),
        invoice_number: new.invoice_number.clone(),
        provider_id: new.provider,
        member_id: new.member,
        household_id: gathered.household,
        enrolment_id: gathered.enrolment,
        mode: new.mode,
        visit_type: new.visit_type,
        service_on: new.service_on,
        discharged_on: new.discharged_on,
        submitted_on: new.submitted_on,
        diagnoses: new.diagnoses.clone(),
        other_payer_minor: new.other_payer_minor,
        state: if pended { ClaimState::Pended } else { ClaimState::Decided },
        outcome: decision.decision,
        claim_reason: None,
        decided_on: (!pended).then_some(deciding.on),
        decided_by: None,
        decision_reason: None,
        billed_minor: decision.totals.billed,
        mutual_minor: 0,
        member_minor: 0,
        provider_writeoff_minor: 0,
        other_paid_minor: 0,
        currency: scope.currency().code().to_owned(),
        inputs: String::new(),
        recorded_at: w.now(),
        version: 1,
        settled_minor: 0,
    };
    take_decision(&mut row, &gathered.input, &decision)?;
    if !store::insert(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/number").into());
    }
    let mut lines: Vec<Line> = Vec::with_capacity(new.lines.len());
    for (line, service) in new.lines.iter().zip(&gathered.services) {
        lines.push(Line {
            mutual_id: mutual,
            id: w.new_id(),
            claim_id: id,
            line: line.line,
            service_id: service.id,
            category: service.category.clone(),
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
            approved_quantity: None,
            allowed_unit_minor: None,
            mutual_minor: None,
            member_minor: None,
            provider_writeoff_minor: None,
            other_paid_minor: None,
            reasons: "[]".into(),
        });
    }
    decide_lines(&mut lines, &decision);
    store::insert_lines(w, &lines)?;
    if new.cites != Cites::default() {
        let Cites { resubmits, check, letter } = new.cites;
        let links = Links { mutual_id: mutual, id, resubmits_id: resubmits, check_id: check, letter_id: letter };
        // Nothing inserted: somebody else submitted the same claim again meanwhile.
        if !review_store::insert_links(w, &links)? {
            return Err(Error::Again);
        }
    }
    if let Some(letter) = &gathered.letter {
        set_use(w, letter, id, pended || row.mutual_minor > 0)?;
    }
    if pended {
        begin(w, scope, &row, &lines, None)?;
    }
    post_owed(w, (scope.currency(), order.id, scope.today()), &row, 0, None)?;
    w.changed("claim", id.uuid(), gathered.section, gathered.section);
    w.field("outcome", None, Some(json!(row.outcome)));
    w.field("billed_minor", None, Some(json!(row.billed_minor)));
    // Cases are of the month of the care.
    w.mark(new.service_on.min(new.submitted_on).min(deciding.on));
    Ok(id)
}

/// What is left of the year's ceilings for a person, and what was used of frequencies in the month of a day.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// Of the person's ceiling of the cover year; none without one.
    pub person_year_minor: Option<i64>,
    /// Of the household's.
    pub household_year_minor: Option<i64>,
    /// Of the frequency limit of each category that has one, in the calendar month.
    pub quantities: Vec<(String, i64)>,
}

/// What is left on a day under an enrolment.
///
/// # Errors
/// The database's.
pub fn left(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
    member: MemberId,
    enrolment: EnrolmentId,
    product: &crate::products::rules::Product,
    on: NaiveDate,
) -> Result<Left> {
    let (own, all) = store::year_paid(r, mutual, household, member, enrolment, None)?;
    let month = month_of(on).map_err(|_| Problem::of(Code::ImpossibleDate).at("/on"))?;
    let used = store::used_quantities(r, mutual, member, (month.from, month.to), [None, None])?;
    let of = |ceiling: Option<i64>, paid: i64| ceiling.map(|ceiling| (ceiling - paid).max(0));
    let ceilings = product.ceilings.as_ref();
    Ok(Left {
        person_year_minor: of(ceilings.and_then(|found| found.person_year), own),
        household_year_minor: of(ceilings.and_then(|found| found.household_year), all),
        quantities: product
            .frequency
            .iter()
            .map(|(category, limit)| {
                (category.clone(), (limit.limit - used.get(category).copied().unwrap_or(0)).max(0))
            })
            .collect(),
    })
}
