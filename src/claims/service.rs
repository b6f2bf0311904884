//! Commands of claims: submit, which decides where the rules do; decide what waits for a person; price a basket. All of
//! them ask the one function of `rules` with inputs gathered here, under the household's lock where they write, so that
//! claims of one household never exceed a ceiling together.
use super::model::*;
use super::rules::{
    ClaimFacts, ClaimLine, Contract, Coverage, Decision, ExistingClaim, History, Input, ProviderFacts, TariffVersion,
    adjudicate,
};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::dates::{month_of, within};
use crate::db::{Read, Write};
use crate::enrolments::rules::{CoverSpan, EnrolmentState, Waiting, span_on, status_on};
use crate::enrolments::service::as_cover_span;
use crate::enrolments::store as enrolments;
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::ledger::rules::{Creditor, Event};
use crate::ledger::service::{Posting, post};
use crate::products::{service as products, store as product_store};
use crate::providers::model::Provider;
use crate::providers::store as providers;
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

/// Lines of one claim at most.
pub const MOST_LINES: usize = 100;
/// Units of one line at most.
pub const MOST_UNITS: i64 = 10_000;

/// A line as claimed. The claimant never says what is approved.
#[derive(Debug, Clone)]
pub struct NewLine {
    pub line: i32,
    pub service: String,
    pub quantity: i64,
    pub unit_price_minor: i64,
}

/// A claim as submitted.
#[derive(Debug, Clone)]
pub struct NewClaim {
    /// The mutual's number of it; made of the id where none is given.
    pub number: Option<String>,
    /// The provider's number of the single care certificate.
    pub invoice_number: String,
    pub provider: ProviderId,
    pub member: MemberId,
    pub mode: Mode,
    pub visit_type: VisitType,
    pub service_on: NaiveDate,
    pub discharged_on: Option<NaiveDate>,
    pub submitted_on: NaiveDate,
    pub diagnoses: String,
    pub other_payer_minor: Option<i64>,
    pub lines: Vec<NewLine>,
}

/// What was gathered for a decision.
struct Gathered {
    input: Input,
    household: HouseholdId,
    section: Option<OrganisationId>,
    enrolment: Option<EnrolmentId>,
    services: Vec<(ServiceId, String)>,
}

/// Who decides on when.
#[derive(Debug, Clone, Copy)]
pub struct Deciding {
    /// The day of the decision; an imported claim's is that of its submission.
    pub on: NaiveDate,
}

/// Faults of form that the types do not catch, all at once.
fn must_be_sound(new: &NewClaim) -> Result<()> {
    let mut faults = Vec::new();
    let mut fault = |pointer: String, code: &str, message: String| faults.push(FieldError::new(pointer, code, message));
    if new.discharged_on.is_some_and(|day| day < new.service_on) {
        fault("/discharged_on".into(), "before_admission", "lies before the service".into());
    }
    if new.lines.is_empty() || new.lines.len() > MOST_LINES {
        fault("/lines".into(), "out_of_bounds", format!("1 to {MOST_LINES} lines"));
    }
    for (at, line) in new.lines.iter().enumerate() {
        if !(1..=MOST_UNITS).contains(&line.quantity) {
            fault(format!("/lines/{at}/quantity"), "out_of_bounds", format!("1 to {MOST_UNITS}"));
        }
        if !(0..=1_000_000_000_000).contains(&line.unit_price_minor) {
            fault(format!("/lines/{at}/unit_price_minor"), "out_of_bounds", "0 to 1,000,000,000,000".into());
        }
        if line.line < 1 || new.lines.iter().take(at).any(|other| other.line == line.line) {
            fault(format!("/lines/{at}/line"), "twice", "line numbers begin at 1 and are there once".into());
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::fields(Code::Invalid, faults).into()) }
}

