//! `/diagnosis-lists` and `/diagnoses`: shapes and handlers.
use super::diagnoses::{self, NewList};
use super::http::visible_owners;
use super::model::{DiagnosisCode, DiagnosisList};
use super::store;
use crate::access::guard::{Guard, Somewhere};
use crate::access::permissions::{Permission, need};
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Query, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A list of diagnoses.
#[derive(Serialize, ToSchema)]
pub struct DiagnosisListView {
    pub id: DiagnosisListId,
    pub owner_id: OrganisationId,
    pub name: String,
    pub number_of_codes: i64,
    /// The list that the owner loaded last counts.
    pub loaded_at: DateTime<Utc>,
}

impl From<DiagnosisList> for DiagnosisListView {
    fn from(row: DiagnosisList) -> Self {
        DiagnosisListView {
            id: row.id,
            owner_id: row.owner_id,
            name: row.name,
            number_of_codes: row.number_of_codes,
            loaded_at: row.loaded_at.and_utc(),
        }
    }
}

/// `GET /diagnosis-lists`
pub async fn lists(guard: Guard<need::ProviderRead, Somewhere>) -> Result<HttpResponse> {
    let owners: Vec<OrganisationId> = visible_owners(&guard).into_iter().collect();
    let rows = guard.read(move |r, _| Ok(store::list_lists(r, &owners)?)).await?;
    let items: Vec<DiagnosisListView> = rows.into_iter().map(DiagnosisListView::from).collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// A new list of diagnoses.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadDiagnoses {
    /// Its id, made by the client.
    #[garde(skip)]
    pub id: Option<DiagnosisListId>,
    /// The mutual, or the body for the mutuals below it.
    #[garde(skip)]
    pub owner_id: OrganisationId,
    /// Unique per owner: `ICD-10 2019`…
    #[garde(length(chars, min = 1, max = 80), custom(not_blank))]
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// The file: a header `code,name`, comma or semicolon; `J06.9`, `J069` and `j06.9` are the same code; at most 20,000
    /// codes. It takes the place of what the owner loaded before.
    #[garde(length(min = 1))]
    pub csv: String,
}

/// `POST /diagnosis-lists`
pub async fn load(guard: Guard<need::ProviderWrite, Somewhere>, body: Body<LoadDiagnoses>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    guard.body_scope(asked.owner_id, Permission::ProviderWrite)?;
    let new = NewList { owner: asked.owner_id, name: asked.name.trim().to_owned(), csv: asked.csv };
    let (row, replayed) = guard
        .carry_out(
            order,
            move |w, order| diagnoses::load(w, order, &new).map(|_| ()),
            |r, order| store::find_list(r, Key::new(order.id.uuid()))?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    Ok(made(replayed, "", None, &DiagnosisListView::from(row)))
}

/// Which diagnoses.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DiagnosisFilter {
    /// Those of its list, or of the nearest body above it that has one.
    pub owner_id: OrganisationId,
    /// The beginning of the code, in any case: `J06`.
    pub q: Option<String>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// A diagnosis of a list.
#[derive(Serialize, ToSchema)]
pub struct DiagnosisView {
    pub code: String,
    pub name: String,
    pub list_id: DiagnosisListId,
}

impl From<DiagnosisCode> for DiagnosisView {
    fn from(row: DiagnosisCode) -> Self {
        DiagnosisView { code: row.code, name: row.name, list_id: row.list_id }
    }
}

/// The beginning of a code as the lists have it.
fn beginning(q: &str) -> Result<String> {
    let text = q.trim().to_ascii_uppercase();
    if text.len() > 10 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
        return Err(Problem::field("q", "out_of_bounds", "the beginning of a code, such as J06").into());
    }
    let dotted = text.len() <= 3 || text.contains('.');
    Ok(if dotted { text } else { format!("{}.{}", &text[..3], &text[3..]) })
}

/// `GET /diagnoses`
pub async fn list(guard: Guard<need::ProviderRead, Somewhere>, query: Query<DiagnosisFilter>) -> Result<HttpResponse> {
    let asked = query.0;
    let owner = asked.owner_id;
    if !visible_owners(&guard).contains(&owner) {
        return Err(Code::NotFound.into());
    }
    let begins = beginning(asked.q.as_deref().unwrap_or_default())?;
    let mut owners = vec![owner];
    owners.extend(guard.picture.ancestors(owner, guard.on(owner)));
    let ask = Ask::new(asked.limit, asked.cursor.as_deref(), &format!("diagnoses {owner} {begins}"))?;
    let page = guard
        .read(move |r, _| {
            let rows = match diagnoses::in_force(r, &owners)? {
                None => Vec::new(),
                Some(list) => store::list_codes(r, list.id, &begins, ask.after_one()?, ask.fetch())?,
            };
            Ok(ask.page(rows, |row| vec![row.code.clone()], DiagnosisView::from))
        })
        .await?;
    Ok(shown(&page))
}
