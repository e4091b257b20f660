//! A stock cqrs-es framework in event-store mode, on our journal.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore, QueryReplay};
use cqrs_es::{Aggregate, AggregateError, CqrsFramework, DomainEvent, EventEnvelope, Query};
use muniment_aggregates::record::StreamId;
use muniment_journal::cqrs_repository::JournalRepository;
use muniment_sql::Database;
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use sqlite_es::SqliteEventRepository;

use crate::place::{Kind, Place, all_events, append, on_both};

on_both!(
    a_stock_framework_runs_in_event_store_mode,
    of_racing_commands_none_is_lost_and_none_counts_twice,
    snapshots_of_the_crate_are_refused,
    a_replay_sees_all_streams_in_the_order_of_recording,
    other_tools_read_the_database,
);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Counter {
    total: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CounterEvent {
    Added { amount: u64, total: u64 },
}

impl DomainEvent for CounterEvent {
    fn event_type(&self) -> String {
        "counter.added".to_owned()
    }
    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("zero adds nothing")]
struct AddsNothing;

impl Aggregate for Counter {
    const TYPE: &'static str = "counter";
    type Command = u64;
    type Event = CounterEvent;
    type Error = AddsNothing;
    type Services = ();

    async fn handle(&mut self, amount: u64, (): &(), sink: &EventSink<Self>) -> Result<(), AddsNothing> {
        if amount == 0 {
            return Err(AddsNothing);
        }
        sink.write(CounterEvent::Added { amount, total: self.total + amount }, self).await;
        Ok(())
    }

    fn apply(&mut self, event: CounterEvent) {
        let CounterEvent::Added { amount, .. } = event;
        self.total += amount;
    }
}

type Framework = CqrsFramework<Counter, PersistedEventStore<JournalRepository, Counter>>;

fn framework(journal: &muniment_journal::Journal) -> Framework {
    let repository = JournalRepository::new(journal.clone()).unwrap();
    CqrsFramework::new(PersistedEventStore::new_event_store(repository), vec![], ())
}

async fn a_stock_framework_runs_in_event_store_mode(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let framework = framework(&journal);
    let metadata = [("who".to_owned(), "tester".to_owned())].into_iter().collect();
    framework.execute_with_metadata("c1", 2, metadata).await.unwrap();
    framework.execute("c1", 3).await.unwrap();
    let refused = framework.execute("c1", 0).await;
    assert!(matches!(refused, Err(AggregateError::UserError(AddsNothing))), "{refused:?}");

    let events = all_events(&journal).await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].stream, StreamId::new("counter", "c1"));
    assert_eq!(&*events[1].event_type, "counter.added");
    let stored: CounterEvent = serde_json::from_str(&events[1].payload).unwrap();
    assert_eq!(stored, CounterEvent::Added { amount: 3, total: 5 });
    assert_eq!(&*events[0].metadata, r#"{"who":"tester"}"#);
    journal.verify(None, &|_, _| {}).await.unwrap();

    let repository = JournalRepository::new(journal.clone()).unwrap();
    let last = repository.get_last_events::<Counter>("c1", 1).await.unwrap();
    assert_eq!(last.iter().map(|event| event.sequence).collect::<Vec<_>>(), [2]);
    assert!(repository.get_events::<Counter>("unknown").await.unwrap().is_empty());
}

async fn of_racing_commands_none_is_lost_and_none_counts_twice(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let framework = Arc::new(framework(&journal));
    let commands: Vec<_> = (0..16)
        .map(|_| {
            let framework = Arc::clone(&framework);
            tokio::spawn(async move {
                loop {
                    match framework.execute("c1", 1).await {
                        Ok(()) => return,
                        Err(AggregateError::AggregateConflict) => tokio::task::yield_now().await,
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for command in commands {
        command.await.unwrap();
    }
    let events = all_events(&journal).await;
    assert_eq!(events.len(), 16);
    let last: CounterEvent = serde_json::from_str(&events[15].payload).unwrap();
    assert_eq!(last, CounterEvent::Added { amount: 1, total: 16 });
}

async fn snapshots_of_the_crate_are_refused(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let repository = JournalRepository::new(journal.clone()).unwrap();
    let framework: Framework = CqrsFramework::new(PersistedEventStore::new_aggregate_store(repository), vec![], ());
    let refused = framework.execute("c1", 1).await.unwrap_err().to_string();
    assert!(refused.contains("new_event_store"), "{refused}");
    assert!(all_events(&journal).await.is_empty());
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(String, u64)>>>);

#[async_trait]
impl Query<Counter> for Seen {
    async fn dispatch(&self, id: &str, events: &[EventEnvelope<Counter>]) {
        for event in events {
            let CounterEvent::Added { amount, .. } = event.payload;
            self.0.lock().unwrap().push((id.to_owned(), amount));
        }
    }
}

async fn a_replay_sees_all_streams_in_the_order_of_recording(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let framework = framework(&journal);
    let mut recorded = Vec::new();
    for amount in 1..=7 {
        let id = if amount % 2 == 0 { "even" } else { "odd" };
        framework.execute(id, amount).await.unwrap();
        recorded.push((id.to_owned(), amount));
        append(&journal, &StreamId::new("other", "o"), amount - 1, "{}").await;
    }
    let seen = Seen::default();
    let replay = |seen: &Seen| QueryReplay::new(JournalRepository::new(journal.clone()).unwrap(), seen.clone());
    replay(&seen).replay_all().await.unwrap();
    assert_eq!(*seen.0.lock().unwrap(), recorded);
    let odd = Seen::default();
    replay(&odd).replay("odd").await.unwrap();
    recorded.retain(|(id, _)| id == "odd");
    assert_eq!(*odd.0.lock().unwrap(), recorded);
}

/// What other tools do with the database: the layout of cqrs-es, one stream through the view by index.
async fn other_tools_read_the_database(kind: Kind) {
    let place = Place::new(kind);
    let journal = place.open().await;
    let framework = framework(&journal);
    for amount in 1..=5 {
        framework.execute(if amount % 2 == 0 { "even" } else { "odd" }, amount).await.unwrap();
    }
    let database = journal.engine().stores().unwrap().read;
    for table in ["events", "stream_events"] {
        let odd = match &database {
            Database::Sqlite(pool, _) => {
                let stock = SqliteEventRepository::new(pool.clone()).with_tables(table, "snapshots");
                assert_eq!(stock.get_last_events::<Counter>("odd", 2).await.unwrap().len(), 1, "{table}");
                stock.get_events::<Counter>("odd").await.unwrap()
            }
            Database::Postgres(pool) => {
                let stock = PostgresEventRepository::new(pool.clone()).with_tables(table, "snapshots");
                assert_eq!(stock.get_last_events::<Counter>("odd", 2).await.unwrap().len(), 1, "{table}");
                stock.get_events::<Counter>("odd").await.unwrap()
            }
        };
        assert_eq!(odd.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3], "{table}");
    }
    if let Database::Sqlite(pool, _) = database {
        let plan = "EXPLAIN QUERY PLAN SELECT payload FROM stream_events WHERE aggregate_type = ? AND aggregate_id = ? \
            ORDER BY sequence";
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(plan).fetch_all(&pool).await.unwrap();
        let plan: Vec<String> = plan.into_iter().map(|step| step.3).collect();
        assert!(plan.iter().all(|step| step.starts_with("SEARCH")) && plan.len() == 2, "{plan:?}");
    }
    journal.shutdown().await;
}
