//! Rows of enrolments and cover spans.
pub use super::rules::{EnrolmentState, SpanReason, SpanState};
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

/// A household in a product version for a period.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = enrolments, treat_none_as_default_value = false)]
pub struct Enrolment {
    pub mutual_id: MutualId,
    pub id: EnrolmentId,
    pub number: String,
    pub household_id: HouseholdId,
    pub product_version_id: ProductVersionId,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub state: EnrolmentState,
    pub first_enrolment: bool,
    pub applied_on: NaiveDate,
    pub admitted_on: Option<NaiveDate>,
    pub ended_on: Option<NaiveDate>,
    pub reason: Option<String>,
    pub waiting_from: Option<NaiveDate>,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
}

/// A span of a person's cover: a projection of the facts. Without `waiting_from` no waiting runs (a newborn).
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = cover_spans, treat_none_as_default_value = false)]
pub struct Span {
    pub mutual_id: MutualId,
    pub id: SpanId,
    pub household_id: HouseholdId,
    pub member_id: MemberId,
    pub enrolment_id: EnrolmentId,
    pub from_on: NaiveDate,
    pub to_on: Option<NaiveDate>,
    pub state: SpanState,
    pub reason: SpanReason,
    pub waiting_from: Option<NaiveDate>,
}

words! {
    /// What was decided about an enrolment.
    pub enum StepKind {
        /// Its `effective_on` is the business date on which it was recorded.
        Applied = "APPLIED",
        Admitted = "ADMITTED",
        Rejected = "REJECTED",
        Renewed = "RENEWED",
        Resigned = "RESIGNED",
        Heard = "HEARD",
        Excluded = "EXCLUDED",
        Appealed = "APPEALED",
        AppealUpheld = "APPEAL_UPHELD",
        AppealRefused = "APPEAL_REFUSED",
        Cancelled = "CANCELLED",
        Closed = "CLOSED",
        EnteredInError = "ENTERED_IN_ERROR",
    }
}

/// A step of an enrolment: it stays as it was recorded.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = enrolment_steps, treat_none_as_default_value = false)]
pub struct Step {
    pub mutual_id: MutualId,
    pub id: EnrolmentStepId,
    pub enrolment_id: EnrolmentId,
    /// Its place among the enrolment's steps, from 1.
    pub ordinal: i32,
    pub kind: StepKind,
    pub decided_on: NaiveDate,
    pub effective_on: Option<NaiveDate>,
    pub reason: Option<String>,
    pub note: Option<String>,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}
