//! Every event there is: its type, newest version and stream, and the one door to decode a recorded one. An
//! unknown type is an error with its name, never a guess.

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::account::AccountEvent;
use crate::application::ApplicationEvent;
use crate::attempt::AttemptEvent;
use crate::challenge::ChallengeEvent;
use crate::claims::ClaimChange;
use crate::decider::DomainEvent;
use crate::invite::InviteEvent;
use crate::metric::MetricEvent;
use crate::note::NoteEvent;
use crate::offer_book::OfferBookEvent;
use crate::record::{RecordedEvent, StreamId};
use crate::roster::RosterEvent;
use crate::scheduler::SchedulerEvent;
use crate::scope::ScopeEvent;
use crate::session::SessionEvent;
use crate::settings::SettingsEvent;
use crate::subject::SubjectEvent;
use crate::upcasters::{self, UpcastError};

/// The stream types, as they stand in [`crate::record::StreamId::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// [`crate::metric`].
    Metric,
    /// [`crate::application`].
    Application,
    /// [`crate::challenge`].
    Challenge,
    /// [`crate::account`].
    Account,
    /// [`crate::session`].
    Session,
    /// [`crate::offer_book`].
    OfferBook,
    /// [`crate::scope`].
    Scope,
    /// [`crate::roster`].
    Roster,
    /// [`crate::invite`].
    Invite,
    /// [`crate::settings`].
    Settings,
    /// [`crate::attempt`].
    Attempt,
    /// [`crate::note`].
    Note,
    /// [`crate::scheduler`].
    Scheduler,
    /// [`crate::subject`].
    Subject,
}

impl StreamKind {
    /// The name in stream ids.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Application => "application",
            Self::Challenge => "challenge",
            Self::Account => "account",
            Self::Session => "session",
            Self::OfferBook => "offer",
            Self::Scope => "scope",
            Self::Roster => "roster",
            Self::Invite => "invite",
            Self::Settings => "settings",
            Self::Attempt => "attempt",
            Self::Note => "note",
            Self::Scheduler => "scheduler",
            Self::Subject => "subject",
        }
    }
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind {
    /// The event's type, spelled whole.
    pub event_type: &'static str,
    /// The newest version of its payload.
    pub version: &'static str,
    /// The streams it is in.
    pub stream: StreamKind,
}

const fn row(event_type: &'static str, version: &'static str, stream: StreamKind) -> EventKind {
    EventKind { event_type, version, stream }
}

