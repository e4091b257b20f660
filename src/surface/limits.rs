//! Sliding windows over requests (spec/metrics.md section 12): in memory, one set a node, bounded in keys. A refused
//! request is not counted.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::config::Limit;

/// Keys a limiter remembers; the least recently used go first (accounts-and-offers.md section 3.12).
const KEYS_MAX: usize = 100_000;

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
    /// Failed sign-ins with a password, by client prefix.
    LoginAddress,
    /// Failed changes of a password, by client prefix.
    PasswordAddress,
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

/// All windows of a node.
pub struct Windows {
    hits: Mutex<LruCache<(Window, String), VecDeque<Instant>>>,
    /// Attempts that are being judged, by what counts them.
    judged: Mutex<HashMap<(Window, String), usize>>,
    settled: Notify,
}

/// An attempt that is being judged: it takes the place that its failure would take, until it is settled.
pub struct Entry<'w> {
    windows: &'w Windows,
    key: (Window, String),
}

impl Entry<'_> {
    /// The attempt failed, and counts.
    pub fn failed(self) {
        self.windows.hits.lock().get_or_insert_mut(self.key.clone(), VecDeque::new).push_back(Instant::now());
    }

    /// The attempt succeeded, and what failed before it is forgiven.
    pub fn succeeded(self) {
        self.windows.hits.lock().pop(&self.key);
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut judged = self.windows.judged.lock();
        if let Some(count) = judged.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                judged.remove(&self.key);
            }
        }
        drop(judged);
        self.windows.settled.notify_waiters();
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            hits: Mutex::new(LruCache::new(NonZeroUsize::new(KEYS_MAX).unwrap_or(NonZeroUsize::MIN))),
            judged: Mutex::default(),
            settled: Notify::new(),
        }
    }
}

impl Windows {
    /// Counts a request, or says after how many seconds the next one passes.
    ///
    /// # Errors
    /// Seconds until the oldest hit leaves the window, rounded up.
    pub fn hit(&self, window: Window, key: &str, limit: Option<Limit>, now: Instant) -> Result<(), u64> {
        let Some(limit) = limit else { return Ok(()) };
        let mut hits = self.hits.lock();
        let hits = hits.get_or_insert_mut((window, key.to_owned()), VecDeque::new);
        refuse_when_full(hits, limit, now)?;
        hits.push_back(now);
        Ok(())
    }

    /// Lets an attempt be judged whose failure would count. Never are more judged at once than may still fail, so
    /// that many at once get no more guesses than one after the other; who is one too many waits for those before.
    ///
    /// # Errors
    /// As [`Windows::hit`].
    pub async fn enter(&self, window: Window, key: &str, limit: Option<Limit>) -> Result<Entry<'_>, u64> {
        let key = (window, key.to_owned());
        loop {
            let settled = self.settled.notified();
            if let Some(entry) = self.try_enter(&key, limit)? {
                return Ok(entry);
            }
            settled.await;
        }
    }

    fn try_enter(&self, key: &(Window, String), limit: Option<Limit>) -> Result<Option<Entry<'_>>, u64> {
        let mut judged = self.judged.lock();
        let waiting = judged.get(key).copied().unwrap_or(0);
        if let Some(limit) = limit {
            let mut hits = self.hits.lock();
            let failed = match hits.get_mut(key) {
                Some(hits) => {
                    refuse_when_full(hits, limit, Instant::now())?;
                    hits.len()
                }
                None => 0,
            };
            if usize::try_from(limit.count).is_ok_and(|count| failed + waiting >= count) {
                return Ok(None);
            }
        }
        *judged.entry(key.clone()).or_default() += 1;
        Ok(Some(Entry { windows: self, key: key.clone() }))
    }

    /// Whether a request would pass, without counting it.
    ///
    /// # Errors
    /// As [`Windows::hit`].
    pub fn check(&self, window: Window, key: &str, limit: Option<Limit>, now: Instant) -> Result<(), u64> {
        let Some(limit) = limit else { return Ok(()) };
        let mut hits = self.hits.lock();
        hits.get_mut(&(window, key.to_owned())).map_or(Ok(()), |hits| refuse_when_full(hits, limit, now))
    }
}

fn refuse_when_full(hits: &mut VecDeque<Instant>, limit: Limit, now: Instant) -> Result<(), u64> {
    // A hit exactly at the edge is gone.
    while hits.front().is_some_and(|oldest| now.duration_since(*oldest) >= limit.window) {
        hits.pop_front();
    }
    let full = usize::try_from(limit.count).is_ok_and(|count| hits.len() >= count);
    match hits.front() {
        Some(oldest) if full => Err(seconds_up(limit.window.saturating_sub(now.duration_since(*oldest)))),
        None if full => Err(seconds_up(limit.window)),
        Some(_) | None => Ok(()),
    }
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// The prefix a client is counted by: an IPv4 address, or the /64 of an IPv6 one. Addresses of IPv4 in IPv6 form are
/// IPv4.
#[must_use]
pub fn client_prefix(client: Option<IpAddr>) -> String {
    match client.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_of_three_waits_until_the_first_leaves() {
        let windows = Windows::default();
        let limit = Some(Limit::new(3, 10));
        let start = Instant::now();
        for second in 0..3 {
            let now = start + Duration::from_secs(second);
            assert_eq!(windows.hit(Window::Reads, "a", limit, now), Ok(()));
        }
        assert_eq!(windows.hit(Window::Reads, "a", limit, start + Duration::from_millis(4_500)), Err(6));
        assert_eq!(windows.hit(Window::Reads, "b", limit, start), Ok(()));
        assert_eq!(windows.hit(Window::Reads, "a", limit, start + Duration::from_secs(10)), Ok(()));
        assert_eq!(windows.hit(Window::Reads, "a", None, start), Ok(()));
    }

    #[test]
    fn one_client_is_one_prefix() {
        let prefix = |text: &str| client_prefix(text.parse().ok());
        assert_eq!(prefix("2001:db8:1:2:3::1"), prefix("2001:db8:1:2:ffff::9"));
        assert_ne!(prefix("2001:db8:1:2::1"), prefix("2001:db8:1:3::1"));
        assert_eq!(prefix("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
