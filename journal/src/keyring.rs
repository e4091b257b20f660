//! Whose key seals what: one random key a subject, wrapped under the master key, destroyed by erasure.
//!
//! Sealing happens at the edge, before a command exists; events, snapshots and read models hold only [`Sealed`].
//! The installation has a secret of its own, wrapped beside the subjects' keys, from which the digests of claims,
//! aliases and codes are keyed: it outlives a rotation of the master key, so digests do too, and what signs heads.
//! Begin with [`KeyRing::subject_for`] and [`KeyRing::seal`].

use std::num::NonZeroUsize;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{NaiveDate, Utc};
use lru::LruCache;
use muniment_aggregates::claims::ClaimKey;
use muniment_aggregates::record::RecordedEvent;
use muniment_aggregates::sealed::{Admits, SealContext, Sealed, SubjectId};
use muniment_sql::Database;
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::fitting;
use crate::key_table::{INSTALLATION_ROW, KeyRow, KeyTable, Stored};
use crate::master_key::{KeyFileError, MasterKey};
use crate::seal::{KEY_BYTES, SealError, SecretKey, join};

/// Keys held open. A key and its id are about 150 bytes, so the cache stays below 3 MB.
const CACHED_KEYS_MAX: NonZeroUsize = NonZeroUsize::new(16_384).expect("16384 is not zero");
/// The event by which every node learns of an erasure.
const ERASED_EVENT: &str = "subject.erased";

/// By what a person is found again before an account names a subject. Only its keyed digest is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectAlias(Zeroizing<String>);

impl SubjectAlias {
    /// The owner of an e-mail address; letter case does not matter.
    #[must_use]
    pub fn email(address: &str) -> Self {
        Self::named("email", &address.trim().to_lowercase())
    }

    /// All anonymous clients of one day, so that their addresses can be erased a day at a time.
    #[must_use]
    pub fn client_day(day: NaiveDate) -> Self {
        Self::named("client-day", &day.to_string())
    }

    /// Anything else that is known under a name of its kind, already normalised.
    #[must_use]
    pub fn named(kind: &str, name: &str) -> Self {
        Self(Zeroizing::new(format!("{kind}:{name}")))
    }
}

/// The digest under which the journal keeps a claim, and the subject whose erasure frees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimDigest {
    /// Keyed HMAC over namespace and key.
    pub digest: [u8; 32],
    /// Whose personal data the key is.
    pub subject: Option<SubjectId>,
}

struct Cache {
    /// Moves with every erasure; a key that was read before it moved is not kept.
    generation: u64,
    keys: LruCache<SubjectId, SecretKey>,
    aliases: LruCache<[u8; 32], SubjectId>,
}

/// The master key, and the installation row it wrapped: together they tell a rotation elsewhere.
pub(crate) struct Master {
    pub(crate) key: SecretKey,
    pub(crate) installation_wrapped: Vec<u8>,
}

struct Ring {
    installation: Uuid,
    master: RwLock<Arc<Master>>,
    directory: Option<std::path::PathBuf>,
    macs: SecretKey,
    claims: SecretKey,
    aliases: SecretKey,
    heads: SecretKey,
    table: KeyTable,
    cache: Mutex<Cache>,
    /// Held by a rotation from its first read until the new master key is in use here.
    rotation: tokio::sync::Mutex<()>,
}

/// The keys of one installation. Cheap to clone; all clones share one cache.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("installation", &self.0.installation).finish_non_exhaustive()
    }
}

/// Why the ring did not open.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The stored keys.
    #[error(transparent)]
    Seal(#[from] SealError),
}

pub(crate) fn wrap(
    master: &SecretKey,
    installation: Uuid,
    subject: &str,
    key: &SecretKey,
) -> Result<Vec<u8>, SealError> {
    master.encrypt(&join("muniment/subject-key/v1", &[installation.as_bytes(), subject.as_bytes()]), key.as_bytes())
}

