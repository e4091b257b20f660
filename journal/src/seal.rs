//! The cryptography behind sealed values: one secret key type and what can be done with it.
//!
//! XChaCha20-Poly1305 with random 192-bit nonces for everything that must open again, HMAC-SHA-256 for what must
//! only be recognised, keyed BLAKE3 to make keys of different purposes from one. Where keys live and whose they
//! are is [`crate::keyring`]'s matter.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use muniment_aggregates::sealed::SubjectId;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of every key here.
pub const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Why a value was not sealed or did not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no key of this subject: it was erased, or never was.
    #[error("subject {0} has no key: it is erased")]
    Erased(SubjectId),
    /// The text is no sealed value.
    #[error("the text is not a sealed value")]
    Malformed,
    /// The value was changed, or belongs to another subject, field or installation.
    #[error("the sealed value does not open here: it was changed or moved ({context})")]
    Refused {
        /// The context the value claims, `<stream type>/<stream id>/<field>`.
        context: String,
    },
    /// A stored key does not open under the master key in use.
    #[error("the stored keys were wrapped under another master key")]
    WrongMasterKey,
    /// The context holds a `|`.
    #[error("{0:?} cannot be the context of a sealed value")]
    BadContext(String),
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    NoRandom(getrandom::Error),
    /// The keys could not be reached; asking again may help.
    #[error("the stored keys cannot be reached: {0}")]
    Unavailable(#[from] muniment_sql::SqlError),
    /// This handle was opened for reading only and a key would have to be made.
    #[error("the record is open for reading only; no key can be made")]
    ReadOnly,
}

/// 32 secret bytes, wiped when dropped, never printed. Two are compared only where their owner gave both.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretKey(Zeroizing<[u8; KEY_BYTES]>);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(***)")
    }
}

impl SecretKey {
    pub(crate) fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn random() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(SealError::NoRandom)?;
        Ok(Self(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// A key for one purpose. `context` is a constant of this program, as BLAKE3's `derive_key` asks.
    pub(crate) fn derive(&self, context: &'static str) -> Self {
        Self::new(blake3::derive_key(context, self.0.as_slice()))
    }

    /// Nonce and ciphertext of `plaintext`, bound to `bound_to`.
    pub(crate) fn encrypt(&self, bound_to: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(SealError::NoRandom)?;
        let cipher = XChaCha20Poly1305::new(&(*self.0).into());
        let ciphertext = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plaintext, aad: bound_to })
            // The cipher refuses only plaintexts beyond 256 GiB, which no body limit lets in.
            .map_err(|_| SealError::Malformed)?;
        let mut body = Vec::with_capacity(NONCE_BYTES + ciphertext.len());
        body.extend_from_slice(&nonce);
        body.extend_from_slice(&ciphertext);
        Ok(body)
    }

    /// The plaintext of a body made by [`SecretKey::encrypt`]; `None` when key, binding or body differ.
    pub(crate) fn decrypt(&self, bound_to: &[u8], body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = body.split_first_chunk::<NONCE_BYTES>()?;
        let cipher = XChaCha20Poly1305::new(&(*self.0).into());
        cipher.decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: bound_to }).ok().map(Zeroizing::new)
    }

    /// A keyed digest that reveals nothing about short messages without the key.
    pub(crate) fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let key = Zeroizing::new(*blake3::keyed_hash(&self.0, purpose.as_bytes()).as_bytes());
        // A shorter key is padded to the block with zeros, as RFC 2104 has it.
        let mut block = Zeroizing::new([0_u8; 64]);
        block[..KEY_BYTES].copy_from_slice(key.as_slice());
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new(&(*block).into());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

/// Joins parts so that no two lists of parts give the same bytes.
pub(crate) fn join(domain: &'static str, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(domain.len() + parts.iter().map(|part| part.len() + 8).sum::<usize>());
    bytes.extend_from_slice(domain.as_bytes());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_with_its_key_binding_and_every_bit() {
        let key = SecretKey::random().unwrap();
        let body = key.encrypt(b"here", b"founder@example.com").unwrap();
        assert_eq!(key.decrypt(b"here", &body).unwrap().as_slice(), b"founder@example.com");
        assert!(key.decrypt(b"there", &body).is_none());
        assert!(SecretKey::random().unwrap().decrypt(b"here", &body).is_none());
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1;
            assert!(key.decrypt(b"here", &changed).is_none(), "byte {at}");
        }
        assert!(key.decrypt(b"here", &body[..10]).is_none());
    }

    #[test]
    fn equal_plaintexts_do_not_look_equal() {
        let key = SecretKey::random().unwrap();
        assert_ne!(key.encrypt(b"", b"same").unwrap(), key.encrypt(b"", b"same").unwrap());
    }

    #[test]
    fn digests_differ_by_purpose_and_joined_parts_are_unambiguous() {
        let key = SecretKey::new([7; 32]);
        assert_ne!(key.mac("otp", b"123456"), key.mac("claims", b"123456"));
        assert_eq!(key.mac("otp", b"123456"), key.mac("otp", b"123456"));
        assert_ne!(join("d", &[b"ab", b"c"]), join("d", &[b"a", b"bc"]));
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?}", SecretKey::new([0x41; 32])), "SecretKey(***)");
    }
}
