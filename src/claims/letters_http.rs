//! `/mutuals/{m}/letters`, `/providers/{id}/letters`: shapes and handlers.
use super::http::{asked_for, is_diagnosis, own_member, owners, presented, reads_diagnoses};
use super::letters::{self, Issue, NewLetter};
use super::model::{Letter, LetterState};
use super::review_store as store;
use crate::access::guard::{AtProvider, Guard};
use crate::access::permissions::{Permission, need};
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::cards::presented::{self as cards, Sent};
use crate::db::{Read, Wall, Write};
use crate::error::{Code, Problem, Result, kept};
use crate::households::http::is_number;
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, blocking, changed, found, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A guarantee letter.
#[derive(Serialize, ToSchema)]
pub struct LetterView {
    pub id: LetterId,
    pub number: String,
    pub provider_id: ProviderId,
    pub member_id: MemberId,
    pub household_id: HouseholdId,
    /// Codes of the services that are planned.
    pub services: Vec<String>,
    /// ICD-10 codes; null for who may not read diagnoses.
    pub diagnoses: Option<Vec<String>>,
    pub estimated_minor: i64,
    pub planned_on: NaiveDate,
    pub note: Option<String>,
    pub state: LetterState,
    /// Issued, not used, and its last day has passed.
    pub is_expired: bool,
    /// What the mutual pays at most; null until it is issued.
    pub amount_minor: Option<i64>,
    pub currency: String,
    pub valid_from: Option<NaiveDate>,
    pub valid_to: Option<NaiveDate>,
    /// The claim that used it.
    pub claim_id: Option<ClaimId>,
    pub requested_on: NaiveDate,
    pub requested_by: Option<UserId>,
    pub decided_on: Option<NaiveDate>,
    pub decided_by: Option<UserId>,
    pub reason: Option<String>,
    pub version: i64,
}

fn view(row: Letter, today: NaiveDate, with_diagnoses: bool) -> Result<LetterView> {
    let diagnoses = row.diagnoses.split_whitespace().map(str::to_owned).collect();
    Ok(LetterView {
        is_expired: row.state == LetterState::Issued && row.valid_to.is_some_and(|last| last < today),
        id: row.id,
        number: row.number,
        provider_id: row.provider_id,
        member_id: row.member_id,
        household_id: row.household_id,
        services: kept(&row.services, "services")?,
        diagnoses: with_diagnoses.then_some(diagnoses),
        estimated_minor: row.estimated_minor,
        planned_on: row.planned_on,
        note: row.note,
        state: row.state,
        amount_minor: row.amount_minor,
        currency: row.currency,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        claim_id: row.claim_id,
        requested_on: row.requested_on,
        requested_by: row.requested_by,
        decided_on: row.decided_on,
        decided_by: row.decided_by,
        reason: row.reason,
        version: row.version,
    })
}

fn show(r: &mut Read, scope: &MutualScope, id: LetterId, with_diagnoses: bool) -> Result<LetterView> {
    let row = store::find_letter(r, scope.mutual(), id)?.ok_or(Problem::of(Code::NotFound))?;
    view(row, scope.today(), with_diagnoses)
}

/// Which letters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct LetterFilter {
    /// Only of this facility.
    pub provider_id: Option<ProviderId>,
    /// Only of this person.
    pub member_id: Option<MemberId>,
    /// Only in this state.
    #[param(inline)]
    pub state: Option<LetterState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

type By = (Option<ProviderId>, Option<MemberId>, Option<LetterState>);

fn page(r: &mut Read, scope: &MutualScope, ask: &Ask, by: By, with_diagnoses: bool) -> Result<Page<LetterView>> {
    let rows = store::list_letters(r, scope.mutual(), by.0, by.1, by.2, ask.after_one()?, ask.fetch())?;
    ask.try_page(rows, |row| vec![row.id.to_string()], |row| view(row, scope.today(), with_diagnoses))
}

