//! Many at once: on one household each order takes effect once and in some order; on different households of one mutual
//! all succeed and no number is given twice or left out.
mod support;

use ayni::audit::frame::Done;
use ayni::db::DbError;
use ayni::enrolments::rules::EnrolmentState;
use ayni::enrolments::service::{as_cover_span, facts, spans_of};
use ayni::error::{Code, Error, Result};
use ayni::households::events::{NewEvent, What};
use ayni::households::model::EventKind;
use ayni::households::model::Relationship;
use ayni::households::rules::is_valid_card_number;
use ayni::ids::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::Snapshot;
use support::office::{Office, application, day, household, person};
use uuid::Uuid;

const THREADS: usize = 16;

/// As a client does that is told to come back: the same id until there is an answer.
fn persist<T>(mut send: impl FnMut() -> Result<Done<T>>) -> Result<Done<T>> {
    loop {
        match send() {
            Err(Error::Db(DbError::Busy)) => {}
            other => return other,
        }
    }
}

/// Runs one piece of work per thread, all let go at the same moment.
fn at_once(work: impl Fn(usize) + Sync) {
    let gate = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (gate, work) = (&gate, &work);
            scope.spawn(move || {
                gate.wait();
                work(thread);
            });
        }
    });
}

fn parameters() -> serde_json::Value {
    json!({
        "currency": "BIF",
        "contribution": {"kind": "per_person_month", "amount": 501},
        "subsidies": {"INDIGENT": {"rate_bp": 3333, "payer": "STATE"}},
        "registration_fee": 1000,
        "arrears": {"grace_days": 30, "reinstatement_delay_days": 15, "lapse_days": 60},
        "benefits": {"OPD": {"rate_bp": {"public": 8000, "private": 5000}}},
    })
}

/// Whether it was made now or before, whatever it made.
fn plain<T>(done: Done<T>) -> Done<()> {
    match done {
        Done::Made(_) => Done::Made(()),
        Done::Replayed => Done::Replayed,
    }
}

fn new_ids(office: &Office, count: usize) -> Vec<CommandId> {
    (0..count).map(|_| office.test.db.ids().next()).collect()
}

fn registered(office: &Office, class: &str, size: usize) -> HouseholdId {
    let order = office.order("POST /households");
    office.register(&order, &household(class, day("2026-03-01"), size)).unwrap();
    Key::new(order.id.uuid())
}

/// What holds after every command holds after all of them.
fn all_holds(office: &Office, end: &Snapshot) {
    end.money_holds();
    end.receipts_hold();
    for row in &end.households {
        let wall = ayni::db::Wall::from(office.mutual);
        let mut computed = office.test.db.read(wall, |r| spans_of(&facts(r, row.mutual_id, row.id)?)).unwrap();
        computed.sort_by_key(|span| (span.person, span.from));
        let mut stored: Vec<_> =
            end.spans.iter().filter(|span| span.household_id == row.id).map(as_cover_span).collect();
        stored.sort_by_key(|span| (span.person, span.from));
        assert_eq!(stored, computed);
    }
    // One audit row per command, and no command without one.
    let mut of_audit: Vec<CommandId> = end.audit.iter().filter_map(|row| row.command_id).collect();
    let mut commands: Vec<CommandId> = end.commands.iter().map(|row| row.id).collect();
    of_audit.sort_unstable();
    commands.sort_unstable();
    assert_eq!(of_audit, commands);
}

