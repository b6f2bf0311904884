//! What a claim's decision depends on, gathered from the register, the catalogue and earlier claims. A quote, a submission and
//! whatever is decided anew gather it here.
use super::model::*;
use super::rules::{
    ClaimFacts, ClaimLine, Contract, Coverage, ExistingClaim, GuaranteeLetter, History, Input, ProviderFacts,
    TariffVersion,
};
use super::{review_store, store};
use crate::access::picture::Picture;
use crate::access::scopes::MutualScope;
use crate::dates::{month_of, within};
use crate::db::Read;
use crate::enrolments::rules::{CoverSpan, EnrolmentState, SpanState, Waiting, span_on, status_on};
use crate::enrolments::service::as_cover_span;
use crate::enrolments::store as enrolments;
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::households::store as households;
use crate::ids::*;
use crate::products::{service as products, store as product_store};
use crate::providers::diagnoses;
use crate::providers::model::{Provider, Service};
use crate::providers::rules::{ServiceLimits, Terms, exclusion};
use crate::providers::store as providers;
use chrono::NaiveDate;
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
    pub cites: Cites,
}

/// What a claim cites.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cites {
    /// The refused or voided claim that it submits again.
    pub resubmits: Option<ClaimId>,
    /// The check at the counter.
    pub check: Option<AuditId>,
    /// The guarantee letter.
    pub letter: Option<LetterId>,
}

/// What was gathered for a decision.
pub(super) struct Gathered {
    pub input: Input,
    pub household: HouseholdId,
    pub section: Option<OrganisationId>,
    pub enrolment: Option<EnrolmentId>,
    pub services: Vec<Service>,
    pub letter: Option<Letter>,
}

impl Gathered {
    /// Another claim has the provider's number (R31).
    pub fn number_is_taken(&mut self) {
        self.input.existing_claims.push(ExistingClaim {
            provider: self.input.provider.id.clone(),
            invoice_no: self.input.claim.invoice_no.clone(),
            service_date: None,
            services: None,
        });
    }
}

/// Whose catalogue and conventions a mutual has: its own, then those of the bodies above it, the nearest first.
pub fn owners(picture: &Picture, scope: &MutualScope) -> Vec<OrganisationId> {
    let mutual: OrganisationId = scope.mutual().into();
    let mut owners = vec![mutual];
    owners.extend(picture.ancestors(mutual, scope.today()));
    owners
}

/// Faults of form that the types do not catch, all at once.
pub(super) fn must_be_sound(new: &NewClaim) -> Result<()> {
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

/// Where a list of diagnoses counts for the mutual, every code must be on it.
///
/// # Errors
/// `invalid` naming each.
pub(super) fn must_be_diagnoses(r: &mut Read, owners: &[OrganisationId], codes: &str) -> Result<()> {
    let codes: Vec<String> = codes.split_whitespace().map(str::to_owned).collect();
    if codes.is_empty() {
        return Ok(());
    }
    let unknown = diagnoses::unknown(r, owners, &codes)?;
    let faults: Vec<FieldError> = codes
        .iter()
        .enumerate()
        .filter(|(_, code)| unknown.contains(code))
        .map(|(at, _)| FieldError::new(format!("/diagnoses/{at}"), "unknown_value", "is not on the list of diagnoses"))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::fields(Code::Invalid, faults).into()) }
}

/// Gathers what a decision depends on. `owners` are those whose catalogue and conventions the mutual has: itself first,
/// then the bodies above, nearest first. `but` is the claim itself, where it is decided anew: it does not count against itself.
/// Whether the provider's number belongs to another claim is not asked here: see [`Gathered::number_is_taken`].
pub(super) fn gather(
    r: &mut Read,
    scope: &MutualScope,
    owners: &[OrganisationId],
    new: &NewClaim,
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
        .find(|row| owners.contains(&row.party_id) && within(on, row.valid_from, row.valid_to))
        .filter(|_| provider.is_active(on));
    let terms = convention.as_ref().map(Terms::from);
    let (services, mut lines) = priced_lines(r, owners, provider.id, &new.lines, on)?;
    for (line, service) in lines.iter_mut().zip(&services) {
        line.excluded = exclusion(&ServiceLimits::from(service), terms.as_ref(), member.sex, member.birth_date, on);
    }
    let history = match &enrolment {
        None => History::default(),
        Some(row) => {
            let (person_year_paid, household_year_paid) =
                store::year_paid(r, mutual, household, new.member, row.id, but)?;
            let month = month_of(on).map_err(|_| Problem::of(Code::ImpossibleDate).at("/service_on"))?;
            let used_qty =
                store::used_quantities(r, mutual, new.member, (month.from, month.to), [but, new.cites.resubmits])?;
            History { person_year_paid, household_year_paid, used_qty }
        }
    };
    let id = provider.id.to_string();
    let existing_claims: Vec<ExistingClaim> =
        store::list_near(r, mutual, new.member, provider.id, on, [but, new.cites.resubmits])?
            .into_iter()
            // The same number is `claim_numbers`' matter: its own refused double must not stand in a claim's way.
            .filter(|(number, _)| *number != new.invoice_number)
            .map(|(invoice_no, services)| ExistingClaim {
                provider: id.clone(),
                invoice_no,
                service_date: Some(on),
                services: Some(services),
            })
            .collect();
    let letter = match new.cites.letter {
        None => None,
        Some(id) => cited(r, mutual, id, new, but)?,
    };
    let newborn = span.is_some_and(|span| span.state == SpanState::InForce);
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
            prior_auth: letter.as_ref().and_then(as_guarantee),
            other_payer_amount: new.other_payer_minor,
        },
        history,
        existing_claims,
        review_above: review_store::settings(r, mutual)?.review_above_minor,
        word: None,
    };
    Ok(Gathered { input, household, section, enrolment: enrolment.map(|row| row.id), services, letter })
}

