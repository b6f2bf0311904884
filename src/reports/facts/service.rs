//! Keeps facts: which are stale, how they are computed again beside writers and other computers, how they are read.
use super::model::*;
use super::{AgeBands, compute, compute_by_two, definition, store};
use crate::access::scopes::FigureScope;
use crate::dates::{add_months, month_of};
use crate::db::{Db, Read, Wall, Write};
use crate::error::{Error, Result, kept};
use crate::ids::*;
use crate::reports::measures::{Sheet, Totals, cells_text};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// How often a reader computes what is stale before he computes it for himself alone.
const TRIES: usize = 2;

/// As of when figures are asked for: the business date, and the definitions.
#[derive(Debug, Clone)]
pub struct AsOf {
    pub today: NaiveDate,
    pub bands: AgeBands,
}

/// A month with its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthFacts {
    /// Its first day.
    pub month: NaiveDate,
    /// The day of its stocks.
    pub stock_on: NaiveDate,
    pub sheet: Sheet,
}

/// Whether a month's facts may not equal the rows: a command marked it, days have passed, or the definitions are others.
pub fn is_stale(head: Option<&FactHead>, marked: bool, through: NaiveDate, definition: &str) -> bool {
    head.is_none_or(|head| {
        marked
            || head.generation == 0
            || head.definition != definition
            || head.computed_through.is_none_or(|computed| computed < through)
    })
}

/// The last day of a month, or today within it.
///
/// # Errors
/// A fault beyond the calendar.
pub fn stock_day(month: NaiveDate, today: NaiveDate) -> Result<NaiveDate> {
    let whole = month_of(month).map_err(|_| Error::Fault("a month beyond the calendar".into()))?;
    Ok(whole.to.min(today))
}

/// The first days of the months of a span.
pub fn each_month((first, last): (NaiveDate, NaiveDate)) -> impl Iterator<Item = NaiveDate> {
    (0..).map_while(move |at| add_months(first, at).ok().filter(|month| *month <= last))
}

/// What was computed of a month in one snapshot, and what it was computed from.
pub struct Computed {
    head: FactHead,
    marks: Vec<MarkId>,
    through: NaiveDate,
    sheet: Sheet,
}

/// Sees that a month has a head.
///
/// # Errors
/// The database's.
pub fn prepare(db: &Db, mutual: MutualId, month: NaiveDate) -> Result<()> {
    let wall = Wall::mutual(mutual);
    let there = db.read(wall, |r| store::heads(r, mutual, (month, month)).map_err(Error::from))?;
    if !there.is_empty() {
        return Ok(());
    }
    db.write(wall, |w| {
        let head = FactHead {
            mutual_id: mutual,
            id: w.new_id(),
            month,
            generation: 0,
            computed_through: None,
            definition: String::new(),
        };
        store::insert_head(w, &head).map_err(Error::from)
    })
}

/// Computes a month, within one snapshot, by one reader of it or by two: its head, the marks that are answered by it, the rows.
///
/// # Errors
/// The database's; a fault where there is no head.
pub fn look(
    r: &mut Read,
    beside: Option<&mut Read>,
    scope: &FigureScope,
    month: NaiveDate,
    as_of: &AsOf,
) -> Result<Computed> {
    let mutual = scope.mutual();
    let head = store::heads(r, mutual, (month, month))?
        .pop()
        .ok_or_else(|| Error::Fault("a month to be computed has no head".into()))?;
    let marks = store::marks(r, mutual, month)?;
    let sheet = compute_by_two(r, beside, scope, month, as_of.today, &as_of.bands)?;
    Ok(Computed { head, marks, through: stock_day(month, as_of.today)?, sheet })
}

/// Keeps what was computed, where nobody was faster; removes exactly the marks that it answers.
///
/// # Errors
/// The database's.
pub fn keep(w: &mut Write, computed: &Computed, as_of: &AsOf) -> Result<bool> {
    let (mutual, month) = (computed.head.mutual_id, computed.head.month);
    // A clock that was set back would give an older answer to a younger question.
    let through = computed.head.computed_through.map_or(computed.through, |known| known.max(computed.through));
    if through != computed.through || !store::advance(w, &computed.head, through, &definition(&as_of.bands))? {
        return Ok(false);
    }
    let totals = TotalsRow { mutual_id: mutual, id: w.new_id(), month, figures: computed.sheet.totals.text() };
    let cuts: Vec<CutRow> = computed
        .sheet
        .cuts
        .iter()
        .map(|(dimension, cells)| CutRow {
            mutual_id: mutual,
            id: w.new_id(),
            month,
            dimension: *dimension,
            cells: cells_text(cells),
        })
        .collect();
    store::replace(w, &totals, &cuts)?;
    store::remove_marks(w, mutual, &computed.marks)?;
    Ok(true)
}

/// Computes a month and keeps it; false where somebody else was faster.
///
/// # Errors
/// The database's.
pub fn recompute(db: &Db, scope: &FigureScope, month: NaiveDate, as_of: &AsOf) -> Result<bool> {
    let wall = Wall::mutual(scope.mutual());
    prepare(db, scope.mutual(), month)?;
    let computed = db.read_by_two(wall, |r, beside| look(r, beside, scope, month, as_of))?;
    db.write(wall, |w| keep(w, &computed, as_of))
}

