//! Rotation of the master key, also when it is cut off.

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use muniment_aggregates::sealed::{SealContext, Sealed, SubjectId};
use muniment_journal::{Journal, JournalConfig, KeySource, RotateError, Store, SubjectAlias};
use sqlx::postgres::{PgConnection, PgPool};

use crate::place::{Kind, Place, erase, on_both};

on_both!(
    values_survive_a_rotation_and_the_old_key_opens_nothing,
    a_rotation_that_was_cut_off_is_finished_or_undone_at_the_next_start,
    a_key_from_outside_is_rotated_by_naming_the_next,
    a_node_follows_a_rotation_in_its_folder_and_else_makes_no_key,
    a_reader_beside_a_rotation_changes_no_key_file,
    a_rotation_to_the_same_key_or_beside_another_changes_nothing,
    a_rotation_keeps_others_from_the_key_files_until_it_has_ended,
    two_rotations_of_one_node_come_one_after_the_other,
    many_keys_are_wrapped_page_by_page_and_progress_is_told,
    rotations_under_traffic_lose_no_key_and_fail_no_request,
    a_start_beside_a_commit_that_may_still_land_keeps_both_keys,
    a_rotation_beside_a_commit_that_may_still_land_destroys_no_key,
);

async fn a_value(journal: &Journal) -> (SubjectId, Sealed) {
    let ring = journal.keyring();
    let subject = ring.subject_for(SubjectAlias::email("a@example.com")).await.unwrap();
    let sealed = ring.seal(&subject, &SealContext::of("account", "a", "email"), "a@example.com").await.unwrap();
    (subject, sealed)
}

async fn opens(journal: &Journal, sealed: &Sealed) -> bool {
    journal.keyring().open_anywhere(sealed).await.unwrap().as_deref() == Some("a@example.com")
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
    let rotated = journal.keyring().rotate_master(None, &|_, _| {}).await.unwrap();
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
    journal.keyring().rotate_master(None, &|_, _| {}).await.unwrap();
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
    journal.shutdown().await;

    // As if it had died while it wrote the next key.
    std::fs::write(&next, "77").unwrap();
    std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).unwrap();
    let reader = Journal::open_read_only(place.config()).await.unwrap();
    assert!(opens(&reader, &sealed).await && next.exists());
    reader.shutdown().await;
    let journal = place.open().await;
    assert!(opens(&journal, &sealed).await);
    assert!(!next.exists());
}

async fn a_key_from_outside_is_rotated_by_naming_the_next(kind: Kind) {
    let place = Place::new(kind);
    let with = |byte: u8| JournalConfig { keys: KeySource::Explicit([byte; 32].into()), ..place.config() };
    let journal = Journal::open(with(1)).await.unwrap();
    let (_, sealed) = a_value(&journal).await;
    let refused = journal.keyring().rotate_master(None, &|_, _| {}).await;
    assert!(matches!(refused, Err(RotateError::NextKeyNeeded)));
    journal.keyring().rotate_master(Some([2; 32].into()), &|_, _| {}).await.unwrap();
    journal.shutdown().await;
    assert!(Journal::open(with(1)).await.is_err());
    let journal = Journal::open(with(2)).await.unwrap();
    assert!(opens(&journal, &sealed).await);
}

/// The key folder as a node on another machine has it.
fn copied(keys: &Path, to: &Path) -> KeySource {
    std::fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    std::fs::copy(keys.join("master.key"), to.join("master.key")).unwrap();
    KeySource::Directory { path: to.to_owned(), create_missing: false }
}

async fn a_node_follows_a_rotation_in_its_folder_and_else_makes_no_key(kind: Kind) {
    if kind == Kind::Sqlite {
        // SQLite has one node.
        return;
    }
    let place = Place::new(kind);
    let elsewhere = tempfile::tempdir().unwrap();
    let (one, beside) = (place.open().await, place.open().await);
    let keys = copied(&place.keys(), &elsewhere.path().join("keys"));
    let afar = Journal::open(JournalConfig { keys, ..place.config() }).await.unwrap();
    let (_, sealed) = a_value(&one).await;
    one.keyring().rotate_master(None, &|_, _| {}).await.unwrap();
    assert!(opens(&beside, &sealed).await);
    beside.keyring().new_subject().await.unwrap();
    for refused in [afar.keyring().new_subject().await.map(drop), afar.keyring().open_anywhere(&sealed).await.map(drop)]
    {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("another master key"), "{refused}");
    }
    let refused = afar.keyring().rotate_master(None, &|_, _| {}).await.unwrap_err().to_string();
    assert!(refused.contains("another master key"), "{refused}");
    // Given the new key, it goes on without a new start.
    std::fs::copy(place.keys().join("master.key"), elsewhere.path().join("keys/master.key")).unwrap();
    assert!(opens(&afar, &sealed).await);
    afar.keyring().new_subject().await.unwrap();
    assert!(opens(&one, &sealed).await);
}

