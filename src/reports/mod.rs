//! Honest figures: of a mutual for itself, and of the mutuals below a body for the body, without a person.
pub mod care_http;
pub mod care_store;
pub mod disclosure;
pub mod facts;
pub mod http;
pub mod measures;
pub mod model;
pub mod rules;
pub mod service;
pub mod store;
