//! Facts of months beside those who write: whoever computes, and whenever somebody else writes or computes, what is kept in
//! the end is what the rows say, and no mark is lost.
mod support;

use ayni::access::scopes::FigureScope;
use ayni::db::schema::members;
use ayni::db::{Conn, DbError, Read, Wall};
use ayni::enrolments::membership::{self, NewStep};
use ayni::enrolments::model::Span;
use ayni::enrolments::rules::{SpanReason, SpanState};
use ayni::enrolments::store as enrolment_store;
use ayni::error::{Error, Result};
use ayni::ids::*;
use ayni::reports::facts::service::{self, AsOf, MonthFacts};
use ayni::reports::facts::{AgeBands, compute, compute_by_two, store};
use ayni::reports::measures::{Dimension, Measure};
use ayni::treasury::subsidies::{self, NewSubsidyPayment};
use chrono::NaiveDate;
use diesel::connection::{Connection, InstrumentationEvent};
use diesel::prelude::*;
use serde_json::json;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;
use support::database::on_postgres;
use support::office::{Office, application, day, household};

fn as_of(office: &Office) -> AsOf {
    AsOf { today: office.today(), bands: AgeBands::default() }
}

/// A mutual with a household, and the month of today.
fn begin() -> (Office, HouseholdId, NaiveDate) {
    let office = Office::new();
    let order = office.order("POST /households");
    office.register(&order, &household("STANDARD", day("2026-03-01"), 1)).unwrap();
    (office, Key::new(order.id.uuid()), day("2026-03-01"))
}

fn pay(office: &Office, home: HouseholdId, amount: i64) -> Result<()> {
    let order = office.order("POST /payments");
    office.pay(&order, home, &office.cash(amount, office.today())).map(|_| ())
}

fn collected(office: &Office, month: NaiveDate) -> i64 {
    let figures = FigureScope::of(&office.scope());
    let facts = service::months(&office.test.db, &figures, (month, month), &as_of(office)).unwrap();
    facts[0].sheet.totals.get(Measure::Collected)
}

#[test]
fn a_month_is_kept_until_a_command_marks_it() {
    let (office, home, month) = begin();
    let mutual = office.scope().mutual();
    let generation = |office: &Office| {
        let heads =
            office.test.db.read(Wall::mutual(mutual), |r| Ok::<_, Error>(store::heads(r, mutual, (month, month))?));
        heads.unwrap()[0].generation
    };
    assert_eq!(collected(&office, month), 0);
    assert_eq!(generation(&office), 1);
    collected(&office, month);
    assert_eq!(generation(&office), 1, "what is fresh is not computed again");
    pay(&office, home, 700).unwrap();
    assert_eq!((collected(&office, month), generation(&office)), (700, 2));
    // A refused command leaves no mark.
    assert!(pay(&office, home, 0).is_err());
    assert_eq!((collected(&office, month), generation(&office)), (700, 2));
    // Days that pass make the month's stocks others.
    office.set_day(day("2026-03-20"));
    assert_eq!((collected(&office, month), generation(&office)), (700, 3));
    // So do other definitions.
    let bands: AgeBands = "0,18".parse().unwrap();
    let figures = FigureScope::of(&office.scope());
    let other = AsOf { bands, ..as_of(&office) };
    let facts = service::months(&office.test.db, &figures, (month, month), &other).unwrap();
    assert_eq!((facts[0].sheet.totals.get(Measure::Collected), generation(&office)), (700, 4));
    // A month to come has no facts, one that is over has its last day.
    let span = (day("2026-02-01"), day("2026-05-01"));
    let facts: Vec<MonthFacts> = service::months(&office.test.db, &figures, span, &as_of(&office)).unwrap();
    let days: Vec<NaiveDate> = facts.iter().map(|facts| facts.stock_on).collect();
    assert_eq!(days, [day("2026-02-28"), day("2026-03-20")]);
}

#[test]
fn a_computer_whose_clock_was_set_back_keeps_nothing() {
    let (office, _, month) = begin();
    office.set_day(day("2026-03-20"));
    collected(&office, month);
    let figures = FigureScope::of(&office.scope());
    let earlier = AsOf { today: day("2026-03-12"), bands: AgeBands::default() };
    assert!(!service::recompute(&office.test.db, &figures, month, &earlier).unwrap());
}

