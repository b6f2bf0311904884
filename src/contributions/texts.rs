//! What receipts and statements say, in each language: data files in `texts/`, compiled in.
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

/// The texts of a language.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each is said by its text in texts/en.json")]
pub struct Texts {
    pub months: [String; 12],
    pub date: String,
    pub date_first_of_month: String,
    pub period: String,
    pub receipt: String,
    pub counter_receipt: String,
    pub payer: String,
    pub concerns: String,
    pub household: String,
    pub method: String,
    pub reference: String,
    pub takes_back: String,
    pub amount: String,
    pub reason: String,
    pub cash: String,
    pub bank: String,
    pub mobile: String,
    pub payroll: String,
    pub registration: String,
    pub contribution: String,
    pub other: String,
    pub credit: String,
    pub signature_cashier: String,
    pub signature_payer: String,
    pub statement: String,
    pub day: String,
    pub what: String,
    pub balance: String,
    pub sheet: String,
    pub before: String,
    pub payment: String,
    pub reversal: String,
    pub refund: String,
    pub waiver: String,
    pub write_off: String,
    pub you_owe: String,
    pub you_are_ahead: String,
    pub open: String,
    pub advance: String,
    pub statement_foot: String,
}

impl Texts {
    /// A day in words.
    pub fn date(&self, day: NaiveDate) -> String {
        let month = usize::try_from(day.month0()).ok().and_then(|month| self.months.get(month));
        let pattern = if day.day() == 1 { &self.date_first_of_month } else { &self.date };
        pattern
            .replace("{day}", &day.day().to_string())
            .replace("{month}", month.map_or("", String::as_str))
            .replace("{year}", &day.year().to_string())
    }

    /// A day in figures, read alike in every language.
    pub fn short(&self, day: NaiveDate) -> String {
        day.format("%d.%m.%Y").to_string()
    }

    /// From a day to another.
    pub fn between(&self, from: NaiveDate, to: NaiveDate) -> String {
        self.period.replace("{from}", &self.date(from)).replace("{to}", &self.date(to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything() {
        assert_eq!(Language::ALL.len(), 2);
        for language in Language::ALL {
            let file: serde_json::Value = serde_json::from_str(file_of(*language)).unwrap();
            let texts = serde_json::to_value(texts_of(*language)).unwrap();
            assert_eq!(texts, file);
            for (key, value) in file.as_object().unwrap().iter().filter(|(key, _)| *key != "months") {
                assert!(!value.as_str().unwrap().trim().is_empty(), "{language}: {key}");
            }
        }
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (from, to) = (day("2026-01-01"), day("2026-03-10"));
        assert_eq!(texts_of(Language::French).between(from, to), "Du 1er janvier 2026 au 10 mars 2026");
        assert_eq!(texts_of(Language::English).between(from, to), "From 1 January 2026 to 10 March 2026");
    }
}
