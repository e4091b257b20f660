//! Every bound of the journal, in one place, with the sum behind the number.

use std::time::Duration;

/// Events read from the database at a time, where the journal itself reads much of it: about 1 MiB, and asking costs little beside
/// hashing them.
pub(crate) const PAGE_EVENTS: usize = 1_000;

/// Bounds of queues, batches and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLimits {
    /// Appends that may wait. At 20,000 appends a second 8,192 are 0.4 s, less than a client's patience.
    pub queue_appends_max: usize,
    /// Events in one batch: more amortise the flush no further, fewer cost throughput.
    pub batch_events_max: usize,
    /// Bytes of payload and metadata in one batch.
    pub batch_bytes_max: usize,
    /// Bytes of the newest events kept in memory for readers: at 1 KiB an event some 65,000 events.
    pub ring_bytes_max: usize,
    /// Streams whose version is remembered: about 200 bytes each.
    pub streams_cached_max: usize,
    /// Events whose dedupe keys wait in memory before they are indexed, on SQLite: about 100 bytes each, twice.
    pub dedupe_generation_events: usize,
    /// Events of one append, and streams, claims and mails each: what one step may do at most. An append larger than a
    /// batch goes alone. So many, each on a stream of its own, are written in 0.4 s on SQLite and 0.8 s on PostgreSQL by a
    /// build without optimisation, well within [`ANSWER_MAX`], for which everybody else waits.
    pub append_events_max: usize,
    /// Bytes of payload and metadata of one append: half the ring, so that the step before it is still read from there.
    pub append_bytes_max: usize,
    /// How long an answer of the database is waited for: [`crate::Journal::confirm_head`] fails after it, so that protected
    /// reads stop, and while a batch is without an outcome for longer, new appends are refused at once.
    pub answer_max: Duration,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self {
            queue_appends_max: 8_192,
            batch_events_max: 2_048,
            batch_bytes_max: 8 << 20,
            ring_bytes_max: 64 << 20,
            streams_cached_max: 100_000,
            dedupe_generation_events: 16_384,
            append_events_max: 20_000,
            append_bytes_max: 32 << 20,
            answer_max: ANSWER_MAX,
        }
    }
}

/// Events that one page read from the database holds at most, whatever the caller asks for.
pub const READ_EVENTS_MAX: usize = 10_000;
/// What [`JournalLimits::answer_max`] is unless set: less than a caller's patience.
pub const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long a shutdown waits for a batch without an outcome.
pub const SHUTDOWN_MILLISECONDS_MAX: u64 = 10_000;
/// How often a batch that the database refuses is judged anew before its appends go one by one.
pub const REJUDGE_MAX: u32 = 3;
/// Lost comparisons of the head after which the next attempt locks it first, for fairness among nodes.
pub const LOST_HEADS_BEFORE_LOCK: u32 = 2;
/// Smallest distance between two announcements of the head to other nodes.
pub const ANNOUNCE_MILLISECONDS_MIN: u64 = 10;
/// How often a node looks for foreign events when nobody announced any.
pub const POLL_MILLISECONDS: u64 = 250;
