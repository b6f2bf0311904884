//! What follows a claim's first decision, looked at again: decisions that were replaced, the differences of appeals, the queue
//! and its risks, letters.
use super::{Finding, store};
use crate::claims::model::{ClaimState, FormerDecision};
use crate::claims::risk::{facts_of, risk};
use crate::claims::rules::{Input, adjudicate};
use crate::claims::store as claim_store;
use crate::db::Read;
use crate::error::Result;
use crate::ids::*;
use std::collections::BTreeMap;

/// Everything of one mutual.
///
/// # Errors
/// The database's.
pub fn care(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let mut findings = decisions(r, mutual, code)?;
    findings.extend(queue(r, mutual, code)?);
    findings.extend(letters(r, mutual, code)?);
    Ok(findings)
}

fn finding(check: &'static str, code: &str, what: String) -> Finding {
    Finding { check, mutual: code.to_owned(), what }
}

/// A replaced decision is what its inputs give; an appeal keeps the decision before it and leads to one that the claim has or had.
fn decisions(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut by_claim: BTreeMap<ClaimId, Vec<FormerDecision>> = BTreeMap::new();
    for former in store::list_former(r, mutual)? {
        let again = serde_json::from_str::<Input>(&former.inputs).ok().and_then(|input| adjudicate(&input).ok());
        let same = again.is_some_and(|decision| {
            let totals = decision.totals;
            decision.decision == former.outcome
                && decision.claim_reason == former.claim_reason
                && totals.mutual == former.mutual_minor
                && totals.member == former.member_minor
                && totals.provider_writeoff == former.provider_writeoff_minor
                && totals.other_payer == former.other_paid_minor
        });
        if !same {
            let what = format!("claim {}: a decision that was replaced is not what its inputs give", former.claim_id);
            findings.push(finding("decisions", code, what));
        }
        by_claim.entry(former.claim_id).or_default().push(former);
    }
    for appeal in store::list_changed_appeals(r, mutual)? {
        let all = by_claim.get(&appeal.claim_id).map_or(&[][..], Vec::as_slice);
        let before = all.iter().find(|former| former.id.uuid() == appeal.id.uuid());
        let now = claim_store::find_in(r, mutual, appeal.claim_id)?.map(|claim| claim.mutual_minor);
        let after = appeal.difference_minor.map(|difference| appeal.original_minor + difference);
        let known = |minor: i64| now == Some(minor) || all.iter().any(|former| former.mutual_minor == minor);
        let right =
            before.is_some_and(|former| former.mutual_minor == appeal.original_minor) && after.is_some_and(known);
        if !right {
            let what = format!("appeal {}: its difference is not that of the decisions", appeal.id);
            findings.push(finding("appeals", code, what));
        }
    }
    Ok(findings)
}

/// What waits is in the queue and what does not is not; a risk is what its facts give.
fn queue(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut waiting = 0;
    for (review, state) in store::list_reviews(r, mutual)? {
        let is_pended = state == ClaimState::Pended;
        waiting += i64::from(is_pended);
        if is_pended != review.ended_on.is_none() {
            let what = format!("claim {} is {state}, the queue says otherwise", review.id);
            findings.push(finding("queue", code, what));
        }
        let score = match facts_of(&review) {
            Ok(None) => continue,
            Ok(Some(facts)) => risk(&facts).map(|risk| risk.score).ok(),
            Err(_) => None,
        };
        if score != Some(review.risk) {
            let what = format!("claim {}: its risk is not what its facts give", review.id);
            findings.push(finding("risks", code, what));
        }
    }
    let pended = store::count_pended(r, mutual)?;
    if pended != waiting {
        findings.push(finding("queue", code, format!("{pended} claims wait, {waiting} of them in the queue")));
    }
    Ok(findings)
}

/// A used letter is cited by the one claim that uses it, which it bounds.
fn letters(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let used = store::list_used_letters(r, mutual)?;
    for (letter, state, mutual_minor, cited) in &used {
        let bounded = letter.amount_minor.is_some_and(|amount| *mutual_minor <= amount);
        let stands = *state == ClaimState::Pended || (*state != ClaimState::Voided && *mutual_minor > 0);
        if !bounded || !stands || *cited != Some(letter.id) {
            let what = format!("letter {} is not used as it says", letter.number);
            findings.push(finding("letters", code, what));
        }
    }
    if i64::try_from(used.len()).ok() != Some(store::count_used_letters(r, mutual)?) {
        findings.push(finding("letters", code, "a letter is used by a claim that does not cite it".into()));
    }
    Ok(findings)
}
