//! When cover opens, is suspended, resumes, lapses, waits, is renewed and ends (R12–R15, R17–R20).

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::contributions::rules::DueKind;
use crate::dates::{self, DateOutOfRange, add_days, days_between};
use crate::money::FULL_RATE_BP;
use crate::products::rules::Arrears;

mod spans;

pub use spans::{
    CategoryAnswer, CoverParams, CoverSpan, CoverStatus, EnrolmentFacts, EnrolmentState, HouseholdFacts, PersonFacts,
    SpanReason, SpanState, Stay, category_answer, cover_spans, span_on, status_on,
};

pub use crate::households::service::NEWBORN_REGISTRATION_DAYS;

/// A household whose next period begins so many days after one that ended has renewed it, for the figures.
pub const RENEWED_WITHIN_DAYS: i64 = 31;

/// The earliest end of a period that one beginning on a day may renew: from its month on figures may be others.
pub fn may_renew_from(starts_on: NaiveDate) -> NaiveDate {
    add_days(starts_on, -RENEWED_WITHIN_DAYS).unwrap_or(starts_on)
}

/// What a person may expect in one benefit category on one date (R17–R20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entitlement {
    Covered,
    WaitingPeriod,
    CoverageSuspended,
    NoCoverage,
    NotABeneficiary,
}

impl Entitlement {
    /// The answer as text.
    pub fn code(self) -> &'static str {
        match self {
            Self::Covered => "COVERED",
            Self::WaitingPeriod => "WAITING_PERIOD",
            Self::CoverageSuspended => "COVERAGE_SUSPENDED",
            Self::NoCoverage => "NO_COVERAGE",
            Self::NotABeneficiary => "NOT_A_BENEFICIARY",
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Opening of rights

/// A due with what was paid for it, dated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueFacts<Id> {
    pub id: Id,
    pub kind: DueKind,
    pub due_on: NaiveDate,
    pub amount: i64,
    /// Dues of other payers neither open nor suspend cover (R12, R13).
    pub payable_by_household: bool,
    /// (counts on, ± amount): a payment counts from its receipt, a reversal from its own date.
    pub allocations: Vec<(NaiveDate, i64)>,
}

impl<Id> DueFacts<Id> {
    fn paid_by(&self, day: NaiveDate) -> i128 {
        let counted = self.allocations.iter().filter(|(on, _)| *on <= day);
        counted.map(|(_, amount)| i128::from(*amount)).sum()
    }

    fn is_open_on(&self, day: NaiveDate) -> bool {
        self.paid_by(day) < i128::from(self.amount)
    }
}

/// Whether what is paid reaches the threshold of what is due (R12); an absent threshold is all of it.
pub fn threshold_reached(paid: i128, due: i128, threshold_bp: Option<i64>) -> bool {
    let threshold_bp = threshold_bp.unwrap_or(FULL_RATE_BP);
    paid.saturating_mul(i128::from(FULL_RATE_BP)) >= due.saturating_mul(i128::from(threshold_bp))
}

/// The first day, not before the admission, on which the rights are open (R12). Once met it stays met.
pub fn rights_open_on<Id>(
    dues: &[DueFacts<Id>],
    threshold_bp: Option<i64>,
    admitted_on: NaiveDate,
) -> Option<NaiveDate> {
    let dues: Vec<&DueFacts<Id>> = dues.iter().filter(|due| due.payable_by_household).collect();
    // The dues of the first date count from the start, else nothing would be due on a payment made in advance.
    let first_due_on = dues.iter().map(|due| due.due_on).min();
    let is_met = |day: &NaiveDate| {
        let counted_to = first_due_on.map_or(*day, |first| first.max(*day));
        let counted = dues.iter().filter(|due| due.due_on <= counted_to);
        // A reversal that another payment's credit fills makes a due look overpaid for a while.
        let (paid, due) = counted.fold((0_i128, 0_i128), |(paid, due), one| {
            let amount = i128::from(one.amount);
            (paid + one.paid_by(*day).min(amount), due + amount)
        });
        threshold_reached(paid, due, threshold_bp)
    };
    // Between these days nothing changes.
    let mut days: BTreeSet<NaiveDate> = dues.iter().flat_map(|due| days_of(due)).collect();
    days.insert(admitted_on);
    days.into_iter().filter(|day| *day >= admitted_on).find(is_met)
}

fn days_of<Id>(due: &DueFacts<Id>) -> impl Iterator<Item = NaiveDate> {
    let paid_on = due.allocations.iter().map(|(on, _)| *on);
    std::iter::once(due.due_on).chain(paid_on)
}

/// One payment towards a threshold: its date, all paid up to it, whether the rights are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThresholdStep {
    pub on: NaiveDate,
    pub paid: i64,
    pub active: bool,
}

