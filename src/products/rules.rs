//! What a benefit package promises and costs: its parameters and their contradictions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, FULL_RATE_BP};

mod call;
mod schedule;
mod terms;

pub use call::{CallError, ContributionCall, People, PersonOf, Persons, Prorata, contribution_call, price_of, prorata};
pub use schedule::{DueKind, PlannedDue, Reckoned, Schedule, ScheduleError, schedule};
pub use terms::{
    AgeLimits, FeePer, FeeWhen, Instalment, InstalmentDue, MonthDay, OtherFee, PERIOD_MONTHS, TermsError, Window,
    period_of,
};

/// The payer that every call names, whatever the subsidies.
pub const HOUSEHOLD: &str = "HOUSEHOLD";

/// The only window of a frequency limit that is computed.
pub const WINDOW_CALENDAR_MONTH: &str = "calendar_month";

/// The only holder of a frequency limit that is computed.
pub const PER_PERSON: &str = "person";

/// The parameters of one product version. An absent one means that its rule does not apply. Amounts are minor units of
/// `currency`, rates basis points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    pub currency: Currency,
    /// Shown, without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Shown, without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contribution: Option<Contribution>,
    /// Charged once, at first enrolment and at re-entry after a lapse (R6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_fee: Option<i64>,
    /// Fees beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_fees: Vec<OtherFee>,
    /// How the household's contribution is split into dues; absent: it is due on the period's first day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instalments: Vec<Instalment>,
    /// Days of the year on which one may apply for a first enrolment; absent: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enrolment_windows: Vec<Window>,
    /// Days of the year on which a period begins; absent: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cycle_starts: Vec<MonthDay>,
    /// Length of a period where none is asked for; absent: twelve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_months: Option<i64>,
    /// The most persons of a household.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_household_size: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_limits: Option<AgeLimits>,
    /// By class of person (R7).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subsidies: BTreeMap<String, Subsidy>,
    /// Part of the household's dues that opens the rights (R12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_threshold_bp: Option<i64>,
    /// Days after expiry on which a renewal is still continuous (R19).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_grace_days: Option<i64>,
    /// Days after the service in which a claim may be filed (R32).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filing_days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrears: Option<Arrears>,
    /// Levels of provider that need a referral (R21, check 7).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referral_levels: Vec<String>,
    /// By benefit category; what is not listed is not covered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub benefits: BTreeMap<String, Benefit>,
    /// By benefit category (R23).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frequency: BTreeMap<String, Frequency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceilings: Option<Ceilings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_auth: Option<PriorAuth>,
    /// First amount of each claim that stays with the member (R24).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deductible_claim: Option<i64>,
}

/// The price of one period (R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Contribution {
    HouseholdBands {
        bands: Vec<Band>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extra_per_person_above: Option<ExtraPerPerson>,
    },
    PerPersonYear {
        amount: i64,
    },
    PerPersonMonth {
        amount: i64,
    },
    /// By age on the period's first day; who was born on an unknown day pays as an adult.
    PerAdultChildYear {
        adult: i64,
        child: i64,
        adult_from_age: i64,
    },
}

/// The price of a household of `from` to `to` persons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    pub from: i64,
    pub to: i64,
    pub amount: i64,
}

/// What each person above a size adds to the last band.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraPerPerson {
    pub above: i64,
    pub amount: i64,
}

/// What another payer takes over for a class of persons (R7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subsidy {
    pub rate_bp: i64,
    pub payer: String,
    #[serde(default)]
    pub registration_waived: bool,
}

/// How unpaid dues suspend and end cover (R13–R15), in days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrears {
    /// Absent: no grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<i64>,
    /// Absent: cover resumes on the day of payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reinstatement_delay_days: Option<i64>,
    /// Absent: a suspension never becomes a lapse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapse_days: Option<i64>,
}

