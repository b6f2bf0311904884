//! `/eligibility`
mod check;
