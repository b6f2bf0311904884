//! The checks, one function each.
use super::{Finding, store};
use crate::access::scopes::MutualScope;
use crate::claims::model::{Claim, ClaimReason, ClaimState, Line, Outcome, SettlementState};
use crate::claims::rules::{Input, adjudicate};
use crate::claims::settlement::covered;
use crate::claims::settlement_store;
use crate::claims::store as claim_store;
use crate::contributions::model::{Allocation, CashDesk, Payment};
use crate::contributions::position::Position;
use crate::contributions::service::HOUSEHOLD;
use crate::contributions::store as contributions;
use crate::db::Read;
use crate::enrolments::rules::CoverSpan;
use crate::enrolments::service::{as_cover_span, facts, spans_of};
use crate::enrolments::store as enrolments;
use crate::error::Result;
use crate::households::rules::is_valid_card_number;
use crate::ids::*;
use crate::ledger::model::{Account, Transfer};
use crate::ledger::rules::{Creditor, Event, Holding};
use crate::products::{service as products, store as product_store};
use crate::series::SeriesKind;
use std::collections::BTreeMap;

fn finding(check: &'static str, mutual: &str, what: String) -> Finding {
    Finding { check, mutual: mutual.to_owned(), what }
}

/// Every command has its audit row. Gives how many commands there are.
///
/// # Errors
/// The database's.
pub fn commands(r: &mut Read, mutual: MutualId, code: &str) -> Result<(u64, Vec<Finding>)> {
    let count = store::count_commands(r, mutual)?;
    let findings = store::commands_without_audit(r, mutual)?
        .into_iter()
        .map(|(id, route)| finding("audit", code, format!("command {id} ({route}) has no audit row")))
        .collect();
    Ok((u64::try_from(count).unwrap_or(0), findings))
}

/// Receipts run from the series' first number to its last without a gap, but for those of devices, whose gaps have not arrived
/// yet; and each belongs to something.
///
/// # Errors
/// The database's.
pub fn series(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let devices = store::list_devices(r, mutual)?;
    for (id, kind, issuer, label, first, last) in store::list_series(r, mutual)? {
        if kind != SeriesKind::Receipt || devices.contains(&issuer) {
            continue;
        }
        let numbers: Vec<i64> =
            store::list_receipts(r, mutual, id)?.into_iter().filter_map(|receipt| receipt.number).collect();
        let expected: Vec<i64> = (first..=last).collect();
        if numbers != expected {
            let missing = expected.iter().find(|number| !numbers.contains(number));
            let what = match missing {
                Some(number) => format!("series {label} lacks number {number} of {last}"),
                None => format!("series {label} ends at {last} and has {} receipts", numbers.len()),
            };
            findings.push(finding("receipts", code, what));
        }
    }
    for (_, label) in store::stray_receipts(r, mutual)? {
        findings.push(finding("receipts", code, format!("receipt {label} belongs to no payment")));
    }
    Ok(findings)
}

/// Card numbers have the mutual's prefix and right check digits.
///
/// # Errors
/// The database's.
pub fn cards(r: &mut Read, mutual: MutualId, code: &str, prefix: &str) -> Result<Vec<Finding>> {
    Ok(store::list_cards(r, mutual)?
        .into_iter()
        .filter(|(_, number)| !number.starts_with(prefix) || !is_valid_card_number(number))
        .map(|(id, _)| finding("cards", code, format!("member {id} has a card number that does not check")))
        .collect())
}

/// Every transfer belongs to a command.
///
/// # Errors
/// The database's.
pub fn books(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    Ok(store::stray_transfers(r, mutual)?
        .into_iter()
        .map(|id| finding("transfers", code, format!("transfer {id} belongs to no command")))
        .collect())
}

/// The last household looked at where there may be more, households, payments, findings.
type Looked = (Option<HouseholdId>, u64, u64, Vec<Finding>);

