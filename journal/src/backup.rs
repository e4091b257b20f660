//! Backups: the whole record in one portable file, and the subjects' wrapped keys in a second one.
//!
//! `<FILE>` holds events with the very bytes that were hashed, and the claims. `<FILE>.keys` holds the keys, wrapped
//! under the master key, and replaces its predecessor: whoever keeps old records but only the newest keys cannot
//! bring back an erased person. Mail waiting in the outbox is in neither. The way back is [`crate::restore`].

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use muniment_aggregates::record::{Position, StreamId};
use muniment_sql::{Row, SqlError, Transaction};
use uuid::Uuid;

use crate::Journal;
use crate::backup_format::{ClaimBody, ClaimFrame, FormatError, FrameWriter, Header};
use crate::chain::GENESIS;
use crate::draft::{Draft, sync_folder_of};
use crate::engine::{Engine, Head, Identity};
use crate::key_table::{self, INSTALLATION_ROW};
use crate::keyring::{KeyRing, unwrap};
use crate::seal::{SealError, SecretKey, join};
use crate::verify::{Trusted, VerifyError, Walk, refuse_below_first};

/// Rows or events read at a time.
const PAGE_ROWS: usize = 1_000;

/// What a backup wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// The record up to here is in it.
    pub position: Position,
    /// Claims in it.
    pub claims: u64,
    /// Subject keys in the second file.
    pub keys: u64,
    /// The file with the record.
    pub record_file: PathBuf,
    /// The file with the wrapped keys.
    pub keys_file: PathBuf,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file of that name is there.
    #[error("{0} exists already; a record is never overwritten")]
    Exists(PathBuf),
    /// The draft of another record, or its keys, would have this name.
    #[error("{0}: no backup's name ends in .part or .keys")]
    Reserved(PathBuf),
    /// Another backup to the same file has not ended.
    #[error("another backup writes {0} now; where none runs, delete that file")]
    Busy(PathBuf),
    /// The file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The keys.
    #[error(transparent)]
    Seal(SealError),
    /// The database.
    #[error("the record cannot be read: {0}")]
    Unavailable(#[from] SqlError),
    /// The record is not as it was recorded: what [`crate::restore`] would refuse.
    #[error("the record is not intact: {0}")]
    Damaged(VerifyError),
    /// The journal stands on no database.
    #[error("this journal keeps nothing that could be backed up")]
    NoDatabase,
}

impl From<SealError> for BackupError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Unavailable(error) => Self::Unavailable(error),
            error => Self::Seal(error),
        }
    }
}

impl From<VerifyError> for BackupError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Sql { source, .. } => Self::Unavailable(source),
            damage => Self::Damaged(damage),
        }
    }
}

/// The name of the second file.
#[must_use]
pub fn keys_file_of(record_file: &Path) -> PathBuf {
    let mut name = record_file.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}

/// Whether a backup to another name takes this one for what belongs to it.
fn is_reserved(record_file: &Path) -> bool {
    record_file.extension().is_some_and(|ending| ending == "part" || ending == "keys")
}

/// What a sealed claim digest is bound to.
pub(crate) fn claim_bound_to(installation: Uuid, namespace: &str, owner: &StreamId) -> Vec<u8> {
    let parts = [installation.as_bytes(), namespace.as_bytes(), owner.kind.as_bytes(), owner.id.as_bytes()];
    join("muniment/backup-claim/v1", &parts)
}

