//! Documents on paper as PDF, with their font embedded: texts, lines, pages. The same facts give the same bytes: nothing
//! here asks for the time or for chance.
//!
//! What does not fit is first set smaller and then cut. One font serves all: DejaVu Sans Condensed has Latin with every
//! accent and hook of the languages of Africa and the Andes, Greek, Cyrillic and Arabic. Devanagari and Ethiopic it has not.
#![expect(
    clippy::disallowed_types,
    clippy::float_arithmetic,
    reason = "places on paper are no amounts, and PDF has them in f32"
)]
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla::{Data, Document};
use std::sync::LazyLock;

/// Points in a millimetre.
pub const MM: f32 = 72.0 / 25.4;
pub const A4_WIDTH: f32 = 210.0 * MM;
pub const A4_HEIGHT: f32 = 297.0 * MM;

pub const INK: (u8, u8, u8) = (20, 28, 36);
pub const FAINT: (u8, u8, u8) = (96, 106, 116);
pub const BRAND: (u8, u8, u8) = (11, 83, 93);
pub const LINE: (u8, u8, u8) = (205, 212, 217);
pub const PAPER: (u8, u8, u8) = (255, 255, 255);

/// A font to draw with, and its face to measure with.
pub struct Typeface {
    pub font: Font,
    pub face: ttf_parser::Face<'static>,
}

impl Typeface {
    pub fn new(bytes: &'static [u8]) -> Typeface {
        let face = ttf_parser::Face::parse(bytes, 0).expect("a test draws with this font");
        Typeface { font: Font::new(Data::from(bytes.to_vec()), 0).expect("a test draws with this font"), face }
    }

    pub fn width(&self, text: &str, size: f32) -> f32 {
        let advance = |character| {
            let glyph = self.face.glyph_index(character).unwrap_or_default();
            f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0))
        };
        text.chars().map(advance).sum::<f32>() * size / f32::from(self.face.units_per_em())
    }
}

pub static REGULAR: LazyLock<Typeface> =
    LazyLock::new(|| Typeface::new(include_bytes!("fonts/DejaVuSansCondensed.ttf")));
pub static BOLD: LazyLock<Typeface> =
    LazyLock::new(|| Typeface::new(include_bytes!("fonts/DejaVuSansCondensed-Bold.ttf")));

/// How a text is set: font, size, the least size before it is cut, colour.
#[derive(Clone, Copy)]
pub struct Style {
    pub bold: bool,
    pub size: f32,
    pub least: f32,
    pub colour: (u8, u8, u8),
}

impl Style {
    pub const fn new(bold: bool, size: f32, least: f32, colour: (u8, u8, u8)) -> Style {
        Style { bold, size, least, colour }
    }

    pub fn typeface(self) -> &'static Typeface {
        if self.bold { &BOLD } else { &REGULAR }
    }

    pub fn width(self, text: &str) -> f32 {
        self.typeface().width(text, self.size)
    }

    /// The size at which a text fits a width, and as much of the text as fits at the least size.
    pub fn fit(self, text: &str, width: f32) -> (Style, String) {
        let full = self.width(text);
        let size = if full <= width { self.size } else { (self.size * width / full).max(self.least) };
        let set = Style { size, ..self };
        let mut kept: Vec<char> = text.chars().collect();
        // Rounding may leave a thousandth too much at the size that was computed to fit.
        if set.width(text) <= width + 0.01 {
            return (set, text.to_owned());
        }
        while !kept.is_empty() {
            kept.pop();
            let cut = format!("{}…", kept.iter().collect::<String>().trim_end());
            if set.width(&cut) <= width {
                return (set, cut);
            }
        }
        (set, String::new())
    }

    /// A text in lines that fit a width, broken between words, and within one that is wider than a line.
    pub fn lines(self, text: &str, width: f32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split(' ') {
            let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&joined) <= width {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for character in word.chars() {
                if !line.is_empty() && self.width(&format!("{line}{character}")) > width {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(character);
            }
        }
        lines.push(line);
        lines
    }
}

pub fn fill_of((red, green, blue): (u8, u8, u8)) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), opacity: NormalizedF32::ONE, ..Fill::default() }
}

pub fn rectangle(on: &mut Surface<'_>, colour: (u8, u8, u8), x: f32, y: f32, width: f32, height: f32) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(x, y, width, height) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        on.set_fill(Some(fill_of(colour)));
        on.draw_path(&path);
    }
}

/// Sets a text on a base line, within a width.
pub fn text(on: &mut Surface<'_>, style: Style, x: f32, y: f32, width: f32, text: &str) {
    let (set, text) = style.fit(text, width);
    if !text.is_empty() {
        on.set_fill(Some(fill_of(set.colour)));
        on.draw_text(Point::from_xy(x, y), set.typeface().font.clone(), set.size, &text, false, TextDirection::Auto);
    }
}

/// Sets a text in lines; gives the base line after the last.
pub fn paragraph(on: &mut Surface<'_>, style: Style, x: f32, y: f32, width: f32, leading: f32, whole: &str) -> f32 {
    let mut at = y;
    for line in style.lines(whole, width) {
        text(on, style, x, at, width, &line);
        at += leading;
    }
    at
}

/// A label with its value below.
pub fn labelled(on: &mut Surface<'_>, x: f32, y: f32, width: f32, label: &str, style: Style, value: &str) {
    text(on, Style::new(false, 5.4, 4.2, FAINT), x, y, width, label);
    text(on, style, x, y + style.size + 1.2, width, value);
}

pub fn document(title: &str, language: &str) -> Document {
    let mut document = Document::new();
    let about = Metadata::new().title(title.to_owned()).language(language.to_owned()).creator("Ayni".to_owned());
    document.set_metadata(about);
    document
}

pub fn page_of(width: f32, height: f32) -> Result<PageSettings, String> {
    PageSettings::from_wh(width, height).ok_or_else(|| "a page without size".to_owned())
}
