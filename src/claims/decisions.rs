//! A claim's decision written down: into its row and its lines, the books and the audit; kept where another one replaces it;
//! queued where it waits for a person.
use super::gathering::{Gathered, as_submitted, gather};
use super::model::*;
use super::rules::{Decision, Input, adjudicate};
use super::{review_store, risk, store};
use crate::access::scopes::MutualScope;
use crate::db::{Read, Write};
use crate::error::{Code, Error, Problem, Result, kept};
use crate::households::store as households;
use crate::ids::*;
use crate::ledger::rules::Event;
use crate::ledger::service::{Posting, post};
use crate::money::Currency;
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

/// Asks the rules.
///
/// # Errors
/// `amount_refused` where amounts cannot be counted, or shares cannot be.
pub(super) fn decide(input: &Input) -> Result<Decision> {
    adjudicate(input).map_err(|error| Problem::with(Code::AmountRefused, error.to_string()).at("/lines").into())
}

/// What the decision that a claim has depended on.
pub(super) fn inputs_of(claim: &Claim) -> Result<Input> {
    kept(&claim.inputs, "inputs")
}

fn inputs_text(input: &Input) -> Result<String> {
    serde_json::to_string(input).map_err(|error| Error::Fault(format!("inputs cannot be written: {error}")))
}

/// Writes a decision and what it depended on into the claim's row.
pub(super) fn take_decision(row: &mut Claim, input: &Input, decision: &Decision) -> Result<()> {
    row.outcome = decision.decision;
    row.claim_reason = decision.claim_reason;
    row.mutual_minor = decision.totals.mutual;
    row.member_minor = decision.totals.member;
    row.provider_writeoff_minor = decision.totals.provider_writeoff;
    row.other_paid_minor = decision.totals.other_payer;
    row.inputs = inputs_text(input)?;
    Ok(())
}

