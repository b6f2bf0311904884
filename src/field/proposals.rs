//! What came to nothing in the field, decided in the office: an operation is carried out, corrected or as it was, or discarded.
//! What is carried out counts for the device from then on, so that what depends on it goes on. And what a lost device sent.
use super::carrying_out;
use super::model::*;
use super::operations::{self, Days, Kind};
use super::outcome::{Heard, OperationResult, Pushing};
use super::push;
use super::rules::Status;
use super::store;
use crate::access::picture::Picture;
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Hooks, Order};
use crate::audit::store::find_command;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use crate::web::must_match;
use serde_json::{Map, Value, json};

/// Finds a proposal that may still be decided.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
fn open(w: &mut Write, scope: &MutualScope, id: OperationId, if_match: Option<&str>) -> Result<Proposal> {
    let known =
        store::find_proposal(w, scope.mutual(), id)?.filter(|row| scope.sees_all() || scope.sees(row.section_id));
    let known = known.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    if known.state != ProposalState::Open {
        return Err(Problem::with(Code::WrongState, format!("the proposal is {}", known.state)).into());
    }
    Ok(known)
}

/// What a decision needs of its surroundings.
#[derive(Clone, Copy)]
pub struct Office<'a> {
    pub hooks: &'a Hooks,
    pub picture: &'a Picture,
    pub scope: &'a MutualScope,
    pub order: &'a Order,
}

/// Carries a proposal out, with what the office corrected of its data.
///
/// # Errors
/// As [`open`]; what the operation itself is refused for.
pub fn accept(
    w: &mut Write,
    office: &Office,
    id: OperationId,
    if_match: Option<&str>,
    corrected: Option<&Map<String, Value>>,
    note: Option<&str>,
) -> Result<()> {
    let mutual = office.scope.mutual();
    let known = open(w, office.scope, id, if_match)?;
    let device = device_of(w, mutual, known.device_id)?;
    let mut content: Value = kept(&known.content, "proposals")?;
    let sent_before = operations::read(content.clone(), Days::of_office(office.scope.today())).hash;
    // What was sent may be no object, or have no data: then there is nothing to correct, and reading it says so.
    if let (Some(data), Value::Object(operation)) = (corrected, &mut content) {
        operation.insert("data".into(), Value::Object(data.clone()));
    }
    // What an agent registers belongs to his section, whoever accepts it.
    if let (true, Some(section), Some(Value::Object(data))) =
        (is_new_household(&known), known.section_id, content.get_mut("data"))
    {
        let told = data.entry("section_id").or_insert(Value::Null);
        if told.is_null() {
            *told = json!(section);
        }
    }
    // The office carries it out whatever version it was made on.
    if let (Some(Kind::Update), Value::Object(operation)) = (Kind::parse(&known.operation), &mut content) {
        let told = operation.entry("base_version").or_insert(Value::Null);
        if told.is_null() {
            *told = json!(1);
        }
    }
    // An id that was none, that came before with other content, or under which something was done that nobody remembers.
    if let Value::Object(operation) = &mut content {
        let is_own = operation.get("op_id").and_then(Value::as_str).is_some_and(|told| told.parse() == Ok(id));
        if !is_own || find_command(w, mutual, Key::new(id.uuid()))?.is_some() {
            operation.insert("op_id".into(), json!(w.new_id::<kind::Command>()));
        }
    }
    let sent = operations::read(content, Days::of_office(office.scope.today()));
    let operation = match &sent.read {
        Ok(operation) => operation,
        Err(refusal) => return Err(told(refusal)),
    };
    let by = Pushing {
        hooks: office.hooks,
        picture: office.picture,
        scope: office.scope,
        device: &device,
        asker: office.order.asker,
        heard: Heard::Now,
    };
    let mut result = carrying_out::carry_out_for_office(w, &by, &sent, operation)?;
    result.status = Status::Applied;
    // Under whatever id it was carried out.
    result.op_id = Some(id.uuid());
    let row = StoredResult {
        mutual_id: mutual,
        id,
        device_id: device.id,
        hash: sent_before.to_vec(),
        result: json!(result).to_string(),
        recorded_at: w.now(),
    };
    store::set_result(w, &row)?;
    decide(w, office, &known, ProposalState::Accepted, note)
}

