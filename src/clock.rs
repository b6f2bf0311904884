//! The one source of time. Instants are UTC in whole microseconds, since PostgreSQL keeps no finer ones; the business
//! date is a civil date in the mutual's zone (R3), which `--today` may pin without touching the instants.
use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use parking_lot::RwLock;
use std::sync::Arc;

/// A cheap handle on the clock in force: the machine's, or a set one for simulations and tests.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Arc<Source>,
}

#[derive(Debug)]
enum Source {
    /// The machine's clock, with the business date pinned where one was given.
    Machine { today: Option<NaiveDate> },
    /// A clock that stands until it is moved.
    Set(RwLock<DateTime<Utc>>),
}

impl Clock {
    /// The machine's clock.
    pub fn machine(today: Option<NaiveDate>) -> Self {
        Clock { source: Arc::new(Source::Machine { today }) }
    }

    /// A clock that shows `at` until [`Clock::set`] moves it.
    pub fn set_at(at: DateTime<Utc>) -> Self {
        Clock { source: Arc::new(Source::Set(RwLock::new(at))) }
    }

    /// Moves a set clock; does nothing to the machine's.
    pub fn set(&self, at: DateTime<Utc>) {
        if let Source::Set(cell) = &*self.source {
            *cell.write() = at;
        }
    }

    /// The instant, UTC, whole microseconds.
    #[allow(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> NaiveDateTime {
        match &*self.source {
            Source::Machine { .. } => Utc::now().naive_utc().trunc_subsecs(6),
            Source::Set(cell) => cell.read().naive_utc().trunc_subsecs(6),
        }
    }

    /// The business date in a zone.
    pub fn today(&self, zone: Tz) -> NaiveDate {
        match &*self.source {
            Source::Machine { today: Some(pinned) } => *pinned,
            _ => self.now().and_utc().with_timezone(&zone).date_naive(),
        }
    }
}
