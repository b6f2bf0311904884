//! Random days of a treasurer, and many treasurers at once: whatever happens in whatever order, and however late it is
//! recorded, desks, floats, debts, what lies unallocated, the books and the figures say what the rows say.
mod support;

use ayni::audit::frame::{Done, Execution, Order};
use ayni::contributions::desks;
use ayni::contributions::model::Method;
use ayni::contributions::reversals;
use ayni::contributions::service::{NewPayment, Taker};
use ayni::db::{DbError, Wall, Write};
use ayni::error::{Code, Error, Result};
use ayni::ids::*;
use ayni::ledger::rules::{MAIN, MovementKind};
use ayni::ledger::store as ledger;
use ayni::reports::measures::{Measure, Sheet};
use ayni::treasury::collections::{self, Line, NewCollection};
use ayni::treasury::mobile::{self, Decision, Telling, Waits};
use ayni::treasury::model::{Channel, Place};
use ayni::treasury::movements::{self, NewMovement, ReversalRequest};
use ayni::treasury::{collectors, store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::office::{Office, day, household};
use uuid::Uuid;

const THREADS: usize = 16;

#[derive(Debug, Clone, Copy)]
enum Act {
    Pay { home: usize, amount: i64, collector: bool, back: u64 },
    Reverse { back: usize },
    Submit { share: i64 },
    Count { share: i64 },
    Move { kind: usize, amount: i64, back: u64 },
    TakeBack { back: usize },
    Tell { transaction: u8, amount: i64, known: bool, currency: bool, back: u64 },
    Decide { which: usize, how: u8 },
    Collect { total: i64, listed: i64, back: u64 },
    Correct { which: usize },
    Close { off: i64 },
    Pass { days: u64 },
}

/// So many days before it was recorded something happened: mostly none, else on a day of this month, the last or the one
/// before. What is late is in the figures of its own day, which its command has to mark.
fn back() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0_u64), 2 => 1..41_u64]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..3_usize, 1..9_000_i64, any::<bool>(), back())
            .prop_map(|(home, amount, collector, back)| Act::Pay { home, amount, collector, back }),
        2 => (0..5_usize).prop_map(|back| Act::Reverse { back }),
        2 => (1..130_i64).prop_map(|share| Act::Submit { share }),
        2 => prop_oneof![Just(100_i64), 80..120_i64].prop_map(|share| Act::Count { share }),
        3 => (0..8_usize, 1..9_000_i64, back()).prop_map(|(kind, amount, back)| Act::Move { kind, amount, back }),
        1 => (0..3_usize).prop_map(|back| Act::TakeBack { back }),
        3 => (0..6_u8, 1..4_i64, any::<bool>(), prop::bool::weighted(0.9), back()).prop_map(
            |(transaction, amount, known, currency, back)| Act::Tell { transaction, amount, known, currency, back }
        ),
        2 => (0..3_usize, 0..3_u8).prop_map(|(which, how)| Act::Decide { which, how }),
        2 => (2..5_000_i64, prop_oneof![Just(0_i64), -1..2_i64], back())
            .prop_map(|(total, listed, back)| Act::Collect { total, listed, back }),
        1 => (0..2_usize).prop_map(|which| Act::Correct { which }),
        2 => prop_oneof![2 => Just(0_i64), 1 => -50..50_i64].prop_map(|off| Act::Close { off }),
        2 => (1..12_u64).prop_map(|days| Act::Pass { days }),
    ]
}

/// What every day must have seen: random acts may find an empty desk each time.
const BEGINNING: [Act; 8] = [
    Act::Pay { home: 0, amount: 8_000, collector: false, back: 0 },
    Act::Pay { home: 1, amount: 2_000, collector: true, back: 0 },
    Act::Submit { share: 100 },
    Act::Count { share: 100 },
    Act::Move { kind: MovementKind::Deposit as usize, amount: 1_000, back: 0 },
    Act::Move { kind: MovementKind::Expense as usize, amount: 500, back: 0 },
    Act::Tell { transaction: 99, amount: 1, known: false, currency: true, back: 0 },
    Act::Close { off: 5 },
];

