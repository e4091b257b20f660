//! Fresh records for unit tests. Each lasts as long as the folder that comes with it.

use std::time::Duration;

use actix::Arbiter;
use muniment_aggregates::note::{NoteCommand, Record};
use muniment_aggregates::record::Position;
use muniment_journal::{Journal, JournalConfig, JournalLimits, KeySource, Store};
use muniment_projections::{AskHead, OnMismatch, ReadDatabase, ReadStore, ReadStoreConfig};
use tempfile::TempDir;

use super::limits::ActorLimits;
use super::{Clock, CommandBus};

/// Events of one page that read models fold.
const PAGE_EVENTS: usize = 500;

/// A record of its own, in a SQLite file.
pub(crate) async fn journal(limits: JournalLimits) -> (Journal, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = JournalConfig {
        store: Store::Sqlite { directory: folder.path().to_owned() },
        keys: KeySource::Explicit([7; 32].into()),
        limits,
    };
    (Journal::open(config).await.expect("a fresh journal"), folder)
}

/// A bus over one, with the built-in limits, whose actors run where its caller does.
pub(crate) async fn bus() -> (CommandBus, TempDir) {
    bus_with(ActorLimits::default(), &[]).await
}

/// The same with other limits, or with actors elsewhere.
pub(crate) async fn bus_with(limits: ActorLimits, arbiters: &[&Arbiter]) -> (CommandBus, TempDir) {
    let (journal, folder) = journal(JournalLimits::default()).await;
    let arbiters = arbiters.iter().map(|arbiter| arbiter.handle()).collect();
    (CommandBus::with_limits(journal, Clock::system(), arbiters, limits), folder)
}

/// Read models in the folder of a record, which have folded all of it.
pub(crate) async fn reads(bus: &CommandBus, folder: &TempDir) -> ReadStore {
    let config = ReadStoreConfig {
        database: ReadDatabase::Sqlite { directory: folder.path().to_owned() },
        record: bus.journal().identity().to_string(),
        head: AskHead::at(Position::START),
        on_mismatch: OnMismatch::Refuse,
        answer_max: Duration::from_secs(60),
    };
    let store = ReadStore::open(config).await.expect("a folder without read models");
    let mut folded = Position::START;
    while folded < bus.journal().head() {
        let events = bus.journal().read(folded, PAGE_EVENTS).await.expect("the record");
        folded = events.last().expect("what is not folded yet").position;
        for outcome in store.advance_together(store.projections(), &events).await {
            outcome.result.expect(outcome.name);
        }
    }
    store
}

/// The least that can be recorded.
pub(crate) fn note() -> NoteCommand {
    NoteCommand::Record(Record {
        what: "test".to_owned(),
        is_failure: false,
        account: None,
        target_account: None,
        details: None,
    })
}
