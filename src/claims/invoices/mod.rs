//! Invoices: what a facility sends for a month, a certificate of care each a claim of its own. The command keeps what was
//! sent, a job submits it claim by claim, the office accepts what came of it. A batch's number is never a certificate's (R31).
pub mod file;
pub mod http;
pub mod model;
pub mod notice;
pub mod own_http;
pub mod service;
pub mod store;
pub mod views;
pub mod work;