/// A page of households: spans rebuilt, allocations, transfers.
///
/// # Errors
/// The database's.
pub fn households(
    r: &mut Read,
    scope: &MutualScope,
    code: &str,
    after: Option<HouseholdId>,
    limit: i64,
) -> Result<Looked> {
    let mutual = scope.mutual();
    let page = store::list_households(r, mutual, after, limit)?;
    let accounts = store::list_accounts(r, mutual)?;
    let desks = contributions::list_desks(r, mutual)?;
    let mut findings = Vec::new();
    let mut count = 0u64;
    for (household, number) in &page {
        let rebuilt = spans_of(&facts(r, mutual, *household)?)?;
        let stored: Vec<CoverSpan<uuid::Uuid>> =
            enrolments::list_spans_of(r, mutual, *household)?.iter().map(as_cover_span).collect();
        if let Some(what) = spans_differ(rebuilt, stored) {
            findings.push(finding("spans", code, format!("household {number}: {what}")));
        }
        let money = Position::load(r, mutual, *household)?;
        count += u64::try_from(money.payments.len()).unwrap_or(0);
        for what in allocations_wrong(&money) {
            findings.push(finding("allocations", code, format!("household {number}: {what}")));
        }
        match money.book() {
            Err(error) => findings.push(finding("allocations", code, format!("household {number}: {error}"))),
            Ok(book) => {
                let open: i64 = book.dues().map(crate::contributions::rules::Due::outstanding).sum();
                let credit: i64 = book.payments().map(|payment| payment.credit).sum();
                if open > 0 && credit > 0 {
                    let what = format!("household {number}: credit {credit} stands beside open dues of {open}");
                    findings.push(finding("credit", code, what));
                }
            }
        }
        let ids: Vec<PaymentId> = money.payments.iter().map(|payment| payment.id).collect();
        let transfers = store::list_transfers_of(r, mutual, &ids)?;
        for what in transfers_wrong(&money, &transfers, &accounts, &desks) {
            findings.push(finding("transfers", code, format!("household {number}: {what}")));
        }
    }
    let full = i64::try_from(page.len()).unwrap_or(0) == limit;
    let last = page.last().map(|(id, _)| *id).filter(|_| full);
    Ok((last, u64::try_from(page.len()).unwrap_or(0), count, findings))
}

fn spans_differ(mut rebuilt: Vec<CoverSpan<uuid::Uuid>>, stored: Vec<CoverSpan<uuid::Uuid>>) -> Option<String> {
    rebuilt.sort_by_key(|span| (span.person, span.from));
    if rebuilt == stored {
        return None;
    }
    let first = rebuilt
        .iter()
        .find(|span| !stored.contains(span))
        .or_else(|| stored.iter().find(|span| !rebuilt.contains(span)));
    let of = first.map_or_else(String::new, |span| format!("member {} from {}: ", span.person, span.from));
    Some(format!("{of}the stored cover is not what follows from the facts"))
}

/// Allocations within payments and dues, on dues of the household itself; what was reversed is taken back whole.
fn allocations_wrong(money: &Position) -> Vec<String> {
    let mut wrong = Vec::new();
    for due in &money.dues {
        let (paid, owed) = (money.paid(due.id), money.owed(due));
        if paid < 0 || paid > owed {
            wrong.push(format!("due {} of {owed} is paid {paid}", due.id));
        }
        if paid != 0 && due.payer != HOUSEHOLD {
            wrong.push(format!("due {} of another payer is paid by the household", due.id));
        }
    }
    for payment in &money.payments {
        let parts = |reversed: bool| -> Vec<(DueId, i64)> {
            let own = |row: &&Allocation| row.payment_id == payment.id && row.reversal_id.is_some() == reversed;
            money.allocations.iter().filter(own).map(|row| (row.due_id, row.amount_minor)).collect()
        };
        let (taken, back) = (parts(false), parts(true));
        let sum: i64 = taken.iter().map(|(_, amount)| amount).sum();
        if sum > payment.amount_minor || money.credit(payment) < 0 {
            wrong.push(format!("payment {} of {} is allocated {sum}", payment.id, payment.amount_minor));
        }
        let mirrored: Vec<(DueId, i64)> = taken.iter().map(|(due, amount)| (*due, -amount)).collect();
        if money.is_reversed(payment.id) && back != mirrored {
            wrong.push(format!("payment {} is reversed and its allocations are not", payment.id));
        }
        if !money.is_reversed(payment.id) && !back.is_empty() {
            wrong.push(format!("payment {} is not reversed and allocations of it are", payment.id));
        }
    }
    wrong
}

/// A transfer as the posting table says it: debit, credit, amount, due.
type Said = (String, String, i64, Option<DueId>);

