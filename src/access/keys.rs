//! Keys and tokens. Access tokens are JWT signed with Ed25519 (`kid` in the header, `typ` `at+jwt`, ten minutes); the keys
//! lie in a folder of their own, readable by their owner alone. Refresh tokens and one-time codes are random and are kept
//! as SHA-256 only. Cards and certificates are signed with keys of their own: theirs live for years, those of access
//! tokens for minutes, and none signs for the other's purpose.
use crate::ids::*;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use chrono::NaiveDateTime;
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;
use uuid::Uuid;

/// How long an access token lives, in seconds.
pub const ACCESS_SECONDS: i64 = 600;
/// A token longer than this is not looked at.
const LONGEST: usize = 4096;
const ISSUER: &str = "ayni";
const AUDIENCE: &str = "ayni-api";
const TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Who a valid access token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
}

/// The signing key in force and all keys that verify.
pub struct Keys {
    signing: EncodingKey,
    kid: String,
    verifying: HashMap<String, DecodingKey>,
    cards: CardKeys,
}

/// The files of a purpose begin with its name.
const ACCESS: &str = "access";
const CARD: &str = "card";

impl Keys {
    /// Reads the keys of a folder, making it and a first key of each purpose where there is none. The key whose file name
    /// is last signs; all verify.
    ///
    /// # Errors
    /// A sentence for the person at the terminal.
    pub fn open(folder: &Path) -> Result<Keys, String> {
        let told = |what: &str, error: &dyn std::fmt::Display| format!("{what} {}: {error}", folder.display());
        std::fs::create_dir_all(folder).map_err(|e| told("cannot make the key folder", &e))?;
        restrict(folder, 0o700).map_err(|e| told("cannot tighten the key folder", &e))?;
        let (access, cards) = (Keys::of_purpose(folder, ACCESS)?, Keys::of_purpose(folder, CARD)?);
        Keys::from_der(access, cards).map_err(|e| told("unusable key in", &e))
    }

    fn of_purpose(folder: &Path, purpose: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let told = |what: &str, error: &dyn std::fmt::Display| format!("{what} {}: {error}", folder.display());
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .map_err(|e| told("cannot read the key folder", &e))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with(&format!("{purpose}-")) && name.ends_with(".der"))
            .collect();
        names.sort();
        if names.is_empty() {
            let (name, der) = new_key(purpose)?;
            let path = folder.join(&name);
            write_new(&path, &der).map_err(|e| told("cannot write a key into", &e))?;
            names.push(name);
        }
        let mut keys: Vec<(String, Vec<u8>)> = Vec::new();
        for name in names {
            let der = std::fs::read(folder.join(&name)).map_err(|e| told("cannot read a key in", &e))?;
            keys.push((name, der));
        }
        Ok(keys)
    }

    /// Keys that live as long as the process: for tests.
    ///
    /// # Errors
    /// Where the machine gives no randomness.
    pub fn passing() -> Result<Keys, String> {
        Keys::from_der(vec![new_key(ACCESS)?], vec![new_key(CARD)?])
    }

    /// The keys of cards and certificates.
    pub fn cards(&self) -> &CardKeys {
        &self.cards
    }

    fn from_der(keys: Vec<(String, Vec<u8>)>, cards: Vec<(String, Vec<u8>)>) -> Result<Keys, String> {
        let mut verifying = HashMap::new();
        let mut last = None;
        for (name, der) in keys {
            let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|e| format!("{name}: {e}"))?;
            let kid = HEXLOWER.encode(&kid_of(pair.public_key().as_ref()));
            verifying.insert(kid.clone(), DecodingKey::from_ed_der(pair.public_key().as_ref()));
            last = Some((kid, EncodingKey::from_ed_der(&der)));
        }
        let (kid, signing) = last.ok_or("no key")?;
        Ok(Keys { signing, kid, verifying, cards: CardKeys::from_der(cards)? })
    }

    /// An access token.
    ///
    /// # Errors
    /// A fault of the signing library.
    pub fn sign(&self, bearer: Bearer, now: NaiveDateTime) -> Result<String, String> {
        let at = now.and_utc().timestamp();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: bearer.user.uuid(),
            sid: bearer.session.uuid(),
            iat: at,
            exp: at + ACCESS_SECONDS,
            jti: random_uuid(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        header.typ = Some(TYPE.into());
        encode(&header, &claims, &self.signing).map_err(|e| e.to_string())
    }

    /// Whose a token is, if it is valid now: our algorithm and type, a key of ours, issuer, audience, not expired.
    pub fn verify(&self, token: &str, now: NaiveDateTime) -> Option<Bearer> {
        if token.len() > LONGEST {
            return None;
        }
        let header = decode_header(token).ok()?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let key = self.verifying.get(header.kid.as_deref()?)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        // The expiry is compared with our own clock just below, which tests can set.
        validation.validate_exp = false;
        let claims = decode::<Claims>(token, key, &validation).ok()?.claims;
        let at = now.and_utc().timestamp();
        if at >= claims.exp || claims.iat > at + 60 {
            return None;
        }
        Some(Bearer { user: Key::new(claims.sub), session: Key::new(claims.sid) })
    }
}