struct Day {
    office: Office,
    homes: Vec<HouseholdId>,
    movements: Vec<MovementId>,
    events: Vec<MobileEventId>,
    collections: Vec<GroupCollectionId>,
}

const COLLECTOR: u128 = 9;

fn collector() -> UserId {
    Key::new(Uuid::from_u128(COLLECTOR))
}

impl Day {
    fn begin() -> Day {
        let office = Office::new();
        let homes = (0..3)
            .map(|_| {
                let order = office.order("POST /households");
                office.register(&order, &household("STANDARD", day("2026-03-01"), 1)).unwrap();
                Key::new(order.id.uuid())
            })
            .collect();
        Day { office, homes, movements: Vec::new(), events: Vec::new(), collections: Vec::new() }
    }

    fn mutual(&self) -> MutualId {
        Key::new(self.office.mutual.uuid())
    }

    fn balance(&self, code: &str) -> i64 {
        let mutual = self.mutual();
        self.office
            .test
            .db
            .read(Wall::mutual(mutual), |r| Ok::<_, Error>(ledger::balance(r, mutual, MAIN, code)?))
            .unwrap()
    }

    fn number(&self, home: usize) -> String {
        let scope = self.office.scope();
        let found = self.office.test.db.read(Wall::mutual(self.mutual()), |r| {
            Ok::<_, Error>(ayni::households::store::find(r, &scope, self.homes[home])?)
        });
        found.unwrap().unwrap().number
    }

    fn give<T>(&self, user: u128, mut body: impl FnMut(&mut Write, &Order) -> Result<T>) -> Result<CommandId> {
        let order = self.office.order_of(user, "test");
        self.office.give(&order, |w| body(w, &order))?;
        Ok(order.id)
    }

