//! Where wrapped subject keys are kept: the table `subject_keys`, or memory for a simulated engine.
//!
//! A row is born with its subject and removed by its erasure; nothing updates it but a rotation of the master key.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use muniment_sql::{Arg, Database, Engine, SqlError, Transaction};
use parking_lot::Mutex;

use crate::seal::SealError;

/// The row that holds the installation's own secret, from which claim and alias digests are keyed. Subjects never
/// begin with `~`.
pub(crate) const INSTALLATION_ROW: &str = "~installation";

/// How long a start waits for a rotation: longer than the server needs to find that a client was killed.
const ROTATION_WAIT: &str = "SET LOCAL lock_timeout = '5s'";

/// Whether keys are stored: one is from the first start on, wrapped under the master key.
pub(crate) async fn is_begun(read: &Database) -> Result<bool, SqlError> {
    let sql = "SELECT subject FROM subject_keys LIMIT 1";
    Ok(read.fetch_optional(sql, &[]).await?.is_some())
}

/// What came of storing a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The row is there and durable.
    New,
    /// Subject or alias had a row already; nothing changed.
    Exists,
    /// Another node rotated the master key; what was wrapped here would never open again. Nothing changed.
    MasterRotated,
}

/// One row of `subject_keys`.
#[derive(Debug, Clone)]
pub(crate) struct KeyRow {
    pub(crate) subject: String,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) alias: Option<Vec<u8>>,
    pub(crate) created_at: DateTime<Utc>,
}

/// The rows, by subject.
#[derive(Debug)]
pub(crate) enum KeyTable {
    /// In the database of the journal.
    Sql {
        /// Any connection.
        read: Database,
        /// The writing connection; `None` when the record is open for reading only.
        write: Option<Database>,
    },
    /// In memory, for an engine that is not a database.
    Memory(Mutex<BTreeMap<String, KeyRow>>),
}

impl KeyTable {
    pub(crate) fn memory() -> Self {
        Self::Memory(Mutex::new(BTreeMap::new()))
    }

    pub(crate) fn writer(&self) -> Result<&Database, SealError> {
        match self {
            Self::Sql { write: Some(write), .. } => Ok(write),
            Self::Sql { write: None, .. } | Self::Memory(_) => Err(SealError::ReadOnly),
        }
    }

    /// The wrapped key of a subject.
    pub(crate) async fn load(&self, subject: &str) -> Result<Option<Vec<u8>>, SealError> {
        match self {
            Self::Sql { read, .. } => {
                let row = read
                    .fetch_optional("SELECT wrapped_key FROM subject_keys WHERE subject = $1", &[subject.into()])
                    .await?;
                Ok(row.map(|row| row.blob("wrapped_key")).transpose()?)
            }
            Self::Memory(rows) => Ok(rows.lock().get(subject).map(|row| row.wrapped.clone())),
        }
    }

    /// The subject an alias stands for.
    pub(crate) async fn find_alias(&self, digest: &[u8; 32]) -> Result<Option<String>, SealError> {
        match self {
            Self::Sql { read, .. } => {
                let row = read
                    .fetch_optional(
                        "SELECT subject FROM subject_keys WHERE alias_digest = $1",
                        &[digest.as_slice().into()],
                    )
                    .await?;
                Ok(row.map(|row| row.text("subject")).transpose()?)
            }
            Self::Memory(rows) => {
                let rows = rows.lock();
                let mut found = rows.values().filter(|row| row.alias.as_deref() == Some(digest.as_slice()));
                Ok(found.next().map(|row| row.subject.clone()))
            }
        }
    }

