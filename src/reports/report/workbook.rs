//! A report as a formatted workbook, with a sheet of definitions.
use super::http::ReportView;
use crate::error::{Error, Result};
use crate::money::{Currency, format_minor};
use crate::reports::catalogue::{Term, find};
use crate::reports::rates::http::ExchangeRateView;
use crate::web::cell;
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

/// The formats of the workbook.
struct Formats {
    title: Format,
    head: Format,
    text: Format,
    count: Format,
    percent: Format,
    decimal: Format,
    cents: Format,
    mils: Format,
    quiet: Format,
}

impl Formats {
    fn new() -> Formats {
        let number = |form: &str| Format::new().set_num_format(form).set_align(FormatAlign::Right);
        Formats {
            title: Format::new().set_bold().set_font_size(14),
            head: Format::new()
                .set_bold()
                .set_background_color(Color::RGB(0xE6_EE_F5))
                .set_border_bottom(FormatBorder::Thin)
                .set_text_wrap(),
            text: Format::new().set_text_wrap().set_align(FormatAlign::Top),
            count: number("#,##0"),
            percent: number("0.0%"),
            decimal: number("#,##0.0"),
            cents: number("#,##0.00"),
            mils: number("#,##0.000"),
            quiet: Format::new().set_font_color(Color::RGB(0x80_80_80)).set_align(FormatAlign::Right),
        }
    }
}

/// The workbook: the figures, the cuts, the units, how complete it is, and what each figure means.
///
/// # Errors
/// A fault where it cannot be written.
pub fn xlsx(view: &ReportView) -> Result<Vec<u8>> {
    let failed = |error: XlsxError| Error::Fault(format!("a sheet cannot be written: {error}"));
    let mut file = Workbook::new();
    let formats = Formats::new();
    figures_sheet(file.add_worksheet(), view, &formats).map_err(failed)?;
    if !view.cuts.is_empty() {
        cuts_sheet(file.add_worksheet(), view, &formats).map_err(failed)?;
    }
    units_sheet(file.add_worksheet(), view, &formats).map_err(failed)?;
    definitions_sheet(file.add_worksheet(), view, &formats).map_err(failed)?;
    file.save_to_buffer().map_err(failed)
}

/// The rate in words: `655957 XOF = 1000.00 EUR from 2026-03-31, central bank`.
fn equality(rate: &ExchangeRateView) -> String {
    let amount = |minor: i64, code: &str| match Currency::parse(code) {
        Some(currency) => format!("{} {code}", format_minor(minor, currency)),
        None => format!("{minor} {code}"),
    };
    let (one, other) = (amount(rate.amount_minor, &rate.currency), amount(rate.equals_minor, &rate.equals_currency));
    format!("{one} = {other} from {}, {}", rate.valid_from, cell(&rate.source))
}

type Written = std::result::Result<(), XlsxError>;

/// On paper a sheet lies across and is one page wide.
fn printed(page: &mut Worksheet) {
    page.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
}

fn heads(page: &mut Worksheet, row: u32, titles: &[&str], formats: &Formats) -> Written {
    for (column, title) in (0u16..).zip(titles) {
        page.write_string_with_format(row, column, *title, &formats.head)?;
    }
    Ok(())
}

/// A value in its unit, as a number that a sheet can go on with; money in whole units of its currency. A sheet knows no other
/// number; below 2^53 it is exact.
#[expect(clippy::disallowed_types, clippy::cast_precision_loss, reason = "a cell of a sheet holds nothing else")]
#[expect(clippy::float_arithmetic, reason = "shown to a person, never counted with")]
fn measured(
    page: &mut Worksheet,
    row: u32,
    column: u16,
    value: Option<i64>,
    (unit, currency): (&str, Option<&str>),
    formats: &Formats,
) -> Written {
    let Some(value) = value else {
        page.write_string_with_format(row, column, "–", &formats.quiet)?;
        return Ok(());
    };
    let (scale, format) = match unit {
        "basis_points" => (10_000.0, &formats.percent),
        "per_year_milli" => (1_000.0, &formats.decimal),
        "months_tenths" => (10.0, &formats.decimal),
        "days_hundredths" => (100.0, &formats.decimal),
        "minor" | "average_minor" => match currency.and_then(Currency::parse).map_or(0, Currency::exponent) {
            0 => (1.0, &formats.count),
            2 => (100.0, &formats.cents),
            _ => (1_000.0, &formats.mils),
        },
        _ => (1.0, &formats.count),
    };
    page.write_number_with_format(row, column, value as f64 / scale, format).map(|_| ())
}

