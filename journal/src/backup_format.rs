//! The bytes of a backup, the same for both engines: what is written, what is read back, and nothing of databases.
//!
//! `MUNIMENT BACKUP\n`, the format version (4 bytes, little-endian, as all integers), then frames: one byte of kind,
//! four of length, the content. First a header (JSON), then claims and events (or, in the second file, subject keys),
//! then an empty end frame and the BLAKE3 hash of all bytes before it. Events keep the very bytes that were hashed.

use std::io::{Read, Write};
use std::sync::Arc;

use chrono::{DateTime, TimeZone as _, Utc};
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent, StreamId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::key_table::KeyRow;

const MAGIC: &[u8; 16] = b"MUNIMENT BACKUP\n";
const VERSION: u32 = 1;
/// Longest frame that is read: no append is longer, and a damaged length must not fill the memory.
const FRAME_BYTES_MAX: u32 = 64 << 20;

const END: u8 = 0;
const HEADER: u8 = 1;
const CLAIM: u8 = 2;
const EVENT: u8 = 3;
const KEY: u8 = 4;

/// Why a file is no backup of ours, or no longer the one that was written.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file cannot be read or written.
    #[error("the backup file: {0}")]
    Io(#[from] std::io::Error),
    /// Another kind of file.
    #[error("the file is not a backup of this program")]
    NotABackup,
    /// Written by a newer program.
    #[error("the backup has format {0}; this program reads up to {VERSION}: use the newer program")]
    Newer(u32),
    /// Cut off, or its content does not hang together.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// Every byte is there but not as it was written.
    #[error("the backup was changed after it was written: its hash does not match")]
    HashMismatch,
}

fn damaged(what: impl Into<String>) -> FormatError {
    FormatError::Damaged(what.into())
}

/// What a backup is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// `record` or `keys`.
    pub content: String,
    /// The installation.
    pub installation: Uuid,
    /// The life of the record at the time.
    pub epoch: u64,
    /// Every epoch with the position after which it began.
    pub epochs: Vec<(u64, u64)>,
    /// Position of the last event.
    pub position: u64,
    /// Its hash, hexadecimal.
    pub hash: String,
    /// When that event was recorded, microseconds since 1970.
    pub recorded_at: i64,
    /// When the backup was made.
    pub created_at: DateTime<Utc>,
    /// The installation's secret, wrapped under the master key, hexadecimal: digests of claims depend on it.
    pub installation_key: String,
}

/// The key of a claim as a backup keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClaimBody {
    /// Nobody's personal data: the digest.
    Clear([u8; 32]),
    /// Somebody's: the digest, sealed under the subject's key, so that a backup cannot confirm a guessed address once
    /// the subject is erased.
    Sealed {
        /// Whose key it is.
        subject: String,
        /// Nonce and ciphertext.
        body: Vec<u8>,
    },
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimFrame {
    pub(crate) namespace: String,
    pub(crate) owner: StreamId,
    pub(crate) position: Position,
    pub(crate) body: ClaimBody,
}

/// What stands between header and end.
#[derive(Debug)]
pub(crate) enum Frame {
    Claim(ClaimFrame),
    Event(Box<RecordedEvent>),
    Key(KeyRow),
}

/// Writes frames and hashes them.
pub(crate) struct FrameWriter<W: Write> {
    out: W,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    pub(crate) fn new(out: W, header: &Header) -> Result<Self, FormatError> {
        let mut writer = Self { out, hasher: blake3::Hasher::new(), buffer: Vec::new() };
        writer.put(MAGIC)?;
        writer.put(&VERSION.to_le_bytes())?;
        let header = serde_json::to_vec(header).map_err(|error| damaged(error.to_string()))?;
        writer.buffer.extend_from_slice(&header);
        writer.flush_frame(HEADER)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.hasher.update(bytes);
        Ok(self.out.write_all(bytes)?)
    }