/// `GET /mutuals/{m}/letters`
pub async fn list(guard: Guard<need::ClaimRead, MutualScope>, query: Query<LetterFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let by = (filter.provider_id, filter.member_id, filter.state);
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("letters {by:?}"))?;
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let page = guard.read(move |r, scope| page(r, scope, &ask, by, with_diagnoses)).await?;
    guard.note("letter", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// `GET /mutuals/{m}/letters/{id}`
pub async fn get(
    guard: Guard<need::ClaimRead, MutualScope>,
    path: Ids<(OrganisationId, LetterId)>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let view = guard.read(move |r, scope| show(r, scope, id, with_diagnoses)).await?;
    guard.note("letter", [id.uuid()], None).await?;
    Ok(found(view.version, &view))
}

/// The body of a letter that is asked for: what is planned is the same, whoever asks; flat, so that a fault names its field.
macro_rules! letter_body {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, Validate, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Made by the client; it or an `Idempotency-Key` is needed.
            #[garde(skip)]
            pub id: Option<LetterId>,
            $($own)*
            /// Codes of the services that are planned.
            #[garde(length(min = 1, max = 20), inner(length(chars, min = 1, max = 30)))]
            #[schema(min_items = 1, max_items = 20)]
            pub services: Vec<String>,
            /// ICD-10 codes.
            #[garde(inner(length(max = 10), inner(custom(is_diagnosis))))]
            #[schema(max_items = 10)]
            pub diagnoses: Option<Vec<String>>,
            /// What the facility expects to bill, in minor units.
            #[garde(range(min = 0, max = 1_000_000_000_000))]
            #[schema(minimum = 0, maximum = 1000000000000_i64)]
            pub estimated_minor: i64,
            /// The day of care that is planned.
            #[garde(skip)]
            pub planned_on: NaiveDate,
            #[garde(inner(length(chars, min = 1, max = 1000)))]
            #[schema(min_length = 1, max_length = 1000)]
            pub note: Option<String>,
        }

        impl $name {
            fn letter(&self, number: Option<String>, provider: ProviderId, member: MemberId) -> NewLetter {
                NewLetter {
                    number,
                    provider,
                    member,
                    services: self.services.clone(),
                    diagnoses: self.diagnoses.clone().unwrap_or_default().join(" "),
                    estimated_minor: self.estimated_minor,
                    planned_on: self.planned_on,
                    note: self.note.clone(),
                }
            }
        }
    };
}

letter_body! {
    /// A letter that is asked for at the mutual.
    RequestLetter {
        /// The mutual's number of it; made of the id where it is left out.
        #[garde(inner(custom(is_number)))]
        #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
        pub number: Option<String>,
        #[garde(skip)]
        pub provider_id: ProviderId,
        #[garde(skip)]
        pub member_id: MemberId,
    }
}

letter_body! {
    /// A letter that a facility asks for: the person by the card presented.
    RequestOwnLetter {
        /// The card's number, which leads to the mutual.
        #[garde(inner(custom(is_number)))]
        #[schema(pattern = "^[0-9A-Za-z-]{1,30}$")]
        pub card: Option<String>,
        /// What the card's QR code says, instead of the number.
        #[garde(inner(length(min = 1, max = 800)))]
        #[schema(min_length = 1, max_length = 800)]
        pub qr: Option<String>,
        /// The year of birth, with a number that was typed.
        #[garde(inner(range(min = 1900, max = 9999)))]
        #[schema(minimum = 1900, maximum = 9999)]
        pub birth_year: Option<i32>,
        /// The mutual's code, for a number of another system.
        #[garde(inner(length(chars, min = 2, max = 20)))]
        #[schema(min_length = 2, max_length = 20)]
        pub mutual: Option<String>,
    }
}

/// `POST /mutuals/{m}/letters`
pub async fn request(guard: Guard<need::ClaimSubmit, MutualScope>, body: Body<RequestLetter>) -> Result<HttpResponse> {
    let order = guard.money_order(&body)?;
    let asked = body.value;
    let owners = owners(&guard, &guard.scope);
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let new = asked.letter(asked.number.clone(), asked.provider_id, asked.member_id);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| letters::request(w, scope, order, &owners, &new),
            move |r, scope, order| show(r, scope, Key::new(order.id.uuid()), with_diagnoses),
        )
        .await?;
    let location = format!("/api/v1/mutuals/{}/letters/{}", guard.scope.mutual(), view.id);
    Ok(made(replayed, &location, Some(view.version), &view))
}

/// `POST /providers/{id}/letters`
pub async fn request_own(
    guard: Guard<need::OwnClaims, AtProvider>,
    body: Body<RequestOwnLetter>,
) -> Result<HttpResponse> {
    let provider = guard.scope.provider();
    let asked = body.value;
    let sent = Sent {
        card: asked.card.clone(),
        qr: asked.qr.clone(),
        mutual: asked.mutual.clone(),
        birth_year: asked.birth_year,
    };
    let card = presented(&guard, &sent)?;
    let scope = guard.provider_scope(provider, card.mutual, Permission::OwnClaims)?;
    let order = guard.order_in(&scope, (asked.id.map(Key::uuid), body.hash))?;
    let owners = owners(&guard, scope.mutual());
    let shown_in = scope.clone();
    let made_now = guard
        .carry_out(
            order,
            move |w, order| {
                let scope = scope.mutual();
                let member = own_member(w, scope, &card)?;
                letters::request(w, scope, order, &owners, &asked.letter(None, provider, member))
            },
            move |r, order| show(r, shown_in.mutual(), Key::new(order.id.uuid()), true),
        )
        .await;
    let (view, replayed) = cards::tried(&guard, made_now)?;
    Ok(made(replayed, "", Some(view.version), &view))
}

