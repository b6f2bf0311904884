//! What a device sends: up to a hundred operations in one transaction, each in a savepoint of its own or of its group. The
//! households of all are locked first, in order; the answer comes after the one commit. What comes to nothing is kept as a
//! proposal, so that nothing that was typed is lost. What one operation does is in `carrying_out.rs`.
use super::carrying_out::carry_out;
use super::model::*;
use super::operations::{self, Days, MOST, Operation, Refusal, Sent, Wanted};
use super::outcome::{Failed, Heard, OperationResult, Pushing, Stop, is_own_fault, plain};
use super::rules::{self, Reason, Seen, Status};
use super::{store, together};
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result, kept};
use crate::households::resemblance::sound_out;
use crate::households::service;
use crate::households::store as households;
use crate::ids::*;
use crate::series::{self, SeriesKind};
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;
use uuid::Uuid;

/// How long results are kept, in days.
pub const KEPT_DAYS: i64 = 90;
/// The version of the protocol.
pub const SCHEMA: i64 = 1;
/// A device's clock may be so many hours wrong before its dates need confirmation.
const SKEW_HOURS: i64 = 24;
/// Old results that one push forgets at most.
const FORGETS: i64 = 200;

/// What a device sends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Made by the client; information.
    pub batch_id: Uuid,
    /// The device's clock, RFC 3339.
    pub device_time: DateTime<chrono::FixedOffset>,
    /// The version of the protocol: 1.
    pub schema: i64,
    /// 1 to 100; how they look is in `docs/sync.md`.
    #[schema(value_type = Vec<Object>, min_items = 1, max_items = 100)]
    pub ops: Vec<Value>,
}

/// The answer to a push.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PushAnswer {
    pub received_at: DateTime<chrono::Utc>,
    /// The device empties itself: it was said to be lost. What it sent is held for the office.
    pub wipe: bool,
    /// One for each operation, in their order; none where what was sent is held.
    pub results: Vec<OperationResult>,
}

/// A push that was read: what takes time and no database is done before the writer is asked for.
#[derive(Debug)]
pub struct Parcel {
    device_time: DateTime<chrono::FixedOffset>,
    sent: Vec<Sent>,
}

impl Parcel {
    /// SHA-256 of the operations, whatever they came in.
    pub fn content(&self) -> Vec<u8> {
        let mut all = Sha256::new();
        self.sent.iter().for_each(|op| all.update(op.whole));
        all.finalize().to_vec()
    }

    /// Folds the names of those who are registered, which the look for duplicates would otherwise do while others wait.
    pub fn sound_out(&self) {
        let households = self.sent.iter().filter_map(|op| match &op.read.as_ref().ok()?.wanted {
            Wanted::Household(asked) => Some(asked),
            _ => None,
        });
        let persons = households.flat_map(|asked| &asked.persons);
        sound_out(persons.map(|person| (person.family_name.as_str(), person.given_name.as_str())));
    }
}

/// Reads what a device sent, its operations one by one; `today` is the mutual's.
///
/// # Errors
/// `unreadable`, `invalid` naming the field.
pub fn read(body: &[u8], heard: Heard, today: NaiveDate) -> Result<Parcel> {
    let json: Value = serde_json::from_slice(body)
        .map_err(|error| Problem::with(Code::Unreadable, format!("the body is no JSON: {error}")))?;
    let Envelope { device_time, schema, ops, .. } = crate::web::read_plain(&json)?;
    if schema != SCHEMA {
        return Err(Problem::field("/schema", "unknown_value", format!("this server speaks {SCHEMA}")).into());
    }
    if ops.is_empty() || ops.len() > MOST {
        return Err(Problem::field("/ops", "out_of_bounds", format!("from 1 to {MOST} operations")).into());
    }
    let days = match heard {
        Heard::Now => Days::of_field(today),
        Heard::At(at) => Days::since(at.date(), today),
        Heard::Carried => Days::since(device_time.naive_utc().date().min(today), today),
    };
    Ok(Parcel { device_time, sent: ops.into_iter().map(|op| operations::read(op, days)).collect() })
}

