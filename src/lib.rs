//! The program `muniment`: a record of who may do what, who agreed to it, and what the numbers were.

pub mod cli;
pub mod config;
pub mod telemetry;
