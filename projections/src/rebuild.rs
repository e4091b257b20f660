//! Replacing the tables of a read model while it serves: a new generation is filled from the first event in big
//! pages, and takes the live one's place in one transaction once it has caught up. Interrupted, it goes on where it
//! was; the old tables serve until the swap and are dropped after it.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_sql::{SqlError, Transaction};

use crate::advance::{Advance, AdvanceError};
use crate::checkpoint::{self, Checkpoint, GenerationId, Purpose};
use crate::dialect::{analyze, is_missing_table};
use crate::projection::{Poison, Projection};
use crate::store::{ReadStore, create_generation, generation_id};

/// Events of one page: large enough that the commit costs nothing beside the rows, small enough for memory.
const PAGE_EVENTS: usize = 5_000;

/// How far a rebuild or a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The model.
    pub name: &'static str,
    /// Last position folded into the new tables.
    pub position: Position,
    /// Where the live tables are.
    pub target: Position,
}

/// Why a rebuild or a verification ended early. What a rebuild had filled stays, and the next attempt goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// No model has this name.
    #[error("there is no read model called {0}; `muniment projections list` lists them")]
    Unknown(String),
    /// An event cannot be folded in.
    #[error(transparent)]
    Stopped(#[from] Poison),
    /// The journal could not be read.
    #[error("the journal could not be read after position {after}: {source}")]
    Read {
        /// Where the page was to begin.
        after: Position,
        /// What the reader said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The journal ends before the position that the live tables have.
    #[error("the journal has no event after position {at}, but the live tables are at {target}")]
    Short {
        /// Where the journal ends.
        at: Position,
        /// Where the live tables are.
        target: Position,
    },
    /// The pages that the journal gave are not contiguous.
    #[error("the journal was read with a hole: position {found} follows {before}")]
    Gap {
        /// A position.
        before: Position,
        /// What came next.
        found: Position,
    },
    /// Events arrive so fast that a verification never stood where the live tables are.
    #[error(
        "no moment was found in which the shadow of {name} is where the live tables are ({}); \
         the same command when fewer events arrive",
        live_at.map_or_else(|| "nowhere".to_owned(), |at| at.to_string())
    )]
    NoCommonMoment {
        /// The model.
        name: &'static str,
        /// Where its live tables were at the last look.
        live_at: Option<Position>,
    },
    /// Another run finished with the new tables and dropped them, or an erasure did.
    #[error("another run rebuilt or verified {0} meanwhile, or somebody was erased; the same command begins again")]
    Dropped(&'static str),
    /// The database failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl From<AdvanceError> for RebuildError {
    fn from(error: AdvanceError) -> Self {
        match error {
            AdvanceError::Stopped(poison) => Self::Stopped(poison),
            AdvanceError::Gap { before, found } => Self::Gap { before, found },
            AdvanceError::Sql(error) => Self::Sql(error),
        }
    }
}

/// Rebuilds one model and swaps it in; the position it was swapped at. `read` gives the events after a position, in
/// order, at most so many. Of several runs at once all fill the same tables, and the model is rebuilt once, for each of
/// them.
///
/// # Errors
/// When the model is unknown, an event cannot be folded in, or journal or database fail.
pub async fn rebuild<R, F, E>(
    store: &ReadStore,
    name: &str,
    read: R,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Position, RebuildError>
where
    R: Fn(Position, usize) -> F,
    F: Future<Output = Result<Vec<Arc<RecordedEvent>>, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let projection = store.projection(name).ok_or_else(|| RebuildError::Unknown(name.to_owned()))?;
    let projection = projection.as_ref();
    let id = resume_or_create(store, projection, Purpose::Rebuild).await?;
    let mut caught_up_at = catch_up(store, projection, id, &read, progress).await?;
    // Before the swap is tried: as long as this takes, the live tables move on.
    inform_planner(store, projection, id).await?;
    while !swap(store, projection, id, caught_up_at).await? {
        caught_up_at = catch_up(store, projection, id, &read, progress).await?;
    }
    Ok(caught_up_at)
}

