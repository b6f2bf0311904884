//! Commands of enrolments: apply, admit, reject; and what follows from a touched household: its cover spans.
use super::model::*;
use super::rules::{
    CoverParams, CoverSpan, DueFacts, EnrolmentFacts, HouseholdFacts, PersonFacts, Stay, Waiting, cover_spans,
    may_renew_from,
};
use super::steps::note_step;
use super::store;
pub use super::terms::Application;
use super::terms::{
    entering, is_first, largest, must_be_registered, must_have_principal, must_not_overlap, out_of_calendar, planned,
    refused, taken,
};
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Joined, Order};
use crate::contributions::model::{CancellationKind, Due};
use crate::contributions::position::Position;
use crate::contributions::service::{HOUSEHOLD, Locked, NewDue, issue};
use crate::dates::{self, Period};
use crate::db::{Read, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::households::model::Household;
use crate::households::store as households;
use crate::ids::*;
use crate::products::rules::{Schedule, joining};
use crate::products::{service as products, store as product_store};
use crate::series::{self, SeriesKind};
use crate::web::{etag, must_match};
use chrono::NaiveDate;
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// Applies for a household's enrolment. `owners` are those whose products the mutual may use: itself and the bodies
/// above.
///
/// # Errors
/// `not_found`, `product_not_valid`, `CURRENCY_MISMATCH`, `no_principal`, `period_overlaps`, `impossible_date`,
/// `number_taken`, `outside_enrolment_window`, `not_a_cycle_start`, `household_too_large`, `age_limit`.
pub fn apply(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    asked: &Application,
) -> Result<EnrolmentId> {
    let mutual = scope.mutual();
    households::lock(w, mutual, asked.household)?.ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
    let household =
        households::find(w, scope, asked.household)?.ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
    if asked.applied_on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/applied_on").into());
    }
    let (version, product, period) = taken(w, scope, owners, asked)?;
    must_be_registered(&household, period)?;
    must_have_principal(w, mutual, &household, asked.applied_on)?;
    must_not_overlap(w, mutual, asked.household, period, scope.today())?;
    let entering = entering(w, mutual, asked.household, period, asked.applied_on)?;
    if !asked.agreed {
        refused(&product.refuses(asked.applied_on, period.from, &entering.entry()), &entering.who)?;
    }
    let mut row = Enrolment {
        mutual_id: mutual,
        id: Key::new(order.id.uuid()),
        number: asked.number.clone().unwrap_or_default(),
        household_id: asked.household,
        product_version_id: version.id,
        starts_on: asked.starts_on,
        ends_on: period.to,
        state: EnrolmentState::Applied,
        first_enrolment: false,
        applied_on: asked.applied_on,
        admitted_on: None,
        ended_on: None,
        reason: None,
        waiting_from: asked.waiting_from,
        recorded_at: w.now(),
        version: 1,
    };
    // A number of the paper register may look like one of the series: then the series goes on.
    let mut inserted = false;
    while !inserted {
        if asked.number.is_none() {
            let (_, serial) = series::take(w, mutual, SeriesKind::Enrolment, Key::NIL, 0, "E", 1)?;
            row.number = format!("E{serial:06}");
        }
        inserted = store::insert(w, &row)?;
        if !inserted && asked.number.is_some() {
            return Err(Problem::of(Code::NumberTaken).at("/number").into());
        }
    }
    note_step(w, order, &row, StepKind::Applied, asked.applied_on, Some(scope.today()), None)?;
    w.changed("enrolment", row.id.uuid(), household.section_id, household.section_id);
    w.names("household", asked.household.uuid());
    w.field("number", None, Some(json!(row.number)));
    w.field("product_version_id", None, Some(json!(version.id)));
    w.field("starts_on", None, Some(json!(row.starts_on)));
    w.field("ends_on", None, Some(json!(row.ends_on)));
    w.touch(asked.household);
    w.mark(asked.starts_on.min(scope.today()));
    Ok(row.id)
}

/// Admits an application: all dues of the period are issued, and what the household had paid before fills them.
///
/// # Errors
/// `wrong_state`, `version_mismatch`, `no_band`, `impossible_date`, `household_too_large`, `age_limit`.
pub fn admit(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    admitted_on: NaiveDate,
) -> Result<()> {
    admission(w, scope, order, id, if_match, admitted_on, false)
}

