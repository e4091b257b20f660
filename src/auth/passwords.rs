//! Passwords: Argon2id, 19,456 KiB, two passes, one lane (spec/accounts-and-offers.md section 3.2). Hashing runs off the
//! threads that serve requests, at most so many at once, and so many more may wait: memory, cores and patience are bounded
//! whoever asks.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon2::password_hash::Error;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::random_bytes;

/// Characters of a password that is about to be set.
pub const CHARACTERS: RangeInclusive<usize> = 12..=300;
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

/// The memory that hashes fill. It is kept for the next: given back, it would stay with the allocator's pool of the thread
/// that hashed, and there are many threads, one after the other.
#[derive(Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    /// Lends it for one hash.
    fn lend<T>(&self, hash: impl FnOnce(&mut Vec<Block>) -> T) -> T {
        let mut blocks = self.0.lock().pop().unwrap_or_default();
        let outcome = hash(&mut blocks);
        self.0.lock().push(blocks);
        outcome
    }
}

/// Hashes and compares passwords.
pub struct Passwords {
    /// As much as is lent at once, so as many times as there are permits.
    memory: Arc<Memory>,
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
        let memory = Arc::new(Memory::default());
        let unknown = Zeroizing::new(hex::encode(random_bytes::<32>()?));
        let dummy = memory.lend(|blocks| hash(&unknown, blocks))?;
        let permits = permits.clamp(1, Semaphore::MAX_PERMITS / 2);
        let places = permits + queue.min(Semaphore::MAX_PERMITS / 2);
        Ok(Self {
            memory,
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
        self.run(move |blocks| hash(&password, blocks)).await?
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
        self.run(move |blocks| match stored.as_deref().map(|stored| PasswordHash::new(stored)) {
            Some(Ok(stored)) => is_right(&password, &stored, blocks),
            Some(Err(_)) | None => {
                // The comparison is made for its time alone.
                let compared = PasswordHash::new(&dummy).map(|dummy| is_right(&password, &dummy, blocks));
                std::hint::black_box(compared).is_err()
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let failed = |what: &dyn std::fmt::Display| HashError::Hashing(what.to_string());
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| failed(&error))?;
        let memory = Arc::clone(&self.memory);
        let hashing = tokio::task::spawn_blocking(move || {
            let outcome = memory.lend(work);
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

fn hash(password: &str, blocks: &mut Vec<Block>) -> Result<String, HashError> {
    let failed = |error: Error| HashError::Hashing(error.to_string());
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(error.into()))?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let named = ParamsString::try_from(&params).map_err(failed)?;
    let salt = Salt::new(&random_bytes::<SALT_BYTES>()?).map_err(|error| failed(error.into()))?;
    let output = output(&Argon2::new(algorithm, version, params), password, &salt, blocks).map_err(failed)?;
    let stored = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: named,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(stored.to_string())
}

/// The stored string's own parameters count, so that raising ours leaves old passwords valid.
fn is_right(password: &str, stored: &PasswordHash, blocks: &mut Vec<Block>) -> bool {
    let argon = || -> Result<Argon2<'static>, Error> {
        let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
        let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
        Ok(Argon2::new(algorithm, version, Params::try_from(stored)?))
    };
    let (Some(salt), Some(expected), Ok(argon)) = (&stored.salt, &stored.hash, argon()) else { return false };
    // Outputs are compared in constant time.
    output(&argon, password, salt, blocks).is_ok_and(|output| output == *expected)
}

fn output(argon: &Argon2<'_>, password: &str, salt: &Salt, blocks: &mut Vec<Block>) -> Result<Output, Error> {
    let params = argon.params();
    if blocks.len() < params.block_count() {
        blocks.resize(params.block_count(), Block::new());
    }
    let mut buffer = [0; Output::MAX_LENGTH];
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let out = buffer.get_mut(..length).ok_or(Error::OutputSize)?;
    argon.hash_password_into_with_memory(normalised(password).as_bytes(), salt, out, blocks)?;
    Ok(Output::new(out)?)
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
    async fn memory_that_is_lent_again_changes_no_hash() {
        let passwords = Passwords::new(1, 8).expect("random bytes");
        // "password" under the salt "somesalt", of the reference implementation; other parameters than ours.
        let known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for _ in 0..2 {
            let stored = passwords.hash(secret("another one")).await.expect("hashed");
            assert!(passwords.verify(secret("another one"), Some(secret(&stored))).await.expect("compared"));
            assert!(passwords.verify(secret("password"), Some(secret(known))).await.expect("compared"));
        }
        assert_eq!(passwords.memory.0.lock().len(), 1, "no more than is lent at once");
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