fn as_guarantee(letter: &Letter) -> Option<GuaranteeLetter> {
    Some(GuaranteeLetter { valid_from: letter.valid_from?, valid_to: letter.valid_to?, amount: letter.amount_minor? })
}

/// A provider of the mutual's catalogue.
pub(super) fn known_provider(r: &mut Read, owners: &[OrganisationId], id: ProviderId) -> Result<Provider> {
    providers::find(r, id)?
        .filter(|provider| owners.contains(&provider.owner_id))
        .ok_or_else(|| Problem::of(Code::NotFound).at("/provider_id").into())
}

/// The service and its category, and the line with its price: the provider's own version of the day, then the reference,
/// each of the nearest owner.
pub(super) type PricedLines = (Vec<Service>, Vec<ClaimLine>);

pub(super) fn priced_lines(
    r: &mut Read,
    owners: &[OrganisationId],
    provider: ProviderId,
    asked: &[NewLine],
    on: NaiveDate,
) -> Result<PricedLines> {
    let nearness = |owner: OrganisationId| owners.iter().position(|known| *known == owner).unwrap_or(usize::MAX);
    let codes: Vec<String> = asked.iter().map(|line| line.service.clone()).collect();
    let known = providers::find_services(r, owners, &codes)?;
    let ids: Vec<ServiceId> = known.iter().map(|service| service.id).collect();
    let prices = providers::list_prices(r, owners, Some(provider), &ids)?;
    let mut services = Vec::with_capacity(asked.len());
    let mut lines = Vec::with_capacity(asked.len());
    let mut faults = Vec::new();
    for (at, line) in asked.iter().enumerate() {
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
            .filter(|price| within(on, price.valid_from, price.valid_to))
            .min_by_key(|price| (price.provider_id.is_none(), nearness(price.owner_id)));
        services.push(service.clone());
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
            excluded: None,
        });
    }
    if faults.is_empty() { Ok((services, lines)) } else { Err(Problem::fields(Code::Invalid, faults).into()) }
}

/// The letter that a claim cites: of the same person and facility, issued, and not used by another claim. Whether it is valid
/// on the day is the rules' matter. A claim that is decided anew has none where its letter was revoked or used meanwhile.
///
/// # Errors
/// `not_found`, `wrong_state`, naming the field.
fn cited(r: &mut Read, mutual: MutualId, id: LetterId, new: &NewClaim, own: Option<ClaimId>) -> Result<Option<Letter>> {
    let letter = review_store::find_letter(r, mutual, id)?
        .filter(|letter| letter.member_id == new.member && letter.provider_id == new.provider)
        .ok_or(Problem::of(Code::NotFound).at("/letter_id"))?;
    let is_own = letter.state == LetterState::Used && own.is_some() && letter.claim_id == own;
    if letter.state == LetterState::Issued || is_own {
        return Ok(Some(letter));
    }
    if own.is_some() {
        return Ok(None);
    }
    Err(Problem::with(Code::WrongState, format!("the letter is {}", letter.state)).at("/letter_id").into())
}

/// The household of the day of care, else the last.
pub(super) fn household_of(r: &mut Read, scope: &MutualScope, new: &NewClaim) -> Result<HouseholdId> {
    let (_, last) =
        households::find_member(r, scope, new.member)?.ok_or(Problem::of(Code::NotFound).at("/member_id"))?;
    let stays = households::list_stays(r, scope, new.member)?;
    let stay = stays.iter().find(|stay| within(new.service_on, stay.from_on, stay.to_on));
    Ok(stay.unwrap_or(&last).household_id)
}

/// A stored claim as it was submitted.
pub(super) fn as_submitted(r: &mut Read, claim: &Claim, lines: &[Line]) -> Result<NewClaim> {
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
    let links = review_store::find_links(r, claim.mutual_id, claim.id)?;
    Ok(NewClaim {
        cites: links.map_or(Cites::default(), |links| Cites {
            resubmits: links.resubmits_id,
            check: links.check_id,
            letter: links.letter_id,
        }),
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
