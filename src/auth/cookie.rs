//! The session's cookie (spec/accounts-and-offers.md section 3.5): `<identity>:<expires_at>.<base64 HMAC-SHA256>`. The
//! first key signs, all keys verify.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a presented value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CookieVerdict {
    /// Of another form, or signed by no key of ours.
    Invalid,
    /// Ours, and past its end.
    Expired,
    /// Ours.
    Valid {
        /// The raw session token.
        identity: String,
        /// When the value ends.
        expires_at: DateTime<Utc>,
        /// Which key signed it; 0 is the one that signs now.
        key_index: usize,
    },
}

/// How the cookie is marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieMarks {
    /// Its name.
    pub name: String,
    /// Whether only HTTPS carries it.
    pub secure: bool,
    /// Whether scripts cannot read it.
    pub http_only: bool,
    /// Its `SameSite`: `Strict`, `Lax` or `None`.
    pub same_site: &'static str,
    /// How long it lasts.
    pub max_age: Duration,
}

/// Writes and reads the cookie. Its keys cannot be printed.
pub struct Cookies {
    /// The key that signs; it verifies, too.
    first: Zeroizing<String>,
    /// Keys that verify what was signed before.
    rest: Vec<Zeroizing<String>>,
    marks: CookieMarks,
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").field("keys", &(1 + self.rest.len())).field("marks", &self.marks).finish()
    }
}

impl Cookies {
    /// The first key signs, all verify.
    #[must_use]
    pub fn new(first: Zeroizing<String>, rest: Vec<Zeroizing<String>>, marks: CookieMarks) -> Self {
        Self { first, rest, marks }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.marks.name
    }

    fn signature(key: &Zeroizing<String>, signed: &str) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "RFC 2104, section 2: a key longer than the block is hashed first")]
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        mac
    }

    fn value(&self, identity: &str, expires_at: DateTime<Utc>) -> String {
        let signed = format!("{identity}:{}", expires_at.timestamp());
        let mac = Self::signature(&self.first, &signed).finalize().into_bytes();
        format!("{signed}.{}", STANDARD.encode(mac))
    }

    /// The `Set-Cookie` header that gives a session's token for its whole life from `now`.
    #[must_use]
    pub fn issue(&self, identity: &str, now: DateTime<Utc>) -> String {
        let life = TimeDelta::from_std(self.marks.max_age).unwrap_or(TimeDelta::MAX);
        let expires_at = now.checked_add_signed(life).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.header(&self.value(identity, expires_at), self.marks.max_age.as_secs())
    }

    /// The `Set-Cookie` header that takes the cookie away.
    #[must_use]
    pub fn clear(&self) -> String {
        self.header("", 0)
    }

    fn header(&self, value: &str, max_age_seconds: u64) -> String {
        let CookieMarks { name, secure, http_only, same_site, .. } = &self.marks;
        let http_only = if *http_only { "; HttpOnly" } else { "" };
        let secure = if *secure { "; Secure" } else { "" };
        format!("{name}={value}{http_only}{secure}; SameSite={same_site}; Path=/; Max-Age={max_age_seconds}")
    }

    /// Judges a presented value.
    #[must_use]
    pub fn verify(&self, value: &str, now: DateTime<Utc>) -> CookieVerdict {
        let Some((signed, mac)) = value.rsplit_once('.') else { return CookieVerdict::Invalid };
        let Ok(mac) = STANDARD.decode(mac) else { return CookieVerdict::Invalid };
        // `verify_slice` compares in constant time.
        let by = |key: &Zeroizing<String>| Self::signature(key, signed).verify_slice(&mac).is_ok();
        let mut keys = std::iter::once(&self.first).chain(&self.rest);
        let Some(key_index) = keys.position(by) else { return CookieVerdict::Invalid };
        let Some((identity, end)) = signed.rsplit_once(':') else { return CookieVerdict::Invalid };
        let digits = !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit());
        let end = end.parse().ok().filter(|_| digits).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        match end {
            Some(expires_at) if !identity.is_empty() && expires_at > now => {
                CookieVerdict::Valid { identity: identity.to_owned(), expires_at, key_index }
            }
            Some(_) if !identity.is_empty() => CookieVerdict::Expired,
            Some(_) | None => CookieVerdict::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(keys: &[&str]) -> Cookies {
        let marks = CookieMarks {
            name: "muniment_session".to_owned(),
            secure: true,
            http_only: true,
            same_site: "Strict",
            max_age: Duration::from_secs(2_592_000),
        };
        let mut keys = keys.iter().map(|key| Zeroizing::new((*key).to_owned()));
        Cookies::new(keys.next().expect("a key"), keys.collect(), marks)
    }

    fn signed(cookies: &Cookies, text: &str) -> String {
        let mac = Cookies::signature(&cookies.first, text);
        format!("{text}.{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn acc_019_only_what_a_key_of_ours_signed_and_what_has_not_ended_is_valid() {
        let now = DateTime::from_timestamp(1_000, 0).expect("an instant");
        let ours = cookies(&["a-key-of-thirty-two-characters-or-more"]);
        let value = ours.value("token", DateTime::from_timestamp(1_001, 0).expect("an instant"));
        assert!(matches!(ours.verify(&value, now), CookieVerdict::Valid { key_index: 0, .. }));
        assert_eq!(cookies(&["another-key-of-thirty-two-characters"]).verify(&value, now), CookieVerdict::Invalid);
        assert_eq!(ours.verify(&value.replace("token", "tokex"), now), CookieVerdict::Invalid);
        assert_eq!(ours.verify(&signed(&ours, "token:1000"), now), CookieVerdict::Expired, "equal to now has ended");
        for bad in ["nodot", "token:12x", ":1001", "token:", "token:+1001", "token"] {
            assert_eq!(ours.verify(&signed(&ours, bad), now), CookieVerdict::Invalid, "{bad}");
            assert_eq!(ours.verify(bad, now), CookieVerdict::Invalid, "{bad}");
        }
    }

    #[test]
    fn acc_021_an_old_key_still_verifies_and_says_that_it_is_old() {
        let now = DateTime::from_timestamp(1_000, 0).expect("an instant");
        let old = cookies(&["old-key-of-thirty-two-characters-long!!"]);
        let both = cookies(&["new-key-of-thirty-two-characters-long!!", "old-key-of-thirty-two-characters-long!!"]);
        let value = old.value("token", DateTime::from_timestamp(2_000, 0).expect("an instant"));
        assert!(matches!(both.verify(&value, now), CookieVerdict::Valid { key_index: 1, .. }));
    }

    #[test]
    fn the_header_bears_every_mark_and_clearing_bears_them_too() {
        let ours = cookies(&["a-key-of-thirty-two-characters-or-more"]);
        let marks = "HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=";
        assert!(ours.issue("t", DateTime::UNIX_EPOCH).ends_with(&format!("{marks}2592000")));
        assert_eq!(ours.clear(), format!("muniment_session=; {marks}0"));
        assert!(!format!("{ours:?}").contains("a-key"));
    }
}