/// Whether a device's clock is too far from ours. What was carried may be as old as the device, not older.
fn is_skewed(told: DateTime<chrono::FixedOffset>, now: NaiveDateTime, by: &Pushing) -> bool {
    let (told, most) = (told.naive_utc(), Duration::hours(SKEW_HOURS));
    match by.heard {
        Heard::Now => (told - now).abs() > most,
        Heard::At(at) => (told - at).abs() > most,
        Heard::Carried => told - now > most || by.device.activated_at.is_none_or(|active| active - told > most),
    }
}

/// Carries out what a device sent, within one transaction.
///
/// # Errors
/// The database's; what an operation is refused for is its result.
pub fn push(w: &mut Write, by: &Pushing, parcel: &Parcel) -> Result<Vec<OperationResult>> {
    let mutual = by.scope.mutual();
    let sent = parcel.sent.as_slice();
    lock_households(w, mutual, sent)?;
    store::set_seen(w, mutual, by.device.id, w.now())?;
    lock_series(w, mutual, sent)?;
    let named: BTreeSet<OperationId> = sent.iter().flat_map(|op| op.depends_on.iter().copied().chain(op.id)).collect();
    let ids: Vec<OperationId> = named.into_iter().collect();
    let mut push = Push {
        by: *by,
        skewed: is_skewed(parcel.device_time, w.now(), by),
        stored: BTreeMap::new(),
        blocks: store::list_blocks(w, mutual, by.device.id)?,
    };
    for row in store::list_results(w, mutual, &ids)? {
        push.stored.insert(row.id, (row.hash.clone(), kept(&row.result, "results")?));
    }
    let mut registered = push.register_together(w, sent)?;
    let mut results = Vec::with_capacity(sent.len());
    let mut done_groups = BTreeSet::new();
    let mut rest = sent;
    while let Some(first) = rest.first() {
        if let Some(result) = first.id.and_then(|id| registered.remove(&id)) {
            results.push(result);
            rest = rest.split_first().map_or(&[], |(_, later)| later);
            continue;
        }
        // Operations of a group stand together.
        let together = match &first.group {
            None => 1,
            Some(name) => rest.iter().take_while(|op| op.group.as_ref() == Some(name)).count(),
        };
        let (now, later) = rest.split_at(together);
        rest = later;
        let split = first.group.as_ref().is_some_and(|name| !done_groups.insert(name.clone()));
        results.extend(push.together(w, now, split)?);
    }
    let old = w.now() - Duration::days(KEPT_DAYS);
    store::forget_results(w, mutual, old, FORGETS)?;
    Ok(results)
}

/// Locks the households of all operations, by ascending id; those that are created in this push nobody else knows.
fn lock_households(w: &mut Write, mutual: MutualId, sent: &[Sent]) -> Result<()> {
    let read = || sent.iter().filter_map(|op| op.read.as_ref().ok());
    let members: Vec<MemberId> = read().flat_map(Operation::members).collect();
    let of_members = |w: &mut Write| -> Result<BTreeMap<MemberId, HouseholdId>> {
        if members.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(store::list_households_of(w, mutual, &members)?.into_iter().collect())
    };
    let before = of_members(w)?;
    let mut ids: BTreeSet<HouseholdId> = read().flat_map(Operation::households).collect();
    ids.extend(before.values().copied());
    for id in ids {
        households::lock(w, mutual, id)?;
    }
    if of_members(w)? == before { Ok(()) } else { Err(Error::Again) }
}

