//! Lists of diagnoses (ICD-10) that a mutual or a body has loaded. The nearest owner with a list decides, by the list that
//! it loaded last; where nobody has one, every code of the right form is known.
use super::model::{DiagnosisCode, DiagnosisList};
use super::store;
use crate::audit::frame::Order;
use crate::db::{Read, Write};
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::*;
use crate::records::{Columns, Fault, parse};
use diesel::QueryResult;
use serde_json::json;
use std::collections::BTreeMap;

const COLUMNS: Columns = Columns { required: &["code", "name"], optional: &[] };

/// The largest number of codes of one list: all of the WHO's ICD-10, and what a country adds.
pub const MOST_CODES: usize = 20_000;

/// Faults told of one file.
const MOST_FAULTS: usize = 100;

/// A code as the lists have it: capitals, and a dot behind the third place where more follows.
pub fn normal(code: &str) -> Option<String> {
    let code = code.trim().to_ascii_uppercase();
    let (category, rest) = match code.split_once('.') {
        Some((_, "")) => return None,
        Some((category, rest)) => (category.to_owned(), rest.to_owned()),
        None => (code.chars().take(3).collect(), code.chars().skip(3).collect::<String>()),
    };
    let bytes = category.as_bytes();
    let good = bytes.len() == 3
        && bytes.first().is_some_and(u8::is_ascii_uppercase)
        && bytes.get(1).is_some_and(u8::is_ascii_digit)
        && bytes.get(2).is_some_and(u8::is_ascii_alphanumeric)
        && rest.len() <= 4
        && rest.bytes().all(|b| b.is_ascii_alphanumeric());
    match (good, rest.as_str()) {
        (false, _) => None,
        (true, "") => Some(category),
        (true, rest) => Some(format!("{category}.{rest}")),
    }
}

/// A list as told.
#[derive(Debug, Clone)]
pub struct NewList {
    pub owner: OrganisationId,
    /// `ICD-10 2019`…, unique per owner.
    pub name: String,
    pub csv: String,
}

fn read(csv: &str) -> Result<BTreeMap<String, String>> {
    let told = |fault: Fault| FieldError::new(format!("/csv/{}/{}", fault.line, fault.column), "bad_row", fault.reason);
    let refused = |faults: Vec<FieldError>| {
        Error::from(Problem::fields(Code::Invalid, faults.into_iter().take(MOST_FAULTS).collect()))
    };
    let records = parse(csv.as_bytes(), "diagnoses.csv", COLUMNS)
        .map_err(|faults| refused(faults.into_iter().map(told).collect()))?;
    if !(1..=MOST_CODES).contains(&records.len()) {
        return Err(Problem::field("/csv", "out_of_bounds", format!("1 to {MOST_CODES} codes")).into());
    }
    let mut codes = BTreeMap::new();
    let mut faults = Vec::new();
    for mut record in records {
        let line = record.line;
        // A row of another length has no fields.
        let (text, name) =
            if record.is_bad() { Default::default() } else { (record.text("code", 10), record.text("name", 300)) };
        let bad = record.is_bad();
        faults.extend(record.into_faults().into_iter().map(told));
        if bad {
            continue;
        }
        let mut fault = |code: &str, message: &str| {
            faults.push(FieldError::new(format!("/csv/{line}/code"), code, message));
        };
        match normal(&text) {
            None => fault("out_of_bounds", "an ICD-10 code such as J06 or J06.9"),
            Some(code) if codes.contains_key(&code) => fault("twice", "an earlier line has this code"),
            Some(code) => {
                codes.insert(code, name);
            }
        }
    }
    if faults.is_empty() { Ok(codes) } else { Err(refused(faults)) }
}

/// Loads a list: from then on it is the owner's.
///
/// # Errors
/// `number_taken`, `invalid` naming line and column of each bad line.
pub fn load(w: &mut Write, order: &Order, new: &NewList) -> Result<DiagnosisListId> {
    let codes = read(&new.csv)?;
    let list = DiagnosisList {
        id: Key::new(order.id.uuid()),
        owner_id: new.owner,
        name: new.name.clone(),
        number_of_codes: i64::try_from(codes.len()).unwrap_or(i64::MAX),
        loaded_at: w.now(),
    };
    if !store::insert_list(w, &list)? {
        return Err(Problem::of(Code::NumberTaken).at("/name").into());
    }
    let rows: Vec<DiagnosisCode> =
        codes.into_iter().map(|(code, name)| DiagnosisCode { list_id: list.id, code, name }).collect();
    store::insert_codes(w, &rows)?;
    w.names("diagnosis_list", list.id.uuid());
    w.names("organisation", new.owner.uuid());
    w.field("name", None, Some(json!(list.name)));
    w.field("number_of_codes", None, Some(json!(list.number_of_codes)));
    Ok(list.id)
}

/// The list that decides: of the nearest of these owners that has one, the last that it loaded.
pub fn in_force(r: &mut Read, owners: &[OrganisationId]) -> QueryResult<Option<DiagnosisList>> {
    let lists = store::list_lists(r, owners)?;
    let nearness = |list: &DiagnosisList| owners.iter().position(|owner| *owner == list.owner_id);
    Ok(lists.into_iter().min_by_key(|list| (nearness(list), std::cmp::Reverse((list.loaded_at, list.id)))))
}

/// Which of these codes are on no list that counts for the owners, nearest first: the mutual, then the bodies above it. A
/// category such as `J06` is known where it or a code below it is listed.
pub fn unknown(r: &mut Read, owners: &[OrganisationId], codes: &[String]) -> QueryResult<Vec<String>> {
    let Some(list) = in_force(r, owners)? else { return Ok(Vec::new()) };
    let mut unknown = Vec::new();
    for code in codes {
        let known = match normal(code) {
            None => false,
            Some(code) if code.len() == 3 => store::has_category(r, list.id, &code)?,
            Some(code) => store::has_code(r, list.id, &code)?,
        };
        if !known {
            unknown.push(code.clone());
        }
    }
    Ok(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_alike() {
        let cases = [
            ("J06", Some("J06")),
            ("J06.9", Some("J06.9")),
            ("J069", Some("J06.9")),
            (" j06.9 ", Some("J06.9")),
            ("S72.001A", Some("S72.001A")),
            ("S72001A", Some("S72.001A")),
            ("C4A.1", Some("C4A.1")),
            ("J06.", None),
            ("J0", None),
            ("", None),
            (".", None),
            ("J0.6", None),
            ("606", None),
            ("JJ6", None),
            ("J06.12345", None),
            ("J06.9.1", None),
            ("J06é", None),
            ("é06", None),
        ];
        for (text, expected) in cases {
            assert_eq!(normal(text).as_deref(), expected, "{text}");
        }
        assert_eq!(cases.len(), 18);
    }
}
