//! The simulated care: claims in time and late, dear ones, the same one twice, and the month's settlement by two persons.
use super::Dice;
use super::tree::{Mutual, SERVICES, Tree, order};
use crate::access::approvals;
use crate::access::picture::Picture;
use crate::access::scopes::{MutualScope, SystemScope};
use crate::app::HOOKS;
use crate::audit::frame::command;
use crate::audit::model::Purpose;
use crate::claims::model::{ClaimState, Mode, VisitType};
use crate::claims::model::{PaidBy, SettlementState};
use crate::claims::review::{Verdict, review};
use crate::claims::service::{Cites, Deciding, NewClaim, NewLine, submit};
use crate::claims::settlement::{self, NewPayment};
use crate::claims::settlement_store::{self as settlements, Payee};
use crate::claims::store as claims;
use crate::db::{Db, Wall};
use crate::error::{Code, Error, Result};
use crate::households::store as households;
use crate::ids::*;
use chrono::NaiveDate;

/// Somebody of a household goes to a facility, which sends its claim.
///
/// # Errors
/// The database's.
pub fn fall_ill(
    db: &Db,
    scope: &MutualScope,
    picture: &Picture,
    mutual: &Mutual,
    household: HouseholdId,
    day: NaiveDate,
    dice: &mut Dice,
) -> Result<()> {
    let members = db.read(Wall::mutual(scope.mutual()), |r| {
        households::list_of_household(r, scope.mutual(), household).map_err(Error::from)
    })?;
    let pick =
        |dice: &mut Dice, length: usize| usize::try_from(dice.below(u64::try_from(length).unwrap_or(1))).unwrap_or(0);
    let patient = members.get(pick(dice, members.len())).map(|(member, _)| member.id);
    let facility = mutual.facilities.get(pick(dice, mutual.facilities.len())).copied();
    let (Some(member), Some(provider)) = (patient, facility) else { return Ok(()) };
    let mut lines = Vec::new();
    for line in 1..=1 + i32::try_from(dice.below(3)).unwrap_or(0) {
        let Some((code, _, _, _, bif, xof)) = SERVICES.get(pick(dice, SERVICES.len())) else { continue };
        if lines.iter().any(|line: &NewLine| line.service == *code) {
            continue;
        }
        let price = if mutual.currency == "BIF" { *bif } else { *xof };
        // One price in eight is above the tariff.
        let unit_price_minor = if dice.percent(12) { price + price / 4 } else { price };
        lines.push(NewLine {
            line,
            service: (*code).to_owned(),
            quantity: i64::try_from(1 + dice.below(2)).unwrap_or(1),
            unit_price_minor,
        });
    }
    let number = format!("V{:08}", dice.below(100_000_000));
    let mut again = vec![number.clone()];
    if dice.percent(3) {
        // The same number twice: a duplicate.
        again.push(number.clone());
    } else if dice.percent(4) {
        // The same care under another number: it waits for a person.
        again.push(format!("{number}B"));
    }
    let mut owners: Vec<OrganisationId> = vec![mutual.id];
    owners.extend(picture.ancestors(mutual.id, scope.today()));
    for invoice_number in again {
        let new = NewClaim {
            number: None,
            invoice_number,
            provider,
            member,
            mode: if dice.percent(5) { Mode::Reimbursement } else { Mode::ThirdParty },
            visit_type: match dice.below(10) {
                0 => VisitType::Emergency,
                1..=3 => VisitType::Referral,
                _ => VisitType::Other,
            },
            service_on: day,
            discharged_on: None,
            submitted_on: day,
            diagnoses: dice.pick(&["B54", "J06.9", "A09", "R50.9", "S61.9"]).unwrap_or("R69").to_owned(),
            other_payer_minor: None,
            lines: lines.clone(),
            cites: Cites::default(),
        };
        let order = order(db, scope, mutual.officer, Purpose::Claim);
        command(db, &HOOKS, &order, |w| submit(w, scope, &order, &owners, &new, Deciding { on: day }))?;
    }
    Ok(())
}

/// Claims that wait are decided, most of them; what is owed to each facility is asked for and approved.
///
/// # Errors
/// The database's.
pub fn settle(db: &Db, picture: &Picture, tree: &Tree, mutual: usize, dice: &mut Dice) -> Result<()> {
    let Some(mutual) = tree.mutuals.get(mutual) else { return Ok(()) };
    let scope = SystemScope::of_the_terminal().mutual(picture, db.clock(), mutual.id)?;
    let mut owners: Vec<OrganisationId> = vec![mutual.id];
    owners.extend(picture.ancestors(mutual.id, scope.today()));
    let waiting = db.read(Wall::mutual(scope.mutual()), |r| {
        claims::list(r, &scope, None, Some(ClaimState::Pended), None, 100).map_err(Error::from)
    })?;
    for claim in waiting {
        let verdict = match dice.below(10) {
            0..=5 => Verdict::plain(false, "the same care was claimed before"),
            6..=8 => Verdict::plain(true, "two visits on one day, confirmed by the facility"),
            _ => continue,
        };
        let order = order(db, &scope, mutual.officer, Purpose::Claim);
        let tag = crate::web::etag(claim.version);
        command(db, &HOOKS, &order, |w| review(w, &scope, &order, &owners, claim.id, Some(&tag), &verdict))?;
    }
    for provider in &mutual.facilities {
        let asked = order(db, &scope, mutual.treasurer, Purpose::Collection);
        let until = scope.today();
        let requested =
            command(db, &HOOKS, &asked, |w| settlement::request(w, &scope, &asked, Payee::Provider(*provider), until));
        match requested {
            // Nothing is owed to this facility.
            Err(Error::Problem(problem)) if problem.code == Code::WrongState => continue,
            other => {
                other?;
            }
        }
        // One in ten still waits for the second person.
        if dice.percent(10) {
            continue;
        }
        let approval: ApprovalId = Key::new(asked.id.uuid());
        let order = order(db, &scope, mutual.admin, Purpose::Collection);
        let tag = crate::web::etag(1);
        let approved =
            command(db, &HOOKS, &order, |w| approvals::decide(w, &HOOKS, &scope, &order, approval, Some(&tag), None));
        match approved {
            // A claim of the request is not as it was asked for.
            Err(Error::Problem(problem)) if problem.code == Code::WrongState => {}
            other => {
                other?;
            }
        }
        pay(db, &scope, mutual, Key::new(approval.uuid()), dice)?;
    }
    Ok(())
}

/// The bank pays what was approved: mostly at once, sometimes a part of it now.
fn pay(db: &Db, scope: &MutualScope, mutual: &Mutual, id: SettlementId, dice: &mut Dice) -> Result<()> {
    let found =
        db.read(Wall::mutual(scope.mutual()), |r| settlements::find(r, scope.mutual(), id).map_err(Error::from))?;
    let Some(row) = found.filter(|row| row.state == SettlementState::Approved) else { return Ok(()) };
    let due = row.amount_minor - row.advance_offset_minor;
    let amount_minor = if dice.percent(10) { (due / 2).max(1) } else { due };
    let order = order(db, scope, mutual.treasurer, Purpose::Collection);
    let new = NewPayment {
        settlement: id,
        method: PaidBy::Bank,
        cash_desk: None,
        amount_minor,
        reference: Some(format!("VIR-{:06}", dice.below(1_000_000))),
        paid_on: scope.today(),
    };
    let tag = crate::web::etag(row.version);
    command(db, &HOOKS, &order, |w| settlement::pay(w, scope, &order, Some(&tag), &new))?;
    Ok(())
}