    fn step(&mut self, act: Act) -> Result<()> {
        let scope = self.office.scope();
        let today = scope.today();
        let earlier = |back: u64| today - chrono::Days::new(back);
        match act {
            Act::Pay { home, amount, collector: in_the_field, back } => {
                let taker = if in_the_field { Taker::Collector(collector()) } else { Taker::Desk(self.office.desk) };
                let new = NewPayment { taker, ..self.office.cash(amount, earlier(back)) };
                let order = self.office.order_of(if in_the_field { COLLECTOR } else { 1 }, "POST /payments");
                self.office.pay(&order, self.homes[home], &new)?;
            }
            Act::Reverse { back } => {
                let now = self.office.snapshot(&mut self.office.test.owner());
                let Some(payment) = now.payments.iter().rev().nth(back).map(|row| row.id) else { return Ok(()) };
                let asked = self
                    .office
                    .ask(|w, scope, order| reversals::request_reversal(w, scope, order, payment, "mistaken"))?;
                self.office.approve(&self.office.order_of(2, "approve"), asked)?;
            }
            Act::Submit { share } => {
                let declared = self.balance(&collectors::float_of(collector())) * share / 100;
                self.give(COLLECTOR, |w, order| collectors::submit(w, &scope, order, collector(), declared))?;
            }
            Act::Count { share } => {
                let mutual = self.mutual();
                let rows = self.office.test.db.read(Wall::mutual(mutual), |r| {
                    Ok::<_, Error>(store::list_remittances_of(r, mutual, collector())?)
                });
                let rows = rows.unwrap();
                let Some(row) = rows.iter().find(|row| row.counted_minor.is_none()) else { return Ok(()) };
                let (id, tag, counted) = (row.id, format!("\"v{}\"", row.version), row.declared_minor * share / 100);
                let own = self.give(COLLECTOR, |w, order| {
                    collectors::count(w, &scope, order, id, Some(&tag), None, counted, Some("why"))
                });
                assert!(matches!(own, Err(Error::Problem(problem)) if problem.code == Code::SamePerson));
                self.give(1, |w, order| {
                    collectors::count(w, &scope, order, id, Some(&tag), None, counted, Some("why"))
                })?;
            }
            Act::Move { kind, amount, back } => {
                let kind = MovementKind::ALL[kind];
                let holding = match kind {
                    MovementKind::Payout => Place::Mobile,
                    MovementKind::Grant | MovementKind::OtherIncome => Place::Bank,
                    _ => Place::Cash,
                };
                let of = matches!(kind, MovementKind::Commission | MovementKind::DebtRepaid).then(collector);
                let new = NewMovement {
                    kind,
                    amount_minor: amount,
                    holding,
                    cash_desk_id: None,
                    collector_id: of,
                    category: None,
                    description: "so it is".into(),
                    counterparty: None,
                    reference: None,
                    moved_on: earlier(back),
                };
                let mut done = false;
                let id = self.give(1, |w, order| {
                    done = movements::record(w, &scope, order, &new, &[collector()])?;
                    Ok(())
                })?;
                let is_expense = matches!(kind, MovementKind::Expense | MovementKind::Commission);
                assert_eq!(done, !is_expense);
                if is_expense {
                    self.office.approve(&self.office.order_of(2, "approve"), Key::new(id.uuid()))?;
                }
                self.movements.push(Key::new(id.uuid()));
            }
            Act::TakeBack { back } => {
                let Some(id) = self.movements.iter().rev().nth(back).copied() else { return Ok(()) };
                let asked =
                    self.office.ask(|w, scope, order| movements::request_reversal(w, scope, order, id, "mistaken"))?;
                self.office.approve(&self.office.order_of(2, "approve"), asked)?;
            }
            Act::Tell { transaction, amount, known, currency, back } => {
                let telling = Telling {
                    provider: "LUMICASH".into(),
                    provider_txn_id: format!("T{transaction}"),
                    amount: (amount * 1_000).to_string(),
                    currency: if currency { "BIF" } else { "XOF" }.into(),
                    account_ref: if known { self.number(0) } else { "nobody".into() },
                    received_on: earlier(back),
                    raw: "{}".into(),
                };
                let mut told = Vec::new();
                self.give(1, |w, order| {
                    told = mobile::take(w, &scope, order, Channel::Statement, std::slice::from_ref(&telling))?;
                    Ok(())
                })?;
                self.events.push(told[0].event);
            }
            Act::Decide { which, how } => {
                let mutual = self.mutual();
                let ids = self.events.clone();
                let waits = self.office.test.db.read(Wall::mutual(mutual), |r| {
                    let mut found = Vec::new();
                    for id in &ids {
                        let event = store::find_event(r, mutual, *id)?.unwrap();
                        found.push((*id, mobile::waiting(r, mutual, std::slice::from_ref(&event))?[0].0));
                    }
                    Ok::<_, Error>(found)
                });
                let decision = match how {
                    0 => Decision::Assign(self.homes[1]),
                    1 => Decision::Return("nobody's".into()),
                    _ => Decision::Dismiss("looked into".into()),
                };
                let waits = waits.unwrap();
                let Some((id, waits)) = waits.iter().filter(|(_, waits)| *waits != Waits::No).nth(which) else {
                    return Ok(());
                };
                let fits = (*waits == Waits::Look) == matches!(decision, Decision::Dismiss(_));
                let done = self.give(1, |w, order| mobile::decide(w, &scope, order, *id, &decision));
                assert_eq!(done.is_ok(), fits, "{done:?}");
                done?;
            }
            Act::Collect { total, listed, back } => {
                let list = [0, 2].map(|home| Line { household_number: self.number(home), amount_minor: total });
                let new = NewCollection {
                    group: None,
                    payer: "Cooperative".into(),
                    method: Method::Payroll,
                    desk: None,
                    amount_minor: 2 * total + listed,
                    received_on: earlier(back),
                    reference: None,
                    list: list.to_vec(),
                };
                let id = self.give(1, |w, order| collections::record(w, &scope, order, &new))?;
                if listed != 0 {
                    self.collections.push(Key::new(id.uuid()));
                }
            }
            Act::Correct { which } => {
                if which >= self.collections.len() {
                    return Ok(());
                }
                let (id, mutual) = (self.collections.remove(which), self.mutual());
                let row = self
                    .office
                    .test
                    .db
                    .read(Wall::mutual(mutual), |r| Ok::<_, Error>(store::find_collection(r, mutual, id)?));
                let row = row.unwrap().unwrap();
                let list = vec![Line { household_number: self.number(1), amount_minor: row.amount_minor }];
                let tag = format!("\"v{}\"", row.version);
                self.give(1, |w, order| collections::correct(w, &scope, order, id, Some(&tag), &list))?;
            }
            Act::Close { off } => {
                let counted = (self.balance("cash") + off).max(0);
                let desk = self.office.desk;
                self.give(1, |w, order| desks::close(w, &scope, order, desk, counted, Some("counted")).map(|_| ()))?;
                assert_eq!(self.balance("cash"), counted);
            }
            Act::Pass { days } => self.office.set_day(today + chrono::Days::new(days)),
        }
        Ok(())
    }

