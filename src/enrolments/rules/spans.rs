//! The cover spans of a household: what each person's cover is on each day, past and future (R12–R20).

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    ArrearsStatus, DueFacts, Entitlement, Suspension, Waiting, arrears_status_on, newborn_cover, renewal,
    rights_open_on, suspensions,
};
use crate::dates::{self, DateOutOfRange, Period, add_days};
use crate::products::rules::{Arrears, Product};
use crate::words;

/// All facts of one household that decide its cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseholdFacts<Id> {
    pub persons: Vec<PersonFacts<Id>>,
    pub enrolments: Vec<EnrolmentFacts<Id>>,
}

/// A person who is or was in the household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonFacts<Id> {
    pub id: Id,
    pub born_on: Option<NaiveDate>,
    pub died_on: Option<NaiveDate>,
    pub memberships: Vec<Stay>,
    /// Days on which a stay in another household of the mutual began: from there that household says what holds.
    pub elsewhere_from: Vec<NaiveDate>,
}

/// A stay in the household, both ends included; registered on `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
    /// Waiting served in another household counts from here, where cover goes on with the first day of the stay.
    pub waiting_from: Option<NaiveDate>,
}

/// One enrolment of the household with its dues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentFacts<Id> {
    pub id: Id,
    pub period: Period,
    pub admitted_on: Option<NaiveDate>,
    pub state: EnrolmentState,
    /// Last day of cover of an enrolment that was ended; absent, the period's end.
    pub ended_on: Option<NaiveDate>,
    pub params: CoverParams,
    /// Opening position: waiting was already served from this day.
    pub waiting_from: Option<NaiveDate>,
    pub dues: Vec<DueFacts<Id>>,
}

words! {
    /// The states of an enrolment that are stored; all others follow from dates.
    pub enum EnrolmentState {
        Applied = "APPLIED",
        Admitted = "ADMITTED",
        Rejected = "REJECTED",
        Cancelled = "CANCELLED",
        Resigned = "RESIGNED",
        Excluded = "EXCLUDED",
        Transferred = "TRANSFERRED",
        Closed = "CLOSED",
    }
}

/// The parameters of a product that decide on cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverParams {
    pub activation_threshold_bp: Option<i64>,
    pub renewal_grace_days: Option<i64>,
    pub arrears: Option<Arrears>,
}

impl From<&Product> for CoverParams {
    fn from(product: &Product) -> Self {
        Self {
            activation_threshold_bp: product.activation_threshold_bp,
            renewal_grace_days: product.renewal_grace_days,
            arrears: product.arrears.clone(),
        }
    }
}

words! {
    /// State of cover during a span.
    pub enum SpanState {
        InForce = "IN_FORCE",
        Suspended = "SUSPENDED",
        Lapsed = "LAPSED",
        Expired = "EXPIRED",
        Terminated = "TERMINATED",
    }
}

words! {
    /// Why a span is in its state.
    pub enum SpanReason {
        UpToDate = "UP_TO_DATE",
        Arrears = "ARREARS",
        Lapsed = "LAPSED",
        PeriodEnded = "PERIOD_ENDED",
        Deceased = "DECEASED",
        LeftHousehold = "LEFT_HOUSEHOLD",
        Cancelled = "CANCELLED",
        Resigned = "RESIGNED",
        Excluded = "EXCLUDED",
        Transferred = "TRANSFERRED",
        Closed = "CLOSED",
    }
}

/// Days on which one person's cover does not change, both ends included; no end where nothing recorded ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoverSpan<Id> {
    pub person: Id,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
    pub state: SpanState,
    pub reason: SpanReason,
    /// The enrolment that covers the person, or covered the person last.
    pub enrolment: Id,
    /// From when waiting runs, or last ran.
    pub waiting: Waiting,
}

/// The cover that one enrolment gives to the household.
struct Cover<'a, Id> {
    enrolment: &'a EnrolmentFacts<Id>,
    opened_on: NaiveDate,
    start: NaiveDate,
    last: NaiveDate,
    suspensions: Vec<Suspension>,
    /// Covers without a break between them share a number (R19).
    chain: usize,
    /// From when waiting runs for those present at its start, if it opens a chain.
    waiting_from: NaiveDate,
    opens_chain: bool,
}

/// The cover spans of each person of a household, by person and date: past and future, as they run if nothing more is
/// recorded (R12–R20). They begin with the person's first day of cover and have no holes
/// after it, as long as the person has not gone to another household of the mutual.
pub fn cover_spans<Id: Copy + Ord>(facts: &HouseholdFacts<Id>) -> Result<Vec<CoverSpan<Id>>, DateOutOfRange> {
    let covers = household_covers(&facts.enrolments)?;
    let mut persons: Vec<&PersonFacts<Id>> = facts.persons.iter().collect();
    persons.sort_by_key(|person| person.id);
    let mut spans = Vec::new();
    for person in persons {
        spans.extend(person_spans(person, &covers)?);
    }
    Ok(spans)
}

