//! Rotation of the master key, also when it is cut off.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_journal::{Journal, JournalConfig, KeySource, RotateError, SubjectAlias};

use crate::place::{Kind, Place, erase, on_both};

on_both!(
    values_survive_a_rotation_and_the_old_key_opens_nothing,
    a_rotation_that_was_cut_off_is_finished_or_undone_at_the_next_start,
    a_key_from_outside_is_rotated_by_naming_the_next,
    a_node_that_missed_a_rotation_makes_no_key,
    rotations_under_traffic_lose_no_key_and_fail_no_request,
);

async fn a_value(journal: &Journal) -> (SubjectId, Sealed) {
    let ring = journal.keyring();
    let subject = ring.subject_for(SubjectAlias::email("a@example.com")).await.unwrap();
    let sealed = ring.seal(&subject, "account/a/email", "a@example.com").await.unwrap();
    (subject, sealed)
}

async fn opens(journal: &Journal, sealed: &Sealed) -> bool {
    journal.keyring().open(sealed).await.unwrap().as_deref() == Some("a@example.com")
}

async fn values_survive_a_rotation_and_the_old_key_opens_nothing(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let (subject, sealed) = a_value(&journal).await;
    let gone = journal.keyring().new_subject().await.unwrap();
    erase(&journal, &gone).await;
    for _ in 0..5 {
        journal.keyring().new_subject().await.unwrap();
    }
    let code = journal.keyring().mac("otp", b"123456");
    let file = place.keys().join("master.key");
    let old = std::fs::read_to_string(&file).unwrap();
    let rotated = journal.keyring().rotate_master(None).await.unwrap();
    assert_eq!(rotated.subjects, 6);
    assert_ne!(std::fs::read_to_string(&file).unwrap(), old);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!place.keys().join("master.key.next").exists());
    assert!(opens(&journal, &sealed).await);
    journal.keyring().subject_for(SubjectAlias::email("b@example.com")).await.unwrap();
    journal.shutdown().await;

    let again = place.open().await;
    assert!(opens(&again, &sealed).await);
    assert_eq!(again.keyring().mac("otp", b"123456"), code);
    let found = again.keyring().find_subject(&SubjectAlias::email("a@example.com")).await.unwrap();
    assert_eq!(found, Some(subject));
    again.shutdown().await;

    std::fs::write(&file, old).unwrap();
    let refused = Journal::open(place.config()).await.err().unwrap().to_string();
    assert!(refused.contains("another master key"), "{refused}");
}

async fn a_rotation_that_was_cut_off_is_finished_or_undone_at_the_next_start(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let (_, sealed) = a_value(&journal).await;
    let (file, next) = (place.keys().join("master.key"), place.keys().join("master.key.next"));
    let old = std::fs::read_to_string(&file).unwrap();
    journal.keyring().rotate_master(None).await.unwrap();
    journal.shutdown().await;

    // As if it had died after the transaction, before the rename.
    std::fs::copy(&file, &next).unwrap();
    std::fs::write(&file, &old).unwrap();
    let journal = place.open().await;
    assert!(opens(&journal, &sealed).await);
    assert!(!next.exists());
    journal.shutdown().await;

    // As if it had died before the transaction.
    std::fs::write(&next, "7".repeat(64)).unwrap();
    std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).unwrap();
    let journal = place.open().await;
    assert!(opens(&journal, &sealed).await);
    assert!(!next.exists());
}

async fn a_key_from_outside_is_rotated_by_naming_the_next(kind: Kind) {
    let place = Place::new(kind);
    let with = |byte: u8| JournalConfig { keys: KeySource::Explicit([byte; 32].into()), ..place.config() };
    let journal = Journal::open(with(1)).await.unwrap();
    let (_, sealed) = a_value(&journal).await;
    let refused = journal.keyring().rotate_master(None).await;
    assert!(matches!(refused, Err(RotateError::NextKeyNeeded)));
    journal.keyring().rotate_master(Some([2; 32])).await.unwrap();
    journal.shutdown().await;
    assert!(Journal::open(with(1)).await.is_err());
    let journal = Journal::open(with(2)).await.unwrap();
    assert!(opens(&journal, &sealed).await);
}

async fn a_node_that_missed_a_rotation_makes_no_key(kind: Kind) {
    if kind == Kind::Sqlite {
        // SQLite has one node.
        return;
    }
    let place = Place::new(kind);
    let (one, other) = (place.open().await, place.open().await);
    let (_, sealed) = a_value(&one).await;
    one.keyring().rotate_master(None).await.unwrap();
    let refused = other.keyring().new_subject().await.unwrap_err().to_string();
    assert!(refused.contains("another master key"), "{refused}");
    assert!(opens(&one, &sealed).await);
}

async fn rotations_under_traffic_lose_no_key_and_fail_no_request(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let stop = Arc::new(AtomicBool::new(false));
    let traffic: Vec<_> = (0..4)
        .map(|client| {
            let (ring, stop) = (journal.keyring().clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut sealed = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let subject = ring.new_subject().await.unwrap();
                    let value = ring.seal(&subject, &format!("account/{client}/email"), "a@example.com").await;
                    sealed.push(value.unwrap());
                }
                sealed
            })
        })
        .collect();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        journal.keyring().rotate_master(None).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let mut sealed = Vec::new();
    for client in traffic {
        sealed.extend(client.await.unwrap());
    }
    assert!(sealed.len() > 20, "{} keys were made", sealed.len());
    journal.shutdown().await;
    let again = place.open().await;
    for value in &sealed {
        assert!(opens(&again, value).await);
    }
}
