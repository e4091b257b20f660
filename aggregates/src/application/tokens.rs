//! Agent tokens: what one may do, and whether it is alive.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::CredentialId;

/// Most live tokens of a company.
pub const TOKENS_LIVE_MAX: usize = 20;
/// Most tokens of a company that were replaced and still work: as many as all its tokens leave behind that are replaced
/// every day, each with the longest grace, and more.
pub const TOKENS_REPLACED_MAX: usize = 200;
/// Longest time a rotated token still works.
pub const TOKEN_GRACE_SECONDS_MAX: u32 = 604_800;
/// Longest token name, in characters.
pub const TOKEN_NAME_CHARACTERS_MAX: usize = 100;
/// Most metrics a token may be bound to.
pub const TOKEN_METRICS_MAX: usize = 100;

/// What an agent token opens (spec/metrics.md section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TokenScope {
    /// Reading.
    #[serde(rename = "application:read")]
    ApplicationRead,
    /// Metrics, their settings and rules.
    #[serde(rename = "metrics:create")]
    MetricsCreate,
    /// Points and corrections.
    #[serde(rename = "metrics:write")]
    MetricsWrite,
    /// Acknowledging alerts.
    #[serde(rename = "alerts:ack")]
    AlertsAck,
}

impl TokenScope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ApplicationRead, Self::MetricsCreate, Self::MetricsWrite, Self::AlertsAck];
    /// Those of a token made with an application, in the order of the wire.
    pub const DEFAULT: [Self; 3] = [Self::ApplicationRead, Self::MetricsCreate, Self::MetricsWrite];

    /// The name on the wire and in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApplicationRead => "application:read",
            Self::MetricsCreate => "metrics:create",
            Self::MetricsWrite => "metrics:write",
            Self::AlertsAck => "alerts:ack",
        }
    }

    /// Reads the name of the wire; scopes compare exactly.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A token as it was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenGrant {
    /// Public id.
    pub id: CredentialId,
    /// Name; points carry it as their source.
    pub name: String,
    /// BLAKE3 of the whole raw token, 64 lower-case hex characters.
    pub secret_hash: String,
    /// What it opens, in the order given.
    pub scopes: Vec<TokenScope>,
    /// Slugs of the metrics it may write, or all.
    pub allowed_metrics: Option<BTreeSet<String>>,
    /// When it ends, or never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Who made it, as the wire shows it: an account id; absent for the one made with the application.
    pub created_by: Option<String>,
}

/// A token as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// As it was issued; `expires_at` moves when it is rotated.
    pub grant: TokenGrant,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The token that took its place.
    pub replaced_by: Option<CredentialId>,
}

impl Token {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn works(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.grant.expires_at.is_none_or(|end| end > now)
    }

    /// Whether it counts against the cap and holds its name: it works, and no other took its place.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.works(now) && self.replaced_by.is_none()
    }
}
