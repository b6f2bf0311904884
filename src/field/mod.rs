//! The field: devices of agents, what they push, what they pull, and what the office decides on.
pub mod carrying_out;
pub mod devices;
pub mod devices_http;
pub mod documents;
pub mod feed;
pub mod model;
pub mod operations;
pub mod proposals;
pub mod proposals_http;
pub mod pull_http;
pub mod push;
pub mod push_http;
pub mod reference_http;
pub mod rules;
pub mod signatures;
pub mod store;