    fn flush_frame(&mut self, kind: u8) -> Result<(), FormatError> {
        let buffer = std::mem::take(&mut self.buffer);
        let length = u32::try_from(buffer.len()).ok().filter(|length| *length <= FRAME_BYTES_MAX);
        let length = length.ok_or_else(|| damaged(format!("an entry of {} bytes does not fit", buffer.len())))?;
        self.put(&[kind])?;
        self.put(&length.to_le_bytes())?;
        self.put(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // A longer text fails the frame's own limit.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(bytes);
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        self.buffer.push(u8::from(bytes.is_some()));
        if let Some(bytes) = bytes {
            self.bytes(bytes);
        }
    }

    pub(crate) fn event(&mut self, event: &RecordedEvent) -> Result<(), FormatError> {
        self.buffer.extend_from_slice(&event.position.0.to_le_bytes());
        self.buffer.extend_from_slice(&event.sequence.to_le_bytes());
        self.buffer.extend_from_slice(&event.recorded_at.timestamp_micros().to_le_bytes());
        self.buffer.extend_from_slice(&event.hash);
        for text in [
            &*event.stream.kind,
            &*event.stream.id,
            &*event.event_type,
            &*event.event_version,
            &*event.payload,
            &*event.metadata,
        ] {
            self.bytes(text.as_bytes());
        }
        self.optional(event.dedupe.as_ref().map(|key| key.0.as_slice()));
        self.flush_frame(EVENT)
    }

    pub(crate) fn claim(&mut self, claim: &ClaimFrame) -> Result<(), FormatError> {
        self.buffer.extend_from_slice(&claim.position.0.to_le_bytes());
        self.bytes(claim.namespace.as_bytes());
        self.bytes(claim.owner.kind.as_bytes());
        self.bytes(claim.owner.id.as_bytes());
        match &claim.body {
            ClaimBody::Clear(digest) => {
                self.optional(None);
                self.bytes(digest);
            }
            ClaimBody::Sealed { subject, body } => {
                self.optional(Some(subject.as_bytes()));
                self.bytes(body);
            }
        }
        self.flush_frame(CLAIM)
    }

    pub(crate) fn key(&mut self, key: &KeyRow) -> Result<(), FormatError> {
        self.buffer.extend_from_slice(&key.created_at.timestamp_micros().to_le_bytes());
        self.bytes(key.subject.as_bytes());
        self.bytes(&key.wrapped);
        self.optional(key.alias.as_deref());
        self.flush_frame(KEY)
    }

    /// Ends the file; what was written to.
    pub(crate) fn finish(mut self) -> Result<W, FormatError> {
        self.flush_frame(END)?;
        self.out.write_all(self.hasher.finalize().as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Reads frames back. The file is only known to be whole once [`FrameReader::next`] has answered `None`.
pub(crate) struct FrameReader<R: Read> {
    input: R,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl<R: Read> FrameReader<R> {
    pub(crate) fn new(input: R) -> Result<(Self, Header), FormatError> {
        let mut reader = Self { input, hasher: blake3::Hasher::new(), buffer: Vec::new() };
        if reader.take::<16>().map_err(|_| FormatError::NotABackup)? != *MAGIC {
            return Err(FormatError::NotABackup);
        }
        let version = u32::from_le_bytes(reader.take()?);
        if version != VERSION {
            return Err(FormatError::Newer(version));
        }
        if reader.frame()? != HEADER {
            return Err(damaged("it does not begin with a header"));
        }
        let header = serde_json::from_slice(&reader.buffer).map_err(|error| damaged(error.to_string()))?;
        Ok((reader, header))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(cut_off)?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    /// Reads one frame into the buffer; its kind.
    fn frame(&mut self) -> Result<u8, FormatError> {
        let [kind] = self.take::<1>()?;
        let length = u32::from_le_bytes(self.take()?);
        if length > FRAME_BYTES_MAX {
            return Err(damaged(format!("an entry claims {length} bytes")));
        }
        self.buffer.clear();
        let read = (&mut self.input).take(u64::from(length)).read_to_end(&mut self.buffer)?;
        if u32::try_from(read).ok() != Some(length) {
            return Err(damaged("it ends in the middle"));
        }
        self.hasher.update(&self.buffer);
        Ok(kind)
    }

    /// The next entry; `None` at the end of a file that is whole and unchanged.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, FormatError> {
        let kind = self.frame()?;
        let mut fields = Fields(&self.buffer);
        let frame = match kind {
            END => {
                let computed = *self.hasher.finalize().as_bytes();
                let mut stored = [0; 32];
                self.input.read_exact(&mut stored).map_err(cut_off)?;
                if stored != computed {
                    return Err(FormatError::HashMismatch);
                }
                if self.input.read(&mut [0])? != 0 {
                    return Err(damaged("there is more after its end"));
                }
                return Ok(None);
            }
            EVENT => Frame::Event(Box::new(fields.event()?)),
            CLAIM => Frame::Claim(fields.claim()?),
            KEY => Frame::Key(fields.key()?),
            other => return Err(damaged(format!("an entry of unknown kind {other}"))),
        };
        if !fields.0.is_empty() {
            return Err(damaged("an entry is longer than its content"));
        }
        Ok(Some(frame))
    }
}

fn cut_off(error: std::io::Error) -> FormatError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => damaged("it ends in the middle"),
        _ => FormatError::Io(error),
    }
}

/// The fields of one frame, taken off from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or_else(|| damaged("an entry is too short"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn bytes(&mut self) -> Result<&'a [u8], FormatError> {
        let length = u32::from_le_bytes(self.array()?);
        let length = usize::try_from(length).map_err(|_| damaged("an entry is too long"))?;
        let (head, rest) = self.0.split_at_checked(length).ok_or_else(|| damaged("an entry is too short"))?;
        self.0 = rest;
        Ok(head)
    }

    fn text(&mut self) -> Result<&'a str, FormatError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| damaged("a text is not UTF-8"))
    }

