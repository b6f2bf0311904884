//! What an event in a household means for its enrolments: hooks of the command frame, under the households' locks.
use super::model::*;
use super::rules::Waiting;
use super::service::as_cover_span;
use super::store;
use crate::audit::frame::{Moved, Parted};
use crate::contributions::position::Position;
use crate::contributions::service::HOUSEHOLD;
use crate::contributions::store as contributions;
use crate::dates::within;
use crate::db::Write;
use crate::error::Result;
use crate::ids::*;
use crate::series::{self, SeriesKind};
use chrono::NaiveDate;

/// From when the waiting of a person who moves has run: kept where he was in force on the day before, so that nobody
/// waits twice in one mutual. A newborn without waiting keeps that too.
///
/// # Errors
/// The database's.
pub fn waiting_served(w: &mut Write, moved: &Moved) -> Result<Option<NaiveDate>> {
    let Some(before) = moved.on.pred_opt() else { return Ok(None) };
    let spans = store::list_spans_of(w, moved.mutual, moved.from)?;
    let span = spans.iter().find(|span| span.member_id == moved.member && within(before, span.from_on, span.to_on));
    let standing = span.filter(|span| span.state == SpanState::InForce);
    Ok(standing.map(|span| match as_cover_span(span).waiting {
        Waiting::From(day) => day,
        Waiting::Exempt => NaiveDate::from_ymd_opt(1880, 1, 1).unwrap_or(span.from_on),
    }))
}

/// The last day of the admitted period that holds a day.
///
/// # Errors
/// The database's.
pub fn period_end(w: &mut Write, mutual: MutualId, household: HouseholdId, on: NaiveDate) -> Result<Option<NaiveDate>> {
    let rows = store::list_of_household(w, mutual, household)?;
    let standing = rows.into_iter().filter(|row| row.state == EnrolmentState::Admitted);
    Ok(standing.filter(|row| within(on, row.starts_on, Some(row.ends_on))).map(|row| row.ends_on).max())
}

/// Those who found a household of their own stay covered to the end of the period, where all of it is paid and cover
/// stood on the day before: what the household had paid for them is theirs. Where something is open they enrol anew.
///
/// # Errors
/// The database's.
pub fn household_parted(w: &mut Write, parted: &Parted) -> Result<()> {
    let Some(before) = parted.on.pred_opt() else { return Ok(()) };
    let mutual = parted.mutual;
    let spans = store::list_spans_of(w, mutual, parted.from)?;
    let stood = |id: EnrolmentId| {
        parted.members.iter().all(|member| {
            spans.iter().any(|span| {
                span.member_id == *member
                    && span.enrolment_id == id
                    && span.state == SpanState::InForce
                    && within(before, span.from_on, span.to_on)
            })
        })
    };
    let money = Position::load(w, mutual, parted.from)?;
    let rows = store::list_of_household(w, mutual, parted.from)?;
    let goes_on = rows.into_iter().find(|row| {
        let mut own = money.dues.iter().filter(|due| due.enrolment_id == row.id && due.payer == HOUSEHOLD);
        let paid = own.all(|due| money.unpaid(due) <= 0);
        row.state == EnrolmentState::Admitted
            && within(parted.on, row.starts_on, Some(row.ends_on))
            && stood(row.id)
            && paid
    });
    let Some(row) = goes_on else { return Ok(()) };
    let (_, serial) = series::take(w, mutual, SeriesKind::Enrolment, Key::NIL, 0, "E", 1)?;
    let own = Enrolment {
        id: w.new_id(),
        number: format!("E{serial:06}"),
        household_id: parted.to,
        starts_on: parted.on,
        applied_on: parted.on,
        admitted_on: Some(parted.on),
        first_enrolment: false,
        // Each person's own waiting goes with his stay.
        waiting_from: None,
        recorded_at: w.now(),
        version: 1,
        ..row
    };
    store::insert(w, &own)?;
    w.changed("enrolment", own.id.uuid(), None, None);
    w.touch(parted.to);
    Ok(())
}

/// Takes the enrolment of a parting back; false where anything else was recorded in the new household.
///
/// # Errors
/// The database's.
pub fn parting_reversed(w: &mut Write, parted: &Parted) -> Result<bool> {
    let mutual = parted.mutual;
    let rows = store::list_of_household(w, mutual, parted.to)?;
    let dues = contributions::list_dues_of(w, mutual, parted.to)?;
    let payments = contributions::list_payments_of(w, mutual, parted.to)?;
    let of_parting = |row: &Enrolment| row.state == EnrolmentState::Admitted && row.starts_on == parted.on;
    if rows.len() > 1 || !rows.iter().all(of_parting) || !dues.is_empty() || !payments.is_empty() {
        return Ok(false);
    }
    for row in rows {
        let never = Enrolment { state: EnrolmentState::Cancelled, ended_on: parted.on.pred_opt(), ..row };
        store::set_state(w, &never)?;
    }
    Ok(true)
}
