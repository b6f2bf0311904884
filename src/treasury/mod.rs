//! The treasury: what moves beside the dues of one household. Expenses, grants and deposits; collectors and what they hand
//! over; mobile money; collections of groups; what other payers are invoiced. Stands on contributions and the ledger.
pub mod collections;
pub mod collections_http;
pub mod collectors;
pub mod collectors_http;
pub mod mobile;
pub mod mobile_http;
pub mod model;
pub mod movements;
pub mod movements_http;
pub mod rules;
pub mod store;
pub mod subsidies;
pub mod subsidies_http;
pub mod unallocated_http;
