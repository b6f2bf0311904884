//! Rows of households, members and memberships, of events and of where a household lived.
pub use super::rules::events::EventKind;
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
    /// Waiting served in another household of the mutual counts from here.
    pub waiting_from: Option<NaiveDate>,
}

/// An event in a household, or one that takes another back.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = household_events, treat_none_as_default_value = false)]
pub struct Event {
    pub mutual_id: MutualId,
    pub id: EventId,
    pub household_id: HouseholdId,
    pub other_household_id: Option<HouseholdId>,
    pub member_id: Option<MemberId>,
    pub kind: EventKind,
    pub happened_on: NaiveDate,
    pub note: Option<String>,
    pub reverses_id: Option<EventId>,
    /// What was written, so that it can be taken back: JSON of `events::Consequences`.
    pub consequences: String,
    pub recorded_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
}

/// Where a household lived from a day on, until the next row of it.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = residences, treat_none_as_default_value = false)]
pub struct Residence {
    pub mutual_id: MutualId,
    pub id: ResidenceId,
    pub household_id: HouseholdId,
    pub area_id: Option<AreaId>,
    pub from_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
}

words! {
    /// What proves who a person is.
    pub enum DocumentKind {
        NationalId = "national_id",
        BirthCertificate = "birth_certificate",
        Passport = "passport",
        VoterCard = "voter_card",
        DrivingLicence = "driving_licence",
        FamilyBook = "family_book",
        Other = "other",
    }
}

words! {
    /// For what a person may consent.
    pub enum ConsentPurpose {
        /// Being registered and covered.
        Membership = "membership",
        Photo = "photo",
        Messages = "messages",
        Research = "research",
        /// Giving data to another organisation.
        Sharing = "sharing",
    }
}

words! {
    /// Kinds of group.
    pub enum GroupKind {
        Cooperative = "cooperative",
        Union = "union",
        SelfHelp = "self_help",
        Employer = "employer",
        School = "school",
    }
}

/// An identity document.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = identity_documents, treat_none_as_default_value = false)]
pub struct IdentityDocument {
    pub mutual_id: MutualId,
    pub id: DocumentId,
    pub member_id: MemberId,
    pub kind: DocumentKind,
    pub number: String,
    pub issued_on: Option<NaiveDate>,
    pub expires_on: Option<NaiveDate>,
    pub ended_on: Option<NaiveDate>,
    pub recorded_at: NaiveDateTime,
}

/// A phone of a person, or of a household as a whole; as it was typed, and in international form.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = phones, treat_none_as_default_value = false)]
pub struct Phone {
    pub mutual_id: MutualId,
    pub id: PhoneId,
    pub household_id: Option<HouseholdId>,
    pub member_id: Option<MemberId>,
    pub e164: String,
    pub raw: String,
    pub from_on: NaiveDate,
    pub ended_on: Option<NaiveDate>,
    pub recorded_at: NaiveDateTime,
}

/// A consent, or its refusal; the last one for a purpose holds.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = consents, treat_none_as_default_value = false)]
pub struct Consent {
    pub mutual_id: MutualId,
    pub id: ConsentId,
    pub member_id: MemberId,
    pub purpose: ConsentPurpose,
    pub wording: String,
    pub given: bool,
    pub guardian_id: Option<MemberId>,
    pub decided_on: NaiveDate,
    pub recorded_at: NaiveDateTime,
}

/// Cover by another scheme.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = external_covers, treat_none_as_default_value = false)]
pub struct ExternalCover {
    pub mutual_id: MutualId,
    pub id: ExternalCoverId,
    pub member_id: MemberId,
    pub scheme: String,
    pub number: Option<String>,
    pub from_on: NaiveDate,
    pub ended_on: Option<NaiveDate>,
    pub recorded_at: NaiveDateTime,
}

/// A group.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = groups, treat_none_as_default_value = false)]
pub struct Group {
    pub mutual_id: MutualId,
    pub id: GroupId,
    pub code: String,
    pub name: String,
    pub kind: GroupKind,
    pub recorded_at: NaiveDateTime,
    pub version: i64,
}

/// A person's membership of a group.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = group_members, treat_none_as_default_value = false)]
pub struct GroupMember {
    pub mutual_id: MutualId,
    pub id: GroupMemberId,
    pub group_id: GroupId,
    pub member_id: MemberId,
    pub from_on: NaiveDate,
    pub ended_on: Option<NaiveDate>,
    pub recorded_at: NaiveDateTime,
}
