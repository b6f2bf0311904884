//! The file of an invoice, read: rows as they were sent, certificates made of them, and what is wrong with each. A file that
//! is not whole is refused as one; a bad certificate holds up no other. A JSON list becomes the same rows.
use crate::claims::model::VisitType;
use crate::claims::service::{MOST_LINES, MOST_UNITS, NewLine};
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::ids::AuditId;
use crate::money::{Currency, parse_amount};
use crate::records::{Columns, Fault, Record, delimiter_of, parse};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rows of one file at most.
pub const MOST_ROWS: usize = 10_000;
/// Characters of one field at most.
const LONGEST: usize = 200;
/// The dearest unit.
const DEAREST_MINOR: i64 = 1_000_000_000_000;

/// The columns that a file has, in the order in which they are written.
pub const REQUIRED: &[&str] = &[
    "certificate",
    "card",
    "visit_type",
    "service_on",
    "discharged_on",
    "diagnoses",
    "service_code",
    "quantity",
    "unit_price",
];
/// The columns that it may have.
pub const OPTIONAL: &[&str] = &["line", "other_payer", "letter", "check_id", ERROR];
/// What the file of the bad rows says of each; ignored where it is sent back.
pub const ERROR: &str = "error";
/// What all rows of a certificate must say alike.
const OF_CLAIM: &[&str] =
    &["card", "visit_type", "service_on", "discharged_on", "diagnoses", "other_payer", "letter", "check_id"];

/// A row as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRow {
    /// In the file, the header being 1; in a list from 1.
    pub row: u64,
    /// By column, empty ones left out.
    pub fields: BTreeMap<String, String>,
}

impl SentRow {
    /// The text of a column; empty where there is none.
    pub fn of(&self, column: &str) -> &str {
        self.fields.get(column).map_or("", String::as_str)
    }
}

/// A file, or a list, as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its columns in their order, without that of the errors.
    pub columns: Vec<String>,
    /// Comma or semicolon.
    pub delimiter: u8,
    pub rows: Vec<SentRow>,
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BadField {
    /// The row at fault, the header being 1; null where it is the whole certificate.
    pub row: Option<u64>,
    /// The column at fault; empty where it is none alone.
    pub field: String,
    /// A stable code: `missing`, `not_a_number`, `out_of_bounds`, `not_found`, `future_date`…
    pub code: String,
    /// A sentence. Never a name, a number of a card or a diagnosis.
    pub message: String,
}

/// A line of a certificate with the row in which it stands.
#[derive(Debug, Clone)]
pub struct FormLine {
    pub row: u64,
    pub line: NewLine,
}

/// A certificate that can be read: the claim to be, the person by the card presented.
#[derive(Debug, Clone)]
pub struct Form {
    pub card: String,
    pub visit_type: VisitType,
    pub service_on: NaiveDate,
    pub discharged_on: Option<NaiveDate>,
    /// Parted by spaces.
    pub diagnoses: String,
    pub other_payer_minor: Option<i64>,
    /// Number or id of a guarantee letter.
    pub letter: Option<String>,
    /// The check of eligibility that it cites.
    pub check: Option<AuditId>,
    pub lines: Vec<FormLine>,
}

/// The rows of a certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Its number; `#` and the row where it has none that can be used.
    pub number: String,
    pub rows: Vec<SentRow>,
}

fn refused(code: &str, message: impl Into<String>) -> Error {
    Problem::fields(Code::FileRefused, vec![FieldError::new("/csv", code, message)]).into()
}

