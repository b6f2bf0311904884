//! Receipts, on the roll of a receipt printer or on A4, and a household's statement, as PDF.
#![expect(
    clippy::disallowed_types,
    clippy::float_arithmetic,
    reason = "places on paper are no amounts, and PDF has them in f32"
)]
use super::model::{DueKind, Method};
use super::papers::{Paper, ReceiptKind, ReceiptView, StatementView};
use super::statement::LineKind;
use super::texts::{Texts, texts_of};
use crate::language::Language;
use crate::money::{Currency, format_minor};
use crate::print::{
    A4_HEIGHT, A4_WIDTH, BRAND, FAINT, INK, LINE, MM, PAPER, Style, document, page_of, paragraph, rectangle, text,
};
use krilla::surface::Surface;

/// An amount with its currency, thousands apart.
fn amount(minor: i64, currency: &str) -> String {
    format!("{} {currency}", figure(minor, currency))
}

/// An amount, thousands apart by a narrow space that is never broken.
fn figure(minor: i64, currency: &str) -> String {
    let plain = Currency::parse(currency).map_or_else(|| minor.to_string(), |known| format_minor(minor, known));
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("−", rest));
    let (whole, fraction) = plain.split_once('.').map_or((plain, None), |(whole, part)| (whole, Some(part)));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{grouped}.{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}

/// Sets a text that ends at a place.
fn right(on: &mut Surface<'_>, style: Style, x: f32, y: f32, width: f32, what: &str) {
    let (set, shown) = style.fit(what, width);
    text(on, set, x + width - set.width(&shown), y, width, &shown);
}

fn method_of(method: Method, texts: &Texts) -> &str {
    match method {
        Method::Cash => &texts.cash,
        Method::Bank => &texts.bank,
        Method::Mobile => &texts.mobile,
        Method::Payroll => &texts.payroll,
    }
}

fn due_of(kind: Option<DueKind>, texts: &Texts) -> &str {
    match kind {
        Some(DueKind::Registration) => &texts.registration,
        Some(DueKind::Contribution) => &texts.contribution,
        Some(DueKind::Other) => &texts.other,
        None => &texts.credit,
    }
}

