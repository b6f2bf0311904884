//! Rows of facts.
use crate::db::schema::*;
use crate::ids::*;
use crate::reports::measures::Dimension;
use chrono::NaiveDate;
use diesel::prelude::*;

/// How far the facts of a month are: how often they were computed, up to which day, by which definitions.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = fact_heads, treat_none_as_default_value = false)]
pub struct FactHead {
    pub mutual_id: MutualId,
    pub id: FactId,
    pub month: NaiveDate,
    pub generation: i64,
    pub computed_through: Option<NaiveDate>,
    pub definition: String,
}

/// The figures of a month, as text.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = month_totals, treat_none_as_default_value = false)]
pub struct TotalsRow {
    pub mutual_id: MutualId,
    pub id: FactId,
    pub month: NaiveDate,
    pub figures: String,
}

/// The cells of a cut of a month, as text.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = month_cuts, treat_none_as_default_value = false)]
pub struct CutRow {
    pub mutual_id: MutualId,
    pub id: FactId,
    pub month: NaiveDate,
    pub dimension: Dimension,
    pub cells: String,
}