/// Gathers what a decision depends on. `owners` are those whose catalogue and conventions the mutual has: itself first,
/// then the bodies above, nearest first. `number_taken` says that the provider's number belongs to another claim.
fn gather(
    r: &mut Read,
    scope: &MutualScope,
    owners: &[OrganisationId],
    new: &NewClaim,
    number_taken: bool,
    but: Option<ClaimId>,
) -> Result<Gathered> {
    let mutual = scope.mutual();
    let on = new.service_on;
    let (member, last_stay) =
        households::find_member(r, scope, new.member)?.ok_or(Problem::of(Code::NotFound).at("/member_id"))?;
    let provider = known_provider(r, owners, new.provider)?;
    let stays = households::list_stays(r, scope, new.member)?;
    let stay = stays.iter().find(|stay| within(on, stay.from_on, stay.to_on));
    let household = stay.unwrap_or(&last_stay).household_id;
    let section = households::find(r, scope, household)?.and_then(|row| row.section_id);
    let spans: Vec<CoverSpan<Uuid>> =
        enrolments::list_spans_of_member(r, scope, new.member)?.iter().map(as_cover_span).collect();
    let person = new.member.uuid();
    let span = span_on(&spans, person, on);
    let alive = member.died_on.is_none_or(|died| on <= died);
    let (cover_start, waiting_exempt) = match span.map(|span| (span.waiting, span.from)) {
        Some((Waiting::From(day), _)) => (Some(day), false),
        Some((Waiting::Exempt, from)) => (Some(from), true),
        None => (None, false),
    };
    // The enrolment whose period holds the day; one that was never admitted covers nothing.
    let enrolment = enrolments::list_of_household(r, mutual, household)?.into_iter().find(|row| {
        within(on, row.starts_on, Some(row.ends_on))
            && !matches!(row.state, EnrolmentState::Applied | EnrolmentState::Rejected | EnrolmentState::Cancelled)
    });
    let product = match &enrolment {
        None => None,
        Some(row) => {
            let version = product_store::list_versions_by_id(r, &[row.product_version_id])?;
            version.first().map(products::parameters).transpose()?
        }
    };
    let convention = providers::list_conventions(r, provider.id)?
        .into_iter()
        .find(|row| owners.contains(&row.party_id) && within(on, row.valid_from, row.valid_to));
    let (services, lines) = priced_lines(r, owners, provider.id, new)?;
    let history = match &enrolment {
        None => History::default(),
        Some(row) => {
            let (person_year_paid, household_year_paid) = store::year_paid(r, mutual, household, new.member, row.id)?;
            let month = month_of(on).map_err(|_| Problem::of(Code::ImpossibleDate).at("/service_on"))?;
            let used_qty = store::used_quantities(r, mutual, new.member, month.from, month.to)?;
            History { person_year_paid, household_year_paid, used_qty }
        }
    };
    let id = provider.id.to_string();
    let mut existing_claims: Vec<ExistingClaim> = store::list_near(r, mutual, new.member, provider.id, on, but)?
        .into_iter()
        .map(|(invoice_no, services)| ExistingClaim {
            provider: id.clone(),
            invoice_no,
            service_date: Some(on),
            services: Some(services),
        })
        .collect();
    if number_taken {
        existing_claims.push(ExistingClaim {
            provider: id.clone(),
            invoice_no: new.invoice_number.clone(),
            service_date: None,
            services: None,
        });
    }
    let newborn = span.is_some_and(|span| span.state == crate::enrolments::rules::SpanState::InForce);
    let input = Input {
        product,
        coverage: Coverage {
            is_beneficiary: alive && (stay.is_some() || newborn),
            status: status_on(&spans, person, on),
            cover_start,
            waiting_exempt,
        },
        provider: ProviderFacts {
            id,
            level: provider.level,
            sector: provider.sector,
            contract: convention.map(|row| Contract { from: row.valid_from, to: row.valid_to }),
        },
        claim: ClaimFacts {
            mode: new.mode,
            service_date: on,
            discharge_date: new.discharged_on,
            submitted_on: new.submitted_on,
            emergency: new.visit_type == VisitType::Emergency,
            referral: new.visit_type == VisitType::Referral,
            invoice_no: new.invoice_number.clone(),
            lines,
            prior_auth: None,
            other_payer_amount: new.other_payer_minor,
        },
        history,
        existing_claims,
    };
    Ok(Gathered { input, household, section, enrolment: enrolment.map(|row| row.id), services })
}

