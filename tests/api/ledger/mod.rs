//! `/mutuals/{m}/accounts`, `/transfers`
mod books;
mod read;
