//! Unique keys that events take and release (design section 3, invariant 5).
//!
//! An event names its claims through [`crate::decider::DomainEvent::claims`], a pure function. The journal
//! stores a keyed HMAC of each key in the transaction that appends the event, so that of two racing claimants
//! exactly one wins.

use crate::sealed::Sealed;

/// What a claim is on, before it is digested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimKey {
    /// A key that is nobody's personal data, already normalised.
    Clear(String),
    /// A personal key; the journal opens it at append time only to digest it. It is sealed in normalised form.
    Sealed(Sealed),
}

/// One change to the set of claims, made by one event. The owner is the event's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimChange {
    /// The key must be free and is taken.
    Take {
        /// Name space of the key, for example `account-email`.
        namespace: &'static str,
        /// The key.
        key: ClaimKey,
    },
    /// The key is given back. Releasing a key the stream does not own changes nothing.
    Release {
        /// Name space of the key.
        namespace: &'static str,
        /// The key.
        key: ClaimKey,
    },
}