/// The covers that open, in the order in which they do. From its start a cover replaces the one before.
fn household_covers<Id: Copy + Ord>(enrolments: &[EnrolmentFacts<Id>]) -> Result<Vec<Cover<'_, Id>>, DateOutOfRange> {
    let mut covers: Vec<Cover<'_, Id>> = enrolments.iter().filter_map(open_cover).collect();
    covers.sort_by_key(|cover| (cover.start, cover.enrolment.period.from, cover.enrolment.id));
    for index in 1..covers.len() {
        let (earlier, later) = covers.split_at_mut(index);
        let (Some(before), Some(cover)) = (earlier.last(), later.first_mut()) else {
            continue;
        };
        cover.opens_chain = !continues(before, cover)?;
        cover.chain = before.chain + usize::from(cover.opens_chain);
    }
    Ok(covers)
}

/// R12; `None` where the rights do not open before the cover would end.
fn open_cover<Id>(enrolment: &EnrolmentFacts<Id>) -> Option<Cover<'_, Id>> {
    let last = match enrolment.state {
        EnrolmentState::Applied | EnrolmentState::Rejected => return None,
        EnrolmentState::Admitted => enrolment.period.to,
        EnrolmentState::Cancelled => enrolment.ended_on?.min(enrolment.period.to),
        EnrolmentState::Resigned | EnrolmentState::Excluded | EnrolmentState::Transferred | EnrolmentState::Closed => {
            enrolment.ended_on.map_or(enrolment.period.to, |ended_on| ended_on.min(enrolment.period.to))
        }
    };
    let params = &enrolment.params;
    let opened_on = rights_open_on(&enrolment.dues, params.activation_threshold_bp, enrolment.admitted_on?)?;
    let start = opened_on.max(enrolment.period.from);
    let arrears = params.arrears.as_ref();
    (start <= last).then(|| Cover {
        enrolment,
        opened_on,
        start,
        last,
        suspensions: arrears.map_or_else(Vec::new, |arrears| suspensions(&enrolment.dues, arrears, start)),
        chain: 0,
        waiting_from: enrolment.waiting_from.map_or(start, |from| from.min(start)),
        opens_chain: true,
    })
}

/// R19. Only cover that expired is renewed: after a lapse, a resignation or an exclusion the household enters anew.
fn continues<Id>(before: &Cover<'_, Id>, next: &Cover<'_, Id>) -> Result<bool, DateOutOfRange> {
    let expiry = before.enrolment.period.to;
    let expired = before.enrolment.state == EnrolmentState::Admitted
        && arrears_status_on(&before.suspensions, before.last) != ArrearsStatus::Lapsed;
    let grace_days = before.enrolment.params.renewal_grace_days.unwrap_or(0);
    let renewal = renewal(expiry, next.opened_on, grace_days)?;
    let follows = next.enrolment.period.from == add_days(expiry, 1)?;
    Ok(expired && follows && renewal.continuous)
}

impl<Id> Cover<'_, Id> {
    /// What the cover is on a day from its start on, also after its end.
    fn state_on(&self, day: NaiveDate) -> (SpanState, SpanReason) {
        let ended = match self.enrolment.state {
            EnrolmentState::Cancelled => Some(SpanReason::Cancelled),
            EnrolmentState::Resigned => Some(SpanReason::Resigned),
            EnrolmentState::Excluded => Some(SpanReason::Excluded),
            EnrolmentState::Transferred => Some(SpanReason::Transferred),
            EnrolmentState::Closed => Some(SpanReason::Closed),
            EnrolmentState::Applied | EnrolmentState::Admitted | EnrolmentState::Rejected => None,
        };
        let status = arrears_status_on(&self.suspensions, day.min(self.last));
        match (day <= self.last, status, ended) {
            (true, ArrearsStatus::Active, _) => (SpanState::InForce, SpanReason::UpToDate),
            (true, ArrearsStatus::Suspended, _) => (SpanState::Suspended, SpanReason::Arrears),
            (true, ArrearsStatus::Lapsed, _) => (SpanState::Lapsed, SpanReason::Lapsed),
            (false, _, Some(reason)) => (SpanState::Terminated, reason),
            (false, ArrearsStatus::Lapsed, None) => (SpanState::Lapsed, SpanReason::Lapsed),
            (false, _, None) => (SpanState::Expired, SpanReason::PeriodEnded),
        }
    }

    /// The days on which `state_on` may change.
    fn changes(&self) -> Result<BTreeSet<NaiveDate>, DateOutOfRange> {
        let mut days = BTreeSet::from([self.start, add_days(self.last, 1)?]);
        for one in &self.suspensions {
            days.extend([Some(one.from), one.resumed_on, one.lapsed_on].into_iter().flatten());
        }
        Ok(days)
    }
}

