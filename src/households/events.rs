//! Commands of events: what happens in a household is recorded with its day, changes who belongs to it, and can be taken
//! back by a counter-event as long as nothing later stands on it.
use super::model::*;
use super::rules::events::{self as rules, EventError, Plan, Present};
use super::service::{NewHousehold, NewMember, add_persons, found_household, must_be_possible, settle};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Hooks, Joined, Moved, Order, Parted};
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result, kept};
use crate::ids::*;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// An event as it is told.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub on: NaiveDate,
    /// A remark of the office.
    pub note: Option<String>,
    /// The particulars of its kind.
    pub what: What,
}

/// The particulars of an event.
#[derive(Debug, Clone)]
pub enum What {
    /// A person who is new to the mutual joins; registered on a day, which for a newborn may come after the birth.
    NewPerson { person: Box<NewMember>, registered_on: NaiveDate },
    /// A person of another household of the mutual joins.
    FromHousehold { member: MemberId, from: HouseholdId, relationship: Relationship },
    /// Something befalls a person of the household.
    Member { member: MemberId },
    /// The principal changes; the former one becomes this to the new one.
    Principal { member: MemberId, former: Relationship },
    /// These found a household of their own.
    Parting {
        members: Vec<(MemberId, Relationship)>,
        number: Option<String>,
        section: Option<OrganisationId>,
        area: Option<AreaId>,
    },
    /// The household lives elsewhere.
    Residence { area: AreaId },
}

/// What an event wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequences {
    /// Stays that it ended: the stay, its last day before, its last day now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<(MembershipId, Option<NaiveDate>, NaiveDate)>,
    /// Stays that it began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<MembershipId>,
    /// Who died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died: Option<MemberId>,
    /// Where the household lives now, and the area before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residence: Option<(ResidenceId, Option<AreaId>)>,
    /// Who parted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parted: Vec<MemberId>,
    /// The dues that followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dues: Vec<DueId>,
}

fn refused(error: EventError, pointer: &str) -> Error {
    let code = match error {
        EventError::NotThere => Code::NotInHousehold,
        EventError::BeforeBirth => Code::BeforeBirth,
        EventError::AfterDeath | EventError::DiedBefore => Code::AfterDeath,
        EventError::NoPrincipal => Code::NoPrincipal,
        EventError::SecondPrincipal => Code::SecondPrincipal,
        EventError::TooEarly => Code::OtherEventSince,
        EventError::NotAChild => Code::NotAChild,
        EventError::NobodyStays => Code::NobodyStays,
    };
    Problem::with(code, error.to_string()).at(pointer).into()
}

fn present(w: &mut Write, mutual: MutualId, household: HouseholdId) -> Result<Vec<Present<Uuid>>> {
    let rows = store::list_of_household(w, mutual, household)?;
    let as_present = |(member, stay): (Member, Membership)| Present {
        member: member.id.uuid(),
        stay: stay.id.uuid(),
        relationship: stay.relationship,
        born_on: member.birth_date,
        died_on: member.died_on,
        from: stay.from_on,
        to: stay.to_on,
    };
    Ok(rows.into_iter().map(as_present).collect())
}

/// Locks the households of an event, by ascending id, and gives the revision of its own.
fn lock(w: &mut Write, mutual: MutualId, household: HouseholdId, other: Option<HouseholdId>) -> Result<i64> {
    let mut ids: Vec<HouseholdId> = [Some(household), other].into_iter().flatten().collect();
    ids.sort();
    ids.dedup();
    let mut own = None;
    for id in ids {
        let pointer = if id == household { "/household_id" } else { "/from_household_id" };
        let revision = store::lock(w, mutual, id)?.ok_or(Problem::of(Code::NotFound).at(pointer))?;
        if id == household {
            own = Some(revision);
        }
    }
    own.ok_or_else(|| Error::Fault("a household was not locked".into()))
}

