//! Snapshots: only a later one replaces, another schema is as good as none.

use muniment_aggregates::record::StreamId;
use muniment_journal::Snapshot;

use crate::place::{Kind, Place, append, on_both};

on_both!(a_higher_sequence_wins_and_another_schema_is_ignored);

async fn a_higher_sequence_wins_and_another_schema_is_ignored(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let stream = StreamId::new("metric", "m1");
    for version in 0..5 {
        append(&journal, &stream, version, "{}").await;
    }
    let snapshot = |sequence, schema| Snapshot { sequence, schema, state: format!("{{\"at\":{sequence}}}").into() };
    assert_eq!(journal.load_snapshot(&stream, 1).await.unwrap(), None);
    for sequence in [2, 4, 3] {
        journal.save_snapshot(&stream, snapshot(sequence, 1)).await.unwrap();
    }
    assert_eq!(journal.load_snapshot(&stream, 1).await.unwrap(), Some(snapshot(4, 1)));
    assert_eq!(journal.load_snapshot(&stream, 2).await.unwrap(), None);
    journal.save_snapshot(&stream, snapshot(6, 1)).await.unwrap();
    assert_eq!(journal.load_snapshot(&stream, 1).await.unwrap(), Some(snapshot(4, 1)), "event 6 is not recorded");
    journal.save_snapshot(&stream, snapshot(3, 2)).await.unwrap();
    assert_eq!(journal.load_snapshot(&stream, 2).await.unwrap(), Some(snapshot(3, 2)));
    assert_eq!(journal.load_snapshot(&stream, 1).await.unwrap(), None);
}
