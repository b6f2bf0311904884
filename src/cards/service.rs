//! Commands of proofs: issue a card or a certificate, revoke; and what the proof of a token is worth today.
use super::drawing;
use super::model::*;
use super::rules::{self, Claims, Standing};
use super::store;
use super::texts::texts_of;
use crate::access::keys::Keys;
use crate::access::picture::Picture;
use crate::access::scopes::MutualScope;
use crate::audit::frame::Order;
use crate::dates::within;
use crate::db::{Read, Write};
use crate::enrolments::model::Enrolment;
use crate::enrolments::rules::{CoverSpan, SpanState};
use crate::enrolments::service::as_cover_span;
use crate::enrolments::store as enrolments;
use crate::error::{Code, Error, Problem, Result};
use crate::households::file::locked;
use crate::households::model::{Member, Relationship};
use crate::households::store as households;
use crate::ids::*;
use crate::language::Language;
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// The mutual that issues, with the keys that sign for it.
#[derive(Clone)]
pub struct Issuer {
    keys: Arc<Keys>,
    code: String,
    name: String,
    zone: Tz,
}

impl Issuer {
    /// The mutual of a scope.
    ///
    /// # Errors
    /// `not_found`.
    pub fn new(keys: Arc<Keys>, picture: &Picture, mutual: MutualId) -> Result<Issuer> {
        let found = picture.organisation(mutual.into()).ok_or(Problem::of(Code::NotFound))?;
        Ok(Issuer { keys, code: found.code.clone(), name: found.name.clone(), zone: found.timezone })
    }
}

/// What is kept of a token.
pub fn token_hash(token: &[u8; 16]) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// A proof with what has become of it, and what is read from its person's row.
#[derive(Debug, Clone)]
pub struct Shown {
    pub proof: Proof,
    pub revocation: Option<Revocation>,
    pub holder: Member,
    pub household_number: String,
    /// On a certificate, in the order in which they are printed.
    pub persons: Vec<(Relationship, Member)>,
    /// Today in the mutual's zone.
    pub standing: Standing,
    /// The token and the text of the QR code; none where the key that signed is not here any more.
    pub code: Option<([u8; 16], String)>,
}

/// The last day until which a person who is covered today is affiliated, as far as is known: the period's end, or that of the
/// next one where it is paid already, and less where he leaves before. What may suspend cover until then does not count: an
/// instalment of the harvest to come is no reason to print another card. None without cover today.
fn affiliated_until(
    spans: &[CoverSpan<Uuid>],
    enrolments: &[Enrolment],
    person: MemberId,
    today: NaiveDate,
) -> Option<NaiveDate> {
    let own = || spans.iter().filter(|span| span.person == person.uuid());
    let now = own().find(|span| span.state == SpanState::InForce && within(today, span.from, span.to))?;
    let last_of = |row: &Enrolment| row.ended_on.map_or(row.ends_on, |ended| ended.min(row.ends_on));
    let mut last = enrolments.iter().find(|row| row.id.uuid() == now.enrolment).map(last_of)?;
    while let Some(next) = enrolments.iter().find(|row| {
        let opens = |span: &CoverSpan<Uuid>| span.enrolment == row.id.uuid() && span.state == SpanState::InForce;
        last.succ_opt() == Some(row.starts_on) && last_of(row) > last && own().any(opens)
    }) {
        last = last_of(next);
    }
    let leaves = own().filter(|span| span.state == SpanState::Terminated && span.from > today).map(|span| span.from);
    leaves.min().and_then(|from| from.pred_opt()).map_or(Some(last), |day| Some(day.min(last)))
}

fn not_covered() -> Error {
    Code::NotCovered.into()
}

/// Issues a person's card; the one before, if it still counts, is replaced. Without `expires_on` the card counts as long
/// as the person is affiliated.
///
/// # Errors
/// `not_found`, `not_covered`, `impossible_date`.
pub fn issue_card(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    issuer: &Issuer,
    of: MemberId,
    expires_on: Option<NaiveDate>,
) -> Result<()> {
    let (member, household) = locked(w, scope, of)?;
    let today = scope.today();
    let spans: Vec<CoverSpan<Uuid>> =
        enrolments::list_spans_of_member(w, scope, of)?.iter().map(as_cover_span).collect();
    let periods = enrolments::list_of_household(w, scope.mutual(), household.id)?;
    let until = affiliated_until(&spans, &periods, of, today).ok_or_else(not_covered)?;
    let expires_on = rules::card_expiry(today, expires_on, until).map_err(refused_expiry)?;
    let before = store::find_last(w, scope.mutual(), of, ProofKind::Card)?;
    if let Some(card) = &before
        && standing_of(w, card, today)?.1 == Standing::Valid
    {
        take_back(w, scope, order, card, RevocationReason::Replaced)?;
    }
    let ordinal = before.map_or(1, |card| card.ordinal + 1);
    add(w, scope, order, issuer, (ProofKind::Card, household.id, member.id, ordinal), expires_on)
}

