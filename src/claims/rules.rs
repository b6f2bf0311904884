//! What the mutual, the member, the provider and another payer bear of a claim (R21–R34): one pure decision.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::dates;
use crate::enrolments::rules::{CoverStatus, first_covered_on};
use crate::money::{self, Overflow};
use crate::products::rules::{Benefit, Product};

mod facts;

pub use facts::{
    Bearer, ClaimFacts, ClaimLine, ClaimReason, Contract, Coverage, Decision, Exclusion, ExistingClaim,
    GuaranteeLetter, History, Input, Liable, LineDecision, LineReason, Mode, Outcome, ProviderFacts, Sector, Share,
    TariffVersion, Totals, Word,
};

/// Why no decision can be computed; none of these is an answer to a claimant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    #[error("line {line} has a negative quantity or price")]
    NegativeLine { line: i64 },
    #[error("the amount of the letter or of another payer is negative")]
    NegativeAmount,
    #[error("category {category} has neither a rate nor a co-payment")]
    BenefitWithoutShare { category: String },
    #[error("line {line} was not decided: nothing of it can be set")]
    UnknownLine { line: i64 },
    #[error("the share set on line {line} is more than its bearer can give or than was billed")]
    ShareOutOfBounds { line: i64 },
    #[error("the shares set exceed what is left of a ceiling, or the letter")]
    SharesAboveCeiling,
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// Decides a claim: what a person said of it as a whole, the checks of R21, each line in ascending number, what a person
/// said of lines, then the outcome.
pub fn adjudicate(input: &Input) -> Result<Decision, ClaimError> {
    check_amounts(&input.claim)?;
    let billed = billed_total(input.claim.lines.iter())?;
    let mode = input.claim.mode;
    if let Some(word) = &input.word {
        if let Some(reason) = word.held {
            return Ok(pended(reason, billed));
        }
        if let Some(reason) = word.refused {
            return Ok(refused(reason, word.bearer, mode, billed));
        }
    }
    match failed_check(input)? {
        Some(reason @ ClaimReason::SuspectedDuplicate) => return Ok(pended(reason, billed)),
        Some(reason) => return Ok(refused(reason, None, mode, billed)),
        None => {}
    }

    let mut lines: Vec<&ClaimLine> = input.claim.lines.iter().collect();
    lines.sort_by_key(|line| line.line);
    let mut left = Left::at_start(input);
    let mut decided = Vec::with_capacity(lines.len());
    for line in lines {
        decided.push(decide_line(input, line, &mut left)?);
    }
    if let Some(word) = &input.word {
        set_shares(input, &word.shares, &mut decided)?;
    }
    let totals = add_up(billed, &decided)?;
    let is_large = input.review_above.is_some_and(|limit| totals.mutual > limit);
    if is_large && input.word.is_none() {
        return Ok(pended(ClaimReason::AboveLimit, billed));
    }
    Ok(Decision { decision: outcome(&decided, &totals), claim_reason: None, lines: decided, totals })
}

fn check_amounts(claim: &ClaimFacts) -> Result<(), ClaimError> {
    for line in &claim.lines {
        let negative_price = line.tariffs.iter().any(|version| version.amount < 0);
        if line.qty < 0 || line.unit_price < 0 || negative_price {
            return Err(ClaimError::NegativeLine { line: line.line });
        }
    }
    let letter = claim.prior_auth.as_ref().map_or(0, |letter| letter.amount);
    if letter < 0 || claim.other_payer_amount.unwrap_or(0) < 0 {
        return Err(ClaimError::NegativeAmount);
    }
    Ok(())
}

fn billed_total<'a>(lines: impl Iterator<Item = &'a ClaimLine>) -> Result<i64, Overflow> {
    let mut total = 0_i64;
    for line in lines {
        total = total.checked_add(billed(line)?).ok_or(Overflow)?;
    }
    Ok(total)
}

fn billed(line: &ClaimLine) -> Result<i64, Overflow> {
    line.qty.checked_mul(line.unit_price).ok_or(Overflow)
}

// ---------------------------------------------------------------------------------------------------------------------
// The checks on the claim (R21)

