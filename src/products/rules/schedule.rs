//! What a household owes for a period, due by due, with the reckoning of each (R5–R7, `docs/products.md`). Admission issues
//! these dues and the dry run shows them: there is one way to them.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::call::{People, PersonOf, add_to, contribution_call, price_of};
use super::terms::{FeePer, FeeWhen};
use super::{CallError, Contribution, HOUSEHOLD, Persons, Product, prorata};
use crate::dates::{DateOutOfRange, Period, add_months, age_on, month_of, whole_months};
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
    /// `BAND`, `EXTRA_PERSONS`, `PERSONS`, `ADULTS`, `CHILDREN`, `JOINED`, `SUBSIDY`, `REGISTRATION_FEE`, `FEE_WAIVED` or
    /// `OTHER_FEE`.
    pub code: &'static str,
    /// What it is, in words.
    pub text: String,
    /// `HOUSEHOLD`, or who takes the subsidy over.
    pub payer: String,
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
    // One due per payer, kind and day: the reckoning says which fees are in it.
    let mut other_fees = 0_i64;
    for fee in product.other_fees.iter().filter(|fee| first_enrolment || fee.when == FeeWhen::EveryPeriod) {
        other_fees = other_fees.checked_add(fee_of(fee.per, fee.amount, people)?).ok_or(Overflow)?;
    }
    due(DueKind::Other, HOUSEHOLD, first_day, other_fees, (1, 1));
    let monthly = matches!(product.contribution, Some(Contribution::PerPersonMonth { .. }));
    let months = if monthly { months_from(period, first_day)? } else { vec![first_day] };
    for (at, due_on) in months.iter().enumerate() {
        for (payer, amount) in &call.contribution_by {
            if payer == HOUSEHOLD && !monthly {
                let parts = split(product, *amount, period)?;
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

/// What one more person owes who belongs to the household from a day on, after its period was priced (R8). Who joins by
/// the period's first day pays as the others do; who joins later pays his part on the day on which he joins. A tariff of
/// bands changes from the next period only (R5).
pub fn joining(
    product: &Product,
    class: &str,
    born_on: Option<NaiveDate>,
    on: NaiveDate,
    period: Period,
) -> Result<Schedule, ScheduleError> {
    let mut made = Schedule { dues: Vec::new(), reckoning: Vec::new() };
    // The age is that of the period's first day, as of all others.
    let age = born_on.and_then(|born| age_on(born, period.from).ok());
    let monthly = matches!(product.contribution, Some(Contribution::PerPersonMonth { .. }));
    let Some(price) = price_of(product, age).filter(|_| product.contribution.is_some()) else { return Ok(made) };
    let subsidy = product.subsidies.get(class);
    let rate = subsidy.map_or(0, |subsidy| subsidy.rate_bp);
    let later = on > period.from;
    let (gross, taken_over, text, days) = if monthly {
        let days = months_from(period, on)?;
        (price, money::share(price, rate)?, format!("who joined on {on}, each month of {}", days.len()), days)
    } else if later {
        let part = prorata(price, rate, on, period.to)?;
        let text = format!("who joined on {on}, {} twelfths of {price}", part.remaining_months);
        (part.gross, part.subsidy, text, vec![on])
    } else {
        (price, money::share(price, rate)?, format!("who joined by {}", period.from), vec![period.from])
    };
    let own = gross - taken_over;
    let count = i64::try_from(days.len()).map_err(|_| Overflow)?;
    let mut line = |code, payer: &str, text: String, unit_minor: i64| -> Result<(), Overflow> {
        let amount_minor = unit_minor.checked_mul(count).ok_or(Overflow)?;
        made.reckoning.push(Reckoned { code, text, payer: payer.to_owned(), count, unit_minor, amount_minor });
        Ok(())
    };
    line("JOINED", HOUSEHOLD, text, gross)?;
    if let Some(subsidy) = subsidy {
        line("SUBSIDY", &subsidy.payer, format!("{} pays for class {class}", subsidy.payer), -taken_over)?;
    }
    let mut due = |payer: &str, due_on, amount_minor, part| {
        if amount_minor > 0 {
            let kind = DueKind::Contribution;
            made.dues.push(PlannedDue { kind, payer: payer.to_owned(), due_on, amount_minor, part });
        }
    };
    for (at, due_on) in days.iter().enumerate() {
        let part = (at + 1, days.len());
        if later || monthly {
            due(HOUSEHOLD, *due_on, own, part);
        } else {
            let parts = split(product, own, period)?;
            for (place, (due_on, amount)) in parts.iter().enumerate() {
                due(HOUSEHOLD, *due_on, *amount, (place + 1, parts.len()));
            }
        }
        if let Some(subsidy) = subsidy {
            due(&subsidy.payer, *due_on, taken_over, part);
        }
    }
    Ok(made)
}

/// The due days of a monthly price from the month of a day on.
fn months_from(period: Period, on: NaiveDate) -> Result<Vec<NaiveDate>, DateOutOfRange> {
    let mut days = Vec::new();
    for month in 0..whole_months(period.from, period.to).max(1) {
        let due_on = add_months(period.from, month)?;
        if due_on <= period.to && month_of(due_on)?.to >= on {
            days.push(due_on.max(on));
        }
    }
    Ok(days)
}

/// The household's contribution by instalments in order of their days: each by R2, what is left on the one named last, so
/// that they add up. Those that fall on one day are one due.
fn split(product: &Product, amount: i64, period: Period) -> Result<Vec<(NaiveDate, i64)>, ScheduleError> {
    if product.instalments.is_empty() {
        return Ok(vec![(period.from, amount)]);
    }
    let mut left = amount;
    let mut parts: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for (at, one) in product.instalments.iter().enumerate() {
        let last = at + 1 == product.instalments.len();
        // Roundings up cannot take more than there is.
        let part = if last { left } else { money::share(amount, one.share_bp)?.min(left) };
        left -= part;
        *parts.entry(one.due.due_on(period)?).or_insert(0) += part;
    }
    Ok(parts.into_iter().collect())
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
    let mut line = |code, payer: &str, text: String, count: i64, unit_minor: i64| -> Result<(), Overflow> {
        if count > 0 {
            let amount_minor = unit_minor.checked_mul(count).ok_or(Overflow)?;
            lines.push(Reckoned { code, text, payer: payer.to_owned(), count, unit_minor, amount_minor });
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
                    line(
                        "BAND",
                        HOUSEHOLD,
                        format!("household of {} to {} persons", band.from, band.to),
                        1,
                        band.amount,
                    )?;
                }
                (None, Some(last), Some(extra)) => {
                    line(
                        "BAND",
                        HOUSEHOLD,
                        format!("household of {} to {} persons", last.from, last.to),
                        1,
                        last.amount,
                    )?;
                    let text = format!("persons above {}", extra.above);
                    line("EXTRA_PERSONS", HOUSEHOLD, text, size - extra.above, extra.amount)?;
                }
                _ => {}
            }
        }
        Some(Contribution::PerPersonYear { amount }) => line("PERSONS", HOUSEHOLD, "persons".into(), size, *amount)?,
        Some(Contribution::PerPersonMonth { amount }) => {
            line("PERSONS", HOUSEHOLD, "persons, each month".into(), size, *amount)?
        }
        Some(Contribution::PerAdultChildYear { adult, child, adult_from_age }) => {
            let adults = people.iter().filter(|one| one.age.is_none_or(|age| age >= *adult_from_age)).count();
            let adults = i64::try_from(adults).map_err(|_| Overflow)?;
            line(
                "ADULTS",
                HOUSEHOLD,
                format!("persons from {adult_from_age} years, or of unknown age"),
                adults,
                *adult,
            )?;
            line("CHILDREN", HOUSEHOLD, format!("persons below {adult_from_age} years"), size - adults, *child)?;
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
        line("SUBSIDY", payer, format!("{payer} pays for class {class}"), count, -part)?;
    }
    if first_enrolment && let Some(charged) = product.registration_fee {
        line("REGISTRATION_FEE", HOUSEHOLD, "registration fee".into(), 1, charged)?;
        if fee != charged {
            line("FEE_WAIVED", HOUSEHOLD, "waived for the classes of all persons".into(), 1, fee - charged)?;
        }
    }
    for fee in product.other_fees.iter().filter(|fee| first_enrolment || fee.when == FeeWhen::EveryPeriod) {
        let count = if fee.per == FeePer::Person { size } else { 1 };
        line("OTHER_FEE", HOUSEHOLD, format!("fee {}", fee.code), count, fee.amount)?;
    }
    Ok(lines)
}

impl Schedule {
    /// Adds what another reckoning says to this one; there stays one due per payer, kind and day.
    pub fn extend(&mut self, other: Self) -> Result<(), ScheduleError> {
        for due in other.dues {
            self.add(due)?;
        }
        self.reckoning.extend(other.reckoning);
        Ok(())
    }

    /// The same dues, of which none falls due before a day.
    pub fn not_before(self, day: NaiveDate) -> Result<Self, ScheduleError> {
        let mut later = Schedule { dues: Vec::new(), reckoning: self.reckoning };
        for due in self.dues {
            later.add(PlannedDue { due_on: due.due_on.max(day), ..due })?;
        }
        Ok(later)
    }

    fn add(&mut self, due: PlannedDue) -> Result<(), Overflow> {
        let same = |one: &&mut PlannedDue| (one.kind, &one.payer, one.due_on) == (due.kind, &due.payer, due.due_on);
        match self.dues.iter_mut().find(same) {
            Some(one) => one.amount_minor = one.amount_minor.checked_add(due.amount_minor).ok_or(Overflow)?,
            None => self.dues.push(due),
        }
        Ok(())
    }

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
        // 17,502 in all, of which the State takes 3,501 twice and 1,750; the household's 8,750 falls in two parts.
        assert_eq!(
            told(&made),
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

    /// (kind, payer, day, amount) of each due.
    fn told(made: &Schedule) -> Vec<(&str, &str, String, i64)> {
        let dues = made.dues.iter();
        dues.map(|due| (due.kind.code(), due.payer.as_str(), due.due_on.to_string(), due.amount_minor)).collect()
    }

    fn aged() -> Product {
        product(json!({
            "currency": "XOF",
            "contribution": {"kind": "per_adult_child_year", "adult": 7001, "child": 3500, "adult_from_age": 18},
            "subsidies": {"POOR": {"rate_bp": 5000, "payer": "STATE"}},
            "instalments": [{"share_bp": 5000, "due": {"months": 1}}, {"share_bp": 5000, "due": {"on": "11-15"}}],
        }))
    }

    #[test]
    fn who_joins_pays_twelfths_of_his_own_price_and_by_the_first_day_in_instalments() {
        let on = |text: &str| -> NaiveDate { text.parse().unwrap() };
        let born = Some(on("2008-06-01"));
        // 17 on the first day, and so a child of the period, though 18 when it joins: 8 twelfths of 3,500 are 2,333.
        let made = joining(&aged(), "POOR", born, on("2026-07-20"), year()).unwrap();
        let day = || "2026-07-20".to_owned();
        assert_eq!(told(&made), [("CONTRIBUTION", "HOUSEHOLD", day(), 1166), ("CONTRIBUTION", "STATE", day(), 1167)]);
        let codes: Vec<(&str, i64)> = made.reckoning.iter().map(|line| (line.code, line.amount_minor)).collect();
        assert_eq!(codes, [("JOINED", 2333), ("SUBSIDY", -1167)]);
        let made = joining(&aged(), "STANDARD", None, on("2026-03-01"), year()).unwrap();
        assert_eq!(
            told(&made),
            [
                ("CONTRIBUTION", "HOUSEHOLD", "2026-04-01".to_owned(), 3501),
                ("CONTRIBUTION", "HOUSEHOLD", "2026-11-15".to_owned(), 3500)
            ]
        );
        let mut monthly = aged();
        monthly.instalments.clear();
        monthly.contribution = Some(Contribution::PerPersonMonth { amount: 100 });
        let made = joining(&monthly, "POOR", None, on("2027-01-20"), year()).unwrap();
        let days: Vec<String> = made.dues.iter().map(|due| format!("{} {}", due.due_on, due.amount_minor)).collect();
        assert_eq!(days, ["2027-01-20 50", "2027-01-20 50", "2027-02-01 50", "2027-02-01 50"]);
        assert_eq!(made.reckoning.iter().map(|line| line.amount_minor).collect::<Vec<_>>(), [200, -100]);
    }

    #[test]
    fn instalments_of_a_shorter_period_fall_due_within_it_as_one() {
        let short = Period { from: year().from, to: "2026-03-31".parse().unwrap() };
        let made = schedule(&aged(), &[person("STANDARD", 30)], short, false).unwrap();
        assert_eq!(told(&made), [("CONTRIBUTION", "HOUSEHOLD", "2026-03-31".to_owned(), 7001)]);
        assert_eq!(made.dues[0].part, (1, 1));
    }

    #[test]
    fn fees_of_one_day_are_one_due_and_a_line_each() {
        let fees = product(json!({"currency": "XOF", "other_fees": [
            {"code": "CARD", "amount": 200, "per": "person", "when": "first"},
            {"code": "BOOK", "amount": 500, "per": "household", "when": "every_period"},
        ]}));
        let people = [person("STANDARD", 30), person("STANDARD", 3)];
        let owed = |first| schedule(&fees, &people, year(), first).unwrap();
        assert_eq!(told(&owed(true)), [("OTHER", "HOUSEHOLD", "2026-03-01".to_owned(), 900)]);
        assert_eq!(owed(true).reckoning.iter().map(|line| line.amount_minor).collect::<Vec<_>>(), [400, 500]);
        assert_eq!(told(&owed(false)), [("OTHER", "HOUSEHOLD", "2026-03-01".to_owned(), 500)]);
    }

    proptest! {
        /// Whoever joins whenever: his dues add up to the lines, and lie within the period and not before he joins.
        #[test]
        fn what_a_joiner_owes_adds_up(
            (adult, child, rate) in (0..50_000_i64, 0..50_000_i64, 0..=10_000_i64),
            (born, joined, days) in (0..30_000_i64, 0..400_i64, 1..400_i64),
            shape in 0..3_u8,
            class in prop::sample::select(vec!["STANDARD", "POOR"]),
        ) {
            let mut product = aged();
            product.subsidies.get_mut("POOR").unwrap().rate_bp = rate;
            match shape {
                0 => product.contribution = Some(Contribution::PerPersonYear { amount: adult }),
                1 => product.contribution =
                    Some(Contribution::PerAdultChildYear { adult, child, adult_from_age: 18 }),
                _ => {
                    product.instalments.clear();
                    product.contribution = Some(Contribution::PerPersonMonth { amount: adult });
                }
            }
            let after = |days| crate::dates::add_days(year().from, days).unwrap();
            let period = Period { from: year().from, to: after(days) };
            let on = after((joined - 30).min(days));
            let born_on = Some(crate::dates::add_days(period.to, -born).unwrap());
            let made = joining(&product, class, born_on, on, period).unwrap();
            let lines: i64 = made.reckoning.iter().map(|line| line.amount_minor).sum();
            prop_assert_eq!(made.by_payer().unwrap()[HOUSEHOLD], lines);
            for due in &made.dues {
                prop_assert!(due.amount_minor > 0 && period.contains(due.due_on) && on <= due.due_on);
            }
        }

        /// Whatever the product and the household, the dues add up to the reckoning and to the call.
        #[test]
        fn dues_add_up_to_the_reckoning(
            (adult, child) in (0..50_000_i64, 0..50_000_i64),
            shape in 0..4_u8,
            rate in 0..=10_000_i64,
            shares in prop::collection::vec(1..4_000_i64, 0..4),
            people in prop::collection::vec((prop::sample::select(vec!["STANDARD", "POOR"]), 0..90_i64), 1..15),
            (fee, card, first) in (0..2_000_i64, 0..500_i64, any::<bool>()),
            (starts, length) in (0..1_500_i64, prop::option::of(0..365_i64)),
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
            // From 2026 to 2030, over a leap day; a whole period or one that was agreed to be shorter.
            let from = crate::dates::add_days(year().from, starts).unwrap();
            let to = length.map_or(product.period_end(from).unwrap(), |days| crate::dates::add_days(from, days).unwrap());
            let period = Period { from, to };
            let made = schedule(&product, &people, period, first).unwrap();
            let months = if shape == 2 { (0..12).filter(|at| add_months(from, *at).unwrap() <= to).count() } else { 1 };
            let months = i64::try_from(months).unwrap();
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
            prop_assert!(made.dues.iter().all(|due| due.amount_minor > 0 && period.contains(due.due_on)));
        }
    }
}
