//! The numbers that stand for streams in the table of events, as far as this process has met them.
//!
//! A number is the position of the stream's first event (docs/decisions/0011), and a batch lands only on the head that it
//! was made for. So what is remembered here cannot be another number than the table's: that would be another record.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use lru::LruCache;
use muniment_aggregates::record::StreamId;
use parking_lot::Mutex;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;

use crate::engine::Batch;
use crate::rows::stored;

/// About as many streams as the writer remembers versions of; some 100 bytes each.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("65,536 is not zero");

/// Remembered numbers of streams.
pub(super) struct StreamNumbers(Mutex<LruCache<StreamId, i64>>);

impl StreamNumbers {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED_MAX)))
    }

    /// Takes what the table says.
    pub(super) fn learn(&self, streams: impl IntoIterator<Item = (StreamId, i64)>) {
        let mut remembered = self.0.lock();
        for (stream, number) in streams {
            remembered.put(stream, number);
        }
    }

    /// The number of each event's stream, as far as it is known or begins with this batch.
    pub(super) fn of_events(&self, batch: &Batch, begun: &Begun<'_>) -> Vec<Option<i64>> {
        let mut remembered = self.0.lock();
        let number = |stream| begun.by_stream.get(stream).copied().or_else(|| remembered.get(stream).copied());
        batch.events.iter().map(|event| &event.stream).map(number).collect()
    }
}

/// The streams that a batch begins, and their numbers.
#[derive(Default)]
pub(super) struct Begun<'a> {
    numbers: Vec<i64>,
    kinds: Vec<&'a str>,
    ids: Vec<&'a str>,
    by_stream: HashMap<&'a StreamId, i64>,
}

impl<'a> Begun<'a> {
    pub(super) fn of(batch: &'a Batch) -> Self {
        let mut begun = Self::default();
        for event in batch.events.iter().filter(|event| event.sequence == 1) {
            let number = stored(event.position.0);
            begun.numbers.push(number);
            begun.kinds.push(&event.stream.kind);
            begun.ids.push(&event.stream.id);
            begun.by_stream.insert(&event.stream, number);
        }
        begun
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Adds the three lists to a statement.
    pub(super) fn bind<'q>(&'q self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments>
    where
        'a: 'q,
    {
        query.bind(&self.numbers).bind(&self.kinds).bind(&self.ids)
    }

    /// What the table holds once the batch is committed.
    pub(super) fn named(&self) -> impl Iterator<Item = (StreamId, i64)> {
        self.by_stream.iter().map(|(stream, number)| ((*stream).clone(), *number))
    }
}
