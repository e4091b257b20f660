//! A dedupe key is recorded once, wherever SQLite has it: in memory, on its way into the table, in the table; and
//! whatever happened in between. A generation is small here, so that keys are on all these ways at once.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use muniment_aggregates::record::{DedupeKey, Position, RecordedEvent};
use muniment_journal::chain::Hasher;
use muniment_journal::engine::{Batch, Head, WriteError};
use muniment_journal::{AppendError, Engine, Journal, JournalConfig, JournalLimits, KeySource, Store, VerifyError};

use crate::support::{Home, all, both_engines, deduped, stream};

both_engines! {
    a_batch_with_a_key_that_is_recorded_or_doubled_leaves_nothing_behind
    a_key_of_a_batch_that_did_not_land_is_free
}

/// Events of a generation: several inserts of keys long.
const GENERATION: usize = 200;

async fn open(home: &Home) -> Journal {
    let mut config = home.config();
    config.limits.dedupe_generation_events = GENERATION;
    Journal::open(config).await.unwrap()
}

fn key(n: u64) -> DedupeKey {
    DedupeKey::of(&stream("keys"), &n.to_string())
}

/// One event a key, `None` for an event without one, each batch on a stream of its own.
fn batch(before: Head, keys: &[Option<DedupeKey>]) -> Batch {
    let (mut hasher, mut previous) = (Hasher::default(), before.hash);
    let id = format!("after-{}-{:?}", before.position, keys.first());
    let events = (1_u64..).zip(keys).map(|(sequence, dedupe)| {
        let mut event = RecordedEvent {
            position: Position(before.position.0 + sequence),
            stream: stream(&id),
            sequence,
            event_type: Arc::from("thing.happened"),
            event_version: Arc::from("1.0"),
            payload: Box::from("{}"),
            metadata: Arc::from("{}"),
            recorded_at: before.recorded_at.max(DateTime::UNIX_EPOCH),
            dedupe: *dedupe,
            hash: [0; 32],
        };
        event.hash = hasher.hash(&previous, before.identity, &event);
        previous = event.hash;
        Arc::new(event)
    });
    Batch { before, events: events.collect(), changes: Vec::new() }
}

fn keyed(numbers: impl IntoIterator<Item = u64>) -> Vec<Option<DedupeKey>> {
    numbers.into_iter().map(|n| Some(key(n))).collect()
}

async fn write(engine: &dyn Engine, keys: &[Option<DedupeKey>]) -> Result<(), WriteError> {
    let before = engine.head().await.unwrap();
    let written = engine.write(&batch(before, keys)).await;
    let now = engine.head().await.unwrap();
    assert_eq!(now.position.0, before.position.0 + if written.is_ok() { keys.len() as u64 } else { 0 });
    written
}

fn is_refused(written: &Result<(), WriteError>) -> bool {
    matches!(written, Err(WriteError::Unique(what)) if what.contains("dedupe"))
}

/// The chain holds, and everything is filed; the journal itself did not see what the engine wrote.
async fn verify(journal: &Journal) {
    journal.verify(None, &|_, _| ()).await.unwrap();
}

/// Through which position keys are indexed, and how many are in the table.
async fn table(engine: &dyn Engine) -> (u64, u64) {
    let sql = "SELECT dedupe_indexed, (SELECT count(*) FROM dedupe_keys) AS indexed_keys FROM journal_head";
    let row = engine.stores().unwrap().read.fetch_optional(sql, &[]).await.unwrap().unwrap();
    (row.count("dedupe_indexed").unwrap(), row.count("indexed_keys").unwrap())
}

/// Each of these keys stands at the position of its number, is refused, and others are not found.
async fn all_stand(journal: &Journal, through: u64) {
    let engine = journal.engine().as_ref();
    let keys: Vec<DedupeKey> = (1..=through + 5).map(key).collect();
    let found = engine.find_dedupe(&keys).await.unwrap();
    assert_eq!(found, (1..=through).map(|n| (key(n), Position(n))).collect::<HashMap<_, _>>());
    if engine.writable() {
        for n in (1..=through).step_by(17).chain([through]) {
            assert!(is_refused(&write(engine, &keyed([10_000, n])).await), "{n}");
        }
    }
    verify(journal).await;
}

