//! Restoring: a backup becomes the record of an empty database, in a new epoch.
//!
//! Trailer and hash chain are checked while loading and everything is one transaction, so a damaged file leaves an
//! empty database. The new epoch makes cursors, read models and copies of the lost future recognisable. Subjects
//! whose key is not in the keys file read as erased, and their claims are free.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use chrono::Utc;
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_sql::{Arg, Engine, SqlError, Transaction};
use uuid::Uuid;

use crate::Journal;
use crate::backup::claim_bound_to;
use crate::backup_format::{ClaimBody, ClaimFrame, FormatError, Frame, FrameReader, Header};
use crate::chain::{GENESIS, Hasher};
use crate::engine::Identity;
use crate::key_table::{self, INSTALLATION_ROW, KeyRow};
use crate::keyring::unwrap;
use crate::seal::{SealError, SecretKey};
use crate::sqlite::texts;

/// Events inserted by one statement, 11 arguments each.
const INSERT_ROWS: usize = 32;

/// What a restore brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The record ends here.
    pub position: Position,
    /// Which record it is, with its new epoch.
    pub identity: Identity,
    /// Claims that are held again.
    pub claims: u64,
    /// Claims of subjects without a key, which are free.
    pub claims_freed: u64,
    /// Subject keys that are back.
    pub keys: u64,
}

/// Why nothing was restored, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a record already.
    #[error("the database is not empty: it has {0} events, and a restore replaces nothing; use a new one")]
    NotEmpty(Position),
    /// The file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// One file is given for the other, or they belong to two installations.
    #[error("{0}")]
    WrongFile(String),
    /// An event's hash does not follow from the one before.
    #[error("the event at position {0} was changed: its hash does not follow from the one before it")]
    Changed(Position),
    /// Positions do not follow one another, or the head is another than the header says.
    #[error("position {expected} is missing in the backup")]
    Gap {
        /// The one that is missing.
        expected: Position,
    },
    /// The keys.
    #[error("{0}; a backup opens under the master key it was made under, or give the keys file of the newest backup")]
    Seal(#[source] SealError),
    /// The database.
    #[error("the database refused: {0}")]
    Database(#[from] SqlError),
    /// The answer to the commit was lost: the record may be there, or come.
    #[error("the database did not say whether it has the record now: {0}")]
    Uncertain(#[source] SqlError),
    /// The journal stands on no database or is open for reading only.
    #[error("this journal cannot take a record")]
    NoDatabase,
}

impl From<SealError> for RestoreError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Unavailable(error) => Self::Database(error),
            error => Self::Seal(error),
        }
    }
}