#[test]
fn on_one_household_each_order_takes_effect_once() {
    let office = Office::new();
    let (product, _) = office.product("MONTH", parameters());
    let home = registered(&office, "INDIGENT", 2);
    let applied = office.order("POST /enrolments");
    office.apply(&applied, &application(home, product, day("2026-03-05"), day("2026-03-10"))).unwrap();
    let enrolment: EnrolmentId = Key::new(applied.id.uuid());
    // Each id is held by two threads; four payments, two members and two admissions per pair of threads.
    let pairs = THREADS / 2;
    let payments = new_ids(&office, 4 * pairs);
    let members = new_ids(&office, 2 * pairs);
    let admissions = new_ids(&office, pairs);
    let (paid, joined, admitted, refused) =
        (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let count = |done: Result<Done<()>>, made: &AtomicUsize| match done {
        Ok(Done::Made(())) => made.fetch_add(1, Ordering::SeqCst),
        Ok(Done::Replayed) => 0,
        Err(Error::Problem(_)) => refused.fetch_add(1, Ordering::SeqCst),
        Err(other) => panic!("{other:?}"),
    };
    at_once(|thread| {
        let pair = thread / 2;
        let amount = |at: usize| 700 + 13 * i64::try_from(at).unwrap();
        let pay = |at: usize| {
            let order = office.order_with(payments[at], "POST /payments");
            let on = day(["2026-03-08", "2026-03-10"][at % 2]);
            let done = persist(|| office.pay(&order, home, &office.cash(amount(at), on)));
            count(done.map(plain), &paid);
        };
        let join = |at: usize| {
            let order = office.order_with(members[at], "POST /members");
            let child = person(Relationship::Child, day("2019-01-01"));
            let on = day(["2026-03-02", "2026-03-09"][at % 2]);
            let done = persist(|| office.add_member(&order, home, on, &child));
            count(done.map(plain), &joined);
        };
        pay(4 * pair);
        join(2 * pair);
        pay(4 * pair + 1);
        let order = office.order_with(admissions[pair], "POST /enrolments/admit");
        count(persist(|| office.admit(&order, enrolment, day("2026-03-10"))).map(plain), &admitted);
        pay(4 * pair + 2);
        join(2 * pair + 1);
        pay(4 * pair + 3);
    });
    assert_eq!(paid.into_inner(), payments.len());
    assert_eq!(joined.into_inner(), members.len());
    assert_eq!(admitted.into_inner(), 1);
    // An admission that comes second is told so, each time that it is sent.
    assert_eq!(refused.into_inner(), 2 * (pairs - 1));
    let end = office.snapshot(&mut office.test.owner());
    all_holds(&office, &end);
    let total: i64 = (0..payments.len()).map(|at| 700 + 13 * i64::try_from(at).unwrap()).sum();
    assert_eq!(end.payments.iter().map(|row| row.amount_minor).sum::<i64>(), total);
    assert_eq!(end.balance("cash"), total);
    assert_eq!(end.memberships.len(), 2 + members.len());
    assert_eq!(end.enrolments[0].state, EnrolmentState::Admitted);
    // Whatever the order was: everybody pays every month from his own, 501 shared with the state.
    let persons = i64::try_from(end.memberships.len()).unwrap();
    let of =
        |payer: &str| -> i64 { end.dues.iter().filter(|due| due.payer == payer).map(|due| due.amount_minor).sum() };
    assert_eq!(of("HOUSEHOLD"), 1000 + 12 * persons * 334);
    assert_eq!(of("STATE"), 12 * persons * 167);
    // Every command on the household raised its revision by one.
    let on_household = payments.len() + members.len() + 2;
    assert_eq!(end.households[0].revision, 1 + i64::try_from(on_household).unwrap());
}

#[test]
fn payments_of_different_households_have_receipts_without_a_gap() {
    let office = Office::new();
    let homes: Vec<HouseholdId> = (0..THREADS).map(|_| registered(&office, "STANDARD", 1)).collect();
    at_once(|thread| {
        for at in 0..6_i64 {
            let order = office.order("POST /payments");
            let on = day(["2026-03-10", "2025-12-31"][usize::try_from(at % 2).unwrap()]);
            let done = persist(|| office.pay(&order, homes[thread], &office.cash(100 + at, on))).unwrap();
            assert!(matches!(done, Done::Made(_)));
        }
    });
    let end = office.snapshot(&mut office.test.owner());
    all_holds(&office, &end);
    // Two series, one per year in which the money came.
    let mut labels: Vec<String> = end.receipts.iter().map(|row| row.label.clone()).collect();
    labels.sort();
    let numbered = |year: i32| (1..=3 * THREADS).map(move |number| format!("C1-{year}-{number:06}"));
    assert_eq!(labels, numbered(2025).chain(numbered(2026)).collect::<Vec<_>>());
    assert_eq!(end.balance("cash"), i64::try_from(THREADS).unwrap() * (600 + 15));
}

#[test]
fn households_registered_at_once_have_numbers_and_cards_without_a_gap() {
    let office = Office::new();
    at_once(|thread| {
        for at in 0..4 {
            let order = office.order("POST /households");
            let new = household("STANDARD", day("2026-03-01"), 1 + (thread + at) % 3);
            persist(|| office.register(&order, &new)).unwrap();
        }
    });
    let end = office.snapshot(&mut office.test.owner());
    all_holds(&office, &end);
    let mut numbers: Vec<String> = end.households.iter().map(|row| row.number.clone()).collect();
    numbers.sort();
    assert_eq!(numbers, (1..=4 * THREADS).map(|number| format!("H{number:06}")).collect::<Vec<_>>());
    let mut cards: Vec<String> = end.members.iter().map(|row| row.card_number.clone()).collect();
    cards.sort();
    assert!(cards.iter().all(|card| is_valid_card_number(card)));
    let serials: Vec<String> = cards.iter().map(|card| card[..14].to_owned()).collect();
    assert_eq!(serials, (1..=end.members.len()).map(|serial| format!("100001{serial:08}")).collect::<Vec<_>>());
}

#[test]
fn who_is_moved_by_many_at_once_ends_in_one_household() {
    let office = Office::new();
    let (product, _) = office.product("MONTH", parameters());
    let homes: Vec<HouseholdId> = (0..2).map(|_| registered(&office, "INDIGENT", 5)).collect();
    for home in &homes {
        let applied = office.order("POST /enrolments");
        office.apply(&applied, &application(*home, product, day("2026-03-05"), day("2026-03-10"))).unwrap();
        office.admit(&office.order("POST /admit"), Key::new(applied.id.uuid()), day("2026-03-10")).unwrap();
    }
    let before = office.snapshot(&mut office.test.owner());
    let movable: Vec<(MemberId, HouseholdId)> = before
        .memberships
        .iter()
        .filter(|stay| stay.relationship != Relationship::Principal)
        .map(|stay| (stay.member_id, stay.household_id))
        .collect();
    assert_eq!(movable.len(), 8);
    let (moved, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    at_once(|thread| {
        // Every person is moved by two threads, half of them each way: the locks are taken in one order.
        let (member, from) = movable[thread % movable.len()];
        let to = *homes.iter().find(|home| **home != from).unwrap();
        let event = NewEvent {
            kind: EventKind::Adoption,
            on: day("2026-03-08"),
            note: None,
            what: What::FromHousehold { member, from, relationship: Relationship::Other },
        };
        let order = office.order("POST /events");
        match persist(|| office.tell(&order, to, &event)) {
            Ok(_) => moved.fetch_add(1, Ordering::SeqCst),
            Err(Error::Problem(problem)) if problem.code == Code::OtherHousehold => {
                refused.fetch_add(1, Ordering::SeqCst)
            }
            Err(other) => panic!("{other:?}"),
        };
    });
    assert_eq!((moved.into_inner(), refused.into_inner()), (8, 8));
    let end = office.snapshot(&mut office.test.owner());
    all_holds(&office, &end);
    for (member, from) in movable {
        let open: Vec<_> =
            end.memberships.iter().filter(|stay| stay.member_id == member && stay.to_on.is_none()).collect();
        assert_eq!(open.len(), 1);
        assert_ne!(open[0].household_id, from);
    }
}

#[test]
fn on_one_household_payments_reversals_and_renewals_equal_some_order_of_them() {
    use ayni::contributions::{relief, reversals};
    let office = Office::new();
    let (product, _) = office.product("MONTH", parameters());
    let home = registered(&office, "STANDARD", 1);
    let applied = office.order("POST /enrolments");
    office.apply(&applied, &application(home, product, day("2026-03-01"), day("2026-03-10"))).unwrap();
    office.admit(&office.order("POST /admit"), Key::new(applied.id.uuid()), day("2026-03-10")).unwrap();
    // Payments that stand before the race, one for each pair of threads to reverse.
    let pairs = THREADS / 2;
    let standing: Vec<PaymentId> = (0..pairs)
        .map(|at| {
            let order = office.order("POST /payments");
            office.pay(&order, home, &office.cash(400 + 7 * i64::try_from(at).unwrap(), day("2026-03-09"))).unwrap();
            Key::new(order.id.uuid())
        })
        .collect();
    // Asked for by one, to be approved by two at once; and one waiver.
    let asked: Vec<ayni::ids::ApprovalId> = standing
        .iter()
        .map(|id| office.ask(|w, scope, order| reversals::request_reversal(w, scope, order, *id, "mistaken")).unwrap())
        .collect();
    let now = office.snapshot(&mut office.test.owner());
    let due = now.own_dues(home).filter(|due| now.open(due) > 100).max_by_key(|due| due.due_on).unwrap().id;
    let waiver = office.ask(|w, scope, order| {
        use ayni::contributions::model::CancellationKind::Waived;
        relief::request(w, scope, order, Waived, due, Some(100), None, "a poor harvest")
    });
    let waiver = waiver.unwrap();
    let renewal = office.order("POST /enrolments");
    office.apply(&renewal, &application(home, product, day("2027-03-01"), day("2026-03-10"))).unwrap();
    let (reversed, refused, admitted) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let count = |done: Result<Done<()>>, made: &AtomicUsize| match done {
        Ok(_) => made.fetch_add(1, Ordering::SeqCst),
        Err(Error::Problem(_)) => refused.fetch_add(1, Ordering::SeqCst),
        Err(other) => panic!("{other:?}"),
    };
    at_once(|thread| {
        let pay = |amount: i64| {
            let order = office.order("POST /payments");
            persist(|| office.pay(&order, home, &office.cash(amount, day("2026-03-10")))).unwrap();
        };
        pay(1_000 + i64::try_from(thread).unwrap());
        let order = office.order_of(2, "POST /approve");
        count(persist(|| office.approve(&order, asked[thread / 2])), &reversed);
        if thread % 4 == 0 {
            let order = office.order("POST /admit");
            let done = persist(|| office.admit(&order, Key::new(renewal.id.uuid()), day("2026-03-10")));
            count(done, &admitted);
        }
        if thread == 1 {
            let order = office.order_of(2, "POST /approve");
            // Whoever paid before left less to waive, or nothing.
            let done = persist(|| office.approve(&order, waiver));
            assert!(matches!(done, Ok(_) | Err(Error::Problem(_))), "{done:?}");
        }
        pay(300);
    });
    // Each reversal and the renewal happened once; the others were told so.
    assert_eq!((reversed.into_inner(), admitted.into_inner()), (pairs, 1));
    assert_eq!(refused.into_inner(), pairs + 3);
    let end = office.snapshot(&mut office.test.owner());
    all_holds(&office, &end);
    end.statements_hold(day("2026-03-10"));
    assert_eq!(end.reversals.len(), pairs);
    let paid: i64 = (0..i64::try_from(THREADS).unwrap()).map(|thread| 1_300 + thread).sum();
    assert_eq!(end.balance("cash"), paid);
    equals_some_order(&end, home, Key::new(renewal.id.uuid()));
    assert!(ayni::verify::verify(&office.test.db).unwrap().findings.is_empty());
}

/// What each payment and each reversal did to which dues, in order.
type Took = BTreeMap<Uuid, Vec<(Uuid, i64)>>;

/// Some order of the commands, one after another, gives just these allocations. Payments and reversals stand in the order of
/// their receipts, which are given under the household's lock; the renewal and the waiver, which give none, are tried at every
/// place among them.
fn equals_some_order(end: &Snapshot, home: HouseholdId, renewal: EnrolmentId) {
    use ayni::contributions::rules::{Book, Due, Event};
    let number = |id: ReceiptId| end.receipts.iter().find(|row| row.id == id).unwrap().number.unwrap();
    let paid = end.payments.iter().map(|row| {
        let event = Event::Payment { id: row.id.uuid(), received_on: row.received_on, amount: row.amount_minor };
        (number(row.receipt_id), event)
    });
    let back = end
        .reversals
        .iter()
        .map(|row| (number(row.receipt_id), Event::Reversal { id: row.id.uuid(), payment: row.payment_id.uuid() }));
    let mut events: Vec<(i64, Event<Uuid>)> = paid.chain(back).collect();
    events.sort_by_key(|(number, _)| *number);
    let dues = |renewed: bool| -> Vec<Due<Uuid>> {
        end.own_dues(home)
            .filter(|due| (due.enrolment_id == renewal) == renewed)
            .map(|due| Due { id: due.id.uuid(), kind: due.kind, due_on: due.due_on, amount: due.amount_minor, paid: 0 })
            .collect()
    };
    let waived: Option<(Uuid, i64)> = end.cancellations.first().map(|row| (row.due_id.uuid(), row.amount_minor));
    let mut told = Took::new();
    let mut parts: Vec<_> = end.allocations.iter().collect();
    parts.sort_by_key(|part| (part.revision, part.ordinal));
    for part in parts {
        let by = part.reversal_id.map_or(part.payment_id.uuid(), |id| id.uuid());
        told.entry(by).or_default().push((part.due_id.uuid(), part.amount_minor));
    }
    let (first, second) = (dues(false), dues(true));
    assert!(!second.is_empty() && events.len() > 2 * THREADS, "{} events", events.len());
    let places = |there: bool| if there { events.len() } else { 0 };
    for renewed_at in 0..=places(true) {
        for waived_at in 0..=places(waived.is_some()) {
            let mut book = Book::new();
            for due in &first {
                book.add_due(due.clone()).unwrap();
            }
            let mut took = Took::new();
            let mut apply = |book: &mut Book<Uuid>, event: Event<Uuid>| {
                for part in book.apply(event).unwrap() {
                    took.entry(part.payment).or_default().push((part.due, part.amount));
                }
            };
            let mut stands = true;
            for at in 0..=events.len() {
                if at == renewed_at {
                    let (last, before) = second.split_last().unwrap();
                    for due in before {
                        book.add_due(due.clone()).unwrap();
                    }
                    apply(&mut book, Event::DueIssued(last.clone()));
                }
                if let Some((due, amount)) = waived.filter(|_| at == waived_at) {
                    // What was waived must have been open then.
                    let mut less = Book::new();
                    for known in book.dues() {
                        let off = if known.id == due { amount } else { 0 };
                        stands &= less.add_due(Due { amount: known.amount - off, ..known.clone() }).is_ok();
                    }
                    for payment in book.payments() {
                        less.add_payment(payment.clone()).unwrap();
                    }
                    book = less;
                }
                if !stands {
                    break;
                }
                if let Some((_, event)) = events.get(at) {
                    apply(&mut book, event.clone());
                }
            }
            if stands && took == told {
                return;
            }
        }
    }
    panic!("no order of the commands gives these allocations: {told:?}");
}
