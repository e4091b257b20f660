//! Several statements as one message to the connection's thread, and what it means when one of them fails.
//!
//! Each message costs two changes of thread, several times what SQLite itself needs for a lone event. SQLite runs the
//! statements of a message in order and stops at the first that fails.

use futures_util::TryStreamExt as _;
use sqlx::error::{BoxDynError, ErrorKind};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, Encode, Executor as _, Sqlite, Type};

use super::dedupe::REFUSED;
use crate::engine::WriteError;

/// SQLite's codes of a write that did not fit: no room on the disk, and any other reason, as a quota that is used up.
const FULL: u32 = 13;
const IOERR_WRITE: u32 = 778;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Begins the transaction.
    Begin,
    /// Moves the head, or puts NULL where none may be if the head is not the expected one.
    MoveHead,
    /// Puts NULL where none may be if a dedupe key is recorded.
    RefuseKeys,
    /// Writes rows.
    Write,
    /// Ends the transaction.
    Commit,
}

/// Statements with the values of all their placeholders.
#[derive(Default)]
pub(super) struct Message<'q> {
    sql: String,
    steps: Vec<Step>,
    arguments: SqliteArguments<'q>,
    /// A value that could not be bound.
    unbound: Option<BoxDynError>,
}

impl<'q> Message<'q> {
    /// Adds a statement; its values follow by [`Message::bind`].
    pub(super) fn step(&mut self, step: Step, sql: &str) {
        if !self.sql.is_empty() {
            self.sql.push_str("; ");
        }
        self.sql.push_str(sql);
        self.steps.push(step);
    }

    /// The value of the next placeholder.
    pub(super) fn bind(&mut self, value: impl Encode<'q, Sqlite> + Type<Sqlite> + 'q) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.unbound.get_or_insert(error);
        }
        self
    }

    /// Runs the statements up to the first that fails.
    pub(super) async fn send(self, connection: &mut SqliteConnection) -> Result<(), WriteError> {
        if let Some(error) = self.unbound {
            return Err(WriteError::Refused(error.to_string()));
        }
        let mut steps = self.steps.into_iter();
        let mut outcomes = connection.execute_many(sqlx::query_with(&self.sql, self.arguments));
        loop {
            match outcomes.try_next().await {
                Ok(Some(_)) => drop(steps.next()),
                Ok(None) => return Ok(()),
                Err(error) => return Err(meaning(&error, steps.next())),
            }
        }
    }
}

/// What an error at a statement says. Whatever comes after the last one may have come after the commit.
fn meaning(error: &sqlx::Error, step: Option<Step>) -> WriteError {
    let is_null =
        error.as_database_error().is_some_and(|reported| matches!(reported.kind(), ErrorKind::NotNullViolation));
    match step {
        Some(Step::MoveHead) if is_null => WriteError::HeadMoved,
        Some(Step::RefuseKeys) if is_null => WriteError::Unique(REFUSED.to_owned()),
        Some(Step::Begin | Step::MoveHead | Step::RefuseKeys | Step::Write) => refusal(error),
        Some(Step::Commit) | None => of_commit(error),
    }
}

/// What an error at the commit says. A log that had no room for the batch lacks the frame that commits, so nothing was
/// written; of any other failure, as of a flush, nobody knows.
pub(super) fn of_commit(error: &sqlx::Error) -> WriteError {
    let code = error.as_database_error().and_then(|reported| reported.code()).and_then(|code| code.parse::<u32>().ok());
    match code {
        Some(FULL | IOERR_WRITE) => WriteError::Failed(error.to_string()),
        _ => WriteError::Unknown(error.to_string()),
    }
}

/// What an error before the commit says.
pub(super) fn refusal(error: &sqlx::Error) -> WriteError {
    let sqlx::Error::Database(reported) = error else { return WriteError::Failed(error.to_string()) };
    if reported.is_unique_violation() {
        return WriteError::Unique(reported.message().to_owned());
    }
    // Primary codes: 18 too big, 19 constraint, 20 mismatch. Everything else is no fault of the batch.
    let primary = reported.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
    if matches!(primary, Some(18..=20)) {
        return WriteError::Refused(reported.message().to_owned());
    }
    WriteError::Failed(reported.message().to_owned())
}
