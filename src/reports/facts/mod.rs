//! The facts of a mutual's month: computed from the rows, kept, and computed again when a command has marked the month.
mod care;
pub mod model;
mod money;
pub mod register;
pub mod service;
pub mod store;

use crate::access::scopes::FigureScope;
use crate::dates::{Period, month_of};
use crate::db::Read;
use crate::error::{Error, Result};
use crate::ids::MutualId;
use crate::reports::measures::{DEFINITION_VERSION, Sheet};
use chrono::NaiveDate;
pub use register::AgeBands;

/// Whose month is computed, and how.
struct Scope<'a> {
    mutual: MutualId,
    from: NaiveDate,
    to: NaiveDate,
    /// The last day, or today within the month.
    stock_on: NaiveDate,
    bands: &'a AgeBands,
}

/// The definitions by which facts are computed: others make them stale.
pub fn definition(bands: &AgeBands) -> String {
    format!("{DEFINITION_VERSION}:{bands}")
}

/// A mutual's month from the rows, up to a day.
///
/// # Errors
/// The database's.
pub fn compute(
    r: &mut Read,
    scope: &FigureScope,
    month: NaiveDate,
    today: NaiveDate,
    bands: &AgeBands,
) -> Result<Sheet> {
    let Period { from, to } = month_of(month).map_err(|_| Error::Fault("a month beyond the calendar".into()))?;
    let of = Scope { mutual: scope.mutual(), from, to, stock_on: to.min(today), bands };
    let mut sheet = Sheet::default();
    register::add(r, &of, &mut sheet)?;
    money::add(r, &of, &mut sheet)?;
    care::add(r, &of, &mut sheet)?;
    Ok(sheet)
}