async fn a_reader_beside_a_rotation_changes_no_key_file(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let (_, sealed) = a_value(&journal).await;
    let (file, next) = (place.keys().join("master.key"), place.keys().join("master.key.next"));
    let old = std::fs::read_to_string(&file).unwrap();
    let read = || async {
        let reader = Journal::open_read_only(place.config()).await.unwrap();
        assert!(opens(&reader, &sealed).await);
        reader.shutdown().await;
    };
    let stage = |key: &str| {
        std::fs::write(&next, key).unwrap();
        std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    // The next key lies there, nothing is wrapped under it yet.
    stage(&"7".repeat(64));
    read().await;
    assert_eq!(std::fs::read_to_string(&next).unwrap(), "7".repeat(64));
    // Everything is wrapped under it, and it has not taken the place of the old one.
    journal.keyring().rotate_master(None, &|_, _| {}).await.unwrap();
    let new = std::fs::read_to_string(&file).unwrap();
    stage(&new);
    std::fs::write(&file, &old).unwrap();
    read().await;
    assert_eq!(std::fs::read_to_string(&next).unwrap(), new);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), old);
}

async fn a_rotation_to_the_same_key_or_beside_another_changes_nothing(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let (_, sealed) = a_value(&journal).await;
    let file = place.keys().join("master.key");
    let old = std::fs::read_to_string(&file).unwrap();
    let mut same = zeroize::Zeroizing::new([0_u8; 32]);
    hex::decode_to_slice(old.trim_end(), same.as_mut_slice()).unwrap();
    let refused = journal.keyring().rotate_master(Some(same), &|_, _| {}).await;
    assert!(matches!(refused, Err(RotateError::SameKey)), "{refused:?}");
    let lock = std::fs::File::create(place.keys().join("rotation.lock")).unwrap();
    lock.lock().unwrap();
    let refused = journal.keyring().rotate_master(None, &|_, _| {}).await;
    assert!(matches!(refused, Err(RotateError::UnderWay)), "{refused:?}");
    drop(lock);
    assert!(!place.keys().join("master.key.next").exists());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), old);
    assert!(opens(&journal, &sealed).await);
}

async fn a_rotation_keeps_others_from_the_key_files_until_it_has_ended(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let (_, sealed) = a_value(&journal).await;
    let (lock, next) = (place.keys().join("rotation.lock"), place.keys().join("master.key.next"));
    let is_free = || std::fs::File::create(&lock).unwrap().try_lock().is_ok();
    let looks = Mutex::new(Vec::new());
    let look = |_, _| looks.lock().unwrap().push((is_free(), next.exists()));
    journal.keyring().rotate_master(None, &look).await.unwrap();
    assert_eq!(*looks.lock().unwrap(), [(false, true)], "the next key lies there, and nobody else may touch it");
    assert!(is_free());
    journal.shutdown().await;

    // A node that starts meanwhile: the next key is of the rotation that is under way, not of one that was cut off.
    let held = std::fs::File::create(&lock).unwrap();
    held.lock().unwrap();
    let staged = "7".repeat(64);
    std::fs::write(&next, &staged).unwrap();
    std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).unwrap();
    let started = place.open().await;
    assert!(opens(&started, &sealed).await);
    assert_eq!(std::fs::read_to_string(&next).unwrap(), staged);
    started.shutdown().await;
    drop(held);
    let started = place.open().await;
    assert!(opens(&started, &sealed).await && !next.exists(), "whose rotation it was is gone");
}

async fn two_rotations_of_one_node_come_one_after_the_other(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let (_, sealed) = a_value(&journal).await;
    let ring = journal.keyring();
    let (first, second) = tokio::join!(ring.rotate_master(None, &|_, _| {}), ring.rotate_master(None, &|_, _| {}));
    assert_eq!((first.unwrap().subjects, second.unwrap().subjects), (1, 1));
    assert!(opens(&journal, &sealed).await);
    journal.shutdown().await;
    assert!(opens(&place.open().await, &sealed).await);
}

async fn many_keys_are_wrapped_page_by_page_and_progress_is_told(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let (_, sealed) = a_value(&journal).await;
    let mut values = vec![sealed];
    for _ in 0..1_050 {
        let subject = journal.keyring().new_subject().await.unwrap();
        values.push(
            journal.keyring().seal(&subject, &SealContext::of("account", "a", "email"), "a@example.com").await.unwrap(),
        );
    }
    let told = Mutex::new(Vec::new());
    let note = |done, total| told.lock().unwrap().push((done, total));
    let rotated = journal.keyring().rotate_master(None, &note).await.unwrap();
    assert_eq!(rotated.subjects, 1_051);
    assert_eq!(*told.lock().unwrap(), [(1_000, 1_052), (1_052, 1_052)]);
    journal.shutdown().await;
    let again = place.open().await;
    for value in &values {
        assert!(opens(&again, value).await);
    }
}

