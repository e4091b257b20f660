//! What tests need from the machine: a private PostgreSQL ([`Cluster`]), free ports ([`free_port`]) and the certainty
//! that nothing stays behind when a test process dies ([`Guard`]); also a server that falls silent ([`SilentWay`]). Blocking, for use from any kind of test.
//!
//! ```no_run
//! let url = muniment_testkit::Cluster::shared().fresh_database(); // postgres://muniment@127.0.0.1:20123/t_4711_1
//! ```

#![expect(clippy::expect_used, reason = "a machine that lacks what tests need fails them")]

mod cluster;
mod guard;
mod ports;
mod silence;

pub use cluster::{Cluster, ScratchDatabase};
pub use guard::{End, Guard};
pub use ports::free_port;
pub use silence::SilentWay;