    /// What is kept of a month.
    fn kept(&self, month: &str) -> Sheet {
        support::facts::kept(&self.office.test.db, &self.office.scope(), day(month))
    }

    /// What is kept of the months equals what the rows say.
    fn figures_hold(&self) {
        let office = &self.office;
        support::facts::hold(&office.test.db, &mut office.test.owner(), &office.scope(), day("2026-01-01"));
    }
}

#[test]
fn whatever_a_day_brings_the_treasury_adds_up() {
    let cases = if support::database::on_postgres() { 6 } else { 14 };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let seen = std::cell::RefCell::new(BTreeMap::<String, usize>::new());
    TestRunner::new(config)
        .run(&prop::collection::vec(act(), 50..70), |acts| {
            let mut story = Day::begin();
            for act in BEGINNING.into_iter().chain(acts) {
                let before = story.office.snapshot(&mut story.office.test.owner());
                match story.step(act) {
                    Ok(()) => {}
                    // Refused at once or when it was approved; then nothing of it is there.
                    Err(Error::Problem(_)) => {
                        let after = story.office.snapshot(&mut story.office.test.owner());
                        assert_eq!(before.transfers.len(), after.transfers.len(), "{act:?}");
                        assert_eq!(format!("{:?}", before.payments), format!("{:?}", after.payments));
                    }
                    Err(other) => panic!("{other:?} after {act:?}"),
                }
                story.figures_hold();
                let findings = ayni::verify::verify(&story.office.test.db).unwrap().findings;
                assert!(findings.is_empty(), "{findings:?} after {act:?}");
            }
            let end = story.office.snapshot(&mut story.office.test.owner());
            for row in &end.transfers {
                *seen.borrow_mut().entry(row.event.clone()).or_default() += 1;
            }
            Ok(())
        })
        .unwrap();
    let seen = seen.into_inner();
    for event in ["payment_surplus", "remittance_counted", "money_unallocated", "cash_difference", "deposit", "expense"]
    {
        assert!(seen.contains_key(event), "no day came to {event}: {seen:?}");
    }
}

