//! `ayni import`
use super::Failed;
use crate::app::HOOKS;
use crate::config::Settings;
use crate::imports::service::{NewMutual, Request, import};
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Load a mutual's registers from CSV files.
#[derive(Debug, Args)]
pub struct Import {
    /// The folder of the files
    folder: PathBuf,
    /// The mutual's code
    #[arg(long)]
    mutual: String,
    /// The mutual's name: makes it where it is not there
    #[arg(long, requires_all = ["country", "currency", "timezone"])]
    new: Option<String>,
    /// ISO 3166-1 alpha-2, with --new
    #[arg(long)]
    country: Option<String>,
    /// ISO 4217, with --new
    #[arg(long)]
    currency: Option<String>,
    /// IANA zone, with --new
    #[arg(long)]
    timezone: Option<String>,
    /// The code of the organisation above, with --new
    #[arg(long)]
    parent: Option<String>,
    /// Check and try everything, write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Carries it out.
///
/// # Errors
/// Status 2 where a row is bad; every bad row is printed.
pub fn run(settings: &Settings, asked: &Import) -> Result<(), Failed> {
    let db = settings.open()?;
    let new = match (&asked.new, &asked.country, &asked.currency, &asked.timezone) {
        (Some(name), Some(country), Some(currency), Some(timezone)) => Some(NewMutual {
            name: name.clone(),
            country: country.clone(),
            currency: currency.clone(),
            timezone: timezone.clone(),
            parent: asked.parent.clone(),
        }),
        _ => None,
    };
    let request = Request { mutual: asked.mutual.clone(), new, dry_run: asked.dry_run };
    let bar = std::io::stderr().is_terminal().then(|| indicatif::ProgressBar::new(0));
    let report = import(&db, &HOOKS, &asked.folder, &request, |file, done, all| {
        if let Some(bar) = &bar {
            bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
            bar.set_message(file.to_owned());
        }
    })
    .map_err(|error| Failed { message: error.to_string(), status: 2 })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    for file in &report.files {
        let verb = if asked.dry_run { "would be written" } else { "written" };
        let note = if file.checked_only { ", checked only" } else { "" };
        println!(
            "{:<16} {:>7} rows: {} {verb}, {} there already, {} differ{note}",
            file.file,
            file.rows,
            file.written,
            file.skipped,
            file.differs.len()
        );
        for number in &file.differs {
            println!("  {number} differs: it is there with other content and was left alone");
        }
    }
    for fault in &report.faults {
        eprintln!("{fault}");
    }
    if report.faults.is_empty() {
        return Ok(());
    }
    Err(Failed { message: format!("{} bad rows; nothing was written of their files", report.faults.len()), status: 2 })
}