/// The record in each state on a key's way; the numbers are those of the last key.
#[tokio::test]
async fn a_key_is_refused_and_found_in_every_state_also_after_reopening() {
    let home = Home::sqlite();
    let mut journal = open(&home).await;
    let states: [(u64, (u64, u64)); 5] = [
        // All in memory.
        (190, (0, 0)),
        // A full generation, of which nothing has left.
        (200, (0, 0)),
        // Part of it has.
        (202, (0, 128)),
        // All of it has; the rest is in memory.
        (204, (200, 200)),
        // One is in the table, part of the next one too.
        (420, (200, 328)),
    ];
    // Batches of ten, but of one where each shall drain the least.
    let step = |last: u64, through: u64| through.min(last + if (200..204).contains(&last) { 1 } else { 10 });
    let mut last = 0;
    for (through, expected) in states {
        while last < through {
            let next = step(last, through);
            write(journal.engine().as_ref(), &keyed(last + 1..=next)).await.unwrap();
            last = next;
        }
        assert_eq!(table(journal.engine().as_ref()).await, expected, "at {through}");
        all_stand(&journal, through).await;
        let reader = Journal::open_read_only(home.config()).await.unwrap();
        all_stand(&reader, through).await;
        reader.shutdown().await;
    }
    journal.shutdown().await;

    // The same states, each met by a program that starts there.
    for (through, _) in states {
        let home = Home::sqlite();
        journal = open(&home).await;
        let mut last = 0;
        while last < through {
            let next = step(last, through);
            write(journal.engine().as_ref(), &keyed(last + 1..=next)).await.unwrap();
            last = next;
        }
        journal.shutdown().await;
        journal = open(&home).await;
        all_stand(&journal, through).await;
        write(journal.engine().as_ref(), &keyed([through + 1])).await.unwrap();
        all_stand(&journal, through + 1).await;
        journal.shutdown().await;
    }
}

/// What a start finds above a generation it indexes at once, so that starts do not pile up what is not indexed.
#[tokio::test]
async fn starts_do_not_pile_up_keys() {
    let home = Home::sqlite();
    let mut last = 0;
    for _ in 0..12 {
        let journal = open(&home).await;
        for _ in 0..7 {
            write(journal.engine().as_ref(), &keyed(last + 1..=last + 10)).await.unwrap();
            last += 10;
        }
        let (indexed, _) = table(journal.engine().as_ref()).await;
        assert!(last - indexed < 2 * GENERATION as u64 + 70, "{last} {indexed}");
        journal.shutdown().await;
    }
    let journal = open(&home).await;
    all_stand(&journal, last).await;
    journal.shutdown().await;
}

async fn a_batch_with_a_key_that_is_recorded_or_doubled_leaves_nothing_behind(home: Home) {
    let journal = open(&home).await;
    let engine = journal.engine().as_ref();
    for first in (0..30).map(|n| n * 20) {
        write(engine, &keyed(first + 1..=first + 20)).await.unwrap();
    }
    for count in [2_usize, 63, 64, 100, 300, 700] {
        let free = keyed((10_000..).take(count));
        for place in [0, count / 2, count - 1] {
            // A key that is indexed, keys on their way, one in memory, and one that the batch has itself.
            let own = free[(place + 1) % count];
            for doubled in keyed([1, 250, 500, 600]).into_iter().chain([own]) {
                let mut keys = free.clone();
                keys[place] = doubled;
                let written = write(engine, &keys).await;
                assert!(is_refused(&written), "{place} of {count}: {written:?}");
            }
        }
    }
    write(engine, &keyed(10_000..10_700)).await.unwrap();
    verify(&journal).await;
    journal.shutdown().await;
}

async fn a_key_of_a_batch_that_did_not_land_is_free(home: Home) {
    let journal = open(&home).await;
    let engine = journal.engine().as_ref();
    for round in 0..150_u64 {
        let base = round * 3;
        write(engine, &keyed([base])).await.unwrap();
        // Refused for its other key; refused for its head.
        assert!(is_refused(&write(engine, &keyed([base + 1, base])).await));
        let before = engine.head().await.unwrap();
        let elsewhere = Head { hash: [9; 32], ..before };
        let late = engine.write(&batch(elsewhere, &keyed([base + 1, base]))).await;
        assert_eq!(late, Err(WriteError::HeadMoved), "the head comes first");
        assert!(engine.find_dedupe(&[key(base + 1)]).await.unwrap().is_empty());
        write(engine, &keyed([base + 1])).await.unwrap();
    }
    verify(&journal).await;
    journal.shutdown().await;
}