/// Reads a file.
///
/// # Errors
/// `file_refused` where it is not whole: without header, with unknown columns, a row of another length, a quote that is not
/// closed, too many rows or none.
pub fn read(text: &str) -> Result<Sent> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let delimiter = delimiter_of(text);
    let header = text.split(['\r', '\n']).next().unwrap_or("");
    if !header.split(char::from(delimiter)).any(|name| REQUIRED.contains(&name.trim().trim_matches('"'))) {
        return Err(refused("no_header", format!("the first line names the columns {}", REQUIRED.join(","))));
    }
    if !is_closed(text, char::from(delimiter)) {
        return Err(refused("truncated", "the file ends within quotes"));
    }
    let records =
        parse(text.as_bytes(), "csv", Columns { required: REQUIRED, optional: OPTIONAL }).map_err(|faults| {
            let told = faults.iter().map(|fault| FieldError::new("/csv", "header", place(fault)));
            Error::from(Problem::fields(Code::FileRefused, told.collect()))
        })?;
    if records.is_empty() {
        return Err(refused("empty", "the file has a header and no row"));
    }
    if records.len() > MOST_ROWS {
        return Err(refused("too_long", format!("at most {MOST_ROWS} rows")));
    }
    if records.last().is_some_and(Record::is_bad) {
        return Err(refused("truncated", "the last row has another number of fields than the header"));
    }
    let mut rows = Vec::with_capacity(records.len());
    let mut faults = Vec::new();
    for record in records {
        let row = record.line;
        if record.is_bad() {
            faults.extend(record.into_faults().iter().map(|fault| FieldError::new("/csv", "row_length", place(fault))));
            continue;
        }
        let mut fields = record.into_fields();
        fields.remove(ERROR);
        fields.retain(|_, text| !text.is_empty());
        for (column, text) in &mut fields {
            if text.contains(['\n', '\r']) {
                let message = format!("line {row}: {column}: a line break within a field; is a quote not closed?");
                faults.push(FieldError::new("/csv", "line_break", message));
            }
            if text.chars().count() > LONGEST {
                let message = format!("line {row}: {column}: at most {LONGEST} characters");
                faults.push(FieldError::new("/csv", "too_long", message));
            }
            unmask(text);
        }
        rows.push(SentRow { row, fields });
    }
    if !faults.is_empty() {
        faults.truncate(100);
        return Err(Problem::fields(Code::FileRefused, faults).into());
    }
    let names = header.split(char::from(delimiter)).map(|name| name.trim().trim_matches('"').to_owned());
    Ok(Sent { columns: names.filter(|name| name != ERROR).collect(), delimiter, rows })
}

/// Where a fault of the reader lies.
fn place(fault: &Fault) -> String {
    match (fault.line, fault.column.as_str()) {
        (0, _) => fault.reason.clone(),
        (line, "") => format!("line {line}: {}", fault.reason),
        (line, column) => format!("line {line}: {column}: {}", fault.reason),
    }
}

/// Takes away what was put before a text so that no spreadsheet takes it for a formula (see `web::cell`).
fn unmask(text: &mut String) {
    let is_masked = text.strip_prefix('\'').is_some_and(|bare| crate::web::cell(bare) != bare);
    if is_masked {
        text.remove(0);
    }
}

/// Whether a text ends outside quotes, read as CSV is: a quote opens at the beginning of a field alone.
fn is_closed(text: &str, delimiter: char) -> bool {
    let (mut quoted, mut begins) = (false, true);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
            }
            '"' if quoted => quoted = false,
            '"' if begins => quoted = true,
            _ => {}
        }
        begins = !quoted && (c == delimiter || c == '\n' || c == '\r');
    }
    !quoted
}

/// The certificates of a file, in the order of their first rows.
pub fn certificates(rows: Vec<SentRow>) -> Vec<Certificate> {
    let mut found: Vec<Certificate> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let number = row.of("certificate");
        let number = if is_number(number) { number.to_owned() } else { format!("#{}", row.row) };
        match places.get(&number).and_then(|at| found.get_mut(*at)) {
            Some(known) => known.rows.push(row),
            None => {
                places.insert(number.clone(), found.len());
                found.push(Certificate { number, rows: vec![row] });
            }
        }
    }
    found
}

