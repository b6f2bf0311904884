//! The register: households, the persons in them, their cards.
pub mod events;
pub mod events_http;
pub mod file;
pub mod file_http;
pub mod file_store;
pub mod http;
pub mod model;
pub mod phones;
pub mod rules;
pub mod service;
pub mod store;
