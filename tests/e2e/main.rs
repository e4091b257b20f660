//! The built program, seen from outside: one test binary, a module a resource, each test on both engines.
//!
//! A test bears the id of the specification's checklist that it proves and is named as a sentence.
//! `MUNIMENT_TORTURE=full` gives the crash and race proofs their full length (`cargo xtask torture`).

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

#[macro_use]
mod harness;

mod accounts;
mod alerts;
mod alerts_record;
mod alerts_replayed;
mod applications;
mod attacks;
mod bad_days;
mod bounds;
mod cli;
mod cli_companies;
mod cli_contexts;
mod cli_errors;
mod cli_global;
mod cli_lists;
mod cli_tree;
mod cli_unread;
mod cli_wire;
mod client_sequence;
mod crash;
mod credentials;
mod declared;
mod doors;
mod email_code;
mod email_code_steps;
mod equality;
mod erase;
mod erase_cut_short;
mod examples;
mod figures;
mod idempotency;
mod idle_actors;
mod interrupted;
mod left_alone;
mod limits;
mod live;
mod lost_events;
mod mail;
mod meanwhile;
mod metrics;
mod odd_input;
mod older;
mod points;
mod races;
mod real_data;
mod recorded_answers;
mod recounted;
mod refused;
mod restored;
mod revealed;
mod review;
mod rotate_master;
mod schedule;
mod second_node;
mod starved;
mod stopped_model;
mod suites;
mod surface;
mod tamper;
mod token_prefix;
mod tokens;
mod tokens_check;
mod told_to_end;
#[cfg(feature = "otel")]
mod traces;
mod why;
