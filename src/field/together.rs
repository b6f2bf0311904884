//! The registrations of a push, carried out together where they can be: most of what agents send is families, and their rows are
//! written by the hundred. Each is a command of its own all the same, with what follows from it. Where one of them cannot be
//! carried out, nothing of it stays, and each goes its own way, which tells what is wrong with it.
use super::carrying_out::{first_seen, household, must_be_given, order_of};
use super::model::NumberBlock;
use super::operations::{Operation, Sent, Wanted};
use super::outcome::{OperationResult, Pushing, is_own_fault, plain};
use super::rules::Status;
use crate::audit::frame::{Order, commands_in};
use crate::db::Write;
use crate::error::{Error, Result};
use crate::households::duplicates;
use crate::households::service::{self, NewHousehold, NewMember};
use crate::ids::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The places of operations that register a household, stand alone and are new: no other operation of the push is of the same
/// household, person or number, so that it does not matter whether they come before it.
pub(super) fn standing_alone(sent: &[Sent], is_known: impl Fn(OperationId) -> bool) -> Vec<usize> {
    let mut ids: BTreeMap<OperationId, usize> = BTreeMap::new();
    let (mut entities, mut numbers) = (BTreeMap::<Uuid, usize>::new(), BTreeMap::<&str, usize>::new());
    for op in sent {
        if let Some(id) = op.id {
            *ids.entry(id).or_default() += 1;
        }
        if let Ok(Operation { wanted, entity, .. }) = &op.read {
            let (number, persons): (Option<&String>, &[NewMember]) = match wanted {
                Wanted::Household(asked) => (asked.number.as_ref(), &asked.persons),
                Wanted::Member(_, _, person) => (None, std::slice::from_ref(person.as_ref())),
                _ => continue,
            };
            let own = persons.iter().filter_map(|person| Some(person.id?.uuid())).collect::<BTreeSet<_>>();
            for id in own.into_iter().chain([entity.id]).collect::<BTreeSet<_>>() {
                *entities.entry(id).or_default() += 1;
            }
            for number in number.into_iter().chain(persons.iter().filter_map(|person| person.card_number.as_ref())) {
                *numbers.entry(number).or_default() += 1;
            }
        }
    }
    let is_alone = |op: &Sent| {
        let Ok(Operation { wanted: Wanted::Household(asked), entity, .. }) = &op.read else { return false };
        let once = |id: Uuid| entities.get(&id) == Some(&1);
        let is_new = op.id.is_some_and(|id| !is_known(id) && ids.get(&id) == Some(&1));
        let cards = asked.persons.iter().filter_map(|person| person.card_number.as_deref());
        let mut named = asked.number.as_deref().into_iter().chain(cards);
        let mut persons = asked.persons.iter().filter_map(|person| person.id);
        is_new
            && op.group.is_none()
            && op.depends_on.is_empty()
            && once(entity.id)
            && persons.all(|id| once(id.uuid()))
            && named.all(|number| numbers.get(number) == Some(&1))
    };
    sent.iter().enumerate().filter(|(_, op)| is_alone(op)).map(|(at, _)| at).collect()
}

/// Registers households together; none where one of them cannot be.
pub(super) fn register(
    w: &mut Write,
    by: &Pushing,
    blocks: &[NumberBlock],
    ops: &[&Sent],
) -> Result<Option<Vec<OperationResult>>> {
    let done = w.savepoint(|w| {
        let (mut orders, mut households) = (Vec::with_capacity(ops.len()), Vec::with_capacity(ops.len()));
        for op in ops {
            let Ok(operation) = &op.read else { return Ok(None) };
            let Wanted::Household(asked) = &operation.wanted else { return Ok(None) };
            orders.push(order_of(by, op, operation));
            households.push(household(w, by, asked)?);
        }
        let persons: Vec<NewMember> = households.iter().flat_map(|new| new.members.iter().cloned()).collect();
        must_be_given(w, by.scope.mutual(), blocks, &persons, |_| "/members".into())?;
        let new: Vec<(HouseholdId, &NewHousehold)> =
            orders.iter().map(|order| Key::new(order.id.uuid())).zip(&households).collect();
        let mut newcomers = Vec::with_capacity(ops.len());
        let all: Vec<&Order> = orders.iter().collect();
        let are_new = commands_in(w, by.hooks, &all, |w| {
            let registered = service::register_all(w, by.scope, &new)?;
            let split = registered.into_iter().map(|one| (one.effects, one.newcomers));
            let (effects, found): (Vec<_>, Vec<_>) = split.unzip();
            newcomers = found;
            Ok(effects)
        })?;
        if !are_new {
            return Err(Error::Fault("a household of these ids is there".into()));
        }
        let mut results = Vec::with_capacity(ops.len());
        for (op, others) in ops.iter().zip(duplicates::look_all(w, by.scope, newcomers)?) {
            let possible_duplicate_of = first_seen(w, by.scope, &others)?;
            results.push(OperationResult { version: Some(1), possible_duplicate_of, ..plain(op, Status::Applied) });
        }
        Ok(Some(results))
    });
    match done {
        Err(Error::Problem(_)) => Ok(None),
        Err(error) if is_own_fault(&error) => Ok(None),
        other => other,
    }
}
