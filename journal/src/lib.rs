//! The append-only, hash-chained record on SQLite and PostgreSQL. It knows envelopes and unique keys, and no
//! business word.
//!
//! # What it promises
//!
//! 1. **Positions are contiguous**: 1, 2, 3 … in commit order, without gaps, on every node.
//! 2. **Acknowledged means durable**: no ticket resolves before the commit.
//! 3. **Optimistic concurrency**: an append names the version it was decided on; a stale one is refused, and harms
//!    no other append of its batch.
//! 4. **All or nothing**: an append may span several streams, and may name versions of streams it only read.
//! 5. **Claims**: unique keys are taken and given back in the same transaction; of two claimants one wins.
//! 6. **Hash chain**: every event's hash covers its stored bytes and the hash before it.
//! 7. **Erasable**: personal values are sealed under a key of their subject; destroying the key erases them.
//! 8. **Versioned events**: payloads are stored as written, with type and version; what they mean is not ours.
//! 9. **Metadata** stands beside every event, under the same hash.
//! 10. **Identity**: an installation id and an epoch stand beside the head.
//! 11. **Unknown outcomes** are resolved by the hash at the batch's first position; refusals that were decided on
//!     state that is not durable wait for it.
//! 12. **Group commit** fills a batch while the one before it is in flight; a lone append waits for nobody.
//!
//! # Reading order
//!
//! - What is said: [`append`] (what goes in and comes out), [`fence`] (rights an append rests on), [`limits`], [`chain`] (what is
//!   hashed), [`engine`] (the seam to a database; [`postgres`] and [`sqlite`] behind it).
//! - The way of an append: [`journal`] (the handle) has it checked and sequenced ([`admit`]) and hands it to
//!   [`writer`], the one task, which asks the database what it must know ([`gather`]), judges ([`verdicts`]), fills a [`batch`], says
//!   when it goes ([`pace`]) and sends it ([`commit`]); what is durable goes to [`tail`], from which all read the newest events.
//!   What these share is the [`crate::core`].
//! - Around it: [`open`] (from a configuration to a journal), [`foreign`] (what other nodes write, and a database that lost what it had).
//! - Personal values: [`keyring`] (whose key seals what), [`master_key`] (the key outside the database), [`fitting`] (which master
//!   key opens what is stored), [`seal`] (the cryptography), [`rotation`].
//! - Beside the record: [`snapshot`], [`held`] (the claims as they are stored), [`outbox`], [`checkpoint`] (signed heads), [`verify`] (walks the chain), [`backup`] and
//!   [`restore`]; [`cqrs_repository`] is the journal as cqrs-es sees it.

mod admit;
pub mod append;
pub mod backup;
mod backup_format;
mod batch;
pub mod chain;
mod changes;
pub mod checkpoint;
mod commit;
mod core;
pub mod cqrs_repository;
mod draft;
pub mod engine;
pub mod fence;
mod fitting;
mod foreign;
mod gather;
pub mod held;
pub mod journal;
mod key_table;
pub mod keyring;
pub mod limits;
pub mod master_key;
pub mod open;
pub mod outbox;
mod pace;
pub mod postgres;
pub mod restore;
pub mod rotation;
mod rows;
pub mod seal;
pub mod snapshot;
mod spans;
pub mod sqlite;
mod tail;
mod verdicts;
pub mod verify;
mod writer;

pub use append::{Append, AppendError, Appended, Lineage, NewEvent, NewMail, Ticket};
pub use backup::{BackedUp, BackupError};
pub use backup_format::FormatError;
pub use checkpoint::{CheckpointError, CheckpointKey, Comparison, SignedHead};
pub use engine::{Engine, Identity, Stores};
pub use fence::{Fence, FenceCounter};
pub use held::HeldClaim;
pub use journal::{Journal, JournalError};
pub use keyring::{ClaimDigest, KeyRing, KeyRingError, SubjectAlias};
pub use limits::JournalLimits;
pub use master_key::{KeyFileError, KeySource, MasterKey};
pub use muniment_sql::Obstacle;
pub use open::{JournalConfig, OpenError, Store};
pub use outbox::{Due, Mail, MailEntry, MailStatus, Outbox, OutboxCounts};
pub use restore::{RestoreError, Restored};
pub use rotation::{RotateError, Rotated};
pub use seal::SealError;
pub use snapshot::Snapshot;
pub use tail::PublishHook;
pub use verify::{Trusted, Verification, Verified, VerifyError};
