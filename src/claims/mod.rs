//! Claims: submitted, decided by one pure function, reviewed where a person is needed, settled with a second person.
pub mod http;
pub mod invoices;
pub mod model;
pub mod opening;
pub mod overtaken;
pub mod rules;
pub mod service;
pub mod settlement;
pub mod store;
