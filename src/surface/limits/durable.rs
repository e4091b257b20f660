//! Windows that all nodes share and that outlive a restart. A key is one row, changed by compare-and-set: what passes is
//! decided on what every node has counted. Neither address nor name is stored, only a keyed digest of them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::ids::AccountId;
use muniment_journal::KeyRing;
use muniment_projections::{ReadStore, SqlError, request_windows};
use tokio::sync::Notify;

use super::queues::Queues;
use super::{Limited, Window, seconds_up, sign_in_key};
use crate::config::Limit;
use crate::runtime::{Clock, Runtime};

/// An attempt that was not settled for so long never will be: its node is gone.
const JUDGED_SECONDS_MAX: i64 = 60;
/// Attempts that may wait under one key; who comes then is refused.
const WAITING_MAX: usize = 1_024;
/// How long an attempt that waits for those before it rests between two looks, where they are on other nodes.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What counts under one key, in microseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counted {
    hits: Vec<i64>,
    /// Attempts that are being judged: each takes the place that its failure would take.
    judged: Vec<i64>,
}

impl Counted {
    /// `hits;judged`, each with commas; nothing counts where nothing was found.
    ///
    /// # Errors
    /// Where it is of another form: what was counted there cannot be told, so it is not taken for nothing.
    fn read(found: Option<&str>) -> Result<Self, Limited> {
        let Some(text) = found else { return Ok(Self::default()) };
        let numbers = |part: &str| -> Option<Vec<i64>> {
            if part.is_empty() {
                return Some(Vec::new());
            }
            part.split(',').map(|number| number.parse().ok()).collect()
        };
        let counted = text
            .split_once(';')
            .and_then(|(hits, judged)| Some(Self { hits: numbers(hits)?, judged: numbers(judged)? }));
        counted.ok_or(Limited::Unreadable)
    }

    fn write(&self) -> String {
        let joined = |numbers: &[i64]| numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        format!("{};{}", joined(&self.hits), joined(&self.judged))
    }

    /// Drops what no longer counts. A hit exactly at the edge is gone. One that is still to come was counted by a clock
    /// that was ahead: it counts as one of now, lest it keep somebody out until then.
    fn forget(&mut self, window: Duration, now: DateTime<Utc>) {
        let (edge, now_micros) = (micros_before(now, window), now.timestamp_micros());
        self.hits.retain(|hit| *hit > edge);
        self.hits.iter_mut().for_each(|hit| *hit = (*hit).min(now_micros));
        let judged_max = Duration::from_secs(JUDGED_SECONDS_MAX.unsigned_abs());
        let (lost, ahead) = (micros_before(now, judged_max), now_micros.saturating_add(micros(judged_max)));
        self.judged.retain(|at| *at > lost && *at < ahead);
    }

    /// # Errors
    /// Seconds until the oldest hit leaves the window, rounded up, where the window is full.
    fn refuse_when_full(&self, limit: Limit, now: DateTime<Utc>) -> Result<(), u64> {
        if usize::try_from(limit.count).is_ok_and(|count| self.hits.len() < count) {
            return Ok(());
        }
        let waited = self.hits.first().map_or(0, |oldest| now.timestamp_micros() - oldest);
        let waited = Duration::from_micros(u64::try_from(waited).unwrap_or(0));
        Err(seconds_up(limit.window.saturating_sub(waited)))
    }

    fn settle(&mut self, judged: i64) {
        if let Some(index) = self.judged.iter().position(|at| *at == judged) {
            self.judged.remove(index);
        }
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn micros_before(now: DateTime<Utc>, span: Duration) -> i64 {
    now.timestamp_micros().saturating_sub(micros(span))
}

/// The shared windows.
pub(super) struct Durable {
    store: ReadStore,
    keys: KeyRing,
    clock: Clock,
    /// Callers of this node take turns at a key, so that only other nodes are ever in the way.
    turns: Queues,
    /// Attempts that wait for a place under a key, of which only the first looks whether there is one.
    waiting: Queues,
    settled: Notify,
}

/// An attempt that is being judged. One that is dropped unsettled counts for nothing.
pub struct Entry<'w> {
    durable: &'w Durable,
    place: Option<Place>,
}

struct Place {
    key: String,
    limit: Limit,
    judged: i64,
}

impl Entry<'_> {
    /// The attempt counts, where what is counted is no failure.
    ///
    /// # Errors
    /// When it cannot be counted.
    pub async fn counts(mut self) -> Result<(), Limited> {
        self.settle(|counted, now| counted.hits.push(now)).await
    }

