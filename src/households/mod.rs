//! The register: households, the persons in them, their cards.
pub mod http;
pub mod model;
pub mod rules;
pub mod service;
pub mod store;
