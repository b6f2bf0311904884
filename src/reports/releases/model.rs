//! Rows of releases and of what organisations set for their figures.
use crate::db::schema::*;
use crate::ids::*;
use crate::reports::measures::Dimension;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// What a release is.
    pub enum Basis {
        /// Of a month that is over and not closed; at most one a day.
        Provisional = "provisional",
        /// Made when the mutual closed the month.
        Closed = "closed",
        /// Of a closed month, after something of it was recorded late.
        Correction = "correction",
        /// Handed in by a mutual that keeps paper or its own Ayni.
        Return = "return",
    }
}

words! {
    /// Where the figures of a release come from.
    pub enum Source {
        /// The register and the books here.
        Register = "register",
        /// A form that somebody filled in.
        Paper = "paper",
        /// A file that another Ayni made.
        File = "file",
    }
}

/// A mutual's month as bodies above it see it. A later one replaces it, and it stays.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = releases, treat_none_as_default_value = false)]
pub struct Release {
    pub id: ReleaseId,
    pub unit_id: OrganisationId,
    pub month: NaiveDate,
    pub number: i64,
    pub basis: Basis,
    pub source: Source,
    pub as_of: NaiveDateTime,
    pub stock_on: NaiveDate,
    pub currency: String,
    pub definition: String,
    pub figures: String,
    pub note: Option<String>,
    pub recorded_by: Option<UserId>,
    pub replaced_by: Option<ReleaseId>,
}

/// A cut of a release.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = release_cuts, treat_none_as_default_value = false)]
pub struct ReleaseCut {
    pub release_id: ReleaseId,
    pub dimension: Dimension,
    pub cells: String,
}

/// What an organisation has set for figures.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = figure_settings, treat_none_as_default_value = false)]
pub struct FigureSettings {
    pub organisation_id: OrganisationId,
    /// A body's: so many days after its end a month is due.
    pub due_days: Option<i32>,
    /// The installation's: the first ages of the bands.
    pub age_bands: Option<String>,
    pub version: i64,
}

/// How many persons and households an organisation is there for, from a day on.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = target_populations, treat_none_as_default_value = false)]
pub struct TargetPopulation {
    pub id: TargetId,
    pub organisation_id: OrganisationId,
    pub valid_from: NaiveDate,
    pub persons: i64,
    pub households: Option<i64>,
    pub source: String,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

/// A step of a mutual's month.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = month_steps, treat_none_as_default_value = false)]
pub struct MonthStep {
    pub mutual_id: MutualId,
    pub id: MonthStepId,
    pub month: NaiveDate,
    pub ordinal: i32,
    pub kind: MonthStepKind,
    /// What was open all the same, as a JSON list of codes.
    pub despite: String,
    pub reason: Option<String>,
    pub recorded_on: NaiveDate,
    pub requested_by: Option<UserId>,
    pub recorded_by: Option<UserId>,
    pub recorded_at: NaiveDateTime,
}

words! {
    /// What was done with a month.
    pub enum MonthStepKind {
        Closed = "CLOSED",
        /// By two persons.
        Reopened = "REOPENED",
        /// What came late was released.
        Corrected = "CORRECTED",
    }
}
