//! What `Db::read` and `Db::write` promise, on either engine.
mod support;

use ayni::db::{Db, DbError, Wall};
use ayni::error::{Code, Error};
use diesel::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::TestDb;
use support::database::on_postgres;

use ayni::access::store::{access_version, move_version};

fn version(db: &Db) -> i64 {
    db.read(Wall::ROOT, |r| access_version(r).map_err(DbError::from)).unwrap()
}

fn step(db: &Db) -> Result<(), Error> {
    db.write(Wall::ROOT, |w| move_version(w).map_err(Error::from))
}

#[test]
fn a_read_is_one_snapshot() {
    let test = TestDb::new();
    let first = version(&test.db);
    let (before, after) = test
        .db
        .read(Wall::ROOT, |r| {
            let before = access_version(r)?;
            std::thread::scope(|scope| scope.spawn(|| step(&test.db).unwrap()).join().unwrap());
            Ok::<_, DbError>((before, access_version(r)?))
        })
        .unwrap();
    assert_eq!((before, after), (first, first), "a write committed meanwhile is not seen");
    assert_eq!(version(&test.db), first + 1, "the next read sees it");
}

#[test]
fn a_panic_inside_a_write_leaves_nothing_and_the_next_goes_on() {
    let test = TestDb::new();
    let first = version(&test.db);
    // More often than there are connections: none is lost.
    for _ in 0..20 {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            test.db.write(Wall::ROOT, |w| {
                move_version(w)?;
                if w.wall() == Wall::ROOT {
                    panic!("a fault of ours");
                }
                Ok::<_, Error>(())
            })
        }));
        assert!(outcome.is_err());
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            test.db.read(Wall::ROOT, |r| {
                access_version(r)?;
                if r.wall() == Wall::ROOT {
                    panic!("a fault of ours");
                }
                Ok::<_, Error>(())
            })
        }));
        assert!(outcome.is_err());
    }
    assert_eq!(version(&test.db), first);
    step(&test.db).unwrap();
    assert_eq!(version(&test.db), first + 1);
}

#[test]
fn a_refusal_leaves_nothing() {
    let test = TestDb::new();
    let first = version(&test.db);
    for _ in 0..20 {
        let refused = test.db.write(Wall::ROOT, |w| {
            move_version(w)?;
            Err::<(), Error>(Code::WrongState.into())
        });
        assert!(matches!(refused, Err(Error::Problem(problem)) if problem.code == Code::WrongState));
    }
    assert_eq!(version(&test.db), first);
}

#[test]
fn a_database_error_leaves_nothing_and_is_not_tried_again() {
    let test = TestDb::new();
    let first = version(&test.db);
    let mut tries = 0;
    let refused = test.db.write(Wall::ROOT, |w| {
        tries += 1;
        move_version(w)?;
        ayni::db::execute(w.conn(), "INSERT INTO nothing_like_this VALUES (1)")?;
        Ok::<_, Error>(())
    });
    assert!(matches!(refused, Err(Error::Db(DbError::Failed(_)))), "{refused:?}");
    assert_eq!(tries, 1);
    assert_eq!(version(&test.db), first);
    step(&test.db).unwrap();
}

#[test]
fn sixteen_writers_lose_nothing() {
    const WRITERS: i64 = 16;
    const STEPS: i64 = 25;
    let test = TestDb::new();
    let first = version(&test.db);
    let barrier = Barrier::new(16);
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..STEPS {
                    // Told to come back, one comes back.
                    while let Err(error) = step(&test.db) {
                        assert!(matches!(error, Error::Db(DbError::Busy)), "{error:?}");
                    }
                }
            });
        }
    });
    assert_eq!(version(&test.db), first + WRITERS * STEPS);
}

#[test]
fn what_is_read_under_the_lock_is_exact() {
    // Read, decide, write: on PostgreSQL (READ COMMITTED) only the lock makes that safe, so the lock comes first.
    let test = TestDb::new();
    test.db.write(Wall::ROOT, |w| move_version(w).map_err(Error::from)).unwrap();
    let first = version(&test.db);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let done = test.db.write(Wall::ROOT, |w| {
                        ayni::db::execute(w.conn(), "UPDATE access_state SET version = version WHERE id = 1")?;
                        let known = access_version(w)?;
                        ayni::db::execute(w.conn(), &format!("UPDATE access_state SET version = {}", known + 1))?;
                        Ok::<_, Error>(())
                    });
                    done.unwrap();
                }
            });
        }
    });
    assert_eq!(version(&test.db), first + 80);
}

