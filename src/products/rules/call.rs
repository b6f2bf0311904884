//! The contribution call: what one period costs and who pays it (R5–R8).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{Band, Contribution, ExtraPerPerson, HOUSEHOLD, Product};
use crate::dates;
use crate::money::{self, Overflow};

/// For whom a contribution is called.
#[derive(Clone, Copy, Debug)]
pub enum Persons<'a> {
    /// Living members on the first day of the period, without subsidies.
    Size(i64),
    /// The class of each living member on that day, all of them adults.
    Classes(&'a [String]),
    /// Class and age of each living member on that day.
    People(People<'a>),
}

/// Persons whose class and age are known.
#[derive(Clone, Copy, Debug)]
pub struct People<'a>(pub &'a [PersonOf]);

/// What of a person decides on the price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonOf {
    pub class: String,
    /// Completed years on the period's first day; none where the birth date is not known, which counts as adult.
    pub age: Option<i64>,
}

impl Persons<'_> {
    fn count(self) -> Result<i64, CallError> {
        let len = |len: usize| i64::try_from(len).map_err(|_| CallError::Overflow(Overflow));
        match self {
            Self::Size(size) => Ok(size),
            Self::Classes(classes) => len(classes.len()),
            Self::People(People(people)) => len(people.len()),
        }
    }

    /// Class and age of each, where they are known.
    fn each(&self) -> Vec<(&str, Option<i64>)> {
        match self {
            Self::Size(_) => Vec::new(),
            Self::Classes(classes) => classes.iter().map(|class| (class.as_str(), None)).collect(),
            Self::People(People(people)) => people.iter().map(|one| (one.class.as_str(), one.age)).collect(),
        }
    }
}

/// The price of a person of an age for one period or month; none where the price is the household's.
pub fn price_of(product: &Product, age: Option<i64>) -> Option<i64> {
    match &product.contribution {
        Some(Contribution::PerPersonYear { amount } | Contribution::PerPersonMonth { amount }) => Some(*amount),
        Some(Contribution::PerAdultChildYear { adult, child, adult_from_age }) => {
            Some(if age.is_none_or(|age| age >= *adult_from_age) { *adult } else { *child })
        }
        None => Some(0),
        Some(Contribution::HouseholdBands { .. }) => None,
    }
}

/// Why a contribution cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("a household of {size} persons stands in no band of the tariff")]
    SizeInNoBand { size: i64 },
    #[error("class {class} is subsidised per person, but the tariff is per household")]
    NoPricePerPerson { class: String },
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// What one period costs, and who pays it (R5–R7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContributionCall {
    /// The price before subsidies.
    pub contribution_gross: i64,
    /// The fee that is charged, always to the household; 0 where it is not due or waived.
    pub registration_fee: i64,
    /// The contribution without the fee, by payer: the household always, and each payer that a class present names.
    pub contribution_by: BTreeMap<String, i64>,
}

impl ContributionCall {
    /// The contribution and the fee, by payer.
    pub fn payable_by(&self) -> Result<BTreeMap<String, i64>, Overflow> {
        let mut payable = self.contribution_by.clone();
        add_to(&mut payable, HOUSEHOLD, self.registration_fee)?;
        Ok(payable)
    }
}

