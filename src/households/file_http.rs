//! `/mutuals/{m}/members/{id}/file` and what is added to it, `/mutuals/{m}/groups`: shapes and handlers.
use super::file::{self, Ending, NewConsent, NewDocument, NewExternalCover, NewGroup};
use super::file_store as files;
use super::model::*;
use super::store;
use crate::access::guard::Guard;
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::error::{Code, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, changed, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// An identity document.
#[derive(Serialize, ToSchema)]
pub struct DocumentView {
    pub id: DocumentId,
    pub kind: DocumentKind,
    pub number: String,
    pub issued_on: Option<NaiveDate>,
    pub expires_on: Option<NaiveDate>,
    /// Since when it is no longer used.
    pub ended_on: Option<NaiveDate>,
}

/// A phone.
#[derive(Serialize, ToSchema)]
pub struct PhoneView {
    pub id: PhoneId,
    /// In international form.
    pub number: String,
    /// As it was typed.
    pub raw: String,
    pub from_on: NaiveDate,
    pub ended_on: Option<NaiveDate>,
}

/// A consent, or its refusal.
#[derive(Serialize, ToSchema)]
pub struct ConsentView {
    pub id: ConsentId,
    pub purpose: ConsentPurpose,
    /// The version of the wording that was read out.
    pub wording: String,
    pub given: bool,
    /// Who decided for a minor.
    pub guardian_id: Option<MemberId>,
    pub decided_on: NaiveDate,
    /// True for the last decision about its purpose.
    pub stands: bool,
}

/// Cover by another scheme.
#[derive(Serialize, ToSchema)]
pub struct ExternalCoverView {
    pub id: ExternalCoverId,
    pub scheme: String,
    pub number: Option<String>,
    pub from_on: NaiveDate,
    pub to_on: Option<NaiveDate>,
}

/// A person's membership of a group.
#[derive(Serialize, ToSchema)]
pub struct GroupMemberView {
    pub id: GroupMemberId,
    pub group_id: GroupId,
    pub member_id: MemberId,
    pub from_on: NaiveDate,
    pub to_on: Option<NaiveDate>,
}

impl From<GroupMember> for GroupMemberView {
    fn from(row: GroupMember) -> Self {
        GroupMemberView {
            id: row.id,
            group_id: row.group_id,
            member_id: row.member_id,
            from_on: row.from_on,
            to_on: row.ended_on,
        }
    }
}

/// What a person's file holds.
#[derive(Serialize, ToSchema)]
pub struct FileView {
    pub member_id: MemberId,
    pub documents: Vec<DocumentView>,
    pub phones: Vec<PhoneView>,
    pub consents: Vec<ConsentView>,
    pub external_covers: Vec<ExternalCoverView>,
    pub groups: Vec<GroupMemberView>,
}

fn show(r: &mut crate::db::Read, scope: &MutualScope, id: MemberId) -> Result<FileView> {
    store::find_member(r, scope, id)?.ok_or(Problem::of(Code::NotFound))?;
    let mutual = scope.mutual();
    let consents = files::list_consents(r, mutual, id)?;
    let last = |purpose| {
        let of_purpose = consents.iter().filter(move |row| row.purpose == purpose);
        of_purpose.max_by_key(|row| (row.decided_on, row.recorded_at, row.id)).map(|row| row.id)
    };
    Ok(FileView {
        member_id: id,
        documents: files::list_documents(r, mutual, id)?
            .into_iter()
            .map(|row| DocumentView {
                id: row.id,
                kind: row.kind,
                number: row.number,
                issued_on: row.issued_on,
                expires_on: row.expires_on,
                ended_on: row.ended_on,
            })
            .collect(),
        phones: files::list_phones(r, mutual, id)?
            .into_iter()
            .map(|row| PhoneView {
                id: row.id,
                number: row.e164,
                raw: row.raw,
                from_on: row.from_on,
                ended_on: row.ended_on,
            })
            .collect(),
        consents: consents
            .iter()
            .map(|row| ConsentView {
                id: row.id,
                purpose: row.purpose,
                wording: row.wording.clone(),
                given: row.given,
                guardian_id: row.guardian_id,
                decided_on: row.decided_on,
                stands: last(row.purpose) == Some(row.id),
            })
            .collect(),
        external_covers: files::list_external_covers(r, mutual, id)?
            .into_iter()
            .map(|row| ExternalCoverView {
                id: row.id,
                scheme: row.scheme,
                number: row.number,
                from_on: row.from_on,
                to_on: row.ended_on,
            })
            .collect(),
        groups: files::list_groups_of(r, mutual, id)?.into_iter().map(GroupMemberView::from).collect(),
    })
}

/// `GET /mutuals/{m}/members/{id}/file`
pub async fn get(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let view = guard.read(move |r, scope| show(r, scope, id)).await?;
    guard.note("member", [id.uuid()], None).await?;
    Ok(shown(&view))
}

/// An identity document to be added.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddDocument {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<DocumentId>,
    #[garde(skip)]
    pub kind: DocumentKind,
    #[garde(length(chars, max = 40), custom(not_blank))]
    #[schema(min_length = 1, max_length = 40)]
    pub number: String,
    #[garde(skip)]
    pub issued_on: Option<NaiveDate>,
    #[garde(skip)]
    pub expires_on: Option<NaiveDate>,
}

