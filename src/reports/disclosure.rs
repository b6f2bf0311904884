//! What may be shown of a table of counts: small cells hidden with enough others that margins do not give them back
//! (R42–R45), or small counts hidden and all others rounded (R53). Pure.
//!
//! Not claimed: that a hidden cell keeps a wide interval (`[[1, 1]]` with its total of 2 leaves nothing else to whoever
//! knows that zeros are published), nor that several tables of the same people are safe side by side (R46).

use super::rules::average_minor;
use crate::money::{self, Overflow};

/// The most rows, and the most columns, of a table.
pub const MAX_LINES: usize = 300;

/// What counts are rounded to (R53).
const ROUNDING_STEP: i64 = 5;

/// The largest count that rounding hides (R53).
const ROUNDING_HIDES: i64 = 7;

/// Why a table cannot be protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("the rows of the table differ in length")]
    Ragged,
    #[error("a table has at most {MAX_LINES} rows and {MAX_LINES} columns")]
    TooLarge,
    #[error("a count is negative")]
    NegativeCount,
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// A table as it may be shown; `None` is hidden, never zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub cells: Vec<Vec<Option<i64>>>,
    pub row_totals: Vec<Option<i64>>,
    /// `None` where the table has no column totals.
    pub column_totals: Option<Vec<Option<i64>>>,
}

/// A table after suppression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// Row and column, from zero and in row order, of the cells that are too small themselves. Not to be shown: they
    /// tell the small cells from those hidden for their sake.
    pub primary: Vec<(usize, usize)>,
    pub published: Published,
}

/// A count with what is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    pub count: Option<i64>,
    pub amount: Option<i64>,
    /// Also `None` for a count of zero.
    pub average: Option<i64>,
    pub suppressed: bool,
}

/// Hides the counts below `k`, then cells and totals beside them until no hidden cell can be computed (R42–R44).
/// A table of one row has no column totals.
///
/// # Errors
/// Where the rows differ in length, the table is too large, a count is negative or a total does not fit in 64 bits.
pub fn suppress(table: &[Vec<i64>], k: i64) -> Result<Suppressed, TableError> {
    let mut table = Table::new(table, k)?;
    let primary = table.hidden_cells().collect();
    table.complement();
    if table.has_column_totals() {
        // R43 need not repeat in here: it counts the hidden cells of lines with a total, and only totals are hidden.
        hide_second_total(&mut table.row_totals);
        hide_second_total(&mut table.column_totals);
        table.hide_totals_of_determined_cells();
    }
    Ok(Suppressed { primary, published: table.published() })
}

/// A count, its amount and their average, all hidden where the count is too small (R42, R45).
///
/// # Errors
/// Where the average does not fit in 64 bits.
pub fn suppress_derived(k: i64, count: i64, amount: i64) -> Result<Derived, Overflow> {
    if is_small(count, k) {
        return Ok(Derived { count: None, amount: None, average: None, suppressed: true });
    }
    let average = average_minor(amount, count)?;
    Ok(Derived { count: Some(count), amount: Some(amount), average, suppressed: false })
}

/// Rounds each count and each true total by itself (R53).
///
/// # Errors
/// As [`suppress`].
pub fn round5(table: &[Vec<i64>]) -> Result<Published, TableError> {
    check(table)?;
    let totals = |sums: Vec<i64>| sums.into_iter().map(rounded).collect();
    Ok(Published {
        cells: table.iter().map(|row| row.iter().copied().map(rounded).collect()).collect(),
        row_totals: totals(row_sums(table)?),
        column_totals: Some(totals(column_sums(table)?)),
    })
}

/// A count rounded to the nearest 5, `None` from 1 to 7 (R53). What is derived from a hidden count is hidden with it.
pub fn rounded(count: i64) -> Option<i64> {
    if (1..=ROUNDING_HIDES).contains(&count) {
        return None;
    }
    // Adding to the multiple below, and not to the count, cannot overflow: `i64::MAX` is two above a multiple of 5.
    let above = count.rem_euclid(ROUNDING_STEP);
    let below = count - above;
    Some(if above * 2 >= ROUNDING_STEP { below + ROUNDING_STEP } else { below })
}

