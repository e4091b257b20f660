//! Signed heads: a note that the record stood at this position with this hash, to be kept elsewhere.
//!
//! The hash chain shows every change inside the record but not a cut tail, nor a record rewritten as a whole; a head
//! that was signed and taken away shows both. The note is text, signed with Ed25519, and made to be mailed, printed
//! and pasted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use muniment_aggregates::record::Position;
use muniment_sql::SqlError;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use uuid::Uuid;

use crate::Journal;
use crate::engine::{Head, Identity};
use crate::keyring::KeyRing;
use crate::master_key::{self, KeyFileError, KeySource};
use crate::seal::SecretKey;

/// Name of the signing key's file in the key folder.
pub const CHECKPOINT_KEY_FILE: &str = "checkpoint.key";
const TITLE: &str = "muniment head v1";

/// Signs heads.
pub struct CheckpointKey(Ed25519KeyPair);

/// What is wrong with a signed head or the key that signs.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The bytes are no Ed25519 seed.
    #[error("the signing key is not usable")]
    Key,
    /// The text is not a note of ours.
    #[error("this is not a signed head: {0}")]
    Malformed(String),
    /// The signature does not belong to this text and key.
    #[error("the signature does not match: the note was changed")]
    BadSignature,
    /// Signed, but by no key that was asked for.
    #[error("the note was signed by another key than the record's")]
    OtherKey,
    /// The record cannot be read.
    #[error(transparent)]
    Unavailable(#[from] SqlError),
}

impl CheckpointKey {
    /// The signing key beside the master key, made on first use where the source allows it; or, where the master
    /// key comes from the caller, one of the installation's secret. Both outlive a rotation of the master key, and with it
    /// so do the notes.
    ///
    /// # Errors
    /// When the file is missing, unsafe or no key.
    pub fn load(source: &KeySource, ring: &KeyRing) -> Result<Self, CheckpointError> {
        match source {
            KeySource::Directory { path, create_missing: true } => {
                Self::from_seed(master_key::read_or_make(path, CHECKPOINT_KEY_FILE)?.as_bytes())
            }
            KeySource::Directory { path, create_missing: false } => {
                Self::from_seed(master_key::read_key(path, CHECKPOINT_KEY_FILE)?.as_bytes())
            }
            KeySource::Explicit(_) => Self::from_seed(ring.seed_of_heads().as_bytes()),
        }
    }

    /// The public halves of the keys whose notes are to be trusted: of the one that signs and, where the master key comes
    /// from the caller, of the one that earlier programs derived from it.
    ///
    /// # Errors
    /// As [`CheckpointKey::load`].
    pub fn trusted(source: &KeySource, ring: &KeyRing) -> Result<Vec<Vec<u8>>, CheckpointError> {
        let mut trusted = vec![Self::load(source, ring)?.public_key()];
        if let KeySource::Explicit(master) = source {
            let seed = SecretKey::new(**master).derive("muniment 2026-11 signing key of heads");
            trusted.push(Self::from_seed(seed.as_bytes())?.public_key());
        }
        Ok(trusted)
    }

    /// A signing key from its 32-byte seed.
    ///
    /// # Errors
    /// When the bytes are no seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, CheckpointError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| CheckpointError::Key)
    }

    /// The public half, for those who check.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }

    /// Signs a head as of `at`.
    #[must_use]
    pub fn sign(&self, head: Head, at: DateTime<Utc>) -> SignedHead {
        let mut signed = SignedHead {
            identity: head.identity,
            position: head.position,
            hash: head.hash,
            at,
            public_key: self.public_key(),
            signature: Vec::new(),
        };
        signed.signature = self.0.sign(signed.body().as_bytes()).as_ref().to_vec();
        signed
    }
}

/// A head of the record, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// Which record, in which of its lives.
    pub identity: Identity,
    /// Position of its last event then.
    pub position: Position,
    /// Hash of that event.
    pub hash: [u8; 32],
    /// When it was signed.
    pub at: DateTime<Utc>,
    /// Who signed.
    pub public_key: Vec<u8>,
    /// Ed25519 over all lines before it.
    pub signature: Vec<u8>,
}

/// What an old head says about the record of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The record still holds that event at that position under that hash, and so all before it.
    Consistent,
    /// The record is another than the one that was signed.
    Differs {
        /// The first position that differs, where the record itself tells: the first event after a restore.
        from: Option<Position>,
    },
    /// The record ends before the signed position: events were cut off.
    TailCut {
        /// The last position it has.
        position: Position,
    },
    /// The note is about another installation.
    OtherInstallation,
}

impl SignedHead {
    fn body(&self) -> String {
        format!(
            "{TITLE}\ninstallation: {}\nepoch: {}\nposition: {}\nhash: {}\nat: {}\npublic key: {}\n",
            self.identity.installation,
            self.identity.epoch,
            self.position,
            hex::encode(self.hash),
            self.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            STANDARD.encode(&self.public_key),
        )
    }

