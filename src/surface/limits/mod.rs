//! Sliding windows over requests (spec/metrics.md section 12, spec/accounts-and-offers.md section 3.12). A refused request is
//! not counted.
//!
//! What guards secrets, sign-up and consent is counted in a table that all nodes share and that outlives a restart
//! ([`durable`]); how much a credential reads and writes is counted by each node in memory ([`memory`]), for it happens at
//! every request.

mod durable;
mod memory;
mod queues;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use muniment_aggregates::ids::AccountId;
use muniment_projections::SqlError;

use self::durable::Durable;
pub use self::durable::{Entry, forgive_sign_in};
use self::memory::Memory;
pub(super) use self::queues::Queues;
use crate::config::Limit;
use crate::runtime::Runtime;
use crate::surface::client_address::ClientPrefix;

/// One kind of limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// Starts of a sign-in, by client prefix.
    OtpAddressStarts,
    /// Guesses of a sign-in, by client prefix.
    OtpAddressGuesses,
    /// Applications, by client prefix.
    ApplicationsAddress,
    /// Applications, by a digest of the founder's e-mail.
    ApplicationsEmail,
    /// Wrong signup secrets, by client prefix.
    SignupSecret,
    /// Unknown and wrong tokens, by client prefix.
    BadTokens,
    /// Writes, by token.
    MetricWrites,
    /// Reads, by token or session.
    Reads,
    /// Failed sign-ins and changes of a password, by client prefix.
    LoginAddress,
    /// Failed sign-ins and changes of a password, by account, or by the name given where there is none.
    LoginAccount,
    /// Failed sign-ups, by client prefix.
    SignupAddress,
    /// Failed sign-ups, by username.
    SignupAccount,
    /// Failed bootstraps, by client prefix.
    BootstrapAddress,
    /// Unknown and ended bearer tokens of `/api`, by client prefix.
    BearerAddress,
    /// Calls of limited methods, by account.
    ActionAccount,
}

impl Window {
    /// Whether each node counts it for itself.
    const fn is_of_the_node(self) -> bool {
        matches!(self, Self::MetricWrites | Self::Reads)
    }
}

/// Why a request does not pass.
#[derive(Debug, thiserror::Error)]
pub enum Limited {
    /// There were too many; the next one passes after so many seconds.
    #[error("too many requests; the next one passes in {0} s")]
    TooMany(u64),
    /// Nobody can tell how many there were, so none passes.
    #[error("requests cannot be counted")]
    Unknown(#[from] SqlError),
    /// What was counted is damaged, so none passes until its window has run out or an operator forgives it.
    #[error("what was counted in a request window cannot be read")]
    Unreadable,
}

/// All windows.
pub struct Windows {
    memory: Memory,
    durable: Durable,
}

impl Windows {
    /// The windows of an installation, seen from this node.
    #[must_use]
    pub fn new(runtime: &Runtime) -> Self {
        Self { memory: Memory::default(), durable: Durable::new(runtime) }
    }

    /// Counts a request, unless there were too many.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn hit(&self, window: Window, key: &str, limit: Option<Limit>) -> Result<(), Limited> {
        let Some(limit) = limit else { return Ok(()) };
        if window.is_of_the_node() {
            return self.memory.hit(window, key, limit, Instant::now()).map_err(Limited::TooMany);
        }
        self.durable.hit(window, key, limit).await
    }

    /// Whether a request would pass, without counting it. Of a window that all nodes share.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn check(&self, window: Window, key: &str, limit: Option<Limit>) -> Result<(), Limited> {
        debug_assert!(!window.is_of_the_node(), "{window:?} is counted in memory");
        let Some(limit) = limit else { return Ok(()) };
        self.durable.check(window, key, limit).await
    }

    /// Lets an attempt be judged whose failure, or success, would count. Never are more judged at once than may still
    /// count, so that many at once get no more than one after the other; who is one too many waits for those before.
    /// Whoever is judged must be judged to the end, whether or not its client stays (`http/detached.rs`). Of a window that
    /// all nodes share.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn enter(&self, window: Window, key: &str, limit: Option<Limit>) -> Result<Entry<'_>, Limited> {
        debug_assert!(!window.is_of_the_node(), "{window:?} is counted in memory");
        self.durable.enter(window, key, limit).await
    }
}

/// What failures to sign in to an account are counted by, whatever name was given.
#[must_use]
pub fn sign_in_key(account: &AccountId) -> String {
    format!("account:{account}")
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// What a client is counted by: the prefix of its address.
#[must_use]
pub fn client_prefix(client: Option<IpAddr>) -> String {
    client.map_or_else(|| "unknown".to_owned(), |address| ClientPrefix::of(address).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_one_prefix() {
        let prefix = |text: &str| client_prefix(text.parse().ok());
        assert_eq!(prefix("2001:db8:1:2:3::1"), prefix("2001:db8:1:2:ffff::9"));
        assert_ne!(prefix("2001:db8:1:2::1"), prefix("2001:db8:1:3::1"));
        assert_eq!(prefix("::ffff:192.0.2.1"), "192.0.2.1");
        // The windows of all nodes are kept under these texts.
        assert_eq!(prefix("2001:db8:0:2::1"), "2001:db8:0:2::/64");
        assert_eq!(prefix("2001:db8::1"), "2001:db8:0:0::/64");
        assert_eq!(client_prefix(None), "unknown");
    }
}