/// A receipt as PDF.
///
/// # Errors
/// A sentence: the PDF cannot be written.
pub fn receipt(of: &ReceiptView, paper: Paper, language: Language) -> Result<Vec<u8>, String> {
    let texts = texts_of(language);
    let title = match of.kind {
        ReceiptKind::Payment | ReceiptKind::Subsidy => &texts.receipt,
        ReceiptKind::Reversal | ReceiptKind::Refund => &texts.counter_receipt,
    };
    let (width, margin, scale) = match paper {
        Paper::Roll => (80.0 * MM, 5.0 * MM, 1.0),
        Paper::A4 => (A4_WIDTH, 20.0 * MM, 1.35),
    };
    // The roll is as long as what is printed on it.
    let rows = u16::try_from(of.lines.len()).unwrap_or(u16::MAX);
    let height = match paper {
        Paper::Roll => 230.0 + f32::from(rows) * 13.0 + if of.reason.is_some() { 34.0 } else { 0.0 },
        Paper::A4 => A4_HEIGHT,
    };
    let mut document = document(title, language.code());
    let mut page = document.start_page_with(page_of(width, height)?);
    let mut surface = page.surface();
    let on = &mut surface;
    let inner = width - 2.0 * margin;
    let size = |points: f32| points * scale;
    let mut y = margin + size(12.0);
    if paper == Paper::A4 {
        rectangle(on, BRAND, 0.0, 0.0, width, 12.0);
        y += 14.0;
    }
    text(on, Style::new(true, size(11.0), size(7.0), INK), margin, y, inner, &of.mutual);
    y += size(16.0);
    text(on, Style::new(true, size(13.0), size(9.0), BRAND), margin, y, inner, title);
    y += size(15.0);
    let bold = Style::new(true, size(9.0), size(6.0), INK);
    let plain = Style::new(false, size(8.0), size(5.5), INK);
    let faint = Style::new(false, size(7.0), size(5.0), FAINT);
    text(on, bold, margin, y, inner, &of.receipt_number);
    right(on, plain, margin, y, inner, &texts.date(of.issued_on));
    y += size(8.0);
    rectangle(on, LINE, margin, y, inner, 0.7);
    y += size(13.0);
    let half = inner / 2.0;
    let pair = |on: &mut Surface<'_>, y: &mut f32, label: &str, value: &str| {
        if value.is_empty() {
            return;
        }
        text(on, faint, margin, *y, half - 4.0, label);
        right(on, plain, margin + half - 4.0, *y, half + 4.0, value);
        *y += size(12.0);
    };
    let whose = match of.kind {
        ReceiptKind::Payment | ReceiptKind::Subsidy => &texts.payer,
        ReceiptKind::Reversal | ReceiptKind::Refund => &texts.concerns,
    };
    pair(on, &mut y, whose, &of.payer);
    pair(on, &mut y, &texts.household, of.household_number.as_deref().unwrap_or(""));
    pair(on, &mut y, &texts.method, of.method.map_or("", |method| method_of(method, texts)));
    pair(on, &mut y, &texts.reference, of.reference.as_deref().unwrap_or(""));
    pair(on, &mut y, &texts.takes_back, of.reverses.as_deref().unwrap_or(""));
    y += size(2.0);
    for line in &of.lines {
        let label = match line.due_on {
            Some(due_on) => format!("{}, {}", due_of(line.due_kind, texts), texts.date(due_on)),
            None => due_of(line.due_kind, texts).to_owned(),
        };
        text(on, plain, margin, y, inner * 0.68, &label);
        right(on, plain, margin + inner * 0.68, y, inner * 0.32, &figure(line.amount_minor, &of.currency));
        y += size(13.0);
    }
    rectangle(on, LINE, margin, y - size(4.0), inner, 0.7);
    y += size(12.0);
    text(on, bold, margin, y, half, &texts.amount);
    let total = Style::new(true, size(13.0), size(8.0), INK);
    right(on, total, margin + half, y, half, &amount(of.amount_minor, &of.currency));
    y += size(18.0);
    if let Some(reason) = &of.reason {
        let whole = format!("{}: {reason}", texts.reason);
        y = paragraph(on, plain, margin, y, inner, size(10.0), &whole) + size(4.0);
    }
    y += size(26.0);
    rectangle(on, LINE, margin, y, half - 8.0, 0.7);
    rectangle(on, LINE, margin + half + 8.0, y, half - 8.0, 0.7);
    text(on, faint, margin, y + size(9.0), half - 8.0, &texts.signature_cashier);
    text(on, faint, margin + half + 8.0, y + size(9.0), half - 8.0, &texts.signature_payer);
    surface.finish();
    page.finish();
    document.finish().map_err(|error| format!("{error:?}"))
}

fn line_of(kind: LineKind, due: Option<DueKind>, texts: &Texts) -> String {
    match kind {
        LineKind::Due => due_of(due, texts).to_owned(),
        LineKind::Payment => texts.payment.clone(),
        LineKind::Reversal => texts.reversal.clone(),
        LineKind::Refund => texts.refund.clone(),
        LineKind::Waiver => format!("{}: {}", texts.waiver, due_of(due, texts)),
        LineKind::WriteOff => format!("{}: {}", texts.write_off, due_of(due, texts)),
    }
}

/// The columns of a statement: where each begins, as a part of the line, and how wide it is.
const COLUMNS: [(f32, f32); 5] = [(0.0, 0.17), (0.17, 0.25), (0.42, 0.22), (0.64, 0.18), (0.82, 0.18)];