/// What is covered in one category: a rate by sector or a co-payment, never both (R24).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benefit {
    /// Months from cover start to the first covered date (R17); absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_months: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_bp: Option<SectorRates>,
    /// Per unit, paid by the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copay: Option<i64>,
}

/// The mutual's rate by the provider's sector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectorRates {
    pub public: i64,
    pub private: i64,
}

/// How many units a person may have in a window (R23).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frequency {
    pub limit: i64,
    /// `calendar_month`; kept as text so that another one is reported with all contradictions.
    pub window: String,
    /// `person`; kept as text for the same reason.
    pub per: String,
}

/// The most that the mutual pays (R25).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceilings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeCeiling>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_year: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household_year: Option<i64>,
}

/// The most for one claim in the listed categories together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpisodeCeiling {
    pub amount: i64,
    pub categories: Vec<String>,
}

/// From which billed total of the listed categories a letter is needed (R21, check 8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorAuth {
    pub categories: Vec<String>,
    pub threshold: i64,
}

/// One reason why the parameters cannot be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// JSON pointer to the parameter.
    pub pointer: String,
    pub code: &'static str,
    pub message: String,
}

impl Product {
    /// All reasons at once why the product cannot be published; empty where there is none.
    pub fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = Findings::default();
        self.check_contribution(&mut found);
        self.check_subsidies(&mut found);
        self.check_rights(&mut found);
        self.check_benefits(&mut found);
        self.check_limits(&mut found);
        self.check_terms(&mut found);
        found.0
    }

    fn check_contribution(&self, found: &mut Findings) {
        match &self.contribution {
            Some(Contribution::HouseholdBands { bands, extra_per_person_above }) => {
                check_bands(bands, found);
                if let Some(extra) = extra_per_person_above {
                    let pointer = "/contribution/extra_per_person_above";
                    found.not_negative(format!("{pointer}/amount"), extra.amount);
                    if bands.iter().map(|band| band.to).max().is_some_and(|last| last != extra.above) {
                        found.add(
                            format!("{pointer}/above"),
                            "EXTRA_NOT_AT_LAST_BAND",
                            "extra persons are counted from the end of the last band",
                        );
                    }
                }
            }
            Some(Contribution::PerPersonYear { amount } | Contribution::PerPersonMonth { amount }) => {
                found.not_negative("/contribution/amount".into(), *amount)
            }
            Some(Contribution::PerAdultChildYear { adult, child, .. }) => {
                found.not_negative("/contribution/adult".into(), *adult);
                found.not_negative("/contribution/child".into(), *child);
            }
            None => {}
        }
        found.not_negative_option("/registration_fee", self.registration_fee);
    }

    fn check_subsidies(&self, found: &mut Findings) {
        let by_household = matches!(self.contribution, Some(Contribution::HouseholdBands { .. }));
        if by_household && !self.subsidies.is_empty() {
            found.add(
                "/subsidies".into(),
                "SUBSIDY_WITHOUT_PERSON_PRICE",
                "a subsidy is per person and a household tariff has no price per person",
            );
        }
        for (class, subsidy) in &self.subsidies {
            let pointer = format!("/subsidies/{}", escape(class));
            found.rate(format!("{pointer}/rate_bp"), subsidy.rate_bp);
            if subsidy.payer.is_empty() || subsidy.payer == HOUSEHOLD {
                found.add(
                    format!("{pointer}/payer"),
                    "INVALID_PAYER",
                    "a subsidy is paid by somebody else than the household",
                );
            }
        }
    }

    fn check_rights(&self, found: &mut Findings) {
        if let Some(threshold) = self.activation_threshold_bp {
            found.rate("/activation_threshold_bp".into(), threshold);
        }
        found.not_negative_option("/renewal_grace_days", self.renewal_grace_days);
        found.not_negative_option("/filing_days", self.filing_days);
        if let Some(arrears) = &self.arrears {
            found.not_negative_option("/arrears/grace_days", arrears.grace_days);
            found.not_negative_option("/arrears/reinstatement_delay_days", arrears.reinstatement_delay_days);
            found.not_negative_option("/arrears/lapse_days", arrears.lapse_days);
        }
    }

    fn check_benefits(&self, found: &mut Findings) {
        for (category, benefit) in &self.benefits {
            let pointer = format!("/benefits/{}", escape(category));
            found.not_negative_option(&format!("{pointer}/waiting_months"), benefit.waiting_months);
            found.not_negative_option(&format!("{pointer}/copay"), benefit.copay);
            if let Some(rates) = &benefit.rate_bp {
                found.rate(format!("{pointer}/rate_bp/public"), rates.public);
                found.rate(format!("{pointer}/rate_bp/private"), rates.private);
            }
            match (&benefit.rate_bp, benefit.copay) {
                (Some(_), Some(_)) => {
                    found.add(pointer, "RATE_AND_COPAY", "a benefit has a rate or a co-payment, never both")
                }
                (None, None) => found.add(pointer, "NEITHER_RATE_NOR_COPAY", "a benefit has a rate or a co-payment"),
                _ => {}
            }
        }
    }

    fn check_limits(&self, found: &mut Findings) {
        for (category, frequency) in &self.frequency {
            let pointer = format!("/frequency/{}", escape(category));
            found.not_negative(format!("{pointer}/limit"), frequency.limit);
            if frequency.window != WINDOW_CALENDAR_MONTH {
                found.add(
                    format!("{pointer}/window"),
                    "UNKNOWN_WINDOW",
                    "the window of a frequency limit is calendar_month",
                );
            }
            if frequency.per != PER_PERSON {
                found.add(format!("{pointer}/per"), "UNKNOWN_HOLDER", "a frequency limit is per person");
            }
        }
        if let Some(ceilings) = &self.ceilings {
            found.not_negative_option("/ceilings/person_year", ceilings.person_year);
            found.not_negative_option("/ceilings/household_year", ceilings.household_year);
            if let Some(episode) = &ceilings.episode {
                found.not_negative("/ceilings/episode/amount".into(), episode.amount);
                found.not_empty("/ceilings/episode/categories", &episode.categories);
            }
        }
        if let Some(prior_auth) = &self.prior_auth {
            found.not_negative("/prior_auth/threshold".into(), prior_auth.threshold);
            found.not_empty("/prior_auth/categories", &prior_auth.categories);
        }
        found.not_negative_option("/deductible_claim", self.deductible_claim);
    }
}

