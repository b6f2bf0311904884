//! Contributions: dues, payments, which payment pays which due, receipts. Knows an enrolment only by its id.
pub mod desks;
pub mod desks_http;
pub mod http;
pub mod model;
pub mod position;
pub mod receipts;
pub mod relief;
pub mod relief_http;
pub mod reversals;
pub mod rules;
pub mod service;
pub mod store;
