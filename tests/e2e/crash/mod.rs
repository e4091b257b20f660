//! `kill -9`, of the server and of PostgreSQL, under 64 writers: what was acknowledged is there once, positions are
//! contiguous, the chain verifies, read models equal a rebuild (MET-050, 092). Short by default; 50 rounds and more
//! with `MUNIMENT_TORTURE=full`.

mod away;
mod database;
mod ledger;
mod lost_commits;
mod server;

pub(crate) use ledger::{contiguous, verifies};