/// Prices one period of a household (R5–R7). The fee is charged where this is a first enrolment or a re-entry after a
/// lapse (R6). A monthly price is that of one month.
pub fn contribution_call(
    product: &Product,
    persons: Persons<'_>,
    first_enrolment: bool,
) -> Result<ContributionCall, CallError> {
    let size = persons.count()?;
    let contribution_gross = match &product.contribution {
        None => 0,
        Some(Contribution::HouseholdBands { bands, extra_per_person_above }) => {
            band_price(bands, extra_per_person_above.as_ref(), size)?
        }
        Some(Contribution::PerPersonYear { amount } | Contribution::PerPersonMonth { amount }) => {
            amount.checked_mul(size).ok_or(Overflow)?
        }
        Some(Contribution::PerAdultChildYear { adult, .. }) => match persons {
            Persons::Size(size) => adult.checked_mul(size).ok_or(Overflow)?,
            _ => {
                let prices = persons.each().into_iter().filter_map(|(_, age)| price_of(product, age));
                prices.into_iter().try_fold(0_i64, |sum, price| sum.checked_add(price)).ok_or(Overflow)?
            }
        },
    };
    let contribution_by = split_by_payer(product, persons, contribution_gross)?;
    let fee_charged = first_enrolment && !fee_is_waived(product, persons);
    let registration_fee = product.registration_fee.filter(|_| fee_charged).unwrap_or(0);
    Ok(ContributionCall { contribution_gross, registration_fee, contribution_by })
}

/// R5: the band of the size; above the last band, its amount and the extra for each person above.
fn band_price(bands: &[Band], extra: Option<&ExtraPerPerson>, size: i64) -> Result<i64, CallError> {
    if let Some(band) = bands.iter().find(|band| band.from <= size && size <= band.to) {
        return Ok(band.amount);
    }
    let last = bands.iter().max_by_key(|band| band.to);
    match (last, extra) {
        (Some(last), Some(extra)) if size > last.to => {
            let persons_above = size.checked_sub(extra.above).ok_or(Overflow)?;
            let surcharge = extra.amount.checked_mul(persons_above).ok_or(Overflow)?;
            Ok(last.amount.checked_add(surcharge).ok_or(Overflow)?)
        }
        _ => Err(CallError::SizeInNoBand { size }),
    }
}

/// R7: each person's price is shared by R2 with the payer of the class; the household pays the rest.
fn split_by_payer(product: &Product, persons: Persons<'_>, gross: i64) -> Result<BTreeMap<String, i64>, CallError> {
    let mut by_payer = BTreeMap::from([(HOUSEHOLD.to_owned(), gross)]);
    for (class, age) in persons.each() {
        let Some(subsidy) = product.subsidies.get(class) else {
            continue;
        };
        let price = price_of(product, age).ok_or_else(|| CallError::NoPricePerPerson { class: class.to_owned() })?;
        let part = money::share(price, subsidy.rate_bp)?;
        add_to(&mut by_payer, &subsidy.payer, part)?;
        add_to(&mut by_payer, HOUSEHOLD, part.checked_neg().ok_or(Overflow)?)?;
    }
    Ok(by_payer)
}

/// R7: the fee is waived only if every person's class waives it.
fn fee_is_waived(product: &Product, persons: Persons<'_>) -> bool {
    let present: BTreeSet<String> = persons.each().into_iter().map(|(class, _)| class.to_owned()).collect();
    let waives = |class: &String| product.subsidies.get(class).is_some_and(|subsidy| subsidy.registration_waived);
    !present.is_empty() && present.iter().all(waives)
}

pub(super) fn add_to(by_payer: &mut BTreeMap<String, i64>, payer: &str, amount: i64) -> Result<(), Overflow> {
    let total = by_payer.entry(payer.to_owned()).or_insert(0);
    *total = total.checked_add(amount).ok_or(Overflow)?;
    Ok(())
}

/// The price of a person added within a period (R8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prorata {
    pub remaining_months: i64,
    pub gross: i64,
    pub subsidy: i64,
    pub household: i64,
}

