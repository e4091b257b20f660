//! The parts behind the surfaces: journal, actors, read models, projector and policies, opened in order and closed the
//! other way round.
//!
//! A [`Node`] runs these tasks, all on one thread of their own. Those that one node does at a time hold a lock for it
//! ([`Leadership`]).
//!
//! | task | does | where | looks |
//! |---|---|---|---|
//! | [`projector`] | folds events into the read models | one node | when events come, and every 500 ms |
//! | [`alert_evaluator`] | has metrics raise the alerts that points made due | one node | when events come, and every 500 ms |
//! | [`late_checker`] | asks metrics whose points stay away | one node | every `metrics.late_check_seconds` (60) |
//! | [`cleanup`] | closes sessions and notes offers that ran out, drops what else did | one node | every `cleanup.interval` (10 min) |
//! | [`audit_drift`] | counts rows of the audit that are not as registered | each node | every 250 ms |
//! | [`scheduler`] | ticks; its stream takes one tick an interval | each node asks | every 10 s, for `runtime.tick_seconds` (1,800) |
//! | [`CommandBus::sweep_idle`] | lets idle actors go | each node | every 30 s; sooner where `runtime.idle_seconds` is less |
//! | [`retired`] | drops tables of read models that were replaced | each node | at the start, then every hour |
//! | [`mail`] | sends what lies in the outbox; each mail is leased | each node | when mail comes, and every second |

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix::{Arbiter, ArbiterHandle};
use futures_util::future::join_all;
use muniment_aggregates::record::Position;
use muniment_journal::{Journal, JournalConfig, JournalLimits, KeySource, Store};
use muniment_projections::{AskHead, OnMismatch, ReadDatabase, ReadStore, ReadStoreConfig};
use secrecy::ExposeSecret as _;
use tokio::sync::{oneshot, watch};

use super::StartError;
use crate::config::store::{DatabaseConfig, KeysConfig};
use crate::config::{Config, RuntimeConfig, StoreConfig};
use crate::runtime::leadership::Leadership;
use crate::runtime::limits::ActorLimits;
use crate::runtime::policies::{alert_evaluator, audit_drift, cleanup, late_checker, mail, scheduler};
use crate::runtime::{Clock, CommandBus, Reads, Runtime, projector, retired};

/// Connections of the read models' pool on PostgreSQL.
const READ_CONNECTIONS_MAX: u32 = 8;

/// How long it is waited for the background tasks to end, before the journal is closed and once more after it. A page of the
/// projector takes milliseconds, a command of a policy one commit.
const TASKS_END_MAX: Duration = Duration::from_secs(5);

/// Where the journal is, as the journal wants it said.
#[must_use]
pub fn journal_config(store: &StoreConfig) -> JournalConfig {
    JournalConfig {
        store: match &store.database {
            DatabaseConfig::Sqlite { directory } => Store::Sqlite { directory: directory.clone() },
            DatabaseConfig::Postgres { url } => Store::Postgres { url: url.expose_secret().to_owned() },
        },
        keys: match &store.keys {
            KeysConfig::Directory { path, create_missing } => {
                KeySource::Directory { path: path.clone(), create_missing: *create_missing }
            }
            KeysConfig::Explicit(key) => KeySource::Explicit(key.bytes()),
        },
        limits: JournalLimits { answer_max: store.answer_max, ..JournalLimits::default() },
    }
}

/// Where the read models are, and which record they must have been made from.
#[must_use]
pub fn read_store_config(store: &StoreConfig, journal: &Journal, on_mismatch: OnMismatch) -> ReadStoreConfig {
    ReadStoreConfig {
        database: match &store.database {
            DatabaseConfig::Sqlite { directory } => ReadDatabase::Sqlite { directory: directory.clone() },
            DatabaseConfig::Postgres { url } => {
                ReadDatabase::Postgres { url: url.expose_secret().to_owned(), connections_max: READ_CONNECTIONS_MAX }
            }
        },
        record: journal.identity().to_string(),
        head: ask_head(journal),
        on_mismatch,
        answer_max: store.answer_max,
    }
}

/// The head as the database has it, which another node may have moved since this one opened the journal.
fn ask_head(journal: &Journal) -> AskHead {
    let journal = journal.clone();
    AskHead::by(move || {
        let journal = journal.clone();
        async move { journal.engine().head().await.map(|head| head.position) }
    })
}

/// The bounds of the actors: the built-in ones but for those that are settings.
fn actor_limits(config: &RuntimeConfig) -> ActorLimits {
    let RuntimeConfig { live_actors_max, idle_max, .. } = *config;
    ActorLimits { live_actors_max, idle_max, ..ActorLimits::default() }
}

/// Makes the folders that are missing, for their owner only.
///
/// # Errors
/// When the operating system refuses.
pub fn make_folders(store: &StoreConfig) -> Result<(), StartError> {
    let mut folders = vec![&store.data_dir];
    if let DatabaseConfig::Sqlite { directory } = &store.database {
        folders.push(directory);
    }
    for folder in folders {
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .recursive(true)
            .create(folder)
            .map_err(|source| StartError::DataFolder { path: folder.display().to_string(), source })?;
    }
    Ok(())
}