/// Records an event.
///
/// # Errors
/// `not_found`, `future_date`, `before_birth`, `after_death`, `not_in_household`, `other_household`, `no_principal`,
/// `second_principal`, `other_event_since`, `not_a_child`, `nobody_stays`, `area_ended`, `impossible_date`.
pub fn record(
    w: &mut Write,
    hooks: &Hooks,
    scope: &MutualScope,
    order: &Order,
    id: HouseholdId,
    new: &NewEvent,
) -> Result<EventId> {
    let mutual = scope.mutual();
    let from = match &new.what {
        What::FromHousehold { from, .. } => Some(*from),
        _ => None,
    };
    let revision = lock(w, mutual, id, from)?;
    let household = store::find(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    if let Some(from) = from {
        store::find(w, scope, from)?.ok_or(Problem::of(Code::NotFound).at("/from_household_id"))?;
    }
    if new.on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/on").into());
    }
    // A child may be born before the household was registered, and join it after.
    let there_on = match (&new.what, new.kind) {
        (What::NewPerson { registered_on, .. }, EventKind::Birth) => *registered_on,
        _ => new.on,
    };
    if there_on < household.registered_on {
        let detail = "the household was registered later than that";
        return Err(Problem::with(Code::ImpossibleDate, detail).at("/on").into());
    }
    let event: EventId = Key::new(order.id.uuid());
    let mut made = Made { household: &household, revision, event, written: Consequences::default(), other: None };
    let member = match &new.what {
        What::NewPerson { person, registered_on } => {
            Some(made.new_person(w, hooks, scope, order, new, person, *registered_on)?)
        }
        What::FromHousehold { member, from, relationship } => {
            made.take_from_household(w, hooks, scope, order, new.on, *member, *from, *relationship)?;
            Some(*member)
        }
        What::Member { member } => {
            made.befall(w, hooks, scope, new, *member)?;
            Some(*member)
        }
        What::Principal { member, former } => {
            let known = present(w, mutual, id)?;
            let plan = rules::change_of_principal(&known, member.uuid(), *former, new.on)
                .map_err(|error| refused(error, "/member_id"))?;
            made.write(w, scope, &plan, new.on, id, None)?;
            Some(*member)
        }
        What::Parting { members, number, section, area } => {
            made.part(w, hooks, scope, order, new.on, members, number.clone(), *section, *area)?;
            None
        }
        What::Residence { area } => {
            made.moves(w, scope, new.on, *area)?;
            None
        }
    };
    let Made { written, other, .. } = made;
    let row = Event {
        mutual_id: mutual,
        id: event,
        household_id: id,
        other_household_id: other,
        member_id: member,
        kind: new.kind,
        happened_on: new.on,
        note: new.note.clone(),
        reverses_id: None,
        consequences: json!(written).to_string(),
        recorded_on: scope.today(),
        recorded_at: w.now(),
    };
    store::insert_event(w, &row)?;
    w.changed("household", id.uuid(), household.section_id, household.section_id);
    if let Some(member) = member {
        w.changed("member", member.uuid(), household.section_id, household.section_id);
    }
    w.names("event", event.uuid());
    w.field("kind", None, Some(json!(new.kind)));
    w.field("happened_on", None, Some(json!(new.on)));
    w.touch(id);
    w.mark(new.on);
    Ok(event)
}

/// An event while it is written.
struct Made<'a> {
    household: &'a Household,
    revision: i64,
    event: EventId,
    written: Consequences,
    other: Option<HouseholdId>,
}

