//! Every bound of the live surface, with the sum behind the number.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::bucket::FrameRate;

/// Longest frame a client may send, in bytes.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Subscriptions of one connection.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 64;
/// Credit of one subscription.
pub(crate) const CREDIT_MAX: u32 = 1024;
/// Between upgrade and `hello`.
pub(crate) const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// A ping that is not answered within this ends the connection.
pub(crate) const PONG_WITHIN: Duration = Duration::from_secs(10);
/// How long before the end of a credential the client is told.
pub(crate) const EXPIRY_NOTICE: Duration = Duration::from_secs(60);
/// Connections of one account or token.
pub(crate) const CONNECTIONS_PER_CREDENTIAL_MAX: usize = 100;
/// Connections of one client address.
pub(crate) const CONNECTIONS_PER_ADDRESS_MAX: usize = 200;
/// Connections of this machine itself, where one address stands for every service and test on it: at 14 KiB each,
/// 140 MiB.
pub(crate) const CONNECTIONS_PER_LOOPBACK_MAX: usize = 10_000;
/// Events of a batch stop being added at this size.
pub(crate) const BATCH_BYTES: usize = 8 * 1024;
/// Bytes that may be on their way to a client without a pong for them. A client that never reads costs this and
/// one batch in the connection's write buffer, which doubles to hold them: with the connection itself under the
/// 64 KiB it may cost. Over a round trip of 50 ms it still lets half a MiB a second through.
pub(crate) const WINDOW_BYTES: u64 = 24 * 1024;
/// Frames a client of `/v1/live` may send: it asks for little and is told much.
pub(crate) const FRAMES: FrameRate = FrameRate { burst: 200.0, per_second: 50.0 };
/// Frames a client of `/api/ws` may send, where each can be a call.
pub(crate) const API_FRAMES: FrameRate = FrameRate { burst: 2_000.0, per_second: 500.0 };
/// Positions of one page of the shared cache.
pub(crate) const PAGE_EVENTS: u64 = 256;
/// Positions that one reader looks at before the others of its worker have their turn, at about a microsecond each.
pub(crate) const TURN_POSITIONS: u64 = 2 * PAGE_EVENTS;
/// Events of a published batch that are made ready for readers before they are woken: at about 4 µs each, far less
/// than it takes to make the batch durable.
pub(crate) const READY_EVENTS_MAX: usize = 64;
/// What the shared cache of pages may hold, in bytes.
pub(crate) const CACHE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Streams whose belonging is remembered; about 200 bytes each.
pub(crate) const BELONGINGS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("100,000 is not zero");
/// Changes of rights that are remembered for readers who are being admitted: seconds of a busy node.
pub(crate) const RECENT_CHANGES_MAX: usize = 4096;
/// A subscriber whose filter admits nothing hears how far it was read at most this often.
pub(crate) const UPTO_EVERY: Duration = Duration::from_secs(1);
/// Longest wait for more events after a pass over the sockets of a worker that brought several.
pub(crate) const GATHER_MAX: Duration = Duration::from_millis(6);
/// A pass that took less than this is not worth a wait: timers go by milliseconds.
pub(crate) const GATHER_MIN: Duration = Duration::from_millis(2);
/// Unacknowledged TCP data, a closed window included, ends the connection after this.
pub(crate) const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection on which nothing passes for this long is probed by the kernel.
pub(crate) const TCP_KEEPALIVE: Duration = Duration::from_secs(25);
/// Bytes that the kernel takes from us beyond what the peer's window lets it send: a jammed event stream would
/// else fill megabytes of kernel memory.
#[cfg(target_os = "linux")]
pub(crate) const TCP_UNSENT_BYTES: u32 = 64 * 1024;
/// The head is confirmed this often while somebody reads.
pub(crate) const CONFIRM_EVERY: Duration = Duration::from_secs(1);
/// Without a confirmed head for this long, nothing protected leaves.
pub(crate) const CONFIRMED_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait of a long-poll.
pub(crate) const LONG_POLL_WAIT_SECONDS_MAX: u64 = 25;
/// Events of a long-poll answer, at most.
pub(crate) const LONG_POLL_EVENTS_MAX: usize = 1000;
/// Events of a long-poll answer where the caller names no limit.
pub(crate) const LONG_POLL_EVENTS_DEFAULT: usize = 100;
/// Bytes of events in a long-poll answer stop being added at this size.
pub(crate) const LONG_POLL_BYTES: usize = 1024 * 1024;
/// Positions that one long-poll looks at before it answers with how far it came.
pub(crate) const LONG_POLL_SCAN_MAX: u64 = 16 * 1024;
/// Between comments of an idle event stream.
pub(crate) const SSE_COMMENT: Duration = Duration::from_secs(15);
/// A client that is sent away is asked to come back after this and up to as much again.
pub(crate) const RETRY_MS: u64 = 1500;
