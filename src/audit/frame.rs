//! The command frame: one command, one transaction. Its first statement takes the command's id; then the service's body
//! runs; then, in the same transaction, what follows from it: the cover of touched households rewritten, the audit row,
//! fact marks and pending changes. A repetition changes nothing; a refusal leaves no row.
use super::model::*;
use super::store;
use crate::db::effects::Effects;
use crate::db::{Db, Wall, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use chrono::{Months, NaiveDate};
use sha2::{Digest, Sha256};

/// What an order to do something carries besides its content.
#[derive(Debug, Clone)]
pub struct Order {
    /// The command's id, which is the id of the row that it creates.
    pub id: CommandId,
    /// Whose rows it works on.
    pub wall: Wall,
    /// `METHOD /path/{with}/names`.
    pub route: String,
    /// SHA-256 of path and body with sorted keys.
    pub hash: [u8; 32],
    /// Who asks.
    pub asker: Asker,
    /// The business date there.
    pub today: NaiveDate,
    /// True where the id came in the `Idempotency-Key` header, whose reuse has a code of its own.
    pub by_header: bool,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done<T> {
    /// It was carried out.
    Made(T),
    /// It had been carried out before, the same one; nothing changed now.
    Replayed,
}

/// A person joined a household, which the command holds locked.
#[derive(Debug, Clone, Copy)]
pub struct Joined {
    /// The mutual.
    pub mutual: MutualId,
    /// The household.
    pub household: HouseholdId,
    /// The household's revision under this command's lock.
    pub revision: i64,
    /// The first day there.
    pub on: NaiveDate,
    /// When the person was born, as far as it is known.
    pub born_on: Option<NaiveDate>,
    /// The business date.
    pub today: NaiveDate,
    /// The command.
    pub command: CommandId,
}

/// A person leaves a household for another one of the mutual; the command holds both locked.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    /// The mutual.
    pub mutual: MutualId,
    /// The person.
    pub member: MemberId,
    /// The household that is left.
    pub from: HouseholdId,
    /// The first day in the other one.
    pub on: NaiveDate,
}

/// Some persons of a household, which the command holds locked, have founded one of their own.
#[derive(Debug, Clone)]
pub struct Parted {
    /// The mutual.
    pub mutual: MutualId,
    /// The household that they leave.
    pub from: HouseholdId,
    /// Their own.
    pub to: HouseholdId,
    /// Who they are.
    pub members: Vec<MemberId>,
    /// The first day in their own.
    pub on: NaiveDate,
}

/// Something that a second person approved and that is done now, in his transaction.
#[derive(Debug, Clone)]
pub struct Execution {
    /// The kind of approval.
    pub kind: String,
    /// The approval's id, which what is made of it takes.
    pub id: ApprovalId,
    /// The whole request, as it was stored.
    pub request: serde_json::Value,
    /// The approver's scope.
    pub scope: crate::access::scopes::MutualScope,
    /// The mutual.
    pub mutual: MutualId,
    /// Its currency.
    pub currency: crate::money::Currency,
    /// The business date.
    pub today: NaiveDate,
    /// The approver's command.
    pub command: CommandId,
    /// Who had asked.
    pub requested_by: UserId,
    /// Who approves or refuses.
    pub approved_by: UserId,
}

impl Execution {
    /// The request, as the subject that asked wrote it.
    ///
    /// # Errors
    /// A fault where it cannot be read.
    pub fn request<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.request.clone())
            .map_err(|error| Error::Fault(format!("a stored request cannot be read: {error}")))
    }
}