/// Writes a decision into the lines; those of which it says nothing have none.
pub(super) fn decide_lines(lines: &mut [Line], decision: &Decision) {
    for line in lines.iter_mut() {
        line.approved_quantity = None;
        line.allowed_unit_minor = None;
        line.mutual_minor = None;
        line.member_minor = None;
        line.provider_writeoff_minor = None;
        line.other_paid_minor = None;
        line.reasons = "[]".into();
    }
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

/// Posts what the mutual owes for a claim now beyond what it owed before; less than before where that is so.
pub(super) fn post_owed(
    w: &mut Write,
    (currency, command, today): (Currency, CommandId, NaiveDate),
    row: &Claim,
    before_minor: i64,
    source: Option<Uuid>,
) -> Result<()> {
    let more = row.mutual_minor - before_minor;
    let to = row.creditor();
    let event = match more {
        0 => return Ok(()),
        1.. => Event::ClaimDecided { to },
        _ => Event::ClaimReduced { to },
    };
    let on = row.decided_on.unwrap_or(today);
    let posting = Posting { claim: Some(row.id), source, ..Posting::of(event, more.abs(), on) };
    post(w, row.mutual_id, currency, command, today, &[posting])
}

/// Marks a letter as used by a claim, or gives it back where this claim had used it.
///
/// # Errors
/// The database's; the command starts anew where somebody else took the letter meanwhile.
pub(super) fn set_use(w: &mut Write, letter: &Letter, claim: ClaimId, used: bool) -> Result<()> {
    let is_own = letter.claim_id == Some(claim);
    let row = match (used, letter.state) {
        (true, LetterState::Issued) => Letter { state: LetterState::Used, claim_id: Some(claim), ..letter.clone() },
        (false, LetterState::Used) if is_own => Letter { state: LetterState::Issued, claim_id: None, ..letter.clone() },
        _ => return Ok(()),
    };
    if !review_store::set_letter(w, &row)? {
        return Err(Error::Again);
    }
    w.names("letter", row.id.uuid());
    Ok(())
}

/// Lets a claim wait: with the reason that its row says, and the risk as it is known now.
///
/// # Errors
/// The database's.
pub(super) fn begin(
    w: &mut Write,
    scope: &MutualScope,
    claim: &Claim,
    lines: &[Line],
    note: Option<&str>,
) -> Result<()> {
    let facts = risk::gather(w, claim, lines)?;
    let score = risk::risk(&facts).map_err(|_| Problem::of(Code::AmountTooLarge).at("/lines"))?.score;
    let known = review_store::find_review(w, claim.mutual_id, claim.id)?;
    let row = Review {
        mutual_id: claim.mutual_id,
        id: claim.id,
        reason: claim.claim_reason.unwrap_or(ClaimReason::MedicalReview),
        note: note.map(str::to_owned),
        risk: score,
        risk_facts: json!(facts).to_string(),
        assigned_to: None,
        assigned_at: None,
        since_on: scope.today(),
        ended_on: None,
        version: known.map_or(1, |known| known.version + 1),
    };
    Ok(review_store::put_review(w, &row)?)
}

/// Says that a claim waits no more.
pub(super) fn end(w: &mut Write, claim: &Claim, on: NaiveDate) -> Result<()> {
    if let Some(row) = review_store::find_review(w, claim.mutual_id, claim.id)?.filter(|row| row.ended_on.is_none()) {
        review_store::put_review(w, &Review { ended_on: Some(on), version: row.version + 1, ..row })?;
    }
    Ok(())
}

/// A claim under its household's lock, with its lines.
pub(super) struct Held {
    pub claim: Claim,
    pub lines: Vec<Line>,
    pub section: Option<OrganisationId>,
}

/// Locks the household of a claim and reads the claim.
///
/// # Errors
/// `not_found`.
pub(super) fn hold(w: &mut Write, mutual: MutualId, id: ClaimId) -> Result<Held> {
    let household = store::find_in(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?.household_id;
    households::lock(w, mutual, household)?.ok_or(Problem::of(Code::NotFound))?;
    let claim = store::find_in(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
    let lines = store::list_lines(w, mutual, id)?;
    let section = households::section_of(w, mutual, household)?;
    Ok(Held { claim, lines, section })
}

/// Says what became of a claim to devices, figures and the audit.
pub(super) fn tell(w: &mut Write, held: &Held, now: &Claim, today: NaiveDate) {
    w.changed("claim", now.id.uuid(), held.section, held.section);
    w.field("state", Some(json!(held.claim.state)), Some(json!(now.state)));
    w.field("outcome", Some(json!(held.claim.outcome)), Some(json!(now.outcome)));
    w.field("mutual_minor", Some(json!(held.claim.mutual_minor)), Some(json!(now.mutual_minor)));
    w.field("decision_reason", None, Some(json!(now.decision_reason)));
    // Cases are of the month of the care; what waits and how promptly it went, of that of the submission.
    w.mark(now.service_on.min(now.submitted_on).min(today));
}

/// Writes a claim's decision and its lines, if nobody else wrote it meanwhile.
pub(super) fn write(w: &mut Write, now: &Claim, lines: &[Line]) -> Result<()> {
    if !store::set_decision(w, now)? {
        return Err(Error::Again);
    }
    for line in lines {
        store::set_line(w, line)?;
    }
    Ok(())
}

/// Keeps the decision that a claim has, before another one replaces it; under the id of the appeal, where that does.
pub(super) fn keep(
    w: &mut Write,
    held: &Held,
    (replaced_by, id): (ReplacedBy, uuid::Uuid),
    on: NaiveDate,
) -> Result<()> {
    let claim = &held.claim;
    let lines: Vec<serde_json::Value> = held.lines.iter().map(line_as_kept).collect::<Result<_>>()?;
    let row = FormerDecision {
        mutual_id: claim.mutual_id,
        id: Key::new(id),
        claim_id: claim.id,
        replaced_by,
        replaced_on: on,
        outcome: claim.outcome,
        claim_reason: claim.claim_reason,
        decided_on: claim.decided_on,
        decided_by: claim.decided_by,
        decision_reason: claim.decision_reason.clone(),
        billed_minor: claim.billed_minor,
        mutual_minor: claim.mutual_minor,
        member_minor: claim.member_minor,
        provider_writeoff_minor: claim.provider_writeoff_minor,
        other_paid_minor: claim.other_paid_minor,
        lines: json!(lines).to_string(),
        inputs: claim.inputs.clone(),
        recorded_at: w.now(),
    };
    Ok(review_store::insert_former(w, &row)?)
}

fn line_as_kept(line: &Line) -> Result<serde_json::Value> {
    let reasons: serde_json::Value = kept(&line.reasons, "reasons")?;
    Ok(json!({
        "line": line.line, "approved_quantity": line.approved_quantity, "allowed_unit_minor": line.allowed_unit_minor,
        "mutual_minor": line.mutual_minor, "member_minor": line.member_minor,
        "provider_writeoff_minor": line.provider_writeoff_minor, "other_payer_minor": line.other_paid_minor,
        "reasons": reasons,
    }))
}

/// A decision, and what it was taken from.
pub(super) struct Decided {
    pub gathered: Gathered,
    pub decision: Decision,
}

/// Gathers what a claim that is decided anew depends on now. Where the person belonged to another household on the day of care,
/// as is known now, that household's usage counts, so it is held too.
pub(super) fn gather_anew(
    w: &mut Write,
    scope: &MutualScope,
    owners: &[OrganisationId],
    held: &Held,
) -> Result<Gathered> {
    let again = as_submitted(w, &held.claim, &held.lines)?;
    let gathered = gather(w, scope, owners, &again, Some(held.claim.id))?;
    if gathered.household == held.claim.household_id {
        return Ok(gathered);
    }
    households::lock(w, scope.mutual(), gathered.household)?.ok_or(Problem::of(Code::NotFound))?;
    gather(w, scope, owners, &again, Some(held.claim.id))
}

/// What a second person approved is what he saw: the same claim, and no larger share.
///
/// # Errors
/// `wrong_state`.
pub(super) fn must_be_as_asked(now: (i64, i64), asked: (i64, i64)) -> Result<()> {
    if now.0 == asked.0 && now.1 <= asked.1 {
        return Ok(());
    }
    let detail = "the claim, or what the mutual would bear of it, is not as it was asked for; ask anew";
    Err(Problem::with(Code::WrongState, detail).into())
}

/// Whether a decision by which the mutual bears so much needs a second person.
pub(super) fn needs_second(r: &mut Read, mutual: MutualId, mutual_minor: i64) -> Result<bool> {
    let limit = review_store::settings(r, mutual)?.second_person_above_minor;
    Ok(limit.is_some_and(|limit| mutual_minor > limit))
}
