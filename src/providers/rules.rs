//! Whether a service is for a person, and whether a convention covers it. Pure: no database, no clock.
use super::model::{Convention, Service, SexLimit};
use crate::dates::age_on;
use crate::households::model::Sex;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

words! {
    /// Why a service is not paid for a person at a facility.
    pub enum Exclusion {
        /// It is for persons of the other sex.
        Sex = "SEX",
        /// The person is too young or too old for it on the day.
        Age = "AGE",
        /// The convention with the facility does not cover it.
        Convention = "CONVENTION",
    }
}

/// A service, as far as it says for whom it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLimits {
    /// Its code.
    pub code: String,
    /// Its benefit category.
    pub category: String,
    /// Only for persons of this sex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<SexLimit>,
    /// From this age on, in completed years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_age_years: Option<i32>,
    /// Up to this age, it included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_years: Option<i32>,
}

impl From<&Service> for ServiceLimits {
    fn from(row: &Service) -> Self {
        ServiceLimits {
            code: row.code.clone(),
            category: row.category.clone(),
            sex: row.sex,
            min_age_years: row.min_age_years,
            max_age_years: row.max_age_years,
        }
    }
}

/// What a convention covers: the categories that it names, or all, less the services that it excludes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// None is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// Codes of services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_services: Vec<String>,
}

impl From<&Convention> for Terms {
    fn from(row: &Convention) -> Self {
        Terms {
            categories: row.categories.as_ref().map(|words| words.to_vec()),
            excluded_services: row.excluded_services.to_vec(),
        }
    }
}

impl Terms {
    /// Whether the convention covers a service.
    pub fn cover(&self, service: &ServiceLimits) -> bool {
        let named = self.categories.as_ref().is_none_or(|known| known.contains(&service.category));
        named && !self.excluded_services.contains(&service.code)
    }
}

