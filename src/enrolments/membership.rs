//! Commands of a membership after its admission: renew, resign, hear, exclude, appeal, cancel, end, and take back what was
//! entered in error. Each is a step that stays; the enrolment carries the state that follows.
use super::model::*;
use super::rules::{Renewable, may_renew_from, renewal_list};
use super::service::{self, Application, locked};
use super::steps::note_step;
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Hooks, Order};
use crate::contributions::model::{CancellationKind, Due, DueCancellation};
use crate::contributions::position::Position;
use crate::contributions::service::{Locked, NewDue, cancel_open, cancel_unpaid, issue};
use crate::contributions::store as contributions;
use crate::dates::add_days;
use crate::db::Write;
use crate::error::{Code, Error, Problem, Result};
use crate::households::events::{NewEvent, What, record};
use crate::households::model::{EventKind, Household, Member, Membership, Relationship};
use crate::households::store as households;
use crate::ids::*;
use crate::products::{service as products, store as product_store};
use crate::web::must_match;
use chrono::NaiveDate;
use serde_json::json;

/// A step as it is told.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// When it was decided.
    pub on: NaiveDate,
    /// The last day of cover that follows from it.
    pub effective_on: Option<NaiveDate>,
    pub reason: Option<String>,
}

struct Known {
    row: Enrolment,
    household: Household,
    revision: i64,
}

/// Locks, looks at the version and at the state from which a step leads.
fn begin(
    w: &mut Write,
    scope: &MutualScope,
    id: EnrolmentId,
    if_match: Option<&str>,
    from: &[EnrolmentState],
) -> Result<Known> {
    let (row, household, revision) = locked(w, scope, id)?;
    must_match(if_match, row.version)?;
    if !from.contains(&row.state) {
        let detail = format!("the enrolment is {}, from which this step does not lead", row.state);
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    Ok(Known { row, household, revision })
}

fn decided(scope: &MutualScope, row: &Enrolment, on: NaiveDate) -> Result<()> {
    if on > scope.today() {
        return Err(Problem::of(Code::FutureDate).at("/on").into());
    }
    if on < row.applied_on {
        let detail = "the decision lies before the application";
        return Err(Problem::with(Code::ImpossibleDate, detail).at("/on").into());
    }
    Ok(())
}

/// Writes a new state with its step.
fn become_(
    w: &mut Write,
    order: &Order,
    known: &Known,
    next: Enrolment,
    kind: StepKind,
    decided_on: NaiveDate,
    first_effect: NaiveDate,
) -> Result<()> {
    let row = &known.row;
    store::set_state(w, &next)?;
    note_step(w, order, row, kind, decided_on, next.ended_on, next.reason.as_deref())?;
    let section = known.household.section_id;
    w.changed("enrolment", row.id.uuid(), section, section);
    w.names("household", row.household_id.uuid());
    w.field("state", Some(json!(row.state)), Some(json!(next.state)));
    if next.ended_on != row.ended_on {
        w.field("ended_on", Some(json!(row.ended_on)), Some(json!(next.ended_on)));
    }
    w.touch(row.household_id);
    w.mark(first_effect);
    if next.state == EnrolmentState::Cancelled {
        w.mark(may_renew_from(row.starts_on));
    }
    Ok(())
}

/// The last day of cover that a step sets: within the period, not before the decision.
fn last_day(row: &Enrolment, asked: Option<NaiveDate>, otherwise: NaiveDate, on: NaiveDate) -> Result<NaiveDate> {
    let day = asked.unwrap_or(otherwise);
    if day > row.ends_on || day < on.min(row.ends_on) {
        let detail = format!("the last day of cover lies from the decision to the period's end, {}", row.ends_on);
        return Err(Problem::with(Code::ImpossibleDate, detail).at("/effective_on").into());
    }
    Ok(day)
}

/// A renewal as it is told.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// Another product; the same where none is named.
    pub product: Option<ProductId>,
    /// First day; the day after the period's end, or today where the days of grace have gone.
    pub starts_on: Option<NaiveDate>,
    pub ends_on: Option<NaiveDate>,
    pub number: Option<String>,
}

