//! Signed heads: what an old note says about the record of today.

use chrono::Utc;
use muniment_aggregates::record::{Position, StreamId};
use muniment_journal::{CheckpointKey, Comparison, Journal, SignedHead};

use crate::place::{Kind, Place, append, on_both};

on_both!(k9_an_old_head_tells_a_consistent_record_from_a_cut_or_rewritten_one);

async fn sign(place: &Place, journal: &Journal) -> SignedHead {
    let key = CheckpointKey::load(&place.config().keys).unwrap();
    key.sign(journal.engine().head().await.unwrap(), Utc::now())
}

async fn k9_an_old_head_tells_a_consistent_record_from_a_cut_or_rewritten_one(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let empty = sign(&place, &journal).await;
    let stream = StreamId::new("note", "n1");
    for version in 0..6 {
        append(&journal, &stream, version, "{}").await;
    }
    let note = sign(&place, &journal).await;
    assert_eq!(note.position, Position(6));
    let trusted = CheckpointKey::load(&place.config().keys).unwrap().public_key();
    let note = SignedHead::from_text(&note.to_text(), Some(&trusted)).unwrap();
    append(&journal, &stream, 6, "{}").await;
    assert_eq!(note.verify_against(&journal).await.unwrap(), Comparison::Consistent);
    assert_eq!(empty.verify_against(&journal).await.unwrap(), Comparison::Consistent);

    let other_place = Place::new(kind);
    let elsewhere = other_place.open().await;
    assert_eq!(note.verify_against(&elsewhere).await.unwrap(), Comparison::OtherInstallation);

    let stores = journal.engine().stores().unwrap();
    let rewrite = "UPDATE events SET hash = $1 WHERE position = 6";
    stores.write.execute(rewrite, &[vec![1_u8; 32].into()]).await.unwrap();
    assert_eq!(note.verify_against(&journal).await.unwrap(), Comparison::Differs { from: None });

    stores.write.execute("DELETE FROM events WHERE position > 4", &[]).await.unwrap();
    stores.write.execute("UPDATE journal_head SET position = 4", &[]).await.unwrap();
    let cut = note.verify_against(&journal).await.unwrap();
    assert_eq!(cut, Comparison::TailCut { position: Position(4) });
}
