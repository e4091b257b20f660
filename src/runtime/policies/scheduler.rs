//! The tick: once an installation whatever the number of nodes (spec/metrics.md section 11). Every node asks; the
//! scheduler's stream refuses whoever comes too early.

use std::sync::Arc;
use std::time::Duration;

use muniment_aggregates::scheduler::{SCHEDULER_ID, Scheduler, SchedulerCommand, Tick};
use tokio::sync::watch;

use crate::runtime::{BusError, Origin, Runtime};

/// Runs until `stop` turns true; a tick missed while nothing ran is not made up.
pub async fn run(runtime: Arc<Runtime>, interval: Duration, mut stop: watch::Receiver<bool>) {
    // Asking more often than ticking keeps the phase when another node ticked last, or the clocks differ.
    let ask_interval = (interval / 10).clamp(Duration::from_millis(50), Duration::from_secs(10));
    loop {
        tokio::select! {
            () = tokio::time::sleep(ask_interval) => {}
            _ = stop.changed() => {}
        }
        if *stop.borrow() {
            return;
        }
        let command =
            SchedulerCommand::Tick(Tick { interval_seconds: u32::try_from(interval.as_secs()).unwrap_or(u32::MAX) });
        let origin = Origin::system("scheduler", "tick", None);
        match runtime.bus.execute::<Scheduler>(SCHEDULER_ID, command, &origin).await {
            Ok(_) | Err(BusError::Refused(_)) => {}
            Err(error) => tracing::warn!(error = %error, "the scheduler cannot tick at present"),
        }
    }
}
