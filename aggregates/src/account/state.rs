//! What an account remembers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::messages::{AccountEvent, AccountRegistered};
use crate::ids::CredentialId;
use crate::session::SessionKind;

/// A session the account has open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedSession {
    /// Its public id.
    pub session: CredentialId,
    /// Its kind.
    pub kind: SessionKind,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// The state of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    registered: Option<AccountRegistered>,
    email_verified: bool,
    sessions: Vec<OpenedSession>,
    erased_at: Option<DateTime<Utc>>,
}

impl Account {
    /// How it was registered; `None` before that.
    #[must_use]
    pub fn registered(&self) -> Option<&AccountRegistered> {
        self.registered.as_ref()
    }

    /// Whether its e-mail was proved.
    #[must_use]
    pub fn email_verified(&self) -> bool {
        self.email_verified
    }

    /// Sessions noted as open, oldest first; some may have run out.
    #[must_use]
    pub fn sessions(&self) -> &[OpenedSession] {
        &self.sessions
    }

    /// When it was erased.
    #[must_use]
    pub fn erased_at(&self) -> Option<DateTime<Utc>> {
        self.erased_at
    }

    pub(super) fn take_event(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Registered(registered) => self.registered = Some(registered.clone()),
            AccountEvent::EmailVerified(_) => self.email_verified = true,
            AccountEvent::SessionOpened(opened) => {
                // What has run out is forgotten here, which bounds the list by the cap.
                self.sessions.retain(|open| open.session != opened.session && open.expires_at > opened.at);
                self.sessions.push(OpenedSession {
                    session: opened.session.clone(),
                    kind: opened.kind,
                    opened_at: opened.at,
                    expires_at: opened.expires_at,
                });
            }
            AccountEvent::SessionEvicted(evicted) => self.close(&evicted.session),
            AccountEvent::SessionClosed(closed) => self.close(&closed.session),
            AccountEvent::Erased(erased) => {
                self.erased_at.get_or_insert(erased.at);
                self.sessions.clear();
            }
        }
    }

    fn close(&mut self, session: &CredentialId) {
        self.sessions.retain(|open| open.session != *session);
    }
}
