//! One operation of a device, carried out as a command of its own within the savepoint that `push.rs` holds.
use super::devices;
use super::model::*;
use super::operations::{EntityKind, FieldHousehold, FieldPayment, Kind, Operation, Refusal, Sent, Wanted};
use super::outcome::{Clashed, Failed, OperationResult, Pushing, Stop, plain};
use super::rules::{self, Known, Reason, Status};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Done, Order, command_in};
use crate::audit::store::find_command;
use crate::contributions::model::Method;
use crate::contributions::service::{Locked, NewPayment, Taker, pay};
use crate::contributions::store as money;
use crate::db::{Wall, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::households::file::{self, NewConsent};
use crate::households::service::{self, HouseholdCorrection, MemberCorrection, NewHousehold, NewMember, section_for};
use crate::households::{duplicates, events, store as households};
use crate::ids::*;
use crate::web::etag;
use chrono::Datelike;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The route that commands of devices carry.
const ROUTE: &str = "POST /api/v1/mutuals/{m}/sync/push";

/// An operation as a command.
pub(super) fn order_of(by: &Pushing, op: &Sent, operation: &Operation) -> Order {
    Order {
        id: Key::new(command_of(op, operation)),
        wall: Wall::mutual(by.scope.mutual()),
        route: ROUTE.into(),
        hash: op.whole,
        asker: by.asker,
        today: by.scope.today(),
        by_header: false,
    }
}

/// Carries out an operation as a command of its own.
pub(super) fn carry_out(
    w: &mut Write,
    by: &Pushing,
    blocks: &[NumberBlock],
    op: &Sent,
    operation: &Operation,
) -> std::result::Result<OperationResult, Failed> {
    let order = order_of(by, op, operation);
    let update = match operation.kind {
        // What was done before its result was forgotten is done.
        Kind::Update if find_command(w, by.scope.mutual(), order.id)?.is_none() => Some(clash(w, by, operation)?),
        _ => None,
    };
    let mut found = None;
    let done = command_in(w, by.hooks, &order, &mut |w| {
        found = act(w, by, blocks, &order, operation)?;
        Ok(())
    });
    match done {
        // Where it had been done and its result was forgotten, what it did stands.
        Ok(done) => {
            let version = version_after(w, by, operation)?;
            let status = update.filter(|_| done != Done::Replayed).unwrap_or(Status::Applied);
            Ok(OperationResult { version, possible_duplicate_of: found, ..plain(op, status) })
        }
        Err(Error::Problem(problem)) if problem.code == Code::IdReused => {
            let refusal = Refusal::of(Reason::EntityExists, "there is one of this id");
            Err(Failed::Stop(0, Stop::Refused(Status::Rejected, Box::new(refusal), None)))
        }
        Err(Error::Problem(problem)) if problem.code == Code::NotFound => {
            let told = Refusal::told(&problem);
            let refusal =
                Refusal { fields: told.fields, ..Refusal::of(Reason::EntityUnknown, "there is none of this id") };
            Err(Failed::Stop(0, Stop::Refused(Status::Rejected, Box::new(refusal), None)))
        }
        Err(error) => Err(Failed::Error(error)),
    }
}

/// Carries out an operation that the office accepts, whatever the version that it was made on; the frame of the decision's own
/// command goes on behind it.
///
/// # Errors
/// What the operation is refused for.
pub fn carry_out_for_office(w: &mut Write, by: &Pushing, op: &Sent, operation: &Operation) -> Result<OperationResult> {
    let blocks = store::list_blocks(w, by.scope.mutual(), by.device.id)?;
    let order = order_of(by, op, operation);
    let mut found = None;
    command_in(w, by.hooks, &order, &mut |w| {
        found = act(w, by, &blocks, &order, operation)?;
        Ok(())
    })?;
    w.effects = Default::default();
    // Whom the office sees, the agent may not.
    drop(found);
    Ok(OperationResult { version: version_after(w, by, operation)?, ..plain(op, Status::Applied) })
}

/// The version of what the operation was about, now.
fn version_after(w: &mut Write, by: &Pushing, operation: &Operation) -> Result<Option<i64>> {
    Ok(match operation.kind {
        Kind::Update | Kind::Event => known(w, by, operation)?.map(|known| known.version),
        Kind::Create | Kind::Payment | Kind::Consent => Some(1),
    })
}

/// What is created takes the id of its entity, so that it cannot be created twice, ever.
fn command_of(op: &Sent, operation: &Operation) -> Uuid {
    match operation.kind {
        Kind::Create | Kind::Payment | Kind::Consent => operation.entity.id,
        Kind::Update | Kind::Event => op.id.map_or(operation.entity.id, Key::uuid),
    }
}

/// A household or a person as the rule of updates sees it; none where it is not there or beyond the scope.
fn known(w: &mut Write, by: &Pushing, operation: &Operation) -> Result<Option<Known>> {
    let mutual = by.scope.mutual();
    let version = match operation.entity.kind {
        EntityKind::Household => {
            households::find(w, by.scope, HouseholdId::new(operation.entity.id))?.map(|row| row.version)
        }
        _ => households::find_member(w, by.scope, MemberId::new(operation.entity.id))?.map(|(row, _)| row.version),
    };
    let Some(version) = version else {
        let is_gone = operation.entity.kind == EntityKind::Member
            && households::is_gone(w, mutual, MemberId::new(operation.entity.id))?;
        return Ok(is_gone.then(|| Known { is_deleted: true, ..Known::default() }));
    };
    let changed = store::list_field_versions(w, mutual, EntityId::new(operation.entity.id))?;
    Ok(Some(Known { version, is_deleted: false, changed: changed.into_iter().collect() }))
}

/// What an update comes to (R49), or the clash with what the server has.
fn clash(w: &mut Write, by: &Pushing, operation: &Operation) -> std::result::Result<Status, Failed> {
    let known = known(w, by, operation)?;
    let clash = match rules::update(known.as_ref(), operation.base_version, &operation.fields) {
        Ok(status) => return Ok(status),
        Err(clash) => clash,
    };
    let (detail, fields, version) = match &clash {
        rules::Clash::Unknown => ("there is none of this id", Vec::new(), None),
        rules::Clash::Deleted => ("it was taken back", Vec::new(), None),
        rules::Clash::Fields(fields, version) => {
            ("these fields were changed since; the office decides", fields.clone(), Some(*version))
        }
    };
    let clashed = match version {
        Some(version) => Some(Clashed { version, values: values(w, by, operation, &fields)? }),
        None => None,
    };
    let refusal = Refusal { fields, ..Refusal::of(clash.reason(), detail) };
    Err(Failed::Stop(0, Stop::Refused(clash.status(), Box::new(refusal), clashed)))
}

/// What the server has in some fields of a household or a person.
fn values(w: &mut Write, by: &Pushing, operation: &Operation, fields: &[String]) -> Result<Map<String, Value>> {
    let all = match operation.entity.kind {
        EntityKind::Household => {
            let row = households::find(w, by.scope, HouseholdId::new(operation.entity.id))?;
            row.map(|row| json!({"section_id": row.section_id, "area_id": row.area_id, "class": row.class, "phone": row.phone}))
        }
        _ => {
            let row = households::find_member(w, by.scope, MemberId::new(operation.entity.id))?;
            row.map(|(row, _)| {
                json!({
                    "family_name": row.family_name, "given_name": row.given_name, "sex": row.sex,
                    "birth_date": row.birth_date, "birth_precision": row.birth_precision,
                    "national_id": row.national_id, "phone": row.phone, "occupation": row.occupation,
                })
            })
        }
    };
    let Some(Value::Object(all)) = all else { return Ok(Map::new()) };
    Ok(all.into_iter().filter(|(name, _)| fields.contains(name)).collect())
}

/// Does what an operation wants; gives whom it may have registered twice.
fn act(
    w: &mut Write,
    by: &Pushing,
    blocks: &[NumberBlock],
    order: &Order,
    operation: &Operation,
) -> Result<Option<String>> {
    let (scope, entity) = (by.scope, operation.entity.id);
    match &operation.wanted {
        Wanted::Household(asked) => {
            must_be_given(w, scope.mutual(), blocks, &asked.persons, |at| format!("/members/{at}/card_number"))?;
            let new = household(w, by, asked)?;
            let newcomers = service::register(w, scope, order, &new)?;
            let others = duplicates::look(w, scope, newcomers)?;
            first_seen(w, scope, &others)
        }
        Wanted::Member(household, on, person) => {
            let only = std::slice::from_ref(person.as_ref());
            must_be_given(w, scope.mutual(), blocks, only, |_| "/card_number".into())?;
            let id = events::arrive(w, by.hooks, scope, order, *household, *on, person)?;
            let others = duplicates::look_at(w, scope, &[id])?;
            first_seen(w, scope, &others)
        }
        Wanted::CorrectHousehold(asked) => {
            let id = HouseholdId::new(entity);
            let section = match asked.section_id {
                Some(section) => Some(section_for(by.picture, scope, section)?),
                None => None,
            };
            let correction = HouseholdCorrection {
                section,
                area: asked.area_id,
                class: asked.class.clone(),
                phone: asked.phone.clone(),
            };
            let version = households::find(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?.version;
            service::correct_household(w, scope, id, Some(&etag(version)), &correction)?;
            Ok(None)
        }
        Wanted::CorrectMember(asked) => {
            let id = MemberId::new(entity);
            let (known, _) = households::find_member(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
            let correction = MemberCorrection::from(asked.as_ref().clone());
            service::correct_member(w, scope, id, Some(&etag(known.version)), &correction)?;
            Ok(None)
        }
        Wanted::Event(asked) => {
            let section = match asked.section_id {
                Some(section) => section_for(by.picture, scope, Some(section))?,
                None => None,
            };
            let event = asked.as_ref().clone().into_event(scope.today(), section)?;
            events::record(w, by.hooks, scope, order, HouseholdId::new(entity), &event)?;
            let new = duplicates::just_registered(w, scope, HouseholdId::new(entity))?;
            let others = duplicates::look_at(w, scope, &new)?;
            first_seen(w, scope, &others)
        }
        Wanted::Payment(asked) => {
            if asked.currency != scope.currency().code() {
                return Err(Problem::of(Code::CurrencyMismatch).at("/currency").into());
            }
            let absent = || Problem::of(Code::NotFound).at("/household_id");
            let household = households::find(w, scope, asked.household_id)?.ok_or_else(absent)?;
            let revision = households::lock(w, scope.mutual(), household.id)?.ok_or_else(absent)?;
            let locked = Locked {
                mutual: scope.mutual(),
                household: household.id,
                revision,
                currency: scope.currency(),
                today: scope.today(),
                command: order.id,
            };
            let device = by.device;
            must_be_near(w, scope.mutual(), device.id, asked)?;
            let new = NewPayment {
                amount_minor: asked.amount_minor,
                method: Method::Cash,
                received_on: asked.received_on,
                reference: asked.reference.clone(),
                taker: Taker::Device(device.agent_id, device.id, device.code.clone(), asked.receipt_number),
                label: None,
                source: None,
                was_unallocated: false,
            };
            let id = pay(w, order, &locked, Key::new(entity), &new)?;
            w.changed("payment", id.uuid(), household.section_id, household.section_id);
            w.names("device", device.id.uuid());
            w.touch(household.id);
            Ok(None)
        }
        Wanted::Consent(asked) => {
            let new = NewConsent {
                purpose: asked.purpose,
                wording: asked.wording.clone(),
                given: asked.given,
                guardian: asked.guardian_id,
                decided_on: asked.decided_on,
            };
            file::add_consent(w, scope, order, asked.member_id, &new)?;
            Ok(None)
        }
    }
}

/// Receipts that may be missing before one: a number that lies further ahead is a slip, and would end the series.
const MISSING_AT_MOST: i64 = 1_000;

fn must_be_near(w: &mut Write, mutual: MutualId, device: DeviceId, asked: &FieldPayment) -> Result<()> {
    let all = money::list_series_of(w, mutual, Key::new(device.uuid()))?;
    let last = all.iter().find(|row| row.year == asked.received_on.year()).map_or(0, |row| row.last_number);
    if asked.receipt_number > last + MISSING_AT_MOST {
        let detail = format!("the last receipt that arrived is {last}");
        return Err(Problem::field("/receipt_number", "out_of_bounds", detail).into());
    }
    Ok(())
}

/// A card number is one that was given to the device; or one that this database never gave, since it was restored from before:
/// then it is given now.
pub(super) fn must_be_given(
    w: &mut Write,
    mutual: MutualId,
    blocks: &[NumberBlock],
    persons: &[NewMember],
    at: impl Fn(usize) -> String,
) -> Result<()> {
    let numbered = || persons.iter().enumerate().filter_map(|(at, one)| Some((at, one.card_number.as_deref()?)));
    let numbers: Vec<&str> = numbered().map(|(_, number)| number).collect();
    let Some(wrong) = devices::first_not_given(w, mutual, blocks, &numbers)? else { return Ok(()) };
    let place = numbered().nth(wrong).map_or(0, |(at, _)| at);
    let detail = "not of a block of this device, or its block was given to another";
    Err(Problem::field(at(place), "number_not_given", detail).into())
}

/// A household as it is registered; its persons have ids.
pub(super) fn household(w: &Write, by: &Pushing, asked: &FieldHousehold) -> Result<NewHousehold> {
    let mut members = asked.persons.clone();
    for person in &mut members {
        person.id = Some(person.id.unwrap_or_else(|| w.new_id()));
    }
    Ok(NewHousehold {
        number: asked.number.clone(),
        section: section_for(by.picture, by.scope, asked.section_id)?,
        area: asked.area_id,
        class: asked.class.clone().unwrap_or_else(|| "STANDARD".into()),
        phone: asked.phone.clone(),
        registered_on: asked.registered_on,
        members,
    })
}

/// The first person whom a new one may be, where the caller sees him (R50).
pub(super) fn first_seen(w: &mut Write, scope: &MutualScope, others: &[MemberId]) -> Result<Option<String>> {
    for other in others {
        if households::find_member(w, scope, *other)?.is_some() {
            return Ok(Some(format!("member/{other}")));
        }
    }
    Ok(None)
}
