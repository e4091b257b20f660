//! The composition root: builds the parts from the configuration, and owns the order of start and stop.
//!
//! Start: journal, read models, actors, projector, policies, live hub, HTTP. Stop, the other way round: no new
//! requests, sockets sent away to come back, requests finish, policies and projector finish, the journal writes
//! what it has taken, files close. An acknowledged command is durable before its reply, so nothing is lost by any
//! end of the program; the order only makes it polite.

mod node;
mod server;

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::{App, HttpServer, middleware, web};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::daemon_token::{DaemonToken, DaemonTokenError};
use crate::auth::passwords::HashError;
use crate::config::Config;
use crate::http::{closing, headers};
use crate::live;
use crate::surface::accounts::counts::Counts;
use crate::telemetry::Figures;
use crate::telemetry::figures::FiguresError;

pub use node::{Node, journal_config, make_folders, read_store_config};
pub use server::{Handlers, Server};

/// How long an idle connection is kept: longer than clients keep one in their pools, so that they close it and never we
/// under a request.
pub const KEEP_ALIVE: Duration = Duration::from_secs(120);

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
    /// The database no longer has the record that was served, or this node can no longer write or follow it.
    #[error("{0}")]
    Departed(String),
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
    make_folders(&config.store)?;
    let daemon_token = prepare_daemon_token(&config)?;
    let server = Server::open(&config, daemon_token.clone()).await?;
    if let Some(Err(error)) = daemon_token.as_ref().map(|token| token.publish()) {
        server.close().await;
        return Err(error.into());
    }
    let (stop, stopped) = watch::channel(false);
    let rotation = daemon_token
        .as_ref()
        .map(|token| tokio::spawn(rotate_daemon_token(Arc::clone(token), config.accounts.daemon_rotation, stopped)));
    let (handlers, shared_figures) = (server.handlers(), web::Data::new(figures));
    let http = HttpServer::new(move || {
        App::new()
            .app_data(shared_figures.clone())
            .wrap(middleware::from_fn(headers::wrap))
            .configure(|services| handlers.mount(services))
    })
    .workers(config.http.workers)
    .keep_alive(KEEP_ALIVE)
    .on_connect(on_connect)
    .shutdown_timeout(config.http.shutdown.as_secs())
    .disable_signals()
    .listen(listener)
    .map_err(|source| StartError::Listen { address: address.to_string(), source })?
    .run();
    let handle = http.handle();
    let running = tokio::spawn(http);
    tracing::info!("the surface: {}", Counts::of(&config));
    tracing::info!(%address, env = config.environment.as_str(), head.position = server.head().0, "serving");
    ready(address);
    let ended = wait_for_the_end(running, &handle, &server).await;
    stop.send_replace(true);
    if let (Some(token), Some(rotation)) = (daemon_token, rotation) {
        if let Err(error) = rotation.await {
            tracing::error!(error = %error, "the rotation of the daemon token ended by a fault");
        }
        // Before the record is free: whoever takes it next writes its own.
        token.remove();
    }
    server.close().await;
    ended
}

/// For `HttpServer::on_connect`: bounds what a dead peer holds, and keeps a connection's last request the last.
pub fn on_connect(io: &dyn Any, connection: &mut Extensions) {
    live::on_connect(io, connection);
    closing::begin(connection);
}

/// The daemon token, where there is to be one.
fn prepare_daemon_token(config: &Config) -> Result<Option<Arc<DaemonToken>>, StartError> {
    if !config.accounts.daemon_token {
        return Ok(None);
    }
    let path = config.store.data_dir.join("run").join("daemon_token");
    Ok(Some(Arc::new(DaemonToken::prepare(path)?)))
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

/// Waits for a signal and stops the HTTP side in order, or for the server to end by itself, or for the record to be found
/// another one: then what this process has in memory is of a past that is no more, and all of it goes with the process.
async fn wait_for_the_end(
    mut running: JoinHandle<std::io::Result<()>>,
    handle: &actix_web::dev::ServerHandle,
    server: &Server,
) -> Result<(), StartError> {
    let ended = tokio::select! {
        signal = asked_to_stop() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
        reason = server.departed() => {
            tracing::error!(reason, "stopping");
            Err(StartError::Departed(reason))
        }
        ended = &mut running => {
            let source = match ended {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(error) => std::io::Error::other(error),
            };
            return Err(StartError::Serve(source));
        }
    };
    server.send_away();
    handle.stop(true).await;
    ended
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
