//! "Is she covered?": the status of a person on a date, per benefit category, with the reason and how long it holds.
pub mod http;
pub mod service;
