//! The simulated lives of households: registered, enrolled, paying in time, late, never again; renewed or not.
use super::tree::{Mutual, Tree, order};
use super::{Dice, Options, people};
use crate::access::picture::Picture;
use crate::access::scopes::{MutualScope, SystemScope};
use crate::app::HOOKS;
use crate::audit::frame::{Order, command};
use crate::audit::model::Purpose;
use crate::clock::Clock;
use crate::contributions::model::Method;
use crate::contributions::position::Position;
use crate::contributions::service::{self as contributions, Locked, NewPayment, Taker};
use crate::contributions::store as money;
use crate::dates::add_days;
use crate::db::{Db, Write};
use crate::enrolments::service::{self as enrolments, Application};
use crate::error::{Code, Error, Problem, Result};
use crate::households::service::{NewHousehold, register};
use crate::households::store as households;
use crate::ids::*;
use chrono::{Datelike, Duration, Months, NaiveDate};
use std::sync::atomic::{AtomicBool, Ordering};

/// How a household pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// In time, and renews.
    Punctual,
    /// Weeks late, again and again.
    Late,
    /// Two payments, then never again.
    Stops,
    /// Pays once and does not renew.
    Leaves,
    /// Is admitted and never pays.
    NeverPays,
    /// Applies and is not yet admitted.
    Applies,
}

/// What happens on a day.
#[derive(Debug, Clone)]
enum Event {
    Register {
        household: usize,
    },
    Apply {
        household: usize,
        starts_on: NaiveDate,
    },
    Admit {
        household: usize,
    },
    /// Pays what is due by that day, or as much of it.
    Pay {
        household: usize,
        whole: bool,
    },
    /// Somebody of the household falls ill.
    Care {
        household: usize,
    },
    /// A birth, a death, a departure…
    Change {
        household: usize,
    },
    /// The membership ends before its time.
    End {
        household: usize,
        excluded: bool,
    },
    /// The mutual settles with its facilities, and looks at the claims that wait.
    Settle {
        mutual: usize,
    },
    /// The mutual closes the month before.
    Close {
        mutual: usize,
    },
    /// What a mutual on paper has counted of the month before is handed in.
    HandIn,
}

/// The day of the month on which the month before is closed.
const CLOSES_ON: u32 = 3;
/// The last mutual has not closed its last months.
const LATE_MONTHS: u32 = 2;

struct Family {
    mutual: usize,
    section: usize,
    product: usize,
    class: &'static str,
    /// The row's id, once registered.
    id: HouseholdId,
    enrolment: EnrolmentId,
    by_agent: bool,
}

/// Of a history, what one writer makes.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    pub options: Options,
    /// From 0 to the number of writers, less one.
    pub writer: u32,
    pub start: NaiveDate,
    pub until: NaiveDate,
}

impl Share {
    /// Whether this writer lives the mutual's life.
    fn has(&self, mutual: usize) -> bool {
        let writers = usize::try_from(self.options.writers.max(1)).unwrap_or(1);
        usize::try_from(self.writer).is_ok_and(|writer| mutual % writers == writer)
    }

    /// Of what happens to a household in a year, how many of a hundred happen in this history: all of it in a year or more.
    fn of_a_year(&self) -> u64 {
        u64::from(self.options.months.min(12)) * 100 / 12
    }
}

