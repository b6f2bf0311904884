//! Enrolments: a household in a product for a period, the dues that follow, and the cover that follows from those.
pub mod http;
pub mod membership;
pub mod membership_http;
pub mod model;
pub mod moves;
pub mod price_http;
pub mod rules;
pub mod search;
pub mod search_http;
pub mod service;
pub mod steps;
pub mod store;
pub mod terms;
pub mod work;
pub mod work_http;