/// Renews a household's enrolment for another period: a new enrolment, admitted at once, with its dues. Whether the cover
/// continues without new waiting depends on when it is paid (R19). Children who have reached the product's age by the end
/// of the period leave with it (R20), each by an event.
///
/// # Errors
/// `wrong_state`, `version_mismatch`, and as applying and admitting.
#[allow(clippy::too_many_arguments, reason = "what the command knows, handed on as it is")]
pub fn renew(
    w: &mut Write,
    hooks: &Hooks,
    scope: &MutualScope,
    order: &Order,
    owners: &[OrganisationId],
    id: EnrolmentId,
    if_match: Option<&str>,
    asked: &Renewal,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Admitted])?;
    let row = &known.row;
    let version = product_store::list_versions_by_id(w, &[row.product_version_id])?
        .pop()
        .ok_or_else(|| Error::Fault("an enrolment names an unknown product version".into()))?;
    let product = products::parameters(&version)?;
    let grace = product.renewal_grace_days.unwrap_or(0);
    let beyond = |_| Error::from(Problem::with(Code::ImpossibleDate, "a date lies beyond the calendar"));
    let next_day = add_days(row.ends_on, 1).map_err(beyond)?;
    let continuous = scope.today() <= add_days(row.ends_on, grace).map_err(beyond)?;
    let application = Application {
        number: asked.number.clone(),
        household: row.household_id,
        product: asked.product.unwrap_or(version.product_id),
        starts_on: asked.starts_on.unwrap_or(if continuous { next_day } else { scope.today() }),
        ends_on: asked.ends_on,
        applied_on: scope.today(),
        waiting_from: None,
        agreed: false,
    };
    if application.starts_on < next_day {
        let detail = format!("the period that is renewed runs to {}", row.ends_on);
        return Err(Problem::with(Code::PeriodOverlaps, detail).at("/starts_on").into());
    }
    let members = households::list_of_household(w, scope.mutual(), row.household_id)?;
    for child in over_age(&members, product.child_max_age(), row.ends_on).map_err(beyond)? {
        let event = NewEvent {
            kind: EventKind::ChildOverAge,
            on: scope.today().min(row.ends_on),
            note: None,
            what: What::Member { member: child },
        };
        let own = Order { id: w.new_id(), ..order.clone() };
        record(w, hooks, scope, &own, row.household_id, &event)?;
    }
    let new = service::apply(w, scope, order, owners, &application)?;
    service::admit(w, scope, order, new, Some("\"v1\""), scope.today())?;
    note_step(w, order, row, StepKind::Renewed, scope.today(), None, None)?;
    w.names("enrolment", row.id.uuid());
    Ok(())
}

/// The children who leave with the period: those present and alive who are not on the renewal list (R20).
fn over_age(
    members: &[(Member, Membership)],
    max_age: Option<i64>,
    period_to: NaiveDate,
) -> std::result::Result<Vec<MemberId>, crate::dates::DateOutOfRange> {
    let there: Vec<Renewable<MemberId>> = members
        .iter()
        .filter(|(_, stay)| stay.to_on.is_none() && stay.from_on <= period_to)
        .map(|(member, stay)| Renewable {
            id: member.id,
            is_child: stay.relationship == Relationship::Child,
            born_on: member.birth_date,
            died_on: member.died_on,
        })
        .collect();
    let renewed = renewal_list(&there, max_age, period_to)?;
    let gone = there.into_iter().filter(|one| one.died_on.is_none() && !renewed.contains(&one.id));
    Ok(gone.map(|one| one.id).collect())
}

/// The member resigns: cover runs to the period's end, or to the day that was agreed; what falls due after it is owed no
/// more.
///
/// # Errors
/// `wrong_state`, `version_mismatch`, `future_date`, `impossible_date`.
pub fn resign(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    step: &NewStep,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Admitted])?;
    decided(scope, &known.row, step.on)?;
    let last = last_day(&known.row, step.effective_on, known.row.ends_on, step.on)?;
    close(w, scope, order, &known, EnrolmentState::Resigned, StepKind::Resigned, step, last)
}

/// Ends an enrolment for another cause: the death of the last person, a merger of mutuals.
///
/// # Errors
/// As [`resign`].
pub fn end(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    step: &NewStep,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Admitted])?;
    decided(scope, &known.row, step.on)?;
    let last = last_day(&known.row, step.effective_on, step.on.min(known.row.ends_on), step.on)?;
    close(w, scope, order, &known, EnrolmentState::Closed, StepKind::Closed, step, last)
}

