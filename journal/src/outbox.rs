//! The outbox: mail that left with an append and waits to be sent, at least once, until it expires.
//!
//! Entries are inserted by the append's own transaction, so there is mail if and only if the event is recorded.
//! One node takes an entry at a time by a lease; a node that dies lets the lease run out and another takes over.
//! Bodies are sealed, and gone as soon as an entry is sent or given up.

use chrono::{DateTime, TimeDelta, Utc};
use muniment_aggregates::record::Position;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_sql::{Arg, Engine, Row, SqlError};

use crate::engine::Stores;

/// Characters of an error kept for the operator.
const LAST_ERROR_CHARACTERS_MAX: usize = 500;

/// Entries dropped at once: whatever else is written waits for no more than these.
const REMOVED_AT_ONCE: usize = 1_000;

/// Further ahead than this no lease and no pause ends, on nodes whose clocks differ by minutes either: such an instant was set by a
/// clock that was ahead, and its entry is due now.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(10);

/// What is due at $1, where $2 is [`AHEAD_MAX`] later.
const IS_DUE: &str = "status = 'pending' AND (next_attempt_at <= $1 OR next_attempt_at > $2)";

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailStatus {
    /// Waits for its next attempt, or is being sent.
    Pending,
    /// Accepted by the mail server.
    Sent,
    /// Given up: expired, of no form that can be sent, or its subject was erased.
    Failed,
}

impl MailStatus {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Result<Self, SqlError> {
        [Self::Pending, Self::Sent, Self::Failed].into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            SqlError::Column { column: "status".to_owned(), what: format!("is no status of a mail: {text}") }
        })
    }
}

/// An entry that this node may send now: it holds the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Unique id; also the message id's local part, so that a mail sent twice can be recognised.
    pub id: String,
    /// Whose key seals the body.
    pub subject: SubjectId,
    /// Recipient and text, sealed as one value.
    pub body: Sealed,
    /// When sending it stops making sense.
    pub expires_at: DateTime<Utc>,
    /// Attempts so far, this one included. It fences: an entry taken over by another node has more.
    pub attempts: u64,
}

/// What a look into the outbox found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// What this node may send now.
    pub mails: Vec<Mail>,
    /// How many entries had expired while they waited, and were given up.
    pub expired: u64,
}

/// An entry as an operator sees it: everything but the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEntry {
    /// Unique id.
    pub id: String,
    /// Position of the append it left with.
    pub position: Position,
    /// Whose mail it is.
    pub subject: SubjectId,
    /// Where it stands.
    pub status: MailStatus,
    /// Attempts so far.
    pub attempts: u64,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
    /// When it is tried next, or its lease ends.
    pub next_attempt_at: DateTime<Utc>,
    /// When sending it stops making sense.
    pub expires_at: DateTime<Utc>,
    /// What the last attempt met.
    pub last_error: Option<String>,
}

/// Entries by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Waiting or being sent.
    pub pending: u64,
    /// Sent.
    pub sent: u64,
    /// Given up.
    pub failed: u64,
}

/// The outbox of one journal. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    /// `None` on an engine that is no database: nothing is ever due there.
    stores: Option<Stores>,
}

impl Outbox {
    pub(crate) fn new(stores: Option<Stores>) -> Self {
        Self { stores }
    }

