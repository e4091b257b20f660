//! Given/when/then over the scheduler.

use super::*;
use crate::specification::{at, given};

#[test]
fn two_ticks_are_never_closer_than_the_interval() {
    let tick = Tick { interval_seconds: 1_800 };
    let scheduler = given::<Scheduler>(&[]).and(tick.clone());
    let early = scheduler.clone().at(1_799).when(tick.clone());
    assert_eq!(early.0, Err(SchedulerRefusal::NotDue { due_at: at(1_800) }));
    scheduler.clone().at(1_799).when(tick.clone()).then_refused("tick_not_due");
    let late = scheduler.at(10_000);
    assert_eq!(late.when(tick.clone()).events().len(), 1, "a missed tick is not made up");
    late.and(tick.clone()).when(tick).then_refused("tick_not_due");
}

#[test]
fn a_tick_of_a_clock_that_was_a_day_ahead_keeps_no_tick_from_passing() {
    let tick = Tick { interval_seconds: 1_800 };
    let scheduler = given::<Scheduler>(&[]).at(86_400).and(tick.clone());
    scheduler.clone().at(86_400 - 1_800).when(tick.clone()).then_refused("tick_not_due");
    assert_eq!(scheduler.at(0).when(tick).events().len(), 1);
}
