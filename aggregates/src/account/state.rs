//! What an account remembers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::events::{AccountEvent, AccountRegistered};
use crate::ids::{CredentialId, PersonaId};
use crate::sealed::Sealed;
use crate::session::SessionKind;

/// Personas an account has at most (spec/accounts-and-offers.md section 4.6).
pub const PERSONAS_MAX: usize = 20;

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

/// An API token the account holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldToken {
    /// Its public id.
    pub token: CredentialId,
    /// When it was made.
    pub issued_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

impl HeldToken {
    /// Whether it has not run out at this instant.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// A persona of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persona {
    /// Its id.
    pub id: PersonaId,
    /// Its name.
    pub name: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// The state of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    registered: Option<AccountRegistered>,
    email_verified: bool,
    password: Option<Sealed>,
    password_version: u64,
    sessions: Vec<OpenedSession>,
    tokens: Vec<HeldToken>,
    personas: Vec<Persona>,
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

    /// The password's PHC string, sealed; `None` where no password signs in.
    #[must_use]
    pub fn password(&self) -> Option<&Sealed> {
        self.password.as_ref()
    }

    /// Moves with every change of the password.
    #[must_use]
    pub fn password_version(&self) -> u64 {
        self.password_version
    }

    /// Sessions noted as open, oldest first; some may have run out.
    #[must_use]
    pub fn sessions(&self) -> &[OpenedSession] {
        &self.sessions
    }

    /// API tokens held, oldest first; some may have run out.
    #[must_use]
    pub fn tokens(&self) -> &[HeldToken] {
        &self.tokens
    }

    /// Whether a session or an API token of it holds at this instant.
    #[must_use]
    pub fn holds(&self, credential: &CredentialId, now: DateTime<Utc>) -> bool {
        let is_open = self.sessions.iter().any(|open| open.session == *credential && open.expires_at > now);
        is_open || self.tokens.iter().any(|held| held.token == *credential && held.is_live(now))
    }

    /// Personas, oldest first.
    #[must_use]
    pub fn personas(&self) -> &[Persona] {
        &self.personas
    }

    /// When it was erased.
    #[must_use]
    pub fn erased_at(&self) -> Option<DateTime<Utc>> {
        self.erased_at
    }

    /// Sessions that have not run out at this instant.
    pub(super) fn live_sessions(&self, now: DateTime<Utc>) -> u32 {
        count(self.sessions.iter().filter(|open| open.expires_at > now))
    }

    /// API tokens that have not run out at this instant.
    pub(super) fn live_tokens(&self, now: DateTime<Utc>) -> u32 {
        count(self.tokens.iter().filter(|held| held.is_live(now)))
    }

    pub(super) fn take_event(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Registered(registered) => {
                self.personas.push(Persona {
                    id: registered.persona.clone(),
                    name: registered.username.clone(),
                    created_at: registered.at,
                });
                self.password.clone_from(&registered.password);
                self.registered = Some(registered.clone());
            }
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
            AccountEvent::SessionExtended(extended) => {
                for open in self.sessions.iter_mut().filter(|open| open.session == extended.session) {
                    open.expires_at = extended.expires_at;
                }
            }
            AccountEvent::SessionEvicted(evicted) => self.close(&evicted.session),
            AccountEvent::SessionClosed(closed) => self.close(&closed.session),
            AccountEvent::SessionsEnded(_) => self.sessions.clear(),
            AccountEvent::ApiTokenIssued(issued) => {
                self.tokens.retain(|held| held.token != issued.token && held.is_live(issued.at));
                self.tokens.push(HeldToken {
                    token: issued.token.clone(),
                    issued_at: issued.at,
                    expires_at: issued.expires_at,
                });
            }
            AccountEvent::ApiTokenEvicted(evicted) => self.tokens.retain(|held| held.token != evicted.token),
            AccountEvent::ApiTokenRevoked(revoked) => self.tokens.retain(|held| held.token != revoked.token),
            AccountEvent::TokensEnded(_) => self.tokens.clear(),
            AccountEvent::PasswordChanged(changed) => {
                self.password = Some(changed.password.clone());
                self.password_version += 1;
                self.sessions.clear();
                self.tokens.clear();
            }
            AccountEvent::PasswordRemoved(_) => {
                self.password = None;
                self.password_version += 1;
            }
            AccountEvent::PersonaAdded(added) => self.personas.push(Persona {
                id: added.persona.clone(),
                name: added.name.clone(),
                created_at: added.at,
            }),
            AccountEvent::Erased(erased) => {
                self.erased_at.get_or_insert(erased.at);
                self.sessions.clear();
                self.tokens.clear();
                self.password = None;
            }
        }
    }

    fn close(&mut self, session: &CredentialId) {
        self.sessions.retain(|open| open.session != *session);
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
