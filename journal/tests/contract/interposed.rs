//! An engine that stands before a real one and does some things otherwise. What it does not do otherwise is passed on, in
//! this one place. Tests of the runtime name this file too, by its path.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use muniment_journal::engine::{Batch, ClaimId, Head, Identity, WriteError};
use muniment_journal::{Engine, Stores};
use muniment_sql::SqlError;

/// What is done otherwise than by the engine behind it.
#[async_trait]
pub(crate) trait Interpose: Send + Sync + 'static {
    fn inner(&self) -> &Arc<dyn Engine>;

    async fn head(&self) -> Result<Head, SqlError> {
        self.inner().head().await
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        self.inner().write(batch).await
    }

    async fn hold(&self) -> Result<Head, SqlError> {
        self.inner().hold().await
    }

    async fn release(&self) -> Result<(), SqlError> {
        self.inner().release().await
    }

    async fn read(&self, after: Position, through: Position, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        self.inner().read(after, through, limit).await
    }

    async fn read_stream(&self, stream: &StreamId, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        self.inner().read_stream(stream, after, limit).await
    }

    async fn versions(&self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, SqlError> {
        self.inner().versions(streams).await
    }

    fn shared(&self) -> bool {
        self.inner().shared()
    }
}

/// The engine as the journal takes it.
pub(crate) struct Interposed<T>(pub(crate) T);

impl<T> Deref for Interposed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

// A method with a default that is not passed on would have tests run against that default, and nobody would see it.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<T: Interpose> Engine for Interposed<T> {
    async fn head(&self) -> Result<Head, SqlError> {
        self.0.head().await
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        self.0.write(batch).await
    }

    async fn check_writable(&self) -> Result<(), SqlError> {
        self.inner().check_writable().await
    }

    async fn hold(&self) -> Result<Head, SqlError> {
        self.0.hold().await
    }

    async fn release(&self) -> Result<(), SqlError> {
        self.0.release().await
    }

    async fn read(&self, after: Position, through: Position, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        self.0.read(after, through, limit).await
    }

    async fn read_stream(&self, stream: &StreamId, after: u64, limit: usize) -> Result<Vec<RecordedEvent>, SqlError> {
        self.0.read_stream(stream, after, limit).await
    }

    async fn versions(&self, streams: &[StreamId]) -> Result<HashMap<StreamId, u64>, SqlError> {
        self.0.versions(streams).await
    }

    async fn find_dedupe(&self, keys: &[DedupeKey]) -> Result<HashMap<DedupeKey, Position>, SqlError> {
        self.inner().find_dedupe(keys).await
    }

    async fn claim_owners(&self, claims: &[ClaimId]) -> Result<HashMap<ClaimId, StreamId>, SqlError> {
        self.inner().claim_owners(claims).await
    }

    async fn epochs(&self) -> Result<Vec<(u64, Position)>, SqlError> {
        self.inner().epochs().await
    }

    async fn begin_epoch(&self, ours: Identity) -> Result<Option<Identity>, SqlError> {
        self.inner().begin_epoch(ours).await
    }

    async fn misfiled(&self, after: Position, through: Position) -> Result<Option<Position>, SqlError> {
        self.inner().misfiled(after, through).await
    }

    async fn surplus_key(&self) -> Result<Option<Position>, SqlError> {
        self.inner().surplus_key().await
    }

    async fn below_first(&self) -> Result<Option<i64>, SqlError> {
        self.inner().below_first().await
    }

    fn announce(&self, head: Position) {
        self.inner().announce(head);
    }

    async fn changed(&self) {
        self.inner().changed().await;
    }

    fn shared(&self) -> bool {
        self.0.shared()
    }

    fn writable(&self) -> bool {
        self.inner().writable()
    }

    fn system(&self) -> &'static str {
        self.inner().system()
    }

    fn now(&self) -> DateTime<Utc> {
        self.inner().now()
    }

    fn stores(&self) -> Option<Stores> {
        self.inner().stores()
    }

    async fn forget(&self) -> Result<(), SqlError> {
        self.inner().forget().await
    }

    async fn close(&self) {
        self.inner().close().await;
    }
}
