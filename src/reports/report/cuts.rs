//! Cuts of figures, and what of them bodies above a mutual may see. A mutual sees its own whole. Above, small counts are hidden
//! and all others rounded, with their amounts (R53); how many persons of each sex and age a platform has is exact instead, with
//! small cells hidden and others for their sake (R42–R45). Exact are stocks on one level alone, where what is hidden below is hidden
//! too, while flows, which months add up, are rounded everywhere: what is hidden is not the difference of two exact answers. What
//! bounds still tell stands in decision 16.
use super::period::Period;
use super::shape::Cut;
use super::units::Unit;
use crate::access::permissions::OrganisationKind;
use crate::error::{Code, Error, Problem, Result};
use crate::money::Currency;
use crate::reports::disclosure::{Published, rounded, rounded_amount, suppress};
use crate::reports::measures::{Cells, Dimension};
use std::collections::{BTreeMap, BTreeSet};

/// Counts of persons below this are hidden in an exact table: those that rounding hides, since the zeros of all mutuals but one
/// would give that one's.
const SMALLEST: i64 = 8;

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

/// The level of each facility.
pub type Levels = BTreeMap<String, String>;

/// The tables of a cut: one for each currency where it has amounts. With `levels`, what is kept by facility is told by level. Of
/// units that are too small nothing flows into them; their stocks stand there where they are shown of the last month, since two exact
/// tables of one day with and without a unit would tell what is hidden of it.
///
/// # Errors
/// A fault where a sum cannot be counted.
pub fn tables(
    units: &[&Unit],
    period: Period,
    cut: Cut,
    (own, kind): (bool, OrganisationKind),
    levels: Option<&Levels>,
) -> Result<Vec<CutTable>> {
    let dimension = cut.dimension();
    let has_money = dimension.numbers().iter().any(|number| number.ends_with("_minor"));
    let mut groups: BTreeMap<Option<&str>, (Option<Currency>, Sums)> = BTreeMap::new();
    let has_stock = dimension.numbers().iter().any(|name| is_stock(name));
    let is_told = |unit: &&&Unit| !unit.too_small || (has_stock && !unit.too_small_at_end);
    for unit in units.iter().filter(is_told) {
        let currency = has_money.then_some(unit.currency);
        let group = groups.entry(currency.map(|currency| currency.code())).or_insert((currency, Sums::default()));
        add(&mut group.1, unit, (period, dimension), levels);
        group.1.is_of_some |= unit.too_small;
    }
    let disclosure = match (own, cut, kind) {
        (true, ..) => Disclosure::Whole,
        (false, Cut::Sex | Cut::AgeBand | Cut::SexAge, OrganisationKind::Platform) => Disclosure::Suppress,
        _ => Disclosure::Round5,
    };
    let told = |(currency, sums): (Option<Currency>, Sums)| {
        let mut table = table(cut, disclosure, currency, &sums.cells)?;
        let known = sums.known.unwrap_or(usize::MAX);
        for row in table.rows.iter_mut().chain([&mut table.total]) {
            row.numbers.iter_mut().skip(known).for_each(|number| *number = None);
            let flows = row.numbers.iter_mut().zip(dimension.numbers()).filter(|(_, name)| !is_stock(name));
            flows.filter(|_| sums.is_of_some).for_each(|(number, _)| *number = None);
        }
        Ok(table)
    };
    groups.into_values().map(told).collect()
}

/// The sums of cells.
#[derive(Default)]
struct Sums {
    cells: Cells,
    /// So many numbers are known of all of them: older releases have fewer, and what they have not is not zero.
    known: Option<usize>,
    /// Of a unit only the stocks are told: what flows, of the others alone, would stand beside them as if it were of all.
    is_of_some: bool,
}

