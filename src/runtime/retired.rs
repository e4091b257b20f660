//! Drops, once the node serves, what is left of read models that were replaced: of a large one that takes minutes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::runtime::reads::Reads;

/// After the database could not.
const PAUSE: Duration = Duration::from_secs(60);

/// How often it is looked for what a command left that was killed.
const LOOK_INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs until `stop` turns true.
pub async fn run(reads: Arc<Reads>, mut stop: watch::Receiver<bool>) {
    let dropping = async {
        loop {
            let pause = match reads.store().drop_retired().await {
                Ok(()) => LOOK_INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "what is left of earlier read models cannot be dropped yet");
                    PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    };
    tokio::select! {
        () = dropping => {}
        // Whoever would stop the node is gone with it.
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
}