/// What the posting table says of the payments, against the transfers that are there.
fn transfers_wrong(money: &Position, transfers: &[Transfer], accounts: &[Account], desks: &[CashDesk]) -> Vec<String> {
    let mut wrong = Vec::new();
    let codes: BTreeMap<AccountId, &str> = accounts.iter().map(|account| (account.id, account.code.as_str())).collect();
    let said = |row: &Transfer| -> Said {
        let code = |id: &AccountId| codes.get(id).copied().unwrap_or("?").to_owned();
        (code(&row.debit_account_id), code(&row.credit_account_id), row.amount_minor, row.due_id)
    };
    for payment in &money.payments {
        let own: Vec<&Transfer> = transfers.iter().filter(|row| row.payment_id == Some(payment.id)).collect();
        let of_desk = |id| desks.iter().find(|desk| desk.id == id).map_or(Holding::Desk(id), CashDesk::holding);
        let expected = posted(money, payment, payment.holding(of_desk), &own);
        let refunds: Vec<&&Transfer> = own.iter().filter(|row| row.event == "refunded").collect();
        let mut there: Vec<Said> = own
            .iter()
            .filter(|row| row.reverses_id.is_none() && row.event != "refunded")
            .map(|row| said(row))
            .collect();
        there.sort();
        if expected != there {
            wrong.push(format!("payment {} is not in the books as the posting table says", payment.id));
        }
        let back: i64 = refunds.iter().map(|row| row.amount_minor).sum();
        let parts: i64 =
            money.refunded.iter().filter(|row| row.payment_id == payment.id).map(|row| row.amount_minor).sum();
        if back != parts {
            wrong.push(format!("payment {}: {parts} is refunded and the books say {back}", payment.id));
        }
        let mirrors: Vec<&&Transfer> = own.iter().filter(|row| row.reverses_id.is_some()).collect();
        let mirrored = own.iter().filter(|row| row.reverses_id.is_none() && row.event != "refunded").all(|original| {
            let (debit, credit, amount, due) = said(original);
            mirrors.iter().any(|row| {
                row.reverses_id == Some(original.id) && said(row) == (credit.clone(), debit.clone(), amount, due)
            })
        });
        let right =
            if money.is_reversed(payment.id) { mirrored && mirrors.len() == there.len() } else { mirrors.is_empty() };
        if !right {
            wrong.push(format!("payment {}: its reversal is not the mirror of its transfers", payment.id));
        }
    }
    wrong
}

/// The transfers that a payment must have, in order of their texts.
fn posted(money: &Position, payment: &Payment, into: Holding, own: &[&Transfer]) -> Vec<Said> {
    let mut expected: Vec<Said> = Vec::new();
    let mut at_once = 0;
    let mut seen: Vec<DueId> = Vec::new();
    for row in money.allocations.iter().filter(|row| row.payment_id == payment.id && row.reversal_id.is_none()) {
        let Some(due) = money.dues.iter().find(|due| due.id == row.due_id) else { continue };
        let income = due.kind.income();
        // What a due took with the payment itself it took once; what it took later was credit.
        let first = !seen.contains(&due.id)
            && own.iter().any(|row| row.event == "payment_allocated" && row.due_id == Some(due.id));
        seen.push(due.id);
        let event = if first {
            at_once += row.amount_minor;
            Event::PaymentAllocated { into, income }
        } else {
            Event::CreditUsed { income }
        };
        let (debit, credit) = event.posting();
        expected.push((debit.into_owned(), credit.into_owned(), row.amount_minor, Some(due.id)));
    }
    let surplus = payment.amount_minor - at_once;
    if surplus > 0 {
        let (debit, credit) = Event::PaymentSurplus { into }.posting();
        expected.push((debit.into_owned(), credit.into_owned(), surplus, None));
    }
    expected.sort();
    expected
}

