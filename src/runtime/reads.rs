//! The read models of this node, and waiting until they have seen what a caller has a right to see.
//!
//! A query waits on one integer: the position its read models have reached, against the journal's head when the
//! query arrived (design section 6). Past the bound it fails; it never answers from the past in silence.

use std::collections::HashMap;
use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_journal::{Journal, JournalError};
use muniment_projections::{Poison, ReadStore, SqlError};
use tokio::sync::watch;

use super::limits::READINGS_MAX;

/// Where one read model is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadPosition {
    /// Last position folded into its rows.
    pub position: Position,
    /// The event that stops it, where one does.
    pub stopped_by: Option<Poison>,
    /// What keeps this node from moving it that is no event, for operators.
    pub failing: Option<&'static str>,
}

/// Why a query cannot be answered now.
#[derive(Debug, thiserror::Error)]
pub enum Behind {
    /// The read models did not get there in time.
    #[error("the read models have not reached position {wanted} yet")]
    NotYet {
        /// Where they had to be.
        wanted: Position,
    },
    /// The journal could not say where its head is.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The read models of this node.
pub struct Reads {
    store: ReadStore,
    journal: Journal,
    positions: watch::Sender<HashMap<&'static str, ReadPosition>>,
    wanted: Wanted,
    /// How long a query waits for them.
    wait_max: Duration,
}

/// The furthest position that somebody has waited for.
struct Wanted(watch::Sender<Position>);

impl Wanted {
    /// A position beyond the head is anybody's guess, and the projector never rests while more is wanted than there is.
    fn upto(&self, position: Position, head: Position) {
        let position = position.min(head);
        self.0.send_if_modified(|furthest| {
            let is_further = position > *furthest;
            *furthest = position.max(*furthest);
            is_further
        });
    }

    async fn beyond(&self, reached: Position) {
        let mut wanted = self.0.subscribe();
        // It ends with this value itself, so there is always somebody to wait for.
        drop(wanted.wait_for(|wanted| *wanted > reached).await);
    }
}

impl Reads {
    /// Read models that follow `journal`. A query waits for them for at most `wait_max`.
    #[must_use]
    pub fn new(store: ReadStore, journal: Journal, wait_max: Duration) -> Self {
        let positions = store.projections().iter().map(|it| (it.name(), ReadPosition::default())).collect();
        Self {
            store,
            journal,
            positions: watch::Sender::new(positions),
            wanted: Wanted(watch::Sender::new(Position::START)),
            wait_max,
        }
    }

    /// The queries.
    #[must_use]
    pub fn store(&self) -> &ReadStore {
        &self.store
    }

    /// Waits until the named read models have everything that was recorded when this was called.
    ///
    /// # Errors
    /// When they do not get there in time, or the head cannot be confirmed.
    pub async fn catch_up(&self, names: &[&str]) -> Result<Position, Behind> {
        let head = self.journal.confirm_head().await?;
        self.wait(names, head).await?;
        Ok(head)
    }

    /// What read models say at one position: all that was recorded up to there, and nothing that came later. Who subscribes
    /// from that position misses nothing and gets nothing twice (LIV-19).
    ///
    /// `read` runs between two looks at the checkpoints, and again where a page was folded in meanwhile. Where pages follow each
    /// other faster than it reads, the position is one that all of it has reached: something of it may then come twice, and
    /// nothing is missed.
    ///
    /// # Errors
    /// As [`Reads::catch_up`], and what `read` answers.
    pub async fn at_one_position<T, E>(
        &self,
        names: &[&str],
        read: impl AsyncFn() -> Result<T, E>,
    ) -> Result<(T, Position), E>
    where
        E: From<Behind> + From<SqlError>,
    {
        let reached = self.catch_up(names).await?;
        let mut before = self.common_position(names).await?;
        let mut readings = 0;
        loop {
            readings += 1;
            let value = read().await?;
            let after = self.common_position(names).await?;
            match after {
                Some(position) if before == after => return Ok((value, position)),
                Some(_) | None if readings == READINGS_MAX => return Ok((value, reached)),
                Some(_) | None => before = after,
            }
        }
    }

    /// Where the rows of all the named read models are, as the database has it; `None` where they are not at one place.
    async fn common_position(&self, names: &[&str]) -> Result<Option<Position>, SqlError> {
        let live = self.store.live().await?;
        let mut positions = live.iter().filter(|at| names.contains(&at.name.as_str())).map(|at| at.position);
        let first = positions.next();
        Ok(first.filter(|first| positions.all(|position| position == *first)))
    }

    /// Waits until the named read models have reached `wanted`.
    ///
    /// # Errors
    /// When they do not get there in time.
    pub async fn wait(&self, names: &[&str], wanted: Position) -> Result<(), Behind> {
        self.wanted.upto(wanted, self.journal.head());
        let mut positions = self.positions.subscribe();
        let reached = positions
            .wait_for(|all| names.iter().all(|name| all.get(name).is_some_and(|model| model.position >= wanted)));
        match tokio::time::timeout(self.wait_max, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Behind::NotYet { wanted }),
        }
    }

    /// Resolves when somebody waits for more than `reached`.
    pub(super) async fn wanted_beyond(&self, reached: Position) {
        self.wanted.beyond(reached).await;
    }

    /// Where each read model is, by name.
    #[must_use]
    pub fn positions(&self) -> HashMap<&'static str, ReadPosition> {
        self.positions.borrow().clone()
    }

    pub(super) fn publish(&self, name: &'static str, at: ReadPosition) {
        self.positions.send_if_modified(|all| {
            let changed = all.get(name) != Some(&at);
            if changed {
                all.insert(name, at);
            }
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_more_than_is_there_is_heard_at_once() {
        let wanted = Wanted(watch::Sender::new(Position::START));
        let mut beyond = std::pin::pin!(wanted.beyond(Position(5)));
        assert!(poll!(&mut beyond).is_pending());
        let head = Position(9);
        wanted.upto(Position(5), head);
        assert!(poll!(&mut beyond).is_pending(), "this much is there");
        wanted.upto(Position(6), head);
        assert!(poll!(&mut beyond).is_ready());
        wanted.upto(Position(2), head);
        assert!(poll!(std::pin::pin!(wanted.beyond(Position(5)))).is_ready(), "the furthest counts");
    }
    #[tokio::test]
    async fn whoever_waits_for_what_was_never_recorded_wakes_nobody() {
        let wanted = Wanted(watch::Sender::new(Position::START));
        wanted.upto(Position(u64::MAX), Position(7));
        assert!(poll!(std::pin::pin!(wanted.beyond(Position(6)))).is_ready());
        assert!(poll!(std::pin::pin!(wanted.beyond(Position(7)))).is_pending(), "the projector may rest at the head");
    }
}
