//! In what form a report is given, and the report as a table for spreadsheets: one stable CSV.
use super::http::{FigureView, ReportView, ValueView};
use crate::error::{Code, Error, Result};
use crate::reports::rates::http::ExchangeRateView;
use crate::web::{accepted, cell};
use actix_web::HttpRequest;

/// In what form a report is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Csv,
    Xlsx,
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

impl Form {
    /// As it is told in a tag.
    pub const fn name(self) -> &'static str {
        match self {
            Form::Json => "j",
            Form::Csv => "c",
            Form::Xlsx => "x",
        }
    }

    /// Its media type.
    pub const fn kind(self) -> &'static str {
        match self {
            Form::Json => "application/json",
            Form::Csv => "text/csv; charset=utf-8",
            Form::Xlsx => XLSX,
        }
    }
}

/// JSON unless `Accept` asks for another form.
///
/// # Errors
/// `not_acceptable`.
pub fn form(req: &HttpRequest) -> Result<Form> {
    let kinds = accepted(req);
    if kinds.contains(&XLSX) {
        Ok(Form::Xlsx)
    } else if kinds.contains(&"text/csv") {
        Ok(Form::Csv)
    } else if kinds.iter().any(|kind| matches!(*kind, "*/*" | "application/*" | "application/json" | "")) {
        Ok(Form::Json)
    } else {
        Err(Code::NotAcceptable.into())
    }
}

/// The columns of the table, which stay as they are: new ones come after them.
const COLUMNS: [&str; 24] = [
    "report",
    "period",
    "basis",
    "as_of",
    "definition_version",
    "row",
    "unit_code",
    "unit_name",
    "currency",
    "id",
    "key",
    "name",
    "unit",
    "numerator",
    "denominator",
    "value",
    "undefined",
    "previous_value",
    "median",
    "reported",
    "units_left_out",
    "rates",
    "sources",
    "other_definitions",
];

/// A number as a cell; nothing where it is hidden or not known.
fn number(value: Option<i64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// One line of the table, by the columns.
struct Line {
    row: &'static str,
    unit: (String, String),
    currency: String,
    id: String,
    key: (String, String),
    measured: String,
    value: ValueView,
    previous: Option<i64>,
    median: Option<i64>,
    reported: String,
    left_out: String,
    rates: String,
    /// Of a unit: where its figures come from, by which definitions other than the present ones.
    told: (String, String),
}

/// The rates of a converted total in one cell: `2026-03-31 655957 XOF = 100000 EUR; …`, in minor units.
fn equalities(rates: &[ExchangeRateView]) -> String {
    let told = rates.iter().map(|rate| {
        let ExchangeRateView { valid_from, currency, amount_minor, equals_currency, equals_minor, .. } = rate;
        format!("{valid_from} {amount_minor} {currency} = {equals_minor} {equals_currency}")
    });
    told.collect::<Vec<_>>().join("; ")
}

fn lines(view: &ReportView) -> Vec<Line> {
    let plain = |value: Option<i64>, undefined: Option<&'static str>| ValueView {
        numerator: value,
        denominator: None,
        value,
        undefined,
    };
    let of_figure = |row, unit: (String, String), currency: String, reported: String, figure: &FigureView| Line {
        row,
        unit,
        currency,
        id: figure.id.to_owned(),
        key: Default::default(),
        measured: figure.unit.to_owned(),
        value: ValueView {
            numerator: figure.value.numerator,
            denominator: figure.value.denominator,
            value: figure.value.value,
            undefined: figure.value.undefined,
        },
        previous: figure.previous.as_ref().and_then(|previous| previous.value),
        median: figure.median,
        reported,
        left_out: figure.units_left_out.to_string(),
        rates: String::new(),
        told: Default::default(),
    };
    let mut found = Vec::new();
    for total in &view.totals {
        let currency = || total.currency.clone().unwrap_or_default();
        // A word of its own, so that whoever adds the totals up counts nothing twice.
        let (row, rates) = match &total.rates {
            None => ("total", String::new()),
            Some(rates) => ("converted", equalities(rates)),
        };
        found.extend(total.figures.iter().map(|figure| Line {
            rates: rates.clone(),
            ..of_figure(row, Default::default(), currency(), String::new(), figure)
        }));
    }
    for table in &view.cuts {
        let currency = || table.currency.clone().unwrap_or_default();
        for (kind, row) in table.rows.iter().map(|row| ("cut", row)).chain([("cut_total", &table.total)]) {
            for (name, value) in &row.numbers {
                let hidden = value.is_none().then_some("hidden");
                found.push(Line {
                    row: kind,
                    unit: Default::default(),
                    currency: currency(),
                    id: name.clone(),
                    key: (row.key.clone(), row.name.clone().unwrap_or_default()),
                    measured: if name.ends_with("_minor") { "minor" } else { "count" }.into(),
                    value: plain(*value, hidden),
                    previous: None,
                    median: None,
                    reported: String::new(),
                    left_out: String::new(),
                    rates: String::new(),
                    told: Default::default(),
                });
            }
        }
    }
    for unit in &view.units {
        let names = || (unit.code.clone(), unit.name.clone());
        let told = || (unit.sources.join("; "), unit.other_definitions.join("; "));
        if unit.figures.is_empty() {
            found.push(Line {
                row: "unit",
                unit: names(),
                currency: unit.currency.clone(),
                id: String::new(),
                key: Default::default(),
                measured: String::new(),
                value: plain(None, None),
                previous: None,
                median: None,
                reported: unit.reported.clone(),
                left_out: String::new(),
                rates: String::new(),
                told: told(),
            });
        }
        let figure = |figure| Line {
            told: told(),
            ..of_figure("unit", names(), unit.currency.clone(), unit.reported.clone(), figure)
        };
        found.extend(unit.figures.iter().map(figure));
    }
    found
}

/// The table.
///
/// # Errors
/// A fault where it cannot be written.
pub fn csv(view: &ReportView) -> Result<Vec<u8>> {
    let failed = |error: String| Error::Fault(format!("a table cannot be written: {error}"));
    let mut table = ::csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS).map_err(|error| failed(error.to_string()))?;
    for line in lines(view) {
        let record = [
            view.report.code().to_owned(),
            view.period.clone(),
            view.basis.clone(),
            view.as_of.map(|at| at.to_rfc3339()).unwrap_or_default(),
            view.definition_version.to_string(),
            line.row.to_owned(),
            cell(&line.unit.0).into_owned(),
            cell(&line.unit.1).into_owned(),
            line.currency,
            line.id,
            cell(&line.key.0).into_owned(),
            cell(&line.key.1).into_owned(),
            line.measured,
            number(line.value.numerator),
            number(line.value.denominator),
            number(line.value.value),
            line.value.undefined.unwrap_or_default().to_owned(),
            number(line.previous),
            number(line.median),
            line.reported,
            line.left_out,
            line.rates,
            line.told.0,
            line.told.1,
        ];
        table.write_record(record).map_err(|error| failed(error.to_string()))?;
    }
    table.into_inner().map_err(|error| failed(error.to_string()))
}
