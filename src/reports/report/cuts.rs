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
        Disclosure::Suppress => {
            let mut published = suppress(grid, SMALLEST).map_err(fault)?.published;
            hide_from_all(&mut published);
            Ok(published)
        }
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

/// The number of all persons stands in the figures of every report: with it a hidden cell could be computed though its own
/// totals are hidden. Then the smallest other cell is hidden too, with the totals of both.
fn hide_from_all(table: &mut Published) {
    while let Some((row, column)) = determined_by_all(table) {
        let mut others: Vec<(i64, usize, usize)> = Vec::new();
        for (at, line) in table.cells.iter().enumerate() {
            let shown =
                line.iter().enumerate().filter_map(|(place, cell)| Some((cell.filter(|count| *count > 0)?, at, place)));
            others.extend(shown);
        }
        others.sort_unstable();
        let hide = others.first().map(|(_, row, column)| (*row, *column));
        for (row, column) in [Some((row, column)), hide].into_iter().flatten() {
            if let Some(cell) = table.cells.get_mut(row).and_then(|line| line.get_mut(column)) {
                *cell = None;
            }
            if let Some(total) = table.row_totals.get_mut(row) {
                *total = None;
            }
            if let Some(total) = table.column_totals.as_mut().and_then(|totals| totals.get_mut(column)) {
                *total = None;
            }
        }
        if hide.is_none() {
            // Nothing but zeros stood beside it: they are not shown either.
            table.cells.iter_mut().flatten().for_each(|cell| *cell = None);
            return;
        }
    }
}

/// The first hidden cell that sums and differences of what is shown give, all persons included.
fn determined_by_all(table: &Published) -> Option<(usize, usize)> {
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    for (row, line) in table.cells.iter().enumerate() {
        hidden.extend(line.iter().enumerate().filter(|(_, cell)| cell.is_none()).map(|(column, _)| (row, column)));
    }
    let form = |holds: &dyn Fn(&(usize, usize)) -> bool| -> Vec<i64> {
        hidden.iter().map(|cell| i64::from(holds(cell))).collect()
    };
    let mut forms = vec![form(&|_| true)];
    let shown = |totals: &[Option<i64>]| -> Vec<usize> {
        totals.iter().enumerate().filter(|(_, total)| total.is_some()).map(|(at, _)| at).collect()
    };
    forms.extend(shown(&table.row_totals).into_iter().map(|at| form(&|cell| cell.0 == at)));
    forms.extend(
        shown(table.column_totals.as_deref().unwrap_or_default()).into_iter().map(|at| form(&|cell| cell.1 == at)),
    );
    reduce(&mut forms, hidden.len());
    let alone = forms.iter().find(|form| form.iter().filter(|one| **one != 0).count() == 1)?;
    hidden.get(alone.iter().position(|one| *one != 0)?).copied()
}

