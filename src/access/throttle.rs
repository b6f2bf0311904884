//! Failed logins cost time: after a few, each next try for the account or from the address must wait longer, up to a
//! bound. Nobody is locked out for good, so that nobody can lock another out.
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Failures that cost nothing: people mistype.
const FREE: u32 = 4;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60);
/// A key without a failure for so long is forgotten.
const FORGET: Duration = Duration::from_secs(900);
/// Keys remembered at most; beyond, the oldest go.
const KEYS: usize = 20_000;

#[derive(Default)]
struct Tries {
    failures: u32,
    last: Option<Instant>,
}

/// The failures remembered, by account and by address.
#[derive(Default)]
pub struct Throttle {
    tries: Mutex<HashMap<String, Tries>>,
}

/// How long the next try must wait after so many failures.
fn wait(failures: u32) -> Duration {
    if failures <= FREE {
        return Duration::ZERO;
    }
    let doublings = (failures - FREE - 1).min(6);
    Duration::from_secs(1 << doublings).min(LONGEST)
}

impl Throttle {
    /// The seconds that a try for any of these keys must still wait; none where it may go on.
    pub fn must_wait(&self, keys: &[&str], now: Instant) -> Option<u64> {
        let tries = self.tries.lock();
        keys.iter()
            .filter_map(|key| {
                let known = tries.get(*key)?;
                let until = known.last? + wait(known.failures);
                until.checked_duration_since(now).filter(|left| !left.is_zero())
            })
            .max()
            .map(|left| left.as_secs() + 1)
    }

    /// Counts a failure for each key.
    pub fn failed(&self, keys: &[&str], now: Instant) {
        let mut tries = self.tries.lock();
        if tries.len() >= KEYS {
            tries.retain(|_, known| known.last.is_some_and(|last| now.duration_since(last) < FORGET));
        }
        if tries.len() >= KEYS {
            let oldest = tries.iter().min_by_key(|(_, known)| known.last).map(|(key, _)| key.clone());
            if let Some(key) = oldest {
                tries.remove(&key);
            }
        }
        for key in keys {
            let known = tries.entry((*key).to_owned()).or_default();
            if known.last.is_some_and(|last| now.duration_since(last) >= FORGET) {
                known.failures = 0;
            }
            known.failures = known.failures.saturating_add(1);
            known.last = Some(now);
        }
    }

    /// Forgets an account's failures: its owner came in. The address's stay, since others may try from there.
    pub fn succeeded(&self, account: &str) {
        self.tries.lock().remove(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_failures_and_ends() {
        let throttle = Throttle::default();
        let start = Instant::now();
        for _ in 0..FREE {
            throttle.failed(&["a"], start);
        }
        assert_eq!(throttle.must_wait(&["a"], start), None);
        let mut last = 0;
        for _ in 0..12 {
            throttle.failed(&["a", "address"], start);
            let wait = throttle.must_wait(&["a"], start).unwrap();
            assert!(wait >= last && wait <= LONGEST.as_secs() + 1);
            last = wait;
        }
        assert!(throttle.must_wait(&["b"], start).is_none(), "another account does not wait");
        assert!(throttle.must_wait(&["b", "address"], start).is_some(), "another account from that address does");
        assert!(throttle.must_wait(&["a"], start + LONGEST).is_none(), "no lockout");
        throttle.succeeded("a");
        assert!(throttle.must_wait(&["a"], start).is_none());
    }
}
