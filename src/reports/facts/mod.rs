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
use crate::ids::{HouseholdId, MemberId, MutualId};
use crate::reports::measures::{DEFINITION_VERSION, Sheet};
use chrono::NaiveDate;
pub use register::AgeBands;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whose month is computed, and how.
struct Scope<'a> {
    mutual: MutualId,
    from: NaiveDate,
    to: NaiveDate,
    /// The last day, or today within the month.
    stock_on: NaiveDate,
    bands: &'a AgeBands,
}

/// What one reader found of a month.
#[derive(Default)]
struct Part {
    sheet: Sheet,
    /// Who is covered, and who stays as a principal: who is both is known when all was read.
    covered: Vec<(HouseholdId, MemberId)>,
    principals: HashSet<(HouseholdId, MemberId)>,
}

/// Adds what one question, or a few that belong together, tell of the month.
type Reading = fn(&mut Read, &Scope<'_>, &mut Part) -> Result<()>;

/// What is read of a month, what takes longest first: each is of the snapshot alone, so it does not matter who reads it and when.
const READINGS: [Reading; 9] = [
    register::cover,
    money::arrears,
    money::earned,
    register::stays,
    care::categories,
    money::books,
    care::decisions,
    care::paid,
    money::dues,
];

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

/// The same by two readers of one snapshot, where there is another.
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
    let next = AtomicUsize::new(0);
    // Whoever has done with one takes the next, so that both are done at about the same time, however quick each of them is.
    let read = |r: &mut Read| {
        let mut part = Part::default();
        while let Some(reading) = READINGS.get(next.fetch_add(1, Ordering::Relaxed)) {
            reading(r, &of, &mut part)?;
        }
        Ok::<_, Error>(part)
    };
    let mut part = match beside {
        Some(beside) => std::thread::scope(|scope| {
            let working = scope.spawn(|| read(beside));
            let own = read(r);
            let other = working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let (mut part, other) = (own?, other?);
            part.sheet.take(&other.sheet);
            part.covered.extend(other.covered);
            part.principals.extend(other.principals);
            Ok::<_, Error>(part)
        })?,
        None => read(r)?,
    };
    register::principals(&mut part);
    Ok(part.sheet)
}
