//! Walks the chain and names the first position that is not as it was recorded.
//!
//! A chain cannot know of a tail that was cut together with the head row, or of a history rewritten from some
//! position to the end: a signed head kept elsewhere does ([`crate::checkpoint`]).

use chrono::{DateTime, Utc};
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_sql::SqlError;
use uuid::Uuid;

use crate::chain::{GENESIS, Hasher};
use crate::engine::{Engine, Head, Identity};
use crate::journal::Journal;
use crate::limits::PAGE_EVENTS;

/// A record that is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The last position that was checked.
    pub through: Position,
    /// Its hash.
    pub hash: [u8; 32],
    /// How many events were checked.
    pub events: u64,
}

/// What is wrong first.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// An event is missing.
    #[error("position {position}: the event is missing")]
    Gap {
        /// The missing position.
        position: Position,
    },
    /// An event is not what its hash says, or the hash before it was changed.
    #[error("position {position}: the event or a hash was changed")]
    Changed {
        /// The first position that does not fit.
        position: Position,
    },
    /// The row at this position, or the next one that is there, holds a value that no event has.
    #[error("position {position}: the event cannot be read: {source}")]
    Unreadable {
        /// The first position that cannot be read.
        position: Position,
        /// What is wrong.
        source: SqlError,
    },
    /// An event stands here that was recorded at another position.
    #[error("position {position}: events were put into another order")]
    Reordered {
        /// The first position that does not fit.
        position: Position,
    },
    /// An event was put between two others, and all later ones were moved.
    #[error("position {position}: an event was inserted")]
    Inserted {
        /// The position of the inserted event.
        position: Position,
    },
    /// A dedupe key that no event bears is filed: who used it would be told that it is used, and nothing would be recorded.
    #[error("position {position}: a dedupe key that its event does not bear leads there")]
    SurplusKey {
        /// Where it leads.
        position: Position,
    },
    /// An event is whole, but is found under no stream or another one, or not under its dedupe key.
    #[error("position {position}: the event is not filed under its own stream and key")]
    Misfiled {
        /// The first such position.
        position: Position,
    },
    /// The events end before the head.
    #[error("position {position}: the events from here to the head {head} are missing")]
    TailCut {
        /// The first missing position.
        position: Position,
        /// Where the head row says the record ends.
        head: Position,
    },
    /// Events stand behind the head.
    #[error("position {position}: the record has events after its head")]
    BeyondHead {
        /// The first position after the head.
        position: Position,
    },
    /// A row stands where no event is: below the first position.
    #[error("position {position}: a row stands before the first event")]
    BelowFirst {
        /// Its position, 0 or negative.
        position: i64,
    },
    /// The head row bears another hash or time than the last event.
    #[error("position {position}: the head row does not belong to the last event")]
    HeadDiffers {
        /// The head's position.
        position: Position,
    },
    /// The head row names another epoch than the newest of the table, or that one begins behind the head: what is recorded
    /// next would be hashed under one and checked under the other.
    #[error("position {position}: the head row and the table of epochs do not belong together")]
    EpochsDiffer {
        /// The head's position.
        position: Position,
    },
    /// The table of epochs has no epoch for a position.
    #[error("position {position}: no epoch covers it")]
    NoEpoch {
        /// The position.
        position: Position,
    },
    /// What belongs to no event cannot be read, or the database fails.
    #[error("after position {after}: {source}")]
    Sql {
        /// The last position that was read.
        after: Position,
        /// What is wrong.
        source: SqlError,
    },
}

impl VerifyError {
    /// The first position that is not as it was recorded; none where a row stands before the first.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::Gap { position }
            | Self::Changed { position }
            | Self::Unreadable { position, .. }
            | Self::Reordered { position }
            | Self::Inserted { position }
            | Self::Misfiled { position }
            | Self::SurplusKey { position }
            | Self::TailCut { position, .. }
            | Self::BeyondHead { position }
            | Self::HeadDiffers { position }
            | Self::EpochsDiffer { position }
            | Self::NoEpoch { position } => Some(*position),
            Self::BelowFirst { .. } | Self::Sql { .. } => None,
        }
    }
}

/// A place in the record that is known to be right, to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trusted {
    /// Its position.
    pub position: Position,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What is known to be right so far.
pub(crate) struct Walk<'a> {
    engine: &'a dyn Engine,
    hasher: Hasher,
    /// Ascending, each with the position after which it began.
    epochs: Vec<(u64, Position)>,
    installation: Uuid,
    pub(crate) position: Position,
    pub(crate) hash: [u8; 32],
    /// When the last event was recorded; unknown before the first step from the middle.
    recorded_at: Option<DateTime<Utc>>,
}