/// R12 for one amount due from the start: each payment (date, amount) in order of date.
pub fn threshold_steps(due: i64, threshold_bp: Option<i64>, payments: &[(NaiveDate, i64)]) -> Vec<ThresholdStep> {
    let mut payments = payments.to_vec();
    payments.sort_by_key(|(on, _)| *on);
    let mut paid = 0_i64;
    let mut active = false;
    let mut steps = Vec::with_capacity(payments.len());
    for (on, amount) in payments {
        paid = paid.saturating_add(amount);
        active = active || threshold_reached(paid.into(), due.into(), threshold_bp);
        steps.push(ThresholdStep { on, paid, active });
    }
    steps
}

// ---------------------------------------------------------------------------------------------------------------------
// Arrears

/// A time without benefits for arrears. It ends by resumption, by lapse, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspension {
    pub from: NaiveDate,
    /// First day of cover again (R14).
    pub resumed_on: Option<NaiveDate>,
    /// First day of the lapse (R15); no suspension follows it.
    pub lapsed_on: Option<NaiveDate>,
}

/// Cover as far as arrears decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrearsStatus {
    Active,
    Suspended,
    Lapsed,
}

impl ArrearsStatus {
    /// The status as text.
    pub fn code(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Lapsed => "LAPSED",
        }
    }
}

/// The suspensions of cover that begins on `cover_start`, in order (R13–R15), as they run if nothing more is paid.
pub fn suspensions<Id>(dues: &[DueFacts<Id>], arrears: &Arrears, cover_start: NaiveDate) -> Vec<Suspension> {
    let dues: Vec<&DueFacts<Id>> = dues.iter().filter(|due| due.payable_by_household).collect();
    let grace_days = arrears.grace_days.unwrap_or(0).max(0);
    let delay_days = arrears.reinstatement_delay_days.unwrap_or(0).max(0);
    // A day beyond the calendar never comes, which is what `None` stands for here.
    let passes_grace_on = |due: &DueFacts<Id>| add_days(add_days(due.due_on, grace_days).ok()?, 1).ok();
    let is_overdue =
        |due: &DueFacts<Id>, day| passes_grace_on(due).is_some_and(|passed| passed <= day) && due.is_open_on(day);

    let mut days: BTreeSet<NaiveDate> = BTreeSet::from([cover_start]);
    for due in &dues {
        days.extend(days_of(due).chain(passes_grace_on(due)));
    }
    let mut days: BTreeSet<NaiveDate> = days.split_off(&cover_start);

    let mut ended = Vec::new();
    let mut open: Option<Suspension> = None;
    // R14's p + delay, from the day p on.
    let mut resumes_on: Option<NaiveDate> = None;
    while let Some(day) = days.pop_first() {
        let overdue = dues.iter().any(|due| is_overdue(due, day));
        if let (Some(suspension), Some(resumption)) = (open, resumes_on) {
            if resumption <= day {
                ended.push(Suspension { resumed_on: resumes_on, ..suspension });
                (open, resumes_on) = (None, None);
            } else if overdue {
                // R14: another due has passed its grace meanwhile.
                resumes_on = None;
            }
        }
        if open.is_none() && overdue {
            open = Some(Suspension { from: day, resumed_on: None, lapsed_on: None });
            days.extend(lapse_day(day, arrears));
        }
        if let (Some(suspension), None) = (open, resumes_on) {
            // R15 before R14: what is paid on the day of the lapse is too late.
            if lapse_day(suspension.from, arrears).is_some_and(|lapses_on| lapses_on <= day) {
                ended.push(Suspension { lapsed_on: Some(day), ..suspension });
                return ended;
            }
            let owes = dues.iter().any(|due| due.due_on <= day && due.is_open_on(day));
            if !owes {
                let resumption = add_days(day, delay_days).unwrap_or(NaiveDate::MAX);
                days.insert(resumption);
                resumes_on = Some(resumption);
            }
        }
    }
    ended.extend(open);
    ended
}

