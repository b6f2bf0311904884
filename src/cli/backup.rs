//! `ayni backup`
use super::Failed;
use crate::config::Settings;
use clap::Args;
use std::path::PathBuf;

/// What to copy where.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to make; it must not be there yet
    file: PathBuf,
    /// The folder of PostgreSQL's client programs; the newest installed where it is left out
    #[arg(long, env = "AYNI_PG_BIN")]
    pg_bin: Option<PathBuf>,
}

/// Copies a database, running or not, into one file.
///
/// # Errors
/// A sentence for the terminal.
pub fn run(settings: &Settings, asked: &Backup) -> Result<(), Failed> {
    settings.must_exist()?;
    let url = settings.url()?;
    let size = crate::db::backup::backup(&url, &asked.file, asked.pg_bin.as_deref())?;
    println!("{}: {} bytes of {}", asked.file.display(), size, url.shown());
    Ok(())
}