    /// Takes up to `limit` entries that are due, for `lease`; of several nodes each entry goes to one. Entries that expired
    /// while they waited are given up on the way; one that is being sent is left to whoever sends it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn due(&self, now: DateTime<Utc>, limit: usize, lease: TimeDelta) -> Result<Due, SqlError> {
        let Some(stores) = &self.stores else { return Ok(Due::default()) };
        // Looking first keeps an idle outbox from asking for SQLite's one writing connection.
        let look = format!("SELECT id FROM outbox WHERE {IS_DUE} LIMIT 1");
        let at = [now.into(), (now + AHEAD_MAX).into()];
        if stores.read.fetch_optional(&look, &at).await?.is_none() {
            return Ok(Due::default());
        }
        let mut tx = stores.write.begin().await?;
        let expire = format!(
            "UPDATE outbox SET status = 'failed', body = '', last_error = 'expired before it could be sent' \
             WHERE {IS_DUE} AND expires_at <= $1"
        );
        let expired = tx.execute(&expire, &at).await?;
        // Nodes that look at once pass over each other's entries. The conditions stand outside the selection too:
        // PostgreSQL checks them again for an entry that was taken since the selection began.
        let pass_over = match stores.write.engine() {
            Engine::Sqlite => "",
            Engine::Postgres => "FOR UPDATE SKIP LOCKED",
        };
        let take = format!(
            "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $3 \
             WHERE {IS_DUE} AND id IN \
               (SELECT id FROM outbox WHERE {IS_DUE} ORDER BY next_attempt_at, id LIMIT $4 {pass_over}) \
             RETURNING id, subject, body, expires_at, attempts"
        );
        let rows =
            tx.fetch_all(&take, &[now.into(), (now + AHEAD_MAX).into(), (now + lease).into(), limit.into()]).await?;
        let mails = rows.iter().map(read_mail).collect::<Result<_, _>>()?;
        tx.commit().await?;
        Ok(Due { mails, expired })
    }

    /// Notes that the mail server accepted it and wipes the body. False when the lease had passed to another node.
    ///
    /// # Errors
    /// When the database cannot be reached; the entry is then sent again after its lease.
    pub async fn mark_sent(&self, mail: &Mail) -> Result<bool, SqlError> {
        self.change(
            "UPDATE outbox SET status = 'sent', body = '', last_error = NULL \
                  WHERE id = $1 AND attempts = $2 AND status = 'pending'",
            &[(&mail.id).into(), mail.attempts.into()],
        )
        .await
    }

    /// Gives an entry up and wipes the body.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn mark_failed(&self, mail: &Mail, error: &str) -> Result<bool, SqlError> {
        self.change(
            "UPDATE outbox SET status = 'failed', body = '', last_error = $3 \
                  WHERE id = $1 AND attempts = $2 AND status = 'pending'",
            &[(&mail.id).into(), mail.attempts.into(), shorten(error).into()],
        )
        .await
    }

    /// Ends the lease and sets the next attempt.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn retry_at(&self, mail: &Mail, at: DateTime<Utc>, error: &str) -> Result<bool, SqlError> {
        self.change(
            "UPDATE outbox SET next_attempt_at = $3, last_error = $4 \
                  WHERE id = $1 AND attempts = $2 AND status = 'pending'",
            &[(&mail.id).into(), mail.attempts.into(), at.into(), shorten(error).into()],
        )
        .await
    }

    async fn change(&self, sql: &str, args: &[Arg<'_>]) -> Result<bool, SqlError> {
        match &self.stores {
            Some(stores) => Ok(stores.write.execute(sql, args).await? == 1),
            None => Ok(false),
        }
    }

    /// The newest entries, for an operator.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(&self, limit: usize) -> Result<Vec<MailEntry>, SqlError> {
        let sql = "SELECT id, position, subject, status, attempts, created_at, next_attempt_at, expires_at, last_error \
                   FROM outbox ORDER BY position DESC, id LIMIT $1";
        let Some(stores) = &self.stores else { return Ok(Vec::new()) };
        stores.read.fetch_all(sql, &[limit.into()]).await?.iter().map(read_entry).collect()
    }

    /// How many entries wait to be sent.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn count_pending(&self) -> Result<u64, SqlError> {
        let Some(stores) = &self.stores else { return Ok(0) };
        let sql = "SELECT COUNT(*) AS entries FROM outbox WHERE status = 'pending'";
        let row = stores.read.fetch_optional(sql, &[]).await?;
        row.map_or(Ok(0), |row| row.count("entries"))
    }

    /// How many entries stand where.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn counts(&self) -> Result<OutboxCounts, SqlError> {
        let mut counts = OutboxCounts::default();
        let Some(stores) = &self.stores else { return Ok(counts) };
        let sql = "SELECT status, COUNT(*) AS entries FROM outbox GROUP BY status";
        for row in stores.read.fetch_all(sql, &[]).await? {
            let entries = row.count("entries")?;
            match MailStatus::parse(&row.text("status")?)? {
                MailStatus::Pending => counts.pending = entries,
                MailStatus::Sent => counts.sent = entries,
                MailStatus::Failed => counts.failed = entries,
            }
        }
        Ok(counts)
    }

    /// Drops entries that were recorded before `before` and are sent or given up; their number.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove_finished(&self, before: DateTime<Utc>) -> Result<u64, SqlError> {
        let Some(stores) = &self.stores else { return Ok(0) };
        let sql = "DELETE FROM outbox WHERE id IN \
                     (SELECT id FROM outbox WHERE status IN ('sent', 'failed') AND created_at < $1 LIMIT $2)";
        let mut removed = 0;
        loop {
            let portion = stores.write.execute(sql, &[before.into(), REMOVED_AT_ONCE.into()]).await?;
            removed += portion;
            if portion == 0 {
                return Ok(removed);
            }
        }
    }
}

fn shorten(error: &str) -> String {
    error.chars().take(LAST_ERROR_CHARACTERS_MAX).collect()
}

fn read_mail(row: &Row) -> Result<Mail, SqlError> {
    Ok(Mail {
        id: row.text("id")?,
        subject: SubjectId(row.text("subject")?),
        body: Sealed::from_text(row.text("body")?),
        expires_at: row.instant("expires_at")?,
        attempts: row.count("attempts")?,
    })
}

fn read_entry(row: &Row) -> Result<MailEntry, SqlError> {
    Ok(MailEntry {
        id: row.text("id")?,
        position: Position(row.count("position")?),
        subject: SubjectId(row.text("subject")?),
        status: MailStatus::parse(&row.text("status")?)?,
        attempts: row.count("attempts")?,
        created_at: row.instant("created_at")?,
        next_attempt_at: row.instant("next_attempt_at")?,
        expires_at: row.instant("expires_at")?,
        last_error: row.text_or_null("last_error")?,
    })
}