/// Adds a unit's cells of a period: stocks are those of its last month.
fn add(sums: &mut Sums, unit: &Unit, (period, dimension): (Period, Dimension), levels: Option<&Levels>) {
    for (month, known) in unit.months.range(period.first..=period.last) {
        let is_last = *month == period.last;
        if unit.too_small && !is_last {
            continue;
        }
        for (key, numbers) in known.cells.get(&dimension).into_iter().flatten() {
            let key = match levels {
                None => key.clone(),
                Some(levels) => levels.get(key).cloned().unwrap_or_else(|| "unknown".to_owned()),
            };
            sums.known = Some(sums.known.unwrap_or(usize::MAX).min(numbers.len()));
            let sum = sums.cells.entry(key).or_insert_with(|| vec![0; dimension.numbers().len()]);
            for ((place, name), number) in sum.iter_mut().zip(dimension.numbers()).zip(numbers) {
                if (is_stock(name) && is_last) || (!is_stock(name) && !unit.too_small) {
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
    // So few are a figure of the report, which zeros beside them would give to the only one that is hidden.
    let few = |at: &usize| disclosure != Disclosure::Whole && is_few(numbers, &total, *at);
    if counted(numbers, &total).is_some_and(|(at, _)| few(&at)) {
        // Not even the name of what they are is told.
        sums.clear();
    }
    let untold: Vec<usize> = (0..numbers.len()).filter(few).collect();
    let row = |(key, own): (String, Vec<i64>)| {
        let mut numbers = shown(numbers, &own, disclosure)?;
        untold.iter().filter_map(|at| numbers.get_mut(*at).map(Option::take)).for_each(drop);
        Ok(CutRow { key, numbers })
    };
    let mut rows: Vec<CutRow> = sums.into_iter().map(row).collect::<Result<_>>()?;
    let mut total = CutRow { key: "total".into(), numbers: shown(numbers, &total, disclosure)? };
    if disclosure != Disclosure::Whole {
        hide_beside_zeros(numbers, &mut rows, &mut total);
    }
    Ok(CutTable { cut, disclosure, currency, numbers: numbers.to_vec(), rows, total })
}

/// Where a row is hidden and the others have nothing of an amount, all of it, which is a figure of the report, would be its.
fn hide_beside_zeros(names: &[&str], rows: &mut [CutRow], total: &mut CutRow) {
    let is_hidden = |row: &CutRow| row.numbers.first().is_some_and(Option::is_none);
    if !rows.iter().any(is_hidden) {
        return;
    }
    for (at, _) in names.iter().enumerate().filter(|(_, name)| name.ends_with("_minor")) {
        let told = |row: &CutRow| row.numbers.get(at).copied().flatten();
        if rows.iter().all(|row| told(row).is_none_or(|amount| amount == 0)) {
            rows.iter_mut()
                .chain([&mut *total])
                .filter_map(|row| row.numbers.get_mut(at))
                .for_each(|told| *told = None);
        }
    }
}

/// Whether all that a count of a table adds up to is hidden.
fn is_few(names: &[&str], total: &[i64], at: usize) -> bool {
    let is_count = names.get(at).is_some_and(|name| !name.ends_with("_minor"));
    is_count && total.get(at).is_some_and(|count| rounded(*count).is_none())
}

/// The number of a cell to which its amounts belong, the first that is none, with its place; a payer has none.
fn counted(names: &[&str], numbers: &[i64]) -> Option<(usize, i64)> {
    let mut counts = names.iter().zip(numbers).enumerate().filter(|(_, (name, _))| !name.ends_with("_minor"));
    counts.next().map(|(at, (_, number))| (at, *number))
}

/// What of a cell is shown: each count by itself, amounts as what the count that is shown would cost.
fn shown(names: &[&str], numbers: &[i64], disclosure: Disclosure) -> Result<Vec<Option<i64>>> {
    let counted = counted(names, numbers).filter(|_| disclosure != Disclosure::Whole);
    let Some((_, count)) = counted else { return Ok(numbers.iter().copied().map(Some).collect()) };
    let beyond = |_| Error::from(Problem::of(Code::AmountTooLarge));
    // The largest, what was billed, says how finely all of them are told.
    let amounts = names.iter().zip(numbers).filter(|(name, _)| name.ends_with("_minor"));
    let largest = amounts.map(|(_, amount)| amount.unsigned_abs()).max().unwrap_or(0);
    let shown = |(name, number): (&&str, &i64)| match name.ends_with("_minor") {
        true => rounded_amount(count, *number, largest).map_err(beyond),
        false => Ok(rounded(*number).filter(|_| rounded(count).is_some())),
    };
    names.iter().zip(numbers).map(shown).collect()
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
    for (at, name) in names.iter().enumerate() {
        let of = |sex: &str, band: &str| {
            let own = parts.iter().filter(|part| part.0 == sex && part.1 == band);
            own.filter_map(|part| part.2.get(at)).sum::<i64>()
        };
        let grid: Vec<Vec<i64>> =
            sexes.iter().map(|sex| bands.iter().map(|(_, band)| of(sex, band)).collect()).collect();
        published.push(protect(&grid, of_number(disclosure, name))?);
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
    let shown = |(name, number): (&&str, i64)| match of_number(disclosure, name) {
        // The same number is a figure of the report, or of that of the last month.
        Disclosure::Whole | Disclosure::Suppress => Some(number),
        Disclosure::Round5 => rounded(number),
    };
    let total = CutRow { key: "total".into(), numbers: names.iter().zip(total).map(shown).collect() };
    Ok(CutTable { cut, disclosure, currency, numbers: names.to_vec(), rows, total })
}

/// How a number of a table is shown: the months of what flows add up to the quarter, so it is never exact above.
fn of_number(disclosure: Disclosure, name: &str) -> Disclosure {
    if disclosure == Disclosure::Suppress && !is_stock(name) { Disclosure::Round5 } else { disclosure }
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
        Disclosure::Round5 => {
            let mut published = crate::reports::disclosure::round5(grid).map_err(fault)?;
            // So few are a figure of the report, which zeros beside them would give to the only cell or line that is hidden.
            if rounded(grid.iter().flatten().fold(0, |sum, count| sum.saturating_add(*count))).is_none() {
                let columns = published.column_totals.iter_mut().flatten();
                let totals = published.row_totals.iter_mut().chain(columns);
                published.cells.iter_mut().flatten().chain(totals).for_each(|number| *number = None);
            }
            Ok(published)
        }
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
    use super::super::units::{Known, KnownMonth};
    use super::*;
    use crate::ids::OrganisationId;
    use chrono::NaiveDate;
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

    /// Claims, billed, and borne by the mutual; the member bears the rest.
    fn cells_of(rows: &[(&str, [i64; 3])]) -> Cells {
        let cell = |[claims, billed, borne]: [i64; 3]| vec![claims, billed, borne, billed - borne, 0];
        rows.iter().map(|(key, own)| ((*key).to_owned(), cell(*own))).collect()
    }

    fn numbers_of(table: &CutTable) -> Vec<&[Option<i64>]> {
        table.rows.iter().map(|row| row.numbers.as_slice()).collect()
    }

    #[test]
    fn amounts_are_those_of_the_number_that_is_shown() {
        let three = cells_of(&[("DRUG", [40, 900, 700]), ("LAB", [3, 50, 40]), ("OPD", [23, 690, 469])]);
        let table = table(Cut::Category, Disclosure::Round5, None, &three).unwrap();
        let shown = numbers_of(&table);
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[0], &[Some(40), Some(900), Some(700), Some(200), None]);
        assert_eq!(shown[1], &[None; 5]);
        // 690 × 25 / 23, 469 × 25 / 23, 221 × 25 / 23, each to the ten, as one of them costs 30; nothing was written off but what
        // the hidden row may have.
        assert_eq!(shown[2], &[Some(25), Some(750), Some(510), Some(240), None]);
        assert_eq!(table.total.numbers, [Some(65), Some(1_620), Some(1_190), Some(420), None]);
        let whole = super::table(Cut::Category, Disclosure::Whole, None, &three).unwrap();
        assert_eq!(numbers_of(&whole)[1], &[Some(3), Some(50), Some(40), Some(10), Some(0)]);
    }

    #[test]
    fn of_so_few_in_all_not_even_the_name_is_told() {
        let one = cells_of(&[("DRUG", [0, 0, 0]), ("LAB", [3, 50, 40])]);
        let table = table(Cut::Category, Disclosure::Round5, None, &one).unwrap();
        assert!(table.rows.is_empty());
        assert_eq!(table.total.numbers, [None; 5]);
        let whole = super::table(Cut::Category, Disclosure::Whole, None, &one).unwrap();
        assert_eq!(numbers_of(&whole)[1], &[Some(3), Some(50), Some(40), Some(10), Some(0)]);
        // The other number of a cell by itself: three rejected of one facility, none of the other.
        let two: Cells = [("A", [20, 3, 900, 800, 100, 0]), ("B", [30, 0, 900, 800, 100, 0])]
            .map(|(key, own)| (key.into(), own.into()))
            .into();
        let table = super::table(Cut::Provider, Disclosure::Round5, None, &two).unwrap();
        let rejected: Vec<Option<i64>> = numbers_of(&table).iter().map(|numbers| numbers[1]).collect();
        assert_eq!((rejected, numbers_of(&table)[1][0]), (vec![None, None], Some(30)));
        // In a table of sex and age the zeros are hidden with it, and with two that together are a hidden line.
        let cases: Cells = [("female 0-4", [40, 2]), ("female 5-14", [40, 1]), ("male 0-4", [30, 0])]
            .map(|(key, own)| (key.into(), own.into()))
            .into();
        for disclosure in [Disclosure::Round5, Disclosure::Suppress] {
            let table = super::table(Cut::SexAge, disclosure, None, &cases).unwrap();
            assert_eq!(table.rows.len(), 8);
            for row in table.rows.iter().chain([&table.total]) {
                assert_eq!(row.numbers[1], None, "{disclosure:?} {}", row.key);
            }
        }
    }

    #[test]
    fn levels_are_sums_of_facilities_and_what_older_releases_have_not_is_not_known() {
        let month = |at: u32| NaiveDate::from_ymd_opt(2026, at, 1).unwrap();
        let facilities: Cells = [("A", 20), ("B", 3), ("C", 30), ("D", 5)]
            .map(|(key, claims)| {
                (key.to_owned(), vec![claims, 0, claims * 1_000, claims * 800, claims * 150, claims * 50])
            })
            .into();
        let levels: Levels = [("A", "hospital"), ("B", "hospital"), ("C", "health_centre")]
            .map(|(id, level)| (id.to_owned(), level.to_owned()))
            .into();
        let home = unit(&[(month(3), facilities.clone())], Dimension::Provider);
        let ask = |units: &[&Unit], period: &str, own: bool| {
            let (period, of) = (Period::parse(period).unwrap(), (own, OrganisationKind::Platform));
            tables(units, period, Cut::Level, of, Some(&levels)).unwrap().remove(0)
        };
        let rows =
            |table: &CutTable| table.rows.iter().map(|row| (row.key.clone(), row.numbers.clone())).collect::<Vec<_>>();
        let whole =
            |claims: i64| [claims, 0, claims * 1_000, claims * 800, claims * 150, claims * 50].map(Some).to_vec();
        let own = rows(&ask(&[&home], "2026-03", true));
        assert_eq!(
            own,
            [("health_centre", 30), ("hospital", 23), ("unknown", 5)].map(|(key, n)| (key.into(), whole(n)))
        );
        let above = rows(&ask(&[&home], "2026-03", false));
        assert_eq!(above[1], ("hospital".into(), [25, 0, 25_000, 20_000, 4_000, 1_000].map(Some).to_vec()));
        assert_eq!(above[2], ("unknown".into(), vec![None; 6]));
        // A month that was released when a facility had four numbers.
        let short = facilities.iter().map(|(key, own)| (key.clone(), own[..4].to_vec())).collect();
        let both = unit(&[(month(2), short), (month(3), facilities)], Dimension::Provider);
        let quarter = ask(&[&both], "2026Q1", true);
        for row in quarter.rows.iter().chain([&quarter.total]) {
            assert_eq!((row.numbers[0].is_some(), row.numbers[3].is_some()), (true, true));
            assert_eq!(row.numbers[4..], [None, None], "{}", row.key);
        }
    }

    fn unit(months: &[(NaiveDate, Cells)], dimension: Dimension) -> Unit {
        let known = |cells: &Cells| KnownMonth {
            known: Known::Live { totals: Default::default(), stock_on: NaiveDate::MAX, as_of: NaiveDate::MAX.into() },
            cells: [(dimension, cells.clone())].into(),
        };
        Unit {
            id: OrganisationId::NIL,
            currency: Currency::parse("XOF").unwrap(),
            target: None,
            months: months.iter().map(|(month, cells)| (*month, known(cells))).collect(),
            too_small: false,
            too_small_before: false,
            too_small_at_end: false,
        }
    }

    /// What a body is told of a number of a cell, of units and months: none where it is hidden.
    fn told(units: &[Unit], period: &str, (cut, kind): (Cut, OrganisationKind), key: &str, at: usize) -> Option<i64> {
        let units: Vec<&Unit> = units.iter().collect();
        let table = tables(&units, Period::parse(period).unwrap(), cut, (false, kind), None).unwrap().remove(0);
        table.rows.into_iter().find(|row| row.key == key).and_then(|row| row.numbers.get(at).copied().flatten())
    }

    proptest! {
        /// Two mutuals, two months: what is told of one less or with what is told of another is never the number of a hidden cell,
        /// but by chance of rounding, which tells nobody that it is.
        #[test]
        fn no_difference_of_levels_or_months_is_a_hidden_number(
            counts in prop::array::uniform8(prop_oneof![Just(0_i64), 1_i64..=7, 8_i64..60]),
            others in prop::array::uniform4(8_i64..60),
        ) {
            let month = |at: u32| NaiveDate::from_ymd_opt(2026, at, 1).unwrap();
            // An average of its own in each cell: with one for all, a hidden amount would be so many times the average.
            let cell = |at: usize| vec![counts[at], counts[at] * (10_007 + 1_301 * i64::try_from(at).unwrap())];
            let row = |at: usize, own: Vec<i64>| -> Cells {
                [("LAB".to_owned(), [own[0], own[1], own[1], 0, 0].to_vec()),
                    ("OPD".to_owned(), [others[at % 4], 9_001, 8_003, 998, 0].to_vec())].into()
            };
            let home = |first: usize| unit(
                &[(month(1), row(first, cell(first))), (month(2), row(first + 1, cell(first + 1)))], Dimension::Category);
            // Both numbers happen to be what they are rounded to.
            let is_chance = |one: i64, both: i64| one % 5 == 0 && both % 5 == 0;
            let all = [home(0), home(2)];
            let ask = |units: &[Unit], period| told(units, period, (Cut::Category, OrganisationKind::Platform), "LAB", 1);
            for (at, period) in [(0, "2026-01"), (1, "2026-02")] {
                for (own, sister) in [(0, 1), (1, 0)] {
                    let (count, amount) = (counts[own * 2 + at], cell(own * 2 + at)[1]);
                    if !(1..=7).contains(&count) {
                        continue;
                    }
                    let mine = std::slice::from_ref(&all[own]);
                    prop_assert_eq!(ask(mine, period), None);
                    let theirs = counts[sister * 2 + at];
                    if let (Some(both), Some(other)) = (ask(&all, period), ask(std::slice::from_ref(&all[sister]), period)) {
                        prop_assert!(both - other != amount || is_chance(theirs, theirs + count));
                    }
                    let later = counts[own * 2 + 1 - at];
                    if let (Some(both), Some(other)) = (ask(mine, "2026Q1"), ask(mine, ["2026-02", "2026-01"][at])) {
                        prop_assert!(both - other != amount || is_chance(later, later + count));
                    }
                }
            }
        }

        /// Prices are multiples of 50: what is told of claims is told of each number that is rounded to the one shown.
        #[test]
        fn an_amount_does_not_say_of_how_many_it_is(count in 8_i64..200, prices in prop::collection::vec(10_i64..300, 1..6)) {
            let amount: i64 = (0..count).zip(prices.iter().cycle()).map(|(_, price)| price * 50).sum();
            let shown = rounded(count).unwrap();
            let told = rounded_amount(count, amount, 0).unwrap();
            for other in (shown - 2..=shown + 2).filter(|other| *other >= 8) {
                // The multiples of 50 about what so many would have cost.
                let about = told.unwrap() * other / shown / 50;
                let fits = (about - 400..about + 400).any(|fifties| rounded_amount(other, fifties * 50, 0).unwrap() == told);
                prop_assert!(fits, "{} of {}: not of {}", amount, count, other);
            }
        }

        /// Nor does what was written off of a few among them: it is told as finely as what was billed, and no finer.
        #[test]
        fn what_few_of_them_cost_does_not_say_of_how_many_they_are(
            count in 8_i64..200, price in 10_i64..300, of_few in 1_i64..=60,
        ) {
            let written_off = of_few * 50;
            let of = |count: i64, written_off: i64| {
                let billed = count * price * 50;
                let cell = [count, billed, billed - written_off, 0, written_off];
                shown(Dimension::Category.numbers(), &cell, Disclosure::Round5).unwrap()[4].unwrap()
            };
            let told = of(count, written_off);
            let near = rounded(count).unwrap();
            for other in (near - 2..=near + 2).filter(|other| *other >= 8) {
                let fits = (0..=2 * of_few + 400).any(|fifties| of(other, fifties * 50) == told);
                prop_assert!(fits, "{} of {}: not of {}", written_off, count, other);
            }
        }

        /// A mutual that grew: of the quarter it is hidden, of its last month it is not. The persons of both are those of one day.
        #[test]
        fn a_quarter_and_its_last_month_tell_of_the_same_persons(
            few in prop::array::uniform4(0_i64..60), sister in prop::array::uniform4(0_i64..90),
        ) {
            let months = |own: &[i64; 4]| -> Vec<(NaiveDate, Cells)> {
                let cells = |share: i64| -> Cells {
                    ["female 0-4", "female 5-14", "male 0-4", "male 5-14"].iter().zip(own)
                        .map(|(key, count)| ((*key).to_owned(), vec![count / share, *count])).collect()
                };
                (1..=3).map(|at| (NaiveDate::from_ymd_opt(2026, at, 1).unwrap(), cells(4 - i64::from(at)))).collect()
            };
            let grown = |is_of_quarter: bool| Unit {
                too_small: is_of_quarter, ..unit(&months(&few), Dimension::SexAge)
            };
            let other = unit(&months(&sister), Dimension::SexAge);
            let tables = |is_of_quarter: bool, period: &str| {
                let (grown, period) = (grown(is_of_quarter), Period::parse(period).unwrap());
                tables(&[&grown, &other], period, Cut::SexAge, (false, OrganisationKind::Platform), None).unwrap().remove(0)
            };
            let (quarter, month) = (tables(true, "2026Q1"), tables(false, "2026-03"));
            let persons = |table: &CutTable| table.rows.iter().map(|row| (row.key.clone(), row.numbers[0])).collect::<Vec<_>>();
            prop_assert_eq!(persons(&quarter), persons(&month));
            // What flows is of the sister alone.
            let alone = super::tables(&[&other], Period::parse("2026Q1").unwrap(), Cut::SexAge,
                (false, OrganisationKind::Platform), None).unwrap().remove(0);
            prop_assert!(quarter.rows.iter().chain([&quarter.total]).all(|row| row.numbers[1].is_none()));
            prop_assert!(alone.total.numbers[1].is_some() || (1..8).contains(&sister.iter().sum::<i64>()) || alone.rows.is_empty());
            // What only flows is as if the unit were not there.
            let categories = |period: &str| -> Vec<CutTable> {
                let (grown, period) = (grown(true), Period::parse(period).unwrap());
                super::tables(&[&grown], period, Cut::Category, (false, OrganisationKind::Platform), None).unwrap()
            };
            prop_assert!(categories("2026Q1").is_empty());
        }

        /// Persons of a platform of two mutuals, exact: what is hidden of a mutual is not the platform's less a zero.
        #[test]
        fn what_is_hidden_of_a_mutual_is_hidden_of_a_platform_beside_zeros(few in 1_i64..=7, rest in 8_i64..60) {
            let month = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
            let home = |children: i64| {
                let cells = [("female 0-4", children), ("female 5-14", rest), ("male 0-4", rest), ("male 5-14", rest)];
                unit(&[(month, cells.map(|(key, count)| (key.into(), vec![count, 0])).into())], Dimension::SexAge)
            };
            let all = [home(few), home(0)];
            let of = (Cut::SexAge, OrganisationKind::Platform);
            prop_assert_eq!(told(&all[..1], "2026-03", (Cut::SexAge, OrganisationKind::Mutual), "female 0-4", 0), None);
            prop_assert_eq!(told(&all, "2026-03", of, "female 0-4", 0), None);
            prop_assert_eq!(told(&all[1..], "2026-03", (Cut::SexAge, OrganisationKind::Mutual), "female 0-4", 0), Some(0));
        }

        /// Cases flow: three months of a platform do not add up to what one of them hides.
        #[test]
        fn months_of_cases_do_not_give_the_hidden_one_back(few in 1_i64..=7, second in 8_i64..60, third in 8_i64..60) {
            let grid = |cases: i64| -> Cells {
                [("female 0-4", [50, cases]), ("male 0-4", [50, 31])].map(|(key, own)| (key.into(), own.into())).into()
            };
            let months: Vec<(NaiveDate, Cells)> = [few, second, third].iter().zip(1..).map(|(cases, at)| {
                (NaiveDate::from_ymd_opt(2026, at, 1).unwrap(), grid(*cases))
            }).collect();
            let platform = [unit(&months, Dimension::SexAge)];
            let ask = |period| told(&platform, period, (Cut::SexAge, OrganisationKind::Platform), "female 0-4", 1);
            prop_assert_eq!(ask("2026-01"), None);
            for (period, cases) in [("2026-02", second), ("2026-03", third), ("2026Q1", few + second + third)] {
                prop_assert_eq!(ask(period), rounded(cases), "{}", period);
            }
        }
    }
}