impl ReadStore {
    /// Makes the tables that rebuilds of these models fill, where an interrupted one left none: what a run over several leaves
    /// when it is interrupted is then told by [`ReadStore::unfinished_rebuilds`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_rebuilds(&self, names: &[&str]) -> Result<(), SqlError> {
        let mut tx = self.begin_schema_change().await?;
        for projection in self.projections().iter().filter(|projection| names.contains(&projection.name())) {
            find_or_create(&mut tx, self, projection.as_ref(), Purpose::Rebuild).await?;
        }
        tx.commit().await
    }

    /// The models with tables that a rebuild fills and has not ended with, in the order of the registry.
    ///
    /// # Errors
    /// What the database says.
    pub async fn unfinished_rebuilds(&self) -> Result<Vec<&'static str>, SqlError> {
        let all = self.checkpoints().await?;
        let is_unfinished = |projection: &&Arc<dyn Projection>| {
            all.iter().any(|at| is_of(at, self, projection.as_ref(), Purpose::Rebuild))
        };
        Ok(self.projections().iter().filter(is_unfinished).map(|projection| projection.name()).collect())
    }

    /// Drops what rebuilds and verifications have filled and did not end with: no erasure is folded into it. One that still
    /// runs ends with [`RebuildError::Dropped`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn drop_unfinished(&self) -> Result<(), SqlError> {
        let mut tx = self.begin_schema_change().await?;
        for left in checkpoint::all(&mut tx).await? {
            let Some(projection) = self.projection(&left.name).filter(|it| it.version() == left.version) else {
                continue;
            };
            // A rebuild that swaps it in at this moment is either first, or finds it given up.
            checkpoint::give_up(&mut tx, generation_id(projection.as_ref(), left.generation)).await?;
        }
        tx.commit().await?;
        self.drop_retired().await
    }
}

/// A new generation at position 0. What is there for the purpose is given up: who filled it, with which program and from what,
/// nobody knows.
pub(crate) async fn begin_anew(
    store: &ReadStore,
    projection: &dyn Projection,
    purpose: Purpose,
) -> Result<GenerationId, SqlError> {
    let mut tx = store.begin_schema_change().await?;
    let all = checkpoint::all(&mut tx).await?;
    for left in all.iter().filter(|at| at.is_of(projection) && at.purpose == purpose) {
        checkpoint::give_up(&mut tx, generation_id(projection, left.generation)).await?;
    }
    let id = create_generation(&mut tx, projection, purpose, store.record()).await?;
    tx.commit().await?;
    Ok(id)
}

/// The generation that an interrupted attempt left for this purpose, else a new one.
async fn resume_or_create(
    store: &ReadStore,
    projection: &dyn Projection,
    purpose: Purpose,
) -> Result<GenerationId, SqlError> {
    let mut tx = store.begin_schema_change().await?;
    let id = find_or_create(&mut tx, store, projection, purpose).await?;
    tx.commit().await?;
    Ok(id)
}

/// The generation that was left for this purpose, else a new one, behind the lock on the schema: of two runs that begin at once the second finds what the first makes.
async fn find_or_create(
    tx: &mut Transaction,
    store: &ReadStore,
    projection: &dyn Projection,
    purpose: Purpose,
) -> Result<GenerationId, SqlError> {
    let left = checkpoint::all(tx).await?.into_iter().find(|at| is_of(at, store, projection, purpose));
    match left {
        Some(left) => Ok(generation_id(projection, left.generation)),
        None => create_generation(tx, projection, purpose, store.record()).await,
    }
}

fn is_of(at: &Checkpoint, store: &ReadStore, projection: &dyn Projection, purpose: Purpose) -> bool {
    at.purpose == purpose && at.is_of(projection) && at.record == store.record()
}

pub(crate) async fn find(
    store: &ReadStore,
    projection: &dyn Projection,
    purpose: Purpose,
) -> Result<Option<Checkpoint>, SqlError> {
    Ok(store.checkpoints().await?.into_iter().find(|at| is_of(at, store, projection, purpose)))
}

/// Where the live tables of a model are.
pub(crate) async fn live_position(store: &ReadStore, projection: &dyn Projection) -> Result<Position, SqlError> {
    Ok(find(store, projection, Purpose::Live).await?.map_or(Position::START, |live| live.position))
}

