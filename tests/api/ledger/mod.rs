//! `/mutuals/{m}/accounts`, `/transfers`
mod read;