#[allow(clippy::too_many_arguments, reason = "the parts of one step")]
fn close(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    known: &Known,
    state: EnrolmentState,
    kind: StepKind,
    step: &NewStep,
    last: NaiveDate,
) -> Result<()> {
    let id = known.row.id;
    cancel_open(w, scope.mutual(), known.household.id, scope.today(), |due| {
        due.enrolment_id == id && due.due_on > last
    })?;
    let next = Enrolment { state, ended_on: Some(last), reason: step.reason.clone(), ..known.row.clone() };
    become_(w, order, known, next, kind, step.on, last.min(scope.today()))
}

/// Records that the member was heard, without which nobody is excluded.
///
/// # Errors
/// `wrong_state`, `version_mismatch`, `future_date`, `impossible_date`.
pub fn hear(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    step: &NewStep,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Admitted])?;
    decided(scope, &known.row, step.on)?;
    let next = Enrolment { reason: known.row.reason.clone(), ..known.row.clone() };
    store::set_state(w, &next)?;
    note_step(w, order, &known.row, StepKind::Heard, step.on, None, step.reason.as_deref())?;
    let section = known.household.section_id;
    w.changed("enrolment", id.uuid(), section, section);
    w.field("heard_on", None, Some(json!(step.on)));
    w.mark(scope.today());
    Ok(())
}

/// Excludes a household from a day on, after a hearing. An appeal is possible.
///
/// # Errors
/// `not_heard`, `wrong_state`, `version_mismatch`, `future_date`, `impossible_date`.
pub fn exclude(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    step: &NewStep,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Admitted])?;
    decided(scope, &known.row, step.on)?;
    let steps = store::list_steps(w, scope.mutual(), id)?;
    if !steps.iter().any(|row| row.kind == StepKind::Heard && row.decided_on <= step.on) {
        return Err(Problem::of(Code::NotHeard).at("/on").into());
    }
    let last = last_day(&known.row, step.effective_on, step.on.min(known.row.ends_on), step.on)?;
    close(w, scope, order, &known, EnrolmentState::Excluded, StepKind::Excluded, step, last)
}

/// The member appeals against an exclusion.
///
/// # Errors
/// `wrong_state`, also where an appeal is open or decided; `version_mismatch`, `future_date`, `impossible_date`.
pub fn appeal(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    step: &NewStep,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Excluded])?;
    let excluded = exclusion(w, scope, id)?;
    if step.on < excluded.decided_on {
        let detail = "the appeal lies before the exclusion";
        return Err(Problem::with(Code::ImpossibleDate, detail).at("/on").into());
    }
    decided(scope, &known.row, step.on)?;
    if since(w, scope, &excluded)?.iter().any(|row| row.kind == StepKind::Appealed) {
        return Err(Problem::with(Code::WrongState, "there has been an appeal against this exclusion").into());
    }
    store::set_state(w, &known.row)?;
    note_step(w, order, &known.row, StepKind::Appealed, step.on, None, step.reason.as_deref())?;
    let section = known.household.section_id;
    w.changed("enrolment", id.uuid(), section, section);
    w.field("appealed_on", None, Some(json!(step.on)));
    w.mark(scope.today());
    Ok(())
}

/// The last exclusion of an enrolment that is excluded.
fn exclusion(w: &mut Write, scope: &MutualScope, id: EnrolmentId) -> Result<Step> {
    let steps = store::list_steps(w, scope.mutual(), id)?;
    let last = steps.into_iter().rfind(|row| row.kind == StepKind::Excluded);
    last.ok_or_else(|| Error::Fault(format!("the enrolment {id} is excluded without a step")))
}

/// The steps recorded after one.
fn since(w: &mut Write, scope: &MutualScope, step: &Step) -> Result<Vec<Step>> {
    let steps = store::list_steps(w, scope.mutual(), step.enrolment_id)?;
    Ok(steps.into_iter().skip_while(|row| row.id != step.id).skip(1).collect())
}