/// The first check that fails, in the order of R21, and that nobody waived.
fn failed_check(input: &Input) -> Result<Option<ClaimReason>, ClaimError> {
    let claim = &input.claim;
    let letter_reason = match claim.prior_auth {
        None => ClaimReason::PriorAuthRequired,
        Some(_) => ClaimReason::PriorAuthExpired,
    };
    let planned = !claim.emergency;
    let checks = [
        is_duplicate(input).then_some(ClaimReason::Duplicate),
        (claim.service_date > claim.submitted_on).then_some(ClaimReason::FutureServiceDate),
        is_filed_late(input).then_some(ClaimReason::LateFiling),
        (!input.coverage.is_beneficiary).then_some(ClaimReason::NotABeneficiary),
        lack_of_cover(input),
        (planned && !is_contracted(input)).then_some(ClaimReason::ProviderNotContracted),
        (planned && needs_referral(input) && !claim.referral).then_some(ClaimReason::ReferralRequired),
        (planned && needs_letter(input)? && !has_valid_letter(claim)).then_some(letter_reason),
        is_suspected_duplicate(input).then_some(ClaimReason::SuspectedDuplicate),
    ];
    let is_waived = |reason: &ClaimReason| input.word.as_ref().is_some_and(|word| word.waived.contains(reason));
    Ok(checks.into_iter().flatten().find(|reason| !is_waived(reason)))
}

/// R31: the same provider and the same number.
fn is_duplicate(input: &Input) -> bool {
    input
        .existing_claims
        .iter()
        .any(|existing| existing.provider == input.provider.id && existing.invoice_no == input.claim.invoice_no)
}

/// R31: the same provider, service date and set of services under another number.
fn is_suspected_duplicate(input: &Input) -> bool {
    let codes: BTreeSet<&String> = input.claim.lines.iter().map(|line| &line.code).collect();
    input.existing_claims.iter().any(|existing| {
        existing.provider == input.provider.id
            && existing.invoice_no != input.claim.invoice_no
            && existing.service_date == Some(input.claim.service_date)
            && existing.services.as_ref().is_some_and(|services| services.iter().collect::<BTreeSet<_>>() == codes)
    })
}

/// R32. A limit beyond the calendar is never passed.
fn is_filed_late(input: &Input) -> bool {
    let product = input.product.as_ref();
    let Some(filing_days) = product.and_then(|product| product.filing_days) else {
        return false;
    };
    let claim = &input.claim;
    let ended_on = claim.discharge_date.unwrap_or(claim.service_date);
    dates::add_days(ended_on, filing_days).is_ok_and(|limit| limit < claim.submitted_on)
}

/// Check 5, which a letter valid on the service date overrides (R29).
fn lack_of_cover(input: &Input) -> Option<ClaimReason> {
    if has_valid_letter(&input.claim) {
        return None;
    }
    let has_started = input.coverage.cover_start.is_some_and(|start| start <= input.claim.service_date);
    match input.coverage.status {
        CoverStatus::Suspended => Some(ClaimReason::CoverageSuspended),
        CoverStatus::Active if has_started => None,
        CoverStatus::Active | CoverStatus::NoCoverage => Some(ClaimReason::NoCoverage),
    }
}

fn has_valid_letter(claim: &ClaimFacts) -> bool {
    claim
        .prior_auth
        .as_ref()
        .is_some_and(|letter| dates::within(claim.service_date, letter.valid_from, Some(letter.valid_to)))
}

fn is_contracted(input: &Input) -> bool {
    let contract = input.provider.contract.as_ref();
    contract.is_some_and(|contract| dates::within(input.claim.service_date, contract.from, contract.to))
}

fn needs_referral(input: &Input) -> bool {
    input.product.as_ref().is_some_and(|product| product.referral_levels.contains(&input.provider.level))
}

/// Check 8: the billed total of the listed categories reaches the threshold.
fn needs_letter(input: &Input) -> Result<bool, Overflow> {
    let rule = input.product.as_ref().and_then(|product| product.prior_auth.as_ref());
    let Some(rule) = rule else {
        return Ok(false);
    };
    let listed = |line: &&ClaimLine| rule.categories.contains(&line.category);
    let mut listed_lines = input.claim.lines.iter().filter(listed).peekable();
    Ok(listed_lines.peek().is_some() && billed_total(listed_lines)? >= rule.threshold)
}

/// R21: a refused claim has no lines, and its whole billed amount goes to the bearer of R26.
fn refused(reason: ClaimReason, bearer: Option<Bearer>, mode: Mode, billed: i64) -> Decision {
    let of_provider = match bearer {
        Some(bearer) => bearer == Bearer::Provider,
        None => reason.is_borne_by_provider(),
    };
    let provider_writeoff = match mode {
        Mode::ThirdParty if of_provider => billed,
        Mode::ThirdParty | Mode::Reimbursement => 0,
    };
    Decision {
        decision: Outcome::Rejected,
        claim_reason: Some(reason),
        lines: Vec::new(),
        totals: Totals { billed, member: billed - provider_writeoff, provider_writeoff, ..Totals::default() },
    }
}