fn is_number(text: &str) -> bool {
    (1..=30).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_diagnosis(text: &str) -> bool {
    let bytes = text.as_bytes();
    (3..=8).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_uppercase)
        && bytes.iter().skip(1).take(2).all(u8::is_ascii_digit)
        && (bytes.len() == 3 || (bytes.get(3) == Some(&b'.') && bytes.len() > 4))
        && bytes.iter().skip(4).all(u8::is_ascii_alphanumeric)
}

/// The faults of a certificate, as they are found.
struct Faults(Vec<BadField>);

impl Faults {
    fn add(&mut self, row: &SentRow, field: &str, code: &str, message: impl Into<String>) {
        let message = message.into();
        self.0.push(BadField { row: Some(row.row), field: field.into(), code: code.into(), message });
    }

    fn date(&mut self, row: &SentRow, column: &str) -> Option<NaiveDate> {
        let text = row.of(column);
        let date = (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
        if date.is_none() && !text.is_empty() {
            self.add(row, column, "not_a_date", "no date YYYY-MM-DD of the calendar");
        }
        date
    }

    fn whole(&mut self, row: &SentRow, column: &str, most: i64) -> Option<i64> {
        let text = row.of(column);
        if text.is_empty() {
            self.add(row, column, "missing", "is empty");
            return None;
        }
        let Ok(number) = text.parse::<i64>() else {
            self.add(row, column, "not_a_number", "no whole number");
            return None;
        };
        if !(1..=most).contains(&number) {
            self.add(row, column, "out_of_bounds", format!("from 1 to {most}"));
            return None;
        }
        Some(number)
    }

    fn amount(&mut self, row: &SentRow, column: &str, currency: Currency) -> Option<i64> {
        match parse_amount(row.of(column), currency, currency) {
            Ok(minor) if minor <= DEAREST_MINOR => Some(minor),
            Ok(_) => {
                self.add(row, column, "out_of_bounds", "too large");
                None
            }
            Err(_) if row.of(column).is_empty() => {
                self.add(row, column, "missing", "is empty");
                None
            }
            Err(error) => {
                self.add(row, column, "not_an_amount", format!("{} ({})", error, error.code()));
                None
            }
        }
    }
}

/// Reads the rows of a certificate, all their faults at once.
///
/// # Errors
/// What is wrong.
pub fn form(rows: &[SentRow], currency: Currency, today: NaiveDate) -> std::result::Result<Form, Vec<BadField>> {
    let mut faults = Faults(Vec::new());
    let Some(first) = rows.first() else { return Err(faults.0) };
    if !is_number(first.of("certificate")) {
        let code = if first.of("certificate").is_empty() { "missing" } else { "not_a_number" };
        faults.add(first, "certificate", code, "1 to 30 letters, digits and hyphens");
    }
    for row in rows.iter().skip(1) {
        for column in OF_CLAIM.iter().filter(|column| row.of(column) != first.of(column)) {
            faults.add(row, column, "contradicts", format!("not the same as in row {}", first.row));
        }
    }
    if first.of("card").is_empty() {
        faults.add(first, "card", "missing", "is empty");
    } else if !is_number(first.of("card")) {
        faults.add(first, "card", "not_a_number", "1 to 30 letters, digits and hyphens");
    }
    let visit_type = match first.of("visit_type") {
        "" => Some(VisitType::Other),
        text => VisitType::parse(text),
    };
    if visit_type.is_none() {
        faults.add(first, "visit_type", "unknown_value", "other, emergency or referral");
    }
    let service_on = faults.date(first, "service_on");
    if first.of("service_on").is_empty() {
        faults.add(first, "service_on", "missing", "is empty");
    }
    if service_on.is_some_and(|day| day > today) {
        faults.add(first, "service_on", "future_date", "lies after today");
    }
    let discharged_on = faults.date(first, "discharged_on");
    if discharged_on.zip(service_on).is_some_and(|(left, came)| left < came) {
        faults.add(first, "discharged_on", "before_admission", "lies before the service");
    }
    if discharged_on.is_some_and(|day| day > today) {
        faults.add(first, "discharged_on", "future_date", "lies after today");
    }
    let diagnoses: Vec<&str> = first.of("diagnoses").split_whitespace().collect();
    if diagnoses.len() > 10 || !diagnoses.iter().all(|code| is_diagnosis(code)) {
        faults.add(first, "diagnoses", "unknown_value", "at most 10 ICD-10 codes such as J06.9, parted by spaces");
    }
    let other_payer_minor = match first.of("other_payer") {
        "" => None,
        _ => faults.amount(first, "other_payer", currency),
    };
    let letter = first.of("letter");
    if letter.len() > 40 || !letter.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'/')) {
        faults.add(first, "letter", "not_a_number", "the letter's number or id");
    }
    let check = first.of("check_id").parse::<AuditId>().ok();
    if check.is_none() && !first.of("check_id").is_empty() {
        faults.add(first, "check_id", "not_an_id", "the `check_id` of an answer about eligibility");
    }
    let lines = lines(rows, currency, &mut faults);
    let (Some(visit_type), Some(service_on), true) = (visit_type, service_on, faults.0.is_empty()) else {
        return Err(faults.0);
    };
    Ok(Form {
        card: first.of("card").to_owned(),
        visit_type,
        service_on,
        discharged_on,
        diagnoses: diagnoses.join(" "),
        other_payer_minor,
        letter: (!letter.is_empty()).then(|| letter.to_owned()),
        check,
        lines,
    })
}

