//! `/mutuals/{m}/households/{id}/events`: what happens in a household, and its timeline.
use super::events::{self, NewEvent, What};
use super::http::{Person, is_number};
use super::model::{Event, EventKind, Relationship};
use super::service::{self, LARGEST, NewMember};
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::Page;
use crate::web::{Body, Ids, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An event of a household.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    pub id: EventId,
    pub kind: EventKind,
    /// The household to which it happened.
    pub household_id: HouseholdId,
    /// The household from which a person came, or which those who parted founded.
    pub other_household_id: Option<HouseholdId>,
    /// The person whom it concerns.
    pub member_id: Option<MemberId>,
    pub happened_on: NaiveDate,
    pub note: Option<String>,
    /// The business date on which it was recorded.
    pub recorded_on: NaiveDate,
    /// The event that this one takes back.
    pub reverses_id: Option<EventId>,
    /// The counter-event that has taken this one back.
    pub reversed_by_id: Option<EventId>,
}

fn event_view(row: Event, counter: Option<EventId>) -> EventView {
    EventView {
        id: row.id,
        kind: row.kind,
        household_id: row.household_id,
        other_household_id: row.other_household_id,
        member_id: row.member_id,
        happened_on: row.happened_on,
        note: row.note,
        recorded_on: row.recorded_on,
        reverses_id: row.reverses_id,
        reversed_by_id: counter,
    }
}

