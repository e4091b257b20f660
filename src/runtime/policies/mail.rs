//! Sends what lies in the outbox (spec/metrics.md section 13.2): at once, again after 5, 15 and 45 s, then every
//! 60 s until it expires. Bodies are sealed until they are sent and wiped afterwards; no address reaches a log line or the
//! outbox's error text.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::seal_context::SealContext;
use muniment_journal::{Mail, Outbox, SealError};
use muniment_sql::SqlError;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::letters::Sender;
use crate::config::MailConfig;
use crate::runtime::Runtime;
use crate::telemetry::figures::{MAILS_FAILED, MAILS_SENT};

/// Pauses after the first, second and third attempt; [`PAUSE_LATER`] after any further one.
const PAUSES: [TimeDelta; 3] = [TimeDelta::seconds(5), TimeDelta::seconds(15), TimeDelta::seconds(45)];
const PAUSE_LATER: TimeDelta = TimeDelta::seconds(60);
/// How long an entry is ours. Longer than an attempt, so that no other node sends it meanwhile.
const LEASE: TimeDelta = TimeDelta::seconds(40);
/// How long the attempts under way may still take once the program is to end.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// Mails sent at the same time. Many, so that a few mail servers that take their time leave room for everybody else's mail.
const MAILS_AT_ONCE: usize = 32;
/// How often the outbox is looked at while no append of this node brings mail: for what is due again, and for the mail of a
/// node that ended before it was sent.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Entries that are done leave the outbox after this.
const KEPT: TimeDelta = TimeDelta::days(30);
/// How often they are looked for.
const CLEAN_INTERVAL: Duration = Duration::from_hours(1);

/// The pause after this many attempts.
fn pause_after(attempts: u64) -> TimeDelta {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    PAUSES.get(index).copied().unwrap_or(PAUSE_LATER)
}

/// Runs until `stop` turns true. Without mail there is nothing to run.
pub async fn run(runtime: Arc<Runtime>, config: MailConfig, mut stop: watch::Receiver<bool>) {
    let sender = match Sender::of(&config) {
        Some(Ok(sender)) => sender,
        Some(Err(error)) => {
            tracing::error!(error = %error, "no mail can be sent; correct the settings that begin with mail.");
            return;
        }
        None => return,
    };
    let mut mailed = runtime.journal.watch_mail();
    let outbox = runtime.journal.outbox();
    let post = Arc::new(Post { runtime, outbox, sender, stop: stop.clone() });
    let mut cleaned_at: Option<Instant> = None;
    // Tasks, because an attempt that nobody polls may keep the database's one writing turn from the next look.
    let mut under_way = JoinSet::new();
    while !*stop.borrow() {
        let (room, now) = (MAILS_AT_ONCE.saturating_sub(under_way.len()), post.runtime.clock.now());
        // Not by the clock: after one that was ahead nothing would be dropped until it is that time.
        if cleaned_at.is_none_or(|at| at.elapsed() > CLEAN_INTERVAL) {
            cleaned_at = Some(Instant::now());
            // Beside the sending, which waits neither for its end nor for its success.
            let post = Arc::clone(&post);
            under_way.spawn(async move {
                post.tidy(now - KEPT).await;
                Ok(())
            });
        }
        match post.look(now, room).await {
            Ok(mails) => mails.into_iter().for_each(|mail| {
                let post = Arc::clone(&post);
                under_way.spawn(async move { post.deliver(&mail).await });
            }),
            Err(error) => tracing::warn!(error = %error, "the outbox cannot be read at present"),
        }
        tokio::select! {
            Some(ended) = under_way.join_next() => note(ended),
            // An error says that the journal has closed; the stop signal is on its way then.
            _ = mailed.changed() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            _ = stop.changed() => {}
        }
    }
    while let Some(ended) = under_way.join_next().await {
        note(ended);
    }
}

/// Says that nobody wrote down what became of a mail; it is sent again after its lease.
fn note(ended: Result<Result<(), SqlError>, JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %error, "the outbox cannot be written at present"),
        Err(error) => tracing::error!(error = %error, "an attempt to send a mail broke off"),
    }
}

/// What an attempt needs.
struct Post {
    runtime: Arc<Runtime>,
    outbox: Outbox,
    sender: Sender,
    stop: watch::Receiver<bool>,
}

impl Post {
    /// Takes what is due, as far as there is room for it, and counts what expired before that.
    async fn look(&self, now: DateTime<Utc>, room: usize) -> Result<Vec<Mail>, SqlError> {
        let due = self.outbox.due(now, room, LEASE).await?;
        if due.expired > 0 {
            metrics::counter!(MAILS_FAILED).increment(due.expired);
            tracing::warn!(mails = due.expired, "mails were given up: they expired before they could be sent");
        }
        Ok(due.mails)
    }

    /// Drops what was finished before then. Whatever it cannot drop is dropped an hour later.
    async fn tidy(&self, before: DateTime<Utc>) {
        tokio::select! {
            removed = self.outbox.remove_finished(before) => if let Err(error) = removed {
                tracing::warn!(error = %error, "finished mails cannot be dropped from the outbox at present");
            },
            () = self.too_late() => {}
        }
    }

    /// Resolves when the program is to end and attempts under way have had their time.
    async fn too_late(&self) {
        // An error says that whoever would tell is gone, which means the same.
        drop(self.stop.clone().wait_for(|stop| *stop).await);
        tokio::time::sleep(STOP_WITHIN).await;
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), SqlError> {
        let Self { runtime, outbox, sender, .. } = self;
        let letter = match runtime.journal.keyring().open(&SealContext::mail_body(&mail.id), &mail.body).await {
            Ok(Some(text)) => serde_json::from_str(&text).map_err(|_| "its body cannot be read".to_owned()),
            Ok(None) => Err("its recipient was erased".to_owned()),
            Err(SealError::Refused { .. } | SealError::Malformed) => {
                Err("its body was changed or is another mail's".to_owned())
            }
            Err(error) => {
                tracing::warn!(mail.id = %mail.id, error = %error, "a mail's key cannot be read at present");
                let again = runtime.clock.now() + pause_after(mail.attempts);
                return outbox.retry_at(mail, again, "its key cannot be read at present").await.map(drop);
            }
        };
        let outcome = match letter {
            // Only the attempt is given up: what became of it, or that nobody knows, is always written down.
            Ok(letter) => tokio::select! {
                sent = sender.send(&mail.id, &letter) => sent.map_err(|error| (error.to_string(), error.is_for_good())),
                () = self.too_late() => Err(("the program ended before the mail server answered".to_owned(), false)),
            },
            Err(what) => Err((what, true)),
        };
        let again = runtime.clock.now() + pause_after(mail.attempts);
        match outcome {
            Ok(()) => {
                metrics::counter!(MAILS_SENT).increment(1);
                outbox.mark_sent(mail).await.map(drop)
            }
            Err((what, for_good)) if for_good || again >= mail.expires_at => {
                metrics::counter!(MAILS_FAILED).increment(1);
                tracing::warn!(mail.id = %mail.id, attempts = mail.attempts, error = %what, "a mail was given up");
                outbox.mark_failed(mail, &what).await.map(drop)
            }
            Err((what, _)) => {
                tracing::info!(mail.id = %mail.id, attempts = mail.attempts, error = %what, "a mail is tried again later");
                outbox.retry_at(mail, again, &what).await.map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_5_15_45_and_then_60_seconds() {
        let seconds: Vec<i64> = (1..=6).map(|attempts| pause_after(attempts).num_seconds()).collect();
        assert_eq!(seconds, [5, 15, 45, 60, 60, 60]);
    }
}
