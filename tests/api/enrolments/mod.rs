//! `/mutuals/{m}/enrolments`
mod admit;
mod apply;
mod reject;
