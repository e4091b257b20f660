//! The database of the read models: `read.db` beside an SQLite journal, or tables in the journal's PostgreSQL
//! database. Opens it, creates what is missing, and answers queries from the generation that is live.
//!
//! Folding events in is [`crate::advance`]; replacing and checking a generation are [`crate::rebuild`] and
//! [`crate::verify`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_sql::{Database, Engine, Obstacle, SqlError, Transaction};

use crate::checkpoint::{self, Checkpoint, GenerationId, Purpose};
use crate::connecting::{ReadDatabase, connect};
use crate::dialect::{schema_lock, with_generations};
use crate::dropping::retire_former;
use crate::head::AskHead;
use crate::incarnations::Incarnations;
use crate::live_generations::LiveGenerations;
use crate::projection::Projection;

/// What to do with read models that were made from another record than the one at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMismatch {
    /// Refuse to open, and say what differs.
    Refuse,
    /// Begin again from the first event. Nothing is lost: read models hold nothing of their own.
    Reset,
    /// Begin again from the first event, and drop what older programs left: whoever serves does, since no older one serves
    /// any more.
    TakeOver,
}

/// What [`ReadStore::open`] needs to know.
#[derive(Debug, Clone)]
pub struct ReadStoreConfig {
    /// Where the tables are.
    pub database: ReadDatabase,
    /// Identity of the journal at hand: `<installation>-<epoch>`.
    pub record: String,
    /// Asks for its head. A read model beyond it was made from another past.
    pub head: AskHead,
    /// What to do when the two do not fit together.
    pub on_mismatch: OnMismatch,
    /// How long a query waits for what a crash of the database took from the tables.
    pub answer_max: Duration,
}

/// Why the read models could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// They were made from another journal, or from one before a restore.
    #[error(
        "read model {name} was made from record {found}, but the journal is {expected}; \
         rebuild it with `muniment projections rebuild --all`"
    )]
    OtherRecord {
        /// The read model.
        name: String,
        /// The record it was made from.
        found: String,
        /// The record at hand.
        expected: String,
    },
    /// They have seen events which the journal does not have.
    #[error(
        "read model {name} is at position {checkpoint}, beyond the journal's head {head}; the journal was cut or \
         replaced: rebuild it with `muniment projections rebuild --all`"
    )]
    BeyondHead {
        /// The read model.
        name: String,
        /// How far it is.
        checkpoint: Position,
        /// How far the journal is.
        head: Position,
    },
    /// The database failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl OpenError {
    /// What keeps the database from being opened, where it is the database.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::Sql(error) => error.obstacle(),
            Self::OtherRecord { .. } | Self::BeyondHead { .. } => None,
        }
    }
}

/// The read models' database. Cheap to clone.
#[derive(Clone)]
pub struct ReadStore {
    inner: Arc<Inner>,
}

struct Inner {
    /// Where `read.db` is; `None` on PostgreSQL.
    folder: Option<PathBuf>,
    writer: Database,
    reader: Database,
    record: String,
    answer_max: Duration,
    projections: Vec<Arc<dyn Projection>>,
    /// Table (without generation) to the model it belongs to.
    owners: HashMap<&'static str, &'static str>,
    incarnations: Arc<Incarnations>,
    live_generations: LiveGenerations,
    /// Held shared while a live generation advances, alone while a verification takes its snapshot.
    advancing: tokio::sync::RwLock<()>,
}

const fn framework_schema(engine: Engine) -> &'static str {
    schema_of!(engine, "checkpoints_v1.sql")
}

impl ReadStore {
    /// Opens the database and creates the tables of every registered model that has none yet.
    ///
    /// # Errors
    /// When the models were made from another record (and are not to be reset), or the database fails.
    pub async fn open(config: ReadStoreConfig) -> Result<Self, OpenError> {
        Self::open_with(config, crate::all()).await
    }

