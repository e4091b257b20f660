//! Rotation of the master key: every surviving subject's key is wrapped anew, and the old master key destroyed.
//!
//! What it is for: a key row deleted by an erasure lives on in old backups, replicas and logs of the database. Once
//! the master key that wrapped it is gone, those copies are unreadable too. Run it on one node with no other node
//! on the same database; others would have to be given the new key.

use chrono::Utc;
use zeroize::Zeroizing;

use crate::key_table::{self, INSTALLATION_ROW};
use crate::keyring::{KeyRing, Master, unwrap, wrap};
use crate::master_key::{self, KeyFileError};
use crate::seal::{KEY_BYTES, SealError, SecretKey};

/// Rows read at a time.
const PAGE_ROWS: usize = 1_000;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Subjects whose key is now wrapped under the new master key.
    pub subjects: u64,
    /// When it was done.
    pub at: chrono::DateTime<Utc>,
}

/// Why a rotation did not come to pass. The old master key is then still the one.
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
}

impl KeyRing {
    /// Wraps all keys under a new master key in one transaction: a random one written to the key file, or `next`.
    /// The old key file is overwritten and gone.
    ///
    /// # Errors
    /// See [`RotateError`]; nothing changed then. When the outcome of the transaction is unknown, the next start
    /// finds out which of the two keys is right.
    pub async fn rotate_master(&self, next: Option<[u8; KEY_BYTES]>) -> Result<Rotated, RotateError> {
        let next = match next.map(Zeroizing::new) {
            Some(bytes) => SecretKey::new(*bytes),
            None if self.directory().is_some() => SecretKey::random()?,
            None => return Err(RotateError::NextKeyNeeded),
        };
        let _alone = self.hold_rotation().await;
        if let Some(directory) = self.directory() {
            master_key::stage_next(directory, &next)?;
        }
        let old = self.master();
        let mut tx = self.table().writer()?.begin().await.map_err(SealError::from)?;
        // No node can make a key while this row is locked, nor under the old master key once it has changed.
        key_table::read_installation_row(&mut tx, "FOR UPDATE").await?;
        let mut subjects = 0;
        let mut installation_wrapped = None;
        let mut after = String::new();
        loop {
            let page = key_table::page(&mut tx, &after, PAGE_ROWS).await?;
            for row in &page {
                let key = unwrap(&old.key, self.installation(), &row.subject, &row.wrapped)?;
                let wrapped = wrap(&next, self.installation(), &row.subject, &key)?;
                let sql = "UPDATE subject_keys SET wrapped_key = $1 WHERE subject = $2";
                tx.execute(sql, &[wrapped.as_slice().into(), (&row.subject).into()]).await.map_err(SealError::from)?;
                if row.subject == INSTALLATION_ROW {
                    installation_wrapped = Some(wrapped);
                } else {
                    subjects += 1;
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE_ROWS => after.clone_from(&last.subject),
                Some(_) | None => break,
            }
        }
        let installation_wrapped = installation_wrapped.ok_or(SealError::WrongMasterKey)?;
        tx.commit().await.map_err(SealError::from)?;
        self.set_master(Master { key: next, installation_wrapped });
        if let Some(directory) = self.directory() {
            master_key::promote_next(directory)?;
        }
        Ok(Rotated { subjects, at: Utc::now() })
    }
}
