//! Histories to fold: events numbered and enveloped as the journal does it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use muniment_aggregates::decider::{Decider, DomainEvent, Facts};
use muniment_aggregates::record::{Metadata, Position, RecordedEvent, StreamId, Who};
use muniment_aggregates::sealed::{Sealed, SubjectId};

/// When every history begins.
pub(crate) fn beginning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap()
}

/// A value as the key ring would seal it.
pub(crate) fn sealed(subject: &str, what: &str) -> Sealed {
    Sealed::from_parts(&SubjectId(subject.to_owned()), &format!("test/{what}"), "c2VhbGVk")
}

/// Twelve bytes from a number, for ids.
pub(crate) fn bytes(number: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// An agent, acting under a token.
pub(crate) fn agent(name: &str) -> Who {
    Who::Agent {
        company: "co_x".to_owned(),
        application: "app_x".to_owned(),
        token: "0123456789abcdef01".to_owned(),
        name: name.to_owned(),
    }
}

/// An account, acting under a founder session.
pub(crate) fn account(id: &str) -> Who {
    Who::Account {
        account: id.to_owned(),
        persona: None,
        credential: "founder_session".to_owned(),
        credential_id: "fedcba987654321000".to_owned(),
    }
}

/// Recorded events, from position 1 on.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) events: Vec<Arc<RecordedEvent>>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) who: Who,
    sequences: HashMap<StreamId, u64>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self { events: Vec::new(), now: beginning(), who: Who::Anonymous, sequences: HashMap::new() }
    }

    pub(crate) fn head(&self) -> Position {
        Position(self.events.len() as u64)
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    pub(crate) fn as_who(&mut self, who: Who) -> &mut Self {
        self.who = who;
        self
    }

    /// The first so many events of it.
    pub(crate) fn up_to(&self, events: usize) -> Self {
        Self { events: self.events[..events].to_vec(), ..self.clone() }
    }

    /// Records one event.
    pub(crate) fn record<E: DomainEvent>(&mut self, kind: &str, id: &str, event: &E) -> Position {
        let payload = serde_json::to_string(event).unwrap();
        self.record_raw(kind, id, event.event_type(), &payload)
    }

    /// Records one event from its stored text.
    pub(crate) fn record_raw(&mut self, kind: &str, id: &str, event_type: &str, payload: &str) -> Position {
        let stream = StreamId::new(kind, id);
        let sequence = self.sequences.entry(stream.clone()).or_insert(0);
        *sequence += 1;
        let position = Position(self.events.len() as u64 + 1);
        let metadata = Metadata {
            who: self.who.clone(),
            client: None,
            correlation: format!("request-{position}"),
            causation: None,
            surface: "http".to_owned(),
            command: "test".to_owned(),
        };
        let mut hash = [7; 32];
        hash[..8].copy_from_slice(&position.0.to_le_bytes());
        self.events.push(Arc::new(RecordedEvent {
            position,
            stream,
            sequence: *sequence,
            event_type: Arc::from(event_type),
            event_version: Arc::from("1.0"),
            payload: payload.into(),
            metadata: serde_json::to_string(&metadata).unwrap().into(),
            recorded_at: self.now,
            dedupe: None,
            hash,
        }));
        position
    }

    /// Decides a command as the server would, and records what came of it. A refusal records nothing.
    pub(crate) fn decide<D: Decider>(&mut self, id: &str, state: &mut D, command: &D::Command) -> usize {
        let Ok(events) = state.decide(command, &Facts { now: self.now }) else { return 0 };
        for event in &events {
            state.evolve(event);
            self.record(D::TYPE, id, event);
        }
        events.len()
    }

    /// The events after a position, as a journal would page them.
    pub(crate) async fn read(&self, after: Position, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, String> {
        let from = usize::try_from(after.0).unwrap().min(self.events.len());
        Ok(self.events[from..].iter().take(limit).cloned().collect())
    }
}