/// Which of the facility's letters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnLetterFilter {
    /// The mutual that issues them.
    pub mutual_id: OrganisationId,
    /// Only in this state.
    #[param(inline)]
    pub state: Option<LetterState>,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /providers/{id}/letters`
pub async fn list_own(
    guard: Guard<need::OwnClaims, AtProvider>,
    query: Query<OwnLetterFilter>,
) -> Result<HttpResponse> {
    let filter = query.0;
    let provider = guard.scope.provider();
    let scope = guard.provider_scope(provider, filter.mutual_id, Permission::OwnClaims)?;
    let by = (Some(provider), None, filter.state);
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("own letters {} {by:?}", filter.mutual_id))?;
    let db = guard.desk.db.clone();
    let mutual = scope.mutual().mutual();
    let page = blocking(move || db.read(Wall::mutual(mutual), |r| page(r, scope.mutual(), &ask, by, true))).await?;
    guard.note_in(mutual, "letter", page.items.iter().map(|row| row.id.uuid()), None).await?;
    Ok(shown(&page))
}

/// A letter after a step, or the approval for which the step waits.
#[derive(Serialize, ToSchema)]
pub struct IssuedView {
    #[serde(flatten)]
    pub letter: LetterView,
    /// Where it is above the mutual's limit: to be approved or refused by somebody else under `/approvals/{id}`.
    pub approval_id: Option<ApprovalId>,
}

async fn step(
    guard: Guard<need::ClaimDecide, MutualScope>,
    order: Order,
    id: LetterId,
    act: impl FnMut(&mut Write, &MutualScope, &Order) -> Result<()> + Send + 'static,
) -> Result<HttpResponse> {
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let show = move |r: &mut Read, scope: &MutualScope, _: &Order| show(r, scope, id, with_diagnoses);
    let (view, replayed) = guard.act(order, act, show).await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// `POST /mutuals/{m}/letters/{id}/review`
pub async fn take_up(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, LetterId)>,
) -> Result<HttpResponse> {
    let (id, order, if_match) = (path.0.1, guard.plain_order()?, guard.facts.if_match.clone());
    step(guard, order, id, move |w, scope, _| letters::take_up(w, scope, id, if_match.as_deref())).await
}

/// With what a letter is issued.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueLetter {
    /// The command's id, made by the client; it or an `Idempotency-Key` is needed. An approval takes it.
    #[garde(skip)]
    pub id: Option<CommandId>,
    /// What the mutual pays at most, minor units, above zero.
    #[garde(skip)]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub amount_minor: i64,
    /// Today where it is left out.
    #[garde(skip)]
    pub valid_from: Option<NaiveDate>,
    /// As many days later as the mutual's settings say where it is left out.
    #[garde(skip)]
    pub valid_to: Option<NaiveDate>,
    #[garde(inner(length(chars, min = 1, max = 300)))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: Option<String>,
}

/// `POST /mutuals/{m}/letters/{id}/issue`
pub async fn issue(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, LetterId)>,
    body: Body<IssueLetter>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.money_order(&body)?;
    let if_match = guard.facts.if_match.clone();
    let with_diagnoses = reads_diagnoses(&guard, &guard.scope);
    let asked = body.value;
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| {
                let issue = Issue {
                    letter_id: id,
                    amount_minor: asked.amount_minor,
                    valid_from: asked.valid_from.unwrap_or(scope.today()),
                    valid_to: asked.valid_to,
                    reason: asked.reason.clone(),
                };
                letters::issue(w, scope, order, if_match.as_deref(), &issue).map(|_| ())
            },
            move |r, scope, order| {
                let approval_id = asked_for(r, scope, order.id)?;
                Ok(IssuedView { letter: show(r, scope, id, with_diagnoses)?, approval_id })
            },
        )
        .await?;
    Ok(changed(replayed, Some(view.letter.version), &view))
}

/// Why a letter is refused or revoked.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawLetter {
    #[garde(length(chars, min = 1, max = 300), custom(not_blank))]
    #[schema(min_length = 1, max_length = 300)]
    pub reason: String,
}

/// `POST /mutuals/{m}/letters/{id}/refuse`
pub async fn refuse(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, LetterId)>,
    body: Body<WithdrawLetter>,
) -> Result<HttpResponse> {
    withdraw(guard, path.0.1, body, LetterState::Refused).await
}

/// `POST /mutuals/{m}/letters/{id}/revoke`
pub async fn revoke(
    guard: Guard<need::ClaimDecide, MutualScope>,
    path: Ids<(OrganisationId, LetterId)>,
    body: Body<WithdrawLetter>,
) -> Result<HttpResponse> {
    withdraw(guard, path.0.1, body, LetterState::Revoked).await
}

async fn withdraw(
    guard: Guard<need::ClaimDecide, MutualScope>,
    id: LetterId,
    body: Body<WithdrawLetter>,
    to: LetterState,
) -> Result<HttpResponse> {
    let (order, if_match) = (guard.order(&body)?, guard.facts.if_match.clone());
    let reason = body.value.reason.trim().to_owned();
    step(guard, order, id, move |w, scope, order| {
        letters::withdraw(w, scope, order, id, if_match.as_deref(), (to, &reason))
    })
    .await
}
