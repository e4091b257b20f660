//! What recorded events do to the rights of readers who are connected at that moment.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::application::ApplicationEvent;
use muniment_aggregates::catalog::{StreamKind, decode_recorded, find};
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_aggregates::session::SessionEvent;
use muniment_aggregates::subject::SubjectEvent;

use super::limits::RECENT_CHANGES_MAX;

/// A change to the rights of connected readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A token or session is no more.
    CredentialEnds {
        /// Its public id.
        credential: String,
        /// Why, for the client.
        why: &'static str,
    },
    /// A token gets an end.
    CredentialEndsBy {
        /// Its public id.
        credential: String,
        /// When.
        end: DateTime<Utc>,
    },
    /// Every session of an account is over.
    AccountEnds {
        /// The account.
        account: String,
        /// Why, for the client.
        why: &'static str,
    },
    /// A subject's personal data is erased, and with it the person.
    SubjectErased {
        /// The subject.
        subject: String,
    },
    /// A subject became a founder of a company.
    CompanyOpens {
        /// The subject.
        subject: String,
        /// The company.
        company: String,
    },
    /// Nobody can tell.
    Unreadable,
}

/// The newest changes, numbered, for readers who are being admitted while they happen.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Number of the change that comes next.
    pub(crate) next: u64,
    changes: VecDeque<(Change, Position)>,
}

impl Recent {
    /// Notes a change; the oldest is forgotten past [`RECENT_CHANGES_MAX`].
    pub(crate) fn push(&mut self, change: Change, at: Position) {
        if self.changes.len() >= RECENT_CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back((change, at));
        self.next += 1;
    }

    /// Visits the changes from number `since` on. False if some of them are forgotten.
    pub(crate) fn replay(&self, since: u64, mut visit: impl FnMut(&Change, Position)) -> bool {
        let Ok(missed) = usize::try_from(self.next - since) else { return false };
        let Some(skip) = self.changes.len().checked_sub(missed) else { return false };
        self.changes.iter().skip(skip).for_each(|(change, at)| visit(change, *at));
        true
    }
}

/// The change an event makes, if any.
///
/// **Invariant:** an event that might end a right and cannot be read ends them all.
pub(crate) fn change(event: &RecordedEvent) -> Option<Change> {
    let stream = find(&event.event_type).map(|kind| kind.stream);
    let change = match stream {
        Some(StreamKind::Application) => decode_recorded(event).map(|decoded| of_application(&decoded)),
        Some(StreamKind::Account) => decode_recorded(event).map(|decoded| of_account(&event.stream.id, &decoded)),
        Some(StreamKind::Session) => decode_recorded(event).map(|decoded| of_session(&event.stream.id, &decoded)),
        Some(StreamKind::Subject) => decode_recorded(event).map(|decoded| of_subject(&event.stream.id, &decoded)),
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
        // Written by a newer program on another node: this one cannot know what it means for rights.
        None => return Some(Change::Unreadable),
    };
    change.unwrap_or_else(|error| {
        tracing::error!(position = event.position.0, %error, "an event of rights cannot be read; every reader is cut off");
        Some(Change::Unreadable)
    })
}

fn of_application(event: &ApplicationEvent) -> Option<Change> {
    match event {
        ApplicationEvent::TokenRevoked(revoked) => {
            Some(Change::CredentialEnds { credential: revoked.token.0.clone(), why: "the token was revoked" })
        }
        ApplicationEvent::TokenRotated(rotated) => {
            Some(Change::CredentialEndsBy { credential: rotated.token.0.clone(), end: rotated.ends_at })
        }
        // His address is verified, or he would have no session; whether it was at the application does not matter.
        ApplicationEvent::Submitted(submitted) => {
            Some(Change::CompanyOpens { subject: submitted.subject.0.clone(), company: submitted.company.to_string() })
        }
        ApplicationEvent::StatusChanged(_) | ApplicationEvent::Withdrawn(_) | ApplicationEvent::TokenIssued(_) => None,
    }
}

fn of_account(account: &str, event: &AccountEvent) -> Option<Change> {
    const CLOSED: &str = "the session was closed";
    match event {
        AccountEvent::SessionClosed(closed) => {
            Some(Change::CredentialEnds { credential: closed.session.0.clone(), why: CLOSED })
        }
        AccountEvent::SessionEvicted(evicted) => {
            Some(Change::CredentialEnds { credential: evicted.session.0.clone(), why: CLOSED })
        }
        AccountEvent::Erased(_) => {
            Some(Change::AccountEnds { account: account.to_owned(), why: "the account was erased" })
        }
        AccountEvent::SessionsEnded(_) | AccountEvent::PasswordChanged(_) => {
            Some(Change::AccountEnds { account: account.to_owned(), why: "every session of the account was ended" })
        }
        AccountEvent::Registered(_)
        | AccountEvent::EmailVerified(_)
        | AccountEvent::SessionOpened(_)
        | AccountEvent::SessionExtended(_)
        | AccountEvent::ApiTokenIssued(_)
        | AccountEvent::ApiTokenEvicted(_)
        | AccountEvent::ApiTokenRevoked(_)
        | AccountEvent::TokensEnded(_)
        | AccountEvent::PasswordRemoved(_)
        | AccountEvent::PersonaAdded(_) => None,
    }
}

fn of_session(session: &str, event: &SessionEvent) -> Option<Change> {
    match event {
        SessionEvent::Revoked(_) => {
            Some(Change::CredentialEnds { credential: session.to_owned(), why: "the session was revoked" })
        }
        SessionEvent::Started(_) | SessionEvent::Extended(_) => None,
    }
}

fn of_subject(subject: &str, event: &SubjectEvent) -> Option<Change> {
    match event {
        SubjectEvent::Erased(_) => Some(Change::SubjectErased { subject: subject.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_changes_are_replayed_from_a_number_on_until_they_are_forgotten() {
        let mut recent = Recent::default();
        let seen = |recent: &Recent, since| {
            let mut seen = Vec::new();
            recent.replay(since, |_, at| seen.push(at.0)).then_some(seen)
        };
        assert_eq!(seen(&recent, 0), Some(Vec::new()));
        for position in 1..=3 {
            recent.push(Change::Unreadable, Position(position));
        }
        assert_eq!(seen(&recent, 1), Some(vec![2, 3]));
        assert_eq!(seen(&recent, 3), Some(Vec::new()));
        for position in 4..=u64::try_from(RECENT_CHANGES_MAX).expect("small") + 1 {
            recent.push(Change::Unreadable, Position(position));
        }
        assert_eq!(seen(&recent, 0), None);
        assert_eq!(seen(&recent, 1).map(|seen| seen.len()), Some(RECENT_CHANGES_MAX));
    }
}
