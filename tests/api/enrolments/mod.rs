//! `/mutuals/{m}/enrolments`
mod admit;
mod apply;
mod membership;
mod reject;
