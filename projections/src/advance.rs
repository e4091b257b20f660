//! Folding events into read models: rows and checkpoint in one transaction, in position order, without gaps.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_sql::{SqlError, Transaction};

use crate::checkpoint::{self, GenerationId};
use crate::fact::Decoded;
use crate::projection::{ApplyError, Batch, Poison, Projection};
use crate::rows::Rows;
use crate::store::ReadStore;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// It was folded in; the checkpoint is at its last event.
    Moved(Position),
    /// The checkpoint is already past the first event of the batch; nothing was applied. Go on from here.
    Ahead(Position),
    /// Events are missing between the checkpoint and the batch; nothing was applied. Go on from here.
    Behind(Position),
}

/// Why a batch was not folded in.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// An event stops this projection. Events before it were folded in; the poison is stored with the checkpoint.
    #[error(transparent)]
    Stopped(#[from] Poison),
    /// The batch itself has a hole or is out of order.
    #[error("the batch is not contiguous: position {found} follows {before}")]
    Gap {
        /// A position of the batch.
        before: Position,
        /// What came next.
        found: Position,
    },
    /// The database failed; the same batch may succeed later.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl From<ApplyError> for AdvanceError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Event(poison) => Self::Stopped(poison),
            ApplyError::Store(error) => Self::Sql(error),
        }
    }
}

/// What became of a batch for one of several projections.
#[derive(Debug)]
pub struct Outcome {
    /// Name of the projection.
    pub name: &'static str,
    /// What became of the batch.
    pub result: Result<Advance, AdvanceError>,
}

/// Where a contiguous batch begins and ends; `None` when it is empty.
fn bounds(events: &Batch) -> Result<Option<(Position, Position)>, AdvanceError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(None) };
    for pair in events.windows(2) {
        if let [before, found] = pair
            && before.position.next() != found.position
        {
            return Err(AdvanceError::Gap { before: before.position, found: found.position });
        }
    }
    if first.position == Position::START {
        return Err(AdvanceError::Gap { before: Position::START, found: first.position });
    }
    Ok(Some((first.position, last.position)))
}

const fn before(position: Position) -> Position {
    Position(position.0.saturating_sub(1))
}

impl ReadStore {
    /// Folds `events` into the live generation of one model. They must continue exactly where it is.
    ///
    /// # Errors
    /// When an event stops it, the batch has a hole, or the database fails.
    pub async fn advance(
        &self,
        projection: &dyn Projection,
        events: &[Arc<RecordedEvent>],
    ) -> Result<Advance, AdvanceError> {
        let _advancing = self.advancing().read().await;
        let tried = self.live_id(projection);
        let mut result = self.advance_generation(projection, tried, events).await;
        if matches!(result, Ok(Advance::Ahead(_) | Advance::Behind(_))) {
            // Another node, or a rebuild of this process, may have swapped the generation since.
            self.refresh().await?;
            let live = self.live_id(projection);
            if live != tried {
                result = self.advance_generation(projection, live, events).await;
            }
        }
        if let Ok(Advance::Moved(position)) = result {
            self.note([projection], position);
        }
        result
    }

    /// Folds `events` into several models. When all of them continue there and none stops, that is one transaction;
    /// otherwise each has its own, so that one that stops holds up no other. Once the database itself fails, the models that
    /// are left have no outcome: to wait for it once for each would take as many times as long, with nothing told meanwhile.
    pub async fn advance_together(
        &self,
        projections: &[Arc<dyn Projection>],
        events: &[Arc<RecordedEvent>],
    ) -> Vec<Outcome> {
        // Where one panics, each by itself tells whose fold that was.
        let together = AssertUnwindSafe(self.try_together(projections, events)).catch_unwind().await;
        if let Ok(Ok(Some(position))) = together {
            return projections
                .iter()
                .map(|projection| Outcome { name: projection.name(), result: Ok(Advance::Moved(position)) })
                .collect();
        }
        let mut outcomes = Vec::with_capacity(projections.len());
        for projection in projections {
            let result = self.advance(projection.as_ref(), events).await;
            let is_away = matches!(&result, Err(AdvanceError::Sql(error)) if error.is_driver());
            outcomes.push(Outcome { name: projection.name(), result });
            if is_away {
                break;
            }
        }
        outcomes
    }