impl Made<'_> {
    #[allow(clippy::too_many_arguments, reason = "what the command knows, handed on as it is")]
    fn new_person(
        &mut self,
        w: &mut Write,
        hooks: &Hooks,
        scope: &MutualScope,
        order: &Order,
        new: &NewEvent,
        person: &NewMember,
        registered_on: NaiveDate,
    ) -> Result<MemberId> {
        let mut person = person.clone();
        if new.kind == EventKind::Birth {
            if person.birth_date.is_some_and(|born| born != new.on) {
                let detail = "the birth and the birth date are one day";
                return Err(Problem::with(Code::ImpossibleDate, detail).at("/person/birth_date").into());
            }
            person.birth_date = Some(new.on);
            if registered_on > scope.today() {
                return Err(Problem::of(Code::FutureDate).at("/registered_on").into());
            }
            if registered_on < new.on {
                return Err(Problem::of(Code::BeforeBirth).at("/registered_on").into());
            }
        } else if new.kind != EventKind::Arrival && person.birth_date.is_some_and(|born| born > new.on) {
            return Err(Problem::of(Code::BeforeBirth).at("/on").into());
        }
        // Who is not born into the household belongs to it from the event on.
        let on = if new.kind == EventKind::Birth { registered_on } else { new.on };
        self.add(w, hooks, scope, order, on, &person)
    }

    /// Adds a person who is new to the mutual.
    fn add(
        &mut self,
        w: &mut Write,
        hooks: &Hooks,
        scope: &MutualScope,
        order: &Order,
        on: NaiveDate,
        person: &NewMember,
    ) -> Result<MemberId> {
        must_be_possible(scope, on, "/registered_on", std::slice::from_ref(person))
            .map_err(super::service::of_person)?;
        let known = present(w, scope.mutual(), self.household.id)?;
        let id: MemberId = person.id.unwrap_or_else(|| w.new_id());
        rules::joining(&known, &[], id.uuid(), person.relationship, on)
            .map_err(|error| refused(error, "/person/relationship"))?;
        super::service::must_have_room(&known, on)?;
        let person = NewMember { id: Some(id), ..person.clone() };
        let added = add_persons(w, scope, self.household, on, std::slice::from_ref(&person))
            .map_err(super::service::of_person)?;
        self.written.begun.extend(added.stays.iter().map(|stay| stay.id));
        self.joined(w, hooks, scope, order, on, person.birth_date)?;
        Ok(id)
    }

    /// What a person who joins owes (R8).
    fn joined(
        &mut self,
        w: &mut Write,
        hooks: &Hooks,
        scope: &MutualScope,
        order: &Order,
        on: NaiveDate,
        born_on: Option<NaiveDate>,
    ) -> Result<()> {
        let joined = Joined {
            mutual: scope.mutual(),
            household: self.household.id,
            revision: self.revision,
            on,
            born_on,
            today: scope.today(),
            command: order.id,
        };
        (hooks.person_joined)(w, &joined)?;
        let named = w.effects.entities.iter().filter(|(kind, _)| *kind == "due");
        self.written.dues = named.map(|(_, id)| Key::new(*id)).collect();
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "what the command knows, handed on as it is")]
    fn take_from_household(
        &mut self,
        w: &mut Write,
        hooks: &Hooks,
        scope: &MutualScope,
        order: &Order,
        on: NaiveDate,
        member: MemberId,
        from: HouseholdId,
        relationship: Relationship,
    ) -> Result<()> {
        let mutual = scope.mutual();
        let (person, last) =
            store::find_member(w, scope, member)?.ok_or(Problem::of(Code::NotFound).at("/member_id"))?;
        if last.household_id != from || from == self.household.id {
            return Err(Problem::of(Code::OtherHousehold).at("/from_household_id").into());
        }
        let known = present(w, mutual, self.household.id)?;
        let before = present(w, mutual, from)?;
        let plan = rules::joining(&known, &before, member.uuid(), relationship, on)
            .map_err(|error| refused(error, "/member_id"))?;
        super::service::must_have_room(&known, on)?;
        let kept = (hooks.waiting_served)(w, &Moved { mutual, member, from, on })?;
        self.write(w, scope, &plan, on, self.household.id, kept)?;
        self.other = Some(from);
        self.joined(w, hooks, scope, order, on, person.birth_date)?;
        let section = store::find(w, scope, from)?.and_then(|row| row.section_id);
        w.changed("household", from.uuid(), section, section);
        w.touch(from);
        Ok(())
    }

    /// A death, a departure, a child over age.
    fn befall(
        &mut self,
        w: &mut Write,
        hooks: &Hooks,
        scope: &MutualScope,
        new: &NewEvent,
        member: MemberId,
    ) -> Result<()> {
        let (mutual, id) = (scope.mutual(), self.household.id);
        let known = present(w, mutual, id)?;
        let plan = match new.kind {
            EventKind::Death => rules::death(&known, member.uuid(), new.on),
            EventKind::ChildOverAge => {
                let last = (hooks.period_end)(w, mutual, id, new.on)?.map_or(new.on, |end| end.max(new.on));
                rules::departure(&known, member.uuid(), new.on, last, true)
            }
            _ => rules::departure(&known, member.uuid(), new.on, new.on, false),
        };
        let plan = plan.map_err(|error| refused(error, "/member_id"))?;
        if plan.dies.is_some() {
            store::set_died(w, mutual, member, Some(new.on))?;
            self.written.died = Some(member);
            w.field("died_on", Some(json!(null)), Some(json!(new.on)));
        }
        self.write(w, scope, &plan, new.on, id, None)
    }

    #[allow(clippy::too_many_arguments, reason = "what the command knows, handed on as it is")]
    fn part(
        &mut self,
        w: &mut Write,
        hooks: &Hooks,
        scope: &MutualScope,
        order: &Order,
        on: NaiveDate,
        members: &[(MemberId, Relationship)],
        number: Option<String>,
        section: Option<OrganisationId>,
        area: Option<AreaId>,
    ) -> Result<()> {
        let mutual = scope.mutual();
        let known = present(w, mutual, self.household.id)?;
        let moving: Vec<(Uuid, Relationship)> = members.iter().map(|(id, as_what)| (id.uuid(), *as_what)).collect();
        let plan = rules::separation(&known, &moving, on).map_err(|error| refused(error, "/members"))?;
        let new = NewHousehold {
            number,
            section: section.or(self.household.section_id),
            area: area.or(self.household.area_id),
            class: self.household.class.clone(),
            phone: None,
            registered_on: on,
            members: Vec::new(),
        };
        let found = found_household(w, scope, &Order { id: w.new_id(), ..order.clone() }, &new)?;
        for begins in &plan.begins {
            let member: MemberId = Key::new(begins.member);
            let kept = (hooks.waiting_served)(w, &Moved { mutual, member, from: self.household.id, on })?;
            let one = Plan { begins: vec![*begins], ends: Vec::new(), dies: None };
            let ends: Vec<_> = plan.ends.iter().filter(|ends| ends.member == begins.member).copied().collect();
            self.write(w, scope, &Plan { ends, ..one }, on, found.id, kept)?;
        }
        self.other = Some(found.id);
        self.written.parted = members.iter().map(|(member, _)| *member).collect();
        let parted = Parted { mutual, from: self.household.id, to: found.id, members: self.written.parted.clone(), on };
        (hooks.household_parted)(w, &parted)
    }

    fn moves(&mut self, w: &mut Write, scope: &MutualScope, on: NaiveDate, area: AreaId) -> Result<()> {
        super::service::must_be_area(w, scope, area, on, "/area_id")?;
        let residences = store::list_residences(w, scope.mutual(), self.household.id)?;
        if residences.iter().any(|row| row.from_on >= on) {
            let detail = "where the household lives is known from that day or a later one";
            return Err(Problem::with(Code::OtherEventSince, detail).at("/on").into());
        }
        let id = settle(w, scope.mutual(), self.household.id, Some(area), on)?;
        self.written.residence = Some((id, self.household.area_id));
        store::set(w, &Household { area_id: Some(area), ..self.household.clone() })?;
        let (entity, version) = (Key::new(self.household.id.uuid()), self.household.version + 1);
        store::set_field_versions(w, scope.mutual(), entity, &["area_id"], version)?;
        w.field("area_id", Some(json!(self.household.area_id)), Some(json!(area)));
        Ok(())
    }

    /// Writes a plan: first what ends, so that nobody is in two places, then what begins.
    fn write(
        &mut self,
        w: &mut Write,
        scope: &MutualScope,
        plan: &Plan<Uuid>,
        on: NaiveDate,
        into: HouseholdId,
        waiting_from: Option<NaiveDate>,
    ) -> Result<()> {
        for ends in &plan.ends {
            let stay: MembershipId = Key::new(ends.stay);
            store::end_stay(w, scope.mutual(), stay, Some(ends.to))?;
            self.written.ended.push((stay, ends.was, ends.to));
        }
        let rows: Vec<Membership> = plan
            .begins
            .iter()
            .map(|begins| Membership {
                mutual_id: scope.mutual(),
                id: w.new_id(),
                household_id: into,
                member_id: Key::new(begins.member),
                relationship: begins.relationship,
                from_on: on,
                to_on: None,
                recorded_at: w.now(),
                waiting_from,
            })
            .collect();
        self.written.begun.extend(rows.iter().map(|row| row.id));
        w.names("event", self.event.uuid());
        Ok(store::insert_memberships(w, &rows)?)
    }
}