#[test]
fn a_command_that_must_start_anew_starts_anew() {
    let test = TestDb::new();
    let first = version(&test.db);
    let tries = AtomicUsize::new(0);
    let done = test.db.write(Wall::ROOT, |w| {
        move_version(w)?;
        if tries.fetch_add(1, Ordering::Relaxed) < 2 {
            return Err(Error::Again);
        }
        Ok(w.effects.entities.len())
    });
    assert_eq!(done.unwrap(), 0, "with nothing of the earlier tries");
    assert_eq!(tries.load(Ordering::Relaxed), 3);
    assert_eq!(version(&test.db), first + 1, "the tries given up left nothing");
    let endless = test.db.write(Wall::ROOT, |_| Err::<(), Error>(Error::Again));
    let told = endless.unwrap_err().to_problem();
    assert_eq!((told.code, told.retry_after), (Code::Busy, Some(1)), "not for ever");
}

#[test]
fn a_read_cannot_write() {
    let test = TestDb::new();
    let first = version(&test.db);
    for statement in
        ["UPDATE access_state SET version = version + 1", "DELETE FROM access_state", "CREATE TABLE x (y int)"]
    {
        let refused = test.db.read(Wall::ROOT, |r| ayni::db::execute(r.conn(), statement).map_err(DbError::from));
        let said = refused.expect_err(statement).to_string();
        let expected = if on_postgres() { "read-only transaction" } else { "readonly database" };
        assert!(said.contains(expected), "{statement}: {said}");
    }
    assert_eq!(version(&test.db), first);
    step(&test.db).unwrap();
}

#[test]
fn rows_of_one_transaction_carry_one_instant() {
    let test = TestDb::new();
    let (before, after) = test
        .db
        .write(Wall::ROOT, |w| {
            let before = w.now();
            test.clock.set(support::database::start() + chrono::Duration::hours(1));
            Ok::<_, Error>((before, w.now()))
        })
        .unwrap();
    assert_eq!(before, after);
    let later = test.db.read(Wall::ROOT, |r| Ok::<_, DbError>(r.now())).unwrap();
    assert_eq!(later - before, chrono::Duration::hours(1));
}

#[test]
fn who_waits_too_long_is_told_that_the_database_is_busy() {
    let test = TestDb::new();
    if on_postgres() {
        // All connections taken: the next waits two seconds and is told so.
        let cores = std::thread::available_parallelism().unwrap().get();
        let (held, done) = (Barrier::new(4 * cores + 1), Barrier::new(4 * cores + 1));
        std::thread::scope(|scope| {
            for _ in 0..4 * cores {
                scope.spawn(|| {
                    test.db.read(Wall::ROOT, |_| {
                        held.wait();
                        done.wait();
                        Ok::<_, DbError>(())
                    })
                });
            }
            held.wait();
            assert!(matches!(step(&test.db), Err(Error::Db(DbError::Busy))));
            done.wait();
        });
    } else {
        test.db
            .write(Wall::ROOT, |_| {
                std::thread::scope(|scope| {
                    let other = scope.spawn(|| step(&test.db)).join().unwrap();
                    assert!(matches!(other, Err(Error::Db(DbError::Busy))), "{other:?}");
                });
                Ok::<_, Error>(())
            })
            .unwrap();
    }
    step(&test.db).unwrap();
}

#[test]
fn a_transaction_that_named_a_wall_leaves_none_behind() {
    let test = TestDb::new();
    if !on_postgres() {
        return;
    }
    let mutual = test.db.ids().next();
    for _ in 0..30 {
        test.db.read(Wall::mutual(mutual), |_| Ok::<_, DbError>(())).unwrap();
    }
    let named: String = test
        .db
        .read(Wall::ROOT, |r| {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>("current_setting('app.mutual')"))
                .get_result(r.conn())
                .map_err(DbError::from)
        })
        .unwrap();
    assert_eq!(named, "00000000-0000-0000-0000-000000000000");
}
