//! Review: what waits for a person is queued with its reason and its risk, assigned, and decided with a reason; a decision by
//! which the mutual bears more than its limit needs a second person. A claim that was decided may have to wait after all.
use super::decisions::{
    Decided, Held, begin, decide, decide_lines, end, gather_anew, hold, inputs_of, keep, must_be_as_asked,
    needs_second, post_owed, set_use, take_decision, tell, write,
};
use super::model::*;
use super::rules::{Bearer, Share, Word};
use super::{review_store, store};
use crate::access::approvals::{self, Kind};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Execution, Order};
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::ledger::service::{Entry, mirror};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a person decides on a claim that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verdict {
    /// True: the rules decide it, with the shares set here. False: it is refused.
    pub accept: bool,
    /// Why.
    pub reason: String,
    /// Who bears a claim that is refused; R26 where it is left out.
    pub bearer: Option<Bearer>,
    /// What the mutual bears of lines, where that is not what the rules give.
    pub shares: Vec<Share>,
}

impl Verdict {
    /// Accepted or refused without more.
    pub fn plain(accept: bool, reason: impl Into<String>) -> Verdict {
        Verdict { accept, reason: reason.into(), bearer: None, shares: Vec::new() }
    }

    fn word(&self, waits_for: Option<ClaimReason>) -> Word {
        if self.accept {
            return Word {
                waived: vec![ClaimReason::SuspectedDuplicate],
                shares: self.shares.clone(),
                ..Word::default()
            };
        }
        let duplicate = waits_for.filter(|reason| *reason == ClaimReason::SuspectedDuplicate);
        Word {
            refused: Some(duplicate.unwrap_or(ClaimReason::RefusedOnReview)),
            bearer: self.bearer,
            ..Word::default()
        }
    }
}

/// A decision that waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Override {
    claim_id: ClaimId,
    /// The claim as it was looked at.
    version: i64,
    mutual_minor: i64,
    owners: Vec<OrganisationId>,
    verdict: Verdict,
}

fn must_wait(claim: &Claim) -> Result<()> {
    if claim.state == ClaimState::Pended {
        return Ok(());
    }
    Err(Problem::with(Code::WrongState, format!("the claim is {}, not PENDED", claim.state)).into())
}

/// Decides a claim that waits for a person, or asks a second one. True where it was decided.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`, `amount_refused` for shares that cannot be.
pub fn review(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    id: ClaimId,
    if_match: Option<&str>,
    verdict: &Verdict,
) -> Result<bool> {
    let held = hold(w, scope.mutual(), id)?;
    crate::web::must_match(if_match, held.claim.version)?;
    must_wait(&held.claim)?;
    let decided = decided(w, scope, owners, &held, verdict)?;
    if needs_second(w, scope.mutual(), decided.decision.totals.mutual)? {
        let asked = Override {
            claim_id: id,
            version: held.claim.version,
            mutual_minor: decided.decision.totals.mutual,
            owners: owners.to_vec(),
            verdict: verdict.clone(),
        };
        approvals::request(w, scope.mutual(), order, Kind::Override, &json!(asked))?;
        w.names("claim", id.uuid());
        w.mark(scope.today());
        return Ok(false);
    }
    conclude(w, scope, order.id, order.asker.user, &held, verdict, decided)?;
    Ok(true)
}

fn decided(
    w: &mut Write,
    scope: &MutualScope,
    owners: &[OrganisationId],
    held: &Held,
    verdict: &Verdict,
) -> Result<Decided> {
    let mut gathered = gather_anew(w, scope, owners, held)?;
    gathered.input.word = Some(verdict.word(held.claim.claim_reason));
    let decision = decide(&gathered.input)?;
    Ok(Decided { gathered, decision })
}

fn conclude(
    w: &mut Write,
    scope: &MutualScope,
    command: CommandId,
    by: Option<UserId>,
    held: &Held,
    verdict: &Verdict,
    Decided { gathered, decision }: Decided,
) -> Result<()> {
    let mut row = Claim {
        state: ClaimState::Decided,
        household_id: gathered.household,
        enrolment_id: gathered.enrolment,
        decided_on: Some(scope.today()),
        decided_by: by,
        decision_reason: Some(verdict.reason.clone()),
        ..held.claim.clone()
    };
    let mut lines = held.lines.clone();
    take_decision(&mut row, &gathered.input, &decision)?;
    decide_lines(&mut lines, &decision);
    write(w, &row, &lines)?;
    end(w, &row, scope.today())?;
    if let Some(letter) = &gathered.letter {
        set_use(w, letter, row.id, row.mutual_minor > 0)?;
    }
    post_owed(w, (scope.currency(), command, scope.today()), &row, 0, None)?;
    tell(w, held, &row, scope.today());
    Ok(())
}

/// Does what a second person approved.
///
/// # Errors
/// As [`review`], as it is now.
pub fn execute(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: Override = execution.request()?;
    let held = hold(w, execution.mutual, asked.claim_id)?;
    must_wait(&held.claim)?;
    let decided = decided(w, &execution.scope, &asked.owners, &held, &asked.verdict)?;
    must_be_as_asked((held.claim.version, decided.decision.totals.mutual), (asked.version, asked.mutual_minor))?;
    let by = Some(execution.requested_by);
    conclude(w, &execution.scope, execution.command, by, &held, &asked.verdict, decided)
}