/// Each session of a desk begins with what the one before left, and its movements lead to what was expected.
///
/// # Errors
/// The database's.
pub fn desks(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for desk in contributions::list_desks(r, mutual)? {
        let mut before: Option<i64> = None;
        let mut sessions = contributions::list_sessions(r, mutual, desk.id, None, i64::from(u16::MAX))?;
        sessions.reverse();
        for session in sessions {
            let mut moved = 0;
            let mut count = 0;
            for line in crate::ledger::store::sums_of_session(r, mutual, &desk.account, session.id)? {
                let net = line.debit_minor - line.credit_minor;
                if line.event == "cash_difference" { count += net } else { moved += net }
            }
            let name = format!("desk {} session {}", desk.code, session.number);
            if before.is_some_and(|left| left != session.opening_minor) {
                findings.push(finding("desks", code, format!("{name} does not begin with what was left")));
            }
            let now = session.opening_minor + moved + count;
            if session.counted_minor.is_some_and(|counted| counted != now) {
                findings.push(finding("desks", code, format!("{name}: the books have {now} after its count")));
            }
            before = Some(now);
        }
        let there = crate::ledger::store::balance(r, mutual, crate::ledger::rules::MAIN, &desk.account)?;
        if before.is_some_and(|left| left != there) {
            findings.push(finding(
                "desks",
                code,
                format!("desk {} has {there}, its sessions say otherwise", desk.code),
            ));
        }
    }
    Ok(findings)
}

/// A page of claims: R27, decisions recomputed from their inputs, transfers. Gives the last claim where there may be more.
///
/// # Errors
/// The database's.
pub fn claims(
    r: &mut Read,
    mutual: MutualId,
    code: &str,
    after: Option<ClaimId>,
    limit: i64,
) -> Result<(Option<ClaimId>, u64, Vec<Finding>)> {
    let page = claim_store::list_after(r, mutual, after, limit)?;
    let accounts = store::list_accounts(r, mutual)?;
    let ids: Vec<ClaimId> = page.iter().map(|claim| claim.id).collect();
    let transfers = store::list_transfers_of_claims(r, mutual, &ids)?;
    let mut findings = Vec::new();
    for claim in &page {
        let lines = claim_store::list_lines(r, mutual, claim.id)?;
        if let Some(what) = parts_wrong(claim, &lines) {
            findings.push(finding("claims", code, format!("claim {}: {what}", claim.number)));
        }
        if let Some(what) = decision_wrong(claim, &lines) {
            findings.push(finding("decisions", code, format!("claim {}: {what}", claim.number)));
        }
        let own: Vec<&Transfer> = transfers.iter().filter(|row| row.claim_id == Some(claim.id)).collect();
        if let Some(what) = claim_transfer_wrong(claim, &own, &accounts) {
            findings.push(finding("transfers", code, format!("claim {}: {what}", claim.number)));
        }
    }
    let full = i64::try_from(page.len()).unwrap_or(0) == limit;
    let last = page.last().map(|claim| claim.id).filter(|_| full);
    Ok((last, u64::try_from(page.len()).unwrap_or(0), findings))
}

/// R27: what is billed is what the parties bear together, on the claim and on each of its lines.
fn parts_wrong(claim: &Claim, lines: &[Line]) -> Option<String> {
    let billed: i64 = lines.iter().map(|line| line.quantity.saturating_mul(line.unit_price_minor)).sum();
    if billed != claim.billed_minor {
        return Some(format!("its lines bill {billed}, the claim {}", claim.billed_minor));
    }
    // What was taken back while it waited was never decided.
    if claim.outcome == Outcome::Pended {
        return None;
    }
    let borne = claim.mutual_minor + claim.member_minor + claim.provider_writeoff_minor + claim.other_paid_minor;
    if borne != claim.billed_minor {
        return Some(format!("billed {} and borne {borne} (R27)", claim.billed_minor));
    }
    for line in lines.iter().filter(|line| line.mutual_minor.is_some()) {
        let parts = [line.mutual_minor, line.member_minor, line.provider_writeoff_minor, line.other_paid_minor];
        let borne: i64 = parts.into_iter().flatten().sum();
        if borne != line.quantity * line.unit_price_minor {
            return Some(format!("line {} is borne {borne} (R27)", line.line));
        }
    }
    None
}