/// Reduces forms until each that leads has its leading cell to itself. Those of rows, columns and all hold 0 and 1 in such a way
/// that nothing but −1, 0 and 1 comes of it.
fn reduce(forms: &mut [Vec<i64>], cells: usize) {
    let mut leads = 0;
    for cell in 0..cells {
        let at = |form: &Vec<i64>| form.get(cell).copied().unwrap_or(0);
        let Some(found) = forms.iter().skip(leads).position(|form| at(form) != 0) else { continue };
        forms.swap(leads, leads + found);
        let Some(lead) = forms.get(leads).cloned() else { return };
        for form in forms.iter_mut().enumerate().filter(|(place, _)| *place != leads).map(|(_, form)| form) {
            // The leading number is 1 or −1, its own inverse.
            let times = at(form) * at(&lead);
            form.iter_mut().zip(&lead).for_each(|(one, of_lead)| *one -= times * of_lead);
        }
        leads += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is published of a table of two sexes and three age bands and is exact: each number with the cells that it adds up.
    /// Beside each cut the figures of the report have all persons, and a body above sees several cuts.
    fn exact(counts: &[i64; 6], disclosure: Disclosure) -> (Vec<[i64; 6]>, Vec<usize>) {
        let keys = ["female 0-4", "female 5-14", "female 15+", "male 0-4", "male 5-14", "male 15+"];
        let cells: Cells = keys.iter().zip(counts).map(|(key, count)| ((*key).to_owned(), vec![*count, 0])).collect();
        let mut forms = vec![[1; 6]];
        let mut hidden = Vec::new();
        for cut in [Cut::SexAge, Cut::Sex, Cut::AgeBand] {
            for row in table(cut, disclosure, None, &cells).unwrap().rows {
                let adds = |key: &&str| {
                    let (sex, band) = key.split_once(' ').unwrap();
                    i64::from(**key == row.key || sex == row.key || band == row.key)
                };
                let form: Vec<i64> = keys.iter().map(adds).collect();
                let form: [i64; 6] = form.try_into().unwrap();
                let is_cell = form.iter().sum::<i64>() == 1;
                match row.numbers[0] {
                    // What is rounded is not exact, but for zero.
                    Some(0) => forms.push(form),
                    Some(_) if disclosure == Disclosure::Suppress => forms.push(form),
                    Some(_) => {}
                    None if is_cell => hidden.push(form.iter().position(|one| *one == 1).unwrap()),
                    None => {}
                }
            }
        }
        (forms, hidden)
    }

    /// Whether sums and differences of the forms give a cell alone: it adds nothing to their rank.
    fn gives(forms: &[[i64; 6]], cell: usize) -> bool {
        let mut alone = [0; 6];
        alone[cell] = 1;
        let mut more = forms.to_vec();
        more.push(alone);
        rank(forms) == rank(&more)
    }

    fn rank(forms: &[[i64; 6]]) -> usize {
        let mut rows: Vec<Vec<i128>> =
            forms.iter().map(|form| form.iter().map(|one| i128::from(*one)).collect()).collect();
        let mut rank = 0;
        for column in 0..6 {
            let Some(pivot) = (rank..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
            rows.swap(rank, pivot);
            let lead = rows[rank].clone();
            for row in &mut rows[rank + 1..] {
                let (up, down) = (lead[column], row[column]);
                row.iter_mut().zip(&lead).for_each(|(one, of_lead)| *one = *one * up - of_lead * down);
            }
            rank += 1;
        }
        rank
    }

    fn nothing_is_recovered(counts: &[i64; 6], disclosure: Disclosure) -> usize {
        // A unit of fewer than eight persons is not shown at all.
        if counts.iter().sum::<i64>() < 8 {
            return 0;
        }
        let (forms, hidden) = exact(counts, disclosure);
        for cell in &hidden {
            assert!(!gives(&forms, *cell), "{counts:?} gives its cell {cell} back, {disclosure:?}: {forms:?}");
        }
        hidden.len()
    }

    /// All tables of these counts: zero, small ones, one at each edge, a large one.
    #[test]
    fn no_sums_and_differences_of_small_tables_give_a_hidden_count() {
        for disclosure in [Disclosure::Suppress, Disclosure::Round5] {
            let mut hidden = 0;
            let values = [0, 1, 4, 5, 7, 40];
            for number in 0..values.len().pow(6) {
                let mut rest = number;
                let counts = [(); 6].map(|()| {
                    let value = values[rest % values.len()];
                    rest /= values.len();
                    value
                });
                hidden += nothing_is_recovered(&counts, disclosure);
            }
            assert!(hidden > 50_000, "{hidden}");
        }
    }

    proptest! {
        #[test]
        fn no_sums_and_differences_give_a_hidden_count(counts in prop::array::uniform6(0_i64..60)) {
            nothing_is_recovered(&counts, Disclosure::Suppress);
            nothing_is_recovered(&counts, Disclosure::Round5);
        }
    }

    #[test]
    fn one_hidden_amount_hides_another() {
        let cells = |rows: &[(&str, [i64; 3])]| -> Cells {
            rows.iter().map(|(key, own)| ((*key).to_owned(), own.to_vec())).collect()
        };
        let three = cells(&[("DRUG", [40, 900, 700]), ("LAB", [3, 50, 40]), ("OPD", [20, 600, 480])]);
        let table = table(Cut::Category, Disclosure::Round5, None, &three).unwrap();
        let numbers: Vec<&Vec<Option<i64>>> = table.rows.iter().map(|row| &row.numbers).collect();
        assert_eq!(numbers[0], &[Some(40), Some(900), Some(700)]);
        assert_eq!(numbers[1], &[None, None, None]);
        assert_eq!(numbers[2], &[Some(20), None, None]);
        assert_eq!(table.total.numbers, [Some(65), Some(1_550), Some(1_220)]);
        // The only one beside zeros: the total goes.
        let one = cells(&[("DRUG", [0, 0, 0]), ("LAB", [3, 50, 40])]);
        let table = super::table(Cut::Category, Disclosure::Round5, None, &one).unwrap();
        assert_eq!(table.total.numbers[1..], [None, None]);
        let whole = super::table(Cut::Category, Disclosure::Whole, None, &one).unwrap();
        assert_eq!(whole.rows[1].numbers, [Some(3), Some(50), Some(40)]);
    }
}
