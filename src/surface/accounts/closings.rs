//! Sockets that are about to be closed because of what was just recorded: the reply to the command that ended a right
//! waits for them, so that whoever reads the reply finds them closed (spec/accounts-and-offers.md section 8.8).

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// How long a reply waits at most; a socket that takes longer reads nothing more all the same.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The closings of one node, by the correlation id of the command that caused them: no reply waits for another's.
#[derive(Debug, Default)]
pub struct Closings {
    pending: Mutex<HashMap<String, usize>>,
    done: Notify,
}

impl Closings {
    /// A socket will be closed because of a command.
    pub fn begin(&self, by: &str) {
        *self.pending.lock().entry(by.to_owned()).or_default() += 1;
    }

    /// It is closed.
    pub fn end(&self, by: &str) {
        let mut pending = self.pending.lock();
        if let Some(count) = pending.get_mut(by) {
            *count -= 1;
            if *count == 0 {
                pending.remove(by);
            }
        }
        drop(pending);
        self.done.notify_waiters();
    }

    /// Waits until every socket that was to be closed because of a command is closed.
    pub async fn settle(&self, by: &str) {
        let settled = async {
            loop {
                let done = self.done.notified();
                if !self.pending.lock().contains_key(by) {
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
