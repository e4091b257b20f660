//! Sealing, erasure and claims.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muniment_aggregates::claims::{ClaimChange, ClaimKey};
use muniment_aggregates::record::StreamId;
use muniment_aggregates::sealed::{SealContext, Sealed, SubjectId};
use muniment_journal::{Append, Journal, SealError, Store, SubjectAlias, backup};
use muniment_sql::Database;

use crate::place::{Kind, Place, all_events, append, erase, event, on_both};

on_both!(
    one_alias_is_one_subject_however_many_ask_at_once,
    a_sealed_value_opens_where_it_belongs_and_nowhere_else,
    erasure_is_noticed_at_once_and_everywhere,
    an_erased_alias_leads_to_a_new_subject,
    no_read_that_races_an_erasure_keeps_the_key,
    claims_of_a_sealed_key_are_those_of_the_clear_one_and_erasure_frees_them,
    k11_after_an_erasure_no_file_holds_the_value_nor_its_key,
);

const ADDRESS: &str = "Founder.Sentinel@example.com";

async fn one_alias_is_one_subject_however_many_ask_at_once(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    // On PostgreSQL a second node asks too.
    let nodes = match kind {
        Kind::Sqlite => vec![journal.clone()],
        Kind::Postgres => vec![journal.clone(), place.open().await],
    };
    let asks = (0..32).map(|ask| {
        let ring = nodes[ask % nodes.len()].keyring().clone();
        tokio::spawn(async move { ring.subject_for(SubjectAlias::email(ADDRESS)).await.unwrap() })
    });
    let mut subjects: Vec<SubjectId> = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        subjects.push(ask.await.unwrap());
    }
    subjects.dedup();
    assert_eq!(subjects.len(), 1);
    let other_spelling = SubjectAlias::email(&format!(" {} ", ADDRESS.to_uppercase()));
    assert_eq!(journal.keyring().find_subject(&other_spelling).await.unwrap().as_ref(), subjects.first());
    assert_eq!(journal.keyring().find_subject(&SubjectAlias::email("other@example.com")).await.unwrap(), None);
}

async fn a_sealed_value_opens_where_it_belongs_and_nowhere_else(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let ring = journal.keyring();
    let (one, other) = (ring.new_subject().await.unwrap(), ring.new_subject().await.unwrap());
    let sealed = ring.seal(&one, &SealContext::of("account", "a1", "email"), ADDRESS).await.unwrap();
    assert_eq!(ring.open_anywhere(&sealed).await.unwrap().as_deref(), Some(ADDRESS));
    assert_eq!(ring.open(&SealContext::of("account", "a1", "email"), &sealed).await.unwrap().as_deref(), Some(ADDRESS));
    let moved = ring.open(&SealContext::of("account", "a2", "email"), &sealed).await;
    assert!(matches!(moved, Err(SealError::Refused { .. })), "{moved:?}");

    let (_, context, body) = sealed.parts().unwrap();
    let changed_body = format!("{}{}", if body.starts_with('A') { "B" } else { "A" }, &body[1..]);
    for (forged, what) in [
        (Sealed::from_parts(&one, "account/a2/email", body), "another field"),
        (Sealed::from_parts(&other, context, body), "another subject"),
        (Sealed::from_parts(&one, context, &changed_body), "a changed byte"),
    ] {
        assert!(matches!(ring.open_anywhere(&forged).await, Err(SealError::Refused { .. })), "{what}");
    }
    assert!(matches!(ring.open_anywhere(&Sealed::from_text("v1|x")).await, Err(SealError::Malformed)));
    let bad = ring.seal(&one, &SealContext::of("a", "b|c", "d"), ADDRESS).await;
    assert!(matches!(bad, Err(SealError::BadContext(_))));
    // The installation's own row is nobody's key.
    let reserved = SubjectId("~installation".to_owned());
    assert!(matches!(ring.seal(&reserved, &SealContext::of("a", "b", "c"), ADDRESS).await, Err(SealError::Erased(_))));

    let other_place = Place::new(kind);
    let elsewhere = other_place.open().await;
    assert_eq!(elsewhere.keyring().open_anywhere(&sealed).await.unwrap(), None);
}

