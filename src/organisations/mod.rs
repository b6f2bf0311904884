//! The tree: networks, platforms, federations, mutuals and their sections, joined by dated links; areas of residence.
pub mod http;
pub mod model;
pub mod rules;
pub mod service;
pub mod store;
