//! Worked spans, and random households against a computation of each day from the facts.

use super::*;
use crate::contributions::rules::DueKind;
use crate::dates::days_between;
use proptest::prelude::*;

fn day(offset: i64) -> NaiveDate {
    add_days("2026-01-01".parse().unwrap(), offset).unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn due(due_on: i64, amount: i64, paid: &[(i64, i64)]) -> DueFacts<u8> {
    DueFacts {
        id: 0,
        kind: DueKind::Contribution,
        due_on: day(due_on),
        amount,
        payable_by_household: true,
        allocations: paid.iter().map(|(on, amount)| (day(*on), *amount)).collect(),
    }
}

fn arrears(grace: i64, delay: i64, lapse: i64) -> Arrears {
    Arrears { grace_days: Some(grace), reinstatement_delay_days: Some(delay), lapse_days: Some(lapse) }
}

fn admitted(id: u8, from: i64, to: i64, dues: Vec<DueFacts<u8>>) -> EnrolmentFacts<u8> {
    EnrolmentFacts {
        id,
        period: Period::new(day(from), day(to)).unwrap(),
        admitted_on: Some(day(from)),
        state: EnrolmentState::Admitted,
        ended_on: None,
        params: CoverParams {
            activation_threshold_bp: None,
            renewal_grace_days: Some(30),
            arrears: Some(arrears(10, 5, 20)),
        },
        waiting_from: None,
        dues,
    }
}

fn person(id: u8, born_on: Option<i64>, stays: &[(i64, Option<i64>)]) -> PersonFacts<u8> {
    PersonFacts {
        id,
        born_on: born_on.map(day),
        died_on: None,
        memberships: stays
            .iter()
            .map(|(from, to)| Stay { from: day(*from), to: to.map(day), waiting_from: None })
            .collect(),
        elsewhere_from: Vec::new(),
    }
}

type Short = (u8, i64, Option<i64>, &'static str, &'static str, u8, Waiting);

fn spans_of(persons: Vec<PersonFacts<u8>>, enrolments: Vec<EnrolmentFacts<u8>>) -> Vec<CoverSpan<u8>> {
    cover_spans(&HouseholdFacts { persons, enrolments }).unwrap()
}

fn short(spans: &[CoverSpan<u8>]) -> Vec<Short> {
    let offset = |at| days_between(day(0), at);
    spans
        .iter()
        .map(|span| {
            (
                span.person,
                offset(span.from),
                span.to.map(offset),
                span.state.code(),
                span.reason.code(),
                span.enrolment,
                span.waiting,
            )
        })
        .collect()
}

#[test]
fn words_are_those_that_are_stored() {
    for state in SpanState::ALL {
        assert_eq!(serde_json::json!(state), state.code());
    }
    for state in EnrolmentState::ALL {
        assert_eq!(serde_json::json!(state), state.code());
        assert_eq!(EnrolmentState::parse(state.code()), Some(*state));
    }
    for reason in SpanReason::ALL {
        assert_eq!(serde_json::json!(reason), reason.code());
    }
}

#[test]
fn a_continuous_renewal_keeps_the_waiting_and_leaves_its_gap() {
    let from_start = Waiting::From(day(3));
    let spans = spans_of(
        vec![person(1, None, &[(0, None)]), person(2, None, &[(105, None)])],
        vec![admitted(1, 0, 99, vec![due(0, 50, &[(3, 50)])]), admitted(2, 100, 199, vec![due(100, 50, &[(110, 50)])])],
    );
    assert_eq!(
        short(&spans),
        [
            (1, 3, Some(99), "IN_FORCE", "UP_TO_DATE", 1, from_start),
            (1, 100, Some(109), "EXPIRED", "PERIOD_ENDED", 1, from_start),
            (1, 110, Some(199), "IN_FORCE", "UP_TO_DATE", 2, from_start),
            (1, 200, None, "EXPIRED", "PERIOD_ENDED", 2, from_start),
            // Registered in the gap: own cover starts with the household's.
            (2, 110, Some(199), "IN_FORCE", "UP_TO_DATE", 2, Waiting::From(day(110))),
            (2, 200, None, "EXPIRED", "PERIOD_ENDED", 2, Waiting::From(day(110))),
        ]
    );
    assert_eq!(status_on(&spans, 1, day(105)), CoverStatus::NoCoverage);
    assert_eq!(status_on(&spans, 1, day(110)), CoverStatus::Active);
    let answer = category_answer(&spans, 1, day(20), 1).unwrap();
    assert_eq!(
        answer,
        CategoryAnswer {
            entitlement: Entitlement::WaitingPeriod,
            since: Some(day(3)),
            until: Some(date("2026-02-03")),
        }
    );
    let gap = category_answer(&spans, 1, day(101), 1).unwrap();
    assert_eq!((gap.since, gap.until), (Some(day(100)), Some(day(109))));
}

#[test]
fn a_late_renewal_and_a_lapse_wait_anew() {
    let late = spans_of(
        vec![person(1, None, &[(0, None)])],
        vec![admitted(1, 0, 99, vec![due(0, 50, &[(0, 50)])]), admitted(2, 100, 199, vec![due(100, 50, &[(130, 50)])])],
    );
    assert_eq!(late[2].waiting, Waiting::From(day(130)));
    let lapsed = spans_of(
        vec![person(1, None, &[(0, None)])],
        vec![
            admitted(1, 0, 99, vec![due(0, 50, &[(0, 50)]), due(40, 50, &[])]),
            admitted(2, 100, 199, vec![due(100, 50, &[(95, 50)])]),
        ],
    );
    let states: Vec<_> = short(&lapsed).into_iter().map(|span| (span.1, span.3)).collect();
    assert_eq!(states, [(0, "IN_FORCE"), (51, "SUSPENDED"), (71, "LAPSED"), (100, "IN_FORCE"), (200, "EXPIRED")]);
    assert_eq!(lapsed[3].waiting, Waiting::From(day(100)));
}

#[test]
fn newborns_leavers_and_the_dead() {
    let mut dead = person(3, None, &[(0, None)]);
    dead.died_on = Some(day(50));
    let spans = spans_of(
        vec![person(1, Some(40), &[(70, None)]), person(2, Some(40), &[(71, Some(80))]), dead],
        vec![admitted(1, 0, 99, vec![due(0, 50, &[(0, 50)])])],
    );
    assert_eq!(
        short(&spans),
        [
            (1, 40, Some(99), "IN_FORCE", "UP_TO_DATE", 1, Waiting::Exempt),
            (1, 100, None, "EXPIRED", "PERIOD_ENDED", 1, Waiting::Exempt),
            (2, 71, Some(80), "IN_FORCE", "UP_TO_DATE", 1, Waiting::From(day(71))),
            (2, 81, None, "TERMINATED", "LEFT_HOUSEHOLD", 1, Waiting::From(day(71))),
            (3, 0, Some(50), "IN_FORCE", "UP_TO_DATE", 1, Waiting::From(day(0))),
            (3, 51, None, "TERMINATED", "DECEASED", 1, Waiting::From(day(0))),
        ]
    );
    let entitlement = |person, at| category_answer(&spans, person, day(at), 9).unwrap().entitlement;
    assert_eq!(entitlement(1, 41), Entitlement::Covered);
    assert_eq!(entitlement(1, 39), Entitlement::NoCoverage);
    assert_eq!(entitlement(2, 75), Entitlement::WaitingPeriod);
    assert_eq!(entitlement(2, 81), Entitlement::NotABeneficiary);
    assert_eq!(entitlement(3, 51), Entitlement::NotABeneficiary);
}

// ------------------------------------------------------------------------------------------------------------
// The same, day by day from the facts

type Content = (SpanState, SpanReason, u8, Waiting);

struct DayCover {
    id: u8,
    from: NaiveDate,
    opened: NaiveDate,
    start: NaiveDate,
    state: EnrolmentState,
    period: Period,
    grace: i64,
    by_day: Vec<(SpanState, SpanReason)>,
    served_from: NaiveDate,
}

fn owed(due: &DueFacts<u8>, at: NaiveDate) -> i64 {
    let mut left = due.amount;
    for (on, amount) in &due.allocations {
        if *on <= at {
            left -= amount;
        }
    }
    left
}

fn day_cover(enrolment: &EnrolmentFacts<u8>) -> Option<DayCover> {
    use EnrolmentState::*;
    let last = match (enrolment.state, enrolment.ended_on) {
        (Applied | Rejected, _) | (Cancelled, None) => return None,
        (Admitted, _) | (_, None) => enrolment.period.to,
        (_, Some(ended)) => ended.min(enrolment.period.to),
    };
    let own: Vec<_> = enrolment.dues.iter().filter(|due| due.payable_by_household).collect();
    let first = own.iter().map(|due| due.due_on).min();
    let admitted = enrolment.admitted_on?;
    let threshold = enrolment.params.activation_threshold_bp.unwrap_or(10_000);
    let opened = (0..400).map(|n| add_days(admitted, n).unwrap()).find(|at| {
        let (mut paid, mut all) = (0, 0);
        for due in &own {
            if due.due_on <= *at || Some(due.due_on) == first {
                all += due.amount;
                paid += due.amount - owed(due, *at).max(0);
            }
        }
        paid * 10_000 >= threshold * all
    })?;
    let start = opened.max(enrolment.period.from);
    if start > last {
        return None;
    }
    let mut by_day = Vec::new();
    let none = Arrears { grace_days: Some(1000), reinstatement_delay_days: None, lapse_days: None };
    let params = enrolment.params.arrears.as_ref().unwrap_or(&none);
    let (grace, delay) = (params.grace_days.unwrap_or(0), params.reinstatement_delay_days.unwrap_or(0));
    let (mut since, mut waits_to, mut lapsed) = (None, None, false);
    let mut at = start;
    while at <= last {
        let late = own.iter().any(|due| owed(due, at) > 0 && days_between(due.due_on, at) > grace);
        if waits_to == Some(at) {
            (since, waits_to) = (None, None);
        }
        if late {
            waits_to = None;
            since = since.or(Some(at));
        }
        if let (Some(from), None) = (since, waits_to) {
            if params.lapse_days.is_some_and(|days| days_between(from, at) >= days) {
                lapsed = true;
            } else if own.iter().all(|due| due.due_on > at || owed(due, at) <= 0) {
                if delay == 0 {
                    since = None;
                } else {
                    waits_to = Some(add_days(at, delay).unwrap());
                }
            }
        }
        by_day.push(if lapsed {
            (SpanState::Lapsed, SpanReason::Lapsed)
        } else if since.is_some() {
            (SpanState::Suspended, SpanReason::Arrears)
        } else {
            (SpanState::InForce, SpanReason::UpToDate)
        });
        at = add_days(at, 1).unwrap();
    }
    Some(DayCover {
        id: enrolment.id,
        from: enrolment.period.from,
        opened,
        start,
        state: enrolment.state,
        period: enrolment.period,
        grace: enrolment.params.renewal_grace_days.unwrap_or(0),
        by_day,
        served_from: enrolment.waiting_from.map_or(start, |from| from.min(start)),
    })
}

impl DayCover {
    fn at(&self, at: NaiveDate) -> (SpanState, SpanReason) {
        use EnrolmentState::*;
        let index = usize::try_from(days_between(self.start, at)).unwrap();
        if let Some(known) = self.by_day.get(index) {
            return *known;
        }
        let reason = match self.state {
            Cancelled => SpanReason::Cancelled,
            Resigned => SpanReason::Resigned,
            Excluded => SpanReason::Excluded,
            Transferred => SpanReason::Transferred,
            Closed => SpanReason::Closed,
            Applied | Admitted | Rejected => {
                return match self.by_day.last() {
                    Some(lapsed @ (SpanState::Lapsed, _)) => *lapsed,
                    _ => (SpanState::Expired, SpanReason::PeriodEnded),
                };
            }
        };
        (SpanState::Terminated, reason)
    }
}

fn day_by_day(facts: &HouseholdFacts<u8>, who: &PersonFacts<u8>, to: NaiveDate) -> Vec<(NaiveDate, Option<Content>)> {
    let mut covers: Vec<DayCover> = facts.enrolments.iter().filter_map(day_cover).collect();
    covers.sort_by_key(|cover| (cover.start, cover.from, cover.id));
    // For each cover the first of its unbroken chain.
    let mut roots: Vec<usize> = Vec::new();
    for (index, cover) in covers.iter().enumerate() {
        let root = index.checked_sub(1).and_then(|before| {
            let expired = &covers[before];
            let kept = expired.state == EnrolmentState::Admitted
                && expired.by_day.last().unwrap().0 != SpanState::Lapsed
                && cover.from == add_days(expired.period.to, 1).unwrap()
                && days_between(expired.period.to, cover.opened) <= expired.grace;
            kept.then(|| roots[before])
        });
        roots.push(root.unwrap_or(index));
    }
    let governing = |at: NaiveDate| covers.iter().rposition(|cover| cover.start <= at);
    let mut stays = who.memberships.clone();
    stays.sort_by_key(|stay| stay.from);
    let mut exempt_from = None;
    if let (Some(born), Some(stay)) = (who.born_on, stays.first_mut()) {
        let late = days_between(born, stay.from);
        let in_force = governing(born).is_some_and(|index| covers[index].at(born).0 == SpanState::InForce);
        if (0..=30).contains(&late) && in_force {
            stay.from = born;
            exempt_from = Some(born);
        }
    }

    let mut answers = Vec::new();
    let mut last: Option<(u8, Waiting)> = None;
    let mut own_start: Option<(usize, usize, Waiting)> = None;
    let mut at = day(-120);
    while at <= to {
        let stay =
            (0..stays.len()).rev().find(|index| stays[*index].from <= at && stays[*index].to.is_none_or(|to| at <= to));
        let index = governing(at);
        let mut content = None;
        if let (Some(stay), Some(index)) = (stay, index) {
            content = Some(covers[index].at(at));
            let alive = who.died_on.is_none_or(|died| at <= died);
            let covered = matches!(covers[index].at(at).0, SpanState::InForce | SpanState::Suspended);
            if covered && alive {
                let key = (stay, roots[index]);
                if own_start.is_none_or(|(stay, root, _)| (stay, root) != key) {
                    let first_of_chain = roots[index] == index && covers[index].start == at;
                    let waiting = if exempt_from == Some(at) {
                        Waiting::Exempt
                    } else if first_of_chain {
                        Waiting::From(covers[index].served_from)
                    } else {
                        Waiting::From(at)
                    };
                    own_start = Some((key.0, key.1, waiting));
                }
                last = own_start.map(|(_, _, waiting)| (covers[index].id, waiting));
            }
        } else if stay.is_none() {
            content = Some((SpanState::Terminated, SpanReason::LeftHousehold));
        }
        if who.died_on.is_some_and(|died| died < at) {
            content = Some((SpanState::Terminated, SpanReason::Deceased));
        }
        answers.push((at, content.zip(last).map(|((state, reason), (id, waiting))| (state, reason, id, waiting))));
        at = add_days(at, 1).unwrap();
    }
    answers
}

fn any_due() -> impl Strategy<Value = DueFacts<u8>> {
    let rows = prop::collection::vec((-15_i64..70, prop_oneof![3 => 1_i64..6, 1 => -4_i64..0]), 0..4);
    (0_i64..40, 1_i64..6, prop::bool::weighted(0.85), rows).prop_map(|(on, amount, own, rows)| {
        let mut due = due(on, amount * 100, &[]);
        due.payable_by_household = own;
        due.allocations = rows.iter().map(|(on, part)| (day(*on), part * 100)).collect();
        due
    })
}

fn any_enrolment() -> impl Strategy<Value = (i64, i64, i64, EnrolmentFacts<u8>)> {
    use EnrolmentState::*;
    let state = prop_oneof![
        10 => Just(Admitted),
        3 => prop::sample::select(vec![Applied, Rejected, Cancelled, Resigned, Excluded, Transferred, Closed]),
    ];
    let params = (
        prop::option::of(3000_i64..=10_000),
        prop::option::of(0_i64..15),
        prop::option::weighted(0.8, (0_i64..6, 0_i64..7, prop::option::of(0_i64..25))),
    );
    let dates = (
        prop::option::weighted(0.9, -10_i64..10),
        prop::option::of(-5_i64..60),
        prop::option::weighted(0.15, -90_i64..20),
    );
    let gap = prop_oneof![3 => Just(0_i64), 1 => -25_i64..12];
    let all = (gap, 10_i64..60, state, params, dates, prop::collection::vec(any_due(), 0..4));
    all.prop_map(|(gap, days, state, (threshold, grace, late), (admitted_on, ended_on, served), dues)| {
        let mut facts = admitted(0, 0, 0, dues);
        facts.admitted_on = admitted_on.map(day);
        facts.ended_on = ended_on.map(day);
        facts.waiting_from = served.map(day);
        facts.state = state;
        facts.params = CoverParams {
            activation_threshold_bp: threshold,
            renewal_grace_days: grace,
            arrears: late.map(|(grace, delay, lapse)| Arrears {
                grace_days: Some(grace),
                reinstatement_delay_days: Some(delay),
                lapse_days: lapse,
            }),
        };
        (gap, days, 0, facts)
    })
}

/// Enrolments one after another, their days counted from their own period's first day.
fn in_sequence(parts: Vec<(i64, i64, i64, EnrolmentFacts<u8>)>) -> Vec<EnrolmentFacts<u8>> {
    let mut next_from = 0;
    let mut enrolments = Vec::new();
    for (id, (gap, days, _, mut facts)) in (1_u8..).zip(parts) {
        let from = next_from + gap;
        let moved = |at: NaiveDate| add_days(at, from).unwrap();
        facts.id = id;
        facts.period = Period::new(day(from), day(from + days)).unwrap();
        facts.admitted_on = facts.admitted_on.map(moved);
        facts.ended_on = facts.ended_on.map(moved);
        facts.waiting_from = facts.waiting_from.map(moved);
        for due in &mut facts.dues {
            due.due_on = moved(due.due_on);
            due.allocations.iter_mut().for_each(|row| row.0 = moved(row.0));
        }
        next_from = from + days + 1;
        enrolments.push(facts);
    }
    enrolments
}

/// Stays of which one begins on the day after the other's end are one.
fn joined(stays: &[Stay]) -> Vec<Stay> {
    let mut whole: Vec<Stay> = Vec::new();
    for stay in stays {
        match whole.pop() {
            Some(before) if before.to.map(|to| add_days(to, 1).unwrap()) == Some(stay.from) => {
                whole.push(Stay { to: stay.to, ..before });
            }
            before => whole.extend(before.into_iter().chain([*stay])),
        }
    }
    whole
}

fn any_person() -> impl Strategy<Value = PersonFacts<u8>> {
    let stays = prop::collection::vec((0_i64..60, prop::option::weighted(0.6, 0_i64..90)), 1..3);
    (stays, prop::option::of(-5_i64..40), prop::option::weighted(0.3, 0_i64..150)).prop_map(
        |(stays, days_before, died_on)| {
            let mut facts = person(0, None, &[]);
            let mut from = -30;
            for (wait, length) in stays {
                from += wait;
                let to = length.map(|length| from + length);
                facts.memberships.push(Stay { from: day(from), to: to.map(day), waiting_from: None });
                let Some(to) = to else { break };
                from = to + 1;
            }
            let first = facts.memberships[0].from;
            facts.born_on = days_before.map(|days| add_days(first, -days).unwrap());
            facts.died_on = died_on.map(day);
            facts
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn spans_say_what_each_day_says(
        parts in prop::collection::vec(any_enrolment(), 0..4),
        mut persons in prop::collection::vec(any_person(), 1..3),
    ) {
        for (id, person) in (1_u8..).zip(persons.iter_mut()) {
            person.id = id;
        }
        let facts = HouseholdFacts { persons, enrolments: in_sequence(parts) };
        let spans = cover_spans(&facts).unwrap();
        for who in &facts.persons {
            let whole = PersonFacts { memberships: joined(&who.memberships), ..who.clone() };
            for (at, expected) in day_by_day(&facts, &whole, day(330)) {
                let content = span_on(&spans, who.id, at)
                    .map(|span| (span.state, span.reason, span.enrolment, span.waiting));
                prop_assert_eq!(content, expected, "person {} on {}", who.id, at);
            }
        }
        for pair in spans.windows(2).filter(|pair| pair[0].person == pair[1].person) {
            prop_assert_eq!(pair[0].to, Some(add_days(pair[1].from, -1).unwrap()));
            prop_assert!(pair[0].from <= pair[0].to.unwrap());
            let joined = CoverSpan { from: pair[0].from, to: pair[0].to, ..pair[1] };
            prop_assert_ne!(joined, pair[0]);
        }
    }

    #[test]
    fn a_category_answer_holds_on_all_its_days(
        parts in prop::collection::vec(any_enrolment(), 0..4),
        mut who in any_person(),
        asked in -40_i64..300,
        months in 0_i64..4,
    ) {
        who.id = 1;
        let facts = HouseholdFacts { persons: vec![who], enrolments: in_sequence(parts) };
        let spans = cover_spans(&facts).unwrap();
        let answer = category_answer(&spans, 1, day(asked), months).unwrap();
        for at in (-60..330).map(day) {
            let inside = answer.since.is_none_or(|since| since <= at) && answer.until.is_none_or(|until| at <= until);
            let there = category_answer(&spans, 1, at, months).unwrap();
            prop_assert_eq!(inside, there == answer);
        }
    }
}