#[test]
fn a_mark_that_is_lost_is_found() {
    let (office, home, month) = begin();
    collected(&office, month);
    pay(&office, home, 700).unwrap();
    let forget: &mut Conn = &mut office.test.owner();
    ayni::on_each!(forget, |c| diesel::RunQueryDsl::execute(diesel::sql_query("DELETE FROM fact_marks"), c)).unwrap();
    assert_eq!(collected(&office, month), 0, "nothing says that the month is another");
    let findings = ayni::verify::verify(&office.test.db).unwrap().findings;
    assert!(findings.iter().any(|finding| finding.check == "facts"), "{findings:?}");
}

/// What the program keeps is what the rows say, from the month of a day on.
fn holds(office: &Office, first: &str) {
    support::facts::hold(&office.test.db, &mut office.test.owner(), &office.scope(), day(first));
}

fn figure(office: &Office, month: &str, measure: Measure) -> i64 {
    let (figures, month) = (FigureScope::of(&office.scope()), day(month));
    let facts = service::months(&office.test.db, &figures, (month, month), &as_of(office)).unwrap();
    facts[0].sheet.totals.get(measure)
}

fn product(office: &Office) -> ProductId {
    let parameters = json!({"currency": "BIF", "contribution": {"kind": "per_person_year", "amount": 6_000},
        "subsidies": {"INDIGENT": {"rate_bp": 5000, "payer": "STATE"}}, "benefits": {"OPD": {"waiting_months": 2,
        "rate_bp": {"public": 8000, "private": 5000}}}});
    office.product("YEAR", parameters).0
}

fn enrol(office: &Office, home: HouseholdId, product: ProductId, starts_on: NaiveDate) -> EnrolmentId {
    let order = office.order("POST /enrolments");
    office.apply(&order, &application(home, product, starts_on, office.today())).unwrap();
    let id = Key::new(order.id.uuid());
    office.admit(&office.order("POST /admit"), id, office.today()).unwrap();
    id
}

#[test]
fn a_renewal_that_is_cancelled_is_taken_from_the_month_that_ended() {
    let (office, home, _) = begin();
    let product = product(&office);
    enrol(&office, home, product, day("2026-03-10"));
    pay(&office, home, 6_000).unwrap();
    office.set_day(day("2027-04-05"));
    let renewed = || figure(&office, "2027-03-01", Measure::EnrolmentsRenewed);
    let again = enrol(&office, home, product, day("2027-04-05"));
    assert_eq!(renewed(), 1);
    let step = NewStep { on: office.today(), effective_on: None, reason: Some("thought better of it".into()) };
    office.close(&office.order("POST /cancel"), again, 2, &step, membership::cancel).unwrap();
    assert_eq!(renewed(), 0);
    holds(&office, "2026-03-01");
}

#[test]
fn a_renewal_that_comes_in_the_next_month_is_of_the_month_that_ended() {
    let (office, home, _) = begin();
    let product = product(&office);
    enrol(&office, home, product, day("2026-03-10"));
    pay(&office, home, 6_000).unwrap();
    assert_eq!(figure(&office, "2026-03-01", Measure::BeneficiariesWaiting), 1);
    office.set_day(day("2027-04-05"));
    holds(&office, "2026-03-01");
    let of_march = |measure| figure(&office, "2027-03-01", measure);
    assert_eq!((of_march(Measure::EnrolmentsEnding), of_march(Measure::EnrolmentsRenewed)), (1, 0));
    assert_eq!(of_march(Measure::ExitsExpired), 1);
    enrol(&office, home, product, day("2027-04-05"));
    assert_eq!((of_march(Measure::EnrolmentsEnding), of_march(Measure::EnrolmentsRenewed)), (1, 1));
    pay(&office, home, 6_000).unwrap();
    let of_april = |measure| figure(&office, "2027-04-01", measure);
    assert_eq!((of_april(Measure::EntriesNew), of_april(Measure::EntriesReturning)), (0, 1));
    holds(&office, "2026-03-01");
}

#[test]
fn what_another_payer_pays_is_received_for_the_months_of_the_dues() {
    let office = Office::new();
    let order = office.order("POST /households");
    office.register(&order, &household("INDIGENT", day("2026-03-01"), 2)).unwrap();
    enrol(&office, Key::new(order.id.uuid()), product(&office), day("2026-03-10"));
    office.set_day(day("2026-05-20"));
    holds(&office, "2026-03-01");
    let (scope, order) = (office.scope(), office.order_of(1, "POST /subsidies"));
    office.give(&order, |w| subsidies::invoice(w, &scope, &order, "STATE", day("2026-05-20"))).unwrap();
    let batch: SubsidyBatchId = Key::new(order.id.uuid());
    holds(&office, "2026-03-01");
    let of_march = |measure| figure(&office, "2026-03-01", measure);
    assert_eq!((of_march(Measure::Dues), of_march(Measure::ReceivedForDues)), (12_000, 0));
    let order = office.order_of(1, "POST /payments");
    let new = NewSubsidyPayment { amount_minor: 5_000, received_on: day("2026-05-20"), reference: None };
    office.give(&order, |w| subsidies::pay(w, &scope, &order, batch, &new)).unwrap();
    assert_eq!(of_march(Measure::ReceivedForDues), 5_000);
    assert_eq!(figure(&office, "2026-05-01", Measure::SubsidiesReceived), 5_000);
    holds(&office, "2026-03-01");
}