/// The keys with which cards and certificates are signed. One that no longer signs stays, so that what it signed can be
/// verified and printed again.
pub struct CardKeys {
    /// By file name; the last signs.
    keys: Vec<CardKey>,
}

struct CardKey {
    kid: String,
    pair: Ed25519KeyPair,
    /// Makes the tokens of what this key signs, so that only their hashes are stored.
    tokens: hmac::Key,
}

impl CardKeys {
    /// The keys of PKCS#8 files, in the order of their names.
    ///
    /// # Errors
    /// The name of a file that holds no Ed25519 key, or that there is none.
    pub fn from_der(files: Vec<(String, Vec<u8>)>) -> Result<CardKeys, String> {
        let mut keys = Vec::new();
        for (name, der) in files {
            let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|e| format!("{name}: {e}"))?;
            let whole = hmac::Key::new(hmac::HMAC_SHA256, &der);
            let derived = hmac::sign(&whole, b"ayni: tokens of cards and certificates, 1");
            let tokens = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
            keys.push(CardKey { kid: HEXLOWER.encode(&kid_of(pair.public_key().as_ref())), pair, tokens });
        }
        if keys.is_empty() { Err("no key for cards".into()) } else { Ok(CardKeys { keys }) }
    }

    /// The name of the key that signs now.
    pub fn current(&self) -> &str {
        self.keys.last().map_or("", |key| &key.kid)
    }

    fn key(&self, kid: &str) -> Option<&CardKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The signature of a named key; none where the key is not here any more.
    pub fn sign(&self, kid: &str, message: &[u8]) -> Option<Vec<u8>> {
        self.key(kid).map(|key| key.pair.sign(message).as_ref().to_vec())
    }

    /// The 128 bits by which a card or certificate of a named key is asked for: nobody without the key can guess them,
    /// and with it they need not be stored.
    pub fn token(&self, kid: &str, mutual: MutualId, id: Uuid) -> Option<[u8; 16]> {
        let of = [mutual.uuid().into_bytes(), id.into_bytes()].concat();
        let tag = hmac::sign(&self.key(kid)?.tokens, &of);
        tag.as_ref().first_chunk().copied()
    }

    /// Every public key with its name, the one that signs last.
    pub fn public(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.keys.iter().map(|key| (key.kid.as_str(), key.pair.public_key().as_ref()))
    }
}

/// The name of a public key: the first eight bytes of its SHA-256.
pub fn kid_of(public: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(public).into();
    std::array::from_fn(|at| digest[at])
}

fn new_key(purpose: &str) -> Result<(String, Vec<u8>), String> {
    let pair = Ed25519KeyPair::generate().map_err(|e| e.to_string())?;
    let der = pair.to_pkcs8().map_err(|e| e.to_string())?.as_ref().to_vec();
    let kid = HEXLOWER.encode(&kid_of(pair.public_key().as_ref()));
    Ok((format!("{purpose}-0001-{kid}.der"), der))
}

/// Makes a file that must not exist yet, for its owner's eyes from the first byte.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}
#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> std::io::Result<()> {
    Ok(())
}

