//! Amounts of money: currencies, the text of an amount, shares and ratios, all in whole minor units (R1, R2, R40).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A rate of 100 % in basis points.
pub const FULL_RATE_BP: i64 = 10_000;

/// An ISO 4217 currency of the list in force. Its text is the upper-case alphabetic code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The currency of an alphabetic code, exact in case; `None` where ISO 4217 has none.
    pub fn parse(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(code).map(Self)
    }

    /// The alphabetic code, three capitals.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals the minor unit has (R1). Units without one, such as gold, count as 0.
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom(format_args!("unknown currency code `{code}`")))
    }
}

/// Why an amount's text is refused (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("the amount is in another currency than the document")]
    CurrencyMismatch,
    #[error("the amount is not plain digits with at most one decimal point, or is too large")]
    InvalidAmount,
    #[error("the amount has more decimals than its currency")]
    InvalidMinorUnits,
}

impl AmountError {
    /// The stable code of the refusal.
    pub fn code(self) -> &'static str {
        match self {
            Self::CurrencyMismatch => "CURRENCY_MISMATCH",
            Self::InvalidAmount => "INVALID_AMOUNT",
            Self::InvalidMinorUnits => "INVALID_MINOR_UNITS",
        }
    }
}

/// A result of arithmetic that does not fit in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount does not fit in 64 bits")]
pub struct Overflow;

/// Reads an amount in `currency` for a document kept in `document_currency`, to minor units (R1).
///
/// The currency is judged first, then the form of the text, then the decimals, then the size.
pub fn parse_amount(text: &str, currency: Currency, document_currency: Currency) -> Result<i64, AmountError> {
    if currency != document_currency {
        return Err(AmountError::CurrencyMismatch);
    }
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return Err(AmountError::InvalidAmount),
        None => (text, ""),
    };
    if !is_digits(whole) {
        return Err(AmountError::InvalidAmount);
    }

    // The decimals are judged before the size, so that a text has one answer.
    let decimals = usize::try_from(currency.exponent()).map_err(|_| AmountError::InvalidAmount)?;
    if fraction.bytes().skip(decimals).any(|digit| digit != b'0') {
        return Err(AmountError::InvalidMinorUnits);
    }
    let minor_digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(decimals);
    let mut minor_units = 0_i64;
    for digit in whole.bytes().chain(minor_digits) {
        minor_units = append_digit(minor_units, digit)?;
    }
    Ok(minor_units)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn append_digit(amount: i64, digit: u8) -> Result<i64, AmountError> {
    amount
        .checked_mul(10)
        .and_then(|shifted| shifted.checked_add(i64::from(digit.saturating_sub(b'0'))))
        .ok_or(AmountError::InvalidAmount)
}

/// The text of an amount with all decimals of its currency: `1050` in KES is `10.50`, in BIF `1050`.
pub fn format_minor(minor_units: i64, currency: Currency) -> String {
    let sign = if minor_units < 0 { "-" } else { "" };
    let digits = minor_units.unsigned_abs().to_string();
    let Ok(decimals) = usize::try_from(currency.exponent()) else {
        return format!("{sign}{digits}");
    };
    if decimals == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{sign}{whole}.{fraction}")
}

/// The share of an amount at a rate in basis points, half up, in 128 bits (R2):
/// floor((2 × amount × rate + 10000) / 20000). Only a rate above 100 % can overflow.
pub fn share(amount_minor: i64, rate_bp: i64) -> Result<i64, Overflow> {
    let doubled = i128::from(amount_minor)
        .checked_mul(i128::from(rate_bp))
        .and_then(|product| product.checked_mul(2))
        .and_then(|doubled| doubled.checked_add(10_000))
        .ok_or(Overflow)?;
    i64::try_from(doubled.div_euclid(20_000)).map_err(|_| Overflow)
}

/// Adds amounts in 128 bits and gives the sum in 64.
pub fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, Overflow> {
    // 2^64 amounts of 2^63 still fit, so the plain addition cannot overflow.
    let total: i128 = amounts.into_iter().map(i128::from).sum();
    i64::try_from(total).map_err(|_| Overflow)
}

/// scale × numerator / denominator, half up, away from zero if negative (R40); `None` over zero.
pub fn ratio(numerator: impl Into<i128>, denominator: impl Into<i128>, scale: i64) -> Result<Option<i64>, Overflow> {
    let (numerator, denominator) = (numerator.into(), denominator.into());
    if denominator == 0 {
        return Ok(None);
    }
    let scaled = numerator.checked_mul(i128::from(scale)).ok_or(Overflow)?;
    let (dividend, divisor) = (scaled.unsigned_abs(), denominator.unsigned_abs());
    let (quotient, remainder) = (dividend / divisor, dividend % divisor);
    // `remainder >= divisor - remainder` is `2 × remainder >= divisor` without the overflow.
    let rounded = quotient + u128::from(remainder >= divisor - remainder);
    let magnitude = i128::try_from(rounded).map_err(|_| Overflow)?;
    let negative = (scaled < 0) != (denominator < 0);
    let signed = if negative { -magnitude } else { magnitude };
    i64::try_from(signed).map(Some).map_err(|_| Overflow)
}

