//! Sockets that are about to be closed because of what was just recorded: the reply to the command that ended a right
//! waits for them, so that whoever reads the reply finds them closed (spec/accounts-and-offers.md section 8.8).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// How long a reply waits at most; a socket that takes longer reads nothing more all the same.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The closings of one node.
#[derive(Debug, Default)]
pub struct Closings {
    pending: AtomicUsize,
    done: Notify,
}

impl Closings {
    /// A socket will be closed.
    pub fn begin(&self) {
        self.pending.fetch_add(1, Ordering::AcqRel);
    }

    /// It is closed.
    pub fn end(&self) {
        self.pending.fetch_sub(1, Ordering::AcqRel);
        self.done.notify_waiters();
    }

    /// Waits until every socket that was to be closed is closed.
    pub async fn settle(&self) {
        let settled = async {
            loop {
                let done = self.done.notified();
                if self.pending.load(Ordering::Acquire) == 0 {
                    return;
                }
                done.await;
            }
        };
        if tokio::time::timeout(WAIT_MAX, settled).await.is_err() {
            tracing::warn!("a reply did not wait any longer for sockets to close");
        }
    }
}
