//! A rate: two amounts that are worth the same. Both are whole, so that nothing is lost by writing it down.
use crate::db::schema::*;
use crate::ids::*;
use crate::money::{self, Currency, Overflow};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

/// From its day on, until there is a later one. Of several from the same day the one recorded last holds.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = exchange_rates, treat_none_as_default_value = false)]
pub struct ExchangeRate {
    pub id: ExchangeRateId,
    pub organisation_id: OrganisationId,
    pub valid_from: NaiveDate,
    pub currency: String,
    pub amount_minor: i64,
    pub equals_currency: String,
    pub equals_minor: i64,
    pub source: String,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

impl ExchangeRate {
    /// Whether it says what the one currency is worth in the other; it may have been written down either way.
    pub fn is_between(&self, one: Currency, other: Currency) -> bool {
        let told = (self.currency.as_str(), self.equals_currency.as_str());
        told == (one.code(), other.code()) || told == (other.code(), one.code())
    }

    /// An amount of the one of its currencies in the other, half up.
    ///
    /// # Errors
    /// Where it has too many digits.
    pub fn converted(&self, amount: i128, from: Currency) -> Result<i64, Overflow> {
        let (of, is) = if self.currency == from.code() {
            (self.amount_minor, self.equals_minor)
        } else {
            (self.equals_minor, self.amount_minor)
        };
        let worth = amount.checked_mul(i128::from(is)).ok_or(Overflow)?;
        money::ratio(worth, of, 1)?.ok_or(Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn rate(amount_minor: i64, equals_minor: i64) -> ExchangeRate {
        ExchangeRate {
            id: Key::new(uuid::Uuid::nil()),
            organisation_id: OrganisationId::NIL,
            valid_from: "2026-03-31".parse().unwrap(),
            currency: "XOF".into(),
            amount_minor,
            equals_currency: "EUR".into(),
            equals_minor,
            source: "treaty".into(),
            recorded_by: None,
            recorded_at: NaiveDateTime::default(),
        }
    }

    #[test]
    fn an_amount_is_converted_either_way_half_up() {
        let rate = rate(655_957, 100_000);
        let of = |amount, code| rate.converted(amount, currency(code)).unwrap();
        assert_eq!(of(655_957, "XOF"), 100_000);
        assert_eq!(of(100_000, "EUR"), 655_957);
        // 1 franc is 0.152… cents; 4 are 0.6.
        assert_eq!((of(1, "XOF"), of(4, "XOF"), of(-4, "XOF"), of(0, "XOF")), (0, 1, -1, 0));
        assert!(rate.is_between(currency("XOF"), currency("EUR")) && rate.is_between(currency("EUR"), currency("XOF")));
        assert!(!rate.is_between(currency("XOF"), currency("BIF")));
        assert_eq!(rate.converted(i128::MAX, currency("XOF")), Err(Overflow));
        assert_eq!(rate.converted(i128::from(i64::MAX), currency("EUR")), Err(Overflow));
    }

    proptest! {
        /// Never more than half a unit beside the exact worth.
        #[test]
        fn it_is_half_a_unit_off_at_most(amount in -1_000_000_000_000_i64..1_000_000_000_000, of in 1_i64..1_000_000_000, is in 1_i64..1_000_000) {
            let shown = rate(of, is).converted(i128::from(amount), currency("XOF")).unwrap();
            let off = i128::from(shown) * i128::from(of) - i128::from(amount) * i128::from(is);
            prop_assert!(off.abs() * 2 <= i128::from(of));
        }
    }
}
