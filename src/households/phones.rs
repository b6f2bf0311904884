//! Phone numbers as they are told and as they are dialled.
use crate::db::Read;
use crate::error::{Problem, Result};
use crate::ids::*;

/// A number as it is dialled from anywhere, and whether it can be one; national forms are read in the mutual's country.
pub fn e164(raw: &str, country: Option<&str>) -> Option<String> {
    let country = country.and_then(|code| code.parse::<phonenumber::country::Id>().ok());
    let number = phonenumber::parse(country, raw).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// A phone number: as it is dialled from anywhere, and as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialled {
    pub e164: String,
    pub raw: String,
}

/// Whether a text may be a phone number; of which country is looked at when the mutual is known.
pub fn may_be_phone(text: &str, _: &()) -> garde::Result {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let other = |c: char| !c.is_ascii_digit() && !matches!(c, ' ' | '+' | '-' | '.' | '(' | ')' | '/');
    if text.chars().count() <= 30 && (6..=17).contains(&digits) && !text.contains(other) {
        return Ok(());
    }
    Err(garde::Error::new("a phone number, in international form or as in the mutual's country"))
}

/// What begins with + needs no country, and is taken though its plan of numbers is not known.
fn international(raw: &str) -> Option<String> {
    crate::access::http::is_phone(raw, &()).is_ok().then(|| crate::access::service::fold_login(raw))
}

/// Whether a number can be dialled, in international form or as in a country.
pub fn is_dialled(raw: &str, country: Option<&str>) -> bool {
    international(raw).is_some() || e164(raw, country).is_some()
}

/// Reads phone numbers as they are told: in international form, or as in the mutual's country. `at` names the field of each.
///
/// # Errors
/// `invalid`, code `pattern`, where one can be no number.
pub fn dialled(
    r: &mut Read,
    mutual: MutualId,
    told: &[Option<&str>],
    at: impl Fn(usize) -> String,
) -> Result<Vec<Option<Dialled>>> {
    let mut country: Option<Option<String>> = None;
    let mut found = Vec::with_capacity(told.len());
    for (place, told) in told.iter().enumerate() {
        let Some(raw) = told.map(str::trim) else {
            found.push(None);
            continue;
        };
        let number = match international(raw) {
            Some(number) => Some(number),
            None => {
                if country.is_none() {
                    let row = crate::organisations::store::find(r, mutual.into())?;
                    country = Some(row.and_then(|mutual| mutual.country));
                }
                e164(raw, country.as_ref().and_then(Option::as_deref))
            }
        };
        let Some(e164) = number else {
            let detail = "no phone number of this country, or in international form";
            return Err(Problem::field(at(place), "pattern", detail).into());
        };
        found.push(Some(Dialled { e164, raw: raw.to_owned() }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{e164, may_be_phone};

    #[test]
    fn numbers_are_read_in_the_mutuals_country() {
        assert_eq!(e164("79 000 002", Some("BI")).as_deref(), Some("+25779000002"));
        assert_eq!(e164("+221 77 123 45 67", Some("BI")).as_deref(), Some("+221771234567"));
        assert_eq!(e164("00257 79000002", Some("BI")).as_deref(), Some("+25779000002"));
        assert_eq!(e164("12", Some("BI")), None);
        assert_eq!(e164("79000002", None), None);
        assert_eq!(e164("call me", Some("BI")), None);
    }

    #[test]
    fn what_may_be_a_number_is_looked_at_further() {
        for text in ["79 000 002", "+257 79-00-00-02", "(0257) 79.000.002", "338/21 45 67"] {
            assert!(may_be_phone(text, &()).is_ok(), "{text}");
        }
        for text in ["", "1", "+25779x00002", "+257 79 000 002 000 000 000", "79 000 002\n"] {
            assert!(may_be_phone(text, &()).is_err(), "{text}");
        }
    }
}