/// The journal says of a key that is recorded where it stands, whatever it remembers itself.
#[tokio::test]
async fn an_append_with_a_recorded_key_is_told_where_it_stands() {
    let home = Home::sqlite();
    for start in 0..3 {
        let journal = open(&home).await;
        for n in 0..250 {
            let own = stream(&format!("{start}-{n}"));
            journal.append(deduped(&own, 0, "once")).await.unwrap();
        }
        journal.shutdown().await;
        let journal = open(&home).await;
        for event in all(&journal).await {
            let doubled = journal.append(deduped(&event.stream, 1, "once")).await.unwrap_err();
            assert_eq!(doubled, AppendError::Duplicate { key: event.dedupe.unwrap(), position: event.position });
        }
        journal.shutdown().await;
    }
}

/// Whoever takes a key out of the table, puts another position beside it or adds one, is found.
#[tokio::test]
async fn a_changed_table_of_keys_is_named() {
    for (tampering, is_added) in [
        ("DELETE FROM dedupe_keys WHERE position = 5", false),
        ("UPDATE dedupe_keys SET position = 6 WHERE position = 5", false),
        ("UPDATE dedupe_keys SET dedupe_key = x'00' WHERE position = 5", false),
        ("INSERT INTO dedupe_keys VALUES (x'00', 5)", true),
    ] {
        let home = Home::sqlite();
        let journal = open(&home).await;
        for first in (0..30).map(|n| n * 20) {
            write(journal.engine().as_ref(), &keyed(first + 1..=first + 20)).await.unwrap();
        }
        verify(&journal).await;
        journal.shutdown().await;
        home.meddle(tampering).await;
        let journal = open(&home).await;
        let error = journal.verify(None, &|_, _| ()).await.unwrap_err();
        assert_eq!(error.position(), Some(Position(5)), "{tampering}: {error}");
        assert_eq!(matches!(error, VerifyError::SurplusKey { .. }), is_added, "{tampering}: {error}");
        journal.shutdown().await;
    }
}

/// A record that was cut below what is indexed goes on without forgetting a key.
#[tokio::test]
async fn a_record_that_was_cut_forgets_no_later_key() {
    let home = Home::sqlite();
    let journal = open(&home).await;
    for first in (0..30).map(|n| n * 20) {
        write(journal.engine().as_ref(), &keyed(first + 1..=first + 20)).await.unwrap();
    }
    assert!(table(journal.engine().as_ref()).await.0 > 100);
    journal.shutdown().await;
    home.meddle(
        "DELETE FROM events WHERE position > 100;
         UPDATE journal_head SET (position, hash, recorded_at) =
             (SELECT position, hash, recorded_at FROM events WHERE position = 100)",
    )
    .await;
    for n in 0..3 {
        let journal = open(&home).await;
        write(journal.engine().as_ref(), &keyed([20_000 + n])).await.unwrap();
        assert!(is_refused(&write(journal.engine().as_ref(), &keyed([20_000])).await), "{n}");
        journal.shutdown().await;
    }
}

const TO_BE_KILLED: &str = "MUNIMENT_TEST_TO_BE_KILLED";

/// The program that the test below kills: it says after each batch which number is recorded. Without the folder in its
/// environment it does nothing.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(TO_BE_KILLED) else { return };
    let directory = PathBuf::from(folder);
    let keys = KeySource::Directory { path: directory.with_file_name("keys"), create_missing: false };
    let limits = JournalLimits { dedupe_generation_events: GENERATION, ..JournalLimits::default() };
    let config = JournalConfig { store: Store::Sqlite { directory }, keys, limits };
    let journal = Journal::open(config).await.unwrap();
    let mut last = journal.head().0;
    let mut dice = Dice(last + 7);
    loop {
        let next = last + 1 + if dice.below(20) == 0 { dice.below(100) } else { dice.below(6) };
        write(journal.engine().as_ref(), &keyed(last + 1..=next)).await.unwrap();
        last = next;
        println!("\nrecorded {last}");
    }
}