/// A phone to be added.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddPhone {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<PhoneId>,
    /// As it is said: in international form, or as in the mutual's country. Shared phones are normal.
    #[garde(length(chars, max = 30), custom(not_blank))]
    #[schema(min_length = 1, max_length = 30)]
    pub number: String,
}

/// A consent or its refusal. Refusing photo or messages changes nothing in cover.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddConsent {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<ConsentId>,
    #[garde(skip)]
    pub purpose: ConsentPurpose,
    /// The version of the wording that was read out, such as `2026-1`.
    #[garde(length(chars, max = 20), custom(not_blank))]
    #[schema(min_length = 1, max_length = 20)]
    pub wording: String,
    #[garde(skip)]
    pub given: bool,
    /// For a minor: who of the household decides.
    #[garde(skip)]
    pub guardian_id: Option<MemberId>,
    /// Today where it is left out.
    #[garde(skip)]
    pub decided_on: Option<NaiveDate>,
}

/// Cover by another scheme to be added.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddExternalCover {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<ExternalCoverId>,
    #[garde(length(chars, max = 80), custom(not_blank))]
    #[schema(min_length = 1, max_length = 80)]
    pub scheme: String,
    #[garde(inner(length(chars, min = 1, max = 40)))]
    #[schema(min_length = 1, max_length = 40)]
    pub number: Option<String>,
    #[garde(skip)]
    pub from_on: NaiveDate,
    #[garde(skip)]
    pub to_on: Option<NaiveDate>,
}

/// `POST /mutuals/{m}/members/{id}/documents`
pub async fn add_document(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    body: Body<AddDocument>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let asked = body.value;
    let new = NewDocument {
        kind: asked.kind,
        number: asked.number.trim().to_owned(),
        issued_on: asked.issued_on,
        expires_on: asked.expires_on,
    };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| file::add_document(w, scope, order, id, &new),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}

/// `POST /mutuals/{m}/members/{id}/phones`
pub async fn add_phone(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    body: Body<AddPhone>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let asked = body.value;
    let new = asked.number.trim().to_owned();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| file::add_phone(w, scope, order, id, &new),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}

/// `POST /mutuals/{m}/members/{id}/consents`
pub async fn add_consent(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    body: Body<AddConsent>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let asked = body.value;
    let new = NewConsent {
        purpose: asked.purpose,
        wording: asked.wording.trim().to_owned(),
        given: asked.given,
        guardian: asked.guardian_id,
        decided_on: asked.decided_on.unwrap_or(guard.scope.today()),
    };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| file::add_consent(w, scope, order, id, &new),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}

/// `POST /mutuals/{m}/members/{id}/external-covers`
pub async fn add_external_cover(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    body: Body<AddExternalCover>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let asked = body.value;
    let new = NewExternalCover {
        scheme: asked.scheme.trim().to_owned(),
        number: asked.number,
        from_on: asked.from_on,
        to_on: asked.to_on,
    };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| file::add_external_cover(w, scope, order, id, &new),
            move |r, scope, _| show(r, scope, id),
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}

/// The last day of something in a file.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndIt {
    /// The command's id, made by the client.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// The last day on which it holds; today where it is left out.
    #[garde(skip)]
    pub on: Option<NaiveDate>,
}

async fn end(
    guard: Guard<need::RegisterWrite, MutualScope>,
    id: MemberId,
    what: Ending,
    body: Body<EndIt>,
) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let on = body.value.on.unwrap_or(guard.scope.today());
    let (view, replayed) = guard
        .act(order, move |w, scope, _| file::end(w, scope, id, what, on), move |r, scope, _| show(r, scope, id))
        .await?;
    Ok(changed(replayed, None, &view))
}

/// `POST /mutuals/{m}/members/{id}/documents/{part}/end`
pub async fn end_document(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId, DocumentId)>,
    body: Body<EndIt>,
) -> Result<HttpResponse> {
    let (_, id, part) = path.0;
    end(guard, id, Ending::Document(part), body).await
}