/// A household's statement as PDF, on as many sheets as it needs.
///
/// # Errors
/// A sentence: the PDF cannot be written.
pub fn statement(of: &StatementView, language: Language) -> Result<Vec<u8>, String> {
    const MARGIN: f32 = 18.0 * MM;
    const ROW: f32 = 15.0;
    let texts = texts_of(language);
    let inner = A4_WIDTH - 2.0 * MARGIN;
    let mut document = document(&texts.statement, language.code());
    let plain = Style::new(false, 9.0, 6.0, INK);
    let head = Style::new(true, 8.5, 6.0, FAINT);
    let bold = Style::new(true, 9.5, 6.0, INK);
    let mut rest = of.lines.as_slice();
    let mut number = 0_u16;
    loop {
        number += 1;
        let mut page = document.start_page_with(page_of(A4_WIDTH, A4_HEIGHT)?);
        let mut surface = page.surface();
        let on = &mut surface;
        rectangle(on, BRAND, 0.0, 0.0, A4_WIDTH, 34.0);
        text(on, Style::new(true, 14.0, 8.0, PAPER), MARGIN, 22.0, inner, &of.mutual);
        let mut y = 66.0;
        text(on, Style::new(true, 16.0, 10.0, BRAND), MARGIN, y, inner, &texts.statement);
        y += 20.0;
        let whom = format!("{}  {} {}", of.principal, texts.household, of.household_number);
        text(on, bold, MARGIN, y, inner, whom.trim());
        y += 15.0;
        let time = texts.between(of.from, of.to);
        text(on, plain, MARGIN, y, inner, &time);
        right(on, plain, MARGIN, y, inner, &format!("{} {number}", texts.sheet));
        y += 24.0;
        let titles = [&texts.day, &texts.what, &texts.receipt, &texts.amount, &texts.balance];
        for (at, ((begins, wide), title)) in COLUMNS.iter().zip(titles).enumerate() {
            let (x, width) = (MARGIN + inner * begins, inner * wide - 4.0);
            if at < 3 { text(on, head, x, y, width, title) } else { right(on, head, x, y, width, title) }
        }
        y += 6.0;
        rectangle(on, LINE, MARGIN, y, inner, 0.8);
        y += ROW;
        if number == 1 {
            row(
                on,
                bold,
                y,
                inner,
                MARGIN,
                [&texts.short(of.from), &texts.before, "", "", &figure(of.opening_minor, &of.currency)],
            );
            y += ROW;
        }
        while let Some((line, others)) = rest.split_first() {
            if y > A4_HEIGHT - 40.0 * MM {
                break;
            }
            let cells: [&str; 5] = [
                &texts.short(line.on),
                &line_of(line.kind, line.due_kind, texts),
                line.receipt_number.as_deref().unwrap_or(""),
                &figure(line.amount_minor, &of.currency),
                &figure(line.balance_minor, &of.currency),
            ];
            row(on, plain, y, inner, MARGIN, cells);
            y += ROW;
            rest = others;
        }
        if rest.is_empty() {
            rectangle(on, LINE, MARGIN, y - ROW + 5.0, inner, 0.8);
            y += 8.0;
            let closing = if of.closing_minor > 0 { &texts.you_owe } else { &texts.you_are_ahead };
            let total = Style::new(true, 12.0, 8.0, INK);
            text(on, total, MARGIN, y, inner * 0.6, closing);
            right(on, total, MARGIN + inner * 0.6, y, inner * 0.4, &amount(of.closing_minor.abs(), &of.currency));
            y += 20.0;
            for (label, figure_of) in
                [(&texts.open, of.open_minor), (&texts.advance, of.advance_minor), (&texts.credit, of.credit_minor)]
            {
                if figure_of != 0 {
                    text(on, plain, MARGIN, y, inner * 0.6, label);
                    right(on, plain, MARGIN + inner * 0.6, y, inner * 0.4, &amount(figure_of, &of.currency));
                    y += ROW;
                }
            }
        }
        let foot = Style::new(false, 7.5, 6.0, FAINT);
        text(on, foot, MARGIN, A4_HEIGHT - 14.0 * MM, inner, &texts.statement_foot);
        surface.finish();
        page.finish();
        if rest.is_empty() {
            break;
        }
    }
    document.finish().map_err(|error| format!("{error:?}"))
}

fn row(on: &mut Surface<'_>, style: Style, y: f32, inner: f32, margin: f32, cells: [&str; 5]) {
    for (at, ((begins, wide), cell)) in COLUMNS.iter().zip(cells).enumerate() {
        let (x, width) = (margin + inner * begins, inner * wide - 4.0);
        if at < 3 { text(on, style, x, y, width, cell) } else { right(on, style, x, y, width, cell) }
    }
}
