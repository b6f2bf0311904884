//! Reports of any organisation: which figures they have, over which months, of which units, what of them may be shown.
mod converted;
mod cuts;
mod figures;
pub mod http;
pub mod period;
pub mod service;
pub mod shape;
mod sheets;
mod units;
mod workbook;
