//! Attacks on what exists: sign-in, sessions, browsers, bodies, headers and raw connections, tokens and codes, logs. Each
//! test bears the id of the catalogue's entry (A sign-in, B recovery, C codes, D sessions, F credentials, G rights,
//! H headers, I transport, K logs and secrets); docs/operate/attacks.md says where each entry is tested.

mod bodies;
mod browsers;
mod fuzz;
mod limits;
mod logs;
mod offers;
mod raw;
mod sessions;
mod sign_in;
mod store;
mod tokens;
mod transport;