/// R15's L.
fn lapse_day(suspended_from: NaiveDate, arrears: &Arrears) -> Option<NaiveDate> {
    add_days(suspended_from, arrears.lapse_days?.max(0)).ok()
}

/// The status on a day, given the suspensions in order.
pub fn arrears_status_on(suspensions: &[Suspension], day: NaiveDate) -> ArrearsStatus {
    let Some(latest) = suspensions.iter().rfind(|one| one.from <= day) else {
        return ArrearsStatus::Active;
    };
    if latest.lapsed_on.is_some_and(|lapsed_on| lapsed_on <= day) {
        ArrearsStatus::Lapsed
    } else if latest.resumed_on.is_some_and(|resumed_on| resumed_on <= day) {
        ArrearsStatus::Active
    } else {
        ArrearsStatus::Suspended
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Waiting, newborns, renewal, end of rights

/// From when a person's waiting periods run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// They run from the person's own cover start.
    From(NaiveDate),
    /// A newborn has none (R18).
    Exempt,
}

impl Waiting {
    /// The first covered date of a category (R17); `None` for a person without waiting.
    pub fn first_covered_on(self, waiting_months: i64) -> Result<Option<NaiveDate>, DateOutOfRange> {
        match self {
            Self::From(cover_start) => first_covered_on(cover_start, waiting_months).map(Some),
            Self::Exempt => Ok(None),
        }
    }
}

/// R17: the person's own cover start and the waiting months of the category.
pub fn first_covered_on(cover_start: NaiveDate, waiting_months: i64) -> Result<NaiveDate, DateOutOfRange> {
    dates::add_months(cover_start, waiting_months)
}

/// R17: the answer on a day for cover that started and does not end.
pub fn entitlement_after_start(cover_start: NaiveDate, first_covered_on: NaiveDate, day: NaiveDate) -> Entitlement {
    if day < cover_start {
        Entitlement::NoCoverage
    } else if day < first_covered_on {
        Entitlement::WaitingPeriod
    } else {
        Entitlement::Covered
    }
}

/// The cover of a child born into a household in force on the day of birth (R18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewbornCover {
    /// Days from birth to registration.
    pub days: i64,
    pub cover_start: NaiveDate,
    pub waiting: Waiting,
}

/// R18: from birth without waiting, if registered in time; else from registration with waiting.
pub fn newborn_cover(born_on: NaiveDate, registered_on: NaiveDate) -> NewbornCover {
    let days = days_between(born_on, registered_on);
    if days <= NEWBORN_REGISTRATION_DAYS {
        NewbornCover { days, cover_start: born_on, waiting: Waiting::Exempt }
    } else {
        NewbornCover { days, cover_start: registered_on, waiting: Waiting::From(registered_on) }
    }
}

/// A renewal paid on a day (R19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    pub expiry: NaiveDate,
    pub paid_on: NaiveDate,
    /// Negative if paid before the expiry.
    pub days_after_expiry: i64,
    /// No new waiting.
    pub continuous: bool,
    pub new_period_start: NaiveDate,
}