/// Takes the series that registrations need in their one order, so that a push and a registration at the office do not wait for
/// each other.
fn lock_series(w: &mut Write, mutual: MutualId, sent: &[Sent]) -> Result<()> {
    let registers = |op: &Sent| {
        let wanted = op.read.as_ref().ok().map(|operation| &operation.wanted);
        matches!(wanted, Some(Wanted::Household(_) | Wanted::Member(..) | Wanted::Event(_)))
    };
    if sent.iter().any(registers) {
        series::take(w, mutual, SeriesKind::Household, Key::NIL, 0, "H", 0)?;
        let prefix = service::card_prefix(w, mutual)?;
        series::take(w, mutual, SeriesKind::Card, Key::NIL, 0, &prefix, 0)?;
    }
    Ok(())
}

/// A push while it is carried out.
struct Push<'a> {
    by: Pushing<'a>,
    skewed: bool,
    /// What operations came to first: their content, their result.
    stored: BTreeMap<OperationId, (Vec<u8>, OperationResult)>,
    blocks: Vec<NumberBlock>,
}

/// The first bytes of a digest, as an id.
fn uuid_of(digest: &[u8; 32]) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(digest.split_at(16).0);
    Uuid::from_bytes(bytes)
}

fn reused(op: &Sent) -> OperationResult {
    let detail = Some("this id came before with other content".to_owned());
    OperationResult { code: Some(Reason::OpIdReused.code().into()), detail, ..plain(op, Status::Rejected) }
}

