//! Accounts and consent as their callers see them (spec/accounts-and-offers.md section 11).

mod admin;
mod api_tokens;
mod audit;
mod bootstrap;
mod daemon;
mod drift;
mod examples;
mod gates;
mod http;
mod invites;
mod limits;
mod login;
mod migrations;
mod offers;
mod password;
mod people;
mod races;
mod revocation;
mod revoke;
mod rpc;
mod session;
mod signup;
pub(crate) mod socket;
mod sockets;
mod stream;
mod surface;
mod timing;
