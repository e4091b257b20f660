//! Development or production. The development value is a witness: what is only allowed there takes it as proof.

use std::net::SocketAddr;

use super::reader::Reader;

/// What kind of installation this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine: one-time codes may be echoed, keys are made when they are missing.
    Development(Development),
    /// Everything else.
    Production,
}

/// Proof that the configuration is a development one. Nothing outside this file can make it, so a function that
/// asks for it cannot run in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Development(());

impl Environment {
    pub(super) fn development() -> Self {
        Self::Development(Development(()))
    }

    /// `env`; where it is not set, development on a loopback address and production on any other.
    pub(super) fn read(reader: &mut Reader, listen: SocketAddr) -> Self {
        let default = if listen.ip().is_loopback() { "development" } else { "production" };
        let word = reader.one_of("env", &["development", "production"], default);
        if word == "production" { Self::Production } else { Self::development() }
    }

    /// The word of `/health` and of the setting.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Development(_) => "development",
            Self::Production => "production",
        }
    }

    /// Whether production's rules hold.
    #[must_use]
    pub const fn is_production(&self) -> bool {
        matches!(self, Self::Production)
    }
}