/// An amount beside a count that is rounded: what the count shown would cost, to the power of ten below what one costs of the
/// largest amount beside it. So what some have cannot be had from that of all less that of the others, and none of the counts that
/// are rounded to the one shown is more likely than another, though prices are multiples of 50 and some amounts, such as what was
/// written off, are of a few among them. `None` where the count is hidden (R45, R53).
///
/// # Errors
/// Where the amount does not fit in 64 bits.
pub fn rounded_amount(count: i64, amount: i64, largest: u64) -> Result<Option<i64>, Overflow> {
    let Some(shown) = rounded(count).filter(|_| count != 0) else {
        // What belongs to nothing is as it is.
        return Ok((count == 0).then_some(amount));
    };
    let Some(scaled) = money::ratio(amount, count, shown)? else { return Ok(None) };
    let one = largest.max(amount.unsigned_abs()) / count.unsigned_abs();
    let step = one.checked_ilog10().map_or(1, |digits| 10_i64.pow(digits));
    let steps = money::ratio(scaled, step, 1)?.unwrap_or(0);
    steps.checked_mul(step).map(Some).ok_or(Overflow)
}

/// R42.
fn is_small(count: i64, k: i64) -> bool {
    1 <= count && count < k
}

fn check(table: &[Vec<i64>]) -> Result<(), TableError> {
    let columns = table.first().map_or(0, Vec::len);
    if table.iter().any(|row| row.len() != columns) {
        return Err(TableError::Ragged);
    }
    if table.len() > MAX_LINES || columns > MAX_LINES {
        return Err(TableError::TooLarge);
    }
    if table.iter().flatten().any(|count| *count < 0) {
        return Err(TableError::NegativeCount);
    }
    Ok(())
}

fn row_sums(table: &[Vec<i64>]) -> Result<Vec<i64>, Overflow> {
    table.iter().map(|row| money::sum(row.iter().copied())).collect()
}

fn column_sums(table: &[Vec<i64>]) -> Result<Vec<i64>, Overflow> {
    let columns = table.first().map_or(0, Vec::len);
    (0..columns).map(|column| money::sum(table.iter().filter_map(|row| row.get(column).copied()))).collect()
}

// ---------------------------------------------------------------------------------------------------------------------
// The table while cells are being hidden

/// A count or a total.
#[derive(Debug, Clone, Copy)]
struct Figure {
    value: i64,
    hidden: bool,
}

impl Figure {
    fn visible(value: i64) -> Self {
        Self { value, hidden: false }
    }

    fn published(self) -> Option<i64> {
        (!self.hidden).then_some(self.value)
    }
}

#[derive(Debug, Clone)]
struct Table {
    rows: Vec<Vec<Figure>>,
    row_totals: Vec<Figure>,
    /// Empty for one row.
    column_totals: Vec<Figure>,
}

/// The line that stands for all those without a published total, since nothing tells them apart. The others have the
/// numbers after it, first the rows.
const WITHOUT_TOTAL: usize = 0;

impl Table {
    /// The table with its small counts hidden.
    fn new(counts: &[Vec<i64>], k: i64) -> Result<Self, TableError> {
        check(counts)?;
        let cell = |count: &i64| Figure { value: *count, hidden: is_small(*count, k) };
        let column_sums = if counts.len() == 1 { Vec::new() } else { column_sums(counts)? };
        Ok(Self {
            rows: counts.iter().map(|row| row.iter().map(cell).collect()).collect(),
            row_totals: row_sums(counts)?.into_iter().map(Figure::visible).collect(),
            column_totals: column_sums.into_iter().map(Figure::visible).collect(),
        })
    }

    fn has_column_totals(&self) -> bool {
        self.rows.len() != 1
    }