/// The cover that decides on a day: the last one that has started.
fn cover_on<'a, 'b, Id>(covers: &'a [Cover<'b, Id>], day: NaiveDate) -> Option<&'a Cover<'b, Id>> {
    covers.iter().rfind(|cover| cover.start <= day)
}

/// Cuts a person's time at each day on which a fact changes, asks what holds from there, and joins what is equal.
fn person_spans<Id: Copy + Ord>(
    person: &PersonFacts<Id>,
    covers: &[Cover<'_, Id>],
) -> Result<Vec<CoverSpan<Id>>, DateOutOfRange> {
    let (stays, born_covered) = stays_from_birth(person, covers);
    let mut days = BTreeSet::new();
    for cover in covers {
        days.extend(cover.changes()?);
    }
    for stay in &stays {
        days.insert(stay.from);
        if let Some(to) = stay.to {
            days.insert(add_days(to, 1)?);
        }
    }
    if let Some(died_on) = person.died_on {
        days.insert(add_days(died_on, 1)?);
    }
    days.extend(&person.elsewhere_from);

    let mut spans: Vec<CoverSpan<Id>> = Vec::new();
    // The stay and the chain in which the person is covered, the enrolment that does it, and the waiting.
    let mut covered: Option<(usize, usize, Id, Waiting)> = None;
    for day in days {
        if is_elsewhere(person, &stays, day) {
            if let Some(last) = spans.last_mut().filter(|last| last.to.is_none()) {
                last.to = Some(add_days(day, -1)?);
            }
            covered = None;
            continue;
        }
        let stay = stays.iter().rposition(|stay| dates::within(day, stay.from, stay.to));
        let cover = cover_on(covers, day);
        let (state, reason) = match (stay, cover) {
            _ if person.died_on.is_some_and(|died_on| died_on < day) => (SpanState::Terminated, SpanReason::Deceased),
            (None, _) => (SpanState::Terminated, SpanReason::LeftHousehold),
            (Some(_), None) => continue,
            (Some(stay), Some(cover)) => {
                let (state, reason) = cover.state_on(day);
                if matches!(state, SpanState::InForce | SpanState::Suspended) {
                    let waiting = match covered {
                        Some((same_stay, same_chain, _, waiting)) if (same_stay, same_chain) == (stay, cover.chain) => {
                            waiting
                        }
                        _ if born_covered && person.born_on == Some(day) => Waiting::Exempt,
                        _ => {
                            let opens = cover.opens_chain && cover.start == day;
                            let own = if opens { cover.waiting_from } else { day };
                            let served = stays.get(stay).filter(|stay| stay.from == day);
                            let served = served.and_then(|stay| stay.waiting_from);
                            Waiting::From(served.map_or(own, |served| served.min(own)))
                        }
                    };
                    covered = Some((stay, cover.chain, cover.enrolment.id, waiting));
                }
                (state, reason)
            }
        };
        let Some((_, _, enrolment, waiting)) = covered else {
            continue;
        };
        let span = CoverSpan { person: person.id, from: day, to: None, state, reason, enrolment, waiting };
        match spans.last_mut() {
            Some(last) if CoverSpan { from: last.from, ..span } == *last => {}
            Some(last) => {
                if last.to.is_none() {
                    last.to = Some(add_days(day, -1)?);
                }
                spans.push(span);
            }
            None => spans.push(span),
        }
    }
    Ok(spans)
}

/// Whether on a day the person's last stay to begin is in another household. It goes on saying what holds after its end.
fn is_elsewhere<Id>(person: &PersonFacts<Id>, stays: &[Stay], day: NaiveDate) -> bool {
    let began_here = stays.iter().map(|stay| stay.from).filter(|from| *from <= day).max();
    let began_there = person.elsewhere_from.iter().copied().filter(|from| *from <= day).max();
    began_there.is_some_and(|there| began_here.is_none_or(|here| there > here))
}

/// The stays in order, those without a break between them as one. A newborn's first one begins at birth, where R18 covers it from there.
fn stays_from_birth<Id>(person: &PersonFacts<Id>, covers: &[Cover<'_, Id>]) -> (Vec<Stay>, bool) {
    let mut stays: Vec<Stay> = Vec::with_capacity(person.memberships.len());
    let mut ascending = person.memberships.clone();
    ascending.sort_by_key(|stay| stay.from);
    for stay in ascending {
        // Who becomes the principal has a new stay and does not leave in between.
        match stays.last_mut() {
            Some(last) if last.to.and_then(|to| to.succ_opt()) == Some(stay.from) => last.to = stay.to,
            _ => stays.push(stay),
        }
    }
    let (Some(born_on), Some(first)) = (person.born_on, stays.first_mut()) else {
        return (stays, false);
    };
    let born_in_force = cover_on(covers, born_on).is_some_and(|cover| cover.state_on(born_on).0 == SpanState::InForce);
    let covered =
        born_on <= first.from && born_in_force && newborn_cover(born_on, first.from).waiting == Waiting::Exempt;
    if covered {
        first.from = born_on;
    }
    (stays, covered)
}

/// Cover on a date as adjudication asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CoverStatus {
    Active,
    Suspended,
    /// Any other status.
    #[serde(other)]
    NoCoverage,
}

/// The span of a person that holds a date.
pub fn span_on<Id: PartialEq>(spans: &[CoverSpan<Id>], person: Id, day: NaiveDate) -> Option<&CoverSpan<Id>> {
    spans.iter().find(|span| span.person == person && dates::within(day, span.from, span.to))
}

/// The status of a person on a date. Whether the person is a beneficiary at all is asked of the memberships.
pub fn status_on<Id: PartialEq>(spans: &[CoverSpan<Id>], person: Id, day: NaiveDate) -> CoverStatus {
    match span_on(spans, person, day).map(|span| span.state) {
        Some(SpanState::InForce) => CoverStatus::Active,
        Some(SpanState::Suspended) => CoverStatus::Suspended,
        _ => CoverStatus::NoCoverage,
    }
}

/// What holds in one benefit category on a date, and on which days around it without a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CategoryAnswer {
    pub entitlement: Entitlement,
    /// `None`: as far back as is known.
    pub since: Option<NaiveDate>,
    /// `None`: until something more is recorded.
    pub until: Option<NaiveDate>,
}

