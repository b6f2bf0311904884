//! Honest figures: of a mutual for itself, and of the mutuals below a body for the body, without a person.
pub mod care_http;
pub mod care_store;
pub mod catalogue;
pub mod disclosure;
pub mod facts;
pub mod measures;
pub mod periods;
pub mod rates;
pub mod releases;
pub mod report;
pub mod rules;
