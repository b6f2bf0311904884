//! CSV in: a mutual's registers from another system or from paper. A file is checked whole, its rows tried against the
//! rules in a transaction that is given up, and only then written, a thousand rows at a time; every row is a command whose
//! id follows from its number, so that a second import of the same files changes nothing.
pub mod areas;
pub mod areas_http;
pub mod rows;
pub mod service;
