//! Appeals: a member or a facility contests a decision within the deadline; another person decides; both decisions stay, and
//! the difference is owed or to be recovered (R33).
use super::decisions::{
    self, Decided, Held, decide, decide_lines, gather_anew, must_be_as_asked, needs_second, post_owed, set_use,
    take_decision,
};
use super::model::*;
use super::rules::{Share, Totals, Word, appeal_difference};
use super::{review_store, store};
use crate::access::approvals::{self, Kind};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Execution, Order};
use crate::dates::add_days;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Files an appeal against the decision that a claim has.
///
/// # Errors
/// `not_found`, `wrong_state` where nothing was refused or cut, or an appeal waits or was decided, `appeal_late`.
pub fn file(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    claim: ClaimId,
    appellant: Appellant,
    reason: &str,
) -> Result<()> {
    let mutual = scope.mutual();
    let held = decisions::hold(w, mutual, claim)?;
    let known = review_store::list_appeals_of(w, mutual, claim)?;
    let state = held.claim.state;
    let detail = if matches!(state, ClaimState::Pended | ClaimState::Voided) {
        Some(format!("the claim is {state}"))
    } else if held.claim.outcome == Outcome::Approved {
        Some("nothing of the claim was refused or cut".into())
    } else if review_store::find_resubmission(w, mutual, claim)?.is_some() {
        Some("the claim has been submitted again".into())
    } else if known.iter().any(|appeal| appeal.state == AppealState::Filed) {
        Some("an appeal against it waits".into())
    } else if known.iter().any(|appeal| appeal.appellant == appellant) {
        Some(format!("the {appellant}'s appeal has been decided"))
    } else {
        None
    };
    if let Some(detail) = detail {
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let days = review_store::settings(w, mutual)?.appeal_days;
    let last = held.claim.decided_on.and_then(|on| add_days(on, days).ok());
    if let Some(last) = last.filter(|last| scope.today() > *last) {
        return Err(Problem::with(Code::AppealLate, format!("the deadline was {last}")).into());
    }
    let row = Appeal {
        mutual_id: mutual,
        id: Key::new(order.id.uuid()),
        claim_id: claim,
        appellant,
        reason: reason.to_owned(),
        filed_on: scope.today(),
        filed_by: order.asker.user,
        state: AppealState::Filed,
        original_minor: held.claim.mutual_minor,
        difference_minor: None,
        decided_on: None,
        decided_by: None,
        decision_reason: None,
        recorded_at: w.now(),
        version: 1,
    };
    review_store::insert_appeal(w, &row)?;
    w.changed("appeal", row.id.uuid(), held.section, held.section);
    w.names("claim", claim.uuid());
    w.field("appellant", None, Some(json!(appellant)));
    w.mark(scope.today());
    Ok(())
}

/// What a person decides on an appeal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verdict {
    /// False: the decision stays. True: the claim is decided anew, with what is known now.
    pub change: bool,
    /// Why.
    pub reason: String,
    /// Checks that do not count for this claim.
    pub waived: Vec<ClaimReason>,
    /// What the mutual bears of lines, where that is not what the rules give.
    pub shares: Vec<Share>,
}

/// A decision on an appeal that waits for the second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Request {
    appeal_id: AppealId,
    /// The claim as it was looked at.
    version: i64,
    mutual_minor: i64,
    owners: Vec<OrganisationId>,
    verdict: Verdict,
}

/// An appeal and its claim, under the household's lock.
struct Heard {
    appeal: Appeal,
    held: Held,
}