/// Lives a writer's share of the history, or as much of it as there is before it is told to stop.
///
/// # Errors
/// The database's.
pub fn live(
    db: &Db,
    clock: &Clock,
    tree: &Tree,
    share: &Share,
    dice: &mut Dice,
    stop: &AtomicBool,
    progress: &mut impl FnMut(u64, u64),
) -> Result<()> {
    let Share { options, start, until, .. } = *share;
    let mut families = Vec::new();
    let mut events: Vec<(NaiveDate, u64, Event)> = Vec::new();
    let own = || tree.mutuals.iter().enumerate().filter(|(at, _)| share.has(*at));
    for (at, mutual) in own() {
        for _ in 0..options.households {
            plan(dice, at, mutual, share, &mut families, &mut events);
        }
    }
    for (at, _) in own() {
        let mut month = start.checked_add_months(Months::new(2)).unwrap_or(until);
        while month <= until {
            let order = u64::try_from(events.len()).unwrap_or(u64::MAX);
            events.push((month, order, Event::Settle { mutual: at }));
            month = month.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX);
        }
    }
    plan_closing(tree, share, &mut events);
    events.sort_by_key(|(day, order, _)| (*day, *order));
    let picture = Picture::load(db)?;
    let all = u64::try_from(events.len()).unwrap_or(u64::MAX);
    for (done, (day, _, event)) in (1u64..).zip(&events) {
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        // A second apart, from six in the morning: many events of one day keep their order.
        let second = i64::try_from(done % 40_000).unwrap_or(0);
        if let Some(at) = day.and_hms_opt(6, 0, 0) {
            clock.set(at.and_utc() + Duration::seconds(second));
        }
        happen(db, &picture, tree, &mut families, event, *day, dice)?;
        progress(done, all);
    }
    if let Some(at) = until.and_hms_opt(18, 0, 0) {
        clock.set(at.and_utc());
    }
    Ok(())
}

/// Plans when months are closed: one mutual of several is late with its last ones.
fn plan_closing(tree: &Tree, share: &Share, events: &mut Vec<(NaiveDate, u64, Event)>) {
    let Share { start, until, .. } = *share;
    let late_from = until.checked_sub_months(Months::new(LATE_MONTHS)).unwrap_or(until);
    let mut next = start.with_day(CLOSES_ON).and_then(|day| day.checked_add_months(Months::new(1)));
    while let Some(day) = next.filter(|day| *day <= until) {
        let mut push = |event: Event| {
            let order = u64::try_from(events.len()).unwrap_or(u64::MAX);
            events.push((day, order, event));
        };
        for at in 0..tree.mutuals.len() {
            let is_last = at > 0 && at + 1 == tree.mutuals.len();
            if share.has(at) && (!is_last || day <= late_from) {
                push(Event::Close { mutual: at });
            }
        }
        if share.writer == 0 {
            push(Event::HandIn);
        }
        next = day.checked_add_months(Months::new(1));
    }
}

/// Plans one household's life as dated events.
fn plan(
    dice: &mut Dice,
    at: usize,
    mutual: &Mutual,
    share: &Share,
    families: &mut Vec<Family>,
    events: &mut Vec<(NaiveDate, u64, Event)>,
) {
    let Share { start, until, .. } = *share;
    let habit = match dice.below(100) {
        0..=54 => Habit::Punctual,
        55..=69 => Habit::Late,
        70..=81 => Habit::Stops,
        82..=91 => Habit::Leaves,
        92..=95 => Habit::NeverPays,
        _ => Habit::Applies,
    };
    let latest = add_days(until, -3).unwrap_or(until);
    let registered = match habit {
        Habit::Applies => dice.day(add_days(until, -20).unwrap_or(start).max(start), latest),
        _ => dice.day(start, latest),
    };
    let household = families.len();
    let products = u64::try_from(mutual.products.len()).unwrap_or(1);
    families.push(Family {
        mutual: at,
        section: usize::try_from(dice.below(2)).unwrap_or(0),
        product: usize::try_from(dice.below(products)).unwrap_or(0),
        class: if mutual.currency == "XOF" && dice.percent(10) { "INDIGENT" } else { "STANDARD" },
        id: HouseholdId::NIL,
        enrolment: EnrolmentId::NIL,
        by_agent: dice.percent(20),
    });
    let is_monthly = mutual.currency == "XOF" && families.last().is_some_and(|family| family.product == 0);
    let mut push = |day: NaiveDate, event: Event| {
        let order = u64::try_from(events.len()).unwrap_or(u64::MAX);
        if day <= until {
            events.push((day, order, event));
        }
    };
    push(registered, Event::Register { household });
    let mut period = registered;
    let of_a_year = share.of_a_year();
    for _ in 0..dice.below(8) {
        if happens_in(dice, of_a_year) {
            push(dice.day(registered, until), Event::Care { household });
        }
    }
    for _ in 0..dice.below(3) {
        if happens_in(dice, of_a_year) {
            push(dice.day(registered, until), Event::Change { household });
        }
    }
    if habit == Habit::Leaves && dice.percent(50) {
        push(dice.day(registered, until), Event::End { household, excluded: dice.percent(30) });
    }
    loop {
        push(period, Event::Apply { household, starts_on: period });
        if habit == Habit::Applies {
            return;
        }
        push(period, Event::Admit { household });
        let installments = if is_monthly { 12 } else { 1 };
        for month in 0..installments {
            let due = period.checked_add_months(Months::new(month)).unwrap_or(period);
            let delay = match habit {
                Habit::Punctual | Habit::Leaves => i64::try_from(dice.below(12)).unwrap_or(0),
                Habit::Late => i64::try_from(20 + dice.below(60)).unwrap_or(0),
                Habit::Stops if month < 2 && is_monthly => 5,
                Habit::Stops if !is_monthly => 8,
                _ => continue,
            };
            let whole = !dice.percent(8);
            push(add_days(due, delay).unwrap_or(due), Event::Pay { household, whole });
        }
        period = match period.checked_add_months(Months::new(12)) {
            Some(next) if matches!(habit, Habit::Punctual | Habit::Late) && next <= until => next,
            _ => return,
        };
    }
}

