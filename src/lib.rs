//! Ayni: the membership backend of health mutuals and of the solidarity platforms above them.
//!
//! The map of the house. Foundations first, then one folder per subject in the order of the work; a subject imports only
//! subjects above it in this list. A write goes `routes → http → service → store`, with `rules` asked on the side.

// Foundations: time, ids, money, the two engines, what travels.
pub mod clock;
pub mod dates;
pub mod ids;
pub mod money;
#[macro_use]
pub mod db;
pub mod error;
pub mod language;
pub mod page;
pub mod print;
pub mod records;
pub mod series;
pub mod web;

// Who did what, and who may.
pub mod access;
pub mod audit;

// Long work.
pub mod jobs;

// The subjects.
pub mod cards;
pub mod claims;
pub mod contributions;
pub mod eligibility;
pub mod enrolments;
pub mod federation;
pub mod field;
pub mod households;
pub mod imports;
pub mod ledger;
pub mod organisations;
pub mod products;
pub mod providers;
pub mod reports;
pub mod treasury;
pub mod verify;

// The house put together.
pub mod app;
pub mod cli;
pub mod config;
pub mod routes;
pub mod simulation;