impl Journal {
    /// Checks every event after `from`, or from the beginning, up to the head as of now. `progress` hears the
    /// position reached and the head, once a page.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub async fn verify(
        &self,
        from: Option<Trusted>,
        progress: &(dyn Fn(Position, Position) + Send + Sync),
    ) -> Result<Verified, VerifyError> {
        let mut verification = self.verification(from).await?;
        while let Some(page) = verification.next_page().await? {
            if let Some(last) = page.last() {
                progress(last.position, verification.head());
            }
        }
        verification.end().await
    }

    /// [`Journal::verify`] page by page, for whoever compares something else with the events that hold.
    ///
    /// # Errors
    /// When what stands beside the events is wrong, or the database fails.
    pub async fn verification(&self, from: Option<Trusted>) -> Result<Verification<'_>, VerifyError> {
        let engine = self.engine().as_ref();
        let start = from.unwrap_or(Trusted { position: Position::START, hash: GENESIS });
        refuse_below_first(engine).await?;
        let failed = |source| VerifyError::Sql { after: start.position, source };
        let (head, epochs) = head_and_epochs(engine).await.map_err(failed)?;
        let walk = Walk::new(engine, head.identity.installation, epochs, start);
        Ok(Verification { walk, head, start: start.position, is_whole: from.is_none() })
    }
}

/// A verification on its way. What it found to be right so far is only known to be of this record once it has come to its end.
pub struct Verification<'a> {
    walk: Walk<'a>,
    head: Head,
    start: Position,
    /// From the first event on.
    is_whole: bool,
}

impl Verification<'_> {
    /// The position it goes to.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.head.position
    }

    /// The next events, each of which follows from the one before; `None` at the head.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub async fn next_page(&mut self) -> Result<Option<Vec<RecordedEvent>>, VerifyError> {
        if self.walk.position >= self.head.position {
            return Ok(None);
        }
        tokio::task::yield_now().await;
        let page = self.walk.page(self.head.position).await?;
        let misfiled = self.walk.misfiled(&page).await?;
        for (index, event) in page.iter().enumerate() {
            self.walk.step(event, page.get(index + 1..).unwrap_or_default())?;
            if misfiled == Some(event.position) {
                return Err(VerifyError::Misfiled { position: event.position });
            }
        }
        Ok(Some(page))
    }

    /// Checks what comes after the last event.
    ///
    /// # Errors
    /// What is wrong there.
    pub async fn end(self) -> Result<Verified, VerifyError> {
        let Self { walk, head, start, is_whole } = self;
        walk.check_end(&head).await?;
        if is_whole {
            let surplus = walk.engine.surplus_key().await;
            let surplus = surplus.map_err(|source| VerifyError::Sql { after: walk.position, source })?;
            if let Some(position) = surplus {
                return Err(VerifyError::SurplusKey { position });
            }
        }
        Ok(Verified { through: walk.position, hash: walk.hash, events: walk.position.0 - start.0 })
    }
}

/// Refuses a row below the first position. A walk begins behind it.
pub(crate) async fn refuse_below_first(engine: &dyn Engine) -> Result<(), VerifyError> {
    let found = engine.below_first().await;
    match found.map_err(|source| VerifyError::Sql { after: Position::START, source })? {
        None => Ok(()),
        Some(position) => Err(VerifyError::BelowFirst { position }),
    }
}

/// The head, and the epochs that belong to it: another node may begin one between the two questions.
async fn head_and_epochs(engine: &dyn Engine) -> Result<(Head, Vec<(u64, Position)>), SqlError> {
    let mut before = engine.head().await?;
    loop {
        let epochs = engine.epochs().await?;
        let head = engine.head().await?;
        if head.identity == before.identity {
            return Ok((head, epochs));
        }
        before = head;
    }
}

/// As much as can be looked at before every start: whether head row, last event and table of epochs belong together.
/// What is appended on a head that does not could never be verified. A last event that is missing or cannot be read is left
/// to [`Journal::verify`].
///
/// # Errors
/// [`VerifyError::HeadDiffers`], [`VerifyError::EpochsDiffer`], or what the database says.
pub(crate) async fn check_head(engine: &dyn Engine) -> Result<(), VerifyError> {
    let failed = |source| VerifyError::Sql { after: Position::START, source };
    let (head, epochs) = head_and_epochs(engine).await.map_err(failed)?;
    let from = Trusted { position: Position(head.position.0.saturating_sub(1)), hash: GENESIS };
    let mut end = Walk::new(engine, head.identity.installation, epochs, from);
    match engine.read(from.position, head.position, 1).await {
        Ok(page) => page.iter().for_each(|last| end.take(last)),
        Err(source) if source.is_driver() => return Err(failed(source)),
        Err(_) => {}
    }
    end.check_head(&head)
}

