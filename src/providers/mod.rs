//! Health facilities, the services that they give, the prices agreed, and the conventions that let a mutual pay them.
pub mod http;
pub mod model;
pub mod service;
pub mod store;
