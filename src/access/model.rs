//! Rows of users, codes, sessions and grants.
use super::permissions::Role;
use crate::db::schema::*;
use crate::ids::*;
use crate::words;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

/// A user.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub struct User {
    pub id: UserId,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub name: String,
    pub password_hash: Option<String>,
    pub disabled_at: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
    pub version: i64,
}

/// A one-time code, kept as its SHA-256.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = one_time_codes, treat_none_as_default_value = false)]
pub struct OneTimeCode {
    pub id: CodeId,
    pub user_id: UserId,
    pub code_hash: Vec<u8>,
    pub created_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
    pub used_at: Option<NaiveDateTime>,
}

/// A session: one login on one client.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    pub client: Option<String>,
    pub created_at: NaiveDateTime,
    pub last_used_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
    pub ended_at: Option<NaiveDateTime>,
    pub end_reason: Option<String>,
}

/// A refresh token, kept as its SHA-256.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = refresh_tokens, treat_none_as_default_value = false)]
pub struct RefreshToken {
    pub token_hash: Vec<u8>,
    pub session_id: SessionId,
    pub created_at: NaiveDateTime,
    pub used_at: Option<NaiveDateTime>,
}

/// A grant of a role.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = grants, treat_none_as_default_value = false)]
pub struct Grant {
    pub id: GrantId,
    pub user_id: UserId,
    pub role: Role,
    pub organisation_id: Option<OrganisationId>,
    pub provider_id: Option<ProviderId>,
    pub reason: Option<String>,
    pub granted_by: Option<UserId>,
    pub granted_at: NaiveDateTime,
    pub expires_at: Option<NaiveDateTime>,
    pub ended_at: Option<NaiveDateTime>,
    pub ended_by: Option<UserId>,
}

impl Grant {
    /// True where the grant stands at an instant.
    pub fn stands(&self, at: NaiveDateTime) -> bool {
        self.ended_at.is_none() && self.expires_at.is_none_or(|end| at < end)
    }
}

words! {
    /// How two organisations are linked.
    pub enum LinkKind {
        /// The one above, one at a time; gives access to figures.
        Parent = "parent",
        /// Membership of another body, several at a time; figures only.
        MemberOf = "member_of",
    }
}

/// A dated link between two organisations, both days included.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = organisation_links, treat_none_as_default_value = false)]
pub struct Link {
    pub id: LinkId,
    pub child_id: OrganisationId,
    pub parent_id: OrganisationId,
    pub kind: LinkKind,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub created_at: NaiveDateTime,
}

impl Link {
    /// True where the link stands on a day.
    pub fn stands(&self, on: NaiveDate) -> bool {
        self.valid_from <= on && self.valid_to.is_none_or(|end| on <= end)
    }
}

/// A key of a program that pulls, as it is stored.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub organisation_id: OrganisationId,
    pub name: String,
    pub secret_hash: Vec<u8>,
    /// A JSON list.
    pub scopes: String,
    pub created_by: Option<UserId>,
    pub created_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
    pub last_used_at: Option<NaiveDateTime>,
    pub revoked_at: Option<NaiveDateTime>,
    pub version: i64,
}
