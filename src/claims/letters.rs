//! Guarantee letters: what the mutual commits itself to before care (R29). Requested by the facility or the office, reviewed,
//! issued with an amount and its days; used by one claim, or revoked. That a letter has expired follows from its days.
use super::decisions::needs_second;
use super::gathering::{known_provider, must_be_diagnoses};
use super::model::*;
use super::review_store;
use crate::access::approvals::{self, Kind};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Execution, Order};
use crate::contributions::service::must_be_amount;
use crate::dates::add_days;
use crate::db::Write;
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::households::file::locked;
use crate::households::store as households;
use crate::ids::*;
use crate::providers::store as providers;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A letter as asked for.
#[derive(Debug, Clone)]
pub struct NewLetter {
    /// The mutual's number of it; made of the id where none is given.
    pub number: Option<String>,
    pub provider: ProviderId,
    pub member: MemberId,
    /// Codes of the services that are planned.
    pub services: Vec<String>,
    pub diagnoses: String,
    pub estimated_minor: i64,
    pub planned_on: NaiveDate,
    pub note: Option<String>,
}

/// Asks for a letter.
///
/// # Errors
/// `not_found` naming the field, `invalid` for a service that the catalogue does not have, `number_taken`.
pub fn request(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    new: &NewLetter,
) -> Result<()> {
    known_provider(w, owners, new.provider)?;
    must_be_diagnoses(w, owners, &new.diagnoses)?;
    let (member, household) = locked(w, scope, new.member)?;
    let known = providers::find_services(w, owners, &new.services)?;
    let unknown = |code: &String| !known.iter().any(|service| service.code == *code);
    let faults: Vec<FieldError> = new
        .services
        .iter()
        .enumerate()
        .filter(|(_, code)| unknown(code))
        .map(|(at, code)| {
            FieldError::new(format!("/services/{at}"), "unknown_value", format!("there is no service {code}"))
        })
        .collect();
    if !faults.is_empty() {
        return Err(Problem::fields(Code::Invalid, faults).into());
    }
    let id: LetterId = Key::new(order.id.uuid());
    let row = Letter {
        mutual_id: scope.mutual(),
        id,
        number: new.number.clone().unwrap_or_else(|| format!("L-{id}")),
        provider_id: new.provider,
        member_id: member.id,
        household_id: household.id,
        services: json!(new.services).to_string(),
        diagnoses: new.diagnoses.clone(),
        estimated_minor: new.estimated_minor,
        planned_on: new.planned_on,
        note: new.note.clone(),
        state: LetterState::Requested,
        amount_minor: None,
        valid_from: None,
        valid_to: None,
        currency: scope.currency().code().to_owned(),
        claim_id: None,
        requested_on: scope.today(),
        requested_by: order.asker.user,
        decided_on: None,
        decided_by: None,
        reason: None,
        recorded_at: w.now(),
        version: 1,
    };
    if !review_store::insert_letter(w, &row)? {
        return Err(Problem::of(Code::NumberTaken).at("/number").into());
    }
    tell(w, &row, None)
}

fn tell(w: &mut Write, row: &Letter, before: Option<LetterState>) -> Result<()> {
    let section = households::section_of(w, row.mutual_id, row.household_id)?;
    w.changed("letter", row.id.uuid(), section, section);
    w.names("member", row.member_id.uuid());
    w.field("state", before.map(|state| json!(state)), Some(json!(row.state)));
    w.field("amount_minor", None, Some(json!(row.amount_minor)));
    w.field("reason", None, Some(json!(row.reason)));
    w.mark(row.requested_on);
    Ok(())
}

