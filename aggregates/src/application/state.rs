//! What an application remembers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::events::ApplicationEvent;
use super::tokens::{Token, TokenGrant};
use crate::ids::{CompanyId, CredentialId, FounderId};
use crate::sealed::{Sealed, SubjectId};

/// How many tokens that no longer work are remembered; the read model remembers all.
pub const ENDED_TOKENS_MAX: usize = 100;

/// Where the review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationStatus {
    /// Handed in.
    Submitted,
    /// Somebody looks at it.
    InReview,
    /// Yes.
    Accepted,
    /// No.
    Rejected,
    /// Taken back by the founder; the end.
    Withdrawn,
}

impl ApplicationStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Submitted, Self::InReview, Self::Accepted, Self::Rejected, Self::Withdrawn];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::InReview => "in_review",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the name of the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// The founder named in the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founder {
    /// Id.
    pub id: FounderId,
    /// Name.
    pub name: Sealed,
    /// E-mail.
    pub email: Sealed,
    /// Whether a session proved the e-mail.
    pub email_verified: bool,
    /// Whose key seals the two.
    pub subject: SubjectId,
}

/// The state of one application.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Application {
    company: Option<CompanyId>,
    company_name: String,
    founder: Option<Founder>,
    status: Option<ApplicationStatus>,
    submitted_at: Option<DateTime<Utc>>,
    tokens: BTreeMap<CredentialId, Token>,
}

impl Application {
    /// The company; `None` before the application is submitted.
    #[must_use]
    pub fn company_of(&self) -> Option<&CompanyId> {
        self.company.as_ref()
    }

    /// The company's name.
    #[must_use]
    pub fn company_name(&self) -> &str {
        &self.company_name
    }

    /// The founder.
    #[must_use]
    pub fn founder(&self) -> Option<&Founder> {
        self.founder.as_ref()
    }

    /// Where the review stands.
    #[must_use]
    pub fn status(&self) -> Option<ApplicationStatus> {
        self.status
    }

    /// When it was submitted.
    #[must_use]
    pub fn submitted_at(&self) -> Option<DateTime<Utc>> {
        self.submitted_at
    }

    /// A token, live or not; one that ended long ago may be forgotten.
    #[must_use]
    pub fn token(&self, id: &CredentialId) -> Option<&Token> {
        self.tokens.get(id)
    }

    /// All remembered tokens, by id.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.values()
    }

    pub(super) fn take_event(&mut self, event: &ApplicationEvent) {
        match event {
            ApplicationEvent::Submitted(submitted) => {
                self.company = Some(submitted.company.clone());
                self.company_name.clone_from(&submitted.company_name);
                self.founder = Some(Founder {
                    id: submitted.founder.clone(),
                    name: submitted.founder_name.clone(),
                    email: submitted.founder_email.clone(),
                    email_verified: submitted.founder_email_verified,
                    subject: submitted.subject.clone(),
                });
                self.status = Some(ApplicationStatus::Submitted);
                self.submitted_at = Some(submitted.submitted_at);
            }
            ApplicationEvent::StatusChanged(changed) => self.status = Some(changed.status),
            ApplicationEvent::Withdrawn(_) => self.status = Some(ApplicationStatus::Withdrawn),
            ApplicationEvent::TokenIssued(issued) => self.take_token(&issued.token, issued.at),
            ApplicationEvent::TokenRevoked(revoked) => {
                if let Some(token) = self.tokens.get_mut(&revoked.token) {
                    token.revoked_at.get_or_insert(revoked.at);
                }
            }
            ApplicationEvent::TokenRotated(rotated) => {
                if let Some(token) = self.tokens.get_mut(&rotated.token) {
                    token.grant.expires_at = Some(rotated.ends_at);
                    token.replaced_by = Some(rotated.replacement.id.clone());
                }
                self.take_token(&rotated.replacement, rotated.at);
            }
        }
    }

    fn take_token(&mut self, grant: &TokenGrant, at: DateTime<Utc>) {
        let token = Token { grant: grant.clone(), revoked_at: None, replaced_by: None };
        self.tokens.insert(grant.id.clone(), token);
        self.forget_ended(at);
    }

    /// Forgets the tokens that ended longest ago, so that daily rotation does not grow the state for ever. One
    /// that still works is never forgotten: it can always be revoked.
    fn forget_ended(&mut self, at: DateTime<Utc>) {
        let mut ended: Vec<_> = self
            .tokens
            .values()
            .filter(|token| !token.works(at))
            .map(|token| (token.revoked_at.or(token.grant.expires_at), token.grant.id.clone()))
            .collect();
        ended.sort();
        let excess = ended.len().saturating_sub(ENDED_TOKENS_MAX);
        for (_, id) in &ended[..excess] {
            self.tokens.remove(id);
        }
    }
}
