//! The card (CR80, 85.6 × 54 mm, two sides) and the certificate (A4) as PDF, with their font embedded. The same facts give
//! the same bytes: nothing here asks for the time or for chance.
//!
//! A name never runs into the QR code.
#![expect(
    clippy::disallowed_types,
    clippy::float_arithmetic,
    reason = "places on paper are no amounts, and PDF has them in f32"
)]
use super::texts::{Texts, fill};
use crate::households::model::Relationship;
use crate::print::{
    A4_HEIGHT, A4_WIDTH, BRAND, FAINT, INK, LINE, MM, PAPER, Style, document, fill_of, labelled, page_of, paragraph,
    rectangle, text,
};
use chrono::NaiveDate;
use fast_qr::{ECL, Mode, QRBuilder, QRCode};
use krilla::geom::{PathBuilder, Rect};
use krilla::surface::Surface;

const CARD_WIDTH: f32 = 85.6 * MM;
const CARD_HEIGHT: f32 = 53.98 * MM;

/// What a card shows.
#[derive(Debug, Clone)]
pub struct Card {
    pub mutual: String,
    pub family_name: String,
    pub given_name: String,
    pub number: String,
    pub household: String,
    pub birth_year: Option<i32>,
    pub issued_on: NaiveDate,
    pub expires_on: NaiveDate,
    /// The text of the QR code.
    pub code: String,
}

/// What a certificate shows.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub mutual: String,
    pub household: String,
    /// Of the principal, given name first.
    pub principal: String,
    pub persons: Vec<Person>,
    pub issued_on: NaiveDate,
    pub expires_on: NaiveDate,
    /// The text of the QR code.
    pub code: String,
    /// The token as it travels; printed in groups, as it is typed.
    pub token: String,
}

/// A person on a certificate.
#[derive(Debug, Clone)]
pub struct Person {
    /// Family name first.
    pub name: String,
    pub number: String,
    pub birth_year: Option<i32>,
    pub relationship: Relationship,
}

/// The QR code as one path of rectangles, a run of dark modules each. The four light modules around it are the caller's.
fn qr(on: &mut Surface<'_>, code: &QRCode, x: f32, y: f32, side: f32) {
    // Modules are counted in u16, which f32 holds exactly.
    let size = u16::try_from(code.size).unwrap_or(u16::MAX);
    let module = side / f32::from(size);
    let mut path = PathBuilder::new();
    for row in 0..size {
        let dark = |column: u16| column < size && code[usize::from(row)][usize::from(column)].value();
        let mut column = 0;
        while column < size {
            let start = column;
            while dark(column) {
                column += 1;
            }
            let (left, width) = (f32::from(start) * module, f32::from(column - start) * module);
            if let Some(rect) = Rect::from_xywh(x + left, y + f32::from(row) * module, width, module)
                && column > start
            {
                path.push_rect(rect);
            }
            column += 1;
        }
    }
    if let Some(path) = path.finish() {
        on.set_fill(Some(fill_of((0, 0, 0))));
        on.draw_path(&path);
    }
}

fn qr_of(code: &str) -> Result<QRCode, String> {
    QRBuilder::new(code)
        .mode(Mode::Alphanumeric)
        .ecl(ECL::M)
        .build()
        .map_err(|_| format!("a code of {} characters makes no QR code", code.len()))
}

/// A card number in groups of four, as it is read aloud.
fn grouped(number: &str) -> String {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    in_fours(number)
}

