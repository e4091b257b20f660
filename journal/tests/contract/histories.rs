//! Random histories, submitted without waiting: the verdicts, batched and pipelined as they are, must be those of a
//! plain model that takes one append after the other.

use std::collections::HashMap;

use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_journal::{Append, AppendError, JournalLimits};

use crate::support::{Home, all, both_engines, event, release, stream, take, verify};

both_engines! { pipelined_verdicts_are_those_of_a_serial_model }

const STREAMS: u64 = 6;
const KEYS: u64 = 4;

/// A small generator: the history must be the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[derive(Default)]
struct Model {
    head: u64,
    versions: HashMap<StreamId, u64>,
    claims: HashMap<String, StreamId>,
    dedupe: HashMap<DedupeKey, Position>,
}

/// The first position, or the kind of refusal with what it names.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Recorded(Position),
    Conflict(StreamId, u64),
    Taken(StreamId),
    Duplicate(Position),
}

/// A claim step: the owner, the key, whether it is taken.
type Step = (StreamId, String, bool);

impl Model {
    fn version(&self, stream: &StreamId) -> u64 {
        self.versions.get(stream).copied().unwrap_or(0)
    }

    /// What may be answered: the one place where it lands, or every refusal that is true of it.
    fn judge(&mut self, append: &Append, steps: &[Step]) -> Vec<Verdict> {
        let mut refusals = Vec::new();
        for key in append.events.iter().filter_map(|event| event.dedupe) {
            refusals.extend(self.dedupe.get(&key).copied().map(Verdict::Duplicate));
        }
        for (stream, expected) in &append.expect {
            if self.version(stream) != *expected {
                refusals.push(Verdict::Conflict(stream.clone(), self.version(stream)));
            }
        }
        let mut claims = self.claims.clone();
        for (owner, key, taken) in steps {
            match (claims.get(key), taken) {
                (Some(other), true) if other != owner => refusals.push(Verdict::Taken(other.clone())),
                (Some(other), false) if other == owner => drop(claims.remove(key)),
                (_, true) => drop(claims.insert(key.clone(), owner.clone())),
                (_, false) => {}
            }
        }
        if !refusals.is_empty() {
            return refusals;
        }
        self.claims = claims;
        let first = Position(self.head + 1);
        for event in &append.events {
            self.head += 1;
            *self.versions.entry(event.stream.clone()).or_default() += 1;
            if let Some(key) = event.dedupe {
                self.dedupe.insert(key, Position(self.head));
            }
        }
        vec![Verdict::Recorded(first)]
    }

    /// Mostly right, sometimes stale or too new.
    fn guess(&self, stream: &StreamId, dice: &mut Dice) -> u64 {
        match dice.roll(8) {
            0 => self.version(stream).saturating_sub(1),
            1 => self.version(stream) + 1,
            _ => self.version(stream),
        }
    }

    fn append(&self, dice: &mut Dice) -> (Append, Vec<Step>) {
        let mut append = Append { metadata: "{}".into(), ..Append::default() };
        let (a, b) = (stream(&dice.roll(STREAMS).to_string()), stream(&dice.roll(STREAMS).to_string()));
        append.expect.push((a.clone(), self.guess(&a, dice)));
        if a != b && dice.roll(3) == 0 {
            append.expect.push((b.clone(), self.guess(&b, dice)));
            if dice.roll(2) == 0 {
                append.events.push(event(&b, "b"));
            }
        }
        for _ in 0..=dice.roll(2) {
            append.events.push(event(&a, "a"));
        }
        if dice.roll(4) == 0 {
            append.events[0].dedupe = Some(DedupeKey::of(&a, &dice.roll(10).to_string()));
        }
        let mut steps = Vec::new();
        if dice.roll(3) == 0 {
            for _ in 0..=dice.roll(2) {
                steps.push((a.clone(), dice.roll(KEYS).to_string(), dice.roll(3) > 0));
            }
        }
        append.claims = steps
            .iter()
            .map(|(owner, key, taken)| (owner.clone(), if *taken { take(key) } else { release(key) }))
            .collect();
        (append, steps)
    }
}

fn verdict(outcome: Result<muniment_journal::Appended, AppendError>) -> Verdict {
    match outcome {
        Ok(appended) => Verdict::Recorded(appended.first),
        Err(AppendError::Conflict { stream, actual, .. }) => Verdict::Conflict(stream, actual),
        Err(AppendError::ClaimTaken { owner, .. }) => Verdict::Taken(owner),
        Err(AppendError::Duplicate { position, .. }) => Verdict::Duplicate(position),
        Err(error) => panic!("{error}"),
    }
}

async fn pipelined_verdicts_are_those_of_a_serial_model(home: Home) {
    let mut model = Model::default();
    let mut dice = Dice(20_261_120);
    // Each round begins with a journal that remembers nothing, and has batches of another size.
    for batch_events_max in [1, 3, 17, 2_048, 5, 256] {
        let mut config = home.config();
        config.limits = JournalLimits { batch_events_max, ..config.limits };
        let journal = muniment_journal::Journal::open(config).await.unwrap();
        for _ in 0..6 {
            let mut waiting = Vec::new();
            for _ in 0..40 {
                let (append, steps) = model.append(&mut dice);
                let expected = model.judge(&append, &steps);
                waiting.push((journal.submit(append).unwrap(), expected));
            }
            for (place, (ticket, expected)) in waiting.into_iter().enumerate() {
                let answer = verdict(ticket.await);
                assert!(expected.contains(&answer), "append {place} of {batch_events_max}: {answer:?} {expected:?}");
            }
        }
        assert_eq!(all(&journal).await.len() as u64, model.head);
        for key in 0..KEYS {
            let key = key.to_string();
            assert_eq!(journal.claim_owner("name", &key).await.unwrap(), model.claims.get(&key).cloned());
        }
        verify(&journal).await;
        journal.shutdown().await;
    }
}
