//! Passwords: Argon2id, 19,456 KiB, two passes, one lane (spec/accounts-and-offers.md section 3.2). Hashing runs off the
//! threads that serve requests, at most so many at once, and so many more may wait: memory, cores and patience are bounded
//! whoever asks.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::random_bytes;

/// Memory in KiB.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The operating system has no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// As many wait already as may; nothing was hashed.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// Argon2 refused, or its thread ended.
    #[error("the password could not be hashed: {0}")]
    Hashing(String),
}

/// Hashes and compares passwords.
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// A place each for those that are hashed and those that may wait.
    places: Arc<Semaphore>,
    /// Compared where there is no account, so that a miss takes as long as a hit.
    dummy: Arc<str>,
}

impl Passwords {
    /// At most `permits` hashes at once, while at most `queue` more wait. Prepares the hash that stands for unknown
    /// accounts.
    ///
    /// # Errors
    /// When it cannot be hashed.
    pub fn new(permits: usize, queue: usize) -> Result<Self, HashError> {
        let dummy = hash(&Zeroizing::new(hex::encode(random_bytes::<32>()?)))?;
        let permits = permits.clamp(1, Semaphore::MAX_PERMITS / 2);
        let places = permits + queue.min(Semaphore::MAX_PERMITS / 2);
        Ok(Self {
            permits: Arc::new(Semaphore::new(permits)),
            places: Arc::new(Semaphore::new(places)),
            dummy: Arc::from(dummy),
        })
    }

    /// The PHC string of a password, with a salt of its own.
    ///
    /// # Errors
    /// When too many wait, or it cannot be hashed.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, HashError> {
        self.run(move || hash(&password)).await?
    }

    /// Whether a password is the one behind a stored PHC string. Without one, or where it cannot be read, the answer is
    /// no and takes as long.
    ///
    /// # Errors
    /// When too many wait, or it cannot be compared.
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        stored: Option<Zeroizing<String>>,
    ) -> Result<bool, HashError> {
        let dummy = Arc::clone(&self.dummy);
        self.run(move || match stored.as_deref().map(|stored| PasswordHash::new(stored)) {
            Some(Ok(stored)) => is_right(&password, &stored),
            Some(Err(_)) | None => {
                // The comparison is made for its time alone.
                let compared = PasswordHash::new(&dummy).map(|dummy| is_right(&password, &dummy));
                std::hint::black_box(compared).is_err()
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let failed = |what: &dyn std::fmt::Display| HashError::Hashing(what.to_string());
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| failed(&error))?;
        let hashing = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop((permit, place));
            outcome
        });
        hashing.await.map_err(|error| failed(&error))
    }
}

/// One spelling of what looks the same: composed and decomposed letters are one password.
fn normalised(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfkc().collect())
}

fn argon() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| HashError::Hashing(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String, HashError> {
    let failed = |error: argon2::password_hash::Error| HashError::Hashing(error.to_string());
    let salt = random_bytes::<SALT_BYTES>()?;
    let hashed = argon()?.hash_password_with_salt(normalised(password).as_bytes(), &salt).map_err(failed)?;
    Ok(hashed.to_string())
}

fn is_right(password: &str, stored: &PasswordHash) -> bool {
    // The stored string's own parameters count, so that raising ours leaves old passwords valid.
    argon().is_ok_and(|argon| argon.verify_password(normalised(password).as_bytes(), stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn acc_015_a_stored_password_is_argon2id_with_a_salt_of_its_own() {
        let passwords = Passwords::new(1, 8).expect("random bytes");
        let first = passwords.hash(secret("correct horse battery")).await.expect("hashed");
        let second = passwords.hash(secret("correct horse battery")).await.expect("hashed");
        assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
        assert_ne!(first, second);
        assert!(passwords.verify(secret("correct horse battery"), Some(secret(&first))).await.expect("compared"));
        assert!(!passwords.verify(secret("correct horse batterz"), Some(secret(&first))).await.expect("compared"));
    }

    #[tokio::test]
    async fn nothing_stored_or_unreadable_is_never_right() {
        let passwords = Passwords::new(1, 8).expect("random bytes");
        assert!(!passwords.verify(secret("anything at all"), None).await.expect("compared"));
        assert!(!passwords.verify(secret("anything at all"), Some(secret("not a hash"))).await.expect("compared"));
    }

    #[tokio::test]
    async fn two_spellings_of_one_password_are_one_and_blanks_count() {
        let passwords = Passwords::new(1, 8).expect("random bytes");
        let composed = passwords.hash(secret("caf\u{e9} \0 \u{1F511} long")).await.expect("hashed");
        assert!(
            passwords.verify(secret("cafe\u{301} \0 \u{1F511} long"), Some(secret(&composed))).await.expect("compared")
        );
        assert!(
            !passwords.verify(secret(" caf\u{e9} \0 \u{1F511} long"), Some(secret(&composed))).await.expect("compared")
        );
    }

    #[tokio::test]
    async fn who_finds_no_place_to_wait_is_sent_away_at_once() {
        let passwords = Passwords::new(1, 1).expect("random bytes");
        let hash = || passwords.hash(secret("correct horse battery"));
        let (first, second, third) = tokio::join!(hash(), hash(), hash());
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(third, Err(HashError::Busy)));
        assert!(hash().await.is_ok());
    }
}