/// Whether something of a year happens in a history of that many hundredths of it. A whole year throws no dice for it.
fn happens_in(dice: &mut Dice, of_a_year: u64) -> bool {
    of_a_year >= 100 || dice.percent(of_a_year)
}

fn happen(
    db: &Db,
    picture: &Picture,
    tree: &Tree,
    families: &mut [Family],
    event: &Event,
    day: NaiveDate,
    dice: &mut Dice,
) -> Result<()> {
    if let Event::Settle { mutual } = event {
        super::care::settle(db, picture, tree, *mutual, dice)?;
        return super::treasury::month_end(db, picture, tree, *mutual, dice);
    }
    if let Event::HandIn = event {
        return super::figures::hand_in(db, tree, day, dice);
    }
    if let Event::Close { mutual } = event {
        let Some(mutual) = tree.mutuals.get(*mutual) else { return Ok(()) };
        return super::figures::close_month(db, picture, mutual, day);
    }
    let at = match event {
        Event::Settle { .. } | Event::Close { .. } | Event::HandIn => return Ok(()),
        Event::Register { household }
        | Event::Apply { household, .. }
        | Event::Admit { household }
        | Event::Care { household }
        | Event::Change { household }
        | Event::End { household, .. }
        | Event::Pay { household, .. } => *household,
    };
    let lost = || Error::Fault("the simulation lost a household".into());
    let family = families.get_mut(at).ok_or_else(lost)?;
    let mutual = tree.mutuals.get(family.mutual).ok_or_else(lost)?;
    let scope = SystemScope::of_the_terminal().mutual(picture, db.clock(), mutual.id)?;
    let agent = mutual.agents.get(family.section).copied().unwrap_or(mutual.registrar);
    match event {
        Event::Settle { .. } | Event::Close { .. } | Event::HandIn => {}
        Event::Care { .. } => super::care::fall_ill(db, &scope, picture, mutual, family.id, day, dice)?,
        Event::Change { .. } => super::changes::happens(db, &scope, mutual, family.id, day, dice)?,
        Event::End { excluded, .. } => super::changes::ends(db, &scope, mutual, family.enrolment, day, *excluded)?,
        Event::Register { .. } => {
            let new = NewHousehold {
                number: None,
                section: mutual.sections.get(family.section).copied(),
                area: None,
                class: family.class.to_owned(),
                phone: Some(people::phone(dice, mutual.currency)),
                registered_on: day,
                members: people::household(dice, mutual.currency, day),
            };
            let by = if family.by_agent { agent } else { mutual.registrar };
            let order = order(db, &scope, by, Purpose::Enrolment);
            command(db, &HOOKS, &order, |w| register(w, &scope, &order, &new))?;
            family.id = Key::new(order.id.uuid());
        }
        Event::Apply { starts_on, .. } => {
            let order = order(db, &scope, mutual.registrar, Purpose::Enrolment);
            let owners = [picture.ancestors(mutual.id, day), vec![mutual.id]].concat();
            let application = Application {
                number: None,
                household: family.id,
                product: *mutual.products.get(family.product).ok_or_else(lost)?,
                starts_on: *starts_on,
                ends_on: None,
                applied_on: day,
                waiting_from: None,
                agreed: false,
            };
            match command(db, &HOOKS, &order, |w| enrolments::apply(w, &scope, &order, &owners, &application)) {
                // Its principal has died, or nobody is left: the office waits for it to say who leads it.
                Err(Error::Problem(problem)) if matches!(problem.code, Code::NoPrincipal | Code::NoBand) => {
                    family.enrolment = EnrolmentId::NIL;
                }
                applied => {
                    applied?;
                    family.enrolment = Key::new(order.id.uuid());
                }
            }
        }
        Event::Admit { .. } if family.enrolment == EnrolmentId::NIL => {}
        Event::Admit { .. } => {
            let order = order(db, &scope, mutual.registrar, Purpose::Enrolment);
            let id = family.enrolment;
            command(db, &HOOKS, &order, |w| enrolments::admit(w, &scope, &order, id, Some("\"v1\""), day))?;
        }
        Event::Pay { whole, .. } => {
            let by = if family.by_agent { agent } else { mutual.treasurer };
            let order = order(db, &scope, by, Purpose::Collection);
            let method = match dice.below(10) {
                _ if family.by_agent => Method::Cash,
                0..=5 => Method::Cash,
                6..=8 => Method::Mobile,
                _ => Method::Bank,
            };
            let (id, by_agent, whole) = (family.id, family.by_agent, *whole);
            let paid = command(db, &HOOKS, &order, |w| pay(w, &scope, &order, id, day, whole, method, by_agent));
            match paid {
                // Nothing is due on that day: a family of the subsidised owes nothing itself.
                Err(Error::Problem(problem)) if problem.code == Code::AmountRefused => {}
                other => {
                    other?;
                }
            }
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "one call, from one place")]
fn pay(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    household: HouseholdId,
    day: NaiveDate,
    whole: bool,
    method: Method,
    by_agent: bool,
) -> Result<()> {
    let mutual = scope.mutual();
    let revision = households::lock(w, mutual, household)?.ok_or(Problem::of(Code::NotFound))?;
    let locked =
        Locked { mutual, household, revision, currency: scope.currency(), today: scope.today(), command: order.id };
    let owed: i64 = Position::load(w, mutual, household)?
        .book()?
        .dues()
        .filter(|due| due.due_on <= day)
        .map(crate::contributions::rules::Due::outstanding)
        .sum();
    let desk = money::list_desks(w, mutual)?.first().map(|desk| desk.id);
    let taker = match (by_agent, order.asker.user, desk) {
        (true, Some(agent), _) => Taker::Collector(agent),
        (_, _, Some(desk)) => Taker::Desk(desk),
        _ => return Err(Error::Fault("the mutual has no cash desk".into())),
    };
    let new = NewPayment {
        amount_minor: if whole { owed } else { owed / 2 },
        method,
        received_on: day,
        reference: None,
        taker,
        label: None,
        source: None,
        was_unallocated: false,
    };
    let id = contributions::pay(w, order, &locked, Key::new(order.id.uuid()), &new)?;
    let section = households::find(w, scope, household)?.and_then(|row| row.section_id);
    w.changed("payment", id.uuid(), section, section);
    w.touch(household);
    Ok(())
}