impl<'a> Walk<'a> {
    /// A walk that goes on after `from`.
    pub(crate) fn new(engine: &'a dyn Engine, installation: Uuid, epochs: Vec<(u64, Position)>, from: Trusted) -> Self {
        let recorded_at = (from.position == Position::START).then_some(DateTime::UNIX_EPOCH);
        let Trusted { position, hash } = from;
        Self { engine, hasher: Hasher::default(), epochs, installation, position, hash, recorded_at }
    }

    /// The next events up to `head`, of which there is one.
    pub(crate) async fn page(&self, head: Position) -> Result<Vec<RecordedEvent>, VerifyError> {
        let page = self.read(head).await?;
        if page.is_empty() { Err(VerifyError::TailCut { position: self.position.next(), head }) } else { Ok(page) }
    }

    /// Events up to the first that cannot be read: what is wrong before it comes first.
    async fn read(&self, through: Position) -> Result<Vec<RecordedEvent>, VerifyError> {
        let mut limit = PAGE_EVENTS;
        loop {
            match self.engine.read(self.position, through, limit).await {
                Ok(page) => return Ok(page),
                Err(source) if !source.is_of_what_is_stored() => {
                    return Err(VerifyError::Sql { after: self.position, source });
                }
                Err(_) if limit > 1 => limit /= 2,
                Err(source) => return Err(VerifyError::Unreadable { position: self.position.next(), source }),
            }
        }
    }

    async fn misfiled(&self, page: &[RecordedEvent]) -> Result<Option<Position>, VerifyError> {
        let Some(last) = page.last() else { return Ok(None) };
        let found = self.engine.misfiled(self.position, last.position).await;
        found.map_err(|source| VerifyError::Sql { after: self.position, source })
    }

    fn identity(&self, position: Position) -> Result<Identity, VerifyError> {
        Identity::at(self.installation, &self.epochs, position).ok_or(VerifyError::NoEpoch { position })
    }

    /// Takes the next event, if it is the one that follows; `later` are read already, to tell what was done.
    pub(crate) fn step(&mut self, event: &RecordedEvent, later: &[RecordedEvent]) -> Result<(), VerifyError> {
        let position = self.position.next();
        if event.position != position {
            return Err(VerifyError::Gap { position });
        }
        let hash = self.hasher.hash(&self.hash, self.identity(position)?, event);
        if hash != event.hash {
            return Err(self.diagnose(position, later)?);
        }
        self.take(event);
        Ok(())
    }

    fn take(&mut self, event: &RecordedEvent) {
        self.position = event.position;
        self.hash = event.hash;
        self.recorded_at = Some(event.recorded_at);
    }

    /// What happened at `position`: if a later row bears the hash that belongs here, rows were moved.
    fn diagnose(&mut self, position: Position, later: &[RecordedEvent]) -> Result<VerifyError, VerifyError> {
        let identity = self.identity(position)?;
        let mut belongs_here = |event: &RecordedEvent| {
            let moved = RecordedEvent { position, ..event.clone() };
            self.hasher.hash(&self.hash, identity, &moved) == event.hash
        };
        let Some(found) = later.iter().position(&mut belongs_here) else {
            return Ok(VerifyError::Changed { position });
        };
        // An insertion moves every later event by one; so the one that belongs after `found` follows it directly.
        let after_next = later.first().zip(later.get(1)).is_some_and(|(own, next)| {
            let moved = RecordedEvent { position: position.next(), ..next.clone() };
            self.identity(position.next())
                .is_ok_and(|identity| Hasher::default().hash(&own.hash, identity, &moved) == next.hash)
        });
        let inserted = found == 0 && (after_next || later.len() == 1);
        Ok(if inserted { VerifyError::Inserted { position } } else { VerifyError::Reordered { position } })
    }

    /// Whether a head row is that of the event that the walk came to, and of the epochs: the newest covers what comes next.
    pub(crate) fn check_head(&self, head: &Head) -> Result<(), VerifyError> {
        let position = head.position;
        let is_same_time = self.recorded_at.is_none_or(|recorded_at| recorded_at == head.recorded_at);
        if self.position == position && (self.hash != head.hash || !is_same_time) {
            return Err(VerifyError::HeadDiffers { position });
        }
        let newest = self.epochs.last();
        if newest.is_none_or(|(epoch, after)| *epoch != head.identity.epoch || *after > position) {
            return Err(VerifyError::EpochsDiffer { position });
        }
        Ok(())
    }

    async fn check_end(&self, head: &Head) -> Result<(), VerifyError> {
        self.check_head(head)?;
        // What was appended since is behind the head as of then; the head as of now decides.
        let beyond = self.read(Position(u64::MAX)).await?;
        if let Some(event) = beyond.last() {
            let source = |source| VerifyError::Sql { after: self.position, source };
            let now = self.engine.head().await.map_err(source)?;
            if event.position > now.position {
                return Err(VerifyError::BeyondHead { position: now.position.next() });
            }
        }
        Ok(())
    }
}
