//! Health facilities, the services that they give, the prices agreed, the conventions that let a mutual pay them, and the
//! diagnoses that there are.
pub mod conventions_http;
pub mod diagnoses;
pub mod diagnoses_http;
pub mod http;
pub mod model;
pub mod rules;
pub mod service;
pub mod services_http;
pub mod store;
pub mod tariffs;
pub mod tariffs_http;
