//! What is printed and told, in each language: data files in `texts/`, compiled in. A field is a key of every file; one that
//! a file lacks, or has too much, is found by the test below.
use crate::households::model::Relationship;
use crate::language::Language;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

fn file_of(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("texts/en.json"),
        Language::French => include_str!("texts/fr.json"),
    }
}

/// The texts of a language.
pub fn texts_of(language: Language) -> &'static Texts {
    static ALL: LazyLock<Vec<Texts>> = LazyLock::new(|| {
        let read = |language: &Language| serde_json::from_str(file_of(*language)).expect("a test reads every file");
        Language::ALL.iter().map(read).collect()
    });
    &ALL[language as usize]
}

/// The texts of a language. `{names}` are filled in by [`fill`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each is said by its text in texts/en.json")]
pub struct Texts {
    pub months: [String; 12],
    pub date: String,
    pub date_first_of_month: String,
    pub card: String,
    pub certificate: String,
    pub number: String,
    pub household: String,
    pub born: String,
    pub born_short: String,
    pub name: String,
    pub relationship: String,
    pub valid_until: String,
    pub issued_on: String,
    pub verification_code: String,
    pub card_terms: String,
    pub card_check: String,
    pub card_found: String,
    pub certificate_statement: String,
    pub certificate_validity: String,
    pub certificate_terms: String,
    pub continued: String,
    pub place_and_date: String,
    pub signature: String,
    pub principal: String,
    pub spouse: String,
    pub child: String,
    pub parent: String,
    pub sibling: String,
    pub other: String,
    pub valid: String,
    pub expired: String,
    pub revoked: String,
    pub in_force: String,
    pub not_in_force: String,
}

impl Texts {
    /// A date as it is written out.
    pub fn date(&self, day: NaiveDate) -> String {
        let pattern = if day.day() == 1 { &self.date_first_of_month } else { &self.date };
        let month = usize::try_from(day.month0()).ok().and_then(|month| self.months.get(month));
        let (number, year) = (day.day().to_string(), day.year().to_string());
        fill(pattern, &[("day", &number), ("month", month.map_or("", String::as_str)), ("year", &year)])
    }

    /// What a person is in the household.
    pub fn relationship_of(&self, relationship: Relationship) -> &str {
        match relationship {
            Relationship::Principal => &self.principal,
            Relationship::Spouse => &self.spouse,
            Relationship::Child => &self.child,
            Relationship::Parent => &self.parent,
            Relationship::Sibling => &self.sibling,
            Relationship::Other => &self.other,
        }
    }
}

/// A text with its `{names}` filled in. What is filled in is not looked at again: a name may hold braces.
pub fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, left) = after.split_once('}').unwrap_or((after, ""));
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            out.push_str(value);
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// The `{names}` of a text.
    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_language_has_every_text_and_no_other() {
        let english: Value = serde_json::from_str(file_of(Language::English)).unwrap();
        for language in Language::ALL {
            let texts: Texts =
                serde_json::from_str(file_of(*language)).unwrap_or_else(|error| panic!("{language}: {error}"));
            let file: Value = serde_json::from_str(file_of(*language)).unwrap();
            assert_eq!(serde_json::to_value(&texts).unwrap(), file);
            for (key, value) in file.as_object().unwrap() {
                let all: Vec<&str> = value
                    .as_str()
                    .into_iter()
                    .chain(value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap()))
                    .collect();
                assert!(
                    !all.is_empty() && all.iter().all(|text| !text.trim().is_empty()),
                    "{language}: {key} is empty"
                );
                // The first of a month has its number in the text where a language has a word of its own for it.
                if let Some(text) = value.as_str().filter(|_| key != "date_first_of_month") {
                    assert_eq!(names(text), names(english[key].as_str().unwrap()), "{language}: {key}");
                }
            }
            assert_eq!(texts_of(*language).months.len(), 12);
        }
        assert_eq!(texts_of(Language::French).card, "Carte de membre");
        assert_eq!(texts_of(Language::English).card, "Member card");
    }

    #[test]
    fn dates_are_written_as_the_language_writes_them() {
        let day = |text: &str| text.parse().unwrap();
        assert_eq!(texts_of(Language::French).date(day("2026-08-01")), "1er août 2026");
        assert_eq!(texts_of(Language::French).date(day("2026-08-21")), "21 août 2026");
        assert_eq!(texts_of(Language::English).date(day("2026-08-01")), "1 August 2026");
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        assert_eq!(fill("{a} and {b}.", &[("a", "{b}"), ("b", "2")]), "{b} and 2.");
        assert_eq!(fill("{unknown}x{", &[]), "x");
    }
}
