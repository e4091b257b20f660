//! Which master key opens the stored keys: the one of the folder, or the next one of a rotation that is under way or was
//! cut off. Readers change nothing; a writer finishes or undoes what was cut off.

use std::path::Path;

use uuid::Uuid;

use crate::key_table::{self, INSTALLATION_ROW, KeyTable};
use crate::keyring::{KeyRingError, Master, unwrap};
use crate::master_key::{MasterKey, RotationLock};
use crate::seal::{SealError, SecretKey};

/// A rotation that ends between the look at the files and the look at the table makes them differ, once.
const LOOKS_MAX: u32 = 3;

/// A master key, and the installation's own secret that it opened.
pub(crate) struct Fitting {
    pub(crate) master: Master,
    pub(crate) root: SecretKey,
    /// It is the next key, not the current one.
    is_next: bool,
}

/// The key of the two that opens `stored`, the installation row.
pub(crate) fn of(keys: MasterKey, installation: Uuid, stored: Vec<u8>) -> Result<Fitting, SealError> {
    let MasterKey { current, next, .. } = keys;
    let (key, root, is_next) = match (unwrap(&current, installation, INSTALLATION_ROW, &stored), next) {
        (Ok(root), _) => (current, root, false),
        (Err(error), None) => return Err(error),
        (Err(_), Some(next)) => {
            let root = unwrap(&next, installation, INSTALLATION_ROW, &stored)?;
            (next, root, true)
        }
    };
    Ok(Fitting { master: Master { key, installation_wrapped: stored }, root, is_next })
}

/// The key that lies in the folder now and opens what is stored now.
pub(crate) async fn look(folder: &Path, installation: Uuid, table: &KeyTable) -> Result<Fitting, KeyRingError> {
    let mut looks = 1;
    loop {
        let keys = MasterKey::in_folder(folder)?;
        let stored = table.load(INSTALLATION_ROW).await?.ok_or(SealError::WrongMasterKey)?;
        match of(keys, installation, stored) {
            Err(SealError::WrongMasterKey) if looks < LOOKS_MAX => looks += 1,
            fitting => return Ok(fitting?),
        }
    }
}

/// Finishes or undoes a rotation that was cut off. One that is under way is left alone, and so are both keys of one whose
/// commit may still land: the record opens by either, and a later start finds out.
pub(crate) async fn settle(folder: &Path, installation: Uuid, table: &KeyTable) -> Result<(), KeyRingError> {
    let Some(lock) = RotationLock::take(folder)? else { return Ok(()) };
    let mut tx = table.writer()?.begin().await.map_err(SealError::from)?;
    let Some(stored) = key_table::hold_installation_row(&mut tx).await? else {
        tracing::warn!(
            "the database has a rotation of the master key that has not ended; both keys stay in their folder"
        );
        return Ok(());
    };
    keep_only(&lock, installation, stored)?;
    Ok(tx.commit().await.map_err(SealError::from)?)
}

/// Leaves the one key in the folder that opens `stored`, the installation row. The caller holds the row: a commit that
/// changes it later would need the key that is destroyed here.
pub(crate) fn keep_only(lock: &RotationLock<'_>, installation: Uuid, stored: Vec<u8>) -> Result<(), KeyRingError> {
    // Read here: what was read before the lock was taken may be of before a rotation.
    let found = of(MasterKey::in_folder(lock.folder())?, installation, stored)?;
    if found.is_next {
        lock.promote_next(&found.master.key)?
    } else {
        lock.discard_next()?
    }
    Ok(())
}
