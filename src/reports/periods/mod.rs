//! The end of a mutual's months: what is still open, closing, opening again, correcting.
pub mod http;
pub mod service;
pub mod store;