    /// R43 until stable, with the first half of R44.
    fn complement(&mut self) {
        loop {
            let mut changed = false;
            for (row, total) in self.rows.iter_mut().zip(&mut self.row_totals) {
                changed |= complement_line(row.iter_mut(), total);
            }
            for (column, total) in self.column_totals.iter_mut().enumerate() {
                changed |= complement_line(self.rows.iter_mut().filter_map(|row| row.get_mut(column)), total);
            }
            // A line is changed once: then it has two hidden cells, or no total. So this ends.
            if !changed {
                return;
            }
        }
    }

    /// The places of the hidden cells, in row order.
    fn hidden_cells(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows.iter().enumerate().flat_map(|(row, cells)| {
            let hidden = cells.iter().enumerate().filter(|(_, cell)| cell.hidden);
            hidden.map(move |(column, _)| (row, column))
        })
    }

    /// Hides both totals of the first hidden cell that follows from the published figures, until none does (R44).
    ///
    /// Take the lines as vertices and the hidden cells as edges. What can be added to the hidden cells without changing
    /// a published total is a flow from rows to columns that every line with a total passes on in full; the lines
    /// without one, taken together, absorb anything. A flow can pass through an edge if and only if the edge is on a
    /// cycle: a cell is determined when its edge is a bridge.
    ///
    /// That no count is negative tells nothing more. Hidden cells are at least 1, and a cycle adds 1 to some and takes
    /// 1 from others, either way round: each cell of it may be one more or one less.
    fn hide_totals_of_determined_cells(&mut self) {
        // Every cut of the graph keeps its only edge, or two of its edges, in a spanning forest and another one of what
        // is left: no other cell can be a bridge, and none is needed to see whether one is.
        let (mut joined, mut joined_again) = (self.apart(), self.apart());
        let (forest, rest): (Vec<_>, Vec<_>) = self.hidden_cells().partition(|cell| joined.join(self.lines(*cell)));
        let spare: Vec<_> = rest.into_iter().filter(|cell| joined_again.join(self.lines(*cell))).collect();
        // Hiding totals merges vertices, which breaks no cycle and makes no new cut. So a cell that is not determined
        // stays so, and the next one that is comes later in row order.
        for bridge in &forest {
            let mut others = self.apart();
            for cell in forest.iter().chain(&spare).filter(|cell| *cell != bridge) {
                others.join(self.lines(*cell));
            }
            if others.join(self.lines(*bridge)) {
                let (row, column) = *bridge;
                hide(self.row_totals.get_mut(row));
                hide(self.column_totals.get_mut(column));
            }
        }
    }

    /// The numbers of a cell's row and column.
    fn lines(&self, (row, column): (usize, usize)) -> [usize; 2] {
        let number = |totals: &[Figure], place: usize, first: usize| match totals.get(place) {
            Some(total) if !total.hidden => first + place,
            _ => WITHOUT_TOTAL,
        };
        let first_row = WITHOUT_TOTAL + 1;
        let first_column = first_row + self.row_totals.len();
        [number(&self.row_totals, row, first_row), number(&self.column_totals, column, first_column)]
    }

    /// Every line, with no other.
    fn apart(&self) -> Groups {
        Groups((0..=self.row_totals.len() + self.column_totals.len()).collect())
    }

    fn published(self) -> Published {
        let figures = |line: Vec<Figure>| line.into_iter().map(Figure::published).collect();
        Published {
            column_totals: self.has_column_totals().then(|| figures(self.column_totals)),
            cells: self.rows.into_iter().map(figures).collect(),
            row_totals: figures(self.row_totals),
        }
    }
}

/// Hides one more cell of a line that has a published total and one hidden cell, or else its total; whether it did.
/// Of equal cells the first one goes, which is the one in the lowest row or column.
fn complement_line<'a>(cells: impl Iterator<Item = &'a mut Figure>, total: &mut Figure) -> bool {
    let (hidden, visible): (Vec<_>, Vec<_>) = cells.partition(|cell| cell.hidden);
    if total.hidden || hidden.len() != 1 {
        return false;
    }
    hide(Some(smallest(visible.into_iter()).unwrap_or(total)));
    true
}

