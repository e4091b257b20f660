//! What a bearer token or a session's cookie may read, for those who push events instead of answering a request.

use std::collections::HashSet;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use muniment_aggregates::application::TokenScope;

use super::Surface;
use super::errors::V1Error;
use super::limits::Window;
use super::presented::Presented;
use super::principal::Founder;
use crate::auth::tokens::{self, TokenKind};

/// A credential that holds, and what it opens.
#[derive(Debug, Clone)]
pub struct Readable {
    /// Public id of the token or session.
    pub credential: String,
    /// Account behind a founder session; it reads its own account and session events.
    pub account: Option<String>,
    /// Subject whose key seals the account's personal data; its erasure ends the right.
    pub subject: Option<String>,
    /// Companies whose events may be read.
    pub companies: HashSet<String>,
    /// When the credential ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Surface {
    /// Checks a bearer token and says what it may read.
    ///
    /// # Errors
    /// As the token's own check; 403 `missing_scope` without `application:read`.
    pub async fn readable(&self, bearer: &str, client: Option<IpAddr>) -> Result<Readable, V1Error> {
        let presented =
            Presented { authorization: vec![Some(format!("Bearer {bearer}"))], client, ..Presented::default() };
        if tokens::claims_to_be(&self.metrics.token_prefix, TokenKind::Session, bearer) {
            let founder = self.founder(&presented).await?;
            return self.readable_of(&founder).await;
        }
        let agent = self.agent(&presented).await?;
        Self::require_scope(&agent, TokenScope::ApplicationRead)?;
        Ok(Readable {
            credential: agent.id.0.clone(),
            account: None,
            subject: None,
            companies: std::iter::once(agent.company.as_str().to_owned()).collect(),
            expires_at: agent.expires_at,
        })
    }

    /// Checks the cookie of a session and says what the founder behind it may read.
    ///
    /// # Errors
    /// As the cookie's own check: 403 `forbidden_origin`, 401 `invalid_session`, 403 `insufficient_permissions`.
    pub async fn readable_by_cookie(&self, presented: &Presented) -> Result<Readable, V1Error> {
        let founder = self.founder_by_cookie(presented).await?;
        self.readable_of(&founder).await
    }

    async fn readable_of(&self, founder: &Founder) -> Result<Readable, V1Error> {
        let companies = self.applications_of(founder).await?;
        Ok(Readable {
            credential: founder.id.0.clone(),
            account: Some(founder.account.0.clone()),
            subject: Some(founder.subject.0.clone()),
            companies: companies.into_iter().map(|it| it.company.as_str().to_owned()).collect(),
            expires_at: Some(founder.expires_at),
        })
    }

    /// Counts a look at the record by plain HTTP among the credential's reads.
    ///
    /// # Errors
    /// 429 `rate_limited`.
    pub async fn count_look(&self, credential: &str) -> Result<(), V1Error> {
        let passes = self.windows.hit(Window::Reads, credential, self.limits.reads).await;
        passes
            .map_err(|limited| V1Error::limited(limited, "rate_limited", "Too many requests of this credential; wait."))
    }
}
