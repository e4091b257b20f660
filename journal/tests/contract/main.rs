//! The journal's promises, proved on both engines by the same tests.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panic")]

mod appending;
mod claiming;
mod dedupe_keys;
mod fairness;
mod faults;
mod histories;
mod interposed;
mod nodes;
mod older_stores;
mod outages;
mod refusing;
mod silence;
mod suitable;
mod support;
mod tampering;
mod writing;
