//! What mutuals owe each other and the bodies above them: dues, guarantee fund, stop-loss, clearing.
pub mod rules;