/// R19: continuous if paid at most `renewal_grace_days` after the expiry.
pub fn renewal(expiry: NaiveDate, paid_on: NaiveDate, renewal_grace_days: i64) -> Result<Renewal, DateOutOfRange> {
    let days_after_expiry = days_between(expiry, paid_on);
    let continuous = days_after_expiry <= renewal_grace_days;
    let new_period_start = if continuous { add_days(expiry, 1)? } else { paid_on };
    Ok(Renewal { expiry, paid_on, days_after_expiry, continuous, new_period_start })
}

impl Renewal {
    /// The answer on a day for a person who had finished waiting before the expiry.
    pub fn entitlement_on(&self, day: NaiveDate, waiting_months: i64) -> Result<Entitlement, DateOutOfRange> {
        if day <= self.expiry {
            return Ok(Entitlement::Covered);
        }
        if day < self.paid_on {
            return Ok(Entitlement::NoCoverage);
        }
        if self.continuous {
            return Ok(Entitlement::Covered);
        }
        let first_covered_on = first_covered_on(self.new_period_start, waiting_months)?;
        Ok(entitlement_after_start(self.new_period_start, first_covered_on, day))
    }
}

/// R20: the answer on a day within or after a period, waiting apart.
pub fn entitlement_at_end(died_on: Option<NaiveDate>, period_to: NaiveDate, day: NaiveDate) -> Entitlement {
    if died_on.is_some_and(|died_on| died_on < day) {
        Entitlement::NotABeneficiary
    } else if day > period_to {
        Entitlement::NoCoverage
    } else {
        Entitlement::Covered
    }
}

/// A member who may stand on the renewal list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewable<Id> {
    pub id: Id,
    pub is_child: bool,
    pub born_on: Option<NaiveDate>,
    pub died_on: Option<NaiveDate>,
}

