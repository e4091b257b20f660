//! Which node does what only one node at a time should do: projecting, evaluating alerts, looking for late
//! metrics, the sweep of what ran out.
//!
//! Held by a database lock that ends with its holder's connection, so another node takes over by itself. It saves
//! work; correctness never rests on it.

use std::time::Duration;

use muniment_projections::ReadStore;
use muniment_sql::NodeLock;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often a node that does not hold the lock asks for it.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// How long a held lock is believed without asking its connection.
const BELIEVE: Duration = Duration::from_secs(2);

/// One node's share in one duty.
pub struct Leadership {
    store: ReadStore,
    duty: &'static str,
    lock: Option<NodeLock>,
    asked_at: Option<Instant>,
}

impl Leadership {
    /// A duty this node is ready to take.
    #[must_use]
    pub fn new(store: ReadStore, duty: &'static str) -> Self {
        Self { store, duty, lock: None, asked_at: None }
    }

    /// Whether this node has the duty now. Asks the database at most every second or two.
    pub async fn holds(&mut self) -> bool {
        let pause = if self.lock.is_some() { BELIEVE } else { ASK_INTERVAL };
        if self.asked_at.is_some_and(|at| at.elapsed() < pause) {
            return self.lock.is_some();
        }
        self.asked_at = Some(Instant::now());
        if let Some(lock) = &mut self.lock {
            if lock.is_held().await {
                return true;
            }
            tracing::warn!(duty = self.duty, "the lock of a duty was lost with its connection");
            self.lock = None;
        }
        match self.store.try_lock(self.duty).await {
            Ok(lock) => self.lock = lock,
            Err(error) => tracing::warn!(duty = self.duty, error = %error, "the lock of a duty cannot be asked for"),
        }
        self.lock.is_some()
    }

    /// Waits until it is time again for something that the holder does every `interval`; false when `stop` turned true.
    pub async fn turn(&mut self, interval: Duration, stop: &mut watch::Receiver<bool>) -> bool {
        loop {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                _ = stop.changed() => {}
            }
            if *stop.borrow() {
                return false;
            }
            if self.holds().await {
                return true;
            }
        }
    }
}
