//! A card as it is presented at a counter: its QR code scanned, or its number typed. A facility sees who presents a card and
//! nobody else, so a number that a clerk types needs the birth year too, and who tries many numbers waits longer and longer.
use super::model::ProofKind;
use super::rules::{Standing, Unbelieved, believe};
use super::service::{token_hash, verify};
use crate::access::guard::Signed;
use crate::access::permissions::Role;
use crate::access::scopes::MutualScope;
use crate::db::Read;
use crate::error::{Code, Error, Problem, Result};
use crate::households::model::{Member, Membership};
use crate::households::service::mutual_of_card;
use crate::households::store as households;
use crate::ids::OrganisationId;
use chrono::Datelike;
use data_encoding::HEXLOWER;
use std::time::Instant;

/// What was sent of a card.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Its number.
    pub card: Option<String>,
    /// What its QR code says.
    pub qr: Option<String>,
    /// The mutual's code, for a number of another system.
    pub mutual: Option<String>,
    /// The birth year, which a clerk types with a number.
    pub birth_year: Option<i32>,
}

/// A card that leads to a mutual.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The mutual.
    pub mutual: OrganisationId,
    number: String,
    birth_year: Option<i32>,
    token: Option<[u8; 16]>,
}

fn bucket(signed: &Signed) -> String {
    format!("card {}", signed.user)
}

/// Who typed numbers that lead to nobody waits before the next one.
///
/// # Errors
/// `too_many_requests`.
pub fn must_not_wait(signed: &Signed) -> Result<()> {
    match signed.access.throttle.must_wait(&[&bucket(signed)], Instant::now()) {
        Some(seconds) => Err(Problem::of(Code::TooManyRequests).after(seconds).into()),
        None => Ok(()),
    }
}

/// Counts a try that led to nobody. One that led to somebody takes nothing back: who has one good card could try others for
/// ever between its uses.
pub fn tried<T>(signed: &Signed, found: Result<T>) -> Result<T> {
    if let Err(Error::Problem(problem)) = &found
        && problem.code == Code::NotFound
    {
        signed.access.throttle.failed(&[&bucket(signed)], Instant::now());
    }
    found
}

/// Reads what was sent; who it is, the mutual's rows say.
///
/// # Errors
/// `invalid` naming the field, `card_check_failed`, `not_found` where no mutual has such numbers.
pub fn read(signed: &Signed, sent: &Sent) -> Result<Presented> {
    match (&sent.card, &sent.qr) {
        (None, None) => Err(Problem::field("/card", "missing", "the card's number, or `qr`").into()),
        (Some(_), Some(_)) => Err(Problem::field("/qr", "not_here", "either the number or the code").into()),
        (Some(number), None) => Ok(Presented {
            mutual: mutual_of_card(&signed.picture, number, sent.mutual.as_deref())?,
            number: number.clone(),
            birth_year: sent.birth_year,
            token: None,
        }),
        (None, Some(code)) => {
            let keys = signed.access.keys.cards();
            let key = |kid: &[u8]| {
                let kid = HEXLOWER.encode(kid);
                keys.public().find(|(known, _)| *known == kid).map(|(_, public)| public.to_vec())
            };
            let refused = |unbelieved: Unbelieved| {
                let fault = match unbelieved {
                    Unbelieved::Expired => "expired",
                    Unbelieved::BadSignature | Unbelieved::UnknownKey | Unbelieved::WrongAlgorithm => "not_ours",
                    Unbelieved::NotOurs | Unbelieved::Malformed => "unreadable",
                };
                Problem::field("/qr", fault, unbelieved.to_string())
            };
            let claims = believe(code, key, signed.now.and_utc().timestamp()).map_err(refused)?;
            if claims.kind != ProofKind::Card {
                let message = "a certificate names a household; scan the person's card";
                return Err(Problem::field("/qr", "unknown_value", message).into());
            }
            let mutual = signed.picture.by_code(&claims.issuer).ok_or(Problem::of(Code::NotFound))?;
            Ok(Presented {
                mutual: mutual.id,
                number: claims.number,
                birth_year: sent.birth_year,
                token: Some(claims.token),
            })
        }
    }
}

impl Presented {
    /// Whether only a facility's clerk asks.
    pub fn is_of_clerk(roles: &[Role]) -> bool {
        roles.iter().all(|role| *role == Role::ProviderClerk)
    }

    /// A number that a clerk typed comes with the birth year: a number alone may be read from anybody's card.
    ///
    /// # Errors
    /// `invalid` naming the field.
    pub fn must_be_presented(&self, roles: &[Role]) -> Result<()> {
        if self.token.is_none() && self.birth_year.is_none() && Self::is_of_clerk(roles) {
            let message = "a number that is typed needs the birth year; a scanned code does not";
            return Err(Problem::field("/birth_year", "missing", message).into());
        }
        Ok(())
    }

    /// Whose card it is. Another birth year, or a card that was revoked, leads to nobody.
    ///
    /// # Errors
    /// `not_found`; `wrong_state` for a code that was revoked.
    pub fn find(&self, r: &mut Read, scope: &MutualScope) -> Result<(Member, Membership)> {
        if let Some(token) = &self.token {
            let told = verify(r, scope.mutual(), &token_hash(token), scope.today())?;
            if told.is_some_and(|told| told.standing == Standing::Revoked) {
                return Err(Problem::with(Code::WrongState, "the card was revoked").at("/qr").into());
            }
        }
        let (member, stay) =
            households::find_member_by_number(r, scope, &self.number)?.ok_or(Problem::of(Code::NotFound))?;
        let born = member.birth_date.map(|born| born.year());
        if self.birth_year.is_some_and(|year| born.is_some_and(|born| born != year)) {
            return Err(Code::NotFound.into());
        }
        Ok((member, stay))
    }
}