/// In what a sheet shows a unit, whose cells are formatted.
fn shown_in(unit: &str) -> &str {
    match unit {
        "basis_points" => "%",
        "per_year_milli" => "a year",
        "months_tenths" => "months",
        "days_hundredths" => "days",
        other => other,
    }
}

/// What a numerator or a denominator is measured in.
fn part(terms: Option<&[Term]>) -> &'static str {
    let is_money = terms.unwrap_or_default().iter().any(|term| term.measure.code().ends_with("_minor"));
    if is_money { "minor" } else { "count" }
}

fn name_of(id: &str) -> &str {
    find(id).map_or(id, |indicator| indicator.name_en)
}

fn figures_sheet(page: &mut Worksheet, view: &ReportView, formats: &Formats) -> Written {
    page.set_name("Figures")?;
    printed(page);
    page.set_column_width(0, 46)?;
    page.set_column_range_width(1, 8, 16)?;
    page.write_string_with_format(0, 0, format!("{} {}", view.report, view.period), &formats.title)?;
    let complete = &view.completeness;
    let told = format!(
        "{} of {} units reported, {} late, {} provisional, {} missing; figures as of {}, definitions {}",
        complete.units_reported,
        complete.units_expected,
        complete.units_late,
        complete.units_provisional,
        complete.units_missing,
        view.as_of.map_or_else(|| "none".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string()),
        view.definition_version
    );
    page.write_string(1, 0, told)?;
    let mut row = 3;
    let heading =
        ["Figure", "Value", "Unit", "Numerator", "Denominator", "Before", "Median of units", "Not in it", "Why none"];
    for total in view.totals.iter().filter(|total| !total.figures.is_empty()) {
        let currency = total.currency.as_deref();
        let title = total.currency.clone().unwrap_or_else(|| "All currencies, what is no money".into());
        let title = if total.rates.is_some() { format!("All, converted into {title}") } else { title };
        page.write_string_with_format(row, 0, format!("{title} ({} units)", total.units), &formats.title)?;
        for rate in total.rates.iter().flatten() {
            row += 1;
            page.write_string(row, 0, equality(rate))?;
        }
        heads(page, row + 1, &heading, formats)?;
        row += 2;
        for figure in &total.figures {
            let unit = figure.unit;
            page.write_string(row, 0, name_of(figure.id))?;
            let known = find(figure.id);
            let (above, below) = (part(known.map(|known| known.numerator)), part(known.map(|known| known.denominator)));
            measured(page, row, 1, figure.value.value, (unit, currency), formats)?;
            let is_money = matches!(unit, "minor" | "average_minor");
            page.write_string(row, 2, currency.filter(|_| is_money).unwrap_or(shown_in(unit)))?;
            measured(page, row, 3, figure.value.numerator, (above, currency), formats)?;
            measured(page, row, 4, figure.value.denominator, (below, currency), formats)?;
            let previous = figure.previous.as_ref().and_then(|previous| previous.value);
            measured(page, row, 5, previous, (unit, currency), formats)?;
            measured(page, row, 6, figure.median, (unit, currency), formats)?;
            let without = i64::try_from(figure.units_left_out).ok();
            measured(page, row, 7, without, ("count", None), formats)?;
            page.write_string(row, 8, figure.value.undefined.unwrap_or_default())?;
            row += 1;
        }
        row += 1;
    }
    page.set_freeze_panes(3, 1)?;
    Ok(())
}

