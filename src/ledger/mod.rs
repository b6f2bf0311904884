//! The books: accounts and transfers. Each movement is one transfer (book, debit, credit, amount), so that an unbalanced
//! book cannot be written; corrections are reversals.
pub mod http;
pub mod model;
pub mod rules;
pub mod service;
pub mod store;
