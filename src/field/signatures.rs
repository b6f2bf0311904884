//! What a device signs: method, path, its own time and the digest of the body, one to a line, with Ed25519. Its clock may be
//! wrong by years, so the time is information and no condition; what is sent twice changes nothing anyway.
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The length of a public key in bytes.
pub const KEY_LENGTH: usize = 32;

/// The text that is signed. `body` is the JSON before any compression, so that the same signature serves in a file.
pub fn signed_text(method: &str, path: &str, signed_at: &str, body: &[u8]) -> String {
    format!("{method}\n{path}\n{signed_at}\n{}", HEXLOWER.encode(&Sha256::digest(body)))
}

/// Whether a signature is the key's, of this text.
pub fn is_signed(public_key: &[u8], text: &str, signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(text.as_bytes(), signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    #[test]
    fn a_signature_is_of_one_key_and_one_text() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        let text = signed_text("POST", "/api/v1/mutuals/m/sync/push", "2026-03-10T16:02:11+02:00", b"{}");
        let signature = pair.sign(text.as_bytes());
        let key = pair.public_key().as_ref();
        assert_eq!(key.len(), KEY_LENGTH);
        assert!(is_signed(key, &text, signature.as_ref()));
        assert!(!is_signed(other.public_key().as_ref(), &text, signature.as_ref()));
        for changed in [
            signed_text("PUT", "/api/v1/mutuals/m/sync/push", "2026-03-10T16:02:11+02:00", b"{}"),
            signed_text("POST", "/api/v1/mutuals/n/sync/push", "2026-03-10T16:02:11+02:00", b"{}"),
            signed_text("POST", "/api/v1/mutuals/m/sync/push", "2026-03-10T16:02:12+02:00", b"{}"),
            signed_text("POST", "/api/v1/mutuals/m/sync/push", "2026-03-10T16:02:11+02:00", b"{} "),
        ] {
            assert!(!is_signed(key, &changed, signature.as_ref()), "{changed}");
        }
        assert!(!is_signed(key, &text, b"short"));
        assert!(!is_signed(b"short", &text, signature.as_ref()));
    }
}
