//! Rows of providers, conventions, services and tariffs.
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;

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

words! {
    /// For persons of which sex alone a service is.
    pub enum SexLimit {
        Female = "female",
        Male = "male",
    }
}

/// Words or codes without spaces, kept as one text with a space before and after each, so that a query finds one whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = Text)]
pub struct Words(String);

impl Words {
    /// Each of them once, in their order.
    pub fn of(words: &[String]) -> Self {
        let mut text = String::new();
        for (at, word) in words.iter().enumerate() {
            if !words.iter().take(at).any(|before| before == word) {
                text.push_str(if text.is_empty() { " " } else { "" });
                text.push_str(word);
                text.push(' ');
            }
        }
        Words(text)
    }

    /// The words, as they travel.
    pub fn to_vec(&self) -> Vec<String> {
        self.0.split_whitespace().map(str::to_owned).collect()
    }
}

impl<DB: Backend> ToSql<Text, DB> for Words
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <str as ToSql<Text, DB>>::to_sql(&self.0, out)
    }
}

impl<DB: Backend> FromSql<Text, DB> for Words
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, DB>>::from_sql(bytes).map(Words)
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
    /// `outpatient`, `maternity`…
    pub care_types: Words,
    pub contact_name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub address: Option<String>,
    /// The last day on which it gives care.
    pub active_to: Option<NaiveDate>,
}

impl Provider {
    /// Whether it gives care on a day: after its last one no convention counts.
    pub fn is_active(&self, on: NaiveDate) -> bool {
        self.active_to.is_none_or(|last| on <= last)
    }
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
    /// Benefit categories that are covered; none is all.
    pub categories: Option<Words>,
    /// Codes of services that are not, though their category is.
    pub excluded_services: Words,
    /// Days after the month's end within which the facility's invoice must arrive.
    pub invoice_days: Option<i32>,
    /// Days after the invoice's reception within which it is paid.
    pub payment_days: Option<i32>,
    /// The advance or deposit agreed; the money itself moves elsewhere.
    pub advance_minor: Option<i64>,
    /// That of the advance.
    pub currency: Option<String>,
    pub version: i64,
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
    pub sex: Option<SexLimit>,
    /// Completed years on the day of the service, this age included.
    pub min_age_years: Option<i32>,
    /// As `min_age_years`.
    pub max_age_years: Option<i32>,
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

/// A list of diagnoses, as a mutual or a body has loaded it.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = diagnosis_lists, treat_none_as_default_value = false)]
pub struct DiagnosisList {
    pub id: DiagnosisListId,
    pub owner_id: OrganisationId,
    pub name: String,
    pub number_of_codes: i64,
    pub loaded_at: NaiveDateTime,
}

/// A diagnosis of a list.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = diagnosis_codes, treat_none_as_default_value = false)]
pub struct DiagnosisCode {
    pub list_id: DiagnosisListId,
    pub code: String,
    pub name: String,
}