/// Admits what was agreed elsewhere: what it takes to enter was looked at then.
///
/// # Errors
/// `wrong_state`, `version_mismatch`, `no_band`, `impossible_date`.
pub fn admit_as_agreed(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    admitted_on: NaiveDate,
) -> Result<()> {
    admission(w, scope, order, id, Some(&etag(1)), admitted_on, true)
}

fn admission(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    admitted_on: NaiveDate,
    agreed: bool,
) -> Result<()> {
    let (row, household, revision) = locked(w, scope, id)?;
    must_match(if_match, row.version)?;
    must_be_applied(&row)?;
    if admitted_on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/admitted_on").into());
    }
    if admitted_on < row.applied_on {
        let detail = "the admission lies before the application";
        return Err(Problem::with(Code::ImpossibleDate, detail).at("/admitted_on").into());
    }
    let mutual = scope.mutual();
    let version = product_store::list_versions_by_id(w, &[row.product_version_id])?
        .pop()
        .ok_or_else(|| Error::Fault("an enrolment names an unknown product version".into()))?;
    let product = products::parameters(&version)?;
    let period = Period { from: row.starts_on, to: row.ends_on };
    if !agreed {
        // Somebody may have joined since the application.
        let entering = entering(w, mutual, row.household_id, period, row.applied_on)?;
        refused(&product.refuses_persons(row.starts_on, &entering.entry()), &entering.who)?;
    }
    // Who served waiting before the period was a member before, and paid the fee then.
    let is_member_before = row.waiting_from.is_some_and(|from| from < row.starts_on);
    let first_enrolment = !is_member_before && is_first(w, mutual, row.household_id, admitted_on)?;
    let members = households::list_of_household(w, mutual, row.household_id)?;
    let planned = planned(&product, &household, &members, period, first_enrolment)?;
    let dues = new_dues(row.id, planned);
    let admitted =
        Enrolment { state: EnrolmentState::Admitted, admitted_on: Some(admitted_on), first_enrolment, ..row.clone() };
    store::set_state(w, &admitted)?;
    let locked = Locked {
        mutual,
        household: row.household_id,
        revision,
        currency: scope.currency(),
        today: scope.today(),
        command: order.id,
    };
    issue(w, &locked, &dues)?;
    note_step(w, order, &row, StepKind::Admitted, admitted_on, None, None)?;
    w.changed("enrolment", id.uuid(), household.section_id, household.section_id);
    w.names("household", row.household_id.uuid());
    w.field("state", Some(json!(row.state)), Some(json!(admitted.state)));
    w.field("admitted_on", None, Some(json!(admitted_on)));
    w.touch(row.household_id);
    w.mark(may_renew_from(row.starts_on).min(admitted_on));
    Ok(())
}

/// Rejects an application with a reason.
///
/// # Errors
/// `wrong_state`, `version_mismatch`.
pub fn reject(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    reason: &str,
) -> Result<()> {
    let (row, household, _) = locked(w, scope, id)?;
    must_match(if_match, row.version)?;
    must_be_applied(&row)?;
    let rejected = Enrolment { state: EnrolmentState::Rejected, reason: Some(reason.to_owned()), ..row.clone() };
    store::set_state(w, &rejected)?;
    note_step(w, order, &row, StepKind::Rejected, scope.today(), None, Some(reason))?;
    w.changed("enrolment", id.uuid(), household.section_id, household.section_id);
    w.names("household", row.household_id.uuid());
    w.field("state", Some(json!(row.state)), Some(json!(rejected.state)));
    w.field("reason", None, Some(json!(reason)));
    w.touch(row.household_id);
    w.mark(row.starts_on.min(scope.today()));
    Ok(())
}