/// One hidden total of a margin is the grand total, which the other margin gives, less the others (R44).
fn hide_second_total(totals: &mut [Figure]) {
    let (hidden, visible): (Vec<_>, Vec<_>) = totals.iter_mut().partition(|total| total.hidden);
    if hidden.len() == 1 {
        hide(smallest(visible.into_iter()));
    }
}

/// The first of the smallest figures; a zero is published and serves nobody (R44).
fn smallest<'a>(visible: impl Iterator<Item = &'a mut Figure>) -> Option<&'a mut Figure> {
    visible.filter(|figure| figure.value > 0).min_by_key(|figure| figure.value)
}

fn hide(figure: Option<&mut Figure>) {
    if let Some(figure) = figure {
        figure.hidden = true;
    }
}

/// Lines grouped by the hidden cells between them: each leads to another of its group, but for one, which leads to
/// itself.
struct Groups(Vec<usize>);

impl Groups {
    /// Makes one group of the groups of two lines; false if they were in one already.
    fn join(&mut self, lines: [usize; 2]) -> bool {
        let [one, other] = lines.map(|line| self.last(line));
        self.lead(one, other);
        one != other
    }

    /// The line that those of a group lead to.
    fn last(&mut self, line: usize) -> usize {
        let mut last = line;
        while let Some(next) = self.0.get(last)
            && *next != last
        {
            last = *next;
        }
        // A shortcut for the next time.
        self.lead(line, last);
        last
    }

