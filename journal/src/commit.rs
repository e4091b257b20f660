//! Sends one batch and stays with it until its outcome is certain.
//!
//! A connection that breaks between COMMIT and its answer leaves two possibilities. The hash at the batch's first
//! position tells them apart, and a batch that is not there is sent again as it is: equal bytes at equal positions,
//! so that whichever copy arrives, arrives once.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};
use muniment_aggregates::record::Position;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::core::Core;
use crate::engine::{Batch, Change, Engine, WriteError};

const RETRY_MILLISECONDS_MIN: u64 = 10;
const RETRY_MILLISECONDS_MAX: u64 = 1_000;

/// Writes the batch; answers when it is certainly durable or certainly not. Never [`WriteError::Unknown`] or
/// [`WriteError::Ended`].
pub(crate) async fn commit(core: &Core, batch: &Batch) -> Result<(), WriteError> {
    let started = Instant::now();
    let outcome = settle(core, batch, started).await;
    core.set_stalled(false);
    if outcome.is_ok() {
        forget(core, batch).await;
    }
    outcome
}

async fn settle(core: &Core, batch: &Batch, started: Instant) -> Result<(), WriteError> {
    // Whether it was sent before, and whether a copy of it may still be on its way.
    let (mut again, mut doubtful) = (false, false);
    let mut delay = Duration::from_millis(RETRY_MILLISECONDS_MIN);
    loop {
        let moved = match watched(core, started, core.engine.write(batch)).await {
            Ok(()) => return Ok(()),
            Err(WriteError::HeadMoved) if !again => return Err(WriteError::HeadMoved),
            Err(WriteError::HeadMoved) => true,
            Err(WriteError::Unknown(reason)) => {
                tracing::warn!(position = %batch.before.position.next(), reason, "outcome of a batch is unknown");
                doubtful = true;
                false
            }
            Err(WriteError::Ended(reason)) => {
                tracing::warn!(position = %batch.before.position.next(), reason, "a batch met the end of its session");
                false
            }
            // A copy that was sent before may still wait for the very lock that refused this one.
            Err(WriteError::Failed(reason)) if doubtful && core.engine.shared() => {
                tracing::warn!(reason, "a batch of unknown outcome cannot be sent again yet");
                false
            }
            Err(error @ (WriteError::Unique(_) | WriteError::Refused(_) | WriteError::Failed(_))) => return Err(error),
        };
        again = true;
        loop {
            match watched(core, started, stands(core.engine.as_ref(), batch)).await {
                Ok(Some(true)) => {
                    tracing::info!(position = %batch.before.position.next(), "a batch of unknown outcome is recorded");
                    return Ok(());
                }
                Ok(Some(false)) => return Err(WriteError::HeadMoved),
                Ok(None) if moved => return Err(WriteError::HeadMoved),
                // Not there. The next write either lands, or loses to a late copy of this very batch.
                Ok(None) => break,
                Err(error) => tracing::warn!(%error, "the database cannot be asked for the outcome"),
            }
            delay = pause(delay).await;
        }
        delay = pause(delay).await;
    }
}

/// Stays with the database's work; says that the database does not answer once that has taken too long.
pub(crate) async fn watched<T>(core: &Core, started: Instant, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    // As long as is set may be longer than any instant there is.
    let patience = tokio::time::sleep(core.limits.answer_max.saturating_sub(started.elapsed()));
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = patience => core.set_stalled(true),
    }
    work.await
}

async fn pause(delay: Duration) -> Duration {
    tokio::time::sleep(delay).await;
    (delay * 2).min(Duration::from_millis(RETRY_MILLISECONDS_MAX))
}

/// Whether the batch's first event is at its position; `None` when no event is.
async fn stands(engine: &dyn Engine, batch: &Batch) -> Result<Option<bool>, muniment_sql::SqlError> {
    let Some(first) = batch.events.first() else { return Ok(Some(true)) };
    let found = engine.read(batch.before.position, Position(first.position.0), 1).await?;
    Ok(found.first().map(|event| event.hash == first.hash))
}

/// What was erased must go from pages, logs and memory too.
async fn forget(core: &Core, batch: &Batch) {
    let mut erased = false;
    for change in &batch.changes {
        match change {
            Change::Erase { subject } => {
                core.keyring.forget(subject);
                erased = true;
            }
            Change::Take { .. } | Change::Release { .. } | Change::Mail { .. } => {}
        }
    }
    if erased && let Err(error) = core.engine.forget().await {
        tracing::error!(%error, "an erased key may still stand in the database's log until its next checkpoint");
    }
}

/// A batch on its way. The writer drives it itself: as a task of its own its answer would stand in line behind whatever
/// else the thread has to do, once for the task and once more for the writer.
pub(crate) struct Sending {
    work: BoxFuture<'static, Outcome>,
    /// What [`Sending::begin`] was answered already.
    outcome: Option<Outcome>,
}

/// How it ended; `Err` when it panicked.
pub(crate) type Outcome = Result<Result<(), WriteError>, Panicked>;

/// The panic itself was logged by its place.
#[derive(Debug, thiserror::Error)]
#[error("it panicked")]
pub(crate) struct Panicked;

impl Sending {
    pub(crate) fn new(core: &Arc<Core>, batch: &Arc<Batch>, span: tracing::Span) -> Self {
        let (core, batch) = (Arc::clone(core), Arc::clone(batch));
        let work = AssertUnwindSafe(async move { commit(&core, &batch).await }.instrument(span));
        Self { work: work.catch_unwind().map_err(|_what_it_says| Panicked).boxed(), outcome: None }
    }

    /// Hands the batch to the database, as far as that needs no waiting.
    pub(crate) async fn begin(&mut self) {
        if let Poll::Ready(outcome) = futures_util::poll!(&mut self.work) {
            self.outcome = Some(outcome);
        }
    }
}

impl Future for Sending {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Outcome> {
        match self.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => self.work.as_mut().poll(task),
        }
    }
}