    /// The attempt failed, and counts.
    ///
    /// # Errors
    /// When it cannot be counted.
    pub async fn failed(self) -> Result<(), Limited> {
        self.counts().await
    }

    /// The attempt succeeded, and what failed before it is forgiven. It is recorded already: where the forgiving cannot be
    /// written, the log says so and the answer stays what it is.
    pub async fn succeeded(mut self) {
        if let Err(error) = self.settle(|counted, _| counted.hits.clear()).await {
            tracing::warn!(%error, "the failures before a success still count");
        }
    }

    async fn settle(&mut self, change: impl Fn(&mut Counted, i64)) -> Result<(), Limited> {
        let Some(Place { key, limit, judged }) = &self.place else { return Ok(()) };
        self.durable
            .change(key, *limit, |counted, now| {
                counted.settle(*judged);
                change(counted, now.timestamp_micros());
            })
            .await?;
        // Not before: whoever drops this on the way gives the place back.
        self.place = None;
        self.durable.settled.notify_waiters();
        Ok(())
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let Some(Place { key, limit, judged }) = self.place.take() else { return };
        // Nobody waits for it, and where it is lost, or the runtime is ending, its place is free after a while.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let shared = self.durable.share();
        runtime.spawn(async move {
            if let Err(error) = shared.change(&key, limit, |counted, _| counted.settle(judged)).await {
                tracing::warn!(%error, "an attempt keeps its place for a while");
            }
        });
        self.durable.settled.notify_waiters();
    }
}

impl Durable {
    pub(super) fn new(runtime: &Runtime) -> Self {
        Self {
            store: runtime.reads.store().clone(),
            keys: runtime.journal.keyring().clone(),
            clock: runtime.clock.clone(),
            turns: Queues::default(),
            waiting: Queues::default(),
            settled: Notify::new(),
        }
    }

    /// The same windows without the queues.
    fn share(&self) -> Self {
        Self {
            store: self.store.clone(),
            keys: self.keys.clone(),
            clock: self.clock.clone(),
            turns: Queues::default(),
            waiting: Queues::default(),
            settled: Notify::new(),
        }
    }

    fn key(&self, window: Window, key: &str) -> String {
        stored_key(&self.keys, window, key)
    }

    pub(super) async fn hit(&self, window: Window, key: &str, limit: Limit) -> Result<(), Limited> {
        let key = self.key(window, key);
        let outcome = self.change(&key, limit, |counted, now| {
            counted.refuse_when_full(limit, now)?;
            counted.hits.push(now.timestamp_micros());
            Ok(())
        });
        outcome.await?.map_err(Limited::TooMany)
    }

    pub(super) async fn check(&self, window: Window, key: &str, limit: Limit) -> Result<(), Limited> {
        let found = request_windows::find(&self.store, &self.key(window, key)).await?;
        let (mut counted, now) = (Counted::read(found.as_deref())?, self.clock.now());
        counted.forget(limit.window, now);
        counted.refuse_when_full(limit, now).map_err(Limited::TooMany)
    }

