//! The durable subscription that has due alerts raised (spec/metrics.md section 7.1).
//!
//! Which alerts are due is part of a metric's state: the rule ran when the point was folded, as of that point. So
//! this policy only asks each metric that got points to raise what is due; asking twice, late, or again after a
//! crash raises nothing twice. It never holds up a write.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use muniment_aggregates::metric::{Metric, MetricCommand, MetricRefusal, RaiseDue};
use muniment_aggregates::record::Position;
use tokio::sync::watch;

use super::unreadable::pass_over;
use crate::runtime::leadership::Leadership;
use crate::runtime::limits::PAGE_EVENTS;
use crate::runtime::{BusError, Origin, Runtime};

/// Name of the subscription, and of the component that raises alerts.
pub const NAME: &str = "alert-evaluator";

/// Metrics asked at the same time. Bounded, so that a burst of points does not fill the journal's queue.
const ASKED_AT_ONCE: usize = 64;

/// How long it rests after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// How often it looks when nothing wakes it.
const IDLE_INTERVAL: Duration = Duration::from_millis(500);

/// Runs until `stop` turns true. `pause` is nothing in production; tests hold the evaluator back with it.
pub async fn run(runtime: Arc<Runtime>, mut leadership: Leadership, pause: Duration, mut stop: watch::Receiver<bool>) {
    let mut head = runtime.journal.watch_head();
    let mut reached: Option<Position> = None;
    while !*stop.borrow() {
        if !leadership.holds().await {
            // The other node's progress is in the checkpoint; read it again when this node takes over.
            reached = None;
        } else if runtime.journal.head() > reached.unwrap_or_default() || reached.is_none() {
            tokio::time::sleep(pause).await;
            match step(&runtime, reached).await {
                Ok(position) if Some(position) != reached => {
                    reached = Some(position);
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "alerts cannot be evaluated at present");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        tokio::select! {
            changed = head.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(IDLE_INTERVAL) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn step(runtime: &Runtime, reached: Option<Position>) -> anyhow::Result<Position> {
    let store = runtime.reads.store();
    let from = match reached {
        Some(position) => position,
        None => store.subscription(NAME).await?.unwrap_or_default(),
    };
    let page = runtime.journal.read(from, PAGE_EVENTS).await?;
    let Some(last) = page.last() else { return Ok(from) };
    let mut metrics: HashMap<String, Position> = HashMap::new();
    for event in page.iter().filter(|event| &*event.event_type == "metric.point_recorded") {
        metrics.insert(event.stream.id.to_string(), event.position);
    }
    let asked: Vec<_> = stream::iter(metrics)
        .map(async |(metric, cause)| {
            let asked = raise_due(runtime, &metric, cause).await;
            pass_over(NAME, &metric, asked)
        })
        .buffer_unordered(ASKED_AT_ONCE)
        .collect()
        .await;
    asked.into_iter().collect::<Result<(), _>>()?;
    store.save_subscription(NAME, last.position).await?;
    Ok(last.position)
}

async fn raise_due(runtime: &Runtime, metric: &str, cause: Position) -> Result<(), BusError<MetricRefusal>> {
    let origin = Origin::system(NAME, "raise_due", Some(cause));
    loop {
        // One command raises a bounded number; what is left waits in the state for the next.
        let done = runtime.bus.execute::<Metric>(metric, MetricCommand::RaiseDue(RaiseDue {}), &origin).await?;
        if done.position.is_none() {
            return Ok(());
        }
    }
}
