//! What a QR code says and how it is believed without a network: claims, signature, encoding; and what a proof is worth on
//! a day. `docs/cards.md` describes the code byte by byte, for those who write a reader.
use super::model::ProofKind;
use crate::dates::add_years;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use chrono::{LocalResult, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use coset::cbor::value::Value;
use coset::cwt::{ClaimName, ClaimsSet, ClaimsSetBuilder, Timestamp};
use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable, iana};

/// What every code begins with: the format and its version.
pub const PREFIX: &str = "AYNI1:";
/// A code longer than this is not looked at; one of ours has less than half.
pub const LONGEST: usize = 800;
/// Private claims (RFC 8392 leaves numbers below -65536 to their users).
const INITIALS: i64 = -65537;
const KIND: i64 = -65538;
/// A card and a certificate may be issued for so many years at most.
pub const YEARS_MAX: i64 = 3;

/// What a code says. No name in full, no date of birth, nothing of health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The mutual's code.
    pub issuer: String,
    /// The card's number, or the household's on a certificate.
    pub number: String,
    /// Of the given and the family name, `A. N.`
    pub initials: String,
    pub kind: ProofKind,
    /// 128 bits, by which it is asked for and listed as revoked.
    pub token: [u8; 16],
    /// Seconds since 1970: when the day of issue begins.
    pub issued_at: i64,
    /// Seconds since 1970: when it counts no more, which is when its last day has ended.
    pub expires_at: i64,
}

/// Why a code is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    #[error("this is no code of a card or certificate")]
    NotOurs,
    #[error("the code is damaged")]
    Malformed,
    #[error("the code is signed in another way than Ed25519")]
    WrongAlgorithm,
    #[error("the code is signed with a key that is not known here")]
    UnknownKey,
    #[error("the signature does not hold")]
    BadSignature,
    #[error("the card or certificate has expired")]
    Expired,
}

/// The COSE_Sign1 message with these claims; `sign` gives the Ed25519 signature of the key named `kid`.
///
/// # Errors
/// The writer's, which these claims give no cause for.
pub fn seal(claims: &Claims, kid: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<Vec<u8>, coset::CoseError> {
    let kind: i64 = match claims.kind {
        ProofKind::Card => 1,
        ProofKind::Certificate => 2,
    };
    let set = ClaimsSetBuilder::new()
        .issuer(claims.issuer.clone())
        .subject(claims.number.clone())
        .expiration_time(Timestamp::WholeSeconds(claims.expires_at))
        .issued_at(Timestamp::WholeSeconds(claims.issued_at))
        .cwt_id(claims.token.to_vec())
        .private_claim(INITIALS, Value::from(claims.initials.as_str()))
        .private_claim(KIND, Value::from(kind))
        .build();
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).key_id(kid.to_vec()).build();
    let message =
        CoseSign1Builder::new().protected(protected).payload(set.to_vec()?).create_signature(b"", sign).build();
    message.to_tagged_vec()
}

/// A message as the text of a QR code: upper-case letters, digits and marks, for which QR has a dense mode.
pub fn to_code(message: &[u8]) -> String {
    format!("{PREFIX}{}", base45(message))
}

/// Believes a code, or says why not. `key` gives the public key of a name; `at` is now, in seconds since 1970. What is
/// said is looked at only once the signature holds.
///
/// # Errors
/// [`Unbelieved`].
pub fn believe<K: AsRef<[u8]>>(
    code: &str,
    key: impl FnOnce(&[u8]) -> Option<K>,
    at: i64,
) -> Result<Claims, Unbelieved> {
    let text = code.strip_prefix(PREFIX).filter(|_| code.len() <= LONGEST).ok_or(Unbelieved::NotOurs)?;
    let message = from_base45(text).ok_or(Unbelieved::Malformed)?;
    let message = CoseSign1::from_tagged_slice(&message).map_err(|_| Unbelieved::Malformed)?;
    let header = &message.protected.header;
    // A header that must be understood and is not, or one that is not signed, could say anything.
    if !message.unprotected.is_empty() || !header.crit.is_empty() {
        return Err(Unbelieved::Malformed);
    }
    if header.alg != Some(coset::Algorithm::Assigned(iana::Algorithm::EdDSA)) {
        return Err(Unbelieved::WrongAlgorithm);
    }
    let key = key(&header.key_id).ok_or(Unbelieved::UnknownKey)?;
    message
        .verify_signature(b"", |signature, signed| UnparsedPublicKey::new(&ED25519, key).verify(signed, signature))
        .map_err(|_| Unbelieved::BadSignature)?;
    let payload = message.payload.ok_or(Unbelieved::Malformed)?;
    let claims = ClaimsSet::from_slice(&payload).ok().and_then(claims_of).ok_or(Unbelieved::Malformed)?;
    if at >= claims.expires_at { Err(Unbelieved::Expired) } else { Ok(claims) }
}