/// Every event, by stream. A test holds it against the events' own names and versions.
pub const CATALOG: &[EventKind] = &[
    row("metric.defined", "1.0", StreamKind::Metric),
    row("metric.settings_changed", "1.0", StreamKind::Metric),
    row("metric.point_recorded", "1.0", StreamKind::Metric),
    row("metric.point_corrected", "1.0", StreamKind::Metric),
    row("metric.rule_set", "1.0", StreamKind::Metric),
    row("metric.alert_raised", "1.0", StreamKind::Metric),
    row("metric.alert_acknowledged", "1.0", StreamKind::Metric),
    row("metric.alert_resolved", "1.0", StreamKind::Metric),
    row("application.submitted", "1.1", StreamKind::Application),
    row("application.status_changed", "1.0", StreamKind::Application),
    row("application.withdrawn", "1.0", StreamKind::Application),
    row("agent_token.issued", "1.0", StreamKind::Application),
    row("agent_token.revoked", "1.0", StreamKind::Application),
    row("agent_token.rotated", "1.0", StreamKind::Application),
    row("challenge.issued", "1.0", StreamKind::Challenge),
    row("challenge.superseded", "1.0", StreamKind::Challenge),
    row("challenge.guess_failed", "1.0", StreamKind::Challenge),
    row("challenge.consumed", "1.0", StreamKind::Challenge),
    row("account.registered", "1.1", StreamKind::Account),
    row("account.email_verified", "1.0", StreamKind::Account),
    row("account.session_opened", "1.0", StreamKind::Account),
    row("account.session_extended", "1.0", StreamKind::Account),
    row("account.session_evicted", "1.0", StreamKind::Account),
    row("account.session_closed", "1.0", StreamKind::Account),
    row("account.sessions_ended", "1.0", StreamKind::Account),
    row("account.api_token_issued", "1.0", StreamKind::Account),
    row("account.api_token_evicted", "1.0", StreamKind::Account),
    row("account.api_token_revoked", "1.0", StreamKind::Account),
    row("account.tokens_ended", "1.0", StreamKind::Account),
    row("account.password_changed", "1.0", StreamKind::Account),
    row("account.password_removed", "1.0", StreamKind::Account),
    row("account.persona_added", "1.0", StreamKind::Account),
    row("account.erased", "1.0", StreamKind::Account),
    row("session.started", "1.0", StreamKind::Session),
    row("session.extended", "1.0", StreamKind::Session),
    row("session.revoked", "1.0", StreamKind::Session),
    row("offer.made", "1.0", StreamKind::OfferBook),
    row("offer.refreshed", "1.0", StreamKind::OfferBook),
    row("offer.accepted", "1.0", StreamKind::OfferBook),
    row("offer.declined", "1.0", StreamKind::OfferBook),
    row("offer.retracted", "1.0", StreamKind::OfferBook),
    row("offer.superseded", "1.0", StreamKind::OfferBook),
    row("offer.lapsed", "1.0", StreamKind::OfferBook),
    row("grant.created", "1.0", StreamKind::OfferBook),
    row("grant.revoked", "1.0", StreamKind::OfferBook),
    row("scope.joined", "1.0", StreamKind::Scope),
    row("scope.left", "1.0", StreamKind::Scope),
    row("scope.destroyed", "1.0", StreamKind::Scope),
    row("roster.founded", "1.0", StreamKind::Roster),
    row("roster.admitted", "1.0", StreamKind::Roster),
    row("roster.left", "1.0", StreamKind::Roster),
    row("invite.created", "1.0", StreamKind::Invite),
    row("invite.claimed", "1.0", StreamKind::Invite),
    row("invite.deleted", "1.0", StreamKind::Invite),
    row("settings.open_signup_set", "1.0", StreamKind::Settings),
    row("attempt.refused", "1.0", StreamKind::Attempt),
    row("note.recorded", "1.0", StreamKind::Note),
    row("scheduler.ticked", "1.0", StreamKind::Scheduler),
    row("subject.erased", "1.0", StreamKind::Subject),
];

/// The row of a type, where there is one.
#[must_use]
pub fn find(event_type: &str) -> Option<&'static EventKind> {
    CATALOG.iter().find(|kind| kind.event_type == event_type)
}

/// Whether this program knows the payload of a type in a version: the newest, or one that it can bring up to that.
#[must_use]
pub fn knows(event_type: &str, event_version: &str) -> bool {
    let is_old = |step: &upcasters::Upcaster| step.event_type == event_type && step.from == event_version;
    find(event_type).is_some_and(|kind| kind.version == event_version) || upcasters::REGISTRY.iter().any(is_old)
}

/// An event of any aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyEvent {
    /// Of a metric.
    Metric(MetricEvent),
    /// Of an application.
    Application(ApplicationEvent),
    /// Of a challenge.
    Challenge(ChallengeEvent),
    /// Of an account.
    Account(AccountEvent),
    /// Of a session.
    Session(SessionEvent),
    /// Of an offer book.
    OfferBook(OfferBookEvent),
    /// Of a scope.
    Scope(ScopeEvent),
    /// Of the roster.
    Roster(RosterEvent),
    /// Of an invitation.
    Invite(InviteEvent),
    /// Of the settings.
    Settings(SettingsEvent),
    /// Of a refused attempt.
    Attempt(AttemptEvent),
    /// Of an operator's note.
    Note(NoteEvent),
    /// Of the scheduler.
    Scheduler(SchedulerEvent),
    /// Of a subject.
    Subject(SubjectEvent),
}

impl AnyEvent {
    /// The unique keys it takes and releases on behalf of `stream`.
    fn claims(&self, stream: &StreamId) -> Vec<ClaimChange> {
        match self {
            Self::Metric(event) => event.claims(stream),
            Self::Application(event) => event.claims(stream),
            Self::Challenge(event) => event.claims(stream),
            Self::Account(event) => event.claims(stream),
            Self::Session(event) => event.claims(stream),
            Self::OfferBook(event) => event.claims(stream),
            Self::Scope(event) => event.claims(stream),
            Self::Roster(event) => event.claims(stream),
            Self::Invite(event) => event.claims(stream),
            Self::Settings(event) => event.claims(stream),
            Self::Attempt(event) => event.claims(stream),
            Self::Note(event) => event.claims(stream),
            Self::Scheduler(event) => event.claims(stream),
            Self::Subject(event) => event.claims(stream),
        }
    }
}

