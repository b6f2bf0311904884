//! Who did and who read what. The command frame (`frame`) puts a command's row, its audit row, its fact marks and its
//! pending changes into the command's own transaction; the recorder (`recorder`) keeps reads of persons and care.
pub mod frame;
pub mod model;
pub mod recorder;
pub mod store;

use crate::db::Db;
use frame::Hooks;
use recorder::Recorder;

/// What a handler works with: the database, what the frame does for subjects, and the recorder of reads.
#[derive(Clone)]
pub struct Desk {
    /// The database.
    pub db: Db,
    /// What follows from a touched household.
    pub hooks: Hooks,
    /// Keeps reads of persons and care.
    pub recorder: Recorder,
}
