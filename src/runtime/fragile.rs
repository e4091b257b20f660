//! An aggregate of the tests alone, hosted by the bus like every other: its handlers panic and its events do not serialise
//! when they are told to.

use std::collections::HashMap;

use muniment_aggregates::decider::{Decider, DomainEvent, Facts, Refuse};
use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// What it can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FragileCommand {
    /// Counts one more.
    Count,
    /// Counts one more, if there are not so many.
    CountTo(u64),
    /// Counts one more, if there is none; refuses otherwise.
    CountFirst,
    /// Counts nothing, and says that this changes nothing.
    Nothing,
    /// Refuses.
    Refuse,
    /// Panics while it is decided.
    PanicDeciding,
    /// Panics when the event is taken into a state, or that state is written down, as often as [`let_panic`] has said for
    /// this word.
    PanicTaking(String),
    /// Panics while its event is written down.
    PanicWriting,
    /// Its event does not serialise.
    Unwritable,
}

/// What can have happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FragileEvent {
    Counted,
    Stumbled(String),
    #[serde(serialize_with = "unwritable", deserialize_with = "unreadable")]
    Unwritable(bool),
}

fn unreadable<'de, D: Deserializer<'de>>(_: D) -> Result<bool, D::Error> {
    panic!("told to")
}

fn unwritable<S: Serializer>(panics: &bool, _: S) -> Result<S::Ok, S::Error> {
    assert!(!panics, "told to");
    Err(serde::ser::Error::custom("told to"))
}

static PANICS_LEFT: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);

/// The next so many times that the event of a word is taken into a state, or that state is written down, it panics.
pub(crate) fn let_panic(word: &str, times: u32) {
    PANICS_LEFT.lock().get_or_insert_default().insert(word.to_owned(), times);
}

/// Panics where the word is to panic once more.
fn stumble(word: &str) {
    let is_to_panic = PANICS_LEFT.lock().as_mut().and_then(|left| left.get_mut(word)).is_some_and(|left| {
        let is_any = *left > 0;
        *left = left.saturating_sub(1);
        is_any
    });
    assert!(!is_to_panic, "told to");
}

/// How many of these panics have not happened.
pub(crate) fn panics_left(word: &str) -> u32 {
    PANICS_LEFT.lock().as_ref().and_then(|left| left.get(word).copied()).unwrap_or(0)
}

impl DomainEvent for FragileEvent {
    /// One of the catalogue, for no other decodes; its stream is what tells it apart.
    fn event_type(&self) -> &'static str {
        "note.recorded"
    }

    fn event_version(&self) -> &'static str {
        "1.0"
    }
}

/// Its one refusal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("it was told to refuse")]
pub(crate) struct FragileRefusal;

impl Refuse for FragileRefusal {
    fn reason(&self) -> &'static str {
        "fragile"
    }
}

/// How often it counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Fragile {
    pub(crate) count: u64,
    /// What it stumbled on.
    #[serde(serialize_with = "write_word")]
    word: String,
}

fn write_word<S: Serializer>(word: &str, serializer: S) -> Result<S::Ok, S::Error> {
    stumble(word);
    serializer.serialize_str(word)
}

impl Decider for Fragile {
    const TYPE: &'static str = "fragile";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = FragileCommand;
    type Event = FragileEvent;
    type Refusal = FragileRefusal;

    fn decide(&self, command: &FragileCommand, _facts: &Facts) -> Result<Vec<FragileEvent>, FragileRefusal> {
        match command {
            FragileCommand::Count => Ok(vec![FragileEvent::Counted]),
            FragileCommand::CountTo(most) if self.count < *most => Ok(vec![FragileEvent::Counted]),
            FragileCommand::CountFirst if self.count == 0 => Ok(vec![FragileEvent::Counted]),
            FragileCommand::CountFirst | FragileCommand::Refuse => Err(FragileRefusal),
            FragileCommand::CountTo(_) | FragileCommand::Nothing => Ok(Vec::new()),
            FragileCommand::PanicDeciding => panic!("the secret of {}", self.count),
            FragileCommand::PanicTaking(word) => Ok(vec![FragileEvent::Stumbled(word.clone())]),
            FragileCommand::PanicWriting => Ok(vec![FragileEvent::Unwritable(true)]),
            FragileCommand::Unwritable => Ok(vec![FragileEvent::Unwritable(false)]),
        }
    }

    fn evolve(&mut self, event: &FragileEvent) {
        match event {
            FragileEvent::Counted => self.count += 1,
            FragileEvent::Stumbled(word) => {
                stumble(word);
                self.word.clone_from(word);
                self.count += 1;
            }
            FragileEvent::Unwritable(_) => {}
        }
    }
}
