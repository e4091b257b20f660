//! Attacks on what exists: bodies, headers and raw connections, tokens and codes, logs. Each test bears the id of the
//! catalogue's entry (C codes, H headers, I transport, K logs and secrets).

mod bodies;
mod fuzz;
mod logs;
mod raw;
mod tokens;
mod transport;