/// Each of these happened on 15 March and is recorded on 20 April, when March had been computed and kept. A command that marked
/// the day of its recording alone, or forgot the mark, would leave March as it was kept: what is kept must be another.
#[test]
fn what_is_recorded_late_is_in_the_figures_of_its_own_month() {
    let mut story = Day::begin();
    story.office.set_day(day("2026-04-20"));
    let back = 36;
    story.step(Act::Pay { home: 0, amount: 8_000, collector: false, back: 0 }).unwrap();
    let (grant, expense) = (MovementKind::Grant as usize, MovementKind::Expense as usize);
    let steps = [
        ("contributions::pay at the desk", Act::Pay { home: 1, amount: 700, collector: false, back }),
        ("contributions::pay in the field", Act::Pay { home: 2, amount: 300, collector: true, back }),
        // The mark of `movements::write`, with which nothing else is marked but today, if that.
        ("movements::record", Act::Move { kind: grant, amount: 900, back }),
        ("movements::execute", Act::Move { kind: expense, amount: 500, back }),
        ("mobile::take of a household", Act::Tell { transaction: 1, amount: 1, known: true, currency: true, back }),
        // No payment marks its day here: the mark of `mobile::take_one` is alone.
        ("mobile::take of nobody known", Act::Tell { transaction: 2, amount: 2, known: false, currency: true, back }),
        ("mobile::decide", Act::Decide { which: 0, how: 0 }),
        ("collections::record, allocated", Act::Collect { total: 400, listed: 0, back }),
        // Nor here: the mark of `collections::told` is alone.
        ("collections::record, pending", Act::Collect { total: 400, listed: 1, back }),
        ("collections::correct", Act::Correct { which: 0 }),
    ];
    for (what, act) in steps {
        let (march, april) = (story.kept("2026-03-01"), story.kept("2026-04-01"));
        story.step(act).unwrap();
        assert_ne!(story.kept("2026-03-01"), march, "{what}: nothing of March is another");
        // What is of March alone is no flow of April; what there is at its end is.
        let flows = [Measure::Collected, Measure::OtherIncome, Measure::Expenses];
        let of = |sheet: &Sheet| flows.map(|measure| sheet.totals.get(measure));
        assert_eq!(of(&story.kept("2026-04-01")), of(&april), "{what}");
        story.figures_hold();
    }
    let march = story.kept("2026-03-01");
    let found = [Measure::Collected, Measure::OtherIncome, Measure::Expenses].map(|measure| march.totals.get(measure));
    // 700 + 300 in cash, 1,000 and 2,000 by telephone, two lists of 400 twice, the second with one franc more.
    assert_eq!(found, [700 + 300 + 1_000 + 2_000 + 800 + 801, 900, 500]);
    let findings = ayni::verify::verify(&story.office.test.db).unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}");
}

