//! Benefit packages: what is covered at what price, in versions that do not change once published.
pub mod http;
pub mod model;
pub mod price_http;
pub mod rules;
pub mod service;
pub mod store;