/// Writes a backup of the record as it is now; the server may go on working. `progress` hears how far it is and how
/// far it goes. Both files appear whole or not at all, for their owner's eyes only. The keys are those that there are at the
/// end, as [`crate::restore`] takes newer ones: a run that is killed on its way has written none.
///
/// # Errors
/// See [`BackupError`]; nothing is left behind then.
pub async fn backup(
    journal: &Journal,
    record_file: &Path,
    progress: &(dyn Fn(Position, Position) + Send + Sync),
) -> Result<BackedUp, BackupError> {
    let engine = journal.engine();
    let stores = engine.stores().ok_or(BackupError::NoDatabase)?;
    let keys_file = keys_file_of(record_file);
    if is_reserved(record_file) {
        return Err(BackupError::Reserved(record_file.to_owned()));
    }
    let is_free = || if record_file.exists() { Err(BackupError::Exists(record_file.to_owned())) } else { Ok(()) };
    is_free()?;
    let record = Draft::begin(record_file)?;
    // Nobody else gives the name away from here on.
    is_free()?;
    let keys = Draft::begin(&keys_file)?;

    // One moment for head and claims. Events below the head never change and are read without holding it.
    let mut moment = stores.read.begin_snapshot().await?;
    let header = read_header(&mut moment, journal.keyring()).await?;
    let end = Position(header.position);
    let mut writer = FrameWriter::new(record.writer()?, &header)?;
    let claims = write_claims(&mut moment, journal.keyring(), &mut writer).await?;
    moment.commit().await?;
    write_events(&**engine, &header, &mut writer, progress).await?;
    Draft::settle(writer.finish()?).await?;

    // A later moment: keys of later subjects open nothing here, and who was erased meanwhile stays erased.
    let mut moment = stores.read.begin_snapshot().await?;
    let keys_header = Header { content: "keys".to_owned(), ..read_header(&mut moment, journal.keyring()).await? };
    let mut keys_writer = FrameWriter::new(keys.writer()?, &keys_header)?;
    let keys_written = write_keys(&mut moment, &mut keys_writer).await?;
    moment.commit().await?;
    // Both are whole before either has its name: a disk that fills up here leaves no keys without their record.
    Draft::settle(keys_writer.finish()?).await?;
    is_free()?;
    keys.keep()?;
    record.keep_new().inspect_err(|error| {
        // The keys of a record that somebody put there meanwhile are no business of this run.
        if !matches!(error, BackupError::Exists(_)) {
            drop(std::fs::remove_file(&keys_file));
        }
    })?;
    sync_folder_of(record_file)?;
    Ok(BackedUp { position: end, claims, keys: keys_written, record_file: record_file.to_owned(), keys_file })
}

async fn read_header(moment: &mut Transaction, keyring: &KeyRing) -> Result<Header, BackupError> {
    let head = moment
        .fetch_optional("SELECT position, hash, recorded_at, epoch FROM journal_head", &[])
        .await?
        .ok_or(BackupError::NoDatabase)?;
    let epochs = moment.fetch_all("SELECT epoch, after_position FROM journal_epochs ORDER BY epoch", &[]).await?;
    let epochs = epochs
        .iter()
        .map(|row| Ok((row.count("epoch")?, row.count("after_position")?)))
        .collect::<Result<Vec<_>, SqlError>>()?;
    // As the moment has it: the master key may have been rotated since the ring was opened.
    let installation_row = key_table::read_installation_row(moment, "").await?.ok_or(SealError::WrongMasterKey)?;
    Ok(Header {
        content: "record".to_owned(),
        installation: keyring.installation(),
        epoch: head.count("epoch")?,
        epochs,
        position: head.count("position")?,
        hash: hex::encode(head.blob("hash")?),
        recorded_at: head.int("recorded_at")?,
        created_at: Utc::now(),
        installation_key: hex::encode(installation_row),
    })
}