/// What is sent back or reversed is of the day on which that is done. All else was recorded in March, and April had been
/// computed and kept before each of these: but for the command's own mark it would stay as it was kept.
#[test]
fn what_is_sent_back_or_reversed_is_in_the_figures_of_the_month_in_which_that_is_done() {
    let mut story = Day::begin();
    let grant = Act::Move { kind: MovementKind::Grant as usize, amount: 900, back: 0 };
    let told = |transaction: u8| Act::Tell { transaction, amount: 2, known: false, currency: true, back: 0 };
    for act in [grant, grant, told(1), told(2)] {
        story.step(act).unwrap();
    }
    story.office.set_day(day("2026-04-20"));
    let found = |story: &Day| {
        ["2026-03-01", "2026-04-01"].map(|month| {
            let sheet = story.kept(month);
            [Measure::Liquid, Measure::Liabilities, Measure::OtherIncome].map(|measure| sheet.totals.get(measure))
        })
    };
    let march: [i64; 3] = [1_800 + 4_000, 4_000, 1_800];
    assert_eq!(found(&story), [march, [5_800, 4_000, 0]]);

    // Who sends money back makes no payment that marks anything: the mark of `mobile::decide` is alone.
    story.step(Act::Decide { which: 0, how: 1 }).unwrap();
    assert_eq!(found(&story), [march, [3_800, 2_000, 0]]);

    // The approval marks its day too. Without it, the mark of `movements::reverse` is alone.
    let (first, second) = (story.movements[0], story.movements[1]);
    let scope = story.office.scope();
    let asked =
        ReversalRequest { movement_id: first, kind: MovementKind::Grant, amount_minor: 900, reason: "mistaken".into() };
    let approval: ApprovalId = story.office.test.db.ids().next();
    let reversed = story.give(2, |w, order| {
        let execution = Execution {
            kind: "movement_reversal".into(),
            id: approval,
            request: serde_json::to_value(&asked).unwrap(),
            scope: scope.clone(),
            mutual: scope.mutual(),
            currency: scope.currency(),
            today: scope.today(),
            command: order.id,
            requested_by: Key::new(Uuid::from_u128(1)),
            approved_by: Key::new(Uuid::from_u128(2)),
        };
        movements::reverse(w, &execution)
    });
    reversed.unwrap();
    assert_eq!(found(&story), [march, [2_900, 2_000, -900]]);

    // As the office does it. To ask is a command of its own: its mark is answered before the approval.
    let asked =
        story.office.ask(|w, scope, order| movements::request_reversal(w, scope, order, second, "mistaken")).unwrap();
    assert_eq!(found(&story), [march, [2_900, 2_000, -900]]);
    story.office.approve(&story.office.order_of(2, "approve"), asked).unwrap();
    assert_eq!(found(&story), [march, [2_000, 2_000, -1_800]]);

    story.figures_hold();
    let findings = ayni::verify::verify(&story.office.test.db).unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn many_at_one_desk_and_one_float_leave_no_franc_unexplained() {
    let story = Day::begin();
    let scope = story.office.scope();
    let today = scope.today();
    for home in 0..3 {
        let new = NewPayment { taker: Taker::Collector(collector()), ..story.office.cash(4_000, today) };
        story.office.pay(&story.office.order_of(COLLECTOR, "pay"), story.homes[home], &new).unwrap();
    }
    let (submitted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let gate = Barrier::new(THREADS);
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let (story, scope, gate, submitted, refused) = (&story, &scope, &gate, &submitted, &refused);
            threads.spawn(move || {
                // A client comes again where the server was busy.
                let insist = |user: u128, body: &mut dyn FnMut(&mut Write, &Order) -> Result<()>| loop {
                    let order = story.office.order_of(user, "test");
                    match story.office.give(&order, |w| body(w, &order)) {
                        Err(Error::Db(DbError::Busy)) => {}
                        other => return other,
                    }
                };
                gate.wait();
                for at in 0..3 {
                    let home = story.homes[(thread + at) % 3];
                    loop {
                        let order = story.office.order_of(1, "pay");
                        match story.office.pay(&order, home, &story.office.cash(100, today)) {
                            Err(Error::Db(DbError::Busy)) => {}
                            other => break other.map(|_: Done<PaymentId>| ()).unwrap(),
                        }
                    }
                    // 12,000 are in the float: twelve of the sixteen times three fit, whatever the order.
                    match insist(COLLECTOR, &mut |w, order| collectors::submit(w, scope, order, collector(), 1_000)) {
                        Ok(_) => submitted.fetch_add(1, Ordering::SeqCst),
                        Err(Error::Problem(problem)) if problem.code == Code::RemittanceAboveFloat => {
                            refused.fetch_add(1, Ordering::SeqCst)
                        }
                        Err(other) => panic!("{other:?}"),
                    };
                    let desk = story.office.desk;
                    insist(1, &mut |w, order| {
                        let counted = ledger::balance(w, scope.mutual(), MAIN, "cash")?;
                        desks::close(w, scope, order, desk, counted, Some("as it is")).map(|_| ())
                    })
                    .unwrap();
                }
            });
        }
    });
    assert_eq!((submitted.into_inner(), refused.into_inner()), (12, 3 * THREADS - 12));
    let findings = ayni::verify::verify(&story.office.test.db).unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}");
    let end = story.office.snapshot(&mut story.office.test.owner());
    // What somebody counted before another's payment was posted as a difference; with it the cash is what was paid.
    let total = i64::try_from(THREADS * 3).unwrap() * 100;
    assert_eq!(end.balance("cash") + end.balance("cash_differences"), total);
    assert!(end.sessions.len() >= 3 * THREADS);
}
