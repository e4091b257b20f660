//! API tokens (spec/accounts-and-offers.md section 3.6): a prefix and 43 characters of 32 random bytes. The public id
//! is `tok_` and the first 12 of them; what is stored beside it is the hash of the whole.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muniment_aggregates::ids::CredentialId;

use super::random_bytes;
use super::tokens;

const SECRET_BYTES: usize = 32;
const SECRET_CHARACTERS: usize = 43;
const ID_CHARACTERS: usize = 12;

/// A token that was just made. The raw form leaves in one answer and is kept nowhere.
pub struct FreshApiToken {
    /// Public id.
    pub id: CredentialId,
    /// The whole token.
    pub raw: String,
    /// What is stored.
    pub hash: String,
}

impl FreshApiToken {
    /// Makes a token.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn make(prefix: &str) -> Result<Self, getrandom::Error> {
        let secret = URL_SAFE_NO_PAD.encode(random_bytes::<SECRET_BYTES>()?);
        let raw = format!("{prefix}{secret}");
        Ok(Self { id: public_id(&secret), hash: tokens::hash(&raw), raw })
    }
}

fn public_id(secret: &str) -> CredentialId {
    CredentialId(format!("tok_{}", secret.get(..ID_CHARACTERS).unwrap_or_default()))
}

/// The public id of a token; `None` where the text has another form.
#[must_use]
pub fn id_of(prefix: &str, raw: &str) -> Option<CredentialId> {
    let secret = raw.strip_prefix(prefix)?;
    let is_plain = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    (secret.len() == SECRET_CHARACTERS && is_plain).then(|| public_id(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_050_a_token_is_named_by_its_first_twelve() {
        let token = FreshApiToken::make("secret_muniment_token_").expect("random bytes");
        assert_eq!(token.raw.len(), "secret_muniment_token_".len() + SECRET_CHARACTERS);
        assert_eq!(id_of("secret_muniment_token_", &token.raw), Some(token.id.clone()));
        assert_eq!(token.id.0.len(), 16);
        assert_eq!(id_of("other_", &token.raw), None);
        assert_eq!(id_of("secret_muniment_token_", "secret_muniment_token_short"), None);
    }
}