/// Decides an appeal; another person than the one who excluded does. Where it is upheld the enrolment stands as if it had
/// not been ended, and what was no longer owed is owed again.
///
/// # Errors
/// `same_person`, `wrong_state`, `version_mismatch`, `future_date`, `impossible_date`.
pub fn decide_appeal(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    upheld: bool,
    step: &NewStep,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Excluded])?;
    let excluded = exclusion(w, scope, id)?;
    let later = since(w, scope, &excluded)?;
    let Some(appealed) = later.iter().find(|row| row.kind == StepKind::Appealed) else {
        return Err(Problem::with(Code::WrongState, "there is no appeal to decide").into());
    };
    if later.iter().any(|row| matches!(row.kind, StepKind::AppealUpheld | StepKind::AppealRefused)) {
        return Err(Problem::with(Code::WrongState, "the appeal has been decided").into());
    }
    if excluded.recorded_by.is_some() && excluded.recorded_by == order.asker.user {
        return Err(Problem::of(Code::SamePerson).into());
    }
    decided(scope, &known.row, step.on)?;
    if step.on < appealed.decided_on {
        let detail = "the decision lies before the appeal";
        return Err(Problem::with(Code::ImpossibleDate, detail).at("/on").into());
    }
    if !upheld {
        let next = Enrolment { ..known.row.clone() };
        return become_(w, order, &known, next, StepKind::AppealRefused, step.on, scope.today());
    }
    let was_last = known.row.ended_on.unwrap_or(known.row.ends_on);
    let next =
        Enrolment { state: EnrolmentState::Admitted, ended_on: None, reason: step.reason.clone(), ..known.row.clone() };
    become_(w, order, &known, next, StepKind::AppealUpheld, step.on, was_last)?;
    // Those of the exclusion alone: what was cancelled for another cause stays so.
    let money = Position::load(w, scope.mutual(), known.household.id)?;
    let cancelled = |due: &Due| {
        let by_exclusion = |row: &&DueCancellation| {
            row.due_id == due.id && row.kind == CancellationKind::Cancelled && row.recorded_at == excluded.recorded_at
        };
        money.cancellations.iter().filter(by_exclusion).map(|row| row.amount_minor).sum::<i64>()
    };
    let again: Vec<NewDue> = money
        .dues
        .iter()
        .filter(|due| due.enrolment_id == id && due.due_on > was_last && cancelled(due) > 0)
        .map(|due| NewDue {
            enrolment: id,
            kind: due.kind,
            payer: due.payer.clone(),
            due_on: due.due_on,
            amount_minor: cancelled(due),
        })
        .collect();
    let locked = Locked {
        mutual: scope.mutual(),
        household: known.household.id,
        revision: known.revision,
        currency: scope.currency(),
        today: scope.today(),
        command: order.id,
    };
    issue(w, &locked, &again)
}

/// Cancels an enrolment that was admitted and never opened: nothing was paid, and nothing is owed any more.
///
/// # Errors
/// `wrong_state` where cover has begun or something was paid; `version_mismatch`, `future_date`.
pub fn cancel(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    step: &NewStep,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Admitted])?;
    decided(scope, &known.row, step.on)?;
    undo(w, scope, order, &known, StepKind::Cancelled, step)
}

/// Takes an enrolment back that was entered in error, on the day on which it was recorded.
///
/// # Errors
/// `wrong_state` on a later day, or where something was paid; `version_mismatch`.
pub fn entered_in_error(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: EnrolmentId,
    if_match: Option<&str>,
    step: &NewStep,
) -> Result<()> {
    let known = begin(w, scope, id, if_match, &[EnrolmentState::Applied, EnrolmentState::Admitted])?;
    let steps = store::list_steps(w, scope.mutual(), id)?;
    let recorded = steps.iter().find(|row| row.kind == StepKind::Applied).and_then(|row| row.effective_on);
    if recorded != Some(scope.today()) {
        let detail = "only on the day on which it was recorded; later it is cancelled, resigned from or ended";
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    undo(w, scope, order, &known, StepKind::EnteredInError, step)
}

fn undo(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    known: &Known,
    kind: StepKind,
    step: &NewStep,
) -> Result<()> {
    let (mutual, household) = (scope.mutual(), known.household.id);
    let dues = contributions::list_dues_of(w, mutual, household)?;
    let own: Vec<DueId> = dues.iter().filter(|due| due.enrolment_id == known.row.id).map(|due| due.id).collect();
    if !cancel_unpaid(w, mutual, household, &own, scope.today())? {
        return Err(Problem::with(Code::WrongState, "something was paid for it; reverse the payment first").into());
    }
    let stands = kind == StepKind::Cancelled
        && store::list_spans_of(w, mutual, household)?
            .iter()
            .any(|span| span.enrolment_id == known.row.id && span.from_on <= scope.today());
    if stands {
        return Err(Problem::with(Code::WrongState, "cover has begun; let the member resign, or end it").into());
    }
    let next = Enrolment {
        state: EnrolmentState::Cancelled,
        ended_on: None,
        reason: step.reason.clone(),
        ..known.row.clone()
    };
    become_(w, order, known, next, kind, step.on, known.row.starts_on.min(scope.today()))
}