/// `subsidies::pay` marks the day on which the money came. Its other mark, that of the first due, lies later here: without the
/// first one February would stay as it was kept.
#[test]
fn a_subsidy_that_came_in_a_month_before_its_dues_is_in_that_month() {
    let office = Office::new();
    let order = office.order("POST /households");
    office.register(&order, &household("INDIGENT", day("2026-03-01"), 2)).unwrap();
    enrol(&office, Key::new(order.id.uuid()), product(&office), day("2026-03-10"));
    office.set_day(day("2026-05-20"));
    let (scope, order) = (office.scope(), office.order_of(1, "POST /subsidies"));
    office.give(&order, |w| subsidies::invoice(w, &scope, &order, "STATE", day("2026-05-20"))).unwrap();
    let batch: SubsidyBatchId = Key::new(order.id.uuid());
    holds(&office, "2026-02-01");
    let found = || {
        let months = ["2026-02-01", "2026-03-01", "2026-05-01"];
        let liquid = figure(&office, "2026-02-01", Measure::Liquid);
        let for_dues = figure(&office, "2026-03-01", Measure::ReceivedForDues);
        (months.map(|month| figure(&office, month, Measure::SubsidiesReceived)), liquid, for_dues)
    };
    assert_eq!(found(), ([0, 0, 0], 0, 0));
    let pay = |amount_minor: i64, received_on: &str| {
        let order = office.order_of(1, "POST /payments");
        let new = NewSubsidyPayment { amount_minor, received_on: day(received_on), reference: None };
        office.give(&order, |w| subsidies::pay(w, &scope, &order, batch, &new)).map(|_| ())
    };
    assert!(pay(5_000, "2026-05-21").is_err(), "what is to come has not come");
    pay(5_000, "2026-02-20").unwrap();
    assert_eq!(found(), ([5_000, 0, 0], 5_000, 5_000));
    holds(&office, "2026-02-01");
    // The other way round: it comes after its dues, and what was received for them is of their month.
    pay(700, "2026-05-20").unwrap();
    assert_eq!(found(), ([5_000, 0, 700], 5_000, 5_700));
    holds(&office, "2026-02-01");
}

/// Lets one who has stopped go on.
type Go = SyncSender<()>;
/// Where one who computes says that he has stopped, and at last that he is done.
type Tell = SyncSender<Option<Go>>;

/// Says that something is to come, and waits until it may.
fn stop(tell: &Tell) {
    let (go, goes) = sync_channel(0);
    tell.send(Some(go)).unwrap();
    goes.recv().unwrap();
}

/// What a connection calls, which asks for what lives for ever: it stops before each statement.
fn stopping(tell: Tell) -> impl FnMut(InstrumentationEvent<'_>) + Send + 'static {
    move |event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            stop(&tell);
        }
    }
}

/// One who computes, step by step, and is told to go on by the statement of another.
struct Computer<'a> {
    office: &'a Office,
    month: NaiveDate,
}

