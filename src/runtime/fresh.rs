//! Fresh records for unit tests. Each lasts as long as the folder that comes with it.

use std::time::Duration;

use actix::Arbiter;
use chrono::{SubsecRound as _, TimeDelta, Utc};
use muniment_aggregates::ids::{ApplicationId, CompanyId, MetricId, PointId};
use muniment_aggregates::metric::{
    Define, Metric, MetricCommand, NewPoint, RecordPoints, RuleChange, RuleType, SetRule,
};
use muniment_aggregates::note::{NoteCommand, Record};
use muniment_aggregates::record::Position;
use muniment_journal::{Journal, JournalConfig, JournalLimits, KeySource, Store};
use muniment_projections::{AskHead, OnMismatch, ReadDatabase, ReadStore, ReadStoreConfig};
use tempfile::TempDir;

use super::limits::ActorLimits;
use super::{Clock, CommandBus, Origin};

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

/// A bus over a record of its own, with these limits, whose actors run on the given event loops or where its caller does.
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

fn bytes(number: usize) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// Records a daily metric with a `late` rule and one point that is nine days old; its id.
pub(crate) async fn late_metric(bus: &CommandBus, number: usize) -> String {
    let instant = Utc::now().trunc_subsecs(0) - TimeDelta::days(9);
    let id = MetricId::from_random(bytes(number));
    let define = Define {
        company: CompanyId::from_random(bytes(0)),
        application: ApplicationId::from_random(bytes(0)),
        key: format!("metric_{number}"),
        display_name: format!("Metric {number}"),
        unit: "count".to_owned(),
        cadence: "daily".to_owned(),
        direction: "up".to_owned(),
        source_type: "self_reported".to_owned(),
    };
    let point = NewPoint {
        id: PointId::from_random(bytes(number)),
        value: 1.0,
        timestamp: instant.to_rfc3339(),
        instant,
        source: "bot".to_owned(),
        confidence: 0.5,
        raw_event_id: None,
        idempotency_key: "once".to_owned(),
    };
    for command in [
        MetricCommand::Define(define),
        MetricCommand::SetRule(SetRule { rule: RuleChange::of(RuleType::Late), by: None }),
        MetricCommand::RecordPoints(RecordPoints { points: vec![point] }),
    ] {
        let origin = Origin::system("test", "test", None);
        bus.execute::<Metric>(id.as_str(), command, &origin).await.expect("it is recorded");
    }
    id.as_str().to_owned()
}
