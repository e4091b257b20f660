//! What stands beside the events, on both engines: keys and erasure, snapshots, the outbox, backups, signed heads,
//! and the journal as cqrs-es sees it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backups;
mod cqrs;
mod heads;
mod keys;
mod outbox;
mod place;
mod rotation;
mod snapshots;