/// numerator / denominator in basis points (R40); `None` over zero.
pub fn ratio_bp(numerator: impl Into<i128>, denominator: impl Into<i128>) -> Result<Option<i64>, Overflow> {
    ratio(numerator, denominator, FULL_RATE_BP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn parse(text: &str, code: &str) -> Result<i64, AmountError> {
        parse_amount(text, currency(code), currency(code))
    }

    #[test]
    fn every_currency_named_by_the_rules_has_its_exponent() {
        let named = [
            (0, "BIF XOF XAF RWF GNF DJF KMF UGX VUV XPF JPY KRW VND CLP PYG ISK"),
            (2, "CDF KES TZS IDR BOB NPR INR EUR"),
            (3, "TND KWD BHD OMR JOD LYD IQD"),
        ];
        for (exponent, codes) in named {
            for code in codes.split(' ') {
                assert_eq!(currency(code).exponent(), exponent, "{code}");
                assert_eq!(currency(code).code(), code);
            }
        }
        assert_eq!(Currency::parse("bif"), None);
        assert_eq!(Currency::parse("ZZZ"), None);
    }

    #[test]
    fn amounts_are_read_to_minor_units() {
        assert_eq!(parse("1000", "BIF"), Ok(1000));
        assert_eq!(parse("1000.00", "BIF"), Ok(1000));
        assert_eq!(parse("1000.50", "BIF"), Err(AmountError::InvalidMinorUnits));
        assert_eq!(parse("10.5", "KES"), Ok(1050));
        assert_eq!(parse("10.5000", "KES"), Ok(1050));
        assert_eq!(parse("10.505", "KES"), Err(AmountError::InvalidMinorUnits));
        assert_eq!(parse("0.001", "TND"), Ok(1));
        assert_eq!(parse("007", "XOF"), Ok(7));
        assert_eq!(parse("9223372036854775807", "XOF"), Ok(i64::MAX));
        assert_eq!(parse("9223372036854775808", "XOF"), Err(AmountError::InvalidAmount));
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["", " ", "-5", "+5", "1 000", "1,000", "1e3", ".5", "5.", "1.2.3", "１０", "0x1", "5 ", "."] {
            assert_eq!(parse(text, "KES"), Err(AmountError::InvalidAmount), "{text:?}");
        }
    }

    #[test]
    fn the_currency_is_judged_first() {
        let refused = parse_amount("rubbish", currency("BIF"), currency("XOF"));
        assert_eq!(refused, Err(AmountError::CurrencyMismatch));
    }

    #[test]
    fn amounts_are_shown_with_their_decimals() {
        assert_eq!(format_minor(1050, currency("KES")), "10.50");
        assert_eq!(format_minor(-5, currency("KES")), "-0.05");
        assert_eq!(format_minor(5, currency("TND")), "0.005");
        assert_eq!(format_minor(1050, currency("BIF")), "1050");
        assert_eq!(format_minor(i64::MIN, currency("BIF")), "-9223372036854775808");
    }

    #[test]
    fn shares_round_half_up() {
        assert_eq!(share(1237, 8000), Ok(990));
        assert_eq!(share(1, 5000), Ok(1));
        assert_eq!(share(1, 4999), Ok(0));
        assert_eq!(share(i64::MAX, 10_000), Ok(i64::MAX));
        assert_eq!(share(i64::MAX, 10_001), Err(Overflow));
        assert_eq!(sum([i64::MAX, 1]), Err(Overflow));
        assert_eq!(sum([i64::MAX, 1, -1]), Ok(i64::MAX));
    }

    #[test]
    fn ratios_round_away_from_zero() {
        assert_eq!(ratio_bp(96_265, 1_200_000), Ok(Some(802)));
        assert_eq!(ratio(1, 2, 1), Ok(Some(1)));
        assert_eq!(ratio(-1, 2, 1), Ok(Some(-1)));
        assert_eq!(ratio(-1, 3, 1), Ok(Some(0)));
        assert_eq!(ratio_bp(0, 0), Ok(None));
        assert_eq!(ratio_bp(i64::MAX, 1), Err(Overflow));
        assert_eq!(ratio(i64::MAX, i64::MIN, 1), Ok(Some(-1)));
    }

    proptest! {
        #[test]
        fn a_share_never_exceeds_its_amount(amount in 0..=i64::MAX, rate in 0..=10_000_i64) {
            let part = share(amount, rate).unwrap();
            prop_assert!((0..=amount).contains(&part));
        }

        #[test]
        fn shown_amounts_are_read_back(amount in 0..=i64::MAX, code in prop::sample::select(vec!["BIF", "KES", "TND"])) {
            prop_assert_eq!(parse(&format_minor(amount, currency(code)), code), Ok(amount));
        }

        #[test]
        fn no_text_panics(text in "[0-9.]{0,40}") {
            let _ = parse(&text, "KES");
        }
    }
}