async fn erasure_is_noticed_at_once_and_everywhere(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let ring = journal.keyring();
    let subject = ring.subject_for(SubjectAlias::email(ADDRESS)).await.unwrap();
    let sealed = ring.seal(&subject, &SealContext::of("account", "a1", "email"), ADDRESS).await.unwrap();
    let other_node = match kind {
        Kind::Sqlite => None,
        Kind::Postgres => Some(place.open().await),
    };
    if let Some(other) = &other_node {
        assert_eq!(other.keyring().open_anywhere(&sealed).await.unwrap().as_deref(), Some(ADDRESS));
    }
    let erased = erase(&journal, &subject).await;
    assert_eq!(ring.open_anywhere(&sealed).await.unwrap(), None);
    assert!(matches!(
        ring.seal(&subject, &SealContext::of("account", "a1", "email"), "x").await,
        Err(SealError::Erased(_))
    ));
    if let Some(other) = other_node {
        let mut head = other.watch_head();
        let seen = head.wait_for(|head| *head >= erased.last);
        tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap().unwrap();
        assert_eq!(other.keyring().open_anywhere(&sealed).await.unwrap(), None);
    }
    journal.shutdown().await;
    let reopened = place.open().await;
    assert_eq!(reopened.keyring().open_anywhere(&sealed).await.unwrap(), None);
    reopened.verify(None, &|_, _| {}).await.unwrap();
}

async fn no_read_that_races_an_erasure_keeps_the_key(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    for round in 0..25 {
        let ring = journal.keyring().clone();
        let subject = ring.new_subject().await.unwrap();
        let sealed = ring.seal(&subject, &SealContext::of("account", round, "email"), ADDRESS).await.unwrap();
        let erased = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (ring, sealed, erased) = (ring.clone(), sealed.clone(), Arc::clone(&erased));
                let other = subject.clone();
                tokio::spawn(async move {
                    loop {
                        let after = erased.load(Ordering::SeqCst);
                        let opened = ring.open_anywhere(&sealed).await.unwrap();
                        if after {
                            return opened;
                        }
                        // Sends the next read to the database, where it races the erasure's own transaction.
                        ring.forget(&other);
                    }
                })
            })
            .collect();
        erase(&journal, &subject).await;
        erased.store(true, Ordering::SeqCst);
        for reader in readers {
            assert_eq!(reader.await.unwrap(), None, "round {round}");
        }
        assert_eq!(ring.open_anywhere(&sealed).await.unwrap(), None);
    }
}

async fn an_erased_alias_leads_to_a_new_subject(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let ring = journal.keyring();
    let before = ring.subject_for(SubjectAlias::email(ADDRESS)).await.unwrap();
    erase(&journal, &before).await;
    assert_eq!(ring.find_subject(&SubjectAlias::email(ADDRESS)).await.unwrap(), None);
    let after = ring.subject_for(SubjectAlias::email(ADDRESS)).await.unwrap();
    assert_ne!(before, after);
    let sealed = ring.seal(&after, &SealContext::of("account", "a2", "email"), ADDRESS).await.unwrap();
    assert_eq!(ring.open_anywhere(&sealed).await.unwrap().as_deref(), Some(ADDRESS));
}

/// An account that claims a sealed address.
pub(crate) async fn claim_address(journal: &Journal, account: &str, subject: &SubjectId, address: &str) -> Sealed {
    let stream = StreamId::new("account", account);
    let sealed = journal.keyring().seal(subject, &SealContext::of("account", account, "email"), address).await.unwrap();
    let take = ClaimChange::Take { namespace: "account-email", key: ClaimKey::Sealed(sealed.clone()) };
    let append = Append {
        events: vec![event(&stream, &serde_json::json!({ "registered": { "email": sealed } }).to_string())],
        expect: vec![(stream.clone(), 0)],
        claims: vec![(stream, take)],
        metadata: Arc::from("{}"),
        ..Append::default()
    };
    journal.append(append).await.unwrap();
    sealed
}

