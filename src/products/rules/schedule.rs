//! What a household owes for a period, due by due, with the reckoning of each (R5–R7, `docs/products.md`). Admission issues
//! these dues and the dry run shows them: there is one way to them.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::call::{People, PersonOf, add_to, contribution_call, price_of};
use super::terms::{FeePer, FeeWhen};
use super::{CallError, Contribution, HOUSEHOLD, Persons, Product};
use crate::dates::{DateOutOfRange, Period, add_months, whole_months};
use crate::money::{self, Overflow};
use crate::words;
use std::collections::BTreeMap;

words! {
    /// What a due is for, in the order in which dues of one day are paid (R9).
    pub enum DueKind {
        Registration = "REGISTRATION",
        Contribution = "CONTRIBUTION",
        Other = "OTHER",
    }
}

/// One line of the reckoning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reckoned {
    /// `BAND`, `EXTRA_PERSONS`, `PERSONS`, `ADULTS`, `CHILDREN`, `SUBSIDY`, `REGISTRATION_FEE`, `FEE_WAIVED` or
    /// `OTHER_FEE`.
    pub code: &'static str,
    /// What it is, in words.
    pub text: String,
    /// How many.
    pub count: i64,
    /// For each.
    pub unit_minor: i64,
    /// Count times unit; negative for what another payer takes over or what is waived.
    pub amount_minor: i64,
}

/// A due to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDue {
    pub kind: DueKind,
    pub payer: String,
    pub due_on: NaiveDate,
    pub amount_minor: i64,
    /// Which instalment or month it is, from 1, and of how many.
    pub part: (usize, usize),
}

/// What a period costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The dues, none of amount 0.
    pub dues: Vec<PlannedDue>,
    /// How the price of the period, or of one month of a monthly price, comes about; before instalments.
    pub reckoning: Vec<Reckoned>,
}

/// Why a period has no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Calendar(#[from] DateOutOfRange),
}

impl From<Overflow> for ScheduleError {
    fn from(error: Overflow) -> Self {
        Self::Call(CallError::Overflow(error))
    }
}

/// The dues of a period: fees and the contributions of other payers on its first day, the household's contribution by its
/// instalments, a monthly price each month (R4). Another payer is invoiced once and the harvest is not his.
pub fn schedule(
    product: &Product,
    people: &[PersonOf],
    period: Period,
    first_enrolment: bool,
) -> Result<Schedule, ScheduleError> {
    let call = contribution_call(product, Persons::People(People(people)), first_enrolment)?;
    let first_day = period.from;
    let mut dues = Vec::new();
    let mut due = |kind, payer: &str, due_on, amount_minor, part| {
        if amount_minor > 0 {
            dues.push(PlannedDue { kind, payer: payer.to_owned(), due_on, amount_minor, part });
        }
    };
    due(DueKind::Registration, HOUSEHOLD, first_day, call.registration_fee, (1, 1));
    for fee in product.other_fees.iter().filter(|fee| first_enrolment || fee.when == FeeWhen::EveryPeriod) {
        due(DueKind::Other, HOUSEHOLD, first_day, fee_of(fee.per, fee.amount, people)?, (1, 1));
    }
    let monthly = matches!(product.contribution, Some(Contribution::PerPersonMonth { .. }));
    let mut months = Vec::new();
    for month in 0..if monthly { whole_months(period.from, period.to).max(1) } else { 1 } {
        months.push(add_months(first_day, month)?);
    }
    months.retain(|day| *day <= period.to);
    for (at, due_on) in months.iter().enumerate() {
        for (payer, amount) in &call.contribution_by {
            if payer == HOUSEHOLD && !product.instalments.is_empty() {
                let parts = split(product, *amount, first_day)?;
                for (place, (due_on, part)) in parts.iter().enumerate() {
                    due(DueKind::Contribution, payer, *due_on, *part, (place + 1, parts.len()));
                }
            } else {
                due(DueKind::Contribution, payer, *due_on, *amount, (at + 1, months.len()));
            }
        }
    }
    Ok(Schedule { dues, reckoning: reckoning(product, people, first_enrolment, call.registration_fee)? })
}

/// The household's contribution by instalments: each by R2, what is left on the last, so that they add up.
fn split(product: &Product, amount: i64, first_day: NaiveDate) -> Result<Vec<(NaiveDate, i64)>, ScheduleError> {
    let mut left = amount;
    let mut parts = Vec::with_capacity(product.instalments.len());
    for (at, one) in product.instalments.iter().enumerate() {
        let last = at + 1 == product.instalments.len();
        // Roundings up cannot take more than there is.
        let part = if last { left } else { money::share(amount, one.share_bp)?.min(left) };
        left -= part;
        parts.push((one.due.due_on(first_day)?, part));
    }
    parts.sort_by_key(|(due_on, _)| *due_on);
    Ok(parts)
}

