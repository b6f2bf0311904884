//! `/mutuals/{m}/audit`
mod read;
