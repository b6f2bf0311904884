//! The API, subject by subject; the tree of files is the tree of routes.
#[path = "../support/mod.rs"]
mod support;

mod audit;
mod contributions;
mod eligibility;
mod enrolments;
mod frame;
mod households;
mod ledger;
mod members;
mod products;
mod walk;
