//! `/mutuals/{m}/households`
mod correct;
mod events;
mod read;
mod register;