/// Lets a claim wait for a person, or says anew for what it waits. A decision that it has is taken back and kept.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state` once it is in a settlement.
pub fn pend(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: ClaimId,
    if_match: Option<&str>,
    (reason, note): (ClaimReason, &str),
) -> Result<()> {
    let held = hold(w, scope.mutual(), id)?;
    crate::web::must_match(if_match, held.claim.version)?;
    let claim = &held.claim;
    if review_store::list_appeals_of(w, scope.mutual(), id)?.iter().any(|appeal| appeal.state == AppealState::Filed) {
        return Err(Problem::with(Code::WrongState, "an appeal against it waits").into());
    }
    let decided = claim.state == ClaimState::Decided && claim.settled_minor == 0;
    if !decided && claim.state != ClaimState::Pended {
        let detail = format!("the claim is {}: only one that is decided and not settled may have to wait", claim.state);
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let mut input = inputs_of(claim)?;
    input.word = Some(Word { held: Some(reason), ..Word::default() });
    let decision = decide(&input)?;
    let mut row =
        Claim { state: ClaimState::Pended, decided_on: None, decided_by: None, decision_reason: None, ..claim.clone() };
    let mut lines = held.lines.clone();
    take_decision(&mut row, &input, &decision)?;
    decide_lines(&mut lines, &decision);
    if decided {
        keep(w, &held, (ReplacedBy::Review, order.id.uuid()), scope.today())?;
        let originals = review_store::list_standing_transfers(w, scope.mutual(), id)?;
        let entry =
            Entry { mutual: scope.mutual(), currency: scope.currency(), command: order.id, posted_on: scope.today() };
        mirror(w, entry, &originals, order.id.uuid(), None, scope.today())?;
    }
    write(w, &row, &lines)?;
    begin(w, scope, &row, &lines, Some(note))?;
    tell(w, &held, &row, scope.today());
    Ok(())
}

/// Gives a claim that waits to somebody to work on, or to nobody.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn assign(
    w: &mut Write,
    scope: &MutualScope,
    id: ClaimId,
    if_match: Option<&str>,
    to: Option<UserId>,
) -> Result<()> {
    let held = hold(w, scope.mutual(), id)?;
    must_wait(&held.claim)?;
    let known = review_store::find_review(w, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    crate::web::must_match(if_match, known.version)?;
    let row = Review { assigned_to: to, assigned_at: to.map(|_| w.now()), version: known.version + 1, ..known.clone() };
    review_store::put_review(w, &row)?;
    w.changed("claim", id.uuid(), held.section, held.section);
    w.field("assigned_to", Some(json!(known.assigned_to)), Some(json!(to)));
    w.mark(scope.today());
    Ok(())
}

/// Takes a claim back: what it used is given back, its number is free, what was paid of it is recovered from the next
/// settlement. Its decision stays on it, to be read.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state` while it is in a settlement or an appeal waits.
pub fn void(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: ClaimId,
    if_match: Option<&str>,
    reason: &str,
) -> Result<()> {
    let mutual = scope.mutual();
    let held = hold(w, mutual, id)?;
    crate::web::must_match(if_match, held.claim.version)?;
    if matches!(held.claim.state, ClaimState::Batched | ClaimState::Voided) {
        return Err(Problem::with(Code::WrongState, format!("the claim is {}", held.claim.state)).into());
    }
    if review_store::list_appeals_of(w, mutual, id)?.iter().any(|appeal| appeal.state == AppealState::Filed) {
        return Err(Problem::with(Code::WrongState, "an appeal against it waits").into());
    }
    let void: ClaimVoidId = Key::new(order.id.uuid());
    let originals = review_store::list_standing_transfers(w, mutual, id)?;
    let entry = Entry { mutual, currency: scope.currency(), command: order.id, posted_on: scope.today() };
    mirror(w, entry, &originals, void.uuid(), None, scope.today())?;
    let row = Claim { state: ClaimState::Voided, ..held.claim.clone() };
    write(w, &row, &[])?;
    end(w, &row, scope.today())?;
    store::free_number(w, mutual, id)?;
    let links = review_store::find_links(w, mutual, id)?;
    if let Some(letter) = links.and_then(|links| links.letter_id) {
        let letter = review_store::find_letter(w, mutual, letter)?;
        let letter = letter.ok_or_else(|| Error::Fault("a claim cites an unknown letter".into()))?;
        set_use(w, &letter, id, false)?;
    }
    let kept = Void {
        mutual_id: mutual,
        id: void,
        claim_id: id,
        reason: reason.to_owned(),
        voided_on: scope.today(),
        voided_by: order.asker.user,
        recorded_at: w.now(),
    };
    review_store::insert_void(w, &kept)?;
    tell(w, &held, &row, scope.today());
    w.field("reason", None, Some(json!(reason)));
    Ok(())
}