/// `POST /mutuals/{m}/members/{id}/phones/{part}/end`
pub async fn end_phone(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId, PhoneId)>,
    body: Body<EndIt>,
) -> Result<HttpResponse> {
    let (_, id, part) = path.0;
    end(guard, id, Ending::Phone(part), body).await
}

/// `POST /mutuals/{m}/members/{id}/external-covers/{part}/end`
pub async fn end_external_cover(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId, ExternalCoverId)>,
    body: Body<EndIt>,
) -> Result<HttpResponse> {
    let (_, id, part) = path.0;
    end(guard, id, Ending::ExternalCover(part), body).await
}

/// A group.
#[derive(Serialize, ToSchema)]
pub struct GroupView {
    pub id: GroupId,
    pub code: String,
    pub name: String,
    pub kind: GroupKind,
}

impl From<Group> for GroupView {
    fn from(row: Group) -> Self {
        GroupView { id: row.id, code: row.code, name: row.name, kind: row.kind }
    }
}

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageFilter {
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /mutuals/{m}/groups`
pub async fn groups(guard: Guard<need::RegisterRead, MutualScope>, query: Query<PageFilter>) -> Result<HttpResponse> {
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), "groups")?;
    let page: Page<GroupView> = guard
        .read(move |r, scope| {
            let rows = files::list_groups(r, scope.mutual(), ask.after_two()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.code.clone(), row.id.to_string()], GroupView::from))
        })
        .await?;
    guard.note("group", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// A group to be added.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddGroup {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<GroupId>,
    /// 1 to 30 letters, digits or hyphens; unique in the mutual.
    #[garde(custom(super::http::is_number))]
    #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
    pub code: String,
    #[garde(length(chars, max = 120), custom(not_blank))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    #[garde(skip)]
    pub kind: GroupKind,
}

/// `POST /mutuals/{m}/groups`
pub async fn add_group(guard: Guard<need::RegisterWrite, MutualScope>, body: Body<AddGroup>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    let new = NewGroup { code: asked.code, name: asked.name.trim().to_owned(), kind: asked.kind };
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| file::add_group(w, scope, order, &new),
            |r, scope, order| {
                let row = files::find_group(r, scope.mutual(), Key::new(order.id.uuid()))?;
                Ok(GroupView::from(row.ok_or(Problem::of(Code::NotFound))?))
            },
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}

/// `GET /mutuals/{m}/groups/{id}/members`
pub async fn group_members(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, GroupId)>,
    query: Query<PageFilter>,
) -> Result<HttpResponse> {
    let group = path.0.1;
    let ask = Ask::new(query.0.limit, query.0.cursor.as_deref(), &format!("members of {group}"))?;
    let page: Page<GroupMemberView> = guard
        .read(move |r, scope| {
            files::find_group(r, scope.mutual(), group)?.ok_or(Problem::of(Code::NotFound))?;
            let rows = files::list_group_members(r, scope, group, ask.after_one()?, ask.fetch())?;
            Ok(ask.page(rows, |row| vec![row.id.to_string()], GroupMemberView::from))
        })
        .await?;
    guard.note("member", page.items.iter().map(|row| row.member_id.uuid()), None).await?;
    Ok(shown(&page))
}

/// A person who joins a group.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinGroup {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<GroupMemberId>,
    #[garde(skip)]
    pub member_id: MemberId,
    /// First day; today where it is left out.
    #[garde(skip)]
    pub from_on: Option<NaiveDate>,
}

fn show_membership(r: &mut crate::db::Read, scope: &MutualScope, id: GroupMemberId) -> Result<GroupMemberView> {
    let row = files::find_group_member(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    Ok(row.into())
}

/// `POST /mutuals/{m}/groups/{id}/members`
pub async fn join_group(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, GroupId)>,
    body: Body<JoinGroup>,
) -> Result<HttpResponse> {
    let group = path.0.1;
    let order = guard.order(&body)?;
    let member = body.value.member_id;
    let from_on = body.value.from_on.unwrap_or(guard.scope.today());
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| file::join_group(w, scope, order, group, member, from_on),
            |r, scope, order| show_membership(r, scope, Key::new(order.id.uuid())),
        )
        .await?;
    Ok(made(replayed, "", None, &view))
}

/// `POST /mutuals/{m}/groups/{id}/members/{part}/end`
pub async fn leave_group(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, GroupId, GroupMemberId)>,
    body: Body<EndIt>,
) -> Result<HttpResponse> {
    let (_, group, id) = path.0;
    let order = guard.order(&body)?;
    let on = body.value.on.unwrap_or(guard.scope.today());
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, _| file::leave_group(w, scope, group, id, on),
            move |r, scope, _| show_membership(r, scope, id),
        )
        .await?;
    Ok(changed(replayed, None, &view))
}
