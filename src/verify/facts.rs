//! Facts of months that nothing marks equal what the rows say.
use super::Finding;
use crate::access::scopes::{FigureScope, MutualScope};
use crate::db::Read;
use crate::error::{Error, Result, kept};
use crate::reports::facts::service::is_stale;
use crate::reports::facts::{AgeBands, compute, definition, store};
use crate::reports::measures::{Cells, Dimension, Measure, Sheet, Totals};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Recomputes the months that are kept and not marked, as of the day up to which they were computed.
pub(super) fn facts(r: &mut Read, scope: &MutualScope, code: &str) -> Result<Vec<Finding>> {
    let (mutual, figures) = (scope.mutual(), FigureScope::of(scope));
    let months = store::months(r, mutual)?;
    let (Some(first), Some(last)) = (months.first().copied(), months.last().copied()) else {
        return Ok(Vec::new());
    };
    let marked: BTreeSet<NaiveDate> = store::marked(r, mutual, (first, last))?.into_iter().collect();
    let mut stored: BTreeMap<NaiveDate, Sheet> = BTreeMap::new();
    for row in store::totals(r, mutual, (first, last))? {
        stored.entry(row.month).or_default().totals = Totals::read(&row.figures)?;
    }
    for row in store::cuts(r, mutual, (first, last))? {
        stored.entry(row.month).or_default().cuts.insert(row.dimension, kept(&row.cells, "cells of a cut")?);
    }
    let mut found = Vec::new();
    for head in store::heads(r, mutual, (first, last))? {
        let Some(through) = head.computed_through else { continue };
        // Other definitions make the month stale: nobody is told what is kept of it.
        let bands = head.definition.split_once(':').and_then(|(_, bands)| bands.parse::<AgeBands>().ok());
        let Some(bands) = bands else { continue };
        if is_stale(Some(&head), marked.contains(&head.month), through, &definition(&bands)) {
            continue;
        }
        let now = compute(r, &figures, head.month, through, &bands)?;
        let known = stored.remove(&head.month).ok_or_else(|| Error::Fault("a computed month has no facts".into()))?;
        let differ = differences(&known, &now);
        if !differ.is_empty() {
            let what =
                format!("{}: kept is not what the rows say of {}", head.month.format("%Y-%m"), differ.join(", "));
            found.push(Finding { check: "facts", mutual: code.to_owned(), what });
        }
    }
    Ok(found)
}

/// The names of what differs.
fn differences(known: &Sheet, now: &Sheet) -> Vec<String> {
    let totals = Measure::ALL.iter().filter(|measure| known.totals.get(**measure) != now.totals.get(**measure));
    let nothing = Cells::new();
    let cells = |sheet: &Sheet, dimension: Dimension| sheet.cuts.get(&dimension).unwrap_or(&nothing).clone();
    let cuts = Dimension::ALL.iter().filter(|dimension| cells(known, **dimension) != cells(now, **dimension));
    totals.map(|measure| measure.code().to_owned()).chain(cuts.map(|cut| cut.code().to_owned())).collect()
}
