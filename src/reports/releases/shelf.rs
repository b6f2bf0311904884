//! Releases that were read before. A release never changes, so what is read of one is read once; which of them stand is asked of
//! the database each time. A network's year of a thousand mutuals is thirteen thousand of them.
use super::model::{Basis, Release, Source};
use super::store;
use crate::db::Read;
use crate::error::Result;
use crate::ids::*;
use crate::reports::measures::Totals;
use chrono::{NaiveDate, NaiveDateTime};
use parking_lot::RwLock;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// As many are kept, a KiB each: three years of a thousand mutuals.
const MOST: usize = 40_000;

/// A release as reports tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub unit: OrganisationId,
    pub month: NaiveDate,
    pub totals: Totals,
    pub stock_on: NaiveDate,
    pub as_of: NaiveDateTime,
    pub basis: Basis,
    pub source: Source,
    /// The definitions by which it was reckoned.
    pub definition: String,
    /// When the month was first closed or handed in, by this release or one before it: by this it is in time.
    pub first_report: Option<NaiveDateTime>,
}

/// What was read. Cheap to clone: all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    kept: Arc<RwLock<HashMap<ReleaseId, Arc<Told>>>>,
}

impl Shelf {
    /// The releases that stand of some units' months, with their ids. The units are sorted.
    ///
    /// # Errors
    /// The database's.
    pub fn standing(
        &self,
        r: &mut Read,
        units: &[OrganisationId],
        span: (NaiveDate, NaiveDate),
    ) -> Result<Vec<(ReleaseId, Arc<Told>)>> {
        let ids = store::list_standing_ids(r, units, span)?;
        let mut found = Vec::with_capacity(ids.len());
        let mut missing = Vec::new();
        {
            let kept = self.kept.read();
            for id in ids {
                match kept.get(&id) {
                    Some(told) => found.push((id, told.clone())),
                    None => missing.push(id),
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let rows = store::list_by_id(r, &missing, span)?;
        let read = told(r, &rows)?;
        self.keep(&read);
        found.extend(read);
        Ok(found)
    }

    fn keep(&self, read: &[(ReleaseId, Arc<Told>)]) {
        // Of an installation so large each question is answered from the rows.
        if read.len() > MOST {
            return;
        }
        let mut kept = self.kept.write();
        let new = read.iter().filter(|(id, _)| !kept.contains_key(id)).count();
        // Those that stand no more are never asked for again: all go, and those that are asked for come back.
        if kept.len() + new > MOST {
            kept.clear();
        }
        kept.extend(read.iter().cloned());
    }
}

/// Reads what reports tell of releases that stand. What stands is the last of its month, so that the first report of the month
/// is one of those up to it, whatever comes later.
fn told(r: &mut Read, releases: &[Release]) -> Result<Vec<(ReleaseId, Arc<Told>)>> {
    let months = || releases.iter().map(|release| release.month);
    let (Some(first), Some(last)) = (months().min(), months().max()) else { return Ok(Vec::new()) };
    let mut units: Vec<OrganisationId> = releases.iter().map(|release| release.unit_id).collect();
    units.sort_unstable();
    units.dedup();
    let reports: BTreeMap<(OrganisationId, NaiveDate), Option<NaiveDateTime>> =
        store::list_first_reports(r, &units, (first, last))?
            .into_iter()
            .map(|(unit, month, at)| ((unit, month), at))
            .collect();
    let told = |release: &Release| -> Result<(ReleaseId, Arc<Told>)> {
        let first_report = reports.get(&(release.unit_id, release.month)).copied().flatten();
        let told = Told {
            unit: release.unit_id,
            month: release.month,
            totals: Totals::read(&release.figures)?,
            stock_on: release.stock_on,
            as_of: release.as_of,
            basis: release.basis,
            source: release.source,
            definition: release.definition.clone(),
            first_report,
        };
        Ok((release.id, Arc::new(told)))
    };
    releases.iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::releases::model::{Basis, Source};
    use uuid::Uuid;

    #[test]
    fn a_shelf_has_an_end() {
        let told = Arc::new(Told {
            unit: OrganisationId::NIL,
            month: NaiveDate::MIN,
            totals: Totals::NOTHING,
            stock_on: NaiveDate::MIN,
            as_of: NaiveDate::MIN.into(),
            basis: Basis::Closed,
            source: Source::Register,
            definition: String::new(),
            first_report: None,
        });
        let some = |from: usize, to: usize| -> Vec<(ReleaseId, Arc<Told>)> {
            (from..to).map(|at| (Key::new(Uuid::from_u64_pair(1, at.try_into().unwrap())), told.clone())).collect()
        };
        let shelf = Shelf::default();
        let keeps = |read: &[(ReleaseId, Arc<Told>)]| {
            shelf.keep(read);
            shelf.kept.read().len()
        };
        assert_eq!(keeps(&some(0, MOST - 10)), MOST - 10);
        assert_eq!(keeps(&some(MOST - 10, MOST)), MOST);
        assert_eq!(keeps(&some(MOST - 10, MOST)), MOST, "what is there takes no place");
        assert_eq!(keeps(&some(MOST, MOST + 7)), 7, "what is asked for now is kept");
        assert_eq!(keeps(&some(0, MOST + 1)), 7);
    }
}
