//! Reads a CSV file whole: UTF-8 with or without BOM, comma or semicolon, a header of known columns. Every fault is kept
//! with its line and column.
use crate::money::{Currency, parse_amount};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// A fault of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `households.csv`…
    pub file: String,
    /// From 1, the header being line 1; 0 where the whole file is at fault.
    pub line: u64,
    /// The column's name; empty where the whole row is at fault.
    pub column: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column.as_str()) {
            (0, _) => write!(f, "{}: {}", self.file, self.reason),
            (line, "") => write!(f, "{}:{line}: {}", self.file, self.reason),
            (line, column) => write!(f, "{}:{line}: {column}: {}", self.file, self.reason),
        }
    }
}

/// The columns that a file has.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// Each must be there.
    pub required: &'static [&'static str],
    /// Each may be there.
    pub optional: &'static [&'static str],
}

/// A row with its faults so far.
#[derive(Debug)]
pub struct Record<'f> {
    file: &'f str,
    /// Its line.
    pub line: u64,
    fields: BTreeMap<String, String>,
    faults: Vec<Fault>,
}

/// A file's rows, or its faults.
pub type Records<'f> = Result<Vec<Record<'f>>, Vec<Fault>>;

/// Reads a file.
///
/// # Errors
/// Faults of the whole file: unreadable, not UTF-8, a wrong header. A row of another length keeps its fault.
pub fn read<'f>(folder: &Path, file: &'f str, columns: Columns) -> Records<'f> {
    let whole = |reason: String| vec![Fault { file: file.to_owned(), line: 0, column: String::new(), reason }];
    let bytes = std::fs::read(folder.join(file)).map_err(|error| whole(error.to_string()))?;
    parse(&bytes, file, columns)
}

/// Reads the content of a file.
///
/// # Errors
/// As [`read`].
pub fn parse<'f>(bytes: &[u8], file: &'f str, columns: Columns) -> Records<'f> {
    let whole = |reason: String| vec![Fault { file: file.to_owned(), line: 0, column: String::new(), reason }];
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| whole("the file is not UTF-8".into()))?;
    let delimiter = delimiter_of(text);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let names: Vec<String> = reader
        .headers()
        .map_err(|error| whole(format!("the header cannot be read: {error}")))?
        .iter()
        .map(|name| name.trim().to_owned())
        .collect();
    let mut faults = Vec::new();
    let mut fault = |line: u64, column: &str, reason: String| {
        faults.push(Fault { file: file.to_owned(), line, column: column.to_owned(), reason });
    };
    for missing in columns.required.iter().filter(|name| !names.iter().any(|found| found == *name)) {
        fault(1, missing, "the column is missing".into());
    }
    for (at, name) in names.iter().enumerate() {
        if !columns.required.contains(&name.as_str()) && !columns.optional.contains(&name.as_str()) {
            fault(1, name, "the column is not known".into());
        }
        if names.iter().take(at).any(|before| before == name) {
            fault(1, name, "the column is there twice".into());
        }
    }
    let mut records = Vec::new();
    let mut lines = Lines::of(text);
    for row in reader.records() {
        match row {
            Err(error) => {
                let line = lines.at(error.position());
                fault(line, "", format!("the row cannot be read: {error}"));
            }
            Ok(row) => {
                let line = lines.at(row.position());
                if row.len() != names.len() {
                    // Kept with its fault, so that the faults of the other rows are told too.
                    let mut record = Record { file, line, fields: BTreeMap::new(), faults: Vec::new() };
                    record.fault("", format!("{} fields where the header has {}", row.len(), names.len()));
                    records.push(record);
                    continue;
                }
                let fields = names.iter().cloned().zip(row.iter().map(|field| field.trim().to_owned())).collect();
                records.push(Record { file, line, fields, faults: Vec::new() });
            }
        }
    }
    if faults.is_empty() { Ok(records) } else { Err(faults) }
}

/// What stands between the fields, as the header has it.
pub fn delimiter_of(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or("");
    if header.contains(';') && !header.contains(',') { b';' } else { b',' }
}

/// Counts lines as an editor does: the reader's own count lags behind where lines end in CRLF or are empty.
struct Lines<'t> {
    bytes: &'t [u8],
    counted: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Lines { bytes: text.as_bytes(), counted: 0, line: 1 }
    }

    /// The line of a row that begins at a position or, where line ends stand there, after them. Positions grow.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let begins = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.counted);
        while let Some(byte) = self.bytes.get(self.counted) {
            if self.counted >= begins && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.counted += 1;
            let ends = match byte {
                b'\n' => true,
                b'\r' => self.bytes.get(self.counted) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends);
        }
        self.line
    }
}

