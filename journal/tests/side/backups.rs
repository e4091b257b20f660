//! Backup and restore: from each engine to the other, erased people stay erased, damage leaves nothing behind.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Utc;
use muniment_aggregates::claims::{ClaimChange, ClaimKey};
use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_aggregates::sealed::{SealContext, Sealed};
use muniment_journal::backup::{BackupError, backup, keys_file_of};
use muniment_journal::restore::{RestoreError, restore};
use muniment_journal::{Append, CheckpointKey, Comparison, Journal, JournalConfig, NewEvent, NewMail, SubjectAlias};

use crate::keys::claim_address;
use crate::place::{Kind, Place, all_events, append, erase, event, on_both};

on_both!(
    a_backup_restores_on_the_other_engine_byte_for_byte_in_a_new_epoch,
    k12_an_old_record_with_the_newest_keys_keeps_the_erased_erased,
    a_backup_without_its_keys_reads_as_erased_and_frees_the_claims,
    a_damaged_backup_or_a_used_database_restores_nothing,
    a_forged_backup_restores_nothing,
    a_record_restored_twice_verifies_across_its_epochs,
    a_backup_beside_a_busy_server_is_of_one_moment,
    a_backup_that_cannot_be_kept_leaves_no_keys_behind,
    a_record_that_could_not_be_restored_is_not_backed_up,
    what_a_killed_backup_left_goes_with_the_next_one_and_keys_come_last,
    two_backups_to_one_file_are_not_mixed,
);

fn other(kind: Kind) -> Kind {
    match kind {
        Kind::Sqlite => Kind::Postgres,
        Kind::Postgres => Kind::Sqlite,
    }
}

/// Events of several streams, with claims, a dedupe key and mail waiting.
async fn fill(journal: &Journal) -> Sealed {
    let ring = journal.keyring();
    let subject = ring.subject_for(SubjectAlias::email("a@example.com")).await.unwrap();
    let sealed = claim_address(journal, "a1", &subject, "a@example.com").await;
    let metric = StreamId::new("metric", "m1");
    let take = ClaimChange::Take { namespace: "metric-key", key: ClaimKey::Clear("co/revenue".to_owned()) };
    let point = NewEvent {
        dedupe: Some(DedupeKey::of(&metric, "once")),
        ..event(&metric, "{ \"kept\" : \"as it is \\u00e9\",  \"n\": 1.50 }")
    };
    let body = ring.seal(&subject, &SealContext::of("mail", "waiting", "body"), "text").await.unwrap();
    let expires_at = Utc::now() + chrono::TimeDelta::hours(1);
    let append_all = Append {
        events: vec![event(&metric, "{}"), point],
        expect: vec![(metric.clone(), 0)],
        claims: vec![(metric.clone(), take)],
        metadata: Arc::from("{\"command\":\"record\"}"),
        outbox: vec![NewMail { id: "waiting".to_owned(), subject, body, expires_at }],
        ..Append::default()
    };
    journal.append(append_all).await.unwrap();
    let many = Append {
        events: (0..1_500).map(|n| event(&metric, &format!("{{\"n\":{n}}}"))).collect(),
        expect: vec![(metric, 2)],
        metadata: Arc::from("{}"),
        ..Append::default()
    };
    journal.append(many).await.unwrap();
    sealed
}

async fn backed_up(place: &Place, journal: &Journal, name: &str) -> PathBuf {
    let file = place.home.path().join(name);
    backup(journal, &file, &|_, _| {}).await.unwrap();
    file
}

/// Restores into a new database and opens it.
async fn restored(config: &JournalConfig, file: &Path, keys: Option<&Path>) -> Journal {
    let empty = Journal::open(config.clone()).await.unwrap();
    restore(empty, file, keys, &|_, _| {}).await.unwrap();
    Journal::open(config.clone()).await.unwrap()
}