/// A text in groups of four characters.
fn in_fours(text: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    all.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn year(of: Option<i32>) -> String {
    of.map_or_else(|| "–".to_owned(), |year| year.to_string())
}

/// A card as PDF: its front, then its back.
///
/// # Errors
/// A sentence: the code is too long for a QR code, or the PDF cannot be written.
pub fn card(of: &Card, texts: &Texts, language: &str) -> Result<Vec<u8>, String> {
    let code = qr_of(&of.code)?;
    let mut document = document(&texts.card, language);
    const MARGIN: f32 = 12.0;
    const SIDE: f32 = 90.0;
    let column = CARD_WIDTH - 2.0 * MARGIN - SIDE - 9.0;

    let mut page = document.start_page_with(page_of(CARD_WIDTH, CARD_HEIGHT)?);
    let mut front = page.surface();
    let on = &mut front;
    rectangle(on, BRAND, 0.0, 0.0, CARD_WIDTH, 31.0);
    text(on, Style::new(true, 12.0, 6.5, PAPER), MARGIN, 15.0, CARD_WIDTH - 2.0 * MARGIN, &of.mutual);
    text(on, Style::new(false, 7.0, 5.0, PAPER), MARGIN, 25.0, CARD_WIDTH - 2.0 * MARGIN, &texts.card);
    text(on, Style::new(true, 12.5, 7.0, INK), MARGIN, 52.0, column, &of.family_name);
    text(on, Style::new(false, 11.0, 6.5, INK), MARGIN, 66.0, column, &of.given_name);
    let value = Style::new(false, 8.0, 5.0, INK);
    labelled(on, MARGIN, 80.0, column, &texts.number, Style::new(true, 10.5, 6.0, INK), &grouped(&of.number));
    let half = (column - 6.0) / 2.0;
    labelled(on, MARGIN, 103.0, half, &texts.household, value, &of.household);
    labelled(on, MARGIN + half + 6.0, 103.0, half, &texts.born, value, &year(of.birth_year));
    labelled(
        on,
        MARGIN,
        124.0,
        column,
        &texts.valid_until,
        Style::new(true, 9.0, 5.0, INK),
        &texts.date(of.expires_on),
    );
    qr(on, &code, CARD_WIDTH - MARGIN - SIDE, 31.0 + (CARD_HEIGHT - 31.0 - SIDE) / 2.0, SIDE);
    front.finish();
    page.finish();

    let mut page = document.start_page_with(page_of(CARD_WIDTH, CARD_HEIGHT)?);
    let mut back = page.surface();
    let on = &mut back;
    let width = CARD_WIDTH - 2.0 * MARGIN;
    rectangle(on, BRAND, 0.0, 0.0, CARD_WIDTH, 8.0);
    text(on, Style::new(true, 8.5, 6.0, BRAND), MARGIN, 26.0, width, &of.mutual);
    let small = Style::new(false, 7.2, 6.0, INK);
    let mut y = 42.0;
    for sentence in [&texts.card_terms, &texts.card_check, &texts.card_found] {
        y = paragraph(on, small, MARGIN, y, width, 9.4, sentence) + 4.0;
    }
    let foot = Style::new(false, 6.2, 5.0, FAINT);
    let issued = format!("{} {}", texts.issued_on, texts.date(of.issued_on));
    text(on, foot, MARGIN, CARD_HEIGHT - MARGIN, width, &issued);
    back.finish();
    page.finish();
    document.finish().map_err(|error| format!("the card cannot be written: {error:?}"))
}

/// Persons on the first page of a certificate, and on each further one.
const ROWS_FIRST: usize = 16;
const ROWS_FURTHER: usize = 36;
const ROW: f32 = 18.0;
const EDGE: f32 = 56.0;
const BODY: f32 = A4_WIDTH - 2.0 * EDGE;

/// A certificate as PDF; persons beyond the first page stand on further ones.
///
/// # Errors
/// As [`card`].
pub fn certificate(of: &Certificate, texts: &Texts, language: &str) -> Result<Vec<u8>, String> {
    let code = qr_of(&of.code)?;
    let mut document = document(&texts.certificate, language);
    let (first, further) = of.persons.split_at(of.persons.len().min(ROWS_FIRST));

    let mut page = document.start_page_with(page_of(A4_WIDTH, A4_HEIGHT)?);
    let mut surface = page.surface();
    let on = &mut surface;
    rectangle(on, BRAND, 0.0, 0.0, A4_WIDTH, 10.0);
    text(on, Style::new(true, 15.0, 8.0, BRAND), EDGE, 62.0, BODY, &of.mutual);
    text(on, Style::new(true, 22.0, 14.0, INK), EDGE, 104.0, BODY, &texts.certificate);
    let body = Style::new(false, 10.5, 8.0, INK);
    let (issued, expires) = (texts.date(of.issued_on), texts.date(of.expires_on));
    let statement = fill(
        &texts.certificate_statement,
        &[("mutual", &of.mutual), ("household", &of.household), ("name", &of.principal), ("issued", &issued)],
    );
    let y = paragraph(on, body, EDGE, 136.0, BODY, 15.5, &statement);
    table(on, y + 10.0, first, texts);

    // What is signed stands in one place, however long the table is.
    let foot = 596.0;
    const SIDE: f32 = 128.0;
    let beside = EDGE + SIDE + 24.0;
    rectangle(on, LINE, EDGE, foot - 18.0, BODY, 0.7);
    qr(on, &code, EDGE, foot, SIDE);
    let width = BODY - SIDE - 24.0;
    let validity = fill(&texts.certificate_validity, &[("expires", &expires)]);
    let strong = Style::new(true, 10.5, 8.0, INK);
    let mut y = paragraph(on, strong, beside, foot + 9.0, width, 14.5, &validity);
    y = paragraph(on, Style::new(false, 8.6, 7.0, INK), beside, y + 3.0, width, 12.0, &texts.certificate_terms);
    text(on, Style::new(false, 7.4, 6.0, FAINT), beside, y + 6.0, width, &texts.verification_code);
    text(on, Style::new(true, 10.5, 7.0, INK), beside, y + 19.0, width, &in_fours(&of.token));
    let (left, right) = ((EDGE, BODY * 0.4), (EDGE + BODY * 0.5, BODY * 0.5));
    for ((x, width), label) in [(left, &texts.place_and_date), (right, &texts.signature)] {
        rectangle(on, FAINT, x, A4_HEIGHT - 66.0, width, 0.6);
        text(on, Style::new(false, 7.6, 6.0, FAINT), x, A4_HEIGHT - 54.0, width, label);
    }
    surface.finish();
    page.finish();

    for persons in further.chunks(ROWS_FURTHER) {
        let mut page = document.start_page_with(page_of(A4_WIDTH, A4_HEIGHT)?);
        let mut surface = page.surface();
        let on = &mut surface;
        rectangle(on, BRAND, 0.0, 0.0, A4_WIDTH, 10.0);
        let title = fill(&texts.continued, &[("household", &of.household)]);
        text(on, Style::new(true, 12.0, 8.0, INK), EDGE, 62.0, BODY, &title);
        table(on, 84.0, persons, texts);
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| format!("the certificate cannot be written: {error:?}"))
}

/// Persons in rows below a head.
fn table(on: &mut Surface<'_>, top: f32, persons: &[Person], texts: &Texts) {
    // Name, number, relationship, year: where each begins and how wide it is.
    let columns = [(0.0, 0.37), (0.39, 0.25), (0.66, 0.20), (0.88, 0.12)];
    let place = |at: usize| (EDGE + BODY * columns[at].0, BODY * columns[at].1);
    let head = Style::new(true, 8.4, 5.5, BRAND);
    for (at, label) in [&texts.name, &texts.number, &texts.relationship, &texts.born_short].into_iter().enumerate() {
        let (x, width) = place(at);
        text(on, head, x, top + 10.0, width, label);
    }
    rectangle(on, BRAND, EDGE, top + 15.0, BODY, 0.9);
    let cell = Style::new(false, 9.6, 6.5, INK);
    let mut y = top + 28.0;
    for person in persons {
        let relationship = texts.relationship_of(person.relationship).to_owned();
        let cells = [person.name.clone(), grouped(&person.number), relationship, year(person.birth_year)];
        for (at, value) in cells.iter().enumerate() {
            let (x, width) = place(at);
            text(on, cell, x, y, width, value);
        }
        rectangle(on, LINE, EDGE, y + 5.5, BODY, 0.5);
        y += ROW;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::texts::texts_of;
    use crate::language::Language;
    use crate::print::{BOLD, REGULAR};

    fn style() -> Style {
        Style::new(true, 12.0, 7.0, INK)
    }

    #[test]
    fn every_letter_that_is_promised_has_a_shape() {
        let letters = "ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸàâäçéèêëîïôöùûüÿœŒæ’ñÑŋŊɓƁɗƊɛƐɔƆƙƘŋẽũõĩỹğşıİřžčńǹḿẹọṣ–…ΑΩЖяمحمد";
        for typeface in [&*REGULAR, &*BOLD] {
            for letter in letters.chars() {
                assert!(typeface.face.glyph_index(letter).is_some(), "{letter}");
            }
            for language in Language::ALL {
                let all = serde_json::to_string(texts_of(*language)).unwrap();
                for letter in all.chars() {
                    assert!(typeface.face.glyph_index(letter).is_some(), "{letter} of {language}");
                }
            }
        }
    }

    #[test]
    fn a_text_is_set_smaller_and_then_cut_and_never_wider() {
        let (set, kept) = style().fit("Ndayizeye", 120.0);
        assert_eq!((set.size, kept.as_str()), (12.0, "Ndayizeye"));
        let (set, kept) = style().fit("Ndayishimiye-Niyonzima", 120.0);
        assert!(set.size < 12.0 && set.size >= 7.0 && kept == "Ndayishimiye-Niyonzima");
        let long = "Ŋ".repeat(80);
        let (set, kept) = style().fit(&long, 120.0);
        assert!(set.size == 7.0 && kept.ends_with('…') && set.width(&kept) <= 120.0, "{kept}");
        assert_eq!(style().fit("abc", 0.0).1, "");
        assert_eq!(style().fit("", 10.0).1, "");
    }

    #[test]
    fn a_paragraph_breaks_between_words_and_within_one_that_is_too_wide() {
        let lines = style().lines("one two three", style().width("one two"));
        assert_eq!(lines, ["one two", "three"]);
        let long = "m".repeat(50);
        let lines = style().lines(&format!("a {long} b"), 100.0);
        assert!(lines.iter().all(|line| style().width(line) <= 100.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), format!("a{long}b"));
    }

    #[test]
    fn numbers_are_grouped_by_four_where_they_are_digits() {
        assert_eq!(grouped("1000010000000123"), "1000 0100 0000 0123");
        assert_eq!(grouped("H-17"), "H-17");
    }
}