/// Runs a task on a thread; the answer resolves when it has ended, with an error when it ended by a fault.
fn run_on(thread: &Arbiter, task: impl Future<Output = ()> + Send + 'static) -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    let is_running = thread.spawn(async move {
        task.await;
        if ended.send(()).is_err() {
            tracing::debug!("nobody waits for the end of a background task");
        }
    });
    if !is_running {
        tracing::error!("the thread of the background tasks has ended");
    }
    end
}

/// The parts behind the surfaces, running.
pub struct Node {
    /// What the surfaces hold.
    pub runtime: Arc<Runtime>,
    stop: watch::Sender<bool>,
    /// Each resolves when its task has ended.
    tasks: Vec<oneshot::Receiver<()>>,
    /// Where projector and policies run: folding a page takes milliseconds, which the writer of the journal must not wait.
    background: Arbiter,
    arbiters: Vec<Arbiter>,
}

impl Node {
    /// Opens the store, starts actors, projector and policies. Needs a running actix system.
    ///
    /// # Errors
    /// What stands in the way, by kind.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        make_folders(&config.store)?;
        let journal = Journal::open(journal_config(&config.store)).await?;
        let reads = ReadStore::open(read_store_config(&config.store, &journal, OnMismatch::TakeOver)).await?;
        let clock = Clock::system();
        let arbiters: Vec<Arbiter> = (0..config.runtime.actor_threads).map(|_| Arbiter::new()).collect();
        let handles: Arc<[ArbiterHandle]> = arbiters.iter().map(Arbiter::handle).collect();
        let bus = CommandBus::with_limits(journal.clone(), clock.clone(), handles, actor_limits(&config.runtime));
        let reads = Arc::new(Reads::new(reads, journal.clone(), config.runtime.read_wait_max));
        let runtime = Arc::new(Runtime { journal, bus, reads, clock });
        let mut node =
            Self { runtime, stop: watch::Sender::new(false), tasks: Vec::new(), background: Arbiter::new(), arbiters };
        node.start_tasks(config);
        Ok(node)
    }

    fn start_tasks(&mut self, config: &Config) {
        let runtime = &self.runtime;
        let store = runtime.reads.store();
        let duty = |name: &'static str| Leadership::new(store.clone(), name);
        let background = &self.background;
        self.tasks = vec![
            run_on(
                background,
                projector::run(
                    runtime.journal.clone(),
                    Arc::clone(&runtime.reads),
                    duty("muniment/projector"),
                    self.stop.subscribe(),
                ),
            ),
            run_on(
                background,
                alert_evaluator::run(
                    Arc::clone(runtime),
                    duty("muniment/alert-evaluator"),
                    config.runtime.evaluator_pause,
                    self.stop.subscribe(),
                ),
            ),
            run_on(
                background,
                late_checker::run(
                    Arc::clone(runtime),
                    duty("muniment/late-checker"),
                    config.metrics.late_check,
                    self.stop.subscribe(),
                ),
            ),
            run_on(
                background,
                cleanup::run(
                    Arc::clone(runtime),
                    duty("muniment/cleanup"),
                    config.offers.cleanup_interval,
                    self.stop.subscribe(),
                ),
            ),
            run_on(
                background,
                audit_drift::run(
                    Arc::clone(runtime),
                    Arc::from(config.registries.audit_events()),
                    self.stop.subscribe(),
                ),
            ),
            run_on(background, scheduler::run(Arc::clone(runtime), config.runtime.tick, self.stop.subscribe())),
            run_on(background, runtime.bus.clone().sweep_idle(self.stop.subscribe())),
            run_on(background, retired::run(Arc::clone(&runtime.reads), self.stop.subscribe())),
            run_on(background, mail::run(Arc::clone(runtime), config.mail.clone(), self.stop.subscribe())),
        ];
    }

    /// Ends policies and projector, writes what the journal has taken, closes. However silent the database is, that ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let mut ending = pin!(join_all(self.tasks));
        let mut ended = tokio::time::timeout(TASKS_END_MAX, &mut ending).await;
        if ended.is_err() {
            tracing::warn!("background tasks wait for the database; the journal is closed before they end");
        }
        self.runtime.journal.shutdown().await;
        if ended.is_err() {
            // It has answered every append that they can wait for.
            ended = tokio::time::timeout(TASKS_END_MAX, ending).await;
        }
        match ended {
            Ok(ends) if ends.iter().all(Result::is_ok) => {}
            Ok(_) => tracing::error!("a background task ended by a fault"),
            Err(_) => tracing::error!("background tasks did not end in time and are dropped"),
        }
        for arbiter in self.arbiters.iter().chain([&self.background]) {
            arbiter.stop();
        }
        tracing::info!(head.position = self.runtime.journal.head().0, "stopped");
    }

    /// The last position this node has seen.
    #[must_use]
    pub fn head(&self) -> Position {
        self.runtime.journal.head()
    }
}
