//! Credentials: how they are made, written and compared. Knows no HTTP.
//!
//! [`tokens`] are founder sessions and agent tokens, [`codes`] one-time codes; [`passwords`], [`session_token`] with its
//! [`cookie`], [`api_token`] and [`daemon_token`] are of accounts; [`identifiers`] are names. Only hashes and keyed
//! digests of secrets are ever stored.

pub mod api_token;
pub mod codes;
pub mod common_passwords;
pub mod cookie;
pub mod daemon_token;
pub mod identifiers;
pub mod passwords;
pub mod session_token;
pub mod tokens;

/// Random bytes of the operating system.
///
/// # Errors
/// When the operating system has none to give.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