impl Computer<'_> {
    /// Computes and keeps, and calls `at` before each statement of its two transactions, with the statement's place.
    fn compute(&self, mut at: impl FnMut(usize) + Send) -> (usize, bool) {
        let (office, month) = (self.office, self.month);
        let figures = FigureScope::of(&office.scope());
        let wall = Wall::mutual(office.scope().mutual());
        let as_of = as_of(office);
        service::prepare(&office.test.db, office.scope().mutual(), month).unwrap();
        let seen = AtomicUsize::new(0);
        // The places are sent, and met one by one.
        let (tell, told) = sync_channel::<Option<Go>>(0);
        std::thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let computed = office.test.db.read(wall, |r| {
                    r.conn().set_instrumentation(stopping(tell.clone()));
                    let computed = service::look(r, None, &figures, month, &as_of);
                    r.conn().set_instrumentation(|_: InstrumentationEvent<'_>| {});
                    computed
                });
                let computed = computed.unwrap();
                let kept = office.test.db.write(wall, |w| {
                    w.conn().set_instrumentation(stopping(tell.clone()));
                    let kept = service::keep(w, &computed, &as_of);
                    w.conn().set_instrumentation(|_: InstrumentationEvent<'_>| {});
                    kept
                });
                tell.send(None).unwrap();
                kept.unwrap()
            });
            while let Ok(Some(go)) = told.recv() {
                at(seen.fetch_add(1, Ordering::SeqCst));
                go.send(()).unwrap();
            }
            (seen.load(Ordering::SeqCst), worker.join().unwrap())
        })
    }

    /// Computes and keeps, and stops before it begins, before each statement, between its two transactions, and before the
    /// second is committed. Gives whether it kept.
    fn compute_in_steps(&self, tell: &Tell) -> bool {
        let (office, month) = (self.office, self.month);
        let figures = FigureScope::of(&office.scope());
        let wall = Wall::mutual(office.scope().mutual());
        let as_of = as_of(office);
        stop(tell);
        let computed = office.test.db.read(wall, |r| {
            r.conn().set_instrumentation(stopping(tell.clone()));
            let computed = service::look(r, None, &figures, month, &as_of);
            r.conn().set_instrumentation(|_: InstrumentationEvent<'_>| {});
            computed
        });
        let computed = computed.unwrap();
        stop(tell);
        let kept = office.test.db.write(wall, |w| {
            w.conn().set_instrumentation(stopping(tell.clone()));
            let kept = service::keep(w, &computed, &as_of);
            w.conn().set_instrumentation(|_: InstrumentationEvent<'_>| {});
            stop(tell);
            kept
        });
        tell.send(None).unwrap();
        kept.unwrap()
    }
}

/// So long one who was told to go on may take to his next stop before he counts as waiting for the other, who holds the month.
/// Where a slow machine makes one wait who does not have to, the two only meet at another place.
const PATIENCE: Duration = Duration::from_millis(100);

/// One who computes in a thread of his own and goes from stop to stop as he is told.
struct Steps<'scope> {
    told: Receiver<Option<Go>>,
    /// With this he goes on from where he has stopped.
    go: Option<Go>,
    /// How often he has stopped.
    stops: usize,
    /// He was told to go on, and has neither stopped again nor ended.
    waits: bool,
    is_done: bool,
    thread: ScopedJoinHandle<'scope, bool>,
}