/// R20: the living by id, without children who reach the maximum age on or before the period's last day.
pub fn renewal_list<Id: Clone + Ord>(
    members: &[Renewable<Id>],
    child_max_age: Option<i64>,
    period_to: NaiveDate,
) -> Result<Vec<Id>, DateOutOfRange> {
    let mut list = Vec::new();
    for member in members {
        let of_age_on = match (member.is_child, member.born_on, child_max_age) {
            (true, Some(born_on), Some(max_age)) => Some(dates::add_years(born_on, max_age)?),
            _ => None,
        };
        let too_old = of_age_on.is_some_and(|of_age_on| of_age_on <= period_to);
        if member.died_on.is_none() && !too_old {
            list.push(member.id.clone());
        }
    }
    list.sort();
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn suspension(from: i64, resumed_on: Option<i64>, lapsed_on: Option<i64>) -> Suspension {
        Suspension { from: day(from), resumed_on: resumed_on.map(day), lapsed_on: lapsed_on.map(day) }
    }

    #[test]
    fn rights_open_on_the_day_the_threshold_is_reached() {
        let instalments = [due(0, 1000, &[(3, 500), (5, 250)]), due(30, 1000, &[(5, 900)])];
        // Only the first due counts before its second date, and only what was paid for it.
        assert_eq!(rights_open_on(&instalments, Some(7500), day(-9)), Some(day(5)));
        assert_eq!(rights_open_on(&instalments, Some(7500), day(7)), Some(day(7)));
        assert_eq!(rights_open_on(&instalments, Some(7600), day(-9)), Some(day(30)));
        assert_eq!(rights_open_on(&instalments, None, day(-9)), None);
        assert_eq!(rights_open_on::<u8>(&[], None, day(4)), Some(day(4)));
        let in_advance = [due(0, 1000, &[(-20, 1000)])];
        assert_eq!(rights_open_on(&in_advance, None, day(-30)), Some(day(-20)));
    }

    #[test]
    fn a_threshold_once_reached_stays_reached() {
        let steps = threshold_steps(15_000, Some(7500), &[(day(9), 1250), (day(4), 10_000)]);
        assert_eq!(
            steps.iter().map(|step| (step.paid, step.active)).collect::<Vec<_>>(),
            [(10_000, false), (11_250, true)]
        );
    }

    #[test]
    fn a_due_past_its_grace_suspends_until_it_lapses() {
        let unpaid = [due(0, 100, &[])];
        assert_eq!(suspensions(&unpaid, &arrears(10, 5, 20), day(0)), [suspension(11, None, Some(31))]);
        let on_the_day_of_the_lapse = [due(0, 100, &[(31, 100)])];
        assert_eq!(
            suspensions(&on_the_day_of_the_lapse, &arrears(10, 5, 20), day(0)),
            [suspension(11, None, Some(31))]
        );
        let the_day_before = [due(0, 100, &[(30, 100)])];
        assert_eq!(suspensions(&the_day_before, &arrears(10, 5, 20), day(0)), [suspension(11, Some(35), None)]);
    }

    #[test]
    fn a_due_that_passes_its_grace_cancels_the_resumption() {
        let falls_due_only = [due(0, 100, &[(20, 100)]), due(21, 100, &[(90, 100)])];
        assert_eq!(
            suspensions(&falls_due_only, &arrears(10, 5, 200), day(0)),
            [suspension(11, Some(25), None), suspension(32, Some(95), None)]
        );
        let passes = [due(0, 100, &[(20, 100)]), due(12, 100, &[(60, 100)])];
        // The first is paid on day 20, but the second is due by then: p is day 60.
        assert_eq!(suspensions(&passes, &arrears(10, 5, 200), day(0)), [suspension(11, Some(65), None)]);
        let cancelled = [due(0, 100, &[(20, 100)]), due(21, 100, &[(60, 100)])];
        assert_eq!(suspensions(&cancelled, &arrears(2, 5, 200), day(0)), [suspension(3, Some(65), None)]);
    }

    #[test]
    fn dues_of_other_payers_do_not_suspend() {
        let mut subsidy = due(0, 100, &[]);
        subsidy.payable_by_household = false;
        assert_eq!(suspensions(&[subsidy], &arrears(10, 5, 20), day(0)), []);
    }

    #[test]
    fn renewals_are_continuous_within_the_grace() {
        let expiry = date("2025-12-31");
        let on_time = renewal(expiry, date("2026-01-30"), 30).unwrap();
        assert!(on_time.continuous);
        assert_eq!(on_time.entitlement_on(date("2026-01-29"), 1), Ok(Entitlement::NoCoverage));
        let early = renewal(expiry, date("2025-12-20"), 0).unwrap();
        assert_eq!((early.days_after_expiry, early.new_period_start), (-11, date("2026-01-01")));
        assert_eq!(early.entitlement_on(date("2026-01-01"), 1), Ok(Entitlement::Covered));
        let late = renewal(expiry, date("2026-01-31"), 30).unwrap();
        assert_eq!(late.entitlement_on(date("2026-02-27"), 1), Ok(Entitlement::WaitingPeriod));
        assert_eq!(late.entitlement_on(date("2026-02-28"), 1), Ok(Entitlement::Covered));
    }

    #[test]
    fn the_renewal_list_leaves_out_the_dead_and_the_grown() {
        let member = |id: &str, is_child, born_on: Option<&str>, died_on: Option<&str>| Renewable {
            id: id.to_owned(),
            is_child,
            born_on: born_on.map(date),
            died_on: died_on.map(date),
        };
        let members = [
            member("b", false, Some("1950-01-01"), None),
            member("a", true, Some("2006-01-01"), None),
            member("C", true, Some("2005-12-31"), None),
            member("d", false, None, Some("2026-02-01")),
            member("B", true, None, None),
        ];
        let list = renewal_list(&members, Some(21), date("2026-12-31")).unwrap();
        assert_eq!(list, ["B", "a", "b"]);
    }
}
