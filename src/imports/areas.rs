//! A country's areas from a CSV file: provinces, communes, zones, hills, with the days on which they stand and what they
//! were made of. All rows or none; a row that is there already with the same content changes nothing, one that gives an
//! area its last day ends it.
use crate::db::Write;
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::*;
use crate::organisations::model::Area;
use crate::organisations::{rules, service, store};
use crate::records::{Columns, Fault, parse};
use chrono::NaiveDate;
use serde_json::json;

/// The columns. `parent_code` is empty at the top; `predecessor_codes` are separated by spaces.
pub const COLUMNS: Columns =
    Columns { required: &["code", "name", "valid_from"], optional: &["parent_code", "valid_to", "predecessor_codes"] };

/// The largest number of rows of one file.
pub const MOST_ROWS: usize = 5_000;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Areas added.
    pub added: usize,
    /// Areas that were given their last day.
    pub ended: usize,
    /// Rows that were there already.
    pub skipped: usize,
    /// Codes of areas that are there with other content; left alone.
    pub differs: Vec<String>,
}

struct Row {
    line: u64,
    code: String,
    name: String,
    parent: Option<String>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    predecessors: Vec<String>,
}

fn refused(faults: Vec<Fault>) -> Error {
    let errors = faults
        .into_iter()
        .take(100)
        .map(|fault| FieldError::new(format!("/csv/{}/{}", fault.line, fault.column), "bad_row", fault.reason));
    Problem::fields(Code::Invalid, errors.collect()).into()
}

fn rows(text: &str) -> Result<Vec<Row>> {
    let records = parse(text.as_bytes(), "areas.csv", COLUMNS).map_err(refused)?;
    if records.len() > MOST_ROWS {
        return Err(Problem::field("/csv", "out_of_bounds", format!("at most {MOST_ROWS} rows")).into());
    }
    let mut rows = Vec::with_capacity(records.len());
    let mut faults = Vec::new();
    for mut record in records {
        let code = record.text("code", 30);
        let parent = record.optional("parent_code", 30);
        let before = record.optional("predecessor_codes", 600);
        let predecessors: Vec<String> =
            before.iter().flat_map(|codes| codes.split_whitespace()).map(str::to_owned).collect();
        for (column, one) in [("code", Some(&code)), ("parent_code", parent.as_ref())] {
            if one.is_some_and(|one| !one.is_empty() && !rules::is_area_code(one)) {
                record.fault(column, "1 to 30 letters, digits, dots, hyphens or underscores");
            }
        }
        let name = record.text("name", 120);
        let valid_to = record.optional_date("valid_to");
        let valid_from = record.date("valid_from");
        let line = record.line;
        match valid_from {
            Some(valid_from) if !record.is_bad() => {
                rows.push(Row { line, code, name, parent, valid_from, valid_to, predecessors });
            }
            _ => faults.extend(record.into_faults()),
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(refused(faults)) }
}

/// Adds and ends areas of a country by a file's text.
///
/// # Errors
/// `invalid` naming line and column of each bad row; the refusals of `add_area`, at the row's line.
pub fn import(w: &mut Write, country: &str, text: &str) -> Result<Imported> {
    let mut done = Imported::default();
    for row in rows(text)? {
        match put(w, country, &row, &mut done) {
            Ok(()) => {}
            Err(Error::Problem(problem)) => {
                let column = problem.errors.first().map_or("", |fault| fault.pointer.as_str());
                let fault = FieldError::new(
                    format!("/csv/{}/{}", row.line, column.trim_start_matches('/')),
                    problem.code.as_str(),
                    problem.detail.clone(),
                );
                return Err(Problem { errors: vec![fault], ..*problem }.into());
            }
            Err(other) => return Err(other),
        }
    }
    w.field("country", None, Some(json!(country)));
    w.field("added", None, Some(json!(done.added)));
    w.field("ended", None, Some(json!(done.ended)));
    Ok(done)
}

fn put(w: &mut Write, country: &str, row: &Row, done: &mut Imported) -> Result<()> {
    let by_code = |w: &mut Write, code: &str, pointer: &str| -> Result<AreaId> {
        let found = store::find_area_by_code(w, country, code)?.map(|area| area.id);
        found.ok_or_else(|| Problem::with(Code::NotFound, format!("no area {code}")).at(pointer).into())
    };
    let parent_id = row.parent.as_deref().map(|code| by_code(w, code, "/parent_code")).transpose()?;
    let mut predecessors = Vec::with_capacity(row.predecessors.len());
    for code in &row.predecessors {
        predecessors.push(by_code(w, code, "/predecessor_codes")?);
    }
    if let Some(known) = store::find_area_by_code(w, country, &row.code)? {
        let same = known.name == row.name && known.parent_id == parent_id && known.valid_from == row.valid_from;
        if !same || (known.valid_to.is_some() && known.valid_to != row.valid_to) {
            done.differs.push(row.code.clone());
        } else if known.valid_to == row.valid_to {
            done.skipped += 1;
        } else {
            if row.valid_to.is_some_and(|to| to < known.valid_from) {
                return Err(Problem::with(Code::ImpossibleDate, "it ends before it begins").at("/valid_to").into());
            }
            store::end_area(w, known.id, known.version, row.valid_to)?;
            w.names("area", known.id.uuid());
            done.ended += 1;
        }
        return Ok(());
    }
    let area = Area {
        id: w.new_id(),
        country: country.to_owned(),
        parent_id,
        name: row.name.clone(),
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        version: 1,
        code: Some(row.code.clone()),
    };
    service::put_area(w, &area, &predecessors)?;
    done.added += 1;
    Ok(())
}