/// A letter under its household's lock.
fn hold(w: &mut Write, mutual: MutualId, id: LetterId) -> Result<Letter> {
    let letter = review_store::find_letter(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
    households::lock(w, mutual, letter.household_id)?.ok_or(Problem::of(Code::NotFound))?;
    review_store::find_letter(w, mutual, id)?.ok_or_else(|| Code::NotFound.into())
}

fn set(w: &mut Write, before: &Letter, row: &Letter) -> Result<()> {
    if !review_store::set_letter(w, row)? {
        return Err(Error::Again);
    }
    tell(w, row, Some(before.state))
}

fn must_be(letter: &Letter, states: &[LetterState]) -> Result<()> {
    if states.contains(&letter.state) {
        return Ok(());
    }
    Err(Problem::with(Code::WrongState, format!("the letter is {}", letter.state)).into())
}

/// Takes a request up: somebody looks at it.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn take_up(w: &mut Write, scope: &MutualScope, id: LetterId, if_match: Option<&str>) -> Result<()> {
    let letter = hold(w, scope.mutual(), id)?;
    crate::web::must_match(if_match, letter.version)?;
    must_be(&letter, &[LetterState::Requested])?;
    set(w, &letter, &Letter { state: LetterState::InReview, ..letter.clone() })
}

/// What a letter is issued with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Issue {
    pub letter_id: LetterId,
    /// What the mutual pays at most.
    pub amount_minor: i64,
    pub valid_from: NaiveDate,
    /// As many days later as the mutual's settings say where it is left out.
    pub valid_to: Option<NaiveDate>,
    pub reason: Option<String>,
}

/// Issues a letter, or asks a second person where it is above the limit. True where it was issued.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`, `amount_refused`, `amount_too_large`, `impossible_date`.
pub fn issue(w: &mut Write, scope: &MutualScope, order: &Order, if_match: Option<&str>, asked: &Issue) -> Result<bool> {
    let letter = hold(w, scope.mutual(), asked.letter_id)?;
    crate::web::must_match(if_match, letter.version)?;
    must_be(&letter, &[LetterState::Requested, LetterState::InReview])?;
    must_be_amount(asked.amount_minor)?;
    if asked.valid_to.is_some_and(|to| to < asked.valid_from) {
        return Err(Problem::with(Code::ImpossibleDate, "the last day lies before the first").at("/valid_to").into());
    }
    if needs_second(w, scope.mutual(), asked.amount_minor)? {
        approvals::request(w, scope.mutual(), order, Kind::Letter, &json!(asked))?;
        w.names("letter", letter.id.uuid());
        w.mark(scope.today());
        return Ok(false);
    }
    write_issue(w, &letter, asked, scope.today(), order.asker.user)?;
    Ok(true)
}

fn write_issue(w: &mut Write, letter: &Letter, asked: &Issue, today: NaiveDate, by: Option<UserId>) -> Result<()> {
    let days = review_store::settings(w, letter.mutual_id)?.letter_days;
    let last = add_days(asked.valid_from, days).map_err(|_| Problem::of(Code::ImpossibleDate).at("/valid_from"))?;
    let row = Letter {
        state: LetterState::Issued,
        amount_minor: Some(asked.amount_minor),
        valid_from: Some(asked.valid_from),
        valid_to: Some(asked.valid_to.unwrap_or(last)),
        decided_on: Some(today),
        decided_by: by,
        reason: asked.reason.clone(),
        ..letter.clone()
    };
    set(w, letter, &row)
}

/// Issues what a second person approved.
///
/// # Errors
/// `wrong_state` where the letter was decided meanwhile.
pub fn execute(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: Issue = execution.request()?;
    let letter = hold(w, execution.mutual, asked.letter_id)?;
    must_be(&letter, &[LetterState::Requested, LetterState::InReview])?;
    write_issue(w, &letter, &asked, execution.today, Some(execution.requested_by))
}

/// Refuses a letter that was asked for, or revokes one that was issued and not used.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn withdraw(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: LetterId,
    if_match: Option<&str>,
    (to, reason): (LetterState, &str),
) -> Result<()> {
    let letter = hold(w, scope.mutual(), id)?;
    crate::web::must_match(if_match, letter.version)?;
    let from: &[LetterState] = match to {
        LetterState::Revoked => &[LetterState::Issued],
        _ => &[LetterState::Requested, LetterState::InReview],
    };
    must_be(&letter, from)?;
    let row = Letter {
        state: to,
        decided_on: Some(scope.today()),
        decided_by: order.asker.user,
        reason: Some(reason.to_owned()),
        ..letter.clone()
    };
    set(w, &letter, &row)
}
