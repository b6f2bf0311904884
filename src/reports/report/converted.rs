//! All units in one currency. What each currency sums up to is converted once, at the rate of the period's last day, and the
//! answer names the rates: a total of many rounded amounts would be nobody's.
use super::figures::{self, Among, Figure, Reckoned, Total, is_money, middle};
use super::period::Period;
use super::shape::Question;
use super::units::Unit;
use crate::access::picture::Picture;
use crate::access::scopes::BodyScope;
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result};
use crate::money::{Currency, Overflow};
use crate::reports::catalogue::{self, Indicator, Parts, Term, Value};
use crate::reports::rates::model::ExchangeRate;
use crate::reports::rates::store;
use std::collections::BTreeMap;

/// What the currencies of the units are worth in one.
pub struct Rates {
    into: Currency,
    all: Vec<ExchangeRate>,
}

impl Rates {
    fn converted(&self, amount: i128, from: Currency) -> std::result::Result<i128, Overflow> {
        if from == self.into {
            return Ok(amount);
        }
        let rate = self.all.iter().find(|rate| rate.is_between(from, self.into)).ok_or(Overflow)?;
        rate.converted(amount, from).map(i128::from)
    }
}

/// The rates of a period's last day: those of the body itself, else of the nearest above that has one.
///
/// # Errors
/// `no_exchange_rate` naming the currency that has none.
pub fn rates(
    r: &mut Read,
    picture: &Picture,
    scope: &BodyScope,
    units: &[Unit],
    period: Period,
    into: Currency,
) -> Result<Rates> {
    let mut above = vec![scope.organisation()];
    above.extend(picture.ancestors(scope.organisation(), scope.today()));
    let others: BTreeMap<&str, Currency> = units.iter().map(|unit| (unit.currency.code(), unit.currency)).collect();
    let mut all = Vec::new();
    'currencies: for from in others.into_values().filter(|from| *from != into) {
        for organisation in &above {
            if let Some(rate) = store::on(r, *organisation, (from.code(), into.code()), period.last_day())? {
                all.push(rate);
                continue 'currencies;
            }
        }
        let detail = format!("between {} and {} on {}", from.code(), into.code(), period.last_day());
        return Err(Problem::with(Code::NoExchangeRate, detail).at("currency").into());
    }
    Ok(Rates { into, all })
}

fn beyond(_: Overflow) -> Error {
    Problem::of(Code::AmountTooLarge).into()
}

fn are_money(terms: &[Term]) -> bool {
    terms.iter().any(|term| term.measure.code().ends_with("_minor"))
}

/// The total of all units.
///
/// # Errors
/// `amount_too_large`.
pub fn total(
    units: &[&Reckoned<'_>],
    figures: &[&'static Indicator],
    question: Question,
    rates: &Rates,
    before: Option<&Rates>,
) -> Result<Total> {
    let mut found = Vec::with_capacity(figures.len());
    for (at, indicator) in figures.iter().enumerate() {
        found.push(if is_money(indicator) {
            figure(units, (at, indicator), rates, before)?
        } else {
            figures::figure(units, (at, indicator), question, Among::Them)?
        });
    }
    let named = rates.all.iter().chain(before.iter().flat_map(|rates| &rates.all));
    let mut told: Vec<ExchangeRate> = named.cloned().collect();
    told.sort_by_key(|rate| (rate.valid_from, rate.id));
    told.dedup_by_key(|rate| rate.id);
    Ok(Total { currency: Some(rates.into), units: units.len(), figures: found, rates: Some(told) })
}

/// The parts of a figure with their currencies.
type Parted = Vec<(Currency, Parts)>;

fn figure(
    units: &[&Reckoned<'_>],
    (at, indicator): (usize, &'static Indicator),
    rates: &Rates,
    before: Option<&Rates>,
) -> Result<Figure> {
    let now: Parted = units.iter().filter_map(|unit| Some((unit.unit.currency, *unit.now.get(at)?))).collect();
    let earlier: Parted =
        units.iter().filter_map(|unit| Some((unit.unit.currency, *unit.before.as_ref()?.get(at)?))).collect();
    let (value, left_out) = value(&now, indicator, rates)?;
    let (previous, previous_left_out) = match before {
        None => (None, 0),
        Some(_) if figures::are_hidden_before(units) => (Some(figures::TOO_FEW), units.len()),
        Some(rates) => self::value(&earlier, indicator, rates).map(|(value, left_out)| (Some(value), left_out))?,
    };
    let mut values = Vec::with_capacity(units.len());
    for unit in &now {
        values.extend(self::value(std::slice::from_ref(unit), indicator, rates)?.0.value);
    }
    let median = if units.len() > 1 { middle(values).map_err(beyond)? } else { None };
    Ok(Figure { indicator, value, left_out, previous, previous_left_out, median, promptness: None })
}

/// Sums by currency, each converted, put together; and how many units are not in it.
fn value(units: &[(Currency, Parts)], indicator: &Indicator, rates: &Rates) -> Result<(Value, usize)> {
    let mut by_currency: BTreeMap<&str, (Currency, Vec<Parts>)> = BTreeMap::new();
    for (currency, parts) in units {
        by_currency.entry(currency.code()).or_insert((*currency, Vec::new())).1.push(*parts);
    }
    let mut sums = Vec::with_capacity(by_currency.len());
    let mut left_out = 0;
    for (currency, own) in by_currency.into_values() {
        let (value, without) = catalogue::value(indicator, &own).map_err(beyond)?;
        left_out += without;
        if without == own.len() {
            continue;
        }
        let worth = |amount: Option<i128>, terms: &[Term]| match amount {
            Some(amount) if are_money(terms) => rates.converted(amount, currency).map(Some),
            other => Ok(other),
        };
        sums.push(Parts {
            numerator: worth(value.numerator, indicator.numerator).map_err(beyond)?,
            denominator: worth(value.denominator, indicator.denominator).map_err(beyond)?,
        });
    }
    if sums.is_empty() {
        // What is known of a single one is in its own currency, and not shown here.
        let none: Vec<Parts> = units.iter().map(|(_, parts)| *parts).collect();
        let unknown = catalogue::value(indicator, &none).map_err(beyond)?.0;
        return Ok((Value { numerator: None, denominator: None, ..unknown }, left_out));
    }
    Ok((catalogue::value(indicator, &sums).map_err(beyond)?.0, left_out))
}

#[cfg(test)]
mod tests {
    use crate::reports::catalogue::CATALOGUE;

    /// What is converted is a sum of money or none of it is.
    #[test]
    fn no_indicator_adds_money_to_what_is_none() {
        let mut met = [0; 2];
        for indicator in CATALOGUE {
            for terms in [indicator.numerator, indicator.denominator] {
                let money = terms.iter().filter(|term| term.measure.code().ends_with("_minor")).count();
                assert!(money == 0 || money == terms.len(), "{}", indicator.id);
                met[usize::from(money > 0)] += 1;
            }
        }
        assert!(met[0] > 20 && met[1] > 20, "{met:?}");
    }
}
