//! Typed ids (spec/metrics.md section 2.4): a prefix and 16 base64url characters, made from 12 random bytes
//! that come in from outside.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Random bytes behind an id.
pub const ID_BYTES: usize = 12;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// An id from random bytes of the operating system.
            #[must_use]
            pub fn from_random(bytes: [u8; ID_BYTES]) -> Self {
                Self(format!("{}{}", $prefix, URL_SAFE_NO_PAD.encode(bytes)))
            }

            /// Reads an id that came from outside; `None` unless it has exactly this form.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let body = text.strip_prefix($prefix)?;
                let decoded = URL_SAFE_NO_PAD.decode(body).ok()?;
                (decoded.len() == ID_BYTES).then(|| Self(text.to_owned()))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(/// A company: what is measured.
    CompanyId, "co_");
id!(/// A founder named in an application.
    FounderId, "founder_");
id!(/// An application of a company.
    ApplicationId, "app_");
id!(/// A metric of a company.
    MetricId, "metric_");
id!(/// A point of a metric.
    PointId, "point_");
id!(/// An alert: a finding of a rule about one point.
    AlertId, "alert_");
id!(/// A one-time code sent by e-mail.
    OtpId, "otp_");

/// An account. A UUID, as the accounts surface speaks it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub String);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A persona: what acts on behalf of an account. A UUID; the wire calls it `actor_id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonaId(pub String);

impl fmt::Display for PersonaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(/// An offer of a role. A UUID.
    OfferId);
uuid_id!(/// A role held by a persona. A UUID.
    GrantId);
uuid_id!(/// An invitation to sign up. A UUID.
    InviteId);

/// Public id of a session or a token: 18 lower-case hex characters (9 random bytes) where it is a bearer token of
/// `/v1`, the token's BLAKE3 in 64 hex characters where it is a cookie session, `tok_` and 12 characters where it is
/// an API token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialId(pub String);

impl CredentialId {
    /// A public id from random bytes of the operating system.
    #[must_use]
    pub fn from_random(bytes: [u8; 9]) -> Self {
        Self(hex::encode(bytes))
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