fn fee_of(per: FeePer, amount: i64, people: &[PersonOf]) -> Result<i64, Overflow> {
    let count = match per {
        FeePer::Household => 1,
        FeePer::Person => i64::try_from(people.len()).map_err(|_| Overflow)?,
    };
    amount.checked_mul(count).ok_or(Overflow)
}

fn reckoning(
    product: &Product,
    people: &[PersonOf],
    first_enrolment: bool,
    fee: i64,
) -> Result<Vec<Reckoned>, ScheduleError> {
    let mut lines = Vec::new();
    let mut line = |code, text: String, count: i64, unit_minor: i64| -> Result<(), Overflow> {
        if count > 0 {
            let amount_minor = unit_minor.checked_mul(count).ok_or(Overflow)?;
            lines.push(Reckoned { code, text, count, unit_minor, amount_minor });
        }
        Ok(())
    };
    let size = i64::try_from(people.len()).map_err(|_| Overflow)?;
    match &product.contribution {
        None => {}
        Some(Contribution::HouseholdBands { bands, extra_per_person_above }) => {
            let last = bands.iter().max_by_key(|band| band.to);
            match (bands.iter().find(|band| band.from <= size && size <= band.to), last, extra_per_person_above) {
                (Some(band), ..) => {
                    line("BAND", format!("household of {} to {} persons", band.from, band.to), 1, band.amount)?;
                }
                (None, Some(last), Some(extra)) => {
                    line("BAND", format!("household of {} to {} persons", last.from, last.to), 1, last.amount)?;
                    let text = format!("persons above {}", extra.above);
                    line("EXTRA_PERSONS", text, size - extra.above, extra.amount)?;
                }
                _ => {}
            }
        }
        Some(Contribution::PerPersonYear { amount }) => line("PERSONS", "persons".into(), size, *amount)?,
        Some(Contribution::PerPersonMonth { amount }) => line("PERSONS", "persons, each month".into(), size, *amount)?,
        Some(Contribution::PerAdultChildYear { adult, child, adult_from_age }) => {
            let adults = people.iter().filter(|one| one.age.is_none_or(|age| age >= *adult_from_age)).count();
            let adults = i64::try_from(adults).map_err(|_| Overflow)?;
            line("ADULTS", format!("persons from {adult_from_age} years, or of unknown age"), adults, *adult)?;
            line("CHILDREN", format!("persons below {adult_from_age} years"), size - adults, *child)?;
        }
    }
    let mut taken_over: BTreeMap<(&str, &str, i64), i64> = BTreeMap::new();
    for one in people {
        let Some(subsidy) = product.subsidies.get(&one.class) else { continue };
        let Some(price) = price_of(product, one.age) else { continue };
        let part = money::share(price, subsidy.rate_bp)?;
        *taken_over.entry((&subsidy.payer, &one.class, part)).or_insert(0) += 1;
    }
    for ((payer, class, part), count) in taken_over {
        line("SUBSIDY", format!("{payer} pays for class {class}"), count, -part)?;
    }
    if first_enrolment && let Some(charged) = product.registration_fee {
        line("REGISTRATION_FEE", "registration fee".into(), 1, charged)?;
        if fee != charged {
            line("FEE_WAIVED", "waived for the classes of all persons".into(), 1, fee - charged)?;
        }
    }
    for fee in product.other_fees.iter().filter(|fee| first_enrolment || fee.when == FeeWhen::EveryPeriod) {
        let count = if fee.per == FeePer::Person { size } else { 1 };
        line("OTHER_FEE", format!("fee {}", fee.code), count, fee.amount)?;
    }
    Ok(lines)
}

