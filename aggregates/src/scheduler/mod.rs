//! The scheduler's one stream, `scheduler/main`: it lets one tick pass an interval, whatever the number of nodes.
//!
//! What it protects: two ticks are never closer than the interval; a tick missed while nothing ran is not made up.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decider::{Decider, DomainEvent, Facts, Refuse};

/// Id of the only stream.
pub const SCHEDULER_ID: &str = "main";

/// Lets a tick pass, unless the last one is younger than the interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Seconds between two ticks.
    pub interval_seconds: u32,
}

/// Everything the scheduler can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchedulerCommand {
    /// See [`Tick`].
    Tick(Tick),
}

from_each!(SchedulerCommand: Tick);

/// A tick passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticked {
    /// The interval in force.
    pub interval_seconds: u32,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to the scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerEvent {
    /// See [`Ticked`].
    Ticked(Ticked),
}

impl DomainEvent for SchedulerEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::Ticked(_) => "scheduler.ticked",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::Ticked(_) => "1.0",
        }
    }
}

/// Why the scheduler said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchedulerRefusal {
    /// The last tick is younger than the interval: another node had it.
    #[error("the next tick is due at {due_at}")]
    NotDue {
        /// When the next one is.
        due_at: DateTime<Utc>,
    },
}

impl Refuse for SchedulerRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::NotDue { .. } => "tick_not_due",
        }
    }
}

/// The state of the scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scheduler {
    last_tick_at: Option<DateTime<Utc>>,
}

impl Scheduler {
    /// When the last tick passed.
    #[must_use]
    pub fn last_tick_at(&self) -> Option<DateTime<Utc>> {
        self.last_tick_at
    }
}

impl Decider for Scheduler {
    const TYPE: &'static str = "scheduler";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = SchedulerCommand;
    type Event = SchedulerEvent;
    type Refusal = SchedulerRefusal;

    fn decide(&self, command: &SchedulerCommand, facts: &Facts) -> Result<Vec<SchedulerEvent>, SchedulerRefusal> {
        let SchedulerCommand::Tick(tick) = command;
        let interval = Duration::seconds(i64::from(tick.interval_seconds));
        // One that is further ahead than an interval was made by a clock that was wrong, and nothing would tick until then.
        match self.last_tick_at.filter(|last| *last - interval <= facts.now).map(|last| last + interval) {
            Some(due_at) if due_at > facts.now => Err(SchedulerRefusal::NotDue { due_at }),
            Some(_) | None => {
                Ok(vec![SchedulerEvent::Ticked(Ticked { interval_seconds: tick.interval_seconds, at: facts.now })])
            }
        }
    }

    fn evolve(&mut self, event: &SchedulerEvent) {
        let SchedulerEvent::Ticked(ticked) = event;
        self.last_tick_at = Some(ticked.at);
    }
}

#[cfg(test)]
mod tests;
