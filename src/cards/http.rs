//! Cards of persons, certificates of households, and `/verify`, which asks for no login: shapes and handlers.
use super::model::{ProofKind, RevocationReason};
use super::rules::Standing;
use super::service::{self, Issuer, Shown, Told};
use super::store;
use super::texts::texts_of;
use crate::access::guard::{Guard, Open};
use crate::access::permissions::need;
use crate::access::scopes::MutualScope;
use crate::db::Wall;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::language::Language;
use crate::web::{Body, Ids, Query, blocking, changed, made, shown};
use crate::web::{LanguageFilter, wants_pdf};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{Duration, NaiveDate};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Instant;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Why a proof counts no more.
#[derive(Serialize, ToSchema)]
pub struct RevocationView {
    pub reason: RevocationReason,
    pub revoked_on: NaiveDate,
}

/// A card or a certificate.
#[derive(Serialize, ToSchema)]
pub struct ProofView {
    pub id: ProofId,
    pub kind: ProofKind,
    /// The holder of a card, the principal of a certificate.
    pub member_id: MemberId,
    pub household_id: HouseholdId,
    /// Which of its kind for this person, from 1.
    pub ordinal: i32,
    /// Today.
    pub status: Standing,
    pub issued_on: NaiveDate,
    /// The last day on which it counts.
    pub expires_on: NaiveDate,
    pub revocation: Option<RevocationView>,
    /// The persons named on a certificate; on a card nobody but its holder.
    pub persons: Vec<MemberId>,
    /// The key that signs it, as `/verify/keys` names it.
    pub kid: String,
    /// For `/verify/{token}`; null where the signing key is not kept any more.
    pub token: Option<String>,
    /// The text of the QR code, for who shows it on a screen; null as `token`.
    pub code: Option<String>,
}

impl From<&Shown> for ProofView {
    fn from(from: &Shown) -> Self {
        let proof = &from.proof;
        ProofView {
            id: proof.id,
            kind: proof.kind,
            member_id: proof.member_id,
            household_id: proof.household_id,
            ordinal: proof.ordinal,
            status: from.standing,
            issued_on: proof.issued_on,
            expires_on: proof.expires_on,
            revocation: from
                .revocation
                .as_ref()
                .map(|row| RevocationView { reason: row.reason, revoked_on: row.revoked_on }),
            persons: from.persons.iter().map(|(_, member)| member.id).collect(),
            kid: proof.kid.clone(),
            token: from.code.as_ref().map(|(token, _)| service::token_text(token)),
            code: from.code.as_ref().map(|(_, code)| code.clone()),
        }
    }
}

/// A card or certificate to be issued.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueProof {
    /// Made by the client.
    #[garde(skip)]
    pub id: Option<ProofId>,
    /// The last day on which it counts, three years from today at most; where it is left out, the last day of the period of
    /// cover. A certificate cannot count longer than that.
    #[garde(skip)]
    pub expires_on: Option<NaiveDate>,
}

/// A card or certificate to be revoked.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeProof {
    /// The command's id, made by the client.
    #[garde(skip)]
    pub id: Option<Uuid>,
    /// `REPLACED` is not given here: it follows from issuing another card.
    #[garde(skip)]
    pub reason: RevocationReason,
}

impl RevokeProof {
    fn reason(&self) -> Result<RevocationReason> {
        match self.reason {
            RevocationReason::Replaced => {
                Err(Problem::field("/reason", "unknown_value", "follows from issuing another card").into())
            }
            reason => Ok(reason),
        }
    }
}

fn issuer(guard: &Guard<impl crate::access::permissions::Need, MutualScope>) -> Result<Issuer> {
    Issuer::new(guard.access.keys.clone(), &guard.picture, guard.scope.mutual())
}

/// A proof as it is asked for; the look at a person is kept before anything is given.
async fn give(
    guard: Guard<need::RegisterRead, MutualScope>,
    req: HttpRequest,
    language: Language,
    found: impl FnMut(&mut crate::db::Read, &MutualScope) -> Result<Shown> + Send + 'static,
) -> Result<HttpResponse> {
    let pdf = wants_pdf(&req)?;
    let issuer = issuer(&guard)?;
    let found = guard.read(found).await?;
    let view = ProofView::from(&found);
    let persons = [found.holder.id].into_iter().chain(view.persons.iter().copied());
    let ids: std::collections::BTreeSet<Uuid> = persons.map(MemberId::uuid).collect();
    let kind = found.proof.kind;
    if !pdf {
        guard.note("member", ids, None).await?;
        return Ok(shown(&view));
    }
    let printed = blocking(move || service::print(&issuer, &found, language)).await?;
    guard.note("member", ids, Some(json!({"printed": kind}))).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_LANGUAGE, language.code()))
        .insert_header((header::CONTENT_DISPOSITION, format!("inline; filename=\"{kind}.pdf\"")))
        .content_type("application/pdf")
        .body(printed))
}

