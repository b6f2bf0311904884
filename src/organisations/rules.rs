//! What may stand below what, and what a mutual needs. Pure.
use crate::access::permissions::OrganisationKind as Kind;
use crate::error::{Code, FieldError, Problem};
use crate::money::Currency;

/// The kinds below which a kind may stand.
pub const fn parents_of(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Root => &[],
        Kind::Network => &[Kind::Root],
        Kind::Platform => &[Kind::Root, Kind::Network],
        Kind::Federation | Kind::Mutual => &[Kind::Root, Kind::Network, Kind::Platform, Kind::Federation],
        Kind::Section => &[Kind::Mutual],
    }
}

/// Refuses a kind where it cannot stand.
///
/// # Errors
/// `tree_refused`.
pub fn must_fit(kind: Kind, parent: Kind) -> Result<(), Problem> {
    if parents_of(kind).contains(&parent) {
        return Ok(());
    }
    let detail = format!("a {kind} does not stand below a {parent}");
    Err(Problem::with(Code::TreeRefused, detail).at("/parent_id"))
}

/// What is asked for a new organisation.
#[derive(Debug, Clone)]
pub struct NewOrganisation {
    /// Code, unique in the installation.
    pub code: String,
    /// Shown name.
    pub name: String,
    /// Kind.
    pub kind: Kind,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
    /// Six digits.
    pub card_prefix: Option<String>,
}

/// All faults of what is asked, at once.
pub fn faults(new: &NewOrganisation) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, code: &str, message: &str| faults.push(FieldError::new(pointer, code, message));
    if !is_code(&new.code) {
        fault("/code", "malformed", "2 to 20 capitals, digits or hyphens, beginning with a capital");
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 120 {
        fault("/name", "out_of_bounds", "1 to 120 characters");
    }
    if let Some(country) = &new.country
        && rust_iso3166::from_alpha2(country).is_none()
    {
        fault("/country", "unknown_value", "an ISO 3166-1 alpha-2 code such as BI");
    }
    if let Some(currency) = &new.currency
        && Currency::parse(currency).is_none()
    {
        fault("/currency", "unknown_value", "an ISO 4217 code such as BIF");
    }
    if let Some(timezone) = &new.timezone
        && timezone.parse::<chrono_tz::Tz>().is_err()
    {
        fault("/timezone", "unknown_value", "an IANA zone such as Africa/Bujumbura");
    }
    let is_mutual = new.kind == Kind::Mutual;
    if let Some(prefix) = &new.card_prefix {
        if !is_mutual {
            fault("/card_prefix", "not_here", "only a mutual has a card prefix");
        } else if prefix.len() != 6 || !prefix.bytes().all(|b| b.is_ascii_digit()) || prefix.starts_with('0') {
            fault("/card_prefix", "malformed", "six digits, the first not 0");
        }
    }
    if is_mutual {
        for (value, pointer) in [(&new.country, "/country"), (&new.currency, "/currency"), (&new.timezone, "/timezone")]
        {
            if value.is_none() {
                fault(pointer, "missing", "a mutual needs it");
            }
        }
    }
    if new.kind == Kind::Root {
        fault("/kind", "not_here", "there is one root, made with the database");
    }
    faults
}

/// 2 to 20 capitals, digits or hyphens, beginning with a capital.
pub fn is_code(code: &str) -> bool {
    (2..=20).contains(&code.len())
        && code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
}

/// The code of an area in a country's list: 1 to 30 letters, digits, dots, hyphens or underscores.
pub fn is_area_code(code: &str) -> bool {
    (1..=30).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// The next prefix that no mutual has, from 100001.
pub fn free_prefix(taken: &std::collections::BTreeSet<String>) -> Option<String> {
    (100_001..=999_999u32).map(|number| number.to_string()).find(|prefix| !taken.contains(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once() {
        let bad = NewOrganisation {
            code: "x".into(),
            name: " ".into(),
            kind: Kind::Mutual,
            country: Some("XX".into()),
            currency: Some("bif".into()),
            timezone: None,
            card_prefix: Some("012345".into()),
        };
        let pointers: Vec<String> = faults(&bad).into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(pointers, ["/code", "/name", "/country", "/currency", "/card_prefix", "/timezone"]);
    }

    #[test]
    fn sections_stand_below_mutuals_and_nothing_below_them() {
        assert!(must_fit(Kind::Section, Kind::Mutual).is_ok());
        for kind in Kind::ALL {
            assert!(must_fit(*kind, Kind::Section).is_err(), "{kind}");
        }
        assert!(must_fit(Kind::Federation, Kind::Federation).is_ok());
        assert!(must_fit(Kind::Mutual, Kind::Mutual).is_err());
    }

    #[test]
    fn prefixes_are_given_in_turn() {
        let taken = ["100001", "100003"].map(String::from).into();
        assert_eq!(free_prefix(&taken).as_deref(), Some("100002"));
    }
}
