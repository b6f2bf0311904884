//! What currencies are worth in others, from a day on, as bodies above mutuals say.
pub mod http;
pub mod model;
pub mod store;
