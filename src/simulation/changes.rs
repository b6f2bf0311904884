//! What happens in simulated households between one payment and the next, and how memberships end before their time.
use super::tree::{Mutual, order};
use super::{Dice, people};
use crate::access::scopes::MutualScope;
use crate::app::HOOKS;
use crate::audit::frame::command;
use crate::audit::model::Purpose;
use crate::db::{Db, Wall};
use crate::enrolments::membership::{self, NewStep};
use crate::enrolments::model::EnrolmentState;
use crate::enrolments::store as enrolments;
use crate::error::{Error, Result};
use crate::households::events::{NewEvent, What, record, reverse};
use crate::households::model::{BirthPrecision, EventKind, Member, Membership, Relationship, Sex};
use crate::households::service::NewMember;
use crate::households::store as households;
use crate::ids::*;
use chrono::NaiveDate;

/// A refusal is a part of life: the family had none whom it could have concerned.
fn done<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Error::Problem(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Something happens in a household; once in ten times it was typed on the wrong page and is taken back.
///
/// # Errors
/// The database's.
pub fn happens(
    db: &Db,
    scope: &MutualScope,
    mutual: &Mutual,
    household: HouseholdId,
    day: NaiveDate,
    dice: &mut Dice,
) -> Result<()> {
    let there: Vec<(Member, Membership)> = db.read(Wall::mutual(scope.mutual()), |r| {
        Ok::<_, Error>(households::list_of_household(r, scope.mutual(), household)?)
    })?;
    let present: Vec<&(Member, Membership)> =
        there.iter().filter(|(member, stay)| stay.to_on.is_none() && member.died_on.is_none()).collect();
    let Some(what) = told(dice, mutual, day, &present) else { return Ok(()) };
    let order_of = || order(db, scope, mutual.registrar, Purpose::Enrolment);
    let told = order_of();
    let outcome = command(db, &HOOKS, &told, |w| record(w, &HOOKS, scope, &told, household, &what));
    let mistaken = dice.percent(10);
    if done(outcome)?.is_some() && mistaken {
        let back = order_of();
        let id: EventId = Key::new(told.id.uuid());
        done(command(db, &HOOKS, &back, |w| reverse(w, &HOOKS, scope, &back, id, "Typed on the wrong page")))?;
    }
    Ok(())
}

fn told(dice: &mut Dice, mutual: &Mutual, day: NaiveDate, present: &[&(Member, Membership)]) -> Option<NewEvent> {
    let others: Vec<_> = present.iter().filter(|(_, stay)| stay.relationship != Relationship::Principal).collect();
    let event = |kind, what| Some(NewEvent { kind, on: day, note: None, what });
    let family = present.first().map(|(member, _)| member.family_name.clone())?;
    match dice.below(100) {
        0..=39 => {
            let child = newcomer(dice, mutual, day, &family, Relationship::Child)?;
            let person = NewMember { birth_date: Some(day), birth_precision: BirthPrecision::Day, ..child };
            event(EventKind::Birth, What::NewPerson { person: Box::new(person), registered_on: day })
        }
        40..=54 => {
            let person = newcomer(dice, mutual, day, &family, Relationship::Other)?;
            event(EventKind::Arrival, What::NewPerson { person: Box::new(person), registered_on: day })
        }
        55..=69 => {
            let (member, _) = others.last()?;
            event(EventKind::Departure, What::Member { member: member.id })
        }
        70..=84 => {
            let (member, _) = present.get(usize::try_from(dice.below(8)).unwrap_or(0) % present.len())?;
            event(EventKind::Death, What::Member { member: member.id })
        }
        85..=92 => {
            let adult = |one: &&&&(Member, Membership)| one.1.relationship != Relationship::Child;
            let (member, _) = others.iter().find(adult)?;
            event(EventKind::ChangeOfPrincipal, What::Principal { member: member.id, former: Relationship::Spouse })
        }
        _ => {
            let (member, _) = others.first()?;
            let members = vec![(member.id, Relationship::Principal)];
            event(EventKind::Separation, What::Parting { members, number: None, section: None, area: None })
        }
    }
}

/// Somebody like those of whom households are made.
fn newcomer(
    dice: &mut Dice,
    mutual: &Mutual,
    day: NaiveDate,
    family: &str,
    relationship: Relationship,
) -> Option<NewMember> {
    let one = people::household(dice, mutual.currency, day).into_iter().next()?;
    let sex = if dice.percent(50) { Sex::Female } else { Sex::Male };
    Some(NewMember { id: None, relationship, family_name: family.to_owned(), sex, ..one })
}

/// The household's membership ends before its time: by resignation, or by exclusion after a hearing.
///
/// # Errors
/// The database's.
pub fn ends(
    db: &Db,
    scope: &MutualScope,
    mutual: &Mutual,
    enrolment: EnrolmentId,
    day: NaiveDate,
    excluded: bool,
) -> Result<()> {
    let find = || db.read(Wall::mutual(scope.mutual()), |r| Ok::<_, Error>(enrolments::find(r, scope, enrolment)?));
    let step = |reason: &str| NewStep { on: day, effective_on: None, reason: Some(reason.to_owned()) };
    let version = |version: i64| format!("\"v{version}\"");
    let Some(row) = find()?.filter(|row| row.state == EnrolmentState::Admitted && row.ends_on >= day) else {
        return Ok(());
    };
    let first = order(db, scope, mutual.registrar, Purpose::Enrolment);
    if !excluded {
        let etag = version(row.version);
        let leaves = step("Moves away");
        return done(command(db, &HOOKS, &first, |w| {
            membership::resign(w, scope, &first, enrolment, Some(&etag), &leaves)
        }))
        .map(|_| ());
    }
    let (etag, heard) = (version(row.version), step("Heard by the board: the card was lent to a neighbour"));
    done(command(db, &HOOKS, &first, |w| membership::hear(w, scope, &first, enrolment, Some(&etag), &heard)))?;
    let second = order(db, scope, mutual.registrar, Purpose::Enrolment);
    let (etag, out) = (version(row.version + 1), step("Lent the card"));
    done(command(db, &HOOKS, &second, |w| membership::exclude(w, scope, &second, enrolment, Some(&etag), &out)))?;
    Ok(())
}
