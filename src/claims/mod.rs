//! claims.
pub mod rules;
