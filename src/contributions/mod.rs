//! contributions.
pub mod rules;
