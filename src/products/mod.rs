//! products.
pub mod rules;