/// R8: half up(annual × months / 12), from the month of entry to the period's last month, both whole, at most 12.
pub fn prorata(
    annual_amount: i64,
    subsidy_bp: i64,
    entered_on: NaiveDate,
    period_to: NaiveDate,
) -> Result<Prorata, Overflow> {
    let remaining_months = dates::whole_months(entered_on, period_to).clamp(0, 12);
    let gross = money::ratio(annual_amount, 12, remaining_months)?.unwrap_or(0);
    let subsidy = money::share(gross, subsidy_bp)?;
    let household = gross.checked_sub(subsidy).ok_or(Overflow)?;
    Ok(Prorata { remaining_months, gross, subsidy, household })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn product(value: serde_json::Value) -> Product {
        serde_json::from_value(value).unwrap()
    }

    fn banded() -> Product {
        product(json!({
            "currency": "BIF", "registration_fee": 1000,
            "contribution": {
                "kind": "household_bands",
                "bands": [{"from": 1, "to": 6, "amount": 30000}, {"from": 7, "to": 10, "amount": 35000}],
                "extra_per_person_above": {"above": 10, "amount": 2500},
            },
        }))
    }

    fn subsidised() -> Product {
        product(json!({
            "currency": "XOF", "registration_fee": 1000,
            "contribution": {"kind": "per_person_year", "amount": 7001},
            "subsidies": {
                "STANDARD": {"rate_bp": 5000, "payer": "STATE", "registration_waived": false},
                "INDIGENT": {"rate_bp": 10000, "payer": "FUND", "registration_waived": true},
            },
        }))
    }

    fn classes(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn bands_price_the_household() {
        let gross = |size| contribution_call(&banded(), Persons::Size(size), false).map(|call| call.contribution_gross);
        assert_eq!(gross(1), Ok(30_000));
        assert_eq!(gross(7), Ok(35_000));
        assert_eq!(gross(12), Ok(40_000));
        assert_eq!(gross(0), Err(CallError::SizeInNoBand { size: 0 }));
        assert_eq!(gross(i64::MAX), Err(CallError::Overflow(Overflow)));
    }

    #[test]
    fn each_payer_of_a_class_present_is_named() {
        let people = classes(&["STANDARD", "STANDARD", "INDIGENT", "GUEST"]);
        let call = contribution_call(&subsidised(), Persons::Classes(&people), true).unwrap();
        assert_eq!(call.contribution_gross, 28_004);
        assert_eq!(call.registration_fee, 1000);
        let payable = call.payable_by().unwrap();
        assert_eq!(payable["STATE"], 7002);
        assert_eq!(payable["FUND"], 7001);
        assert_eq!(payable[HOUSEHOLD], 3500 + 3500 + 7001 + 1000);
    }

    #[test]
    fn the_fee_is_waived_only_by_all() {
        let all = classes(&["INDIGENT", "INDIGENT"]);
        let call = contribution_call(&subsidised(), Persons::Classes(&all), true).unwrap();
        assert_eq!(call.registration_fee, 0);
        assert_eq!(call.payable_by().unwrap()[HOUSEHOLD], 0);
        let none = contribution_call(&subsidised(), Persons::Classes(&[]), true).unwrap();
        assert_eq!(none.registration_fee, 1000);
    }

    #[test]
    fn a_person_added_pays_whole_months() {
        let added = prorata(7000, 5000, "2026-05-20".parse().unwrap(), "2026-12-31".parse().unwrap());
        let expected = Prorata { remaining_months: 8, gross: 4667, subsidy: 2334, household: 2333 };
        assert_eq!(added, Ok(expected));
        let early = prorata(7000, 0, "2025-01-20".parse().unwrap(), "2026-12-31".parse().unwrap());
        assert_eq!(early.unwrap().gross, 7000);
    }

    proptest! {
        #[test]
        fn payers_add_up_to_the_price(
            amount in 0..1_000_000_i64,
            rate in 0..=10_000_i64,
            people in prop::collection::vec(prop::sample::select(vec!["STANDARD", "INDIGENT", "GUEST"]), 0..12),
        ) {
            let mut product = subsidised();
            product.contribution = Some(Contribution::PerPersonYear { amount });
            product.subsidies.get_mut("STANDARD").unwrap().rate_bp = rate;
            let people = classes(&people);
            let call = contribution_call(&product, Persons::Classes(&people), true).unwrap();
            let payable = call.payable_by().unwrap();
            prop_assert_eq!(payable.values().sum::<i64>(), call.contribution_gross + call.registration_fee);
            prop_assert!(payable.values().all(|part| *part >= 0));
        }
    }
}
