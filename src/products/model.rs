//! Rows of products and their versions.
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// Whether a version may still change.
    pub enum VersionState {
        /// It may.
        Draft = "draft",
        /// It may not, and households may be enrolled in it.
        Published = "published",
    }
}

/// A product, owned by a mutual or by a body for the mutuals below it.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = products, treat_none_as_default_value = false)]
pub struct ProductRow {
    pub id: ProductId,
    pub owner_id: OrganisationId,
    pub code: String,
    pub name: String,
    pub currency: String,
    pub created_at: NaiveDateTime,
    pub version: i64,
}

/// A version of a product; its parameters are one JSON text (`rules::Product`). Without a first or last day it is valid
/// as far back or ahead as asked.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = product_versions, treat_none_as_default_value = false)]
pub struct VersionRow {
    pub id: ProductVersionId,
    pub product_id: ProductId,
    pub number: i32,
    pub state: VersionState,
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
    pub parameters: String,
    pub created_at: NaiveDateTime,
    pub published_at: Option<NaiveDateTime>,
    pub version: i64,
}