/// What the frame does for subjects above it: `app.rs` hands these in, so that the audit knows no subject.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Rewrites the cover spans of a household from the facts, under its lock.
    pub rewrite_spans: fn(&mut Write, HouseholdId) -> Result<()>,
    /// What a person who joins within a period means for the household's enrolments (R8).
    pub person_joined: fn(&mut Write, &Joined) -> Result<()>,
    /// From when the waiting of a person who moves has run, where cover goes on in the other household (R17).
    pub waiting_served: fn(&mut Write, &Moved) -> Result<Option<NaiveDate>>,
    /// The last day of the period whose cover holds a day (R20); none where nothing is in force.
    pub period_end: fn(&mut Write, MutualId, HouseholdId, NaiveDate) -> Result<Option<NaiveDate>>,
    /// Lets paid cover go on for those who found a household of their own.
    pub household_parted: fn(&mut Write, &Parted) -> Result<()>,
    /// Takes back what `household_parted` did; false where more has been recorded since.
    pub parting_reversed: fn(&mut Write, &Parted) -> Result<bool>,
    /// Cancels dues that were issued for what is taken back; false where one of them has been paid.
    pub cancel_dues: fn(&mut Write, MutualId, HouseholdId, &[DueId], NaiveDate) -> Result<bool>,
    /// Does what a second person approved.
    pub execute: fn(&mut Write, &Execution) -> Result<()>,
    /// Lets go of what waited for a second person who refused.
    pub refused: fn(&mut Write, &Execution) -> Result<()>,
    /// Gives a new mutual its accounts, its cash desk and its series.
    pub found_mutual: fn(&mut Write, MutualId) -> Result<()>,
}

/// Carries a command out in a transaction of its own.
///
/// # Errors
/// The body's refusal, `id_reused`, or the database's.
pub fn command<T>(
    db: &Db,
    hooks: &Hooks,
    order: &Order,
    mut body: impl FnMut(&mut Write) -> Result<T>,
) -> Result<Done<T>> {
    db.write(order.wall, |w| command_in(w, hooks, order, &mut body))
}

/// Carries a command out within a transaction that holds several, as an import does.
///
/// # Errors
/// As [`command`]; the caller must then give the whole transaction up.
pub fn command_in<T>(
    w: &mut Write,
    hooks: &Hooks,
    order: &Order,
    body: &mut impl FnMut(&mut Write) -> Result<T>,
) -> Result<Done<T>> {
    if !store::claim_commands(w, &[claim(w, order)])? {
        return replayed(w, order);
    }
    w.effects = Effects::default();
    let value = body(w)?;
    w.enter(order.wall)?;
    let effects = std::mem::take(&mut w.effects);
    follow_up(w, hooks, vec![(order, effects)])?;
    Ok(Done::Made(value))
}

/// Carries out commands of one wall that are all new, their rows written together; `body` gives what each has done, in their
/// order. False where one of their ids is taken: then nothing was done, but the caller must give its savepoint up, and carry
/// them out one by one.
///
/// # Errors
/// The body's refusal, or the database's; the caller must then give its savepoint up too.
pub fn commands_in(
    w: &mut Write,
    hooks: &Hooks,
    orders: &[&Order],
    body: impl FnOnce(&mut Write) -> Result<Vec<Effects>>,
) -> Result<bool> {
    let rows: Vec<CommandRow> = orders.iter().map(|order| claim(w, order)).collect();
    if !store::claim_commands(w, &rows)? {
        return Ok(false);
    }
    w.effects = Effects::default();
    let done = body(w)?;
    if done.len() != orders.len() {
        return Err(Error::Fault("commands that were carried out together have not one outcome each".into()));
    }
    follow_up(w, hooks, orders.iter().copied().zip(done).collect())?;
    Ok(true)
}

fn claim(w: &Write, order: &Order) -> CommandRow {
    CommandRow {
        mutual_id: order.wall.id(),
        id: order.id,
        route: order.route.clone(),
        actor_id: order.asker.user,
        request_hash: order.hash.to_vec(),
        recorded_at: w.now(),
    }
}

/// The id was taken: by the same command, or by another.
fn replayed<T>(w: &mut Write, order: &Order) -> Result<Done<T>> {
    let known = store::find_command(w, order.wall.id(), order.id)?
        .ok_or_else(|| Error::Fault("a command whose id is taken is not there".into()))?;
    let same = known.route == order.route && known.request_hash == order.hash && known.actor_id == order.asker.user;
    match (same, order.by_header) {
        (true, _) => Ok(Done::Replayed),
        (false, true) => Err(Problem::of(Code::IdempotencyKeyReused).at("Idempotency-Key").into()),
        (false, false) => Err(Problem::of(Code::IdReused).at("/id").into()),
    }
}