/// Issues a household's certificate. It names those who are covered today and counts as long as each of them is
/// affiliated, or for less.
///
/// # Errors
/// `not_found`, `no_principal`, `not_covered`, `impossible_date`.
pub fn issue_certificate(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    issuer: &Issuer,
    of: HouseholdId,
    expires_on: Option<NaiveDate>,
) -> Result<()> {
    let (mutual, today) = (scope.mutual(), scope.today());
    households::find(w, scope, of)?.ok_or(Problem::of(Code::NotFound))?;
    households::lock(w, mutual, of)?.ok_or(Problem::of(Code::NotFound))?;
    let mut present = households::list_of_household(w, mutual, of)?;
    present.retain(|(member, stay)| {
        within(today, stay.from_on, stay.to_on) && member.died_on.is_none_or(|died| today <= died)
    });
    let principal = present.iter().find(|(_, stay)| stay.relationship == Relationship::Principal);
    let principal = principal.map(|(member, _)| member.id).ok_or(Problem::of(Code::NoPrincipal))?;
    let spans: Vec<CoverSpan<Uuid>> = enrolments::list_spans_of(w, mutual, of)?.iter().map(as_cover_span).collect();
    let periods = enrolments::list_of_household(w, mutual, of)?;
    let mut named = Vec::new();
    let mut until: Option<NaiveDate> = None;
    for (member, stay) in &present {
        if let Some(last) = affiliated_until(&spans, &periods, member.id, today) {
            named.push((member.id, stay.relationship));
            until = Some(until.map_or(last, |known| known.min(last)));
        }
    }
    let until = until.ok_or_else(not_covered)?;
    let expires_on = rules::certificate_expiry(today, expires_on, until).map_err(refused_expiry)?;
    let before = store::find_last(w, mutual, principal, ProofKind::Certificate)?;
    let ordinal = before.map_or(1, |certificate| certificate.ordinal + 1);
    add(w, scope, order, issuer, (ProofKind::Certificate, of, principal, ordinal), expires_on)?;
    let rows: Vec<ProofMember> = named
        .into_iter()
        .map(|(member_id, relationship)| ProofMember {
            mutual_id: mutual,
            id: w.new_id(),
            proof_id: Key::new(order.id.uuid()),
            member_id,
            relationship,
        })
        .collect();
    Ok(store::insert_members(w, &rows)?)
}

fn refused_expiry(refused: rules::ExpiryRefused) -> Error {
    Problem::with(Code::ImpossibleDate, refused.to_string()).at("/expires_on").into()
}

fn add(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    issuer: &Issuer,
    (kind, household_id, member_id, ordinal): (ProofKind, HouseholdId, MemberId, i32),
    expires_on: NaiveDate,
) -> Result<()> {
    let keys = issuer.keys.cards();
    let id: ProofId = Key::new(order.id.uuid());
    let kid = keys.current().to_owned();
    let token = keys
        .token(&kid, scope.mutual(), id.uuid())
        .ok_or_else(|| Error::Fault("the key of cards that signs now is not there".into()))?;
    let row = Proof {
        mutual_id: scope.mutual(),
        id,
        kind,
        household_id,
        member_id,
        ordinal,
        token_hash: token_hash(&token),
        kid,
        issued_on: scope.today(),
        expires_on,
        recorded_by: order.asker.user,
        recorded_at: w.now(),
    };
    store::insert(w, &row)?;
    w.names(kind.code(), id.uuid());
    w.names("member", member_id.uuid());
    w.field("expires_on", None, Some(json!(expires_on)));
    w.field("ordinal", None, Some(json!(ordinal)));
    Ok(())
}

/// What has become of a proof, and what it is worth on a day.
fn standing_of(r: &mut Read, proof: &Proof, on: NaiveDate) -> Result<(Option<Revocation>, Standing)> {
    let revocation = store::find_revocation(r, proof.mutual_id, proof.id)?;
    let revoked_on = revocation.as_ref().map(|revocation| revocation.revoked_on);
    Ok((revocation, rules::standing(proof.expires_on, revoked_on, on)))
}