/// Fills a generation until it is where the live tables are, and says where that is.
pub(crate) async fn catch_up<R, F, E>(
    store: &ReadStore,
    projection: &dyn Projection,
    id: GenerationId,
    read: &R,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Position, RebuildError>
where
    R: Fn(Position, usize) -> F,
    F: Future<Output = Result<Vec<Arc<RecordedEvent>>, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut position = generation_position(store, id).await?;
    let mut ahead: Option<Vec<Arc<RecordedEvent>>> = None;
    loop {
        let target = live_position(store, projection).await?;
        progress(Progress { name: projection.name(), position, target });
        if position >= target {
            return Ok(position);
        }
        let page = match ahead.take() {
            Some(page) => page,
            None => page_between(read, position, target).await?,
        };
        let Some(last) = page.last().map(|event| event.position) else {
            return Err(RebuildError::Short { at: position, target });
        };
        // The next page is read while this one is written; both wait for a database most of the time.
        let next = async { if last < target { page_between(read, last, target).await.map(Some) } else { Ok(None) } };
        let (advanced, next) = tokio::join!(store.advance_generation(projection, id, &page), next);
        position = match advanced? {
            Advance::Moved(at) => at,
            // Another run fills the same tables.
            Advance::Ahead(at) => at,
            Advance::Behind(_) => return Err(RebuildError::Dropped(projection.name())),
        };
        ahead = next?.filter(|_| position == last);
    }
}

async fn page_between<R, F, E>(
    read: &R,
    after: Position,
    target: Position,
) -> Result<Vec<Arc<RecordedEvent>>, RebuildError>
where
    R: Fn(Position, usize) -> F,
    F: Future<Output = Result<Vec<Arc<RecordedEvent>>, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let missing = usize::try_from(target.0.saturating_sub(after.0)).unwrap_or(usize::MAX);
    let page = read(after, missing.min(PAGE_EVENTS)).await;
    page.map_err(|error| RebuildError::Read { after, source: error.into() })
}

async fn generation_position(store: &ReadStore, id: GenerationId) -> Result<Position, RebuildError> {
    let all = store.checkpoints().await?;
    all.iter()
        .find(|at| at.name == id.name && at.version == id.version && at.generation == id.generation)
        .filter(|at| at.purpose != Purpose::Retired)
        .map(|at| at.position)
        .ok_or(RebuildError::Dropped(id.name))
}

/// Puts a generation in the live one's place, unless another run did; `false` when the live one has moved on meanwhile.
async fn swap(
    store: &ReadStore,
    projection: &dyn Projection,
    id: GenerationId,
    caught_up_at: Position,
) -> Result<bool, RebuildError> {
    let old = store.live_id(projection);
    let mut tx = store.writer().begin().await?;
    match checkpoint::find(&mut tx, id).await?.map(|found| found.purpose) {
        Some(Purpose::Rebuild) => {}
        // Another run filled the same tables and was first: `old` may be these very tables.
        Some(Purpose::Live) => return Ok(true),
        Some(Purpose::Verify | Purpose::Retired) | None => return Err(RebuildError::Dropped(projection.name())),
    }
    if !checkpoint::retire(&mut tx, old, caught_up_at).await? || !checkpoint::activate(&mut tx, id).await? {
        return Ok(false);
    }
    tx.commit().await?;
    store.refresh().await?;
    store.drop_what_can_be(projection).await;
    Ok(true)
}

/// The planner must know the new tables before the first query meets them.
async fn inform_planner(store: &ReadStore, projection: &dyn Projection, id: GenerationId) -> Result<(), RebuildError> {
    for table in projection.tables() {
        let Some(analyze) = analyze(store.engine(), &id.table(table.name)) else { continue };
        let mut tx = store.writer().begin_long().await?;
        tx.execute(&analyze, &[]).await.map_err(|error| {
            if is_missing_table(&error) { RebuildError::Dropped(projection.name()) } else { error.into() }
        })?;
        tx.commit().await?;
    }
    Ok(())
}
