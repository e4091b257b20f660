//! The hash chain: `hash = BLAKE3(previous hash ‖ canonical bytes of the event as stored)`.
//!
//! Canonical bytes, all integers little-endian: one version byte (1); the domain `muniment/event/v1`; installation id
//! (16 bytes) and epoch (8); position (8), sequence (8), recorded_at in microseconds (8); then stream type, stream
//! id, event type, event version, payload, metadata, each as its length (8) and its bytes; then 0, or 1 and the
//! 32 bytes of the dedupe key. An epoch is hashed so that pieces of two records cannot be spliced.

use muniment_aggregates::record::RecordedEvent;

use crate::engine::Identity;

/// The hash before the first event.
pub const GENESIS: [u8; 32] = [0; 32];

const VERSION: u8 = 1;
const DOMAIN: &[u8] = b"muniment/event/v1";

/// Hashes events, reusing one buffer.
#[derive(Debug, Default)]
pub struct Hasher {
    buffer: Vec<u8>,
}

impl Hasher {
    /// The hash that `event` must bear after `previous`. The hash it has is not looked at.
    #[must_use]
    pub fn hash(&mut self, previous: &[u8; 32], identity: Identity, event: &RecordedEvent) -> [u8; 32] {
        let buffer = &mut self.buffer;
        buffer.clear();
        buffer.extend_from_slice(previous);
        buffer.push(VERSION);
        buffer.extend_from_slice(DOMAIN);
        buffer.extend_from_slice(identity.installation.as_bytes());
        buffer.extend_from_slice(&identity.epoch.to_le_bytes());
        buffer.extend_from_slice(&event.position.0.to_le_bytes());
        buffer.extend_from_slice(&event.sequence.to_le_bytes());
        buffer.extend_from_slice(&event.recorded_at.timestamp_micros().to_le_bytes());
        let texts: [&str; 6] = [
            &event.stream.kind,
            &event.stream.id,
            &event.event_type,
            &event.event_version,
            &event.payload,
            &event.metadata,
        ];
        for text in texts {
            // A usize fits 64 bits on every platform Rust has.
            buffer.extend_from_slice(&(text.len() as u64).to_le_bytes());
            buffer.extend_from_slice(text.as_bytes());
        }
        match &event.dedupe {
            None => buffer.push(0),
            Some(key) => {
                buffer.push(1);
                buffer.extend_from_slice(&key.0);
            }
        }
        *blake3::hash(buffer).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, TimeDelta};
    use muniment_aggregates::record::{DedupeKey, Position, StreamId};
    use uuid::Uuid;

    use super::*;

    fn event() -> RecordedEvent {
        RecordedEvent {
            position: Position(7),
            stream: StreamId::new("metric", "m1"),
            sequence: 3,
            event_type: Arc::from("metric.point_recorded"),
            event_version: Arc::from("1.0"),
            payload: Box::from(r#"{"value":1}"#),
            metadata: Arc::from("{}"),
            recorded_at: DateTime::UNIX_EPOCH,
            dedupe: None,
            hash: [0; 32],
        }
    }

    #[test]
    fn every_stored_field_changes_the_hash() {
        let identity = Identity { installation: Uuid::from_bytes([1; 16]), epoch: 1 };
        let mut hasher = Hasher::default();
        let plain = hasher.hash(&GENESIS, identity, &event());
        let changes: [fn(&mut RecordedEvent); 9] = [
            |event| event.position = Position(8),
            |event| event.stream = StreamId::new("metri", "cm1"),
            |event| event.sequence = 4,
            |event| event.event_type = Arc::from("metric.defined"),
            |event| event.event_version = Arc::from("1.1"),
            |event| event.payload = Box::from(r#"{"value":2}"#),
            |event| event.metadata = Arc::from("[]"),
            |event| event.recorded_at += TimeDelta::microseconds(1),
            |event| event.dedupe = Some(DedupeKey([0; 32])),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut changed = event();
            change(&mut changed);
            assert_ne!(hasher.hash(&GENESIS, identity, &changed), plain, "change {index}");
        }
        assert_ne!(hasher.hash(&[1; 32], identity, &event()), plain);
        let later = Identity { epoch: 2, ..identity };
        assert_ne!(hasher.hash(&GENESIS, later, &event()), plain);
        let elsewhere = Identity { installation: Uuid::from_bytes([2; 16]), ..identity };
        assert_ne!(hasher.hash(&GENESIS, elsewhere, &event()), plain);
    }

    #[test]
    fn the_hash_of_a_known_event_never_changes() {
        let identity = Identity { installation: Uuid::from_bytes([1; 16]), epoch: 1 };
        let hash = Hasher::default().hash(&GENESIS, identity, &event());
        assert_eq!(hex::encode(hash), "ab4c173ac277012d8748f906bfb37b2b018548662a0f11ddf26f51680403fa06");
    }
}