    fn lead(&mut self, from: usize, to: usize) {
        if let Some(next) = self.0.get_mut(from) {
            *next = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const K: i64 = 5;
    /// A hidden figure.
    const X: Option<i64> = None;

    fn vecs<const R: usize, const C: usize>(rows: [[i64; C]; R]) -> Vec<Vec<i64>> {
        rows.map(Vec::from).into()
    }

    /// The expected figures; plain numbers are visible.
    fn shown<const R: usize, const C: usize>(
        cells: [[Option<i64>; C]; R],
        row_totals: [Option<i64>; R],
        column_totals: Option<[Option<i64>; C]>,
    ) -> Published {
        Published {
            cells: cells.map(Vec::from).into(),
            row_totals: row_totals.into(),
            column_totals: column_totals.map(Vec::from),
        }
    }

    fn suppressed<const R: usize, const C: usize>(rows: [[i64; C]; R]) -> Published {
        suppress(&vecs(rows), K).unwrap().published
    }

    #[test]
    fn a_row_alone_hides_a_second_cell() {
        assert_eq!(suppressed([[3, 42]]), shown([[X, X]], [Some(45)], None));
        assert_eq!(suppressed([[5, 42]]), shown([[Some(5), Some(42)]], [Some(47)], None));
        assert_eq!(suppressed([[0, 4, 30]]), shown([[Some(0), X, X]], [Some(34)], None));
        // Two small cells need no third. Totals are not tested against k.
        assert_eq!(suppressed([[1, 30, 1]]), shown([[X, Some(30), X]], [Some(32)], None));
        assert_eq!(suppressed([[1, 1]]), shown([[X, X]], [Some(2)], None));
        // Of equal cells the first goes.
        assert_eq!(suppressed([[9, 3, 7, 7]]), shown([[Some(9), X, X, Some(7)]], [Some(26)], None));
        // Without another cell the total goes.
        assert_eq!(suppressed([[0, 3, 0]]), shown([[Some(0), X, Some(0)]], [X], None));
        assert_eq!(suppressed([[3]]), shown([[X]], [X], None));
    }

    #[test]
    fn margins_do_not_give_a_cell_back() {
        let found = suppress(&vecs([[4, 20, 30], [15, 25, 10]]), K).unwrap();
        assert_eq!(found.primary, [(0, 0)]);
        let totals = Some([Some(19), Some(45), Some(40)]);
        assert_eq!(found.published, shown([[X, X, Some(30)], [X, X, Some(10)]], [Some(54), Some(50)], totals));
        // The 8 joins the 2 in its column, and then needs a cell in its own row.
        let expected = shown(
            [[X, X, Some(40)], [X, X, Some(70)], [X, X, Some(95)]],
            [Some(72), Some(180), Some(193)],
            Some([Some(60), Some(180), Some(205)]),
        );
        assert_eq!(suppressed([[2, 30, 40], [50, 60, 70], [8, 90, 95]]), expected);
        // In a column, of equal cells the one in the lowest row goes.
        let expected = shown(
            [[Some(30), X, X], [Some(30), X, X], [Some(30), Some(20), Some(20)]],
            [Some(53), Some(70), Some(70)],
            Some([Some(90), Some(43), Some(60)]),
        );
        assert_eq!(suppressed([[30, 3, 20], [30, 20, 20], [30, 20, 20]]), expected);
    }

    #[test]
    fn one_hidden_total_of_a_margin_hides_another() {
        // The 3 is alone in its column, whose total goes; that of the third column follows, or 120 less the other two
        // would be the 3.
        let expected = shown([[Some(0), X, X], [X, X, X]], [Some(70), Some(50)], Some([X, Some(70), X]));
        assert_eq!(suppressed([[0, 30, 40], [3, 40, 7]]), expected);
        let expected = shown([[Some(0), X], [X, X], [X, X]], [X, Some(70), X], Some([Some(70), Some(50)]));
        assert_eq!(suppressed([[0, 3], [30, 40], [40, 7]]), expected);
        // A total of zero is no help, and here the other margin does not have its sum.
        let expected = shown([[X, Some(0)], [Some(0), Some(0)]], [X, Some(0)], Some([X, Some(0)]));
        assert_eq!(suppressed([[3, 0], [0, 0]]), expected);
        // One column.
        assert_eq!(suppressed([[3], [42]]), shown([[X], [X]], [X, X], Some([Some(45)])));
    }

    #[test]
    fn a_cell_between_two_blocks_loses_both_totals() {
        // No line has a single hidden cell. But the first two rows less the first two columns are the 2 between the
        // blocks: 73 + 59 less what is visible, less 84 + 66 less what is visible.
        let table = [[1, 2, 30, 40], [3, 4, 2, 50], [20, 25, 1, 3], [60, 35, 4, 2]];
        let expected = shown(
            [[X, X, Some(30), Some(40)], [X, X, X, Some(50)], [Some(20), Some(25), X, X], [Some(60), Some(35), X, X]],
            [Some(73), X, Some(49), Some(101)],
            Some([Some(84), Some(66), X, Some(95)]),
        );
        assert_eq!(suppressed(table), expected);
    }

    #[test]
    fn a_table_without_small_counts_is_published_whole() {
        let whole = shown([[Some(1), Some(0)], [Some(2), Some(3)]], [Some(1), Some(5)], Some([Some(3), Some(3)]));
        for k in [i64::MIN, 0, 1] {
            assert_eq!(suppress(&vecs([[1, 0], [2, 3]]), k).unwrap().published, whole);
        }
        assert_eq!(suppressed([[], []]), shown([[], []], [Some(0), Some(0)], Some([])));
    }

    #[test]
    fn other_tables_are_refused() {
        let both = |table: &[Vec<i64>]| {
            let refused = round5(table).unwrap_err();
            assert_eq!(suppress(table, K).unwrap_err(), refused);
            refused
        };
        assert_eq!(both(&[vec![1, 2], vec![3]]), TableError::Ragged);
        assert_eq!(both(&[vec![1, -2]]), TableError::NegativeCount);
        assert_eq!(both(&vec![vec![1]; MAX_LINES + 1]), TableError::TooLarge);
        assert_eq!(both(&[vec![1; MAX_LINES + 1]]), TableError::TooLarge);
        assert_eq!(both(&[vec![i64::MAX, 1]]), TableError::Overflow(Overflow));
        assert_eq!(both(&[vec![i64::MAX], vec![1]]), TableError::Overflow(Overflow));
    }

    fn table_of(lines: usize, count: impl Fn(usize, usize) -> i64) -> Vec<Vec<i64>> {
        (0..lines).map(|row| (0..lines).map(|column| count(row, column)).collect()).collect()
    }

    #[test]
    fn long_chains_are_followed_to_their_end() {
        // Blocks of two small counts by two, and a cell between each and the next one.
        let count = |row: usize, column: usize| match (row, column) {
            _ if row / 2 == column / 2 => 3,
            _ if row % 2 == 1 && row + 1 == column => 2,
            _ => 0,
        };
        let table = table_of(MAX_LINES, count);
        let found = suppress(&table, K).unwrap();
        check_protected(&table, &found);
        // The first cell between blocks is determined. Without its totals the next one still is, and so on.
        assert_eq!(found.published.row_totals.iter().filter(|total| total.is_none()).count(), MAX_LINES / 2 - 1);
        // A small count in one corner takes two cells of each line with it, as far as the other corner.
        let count = |row: usize, column: usize| match (row, column) {
            (0, 0) => 3,
            _ if row == column || row + 1 == column => 50,
            _ => 0,
        };
        let table = table_of(60, count);
        check_protected(&table, &suppress(&table, K).unwrap());
    }

    #[test]
    fn what_is_derived_follows_its_count() {
        let derived = |count, amount| suppress_derived(K, count, amount).unwrap();
        let hidden = Derived { count: None, amount: None, average: None, suppressed: true };
        assert_eq!(derived(3, 145_000), hidden);
        assert_eq!(derived(1, 0), hidden);
        assert_eq!(derived(4, 10), hidden);
        let visible =
            |count, amount, average| Derived { count: Some(count), amount: Some(amount), average, suppressed: false };
        assert_eq!(derived(5, 10), visible(5, 10, Some(2)));
        assert_eq!(derived(6, 15), visible(6, 15, Some(3)));
        assert_eq!(derived(7, 17), visible(7, 17, Some(2)));
        assert_eq!(derived(0, 0), visible(0, 0, None));
    }

    #[test]
    fn counts_and_true_totals_are_rounded_apart() {
        let expected = shown(
            [[X, Some(40)], [Some(10), Some(10)], [Some(0), Some(0)]],
            [Some(45), Some(20), Some(0)],
            Some([Some(10), Some(55)]),
        );
        assert_eq!(round5(&vecs([[3, 42], [8, 12], [0, 0]])).unwrap(), expected);
        // A small total is hidden too, and one of hidden cells may be shown.
        let expected = shown([[X, Some(0)], [X, X]], [X, Some(10)], Some([Some(10), X]));
        assert_eq!(round5(&vecs([[3, 0], [6, 5]])).unwrap(), expected);
        assert_eq!(round5(&vecs([[3, 5]])).unwrap(), shown([[X, X]], [Some(10)], Some([X, X])));
    }

    #[test]
    fn counts_are_rounded_to_the_nearest_five() {
        assert_eq!(rounded(0), Some(0));
        assert!((1..=7).all(|count| rounded(count).is_none()));
        let near = [(8, 10), (10, 10), (12, 10), (13, 15), (17, 15), (18, 20)];
        assert!(near.iter().all(|(count, published)| rounded(*count) == Some(*published)));
        assert_eq!(rounded(i64::MAX), Some(i64::MAX - 2));
        assert_eq!(rounded(i64::MAX - 4), Some(i64::MAX - 2));
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Random tables

    fn tables(most: usize) -> impl Strategy<Value = Vec<Vec<i64>>> {
        let count = || prop_oneof![3 => Just(0_i64), 3 => 1..K, 4 => K..40];
        (1..=most, 1..=most)
            .prop_flat_map(move |(rows, columns)| prop::collection::vec(prop::collection::vec(count(), columns), rows))
    }

    /// Some cells hidden and some totals, whatever led to it.
    fn partly_hidden() -> impl Strategy<Value = Table> {
        let hidden_of_ten =
            |share: u8, count| prop::collection::vec((0..10_u8).prop_map(move |draw| draw < share), count);
        (2..=5_usize, 1..=5_usize, 2..7_u8).prop_flat_map(move |(rows, columns, share)| {
            let cells = prop::collection::vec(hidden_of_ten(share, columns), rows);
            (cells, hidden_of_ten(2, rows), hidden_of_ten(2, columns)).prop_map(|(cells, row_totals, column_totals)| {
                let figures = |line: Vec<bool>| line.into_iter().map(|hidden| Figure { value: 9, hidden }).collect();
                Table {
                    rows: cells.into_iter().map(figures).collect(),
                    row_totals: figures(row_totals),
                    column_totals: figures(column_totals),
                }
            })
        })
    }

    /// The hidden cells, and of each published line the places in that list of its own ones.
    fn equations(published: &Published) -> (Vec<(usize, usize)>, Vec<Vec<usize>>) {
        let hidden: Vec<(usize, usize)> = (0..published.cells.len())
            .flat_map(|row| (0..published.cells[row].len()).map(move |column| (row, column)))
            .filter(|(row, column)| published.cells[*row][*column].is_none())
            .collect();
        let places = |in_line: &dyn Fn(&(usize, usize)) -> bool| {
            (0..hidden.len()).filter(|place| in_line(&hidden[*place])).collect::<Vec<_>>()
        };
        let mut lines = Vec::new();
        for (row, total) in published.row_totals.iter().enumerate() {
            if total.is_some() {
                lines.push(places(&|cell| cell.0 == row));
            }
        }
        for (column, total) in published.column_totals.iter().flatten().enumerate() {
            if total.is_some() {
                lines.push(places(&|cell| cell.1 == column));
            }
        }
        (hidden, lines)
    }

    /// The rank of a matrix by elimination in whole numbers.
    fn rank(mut matrix: Vec<Vec<i128>>) -> usize {
        let mut rank = 0;
        for column in 0..matrix.first().map_or(0, Vec::len) {
            let Some(pivot) = (rank..matrix.len()).find(|row| matrix[*row][column] != 0) else {
                continue;
            };
            matrix.swap(rank, pivot);
            let pivot = matrix[rank].clone();
            for row in &mut matrix[rank + 1..] {
                let factor = row[column];
                for (entry, above) in row.iter_mut().zip(&pivot) {
                    *entry = *entry * pivot[column] - above * factor;
                }
            }
            rank += 1;
        }
        rank
    }

    /// The hidden cells that are linear combinations of the published lines.
    fn determined_by_algebra(published: &Published) -> Vec<(usize, usize)> {
        let (hidden, lines) = equations(published);
        let indicator = |places: &[usize]| (0..hidden.len()).map(|place| places.contains(&place).into()).collect();
        let matrix: Vec<Vec<i128>> = lines.iter().map(|line| indicator(line)).collect();
        let own_rank = rank(matrix.clone());
        let is_determined = |place: usize| {
            let mut with_cell = matrix.clone();
            with_cell.push(indicator(&[place]));
            rank(with_cell) == own_rank
        };
        (0..hidden.len()).filter(|place| is_determined(*place)).map(|place| hidden[place]).collect()
    }

    /// The hidden cells that take another value in some table that agrees with all that is published and has no
    /// negative count. Values one away are tried, in every combination.
    fn cells_with_another_value(table: &[Vec<i64>], published: &Published) -> Vec<(usize, usize)> {
        let (hidden, lines) = equations(published);
        let mut varied = vec![false; hidden.len()];
        let mut changes = vec![-1_i64; hidden.len()];
        loop {
            let agrees = lines.iter().all(|line| line.iter().map(|place| changes[*place]).sum::<i64>() == 0);
            let whole = hidden.iter().zip(&changes).all(|(cell, change)| table[cell.0][cell.1] + change >= 0);
            for (place, change) in changes.iter().enumerate() {
                varied[place] |= agrees && whole && *change != 0;
            }
            let Some(next) = changes.iter().position(|change| *change < 1) else {
                break;
            };
            changes[..next].fill(-1);
            changes[next] += 1;
        }
        hidden.into_iter().zip(varied).filter(|(_, varied)| *varied).map(|(cell, _)| cell).collect()
    }

    /// What holds of every table after suppression.
    fn check_protected(table: &[Vec<i64>], found: &Suppressed) {
        let published = &found.published;
        for (row, counts) in table.iter().enumerate() {
            for (column, count) in counts.iter().enumerate() {
                let cell = published.cells[row][column];
                assert!(cell.is_none_or(|shown| shown == *count));
                assert_eq!(found.primary.contains(&(row, column)), (1..K).contains(count));
                assert!(cell.is_none() || *count >= K || *count == 0);
                assert!(cell.is_some() || *count != 0);
            }
        }
        let agree = |shown: &[Option<i64>], sums: &[i64]| {
            assert_eq!(shown.len(), sums.len());
            assert!(shown.iter().zip(sums).all(|(shown, sum)| shown.is_none_or(|shown| shown == *sum)));
        };
        agree(&published.row_totals, &row_sums(table).unwrap());
        assert_eq!(published.column_totals.is_none(), table.len() == 1);
        if let Some(totals) = &published.column_totals {
            agree(totals, &column_sums(table).unwrap());
        }
        let (_, lines) = equations(published);
        assert!(lines.iter().all(|line| line.len() != 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn determined_cells_are_those_of_linear_algebra(mut table in partly_hidden()) {
            let mut expected = table.clone().published();
            while let Some((row, column)) = determined_by_algebra(&expected).first().copied() {
                expected.row_totals[row] = None;
                expected.column_totals.as_mut().unwrap()[column] = None;
            }
            table.hide_totals_of_determined_cells();
            prop_assert_eq!(table.published(), expected);
        }

        #[test]
        fn no_hidden_cell_follows_from_what_is_published(table in tables(6)) {
            let found = suppress(&table, K).unwrap();
            check_protected(&table, &found);
            prop_assert_eq!(determined_by_algebra(&found.published), []);
        }

        #[test]
        fn every_hidden_cell_may_have_another_value(table in tables(3)) {
            let published = suppress(&table, K).unwrap().published;
            prop_assert_eq!(cells_with_another_value(&table, &published), equations(&published).0);
        }

        #[test]
        fn rounding_stays_within_two(count in prop_oneof![0..40_i64, 0..=i64::MAX]) {
            match rounded(count) {
                None => prop_assert!((1..=7).contains(&count)),
                Some(published) => {
                    prop_assert!(published.abs_diff(count) <= 2 && published % 5 == 0);
                    prop_assert_eq!(published == 0, count == 0);
                }
            }
        }

        #[test]
        fn rounded_totals_are_those_of_true_counts(table in tables(4)) {
            let published = round5(&table).unwrap();
            for (row, counts) in table.iter().enumerate() {
                prop_assert_eq!(published.row_totals[row], rounded(counts.iter().sum()));
                for (column, count) in counts.iter().enumerate() {
                    prop_assert_eq!(published.cells[row][column], rounded(*count));
                    let sum = table.iter().map(|row| row[column]).sum();
                    prop_assert_eq!(published.column_totals.as_ref().unwrap()[column], rounded(sum));
                }
            }
        }

        #[test]
        fn no_figures_panic(a in any::<i64>(), b in any::<i64>(), k in any::<i64>()) {
            let _ = (suppress(&[vec![a, b], vec![b, a]], k), round5(&[vec![a, b]]));
            let _ = (suppress_derived(k, a, b), rounded(a));
        }
    }
}
