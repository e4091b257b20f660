//! Every bound of the actors, by name, with the sum behind the number.

use std::time::Duration;

use chrono::TimeDelta;

/// Commands that may wait in one actor's mailbox. A hot metric at 50,000 commands a second drains this in
/// 80 ms; what does not fit is refused at once instead of queued without limit.
pub const MAILBOX_COMMANDS_MAX: usize = 4_096;

/// Commands one actor keeps while it loads or recovers its state. Same sum as the mailbox.
pub const WAITING_COMMANDS_MAX: usize = 4_096;

/// Appends of one actor that may be in flight at once; the next commands wait their turn in the actor.
pub const IN_FLIGHT_APPENDS_MAX: usize = 2_048;

/// How often one command is decided again because another writer came first. Two nodes writing one hot metric
/// lose every second race, so the chance that ten losses in a row happen is below one in a thousand.
pub const REDECISIONS_MAX: u32 = 16;

/// Live actors of one aggregate type. A metric's state is about 6 KiB, so this bounds it to about 300 MiB.
pub const LIVE_ACTORS_MAX: usize = 50_000;

/// An actor nobody has asked for this long leaves memory.
pub const IDLE_MAX: Duration = Duration::from_secs(300);

/// How often idle actors are looked for.
pub const IDLE_SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// Events after which a stream's state is written behind the log as a snapshot.
pub const SNAPSHOT_EVENTS: u64 = 256;

/// Smallest distance between two snapshots of a stream: each is a commit of its own, and one hot metric would make
/// two hundred a second of them.
pub const SNAPSHOT_INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// Events after which it is taken within that distance too: so many replay in some 20 ms.
pub const SNAPSHOT_EVENTS_HOT: u64 = 8_192;

/// Events of one stream read in one page when a state is loaded.
pub const LOAD_PAGE_EVENTS: usize = 2_000;

/// Idempotency keys one actor remembers, so that a repeated key is answered without asking the journal.
pub const RECENT_KEYS_MAX: usize = 256;

/// Events one projection takes in one transaction.
pub const PROJECTION_PAGE_EVENTS: usize = 2_000;

/// How long a query waits for its read model before it answers 503 (design section 6).
pub const READ_WAIT_MAX: Duration = Duration::from_secs(2);