fn cuts_sheet(page: &mut Worksheet, view: &ReportView, formats: &Formats) -> Written {
    page.set_name("Cut")?;
    printed(page);
    page.set_column_width(0, 40)?;
    page.set_column_range_width(1, 6, 18)?;
    let mut row = 0;
    for table in &view.cuts {
        let currency = table.currency.clone().unwrap_or_default();
        let title = format!("{} {currency} ({}; – is hidden)", table.cut, table.disclosure);
        page.write_string_with_format(row, 0, title, &formats.title)?;
        let names: Vec<&str> = table.total.numbers.keys().map(String::as_str).collect();
        heads(page, row + 1, &[&[table.cut.code()], names.as_slice()].concat(), formats)?;
        row += 2;
        for line in table.rows.iter().chain([&table.total]) {
            page.write_string(row, 0, cell(line.name.as_ref().unwrap_or(&line.key)))?;
            for (column, value) in (1u16..).zip(line.numbers.values()) {
                let unit = if names.get(usize::from(column) - 1).is_some_and(|name| name.ends_with("_minor")) {
                    "minor"
                } else {
                    "count"
                };
                measured(page, row, column, *value, (unit, table.currency.as_deref()), formats)?;
            }
            row += 1;
        }
        row += 1;
    }
    Ok(())
}

fn units_sheet(page: &mut Worksheet, view: &ReportView, formats: &Formats) -> Written {
    page.set_name("Units")?;
    printed(page);
    page.set_column_width(1, 34)?;
    let figures: Vec<(&str, &str)> = view
        .units
        .iter()
        .find(|unit| !unit.figures.is_empty())
        .map(|unit| unit.figures.iter().map(|figure| (figure.id, figure.unit)).collect())
        .unwrap_or_default();
    let mut titles = vec!["Code", "Name", "Currency", "Reported", "Source", "As of"];
    titles.extend(figures.iter().map(|(id, _)| name_of(id)));
    heads(page, 0, &titles, formats)?;
    // Names of figures take three lines.
    page.set_row_height(0, 45)?;
    for (row, unit) in (1u32..).zip(&view.units) {
        page.write_string(row, 0, cell(&unit.code))?;
        page.write_string(row, 1, cell(&unit.name))?;
        page.write_string(row, 2, &unit.currency)?;
        page.write_string(row, 3, &unit.reported)?;
        page.write_string(row, 4, unit.sources.join(", "))?;
        page.write_string(row, 5, unit.as_of.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default())?;
        for (column, figure) in (6u16..).zip(&unit.figures) {
            measured(page, row, column, figure.value.value, (figure.unit, Some(&unit.currency)), formats)?;
        }
    }
    page.set_column_range_width(6, 60, 16)?;
    page.set_freeze_panes(1, 2)?;
    Ok(())
}

fn definitions_sheet(page: &mut Worksheet, view: &ReportView, formats: &Formats) -> Written {
    page.set_name("Definitions")?;
    printed(page);
    heads(page, 0, &["Id", "English", "Français", "Formula", "Unit", "Better", "Source", "Limits"], formats)?;
    for (column, width) in (0u16..).zip([30, 34, 34, 70, 16, 18, 40, 60]) {
        page.set_column_width(column, width)?;
    }
    let shown = view.totals.iter().flat_map(|total| &total.figures).map(|figure| figure.id);
    let shown: std::collections::BTreeSet<&str> = shown.collect();
    for (row, indicator) in (1u32..).zip(shown.into_iter().filter_map(find)) {
        let cells = [
            indicator.id,
            indicator.name_en,
            indicator.name_fr,
            indicator.formula,
            indicator.unit.word(),
            indicator.direction.word(),
            indicator.source,
            indicator.limits.unwrap_or_default(),
        ];
        for (column, text) in (0u16..).zip(cells) {
            page.write_string_with_format(row, column, text, &formats.text)?;
        }
    }
    page.set_freeze_panes(1, 1)?;
    Ok(())
}
