//! How nodes hear of each other's heads: NOTIFY at a bounded rate on a connection of its own, LISTEN, and a slow
//! look at the head in case both fail.
//!
//! NOTIFY takes a lock of the whole cluster at commit, so it never rides in the append's transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use muniment_aggregates::record::Position;
use muniment_sql::postgres::{set_up, within};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool};
use tokio::sync::{Mutex, Notify};

use crate::limits::{ANNOUNCE_MILLISECONDS_MIN, POLL_MILLISECONDS};

const CHANNEL: &str = "muniment_head";

/// An announcement that takes longer helps nobody.
const TELL_MAX: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Pending {
    head: AtomicU64,
    stopped: AtomicBool,
    wake: Notify,
}

/// Tells other nodes. Its task ends when it is dropped or stopped.
pub(super) struct Announcer(Arc<Pending>);

impl Announcer {
    pub(super) fn start(options: PgConnectOptions) -> Self {
        let pending = Arc::new(Pending::default());
        tokio::spawn(announce(options, Arc::clone(&pending)));
        Self(pending)
    }

    pub(super) fn announce(&self, head: Position) {
        self.0.head.store(head.0, Ordering::Release);
        self.0.wake.notify_one();
    }

    pub(super) fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        self.0.wake.notify_one();
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn announce(options: PgConnectOptions, pending: Arc<Pending>) {
    let mut connection: Option<PgConnection> = None;
    let mut told = 0;
    loop {
        pending.wake.notified().await;
        if pending.stopped.load(Ordering::Acquire) {
            return;
        }
        let head = pending.head.load(Ordering::Acquire);
        if head != told {
            match within(TELL_MAX, tell(&options, connection.take(), head)).await {
                Ok(open) => connection = Some(open),
                // The slow look of the other nodes finds it.
                Err(error) => tracing::debug!(%error, "the head was not announced"),
            }
            told = head;
        }
        tokio::time::sleep(Duration::from_millis(ANNOUNCE_MILLISECONDS_MIN)).await;
    }
}

async fn tell(
    options: &PgConnectOptions,
    connection: Option<PgConnection>,
    head: u64,
) -> Result<PgConnection, sqlx::Error> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => {
            let mut connection = options.connect().await?;
            // An announcement need not survive a crash, so it need not wait for the disk.
            set_up(&mut connection, "SET synchronous_commit = off").await?;
            connection
        }
    };
    sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(head.to_string()).execute(&mut connection).await?;
    Ok(connection)
}

/// Hears other nodes.
pub(super) struct Listener {
    pool: PgPool,
    listener: Mutex<Option<PgListener>>,
    /// Heads up to here are our own or known.
    known: AtomicU64,
    stopped: AtomicBool,
}

impl Listener {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, listener: Mutex::new(None), known: AtomicU64::new(0), stopped: AtomicBool::new(false) }
    }

    pub(super) fn ignore_through(&self, head: Position) {
        self.known.fetch_max(head.0, Ordering::AcqRel);
    }

    /// Resolves at a foreign announcement, or when it is time to look anyway.
    pub(super) async fn changed(&self) {
        let look = tokio::time::sleep(Duration::from_millis(POLL_MILLISECONDS));
        tokio::select! {
            () = self.heard() => {}
            () = look => {}
        }
    }

    async fn heard(&self) {
        let mut listener = self.listener.lock().await;
        if self.stopped.load(Ordering::Acquire) {
            return std::future::pending().await;
        }
        loop {
            if listener.is_none() {
                match self.listen().await {
                    Ok(open) => *listener = Some(open),
                    Err(error) => {
                        tracing::debug!(%error, "cannot listen for other nodes; looking at the head instead");
                        return std::future::pending().await;
                    }
                }
            }
            let Some(open) = listener.as_mut() else { continue };
            match open.recv().await {
                Ok(notice) => {
                    let head = notice.payload().parse().unwrap_or(u64::MAX);
                    if head > self.known.load(Ordering::Acquire) {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "lost the connection that listens for other nodes");
                    *listener = None;
                    return;
                }
            }
        }
    }

    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    /// Gives the connection back, so that the pool can close. Whoever listens holds the lock for one look at most.
    pub(super) async fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        *self.listener.lock().await = None;
    }
}