/// `GET /mutuals/{m}/members/{id}/card`
pub async fn card(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    query: Query<LanguageFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (id, language, issuer) = (path.0.1, query.0.wanted(&req), issuer(&guard)?);
    give(guard, req, language, move |r, scope| service::show_card(r, scope, &issuer, id)).await
}

/// `POST /mutuals/{m}/members/{id}/card`
pub async fn issue_card(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    body: Body<IssueProof>,
) -> Result<HttpResponse> {
    let (mutual, id) = path.0;
    let order = guard.order(&body)?;
    let (issuer, asked) = (issuer(&guard)?, body.value.expires_on);
    let other = issuer.clone();
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::issue_card(w, scope, order, &issuer, id, asked),
            move |r, scope, _| Ok(ProofView::from(&service::show_card(r, scope, &other, id)?)),
        )
        .await?;
    Ok(made(replayed, &format!("/api/v1/mutuals/{mutual}/members/{id}/card"), None, &view))
}

/// `POST /mutuals/{m}/members/{id}/card/revoke`
pub async fn revoke_card(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, MemberId)>,
    body: Body<RevokeProof>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let (issuer, reason) = (issuer(&guard)?, body.value.reason()?);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::revoke_card(w, scope, order, id, reason),
            move |r, scope, _| Ok(ProofView::from(&service::show_card(r, scope, &issuer, id)?)),
        )
        .await?;
    Ok(changed(replayed, None, &view))
}

/// `POST /mutuals/{m}/households/{id}/certificate`
pub async fn issue_certificate(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, HouseholdId)>,
    body: Body<IssueProof>,
) -> Result<HttpResponse> {
    let (mutual, id) = path.0;
    let order = guard.order(&body)?;
    let (issuer, asked) = (issuer(&guard)?, body.value.expires_on);
    let (other, certificate) = (issuer.clone(), Key::new(order.id.uuid()));
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::issue_certificate(w, scope, order, &issuer, id, asked),
            move |r, scope, _| Ok(ProofView::from(&service::show_certificate(r, scope, &other, certificate)?)),
        )
        .await?;
    Ok(made(replayed, &format!("/api/v1/mutuals/{mutual}/certificates/{certificate}"), None, &view))
}

/// `GET /mutuals/{m}/certificates/{id}`
pub async fn certificate(
    guard: Guard<need::RegisterRead, MutualScope>,
    path: Ids<(OrganisationId, ProofId)>,
    query: Query<LanguageFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (id, language, issuer) = (path.0.1, query.0.wanted(&req), issuer(&guard)?);
    give(guard, req, language, move |r, scope| service::show_certificate(r, scope, &issuer, id)).await
}

/// `POST /mutuals/{m}/certificates/{id}/revoke`
pub async fn revoke_certificate(
    guard: Guard<need::RegisterWrite, MutualScope>,
    path: Ids<(OrganisationId, ProofId)>,
    body: Body<RevokeProof>,
) -> Result<HttpResponse> {
    let id = path.0.1;
    let order = guard.order(&body)?;
    let (issuer, reason) = (issuer(&guard)?, body.value.reason()?);
    let (view, replayed) = guard
        .act(
            order,
            move |w, scope, order| service::revoke_certificate(w, scope, order, id, reason),
            move |r, scope, _| Ok(ProofView::from(&service::show_certificate(r, scope, &issuer, id)?)),
        )
        .await?;
    Ok(changed(replayed, None, &view))
}

/// What anybody with a token is told. No name, no number, no way to the person.
#[derive(Serialize, ToSchema)]
pub struct VerifiedView {
    pub status: Standing,
    pub kind: ProofKind,
    /// The name of the mutual.
    pub mutual: String,
    /// Of the holder's given and family name.
    pub initials: String,
    /// The last day on which it counts.
    pub expires_on: NaiveDate,
    /// Whether cover stands today, for each person of a certificate; null where the proof itself counts no more.
    pub in_force: Option<bool>,
    /// The same in words.
    pub message: String,
}