/// The answer for a category with these waiting months, from the spans of `cover_spans`. Before the first span, and for
/// a person without spans, it is NO_COVERAGE.
pub fn category_answer<Id: PartialEq + Copy>(
    spans: &[CoverSpan<Id>],
    person: Id,
    day: NaiveDate,
    waiting_months: i64,
) -> Result<CategoryAnswer, DateOutOfRange> {
    let mut answer = CategoryAnswer { entitlement: Entitlement::NoCoverage, since: None, until: None };
    let mut own = spans.iter().filter(|span| span.person == person).peekable();
    while let Some(span) = own.next() {
        let mut parts = entitlements_of(span, waiting_months);
        // Who went to a household without cover has a last span that ends: after it nothing covers.
        if let Some(after) = span.to.map(|to| add_days(to, 1)).transpose()?
            && own.peek().is_none_or(|next| next.from > after)
        {
            parts.push((after, Entitlement::NoCoverage));
        }
        for (from, entitlement) in parts {
            if entitlement == answer.entitlement {
                continue;
            }
            if from > day {
                answer.until = Some(add_days(from, -1)?);
                return Ok(answer);
            }
            answer.entitlement = entitlement;
            answer.since = Some(from);
        }
    }
    Ok(answer)
}

/// The answers within a span, each with the day from which it holds.
fn entitlements_of<Id>(span: &CoverSpan<Id>, waiting_months: i64) -> Vec<(NaiveDate, Entitlement)> {
    let whole = |entitlement| vec![(span.from, entitlement)];
    match (span.state, span.reason) {
        (SpanState::Suspended, _) => whole(Entitlement::CoverageSuspended),
        (SpanState::Lapsed | SpanState::Expired, _) => whole(Entitlement::NoCoverage),
        (SpanState::Terminated, SpanReason::Deceased | SpanReason::LeftHousehold) => {
            whole(Entitlement::NotABeneficiary)
        }
        (SpanState::Terminated, _) => whole(Entitlement::NoCoverage),
        (SpanState::InForce, _) => {
            // Waiting beyond the calendar never ends.
            let Ok(first) = span.waiting.first_covered_on(waiting_months) else {
                return vec![(span.from, Entitlement::WaitingPeriod)];
            };
            let covered_from = first.map_or(span.from, |first| first.max(span.from));
            let mut parts = Vec::new();
            if covered_from > span.from {
                parts.push((span.from, Entitlement::WaitingPeriod));
            }
            if span.to.is_none_or(|to| covered_from <= to) {
                parts.push((covered_from, Entitlement::Covered));
            }
            parts
        }
    }
}

#[cfg(test)]
mod tests;
