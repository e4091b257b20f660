//! The suites of spec/accounts-and-offers.md section 10: what they try is read from the server's own listing, so a new
//! method or route is tried without a word here, or fails until it says what it needs.

mod auth;
mod documents;
mod fuzz;
mod input;
mod listing;
mod operations;
mod parity;
mod requests;
mod round_trip;
mod snapshot;