/// Why a service is not paid for a person on a day; the first reason of the list. What is not known excludes nothing: a
/// person without a birth date has no age, and one of unknown or other sex has every service. Without terms there is no
/// convention to ask.
pub fn exclusion(
    service: &ServiceLimits,
    terms: Option<&Terms>,
    sex: Sex,
    born_on: Option<NaiveDate>,
    on: NaiveDate,
) -> Option<Exclusion> {
    let other_sex = match service.sex {
        None => false,
        Some(SexLimit::Female) => sex == Sex::Male,
        Some(SexLimit::Male) => sex == Sex::Female,
    };
    let age = born_on.and_then(|day| age_on(day, on).ok());
    let other_age = age.is_some_and(|age| {
        service.min_age_years.is_some_and(|least| age < i64::from(least))
            || service.max_age_years.is_some_and(|most| age > i64::from(most))
    });
    if other_sex {
        Some(Exclusion::Sex)
    } else if other_age {
        Some(Exclusion::Age)
    } else if terms.is_some_and(|terms| !terms.cover(service)) {
        Some(Exclusion::Convention)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn service() -> ServiceLimits {
        ServiceLimits {
            code: "DELIVERY".into(),
            category: "MATERNITY".into(),
            sex: None,
            min_age_years: None,
            max_age_years: None,
        }
    }

    fn on_age(limits: &ServiceLimits, born_on: &str, on: &str) -> Option<Exclusion> {
        exclusion(limits, None, Sex::Female, Some(day(born_on)), day(on))
    }

    #[test]
    fn a_service_of_one_sex_is_refused_to_the_other_alone() {
        for (limit, sex, expected) in [
            (None, Sex::Male, None),
            (Some(SexLimit::Female), Sex::Female, None),
            (Some(SexLimit::Female), Sex::Male, Some(Exclusion::Sex)),
            (Some(SexLimit::Female), Sex::Unknown, None),
            (Some(SexLimit::Female), Sex::Other, None),
            (Some(SexLimit::Male), Sex::Male, None),
            (Some(SexLimit::Male), Sex::Female, Some(Exclusion::Sex)),
            (Some(SexLimit::Male), Sex::Unknown, None),
        ] {
            let limits = ServiceLimits { sex: limit, ..service() };
            assert_eq!(exclusion(&limits, None, sex, None, day("2026-03-10")), expected, "{limit:?} {sex}");
        }
    }

    #[test]
    fn ages_are_completed_years_on_the_day_both_ends_included() {
        let limits = ServiceLimits { min_age_years: Some(5), max_age_years: Some(12), ..service() };
        for (born_on, on, expected) in [
            ("2021-03-11", "2026-03-10", Some(Exclusion::Age)),
            ("2021-03-10", "2026-03-10", None),
            ("2013-03-11", "2026-03-10", None),
            ("2013-03-10", "2026-03-10", Some(Exclusion::Age)),
            // Who was born on 29 February is a year older on the 28th of other years (R4).
            ("2020-02-29", "2025-02-27", Some(Exclusion::Age)),
            ("2020-02-29", "2025-02-28", None),
            ("2012-02-29", "2025-02-27", None),
            ("2012-02-29", "2025-02-28", Some(Exclusion::Age)),
            // Before the birth.
            ("2026-03-11", "2026-03-10", Some(Exclusion::Age)),
        ] {
            assert_eq!(on_age(&limits, born_on, on), expected, "{born_on} {on}");
        }
        assert_eq!(exclusion(&limits, None, Sex::Female, None, day("2026-03-10")), None);
        let from_birth = ServiceLimits { min_age_years: Some(0), max_age_years: Some(0), ..service() };
        assert_eq!(on_age(&from_birth, "2026-03-10", "2026-03-10"), None);
        assert_eq!(on_age(&from_birth, "2025-03-11", "2026-03-10"), None);
        assert_eq!(on_age(&from_birth, "2025-03-10", "2026-03-10"), Some(Exclusion::Age));
    }

    #[test]
    fn a_convention_covers_its_categories_less_what_it_excludes() {
        let names = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        for (categories, excluded, expected) in [
            (None, &[][..], None),
            (Some(&["OPD", "MATERNITY"][..]), &[][..], None),
            (Some(&["OPD"][..]), &[][..], Some(Exclusion::Convention)),
            (Some(&[][..]), &[][..], Some(Exclusion::Convention)),
            (None, &["DELIVERY"][..], Some(Exclusion::Convention)),
            (Some(&["MATERNITY"][..]), &["DELIVERY"][..], Some(Exclusion::Convention)),
            (Some(&["MATERNITY"][..]), &["CAESAREAN"][..], None),
        ] {
            let terms = Terms { categories: categories.map(names), excluded_services: names(excluded) };
            let found = exclusion(&service(), Some(&terms), Sex::Female, None, day("2026-03-10"));
            assert_eq!(found, expected, "{terms:?}");
        }
    }

    #[test]
    fn the_person_comes_before_the_convention() {
        let limits = ServiceLimits { sex: Some(SexLimit::Female), min_age_years: Some(12), ..service() };
        let terms = Terms { categories: Some(Vec::new()), excluded_services: Vec::new() };
        let find = |sex, born_on: &str| exclusion(&limits, Some(&terms), sex, Some(day(born_on)), day("2026-03-10"));
        assert_eq!(find(Sex::Male, "2020-01-01"), Some(Exclusion::Sex));
        assert_eq!(find(Sex::Female, "2020-01-01"), Some(Exclusion::Age));
        assert_eq!(find(Sex::Female, "1990-01-01"), Some(Exclusion::Convention));
    }

    #[test]
    fn limits_that_say_nothing_are_not_written() {
        assert_eq!(serde_json::to_string(&service()).unwrap(), r#"{"code":"DELIVERY","category":"MATERNITY"}"#);
        assert_eq!(serde_json::to_string(&Terms::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Terms>("{}").unwrap(), Terms::default());
        assert_eq!(serde_json::to_string(&Exclusion::Convention).unwrap(), r#""CONVENTION""#);
    }

    proptest! {
        #[test]
        fn a_day_of_age_never_opens_what_a_younger_person_has_outgrown(
            born in 0_u64..40_000, lived in 0_u64..40_000, later in 0_u64..4_000, most in 0_i32..100,
        ) {
            let born_on = day("1900-01-01") + chrono::Days::new(born);
            let on = born_on + chrono::Days::new(lived);
            let limits = ServiceLimits { max_age_years: Some(most), ..service() };
            let at = |on| exclusion(&limits, None, Sex::Unknown, Some(born_on), on).is_some();
            prop_assert!(!at(on) || at(on + chrono::Days::new(later)));
        }
    }
}