/// What follows from commands that have just been carried out.
fn follow_up(w: &mut Write, hooks: &Hooks, done: Vec<(&Order, Effects)>) -> Result<()> {
    let (mut audited, mut values, mut marks, mut changes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (order, mut effects) in done {
        for household in &effects.touched {
            (hooks.rewrite_spans)(w, *household)?;
        }
        // Devices hear of every household whose cover may have changed, once.
        for change in std::mem::take(&mut w.effects).changes {
            if !effects.changes.iter().any(|known| known.kind == change.kind && known.id == change.id) {
                effects.changes.push(change);
            }
        }
        // What devices hear of is in figures too: a command that forgot to say from which month on is found by whatever test runs it.
        debug_assert!(effects.changes.is_empty() || effects.marked_from.is_some(), "{} marks nothing", order.route);
        let mutual = order.wall.id();
        let (row, content) = audit_of(w, order.asker, AuditKind::Write, mutual, &order.route, Some(order.id), &effects);
        audited.push(row);
        values.push(content);
        let stale = effects.marked_from.into_iter().flat_map(|first| months(first, order.today));
        marks.extend(stale.map(|month| MarkRow { mutual_id: mutual, id: w.new_id(), month, command_id: order.id }));
        changes.extend(effects.changes.iter().map(|change| ChangeRow {
            mutual_id: mutual,
            id: w.new_id(),
            entity_kind: change.kind.to_owned(),
            entity_id: Key::new(change.id),
            section_before: change.section_before,
            section_after: change.section_after,
            recorded_at: w.now(),
        }));
    }
    store::insert_audit(w, &audited, &values)?;
    store::insert_marks(w, &marks)?;
    store::insert_changes(w, &changes)?;
    Ok(())
}

/// The first days of the months from that of `first` to that of `last`, both included.
fn months(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let mut next = Some(first);
    std::iter::from_fn(move || {
        let month = next.filter(|month| *month <= last)?;
        next = month.checked_add_months(Months::new(1));
        Some(month)
    })
}

/// Writes one audit row, for what is no command: a login, a read within a transaction.
///
/// # Errors
/// The database's.
pub fn write_audit(
    w: &mut Write,
    asker: Asker,
    kind: AuditKind,
    mutual: MutualId,
    route: &str,
    command: Option<CommandId>,
    effects: &Effects,
) -> Result<()> {
    let (row, values) = audit_of(w, asker, kind, mutual, route, command, effects);
    store::insert_audit(w, &[row], &[values])?;
    Ok(())
}

fn audit_of(
    w: &Write,
    asker: Asker,
    kind: AuditKind,
    mutual: MutualId,
    route: &str,
    command: Option<CommandId>,
    effects: &Effects,
) -> (AuditRow, AuditValue) {
    let mut salt = [0u8; 16];
    w.ids().fill(&mut salt);
    audit_row(w.new_id(), w.now(), salt, asker, kind, mutual, route, command, effects)
}

/// Makes an audit row and its values.
#[allow(clippy::too_many_arguments, reason = "one plain row, made in one place")]
pub fn audit_row(
    id: AuditId,
    at: chrono::NaiveDateTime,
    salt: [u8; 16],
    asker: Asker,
    kind: AuditKind,
    mutual: MutualId,
    route: &str,
    command: Option<CommandId>,
    effects: &Effects,
) -> (AuditRow, AuditValue) {
    let names: Vec<&String> = effects.fields.keys().collect();
    let content = serde_json::json!(effects.fields).to_string();
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(content.as_bytes());
    let row = AuditRow {
        mutual_id: mutual,
        id,
        recorded_at: at,
        actor_id: asker.user,
        kind,
        route: route.to_owned(),
        purpose: asker.purpose,
        request_id: Key::new(asker.request),
        command_id: command,
        entities: serde_json::json!(effects.entities).to_string(),
        fields: serde_json::json!(names).to_string(),
        salt: salt.to_vec(),
        digest: hasher.finalize().to_vec(),
    };
    (row, AuditValue { mutual_id: mutual, id, content: Some(content) })
}