/// Each band begins right after the one before it, in whatever order they are written.
fn check_bands(bands: &[Band], found: &mut Findings) {
    let pointer = "/contribution/bands";
    if bands.is_empty() {
        found.add(pointer.into(), "NO_BANDS", "a household tariff has at least one band");
    }
    let mut ascending: Vec<(usize, &Band)> = bands.iter().enumerate().collect();
    ascending.sort_by_key(|(_, band)| band.from);
    let mut before: Option<&Band> = None;
    for (index, band) in ascending {
        let here = format!("{pointer}/{index}");
        found.not_negative(format!("{here}/amount"), band.amount);
        if band.from < 1 {
            found.add(format!("{here}/from"), "BAND_BELOW_ONE", "a household has at least one person");
        }
        if band.to < band.from {
            found.add(here.clone(), "BAND_REVERSED", "a band ends before it begins");
        }
        if let Some(before) = before {
            if band.from <= before.to {
                found.add(here, "BANDS_OVERLAP", "a size stands in two bands");
            } else if band.from - 1 > before.to {
                found.add(here, "BANDS_WITH_HOLE", "a size between two bands stands in none");
            }
        }
        before = Some(band);
    }
}

/// A key as one step of a JSON pointer.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[derive(Default)]
struct Findings(Vec<Contradiction>);

impl Findings {
    fn add(&mut self, pointer: String, code: &'static str, message: &str) {
        self.0.push(Contradiction { pointer, code, message: message.into() });
    }

