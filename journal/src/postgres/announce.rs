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

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;
    use std::time::Instant;

    use muniment_testkit::Cluster;

    use super::*;

    /// Longer than anything takes that comes to an end.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn database() -> PgConnectOptions {
        PgConnectOptions::from_str(&Cluster::shared().fresh_database()).expect("an address")
    }

    /// Looking at the head would find out as well, and hide that nobody was told.
    #[tokio::test]
    async fn a_node_is_told_of_other_heads_without_a_look_and_not_of_its_own() {
        let options = database();
        let listener = Listener::new(PgPool::connect_lazy_with(options.clone()));
        let announcer = Announcer::start(options);
        listener.ignore_through(Position(4));
        let told = async {
            // What is said before anybody listens is lost.
            for head in 1.. {
                announcer.announce(Position(head));
                tokio::time::sleep(Duration::from_millis(2 * ANNOUNCE_MILLISECONDS_MIN)).await;
            }
        };
        tokio::select! {
            heard = tokio::time::timeout(PATIENCE, listener.heard()) => heard.expect("it is told"),
            () = told => {}
        }
        assert!(announcer.0.head.load(Ordering::Acquire) > 4, "it was woken by what it knows");
    }

    /// The other half: where nobody is told, a look comes all the same.
    #[tokio::test]
    async fn a_node_that_cannot_listen_looks_now_and_then() {
        let nowhere = PgConnectOptions::new().host("127.0.0.1").port(1);
        let listener = Listener::new(PgPool::connect_lazy_with(nowhere));
        for _ in 0..3 {
            tokio::time::timeout(PATIENCE, listener.changed()).await.expect("it looks");
        }
    }

    /// NOTIFY takes a lock of the whole cluster.
    #[tokio::test]
    async fn heads_that_follow_each_other_fast_are_told_of_together() {
        const HEADS: u64 = 300;
        let options = database();
        let pool = PgPool::connect_lazy_with(options.clone());
        let mut listener = PgListener::connect_with(&pool).await.expect("it connects");
        listener.listen(CHANNEL).await.expect("it listens");
        let announcer = Announcer::start(options);
        let begun = Instant::now();
        for head in 1..=HEADS {
            announcer.announce(Position(head));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut notices = 0;
        let told = async {
            loop {
                let notice = listener.recv().await.expect("the connection holds");
                notices += 1;
                if notice.payload() == HEADS.to_string() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the last one is told of");
        let most = begun.elapsed().as_millis() / u128::from(ANNOUNCE_MILLISECONDS_MIN) + 1;
        assert!(notices <= most, "{notices} notices where {most} are the most");
    }
}
