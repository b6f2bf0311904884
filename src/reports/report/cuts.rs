//! Cuts of figures, and what of them bodies above a mutual may see. A mutual sees its own whole. Above, small counts are hidden
//! and all others rounded (R53); the table of sex and age of a platform is exact instead, with small cells hidden and others for
//! their sake (R42–R45): exact tables stand on that one level, since what is exact on two could be subtracted.
use super::period::Period;
use super::shape::Cut;
use super::units::Unit;
use crate::access::permissions::OrganisationKind;
use crate::error::{Error, Result};
use crate::money::Currency;
use crate::reports::disclosure::{Published, rounded, suppress};
use crate::reports::measures::{Cells, Dimension};
use std::collections::{BTreeMap, BTreeSet};

/// Counts of persons below this are hidden in an exact table.
const SMALLEST: i64 = 5;

/// How what is small is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// Nothing is: the mutual's own.
    Whole,
    Round5,
    Suppress,
}

impl Disclosure {
    pub const fn word(self) -> &'static str {
        match self {
            Disclosure::Whole => "whole",
            Disclosure::Round5 => "round5",
            Disclosure::Suppress => "suppress",
        }
    }
}

/// A row of a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutRow {
    pub key: String,
    /// One for each number; what is hidden is none.
    pub numbers: Vec<Option<i64>>,
}

/// A cut of the units of one currency; of persons, of all units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutTable {
    pub cut: Cut,
    pub disclosure: Disclosure,
    pub currency: Option<Currency>,
    pub numbers: Vec<&'static str>,
    pub rows: Vec<CutRow>,
    pub total: CutRow,
}

/// The tables of a cut: one for each currency where it has amounts.
///
/// # Errors
/// A fault where a sum cannot be counted.
pub fn tables(units: &[Unit], period: Period, cut: Cut, own: bool, kind: OrganisationKind) -> Result<Vec<CutTable>> {
    let dimension = cut.dimension();
    let has_money = dimension.numbers().iter().any(|number| number.ends_with("_minor"));
    let mut groups: BTreeMap<Option<&str>, (Option<Currency>, Cells)> = BTreeMap::new();
    for unit in units {
        let currency = has_money.then_some(unit.currency);
        let group = groups.entry(currency.map(|currency| currency.code())).or_insert((currency, Cells::new()));
        add(&mut group.1, unit, period, dimension);
    }
    let disclosure = match (own, cut, kind) {
        (true, ..) => Disclosure::Whole,
        (false, Cut::Sex | Cut::AgeBand | Cut::SexAge, OrganisationKind::Platform) => Disclosure::Suppress,
        _ => Disclosure::Round5,
    };
    groups.into_values().map(|(currency, cells)| table(cut, disclosure, currency, &cells)).collect()
}

/// Adds a unit's cells of a period: stocks are those of its last month.
fn add(sums: &mut Cells, unit: &Unit, period: Period, dimension: Dimension) {
    for (month, known) in unit.months.range(period.first..=period.last) {
        for (key, numbers) in known.cells.get(&dimension).into_iter().flatten() {
            let sum = sums.entry(key.clone()).or_insert_with(|| vec![0; dimension.numbers().len()]);
            for ((place, name), number) in sum.iter_mut().zip(dimension.numbers()).zip(numbers) {
                if !is_stock(name) || *month == period.last {
                    *place = place.saturating_add(*number);
                }
            }
        }
    }
}

fn is_stock(number: &str) -> bool {
    matches!(number, "beneficiaries_in_force" | "households")
}

fn table(cut: Cut, disclosure: Disclosure, currency: Option<Currency>, cells: &Cells) -> Result<CutTable> {
    let numbers = cut.dimension().numbers();
    if cut == Cut::SexAge || (disclosure == Disclosure::Suppress && matches!(cut, Cut::Sex | Cut::AgeBand)) {
        return two_way(cut, disclosure, currency, cells);
    }
    let mut sums = Cells::new();
    for (key, own) in cells {
        let sum = sums.entry(key_of(cut, key)).or_insert_with(|| vec![0; numbers.len()]);
        sum.iter_mut().zip(own).for_each(|(sum, number)| *sum = sum.saturating_add(*number));
    }
    let mut total = vec![0_i64; numbers.len()];
    for own in sums.values() {
        total.iter_mut().zip(own).for_each(|(sum, number)| *sum = sum.saturating_add(*number));
    }
    let mut rows: Vec<CutRow> =
        sums.into_iter().map(|(key, own)| CutRow { key, numbers: shown(numbers, &own, disclosure) }).collect();
    let mut total = CutRow { key: "total".into(), numbers: shown(numbers, &total, disclosure) };
    if disclosure != Disclosure::Whole {
        hide_second_amounts(numbers, &mut rows, &mut total);
    }
    Ok(CutTable { cut, disclosure, currency, numbers: numbers.to_vec(), rows, total })
}

/// What of a cell is shown: each count by itself, amounts with the count that they belong to, the first.
fn shown(names: &[&str], numbers: &[i64], disclosure: Disclosure) -> Vec<Option<i64>> {
    if disclosure == Disclosure::Whole {
        return numbers.iter().copied().map(Some).collect();
    }
    let counted = names.iter().zip(numbers).find(|(name, _)| !name.ends_with("_minor")).map(|(_, number)| *number);
    let hidden = counted.is_some_and(|count| rounded(count).is_none());
    names
        .iter()
        .zip(numbers)
        .map(
            |(name, number)| {
                if name.ends_with("_minor") {
                    (!hidden).then_some(*number)
                } else {
                    rounded(*number).filter(|_| !hidden)
                }
            },
        )
        .collect()
}