    fn optional(&mut self) -> Result<Option<&'a [u8]>, FormatError> {
        match self.array::<1>()? {
            [0] => Ok(None),
            [1] => self.bytes().map(Some),
            [other] => Err(damaged(format!("{other} is neither yes nor no"))),
        }
    }

    fn position(&mut self) -> Result<Position, FormatError> {
        Ok(Position(u64::from_le_bytes(self.array()?)))
    }

    fn instant(&mut self) -> Result<DateTime<Utc>, FormatError> {
        let micros = i64::from_le_bytes(self.array()?);
        Utc.timestamp_micros(micros).single().ok_or_else(|| damaged(format!("{micros} is no instant")))
    }

    fn event(&mut self) -> Result<RecordedEvent, FormatError> {
        let position = self.position()?;
        let sequence = u64::from_le_bytes(self.array()?);
        let recorded_at = self.instant()?;
        let hash = self.array()?;
        let stream = StreamId::new(self.text()?, self.text()?);
        let event_type = Arc::from(self.text()?);
        let event_version = Arc::from(self.text()?);
        let payload = Box::from(self.text()?);
        let metadata = Arc::from(self.text()?);
        let dedupe = self.optional()?.map(digest).transpose()?.map(DedupeKey);
        Ok(RecordedEvent {
            position,
            stream,
            sequence,
            event_type,
            event_version,
            payload,
            metadata,
            recorded_at,
            dedupe,
            hash,
        })
    }

    fn claim(&mut self) -> Result<ClaimFrame, FormatError> {
        let position = self.position()?;
        let namespace = self.text()?.to_owned();
        let owner = StreamId::new(self.text()?, self.text()?);
        let subject = self.optional()?;
        let body = self.bytes()?;
        let body = match subject {
            None => ClaimBody::Clear(digest(body)?),
            Some(subject) => {
                let subject = std::str::from_utf8(subject).map_err(|_| damaged("a text is not UTF-8"))?;
                ClaimBody::Sealed { subject: subject.to_owned(), body: body.to_vec() }
            }
        };
        Ok(ClaimFrame { namespace, owner, position, body })
    }

    fn key(&mut self) -> Result<KeyRow, FormatError> {
        let created_at = self.instant()?;
        let subject = self.text()?.to_owned();
        let wrapped = self.bytes()?.to_vec();
        let alias = self.optional()?.map(<[u8]>::to_vec);
        Ok(KeyRow { subject, wrapped, alias, created_at })
    }
}

fn digest(bytes: &[u8]) -> Result<[u8; 32], FormatError> {
    bytes.try_into().map_err(|_| damaged("a digest has another length than 32"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            content: "record".to_owned(),
            installation: Uuid::from_bytes([1; 16]),
            epoch: 1,
            epochs: vec![(1, 0)],
            position: 1,
            hash: hex::encode([2; 32]),
            recorded_at: 5,
            created_at: DateTime::UNIX_EPOCH,
            installation_key: String::new(),
        }
    }

    fn event() -> RecordedEvent {
        RecordedEvent {
            position: Position(1),
            stream: StreamId::new("metric", "m1"),
            sequence: 1,
            event_type: Arc::from("metric.defined"),
            event_version: Arc::from("1.0"),
            payload: Box::from("{ \"spaces\" :  1 }"),
            metadata: Arc::from("{}"),
            recorded_at: Utc.timestamp_micros(1_795_000_000_123_456).unwrap(),
            dedupe: Some(DedupeKey([3; 32])),
            hash: [2; 32],
        }
    }

    fn file() -> Vec<u8> {
        let mut writer = FrameWriter::new(Vec::new(), &header()).unwrap();
        let body = ClaimBody::Sealed { subject: "subject_x".to_owned(), body: vec![1, 2, 3] };
        let owner = StreamId::new("account", "a");
        writer
            .claim(&ClaimFrame { namespace: "account-email".to_owned(), owner, position: Position(1), body })
            .unwrap();
        writer.event(&event()).unwrap();
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Frame>, FormatError> {
        let (mut reader, _) = FrameReader::new(bytes)?;
        let mut frames = Vec::new();
        while let Some(frame) = reader.next()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[test]
    fn what_is_written_is_read_back_byte_for_byte() {
        let frames = read(&file()).unwrap();
        assert_eq!(frames.len(), 2);
        assert!(matches!(&frames[1], Frame::Event(read) if **read == event()));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let whole = file();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "byte {at}");
            assert!(read(&whole[..at]).is_err(), "cut at {at}");
        }
        let mut longer = whole;
        longer.push(0);
        assert!(read(&longer).is_err());
    }
}