/// The stored decision against the one that its stored inputs give.
fn decision_wrong(claim: &Claim, lines: &[Line]) -> Option<String> {
    let Ok(input) = serde_json::from_str::<Input>(&claim.inputs) else {
        return Some("its inputs cannot be read".into());
    };
    let Ok(decision) = adjudicate(&input) else {
        return Some("its inputs cannot be decided".into());
    };
    // A person refused it as a duplicate, which the inputs did not say once: the rules had it wait.
    let refused_by_person = claim.outcome == Outcome::Rejected
        && claim.claim_reason == Some(ClaimReason::SuspectedDuplicate)
        && claim.decided_by.is_some()
        && input.word.is_none();
    if refused_by_person {
        return (decision.decision != Outcome::Pended).then(|| "it was refused by a person and did not wait".into());
    }
    let totals = &decision.totals;
    let same = decision.decision == claim.outcome
        && decision.claim_reason == claim.claim_reason
        && totals.billed == claim.billed_minor
        && totals.mutual == claim.mutual_minor
        && totals.member == claim.member_minor
        && totals.provider_writeoff == claim.provider_writeoff_minor
        && totals.other_payer == claim.other_paid_minor;
    if !same {
        return Some("the decision is not what its inputs give".into());
    }
    let decided = lines.iter().filter(|line| line.mutual_minor.is_some()).count();
    if decided != decision.lines.len() {
        return Some("other lines are decided than its inputs give".into());
    }
    for line in &decision.lines {
        let reasons = serde_json::json!(line.reasons).to_string();
        let stored = lines.iter().find(|row| i64::from(row.line) == line.line);
        let same = stored.is_some_and(|row| {
            row.approved_quantity == Some(line.approved_qty)
                && row.allowed_unit_minor == Some(line.allowed_unit)
                && row.mutual_minor == Some(line.mutual)
                && row.member_minor == Some(line.member)
                && row.provider_writeoff_minor == Some(line.provider_writeoff)
                && row.other_paid_minor == Some(line.other_payer)
                && row.reasons == reasons
        });
        if !same {
            return Some(format!("line {} is not what its inputs give", line.line));
        }
    }
    None
}

fn is_posted(transfer: &Transfer, event: Event, amount: i64, accounts: &[Account]) -> bool {
    let code =
        |id: AccountId| accounts.iter().find(|account| account.id == id).map_or("", |account| account.code.as_str());
    let (debit, credit) = event.posting();
    transfer.amount_minor == amount
        && code(transfer.debit_account_id) == debit
        && code(transfer.credit_account_id) == credit
}

/// What the books owe for a claim: what was decided, less what was taken back.
fn claim_transfer_wrong(claim: &Claim, own: &[&Transfer], accounts: &[Account]) -> Option<String> {
    let to = claim.creditor();
    let mut owed = 0;
    for transfer in own {
        let amount = transfer.amount_minor;
        let is = |event: Event| is_posted(transfer, event, amount, accounts);
        match (is(Event::ClaimDecided { to }), is(Event::ClaimReduced { to })) {
            (true, _) => owed += amount,
            (false, true) => owed -= amount,
            (false, false) => return Some("it is not in the books as the posting table says".into()),
        }
    }
    let expected = if claim.state == ClaimState::Voided { 0 } else { claim.mutual_minor };
    (owed != expected).then(|| format!("the books owe {owed} for it, its decision {expected}"))
}