/// One hidden amount beside a shown total is no secret: the smallest other is hidden with it, or the total where there is none.
fn hide_second_amounts(names: &[&str], rows: &mut [CutRow], total: &mut CutRow) {
    for (at, name) in names.iter().enumerate() {
        if !name.ends_with("_minor") {
            continue;
        }
        let value = |row: &CutRow| row.numbers.get(at).copied().flatten();
        if rows.iter().filter(|row| value(row).is_none()).count() != 1 {
            continue;
        }
        let smallest =
            rows.iter_mut().filter(|row| value(row).is_some_and(|amount| amount != 0)).min_by_key(|row| value(row));
        let line = smallest.unwrap_or(&mut *total);
        if let Some(place) = line.numbers.get_mut(at) {
            *place = None;
        }
    }
}

fn key_of(cut: Cut, key: &str) -> String {
    let (sex, band) = key.split_once(' ').unwrap_or((key, ""));
    match cut {
        Cut::Sex => sex.to_owned(),
        Cut::AgeBand => band.to_owned(),
        _ => key.to_owned(),
    }
}

/// The first age of a band, by which bands are ordered; what is not known comes last.
fn first_age(band: &str) -> i64 {
    band.split(['-', '+']).next().and_then(|age| age.parse().ok()).unwrap_or(i64::MAX)
}

/// Sex and age band as a table with margins, or its margins alone. Cases are counted in cells of their own.
fn two_way(cut: Cut, disclosure: Disclosure, currency: Option<Currency>, cells: &Cells) -> Result<CutTable> {
    let names = Dimension::SexAge.numbers();
    let parts: Vec<(&str, &str, &Vec<i64>)> =
        cells.iter().filter_map(|(key, own)| key.split_once(' ').map(|(sex, band)| (sex, band, own))).collect();
    let sexes: BTreeSet<&str> = parts.iter().map(|(sex, ..)| *sex).collect();
    let bands: BTreeSet<(i64, &str)> = parts.iter().map(|(_, band, _)| (first_age(band), *band)).collect();
    let mut published: Vec<Published> = Vec::new();
    for at in 0..names.len() {
        let of = |sex: &str, band: &str| {
            let own = parts.iter().filter(|part| part.0 == sex && part.1 == band);
            own.filter_map(|part| part.2.get(at)).sum::<i64>()
        };
        let grid: Vec<Vec<i64>> =
            sexes.iter().map(|sex| bands.iter().map(|(_, band)| of(sex, band)).collect()).collect();
        published.push(protect(&grid, disclosure)?);
    }
    let sum_of = |of: &dyn Fn(&Published) -> Option<i64>| published.iter().map(of).collect::<Vec<_>>();
    let mut rows = Vec::new();
    for (row, sex) in sexes.iter().enumerate() {
        if cut == Cut::SexAge {
            for (column, (_, band)) in bands.iter().enumerate() {
                let cell =
                    |table: &Published| table.cells.get(row).and_then(|line| line.get(column)).copied().flatten();
                rows.push(CutRow { key: format!("{sex} {band}"), numbers: sum_of(&cell) });
            }
        }
        if cut != Cut::AgeBand {
            let margin = |table: &Published| table.row_totals.get(row).copied().flatten();
            rows.push(CutRow { key: (*sex).to_owned(), numbers: sum_of(&margin) });
        }
    }
    if cut != Cut::Sex {
        for (column, (_, band)) in bands.iter().enumerate() {
            let margin = |table: &Published| {
                // A table of one row has no totals of columns but its cells.
                let totals = table.column_totals.as_ref().or_else(|| table.cells.first())?;
                totals.get(column).copied().flatten()
            };
            rows.push(CutRow { key: (*band).to_owned(), numbers: sum_of(&margin) });
        }
    }
    let mut total = vec![0_i64; names.len()];
    for (_, _, own) in &parts {
        total.iter_mut().zip(own.iter()).for_each(|(sum, number)| *sum = sum.saturating_add(*number));
    }
    let total: Vec<Option<i64>> = match disclosure {
        // The same number is a figure of the report.
        Disclosure::Whole | Disclosure::Suppress => total.into_iter().map(Some).collect(),
        Disclosure::Round5 => total.into_iter().map(rounded).collect(),
    };
    let total = CutRow { key: "total".into(), numbers: total };
    Ok(CutTable { cut, disclosure, currency, numbers: names.to_vec(), rows, total })
}

fn protect(grid: &[Vec<i64>], disclosure: Disclosure) -> Result<Published> {
    let fault =
        |error: crate::reports::disclosure::TableError| Error::Fault(format!("a table cannot be shown: {error}"));
    match disclosure {
        Disclosure::Suppress => Ok(suppress(grid, SMALLEST).map_err(fault)?.published),
        Disclosure::Round5 => crate::reports::disclosure::round5(grid).map_err(fault),
        Disclosure::Whole => {
            let sum = |line: &mut dyn Iterator<Item = i64>| Some(line.sum());
            let columns = grid.first().map_or(0, Vec::len);
            let column = |at: usize| sum(&mut grid.iter().filter_map(|row| row.get(at).copied()));
            Ok(Published {
                cells: grid.iter().map(|row| row.iter().copied().map(Some).collect()).collect(),
                row_totals: grid.iter().map(|row| sum(&mut row.iter().copied())).collect(),
                column_totals: Some((0..columns).map(column).collect()),
            })
        }
    }
}
