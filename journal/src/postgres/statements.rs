//! The statement that writes a batch, in four forms: with or without what changes beside the events, with or without dedupe
//! keys that go into their table along with it.
//!
//! Placeholders: `$1` to `$6` the head, `$7` to `$17` the columns of the events, then [`CHANGES`] of them for changes, then
//! three for drained keys.

use std::sync::LazyLock;

/// Placeholders of head and events.
const EVENTS_LAST: usize = 17;
/// Placeholders of keys taken, mail and new streams.
const CHANGES: usize = 16;

/// In the select list the arrays are walked side by side; one `unnest` of all in FROM would first copy each of them.
const EVENTS: &str = "SELECT unnest($7::bigint[]) AS position, unnest($8::text[]) AS aggregate_type, \
    unnest($9::text[]) AS aggregate_id, unnest($10::bigint[]) AS sequence, unnest($11::text[]) AS event_type, \
    unnest($12::text[]) AS event_version, unnest($13::text[])::json AS payload, unnest($14::text[])::json AS metadata, \
    unnest($15::bigint[]) AS recorded_at, unnest($16::bytea[]) AS hash, unnest($17::bytea[]) AS dedupe_key";
const COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, recorded_at, hash, dedupe_key";
/// The number of a stream that was there before.
const STREAM: &str = "(SELECT number FROM streams WHERE streams.aggregate_type = new.aggregate_type \
    AND streams.aggregate_id = new.aggregate_id)";
const TAKE_CLAIMS: &str = ", taken AS (INSERT INTO claims (scope, digest, owner_kind, owner_id, subject, position) \
    SELECT scope, digest, owner_kind, owner_id, subject, position FROM unnest($18::text[], $19::bytea[], $20::text[], \
    $21::text[], $22::text[], $23::bigint[]) AS new (scope, digest, owner_kind, owner_id, subject, position) \
    WHERE EXISTS (SELECT 1 FROM head))";
const SEND_MAIL: &str = ", mailed AS (INSERT INTO outbox (id, position, subject, body, created_at, expires_at) \
    SELECT id, position, subject, body, created_at, expires_at FROM unnest($24::text[], $25::bigint[], $26::text[], \
    $27::text[], $28::bigint[], $29::bigint[]) AS new (id, position, subject, body, created_at, expires_at) \
    WHERE EXISTS (SELECT 1 FROM head))";
const NAME_STREAMS: &str = ", named AS (INSERT INTO streams (number, aggregate_type, aggregate_id) \
    SELECT number, kind, id FROM unnest($31::bigint[], $32::text[], $33::text[]) AS new (number, kind, id) \
    WHERE EXISTS (SELECT 1 FROM head))";

static PLAIN: LazyLock<String> = LazyLock::new(|| statement(false, false));
static PLAIN_DRAINING: LazyLock<String> = LazyLock::new(|| statement(false, true));
static CHANGING: LazyLock<String> = LazyLock::new(|| statement(true, false));
static CHANGING_DRAINING: LazyLock<String> = LazyLock::new(|| statement(true, true));

/// The text for a batch.
pub(super) fn text(changes: bool, drains: bool) -> &'static str {
    match (changes, drains) {
        (false, false) => &PLAIN,
        (false, true) => &PLAIN_DRAINING,
        (true, false) => &CHANGING,
        (true, true) => &CHANGING_DRAINING,
    }
}

/// Does nothing where the head is another, or the table has a dedupe key of the batch.
fn statement(changes: bool, drains: bool) -> String {
    let first = EVENTS_LAST + if changes { CHANGES } else { 0 } + 1;
    let (key, position, indexed) = (first, first + 1, first + 2);
    let moves_index =
        if drains { format!(", dedupe_indexed = greatest(dedupe_indexed, ${indexed})") } else { String::new() };
    let mut sql = format!(
        "WITH head AS (UPDATE journal_head SET position = $1, hash = $2, recorded_at = $3{moves_index} \
         WHERE singleton = 1 AND position = $4 AND hash = $5 AND epoch = $6 \
         AND NOT EXISTS (SELECT 1 FROM dedupe_keys WHERE dedupe_key = ANY($17)) RETURNING position)"
    );
    if changes {
        sql.extend([TAKE_CLAIMS, SEND_MAIL, NAME_STREAMS]);
    }
    if drains {
        // Another node may drain the same generation, or have begun to.
        sql += &format!(
            ", drained AS (INSERT INTO dedupe_keys (dedupe_key, position) \
             SELECT unnest(${key}::bytea[]), unnest(${position}::bigint[]) WHERE EXISTS (SELECT 1 FROM head) \
             ON CONFLICT DO NOTHING)"
        );
    }
    // What a statement writes it does not see itself, so the numbers of new streams come along.
    let (begun, stream) = if changes {
        (", unnest($30::bigint[]) AS begun", format!("coalesce(new.begun, {STREAM})"))
    } else {
        ("", STREAM.to_owned())
    };
    sql += &format!(
        " INSERT INTO events ({COLUMNS}, stream) SELECT {COLUMNS}, {stream} FROM ({EVENTS}{begun}) AS new \
         WHERE EXISTS (SELECT 1 FROM head)"
    );
    sql
}
