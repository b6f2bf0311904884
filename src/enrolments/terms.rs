//! On which terms a household enters a product for a period: what stands in the way, and what it would owe. The dry run and
//! the commands ask the same functions.
use super::model::*;
use super::store;
use crate::access::scopes::MutualScope;
use crate::dates::{self, Period};
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result};
use crate::households::model::{Household, Member, Membership};
use crate::households::store as households;
use crate::ids::*;
use crate::products::model::VersionRow;
use crate::products::rules::{Entry, PersonOf, Product, Schedule, TermsError, joining, period_of, schedule};
use crate::products::{service as products, store as product_store};
use chrono::NaiveDate;

pub(super) fn out_of_calendar(_: dates::DateOutOfRange) -> Error {
    Problem::with(Code::ImpossibleDate, "a date lies beyond the calendar").into()
}

/// An application.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its number; the next of the series where none is given.
    pub number: Option<String>,
    pub household: HouseholdId,
    pub product: ProductId,
    pub starts_on: NaiveDate,
    /// Twelve months where none is given.
    pub ends_on: Option<NaiveDate>,
    pub applied_on: NaiveDate,
    /// Opening position: waiting was served from this day.
    pub waiting_from: Option<NaiveDate>,
    /// Opening position: agreed elsewhere, before. What it takes to enter was looked at then.
    pub agreed: bool,
}

/// The product that is asked for, in the version valid on the period's first day, and the period.
pub(super) fn taken(
    r: &mut Read,
    scope: &MutualScope,
    owners: &[OrganisationId],
    asked: &Application,
) -> Result<(VersionRow, Product, Period)> {
    let product = product_store::find(r, asked.product)?
        .filter(|product| owners.contains(&product.owner_id))
        .ok_or(Problem::of(Code::NotFound).at("/product_id"))?;
    if product.currency != scope.currency().code() {
        let detail = format!("the product is in {}, the mutual in {}", product.currency, scope.currency());
        return Err(Problem::with(Code::CurrencyMismatch, detail).at("/product_id").into());
    }
    let version = product_store::find_valid(r, asked.product, asked.starts_on)?
        .ok_or(Problem::of(Code::ProductNotValid).at("/starts_on"))?;
    let product = products::parameters(&version)?;
    let period = period_of(&product, asked.starts_on, asked.ends_on)
        .map_err(out_of_calendar)?
        .ok_or(Problem::with(Code::ImpossibleDate, "the period ends before it begins").at("/ends_on"))?;
    if period.days() > 1830 {
        return Err(Problem::with(Code::ImpossibleDate, "a period has at most five years").at("/ends_on").into());
    }
    Ok((version, product, period))
}

/// What an enrolment would cost.
pub struct Priced {
    pub product: Product,
    pub period: Period,
    pub first_enrolment: bool,
    pub persons: usize,
    pub schedule: Schedule,
    /// Why an application on that day would be refused.
    pub refusals: Vec<Problem>,
}

/// Prices an enrolment of a registered household as admission would, and writes nothing.
///
/// # Errors
/// `not_found`, `product_not_valid`, `CURRENCY_MISMATCH`, `no_band`, `impossible_date`.
pub fn price(r: &mut Read, scope: &MutualScope, owners: &[OrganisationId], asked: &Application) -> Result<Priced> {
    let mutual = scope.mutual();
    let household =
        households::find(r, scope, asked.household)?.ok_or(Problem::of(Code::NotFound).at("/household_id"))?;
    let (_, product, period) = taken(r, scope, owners, asked)?;
    let members = households::list_of_household(r, mutual, asked.household)?;
    let first_enrolment = is_first(r, mutual, asked.household, scope.today())?;
    let schedule = planned(&product, &household, &members, period, first_enrolment)?;
    let entering = entering(r, mutual, asked.household, period, asked.applied_on)?;
    let refusals = product.refuses(asked.applied_on, period.from, &entering.entry());
    let mut refusals: Vec<Problem> = refusals.iter().map(|reason| products::refusal(reason, &entering.who)).collect();
    for found in [
        must_be_registered(&household, period),
        must_have_principal(r, mutual, &household, asked.applied_on),
        must_not_overlap(r, mutual, asked.household, period, scope.today()),
    ] {
        match found {
            Err(Error::Problem(problem)) => refusals.push(*problem),
            other => other?,
        }
    }
    Ok(Priced { period, first_enrolment, persons: entering.born.len(), schedule, refusals, product })
}