fn lines(rows: &[SentRow], currency: Currency, faults: &mut Faults) -> Vec<FormLine> {
    if rows.len() > MOST_LINES {
        let last = &rows[MOST_LINES];
        faults.add(last, "certificate", "out_of_bounds", format!("at most {MOST_LINES} lines"));
        return Vec::new();
    }
    let numbered = rows.iter().any(|row| !row.of("line").is_empty());
    let mut lines: Vec<FormLine> = Vec::with_capacity(rows.len());
    for (at, row) in (1_i64..).zip(rows) {
        let number = if numbered { faults.whole(row, "line", 1_000) } else { Some(at) };
        let service = row.of("service_code");
        if service.is_empty() {
            faults.add(row, "service_code", "missing", "is empty");
        } else if service.chars().count() > 30 {
            faults.add(row, "service_code", "out_of_bounds", "at most 30 characters");
        }
        let quantity = faults.whole(row, "quantity", MOST_UNITS);
        let price = faults.amount(row, "unit_price", currency);
        let number = number.and_then(|number| i32::try_from(number).ok());
        if number.is_some_and(|number| lines.iter().any(|other| other.line.line == number)) {
            faults.add(row, "line", "twice", "another row of the certificate has this number");
        }
        if let (Some(line), Some(quantity), Some(unit_price_minor)) = (number, quantity, price) {
            let line = NewLine { line, service: service.to_owned(), quantity, unit_price_minor };
            lines.push(FormLine { row: row.row, line });
        }
    }
    lines
}

/// The columns in which two sendings of a certificate differ; none where both ask for the same claim.
pub fn differences(before: &Form, after: &Form) -> Vec<&'static str> {
    let line = |line: &FormLine| {
        let line = &line.line;
        (line.line, line.service.clone(), line.quantity, line.unit_price_minor)
    };
    let lines = |form: &Form| form.lines.iter().map(line).collect::<Vec<_>>();
    let parts: [(&'static str, bool); 9] = [
        ("card", before.card == after.card),
        ("visit_type", before.visit_type == after.visit_type),
        ("service_on", before.service_on == after.service_on),
        ("discharged_on", before.discharged_on == after.discharged_on),
        ("diagnoses", before.diagnoses == after.diagnoses),
        ("other_payer", before.other_payer_minor == after.other_payer_minor),
        ("letter", before.letter == after.letter),
        ("check_id", before.check == after.check),
        ("lines", lines(before) == lines(after)),
    ];
    parts.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests;
