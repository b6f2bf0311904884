//! `/mutuals/{m}/households`
mod correct;
mod read;
mod register;
