//! The composition root: builds the parts from the configuration, and owns the order of start and stop.
//!
//! Start: journal, read models, actors, projector, policies, live hub, HTTP. Stop, the other way round: no new
//! requests, sockets sent away to come back, requests finish, policies and projector finish, the journal writes
//! what it has taken, files close. An acknowledged command is durable before its reply, so nothing is lost by any
//! end of the program; the order only makes it polite.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::{Arbiter, ArbiterHandle};
use actix_web::{App, HttpServer, middleware, web};
use muniment_aggregates::record::Position;
use muniment_journal::{Journal, JournalConfig, JournalLimits, KeySource, Store};
use muniment_projections::{OnMismatch, ReadDatabase, ReadStore, ReadStoreConfig};
use secrecy::ExposeSecret as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::daemon_token::{DaemonToken, DaemonTokenError};
use crate::auth::passwords::HashError;
use crate::config::store::{DatabaseConfig, KeysConfig};
use crate::config::{Config, StoreConfig};
use crate::http::{self, Edge, headers};
use crate::live::{self, Hub, SurfaceCredentials};
use crate::runtime::leadership::Leadership;
use crate::runtime::policies::{alert_evaluator, cleanup, late_checker, mail, scheduler};
use crate::runtime::{Clock, CommandBus, Reads, Runtime, projector};
use crate::surface::Surface;
use crate::telemetry::Figures;
use crate::telemetry::figures::FiguresError;

