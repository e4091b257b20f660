//! The program `muniment`: a record of who may do what, who agreed to it, and what the numbers were.
//!
//! Reading order, from the inside out: [`runtime`] joins rules, journal and read models into actors;
//! [`surface`] holds the one table of methods and who may call them; [`http`], [`live`] and [`cli`] are thin
//! translations of it; [`app`] builds the parts and owns start and stop. ARCHITECTURE.md is the map.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod http;
pub mod live;
pub mod outbound;
pub mod runtime;
pub mod surface;
pub mod telemetry;
pub mod transport;

/// The journal, the actors and the answers make and drop many small values: with the C library's allocator a quarter of what
/// the program spends on an event is this (docs/decisions/0017).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