fn open(path: &Path, content: &str) -> Result<(FrameReader<BufReader<File>>, Header), RestoreError> {
    let named =
        |error: io::Error| FormatError::from(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
    let (reader, header) = FrameReader::new(BufReader::new(File::open(path).map_err(named)?))?;
    if header.content != content {
        let message = format!("{} holds {}, not {content}", path.display(), header.content);
        return Err(RestoreError::WrongFile(message));
    }
    Ok((reader, header))
}

/// Loads a backup into the empty database of `journal`, which is shut down by it: open it again afterwards. Without
/// `keys_file` every personal value reads as erased.
///
/// # Errors
/// See [`RestoreError`]; the database is still empty then, unless it says otherwise.
pub async fn restore(
    journal: Journal,
    record_file: &Path,
    keys_file: Option<&Path>,
    progress: &(dyn Fn(Position, Position) + Send + Sync),
) -> Result<Restored, RestoreError> {
    let restored = load(&journal, record_file, keys_file, progress).await;
    // What the journal remembers of its empty database no longer holds.
    journal.shutdown().await;
    restored
}

async fn load(
    journal: &Journal,
    record_file: &Path,
    keys_file: Option<&Path>,
    progress: &(dyn Fn(Position, Position) + Send + Sync),
) -> Result<Restored, RestoreError> {
    let stores = journal.engine().stores().ok_or(RestoreError::NoDatabase)?;
    let master = journal.keyring().master();
    let (mut record, header) = open(record_file, "record")?;
    let keys = keys_file.map(|path| open(path, "keys")).transpose()?;
    if let Some((_, keys_header)) = &keys
        && keys_header.installation != header.installation
    {
        let message = "the two files belong to two installations".to_owned();
        return Err(RestoreError::WrongFile(message));
    }

    let mut tx = stores.write.begin().await?;
    check_empty(&mut tx).await?;
    tx.execute("DELETE FROM subject_keys", &[]).await?;
    let keys_restored = match keys {
        Some((reader, _)) => load_keys(&mut tx, reader).await?,
        None => insert_installation_key(&mut tx, &header).await?,
    };
    let installation_row = key_table::read_installation_row(&mut tx, "").await?.ok_or(SealError::WrongMasterKey)?;
    // Refuses before anything is loaded under digests that could never be made again.
    unwrap(&master.key, header.installation, INSTALLATION_ROW, &installation_row)?;

    let mut loader = Loader::new(&header);
    while let Some(frame) = record.next()? {
        match frame {
            Frame::Event(event) => {
                loader.event(&mut tx, *event).await?;
                if loader.last.0.is_multiple_of(1_000) {
                    progress(loader.last, Position(header.position));
                }
            }
            Frame::Claim(claim) => loader.claim(&mut tx, &master.key, &claim).await?,
            Frame::Key(_) => return Err(RestoreError::WrongFile("the record's file holds a key".to_owned())),
        }
    }
    let identity = loader.finish(&mut tx, &header).await?;
    tx.commit().await.map_err(RestoreError::Uncertain)?;
    progress(loader.last, Position(header.position));
    Ok(Restored {
        position: loader.last,
        identity,
        claims: loader.claims,
        claims_freed: loader.claims_freed,
        keys: keys_restored,
    })
}

async fn check_empty(tx: &mut Transaction) -> Result<(), RestoreError> {
    let head = tx.fetch_optional("SELECT position FROM journal_head", &[]).await?.ok_or(RestoreError::NoDatabase)?;
    let position = Position(head.count("position")?);
    let claims = tx.fetch_optional("SELECT scope FROM claims LIMIT 1", &[]).await?;
    if position == Position::START && claims.is_none() { Ok(()) } else { Err(RestoreError::NotEmpty(position)) }
}

async fn load_keys(tx: &mut Transaction, mut reader: FrameReader<BufReader<File>>) -> Result<u64, RestoreError> {
    let mut keys = 0;
    while let Some(frame) = reader.next()? {
        let Frame::Key(row) = frame else {
            return Err(RestoreError::WrongFile("the keys' file holds more than keys".to_owned()));
        };
        key_table::insert_row(tx, &row).await?;
        keys += u64::from(row.subject != INSTALLATION_ROW);
    }
    Ok(keys)
}

async fn insert_installation_key(tx: &mut Transaction, header: &Header) -> Result<u64, RestoreError> {
    let wrapped = hex::decode(&header.installation_key)
        .map_err(|_| FormatError::Damaged("the installation's key cannot be read".to_owned()))?;
    let row = KeyRow { subject: INSTALLATION_ROW.to_owned(), wrapped, alias: None, created_at: Utc::now() };
    key_table::insert_row(tx, &row).await?;
    Ok(0)
}

/// Checks the chain and inserts in pages.
struct Loader {
    installation: Uuid,
    /// Epochs with the position after which they began, ascending.
    epochs: Vec<(u64, u64)>,
    hasher: Hasher,
    last: Position,
    last_hash: [u8; 32],
    waiting: Vec<RecordedEvent>,
    /// Statement texts by number of rows: the full page and the last one.
    inserts: HashMap<usize, String>,
    claims: u64,
    claims_freed: u64,
}

impl Loader {
    fn new(header: &Header) -> Self {
        Self {
            installation: header.installation,
            epochs: header.epochs.clone(),
            hasher: Hasher::default(),
            last: Position::START,
            last_hash: GENESIS,
            waiting: Vec::with_capacity(INSERT_ROWS),
            inserts: HashMap::new(),
            claims: 0,
            claims_freed: 0,
        }
    }

    /// The epoch under which the event at `position` was hashed.
    fn epoch_at(&self, position: Position) -> u64 {
        let begun = self.epochs.iter().filter(|(_, after)| *after < position.0);
        begun.map(|(epoch, _)| *epoch).max().unwrap_or(0)
    }

    async fn event(&mut self, tx: &mut Transaction, event: RecordedEvent) -> Result<(), RestoreError> {
        if event.position != self.last.next() {
            return Err(RestoreError::Gap { expected: self.last.next() });
        }
        let identity = Identity { installation: self.installation, epoch: self.epoch_at(event.position) };
        if self.hasher.hash(&self.last_hash, identity, &event) != event.hash {
            return Err(RestoreError::Changed(event.position));
        }
        self.last = event.position;
        self.last_hash = event.hash;
        self.waiting.push(event);
        if self.waiting.len() == INSERT_ROWS { self.insert_waiting(tx).await } else { Ok(()) }
    }

    async fn insert_waiting(&mut self, tx: &mut Transaction) -> Result<(), RestoreError> {
        let rows = self.waiting.len();
        if rows == 0 {
            return Ok(());
        }
        self.name_new_streams(tx).await?;
        let insert = match tx.engine() {
            Engine::Sqlite => texts::insert_events,
            Engine::Postgres => insert_events,
        };
        let sql = self.inserts.entry(rows).or_insert_with(|| insert(rows));
        let mut args: Vec<Arg<'_>> = Vec::with_capacity(rows * 11);
        for event in &self.waiting {
            args.extend([
                event.position.0.into(),
                (&*event.stream.kind).into(),
                (&*event.stream.id).into(),
                event.sequence.into(),
                (&*event.event_type).into(),
                (&*event.event_version).into(),
                (&*event.payload).into(),
                (&*event.metadata).into(),
                event.recorded_at.into(),
                event.hash.as_slice().into(),
                event.dedupe.map(|key| key.0.to_vec()).into(),
            ]);
        }
        tx.execute(sql, &args).await?;
        self.waiting.clear();
        Ok(())
    }

    /// Events are found by the numbers of their streams. On PostgreSQL that is the position of the first.
    async fn name_new_streams(&self, tx: &mut Transaction) -> Result<(), SqlError> {
        let new: Vec<&RecordedEvent> = self.waiting.iter().filter(|event| event.sequence == 1).collect();
        if tx.engine() == Engine::Postgres {
            let sql = "INSERT INTO streams (number, aggregate_type, aggregate_id) VALUES ($1, $2, $3)";
            for event in new {
                let args = [event.position.0.into(), (&*event.stream.kind).into(), (&*event.stream.id).into()];
                tx.execute(sql, &args).await?;
            }
            return Ok(());
        }
        for events in texts::filled(&new) {
            let names = events.iter().flat_map(|event| [(&*event.stream.kind).into(), (&*event.stream.id).into()]);
            let args: Vec<Arg<'_>> = names.collect();
            tx.execute(&texts::name_streams(events.len()), &args).await?;
        }
        Ok(())
    }

    async fn claim(
        &mut self,
        tx: &mut Transaction,
        master: &SecretKey,
        claim: &ClaimFrame,
    ) -> Result<(), RestoreError> {
        let (digest, subject) = match &claim.body {
            ClaimBody::Clear(digest) => (digest.to_vec(), None),
            ClaimBody::Sealed { subject, body } => {
                let sql = "SELECT wrapped_key FROM subject_keys WHERE subject = $1";
                let Some(row) = tx.fetch_optional(sql, &[subject.into()]).await? else {
                    self.claims_freed += 1;
                    return Ok(());
                };
                let key = unwrap(master, self.installation, subject, &row.blob("wrapped_key")?)?;
                let bound_to = claim_bound_to(self.installation, &claim.namespace, &claim.owner);
                let refused = || FormatError::Damaged(format!("a claim of {} does not open", claim.owner));
                (key.decrypt(&bound_to, body).ok_or_else(refused)?.to_vec(), Some(subject.clone()))
            }
        };
        let args = [
            (&claim.namespace).into(),
            digest.into(),
            (&*claim.owner.kind).into(),
            (&*claim.owner.id).into(),
            subject.into(),
            claim.position.0.into(),
        ];
        let sql = "INSERT INTO claims (scope, digest, owner_kind, owner_id, subject, position) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        tx.execute(sql, &args).await?;
        self.claims += 1;
        Ok(())
    }

    /// Sets head and epochs; the identity of the record from now on.
    async fn finish(&mut self, tx: &mut Transaction, header: &Header) -> Result<Identity, RestoreError> {
        self.insert_waiting(tx).await?;
        if self.last.0 != header.position {
            return Err(RestoreError::Gap { expected: self.last.next() });
        }
        if hex::encode(self.last_hash) != header.hash {
            return Err(RestoreError::Changed(self.last));
        }
        let now = Utc::now();
        let identity = Identity { installation: header.installation, epoch: header.epoch }.later(now);
        tx.execute("DELETE FROM journal_epochs", &[]).await?;
        let insert = "INSERT INTO journal_epochs (epoch, after_position, started_at) VALUES ($1, $2, $3)";
        for (old, after) in &header.epochs {
            tx.execute(insert, &[(*old).into(), (*after).into(), header.created_at.into()]).await?;
        }
        tx.execute(insert, &[identity.epoch.into(), header.position.into(), now.into()]).await?;
        let head = "UPDATE journal_head SET position = $1, hash = $2, recorded_at = $3, installation = $4, epoch = $5";
        let args = [
            header.position.into(),
            self.last_hash.as_slice().into(),
            header.recorded_at.into(),
            header.installation.to_string().into(),
            identity.epoch.into(),
        ];
        tx.execute(head, &args).await?;
        if tx.engine() == Engine::Sqlite {
            tx.execute(texts::INDEX_KEYS, &[]).await?;
            tx.execute(texts::ALL_INDEXED, &[]).await?;
        }
        Ok(identity)
    }
}

/// `INSERT` of so many events into PostgreSQL, which must be told that a text is `json`.
fn insert_events(rows: usize) -> String {
    let mut sql = "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, \
                   payload, metadata, recorded_at, hash, dedupe_key, stream) VALUES "
        .to_owned();
    for row in 0..rows {
        if row > 0 {
            sql.push(',');
        }
        sql.push('(');
        for column in 1..=11 {
            if column > 1 {
                sql.push(',');
            }
            sql.push('$');
            sql.push_str(&(row * 11 + column).to_string());
            if column == 7 || column == 8 {
                sql.push_str("::json");
            }
        }
        let (kind, id) = (row * 11 + 2, row * 11 + 3);
        let stream = format!(", (SELECT number FROM streams WHERE aggregate_type = ${kind} AND aggregate_id = ${id}))");
        sql.push_str(&stream);
    }
    sql
}