async fn claims_of_a_sealed_key_are_those_of_the_clear_one_and_erasure_frees_them(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let subject = journal.keyring().subject_for(SubjectAlias::email(ADDRESS)).await.unwrap();
    claim_address(&journal, "a1", &subject, ADDRESS).await;
    let owner = journal.claim_owner("account-email", ADDRESS).await.unwrap();
    assert_eq!(owner, Some(StreamId::new("account", "a1")));
    assert_eq!(journal.claim_owner("account-username", ADDRESS).await.unwrap(), None);
    erase(&journal, &subject).await;
    assert_eq!(journal.claim_owner("account-email", ADDRESS).await.unwrap(), None);
    let again = journal.keyring().subject_for(SubjectAlias::email(ADDRESS)).await.unwrap();
    claim_address(&journal, "a2", &again, ADDRESS).await;
    assert_eq!(journal.claim_owner("account-email", ADDRESS).await.unwrap(), Some(StreamId::new("account", "a2")));
}

fn files_below(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// As bytes, or as `pg_dump` writes them.
fn holds_key(haystack: &[u8], key: &[u8]) -> bool {
    holds(haystack, key) || holds(haystack, hex::encode(key).as_bytes())
}

/// Every file of the place, and what a dump of its database would take away.
fn everything(place: &Place) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    files_below(place.home.path(), &mut files);
    if let Store::Postgres { url } = &place.store {
        files.push(("pg_dump".to_owned(), muniment_testkit::Cluster::dump_of(url)));
    }
    files
}

async fn wrapped_key(database: &Database, subject: &SubjectId) -> Vec<u8> {
    let sql = "SELECT wrapped_key FROM subject_keys WHERE subject = $1";
    let row = database.fetch_optional(sql, &[(&subject.0).into()]).await.unwrap();
    row.unwrap().blob("wrapped_key").unwrap()
}

async fn k11_after_an_erasure_no_file_holds_the_value_nor_its_key(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let ring = journal.keyring();
    let subject = ring.subject_for(SubjectAlias::email(ADDRESS)).await.unwrap();
    let sealed = claim_address(&journal, "a1", &subject, ADDRESS).await;
    let stream = StreamId::new("note", "n1");
    for version in 0..20 {
        append(&journal, &stream, version, &serde_json::json!({ "by": sealed, "n": version }).to_string()).await;
    }
    let stores = journal.engine().stores().unwrap();
    let wrapped = wrapped_key(&stores.read, &subject).await;
    let before = everything(&place);
    assert!(before.iter().any(|(_, bytes)| holds_key(bytes, &wrapped)), "the search finds a key that is there");
    erase(&journal, &subject).await;
    backup::backup(&journal, &place.home.path().join("record.backup"), &|_, _| {}).await.unwrap();

    // While the server runs: the write-ahead log is still there.
    let files = everything(&place);
    assert!(files.iter().any(|(_, bytes)| holds(bytes, b"\"n\":19")), "the search reaches the record");
    for (name, bytes) in &files {
        let text = bytes.to_ascii_lowercase();
        assert!(!holds(&text, ADDRESS.to_ascii_lowercase().as_bytes()), "{name} holds the address");
        assert!(!holds_key(bytes, &wrapped), "{name} holds the erased key");
    }
    journal.verify(None, &|_, _| {}).await.unwrap();
    assert_eq!(all_events(&journal).await.len(), 22);
    assert_eq!(ring.open_anywhere(&sealed).await.unwrap(), None);
}

#[tokio::test]
async fn a_ring_in_memory_keeps_the_same_promises() {
    let installation = uuid::Uuid::from_bytes([1; 16]);
    let ring = muniment_journal::KeyRing::in_memory([1; 32], installation).unwrap();
    let subject = ring.subject_for(SubjectAlias::email(ADDRESS)).await.unwrap();
    assert_eq!(ring.subject_for(SubjectAlias::email(ADDRESS)).await.unwrap(), subject);
    let sealed = ring.seal(&subject, &SealContext::of("account", "a1", "email"), ADDRESS).await.unwrap();
    assert_eq!(ring.open_anywhere(&sealed).await.unwrap().as_deref(), Some(ADDRESS));
    let same_master = muniment_journal::KeyRing::in_memory([1; 32], installation).unwrap();
    assert_eq!(same_master.mac("otp", b"1"), ring.mac("otp", b"1"));
    assert_ne!(same_master.mac("claims", b"1"), ring.mac("otp", b"1"));
    ring.forget(&subject);
    assert_eq!(ring.open_anywhere(&sealed).await.unwrap(), None);
    assert_ne!(ring.subject_for(SubjectAlias::email(ADDRESS)).await.unwrap(), subject);
}