fn claims_of(set: ClaimsSet) -> Option<Claims> {
    let own = |name: i64| {
        set.rest.iter().find(|(known, _)| *known == ClaimName::PrivateUse(name)).map(|(_, value)| value.clone())
    };
    let whole = |time: &Option<Timestamp>| match time {
        Some(Timestamp::WholeSeconds(seconds)) => Some(*seconds),
        _ => None,
    };
    let kind = match own(KIND)?.as_integer().and_then(|kind| i64::try_from(kind).ok())? {
        1 => ProofKind::Card,
        2 => ProofKind::Certificate,
        _ => return None,
    };
    Some(Claims {
        kind,
        initials: own(INITIALS)?.as_text()?.to_owned(),
        issued_at: whole(&set.issued_at)?,
        expires_at: whole(&set.expiration_time)?,
        token: set.cwt_id.as_deref()?.try_into().ok()?,
        issuer: set.issuer?,
        number: set.subject?,
    })
}

/// The 45 characters of RFC 9285, which are those of QR's dense mode.
const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// Base45 (RFC 9285): two bytes in three characters, the lowest first.
pub fn base45(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() / 2 * 3 + 2);
    for pair in bytes.chunks(2) {
        let mut value = pair.iter().fold(0_usize, |value, byte| value * 256 + usize::from(*byte));
        for _ in 0..=pair.len() {
            out.push(char::from(ALPHABET[value % 45]));
            value /= 45;
        }
    }
    out
}

/// The bytes of a base45 text; none where it is not one.
pub fn from_base45(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for part in text.as_bytes().chunks(3) {
        let mut value = 0_u32;
        for character in part.iter().rev() {
            let digit = ALPHABET.iter().position(|known| known == character)?;
            value = value * 45 + u32::try_from(digit).ok()?;
        }
        match part.len() {
            3 => out.extend(u16::try_from(value).ok()?.to_be_bytes()),
            2 => out.push(u8::try_from(value).ok()?),
            _ => return None,
        }
    }
    Some(out)
}

/// The initials of a person: first letters of the given and the family name.
pub fn initials(given_name: &str, family_name: &str) -> String {
    let first = |name: &str| {
        name.chars().find(|character| character.is_alphanumeric()).map(|c| format!("{}.", c.to_uppercase()))
    };
    [first(given_name), first(family_name)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// When a day begins in a zone, in seconds since 1970; where the clock leaps over midnight, at the first instant after.
pub fn begins_at(day: NaiveDate, zone: Tz) -> i64 {
    let midnight = day.and_time(NaiveTime::MIN);
    let leaps = [0, 30, 60, 90, 120].map(chrono::Duration::minutes);
    let found = leaps.into_iter().find_map(|leap| match zone.from_local_datetime(&(midnight + leap)) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.timestamp()),
        LocalResult::None => None,
    });
    found.unwrap_or_else(|| midnight.and_utc().timestamp())
}

crate::words! {
    /// What a proof is worth on a day.
    pub enum Standing {
        /// Issued by the mutual, not revoked, not expired.
        Valid = "VALID",
        Expired = "EXPIRED",
        Revoked = "REVOKED",
    }
}

/// What a proof is worth on a day. What was revoked stays so after its expiry.
pub fn standing(expires_on: NaiveDate, revoked_on: Option<NaiveDate>, on: NaiveDate) -> Standing {
    match revoked_on {
        Some(_) => Standing::Revoked,
        None if on > expires_on => Standing::Expired,
        None => Standing::Valid,
    }
}

/// Why a proof cannot count until the day that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryRefused {
    #[error("it would have expired before it is issued")]
    Past,
    #[error("it counts for three years at most")]
    TooLong,
    #[error("a certificate says that cover stands, and cannot count longer than the period runs")]
    BeyondCover,
}

/// The last day of a card: as long as its holder is affiliated, or as asked; [`YEARS_MAX`] at most. It may be asked to count
/// longer: a card proves affiliation, and plastic outlives a period.
///
/// # Errors
/// [`ExpiryRefused`].
pub fn card_expiry(
    today: NaiveDate,
    asked: Option<NaiveDate>,
    affiliated_until: NaiveDate,
) -> Result<NaiveDate, ExpiryRefused> {
    let longest = add_years(today, YEARS_MAX).map_err(|_| ExpiryRefused::TooLong)?;
    match asked {
        None => Ok(affiliated_until.min(longest)),
        Some(day) if day < today => Err(ExpiryRefused::Past),
        Some(day) if day > longest => Err(ExpiryRefused::TooLong),
        Some(day) => Ok(day),
    }
}

/// The last day of a certificate: as long as all whom it names are affiliated, or less.
///
/// # Errors
/// [`ExpiryRefused`].
pub fn certificate_expiry(
    today: NaiveDate,
    asked: Option<NaiveDate>,
    affiliated_until: NaiveDate,
) -> Result<NaiveDate, ExpiryRefused> {
    let day = card_expiry(today, asked, affiliated_until)?;
    if day > affiliated_until { Err(ExpiryRefused::BeyondCover) } else { Ok(day) }
}

#[cfg(test)]
mod tests;