impl Schedule {
    /// What each payer owes for the whole period.
    pub fn by_payer(&self) -> Result<BTreeMap<String, i64>, Overflow> {
        let mut total = BTreeMap::from([(HOUSEHOLD.to_owned(), 0)]);
        for due in &self.dues {
            add_to(&mut total, &due.payer, due.amount_minor)?;
        }
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn product(value: serde_json::Value) -> Product {
        serde_json::from_value(value).unwrap()
    }

    fn person(class: &str, age: i64) -> PersonOf {
        PersonOf { class: class.into(), age: Some(age) }
    }

    fn year() -> Period {
        Period { from: "2026-03-01".parse().unwrap(), to: "2027-02-28".parse().unwrap() }
    }

    #[test]
    fn the_harvest_pays_two_thirds() {
        let xof = product(json!({
            "currency": "XOF", "registration_fee": 1000,
            "contribution": {"kind": "per_adult_child_year", "adult": 7001, "child": 3500, "adult_from_age": 18},
            "subsidies": {"POOR": {"rate_bp": 5000, "payer": "STATE"}},
            "instalments": [{"share_bp": 3333, "due": {"months": 0}}, {"share_bp": 6667, "due": {"on": "11-15"}}],
            "other_fees": [{"code": "CARD", "amount": 200, "per": "person", "when": "first"}],
        }));
        assert_eq!(xof.contradictions(), vec![]);
        let people = [person("POOR", 40), person("POOR", 38), person("POOR", 17)];
        let made = schedule(&xof, &people, year(), true).unwrap();
        let told: Vec<(&str, &str, String, i64)> = made
            .dues
            .iter()
            .map(|due| (due.kind.code(), due.payer.as_str(), due.due_on.to_string(), due.amount_minor))
            .collect();
        // 17,502 in all, of which the State takes 3,501 twice and 1,750; the household's 8,750 falls in two parts.
        assert_eq!(
            told,
            [
                ("REGISTRATION", "HOUSEHOLD", "2026-03-01".into(), 1000),
                ("OTHER", "HOUSEHOLD", "2026-03-01".into(), 600),
                ("CONTRIBUTION", "HOUSEHOLD", "2026-03-01".into(), 2916),
                ("CONTRIBUTION", "HOUSEHOLD", "2026-11-15".into(), 5834),
                ("CONTRIBUTION", "STATE", "2026-03-01".into(), 8752),
            ]
        );
        let codes: Vec<&str> = made.reckoning.iter().map(|line| line.code).collect();
        assert_eq!(codes, ["ADULTS", "CHILDREN", "SUBSIDY", "SUBSIDY", "REGISTRATION_FEE", "OTHER_FEE"]);
    }

    proptest! {
        /// Whatever the product and the household, the dues add up to the reckoning and to the call.
        #[test]
        fn dues_add_up_to_the_reckoning(
            (adult, child) in (0..50_000_i64, 0..50_000_i64),
            shape in 0..4_u8,
            rate in 0..=10_000_i64,
            shares in prop::collection::vec(1..4_000_i64, 0..4),
            people in prop::collection::vec((prop::sample::select(vec!["STANDARD", "POOR"]), 0..90_i64), 1..15),
            (fee, card, first) in (0..2_000_i64, 0..500_i64, any::<bool>()),
        ) {
            let contribution = match shape {
                0 => json!({"kind": "per_person_year", "amount": adult}),
                1 => json!({"kind": "per_adult_child_year", "adult": adult, "child": child, "adult_from_age": 18}),
                2 => json!({"kind": "per_person_month", "amount": adult}),
                _ => json!({"kind": "household_bands", "bands": [{"from": 1, "to": 6, "amount": adult}],
                    "extra_per_person_above": {"above": 6, "amount": child}}),
            };
            let mut text = json!({"currency": "XOF", "registration_fee": fee, "contribution": contribution,
                "other_fees": [{"code": "CARD", "amount": card, "per": "person", "when": "every_period"}]});
            if shape < 3 {
                text["subsidies"] = json!({"POOR": {"rate_bp": rate, "payer": "STATE"}});
            }
            if shape != 2 && !shares.is_empty() {
                let mut parts: Vec<_> =
                    shares.iter().enumerate().map(|(at, share)| json!({"share_bp": share, "due": {"months": at}})).collect();
                let rest = 10_000 - shares.iter().sum::<i64>();
                if rest > 0 {
                    parts.push(json!({"share_bp": rest, "due": {"on": "11-15"}}));
                    text["instalments"] = json!(parts);
                }
            }
            let product = product(text);
            prop_assert_eq!(product.contradictions(), vec![]);
            let people: Vec<PersonOf> = people.iter().map(|(class, age)| person(class, *age)).collect();
            let made = schedule(&product, &people, year(), first).unwrap();
            let months = if shape == 2 { 12 } else { 1 };
            let (mut once, mut each_month) = (0, 0);
            for line in &made.reckoning {
                match line.code {
                    "REGISTRATION_FEE" | "FEE_WAIVED" | "OTHER_FEE" => once += line.amount_minor,
                    _ => each_month += line.amount_minor,
                }
            }
            let owed = made.by_payer().unwrap();
            prop_assert_eq!(owed[HOUSEHOLD], once + months * each_month);
            let call = contribution_call(&product, Persons::People(People(&people)), first).unwrap();
            let whole: i64 = owed.values().sum();
            let cards = card * i64::try_from(people.len()).unwrap();
            prop_assert_eq!(whole, call.registration_fee + cards + months * call.contribution_gross);
            prop_assert!(made.dues.iter().all(|due| due.amount_minor > 0 && year().contains(due.due_on)));
        }
    }
}
