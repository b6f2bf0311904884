//! `/mutuals/{m}/members`
mod add;
mod correct;
mod read;
mod search;
