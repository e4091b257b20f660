//! Arguments and rows with the five types both engines share: integer, real, text, bytes, and null of each.

use std::borrow::Cow;

use chrono::{DateTime, TimeZone, Utc};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::SqlError;

/// A bound argument. Null is typed, because PostgreSQL wants to know which null.
#[derive(Debug, Clone)]
pub enum Arg<'a> {
    /// 64-bit integer; also instants (microseconds) and booleans (0 and 1).
    Int(Option<i64>),
    /// 64-bit float.
    Real(Option<f64>),
    /// Text.
    Text(Option<Cow<'a, str>>),
    /// Bytes.
    Blob(Option<Cow<'a, [u8]>>),
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}
impl From<Option<i64>> for Arg<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}
impl From<u64> for Arg<'_> {
    /// Positions and sequences stay far below 2^63; one beyond it saturates and then fails a constraint.
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}
impl From<Option<u64>> for Arg<'_> {
    fn from(value: Option<u64>) -> Self {
        value.map_or(Self::Int(None), Self::from)
    }
}
impl From<usize> for Arg<'_> {
    fn from(value: usize) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}
impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}
impl From<f64> for Arg<'_> {
    fn from(value: f64) -> Self {
        Self::Real(Some(value))
    }
}
impl From<Option<f64>> for Arg<'_> {
    fn from(value: Option<f64>) -> Self {
        Self::Real(value)
    }
}
impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(Cow::Borrowed(value)))
    }
}
impl From<String> for Arg<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(Cow::Owned(value)))
    }
}
impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(Cow::Borrowed(value)))
    }
}
impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value.map(Cow::Borrowed))
    }
}
impl From<Option<String>> for Arg<'_> {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(Cow::Owned))
    }
}
impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(Some(Cow::Borrowed(value)))
    }
}
impl From<Vec<u8>> for Arg<'_> {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(Some(Cow::Owned(value)))
    }
}
impl From<Option<Vec<u8>>> for Arg<'_> {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Blob(value.map(Cow::Owned))
    }
}
impl From<DateTime<Utc>> for Arg<'_> {
    /// Instants are stored as microseconds since 1970.
    fn from(value: DateTime<Utc>) -> Self {
        Self::Int(Some(value.timestamp_micros()))
    }
}
impl From<Option<DateTime<Utc>>> for Arg<'_> {
    fn from(value: Option<DateTime<Utc>>) -> Self {
        Self::Int(value.map(|at| at.timestamp_micros()))
    }
}

/// One row of an answer; columns are read by name.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

macro_rules! column {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $type:ty) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// When the column is missing, null or of another type.
        pub fn $name(&self, column: &str) -> Result<$type, SqlError> {
            self.$optional(column)?.ok_or_else(|| SqlError::Column {
                column: column.to_owned(),
                what: "is null but must not be".to_owned(),
            })
        }

        /// The same for a column that may be null.
        ///
        /// # Errors
        /// When the column is missing or of another type.
        pub fn $optional(&self, column: &str) -> Result<Option<$type>, SqlError> {
            Ok(match self {
                Self::Sqlite(row) => row.try_get(column)?,
                Self::Postgres(row) => row.try_get(column)?,
            })
        }
    };
}

impl Row {
    column!(/// A 64-bit integer (`BIGINT` in both schemas).
        int, int_or_null, i64);
    column!(/// A 64-bit float (`DOUBLE PRECISION`).
        real, real_or_null, f64);
    column!(/// Text.
        text, text_or_null, String);
    column!(/// Bytes (`BLOB` or `BYTEA`).
        blob, blob_or_null, Vec<u8>);

    /// An integer that counts: a position, a sequence, a number of rows.
    ///
    /// # Errors
    /// When the column is missing, null, of another type or negative.
    pub fn count(&self, column: &str) -> Result<u64, SqlError> {
        let value = self.int(column)?;
        u64::try_from(value)
            .map_err(|_| SqlError::Column { column: column.to_owned(), what: format!("is negative: {value}") })
    }

    /// A truth value stored as 0 or 1.
    ///
    /// # Errors
    /// When the column is missing, null or of another type.
    pub fn flag(&self, column: &str) -> Result<bool, SqlError> {
        Ok(self.int(column)? != 0)
    }

    /// An instant stored as microseconds.
    ///
    /// # Errors
    /// When the column is missing, null, of another type or out of range.
    pub fn instant(&self, column: &str) -> Result<DateTime<Utc>, SqlError> {
        self.instant_or_null(column)?
            .ok_or_else(|| SqlError::Column { column: column.to_owned(), what: "is null but must not be".to_owned() })
    }

    /// The same for a column that may be null.
    ///
    /// # Errors
    /// When the column is missing, of another type or out of range.
    pub fn instant_or_null(&self, column: &str) -> Result<Option<DateTime<Utc>>, SqlError> {
        let Some(micros) = self.int_or_null(column)? else { return Ok(None) };
        Utc.timestamp_micros(micros)
            .single()
            .map(Some)
            .ok_or_else(|| SqlError::Column { column: column.to_owned(), what: format!("is no instant: {micros}") })
    }
}
