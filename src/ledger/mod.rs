//! The books: accounts and transfers. Each movement is one transfer (book, debit, credit, amount), so that an unbalanced
//! book cannot be written; corrections are reversals.
pub mod books_http;
pub mod http;
pub mod journal;
pub mod model;
pub mod rules;
pub mod service;
pub mod store;