fn take_back(w: &mut Write, scope: &MutualScope, order: &Order, proof: &Proof, reason: RevocationReason) -> Result<()> {
    let row = Revocation {
        mutual_id: scope.mutual(),
        id: w.new_id(),
        proof_id: proof.id,
        reason,
        revoked_on: scope.today(),
        recorded_by: order.asker.user,
        recorded_at: w.now(),
    };
    store::insert_revocation(w, &row, &proof.token_hash)?;
    w.names(proof.kind.code(), proof.id.uuid());
    w.field("revoked", None, Some(json!(reason)));
    Ok(())
}

/// Revokes a proof that still counts.
fn revoke(w: &mut Write, scope: &MutualScope, order: &Order, proof: &Proof, reason: RevocationReason) -> Result<()> {
    let (_, standing) = standing_of(w, proof, scope.today())?;
    if standing != Standing::Valid {
        let detail = format!("the {} is {standing}: there is nothing to revoke", proof.kind);
        return Err(Problem::with(Code::WrongState, detail).into());
    }
    w.names("member", proof.member_id.uuid());
    take_back(w, scope, order, proof, reason)
}

/// Revokes a person's card.
///
/// # Errors
/// `not_found` without a card, `wrong_state` where it counts no more.
pub fn revoke_card(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    of: MemberId,
    reason: RevocationReason,
) -> Result<()> {
    locked(w, scope, of)?;
    let card = store::find_last(w, scope.mutual(), of, ProofKind::Card)?.ok_or(Problem::of(Code::NotFound))?;
    revoke(w, scope, order, &card, reason)
}

/// Revokes a certificate.
///
/// # Errors
/// `not_found`, `wrong_state` where it counts no more.
pub fn revoke_certificate(
    w: &mut Write,
    scope: &MutualScope,
    order: &Order,
    id: ProofId,
    reason: RevocationReason,
) -> Result<()> {
    let found = find_certificate(w, scope, id)?;
    households::lock(w, scope.mutual(), found.household_id)?;
    revoke(w, scope, order, &found, reason)
}

/// A certificate of a household within the caller's sections.
fn find_certificate(r: &mut Read, scope: &MutualScope, id: ProofId) -> Result<Proof> {
    let found = store::find(r, scope.mutual(), id)?
        .filter(|proof| proof.kind == ProofKind::Certificate)
        .ok_or(Problem::of(Code::NotFound))?;
    households::find(r, scope, found.household_id)?.ok_or(Problem::of(Code::NotFound))?;
    Ok(found)
}

/// A person's last card.
///
/// # Errors
/// `not_found`: outside the scope, or no card was ever issued.
pub fn show_card(r: &mut Read, scope: &MutualScope, issuer: &Issuer, of: MemberId) -> Result<Shown> {
    households::find_member(r, scope, of)?.ok_or(Problem::of(Code::NotFound))?;
    let card = store::find_last(r, scope.mutual(), of, ProofKind::Card)?.ok_or(Problem::of(Code::NotFound))?;
    show(r, issuer, card, scope.today())
}

/// A certificate.
///
/// # Errors
/// `not_found`.
pub fn show_certificate(r: &mut Read, scope: &MutualScope, issuer: &Issuer, id: ProofId) -> Result<Shown> {
    let found = find_certificate(r, scope, id)?;
    show(r, issuer, found, scope.today())
}

fn show(r: &mut Read, issuer: &Issuer, proof: Proof, today: NaiveDate) -> Result<Shown> {
    let (revocation, standing) = standing_of(r, &proof, today)?;
    let holder = store::get_holder(r, &proof)?;
    let household_number = store::get_household_number(r, &proof)?;
    let mut persons: Vec<(Relationship, Member)> = store::list_members(r, proof.mutual_id, proof.id)?
        .into_iter()
        .map(|(named, member)| (named.relationship, member))
        .collect();
    persons.sort_by(|(left, a), (right, b)| {
        (left, a.birth_date, &a.card_number).cmp(&(right, b.birth_date, &b.card_number))
    });
    let number = match proof.kind {
        ProofKind::Card => &holder.card_number,
        ProofKind::Certificate => &household_number,
    };
    let code = seal(issuer, &proof, number, &holder)?;
    Ok(Shown { proof, revocation, holder, household_number, persons, standing, code })
}

/// The token of a proof and the text of its QR code, signed with the key that its row names.
fn seal(issuer: &Issuer, proof: &Proof, number: &str, holder: &Member) -> Result<Option<([u8; 16], String)>> {
    let keys = issuer.keys.cards();
    let Some(token) = keys.token(&proof.kid, proof.mutual_id, proof.id.uuid()) else { return Ok(None) };
    let fault = |what: String| Error::Fault(format!("the code of {} cannot be made: {what}", proof.id));
    let after = proof.expires_on.succ_opt().ok_or_else(|| fault("it never expires".into()))?;
    let claims = Claims {
        issuer: issuer.code.clone(),
        number: number.to_owned(),
        initials: rules::initials(&holder.given_name, &holder.family_name),
        kind: proof.kind,
        token,
        issued_at: rules::begins_at(proof.issued_on, issuer.zone),
        expires_at: rules::begins_at(after, issuer.zone),
    };
    let kid = HEXLOWER.decode(proof.kid.as_bytes()).map_err(|error| fault(error.to_string()))?;
    let sign = |message: &[u8]| keys.sign(&proof.kid, message).unwrap_or_default();
    let message = rules::seal(&claims, &kid, sign).map_err(|error| fault(error.to_string()))?;
    Ok(Some((token, rules::to_code(&message))))
}