impl Record<'_> {
    /// Keeps a fault of a column.
    pub fn fault(&mut self, column: &str, reason: impl Into<String>) {
        self.faults.push(Fault {
            file: self.file.to_owned(),
            line: self.line,
            column: column.to_owned(),
            reason: reason.into(),
        });
    }

    /// The faults found.
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// True where a fault was found.
    pub fn is_bad(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The fields by column, as they stand in the file without the spaces around them.
    pub fn into_fields(self) -> BTreeMap<String, String> {
        self.fields
    }

    /// The row as one JSON text with sorted columns: its content, for telling whether it changed.
    pub fn content(&self) -> serde_json::Value {
        let filled = self.fields.iter().filter(|(_, value)| !value.is_empty());
        serde_json::json!(filled.collect::<BTreeMap<_, _>>())
    }

    /// A text that may be empty.
    pub fn optional(&mut self, column: &str, longest: usize) -> Option<String> {
        let text = self.fields.get(column).cloned().unwrap_or_default();
        if text.chars().count() > longest {
            self.fault(column, format!("at most {longest} characters"));
        }
        if text.chars().any(char::is_control) {
            self.fault(column, "control characters");
        }
        (!text.is_empty()).then_some(text)
    }

    /// A text that must be there.
    pub fn text(&mut self, column: &str, longest: usize) -> String {
        match self.optional(column, longest) {
            Some(text) => text,
            None => {
                self.fault(column, "is empty");
                String::new()
            }
        }
    }

    /// A number of a register: letters, digits, hyphens.
    pub fn number(&mut self, column: &str) -> String {
        let text = self.text(column, 30);
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            self.fault(column, "only letters, digits and hyphens");
        }
        text
    }

    /// A date that may be empty.
    pub fn optional_date(&mut self, column: &str) -> Option<NaiveDate> {
        let text = self.optional(column, 40)?;
        let date = (text.len() == 10).then(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()).flatten();
        if date.is_none() {
            self.fault(column, format!("'{text}' is no date YYYY-MM-DD"));
        }
        date
    }

    /// A date that must be there.
    pub fn date(&mut self, column: &str) -> Option<NaiveDate> {
        if self.fields.get(column).is_none_or(String::is_empty) {
            self.fault(column, "is empty");
            return None;
        }
        self.optional_date(column)
    }

    /// A word of a closed list; `default` where it is empty.
    pub fn word<T: std::str::FromStr<Err = String>>(&mut self, column: &str, default: Option<T>) -> Option<T> {
        match (self.optional(column, 60), default) {
            (None, Some(default)) => Some(default),
            (None, None) => {
                self.fault(column, "is empty");
                None
            }
            (Some(text), _) => match text.parse() {
                Ok(word) => Some(word),
                Err(reason) => {
                    self.fault(column, reason);
                    None
                }
            },
        }
    }

    /// An amount in major units with at most the currency's decimals.
    pub fn amount(&mut self, column: &str, currency: Currency) -> Option<i64> {
        let text = self.text(column, 40);
        if text.is_empty() {
            return None;
        }
        match parse_amount(&text, currency, currency) {
            Ok(minor) => Some(minor),
            Err(error) => {
                self.fault(column, format!("'{text}': {} ({error})", error.code()));
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn whole(&mut self, column: &str, least: i64, most: i64) -> Option<i64> {
        let text = self.text(column, 20);
        if text.is_empty() {
            return None;
        }
        match text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                self.fault(column, format!("'{text}' is no whole number from {least} to {most}"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: &[u8]) -> (tempfile::TempDir, Columns) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.csv"), content).unwrap();
        (folder, Columns { required: &["number", "on"], optional: &["amount"] })
    }

    #[test]
    fn both_separators_a_bom_and_crlf_are_accepted() {
        for content in [
            &b"number,on,amount\n007,2026-01-31,1.50\n"[..],
            &b"\xEF\xBB\xBFnumber;on;amount\r\n007;2026-01-31;1.50\r\n"[..],
            &b"on,number,amount\n2026-01-31,007,1.50"[..],
        ] {
            let (folder, columns) = written(content);
            let mut rows = read(folder.path(), "x.csv", columns).unwrap();
            assert_eq!(rows.len(), 1);
            let row = &mut rows[0];
            assert_eq!(row.number("number"), "007");
            assert_eq!(row.date("on"), NaiveDate::from_ymd_opt(2026, 1, 31));
            assert_eq!(row.amount("amount", Currency::parse("TZS").unwrap()), Some(150));
            assert!(!row.is_bad());
            assert_eq!(row.line, 2);
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        for content in [
            &b"number,on\n1,a\n\n2,b\n\"3\n4\",c\n5,d\n"[..],
            &b"\xEF\xBB\xBFnumber,on\r\n1,a\r\n\r\n2,b\r\n\"3\r\n4\",c\r\n5,d"[..],
            &b"number,on\r1,a\r\r2,b\r\"3\r4\",c\r5,d\r"[..],
        ] {
            let (folder, columns) = written(content);
            let rows = read(folder.path(), "x.csv", columns).unwrap();
            assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4, 5, 7]);
        }
    }

    #[test]
    fn a_wrong_header_names_every_column() {
        let (folder, columns) = written(b"number,when,number\n");
        let faults = read(folder.path(), "x.csv", columns).unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "x.csv:1: on: the column is missing",
                "x.csv:1: when: the column is not known",
                "x.csv:1: number: the column is there twice"
            ]
        );
    }

    #[test]
    fn every_bad_field_is_told_with_line_and_column() {
        let (folder, columns) = written(b"number,on,amount\na b,2026-02-30,1.505\n1,2026-01-01\n");
        let rows = read(folder.path(), "x.csv", columns).unwrap();
        assert_eq!(rows.iter().map(Record::is_bad).collect::<Vec<_>>(), [false, true]);
        let faults: Vec<Fault> = rows.into_iter().flat_map(Record::into_faults).collect();
        assert_eq!(faults[0].to_string(), "x.csv:3: 2 fields where the header has 3");
        let (folder, columns) = written(b"number,on,amount\na b,2026-02-30,1.505\n");
        let mut rows = read(folder.path(), "x.csv", columns).unwrap();
        let mut row = rows.remove(0);
        row.number("number");
        row.date("on");
        row.amount("amount", Currency::parse("TZS").unwrap());
        let told: Vec<String> = row.into_faults().iter().map(|fault| fault.column.clone()).collect();
        assert_eq!(told, ["number", "on", "amount"]);
    }
}