/// `GET /verify/{token}`
///
/// Tokens cannot be guessed; who tries many waits longer and longer all the same, as at the login.
pub async fn verify(
    open: Open,
    path: Ids<String>,
    query: Query<LanguageFilter>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let language = query.0.wanted(&req);
    let address = format!("verify {}", open.facts.address);
    if let Some(seconds) = open.access.throttle.must_wait(&[&address], Instant::now()) {
        return Err(Problem::of(Code::TooManyRequests).after(seconds).into());
    }
    let picture = open.access.pictures.current()?;
    let (db, known) = (open.desk.db.clone(), picture.clone());
    let found: Option<(Told, String)> = blocking(move || {
        let Some(hash) = service::read_token(&path.0).map(|token| service::token_hash(&token)) else {
            return Ok(None);
        };
        let owner = db.read(Wall::ROOT, |r| store::find_owner(r, &hash).map_err(Error::from))?;
        let Some(mutual) = owner.and_then(|owner| known.organisation(owner)) else { return Ok(None) };
        let (id, today) = (Key::new(mutual.id.uuid()), db.clock().today(mutual.timezone));
        let told = db.read(Wall::mutual(id), |r| service::verify(r, id, &hash, today))?;
        Ok(told.map(|told| (told, mutual.name.clone())))
    })
    .await?;
    let Some((told, mutual)) = found else {
        open.access.throttle.failed(&[&address], Instant::now());
        return Err(Code::NotFound.into());
    };
    let texts = texts_of(language);
    let standing = match told.standing {
        Standing::Valid => &texts.valid,
        Standing::Expired => &texts.expired,
        Standing::Revoked => &texts.revoked,
    };
    let cover = told.in_force.map(|in_force| if in_force { &texts.in_force } else { &texts.not_in_force });
    let view = VerifiedView {
        status: told.standing,
        kind: told.kind,
        mutual,
        initials: told.initials,
        expires_on: told.expires_on,
        in_force: told.in_force,
        message: [Some(standing), cover].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" "),
    };
    let mut response = shown(&view);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, header::HeaderValue::from_static(language.code()));
    headers.insert(header::VARY, header::HeaderValue::from_static("Accept-Language"));
    Ok(response)
}

/// A public key (RFC 8037).
#[derive(Serialize, ToSchema)]
pub struct KeyView {
    /// `OKP`.
    pub kty: &'static str,
    /// `Ed25519`.
    pub crv: &'static str,
    /// The 32 bytes of the key, base64url.
    pub x: String,
    /// The first eight bytes of the key's SHA-256 in hexadecimal; the QR code has the bytes.
    pub kid: String,
    /// `EdDSA`.
    pub alg: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: &'static str,
}

/// The keys that sign, and signed, cards and certificates (RFC 7517).
#[derive(Serialize, ToSchema)]
pub struct KeysView {
    pub keys: Vec<KeyView>,
}

/// `GET /verify/keys`
pub async fn keys(open: Open) -> Result<HttpResponse> {
    let view = |(kid, public): (&str, &[u8])| KeyView {
        kty: "OKP",
        crv: "Ed25519",
        x: BASE64URL_NOPAD.encode(public),
        kid: kid.to_owned(),
        alg: "EdDSA",
        usage: "sig",
    };
    Ok(may_be_kept(&KeysView { keys: open.access.keys.cards().public().map(view).collect() }, None))
}

/// Of which mutual.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RevokedFilter {
    /// The code of a mutual; all where it is left out.
    pub mutual: Option<String>,
}

/// A token that counts no more.
#[derive(Serialize, ToSchema)]
pub struct RevokedView {
    /// SHA-256 of the token's 16 bytes, base64url: who has the code finds it here, and the list leads to nobody.
    pub token_hash: String,
    pub revoked_on: NaiveDate,
}

/// What was revoked before its expiry. Whole, not in pages: a reader without a network needs all of it.
#[derive(Serialize, ToSchema)]
pub struct RevokedListView {
    pub revoked: Vec<RevokedView>,
}

/// `GET /verify/revoked`
pub async fn revoked(open: Open, query: Query<RevokedFilter>, req: HttpRequest) -> Result<HttpResponse> {
    let picture = open.access.pictures.current()?;
    // A mistyped code must not look like a mutual that revoked nothing.
    let owner = match &query.0.mutual {
        None => None,
        Some(code) => Some(picture.by_code(code).ok_or(Problem::of(Code::NotFound).at("mutual"))?.id),
    };
    let db = open.desk.db.clone();
    // In some zone the day before has not ended yet.
    let from = db.clock().now().date() - Duration::days(1);
    let rows = blocking(move || db.read(Wall::ROOT, |r| store::list_revoked(r, owner, from).map_err(Error::from)));
    let revoked: Vec<RevokedView> = rows
        .await?
        .into_iter()
        .map(|row| RevokedView { token_hash: BASE64URL_NOPAD.encode(&row.token_hash), revoked_on: row.revoked_on })
        .collect();
    let sent = req.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    Ok(may_be_kept(&RevokedListView { revoked }, sent))
}

/// An answer without persons that others may keep for five minutes, with a tag of its content; 304 where it is the one
/// that was kept.
fn may_be_kept<V: Serialize>(view: &V, if_none_match: Option<&str>) -> HttpResponse {
    let mut response = shown(view);
    let body = serde_json::to_vec(view).unwrap_or_default();
    // Weak: compression changes the bytes that travel.
    let tag = format!("W/\"{}\"", HEXLOWER.encode(&Sha256::digest(body)[..16]));
    let same = if_none_match.is_some_and(|sent| sent.split(',').any(|one| one.trim() == tag));
    if same {
        response = HttpResponse::NotModified().finish();
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=300"));
    if let Ok(tag) = header::HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
