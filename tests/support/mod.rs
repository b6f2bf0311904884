//! What tests stand on: a database of their own on the engine under test, a world of organisations and users, and a client.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

pub mod database;
pub mod office;
pub mod register;
pub mod world;

pub use database::TestDb;
pub use office::{Office, Snapshot};
pub use world::{Answer, World};