async fn a_backup_restores_on_the_other_engine_byte_for_byte_in_a_new_epoch(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let sealed = fill(&journal).await;
    let file = backed_up(&place, &journal, "record").await;
    for written in [&file, &keys_file_of(&file)] {
        assert_eq!(std::fs::metadata(written).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let copy = restored(&place.beside(other(kind)), &file, Some(&keys_file_of(&file))).await;

    copy.verify(None, &|_, _| {}).await.unwrap();
    let events = all_events(&journal).await;
    assert_eq!(events.len(), 1_503);
    assert_eq!(all_events(&copy).await, events);
    assert_eq!(copy.identity().installation, journal.identity().installation);
    assert!(copy.identity().epoch > journal.identity().epoch);
    assert_eq!(copy.keyring().open_anywhere(&sealed).await.unwrap().as_deref(), Some("a@example.com"));
    for (namespace, key) in [("account-email", "a@example.com"), ("metric-key", "co/revenue")] {
        let owner = copy.claim_owner(namespace, key).await.unwrap();
        assert!(owner.is_some(), "{namespace}");
        assert_eq!(owner, journal.claim_owner(namespace, key).await.unwrap());
    }
    let metric = StreamId::new("metric", "m1");
    let once = DedupeKey::of(&metric, "once");
    assert_eq!(copy.find_dedupe(&[once]).await.unwrap()[&once], Position(3));
    assert_eq!(copy.outbox().list(10).await.unwrap(), [], "waiting mail is not in a backup");
    append(&copy, &metric, 1_502, "{}").await;
    copy.verify(None, &|_, _| {}).await.unwrap();
}

async fn k12_an_old_record_with_the_newest_keys_keeps_the_erased_erased(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let sealed = fill(&journal).await;
    let stays = journal.keyring().subject_for(SubjectAlias::email("b@example.com")).await.unwrap();
    let kept = claim_address(&journal, "b1", &stays, "b@example.com").await;
    let old_record = backed_up(&place, &journal, "monday").await;
    erase(&journal, &sealed.subject().unwrap()).await;
    let newest_keys = keys_file_of(&backed_up(&place, &journal, "tuesday").await);

    let copy = restored(&place.beside(kind), &old_record, Some(&newest_keys)).await;
    copy.verify(None, &|_, _| {}).await.unwrap();
    assert_eq!(copy.keyring().open_anywhere(&sealed).await.unwrap(), None);
    assert_eq!(copy.claim_owner("account-email", "a@example.com").await.unwrap(), None);
    assert_eq!(copy.keyring().open_anywhere(&kept).await.unwrap().as_deref(), Some("b@example.com"));
    let owner = copy.claim_owner("account-email", "b@example.com").await.unwrap();
    assert_eq!(owner, Some(StreamId::new("account", "b1")));

    // Once the master key is rotated, not even the old keys bring the erased back.
    journal.keyring().rotate_master(None, &|_, _| {}).await.unwrap();
    let empty = Journal::open(place.beside(kind)).await.unwrap();
    let refused = restore(empty, &old_record, Some(&keys_file_of(&old_record)), &|_, _| {}).await;
    assert!(matches!(refused, Err(RestoreError::Seal(_))), "{refused:?}");
}

async fn a_backup_without_its_keys_reads_as_erased_and_frees_the_claims(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let sealed = fill(&journal).await;
    let file = backed_up(&place, &journal, "record").await;
    let copy = restored(&place.beside(kind), &file, None).await;
    copy.verify(None, &|_, _| {}).await.unwrap();
    assert_eq!(copy.keyring().open_anywhere(&sealed).await.unwrap(), None);
    assert_eq!(copy.claim_owner("account-email", "a@example.com").await.unwrap(), None);
    assert!(copy.claim_owner("metric-key", "co/revenue").await.unwrap().is_some());
}

/// The session ends while PostgreSQL commits; here it has not committed, which nobody can know who asked it to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_whose_commit_is_not_answered_is_uncertain() {
    let place = Place::new(Kind::Postgres);
    let journal = place.open().await;
    fill(&journal).await;
    let file = backed_up(&place, &journal, "record").await;
    let config = place.beside(Kind::Postgres);
    let empty = Journal::open(config.clone()).await.unwrap();
    let database = empty.engine().stores().unwrap().write;
    let end = "CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS \
               'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'";
    let at_commit = "CREATE CONSTRAINT TRIGGER end_session AFTER UPDATE ON journal_head DEFERRABLE INITIALLY DEFERRED \
                     FOR EACH ROW EXECUTE FUNCTION end_session()";
    for statement in [end, at_commit] {
        database.execute(statement, &[]).await.unwrap();
    }
    let keys = keys_file_of(&file);
    let unknown = restore(empty, &file, Some(&keys), &|_, _| {}).await;
    assert!(matches!(unknown, Err(RestoreError::Uncertain(_))), "{unknown:?}");
    let empty = Journal::open(config.clone()).await.unwrap();
    let database = empty.engine().stores().unwrap().write;
    database.execute("DROP TRIGGER end_session ON journal_head", &[]).await.unwrap();
    restore(empty, &file, Some(&keys), &|_, _| {}).await.unwrap();
}

async fn a_damaged_backup_or_a_used_database_restores_nothing(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    fill(&journal).await;
    let file = backed_up(&place, &journal, "record").await;
    let exists = backup(&journal, &file, &|_, _| {}).await;
    assert!(exists.is_err(), "a record is never overwritten");

    let keys = keys_file_of(&file);
    let used = restore(journal, &file, Some(&keys), &|_, _| {}).await;
    assert!(matches!(used, Err(RestoreError::NotEmpty(Position(1_503)))), "{used:?}");

    let config = place.beside(kind);
    let whole = std::fs::read(&file).unwrap();
    let damaged = place.home.path().join("damaged");
    let mut changed = whole.clone();
    let at = whole.len() - 5_000;
    changed[at] ^= 1;
    for (bytes, what) in [(changed.as_slice(), "changed"), (&whole[..whole.len() - 100], "cut")] {
        std::fs::write(&damaged, bytes).unwrap();
        let empty = Journal::open(config.clone()).await.unwrap();
        let refused = restore(empty, &damaged, Some(&keys), &|_, _| {}).await;
        assert!(refused.is_err(), "{what}");
    }
    let swapped = Journal::open(config.clone()).await.unwrap();
    let refused = restore(swapped, &keys, Some(&file), &|_, _| {}).await;
    assert!(matches!(refused, Err(RestoreError::WrongFile(_))), "{refused:?}");

    let still_empty = Journal::open(config.clone()).await.unwrap();
    assert_eq!(still_empty.head(), Position::START);
    still_empty.shutdown().await;
    let copy = restored(&config, &file, Some(&keys)).await;
    assert_eq!(copy.head(), Position(1_503));
}

/// The frames of a backup, each as its kind and its content.
fn frames(file: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let (mut at, mut frames) = (20, Vec::new());
    while frames.last().is_none_or(|(kind, _)| *kind != 0) {
        let length = u32::from_le_bytes(file[at + 1..at + 5].try_into().unwrap());
        let end = at + 5 + usize::try_from(length).unwrap();
        frames.push((file[at], file[at + 5..end].to_vec()));
        at = end;
    }
    frames
}

/// A backup of these frames, whole by its own hash: that stands in the file, so whoever changes the file can make it.
fn file_of(frames: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"MUNIMENT BACKUP\n\x01\0\0\0".to_vec();
    for (kind, content) in frames {
        file.push(*kind);
        file.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
        file.extend_from_slice(content);
    }
    let hash = blake3::hash(&file);
    file.extend_from_slice(hash.as_bytes());
    file
}

/// The frame of the event with this payload.
fn event_frame(frames: &[(u8, Vec<u8>)], payload: &str) -> usize {
    let holds = |content: &[u8]| content.windows(payload.len()).any(|window| window == payload.as_bytes());
    frames.iter().position(|(kind, content)| *kind == 3 && holds(content)).unwrap()
}

async fn a_forged_backup_restores_nothing(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    fill(&journal).await;
    let file = backed_up(&place, &journal, "record").await;
    let keys = keys_file_of(&file);
    let whole = std::fs::read(&file).unwrap();
    let genuine = frames(&whole);
    assert_eq!(file_of(&genuine), whole);
    let seven = event_frame(&genuine, "{\"n\":700}");
    let mut changed = genuine.clone();
    let digit = changed[seven].1.windows(4).position(|window| window == b"700}").unwrap();
    changed[seven].1[digit] = b'8';
    let mut swapped = genuine.clone();
    swapped.swap(seven, seven + 1);
    let mut missing = genuine.clone();
    missing.remove(seven);
    let mut cut = genuine.clone();
    cut.remove(genuine.len() - 2);
    let mut doubled = genuine.clone();
    doubled.insert(seven, genuine[seven].clone());
    let of_the_head =
        "\"hash\":\"".len() + genuine[0].1.windows(8).position(|window| window == b"\"hash\":\"").unwrap();
    let mut other_head = genuine.clone();
    other_head[0].1[of_the_head] = if other_head[0].1[of_the_head] == b'0' { b'1' } else { b'0' };

    let config = place.beside(kind);
    let forged = place.home.path().join("forged");
    let restoring = async |bytes: &[u8], keys: &Path| {
        std::fs::write(&forged, bytes).unwrap();
        let empty = Journal::open(config.clone()).await.unwrap();
        restore(empty, &forged, Some(keys), &|_, _| {}).await
    };
    for (frames, what, expected) in [
        (changed, "an event is another", "the event at position 704 was changed"),
        (swapped, "two events changed places", "position 704 is missing"),
        (missing, "an event is missing", "position 704 is missing"),
        (cut, "the last event is missing", "position 1503 is missing"),
        (doubled, "an event is there twice", "position 705 is missing"),
        (other_head, "the head is another", "the event at position 1503 was changed"),
    ] {
        let refused = restoring(&file_of(&frames), &keys).await.unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{what}: {refused}");
    }
    let elsewhere = Place::new(kind);
    let stranger = elsewhere.open().await;
    let other_keys = keys_file_of(&backed_up(&elsewhere, &stranger, "record").await);
    let refused = restoring(&whole, &other_keys).await.unwrap_err();
    assert_eq!(refused.to_string(), "the two files belong to two installations");
    let copy = restored(&config, &file, Some(&keys)).await;
    assert_eq!(copy.head(), Position(1_503), "it was empty all the while");
}

async fn a_record_restored_twice_verifies_across_its_epochs(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let stream = StreamId::new("note", "n1");
    append(&journal, &stream, 0, "{}").await;
    let first = backed_up(&place, &journal, "first").await;
    append(&journal, &stream, 1, "{\"lost\":1}").await;
    let key = CheckpointKey::load(&place.config().keys, journal.keyring()).unwrap();
    let of_the_lost_future = key.sign(journal.engine().head().await.unwrap(), Utc::now());

    let second = restored(&place.beside(other(kind)), &first, Some(&keys_file_of(&first))).await;
    append(&second, &stream, 1, "{\"new\":1}").await;
    let compared = of_the_lost_future.verify_against(&second).await.unwrap();
    assert_eq!(compared, Comparison::Differs { from: Some(Position(2)) });

    let again = backed_up(&place, &second, "again").await;
    let third = restored(&place.beside(kind), &again, Some(&keys_file_of(&again))).await;
    append(&third, &stream, 2, "{}").await;
    third.verify(None, &|_, _| {}).await.unwrap();
    assert!(third.identity().epoch > second.identity().epoch);
    assert_eq!(all_events(&third).await[..2], all_events(&second).await[..]);
}

async fn a_backup_that_cannot_be_kept_leaves_no_keys_behind(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    fill(&journal).await;
    let folder = place.home.path().join("backups");
    let file = folder.join("record");
    std::fs::create_dir(&folder).unwrap();
    // Somebody else takes the name while the events are written.
    backup(&journal, &file, &|_, _| std::fs::create_dir_all(&file).unwrap()).await.unwrap_err();
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["record"]);
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort_unstable();
    names
}

