//! Passwords: argon2id with OWASP's parameters, off the async workers, at most as many at once as there are cores. An
//! unknown user costs as much time as a known one.
use crate::error::{Code, Error, Problem, Result};
use crate::ids::fill_from_machine;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Shortest password, in characters.
pub const SHORTEST: usize = 12;
/// Longest password, in bytes; longer ones are refused, never cut.
pub const LONGEST: usize = 256;

/// Hashes and verifies, a few at a time.
#[derive(Clone)]
pub struct Hashing {
    permits: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Hashing { permits: Arc::new(Semaphore::new(cores)) }
    }
}

/// The hash of a password, as a PHC string.
///
/// # Errors
/// A fault of the hashing library.
pub fn hash(password: &str) -> Result<String> {
    let mut salt = [0u8; 16];
    fill_from_machine(&mut salt);
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| Error::Fault(format!("hashing failed: {error}")))
}

/// True where the password is the one that was hashed.
pub fn verify(password: &str, hash: &str) -> bool {
    Argon2::default().verify_password(password.as_bytes(), hash).is_ok()
}

/// What an unknown user's password is compared with.
fn nobody() -> Result<&'static str> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    if let Some(hash) = NOBODY.get() {
        return Ok(hash);
    }
    let made = hash("nobody's password")?;
    Ok(NOBODY.get_or_init(|| made))
}

/// Refuses a password that is too short or too long; no rules of composition, which only make passwords worse.
///
/// # Errors
/// `invalid`, naming the field.
pub fn check(password: &str, pointer: &str) -> Result<()> {
    if password.chars().count() < SHORTEST {
        let message = format!("at least {SHORTEST} characters");
        return Err(Problem::field(pointer, "too_short", message).into());
    }
    if password.len() > LONGEST {
        return Err(Problem::field(pointer, "too_long", format!("at most {LONGEST} bytes")).into());
    }
    Ok(())
}

impl Hashing {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let busy = || Error::from(Problem::of(Code::Busy).after(2));
        let permit = tokio::time::timeout(Duration::from_secs(2), self.permits.clone().acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        actix_web::web::block(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(|_| Error::Fault("a hashing thread was cancelled".into()))?
    }

    /// Hashes in the background.
    ///
    /// # Errors
    /// `busy` where too many wait.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await
    }

    /// Verifies in the background; without a hash it takes as long and is false.
    ///
    /// # Errors
    /// `busy` where too many wait.
    pub async fn verify(&self, password: String, known: Option<String>) -> Result<bool> {
        self.run(move || {
            Ok(match known {
                Some(known) if password.len() <= LONGEST => verify(&password, &known),
                _ => {
                    verify("somebody else's password", nobody()?);
                    false
                }
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let known = hash("correct horse battery").unwrap();
        assert!(known.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{known}");
        assert!(verify("correct horse battery", &known));
        assert!(!verify("correct horse batterY", &known));
        assert_ne!(known, hash("correct horse battery").unwrap());
        assert!(check("short", "/password").is_err());
        assert!(check(&"x".repeat(257), "/password").is_err());
        assert!(check("long enough to be good", "/password").is_ok());
    }
}