    /// Opens the database with another registry than [`crate::all`], for instance of one projection under test.
    ///
    /// # Errors
    /// As [`ReadStore::open`].
    pub async fn open_with(config: ReadStoreConfig, projections: Vec<Arc<dyn Projection>>) -> Result<Self, OpenError> {
        let incarnations = Arc::new(Incarnations::new());
        let (writer, reader) = connect(&config.database, &incarnations).await?;
        let owners = projections
            .iter()
            .flat_map(|projection| projection.tables().iter().map(|table| (table.name, projection.name())))
            .collect();
        let store = Self {
            inner: Arc::new(Inner {
                folder: match config.database {
                    ReadDatabase::Sqlite { directory } => Some(directory),
                    ReadDatabase::Postgres { .. } => None,
                },
                writer,
                reader,
                record: config.record,
                answer_max: config.answer_max,
                projections,
                owners,
                incarnations,
                live_generations: LiveGenerations::default(),
                advancing: tokio::sync::RwLock::new(()),
            }),
        };
        store.prepare(&config.head, config.on_mismatch).await?;
        Ok(store)
    }

    async fn prepare(&self, head: &AskHead, on_mismatch: OnMismatch) -> Result<(), OpenError> {
        let mut tx = self.begin_schema_change().await?;
        tx.run_script(framework_schema(tx.engine())).await?;
        tx.run_script(crate::subscriptions::schema(tx.engine())).await?;
        crate::last_used::complete(&mut tx).await?;
        let known = checkpoint::all(&mut tx).await?;
        let places = crate::subscriptions::places(&mut tx, &self.inner.record).await?;
        // After the checkpoints: another node may have recorded and folded more while this one connected and waited.
        let head = head.now().await?;
        if on_mismatch == OnMismatch::TakeOver {
            crate::subscriptions::forget_beyond(&mut tx, &places, head).await?;
            forget_statistics(&mut tx).await?;
        }
        for projection in &self.inner.projections {
            // Whoever looks at it, or rebuilds a model, may do so while an older program serves it.
            if on_mismatch == OnMismatch::TakeOver {
                retire_former(&mut tx, projection.as_ref(), &known).await?;
            }
            let own = known.iter().filter(|at| at.is_of(projection.as_ref()));
            let mut live = false;
            for found in own {
                let id = generation_id(projection.as_ref(), found.generation);
                match (self.mismatch(found, head), found.purpose) {
                    (None, Purpose::Live) => live = true,
                    (None, Purpose::Rebuild | Purpose::Verify) | (_, Purpose::Retired) => {}
                    (Some(error), Purpose::Live) if on_mismatch == OnMismatch::Refuse => return Err(error),
                    (Some(error), _) => {
                        tracing::warn!(projection.name = projection.name(), reason = %error, "read model begins again");
                        checkpoint::put_away(&mut tx, id).await?;
                    }
                }
            }
            if !live {
                let id = create_generation(&mut tx, projection.as_ref(), Purpose::Live, &self.inner.record).await?;
                checkpoint::point_to(&mut tx, id).await?;
            }
        }
        tx.commit().await?;
        self.refresh().await?;
        Ok(())
    }

    fn mismatch(&self, found: &Checkpoint, head: Position) -> Option<OpenError> {
        if found.record != self.inner.record {
            return Some(OpenError::OtherRecord {
                name: found.name.clone(),
                found: found.record.clone(),
                expected: self.inner.record.clone(),
            });
        }
        (found.position > head).then(|| OpenError::BeyondHead {
            name: found.name.clone(),
            checkpoint: found.position,
            head,
        })
    }

    /// The registered projections.
    #[must_use]
    pub fn projections(&self) -> &[Arc<dyn Projection>] {
        &self.inner.projections
    }

    /// The registered projection of this name.
    #[must_use]
    pub fn projection(&self, name: &str) -> Option<Arc<dyn Projection>> {
        self.inner.projections.iter().find(|projection| projection.name() == name).cloned()
    }

    /// Identity of the journal these read models follow.
    #[must_use]
    pub fn record(&self) -> &str {
        &self.inner.record
    }

