//! `ayni export return`
use super::Failed;
use crate::access::picture::Picture;
use crate::config::Settings;
use crate::db::Wall;
use crate::error::Error;
use crate::reports::periods::service::month_in_path;
use crate::reports::releases::http::MonthReturn;
use crate::reports::releases::model::Basis;
use crate::reports::releases::{service as releases, store};
use clap::{Args, Subcommand};

/// Write what another installation reads.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// A mutual's closed month as totals without a person, to be handed in at the platform's installation
    Return(Return),
}

/// Which month.
#[derive(Debug, Args)]
pub struct Return {
    /// The mutual's code
    #[arg(long)]
    mutual: String,
    /// The month, closed here
    #[arg(long, value_name = "YYYY-MM")]
    month: String,
}

/// `ayni export …`
///
/// # Errors
/// A sentence for the terminal.
pub fn run(settings: &Settings, asked: &Export) -> Result<(), Failed> {
    let Export::Return(asked) = asked;
    let db = settings.open_existing()?;
    let picture = Picture::load(&db)?;
    let unit = picture
        .by_code(&asked.mutual)
        .map(|found| found.id)
        .ok_or_else(|| Failed::from(format!("there is no mutual {}", asked.mutual)))?;
    let month = month_in_path(&asked.month)
        .map_err(|_| Failed::from(format!("'{}' is no month such as 2026-03", asked.month)))?;
    let found = db.read(Wall::ROOT, |r| {
        let standing = store::standing(r, unit, month)?.filter(|release| release.basis != Basis::Provisional);
        let Some(release) = standing else { return Ok(None) };
        let sheet = releases::sheet_of(r, &release)?;
        Ok::<_, Error>(Some(MonthReturn::of(&release.currency, &sheet)))
    })?;
    let found = found.ok_or_else(|| Failed::from(format!("{} was not closed: close it first", asked.month)))?;
    println!("{}", serde_json::to_string_pretty(&found)?);
    Ok(())
}
