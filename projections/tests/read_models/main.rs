//! The read models on both engines: what events make of rows, what a checkpoint refuses, and that a rebuilt model
//! equals the live one.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod company;
mod dropping;
mod harness;
mod history;
mod long_lists;
mod metrics;
mod people;
mod properties;
mod rebuild;
mod shown;
mod store;