    pub(super) async fn enter(&self, window: Window, key: &str, limit: Option<Limit>) -> Result<Entry<'_>, Limited> {
        let Some(limit) = limit else { return Ok(Entry { durable: self, place: None }) };
        let key = self.key(window, key);
        let queue = self.waiting.join(&key);
        if queue.callers() > WAITING_MAX {
            return Err(Limited::TooMany(1));
        }
        let _first = queue.turn().await;
        loop {
            let settled = self.settled.notified();
            let judged = self.change(&key, limit, |counted, now| {
                counted.refuse_when_full(limit, now)?;
                let taken = counted.hits.len() + counted.judged.len();
                let is_free = usize::try_from(limit.count).is_ok_and(|count| taken < count);
                // Two at one microsecond must be two.
                let at = counted.judged.iter().max().map_or(i64::MIN, |last| last + 1).max(now.timestamp_micros());
                if is_free {
                    counted.judged.push(at);
                }
                Ok(is_free.then_some(at))
            });
            if let Some(judged) = judged.await?.map_err(Limited::TooMany)? {
                let place = Place { key: key.clone(), limit, judged };
                return Ok(Entry { durable: self, place: Some(place) });
            }
            // Those before may be on another node, which wakes nobody here.
            drop(tokio::time::timeout(LOOK_AGAIN, settled).await);
        }
    }

    /// Changes what is counted under a key, as if nobody else did meanwhile.
    async fn change<T>(
        &self,
        key: &str,
        limit: Limit,
        change: impl Fn(&mut Counted, DateTime<Utc>) -> T,
    ) -> Result<T, Limited> {
        let place = self.turns.join(key);
        let _held = place.turn().await;
        self.change_alone(key, limit, change).await
    }

    async fn change_alone<T>(
        &self,
        key: &str,
        limit: Limit,
        change: impl Fn(&mut Counted, DateTime<Utc>) -> T,
    ) -> Result<T, Limited> {
        loop {
            let found = request_windows::find(&self.store, key).await?;
            let now = self.clock.now();
            let mut counted = Counted::read(found.as_deref())?;
            // What is forgotten is written also by who is refused: the window of a hit that was still to come begins now.
            let before = counted.clone();
            counted.forget(limit.window, now);
            let outcome = change(&mut counted, now);
            if counted == before {
                return Ok(outcome);
            }
            let lasts = TimeDelta::from_std(limit.window).unwrap_or(TimeDelta::MAX);
            let lasts = lasts.max(TimeDelta::seconds(JUDGED_SECONDS_MAX));
            let expires_at = now.checked_add_signed(lasts).unwrap_or(DateTime::<Utc>::MAX_UTC);
            let written = counted.write();
            if request_windows::replace(&self.store, key, found.as_deref(), &written, expires_at).await? {
                return Ok(outcome);
            }
        }
    }
}

fn stored_key(keys: &KeyRing, window: Window, key: &str) -> String {
    hex::encode(keys.mac("request-window", format!("{window:?}/{key}").as_bytes()))
}

/// Forgets the failures to sign in to an account; whether there were any.
///
/// # Errors
/// What the database says.
pub async fn forgive_sign_in(store: &ReadStore, keys: &KeyRing, account: &AccountId) -> Result<bool, SqlError> {
    request_windows::forget(store, &stored_key(keys, Window::LoginAccount, &sign_in_key(account))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_read_as_it_was_written() {
        for counted in [
            Counted::default(),
            Counted { hits: vec![1, 2], judged: vec![] },
            Counted { hits: vec![], judged: vec![3] },
            Counted { hits: vec![1], judged: vec![2, 3] },
        ] {
            assert_eq!(Counted::read(Some(&counted.write())).expect("it reads back"), counted);
        }
        assert_eq!(Counted::read(None).expect("nothing counts"), Counted::default());
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        for damaged in ["", "nonsense", "1,2", "1,x;", "1,;", ";2,y", "1;2;3"] {
            assert!(matches!(Counted::read(Some(damaged)), Err(Limited::Unreadable)), "{damaged}");
        }
    }

    #[test]
    fn what_a_clock_counted_that_was_ahead_counts_from_now_on() {
        let now = DateTime::from_timestamp_millis(1_000_000).expect("a time");
        let day = 86_400_000_000;
        let mut counted = Counted { hits: vec![999_999_999, day, 2 * day], judged: vec![1_000_000_001, day] };
        counted.forget(Duration::from_secs(10), now);
        assert_eq!(
            counted,
            Counted { hits: vec![999_999_999, 1_000_000_000, 1_000_000_000], judged: vec![1_000_000_001] }
        );
    }

    #[test]
    fn the_fourth_of_three_waits_until_the_first_leaves() {
        let limit = Limit::new(3, 10);
        let at = |milliseconds: i64| DateTime::from_timestamp_millis(milliseconds).expect("a time");
        let mut counted = Counted { hits: vec![0, 1_000_000, 2_000_000], judged: vec![] };
        assert_eq!(counted.refuse_when_full(limit, at(4_500)), Err(6));
        counted.forget(limit.window, at(10_000));
        assert_eq!((counted.refuse_when_full(limit, at(10_000)), counted.hits.len()), (Ok(()), 2));
    }
}