impl<'scope> Steps<'scope> {
    fn begin(scope: &'scope Scope<'scope, '_>, computer: &'scope Computer<'_>) -> Steps<'scope> {
        let (tell, told) = sync_channel::<Option<Go>>(0);
        let thread = scope.spawn(move || computer.compute_in_steps(&tell));
        Steps { told, go: None, stops: 0, waits: false, is_done: false, thread }
    }

    /// Goes on to his next stop, or to his end.
    fn step(&mut self) {
        if self.is_done {
            return;
        }
        if let Some(go) = self.go.take() {
            go.send(()).unwrap();
        }
        match self.told.recv_timeout(PATIENCE) {
            Ok(Some(go)) => {
                self.go = Some(go);
                self.stops += 1;
                self.waits = false;
            }
            Ok(None) => {
                self.is_done = true;
                self.waits = false;
            }
            Err(RecvTimeoutError::Timeout) => self.waits = true,
            Err(RecvTimeoutError::Disconnected) => panic!("one who computes ended without a word"),
        }
    }

    /// Goes on to a stop, counted from 0; true where he stands there.
    fn go_to(&mut self, place: usize) -> bool {
        while self.stops <= place && !self.is_done {
            self.step();
            if self.waits {
                return false;
            }
        }
        !self.is_done
    }

    /// Goes on to his end, or until he waits for the other.
    fn run(&mut self) {
        while !self.is_done {
            self.step();
            if self.waits {
                return;
            }
        }
    }
}

/// How two go on from where they stand.
#[derive(Debug, Clone, Copy)]
enum Turns {
    /// The first to his end, then the second.
    First,
    /// The second to his end, then the first.
    Second,
    /// From stop to stop in turn.
    Each,
}

/// Lets both go on to their ends.
fn to_their_ends(one: &mut Steps<'_>, two: &mut Steps<'_>, turns: Turns) {
    for _ in 0..600 {
        match turns {
            Turns::First => {
                one.run();
                two.run();
            }
            Turns::Second => {
                two.run();
                one.run();
            }
            Turns::Each => {
                // Who waits for the other is looked at again when that one is done.
                if !one.waits || two.is_done || two.waits {
                    one.step();
                }
                if !two.waits || one.is_done || one.waits {
                    two.step();
                }
            }
        }
        if one.is_done && two.is_done {
            return;
        }
    }
    panic!("two who compute wait for each other");
}

#[test]
fn a_writer_and_another_computer_at_every_statement_leave_nothing_stale() {
    if !on_postgres() {
        // One writer at a time: between the two transactions is the only place, and it is met on both engines below.
        return;
    }
    let (office, home, month) = begin();
    let computer = Computer { office: &office, month };
    let (statements, kept) = computer.compute(|_| {});
    assert!(statements > 30 && kept, "{statements} statements");
    let (mut sum, mut met) = (0, 0);
    for write in 0..statements {
        // The other computer comes at the same place, before or after the writer, or only later.
        for other in [None, Some(write), Some((write + statements / 2) % statements)] {
            let mut faster = false;
            let (_, kept) = computer.compute(|at| {
                if at == write {
                    pay(&office, home, 10).unwrap();
                    sum += 10;
                    met += 1;
                }
                if Some(at) == other {
                    // Within the keeping transaction the head is held: whoever comes then waits, so it is not asked.
                    let figures = FigureScope::of(&office.scope());
                    if at < statements - 12 {
                        faster = service::recompute(&office.test.db, &figures, month, &as_of(&office)).unwrap();
                    }
                }
            });
            // Where another was faster nothing is kept, and the statements that would keep it are not there.
            assert!(kept != faster, "written at {write}, computed elsewhere at {other:?}");
            assert_eq!(collected(&office, month), sum, "written at {write}, computed elsewhere at {other:?}");
        }
    }
    assert!(met > statements * 2, "{met} meetings");
    holds(&office, "2026-03-01");
}

/// Every place of the one, its last ones too, is met with an early, a middle and a late place of the other, where the late one
/// holds the month's head; and the other way round. While both stand there somebody writes.
#[test]
fn two_who_compute_statement_by_statement_beside_a_writer_leave_nothing_stale() {
    if !on_postgres() {
        // One writer at a time: a second one waits for the first, at no statement in between.
        return;
    }
    let (office, home, month) = begin();
    let computer = Computer { office: &office, month };
    service::prepare(&office.test.db, office.scope().mutual(), month).unwrap();
    let (places, kept) = std::thread::scope(|scope| {
        let mut alone = Steps::begin(scope, &computer);
        for _ in 0..600 {
            alone.run();
        }
        (alone.stops, alone.thread.join().unwrap())
    });
    assert!(places > 30 && kept, "{places} places");
    let (mut sum, mut pairs, mut met) = (0, 0, 0);
    for place in 0..places {
        // Nobody else reads the grants anew here, and all pairs take longer than they are good for.
        office.pictures.reload().unwrap();
        // The last is before the commit; before that the marks are removed and the figures are put in their place.
        for (at, other) in [0, places / 2, places - 3].into_iter().enumerate() {
            for (first, second) in [(place, other), (other, place)] {
                let turns = [Turns::First, Turns::Second, Turns::Each][(place + at) % 3];
                let here = format!("at {first} and {second} of {places}, then {turns:?}");
                // A mark that both find.
                pay(&office, home, 1).unwrap();
                let (one, two, looked) = std::thread::scope(|scope| {
                    let (mut one, mut two) = (Steps::begin(scope, &computer), Steps::begin(scope, &computer));
                    let stand = [one.go_to(first), two.go_to(second)];
                    // Who stands before a statement has his snapshot.
                    let looked = one.stops > 1 && two.stops > 1;
                    pay(&office, home, 10).unwrap();
                    met += usize::from(stand == [true, true]);
                    to_their_ends(&mut one, &mut two, turns);
                    (one.thread.join().unwrap(), two.thread.join().unwrap(), looked)
                });
                pairs += 1;
                sum += 11;
                assert!(one || two, "nobody kept anything: {here}");
                // Where both had looked before either kept, the slower one keeps nothing.
                assert!(!looked || one != two, "both kept what they had seen: {here}");
                assert_eq!(collected(&office, month), sum, "{here}");
            }
        }
    }
    // Where both would hold the head only one stands at his place, and the other waits.
    assert_eq!(pairs, places * 6);
    assert!(met * 4 > pairs * 3, "{met} meetings of {pairs}");
    holds(&office, "2026-03-01");
}

#[test]
fn a_writer_between_computing_and_keeping_leaves_its_mark() {
    let (office, home, month) = begin();
    collected(&office, month);
    let figures = FigureScope::of(&office.scope());
    let (mutual, wall) = (office.scope().mutual(), Wall::mutual(office.scope().mutual()));
    pay(&office, home, 100).unwrap();
    let look = |office: &Office| {
        office.test.db.read(wall, |r| service::look(r, None, &figures, month, &as_of(office))).unwrap()
    };
    let (first, second) = (look(&office), look(&office));
    pay(&office, home, 11).unwrap();
    assert!(office.test.db.write(wall, |w| service::keep(w, &first, &as_of(&office))).unwrap());
    assert!(!office.test.db.write(wall, |w| service::keep(w, &second, &as_of(&office))).unwrap(), "another was faster");
    let marked = office.test.db.read(wall, |r| Ok::<_, Error>(store::marked(r, mutual, (month, month))?)).unwrap();
    assert_eq!(marked, [month], "the mark that was not looked at stays");
    assert_eq!(collected(&office, month), 111);
}

/// How much has been paid, as a reader sees it.
fn paid(r: &mut Read) -> Result<i64> {
    use ayni::db::schema::payments;
    use diesel::prelude::*;
    let amounts: Vec<i64> = payments::table.select(payments::amount_minor).load(r.conn())?;
    Ok(amounts.iter().sum())
}

#[test]
fn two_readers_see_one_snapshot_whoever_writes() {
    const WRITERS: usize = 12;
    const READERS: usize = 4;
    let (office, home, _) = begin();
    let wall = Wall::mutual(office.scope().mutual());
    let gate = Barrier::new(WRITERS + READERS);
    let (written, together) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for _ in 0..WRITERS {
            threads.spawn(|| {
                gate.wait();
                for _ in 0..6 {
                    while pay(&office, home, 3).is_err() {}
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..READERS {
            threads.spawn(|| {
                gate.wait();
                while written.load(Ordering::SeqCst) < WRITERS * 6 {
                    let seen = office.test.db.read_by_two(wall, |one, other| {
                        let Some(other) = other else { return paid(one).map(|sum| (sum, None)) };
                        std::thread::scope(|scope| {
                            // The other begins to read when the first has, and writers have had time in between.
                            let first = paid(one)?;
                            std::thread::sleep(Duration::from_millis(5));
                            let second = scope.spawn(|| paid(other)).join().unwrap()?;
                            assert_eq!(paid(one)?, first);
                            Ok((first, Some(second)))
                        })
                    });
                    match seen {
                        Ok((first, Some(second))) => {
                            assert_eq!(first, second);
                            together.fetch_add(1, Ordering::SeqCst);
                        }
                        Ok((_, None)) | Err(Error::Db(DbError::Busy)) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    assert!(together.load(Ordering::SeqCst) > 0, "no two read together");
    // Nothing is left begun: who reads afterwards sees all.
    let sum = i64::try_from(WRITERS * 6 * 3).unwrap();
    let mut again = 0;
    for _ in 0..500 {
        let seen =
            office.test.db.read_by_two(wall, |one, other| Ok::<_, Error>((paid(one)?, other.map(paid).transpose()?)));
        let (first, second) = seen.unwrap();
        assert_eq!(first, sum);
        // A connection that is not there at once is not waited for.
        match second {
            Some(second) => {
                assert_eq!(second, sum);
                again += 1;
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
        if again == 20 {
            break;
        }
    }
    assert_eq!(again, 20);
}

#[test]
fn one_reads_a_month_alone_where_no_other_connection_is_idle() {
    let (office, home, month) = begin();
    pay(&office, home, 700).unwrap();
    let (db, wall) = (&office.test.db, Wall::mutual(office.scope().mutual()));
    let cores = std::thread::available_parallelism().unwrap().get();
    let others = cores * if on_postgres() { 4 } else { 2 } - 1;
    let (holding, enough) = (Barrier::new(others + 1), Barrier::new(others + 1));
    let (holding, enough) = (&holding, &enough);
    std::thread::scope(|threads| {
        for _ in 0..others {
            threads.spawn(move || {
                db.read(wall, |_| {
                    holding.wait();
                    enough.wait();
                    Ok::<_, Error>(())
                })
            });
        }
        holding.wait();
        let is_alone = db.read_by_two(wall, |_, other| Ok::<_, Error>(other.is_none()));
        let facts = service::months(db, &FigureScope::of(&office.scope()), (month, month), &as_of(&office));
        enough.wait();
        assert!(is_alone.unwrap(), "there were more connections");
        assert_eq!(facts.unwrap()[0].sheet.totals.get(Measure::Collected), 700);
    });
}

#[test]
fn births_at_the_ends_of_the_calendar_and_unknown_ones_are_of_a_band_whoever_reads() {
    let office = Office::new();
    let order = office.order("POST /households");
    office.register(&order, &household("STANDARD", day("2026-03-01"), 5)).unwrap();
    let home = Key::new(order.id.uuid());
    enrol(&office, home, product(&office), day("2026-03-10"));
    pay(&office, home, 30_000).unwrap();
    office.set_day(day("2026-04-20"));
    let month = day("2026-03-01");
    let conn = &mut office.test.owner();
    let all: Vec<MemberId> = members::table.select(members::id).order(members::id).load(conn).unwrap();
    // As a register that was brought over may have them.
    let births = ["0001-01-01", "9999-12-31", "1961-03-31", "1961-04-01", ""];
    for (id, born) in all.iter().zip(births) {
        let born: Option<NaiveDate> = born.parse().ok();
        let row = members::table.filter(members::id.eq(id)).filter(members::mutual_id.eq(office.scope().mutual()));
        diesel::update(row).set(members::birth_date.eq(born)).execute(conn).unwrap();
    }
    assert_eq!(all.len(), births.len());
    let (wall, figures) = (Wall::mutual(office.scope().mutual()), FigureScope::of(&office.scope()));
    let bands = |text: &str, wanted: &[(&str, i64)]| {
        let bands: AgeBands = text.parse().unwrap();
        // The pool makes its second connection when the first is taken, and nobody waits for it.
        let sheet = (0..500).find_map(|_| {
            let seen = office.test.db.read_by_two(wall, |one, other| {
                let Some(other) = other else { return Ok(None) };
                let alone = compute(one, &figures, month, office.today(), &bands)?;
                assert_eq!(compute_by_two(one, Some(other), &figures, month, office.today(), &bands)?, alone);
                Ok::<_, Error>(Some(alone))
            });
            let seen = seen.unwrap();
            if seen.is_none() {
                std::thread::sleep(Duration::from_millis(10));
            }
            seen
        });
        let sheet = sheet.unwrap();
        let figures = [Measure::BeneficiariesInForce, Measure::WomenInForce, Measure::Principals, Measure::Collected];
        assert_eq!(figures.map(|measure| sheet.totals.get(measure)), [5, 5, 1, 30_000]);
        let cells = &sheet.cuts[&Dimension::SexAge];
        let found: Vec<(&str, i64)> = cells.iter().map(|(key, numbers)| (key.as_str(), numbers[0])).collect();
        assert_eq!(found, wanted);
    };
    let default = "0,5,15,25,35,45,55,65";
    bands(default, &[("female 0-4", 1), ("female 55-64", 1), ("female 65+", 2), ("female unknown", 1)]);
    bands("0", &[("female 0+", 4), ("female unknown", 1)]);
    holds(&office, "2026-03-01");
}

#[test]
fn cover_that_begins_or_ends_at_a_month_s_border_is_of_the_days_it_lasted() {
    use SpanReason as Why;
    use SpanState::{Expired, InForce, Lapsed, Suspended, Terminated};
    let office = Office::new();
    let order = office.order("POST /households");
    office.register(&order, &household("STANDARD", day("2026-02-01"), 8)).unwrap();
    let home = Key::new(order.id.uuid());
    let enrolment = enrol(&office, home, product(&office), day("2026-02-01"));
    let mutual = office.scope().mutual();
    let all: Vec<MemberId> =
        members::table.select(members::id).order(members::id).load(&mut office.test.owner()).unwrap();
    let spans: [&[(&str, &str, SpanState, SpanReason)]; 8] = [
        &[("2026-02-01", "2026-02-28", InForce, Why::UpToDate), ("2026-03-01", "", Expired, Why::PeriodEnded)],
        &[("2026-02-01", "2026-02-28", Suspended, Why::Arrears), ("2026-03-01", "", InForce, Why::UpToDate)],
        &[("2026-02-01", "2026-03-31", InForce, Why::UpToDate), ("2026-04-01", "", Suspended, Why::Arrears)],
        &[("2026-03-31", "", InForce, Why::UpToDate)],
        &[("2026-02-01", "2026-04-20", InForce, Why::UpToDate), ("2026-04-21", "", Terminated, Why::Resigned)],
        &[("2026-04-20", "", InForce, Why::UpToDate)],
        &[
            ("2026-02-01", "2026-02-28", Suspended, Why::Arrears),
            ("2026-03-01", "2026-03-31", Lapsed, Why::Lapsed),
            ("2026-04-01", "", InForce, Why::UpToDate),
        ],
        &[("2026-04-21", "", InForce, Why::UpToDate)],
    ];
    assert_eq!(all.len(), spans.len());
    let ids = office.test.db.ids();
    let of_all = all.iter().zip(spans).flat_map(|(member, theirs)| theirs.iter().map(move |span| (*member, *span)));
    let rows: Vec<Span> = of_all
        .map(|(member_id, (from, to, state, reason))| Span {
            mutual_id: mutual,
            id: ids.next(),
            household_id: home,
            member_id,
            enrolment_id: enrolment,
            from_on: day(from),
            to_on: to.parse().ok(),
            state,
            reason,
            waiting_from: Some(day(from)),
        })
        .collect();
    office.set_day(day("2026-04-20"));
    let wall = Wall::mutual(mutual);
    office.test.db.write(wall, |w| Ok::<_, Error>(enrolment_store::replace_spans(w, mutual, home, &rows)?)).unwrap();
    let of = [
        Measure::BeneficiariesInForce,
        Measure::BeneficiariesSuspended,
        Measure::PersonDays,
        Measure::EntriesNew,
        Measure::EntriesReturning,
        Measure::ExitsExpired,
        Measure::ExitsLapsed,
        Measure::ExitsResigned,
    ];
    let of_month = |month: &str| of.map(|measure| figure(&office, month, measure));
    assert_eq!(of_month("2026-02-01"), [3, 2, 3 * 28, 5, 0, 0, 0, 0]);
    assert_eq!(of_month("2026-03-01"), [4, 0, 3 * 31 + 1, 1, 0, 1, 1, 0]);
    assert_eq!(of_month("2026-04-01"), [5, 1, 4 * 20 + 1, 1, 1, 0, 0, 0]);
    holds(&office, "2026-02-01");
    office.set_day(day("2026-04-21"));
    assert_eq!(of_month("2026-04-01"), [5, 1, 4 * 21 - 1 + 2 + 1, 2, 1, 0, 0, 1]);
    holds(&office, "2026-02-01");
}

#[test]
fn what_is_committed_after_two_have_begun_is_seen_by_neither() {
    let (office, home, month) = begin();
    let wall = Wall::mutual(office.scope().mutual());
    let figures = FigureScope::of(&office.scope());
    let mut amounts = vec![11, 100];
    // The pool makes its second connection when the first is taken, and nobody waits for it.
    for _ in 0..500 {
        let Some(amount) = amounts.last().copied() else { break };
        let seen = office.test.db.read_by_two(wall, |one, other| {
            let Some(other) = other else { return Ok(false) };
            let before = paid(one)?;
            pay(&office, home, amount)?;
            assert_eq!((paid(one)?, paid(other)?), (before, before));
            // Of the month both say what was there before.
            let sheet = compute_by_two(one, Some(other), &figures, month, office.today(), &AgeBands::default())?;
            assert_eq!(sheet.totals.get(Measure::Collected), before);
            Ok::<_, Error>(true)
        });
        if seen.unwrap() {
            amounts.pop();
        } else {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    assert_eq!(amounts.len(), 0);
    assert_eq!(collected(&office, month), 111);
}

#[test]
fn many_who_write_and_compute_at_once_agree_in_the_end() {
    const WRITERS: usize = 10;
    const COMPUTERS: usize = 6;
    let (office, home, month) = begin();
    let gate = Barrier::new(WRITERS + COMPUTERS);
    let written = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..WRITERS {
            threads.spawn(|| {
                gate.wait();
                for _ in 0..6 {
                    // One who is told that the server is busy comes again.
                    while pay(&office, home, 3).is_err() {}
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for _ in 0..COMPUTERS {
            threads.spawn(|| {
                gate.wait();
                let figures = FigureScope::of(&office.scope());
                while written.load(Ordering::SeqCst) < WRITERS * 6 {
                    let before = i64::try_from(written.load(Ordering::SeqCst)).unwrap() * 3;
                    let facts = service::months(&office.test.db, &figures, (month, month), &as_of(&office));
                    // What was acknowledged before the question is in the answer.
                    if let Ok(facts) = facts {
                        assert!(facts[0].sheet.totals.get(Measure::Collected) >= before);
                    }
                }
            });
        }
    });
    assert_eq!(collected(&office, month), i64::try_from(WRITERS * 6 * 3).unwrap());
    support::facts::hold(&office.test.db, &mut office.test.owner(), &office.scope(), month);
}
