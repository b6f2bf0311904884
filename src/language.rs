//! The languages in which the program prints and tells, and which of them a reader wants.
use crate::words;

words! {
    /// A language of the texts.
    pub enum Language {
        English = "en",
        French = "fr",
    }
}

impl Language {
    /// The language asked for by name, else the one that `Accept-Language` likes best (RFC 9110, 12.5.4), else English.
    pub fn wanted(named: Option<Language>, accepted: Option<&str>) -> Language {
        if let Some(language) = named {
            return language;
        }
        let mut best = (0, Language::English);
        for part in accepted.unwrap_or("").split(',') {
            let (range, weight) = part.split_once(";q=").map_or((part, "1"), |(range, weight)| (range, weight.trim()));
            let primary = range.trim().split('-').next().unwrap_or("").to_ascii_lowercase();
            if let Some(language) = Language::parse(&primary)
                && thousandths(weight) > best.0
            {
                best = (thousandths(weight), language);
            }
        }
        best.1
    }
}

/// A weight such as `0.8` in thousandths; what cannot be read weighs nothing.
fn thousandths(weight: &str) -> u32 {
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    match whole {
        "1" => 1000,
        "0" => format!("{part:0<3}").get(..3).and_then(|part| part.parse().ok()).unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_named_wins_then_the_one_liked_best() {
        use Language::{English, French};
        for (named, accepted, expected) in [
            (None, None, English),
            (None, Some(""), English),
            (None, Some("fr"), French),
            (None, Some("fr-BI, en;q=0.8"), French),
            (None, Some("en;q=0.5, fr;q=0.75"), French),
            (None, Some("rn, fr;q=0.5, en;q=0.9"), English),
            (None, Some("fr;q=0"), English),
            (None, Some("fr;q=x, *"), English),
            (None, Some("FR-be;q=0.1"), French),
            (Some(English), Some("fr"), English),
            (Some(French), Some("en"), French),
        ] {
            assert_eq!(Language::wanted(named, accepted), expected, "{accepted:?}");
        }
    }
}