/// Adds a person to a household from a day, as an arrival. What follows for its enrolments (R8) is done by the hook.
///
/// # Errors
/// As [`record`].
pub fn arrive(
    w: &mut Write,
    hooks: &Hooks,
    scope: &MutualScope,
    order: &Order,
    household: HouseholdId,
    on: NaiveDate,
    new: &NewMember,
) -> Result<MemberId> {
    let member: MemberId = Key::new(order.id.uuid());
    let person = NewMember { id: Some(member), ..new.clone() };
    // A newborn's arrival is a birth: it is covered from there where it is registered in time (R18).
    let born =
        new.birth_date.filter(|born| super::service::is_newborn(*born, on) && new.relationship == Relationship::Child);
    let event = NewEvent {
        kind: if born.is_some() { EventKind::Birth } else { EventKind::Arrival },
        on: born.unwrap_or(on),
        note: None,
        what: What::NewPerson { person: Box::new(person), registered_on: on },
    };
    record(w, hooks, scope, order, household, &event).map_err(|error| match error {
        Error::Problem(mut problem) => {
            for fault in problem.errors.iter_mut().filter(|fault| fault.pointer == "/on") {
                "/registered_on".clone_into(&mut fault.pointer);
            }
            Error::Problem(problem)
        }
        other => other,
    })?;
    Ok(member)
}