fn random_uuid() -> Uuid {
    let mut bytes = [0u8; 16];
    fill_from_machine(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A new refresh token and what is kept of it.
pub fn refresh_token() -> (String, Vec<u8>) {
    let mut bytes = [0u8; 32];
    fill_from_machine(&mut bytes);
    let token = BASE64URL_NOPAD.encode(&bytes);
    let hash = hash(&token);
    (token, hash)
}

/// A new one-time code, short enough to read aloud (80 bits), and what is kept of it.
pub fn one_time_code() -> (String, Vec<u8>) {
    let mut bytes = [0u8; 10];
    fill_from_machine(&mut bytes);
    let text = BASE32_NOPAD.encode(&bytes);
    let code: Vec<&str> = [0, 4, 8, 12].iter().filter_map(|at| text.get(*at..*at + 4)).collect();
    let code = code.join("-");
    let hash = hash(&code);
    (code, hash)
}

/// What is kept of a token or code.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, NaiveDate};

    fn noon() -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2026, 3, 1).unwrap().and_hms_opt(12, 0, 0).unwrap()
    }
    fn bearer() -> Bearer {
        Bearer { user: Key::new(Uuid::from_u128(7)), session: Key::new(Uuid::from_u128(8)) }
    }

    #[test]
    fn a_token_says_who_until_it_expires() {
        let keys = Keys::passing().unwrap();
        let token = keys.sign(bearer(), noon()).unwrap();
        assert_eq!(keys.verify(&token, noon()), Some(bearer()));
        assert_eq!(keys.verify(&token, noon() + Duration::seconds(ACCESS_SECONDS - 1)), Some(bearer()));
        assert_eq!(keys.verify(&token, noon() + Duration::seconds(ACCESS_SECONDS)), None);
        assert_eq!(keys.verify(&token, noon() - Duration::seconds(120)), None);
    }

    #[test]
    fn altered_and_foreign_tokens_are_refused() {
        let keys = Keys::passing().unwrap();
        let token = keys.sign(bearer(), noon()).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let claims = BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let b64 = |value: &serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let kid = decode_header(&token).unwrap().kid.unwrap();
        let none = b64(&serde_json::json!({"alg": "none", "typ": TYPE, "kid": kid}));
        let hmac = b64(&serde_json::json!({"alg": "HS256", "typ": TYPE, "kid": kid}));
        let mut other = claims.clone();
        other["sub"] = serde_json::json!(Uuid::from_u128(9));
        for bad in [
            String::new(),
            "a.b.c".into(),
            format!("{none}.{}.", parts[1]),
            format!("{hmac}.{}.{}", parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], b64(&other), parts[2]),
            format!("{token}x"),
            "x".repeat(5000),
            Keys::passing().unwrap().sign(bearer(), noon()).unwrap(),
        ] {
            assert_eq!(keys.verify(&bad, noon()), None, "{bad}");
        }
    }

    #[test]
    fn a_token_of_another_type_or_for_another_audience_is_refused() {
        let (name, der) = new_key(ACCESS).unwrap();
        let keys = Keys::from_der(vec![(name, der.clone())], vec![new_key(CARD).unwrap()]).unwrap();
        let at = noon().and_utc().timestamp();
        let claims = |aud: &str| {
            serde_json::json!({"iss": ISSUER, "aud": aud, "sub": Uuid::from_u128(7), "sid": Uuid::from_u128(8),
                "iat": at, "exp": at + 60, "jti": Uuid::from_u128(1)})
        };
        let sign = |typ: &str, aud: &str| {
            let mut header = Header::new(Algorithm::EdDSA);
            header.kid = Some(keys.kid.clone());
            header.typ = Some(typ.into());
            encode(&header, &claims(aud), &EncodingKey::from_ed_der(&der)).unwrap()
        };
        assert!(keys.verify(&sign(TYPE, AUDIENCE), noon()).is_some());
        assert!(keys.verify(&sign("JWT", AUDIENCE), noon()).is_none());
        assert!(keys.verify(&sign(TYPE, "elsewhere"), noon()).is_none());
    }

    #[test]
    fn keys_are_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let token = Keys::open(&path).unwrap().sign(bearer(), noon()).unwrap();
        assert_eq!(Keys::open(&path).unwrap().verify(&token, noon()), Some(bearer()));
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 2, "one of access, one of cards");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            for entry in std::fs::read_dir(&path).unwrap() {
                assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
    }

    #[test]
    fn a_further_card_key_signs_and_the_one_before_still_serves() {
        let folder = tempfile::tempdir().unwrap();
        let first = Keys::open(folder.path()).unwrap();
        let old = first.cards().current().to_owned();
        let id = Uuid::from_u128(7);
        let (_, der) = new_key(CARD).unwrap();
        write_new(&folder.path().join("card-0002-x.der"), &der).unwrap();
        let both = Keys::open(folder.path()).unwrap();
        assert_ne!(both.cards().current(), old);
        assert_eq!(both.cards().public().map(|(kid, _)| kid).collect::<Vec<_>>(), [&old, both.cards().current()]);
        let token =
            |keys: &Keys, kid: &str, mutual: u128| keys.cards().token(kid, Key::new(Uuid::from_u128(mutual)), id);
        assert_eq!(token(&both, &old, 1), token(&first, &old, 1));
        assert_ne!(token(&both, both.cards().current(), 1), token(&first, &old, 1));
        assert_ne!(token(&both, &old, 2), token(&both, &old, 1), "the same id in another mutual is another token");
        assert_eq!(both.cards().sign(&old, b"m"), first.cards().sign(&old, b"m"));
        assert_eq!(both.cards().sign("0", b"m"), None);
        assert_eq!(both.kid, first.kid, "access tokens keep their key");
    }
}
