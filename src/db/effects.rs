//! What a transaction has done that has consequences at its end: households touched, months whose facts are stale,
//! entities that devices must hear of, and what the audit row says. Services fill it, the command frame empties it.
use super::Write;
use crate::ids::{HouseholdId, OrganisationId};
use chrono::{Datelike, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An entity changed, for the devices' feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Kind of entity: `household`, `member`, `payment`…
    pub kind: &'static str,
    /// Its id.
    pub id: Uuid,
    /// The section that saw it before, none for a new one or where there is none.
    pub section_before: Option<OrganisationId>,
    /// The section that sees it now.
    pub section_after: Option<OrganisationId>,
}

/// The consequences gathered so far.
#[derive(Debug, Default)]
pub struct Effects {
    /// Households whose cover must be recomputed.
    pub touched: BTreeSet<HouseholdId>,
    /// The first month whose facts the command can affect.
    pub marked_from: Option<NaiveDate>,
    /// Changes for devices.
    pub changes: Vec<Change>,
    /// Entities named in the audit row.
    pub entities: Vec<(&'static str, Uuid)>,
    /// Fields named in the audit row with their values before and after, as JSON texts.
    pub fields: BTreeMap<String, (Option<serde_json::Value>, Option<serde_json::Value>)>,
    /// How many transfers the command has written: the next one's place among them.
    pub transfers: i32,
}

impl Write<'_> {
    /// Says that what is known of a household changed: its cover is rewritten before the commit.
    pub fn touch(&mut self, household: HouseholdId) {
        self.effects.touched.insert(household);
    }

    /// Says that figures from the month of `date` on may differ now.
    pub fn mark(&mut self, date: NaiveDate) {
        let month = date.with_day(1).unwrap_or(date);
        self.effects.marked_from = Some(self.effects.marked_from.map_or(month, |known| known.min(month)));
    }

    /// Says that devices must hear of an entity, and names it in the audit row.
    pub fn changed(
        &mut self,
        kind: &'static str,
        id: Uuid,
        section_before: Option<OrganisationId>,
        section_after: Option<OrganisationId>,
    ) {
        self.effects.changes.push(Change { kind, id, section_before, section_after });
        self.names(kind, id);
    }

    /// Names an entity in the audit row.
    pub fn names(&mut self, kind: &'static str, id: Uuid) {
        if !self.effects.entities.contains(&(kind, id)) {
            self.effects.entities.push((kind, id));
        }
    }

    /// Names a field in the audit row with its values before and after; none before for a new row.
    pub fn field(&mut self, name: &str, before: Option<serde_json::Value>, after: Option<serde_json::Value>) {
        self.effects.fields.insert(name.to_owned(), (before, after));
    }
}