pub(crate) fn unwrap(
    master: &SecretKey,
    installation: Uuid,
    subject: &str,
    wrapped: &[u8],
) -> Result<SecretKey, SealError> {
    let bound_to = join("muniment/subject-key/v1", &[installation.as_bytes(), subject.as_bytes()]);
    let bytes = master.decrypt(&bound_to, wrapped).ok_or(SealError::WrongMasterKey)?;
    let bytes = <&[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map_err(|_| SealError::WrongMasterKey)?;
    Ok(SecretKey::new(*bytes))
}

impl KeyRing {
    /// Opens the ring on the journal's database, whose table `subject_keys` exists. `write` is the database as the
    /// writer uses it (SQLite: the one writing connection), or `None` to open for reading only.
    ///
    /// # Errors
    /// When the stored keys cannot be reached or were wrapped under another master key.
    pub async fn load(
        master: MasterKey,
        installation: Uuid,
        read: Database,
        write: Option<Database>,
    ) -> Result<Self, KeyRingError> {
        Self::on_table(master, installation, KeyTable::Sql { read, write }).await
    }

    /// A ring whose keys live in memory, for an engine that is not a database.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn in_memory(master: [u8; KEY_BYTES], installation: Uuid) -> Result<Self, SealError> {
        let key = SecretKey::new(master);
        let root = key.derive("muniment 2026-11 installation secret in memory");
        let installation_wrapped = wrap(&key, installation, INSTALLATION_ROW, &root)?;
        let master = Master { key, installation_wrapped };
        Ok(Self::assemble(master, None, installation, &root, KeyTable::memory()))
    }

    async fn on_table(master: MasterKey, installation: Uuid, table: KeyTable) -> Result<Self, KeyRingError> {
        let directory = master.directory.clone();
        let stored = match table.load(INSTALLATION_ROW).await? {
            Some(stored) => stored,
            None => {
                let wrapped = wrap(&master.current, installation, INSTALLATION_ROW, &SecretKey::random()?)?;
                let row = KeyRow { subject: INSTALLATION_ROW.to_owned(), wrapped, alias: None, created_at: Utc::now() };
                table.insert(row, None).await?;
                // Of two nodes that start at once, the row that was stored first counts.
                table.load(INSTALLATION_ROW).await?.ok_or(SealError::WrongMasterKey)?
            }
        };
        let found = match directory.as_deref() {
            None => fitting::of(master, installation, stored)?,
            Some(folder) => {
                if master.is_unsettled && table.writer().is_ok() {
                    fitting::settle(folder, installation, &table).await?;
                }
                fitting::look(folder, installation, &table).await?
            }
        };
        Ok(Self::assemble(found.master, directory, installation, &found.root, table))
    }

    fn assemble(
        master: Master,
        directory: Option<std::path::PathBuf>,
        installation: Uuid,
        root: &SecretKey,
        table: KeyTable,
    ) -> Self {
        Self(Arc::new(Ring {
            installation,
            master: RwLock::new(Arc::new(master)),
            directory,
            macs: root.derive("muniment 2026-11 digests of surfaces"),
            claims: root.derive("muniment 2026-11 digests of claims"),
            aliases: root.derive("muniment 2026-11 digests of subject aliases"),
            heads: root.derive("muniment 2026-11 signing key of heads"),
            table,
            cache: Mutex::new(Cache {
                generation: 0,
                keys: LruCache::new(CACHED_KEYS_MAX),
                aliases: LruCache::new(CACHED_KEYS_MAX),
            }),
            rotation: tokio::sync::Mutex::new(()),
        }))
    }

    /// The installation whose values this ring opens.
    #[must_use]
    pub fn installation(&self) -> Uuid {
        self.0.installation
    }

    /// HMAC-SHA-256 under the installation's secret, for digests of short secrets (codes, challenges). Each purpose
    /// has its own key.
    #[must_use]
    pub fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.0.macs.mac(purpose, message)
    }

    /// The subject an alias stands for, made now if there is none. Two racing calls get one subject.
    ///
    /// # Errors
    /// When the stored keys cannot be reached.
    pub async fn subject_for(&self, alias: SubjectAlias) -> Result<SubjectId, SealError> {
        let digest = self.0.aliases.mac("alias", alias.0.as_bytes());
        loop {
            if let Some(found) = self.find(&digest).await? {
                return Ok(found);
            }
            if let Some(made) = self.make(Some(digest)).await? {
                return Ok(made);
            }
        }
    }

    /// The subject an alias stands for, if there is one.
    ///
    /// # Errors
    /// When the stored keys cannot be reached.
    pub async fn find_subject(&self, alias: &SubjectAlias) -> Result<Option<SubjectId>, SealError> {
        self.find(&self.0.aliases.mac("alias", alias.0.as_bytes())).await
    }

    /// A new subject that no alias leads to.
    ///
    /// # Errors
    /// When the stored keys cannot be reached.
    pub async fn new_subject(&self) -> Result<SubjectId, SealError> {
        loop {
            if let Some(made) = self.make(None).await? {
                return Ok(made);
            }
        }
    }

    async fn find(&self, digest: &[u8; 32]) -> Result<Option<SubjectId>, SealError> {
        let generation = {
            let mut cache = self.0.cache.lock();
            if let Some(known) = cache.aliases.get(digest) {
                return Ok(Some(known.clone()));
            }
            cache.generation
        };
        let Some(subject) = self.0.table.find_alias(digest).await?.map(SubjectId) else { return Ok(None) };
        let mut cache = self.0.cache.lock();
        if cache.generation == generation {
            cache.aliases.put(*digest, subject.clone());
        }
        Ok(Some(subject))
    }

    /// Makes and stores a subject; `None` when its id or alias was taken meanwhile.
    async fn make(&self, alias: Option<[u8; 32]>) -> Result<Option<SubjectId>, SealError> {
        let mut id = [0_u8; 16];
        getrandom::fill(&mut id).map_err(SealError::NoRandom)?;
        let subject = format!("subject_{}", URL_SAFE_NO_PAD.encode(id));
        let key = SecretKey::random()?;
        let master = self.master();
        let wrapped = wrap(&master.key, self.0.installation, &subject, &key)?;
        let row = KeyRow { subject: subject.clone(), wrapped, alias: alias.map(Vec::from), created_at: Utc::now() };
        match self.0.table.insert(row, Some(&master.installation_wrapped)).await? {
            Stored::New => Ok(Some(SubjectId(subject))),
            Stored::Exists => Ok(None),
            Stored::MasterRotated if self.replaced(&master).await => Ok(None),
            Stored::MasterRotated => Err(SealError::WrongMasterKey),
        }
    }

    async fn key_of(&self, subject: &SubjectId) -> Result<Option<SecretKey>, SealError> {
        if subject.0.starts_with('~') {
            return Ok(None);
        }
        let generation = {
            let mut cache = self.0.cache.lock();
            if let Some(key) = cache.keys.get(subject) {
                return Ok(Some(key.clone()));
            }
            cache.generation
        };
        let mut master = self.master();
        let key = loop {
            let Some(wrapped) = self.0.table.load(&subject.0).await? else { return Ok(None) };
            match unwrap(&master.key, self.0.installation, &subject.0, &wrapped) {
                Ok(key) => break key,
                Err(_) if self.replaced(&master).await => master = self.master(),
                Err(error) => return Err(error),
            }
        };
        let mut cache = self.0.cache.lock();
        // An erasure between the read and now may have been of this very subject: then the key is not kept, and
        // this one value is as if it had been opened before.
        if cache.generation == generation {
            cache.keys.put(subject.clone(), key.clone());
        }
        Ok(Some(key))
    }

    fn bound_to(&self, subject: &str, context: &str) -> Vec<u8> {
        join("muniment/sealed/v1", &[self.0.installation.as_bytes(), subject.as_bytes(), context.as_bytes()])
    }

    /// Whether there is no key of a subject: it was destroyed, or never made.
    ///
    /// # Errors
    /// When the stored keys cannot be reached.
    pub async fn is_gone(&self, subject: &SubjectId) -> Result<bool, SealError> {
        Ok(self.key_of(subject).await?.is_none())
    }

    /// Whether the database has a key of a subject now, whatever is remembered of it here.
    ///
    /// # Errors
    /// When the stored keys cannot be reached.
    pub async fn is_stored(&self, subject: &SubjectId) -> Result<bool, SealError> {
        Ok(self.0.table.load(&subject.0).await?.is_some())
    }

    /// Seals a personal value under its subject's key, bound to the field it is for.
    ///
    /// # Errors
    /// [`SealError::Erased`] when the subject's key is gone; otherwise when keys cannot be reached.
    pub async fn seal(&self, subject: &SubjectId, context: &SealContext, plaintext: &str) -> Result<Sealed, SealError> {
        let context = context.as_str();
        if context.contains('|') {
            return Err(SealError::BadContext(context.to_owned()));
        }
        let key = self.key_of(subject).await?.ok_or_else(|| SealError::Erased(subject.clone()))?;
        let body = key.encrypt(&self.bound_to(&subject.0, context), plaintext.as_bytes())?;
        Ok(Sealed::from_parts(subject, context, &URL_SAFE_NO_PAD.encode(body)))
    }

    /// Opens the sealed value of a field; `None` when its subject was erased.
    ///
    /// # Errors
    /// When the value was changed, was moved there from another field, is none, or keys cannot be reached.
    pub async fn open(&self, place: &impl Admits, sealed: &Sealed) -> Result<Option<String>, SealError> {
        let (_, context, _) = sealed.parts().ok_or(SealError::Malformed)?;
        if !place.admits(context) {
            return Err(SealError::Refused { context: context.to_owned() });
        }
        self.open_anywhere(sealed).await
    }

    /// Opens a sealed value where nobody knows which field it is of, as in a view over all events: it is the value that
    /// says so, and one that was moved there opens. `None` when its subject was erased.
    ///
    /// # Errors
    /// When the value was changed, is none, or keys cannot be reached.
    pub async fn open_anywhere(&self, sealed: &Sealed) -> Result<Option<String>, SealError> {
        let (subject, context, body) = sealed.parts().ok_or(SealError::Malformed)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError::Malformed)?;
        let Some(key) = self.key_of(&SubjectId(subject.to_owned())).await? else { return Ok(None) };
        let refused = || SealError::Refused { context: context.to_owned() };
        let plaintext = key.decrypt(&self.bound_to(subject, context), &body).ok_or_else(refused)?;
        let text = std::str::from_utf8(&plaintext).map_err(|_| refused())?;
        Ok(Some(text.to_owned()))
    }

    /// The digest a claim is kept under; `None` when its key is sealed under an erased subject, whose claims are
    /// free. A sealed and a clear key of the same text have the same digest.
    ///
    /// # Errors
    /// When a sealed key does not open, or keys cannot be reached.
    pub async fn claim_digest(&self, namespace: &str, key: &ClaimKey) -> Result<Option<ClaimDigest>, SealError> {
        match key {
            ClaimKey::Clear(text) => {
                Ok(Some(ClaimDigest { digest: self.0.claims.mac(namespace, text.as_bytes()), subject: None }))
            }
            ClaimKey::Sealed(sealed) => {
                // Of an event that is about to be recorded, whose fields were sealed on the way in.
                let Some(text) = self.open_anywhere(sealed).await?.map(Zeroizing::new) else { return Ok(None) };
                let digest = self.0.claims.mac(namespace, text.as_bytes());
                Ok(Some(ClaimDigest { digest, subject: sealed.subject() }))
            }
        }
    }

    /// Forgets a subject whose key row is gone. The writer calls it after the commit that erased.
    pub fn forget(&self, subject: &SubjectId) {
        self.0.table.forget(&subject.0);
        let mut cache = self.0.cache.lock();
        cache.generation += 1;
        cache.keys.pop(subject);
        let led_there: Vec<[u8; 32]> =
            cache.aliases.iter().filter(|(_, other)| *other == subject).map(|(digest, _)| *digest).collect();
        for digest in led_there {
            cache.aliases.pop(&digest);
        }
    }

    /// Shown every event that passes the tail, so that erasures of other nodes are noticed here.
    pub fn observe(&self, event: &RecordedEvent) {
        if &*event.event_type == ERASED_EVENT {
            self.forget(&SubjectId(event.stream.id.to_string()));
        }
    }

    pub(crate) fn master(&self) -> Arc<Master> {
        Arc::clone(&self.0.master.read())
    }

    /// Whether a rotation has replaced `used`: here, where one under way is waited for, or in another process that put
    /// the new master key into the folder of this one.
    async fn replaced(&self, used: &Arc<Master>) -> bool {
        let _under_way = self.0.rotation.lock().await;
        if !Arc::ptr_eq(used, &self.master()) {
            return true;
        }
        let Some(folder) = self.directory() else { return false };
        match fitting::look(folder, self.0.installation, &self.0.table).await {
            Ok(found) if found.master.installation_wrapped != used.installation_wrapped => {
                self.set_master(found.master);
                tracing::info!("the master key was rotated by another process; the new one is in use");
                true
            }
            Ok(_) => false,
            Err(error) => {
                tracing::debug!(%error, "no other master key is at hand");
                false
            }
        }
    }

    /// Keeps other rotations of this process out while it is held.
    pub(crate) async fn hold_rotation(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.rotation.lock().await
    }

    pub(crate) fn set_master(&self, master: Master) {
        *self.0.master.write() = Arc::new(master);
    }

    /// The seed of the key that signs heads where no file holds one.
    pub(crate) fn seed_of_heads(&self) -> &SecretKey {
        &self.0.heads
    }

    pub(crate) fn table(&self) -> &KeyTable {
        &self.0.table
    }

    pub(crate) fn directory(&self) -> Option<&std::path::Path> {
        self.0.directory.as_deref()
    }
}
