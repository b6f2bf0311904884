//! The API, subject by subject; the tree of files is the tree of routes.
#[path = "../support/mod.rs"]
mod support;

mod access;
mod audit;
mod cards;
mod contributions;
mod eligibility;
mod enrolments;
mod field;
mod field_numbers;
mod field_pull;
mod field_push;
mod field_scope;
mod frame;
mod households;
mod ledger;
mod matrix;
mod members;
mod organisations;
mod products;
mod providers;
mod reports;
mod samples;
mod treasury;
mod walk;
mod work;
mod writes;