fn show(r: &mut crate::db::Read, scope: &MutualScope, id: EventId) -> Result<EventView> {
    let row = store::find_event(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    store::find(r, scope, row.household_id)?.ok_or(Problem::of(Code::NotFound))?;
    let counter = store::find_counter(r, scope.mutual(), id)?.map(|counter| counter.id);
    Ok(event_view(row, counter))
}

/// `GET /mutuals/{m}/households/{id}/events`
pub async fn timeline(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, HouseholdId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let rows = guard
        .read(move |r, scope| {
            store::find(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
            Ok(store::list_events(r, scope.mutual(), id)?)
        })
        .await?;
    guard.note("household", [id.uuid()], None).await?;
    let counters: Vec<(EventId, EventId)> =
        rows.iter().filter_map(|row| row.reverses_id.map(|of| (of, row.id))).collect();
    let counter_of = |id: EventId| counters.iter().find(|(of, _)| *of == id).map(|(_, counter)| *counter);
    let items: Vec<EventView> = rows
        .into_iter()
        .map(|row| {
            let counter = counter_of(row.id);
            event_view(row, counter)
        })
        .collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// Somebody who founds a household of his own, or joins one that is founded.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Parting {
    #[garde(skip)]
    pub member_id: MemberId,
    /// What the person is in the new household: one is its `principal`.
    #[garde(skip)]
    pub relationship: Relationship,
}

/// An event. Which fields it takes follows from its kind.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordEvent {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<EventId>,
    /// `BIRTH`, `ADOPTION`, `MARRIAGE` and `ARRIVAL` take `person`, or, but for a birth, `member_id` with
    /// `from_household_id` and `relationship`; `DEATH`, `DEPARTURE` and `CHILD_OVER_AGE` take `member_id`;
    /// `CHANGE_OF_PRINCIPAL` takes `member_id` of the new one and `relationship`, what the former one becomes;
    /// `SEPARATION` takes `members`; `MOVE` takes `area_id`. `COUNTER_EVENT` has a route of its own.
    #[garde(skip)]
    pub kind: EventKind,
    /// The day, not after today: of birth, of death, the first day of who joins, the last of who leaves.
    #[garde(skip)]
    pub on: NaiveDate,
    #[garde(inner(length(chars, max = 300), custom(not_blank)))]
    #[schema(min_length = 1, max_length = 300)]
    pub note: Option<String>,
    /// Who is new to the mutual.
    #[garde(dive)]
    pub person: Option<Person>,
    /// Of a birth: the day on which the child was registered; today where it is left out.
    #[garde(skip)]
    pub registered_on: Option<NaiveDate>,
    #[garde(skip)]
    pub member_id: Option<MemberId>,
    /// The household from which a member of the mutual comes.
    #[garde(skip)]
    pub from_household_id: Option<HouseholdId>,
    #[garde(skip)]
    pub relationship: Option<Relationship>,
    /// Of a separation: who lives in the new household.
    #[serde(default)]
    #[garde(length(max = LARGEST), dive)]
    #[schema(max_items = 50)]
    pub members: Vec<Parting>,
    /// Of a separation: the new household's number; the next of the series where it is left out.
    #[garde(inner(custom(is_number)))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
    pub number: Option<String>,
    /// Of a separation: the new household's section; the same where it is left out.
    #[garde(skip)]
    pub section_id: Option<OrganisationId>,
    /// Of a move, or of a separation: where the household lives.
    #[garde(skip)]
    pub area_id: Option<AreaId>,
}

impl RecordEvent {
    /// The fields that are given, by name.
    fn given(&self) -> Vec<&'static str> {
        [
            ("person", self.person.is_some()),
            ("registered_on", self.registered_on.is_some()),
            ("member_id", self.member_id.is_some()),
            ("from_household_id", self.from_household_id.is_some()),
            ("relationship", self.relationship.is_some()),
            ("members", !self.members.is_empty()),
            ("number", self.number.is_some()),
            ("section_id", self.section_id.is_some()),
            ("area_id", self.area_id.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect()
    }

    /// Sees that exactly the fields of the kind are given.
    fn must_fit(&self, needed: &[&'static str], possible: &[&'static str]) -> Result<()> {
        let given = self.given();
        let mut faults = Vec::new();
        for name in needed.iter().filter(|name| !given.contains(name)) {
            faults.push(crate::error::FieldError::new(
                format!("/{name}"),
                "missing",
                format!("{} needs it", self.kind),
            ));
        }
        for name in given.iter().filter(|name| !needed.contains(name) && !possible.contains(name)) {
            let message = format!("{} does not take it", self.kind);
            faults.push(crate::error::FieldError::new(format!("/{name}"), "unexpected", message));
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::fields(Code::Invalid, faults).into()) }
    }

    /// The event, where what is given fits its kind.
    ///
    /// # Errors
    /// `invalid` naming what is missing or does not belong.
    pub fn into_event(self, today: NaiveDate, section: Option<OrganisationId>) -> Result<NewEvent> {
        let joins = matches!(self.kind, EventKind::Adoption | EventKind::Marriage | EventKind::Arrival);
        match self.kind {
            EventKind::Birth => self.must_fit(&["person"], &["registered_on"])?,
            _ if joins && self.person.is_some() => self.must_fit(&["person"], &[])?,
            _ if joins => self.must_fit(&["member_id", "from_household_id", "relationship"], &[])?,
            EventKind::Death | EventKind::Departure | EventKind::ChildOverAge => self.must_fit(&["member_id"], &[])?,
            EventKind::ChangeOfPrincipal => self.must_fit(&["member_id"], &["relationship"])?,
            EventKind::Separation => self.must_fit(&["members"], &["number", "section_id", "area_id"])?,
            EventKind::Move => self.must_fit(&["area_id"], &[])?,
            _ => return Err(Problem::field("/kind", "unexpected", "a counter-event has a route of its own").into()),
        }
        let missing = |name: &str| Problem::field(format!("/{name}"), "missing", "needed");
        let what = match (self.kind, self.person, self.member_id) {
            (_, Some(person), _) => What::NewPerson {
                person: Box::new(NewMember::from(person)),
                registered_on: self.registered_on.unwrap_or(today),
            },
            (EventKind::ChangeOfPrincipal, None, Some(member)) => {
                What::Principal { member, former: self.relationship.unwrap_or(Relationship::Other) }
            }
            (_, None, Some(member)) if joins => What::FromHousehold {
                member,
                from: self.from_household_id.ok_or(missing("from_household_id"))?,
                relationship: self.relationship.ok_or(missing("relationship"))?,
            },
            (_, None, Some(member)) => What::Member { member },
            (EventKind::Move, None, None) => What::Residence { area: self.area_id.ok_or(missing("area_id"))? },
            (_, None, None) => What::Parting {
                members: self.members.into_iter().map(|one| (one.member_id, one.relationship)).collect(),
                number: self.number,
                section,
                area: self.area_id,
            },
        };
        Ok(NewEvent { kind: self.kind, on: self.on, note: self.note, what })
    }
}

/// `POST /mutuals/{m}/households/{id}/events`
pub async fn record(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, HouseholdId)>,
    body: Body<RecordEvent>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let hooks = guard.desk.hooks;
    let section = match body.value.section_id {
        Some(section) => service::section_for(&guard.picture, &guard.scope, Some(section))?,
        None => None,
    };
    let event = body.value.into_event(guard.scope.today(), section)?;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                events::record(w, &hooks, scope, order, id, &event)?;
                super::duplicates::look_in(w, scope, id)
            },
            |r, scope, order| show(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}

/// Why an event is taken back.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseEvent {
    /// The counter-event's id, made by the client.
    #[garde(skip)]
    pub id: Option<EventId>,
    #[garde(length(chars, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/events/{id}/reverse`
pub async fn reverse(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, EventId)>,
    body: Body<ReverseEvent>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let hooks = guard.desk.hooks;
    let reason = body.value.reason.trim().to_owned();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| events::reverse(w, &hooks, scope, order, id, &reason).map(|_| ()),
            |r, scope, order| show(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}
