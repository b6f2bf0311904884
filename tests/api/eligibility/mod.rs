//! `/eligibility`
mod check;
mod presented;