/// Killed at any moment of a key's way, the record has every key that was recorded, once, at its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_is_killed_forgets_no_key() {
    let home = Home::sqlite();
    let Store::Sqlite { directory } = &home.store else { panic!("on SQLite") };
    open(&home).await.shutdown().await;
    let mut dice = Dice(99);
    for round in 0..12 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "dedupe_keys::writes_until_it_is_killed", "--nocapture"])
            .env(TO_BE_KILLED, directory)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let told = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told =
            told.filter_map(|line| line.unwrap().strip_prefix("recorded ").map(|n| n.parse::<u64>().unwrap()));
        let last = told.nth(usize::try_from(dice.below(60)).unwrap()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let last = told.last().unwrap_or(last);
        let journal = open(&home).await;
        let head = journal.head().0;
        assert!(head >= last, "round {round}: {last} was recorded, and the head is {head}");
        all_stand(&journal, head).await;
        journal.shutdown().await;
    }
}

/// A sequence of numbers that is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Takes from the record what a write of unknown outcome left there.
async fn learn(engine: &dyn Engine, before: Position, model: &mut HashMap<DedupeKey, Position>) {
    for event in engine.read(before, Position(u64::MAX >> 1), 1_000).await.unwrap() {
        let key = event.dedupe.filter(|key| model.insert(*key, event.position).is_some());
        assert_eq!(key, None, "a key is recorded twice");
    }
}

/// Random batches, many with keys that are recorded, writes that are given up midway, and starts in between: what is
/// recorded is what a plain set says.
async fn a_plain_set_agrees(seed: u64) {
    let home = Home::sqlite();
    let mut dice = Dice(seed);
    let mut model: HashMap<DedupeKey, Position> = HashMap::new();
    let mut journal = open(&home).await;
    let mut refused = 0;
    for _ in 0..400 {
        let engine = Arc::clone(journal.engine());
        let size = match dice.below(10) {
            0 => 1 + dice.below(150),
            1..=3 => 1,
            _ => 1 + dice.below(12),
        };
        let mut recorded: Vec<DedupeKey> = model.keys().copied().collect();
        recorded.sort_unstable_by_key(|key| model.get(key).map(|position| position.0));
        let keys: Vec<Option<DedupeKey>> = (0..size)
            .map(|_| match dice.below(60) {
                0 => None,
                // Of what is recorded already, mostly.
                1 => recorded.get(usize::try_from(dice.below(recorded.len() as u64 + 1)).unwrap()).copied(),
                _ => Some(key(dice.below(1 << 40))),
            })
            .collect();
        let before = engine.head().await.unwrap();
        let next = batch(before, &keys);
        match dice.below(12) {
            0 => {
                let patience = Duration::from_micros(dice.below(600));
                drop(tokio::time::timeout(patience, engine.write(&next)).await);
                // A batch that waits for what was given up knows its outcome.
                while let Err(error) = engine.write(&batch(engine.head().await.unwrap(), &[None])).await {
                    assert_eq!(error, WriteError::HeadMoved);
                }
                learn(&*engine, before.position, &mut model).await;
            }
            1 => {
                journal.shutdown().await;
                journal = open(&home).await;
            }
            2 => {
                let asked: Vec<DedupeKey> = model.keys().step_by(7).copied().chain([key(1 << 50)]).collect();
                let reader = Journal::open_read_only(home.config()).await.unwrap();
                for engine in [engine.as_ref(), reader.engine().as_ref()] {
                    let found = engine.find_dedupe(&asked).await.unwrap();
                    assert_eq!(found.len(), asked.len() - 1);
                    assert!(found.iter().all(|(key, position)| model.get(key) == Some(position)));
                }
                reader.shutdown().await;
            }
            _ => {
                let mut own = HashMap::new();
                let doubles =
                    keys.iter().flatten().any(|key| model.contains_key(key) || own.insert(*key, ()).is_some());
                let written = engine.write(&next).await;
                if doubles {
                    assert!(is_refused(&written), "{written:?}");
                    refused += 1;
                } else {
                    written.unwrap();
                    learn(&*engine, before.position, &mut model).await;
                }
                let (indexed, _) = table(&*engine).await;
                let head = engine.head().await.unwrap().position.0;
                assert!(head - indexed <= 3 * GENERATION as u64, "{head} {indexed}");
            }
        }
    }
    assert!(refused > 20 && model.len() > 5 * GENERATION, "{refused} {}", model.len());
    verify(&journal).await;
    journal.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_set_agrees_with_what_is_recorded() {
    for seed in [29, 0x5eed_5eed_5eed] {
        a_plain_set_agrees(seed).await;
    }
}
