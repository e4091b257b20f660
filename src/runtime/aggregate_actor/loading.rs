//! How an actor comes by its state and keeps it: loading it, reading what somebody else recorded since, snapshots.

use std::sync::atomic::Ordering;
use std::task::Context as TaskContext;

use chrono::TimeDelta;
use muniment_aggregates::decider::Decider;
use muniment_journal::Lineage;
use tracing::{Instrument as _, Span};

use super::{AggregateActor, Phase, Saving, reply};
use crate::runtime::errors::BusError;
use crate::runtime::fold::{self, FoldError, Folded};
use crate::runtime::in_flight::Waiting;
use crate::runtime::limits::{SNAPSHOT_EVENTS, SNAPSHOT_EVENTS_HOT, SNAPSHOT_INTERVAL};

/// Whether a stream is to be written down: so many events after its newest snapshot, which was taken so long ago.
fn is_snapshot_due(behind: u64, since: TimeDelta) -> bool {
    behind >= SNAPSHOT_EVENTS_HOT || (behind >= SNAPSHOT_EVENTS && since >= SNAPSHOT_INTERVAL)
}

impl<D: Decider> AggregateActor<D> {
    pub(super) fn take_snapshot_when_due(&mut self) {
        let (behind, now) = (self.version.saturating_sub(self.snapshot_version), self.clock.now());
        let can_take = self.snapshot.is_none() && self.saving.is_none() && matches!(self.phase, Phase::Ready);
        if !can_take || !is_snapshot_due(behind, now - self.snapshot_at) {
            return;
        }
        match fold::snapshot_of(&*self.state, self.version) {
            Ok(snapshot) => {
                self.snapshot = Some(snapshot);
                self.snapshot_at = now;
            }
            Err(error) => {
                tracing::error!(stream.id = %self.stream, error = %error, "a state does not serialise; no snapshot is kept");
            }
        }
    }

    pub(super) fn drive_snapshot(&mut self, task: &mut TaskContext<'_>) {
        if let Some(saving) = &mut self.saving
            && saving.as_mut().poll(task).is_ready()
        {
            self.saving = None;
        }
        let durable = self.snapshot.as_ref().is_some_and(|snapshot| snapshot.sequence <= self.durable_version);
        if durable && let Some(snapshot) = self.snapshot.take() {
            self.snapshot_version = snapshot.sequence;
            let (journal, stream) = (self.journal.clone(), self.stream.clone());
            let mut saving: Saving = Box::pin(async move {
                if let Err(error) = journal.save_snapshot(&stream, snapshot).await {
                    tracing::warn!(stream.id = %stream, error = %error, "a snapshot was not saved");
                }
            });
            if saving.as_mut().poll(task).is_pending() {
                self.saving = Some(saving);
            }
        }
    }

    pub(super) fn begin_loading_when_wanted(&mut self) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        self.begin_loading();
        true
    }

    pub(super) fn begin_loading(&mut self) {
        while let Some(request) = self.collected.pop_back() {
            self.waiting.push_front(request);
        }
        self.snapshot = None;
        self.forget_cached();
        let (journal, stream) = (self.journal.clone(), self.stream.clone());
        let span = self.waiting.front().map_or_else(Span::none, Waiting::loading);
        // Nothing undurable was folded in: what somebody else recorded since is all there is to read. Decisions over
        // several streams are appended past the actor, so this is the usual way for streams they write.
        let known = (self.is_sound && self.version == self.durable_version).then(|| Folded {
            state: std::mem::take(&mut self.state),
            version: self.version,
            snapshot_version: self.snapshot_version,
        });
        self.is_sound = false;
        let loading = async move {
            let folded = match known {
                Some(known) => fold::catch_up(&journal, &stream, known).await?,
                None => fold::load::<D>(&journal, &stream).await?,
            };
            // The database may know more than this node's writer, which would refuse what is decided on it as long as
            // it has not caught up.
            journal.confirm_head().await?;
            Ok(folded)
        };
        self.phase = Phase::Loading(Box::pin(loading.instrument(span)));
    }

    pub(super) fn finish_loading(&mut self, loaded: Result<Folded<D>, FoldError>) {
        match loaded {
            Ok(folded) => {
                self.state = folded.state;
                self.lineage = Lineage::default();
                self.version = folded.version;
                self.durable_version = folded.version;
                self.snapshot_version = folded.snapshot_version;
                self.is_sound = true;
                self.flags.version.store(folded.version, Ordering::Release);
                self.phase = Phase::Ready;
                self.take_snapshot_when_due();
            }
            Err(error) => {
                for request in self.waiting.drain(..) {
                    match request {
                        Waiting::Command(pending) => reply(pending.reply, Err(BusError::from_fold(&error))),
                        Waiting::State(sender) => reply(sender, Err(BusError::from_fold(&error))),
                    }
                }
                self.phase = Phase::Unloaded;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_stream_is_written_down_once_an_interval_or_when_it_is_far_ahead() {
        let soon = SNAPSHOT_INTERVAL / 2;
        assert!(!is_snapshot_due(SNAPSHOT_EVENTS - 1, SNAPSHOT_INTERVAL * 100));
        assert!(is_snapshot_due(SNAPSHOT_EVENTS, SNAPSHOT_INTERVAL));
        assert!(!is_snapshot_due(SNAPSHOT_EVENTS_HOT - 1, soon));
        assert!(is_snapshot_due(SNAPSHOT_EVENTS_HOT, soon));
    }
}