/// Finds an enrolment's household, locks it, and reads both under the lock. An enrolment never changes its household.
pub(super) fn locked(w: &mut Write, scope: &MutualScope, id: EnrolmentId) -> Result<(Enrolment, Household, i64)> {
    let household = store::find(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?.household_id;
    let revision = households::lock(w, scope.mutual(), household)?.ok_or(Problem::of(Code::NotFound))?;
    let row = store::find(w, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    let household = households::find(w, scope, household)?.ok_or(Problem::of(Code::NotFound))?;
    Ok((row, household, revision))
}

fn must_be_applied(row: &Enrolment) -> Result<()> {
    if row.state == EnrolmentState::Applied {
        return Ok(());
    }
    Err(Problem::with(Code::WrongState, format!("the enrolment is {}, not APPLIED", row.state)).into())
}

fn new_dues(enrolment: EnrolmentId, planned: Schedule) -> Vec<NewDue> {
    let dues = planned.dues.into_iter();
    dues.map(|due| NewDue {
        enrolment,
        kind: due.kind,
        payer: due.payer,
        due_on: due.due_on,
        amount_minor: due.amount_minor,
    })
    .collect()
}

/// R8: a person who joins within a period pays his part of it under a price per person; bands change from the next
/// period only. Who joins by the first day of a period that was admitted before pays it whole. The hook of the command
/// frame, under the household's lock.
///
/// # Errors
/// The database's.
pub fn person_joined(w: &mut Write, joined: &Joined) -> Result<()> {
    let class = class_of(w, joined)?;
    let admitted: Vec<Enrolment> = store::list_of_household(w, joined.mutual, joined.household)?
        .into_iter()
        .filter(|row| row.state == EnrolmentState::Admitted && joined.on <= row.ends_on)
        .collect();
    let mut dues = Vec::new();
    let mut currency = None;
    for row in admitted {
        let version = product_store::list_versions_by_id(w, &[row.product_version_id])?
            .pop()
            .ok_or_else(|| Error::Fault("an enrolment names an unknown product version".into()))?;
        let product = products::parameters(&version)?;
        let period = Period { from: row.starts_on, to: row.ends_on };
        // Nobody is refused a birth (R18): the limit meets the household again when its next period is applied for.
        if joined.born_on != Some(joined.on) {
            // From the day on which he joins: others may have come since.
            let rest = Period { from: joined.on.max(period.from), to: period.to };
            let members = households::list_of_household(w, joined.mutual, joined.household)?;
            if let Some(reason) = product.refuses_size(largest(&members, rest)) {
                refused(&[reason], &[])?;
            }
        }
        // What is issued now falls due tomorrow at the earliest: a birth that is registered today must not take back, or
        // suspend, the cover that stood this morning (R12, R13).
        let tomorrow = dates::add_days(joined.today, 1).map_err(out_of_calendar)?;
        let owed = joining(&product, &class, joined.born_on, joined.on, period).map_err(products::refused_price)?;
        dues.extend(new_dues(row.id, owed.not_before(tomorrow).map_err(products::refused_price)?));
        currency = Some(product.currency);
    }
    let Some(currency) = currency else { return Ok(()) };
    let locked = Locked {
        mutual: joined.mutual,
        household: joined.household,
        revision: joined.revision,
        currency,
        today: joined.today,
        command: joined.command,
    };
    issue(w, &locked, &dues)
}

fn class_of(w: &mut Write, joined: &Joined) -> Result<String> {
    households::class_of(w, joined.mutual, joined.household)?
        .ok_or_else(|| Error::Fault("a locked household is not there".into()))
}

/// The facts of a household that decide its cover.
///
/// # Errors
/// A fault where stored rows cannot be read.
pub fn facts(r: &mut Read, mutual: MutualId, household: HouseholdId) -> Result<HouseholdFacts<Uuid>> {
    let rows = store::list_of_household(r, mutual, household)?;
    facts_with(r, mutual, household, rows)
}

/// As [`facts`], of a household whose enrolments are known.
fn facts_with(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
    rows: Vec<Enrolment>,
) -> Result<HouseholdFacts<Uuid>> {
    let mut persons: Vec<PersonFacts<Uuid>> = Vec::new();
    for (member, stay) in households::list_of_household(r, mutual, household)? {
        let stay = Stay { from: stay.from_on, to: stay.to_on, waiting_from: stay.waiting_from };
        match persons.iter_mut().find(|person| person.id == member.id.uuid()) {
            Some(person) => person.memberships.push(stay),
            None => persons.push(PersonFacts {
                id: member.id.uuid(),
                born_on: member.birth_date,
                died_on: member.died_on,
                memberships: vec![stay],
                elsewhere_from: Vec::new(),
            }),
        }
    }
    let ids: Vec<MemberId> = persons.iter().map(|person| Key::new(person.id)).collect();
    for (member, from) in households::list_begun_elsewhere(r, mutual, household, &ids)? {
        if let Some(person) = persons.iter_mut().find(|person| person.id == member.uuid()) {
            person.elsewhere_from.push(from);
        }
    }
    persons.sort_by_key(|person| person.id);
    let money = Position::load(r, mutual, household)?;
    let ids: Vec<ProductVersionId> = rows.iter().map(|row| row.product_version_id).collect();
    let mut params: HashMap<ProductVersionId, CoverParams> = HashMap::new();
    for version in product_store::list_versions_by_id(r, &ids)? {
        params.insert(version.id, CoverParams::from(&products::parameters(&version)?));
    }
    // Without its parameters an enrolment would never suspend: that is a fault to be told and not a default.
    if let Some(row) = rows.iter().find(|row| !params.contains_key(&row.product_version_id)) {
        return Err(Error::Fault(format!("the enrolment {} names an unknown product version", row.id)));
    }
    let enrolments = rows
        .into_iter()
        .map(|row| EnrolmentFacts {
            id: row.id.uuid(),
            period: Period { from: row.starts_on, to: row.ends_on },
            admitted_on: row.admitted_on,
            state: row.state,
            ended_on: row.ended_on,
            params: params.get(&row.product_version_id).cloned().unwrap_or_default(),
            waiting_from: row.waiting_from,
            dues: money
                .dues
                .iter()
                .filter(|due| due.enrolment_id == row.id)
                .map(|due| due_facts(&money, due))
                .filter(|due| due.amount > 0)
                .collect(),
        })
        .collect();
    Ok(HouseholdFacts { persons, enrolments })
}

/// A due as cover knows it. What was cancelled was never owed; what was waived counts as paid on that day, so that cover
/// resumes and never retroactively; what was written off stays unpaid.
fn due_facts(money: &Position, due: &Due) -> DueFacts<Uuid> {
    let mut amount = due.amount_minor;
    let mut allocations: Vec<(NaiveDate, i64)> = Vec::new();
    for part in money.allocations.iter().filter(|part| part.due_id == due.id) {
        allocations.push((part.counts_on, part.amount_minor));
    }
    for relief in money.cancellations.iter().filter(|row| row.due_id == due.id) {
        match relief.kind {
            CancellationKind::Cancelled => amount -= relief.amount_minor,
            CancellationKind::Waived => allocations.push((relief.cancelled_on, relief.amount_minor)),
            CancellationKind::WrittenOff => {}
        }
    }
    DueFacts {
        id: due.id.uuid(),
        kind: due.kind,
        due_on: due.due_on,
        amount,
        payable_by_household: due.payer == HOUSEHOLD,
        allocations,
    }
}

/// The spans that follow from a household's facts.
///
/// # Errors
/// `impossible_date` where a period runs beyond the calendar.
pub fn spans_of(facts: &HouseholdFacts<Uuid>) -> Result<Vec<CoverSpan<Uuid>>> {
    cover_spans(facts).map_err(out_of_calendar)
}

/// A stored span as the rules know it.
pub fn as_cover_span(row: &Span) -> CoverSpan<Uuid> {
    CoverSpan {
        person: row.member_id.uuid(),
        from: row.from_on,
        to: row.to_on,
        state: row.state,
        reason: row.reason,
        enrolment: row.enrolment_id.uuid(),
        waiting: row.waiting_from.map_or(Waiting::Exempt, Waiting::From),
    }
}

/// Rewrites a household's spans from its facts: the hook of the command frame, under the household's lock.
///
/// # Errors
/// The database's.
pub fn rewrite_spans(w: &mut Write, household: HouseholdId) -> Result<()> {
    let mutual = w.wall().id();
    let section = crate::households::store::section_of(w, mutual, household)?;
    w.changed("household", household.uuid(), section, section);
    let rows = store::list_of_household(w, mutual, household)?;
    // Who was never enrolled has no cover, whatever else is known of him.
    let mut wanted = match rows.is_empty() {
        true => Vec::new(),
        false => spans_of(&facts_with(w, mutual, household, rows)?)?,
    };
    let stored: Vec<CoverSpan<Uuid>> = store::list_spans_of(w, mutual, household)?.iter().map(as_cover_span).collect();
    wanted.sort_by_key(|span| (span.person, span.from));
    if wanted == stored {
        return Ok(());
    }
    let rows: Vec<Span> = wanted
        .iter()
        .map(|span| Span {
            mutual_id: mutual,
            id: w.new_id(),
            household_id: household,
            member_id: Key::new(span.person),
            enrolment_id: Key::new(span.enrolment),
            from_on: span.from,
            to_on: span.to,
            state: span.state,
            reason: span.reason,
            waiting_from: match span.waiting {
                Waiting::From(day) => Some(day),
                Waiting::Exempt => None,
            },
        })
        .collect();
    Ok(store::replace_spans(w, mutual, household, &rows)?)
}
