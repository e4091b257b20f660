//! A lock that one node at a time holds: a session-level advisory lock on PostgreSQL, which the server gives
//! back by itself when the holder's connection ends. SQLite has one process by construction.
//!
//! The lock saves work; it is never what correctness rests on (field notes 3, no. 37).

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use crate::postgres::{ANSWER_MAX, within};
use crate::{Database, SqlError};

/// How long the session that holds a lock may take to say that it lives. One that does not answer is given up: the server
/// gives its locks back (see [`crate::postgres::SESSION_SETTINGS`]).
const HELD_ANSWER_MAX: Duration = Duration::from_secs(2);

/// Held until dropped, or until the connection behind it is lost.
pub struct NodeLock {
    connection: Option<PgConnection>,
}

impl NodeLock {
    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn try_take(database: &Database, name: &str) -> Result<Option<Self>, SqlError> {
        let Database::Postgres(pool) = database else { return Ok(Some(Self { connection: None })) };
        // A connection of its own: an advisory lock belongs to its session, so it must not go back to a pool.
        let mut connection = pool.acquire().await?.detach();
        let asked = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))").bind(name);
        let taken: bool = within(ANSWER_MAX, asked.fetch_one(&mut connection)).await?;
        if taken {
            return Ok(Some(Self { connection: Some(connection) }));
        }
        within(HELD_ANSWER_MAX, connection.close()).await?;
        Ok(None)
    }

    /// Whether the session that holds the lock still lives.
    pub async fn is_held(&mut self) -> bool {
        match &mut self.connection {
            None => true,
            Some(connection) => within(HELD_ANSWER_MAX, connection.ping()).await.is_ok(),
        }
    }
}
