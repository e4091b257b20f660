//! What recorded events do to the rights of readers who are connected at that moment.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use muniment_aggregates::account::AccountEvent;
use muniment_aggregates::application::ApplicationEvent;
use muniment_aggregates::catalog::{DecodeError, StreamKind, decode_recorded, find};
use muniment_aggregates::ended::{Credentials, Ended, ended_by};
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_aggregates::session::EXPIRED;

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
    /// A session ran out, by the clock of whichever node swept it.
    CredentialRanOut {
        /// Its public id.
        credential: String,
    },
    /// A session that was used lasts longer.
    CredentialLasts {
        /// Its public id.
        credential: String,
        /// Until when.
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
    match ended_by(event) {
        Ok(Some(ended)) => of_end(ended),
        Ok(None) => lengthening(event).or_else(|| opening(event)),
        // Written by a newer program on another node: this one cannot know what it means for rights.
        Err(DecodeError::UnknownType { .. }) => Some(Change::Unreadable),
        Err(error) => {
            tracing::error!(position = event.position.0, %error, "an event of rights cannot be read; every reader is cut off");
            Some(Change::Unreadable)
        }
    }
}

fn of_end(ended: Ended) -> Option<Change> {
    match ended.credentials {
        Credentials::Session { session, .. } if ended.reason == EXPIRED => {
            Some(Change::CredentialRanOut { credential: session.0 })
        }
        Credentials::Session { session, .. } => {
            Some(Change::CredentialEnds { credential: session.0, why: "the session was closed" })
        }
        Credentials::AgentToken(token) => Some(match ended.lasts_until {
            Some(end) => Change::CredentialEndsBy { credential: token.0, end },
            None => Change::CredentialEnds { credential: token.0, why: "the token was revoked" },
        }),
        Credentials::SessionsOf(account) | Credentials::AllOf(account) => {
            Some(Change::AccountEnds { account: account.0, why: "every session of the account was ended" })
        }
        Credentials::OfSubject(subject) => Some(Change::SubjectErased { subject: subject.0 }),
        // API tokens open nothing here.
        Credentials::ApiToken(_) | Credentials::ApiTokensOf(_) => None,
    }
}

/// How long a session lasts from now on.
fn lengthening(event: &RecordedEvent) -> Option<Change> {
    if find(&event.event_type).map(|kind| kind.stream) != Some(StreamKind::Account) {
        return None;
    }
    // It was read a moment ago to see what it ends.
    let Ok(decoded) = decode_recorded::<AccountEvent>(event) else { return Some(Change::Unreadable) };
    let AccountEvent::SessionExtended(extended) = decoded else { return None };
    Some(Change::CredentialLasts { credential: extended.session.0, end: extended.expires_at })
}

/// What a founder may read from now on.
fn opening(event: &RecordedEvent) -> Option<Change> {
    if find(&event.event_type).map(|kind| kind.stream) != Some(StreamKind::Application) {
        return None;
    }
    match decode_recorded(event) {
        // His address is verified, or he would have no session; whether it was at the application does not matter.
        Ok(ApplicationEvent::Submitted(submitted)) => {
            Some(Change::CompanyOpens { subject: submitted.subject.0, company: submitted.company.to_string() })
        }
        Ok(
            ApplicationEvent::StatusChanged(_)
            | ApplicationEvent::Withdrawn(_)
            | ApplicationEvent::TokenIssued(_)
            | ApplicationEvent::TokenRevoked(_)
            | ApplicationEvent::TokenRotated(_),
        ) => None,
        // It was read a moment ago to see what it ends.
        Err(_) => Some(Change::Unreadable),
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
