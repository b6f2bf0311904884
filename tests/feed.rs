//! The feed: what is committed late is numbered late, and nothing is skipped or numbered twice, wherever writers and pulls meet.
mod support;

use ayni::audit::model::ChangeRow;
use ayni::db::{Wall, Write};
use ayni::error::Error;
use ayni::field::feed;
use ayni::field::store;
use ayni::ids::*;
use diesel::connection::{Connection, InstrumentationEvent};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use support::database::on_postgres;
use support::office::Office;

fn change(w: &Write, mutual: MutualId, entity: u128) -> ChangeRow {
    ChangeRow {
        mutual_id: mutual,
        id: w.new_id(),
        entity_kind: "household".into(),
        entity_id: Key::new(uuid::Uuid::from_u128(entity)),
        section_before: None,
        section_after: None,
        recorded_at: w.now(),
    }
}

/// The feed as it stands: numbers without a gap, from 1.
fn entities(office: &Office) -> Vec<u128> {
    let mutual = office.scope().mutual();
    let rows = office.test.db.read(Wall::mutual(mutual), |r| {
        let all = ayni::access::scopes::Sections::All;
        Ok::<_, Error>(store::list_changes(r, mutual, &all, &feed::HEARD, 0, i64::MAX)?)
    });
    let rows = rows.unwrap();
    assert!(rows.iter().map(|row| row.number).eq(1..=i64::try_from(rows.len()).unwrap()));
    rows.into_iter().map(|row| row.entity_id.uuid().as_u128()).collect()
}

/// Runs a pull's numbering and calls `at` before each of its statements, with the statement's place.
fn numbering(office: &Office, at: impl FnMut(usize) + Send + 'static) -> usize {
    let mutual = office.scope().mutual();
    let count = Arc::new(AtomicUsize::new(0));
    let (seen, at) = (count.clone(), Arc::new(Mutex::new(at)));
    office
        .test
        .db
        .write(Wall::mutual(mutual), |w| {
            let (seen, at) = (seen.clone(), at.clone());
            w.conn().set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                    (at.lock().unwrap())(seen.fetch_add(1, Ordering::SeqCst));
                }
            });
            let done = feed::number(w, mutual);
            w.conn().set_instrumentation(|_: InstrumentationEvent<'_>| {});
            done
        })
        .unwrap();
    count.load(Ordering::SeqCst)
}

/// What the writer is told to do next.
enum Go {
    Write,
    Commit,
}

#[test]
fn a_writer_at_every_statement_of_a_pull_is_not_skipped() {
    if !on_postgres() {
        // One writer at a time: there is nothing to meet.
        return;
    }
    let office = Office::new();
    let mutual = office.scope().mutual();
    let wall = Wall::mutual(mutual);
    let mut expected = BTreeSet::new();
    let mut entity = 0_u128;
    // Something to be numbered each time, so that every statement is there.
    let mut seed = |expected: &mut BTreeSet<u128>| {
        entity += 1;
        let this = 1_000_000 + entity;
        office
            .test
            .db
            .write(wall, |w| {
                let row = change(w, mutual, this);
                Ok::<_, Error>(ayni::audit::store::insert_changes(w, &[row])?)
            })
            .unwrap();
        expected.insert(this);
    };
    seed(&mut expected);
    let statements = numbering(&office, |_| {});
    assert!(statements >= 7, "{statements} statements");
    let (mut met, mut name) = (0, 0_u128);
    for write in 0..statements {
        for commit in write..=statements {
            seed(&mut expected);
            name += 1;
            let this = name;
            expected.insert(this);
            let (tell, told) = channel::<Go>();
            let (done, did) = channel::<()>();
            std::thread::scope(|scope| {
                let office = &office;
                scope.spawn(move || {
                    office
                        .test
                        .db
                        .write(wall, |w| {
                            assert!(matches!(told.recv().unwrap(), Go::Write));
                            let row = change(w, mutual, this);
                            ayni::audit::store::insert_changes(w, &[row])?;
                            done.send(()).unwrap();
                            assert!(matches!(told.recv().unwrap(), Go::Commit));
                            Ok::<_, Error>(())
                        })
                        .unwrap();
                    done.send(()).unwrap();
                });
                let (tell_now, did) = (tell.clone(), Mutex::new(did));
                let did = Arc::new(did);
                let hears = did.clone();
                let ran = numbering(office, move |at| {
                    if at == write {
                        tell_now.send(Go::Write).unwrap();
                        hears.lock().unwrap().recv().unwrap();
                    }
                    if at == commit {
                        tell_now.send(Go::Commit).unwrap();
                        hears.lock().unwrap().recv().unwrap();
                    }
                });
                if commit >= ran {
                    tell.send(Go::Commit).unwrap();
                    did.lock().unwrap().recv().unwrap();
                }
                assert!(ran >= statements, "{ran} statements");
            });
            met += 1;
            // The next pull brings what this one could not see.
            numbering(&office, |_| {});
            let there = entities(&office);
            let set: BTreeSet<u128> = there.iter().copied().collect();
            assert_eq!(set.len(), there.len(), "numbered twice: written at {write}, committed at {commit}");
            assert_eq!(set, expected, "skipped: written at {write}, committed at {commit}");
        }
    }
    assert!(met > 20, "{met} meetings");
}

#[test]
fn writers_and_pulls_at_once_number_every_change_once() {
    const WRITERS: usize = 12;
    const PULLS: usize = 4;
    let office = Office::new();
    let mutual = office.scope().mutual();
    let wall = Wall::mutual(mutual);
    let gate = Barrier::new(WRITERS + PULLS);
    let written = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for writer in 0..WRITERS {
            let (office, gate, written) = (&office, &gate, &written);
            threads.spawn(move || {
                gate.wait();
                for at in 0..15_usize {
                    let entity = u128::try_from(writer * 1_000 + at + 1).unwrap();
                    loop {
                        let done = office.test.db.write(wall, |w| {
                            let rows = [change(w, mutual, entity), change(w, mutual, entity + 500_000)];
                            Ok::<_, Error>(ayni::audit::store::insert_changes(w, &rows)?)
                        });
                        if done.is_ok() {
                            break;
                        }
                    }
                    written.fetch_add(2, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..PULLS {
            let (office, gate, written) = (&office, &gate, &written);
            threads.spawn(move || {
                gate.wait();
                while written.load(Ordering::SeqCst) < WRITERS * 15 * 2 {
                    // One that is told to come again does.
                    let _ = feed::number_all(&office.test.db, mutual);
                }
            });
        }
    });
    feed::number_all(&office.test.db, mutual).unwrap();
    let there: Vec<u128> = entities(&office).into_iter().filter(|entity| *entity < 1_000_000).collect();
    let set: BTreeSet<u128> = there.iter().copied().collect();
    assert_eq!((there.len(), set.len()), (WRITERS * 30, WRITERS * 30));
}