/// A stored event that this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// No aggregate of this program has such an event.
    #[error("unknown event type {event_type}")]
    UnknownType {
        /// The type.
        event_type: String,
    },
    /// The version is newer than this program, or its upcaster failed.
    #[error(transparent)]
    Upcast(#[from] UpcastError),
    /// The payload is not of the shape its type and version promise.
    #[error("{event_type} {event_version}: {cause}")]
    Payload {
        /// The type.
        event_type: String,
        /// The stored version.
        event_version: String,
        /// What was wrong.
        cause: String,
    },
}

/// Decodes a payload as an event of a known aggregate, upcast first.
///
/// # Errors
/// [`DecodeError`]; nothing is guessed.
pub fn decode<E: DeserializeOwned>(event_type: &str, event_version: &str, payload: &str) -> Result<E, DecodeError> {
    let kind = find(event_type).ok_or_else(|| DecodeError::UnknownType { event_type: event_type.to_owned() })?;
    let payload = upcasters::upcast(upcasters::REGISTRY, event_type, event_version, kind.version, payload)?;
    serde_json::from_str(&payload).map_err(|error| DecodeError::Payload {
        event_type: event_type.to_owned(),
        event_version: event_version.to_owned(),
        cause: error.to_string(),
    })
}

/// Decodes a recorded event as one of a known aggregate.
///
/// # Errors
/// [`DecodeError`]; the caller knows the position.
pub fn decode_recorded<E: DeserializeOwned>(event: &RecordedEvent) -> Result<E, DecodeError> {
    decode(&event.event_type, &event.event_version, &event.payload)
}

/// Decodes a recorded event of whatever aggregate.
///
/// # Errors
/// [`DecodeError`]; the caller knows the position.
pub fn decode_any(event: &RecordedEvent) -> Result<AnyEvent, DecodeError> {
    let kind =
        find(&event.event_type).ok_or_else(|| DecodeError::UnknownType { event_type: event.event_type.to_string() })?;
    Ok(match kind.stream {
        StreamKind::Metric => AnyEvent::Metric(decode_recorded(event)?),
        StreamKind::Application => AnyEvent::Application(decode_recorded(event)?),
        StreamKind::Challenge => AnyEvent::Challenge(decode_recorded(event)?),
        StreamKind::Account => AnyEvent::Account(decode_recorded(event)?),
        StreamKind::Session => AnyEvent::Session(decode_recorded(event)?),
        StreamKind::OfferBook => AnyEvent::OfferBook(decode_recorded(event)?),
        StreamKind::Scope => AnyEvent::Scope(decode_recorded(event)?),
        StreamKind::Roster => AnyEvent::Roster(decode_recorded(event)?),
        StreamKind::Invite => AnyEvent::Invite(decode_recorded(event)?),
        StreamKind::Settings => AnyEvent::Settings(decode_recorded(event)?),
        StreamKind::Attempt => AnyEvent::Attempt(decode_recorded(event)?),
        StreamKind::Note => AnyEvent::Note(decode_recorded(event)?),
        StreamKind::Scheduler => AnyEvent::Scheduler(decode_recorded(event)?),
        StreamKind::Subject => AnyEvent::Subject(decode_recorded(event)?),
    })
}

/// The events that may take or release unique keys: all others, which are nearly all of a record, need not be decoded to know
/// that they do not. A test holds it against the events themselves.
const CLAIMING: [&str; 6] =
    ["account.registered", "account.erased", "invite.created", "invite.claimed", "invite.deleted", "metric.defined"];

/// The unique keys that a recorded event took and released.
///
/// # Errors
/// [`DecodeError`]; the caller knows the position.
pub fn claims_of(event: &RecordedEvent) -> Result<Vec<ClaimChange>, DecodeError> {
    if !CLAIMING.contains(&&*event.event_type) {
        return Ok(Vec::new());
    }
    Ok(decode_any(event)?.claims(&event.stream))
}