async fn what_a_killed_backup_left_goes_with_the_next_one_and_keys_come_last(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    fill(&journal).await;
    // More keys than are written at once.
    for n in 0..200 {
        journal.keyring().subject_for(SubjectAlias::email(&format!("p{n}@example.com"))).await.unwrap();
    }
    let folder = place.home.path().join("backups");
    std::fs::create_dir(&folder).unwrap();
    let (file, keys) = (folder.join("record"), folder.join("record.keys.part"));
    for left in [&folder.join("record.part"), &keys] {
        std::fs::write(left, "of a run that was killed").unwrap();
    }
    let keys_seen = std::sync::Mutex::new(Vec::new());
    let look = |_, _| keys_seen.lock().unwrap().push(std::fs::metadata(&keys).unwrap().len());
    let made = backup(&journal, &file, &look).await.unwrap();
    let keys_seen = keys_seen.into_inner().unwrap();
    assert!(keys_seen.len() > 1 && keys_seen.iter().all(|bytes| *bytes == 0), "{keys_seen:?}");
    assert_eq!((made.keys, names_in(&folder)), (201, vec!["record".to_owned(), "record.keys".to_owned()]));
    let copy = restored(&place.beside(kind), &file, Some(&keys_file_of(&file))).await;
    copy.verify(None, &|_, _| {}).await.unwrap();
}