async fn write_claims(
    moment: &mut Transaction,
    keyring: &KeyRing,
    writer: &mut FrameWriter<BufWriter<File>>,
) -> Result<u64, BackupError> {
    let mut written = 0;
    let (mut after_namespace, mut after_digest) = (String::new(), Vec::new());
    loop {
        let page = moment
            .fetch_all(
                "SELECT scope, digest, owner_kind, owner_id, claims.subject, position, wrapped_key FROM claims \
                 LEFT JOIN subject_keys ON subject_keys.subject = claims.subject \
                 WHERE (scope, digest) > ($1, $2) ORDER BY scope, digest LIMIT $3",
                &[(&after_namespace).into(), after_digest.as_slice().into(), PAGE_ROWS.into()],
            )
            .await?;
        for row in &page {
            if let Some(claim) = read_claim(row, keyring)? {
                writer.claim(&claim)?;
                written += 1;
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE_ROWS => {
                (after_namespace, after_digest) = (last.text("scope")?, last.blob("digest")?);
            }
            Some(_) | None => return Ok(written),
        }
    }
}

/// A claim as the file keeps it; `None` when it belongs to an erased subject, which frees it.
fn read_claim(row: &Row, keyring: &KeyRing) -> Result<Option<ClaimFrame>, BackupError> {
    let namespace = row.text("scope")?;
    let owner = StreamId::new(&row.text("owner_kind")?, &row.text("owner_id")?);
    let position = Position(row.count("position")?);
    let digest = row.blob("digest")?;
    let body = match (row.text_or_null("subject")?, row.blob_or_null("wrapped_key")?) {
        (None, _) => {
            let digest = digest
                .as_slice()
                .try_into()
                .map_err(|_| SqlError::Column { column: "digest".to_owned(), what: "is no digest".to_owned() })?;
            ClaimBody::Clear(digest)
        }
        (Some(_), None) => return Ok(None),
        (Some(subject), Some(wrapped)) => {
            let key: SecretKey = unwrap(&keyring.master().key, keyring.installation(), &subject, &wrapped)?;
            let body = key.encrypt(&claim_bound_to(keyring.installation(), &namespace, &owner), &digest)?;
            ClaimBody::Sealed { subject, body }
        }
    };
    Ok(Some(ClaimFrame { namespace, owner, position, body }))
}

async fn write_keys(moment: &mut Transaction, writer: &mut FrameWriter<BufWriter<File>>) -> Result<u64, BackupError> {
    let mut written = 0;
    let mut after = String::new();
    loop {
        let page = key_table::page(moment, &after, PAGE_ROWS).await?;
        for row in &page {
            writer.key(row)?;
            written += u64::from(row.subject != INSTALLATION_ROW);
        }
        match page.last() {
            Some(last) if page.len() == PAGE_ROWS => after.clone_from(&last.subject),
            Some(_) | None => return Ok(written),
        }
    }
}

/// The events that the header tells of, each only if it follows from the one before: a restore takes no others.
async fn write_events(
    engine: &dyn Engine,
    header: &Header,
    writer: &mut FrameWriter<BufWriter<File>>,
    progress: &(dyn Fn(Position, Position) + Send + Sync),
) -> Result<(), BackupError> {
    let end = Position(header.position);
    let epochs = header.epochs.iter().map(|(epoch, after)| (*epoch, Position(*after))).collect();
    refuse_below_first(engine).await?;
    let beginning = Trusted { position: Position::START, hash: GENESIS };
    let mut walk = Walk::new(engine, header.installation, epochs, beginning);
    while walk.position < end {
        let page = walk.page(end).await?;
        for (index, event) in page.iter().enumerate() {
            walk.step(event, page.get(index + 1..).unwrap_or_default())?;
            writer.event(event)?;
        }
        progress(walk.position, end);
    }
    let head = head_of(header).ok_or(VerifyError::HeadDiffers { position: end })?;
    Ok(walk.check_head(&head)?)
}

/// The head row as the header tells of it; `None` where it holds what no head has.
fn head_of(header: &Header) -> Option<Head> {
    Some(Head {
        position: Position(header.position),
        hash: hex::decode(&header.hash).ok()?.try_into().ok()?,
        identity: Identity { installation: header.installation, epoch: header.epoch },
        recorded_at: DateTime::from_timestamp_micros(header.recorded_at)?,
    })
}
