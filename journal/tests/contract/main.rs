//! The journal's promises, proved on both engines by the same tests.

mod appending;
mod claiming;
mod nodes;
mod outages;
mod refusing;
mod support;
mod tampering;
