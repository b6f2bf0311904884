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
    compute_by_two(r, None, scope, month, today, bands)
}

/// The same by two readers of one snapshot, where there is another: persons take as long as money and care together.
///
/// # Errors
/// The database's.
pub fn compute_by_two(
    r: &mut Read,
    beside: Option<&mut Read>,
    scope: &FigureScope,
    month: NaiveDate,
    today: NaiveDate,
    bands: &AgeBands,
) -> Result<Sheet> {
    let Period { from, to } = month_of(month).map_err(|_| Error::Fault("a month beyond the calendar".into()))?;
    let of = Scope { mutual: scope.mutual(), from, to, stock_on: to.min(today), bands };
    let money_and_care = |r: &mut Read| {
        let mut sheet = Sheet::default();
        money::add(r, &of, &mut sheet)?;
        care::add(r, &of, &mut sheet)?;
        Ok::<_, Error>(sheet)
    };
    let mut sheet = Sheet::default();
    let other = match beside {
        Some(beside) => std::thread::scope(|scope| {
            let working = scope.spawn(|| money_and_care(beside));
            let added = register::add(r, &of, &mut sheet);
            let other = working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            added.and(other)
        })?,
        None => {
            register::add(r, &of, &mut sheet)?;
            money_and_care(r)?
        }
    };
    sheet.take(&other);
    Ok(sheet)
}