    /// The note as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}signature: {}\n", self.body(), STANDARD.encode(&self.signature))
    }

    /// Reads a note and checks its signature; with `trusted`, also that one of these keys made it. Without them the check
    /// shows only that the note is whole, since it brings its own key.
    ///
    /// # Errors
    /// When the text is no note, was changed, or another key signed it.
    pub fn from_text(text: &str, trusted: Option<&[Vec<u8>]>) -> Result<Self, CheckpointError> {
        // Mailing changes line ends and adds blank lines around; the signed bytes are ours again below.
        let mut lines = text.lines().map(str::trim_end).skip_while(|line| line.is_empty());
        if lines.next() != Some(TITLE) {
            return Err(CheckpointError::Malformed(format!("the first line is not {TITLE:?}")));
        }
        let mut field = |name: &str| {
            let line = lines.next().unwrap_or("");
            line.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(": "))
                .ok_or_else(|| CheckpointError::Malformed(format!("the line {name:?} is missing")))
        };
        let wrong = |name: &str| CheckpointError::Malformed(format!("the value of {name:?} cannot be read"));
        let installation = field("installation")?.parse::<Uuid>().map_err(|_| wrong("installation"))?;
        let epoch = field("epoch")?.parse().map_err(|_| wrong("epoch"))?;
        let position = Position(field("position")?.parse().map_err(|_| wrong("position"))?);
        let mut hash = [0_u8; 32];
        hex::decode_to_slice(field("hash")?, &mut hash).map_err(|_| wrong("hash"))?;
        let at = DateTime::parse_from_rfc3339(field("at")?).map_err(|_| wrong("at"))?.to_utc();
        let public_key = STANDARD.decode(field("public key")?).map_err(|_| wrong("public key"))?;
        let signature = STANDARD.decode(field("signature")?).map_err(|_| wrong("signature"))?;
        let identity = Identity { installation, epoch };
        let signed = Self { identity, position, hash, at, public_key, signature };
        UnparsedPublicKey::new(&ED25519, &signed.public_key)
            .verify(signed.body().as_bytes(), &signed.signature)
            .map_err(|_| CheckpointError::BadSignature)?;
        if trusted.is_some_and(|trusted| !trusted.contains(&signed.public_key)) {
            return Err(CheckpointError::OtherKey);
        }
        Ok(signed)
    }

    /// Compares with the record of today. It reads one event; whether the chain up to it holds is
    /// [`Journal::verify`]'s part, and only both together prove that nothing was changed.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub async fn verify_against(&self, journal: &Journal) -> Result<Comparison, CheckpointError> {
        let engine = journal.engine();
        let head = engine.head().await?;
        if head.identity.installation != self.identity.installation {
            return Ok(Comparison::OtherInstallation);
        }
        // A restore to before the signed position starts a later epoch right after what it brought back.
        let epochs = engine.epochs().await?;
        let replaced = epochs.iter().find(|(epoch, after)| *epoch > self.identity.epoch && *after < self.position);
        if let Some((_, after)) = replaced {
            return Ok(Comparison::Differs { from: Some(after.next()) });
        }
        if head.position < self.position {
            return Ok(Comparison::TailCut { position: head.position });
        }
        if self.position == Position::START {
            return Ok(Comparison::Consistent);
        }
        let before = Position(self.position.0 - 1);
        let events = engine.read(before, self.position, 1).await?;
        Ok(match events.first() {
            Some(event) if event.hash == self.hash => Comparison::Consistent,
            Some(_) | None => Comparison::Differs { from: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (CheckpointKey, SignedHead) {
        let key = CheckpointKey::from_seed(&[5; 32]).unwrap();
        let at = DateTime::parse_from_rfc3339("2026-11-20T12:34:56.789Z").unwrap().to_utc();
        let identity = Identity { installation: Uuid::from_bytes([1; 16]), epoch: 3 };
        let head = Head { position: Position(42), hash: [9; 32], identity, recorded_at: at };
        let signed = key.sign(head, at);
        (key, signed)
    }

    #[test]
    fn a_note_survives_the_mail_and_names_its_signer() {
        let (key, signed) = signed();
        let mailed = format!("\r\n{}\r\n", signed.to_text().replace('\n', "\r\n"));
        let other = [CheckpointKey::from_seed(&[6; 32]).unwrap().public_key()];
        let either = [&other[..], &[key.public_key()]].concat();
        assert_eq!(SignedHead::from_text(&mailed, Some(&either)).unwrap(), signed);
        assert!(matches!(SignedHead::from_text(&signed.to_text(), Some(&other)), Err(CheckpointError::OtherKey)));
    }

    #[test]
    fn a_changed_note_is_refused() {
        let (_, signed) = signed();
        let text = signed.to_text();
        for (from, to) in [("position: 42", "position: 41"), ("epoch: 3", "epoch: 2"), ("hash: 09", "hash: 08")] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text);
            assert!(matches!(SignedHead::from_text(&changed, None), Err(CheckpointError::BadSignature)), "{to}");
        }
        assert!(matches!(SignedHead::from_text("hello", None), Err(CheckpointError::Malformed(_))));
    }
}