/// Settlements are the sum of their items; their payments are their sum paid and are in the books; what claims say that they
/// were paid is what settlements covered of them.
///
/// # Errors
/// The database's.
pub fn settlements(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let accounts = store::list_accounts(r, mutual)?;
    let transfers = store::list_transfers_of_settlements(r, mutual)?;
    let mut settled: BTreeMap<ClaimId, i64> = BTreeMap::new();
    let mut findings = Vec::new();
    for row in store::list_settlements(r, mutual)? {
        let mut wrong = |what: &str| {
            findings.push(finding(
                "settlements",
                code,
                format!("settlement {} of {}: {what}", row.id, row.amount_minor),
            ));
        };
        let items = settlement_store::list_items(r, mutual, row.id)?;
        let sum: i64 = items.iter().map(|item| item.amount_minor).sum();
        if sum != row.amount_minor || i64::try_from(items.len()).ok() != Some(row.number_of_claims) {
            wrong("it is not the sum of its claims");
        }
        let payments = settlement_store::list_payments(r, mutual, row.id)?;
        if payments.iter().map(|payment| payment.amount_minor).sum::<i64>() != row.paid_minor {
            wrong("its payments are not what it says was paid");
        }
        if row.state != SettlementState::Cancelled {
            let recovered: i64 = items.iter().map(|item| item.amount_minor.min(0)).sum();
            let funds = row.paid_minor + row.advance_offset_minor - recovered;
            for (item, paid) in items.iter().zip(covered(&items, funds)) {
                *settled.entry(item.claim_id).or_default() += paid;
            }
        }
        let to = row.provider_id.map_or(Creditor::Member, Creditor::Provider);
        let own: Vec<&Transfer> = transfers.iter().filter(|transfer| transfer.settlement_id == Some(row.id)).collect();
        let (reversed, standing): (Vec<&Transfer>, Vec<&Transfer>) =
            own.iter().partition(|transfer| transfer.reverses_id.is_some());
        let paid = |transfer: &Transfer| {
            let payment =
                payments.iter().find(|payment| transfer.source_id.is_some_and(|id| id.uuid() == payment.id.uuid()));
            // What was settled before payments were kept apart has one transfer, which names none.
            let amount = payment.map_or(row.paid_minor, |payment| payment.amount_minor);
            transfer.event == "settlement_paid"
                && transfer.amount_minor == amount
                && accounts.iter().any(|account| {
                    account.id == transfer.debit_account_id && account.code == (Event::ClaimReduced { to }).posting().0
                })
        };
        let offset = |transfer: &Transfer| match row.provider_id {
            Some(provider) => {
                is_posted(transfer, Event::AdvanceOffset { provider }, row.advance_offset_minor, &accounts)
            }
            None => false,
        };
        let expected = payments.len() + usize::from(row.advance_offset_minor > 0);
        let cancelled = if row.state == SettlementState::Cancelled { expected } else { 0 };
        let right = standing.len() == expected
            && reversed.len() == cancelled
            && standing.iter().all(|transfer| paid(transfer) || offset(transfer));
        if !right {
            findings.push(finding(
                "transfers",
                code,
                format!("settlement {} is not in the books as the posting table says", row.id),
            ));
        }
    }
    for (claim, number, settled_minor) in store::list_settled(r, mutual)? {
        let covered = settled.remove(&claim).unwrap_or(0);
        if covered != settled_minor {
            let what = format!("claim {number} says that {settled_minor} of it was paid, its settlements {covered}");
            findings.push(finding("settlements", code, what));
        }
    }
    if settled.values().any(|covered| *covered != 0) {
        findings.push(finding(
            "settlements",
            code,
            "a settlement covers a claim that says that nothing was paid".into(),
        ));
    }
    Ok(findings)
}

/// No ceiling of a cover year is exceeded, of a person or of a household. What was used before going live may have exceeded
/// it on paper; then nothing is paid on top.
///
/// # Errors
/// The database's.
pub fn ceilings(r: &mut Read, mutual: MutualId, code: &str) -> Result<Vec<Finding>> {
    let sums = store::sums_by_year(r, mutual)?;
    let mut years: BTreeMap<EnrolmentId, Vec<(MemberId, i64)>> = BTreeMap::new();
    for (enrolment, member, sum) in sums {
        if let Some(enrolment) = enrolment {
            years.entry(enrolment).or_default().push((member, sum.unwrap_or(0)));
        }
    }
    let before = store::list_openings(r, mutual)?;
    let ids: Vec<EnrolmentId> = years.keys().copied().collect();
    let mut findings = Vec::new();
    for (enrolment, number, version) in store::versions_of(r, mutual, &ids)? {
        let versions = product_store::list_versions_by_id(r, &[version])?;
        let Some(version) = versions.first() else { continue };
        let Some(ceilings) = products::parameters(version)?.ceilings else { continue };
        let persons = years.get(&enrolment).map_or(&[][..], Vec::as_slice);
        let household: i64 = persons.iter().map(|(_, sum)| sum).sum();
        let used = |of: Option<MemberId>| -> i64 {
            let own = before.iter().filter(|(year, who, _)| *year == enrolment && of.is_none_or(|of| of == *who));
            own.map(|(_, _, amount)| amount).sum()
        };
        let beyond = |paid: i64, ceiling: i64, of| paid > (ceiling - used(of)).max(0);
        if ceilings.household_year.is_some_and(|ceiling| beyond(household, ceiling, None)) {
            let what = format!("enrolment {number}: {household} is paid, beyond the household's ceiling");
            findings.push(finding("ceilings", code, what));
        }
        for (member, sum) in persons {
            if ceilings.person_year.is_some_and(|ceiling| beyond(*sum, ceiling, Some(*member))) {
                let what = format!("enrolment {number}: {sum} is paid for member {member}, beyond the ceiling");
                findings.push(finding("ceilings", code, what));
            }
        }
    }
    Ok(findings)
}
