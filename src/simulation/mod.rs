//! A realistic history of any size, made through the services with a simulated clock: the same seed, options and date give
//! the same rows, ids included (passwords apart). The demonstration and the measurements live on it.
//!
//! Several may write at once, each the lives of its own mutuals with a clock, ids and dice of its own: what the rows of one
//! writer's mutuals say does not depend on the other writers.
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
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// How many write at once, each for its own mutuals, which gives another history; on SQLite one after the other
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub writers: u32,
}

/// Those of the demonstration.
impl Default for Options {
    fn default() -> Self {
        Options { mutuals: 4, households: 60, months: 15, seed: 1, writers: 1 }
    }
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
    let db = Db::open(url.clone(), clock.clone(), ids, true).map_err(|error| fault(&error))?;
    let tree = tree::plant(&db, &HOOKS, options.mutuals, start)?;
    figures::expect(&db, &tree, options.households, start)?;
    let share = |writer: u32| history::Share { options, writer, start, until };
    // Where one fails the others stop as well: nobody waits for hours to be told.
    let stop = AtomicBool::new(false);
    let noted = |done: Result<()>| {
        stop.fetch_or(done.is_err(), Ordering::Relaxed);
        done
    };
    let another = |writer: u32| -> Result<()> {
        let seed = seed_of(options.seed, writer);
        let clock = Clock::set_at(first);
        let ids = Ids::seeded(clock.clone(), seed);
        let db = Db::open(url.clone(), clock.clone(), ids, false).map_err(|error| fault(&error))?;
        history::live(&db, &clock, &tree, &share(writer), &mut Dice::new(seed), &stop, &mut |_, _| {})
    };
    let mut one = || history::live(&db, &clock, &tree, &share(0), &mut Dice::new(options.seed), &stop, &mut progress);
    if db.has_many_writers() {
        std::thread::scope(|scope| {
            let (noted, another) = (&noted, &another);
            let spawned = |writer: u32| scope.spawn(move || noted(another(writer)));
            let others: Vec<_> = (1..options.writers).map(spawned).collect();
            let first = noted(one());
            let others = others.into_iter().map(|other| {
                other.join().unwrap_or_else(|_| Err(Error::Fault("a writer of the history stopped".into())))
            });
            others.collect::<Vec<_>>().into_iter().fold(first, Result::and)
        })?;
    } else {
        one()?;
        (1..options.writers).try_for_each(another)?;
    }
    Ok(db)
}

/// The seed of one that writes beside others: the first has the given one.
fn seed_of(seed: u64, writer: u32) -> u64 {
    let mut state = seed ^ u64::from(writer).rotate_right(16);
    if writer == 0 { seed } else { split_mix(&mut state) }
}
