//! The sweep of what ran out (spec/accounts-and-offers.md section 8.7): sessions past their end are closed, and of
//! offers nobody accepted in time that is noted, soonest end first. What is no record goes for good: windows of requests that
//! are over, and when credentials were last used that ended.
//!
//! The read models only say whom to ask; whether anything ran out is the own decision of each session, account and book: what
//! another node extended meanwhile stays open, and a second sweep over the same state records nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use muniment_aggregates::account::{Account, ExpireSession};
use muniment_aggregates::ids::{AccountId, CredentialId};
use muniment_aggregates::offer_book::{LAPSES_NOTED_MAX, NoteLapsed, OfferBook, OfferBookCommand};
use muniment_aggregates::session::{Expire, Session};
use muniment_projections::sessions::SessionRow;
use muniment_projections::{ReadStore, last_used, offers, request_windows, sessions};
use tokio::sync::watch;

use crate::runtime::leadership::Leadership;
use crate::runtime::{CommandBus, Origin, Runtime};

/// Sessions, and accounts with offers, taken up in one sweep. What is left is taken up by the next.
const SWEPT_MAX: usize = 5_000;

/// Credentials whose last use is looked at in one sweep. Those of agents are kept for good, so all of them are ever more.
const LOOKED_AT_MAX: usize = 20_000;

/// What a sweep found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Sessions that were closed.
    pub expired_sessions: usize,
    /// Offers of which it was noted that they lapsed.
    pub expired_offers: usize,
    /// Sessions and books that could not be asked; they are asked again by the next sweep.
    pub failures: usize,
}

/// Runs until `stop` turns true.
pub async fn run(
    runtime: Arc<Runtime>,
    mut leadership: Leadership,
    interval: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut looked_at = None;
    while leadership.turn(interval, &mut stop).await {
        let mut swept = Swept::default();
        for failed in sweep_all(&runtime, &mut swept, &mut looked_at, &stop).await {
            tracing::error!(error = %failed, "what ran out cannot be swept at present");
        }
        tracing::info!(
            expired_sessions = swept.expired_sessions,
            expired_offers = swept.expired_offers,
            failures = swept.failures,
            "swept what ran out"
        );
    }
}

/// Each by itself: a read model that stands still, or a table that cannot be written, holds up only what it is asked for.
/// What could not be swept is returned. `looked_at` is the last credential whose use it looked at; the next sweep goes on
/// behind it.
async fn sweep_all(
    runtime: &Runtime,
    swept: &mut Swept,
    looked_at: &mut Option<CredentialId>,
    stop: &watch::Receiver<bool>,
) -> Vec<anyhow::Error> {
    let (store, now) = (runtime.reads.store(), || runtime.clock.now());
    let windows = request_windows::sweep(store, now()).await.map(drop).map_err(anyhow::Error::from);
    // From rows that lag behind, what the last sweep closed would be asked once more.
    let closed = async {
        runtime.reads.catch_up(&["sessions"]).await?;
        sweep_sessions(&runtime.bus, store, now(), stop, swept).await
    }
    .await;
    // The projector ends with the server, so nothing catches up any more.
    if *stop.borrow() {
        return Vec::new();
    }
    let noted = async {
        runtime.reads.catch_up(&["offers"]).await?;
        sweep_offers(&runtime.bus, store, now(), stop, swept).await
    }
    .await;
    let forgotten = async {
        *looked_at = last_used::forget_ended(store, looked_at.as_ref(), LOOKED_AT_MAX).await?;
        Ok(())
    }
    .await;
    [windows, closed, noted, forgotten].into_iter().filter_map(Result::err).collect()
}

