//! Signed heads: what an old note says about the record of today.

use chrono::Utc;
use muniment_aggregates::record::{Position, StreamId};
use muniment_journal::{CheckpointError, CheckpointKey, Comparison, Journal, JournalConfig, KeySource, SignedHead};

use crate::place::{Kind, Place, append, on_both};

on_both!(
    k9_an_old_head_tells_a_consistent_record_from_a_cut_or_rewritten_one,
    a_note_outlives_the_master_key_of_the_caller,
);

async fn sign(place: &Place, journal: &Journal) -> SignedHead {
    let key = CheckpointKey::load(&place.config().keys, journal.keyring()).unwrap();
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
    let trusted = CheckpointKey::trusted(&place.config().keys, journal.keyring()).unwrap();
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

async fn a_note_outlives_the_master_key_of_the_caller(kind: Kind) {
    let [old, new] = [[7; 32], [8; 32]];
    let opened = async |place: &Place, master: [u8; 32]| {
        let keys = KeySource::Explicit(master.into());
        (Journal::open(JournalConfig { keys: keys.clone(), ..place.config() }).await.unwrap(), keys)
    };
    let place = Place::new(kind);
    let (journal, keys) = opened(&place, old).await;
    append(&journal, &StreamId::new("note", "n1"), 0, "{}").await;
    let head = journal.engine().head().await.unwrap();
    let key = CheckpointKey::load(&keys, journal.keyring()).unwrap();
    let note = key.sign(head, Utc::now()).to_text();
    // As programs signed that derived the key from the master key.
    let seed = blake3::derive_key("muniment 2026-11 signing key of heads", &old);
    let former = CheckpointKey::from_seed(&seed).unwrap().sign(head, Utc::now()).to_text();
    let trusted = CheckpointKey::trusted(&keys, journal.keyring()).unwrap();
    for note in [&note, &former] {
        SignedHead::from_text(note, Some(&trusted)).unwrap();
    }
    journal.keyring().rotate_master(Some(new.into()), &|_, _| {}).await.unwrap();
    journal.shutdown().await;

    let (journal, keys) = opened(&place, new).await;
    let trusted = CheckpointKey::trusted(&keys, journal.keyring()).unwrap();
    let read = SignedHead::from_text(&note, Some(&trusted)).unwrap();
    assert_eq!(read.verify_against(&journal).await.unwrap(), Comparison::Consistent);
    // What a destroyed master key signs is no longer trusted.
    assert!(matches!(SignedHead::from_text(&former, Some(&trusted)), Err(CheckpointError::OtherKey)));

    // The master key alone does not make the key: another record under the same one has another.
    let elsewhere = Place::new(kind);
    let (journal, keys) = opened(&elsewhere, new).await;
    let stranger = CheckpointKey::load(&keys, journal.keyring()).unwrap().public_key();
    assert!(!trusted.contains(&stranger));
}