async fn two_backups_to_one_file_are_not_mixed(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    fill(&journal).await;
    let folder = place.home.path().join("backups");
    std::fs::create_dir(&folder).unwrap();
    let (file, draft) = (folder.join("record"), folder.join("record.part"));
    let other = std::fs::File::create(&draft).unwrap();
    other.try_lock().unwrap();
    let refused = backup(&journal, &file, &|_, _| {}).await;
    assert!(matches!(refused, Err(BackupError::Busy(_))), "{refused:?}");
    assert_eq!(names_in(&folder), ["record.part"], "the other's draft is there");
    drop(other);
    // Names that another backup takes for its own.
    for name in ["record.part", "record.keys"] {
        let refused = backup(&journal, &folder.join(name), &|_, _| {}).await;
        assert!(matches!(refused, Err(BackupError::Reserved(_))), "{refused:?}");
    }
    assert_eq!(names_in(&folder), ["record.part"]);
    // A record that is put there while the events are written stays.
    let refused = backup(&journal, &file, &|_, _| std::fs::write(&file, "another").unwrap()).await;
    assert!(matches!(refused, Err(BackupError::Exists(_))), "{refused:?}");
    assert_eq!((names_in(&folder), std::fs::read(&file).unwrap()), (vec!["record".to_owned()], b"another".to_vec()));
}

