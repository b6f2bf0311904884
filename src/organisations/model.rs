//! Rows of organisations and areas.
use crate::access::permissions::OrganisationKind;
use crate::db::schema::*;
use crate::ids::*;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

/// An organisation.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = organisations, treat_none_as_default_value = false)]
pub struct Organisation {
    pub id: OrganisationId,
    pub code: String,
    pub name: String,
    pub kind: OrganisationKind,
    pub country: Option<String>,
    pub currency: Option<String>,
    pub timezone: String,
    pub card_prefix: Option<String>,
    pub created_at: NaiveDateTime,
    pub version: i64,
}

/// An area, as it was called and where it lay between two days.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = areas, treat_none_as_default_value = false)]
pub struct Area {
    pub id: AreaId,
    pub country: String,
    pub parent_id: Option<AreaId>,
    pub name: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub version: i64,
    /// Its code in the country's list, by which an import knows it.
    pub code: Option<String>,
}
