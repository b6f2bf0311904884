//! Invented people.
use super::Dice;
use crate::households::model::{BirthPrecision, Relationship, Sex};
use crate::households::service::NewMember;
use chrono::{Datelike, NaiveDate};

const FAMILIES_BI: &[&str] = &[
    "Ndayizeye",
    "Niyonzima",
    "Hakizimana",
    "Nduwimana",
    "Bigirimana",
    "Nkurunziza",
    "Irakoze",
    "Ntahonkiriye",
    "Manirakiza",
    "Nshimirimana",
    "Ndikumana",
    "Havyarimana",
    "Kwizera",
    "Barutwanayo",
    "Sindayigaya",
];
const FAMILIES_SN: &[&str] = &[
    "Ndiaye", "Diop", "Fall", "Sarr", "Faye", "Gueye", "Sow", "Ba", "Diallo", "Cissé", "Mbaye", "Thiam", "Kane", "Sy",
    "Diouf",
];
const WOMEN: &[&str] = &[
    "Aline",
    "Espérance",
    "Chantal",
    "Odette",
    "Fatou",
    "Awa",
    "Mariama",
    "Aïssatou",
    "Divine",
    "Jeanine",
    "Khady",
    "Ndeye",
];
const MEN: &[&str] = &[
    "Éric",
    "Jean-Bosco",
    "Pascal",
    "Moussa",
    "Ibrahima",
    "Ousmane",
    "Cheikh",
    "Désiré",
    "Gervais",
    "Modou",
    "Alain",
    "Mamadou",
];
const TRADES: &[&str] =
    &["farmer", "market trader", "tailor", "mason", "fisher", "taxi driver", "hairdresser", "potter"];

/// A household of 1 to 9 persons, 5 on the mean, the principal first.
pub fn household(dice: &mut Dice, currency: &str, on: NaiveDate) -> Vec<NewMember> {
    let families = if currency == "BIF" { FAMILIES_BI } else { FAMILIES_SN };
    let family = dice.pick(families).unwrap_or("Ndayizeye").to_owned();
    let mut all = Vec::new();
    let mut person = |dice: &mut Dice, relationship: Relationship, youngest: u64, oldest: u64| {
        let female = dice.percent(50);
        let given = dice.pick(if female { WOMEN } else { MEN }).unwrap_or("Aline").to_owned();
        let age = youngest + dice.below(oldest - youngest + 1);
        let year = on.year() - i32::try_from(age).unwrap_or(30) - 1;
        let month = u32::try_from(1 + dice.below(12)).unwrap_or(1);
        let day = u32::try_from(1 + dice.below(28)).unwrap_or(1);
        let precision = if dice.percent(85) { BirthPrecision::Day } else { BirthPrecision::Year };
        let birth_date = match precision {
            BirthPrecision::Year => NaiveDate::from_ymd_opt(year, 1, 1),
            _ => NaiveDate::from_ymd_opt(year, month, day),
        };
        all.push(NewMember {
            id: None,
            relationship,
            family_name: family.clone(),
            given_name: given,
            sex: if female { Sex::Female } else { Sex::Male },
            birth_date,
            birth_precision: precision,
            national_id: None,
            phone: None,
            occupation: (age >= 18).then(|| dice.pick(TRADES).unwrap_or("farmer").to_owned()),
            legacy_number: None,
            card_number: None,
        });
    };
    person(dice, Relationship::Principal, 22, 65);
    if dice.percent(75) {
        person(dice, Relationship::Spouse, 20, 60);
    }
    for _ in 0..dice.below(6) {
        person(dice, Relationship::Child, 0, 17);
    }
    if dice.percent(15) {
        person(dice, Relationship::Parent, 60, 85);
    }
    all
}

/// A phone of the country.
pub fn phone(dice: &mut Dice, currency: &str) -> String {
    let number = dice.below(1_000_000);
    if currency == "BIF" { format!("+25779{number:06}") } else { format!("+221770{number:06}") }
}