/// A token as it travels: base32, which has no 0, 1 or 8 to be taken for a letter, since people type it from paper.
pub fn token_text(token: &[u8; 16]) -> String {
    BASE32_NOPAD.encode(token)
}

/// A token as it was sent: in either case, with or without the gaps between its groups.
pub fn read_token(text: &str) -> Option<[u8; 16]> {
    // The length first: nothing longer is decoded.
    if text.len() > 40 {
        return None;
    }
    let typed: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_ascii_uppercase()).collect();
    BASE32_NOPAD.decode(typed.as_bytes()).ok()?.try_into().ok()
}

/// A proof as PDF.
///
/// # Errors
/// `wrong_state` where it counts no more, or was signed by a key that is gone: another is issued then.
pub fn print(issuer: &Issuer, shown: &Shown, language: Language) -> Result<Vec<u8>> {
    let kind = shown.proof.kind;
    let gone = |why: String| Error::from(Problem::with(Code::WrongState, format!("the {kind} {why}; issue another")));
    if shown.standing != Standing::Valid {
        return Err(gone(format!("is {}", shown.standing)));
    }
    let (token, code) = shown.code.clone().ok_or_else(|| gone("was signed with a key that is not here".into()))?;
    let texts = texts_of(language);
    let drawn = match kind {
        ProofKind::Card => drawing::card(
            &drawing::Card {
                mutual: issuer.name.clone(),
                family_name: shown.holder.family_name.clone(),
                given_name: shown.holder.given_name.clone(),
                number: shown.holder.card_number.clone(),
                household: shown.household_number.clone(),
                birth_year: shown.holder.birth_date.map(|born| born.year()),
                issued_on: shown.proof.issued_on,
                expires_on: shown.proof.expires_on,
                code,
            },
            texts,
            language.code(),
        ),
        ProofKind::Certificate => drawing::certificate(
            &drawing::Certificate {
                mutual: issuer.name.clone(),
                household: shown.household_number.clone(),
                principal: format!("{} {}", shown.holder.given_name, shown.holder.family_name),
                persons: shown
                    .persons
                    .iter()
                    .map(|(relationship, member)| drawing::Person {
                        name: format!("{} {}", member.family_name, member.given_name),
                        number: member.card_number.clone(),
                        birth_year: member.birth_date.map(|born| born.year()),
                        relationship: *relationship,
                    })
                    .collect(),
                issued_on: shown.proof.issued_on,
                expires_on: shown.proof.expires_on,
                code,
                token: token_text(&token),
            },
            texts,
            language.code(),
        ),
    };
    drawn.map_err(Error::Fault)
}

/// What anybody with the token is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub kind: ProofKind,
    pub standing: Standing,
    pub initials: String,
    pub expires_on: NaiveDate,
    /// Whether cover stands today for each person of the proof; not said of what counts no more.
    pub in_force: Option<bool>,
}

/// What a token's proof is worth today, read behind the wall of the mutual to which the token leads.
///
/// # Errors
/// The database's.
pub fn verify(r: &mut Read, mutual: MutualId, token_hash: &[u8], today: NaiveDate) -> Result<Option<Told>> {
    let Some(proof) = store::find_by_token(r, mutual, token_hash)? else { return Ok(None) };
    let (_, standing) = standing_of(r, &proof, today)?;
    let holder = store::get_holder(r, &proof)?;
    let in_force = match standing {
        Standing::Valid => {
            let named = store::list_members(r, mutual, proof.id)?;
            let persons = match proof.kind {
                ProofKind::Card => vec![proof.member_id],
                ProofKind::Certificate => named.iter().map(|(named, _)| named.member_id).collect(),
            };
            let count = store::count_in_force(r, mutual, &persons, today)?;
            Some(usize::try_from(count).is_ok_and(|count| count == persons.len()))
        }
        _ => None,
    };
    Ok(Some(Told {
        kind: proof.kind,
        standing,
        initials: rules::initials(&holder.given_name, &holder.family_name),
        expires_on: proof.expires_on,
        in_force,
    }))
}
