//! Rows of households, members and memberships.
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// A person's sex as registered.
    pub enum Sex {
        Male = "male",
        Female = "female",
        Other = "other",
        Unknown = "unknown",
    }
}

words! {
    /// How exactly a birth date is known; what is not known counts as the first.
    pub enum BirthPrecision {
        Day = "day",
        Month = "month",
        Year = "year",
    }
}

words! {
    /// What a person is in the household.
    pub enum Relationship {
        /// Who signed and owes the contributions.
        Principal = "principal",
        Spouse = "spouse",
        Child = "child",
        Parent = "parent",
        Sibling = "sibling",
        Other = "other",
    }
}

/// A household.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = households, treat_none_as_default_value = false)]
pub struct Household {
    pub mutual_id: MutualId,
    pub id: HouseholdId,
    pub number: String,
    pub section_id: Option<OrganisationId>,
    pub area_id: Option<AreaId>,
    pub class: String,
    pub phone: Option<String>,
    pub registered_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
    pub revision: i64,
    pub version: i64,
}

/// A person.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = members, treat_none_as_default_value = false)]
pub struct Member {
    pub mutual_id: MutualId,
    pub id: MemberId,
    pub card_number: String,
    pub legacy_number: Option<String>,
    pub family_name: String,
    pub given_name: String,
    pub folded_name: String,
    pub sex: Sex,
    pub birth_date: Option<NaiveDate>,
    pub birth_precision: BirthPrecision,
    pub national_id: Option<String>,
    pub phone: Option<String>,
    pub occupation: Option<String>,
    pub died_on: Option<NaiveDate>,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
}

/// A person's stay in a household, both days included.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = memberships, treat_none_as_default_value = false)]
pub struct Membership {
    pub mutual_id: MutualId,
    pub id: MembershipId,
    pub household_id: HouseholdId,
    pub member_id: MemberId,
    pub relationship: Relationship,
    pub from_on: NaiveDate,
    pub to_on: Option<NaiveDate>,
    pub recorded_at: NaiveDateTime,
}