/// Adds a person who belonged to the household from its registration on and is told apart, as an import does: no event.
///
/// # Errors
/// As [`record`].
pub fn register_with_household(
    w: &mut Write,
    hooks: &Hooks,
    scope: &MutualScope,
    order: &Order,
    id: HouseholdId,
    new: &NewMember,
) -> Result<MemberId> {
    let revision = lock(w, scope.mutual(), id, None)?;
    let household = store::find(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    let event = Key::new(order.id.uuid());
    let mut made = Made { household: &household, revision, event, written: Consequences::default(), other: None };
    let person = NewMember { id: Some(Key::new(order.id.uuid())), ..new.clone() };
    let member = made.add(w, hooks, scope, order, household.registered_on, &person)?;
    w.names("household", id.uuid());
    w.field("relationship", None, Some(json!(new.relationship)));
    w.touch(id);
    w.mark(super::service::first_effect(household.registered_on, new.birth_date));
    Ok(member)
}

/// Takes an event back. What it wrote is undone, as long as it still stands as it was written.
///
/// # Errors
/// `not_found`, `wrong_state` for a counter-event or an event taken back before, `other_event_since`.
pub fn reverse(
    w: &mut Write,
    hooks: &Hooks,
    scope: &MutualScope,
    order: &Order,
    id: EventId,
    reason: &str,
) -> Result<EventId> {
    let mutual = scope.mutual();
    let event = store::find_event(w, mutual, id)?.ok_or(Problem::of(Code::NotFound))?;
    lock(w, mutual, event.household_id, event.other_household_id)?;
    let household = store::find(w, scope, event.household_id)?.ok_or(Problem::of(Code::NotFound))?;
    if event.kind == EventKind::CounterEvent || store::find_counter(w, mutual, id)?.is_some() {
        return Err(Problem::with(Code::WrongState, "the event is a counter-event, or has been taken back").into());
    }
    let written: Consequences = kept(&event.consequences, "consequences of an event")?;
    let since = || Error::from(Problem::of(Code::OtherEventSince));
    for stay in &written.begun {
        let row = store::find_stay(w, mutual, *stay)?.filter(|row| row.to_on.is_none()).ok_or_else(since)?;
        let (member, _) = store::find_member(w, scope, row.member_id)?.ok_or_else(since)?;
        if member.died_on.is_some() && written.died.is_none() {
            return Err(since());
        }
        store::remove_stay(w, mutual, *stay)?;
    }
    for (stay, was, to) in &written.ended {
        let row = store::find_stay(w, mutual, *stay)?.filter(|row| row.to_on == Some(*to)).ok_or_else(since)?;
        // Whoever has begun a stay since stands on the end of this one; an open stay beside another cannot be.
        if was.is_none() && store::has_open_stay(w, mutual, row.member_id, row.household_id, row.relationship)? {
            return Err(since());
        }
        store::end_stay(w, mutual, *stay, *was)?;
    }
    if let Some(member) = written.died {
        store::set_died(w, mutual, member, None)?;
        w.field("died_on", Some(json!(event.happened_on)), Some(json!(null)));
    }
    if let Some((residence, before)) = written.residence {
        let last = store::list_residences(w, mutual, event.household_id)?.pop();
        if last.is_none_or(|row| row.id != residence) {
            return Err(since());
        }
        store::remove_residence(w, mutual, residence)?;
        store::set(w, &Household { area_id: before, ..household.clone() })?;
        let (entity, version) = (Key::new(household.id.uuid()), household.version + 1);
        store::set_field_versions(w, mutual, entity, &["area_id"], version)?;
    }
    if let (Some(other), false) = (event.other_household_id, written.parted.is_empty()) {
        let parted = Parted {
            mutual,
            from: event.household_id,
            to: other,
            members: written.parted.clone(),
            on: event.happened_on,
        };
        if !store::list_of_household(w, mutual, other)?.is_empty() || !(hooks.parting_reversed)(w, &parted)? {
            return Err(since());
        }
    }
    if !(hooks.cancel_dues)(w, mutual, event.household_id, &written.dues, scope.today())? {
        let detail = "what the person owes has been paid; reverse the payment first";
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    let row = Event {
        id: Key::new(order.id.uuid()),
        kind: EventKind::CounterEvent,
        note: Some(reason.to_owned()),
        reverses_id: Some(id),
        consequences: "{}".into(),
        recorded_on: scope.today(),
        recorded_at: w.now(),
        ..event.clone()
    };
    store::insert_event(w, &row)?;
    w.changed("household", household.id.uuid(), household.section_id, household.section_id);
    if let Some(member) = event.member_id {
        w.changed("member", member.uuid(), household.section_id, household.section_id);
    }
    w.names("event", id.uuid());
    w.field("reverses_id", None, Some(json!(id)));
    for touched in [Some(event.household_id), event.other_household_id].into_iter().flatten() {
        w.touch(touched);
    }
    w.mark(event.happened_on);
    Ok(row.id)
}
