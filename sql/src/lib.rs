//! One way to speak SQL to SQLite and PostgreSQL: the same text with `$1` placeholders, typed arguments, typed
//! rows. `journal` and `projections` stand on it; it knows neither.
//!
//! Reading order: [`Database`] (pools, statements, transactions), [`Arg`] and [`Row`], [`migrations`];
//! [`postgres`] bounds the time of every answer.

mod database;
mod insert;
mod lock;
pub mod migrations;
mod obstacle;
pub mod postgres;
pub mod private;
mod value;

pub use database::{Database, Engine, Transaction, WriteTurn, WriteTurns, postgres_query, sqlite_query};
pub use lock::NodeLock;
pub use obstacle::Obstacle;
pub use value::{Arg, Row};

/// What can go wrong between us and a database.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The driver's own report.
    #[error("the database refused or failed: {0}")]
    Driver(#[from] sqlx::Error),
    /// A stored value has another type or range than the column promises.
    #[error("column {column}: {what}")]
    Column {
        /// Name of the column.
        column: String,
        /// What was found.
        what: String,
    },
    /// The database is set up in a way that would break a promise.
    #[error("{0}")]
    Unsuitable(String),
}

impl SqlError {
    /// Whether the database itself failed or refused, rather than a stored value being wrong.
    #[must_use]
    pub const fn is_driver(&self) -> bool {
        // A value that does not decode came whole: what is wrong is what is stored.
        matches!(self, Self::Driver(error) if !matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)))
    }

    /// Whether what is stored is at fault, so that no other attempt reads it: a value is not what its column promises, or
    /// the database is damaged there.
    #[must_use]
    pub fn is_of_what_is_stored(&self) -> bool {
        !self.is_driver() || self.obstacle() == Some(Obstacle::Damaged)
    }

    /// Whether something that went wrong came of the connection, as [`SqlError::is_of_the_connection`] says, however it is wrapped.
    #[must_use]
    pub fn came_of_the_connection(error: &(dyn std::error::Error + 'static)) -> bool {
        // A transparent wrapper shows only what caused what it wraps, which of a driver's error is the driver's own.
        std::iter::successors(Some(error), |error| error.source()).any(|cause| match cause.downcast_ref::<Self>() {
            Some(error) => error.is_of_the_connection(),
            None => cause.downcast_ref::<sqlx::Error>().is_some_and(is_of_the_connection),
        })
    }

    /// Whether the connection broke, the server ended it, or it only reads: another may answer.
    #[must_use]
    pub fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Driver(error) if is_lost_connection(error))
    }

    /// Whether there is no connection to ask on: it broke, none could be made, or none became free.
    #[must_use]
    pub fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Driver(error) if is_of_the_connection(error))
    }

    /// Whether PostgreSQL ended the statement because it took longer than `statement_timeout` allows.
    #[must_use]
    pub fn took_too_long(&self) -> bool {
        matches!(self, Self::Driver(sqlx::Error::Database(error)) if error.code().as_deref() == Some("57014"))
    }

    /// Whether PostgreSQL ended the wait for a lock that somebody else holds, as `lock_timeout` asks.
    #[must_use]
    pub fn is_of_a_lock(&self) -> bool {
        matches!(self, Self::Driver(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03"))
    }

    /// Whether the disk under SQLite refused, and not the statement: there is no room, a quota is used up, a write failed.
    #[must_use]
    pub fn is_of_the_disk(&self) -> bool {
        let Self::Driver(sqlx::Error::Database(error)) = self else { return false };
        let is_sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
        // The primary code is the lowest byte: read-only, input or output, full.
        let primary = error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        is_sqlite && matches!(primary, Some(8 | 10 | 13))
    }

    /// Whether the database refused the statement for the values in it, so that the same values are refused again: they do
    /// not fit their type, break a constraint, or are too large.
    #[must_use]
    pub fn is_of_the_values(&self) -> bool {
        let Self::Driver(sqlx::Error::Database(error)) = self else { return false };
        let Some(code) = error.code() else { return false };
        if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
            return matches!(code.get(..2), Some("22" | "23" | "54"));
        }
        // SQLite's extended codes have the primary one in their lowest byte: too big, constraint, mismatch.
        code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20))
    }
}

fn is_lost_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code == postgres::READS_ONLY)
        }
        _ => false,
    }
}

fn is_of_the_connection(error: &sqlx::Error) -> bool {
    let is_no_connection = match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => true,
        // 08 the connection, 53 no room for one more.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("53"))
        }
        _ => false,
    };
    is_no_connection || is_lost_connection(error)
}
