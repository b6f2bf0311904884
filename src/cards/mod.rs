//! Proofs of affiliation: the card of a person and the certificate of a household, on paper or plastic, with a QR code that
//! a facility verifies without a network; their revocation; what anybody may ask about one.
//!
//! A proof says that somebody belongs to a mutual, never that care is covered: that is asked at [`crate::eligibility`].
pub mod drawing;
pub mod http;
pub mod model;
pub mod presented;
pub mod rules;
pub mod service;
pub mod store;
pub mod texts;