impl Push<'_> {
    /// Carries out together the registrations that may be; gives what they came to.
    fn register_together(&mut self, w: &mut Write, sent: &[Sent]) -> Result<BTreeMap<OperationId, OperationResult>> {
        let mut results = BTreeMap::new();
        // Where the clock is wrong, the office confirms each; what begins anew may be one that cannot be done with the others.
        let ops = match self.skewed || w.is_repeated() {
            true => Vec::new(),
            false => together::standing_alone(sent, |id| self.stored.contains_key(&id)),
        };
        if ops.len() < 2 {
            return Ok(results);
        }
        let done = together::register(w, &self.by, &self.blocks, &ops)?;
        self.keep_all(w, ops.iter().copied().zip(&done))?;
        results.extend(ops.iter().filter_map(|op| op.id).zip(done));
        Ok(results)
    }

    /// Carries out one operation, or a group, all or nothing; gives a result for each.
    fn together(&mut self, w: &mut Write, ops: &[Sent], split: bool) -> Result<Vec<OperationResult>> {
        // What was seen before is not done again; the others of a group are.
        let mut results: Vec<Option<OperationResult>> = Vec::with_capacity(ops.len());
        let mut within = BTreeSet::new();
        for op in ops {
            let twice = op.id.is_some_and(|id| !within.insert(id));
            let seen = if twice { Some(reused(op)) } else { self.seen_before(op) };
            if let Some(result) = seen.as_ref().filter(|result| result.status == Status::Rejected) {
                self.propose(w, op, result)?;
            }
            results.push(seen);
        }
        // A group of which one is not done before is not done now.
        let is_broken = ops.len() > 1 && results.iter().flatten().any(|result| result.code.is_some());
        let fresh: Vec<usize> = (0..ops.len()).filter(|at| results.get(*at).is_some_and(Option::is_none)).collect();
        let done = if split {
            let refusal = Refusal::new("GROUP_SPLIT", "the operations of a group stand together");
            Err(Failed::Stop(0, Stop::Refused(Status::Rejected, Box::new(refusal), None)))
        } else if is_broken && !fresh.is_empty() {
            let refusal = Refusal::new("GROUP_FAILED", "another operation of its group came to nothing");
            Err(Failed::Stop(ops.len(), Stop::Refused(Status::Rejected, Box::new(refusal), None)))
        } else if fresh.is_empty() {
            Ok(Vec::new())
        } else {
            w.savepoint(|w| {
                let mut done: Vec<OperationResult> = Vec::with_capacity(fresh.len());
                for at in &fresh {
                    let Some(op) = ops.get(*at) else { continue };
                    match self.one(w, op, &done) {
                        Ok(result) => done.push(result),
                        Err(Failed::Stop(_, stop)) => return Err(Failed::Stop(*at, stop)),
                        Err(error) => return Err(error),
                    }
                }
                Ok(done)
            })
        };
        let (at_fault, stop) = match done {
            Ok(done) => {
                for (at, result) in fresh.iter().zip(done) {
                    if let (Some(op), Some(place)) = (ops.get(*at), results.get_mut(*at)) {
                        self.keep(w, op, &result)?;
                        *place = Some(result);
                    }
                }
                return Ok(results.into_iter().flatten().collect());
            }
            Err(Failed::Stop(at, stop)) => (at, stop),
            Err(Failed::Error(error)) => return Err(error),
        };
        for at in fresh {
            let (Some(op), Some(place)) = (ops.get(at), results.get_mut(at)) else { continue };
            let own = split || at == at_fault;
            *place = Some(self.stopped(w, op, &stop, own)?);
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// The stored result of an operation that came before (R47), and what cannot even be told apart.
    fn seen_before(&self, op: &Sent) -> Option<OperationResult> {
        let Some(id) = op.id else {
            let refusal = op.read.as_ref().err().map(|refusal| refusal.detail.clone());
            let detail = refusal.unwrap_or_else(|| "op_id is a UUID".into());
            let code = Some("OP_ID_MISSING".into());
            return Some(OperationResult { code, detail: Some(detail), ..plain(op, Status::Rejected) });
        };
        let known = self.stored.get(&id);
        match rules::seen(known.map(|(hash, _)| hash.as_slice()), op.hash.as_slice()) {
            Seen::New => None,
            Seen::Same => known.map(|(_, result)| OperationResult { status: Status::Replayed, ..result.clone() }),
            Seen::Reused => Some(reused(op)),
        }
    }

    /// The result of an operation that came to nothing; it is kept, but for a blocked one (R48).
    fn stopped(&mut self, w: &mut Write, op: &Sent, stop: &Stop, own: bool) -> Result<OperationResult> {
        let (status, refusal, clashed) = match stop {
            Stop::Blocked => {
                let code = Some(Reason::DependencyFailed.code().to_owned());
                let detail = Some("what it depends on, or its group, is not there".to_owned());
                return Ok(OperationResult { code, detail, ..plain(op, Status::Blocked) });
            }
            Stop::Refused(status, refusal, clashed) if own => (*status, refusal.as_ref().clone(), clashed.as_ref()),
            Stop::Refused(..) => {
                (Status::Rejected, Refusal::new("GROUP_FAILED", "another operation of its group came to nothing"), None)
            }
        };
        let result = OperationResult {
            version: clashed.map(|clashed| clashed.version),
            code: Some(refusal.code.clone()),
            detail: Some(refusal.detail.clone()),
            fields: refusal.fields.clone(),
            server_values: clashed.map(|clashed| clashed.values.clone()),
            ..plain(op, status)
        };
        self.keep(w, op, &result)?;
        self.propose(w, op, &result)?;
        Ok(result)
    }

    fn keep(&mut self, w: &mut Write, op: &Sent, result: &OperationResult) -> Result<()> {
        self.keep_all(w, [(op, result)])
    }

    fn keep_all<'r>(
        &mut self,
        w: &mut Write,
        done: impl IntoIterator<Item = (&'r Sent, &'r OperationResult)>,
    ) -> Result<()> {
        let mut rows = Vec::new();
        for (op, result) in done {
            let Some(id) = op.id else { continue };
            rows.push(StoredResult {
                mutual_id: self.by.scope.mutual(),
                id,
                device_id: self.by.device.id,
                hash: op.hash.to_vec(),
                result: serde_json::to_string(result).map_err(|error| Error::Fault(error.to_string()))?,
                recorded_at: w.now(),
            });
            self.stored.insert(id, (op.hash.to_vec(), result.clone()));
        }
        if !store::insert_results(w, &rows)? {
            // Another push of the same operation was faster: its result is the one to give.
            return Err(Error::Again);
        }
        Ok(())
    }

    /// Keeps what came to nothing for the office.
    fn propose(&self, w: &mut Write, op: &Sent, result: &OperationResult) -> Result<()> {
        let Some(code) = &result.code else { return Ok(()) };
        // What has no id of its own is kept under one that follows from its content.
        let own = op.id.filter(|_| *code != Reason::OpIdReused.code());
        let id = own.unwrap_or_else(|| OperationId::new(uuid_of(&op.whole)));
        let mutual = self.by.scope.mutual();
        let text = |name: &str| {
            let text = op.json.get(name).and_then(Value::as_str).unwrap_or_default();
            text.chars().take(80).filter(|c| *c != '\0').collect::<String>()
        };
        let section = self.section_of(w, op)?;
        let row = Proposal {
            mutual_id: mutual,
            id,
            device_id: self.by.device.id,
            agent_id: self.by.device.agent_id,
            operation: text("type"),
            entity: text("entity"),
            section_id: section,
            content: op.json.to_string(),
            status: result.status,
            code: code.clone(),
            fields: json!(result.fields).to_string(),
            detail: result.detail.as_ref().map(|detail| detail.replace('\0', "")),
            received_at: w.now(),
            state: ProposalState::Open,
            decided_by: None,
            decided_at: None,
            note: None,
            version: 1,
        };
        Ok(store::insert_proposal(w, &row)?)
    }

    /// The section whose office decides: the household's, the one that is named, or the agent's only one; else the mutual's own.
    fn section_of(&self, w: &mut Write, op: &Sent) -> Result<Option<OrganisationId>> {
        let scope = self.by.scope;
        let text = |pointer: &str| op.json.pointer(pointer).and_then(Value::as_str);
        let named = text("/entity").and_then(|entity| entity.strip_prefix("household/"));
        for id in [named, text("/data/household_id")].into_iter().flatten() {
            if let Ok(id) = id.parse::<HouseholdId>()
                && let Some(household) = households::find(w, scope, id)?
            {
                return Ok(household.section_id);
            }
        }
        let asked = text("/data/section_id").and_then(|id| id.parse().ok()).filter(|id| scope.sees(Some(*id)));
        Ok(match (asked, scope.sections()) {
            (Some(section), _) => Some(section),
            (None, crate::access::scopes::Sections::These(only)) if only.len() == 1 => only.first().copied(),
            _ => None,
        })
    }

    /// Carries out one operation within a savepoint.
    fn one(
        &self,
        w: &mut Write,
        op: &Sent,
        before: &[OperationResult],
    ) -> std::result::Result<OperationResult, Failed> {
        let came_to = |id: &OperationId| {
            let stored = self.stored.get(id).map(|(_, result)| result.status);
            stored.or_else(|| before.iter().find(|result| result.op_id == Some(id.uuid())).map(|result| result.status))
        };
        if !rules::may_go_on(&op.depends_on, came_to) {
            return Err(Failed::Stop(0, Stop::Blocked));
        }
        let refused = |status, refusal| Failed::Stop(0, Stop::Refused(status, refusal, None));
        let operation = op.read.as_ref().map_err(|refusal| refused(Status::Rejected, refusal.clone()))?;
        if let Some(name) = operation.opens_on().filter(|_| self.skewed) {
            let detail = "the device's clock is wrong by more than a day: the office confirms dates that open rights";
            let refusal = Refusal { fields: vec![name.into()], ..Refusal::new("CLOCK_SKEW", detail) };
            return Err(refused(Status::Conflict, Box::new(refusal)));
        }
        let result = carry_out(w, &self.by, &self.blocks, op, operation);
        result.map_err(|error| match error {
            Failed::Error(Error::Problem(problem)) => refused(Status::Rejected, Box::new(Refusal::told(&problem))),
            // One operation that this program cannot do must not hold up all that an agent has gathered.
            Failed::Error(error) if is_own_fault(&error) => {
                tracing::error!(%error, "an operation from the field could not be carried out");
                refused(Status::Rejected, Box::new(Refusal::new("INTERNAL", "a fault on our side; it is logged")))
            }
            other => other,
        })
    }
}
