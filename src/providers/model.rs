//! Rows of providers, conventions, services and tariffs.
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

words! {
    /// Which rate of a benefit applies.
    pub enum Sector {
        Public = "public",
        Private = "private",
    }
}

words! {
    /// What a service is.
    pub enum ServiceKind {
        /// An act or a stay.
        Service = "service",
        /// A medicine.
        Medicine = "medicine",
    }
}

/// A health facility, owned by a mutual or by a body for the mutuals below it.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = providers, treat_none_as_default_value = false)]
pub struct Provider {
    pub id: ProviderId,
    pub owner_id: OrganisationId,
    pub code: String,
    pub name: String,
    pub level: String,
    pub sector: Sector,
    pub area_id: Option<AreaId>,
    pub created_at: NaiveDateTime,
    pub version: i64,
}

/// A convention between a provider and a mutual, or a body for its mutuals; both days included.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = conventions, treat_none_as_default_value = false)]
pub struct Convention {
    pub id: ConventionId,
    pub provider_id: ProviderId,
    pub party_id: OrganisationId,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub created_at: NaiveDateTime,
}

/// A service of a catalogue.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = services, treat_none_as_default_value = false)]
pub struct Service {
    pub id: ServiceId,
    pub owner_id: OrganisationId,
    pub code: String,
    pub name: String,
    pub category: String,
    pub kind: ServiceKind,
    pub created_at: NaiveDateTime,
    pub version: i64,
}

/// A price of a service between two days: of one provider, or the reference where none is named.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = tariffs, treat_none_as_default_value = false)]
pub struct Tariff {
    pub id: TariffId,
    pub owner_id: OrganisationId,
    pub provider_id: Option<ProviderId>,
    pub service_id: ServiceId,
    pub unit_price_minor: i64,
    pub currency: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub created_at: NaiveDateTime,
}