/// What waits for a person is not refused: no amount is decided yet.
fn pended(reason: ClaimReason, billed: i64) -> Decision {
    Decision {
        decision: Outcome::Pended,
        claim_reason: Some(reason),
        lines: Vec::new(),
        totals: Totals { billed, ..Totals::default() },
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The lines

/// What is left of everything that lines consume one after another; `None` where there is no limit.
struct Left {
    used_qty: BTreeMap<String, i64>,
    deductible: i64,
    other_payer: i64,
    episode: Option<i64>,
    person_year: Option<i64>,
    household_year: Option<i64>,
    letter: Option<i64>,
}

impl Left {
    fn at_start(input: &Input) -> Self {
        let product = input.product.as_ref();
        let ceilings = product.and_then(|product| product.ceilings.as_ref());
        let left_of = |ceiling: i64, paid: i64| ceiling.saturating_sub(paid).max(0);
        Self {
            used_qty: input.history.used_qty.clone(),
            deductible: product
                .and_then(|product| product.deductible_claim)
                .map_or(0, |deductible| left_of(deductible, 0)),
            other_payer: input.claim.other_payer_amount.unwrap_or(0),
            episode: ceilings.and_then(|ceilings| ceilings.episode.as_ref()).map(|episode| left_of(episode.amount, 0)),
            person_year: ceilings
                .and_then(|ceilings| ceilings.person_year)
                .map(|ceiling| left_of(ceiling, input.history.person_year_paid)),
            household_year: ceilings
                .and_then(|ceilings| ceilings.household_year)
                .map(|ceiling| left_of(ceiling, input.history.household_year_paid)),
            letter: input.claim.prior_auth.as_ref().map(|letter| letter.amount),
        }
    }
}

/// One line, in the order of R21. A refusal touches nothing of what is left.
fn decide_line(input: &Input, line: &ClaimLine, left: &mut Left) -> Result<LineDecision, ClaimError> {
    let Some((product, benefit)) = benefit_of(input, line) else {
        return Ok(refused_line(line, billed(line)?, LineReason::NotCovered));
    };
    if matches!(line.excluded, Some(Exclusion::Sex | Exclusion::Age)) {
        return Ok(refused_line(line, billed(line)?, LineReason::NotCovered));
    }
    if is_waiting(input, benefit) {
        return Ok(refused_line(line, billed(line)?, LineReason::WaitingPeriod));
    }
    // What the convention leaves out has no price agreed there; in an emergency the convention is not asked (R21).
    let is_left_out = line.excluded == Some(Exclusion::Convention) && !input.claim.emergency;
    let Some(tariff) = tariff_on(line, input.claim.service_date).filter(|_| !is_left_out) else {
        return Ok(refused_line(line, billed(line)?, LineReason::NoTariff));
    };
    let Some(approved_qty) = approve_quantity(product, line, left) else {
        return Ok(refused_line(line, billed(line)?, LineReason::FrequencyLimit));
    };

    let mut reasons = Vec::new();
    let mut note = |applies: bool, reason| {
        if applies {
            reasons.push(reason);
        }
    };
    note(approved_qty < line.qty, LineReason::FrequencyLimitPartial);
    let allowed_unit = line.unit_price.min(tariff);
    note(allowed_unit < line.unit_price, LineReason::PriceOverTariff);
    let base = approved_qty.checked_mul(allowed_unit).ok_or(Overflow)?;

    let deductible = take(&mut left.deductible, base);
    let benefit_amount = own_benefit(input, line, benefit, base - deductible, approved_qty)?;
    let other_payer = take(&mut left.other_payer, base);
    let mut mutual = benefit_amount.min(base - other_payer);
    note(mutual < benefit_amount, LineReason::OtherPayerPrimary);

    let in_episode = is_in_episode(product, line);
    let limits = [
        (left.episode.filter(|_| in_episode), LineReason::CeilingEpisode),
        (left.person_year, LineReason::CeilingPersonYear),
        (left.household_year, LineReason::CeilingHouseholdYear),
    ];
    for (limit, reason) in limits {
        note(cut(&mut mutual, limit) > 0, reason);
    }
    let over_letter = cut(&mut mutual, left.letter);
    note(over_letter > 0, LineReason::AuthorisedAmount);

    // R25: each limit is consumed by what is finally paid, not by what it was asked.
    if in_episode {
        consume(&mut left.episode, mutual);
    }
    consume(&mut left.person_year, mutual);
    consume(&mut left.household_year, mutual);
    consume(&mut left.letter, mutual);

    let over_price = approved_qty.checked_mul(line.unit_price - allowed_unit).ok_or(Overflow)?;
    let provider_writeoff = match input.claim.mode {
        Mode::ThirdParty => over_price + over_letter,
        Mode::Reimbursement => 0,
    };
    Ok(LineDecision {
        line: line.line,
        approved_qty,
        allowed_unit,
        mutual,
        member: billed(line)? - mutual - provider_writeoff - other_payer,
        provider_writeoff,
        other_payer,
        reasons,
    })
}

/// R26: one reason, nothing approved, everything on the member.
fn refused_line(line: &ClaimLine, billed: i64, reason: LineReason) -> LineDecision {
    LineDecision {
        line: line.line,
        approved_qty: 0,
        allowed_unit: 0,
        mutual: 0,
        member: billed,
        provider_writeoff: 0,
        other_payer: 0,
        reasons: vec![reason],
    }
}

fn benefit_of<'a>(input: &'a Input, line: &ClaimLine) -> Option<(&'a Product, &'a Benefit)> {
    let product = input.product.as_ref()?;
    Some((product, product.benefits.get(&line.category)?))
}

/// R17. A letter overrides the lack of cover, but not the waiting. Waiting beyond the calendar never ends.
fn is_waiting(input: &Input, benefit: &Benefit) -> bool {
    let coverage = &input.coverage;
    let first =
        coverage.cover_start.and_then(|start| first_covered_on(start, benefit.waiting_months.unwrap_or(0)).ok());
    !coverage.waiting_exempt && first.is_none_or(|first| input.claim.service_date < first)
}

/// R22: the price of the version valid on the day.
fn tariff_on(line: &ClaimLine, day: NaiveDate) -> Option<i64> {
    line.tariffs.iter().find(|version| dates::within(day, version.from, version.to)).map(|version| version.amount)
}

/// R23: what the limit leaves, per category and growing within the claim; `None` if nothing.
fn approve_quantity(product: &Product, line: &ClaimLine, left: &mut Left) -> Option<i64> {
    let Some(frequency) = product.frequency.get(&line.category) else {
        return Some(line.qty);
    };
    let used = left.used_qty.entry(line.category.clone()).or_insert(0);
    let approved = line.qty.min(frequency.limit.saturating_sub(*used));
    if approved <= 0 {
        return None;
    }
    *used = used.saturating_add(approved);
    Some(approved)
}

/// R24: the mutual's share of the base after the deductible.
fn own_benefit(
    input: &Input,
    line: &ClaimLine,
    benefit: &Benefit,
    after_deductible: i64,
    approved_qty: i64,
) -> Result<i64, ClaimError> {
    match (&benefit.rate_bp, benefit.copay) {
        (Some(rates), _) => {
            let rate_bp = match input.provider.sector {
                Sector::Public => rates.public,
                Sector::Private => rates.private,
            };
            Ok(money::share(after_deductible, rate_bp)?)
        }
        // A co-payment too large for 64 bits leaves nothing, as any other above the base.
        (None, Some(copay)) => Ok(after_deductible.saturating_sub(copay.saturating_mul(approved_qty)).max(0)),
        (None, None) => Err(ClaimError::BenefitWithoutShare { category: line.category.clone() }),
    }
}

fn is_in_episode(product: &Product, line: &ClaimLine) -> bool {
    let ceilings = product.ceilings.as_ref();
    let episode = ceilings.and_then(|ceilings| ceilings.episode.as_ref());
    episode.is_some_and(|episode| episode.categories.contains(&line.category))
}

/// Takes at most `wanted` from what is left.
fn take(left: &mut i64, wanted: i64) -> i64 {
    let taken = wanted.min(*left);
    *left -= taken;
    taken
}

/// Cuts an amount to a limit and gives what was cut off.
fn cut(amount: &mut i64, limit: Option<i64>) -> i64 {
    let before = *amount;
    *amount = limit.map_or(before, |limit| before.min(limit));
    before - *amount
}

fn consume(left: &mut Option<i64>, paid: i64) {
    if let Some(left) = left {
        *left -= paid;
    }
}

/// What a person set: the mutual's share of a line, the difference on who bears it. No ceiling is exceeded by it.
fn set_shares(input: &Input, shares: &[Share], decided: &mut [LineDecision]) -> Result<(), ClaimError> {
    if shares.is_empty() {
        return Ok(());
    }
    for share in shares {
        let line = decided.iter_mut().find(|line| line.line == share.line);
        let line = line.ok_or(ClaimError::UnknownLine { line: share.line })?;
        let more = share.mutual.checked_sub(line.mutual).ok_or(Overflow)?;
        let borne = match (share.bearer, input.claim.mode) {
            (Bearer::Provider, Mode::ThirdParty) => &mut line.provider_writeoff,
            (Bearer::Member, _) | (Bearer::Provider, Mode::Reimbursement) => &mut line.member,
        };
        if share.mutual < 0 || *borne < more {
            return Err(ClaimError::ShareOutOfBounds { line: share.line });
        }
        *borne -= more;
        line.mutual = share.mutual;
        if !line.reasons.contains(&LineReason::Reviewed) {
            line.reasons.push(LineReason::Reviewed);
        }
    }
    let left = Left::at_start(input);
    let paid = money::sum(decided.iter().map(|line| line.mutual))?;
    let product = input.product.as_ref();
    let in_episode = |decided: &&LineDecision| {
        let line = input.claim.lines.iter().find(|line| line.line == decided.line);
        product.zip(line).is_some_and(|(product, line)| is_in_episode(product, line))
    };
    let of_episode = money::sum(decided.iter().filter(|line| in_episode(line)).map(|line| line.mutual))?;
    let limits = [left.person_year, left.household_year, left.letter];
    let above = limits.into_iter().flatten().any(|limit| paid > limit);
    if above || left.episode.is_some_and(|limit| of_episode > limit) {
        return Err(ClaimError::SharesAboveCeiling);
    }
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------------------
// The outcome

fn add_up(billed: i64, lines: &[LineDecision]) -> Result<Totals, Overflow> {
    Ok(Totals {
        billed,
        mutual: money::sum(lines.iter().map(|line| line.mutual))?,
        member: money::sum(lines.iter().map(|line| line.member))?,
        provider_writeoff: money::sum(lines.iter().map(|line| line.provider_writeoff))?,
        other_payer: money::sum(lines.iter().map(|line| line.other_payer))?,
    })
}

fn outcome(lines: &[LineDecision], totals: &Totals) -> Outcome {
    let has_reasons = lines.iter().any(|line| !line.reasons.is_empty());
    match (has_reasons, totals.mutual) {
        (false, _) => Outcome::Approved,
        (true, 0) => Outcome::Rejected,
        (true, _) => Outcome::PartiallyApproved,
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Over several claims

/// One event on a yearly ceiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CeilingEvent {
    /// A claim with its base and rate.
    Claim { year: String, base: i64, rate_bp: i64 },
    /// What a voided claim had been paid.
    Void { year: String, amount: i64 },
}

/// R28: what each event pays, in order of decision, and what is used of each cover year afterwards. A void gives back;
/// what was decided before it stays.
pub fn ceiling_sequence(
    ceiling: i64,
    used: &BTreeMap<String, i64>,
    events: &[CeilingEvent],
) -> Result<(Vec<i64>, BTreeMap<String, i64>), Overflow> {
    let mut used = used.clone();
    let mut paid = Vec::with_capacity(events.len());
    for event in events {
        let (CeilingEvent::Claim { year, .. } | CeilingEvent::Void { year, .. }) = event;
        let used_in_year = used.entry(year.clone()).or_insert(0);
        let amount = match event {
            CeilingEvent::Claim { base, rate_bp, .. } => {
                let left = ceiling.saturating_sub(*used_in_year).max(0);
                money::share(*base, *rate_bp)?.min(left)
            }
            CeilingEvent::Void { amount, .. } => amount.checked_neg().ok_or(Overflow)?,
        };
        *used_in_year = used_in_year.checked_add(amount).ok_or(Overflow)?;
        paid.push(amount);
    }
    Ok((paid, used))
}

/// A provider's monthly invoice added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceTotals {
    pub billed: i64,
    pub mutual: i64,
    pub member: i64,
    pub provider_writeoff: i64,
    /// What the mutual still owes after the advance.
    pub payable: i64,
    /// How many claims, rejected ones counted.
    pub claims: i64,
}

/// R34: payable = Σ mutual − advances offset, never below 0.
pub fn invoice(claims: &[Totals], advance_to_offset: i64) -> Result<InvoiceTotals, Overflow> {
    let mutual = money::sum(claims.iter().map(|claim| claim.mutual))?;
    Ok(InvoiceTotals {
        billed: money::sum(claims.iter().map(|claim| claim.billed))?,
        mutual,
        member: money::sum(claims.iter().map(|claim| claim.member))?,
        provider_writeoff: money::sum(claims.iter().map(|claim| claim.provider_writeoff))?,
        payable: mutual.checked_sub(advance_to_offset).ok_or(Overflow)?.max(0),
        claims: i64::try_from(claims.len()).map_err(|_| Overflow)?,
    })
}

/// R33: what an appeal changes; negative is to recover. Both decisions stay.
pub fn appeal_difference(original: &Totals, new: &Totals) -> Result<i64, Overflow> {
    new.mutual.checked_sub(original.mutual).ok_or(Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// A claim of 1 × 1000 in a category at 80 %, decided with parts of the input replaced.
    fn input(change: impl FnOnce(&mut Value)) -> Input {
        let mut value = json!({
            "product": {
                "currency": "XOF", "filing_days": 30, "referral_levels": ["hospital"],
                "benefits": {
                    "OPD": {"waiting_months": 1, "rate_bp": {"public": 8000, "private": 5000}},
                    "DRUG": {"copay": 100},
                },
            },
            "coverage": {"is_beneficiary": true, "status": "ACTIVE", "cover_start": "2026-01-01"},
            "provider": {"id": "P", "level": "health_centre", "sector": "public", "contract": {"from": "2026-01-01", "to": null}},
            "claim": {
                "mode": "third_party", "service_date": "2026-06-01", "submitted_on": "2026-06-10",
                "emergency": false, "referral": false, "invoice_no": "1",
                "lines": [{"line": 1, "code": "a", "category": "OPD", "qty": 1, "unit_price": 1000,
                    "tariffs": [{"from": "2026-01-01", "to": null, "amount": 1000}]}],
            },
        });
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    fn reason_of(change: impl FnOnce(&mut Value)) -> Option<ClaimReason> {
        adjudicate(&input(change)).unwrap().claim_reason
    }

    #[test]
    fn a_service_for_others_is_not_covered_and_one_that_the_convention_leaves_out_has_no_price() {
        let reasons = |excluded: &'static str, emergency: bool| {
            let input = input(|input| {
                input["claim"]["lines"][0]["excluded"] = json!(excluded);
                input["claim"]["emergency"] = json!(emergency);
            });
            adjudicate(&input).unwrap().lines[0].reasons.clone()
        };
        assert_eq!(reasons("SEX", false), [LineReason::NotCovered]);
        assert_eq!(reasons("AGE", true), [LineReason::NotCovered]);
        assert_eq!(reasons("CONVENTION", false), [LineReason::NoTariff]);
        assert_eq!(reasons("CONVENTION", true), []);
    }

    #[test]
    fn a_persons_word_is_part_of_the_decision() {
        let said = |word: Value| {
            adjudicate(&input(|input| {
                input["word"] = word;
                input["review_above"] = json!(700);
            }))
        };
        assert_eq!(adjudicate(&input(|input| input["review_above"] = json!(800))).unwrap().claim_reason, None);
        let waits = adjudicate(&input(|input| input["review_above"] = json!(799))).unwrap();
        assert_eq!((waits.decision, waits.claim_reason), (Outcome::Pended, Some(ClaimReason::AboveLimit)));
        assert_eq!(said(json!({})).unwrap().totals.mutual, 800, "who has seen it is not asked again");
        let held = said(json!({"held": "DOCUMENTS_MISSING"})).unwrap();
        assert_eq!((held.claim_reason, held.totals.mutual), (Some(ClaimReason::DocumentsMissing), 0));
        let refused = said(json!({"refused": "REFUSED_ON_REVIEW", "bearer": "provider"})).unwrap();
        assert_eq!((refused.decision, refused.totals.provider_writeoff), (Outcome::Rejected, 1000));
        let share =
            |mutual: i64, bearer: &str| said(json!({"shares": [{"line": 1, "mutual": mutual, "bearer": bearer}]}));
        let less = share(300, "provider").unwrap();
        assert_eq!((less.totals.mutual, less.totals.member, less.totals.provider_writeoff), (300, 200, 500));
        assert_eq!(less.lines[0].reasons, [LineReason::Reviewed]);
        let more = share(1000, "member").unwrap();
        assert_eq!((more.totals.mutual, more.totals.member), (1000, 0));
        assert_eq!(share(1001, "member"), Err(ClaimError::ShareOutOfBounds { line: 1 }));
        assert_eq!(share(900, "provider"), Err(ClaimError::ShareOutOfBounds { line: 1 }), "it bears nothing");
        let above = adjudicate(&input(|input| {
            input["word"] = json!({"shares": [{"line": 1, "mutual": 1000, "bearer": "member"}]});
            input["product"]["ceilings"] = json!({"person_year": 900});
        }));
        assert_eq!(above, Err(ClaimError::SharesAboveCeiling));
        let above_episode = adjudicate(&input(|input| {
            input["word"] = json!({"shares": [{"line": 1, "mutual": 900, "bearer": "member"}]});
            input["product"]["ceilings"] = json!({"episode": {"amount": 850, "categories": ["OPD"]}});
        }));
        assert_eq!(above_episode, Err(ClaimError::SharesAboveCeiling));
        let late = adjudicate(&input(|input| {
            input["claim"]["submitted_on"] = json!("2026-09-10");
            input["word"] = json!({"waived": ["LATE_FILING"]});
        }));
        assert_eq!(late.unwrap().claim_reason, None);
    }

    #[test]
    fn checks_stand_at_their_boundaries() {
        assert_eq!(reason_of(|_| {}), None);
        let filed = |on: &'static str| reason_of(move |input| input["claim"]["submitted_on"] = json!(on));
        assert_eq!(filed("2026-07-01"), None);
        assert_eq!(filed("2026-07-02"), Some(ClaimReason::LateFiling));
        assert_eq!(filed("2026-05-31"), Some(ClaimReason::FutureServiceDate));
        let after_stay = reason_of(|input| {
            input["claim"]["submitted_on"] = json!("2026-07-02");
            input["claim"]["discharge_date"] = json!("2026-06-02");
        });
        assert_eq!(after_stay, None);
        let expired = reason_of(|input| input["coverage"]["status"] = json!("EXPIRED"));
        assert_eq!(expired, Some(ClaimReason::NoCoverage));
        let none = reason_of(|input| input["product"] = Value::Null);
        assert_eq!(none, None);
    }

    #[test]
    fn a_valid_letter_overrides_suspension_and_an_emergency_the_contract() {
        let letter = json!({"valid_from": "2026-06-01", "valid_to": "2026-06-01", "amount": 500});
        let decision = adjudicate(&input(|input| {
            input["coverage"]["status"] = json!("SUSPENDED");
            input["claim"]["prior_auth"] = letter.clone();
        }))
        .unwrap();
        assert_eq!(decision.lines[0].mutual, 500);
        assert_eq!(decision.lines[0].provider_writeoff, 300);
        assert_eq!(decision.lines[0].reasons, [LineReason::AuthorisedAmount]);
        let dead = reason_of(|input| {
            input["coverage"]["is_beneficiary"] = json!(false);
            input["claim"]["prior_auth"] = letter;
        });
        assert_eq!(dead, Some(ClaimReason::NotABeneficiary));
        let uncontracted = |emergency: bool| {
            reason_of(move |input| {
                input["provider"]["contract"] = Value::Null;
                input["claim"]["emergency"] = json!(emergency);
            })
        };
        assert_eq!(uncontracted(false), Some(ClaimReason::ProviderNotContracted));
        assert_eq!(uncontracted(true), None);
    }

    #[test]
    fn ceilings_are_named_only_where_they_cut_further() {
        let decision = adjudicate(&input(|input| {
            input["product"]["ceilings"] = json!({
                "episode": {"amount": 500, "categories": ["OPD"]}, "person_year": 500, "household_year": 450,
            });
            input["history"] = json!({"household_year_paid": 50});
        }))
        .unwrap();
        let line = &decision.lines[0];
        assert_eq!(line.mutual, 400);
        assert_eq!(line.reasons, [LineReason::CeilingEpisode, LineReason::CeilingHouseholdYear]);
        assert_eq!(line.member, 600);
    }

    #[test]
    fn a_newborn_does_not_wait() {
        let born = |exempt: bool| {
            input(move |input| {
                input["coverage"]["cover_start"] = json!("2026-05-20");
                input["coverage"]["waiting_exempt"] = json!(exempt);
            })
        };
        let waiting = adjudicate(&born(false)).unwrap();
        assert_eq!(waiting.lines[0].reasons, [LineReason::WaitingPeriod]);
        assert_eq!(waiting.decision, Outcome::Rejected);
        assert_eq!(adjudicate(&born(true)).unwrap().decision, Outcome::Approved);
    }

    #[test]
    fn negative_and_huge_amounts_are_errors() {
        let negative = input(|input| input["claim"]["lines"][0]["qty"] = json!(-1));
        assert_eq!(adjudicate(&negative), Err(ClaimError::NegativeLine { line: 1 }));
        let huge = input(|input| {
            input["claim"]["lines"][0]["qty"] = json!(i64::MAX);
        });
        assert_eq!(adjudicate(&huge), Err(ClaimError::Overflow(Overflow)));
    }

    #[test]
    fn inputs_and_decisions_are_read_back() {
        let claimed = input(|input| input["claim"]["other_payer_amount"] = json!(5));
        let text = serde_json::to_string(&claimed).unwrap();
        assert_eq!(serde_json::from_str::<Input>(&text).unwrap(), claimed);
        let decision = adjudicate(&claimed).unwrap();
        let text = serde_json::to_string(&decision).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision);
    }

    fn any_line() -> impl Strategy<Value = Value> {
        let category = prop::sample::select(vec!["OPD", "DRUG", "HOSP", "NONE"]);
        (1_i64..6, category, 0_i64..5, 0_i64..3000, prop::option::weighted(0.9, 0_i64..3000)).prop_map(
            |(line, category, qty, unit_price, tariff)| {
                let tariffs: Vec<Value> = tariff
                    .map(|amount| json!({"from": "2026-01-01", "to": null, "amount": amount}))
                    .into_iter()
                    .collect();
                json!({"line": line, "code": "a", "category": category, "qty": qty, "unit_price": unit_price, "tariffs": tariffs})
            },
        )
    }

    fn any_product() -> impl Strategy<Value = Value> {
        let limits = prop::array::uniform3(prop::option::of(0_i64..4000));
        (limits, 0_i64..1500, 0_i64..=10_000, 0_i64..500, 0_i64..5).prop_map(
            |([episode, person_year, household_year], deductible, rate, copay, frequency)| {
                let mut ceilings = json!({});
                if let Some(amount) = episode {
                    ceilings["episode"] = json!({"amount": amount, "categories": ["HOSP", "DRUG"]});
                }
                if let Some(amount) = person_year {
                    ceilings["person_year"] = json!(amount);
                }
                if let Some(amount) = household_year {
                    ceilings["household_year"] = json!(amount);
                }
                json!({
                    "currency": "XOF", "deductible_claim": deductible, "ceilings": ceilings,
                    "benefits": {
                        "OPD": {"copay": copay},
                        "DRUG": {"rate_bp": {"public": rate, "private": 0}},
                        "HOSP": {"waiting_months": 2, "rate_bp": {"public": rate, "private": rate}},
                    },
                    "frequency": {"OPD": {"limit": frequency, "window": "calendar_month", "per": "person"}},
                })
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn amounts_add_up_and_stay_within_their_limits(
            product in any_product(),
            lines in prop::collection::vec(any_line(), 0..6),
            letter in prop::option::of(0_i64..3000),
            other_payer in prop::option::of(0_i64..3000),
            paid in prop::array::uniform2(0_i64..3000),
            reimbursement in any::<bool>(),
            emergency in any::<bool>(),
        ) {
            let input = input(|input| {
                input["product"] = product;
                input["claim"]["lines"] = json!(lines);
                input["claim"]["emergency"] = json!(emergency);
                if reimbursement {
                    input["claim"]["mode"] = json!("reimbursement");
                }
                if let Some(amount) = letter {
                    input["claim"]["prior_auth"] = json!({"valid_from": "2026-01-01", "valid_to": "2026-12-31", "amount": amount});
                }
                if let Some(amount) = other_payer {
                    input["claim"]["other_payer_amount"] = json!(amount);
                }
                input["history"] = json!({"person_year_paid": paid[0], "household_year_paid": paid[1], "used_qty": {"OPD": 1}});
            });
            let decision = adjudicate(&input).unwrap();
            let totals = decision.totals;
            prop_assert_eq!(totals.billed, totals.mutual + totals.member + totals.provider_writeoff + totals.other_payer);

            let mut billed: Vec<i64> = input.claim.lines.iter().map(|line| line.qty * line.unit_price).collect();
            let mut split: Vec<i64> = Vec::new();
            let mut numbers = Vec::new();
            for line in &decision.lines {
                let parts = [line.mutual, line.member, line.provider_writeoff, line.other_payer];
                prop_assert!(parts.iter().all(|part| *part >= 0), "{:?}", line);
                prop_assert!(line.mutual + line.other_payer <= line.approved_qty * line.allowed_unit);
                let mut ordered = line.reasons.clone();
                ordered.sort();
                ordered.dedup();
                prop_assert_eq!(&ordered, &line.reasons);
                split.push(parts.iter().sum());
                numbers.push(line.line);
            }
            prop_assert!(numbers.is_sorted());
            billed.sort();
            split.sort();
            prop_assert_eq!(billed, split);

            let product = input.product.as_ref().unwrap();
            let ceilings = product.ceilings.as_ref().unwrap();
            let left = |ceiling: Option<i64>, paid: i64| ceiling.map_or(i64::MAX, |ceiling| (ceiling - paid).max(0));
            prop_assert!(totals.mutual <= left(ceilings.person_year, paid[0]));
            prop_assert!(totals.mutual <= left(ceilings.household_year, paid[1]));
            prop_assert!(totals.mutual <= letter.unwrap_or(i64::MAX));
            prop_assert!(totals.other_payer <= other_payer.unwrap_or(0));
            prop_assert!(!reimbursement || totals.provider_writeoff == 0);
            let rejected = decision.lines.iter().any(|line| !line.reasons.is_empty()) && totals.mutual == 0;
            prop_assert_eq!(decision.decision == Outcome::Rejected, rejected);
        }

        #[test]
        fn a_year_is_never_paid_above_its_ceiling(ceiling in 0_i64..5000, bases in prop::collection::vec(0_i64..4000, 0..9)) {
            let events: Vec<CeilingEvent> = bases
                .iter()
                .map(|base| CeilingEvent::Claim { year: "2026".into(), base: *base, rate_bp: 8000 })
                .collect();
            let (paid, used) = ceiling_sequence(ceiling, &BTreeMap::new(), &events).unwrap();
            prop_assert!(paid.iter().all(|amount| *amount >= 0));
            prop_assert_eq!(paid.iter().sum::<i64>(), used.values().sum::<i64>());
            prop_assert!(used.values().all(|used| *used <= ceiling));
        }
    }
}
