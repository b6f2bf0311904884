//! The register: households, the persons in them, their cards.
pub mod duplicates;
pub mod duplicates_http;
pub mod duplicates_store;
pub mod events;
pub mod events_http;
pub mod file;
pub mod file_http;
pub mod file_store;
pub mod http;
pub mod model;
pub mod phones;
pub mod resemblance;
pub mod rules;
pub mod service;
pub mod store;