    /// Stores a new row. `installation_wrapped` is the installation row as this node knows it: wrapped by another
    /// master key it reads otherwise. `None` while that row itself is made.
    pub(crate) async fn insert(&self, row: KeyRow, installation_wrapped: Option<&[u8]>) -> Result<Stored, SealError> {
        match self {
            Self::Sql { .. } => {
                let mut tx = self.writer()?.begin().await?;
                if let Some(known) = installation_wrapped
                    && read_installation_row(&mut tx, "FOR SHARE").await?.as_deref() != Some(known)
                {
                    return Ok(Stored::MasterRotated);
                }
                let inserted = insert_row(&mut tx, &row).await?;
                tx.commit().await?;
                Ok(if inserted { Stored::New } else { Stored::Exists })
            }
            Self::Memory(rows) => {
                let mut rows = rows.lock();
                let alias_taken = row.alias.is_some() && rows.values().any(|other| other.alias == row.alias);
                if alias_taken || rows.contains_key(&row.subject) {
                    return Ok(Stored::Exists);
                }
                rows.insert(row.subject.clone(), row);
                Ok(Stored::New)
            }
        }
    }

    /// Removes the row where no transaction of the writer does it: in memory.
    pub(crate) fn forget(&self, subject: &str) {
        match self {
            Self::Memory(rows) => {
                rows.lock().remove(subject);
            }
            Self::Sql { .. } => {}
        }
    }
}

/// The installation row, locked in `mode` against a rotation on another node. SQLite has one writer and needs none.
pub(crate) async fn read_installation_row(
    tx: &mut Transaction,
    mode: &'static str,
) -> Result<Option<Vec<u8>>, SealError> {
    let lock = match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => mode,
    };
    let sql = format!("SELECT wrapped_key FROM subject_keys WHERE subject = $1 {lock}");
    let row = tx.fetch_optional(&sql, &[INSTALLATION_ROW.into()]).await?;
    Ok(row.map(|row| row.blob("wrapped_key")).transpose()?)
}

/// The installation row, which does not change until the transaction ends; `None` where a rotation has it and does not end
/// in time: on another node, or one whose commit may still land although its client is gone.
pub(crate) async fn hold_installation_row(tx: &mut Transaction) -> Result<Option<Vec<u8>>, SealError> {
    match tx.engine() {
        Engine::Sqlite => {}
        Engine::Postgres => tx.execute(ROTATION_WAIT, &[]).await.map(drop)?,
    }
    match read_installation_row(tx, "FOR SHARE").await {
        Ok(row) => Ok(Some(row.ok_or(SealError::WrongMasterKey)?)),
        Err(SealError::Unavailable(error)) if error.is_of_a_lock() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Inserts unless subject or alias are taken; whether it did.
pub(crate) async fn insert_row(tx: &mut Transaction, row: &KeyRow) -> Result<bool, SealError> {
    let args = [
        Arg::from(&row.subject),
        Arg::from(row.wrapped.as_slice()),
        Arg::from(row.alias.clone()),
        Arg::from(row.created_at),
    ];
    let inserted = tx
        .execute(
            "INSERT INTO subject_keys (subject, wrapped_key, alias_digest, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
            &args,
        )
        .await?;
    Ok(inserted == 1)
}

/// How many rows there are.
pub(crate) async fn count(tx: &mut Transaction) -> Result<u64, SealError> {
    let row = tx.fetch_optional("SELECT COUNT(*) AS rows FROM subject_keys", &[]).await?;
    Ok(row.map(|row| row.count("rows")).transpose()?.unwrap_or_default())
}

/// The next rows after `after`, in order of subject.
pub(crate) async fn page(tx: &mut Transaction, after: &str, limit: usize) -> Result<Vec<KeyRow>, SealError> {
    let rows = tx
        .fetch_all(
            "SELECT subject, wrapped_key, alias_digest, created_at FROM subject_keys WHERE subject > $1 \
             ORDER BY subject LIMIT $2",
            &[after.into(), limit.into()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(KeyRow {
                subject: row.text("subject")?,
                wrapped: row.blob("wrapped_key")?,
                alias: row.blob_or_null("alias_digest")?,
                created_at: row.instant("created_at")?,
            })
        })
        .collect()
}