    fn not_negative(&mut self, pointer: String, value: i64) {
        if value < 0 {
            self.add(pointer, "NEGATIVE", "the value is not negative");
        }
    }

    fn not_negative_option(&mut self, pointer: &str, value: Option<i64>) {
        self.not_negative(pointer.into(), value.unwrap_or(0));
    }

    fn not_empty(&mut self, pointer: &str, categories: &[String]) {
        if categories.is_empty() {
            self.add(pointer.into(), "NO_CATEGORY", "at least one category is named");
        }
    }

    fn rate(&mut self, pointer: String, rate_bp: i64) {
        self.not_negative(pointer.clone(), rate_bp);
        if rate_bp > FULL_RATE_BP {
            self.add(pointer, "RATE_ABOVE_FULL", "a rate is at most 10000");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn unknown_parameters_are_refused() {
        for value in [
            json!({"currency": "XOF", "filling_days": 3}),
            json!({"currency": "XOF", "contribution": {"kind": "per_person_year", "amount": 1, "size": 2}}),
            json!({"currency": "XOF", "contribution": {"kind": "by_weight", "amount": 1}}),
            json!({"currency": "ZZZ"}),
            json!({"filing_days": 3}),
        ] {
            assert!(serde_json::from_value::<Product>(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn a_product_with_few_parameters_is_valid_and_written_back_as_it_was() {
        let value = json!({"currency": "RWF", "activation_threshold_bp": 7500, "note": "instalments"});
        let few = product(value.clone());
        assert_eq!(few.contradictions(), []);
        assert_eq!(serde_json::to_value(&few).unwrap(), value);
        assert_eq!(banded().contradictions(), []);
        assert_eq!(subsidised().contradictions(), []);
    }

    #[test]
    fn all_contradictions_are_given_at_once() {
        let wrong = product(json!({
            "currency": "XOF", "registration_fee": -1, "filing_days": -2, "deductible_claim": -3,
            "activation_threshold_bp": 10001,
            "contribution": {
                "kind": "household_bands",
                "bands": [{"from": 1, "to": 3, "amount": -1}, {"from": 3, "to": 4, "amount": 1}, {"from": 6, "to": 7, "amount": 1}],
                "extra_per_person_above": {"above": 9, "amount": 1},
            },
            "benefits": {
                "A/B": {"waiting_months": -1, "rate_bp": {"public": 10001, "private": 0}, "copay": 5},
                "OPD": {},
            },
            "frequency": {"LAB": {"limit": 1, "window": "week", "per": "household"}},
            "ceilings": {"episode": {"amount": 1, "categories": []}},
        }));
        let found: Vec<(String, &str)> =
            wrong.contradictions().into_iter().map(|found| (found.pointer, found.code)).collect();
        let expected = [
            ("/contribution/bands/0/amount", "NEGATIVE"),
            ("/contribution/bands/1", "BANDS_OVERLAP"),
            ("/contribution/bands/2", "BANDS_WITH_HOLE"),
            ("/contribution/extra_per_person_above/above", "EXTRA_NOT_AT_LAST_BAND"),
            ("/registration_fee", "NEGATIVE"),
            ("/activation_threshold_bp", "RATE_ABOVE_FULL"),
            ("/filing_days", "NEGATIVE"),
            ("/benefits/A~1B/waiting_months", "NEGATIVE"),
            ("/benefits/A~1B/rate_bp/public", "RATE_ABOVE_FULL"),
            ("/benefits/A~1B", "RATE_AND_COPAY"),
            ("/benefits/OPD", "NEITHER_RATE_NOR_COPAY"),
            ("/frequency/LAB/window", "UNKNOWN_WINDOW"),
            ("/frequency/LAB/per", "UNKNOWN_HOLDER"),
            ("/ceilings/episode/categories", "NO_CATEGORY"),
            ("/deductible_claim", "NEGATIVE"),
        ]
        .map(|(pointer, code)| (pointer.to_owned(), code));
        assert_eq!(found, expected);
    }
}