    /// `None` when the models are not all at the batch's beginning.
    async fn try_together(
        &self,
        projections: &[Arc<dyn Projection>],
        events: &Batch,
    ) -> Result<Option<Position>, AdvanceError> {
        let Some((first, last)) = bounds(events)?.filter(|_| !projections.is_empty()) else { return Ok(None) };
        let _advancing = self.advancing().read().await;
        let decoded = Decoded::of(events, |kind| projections.iter().any(|it| it.interest().contains(&kind)));
        let ids: Vec<_> = projections.iter().map(|projection| self.live_id(projection.as_ref())).collect();
        let mut tx = self.writer().begin().await?;
        if !checkpoint::compare_and_set_all(&mut tx, &ids, self.record(), before(first), last).await? {
            return Ok(None);
        }
        for (projection, id) in projections.iter().zip(ids) {
            fold(projection.as_ref(), id, &decoded, &mut tx).await?;
        }
        tx.commit().await?;
        self.note(projections.iter().map(Arc::as_ref), last);
        Ok(Some(last))
    }

    /// Folds `events` into one generation.
    pub(crate) async fn advance_generation(
        &self,
        projection: &dyn Projection,
        id: GenerationId,
        events: &Batch,
    ) -> Result<Advance, AdvanceError> {
        // Events before `from` are in. `stopped` names the event at `upto`; `refused` says that one before `upto` is it.
        let (mut from, mut upto) = (0, events.len());
        let mut stopped: Option<Poison> = None;
        let mut refused: Option<String> = None;
        let poison = loop {
            let end = if refused.is_some() { from + (upto - from) / 2 } else { upto };
            if let (Some(event), true, Some(reason)) = (events.get(from), end == from, &refused) {
                break Poison::new(event, reason.as_str());
            }
            let applying = self.apply_batch(projection, id, events.get(from..end).unwrap_or(events));
            let applied = match AssertUnwindSafe(applying).catch_unwind().await {
                Ok(applied) => applied,
                Err(panic) if end == from => resume_unwind(panic),
                Err(_what_it_says) => {
                    (upto, stopped, refused) = (end, None, Some("folding it in panicked".to_owned()));
                    continue;
                }
            };
            match applied {
                Ok(Advance::Moved(_)) if refused.is_some() => from = end,
                Ok(advance @ Advance::Moved(_)) => match stopped.take() {
                    // All before the poison is in; now say what stopped it.
                    Some(poison) => break poison,
                    None => return Ok(advance),
                },
                // Another node moves it.
                Ok(advance @ (Advance::Ahead(_) | Advance::Behind(_))) => return Ok(advance),
                Err(AdvanceError::Stopped(poison)) => {
                    upto = events.iter().position(|event| event.position >= poison.position).unwrap_or(from).max(from);
                    if upto == from {
                        break poison;
                    }
                    (stopped, refused) = (Some(poison), None);
                }
                Err(AdvanceError::Sql(error)) if error.is_of_the_values() && end > from => {
                    (upto, stopped, refused) = (end, None, Some(format!("the read model cannot hold it: {error}")));
                }
                Err(error) => return Err(error),
            }
        };
        let mut tx = self.writer().begin().await?;
        checkpoint::store_poison(&mut tx, id, &poison).await?;
        tx.commit().await?;
        Err(poison.into())
    }

    async fn apply_batch(
        &self,
        projection: &dyn Projection,
        id: GenerationId,
        events: &Batch,
    ) -> Result<Advance, AdvanceError> {
        let bounds = bounds(events)?;
        let mut tx = self.writer().begin().await?;
        let moved = match bounds {
            Some((first, last)) => {
                checkpoint::compare_and_set(&mut tx, id, self.record(), before(first), last).await?.then_some(last)
            }
            None => None,
        };
        let Some(last) = moved else {
            let at = checkpoint::find(&mut tx, id).await?.map_or(Position::START, |found| found.position);
            let first = bounds.map_or(at.next(), |(first, _)| first);
            return Ok(if at >= first { Advance::Ahead(at) } else { Advance::Behind(at) });
        };
        let decoded = Decoded::of(events, |kind| projection.interest().contains(&kind));
        fold(projection, id, &decoded, &mut tx).await?;
        tx.commit().await?;
        Ok(Advance::Moved(last))
    }
}

async fn fold(
    projection: &dyn Projection,
    id: GenerationId,
    decoded: &Decoded<'_>,
    tx: &mut Transaction,
) -> Result<(), ApplyError> {
    let facts = decoded.facts(projection.interest())?;
    if facts.is_empty() {
        return Ok(());
    }
    projection.apply(&facts, &mut Rows::new(tx, id.generation)).await
}