/// Sweeps once, or as far as it has come when `stop` turns true. One that fails does not stop the rest.
///
/// # Errors
/// When the read models cannot be asked.
pub async fn sweep(
    bus: &CommandBus,
    store: &ReadStore,
    now: DateTime<Utc>,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<Swept> {
    let mut swept = Swept::default();
    sweep_sessions(bus, store, now, stop, &mut swept).await?;
    sweep_offers(bus, store, now, stop, &mut swept).await?;
    Ok(swept)
}

async fn sweep_sessions(
    bus: &CommandBus,
    store: &ReadStore,
    now: DateTime<Utc>,
    stop: &watch::Receiver<bool>,
    swept: &mut Swept,
) -> anyhow::Result<()> {
    for row in sessions::expired(store, now, SWEPT_MAX).await? {
        if *stop.borrow() {
            return Ok(());
        }
        match close(bus, &row).await {
            Ok(closed) => swept.expired_sessions += usize::from(closed),
            Err(error) => {
                swept.failures += 1;
                tracing::error!(session.id = %row.public_id, error = %error, "an expired session could not be closed");
            }
        }
    }
    Ok(())
}

async fn sweep_offers(
    bus: &CommandBus,
    store: &ReadStore,
    now: DateTime<Utc>,
    stop: &watch::Receiver<bool>,
    swept: &mut Swept,
) -> anyhow::Result<()> {
    for account in offers::lapsed(store, now, SWEPT_MAX).await? {
        if *stop.borrow() {
            return Ok(());
        }
        if let Err(error) = note_lapsed(bus, &account, &mut swept.expired_offers).await {
            swept.failures += 1;
            tracing::error!(account.id = %account, error = %error, "lapsed offers could not be noted");
        }
    }
    Ok(())
}

/// Notes what lapsed in a book, a portion at a time, and counts it.
async fn note_lapsed(bus: &CommandBus, account: &AccountId, noted: &mut usize) -> anyhow::Result<()> {
    let origin = Origin::system("cleanup", "note_lapsed", None);
    loop {
        let note = OfferBookCommand::NoteLapsed(NoteLapsed {});
        let portion = bus.execute::<OfferBook>(&account.0, note, &origin).await?.events.len();
        *noted += portion;
        if portion < LAPSES_NOTED_MAX {
            return Ok(());
        }
    }
}

/// Closes a session in both streams, each of which decides for itself whether it ran out: the account may have forgotten
/// it, the session has not.
async fn close(bus: &CommandBus, row: &SessionRow) -> anyhow::Result<bool> {
    let origin = Origin::system("cleanup", "close_session", None);
    let ended = bus.execute::<Session>(&row.public_id.0, Expire {}.into(), &origin).await?;
    let expire = ExpireSession { session: row.public_id.clone() };
    let closed = bus.execute::<Account>(&row.account.0, expire.into(), &origin).await?;
    Ok(ended.position.is_some() || closed.position.is_some())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use muniment_aggregates::record::Position;
    use muniment_aggregates::session::{Extend, SessionKind, Start};

    use super::*;
    use crate::runtime::fresh;

    /// A session that ends at `end`.
    async fn session(bus: &CommandBus, end: DateTime<Utc>) {
        let start = Start {
            account: AccountId("somebody".to_owned()),
            kind: SessionKind::Cookie,
            secret_hash: "0".repeat(64),
            expires_at: end,
        };
        let origin = Origin::system("test", "test", None);
        bus.execute::<Session>("session", start.into(), &origin).await.expect("it starts");
    }

    #[actix::test]
    async fn a_sweep_asks_nobody_once_it_is_told_to_stop() {
        let (bus, folder) = fresh::bus().await;
        let now = Utc::now();
        session(&bus, now).await;
        let store = fresh::reads(&bus, &folder).await;
        let (stop, stopped) = watch::channel(true);
        let later = now + TimeDelta::days(1);
        assert_eq!(sweep(&bus, &store, later, &stopped).await.expect("it ends"), Swept::default());
        assert_eq!(bus.journal().head(), Position(1), "the session is not asked");
        stop.send_replace(false);
        sweep(&bus, &store, later, &stopped).await.expect("it ends");
        assert_eq!(bus.journal().head(), Position(2), "it is closed by the next sweep");
    }

    #[actix::test]
    async fn a_session_that_was_extended_since_it_was_folded_stays_open() {
        let (bus, folder) = fresh::bus().await;
        let now = Utc::now();
        session(&bus, now).await;
        let store = fresh::reads(&bus, &folder).await;
        let extend = Extend { expires_at: now + TimeDelta::days(1) };
        bus.execute::<Session>("session", extend.into(), &Origin::system("test", "test", None))
            .await
            .expect("it lasts");
        let (_stop, stopped) = watch::channel(false);
        sweep(&bus, &store, now + TimeDelta::seconds(1), &stopped).await.expect("it ends");
        assert_eq!(bus.journal().head(), Position(2), "it is not closed");
    }
}