/// A provider of the mutual's catalogue.
fn known_provider(r: &mut Read, owners: &[OrganisationId], id: ProviderId) -> Result<Provider> {
    providers::find(r, id)?
        .filter(|provider| owners.contains(&provider.owner_id))
        .ok_or_else(|| Problem::of(Code::NotFound).at("/provider_id").into())
}

/// The service and its category, and the line with its price: the provider's own version of the day, then the reference,
/// each of the nearest owner.
type PricedLines = (Vec<(ServiceId, String)>, Vec<ClaimLine>);

fn priced_lines(r: &mut Read, owners: &[OrganisationId], provider: ProviderId, new: &NewClaim) -> Result<PricedLines> {
    let nearness = |owner: OrganisationId| owners.iter().position(|known| *known == owner).unwrap_or(usize::MAX);
    let codes: Vec<String> = new.lines.iter().map(|line| line.service.clone()).collect();
    let known = providers::find_services(r, owners, &codes)?;
    let ids: Vec<ServiceId> = known.iter().map(|service| service.id).collect();
    let prices = providers::list_prices(r, owners, Some(provider), &ids)?;
    let mut services = Vec::with_capacity(new.lines.len());
    let mut lines = Vec::with_capacity(new.lines.len());
    let mut faults = Vec::new();
    for (at, line) in new.lines.iter().enumerate() {
        let service = known
            .iter()
            .filter(|service| service.code == line.service)
            .min_by_key(|service| nearness(service.owner_id));
        let Some(service) = service else {
            let message = format!("there is no service {}", line.service);
            faults.push(FieldError::new(format!("/lines/{at}/service"), "unknown_value", message));
            continue;
        };
        let price = prices
            .iter()
            .filter(|price| price.service_id == service.id)
            .filter(|price| within(new.service_on, price.valid_from, price.valid_to))
            .min_by_key(|price| (price.provider_id.is_none(), nearness(price.owner_id)));
        services.push((service.id, service.category.clone()));
        lines.push(ClaimLine {
            line: i64::from(line.line),
            code: service.code.clone(),
            category: service.category.clone(),
            qty: line.quantity,
            unit_price: line.unit_price_minor,
            tariffs: price
                .map(|price| TariffVersion {
                    from: price.valid_from,
                    to: price.valid_to,
                    amount: price.unit_price_minor,
                })
                .into_iter()
                .collect(),
        });
    }
    if faults.is_empty() { Ok((services, lines)) } else { Err(Problem::fields(Code::Invalid, faults).into()) }
}

fn decide(input: &Input) -> Result<Decision> {
    adjudicate(input).map_err(|error| Problem::with(Code::AmountRefused, error.to_string()).at("/lines").into())
}