/// The facts of the months of a span, those that have begun, as they are now.
///
/// # Errors
/// The database's.
pub fn months(db: &Db, scope: &FigureScope, span: (NaiveDate, NaiveDate), as_of: &AsOf) -> Result<Vec<MonthFacts>> {
    let wall = Wall::mutual(scope.mutual());
    for _ in 0..TRIES {
        let stale = match db.read(wall, |r| read(r, scope, span, as_of, false))? {
            Ok(found) => return Ok(found),
            Err(stale) => stale,
        };
        for month in stale {
            recompute(db, scope, month, as_of)?;
        }
    }
    let found = db.read(wall, |r| read(r, scope, span, as_of, true))?;
    found.map_err(|_| Error::Fault("stale months were not computed".into()))
}

/// Reads heads, marks and facts in one snapshot: the months, or which of them are stale; or, where `compute_stale`, those that
/// are stale computed from the rows of the same snapshot, for this answer alone.
fn read(
    r: &mut Read,
    scope: &FigureScope,
    span: (NaiveDate, NaiveDate),
    as_of: &AsOf,
    compute_stale: bool,
) -> Result<std::result::Result<Vec<MonthFacts>, Vec<NaiveDate>>> {
    let mutual = scope.mutual();
    let definition = definition(&as_of.bands);
    let heads: BTreeMap<NaiveDate, FactHead> =
        store::heads(r, mutual, span)?.into_iter().map(|head| (head.month, head)).collect();
    let marked = store::marked(r, mutual, span)?;
    let mut stale = Vec::new();
    let mut fresh: BTreeMap<NaiveDate, NaiveDate> = BTreeMap::new();
    for month in each_month(span).take_while(|month| *month <= as_of.today) {
        let through = stock_day(month, as_of.today)?;
        let head = heads.get(&month);
        if is_stale(head, marked.contains(&month), through, &definition) {
            stale.push(month);
        } else {
            // What was computed by a clock that was ahead has its own day.
            let computed = head.and_then(|head| head.computed_through);
            fresh.insert(month, computed.unwrap_or(through));
        }
    }
    if !stale.is_empty() && !compute_stale {
        return Ok(Err(stale));
    }
    let mut sheets: BTreeMap<NaiveDate, Sheet> = BTreeMap::new();
    for row in store::totals(r, mutual, span)? {
        sheets.entry(row.month).or_default().totals = Totals::read(&row.figures)?;
    }
    for row in store::cuts(r, mutual, span)? {
        let cells = kept(&row.cells, "cells of a cut")?;
        sheets.entry(row.month).or_default().cuts.insert(row.dimension, cells);
    }
    let mut found = Vec::new();
    for (month, stock_on) in fresh {
        let sheet = sheets.remove(&month).ok_or_else(|| Error::Fault("a computed month has no facts".into()))?;
        found.push(MonthFacts { month, stock_on, sheet });
    }
    for month in stale {
        let sheet = compute(r, scope, month, as_of.today, &as_of.bands)?;
        found.push(MonthFacts { month, stock_on: stock_day(month, as_of.today)?, sheet });
    }
    found.sort_by_key(|facts| facts.month);
    Ok(Ok(found))
}

/// Computes again what is stale of a mutual's months, the oldest first; gives how many were kept.
///
/// # Errors
/// The database's.
pub fn refresh(db: &Db, scope: &FigureScope, as_of: &AsOf, most: usize) -> Result<usize> {
    let wall = Wall::mutual(scope.mutual());
    let definition = definition(&as_of.bands);
    let stale = db.read(wall, |r| -> Result<Vec<NaiveDate>> {
        let months = store::months(r, scope.mutual())?;
        let (Some(first), Some(last)) = (months.first().copied(), months.last().copied()) else {
            return Ok(Vec::new());
        };
        let heads: BTreeMap<NaiveDate, FactHead> =
            store::heads(r, scope.mutual(), (first, last))?.into_iter().map(|head| (head.month, head)).collect();
        let marked = store::marked(r, scope.mutual(), (first, last))?;
        let mut stale = Vec::new();
        for month in months.into_iter().filter(|month| *month <= as_of.today) {
            let through = stock_day(month, as_of.today)?;
            if is_stale(heads.get(&month), marked.contains(&month), through, &definition) {
                stale.push(month);
            }
        }
        Ok(stale)
    })?;
    let mut kept = 0;
    for month in stale.into_iter().take(most) {
        kept += usize::from(recompute(db, scope, month, as_of)?);
    }
    Ok(kept)
}

/// Holds a month's head to the end of the transaction and reads its facts; none where they are stale.
///
/// # Errors
/// The database's.
pub fn hold(w: &mut Write, scope: &FigureScope, month: NaiveDate, as_of: &AsOf) -> Result<Option<Sheet>> {
    let mutual = scope.mutual();
    let Some(head) = store::lock_head(w, mutual, month)? else { return Ok(None) };
    let marked = store::marked(w, mutual, (month, month))?;
    if is_stale(Some(&head), !marked.is_empty(), stock_day(month, as_of.today)?, &definition(&as_of.bands)) {
        return Ok(None);
    }
    let found = read(w, scope, (month, month), as_of, false)?;
    Ok(found.ok().and_then(|mut months| months.pop()).map(|facts| facts.sheet))
}

/// The first month in which the mutual had a household; before that its months say nothing.
///
/// # Errors
/// The database's.
pub fn begins(r: &mut Read, scope: &FigureScope) -> Result<Option<NaiveDate>> {
    let first = store::first_household(r, scope.mutual())?;
    first
        .map(|day| {
            month_of(day).map(|whole| whole.from).map_err(|_| Error::Fault("a month beyond the calendar".into()))
        })
        .transpose()
}

/// Whether a month is one of a mutual that begins in a month.
pub fn has_begun(begins: Option<NaiveDate>, month: NaiveDate) -> bool {
    begins.is_some_and(|first| first <= month)
}
