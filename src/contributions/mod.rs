//! Contributions: dues, payments, which payment pays which due, receipts. Knows an enrolment only by its id.
pub mod http;
pub mod model;
pub mod rules;
pub mod service;
pub mod store;
