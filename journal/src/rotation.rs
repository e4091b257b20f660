//! Rotation of the master key: every surviving subject's key is wrapped anew, and the old master key destroyed.
//!
//! What it is for: a key row deleted by an erasure lives on in old backups, replicas and logs of the database. Once
//! the master key that wrapped it is gone, those copies are unreadable too. Other nodes on the same database follow
//! where they read the key from the same folder; the others have to be given the new key.

use chrono::Utc;
use muniment_sql::{Arg, Engine, Transaction};
use zeroize::Zeroizing;

use crate::fitting;
use crate::key_table::{self, INSTALLATION_ROW, KeyRow};
use crate::keyring::{KeyRing, KeyRingError, Master, unwrap, wrap};
use crate::master_key::{KeyFileError, RotationLock};
use crate::seal::{KEY_BYTES, SealError, SecretKey};

/// Rows read, and on PostgreSQL written, at a time.
const PAGE_ROWS: usize = 1_000;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Subjects whose key is now wrapped under the new master key.
    pub subjects: u64,
    /// When it was done.
    pub at: chrono::DateTime<Utc>,
}

/// Why a rotation did not come to pass. Unless it says otherwise, the old master key is then still the one.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// A key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The stored keys.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The master key comes from the caller, who must name the next one.
    #[error("the master key is not kept in a file; give the next one")]
    NextKeyNeeded,
    /// The key that was given is the one in use.
    #[error("the keys are wrapped under this master key already")]
    SameKey,
    /// Another process rotates the key of the same folder.
    #[error("another process is rotating this master key")]
    UnderWay,
    /// The database did not say whether it has the keys under the new master key. The next start finds out, where both
    /// keys lie in the folder.
    #[error("the database did not answer: either the old or the new master key opens all keys")]
    Uncertain(#[source] SealError),
    /// The keys are wrapped under the new master key, which could not be put in its place.
    #[error("the keys are wrapped under the new master key; it is in the folder, and the next start puts it in place")]
    NotInPlace(#[source] KeyFileError),
}

impl From<KeyRingError> for RotateError {
    fn from(error: KeyRingError) -> Self {
        match error {
            KeyRingError::File(error) => Self::File(error),
            KeyRingError::Seal(error) => Self::Seal(error),
        }
    }
}

/// The stored keys under another master key, not yet committed.
struct Rewrapped {
    tx: Transaction,
    subjects: u64,
    installation_wrapped: Vec<u8>,
}

impl KeyRing {
    /// Wraps all keys under a new master key in one transaction: a random one written to the key file, or `next`.
    /// The old key file is overwritten and gone. `progress` hears how many keys are wrapped, and of how many.
    ///
    /// # Errors
    /// See [`RotateError`]; also when it is dropped or killed midway, either the old or the new master key opens all
    /// keys, and where they lie in a folder, the next start finds out which.
    pub async fn rotate_master(
        &self,
        next: Option<Zeroizing<[u8; KEY_BYTES]>>,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Rotated, RotateError> {
        let next = match next {
            Some(bytes) => SecretKey::new(*bytes),
            None if self.directory().is_some() => SecretKey::random()?,
            None => return Err(RotateError::NextKeyNeeded),
        };
        let _alone = self.hold_rotation().await;
        let old = self.master();
        if old.key == next {
            return Err(RotateError::SameKey);
        }
        let lock = match self.directory() {
            Some(folder) => Some(RotationLock::take(folder)?.ok_or(RotateError::UnderWay)?),
            None => None,
        };
        let mut tx = self.table().writer()?.begin().await.map_err(SealError::from)?;
        // No node can make a key while this row is locked, nor under the old master key once it has changed. A rotation
        // whose commit may still land has it too; the key that it staged must stay until it is known what came of it.
        let stored = key_table::read_installation_row(&mut tx, "FOR UPDATE").await?;
        let stored = stored.filter(|stored| *stored == old.installation_wrapped).ok_or(SealError::WrongMasterKey)?;
        if let Some(lock) = &lock {
            // The key in use may be the next one of a rotation that did not come to its last step.
            fitting::keep_only(lock, self.installation(), stored)?;
            lock.stage_next(&next)?;
        }
        let rewrapped = match self.rewrap(tx, &old.key, &next, progress).await {
            Ok(rewrapped) => rewrapped,
            Err(error) => {
                if let Some(lock) = &lock {
                    lock.discard_next()?;
                }
                return Err(error.into());
            }
        };
        let Rewrapped { tx, subjects, installation_wrapped } = rewrapped;
        tx.commit().await.map_err(|error| RotateError::Uncertain(error.into()))?;
        let promoted = lock.as_ref().map_or(Ok(()), |lock| lock.promote_next(&next));
        self.set_master(Master { key: next, installation_wrapped });
        promoted.map_err(RotateError::NotInPlace)?;
        Ok(Rotated { subjects, at: Utc::now() })
    }

    /// `tx` holds the installation row.
    async fn rewrap(
        &self,
        mut tx: Transaction,
        old: &SecretKey,
        next: &SecretKey,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Rewrapped, SealError> {
        let total = key_table::count(&mut tx).await?;
        let mut done = 0;
        let mut subjects = 0;
        let mut installation_wrapped = None;
        let mut after = String::new();
        loop {
            let mut page = key_table::page(&mut tx, &after, PAGE_ROWS).await?;
            for row in &mut page {
                let key = unwrap(old, self.installation(), &row.subject, &row.wrapped)?;
                row.wrapped = wrap(next, self.installation(), &row.subject, &key)?;
                if row.subject == INSTALLATION_ROW {
                    installation_wrapped = Some(row.wrapped.clone());
                } else {
                    subjects += 1;
                }
                done += 1;
            }
            write(&mut tx, &page).await?;
            progress(done, total);
            match page.last() {
                Some(last) if page.len() == PAGE_ROWS => after.clone_from(&last.subject),
                Some(_) | None => break,
            }
        }
        let installation_wrapped = installation_wrapped.ok_or(SealError::WrongMasterKey)?;
        Ok(Rewrapped { tx, subjects, installation_wrapped })
    }
}

/// Writes the wrapped keys of rows that are there; one that was erased meanwhile does not come back.
async fn write(tx: &mut Transaction, rows: &[KeyRow]) -> Result<(), SealError> {
    match tx.engine() {
        Engine::Sqlite => {
            for row in rows {
                let sql = "UPDATE subject_keys SET wrapped_key = $1 WHERE subject = $2";
                tx.execute(sql, &[row.wrapped.as_slice().into(), (&row.subject).into()]).await?;
            }
        }
        Engine::Postgres if rows.is_empty() => {}
        // One way to the server a page: nobody can sign up while this lasts.
        Engine::Postgres => {
            let pair = |row: usize| format!("(CAST(${} AS TEXT), CAST(${} AS BYTEA))", 2 * row + 1, 2 * row + 2);
            let pairs: Vec<String> = (0..rows.len()).map(pair).collect();
            let sql = format!(
                "UPDATE subject_keys SET wrapped_key = new.column2 FROM (VALUES {}) AS new WHERE subject = new.column1",
                pairs.join(", ")
            );
            let args: Vec<Arg<'_>> =
                rows.iter().flat_map(|row| [Arg::from(&row.subject), row.wrapped.as_slice().into()]).collect();
            tx.execute(&sql, &args).await?;
        }
    }
    Ok(())
}
