//! Snapshots: the state of a stream at one of its events, so that loading it need not read all of them.
//!
//! Written behind the log, never in an append; one row a stream, replaced only by a higher sequence. A snapshot of
//! another schema is as good as none. Whoever takes one keeps personal values in it sealed.

use chrono::Utc;
use muniment_aggregates::record::StreamId;
use muniment_sql::SqlError;

use crate::engine::Stores;

/// A stream's state as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Version of the stream that the state includes.
    pub sequence: u64,
    /// Number of the state's shape and meaning.
    pub schema: u32,
    /// The state, as its owner writes it.
    pub state: Box<str>,
}

/// The snapshot of `stream`, if there is one of this schema.
pub(crate) async fn load(stores: &Stores, stream: &StreamId, schema: u32) -> Result<Option<Snapshot>, SqlError> {
    let sql = "SELECT sequence, state FROM snapshots \
               WHERE aggregate_type = $1 AND aggregate_id = $2 AND state_schema = $3";
    let args = [(&*stream.kind).into(), (&*stream.id).into(), i64::from(schema).into()];
    let Some(row) = stores.read.fetch_optional(sql, &args).await? else { return Ok(None) };
    Ok(Some(Snapshot { sequence: row.count("sequence")?, schema, state: row.text("state")?.into_boxed_str() }))
}

/// The streams that have a snapshot of whatever schema, in order, after one of them or from the first, at most `limit`.
pub(crate) async fn streams(
    stores: &Stores,
    after: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<StreamId>, SqlError> {
    let sql = "SELECT aggregate_type, aggregate_id FROM snapshots \
               WHERE (aggregate_type, aggregate_id) > ($1, $2) ORDER BY aggregate_type, aggregate_id LIMIT $3";
    let (kind, id) = after.map_or(("", ""), |last| (&*last.kind, &*last.id));
    let rows = stores.read.fetch_all(sql, &[kind.into(), id.into(), limit.into()]).await?;
    rows.iter().map(|row| Ok(StreamId::new(&row.text("aggregate_type")?, &row.text("aggregate_id")?))).collect()
}

/// Keeps a snapshot unless a later one of the same schema is there. One of another schema is replaced by any, so
/// that after going back to an older program its snapshots count again. A snapshot of an event that is not
/// recorded is not kept.
pub(crate) async fn save(stores: &Stores, stream: &StreamId, snapshot: &Snapshot) -> Result<(), SqlError> {
    let sql = "INSERT INTO snapshots \
                 (aggregate_type, aggregate_id, sequence, position, state_schema, state, taken_at) \
               SELECT aggregate_type, aggregate_id, sequence, position, $4, $5, $6 FROM stream_events \
               WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $3 \
               ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE SET \
                 sequence = excluded.sequence, position = excluded.position, \
                 state_schema = excluded.state_schema, state = excluded.state, taken_at = excluded.taken_at \
               WHERE excluded.sequence > snapshots.sequence \
                  OR excluded.state_schema <> snapshots.state_schema";
    let args = [
        (&*stream.kind).into(),
        (&*stream.id).into(),
        snapshot.sequence.into(),
        i64::from(snapshot.schema).into(),
        (&*snapshot.state).into(),
        Utc::now().into(),
    ];
    stores.write.execute(sql, &args).await.map(drop)
}
