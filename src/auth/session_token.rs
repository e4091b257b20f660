//! The token of a cookie session (spec/accounts-and-offers.md section 3.4): 32 random bytes; its BLAKE3 hash is what is
//! stored, and the session's id.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muniment_aggregates::ids::CredentialId;

use super::random_bytes;
use super::tokens;

const TOKEN_BYTES: usize = 32;

/// A session that is about to begin. The raw token leaves in one cookie and is kept nowhere.
pub struct FreshSession {
    /// The raw token.
    pub raw: String,
    /// The session's id.
    pub id: CredentialId,
}

impl FreshSession {
    /// Makes a token.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn make() -> Result<Self, getrandom::Error> {
        let raw = URL_SAFE_NO_PAD.encode(random_bytes::<TOKEN_BYTES>()?);
        let id = CredentialId(session_id(&raw));
        Ok(Self { raw, id })
    }
}

/// The id of the session behind a raw token: its BLAKE3 hash, 64 lower-case hex digits.
#[must_use]
pub fn session_id(raw: &str) -> String {
    tokens::hash(raw)
}