async fn a_record_that_could_not_be_restored_is_not_backed_up(kind: Kind) {
    let below = "INSERT INTO events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
                 metadata, recorded_at, hash, stream) SELECT -1, aggregate_type, aggregate_id, sequence + 5000, event_type, \
                 event_version, payload, metadata, recorded_at, hash, stream FROM events WHERE position = 7";
    for (tampering, position) in [
        (below, -1),
        ("UPDATE journal_head SET recorded_at = recorded_at + 1", 1_503),
        ("UPDATE journal_head SET epoch = epoch + 1", 1_503),
        ("UPDATE events SET payload = '{}' WHERE position = 1200", 1_200),
        ("UPDATE events SET recorded_at = 9223372036854775807 WHERE position = 1200", 1_200),
        ("DELETE FROM events WHERE position = 1200", 1_200),
        ("DELETE FROM events WHERE position > 1499", 1_500),
        ("UPDATE journal_epochs SET epoch = epoch + 1", 1),
        ("UPDATE journal_head SET hash = (SELECT hash FROM events WHERE position = 7)", 1_503),
    ] {
        let place = Place::new(kind);
        let journal = place.open().await;
        fill(&journal).await;
        journal.engine().stores().unwrap().write.execute(tampering, &[]).await.unwrap();
        let folder = place.home.path().join("backups");
        std::fs::create_dir(&folder).unwrap();
        let refused = backup(&journal, &folder.join("record"), &|_, _| {}).await;
        let Err(BackupError::Damaged(damage)) = refused else { panic!("{tampering}: {refused:?}") };
        assert!(damage.to_string().starts_with(&format!("position {position}: ")), "{tampering}: {damage}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{tampering}");
    }
}

async fn a_backup_beside_a_busy_server_is_of_one_moment(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..4)
        .map(|writer| {
            let (journal, stop) = (journal.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut written = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    // Each event takes one claim and gives the one before it back: every stream holds exactly one.
                    let stream = StreamId::new("busy", &format!("w{writer}"));
                    let key = |n: u64| ClaimKey::Clear(format!("{writer}/{n}"));
                    let mut claims =
                        vec![(stream.clone(), ClaimChange::Take { namespace: "busy", key: key(written + 1) })];
                    if written > 0 {
                        claims.push((stream.clone(), ClaimChange::Release { namespace: "busy", key: key(written) }));
                    }
                    let append = Append {
                        events: vec![event(&stream, "{}")],
                        expect: vec![(stream, written)],
                        claims,
                        metadata: Arc::from("{}"),
                        ..Append::default()
                    };
                    journal.append(append).await.unwrap();
                    written += 1;
                }
                written
            })
        })
        .collect();
    let mut head = journal.watch_head();
    head.wait_for(|head| head.0 > 50).await.unwrap();
    let reader = Journal::open_read_only(place.config()).await.unwrap();
    let file = backed_up(&place, &reader, "busy").await;
    reader.shutdown().await;
    let at_the_backup = journal.head().0;
    head.wait_for(|head| head.0 > at_the_backup + 50).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for writer in busy {
        assert!(writer.await.unwrap() > 0);
    }

    let copy = restored(&place.beside(other(kind)), &file, Some(&keys_file_of(&file))).await;
    copy.verify(None, &|_, _| {}).await.unwrap();
    let events = all_events(&copy).await;
    assert_eq!(events[..], all_events(&journal).await[..events.len()]);
    for writer in 0..4 {
        let stream = StreamId::new("busy", &format!("w{writer}"));
        let last = events.iter().filter(|event| event.stream == stream).count();
        let owner = async |n: usize| copy.claim_owner("busy", &format!("{writer}/{n}")).await.unwrap();
        assert_eq!(owner(last).await, Some(stream), "the last event's claim is held");
        assert_eq!(owner(last + 1).await, None, "no later claim is in it");
        assert_eq!(owner(last.saturating_sub(1)).await, None, "no earlier claim is in it");
    }
}
