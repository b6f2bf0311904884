//! enrolments.
pub mod rules;
