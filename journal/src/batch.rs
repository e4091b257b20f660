//! The batch that is being built while the one before it is in flight: stamped, hashed, ready to send.

use std::sync::Arc;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use muniment_aggregates::record::RecordedEvent;

use crate::admit::{ClaimStep, Submission};
use crate::append::{AppendError, Appended};
use crate::chain::Hasher;
use crate::engine::{Batch, Change, Head};

/// A submission with its verdict; the answer waits until the batch is durable.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) submission: Submission,
    pub(crate) verdict: Result<Appended, AppendError>,
}

/// A batch that still takes appends.
#[derive(Debug)]
pub(crate) struct Building {
    pub(crate) entries: Vec<Entry>,
    before: Head,
    tip: Head,
    events: Vec<Arc<RecordedEvent>>,
    changes: Vec<Change>,
    bytes: usize,
    hasher: Hasher,
}

impl Building {
    /// An empty batch on top of `before`.
    pub(crate) fn on(before: Head) -> Self {
        Self {
            entries: Vec::new(),
            before,
            tip: before,
            events: Vec::new(),
            changes: Vec::new(),
            bytes: 0,
            hasher: Hasher::default(),
        }
    }

    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether an append was accepted whose fence fell since.
    pub(crate) fn has_lost_a_fence(&self) -> bool {
        self.entries.iter().any(|entry| entry.verdict.is_ok() && entry.submission.is_fenced_off())
    }

    /// Whether an append of this size still fits; an empty batch takes any.
    pub(crate) fn fits(&self, events: usize, bytes: usize, events_max: usize, bytes_max: usize) -> bool {
        self.events.is_empty() || (self.events.len() + events <= events_max && self.bytes + bytes <= bytes_max)
    }

    /// Adds an accepted append: gives its events their positions, instant and hashes. Answers the changes it makes.
    pub(crate) fn accept(
        &mut self,
        submission: &mut Submission,
        claims: Vec<ClaimStep>,
        now: DateTime<Utc>,
    ) -> (Appended, &[Change]) {
        // Microseconds are what is stored, so they are what is hashed; and time never runs backwards.
        let now = now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now).max(self.tip.recorded_at);
        let first = self.tip.position.next();
        for event in &mut submission.events {
            let stamped = Arc::make_mut(event);
            stamped.position = self.tip.position.next();
            stamped.recorded_at = now;
            stamped.hash = self.hasher.hash(&self.tip.hash, self.tip.identity, stamped);
            self.tip.position = stamped.position;
            self.tip.hash = stamped.hash;
            self.events.push(Arc::clone(event));
        }
        self.tip.recorded_at = now;
        self.bytes += submission.bytes;
        let changes_before = self.changes.len();
        self.changes.extend(claims.into_iter().map(|step| match step {
            ClaimStep::Take { claim, owner, subject } => Change::Take { claim, owner, subject, position: first },
            ClaimStep::Release { claim, owner } => Change::Release { claim, owner },
        }));
        let mail = submission.mail.iter().cloned();
        self.changes.extend(mail.map(|mail| Change::Mail { mail, position: first, recorded_at: now }));
        self.changes.extend(submission.erase.iter().cloned().map(|subject| Change::Erase { subject }));
        (Appended { first, last: self.tip.position, recorded_at: now }, &self.changes[changes_before..])
    }

    /// Closes the batch for sending, and begins the next one on top of it.
    pub(crate) fn seal(&mut self) -> (Batch, Vec<Entry>) {
        let batch = Batch {
            before: self.before,
            events: std::mem::take(&mut self.events),
            changes: std::mem::take(&mut self.changes),
        };
        self.before = self.tip;
        self.bytes = 0;
        (batch, std::mem::take(&mut self.entries))
    }
}
