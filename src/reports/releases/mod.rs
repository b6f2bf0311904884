//! What bodies above a mutual see of its months: frozen copies, one after the other, none of them ever changed.
pub mod http;
pub mod model;
pub mod service;
pub mod shelf;
pub mod store;