fn is_new_household(known: &Proposal) -> bool {
    Kind::parse(&known.operation) == Some(Kind::Create) && known.entity.starts_with("household/")
}

/// The device that sent something; it is not locked, since a push locks households first.
fn device_of(w: &mut Write, mutual: MutualId, id: DeviceId) -> Result<Device> {
    store::find_device(w, mutual, id)?.ok_or_else(|| Error::Fault("a proposal's device is gone".into()))
}

fn told(refusal: &operations::Refusal) -> Error {
    let mut problem = Problem::with(Code::Invalid, refusal.detail.clone());
    for field in &refusal.fields {
        let code = refusal.code.to_ascii_lowercase();
        problem.errors.push(crate::error::FieldError::new(format!("/data/{field}"), code, refusal.detail.clone()));
    }
    problem.into()
}

fn decide(w: &mut Write, office: &Office, known: &Proposal, to: ProposalState, note: Option<&str>) -> Result<()> {
    if !store::decide_proposal(w, known, to, office.order.asker.user, note)? {
        return Err(Code::VersionMismatch.into());
    }
    w.changed("proposal", known.id.uuid(), None, None);
    w.names("device", known.device_id.uuid());
    w.field("state", Some(json!(known.state)), Some(json!(to)));
    w.mark(office.scope.today());
    Ok(())
}

/// Discards a proposal.
///
/// # Errors
/// As [`open`].
pub fn discard(
    w: &mut Write,
    office: &Office,
    id: OperationId,
    if_match: Option<&str>,
    note: Option<&str>,
) -> Result<()> {
    let known = open(w, office.scope, id, if_match)?;
    decide(w, office, &known, ProposalState::Discarded, note)
}

/// Whether a proposal concerns money: then only who may record payments decides on it.
pub fn is_of_money(proposal: &Proposal) -> bool {
    Kind::parse(&proposal.operation) == Some(Kind::Payment)
}

/// Decides what a lost device sent: carried out as if it had come in time, with the agent's own reach, or discarded.
///
/// # Errors
/// `not_found`, `version_mismatch`, `wrong_state`.
pub fn decide_held(
    w: &mut Write,
    office: &Office,
    agent_scope: Option<&MutualScope>,
    id: HeldPushId,
    if_match: Option<&str>,
    note: Option<&str>,
) -> Result<Vec<OperationResult>> {
    let mutual = office.scope.mutual();
    let known = store::find_held(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
    must_match(if_match, known.version)?;
    if known.state != HeldState::Held {
        return Err(Problem::with(Code::WrongState, format!("it is {}", known.state)).into());
    }
    let device = device_of(w, mutual, known.device_id)?;
    let (state, results) = match agent_scope {
        None => (HeldState::Discarded, Vec::new()),
        Some(scope) => {
            let heard = Heard::At(known.received_at);
            let parcel = push::read(known.body.as_bytes(), heard, scope.today())?;
            let asker = crate::audit::model::Asker { user: Some(device.agent_id), ..office.order.asker };
            let by = Pushing { hooks: office.hooks, picture: office.picture, scope, device: &device, asker, heard };
            (HeldState::Applied, push::push(w, &by, &parcel)?)
        }
    };
    if !store::decide_held(w, &known, state, office.order.asker.user, note)? {
        return Err(Code::VersionMismatch.into());
    }
    // The operations were commands of their own: what follows is the office's.
    w.effects = Default::default();
    w.changed("held_push", id.uuid(), None, None);
    w.names("device", device.id.uuid());
    w.field("state", Some(json!(HeldState::Held)), Some(json!(state)));
    w.mark(office.scope.today());
    Ok(results)
}
