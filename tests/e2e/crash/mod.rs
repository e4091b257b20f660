//! `kill -9`, of the server and of PostgreSQL, under 64 writers. After every restart: what was acknowledged is there
//! once, positions are contiguous, the chain verifies, read models equal a rebuild, and whoever watched goes on from the
//! cursors of before without a gap (MET-050, 092). Short by default; 50 rounds and more with `MUNIMENT_TORTURE=full`.

mod away;
mod database;
mod kills;
mod ledger;
mod lost_commits;
mod server;
mod watch;

pub(crate) use ledger::{contiguous, verifies};
