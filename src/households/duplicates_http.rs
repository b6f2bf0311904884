//! `/mutuals/{m}/duplicates`: the work list of persons who may be registered twice.
use super::duplicates;
use super::duplicates_store::{self as store, PairState, PossibleDuplicate};
use super::http::{MemberView, member_view};
use super::store as register;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::db::Read;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, not_blank, shown};
use crate::words;
use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Two persons who may be one.
#[derive(Serialize, ToSchema)]
pub struct DuplicateView {
    pub id: PossibleDuplicateId,
    /// Who was registered later.
    pub member: MemberView,
    pub other: MemberView,
    /// How much they resemble each other, 0 to 100.
    pub score: i64,
    pub state: PairState,
    pub found_at: DateTime<Utc>,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
    pub version: i64,
}

fn view(r: &mut Read, scope: &MutualScope, row: PossibleDuplicate) -> Result<DuplicateView> {
    let absent = || Problem::of(Code::NotFound);
    Ok(DuplicateView {
        id: row.id,
        member: member_view(register::find_member(r, scope, row.member_id)?.ok_or_else(absent)?),
        other: member_view(register::find_member(r, scope, row.other_id)?.ok_or_else(absent)?),
        score: row.score,
        state: row.state,
        found_at: row.found_at.and_utc(),
        decided_by: row.decided_by,
        decided_at: row.decided_at.map(|at| at.and_utc()),
        note: row.note,
        version: row.version,
    })
}

/// Which pairs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DuplicateFilter {
    /// Only in this state.
    #[param(inline)]
    pub state: Option<PairState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/duplicates`
pub async fn list(
    guard: Guard<need::ProposalDecide, MutualScope>,
    query: Query<DuplicateFilter>,
) -> Result<HttpResponse> {
    let state = query.0.state;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("duplicates {state:?}"))?;
    let page: Page<DuplicateView> = guard
        .read(move |r, scope| {
            let rows = store::list_pairs(r, scope, state, ask.after_one()?, ask.fetch())?;
            let page = ask.page(rows, |row| vec![row.id.to_string()], |row| row);
            let mut items = Vec::with_capacity(page.items.len());
            for row in page.items {
                items.push(view(r, scope, row)?);
            }
            Ok(Page { items, next_cursor: page.next_cursor })
        })
        .await?;
    let seen = page.items.iter().flat_map(|row| [row.member.id.uuid(), row.other.id.uuid()]);
    guard.note("member", seen, None).await?;
    Ok(shown(&page))
}

words! {
    /// What is said of a pair.
    pub enum Judgement {
        /// They are one person.
        Same = "SAME",
        /// They are two.
        Different = "DIFFERENT",
    }
}

/// What the office says of a pair.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideDuplicate {
    #[garde(skip)]
    pub judgement: Judgement,
    #[garde(inner(length(chars, max = 300), custom(not_blank)))]
    #[schema(min_length = 1, max_length = 300)]
    pub note: Option<String>,
}

/// `POST /mutuals/{m}/duplicates/{id}/decision`
pub async fn decide(
    guard: Guard<need::ProposalDecide, MutualScope>,
    path: Ids<(OrganisationId, PossibleDuplicateId)>,
    body: Body<DecideDuplicate>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let asked = body.value;
    let to = match asked.judgement {
        Judgement::Same => PairState::Same,
        Judgement::Different => PairState::Different,
    };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                duplicates::decide(w, scope, order, id, if_match.as_deref(), to, asked.note.as_deref())
            },
            move |r, scope, _| {
                let row = store::find_pair(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
                view(r, scope, row)
            },
        )
        .await?;
    Ok(changed(replayed, Some(view.version), &view))
}