async fn rotations_under_traffic_lose_no_key_and_fail_no_request(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let stop = Arc::new(AtomicBool::new(false));
    let made = Arc::new(AtomicUsize::new(0));
    let traffic: Vec<_> = (0..4)
        .map(|client| {
            let (ring, stop, made) = (journal.keyring().clone(), Arc::clone(&stop), Arc::clone(&made));
            tokio::spawn(async move {
                let mut sealed = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let subject = ring.new_subject().await.unwrap();
                    let value =
                        ring.seal(&subject, &SealContext::of("account", client, "email"), "a@example.com").await;
                    sealed.push(value.unwrap());
                    made.fetch_add(1, Ordering::Relaxed);
                }
                sealed
            })
        })
        .collect();
    for round in 1..=5 {
        let traffic = async {
            while made.load(Ordering::Relaxed) < 5 * round {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), traffic).await.unwrap();
        journal.keyring().rotate_master(None, &|_, _| {}).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let mut sealed = Vec::new();
    for client in traffic {
        sealed.extend(client.await.unwrap());
    }
    assert!(sealed.len() >= 25, "{} keys were made", sealed.len());
    journal.shutdown().await;
    let again = place.open().await;
    for value in &sealed {
        assert!(opens(&again, value).await);
    }
}

/// A rotation whose client is gone and whose commit may still land: the server holds it back.
struct Pending {
    sealed: Sealed,
    /// What lies in `master.key` and in `master.key.next`.
    keys: [String; 2],
    pool: PgPool,
    commit: sqlx::Transaction<'static, sqlx::Postgres>,
}

fn keys_in(place: &Place) -> [String; 2] {
    ["master.key", "master.key.next"].map(|name| std::fs::read_to_string(place.keys().join(name)).unwrap_or_default())
}

type Wrapped = Vec<(String, Vec<u8>)>;

async fn store_wrapped(connection: &mut PgConnection, keys: &Wrapped) {
    for (subject, wrapped) in keys {
        let update = sqlx::query("UPDATE subject_keys SET wrapped_key = $1 WHERE subject = $2");
        update.bind(wrapped).bind(subject).execute(&mut *connection).await.unwrap();
    }
}

impl Pending {
    async fn at(place: &Place) -> Self {
        let Store::Postgres { url } = &place.store else {
            panic!("SQLite has one process, and its commit ends with it")
        };
        let pool = PgPool::connect(url).await.unwrap();
        let stored = async || -> Wrapped {
            sqlx::query_as("SELECT subject, wrapped_key FROM subject_keys").fetch_all(&pool).await.unwrap()
        };
        let journal = place.open().await;
        let (_, sealed) = a_value(&journal).await;
        let ([old, _], under_old) = (keys_in(place), stored().await);
        journal.keyring().rotate_master(None, &|_, _| {}).await.unwrap();
        journal.shutdown().await;
        let ([new, _], under_new) = (keys_in(place), stored().await);
        // Back to where it was before the commit.
        std::fs::copy(place.keys().join("master.key"), place.keys().join("master.key.next")).unwrap();
        std::fs::write(place.keys().join("master.key"), &old).unwrap();
        store_wrapped(&mut pool.acquire().await.unwrap(), &under_old).await;
        let mut commit = pool.begin().await.unwrap();
        store_wrapped(&mut commit, &under_new).await;
        Self { sealed, keys: [old, new], pool, commit }
    }
}

async fn a_start_beside_a_commit_that_may_still_land_keeps_both_keys(kind: Kind) {
    if kind == Kind::Sqlite {
        return;
    }
    let place = Place::new(kind);
    let pending = Pending::at(&place).await;
    let started = tokio::time::timeout(Duration::from_secs(60), place.open()).await.unwrap();
    assert!(opens(&started, &pending.sealed).await);
    assert_eq!(keys_in(&place), pending.keys);
    started.shutdown().await;
    pending.commit.commit().await.unwrap();
    let again = place.open().await;
    assert!(opens(&again, &pending.sealed).await);
    assert_eq!(keys_in(&place), [pending.keys[1].clone(), String::new()], "it is finished");
}

async fn a_rotation_beside_a_commit_that_may_still_land_destroys_no_key(kind: Kind) {
    if kind == Kind::Sqlite {
        return;
    }
    let place = Place::new(kind);
    let pending = Pending::at(&place).await;
    let started = place.open().await;
    let ring = started.keyring().clone();
    let rotation = tokio::spawn(async move { ring.rotate_master(None, &|_, _| {}).await });
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waits = async {
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pending.pool).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waits).await.unwrap();
    assert_eq!(keys_in(&place), pending.keys);
    pending.commit.commit().await.unwrap();
    let refused = rotation.await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("another master key"), "{refused}");
    assert_eq!(keys_in(&place), pending.keys);
    // It follows to the key that has not taken the place of the old one, and rotates that one.
    started.keyring().new_subject().await.unwrap();
    let seen = Mutex::new(Vec::new());
    let look = |_, _| seen.lock().unwrap().push(keys_in(&place)[0].clone());
    started.keyring().rotate_master(None, &look).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [pending.keys[1].clone()], "the key in use never lies in memory alone");
    started.shutdown().await;
    assert!(opens(&place.open().await, &pending.sealed).await);
}
