//! Nothing can be done that the audit does not show: every event of the catalogue has its row, or a reason why another
//! stands for it.

use std::sync::Arc;

use muniment_aggregates::catalog::{CATALOG, EventKind, StreamKind};
use muniment_aggregates::record::{Position, Who};
use muniment_projections::audit_log::shown::{SHOWN, Shown};
use muniment_projections::audit_log::{Filter, everywhere};

use crate::harness::{Desk, on_both_engines};
use crate::history::History;

/// The session that the golden copies of events name.
const SESSION: &str = "090909090909090909";

/// The ids that the golden copies of events name.
fn stream_of(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::Scope => "class:3f1f5a3e-0000-4000-8000-000000000012",
        StreamKind::Session => SESSION,
        StreamKind::Subject => "sub_QUJDREVGR0hJSktM",
        StreamKind::Metric
        | StreamKind::Application
        | StreamKind::Challenge
        | StreamKind::Account
        | StreamKind::OfferBook
        | StreamKind::Roster
        | StreamKind::Invite
        | StreamKind::Settings
        | StreamKind::Attempt
        | StreamKind::Note
        | StreamKind::Scheduler => "3f1f5a3e-0000-4000-8000-000000000001",
    }
}

/// Records the golden copy of an event as the doing of a command.
fn record(history: &mut History, kind: &EventKind, command: &str) -> Position {
    let file = format!("../aggregates/golden/{}.v{}.json", kind.event_type, kind.version);
    let golden = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    // A session ends once, so each event is of another one.
    let another = format!("{:018}", history.head().0);
    let (stream, golden) = (stream_of(kind.stream).replace(SESSION, &another), golden.replace(SESSION, &another));
    let position = history.record_raw(kind.stream.as_str(), &stream, kind.event_type, &golden);
    let event = Arc::make_mut(history.events.last_mut().unwrap());
    event.event_version = Arc::from(kind.version);
    event.metadata = event.metadata.replace("\"test\"", &format!("\"{command}\"")).into();
    position
}

/// Folds a history into the two audits, event by event, and answers the types of the rows by their places.
async fn rows(desk: &Desk, history: &History) -> Vec<(Position, String)> {
    let audits: Vec<_> =
        desk.store.projections().iter().filter(|it| everywhere::MODELS.contains(&it.name())).cloned().collect();
    for outcome in desk.store.advance_together(&audits, &history.events).await {
        outcome.result.unwrap_or_else(|error| panic!("{}: {error}", outcome.name));
    }
    let filter = Filter { limit: 1_000, ..Filter::default() };
    let rows = everywhere::list(&desk.store, &filter).await.unwrap();
    rows.into_iter().map(|row| (row.seq, row.event_type)).collect()
}

#[tokio::test]
async fn every_event_has_its_row_or_a_reason_why_another_stands_for_it() {
    let listed: Vec<&str> = SHOWN.iter().map(|(event_type, _)| *event_type).collect();
    let known: Vec<&str> = CATALOG.iter().map(|kind| kind.event_type).collect();
    assert_eq!(listed, known, "the table has every event of the catalogue, in its order");
    on_both_engines(async |desk| {
        let mut history = History::new();
        history.as_who(Who::Operator);
        let mut places = Vec::new();
        for (kind, (_, shown)) in CATALOG.iter().zip(SHOWN) {
            let command = if kind.event_type == "account.session_opened" { "login" } else { "test" };
            places.push((record(&mut history, kind, command), kind.event_type, shown));
        }
        let rows = rows(desk, &history).await;
        for (place, event_type, shown) in places {
            let row = rows.iter().find(|(seq, _)| *seq == place).map(|(_, row)| row.as_str());
            match (shown, row) {
                (Shown::Row(types) | Shown::Sometimes(types, _), Some(row)) => {
                    assert!(types.contains(&row), "{event_type} makes a row {row}");
                }
                (Shown::Named, Some(_)) => {}
                (Shown::Never(reason), None) => assert!(reason.len() > 20, "{event_type} needs a reason"),
                (shown, row) => panic!("{event_type} is {shown:?}, and its row is {row:?}"),
            }
        }
    })
    .await;
}
