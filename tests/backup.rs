//! A copy of a running database, restored: whole, at one moment, and everything that was acknowledged before it.
mod support;

use ayni::db::DbError;
use ayni::db::backup::{BackupError, backup};
use ayni::error::Error;
use ayni::ids::*;
use diesel::prelude::*;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use support::office::{Office, day, household};

const WRITERS: usize = 4;

#[test]
fn a_copy_of_a_running_database_is_whole() {
    let office = Office::new();
    let homes: Vec<HouseholdId> = (0..WRITERS)
        .map(|_| {
            let order = office.order("POST /households");
            office.register(&order, &household("STANDARD", day("2026-03-01"), 2)).unwrap();
            Key::new(order.id.uuid())
        })
        .collect();
    ayni::field::feed::number_all(&office.test.db, office.scope().mutual()).unwrap();
    let numbered = office.test.count("changes");
    assert!(numbered > 0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.backup");
    let acknowledged = Mutex::new(Vec::<PaymentId>::new());
    let is_done = AtomicBool::new(false);
    let (before, size) = std::thread::scope(|scope| {
        for home in &homes {
            let (office, acknowledged, is_done) = (&office, &acknowledged, &is_done);
            scope.spawn(move || {
                while !is_done.load(Ordering::SeqCst) {
                    let order = office.order("POST /payments");
                    match office.pay(&order, *home, &office.cash(100, day("2026-03-10"))) {
                        Ok(_) => acknowledged.lock().unwrap().push(Key::new(order.id.uuid())),
                        Err(Error::Db(DbError::Busy)) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
        while acknowledged.lock().unwrap().len() < 40 {
            std::thread::yield_now();
        }
        let before = acknowledged.lock().unwrap().clone();
        let size = backup(&office.test.url, &file, None);
        let after = acknowledged.lock().unwrap().len();
        // The writers did not wait for it.
        while acknowledged.lock().unwrap().len() < after + 20 {
            std::thread::yield_now();
        }
        is_done.store(true, Ordering::SeqCst);
        (before, size)
    });
    assert!(size.unwrap() > 10_000);
    let again = backup(&office.test.url, &file, None);
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Nothing unfinished is left beside it.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let restored = office.test.restored(&file);
    let (url, db) = (restored.url.clone(), restored.db.clone());
    assert_eq!(ayni::db::migrate::run(&url).unwrap().len(), 0);
    // What devices have pulled is counted anew from a copy on.
    assert_eq!((restored.count("feed_heads"), restored.count("changes")), (0, 0));
    assert_eq!((office.test.count("feed_heads"), office.test.count("changes")), (1, numbered));
    let verdict = ayni::verify::verify(&db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
    let mut owner = ayni::db::connect::establish(&url).unwrap();
    let there: Vec<PaymentId> =
        ayni::db::schema::payments::table.select(ayni::db::schema::payments::id).load(&mut owner).unwrap();
    let set: BTreeSet<PaymentId> = there.iter().copied().collect();
    assert_eq!(set.len(), there.len());
    assert!(before.iter().all(|id| set.contains(id)), "an acknowledged payment is not in the copy");
    let all: BTreeSet<PaymentId> = acknowledged.into_inner().unwrap().into_iter().collect();
    assert!(set.len() < all.len() + WRITERS, "the copy has payments that nobody made");
}
