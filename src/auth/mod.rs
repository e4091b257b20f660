//! Credentials: how they are made, written and compared. Knows no HTTP.
//!
//! [`tokens`] are founder sessions and agent tokens; [`codes`] are one-time codes. Only hashes and keyed digests of
//! either are ever stored.

pub mod codes;
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
