//! The two bearer tokens (spec/metrics.md section 3.1): `<prefix>_session_<public id>_<secret>` and
//! `<prefix>_live_<public id>_<secret>`. What is stored is the public id and the BLAKE3 hash of the whole token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muniment_aggregates::ids::CredentialId;
use subtle::ConstantTimeEq as _;

use super::random_bytes;

/// Random bytes of a public id and of a secret.
const PUBLIC_ID_BYTES: usize = 9;
const SECRET_BYTES: usize = 32;

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A founder's session: identity.
    Session,
    /// An agent's token: delegation.
    Agent,
}

impl TokenKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Agent => "live",
        }
    }
}

/// A token that was just made. The raw form leaves in one answer and is kept nowhere.
pub struct FreshToken {
    /// Public id.
    pub id: CredentialId,
    /// The whole token.
    pub raw: String,
    /// What is stored.
    pub hash: String,
}

impl FreshToken {
    /// Makes a token.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn make(prefix: &str, kind: TokenKind) -> Result<Self, getrandom::Error> {
        let id = CredentialId::from_random(random_bytes::<PUBLIC_ID_BYTES>()?);
        let secret = URL_SAFE_NO_PAD.encode(random_bytes::<SECRET_BYTES>()?);
        let raw = format!("{prefix}_{}_{id}_{secret}", kind.word());
        let hash = hash(&raw);
        Ok(Self { id, raw, hash })
    }
}

/// The hash under which a token is stored: BLAKE3, lower-case hexadecimal.
#[must_use]
pub fn hash(raw: &str) -> String {
    blake3::hash(raw.as_bytes()).to_hex().to_string()
}

/// Whether a presented token is the one behind a stored hash, in constant time.
#[must_use]
pub fn matches(raw: &str, stored_hash: &str) -> bool {
    hash(raw).as_bytes().ct_eq(stored_hash.as_bytes()).into()
}

/// The public id of a token of this kind; `None` where the text has another form.
#[must_use]
pub fn public_id(prefix: &str, kind: TokenKind, raw: &str) -> Option<CredentialId> {
    let rest = raw.strip_prefix(prefix)?.strip_prefix('_')?.strip_prefix(kind.word())?.strip_prefix('_')?;
    let (id, secret) = rest.split_once('_')?;
    let is_hex = !id.is_empty() && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && !secret.is_empty()).then(|| CredentialId(id.to_owned()))
}

/// Whether a bearer claims to be a token of this kind, well formed or not.
#[must_use]
pub fn claims_to_be(prefix: &str, kind: TokenKind, raw: &str) -> bool {
    raw.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(&format!("_{}_", kind.word())))
}

/// Whether a text has the form of a token of this kind under any prefix: its holder does not know the server's.
#[must_use]
pub fn looks_like(kind: TokenKind, raw: &str) -> bool {
    let mark = format!("_{}_", kind.word());
    let mut prefixes = raw.match_indices(&mark).map(|(at, _)| &raw[..at]);
    prefixes.any(|prefix| public_id(prefix, kind, raw).is_some_and(|id| id.0.len() == 2 * PUBLIC_ID_BYTES))
}

#[cfg(test)]
mod tests {
    use muniment_projections::audit_log::everywhere::FOUNDER_SESSION_ID_CHARACTERS;

    use super::*;

    #[test]
    fn a_founder_session_is_told_from_one_by_cookie_by_the_length_of_its_id() {
        let founder = FreshToken::make("alif", TokenKind::Session).expect("random bytes");
        assert_eq!(founder.id.0.len(), FOUNDER_SESSION_ID_CHARACTERS);
        let by_cookie = crate::auth::session_token::FreshSession::make().expect("random bytes");
        assert_ne!(by_cookie.id.0.len(), FOUNDER_SESSION_ID_CHARACTERS);
    }

    #[test]
    fn a_token_names_its_public_id_and_matches_only_itself() {
        let token = FreshToken::make("alif", TokenKind::Agent).expect("random bytes");
        assert_eq!(public_id("alif", TokenKind::Agent, &token.raw), Some(token.id.clone()));
        assert_eq!(public_id("alif", TokenKind::Session, &token.raw), None);
        assert!(matches(&token.raw, &token.hash));
        assert!(!matches(&format!("{}x", token.raw), &token.hash));
        assert!(looks_like(TokenKind::Agent, &token.raw) && !looks_like(TokenKind::Session, &token.raw));
        for other in
            ["secret_muniment_token_live_0123_x", "a_live_b_live_c", "_live_", "alif_live_0123456789abcdef01", ""]
        {
            assert!(!looks_like(TokenKind::Agent, other), "{other}");
        }
        assert_eq!(token.raw.len(), "alif_live_".len() + 18 + 1 + 43);
    }
}
