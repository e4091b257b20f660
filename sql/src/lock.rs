//! A lock that one node at a time holds: a session-level advisory lock on PostgreSQL, which the server gives
//! back by itself when the holder's connection ends, or says nothing for a while. SQLite has one process by construction.
//!
//! The lock saves work; it is never what correctness rests on (field notes 3, no. 37).

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::sync::Mutex;

use crate::postgres::{ANSWER_MAX, within};
use crate::{Database, SqlError};

/// How long the session that holds a lock may take to say that it lives. One that does not answer is given up: the server
/// gives its locks back (see [`crate::postgres::SESSION_SETTINGS`]).
const HELD_ANSWER_MAX: Duration = Duration::from_secs(2);

/// How often the session says that its process goes on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// Without a sign of life for this long the server ends the session, and its lock goes to whoever asks. A process that
/// stands still, as in a frozen container, keeps its connections: the kernel answers for it.
const HOLDS_STILL: &str = "SET idle_session_timeout = '10s'";

/// Held until dropped, or until the connection behind it is lost.
pub struct NodeLock {
    /// `None` on SQLite.
    session: Option<Arc<Session>>,
}

/// The session that holds a lock, until it does not answer.
struct Session(Mutex<Option<PgConnection>>);

impl NodeLock {
    /// Takes the lock if nobody holds it. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn try_take(database: &Database, name: &str) -> Result<Option<Self>, SqlError> {
        let Database::Postgres(pool) = database else { return Ok(Some(Self { session: None })) };
        // Had and given back within the statement, so that it may be asked on a connection of the pool: who asks every
        // second while another node has the lock opens none.
        let is_free = "SELECT 1 AS free WHERE pg_try_advisory_xact_lock(hashtextextended($1, 0))";
        if database.fetch_optional(is_free, &[name.into()]).await?.is_none() {
            return Ok(None);
        }
        // A connection of its own: an advisory lock belongs to its session, so it must not go back to a pool.
        let mut connection = pool.acquire().await?.detach();
        let asked = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))").bind(name);
        let taken: bool = within(ANSWER_MAX, asked.fetch_one(&mut connection)).await?;
        if !taken {
            within(HELD_ANSWER_MAX, connection.close()).await?;
            return Ok(None);
        }
        within(ANSWER_MAX, connection.execute(HOLDS_STILL)).await?;
        let session = Arc::new(Session(Mutex::new(Some(connection))));
        tokio::spawn(live(Arc::downgrade(&session)));
        Ok(Some(Self { session: Some(session) }))
    }

    /// Whether the session that holds the lock still lives.
    pub async fn is_held(&mut self) -> bool {
        match &self.session {
            None => true,
            Some(session) => session.answers().await,
        }
    }
}

impl Session {
    async fn answers(&self) -> bool {
        let mut place = self.0.lock().await;
        // Taken out: a connection that was not waited for, or did not answer, is closed.
        let Some(mut connection) = place.take() else { return false };
        let answers = within(HELD_ANSWER_MAX, connection.ping()).await.is_ok();
        if answers {
            *place = Some(connection);
        }
        answers
    }
}

/// Gives signs of life as long as the lock is held.
async fn live(session: Weak<Session>) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let Some(session) = session.upgrade() else { return };
        if !session.answers().await {
            return;
        }
    }
}