/// Connections of the read models' pool on PostgreSQL.
const READ_CONNECTIONS_MAX: u32 = 8;

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// Why the program did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be opened.
    #[error("the journal cannot be opened")]
    Journal(#[from] muniment_journal::OpenError),
    /// The read models cannot be opened.
    #[error("the read models cannot be opened")]
    ReadModels(#[from] muniment_projections::OpenError),
    /// The data folder cannot be made.
    #[error("the data folder {path} cannot be made")]
    DataFolder {
        /// The folder.
        path: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The daemon token cannot be written.
    #[error(transparent)]
    DaemonToken(#[from] DaemonTokenError),
    /// Passwords cannot be hashed.
    #[error(transparent)]
    Passwords(#[from] HashError),
    /// Whether the first account may be made cannot be told.
    #[error("whether the first account may be made cannot be told: {0}")]
    Bootstrap(String),
    /// The figures for Prometheus cannot be recorded.
    #[error(transparent)]
    Figures(#[from] FiguresError),
    /// The server ended by a fault.
    #[error("the server ended by a fault")]
    Serve(#[source] std::io::Error),
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        source: std::io::Error,
    },
}

/// Where the journal is, as the journal wants it said.
#[must_use]
pub fn journal_config(store: &StoreConfig) -> JournalConfig {
    JournalConfig {
        store: match &store.database {
            DatabaseConfig::Sqlite { directory } => Store::Sqlite { directory: directory.clone() },
            DatabaseConfig::Postgres { url } => Store::Postgres { url: url.expose_secret().to_owned() },
        },
        keys: match (&store.keys, store.keys.explicit_bytes()) {
            (_, Some(bytes)) => KeySource::Explicit(zeroize::Zeroizing::new(bytes)),
            (KeysConfig::Directory { path, create_missing }, None) => {
                KeySource::Directory { path: path.clone(), create_missing: *create_missing }
            }
            // Reading the configuration has checked that an explicit key is 32 bytes in hexadecimal digits.
            (KeysConfig::Explicit(_), None) => KeySource::Explicit(zeroize::Zeroizing::new([0; 32])),
        },
        limits: JournalLimits::default(),
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
        head: journal.head(),
        on_mismatch,
    }
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

/// The parts behind the surfaces, running.
pub struct Node {
    /// What the surfaces hold.
    pub runtime: Arc<Runtime>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
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
        let reads = ReadStore::open(read_store_config(&config.store, &journal, OnMismatch::Reset)).await?;
        let clock = Clock::system();
        let arbiters: Vec<Arbiter> = (0..config.runtime.actor_threads).map(|_| Arbiter::new()).collect();
        let handles: Arc<[ArbiterHandle]> = arbiters.iter().map(Arbiter::handle).collect();
        let bus = CommandBus::new(journal.clone(), clock.clone(), handles);
        let reads = Arc::new(Reads::new(reads, journal.clone()));
        let runtime = Arc::new(Runtime { journal, bus, reads, clock });
        let mut node = Self { runtime, stop: watch::Sender::new(false), tasks: Vec::new(), arbiters };
        node.start_tasks(config);
        Ok(node)
    }

    fn start_tasks(&mut self, config: &Config) {
        let runtime = &self.runtime;
        let store = runtime.reads.store();
        let duty = |name: &'static str| Leadership::new(store.clone(), name);
        self.tasks = vec![
            tokio::spawn(projector::run(
                runtime.journal.clone(),
                Arc::clone(&runtime.reads),
                duty("muniment/projector"),
                self.stop.subscribe(),
            )),
            tokio::spawn(alert_evaluator::run(
                Arc::clone(runtime),
                duty("muniment/alert-evaluator"),
                config.runtime.evaluator_pause,
                self.stop.subscribe(),
            )),
            tokio::spawn(late_checker::run(
                Arc::clone(runtime),
                duty("muniment/late-checker"),
                config.metrics.late_check,
                self.stop.subscribe(),
            )),
            tokio::spawn(cleanup::run(
                Arc::clone(runtime),
                duty("muniment/cleanup"),
                config.offers.cleanup_interval,
                self.stop.subscribe(),
            )),
            tokio::spawn(scheduler::run(Arc::clone(runtime), config.runtime.tick, self.stop.subscribe())),
            tokio::spawn(mail::run(Arc::clone(runtime), config.mail.clone(), self.stop.subscribe())),
        ];
    }

    /// Ends policies and projector, writes what the journal has taken, closes.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(error = %error, "a background task ended by a fault");
            }
        }
        self.runtime.journal.shutdown().await;
        for arbiter in &self.arbiters {
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

/// Serves until the process is asked to stop (SIGINT or SIGTERM), then stops in order. Calls `ready` with the bound
/// address once requests are answered. Needs a running actix system.
///
/// # Errors
/// What kept it from starting, or the fault that ended it.
pub async fn serve(config: Config, ready: impl FnOnce(SocketAddr)) -> Result<(), StartError> {
    let figures = Figures::start()?;
    let listener = std::net::TcpListener::bind(config.http.listen)
        .map_err(|source| StartError::Listen { address: config.http.listen.to_string(), source })?;
    let address = listener
        .local_addr()
        .map_err(|source| StartError::Listen { address: config.http.listen.to_string(), source })?;
    let node = Node::start(&config).await?;
    let daemon_token = start_daemon_token(&config)?;
    let surface = Surface::new(Arc::clone(&node.runtime), &config, daemon_token.clone())?;
    surface.open_bootstrap().await.map_err(|fail| StartError::Bootstrap(fail.message))?;
    let rotation = daemon_token.as_ref().map(|token| {
        tokio::spawn(rotate_daemon_token(Arc::clone(token), config.accounts.daemon_rotation, node.stop.subscribe()))
    });
    let rights = Arc::new(SurfaceCredentials {
        surface: Arc::clone(&surface),
        trusted_proxies: config.http.trusted_proxies.clone(),
    });
    let hub = Hub::start(node.runtime.journal.clone(), rights, node.runtime.clock.clone());
    let sockets = live::api::start(&surface);
    let shared_sockets = web::Data::from(Arc::clone(&sockets));
    let edge = Edge {
        body_bytes_max: config.http.body_bytes_max,
        body_time_max: config.http.body_time_max,
        trusted_proxies: config.http.trusted_proxies.clone(),
    };
    let shared_hub = web::Data::from(Arc::clone(&hub));
    let shared_figures = web::Data::new(figures);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared_hub.clone())
            .app_data(shared_figures.clone())
            .app_data(shared_sockets.clone())
            .wrap(middleware::from_fn(headers::wrap))
            .configure(live::configure)
            .configure(live::api::configure)
            .configure(|services| http::configure(services, &surface, &edge))
    })
    .workers(config.http.workers)
    // Longer than clients keep an idle connection in their pools, so that they close it and never we under a request.
    .keep_alive(KEEP_ALIVE)
    .on_connect(live::on_connect)
    .shutdown_timeout(config.http.shutdown.as_secs())
    .disable_signals()
    .listen(listener)
    .map_err(|source| StartError::Listen { address: address.to_string(), source })?
    .run();
    let handle = server.handle();
    let running = tokio::spawn(server);
    tracing::info!(%address, head.position = node.head().0, "serving");
    ready(address);
    let fault = wait_for_the_end(running, &handle, &hub, &sockets).await;
    node.stop().await;
    if let (Some(token), Some(rotation)) = (daemon_token, rotation) {
        if let Err(error) = rotation.await {
            tracing::error!(error = %error, "the rotation of the daemon token ended by a fault");
        }
        token.remove();
    }
    fault.map_or(Ok(()), |source| Err(StartError::Serve(source)))
}

/// Writes the first daemon token, where there is to be one.
fn start_daemon_token(config: &Config) -> Result<Option<Arc<DaemonToken>>, StartError> {
    if !config.accounts.daemon_token {
        return Ok(None);
    }
    let path = config.store.data_dir.join("run").join("daemon_token");
    Ok(Some(Arc::new(DaemonToken::start(path)?)))
}

/// Replaces the daemon token again and again. A write that takes longer than the interval is waited for, so no two
/// overlap.
async fn rotate_daemon_token(token: Arc<DaemonToken>, every: Duration, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(100)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick comes at once, and the first token is written already.
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            stopped = stop.wait_for(|stopped| *stopped) => {
                drop(stopped);
                return;
            }
        }
        let rotating = Arc::clone(&token);
        match tokio::task::spawn_blocking(move || rotating.rotate()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the daemon token could not be replaced"),
            Err(error) => tracing::error!(%error, "the rotation of the daemon token ended by a fault"),
        }
    }
}

/// Waits for a signal and stops the HTTP side in order, or for the server to end by itself.
async fn wait_for_the_end(
    mut running: JoinHandle<std::io::Result<()>>,
    handle: &actix_web::dev::ServerHandle,
    hub: &Hub,
    sockets: &live::api::ApiRegistry,
) -> Option<std::io::Error> {
    tokio::select! {
        signal = asked_to_stop() => {
            tracing::info!(signal, "stopping");
            hub.shutdown();
            sockets.shutdown();
            handle.stop(true).await;
        }
        ended = &mut running => {
            return match ended {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error),
                Err(error) => Some(std::io::Error::other(error)),
            };
        }
    }
    None
}

/// The name of the signal that asked the process to stop.
async fn asked_to_stop() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        },
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "signals cannot be listened for; the process must be killed to end");
            std::future::pending().await
        }
    }
}