/// Whether an application follows an admitted period of the household that ended within its product's days of grace, so
/// that the household never left. After a lapse it did (R15), however soon it comes back.
fn renews(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
    starts_on: NaiveDate,
    applied_on: NaiveDate,
) -> Result<bool> {
    let rows = store::list_of_household(r, mutual, household)?;
    let spans = store::list_spans_of(r, mutual, household)?;
    for row in rows.iter().filter(|row| row.state == EnrolmentState::Admitted && row.ends_on < starts_on) {
        let lapsed = spans.iter().any(|span| {
            span.enrolment_id == row.id
                && span.state == SpanState::Lapsed
                && span.from_on <= applied_on.min(row.ends_on)
        });
        let version = product_store::list_versions_by_id(r, &[row.product_version_id])?
            .pop()
            .ok_or_else(|| Error::Fault("an enrolment names an unknown product version".into()))?;
        let grace = products::parameters(&version)?.renewal_grace_days.unwrap_or(0);
        if !lapsed && applied_on <= dates::add_days(row.ends_on, grace).map_err(out_of_calendar)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who was not there on any day of a period takes no part in it.
pub(super) fn must_be_registered(household: &Household, period: Period) -> Result<()> {
    if household.registered_on <= period.to {
        return Ok(());
    }
    let detail = format!("the period ends before the household was registered, on {}", household.registered_on);
    Err(Problem::with(Code::ImpossibleDate, detail).at("/starts_on").into())
}

pub(super) fn must_have_principal(
    r: &mut Read,
    mutual: MutualId,
    household: &Household,
    applied_on: NaiveDate,
) -> Result<()> {
    if households::has_principal(r, mutual, household.id, applied_on.max(household.registered_on))? {
        return Ok(());
    }
    Err(Problem::of(Code::NoPrincipal).at("/household_id").into())
}

/// An enrolment that has lapsed stands in the way of none from the lapse on: after it only a new one gives cover (R15).
pub(super) fn must_not_overlap(
    w: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
    period: Period,
    today: NaiveDate,
) -> Result<()> {
    let standing = store::list_of_household(w, mutual, household)?
        .into_iter()
        .filter(|row| !matches!(row.state, EnrolmentState::Rejected | EnrolmentState::Cancelled));
    let spans = store::list_spans_of(w, mutual, household)?;
    for row in standing {
        let lapsed = spans
            .iter()
            .filter(|span| span.enrolment_id == row.id && span.state == SpanState::Lapsed && span.from_on <= today)
            .filter_map(|span| span.from_on.pred_opt())
            .min();
        let until = [row.ended_on, lapsed].into_iter().flatten().fold(row.ends_on, NaiveDate::min);
        if until >= row.starts_on && period.overlaps(Period { from: row.starts_on, to: until }) {
            let detail = format!("enrolment {} runs from {} to {until}", row.number, row.starts_on);
            return Err(Problem::with(Code::PeriodOverlaps, detail).at("/starts_on").into());
        }
    }
    Ok(())
}

/// R6: a first enrolment, or a re-entry after a lapse. A lapse that is still to come, should nothing more be paid, is none.
pub(super) fn is_first(w: &mut Read, mutual: MutualId, household: HouseholdId, on: NaiveDate) -> Result<bool> {
    let before = store::list_of_household(w, mutual, household)?.into_iter().any(|row| row.admitted_on.is_some());
    if !before {
        return Ok(true);
    }
    let spans = store::list_spans_of(w, mutual, household)?;
    Ok(spans.iter().any(|span| span.state == SpanState::Lapsed && dates::within(on, span.from_on, span.to_on)))
}

/// All that admission issues for a period: what those owe who were there on its first day (R4–R7), and R8 for those who
/// joined since. The dry run shows the same.
pub(super) fn planned(
    product: &Product,
    household: &Household,
    members: &[(Member, Membership)],
    period: Period,
    first_enrolment: bool,
) -> Result<Schedule> {
    let people = people_on(members, household, period.from);
    let mut planned = schedule(product, &people, period, first_enrolment).map_err(products::refused_price)?;
    for (member, stay) in members {
        let within = period.from < stay.from_on && stay.from_on <= period.to;
        if within && member.died_on.is_none_or(|died| died >= stay.from_on) {
            let joined = joining(product, &household.class, member.birth_date, stay.from_on, period);
            let joined = joined.map_err(products::refused_price)?;
            planned.extend(joined).map_err(products::refused_price)?;
        }
    }
    Ok(planned)
}

/// Who belongs to a household on a day and lives, as prices know them. The class is the household's, the default of its
/// persons.
fn people_on(members: &[(Member, Membership)], household: &Household, on: NaiveDate) -> Vec<PersonOf> {
    let age = |member: &Member| member.birth_date.and_then(|born| dates::age_on(born, on).ok());
    let there = members.iter().filter(|(member, stay)| is_there(member, stay, on));
    there.map(|(member, _)| PersonOf { class: household.class.clone(), age: age(member) }).collect()
}

fn is_there(member: &Member, stay: &Membership, on: NaiveDate) -> bool {
    dates::within(on, stay.from_on, stay.to_on) && member.died_on.is_none_or(|died| died >= on)
}

/// The most persons that a household has at once on any day of a period, as far as is known now.
pub(super) fn largest(members: &[(Member, Membership)], period: Period) -> i64 {
    // It grows only when somebody comes.
    let comings = members.iter().map(|(_, stay)| stay.from_on).filter(|day| period.contains(*day));
    let size = |on| members.iter().filter(|(member, stay)| is_there(member, stay, on)).count();
    let most = comings.chain([period.from]).map(size).max().unwrap_or(0);
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Who would enter with a household, as a product's terms ask about them.
pub(super) struct Entering {
    is_renewal: bool,
    size: i64,
    /// The ids of those who belong to it at any time of the period, by which a refusal names them.
    pub(super) who: Vec<String>,
    born: Vec<Option<NaiveDate>>,
}

impl Entering {
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry { is_renewal: self.is_renewal, size: self.size, born: &self.born }
    }
}

pub(super) fn entering(
    r: &mut Read,
    mutual: MutualId,
    household: HouseholdId,
    period: Period,
    applied_on: NaiveDate,
) -> Result<Entering> {
    let is_renewal = renews(r, mutual, household, period.from, applied_on)?;
    let members = households::list_of_household(r, mutual, household)?;
    let size = largest(&members, period);
    let (who, born) = members
        .into_iter()
        .filter(|(member, stay)| is_there(member, stay, stay.from_on.max(period.from)) && stay.from_on <= period.to)
        .map(|(member, _)| (member.id.to_string(), member.birth_date))
        .unzip();
    Ok(Entering { is_renewal, size, who, born })
}

/// Every reason at once why a household may not enter; the first gives the answer its code.
pub(super) fn refused(reasons: &[TermsError], who: &[String]) -> Result<()> {
    let mut problems = reasons.iter().map(|reason| products::refusal(reason, who));
    let Some(mut first) = problems.next() else { return Ok(()) };
    first.errors.extend(problems.flat_map(|problem| problem.errors));
    Err(first.into())
}
