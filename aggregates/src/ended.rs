//! Which event ends which credential. Decided here and nowhere else: whoever remembers a credential, lists it or holds open
//! what it opened asks [`ended`], so an event that takes a right away takes it away everywhere.

use chrono::{DateTime, Utc};

use crate::account::AccountEvent;
use crate::application::ApplicationEvent;
use crate::catalog::{AnyEvent, DecodeError, StreamKind, decode_any, find};
use crate::ids::{AccountId, CredentialId};
use crate::record::RecordedEvent;
use crate::sealed::SubjectId;
use crate::session::SessionEvent;
use crate::subject::SubjectEvent;

/// Which credentials an event ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// One session.
    Session {
        /// Its public id.
        session: CredentialId,
        /// Whose it is.
        account: AccountId,
    },
    /// One API token, by its public id.
    ApiToken(CredentialId),
    /// One agent token of a company, by its public id.
    AgentToken(CredentialId),
    /// Every session of an account.
    SessionsOf(AccountId),
    /// Every API token of an account.
    ApiTokensOf(AccountId),
    /// Every session and every API token of an account.
    AllOf(AccountId),
    /// Whatever belongs to a person whose key is destroyed.
    OfSubject(SubjectId),
}

/// An end of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub credentials: Credentials,
    /// Why, one word; empty where nobody said.
    pub reason: String,
    /// When that was decided.
    pub at: DateTime<Utc>,
    /// Until when they hold all the same; `None` where they end at once.
    pub lasts_until: Option<DateTime<Utc>>,
}

impl Ended {
    fn new(credentials: Credentials, reason: &str, at: DateTime<Utc>) -> Self {
        Self { credentials, reason: reason.to_owned(), at, lasts_until: None }
    }
}

/// What an event of a stream ends, if anything.
#[must_use]
pub fn ended(stream: &str, event: &AnyEvent) -> Option<Ended> {
    match event {
        AnyEvent::Account(event) => by_account(stream, event),
        AnyEvent::Session(event) => by_session(stream, event),
        AnyEvent::Application(event) => by_application(event),
        AnyEvent::Subject(SubjectEvent::Erased(erased)) => {
            Some(Ended::new(Credentials::OfSubject(SubjectId(stream.to_owned())), &erased.reason, erased.at))
        }
        AnyEvent::Metric(_)
        | AnyEvent::Challenge(_)
        | AnyEvent::OfferBook(_)
        | AnyEvent::Scope(_)
        | AnyEvent::Roster(_)
        | AnyEvent::Invite(_)
        | AnyEvent::Settings(_)
        | AnyEvent::Attempt(_)
        | AnyEvent::Note(_)
        | AnyEvent::Scheduler(_) => None,
    }
}

/// The same of an event as it is recorded. What cannot end anything is not decoded: most events are points.
///
/// # Errors
/// Where the event is of an unknown type, or is of a stream that ends credentials and does not decode: nobody can tell what
/// it ends.
pub fn ended_by(event: &RecordedEvent) -> Result<Option<Ended>, DecodeError> {
    let kind = find(&event.event_type).map(|kind| kind.stream);
    match kind {
        // An unknown type is an error that the decoder words.
        None | Some(StreamKind::Application | StreamKind::Account | StreamKind::Session | StreamKind::Subject) => {
            decode_any(event).map(|decoded| ended(&event.stream.id, &decoded))
        }
        Some(
            StreamKind::Metric
            | StreamKind::Challenge
            | StreamKind::OfferBook
            | StreamKind::Scope
            | StreamKind::Roster
            | StreamKind::Invite
            | StreamKind::Settings
            | StreamKind::Attempt
            | StreamKind::Note
            | StreamKind::Scheduler,
        ) => Ok(None),
    }
}

fn by_account(account: &str, event: &AccountEvent) -> Option<Ended> {
    let account = || AccountId(account.to_owned());
    let session = |session: &CredentialId| Credentials::Session { session: session.clone(), account: account() };
    let (credentials, reason, at) = match event {
        AccountEvent::SessionEvicted(evicted) => (session(&evicted.session), "evicted", evicted.at),
        AccountEvent::SessionClosed(closed) => (session(&closed.session), closed.reason.as_str(), closed.at),
        AccountEvent::SessionsEnded(ended) => (Credentials::SessionsOf(account()), ended.reason.as_str(), ended.at),
        AccountEvent::ApiTokenEvicted(evicted) => (Credentials::ApiToken(evicted.token.clone()), "evicted", evicted.at),
        AccountEvent::ApiTokenRevoked(revoked) => {
            (Credentials::ApiToken(revoked.token.clone()), revoked.reason.as_str(), revoked.at)
        }
        AccountEvent::TokensEnded(ended) => (Credentials::ApiTokensOf(account()), ended.reason.as_str(), ended.at),
        AccountEvent::PasswordChanged(changed) => (Credentials::AllOf(account()), "password_changed", changed.at),
        AccountEvent::Erased(erased) => (Credentials::AllOf(account()), "account_erased", erased.at),
        AccountEvent::Registered(_)
        | AccountEvent::EmailVerified(_)
        | AccountEvent::SessionOpened(_)
        | AccountEvent::SessionExtended(_)
        | AccountEvent::ApiTokenIssued(_)
        | AccountEvent::PasswordRemoved(_)
        | AccountEvent::PersonaAdded(_) => return None,
    };
    Some(Ended::new(credentials, reason, at))
}

fn by_session(session: &str, event: &SessionEvent) -> Option<Ended> {
    match event {
        SessionEvent::Revoked(revoked) => {
            let session = CredentialId(session.to_owned());
            let credentials = Credentials::Session { session, account: revoked.account.clone() };
            Some(Ended::new(credentials, &revoked.reason, revoked.at))
        }
        SessionEvent::Started(_) | SessionEvent::Extended(_) => None,
    }
}

fn by_application(event: &ApplicationEvent) -> Option<Ended> {
    match event {
        ApplicationEvent::TokenRevoked(revoked) => {
            let reason = revoked.reason.as_deref().unwrap_or_default();
            Some(Ended::new(Credentials::AgentToken(revoked.token.clone()), reason, revoked.at))
        }
        ApplicationEvent::TokenRotated(rotated) => {
            let ended = Ended::new(Credentials::AgentToken(rotated.token.clone()), "rotated", rotated.at);
            Some(Ended { lasts_until: Some(rotated.ends_at), ..ended })
        }
        ApplicationEvent::Submitted(_)
        | ApplicationEvent::StatusChanged(_)
        | ApplicationEvent::Withdrawn(_)
        | ApplicationEvent::TokenIssued(_) => None,
    }
}
