//! What was decided about an enrolment, step by step.
use super::model::{Enrolment, Step, StepKind};
use super::store;
use crate::audit::frame::Order;
use crate::db::Write;
use crate::error::{Error, Result};
use chrono::NaiveDate;

/// Writes a step.
///
/// # Errors
/// The database's.
pub fn note_step(
    w: &mut Write,
    order: &Order,
    enrolment: &Enrolment,
    kind: StepKind,
    decided_on: NaiveDate,
    effective_on: Option<NaiveDate>,
    reason: Option<&str>,
) -> Result<()> {
    let before = store::list_steps(w, enrolment.mutual_id, enrolment.id)?.len();
    let row = Step {
        mutual_id: enrolment.mutual_id,
        id: w.new_id(),
        enrolment_id: enrolment.id,
        ordinal: i32::try_from(before + 1).map_err(|_| Error::Fault("an enrolment of too many steps".into()))?,
        kind,
        decided_on,
        effective_on,
        reason: reason.map(str::to_owned),
        note: None,
        recorded_by: order.asker.user,
        recorded_at: w.now(),
    };
    store::insert_step(w, &row)?;
    Ok(())
}
