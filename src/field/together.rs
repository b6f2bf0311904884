//! The registrations of a push, carried out together where they can be: most of what agents send is families, and their rows are
//! written by the hundred. Each is a command of its own all the same, with what follows from it. Where one of them cannot be
//! carried out, nothing of the push stays, and it begins anew, each on its own way, which tells what is wrong with it.
use super::carrying_out::{first_seen, household, must_be_given, order_of};
use super::model::NumberBlock;
use super::operations::{Operation, Sent, Wanted};
use super::outcome::{OperationResult, Pushing, is_own_fault, plain};
use super::rules::Status;
use crate::audit::frame::{Order, commands_in};
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::households::duplicates;
use crate::households::service::{self, NewHousehold, NewMember};
use crate::ids::*;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The operations that register a household, stand alone and are new: no earlier operation of the push names the same household,
/// person or number, so that it does not matter whether they come before it.
pub(super) fn standing_alone(sent: &[Sent], is_known: impl Fn(OperationId) -> bool) -> Vec<&Sent> {
    let (mut named, mut numbered) = (BTreeSet::<Uuid>::new(), BTreeSet::<&str>::new());
    let mut alone = Vec::new();
    for op in sent {
        let (mut ids, numbers) = op.read.as_ref().map_or_else(|_| Default::default(), Operation::names);
        ids.extend(op.id.map(Key::uuid));
        let registers = matches!(&op.read, Ok(Operation { wanted: Wanted::Household(_), .. }));
        if registers
            && op.id.is_some_and(|id| !is_known(id))
            && op.group.is_none()
            && op.depends_on.is_empty()
            && !ids.iter().any(|id| named.contains(id))
            && !numbers.iter().any(|number| numbered.contains(number))
        {
            alone.push(op);
        }
        named.extend(ids);
        numbered.extend(numbers);
    }
    alone
}

/// Registers households together. Where one of them cannot be, the whole push begins anew, each on its own way: a savepoint, which
/// would spare that, has SQLite keep a copy of every page that is written.
///
/// # Errors
/// [`Error::Again`] where one cannot be registered; else the database's.
pub(super) fn register(
    w: &mut Write,
    by: &Pushing,
    blocks: &[NumberBlock],
    ops: &[&Sent],
) -> Result<Vec<OperationResult>> {
    register_all(w, by, blocks, ops).map_err(|error| match error {
        // Which of them it was, and why, is told, or logged, where each goes its own way.
        Error::Problem(_) => Error::Again,
        error if is_own_fault(&error) => Error::Again,
        other => other,
    })
}

fn register_all(w: &mut Write, by: &Pushing, blocks: &[NumberBlock], ops: &[&Sent]) -> Result<Vec<OperationResult>> {
    let (mut orders, mut households) = (Vec::with_capacity(ops.len()), Vec::with_capacity(ops.len()));
    for op in ops {
        let Ok(operation) = &op.read else { return Err(Error::Again) };
        let Wanted::Household(asked) = &operation.wanted else { return Err(Error::Again) };
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
        return Err(Problem::of(Code::IdReused).into());
    }
    let mut results = Vec::with_capacity(ops.len());
    for (op, others) in ops.iter().zip(duplicates::look_all(w, by.scope, newcomers)?) {
        let possible_duplicate_of = first_seen(w, by.scope, &others)?;
        results.push(OperationResult { version: Some(1), possible_duplicate_of, ..plain(op, Status::Applied) });
    }
    Ok(results)
}
