//! A realistic history of any size, made through the services with a simulated clock: the same seed, options and date give
//! the same rows, ids included (passwords apart). The demonstration and the measurements live on it.
pub mod care;
pub mod changes;
pub mod figures;
pub mod history;
pub mod people;
pub mod treasury;
pub mod tree;

use crate::app::HOOKS;
use crate::clock::Clock;
use crate::db::Db;
use crate::db::url::DatabaseUrl;
use crate::error::{Error, Result};
use crate::ids::{Ids, split_mix};
use chrono::{Months, NaiveDate};

/// The password of every simulated user.
pub const PASSWORD: &str = "ayni-demo-2026";

/// How large a history.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Options {
    /// Mutuals, half of them in Burundi (BIF), half in Senegal (XOF)
    #[arg(long, default_value_t = 4)]
    pub mutuals: u32,
    /// Households of each mutual
    #[arg(long, default_value_t = 60)]
    pub households: u32,
    /// Months of history
    #[arg(long, default_value_t = 15)]
    pub months: u32,
    /// The same seed gives the same rows
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Dice that fall the same way for the same seed.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Dice of a seed.
    pub fn new(seed: u64) -> Self {
        Dice { state: seed }
    }

    /// A number from 0 to `bound` − 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { split_mix(&mut self.state) % bound }
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of a list.
    pub fn pick<'t, T: ?Sized>(&mut self, list: &[&'t T]) -> Option<&'t T> {
        let at = usize::try_from(self.below(u64::try_from(list.len()).ok()?)).ok()?;
        list.get(at).copied()
    }

    /// A day from one to another, both included.
    pub fn day(&mut self, from: NaiveDate, to: NaiveDate) -> NaiveDate {
        let days = u64::try_from(crate::dates::days_between(from, to)).unwrap_or(0);
        let offset = i64::try_from(self.below(days + 1)).unwrap_or(0);
        crate::dates::add_days(from, offset).unwrap_or(from)
    }
}

/// Makes a history that ends on `until`, in a database without organisations.
///
/// # Errors
/// The database's, or a refusal where the database is not empty.
pub fn simulate(
    url: DatabaseUrl,
    options: Options,
    until: NaiveDate,
    mut progress: impl FnMut(u64, u64),
) -> Result<Db> {
    let fault = |error: &dyn std::fmt::Display| Error::Fault(error.to_string());
    let start = until
        .checked_sub_months(Months::new(options.months))
        .ok_or_else(|| Error::Fault("the history begins before the calendar".into()))?;
    let at = |day: NaiveDate| day.and_hms_opt(6, 0, 0).map(|at| at.and_utc());
    let first = at(start).ok_or_else(|| Error::Fault("no first morning".into()))?;
    let clock = Clock::set_at(first);
    let ids = Ids::seeded(clock.clone(), options.seed);
    let db = Db::open(url, clock.clone(), ids, true).map_err(|error| fault(&error))?;
    let mut dice = Dice::new(options.seed);
    let tree = tree::plant(&db, &HOOKS, options.mutuals, start)?;
    figures::expect(&db, &tree, options.households, start)?;
    history::live(&db, &clock, &tree, options, start, until, &mut dice, &mut progress)?;
    Ok(db)
}