/// Prices a basket exactly as a claim would be decided, writing nothing.
///
/// # Errors
/// As [`submit`].
pub fn quote(r: &mut Read, scope: &MutualScope, owners: &[OrganisationId], new: &NewClaim) -> Result<Decision> {
    must_be_sound(new)?;
    let taken = store::has_number(r, scope.mutual(), new.provider, &new.invoice_number)?;
    decide(&gather(r, scope, owners, new, taken, None)?.input)
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
    // The number is taken before anything is gathered: what it names must be there.
    known_provider(w, owners, new.provider)?;
    let household = household_of(w, scope, new)?;
    households::lock(w, mutual, household)?.ok_or(Problem::of(Code::NotFound).at("/member_id"))?;
    if household_of(w, scope, new)? != household {
        return Err(Error::Again);
    }
    let id: ClaimId = Key::new(order.id.uuid());
    let number = Number {
        mutual_id: mutual,
        id: w.new_id(),
        provider_id: new.provider,
        number: new.invoice_number.clone(),
        claim_id: id,
    };
    let taken = !store::insert_number(w, &number)?;
    let gathered = gather(w, scope, owners, new, taken, None)?;
    let decision = decide(&gathered.input)?;
    let pended = decision.decision == Outcome::Pended;
    let totals = decision.totals;
    let row = Claim {
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
        claim_reason: decision.claim_reason,
        decided_on: (!pended).then_some(deciding.on),
        decided_by: None,
        decision_reason: None,
        billed_minor: totals.billed,
        mutual_minor: totals.mutual,
        member_minor: totals.member,
        provider_writeoff_minor: totals.provider_writeoff,
        other_paid_minor: totals.other_payer,
        currency: scope.currency().code().to_owned(),
        inputs: inputs_text(&gathered.input)?,
        settlement_id: None,
        recorded_at: w.now(),
        version: 1,
    };
    if !store::insert(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/number").into());
    }
    let mut lines: Vec<Line> = Vec::with_capacity(new.lines.len());
    for (line, (service, category)) in new.lines.iter().zip(&gathered.services) {
        lines.push(Line {
            mutual_id: mutual,
            id: w.new_id(),
            claim_id: id,
            line: line.line,
            service_id: *service,
            category: category.clone(),
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
    post_decision(w, scope, order, &row)?;
    w.changed("claim", id.uuid(), gathered.section, gathered.section);
    w.field("outcome", None, Some(json!(row.outcome)));
    w.field("billed_minor", None, Some(json!(row.billed_minor)));
    w.mark(new.submitted_on.min(deciding.on));
    Ok(id)
}

/// The household of the day of care, else the last.
fn household_of(r: &mut Read, scope: &MutualScope, new: &NewClaim) -> Result<HouseholdId> {
    let (_, last) =
        households::find_member(r, scope, new.member)?.ok_or(Problem::of(Code::NotFound).at("/member_id"))?;
    let stays = households::list_stays(r, scope, new.member)?;
    let stay = stays.iter().find(|stay| within(new.service_on, stay.from_on, stay.to_on));
    Ok(stay.unwrap_or(&last).household_id)
}

fn inputs_text(input: &Input) -> Result<String> {
    serde_json::to_string(input).map_err(|error| Error::Fault(format!("inputs cannot be written: {error}")))
}

fn decide_lines(lines: &mut [Line], decision: &Decision) {
    for decided in &decision.lines {
        if let Some(line) = lines.iter_mut().find(|line| i64::from(line.line) == decided.line) {
            line.approved_quantity = Some(decided.approved_qty);
            line.allowed_unit_minor = Some(decided.allowed_unit);
            line.mutual_minor = Some(decided.mutual);
            line.member_minor = Some(decided.member);
            line.provider_writeoff_minor = Some(decided.provider_writeoff);
            line.other_paid_minor = Some(decided.other_payer);
            line.reasons = json!(decided.reasons).to_string();
        }
    }
}

fn post_decision(w: &mut Write, scope: &MutualScope, order: &Order, row: &Claim) -> Result<()> {
    if row.state != ClaimState::Decided || row.mutual_minor == 0 {
        return Ok(());
    }
    let to = match row.mode {
        Mode::ThirdParty => Creditor::Provider(row.provider_id),
        Mode::Reimbursement => Creditor::Member,
    };
    let posting = Posting {
        event: Event::ClaimDecided { to },
        amount_minor: row.mutual_minor,
        payment: None,
        due: None,
        claim: Some(row.id),
        settlement: None,
        source: None,
        session: None,
        value_on: row.decided_on.unwrap_or(scope.today()),
    };
    post(w, scope.mutual(), scope.currency(), order.id, scope.today(), &[posting])
}

/// What a person decides on a claim that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is no duplicate: the rules decide it.
    Accept,
    /// It is one: refused.
    Reject,
}

/// Decides a claim that waits for a person.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn review(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    id: ClaimId,
    if_match: Option<&str>,
    verdict: (Verdict, &str),
) -> Result<()> {
    let mutual = scope.mutual();
    let household = store::find(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?.household_id;
    households::lock(w, mutual, household)?.ok_or(Problem::of(Code::NotFound))?;
    let known = store::find(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    crate::web::must_match(if_match, known.version)?;
    if known.state != ClaimState::Pended {
        return Err(Problem::with(Code::WrongState, format!("the claim is {}, not PENDED", known.state)).into());
    }
    let mut lines = store::list_lines(w, mutual, id)?;
    let mut row = Claim {
        state: ClaimState::Decided,
        decided_on: Some(scope.today()),
        decided_by: order.asker.user,
        decision_reason: Some(verdict.1.to_owned()),
        ..known.clone()
    };
    let section = match verdict.0 {
        Verdict::Reject => {
            // R26: what is refused and not named there is the member's.
            row.outcome = Outcome::Rejected;
            row.claim_reason = Some(ClaimReason::SuspectedDuplicate);
            row.member_minor = row.billed_minor;
            households::find(w, scope, household)?.and_then(|found| found.section_id)
        }
        Verdict::Accept => {
            let again = as_submitted(w, &known, &lines)?;
            let mut gathered = gather(w, scope, owners, &again, false, Some(id))?;
            gathered.input.existing_claims.clear();
            let decision = decide(&gathered.input)?;
            let totals = &decision.totals;
            row.outcome = decision.decision;
            row.claim_reason = decision.claim_reason;
            row.mutual_minor = totals.mutual;
            row.member_minor = totals.member;
            row.provider_writeoff_minor = totals.provider_writeoff;
            row.other_paid_minor = totals.other_payer;
            row.inputs = inputs_text(&gathered.input)?;
            decide_lines(&mut lines, &decision);
            gathered.section
        }
    };
    if !store::set_decision(w, &row)? {
        return Err(Problem::of(Code::WrongState).into());
    }
    for line in &lines {
        store::set_line(w, line)?;
    }
    post_decision(w, scope, order, &row)?;
    w.changed("claim", id.uuid(), section, section);
    w.field("outcome", Some(json!(known.outcome)), Some(json!(row.outcome)));
    w.field("decision_reason", None, Some(json!(row.decision_reason)));
    w.mark(known.submitted_on.min(scope.today()));
    Ok(())
}

/// A stored claim as it was submitted.
fn as_submitted(r: &mut Read, claim: &Claim, lines: &[Line]) -> Result<NewClaim> {
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        let service = providers::find_service(r, line.service_id)?
            .ok_or_else(|| Error::Fault("a line names an unknown service".into()))?;
        all.push(NewLine {
            line: line.line,
            service: service.code,
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
        });
    }
    Ok(NewClaim {
        number: Some(claim.number.clone()),
        invoice_number: claim.invoice_number.clone(),
        provider: claim.provider_id,
        member: claim.member_id,
        mode: claim.mode,
        visit_type: claim.visit_type,
        service_on: claim.service_on,
        discharged_on: claim.discharged_on,
        submitted_on: claim.submitted_on,
        diagnoses: claim.diagnoses.clone(),
        other_payer_minor: claim.other_payer_minor,
        lines: all,
    })
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
    let (own, all) = store::year_paid(r, mutual, household, member, enrolment)?;
    let month = month_of(on).map_err(|_| Problem::of(Code::ImpossibleDate).at("/on"))?;
    let used = store::used_quantities(r, mutual, member, month.from, month.to)?;
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
