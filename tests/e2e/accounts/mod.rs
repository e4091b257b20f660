//! Accounts and consent as their callers see them (spec/accounts-and-offers.md section 11).

mod api_tokens;
mod bootstrap;
mod daemon;
mod invites;
mod login;
mod password;
mod session;
mod signup;
