//! Drops, once the node serves, what is left of read models that were replaced: of a large one that takes minutes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::runtime::reads::Reads;

/// After the database could not.
const PAUSE: Duration = Duration::from_secs(60);

/// Runs until all is dropped, or `stop` turns true.
pub async fn run(reads: Arc<Reads>, mut stop: watch::Receiver<bool>) {
    let dropped = async {
        while let Err(error) = reads.store().drop_retired().await {
            tracing::warn!(%error, "what is left of earlier read models cannot be dropped yet");
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = dropped => {}
        // Whoever would stop the node is gone with it.
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
}
