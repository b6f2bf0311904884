//! reports.
pub mod rules;