    /// Which engine keeps the read models.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.inner.reader.engine()
    }

    /// Every generation of every model, oldest first. Also learns of swaps made by other nodes, so that the
    /// positions returned are those of the generations which later queries read.
    ///
    /// # Errors
    /// What the database says.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, SqlError> {
        let asked = self.inner.live_generations.seen().clone();
        let rows = self.inner.reader.fetch_all(&checkpoint::select_all(), &[]).await?;
        let checkpoints = rows.iter().map(checkpoint::from_row).collect::<Result<Vec<_>, _>>()?;
        let live = self.inner.projections.iter().filter_map(|projection| {
            let live = checkpoints.iter().find(|at| at.is_live_of(projection.as_ref()))?;
            self.inner.incarnations.note(&live.name, live.version, live.position);
            Some((projection.name(), live.generation))
        });
        self.inner.live_generations.note(&asked, live);
        Ok(checkpoints)
    }

    /// The live generation of every registered model, in registry order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn live(&self) -> Result<Vec<Checkpoint>, SqlError> {
        let all = self.checkpoints().await?;
        let live = |projection: &Arc<dyn Projection>| all.iter().find(|at| at.is_live_of(projection.as_ref())).cloned();
        Ok(self.inner.projections.iter().filter_map(live).collect())
    }

    /// Learns which generations are live.
    pub(crate) async fn refresh(&self) -> Result<(), SqlError> {
        self.checkpoints().await.map(drop)
    }

    /// In which incarnation the database is: it moves when the database is found to have lost what it told, as a crash of
    /// PostgreSQL's server may do. Queries wait then until it is there again.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.inner.incarnations.current()
    }

    /// Resolves when `incarnation` is over.
    pub async fn incarnation_over(&self, incarnation: u64) {
        self.inner.incarnations.over(incarnation).await;
    }

    /// Notes that live models are at a position, which was committed.
    pub(crate) fn note<'p>(&self, projections: impl IntoIterator<Item = &'p dyn Projection>, position: Position) {
        for projection in projections {
            self.inner.incarnations.note(projection.name(), projection.version(), position);
        }
    }

    /// The live generation of a model, as last seen.
    pub(crate) fn live_id(&self, projection: &dyn Projection) -> GenerationId {
        let generation = self.inner.live_generations.seen().get(projection.name()).copied().unwrap_or(0);
        generation_id(projection, generation)
    }

    /// Where `read.db` is; `None` on PostgreSQL.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.inner.folder.as_deref()
    }

    pub(crate) fn writer(&self) -> &Database {
        &self.inner.writer
    }

    pub(crate) fn reader(&self) -> &Database {
        &self.inner.reader
    }

    /// See [`ReadStoreConfig::answer_max`].
    pub(crate) fn answer_max(&self) -> Duration {
        self.inner.answer_max
    }

    pub(crate) fn incarnations(&self) -> &Incarnations {
        &self.inner.incarnations
    }

    pub(crate) fn advancing(&self) -> &tokio::sync::RwLock<()> {
        &self.inner.advancing
    }

    /// SQL written against generation 0, for the tables that are live.
    pub(crate) fn for_live_tables(&self, sql: &str) -> String {
        let live = self.inner.live_generations.seen();
        with_generations(sql, |table| live.get(self.inner.owners.get(table)?).copied())
    }

    /// A write transaction in which tables may be created and dropped.
    pub(crate) async fn begin_schema_change(&self) -> Result<Transaction, SqlError> {
        let mut tx = self.inner.writer.begin_long().await?;
        if let Some(lock) = schema_lock(tx.engine()) {
            tx.execute(lock, &[]).await?;
        }
        Ok(tx)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.inner.reader.close().await;
        self.inner.writer.close().await;
    }
}

pub(crate) fn generation_id(projection: &dyn Projection, generation: u64) -> GenerationId {
    GenerationId { name: projection.name(), version: projection.version(), generation }
}

/// Creates the tables of a new generation at position 0.
pub(crate) async fn create_generation(
    tx: &mut Transaction,
    projection: &dyn Projection,
    purpose: Purpose,
    record: &str,
) -> Result<GenerationId, SqlError> {
    let generation = checkpoint::next_generation(tx, projection.name(), projection.version()).await?;
    let id = generation_id(projection, generation);
    let script = with_generations(projection.schema(tx.engine()), |_| Some(generation));
    tx.run_script(&script).await?;
    checkpoint::create(tx, id, purpose, record).await?;
    Ok(id)
}

/// Earlier programs told SQLite's planner of tables that have grown since.
async fn forget_statistics(tx: &mut Transaction) -> Result<(), SqlError> {
    let told = "SELECT name FROM sqlite_master WHERE name = 'sqlite_stat1'";
    if tx.engine() == Engine::Sqlite && tx.fetch_optional(told, &[]).await?.is_some() {
        tx.execute("DELETE FROM sqlite_stat1", &[]).await?;
        tx.execute("ANALYZE sqlite_schema", &[]).await?;
    }
    Ok(())
}
