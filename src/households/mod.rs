//! households.
pub mod rules;
