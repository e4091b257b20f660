//! What reacts to the record by sending commands or messages, like any other caller: never from a projection,
//! never with a second copy of a rule.
//!
//! [`alert_evaluator`] has due alerts raised; [`late_checker`] looks for metrics whose points stay away;
//! [`scheduler`] ticks; [`mail`] sends what lies in the outbox as [`letters`]; [`cleanup`] sweeps what ran out;
//! [`audit_drift`] counts rows of the audit that are not as registered.

pub mod alert_evaluator;
pub mod audit_drift;
pub mod cleanup;
#[cfg(test)]
mod hurt;
pub mod late_checker;
pub mod letters;
pub mod mail;
mod mail_folder;
pub mod scheduler;
mod unreadable;