fn hear(w: &mut Write, mutual: MutualId, id: AppealId) -> Result<Heard> {
    let claim = review_store::find_appeal(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?.claim_id;
    let held = decisions::hold(w, mutual, claim)?;
    let appeal = review_store::find_appeal(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
    if appeal.state != AppealState::Filed {
        return Err(Problem::with(Code::WrongState, format!("the appeal is {}", appeal.state)).into());
    }
    Ok(Heard { appeal, held })
}

/// Decides an appeal, or asks a second person. True where it was decided.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`, `same_person` for who decided the claim or filed the appeal,
/// `amount_refused` for shares that cannot be.
pub fn decide_on(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    id: AppealId,
    if_match: Option<&str>,
    verdict: &Verdict,
) -> Result<bool> {
    let heard = hear(w, scope.mutual(), id)?;
    crate::web::must_match(if_match, heard.appeal.version)?;
    let by = order.asker.user;
    must_be_another(by, &heard)?;
    if !verdict.change {
        conclude(w, &heard, AppealState::Upheld, 0, (by, scope.today()), verdict)?;
        return Ok(true);
    }
    let decided = decided_anew(w, scope, owners, &heard, verdict)?;
    if needs_second(w, scope.mutual(), decided.decision.totals.mutual)? {
        let asked = Request {
            appeal_id: id,
            version: heard.held.claim.version,
            mutual_minor: decided.decision.totals.mutual,
            owners: owners.to_vec(),
            verdict: verdict.clone(),
        };
        approvals::request(w, scope.mutual(), order, Kind::Appeal, &json!(asked))?;
        w.names("appeal", id.uuid());
        w.mark(scope.today());
        return Ok(false);
    }
    replace(w, scope, order.id, by, &heard, verdict, decided)?;
    Ok(true)
}

/// Does what a second person approved.
///
/// # Errors
/// As [`decide_on`], as it is now.
pub fn execute(w: &mut Write, execution: &Execution) -> Result<()> {
    let asked: Request = execution.request()?;
    let heard = hear(w, execution.mutual, asked.appeal_id)?;
    let decided = decided_anew(w, &execution.scope, &asked.owners, &heard, &asked.verdict)?;
    let claim = &heard.held.claim;
    must_be_as_asked((claim.version, decided.decision.totals.mutual), (asked.version, asked.mutual_minor))?;
    let by = Some(execution.requested_by);
    must_be_another(Some(execution.approved_by), &heard)?;
    replace(w, &execution.scope, execution.command, by, &heard, &asked.verdict, decided)
}

fn decided_anew(
    w: &mut Write,
    scope: &MutualScope,
    owners: &[OrganisationId],
    heard: &Heard,
    verdict: &Verdict,
) -> Result<Decided> {
    let claim = &heard.held.claim;
    if !matches!(claim.state, ClaimState::Decided | ClaimState::Paid) {
        let detail = format!("the claim is {}: its settlement must be paid or given up first", claim.state);
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let holder = store::holder_of_number(w, claim.mutual_id, claim.provider_id, &claim.invoice_number)?;
    let taken = holder.is_some_and(|holder| holder != claim.id);
    if review_store::find_resubmission(w, claim.mutual_id, claim.id)?.is_some() {
        return Err(Problem::with(Code::WrongState, "the claim has been submitted again: that one is decided").into());
    }
    let mut gathered = gather_anew(w, scope, owners, &heard.held)?;
    if taken {
        gathered.number_is_taken();
    }
    let mut waived = verdict.waived.clone();
    waived.push(ClaimReason::SuspectedDuplicate);
    gathered.input.word = Some(Word { waived, shares: verdict.shares.clone(), ..Word::default() });
    let decision = decide(&gathered.input)?;
    Ok(Decided { gathered, decision })
}

fn must_be_another(by: Option<UserId>, heard: &Heard) -> Result<()> {
    if by.is_some() && (by == heard.held.claim.decided_by || by == heard.appeal.filed_by) {
        let detail = "who decided the claim, or filed the appeal, does not decide on it";
        return Err(Problem::with(Code::SamePerson, detail).into());
    }
    Ok(())
}

fn totals(claim: &Claim) -> Totals {
    Totals {
        billed: claim.billed_minor,
        mutual: claim.mutual_minor,
        member: claim.member_minor,
        provider_writeoff: claim.provider_writeoff_minor,
        other_payer: claim.other_paid_minor,
    }
}

fn replace(
    w: &mut Write,
    scope: &MutualScope,
    command: CommandId,
    by: Option<UserId>,
    heard: &Heard,
    verdict: &Verdict,
    Decided { gathered, decision }: Decided,
) -> Result<()> {
    let held = &heard.held;
    let before = totals(&held.claim);
    if decision.totals == before && decision.claim_reason == held.claim.claim_reason {
        let detail = "decided anew it would be the same; uphold the decision, waive a check or set shares";
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let difference =
        appeal_difference(&before, &decision.totals).map_err(|_| Error::from(Problem::of(Code::AmountTooLarge)))?;
    decisions::keep(w, held, (ReplacedBy::Appeal, heard.appeal.id.uuid()), scope.today())?;
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
    if row.settled_minor > 0 && row.settled_minor == row.mutual_minor {
        row.state = ClaimState::Paid;
    }
    decisions::write(w, &row, &lines)?;
    if let Some(letter) = &gathered.letter {
        set_use(w, letter, row.id, row.mutual_minor > 0)?;
    }
    let posted = (scope.currency(), command, scope.today());
    post_owed(w, posted, &row, before.mutual, Some(heard.appeal.id.uuid()))?;
    decisions::tell(w, held, &row, scope.today());
    conclude(w, heard, AppealState::Changed, difference, (by, scope.today()), verdict)
}

fn conclude(
    w: &mut Write,
    heard: &Heard,
    state: AppealState,
    difference_minor: i64,
    (by, on): (Option<UserId>, NaiveDate),
    verdict: &Verdict,
) -> Result<()> {
    let row = Appeal {
        state,
        difference_minor: Some(difference_minor),
        decided_on: Some(on),
        decided_by: by,
        decision_reason: Some(verdict.reason.clone()),
        ..heard.appeal.clone()
    };
    if !review_store::set_appeal(w, &row)? {
        return Err(Error::Again);
    }
    w.changed("appeal", row.id.uuid(), heard.held.section, heard.held.section);
    w.names("claim", row.claim_id.uuid());
    w.field("appeal", Some(json!(AppealState::Filed)), Some(json!(state)));
    w.field("difference_minor", None, Some(json!(difference_minor)));
    w.mark(on);
    Ok(())
}
