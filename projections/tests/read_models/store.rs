//! What the checkpoint refuses, what stops a model, and what a store says of another record.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use muniment_aggregates::ids::CredentialId;
use muniment_aggregates::record::Position;
use muniment_projections::{
    Advance, AdvanceError, ApplyError, AskHead, Fact, LastUsed, OnMismatch, OpenError, Projection, ReadDatabase,
    ReadStore, ReadStoreConfig, Rows, Table,
};
use muniment_projections::{last_used, metrics, request_windows};
use muniment_sql::Engine;
use muniment_testkit::Cluster;

use crate::company::{acme, company_history};
use crate::harness::{ANSWER_MAX, RECORD, on_both_engines};
use crate::history::beginning;

#[tokio::test]
async fn applying_a_batch_twice_is_refused_by_the_checkpoint() {
    on_both_engines(async |desk| {
        let history = company_history();
        let metrics_model = desk.store.projection("metrics").unwrap();
        let whole = &history.events;
        let moved = desk.store.advance(metrics_model.as_ref(), whole).await.unwrap();
        assert_eq!(moved, Advance::Moved(history.head()));
        let again = desk.store.advance(metrics_model.as_ref(), whole).await.unwrap();
        assert_eq!(again, Advance::Ahead(history.head()));
        assert_eq!(metrics::count_of_company(&desk.store, &acme()).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_leaves_events_out_is_refused() {
    on_both_engines(async |desk| {
        let history = company_history();
        let points_model = desk.store.projection("points").unwrap();
        let late = desk.store.advance(points_model.as_ref(), &history.events[1..]).await.unwrap();
        assert_eq!(late, Advance::Behind(Position::START));
        let mut holed = history.events.clone();
        holed.remove(1);
        let gap = desk.store.advance(points_model.as_ref(), &holed).await;
        assert!(matches!(gap, Err(AdvanceError::Gap { before: Position(1), found: Position(3) })));
    })
    .await;
}

#[tokio::test]
async fn models_that_stand_apart_advance_each_from_where_it_is() {
    on_both_engines(async |desk| {
        let history = company_history();
        let audit = desk.store.projection("audit").unwrap();
        desk.store.advance(audit.as_ref(), &history.events).await.unwrap();
        for outcome in desk.store.advance_together(desk.store.projections(), &history.events).await {
            let expected =
                if outcome.name == "audit" { Advance::Ahead(history.head()) } else { Advance::Moved(history.head()) };
            assert_eq!(outcome.result.unwrap(), expected, "{}", outcome.name);
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_event_stops_those_who_want_it_at_its_position_and_nobody_else() {
    on_both_engines(async |desk| {
        let mut history = company_history();
        let good = history.head();
        let bad = history.record_raw("metric", "metric_x", "metric.exploded", "{}");
        history.pass(1);
        history.record_raw("future", "future_x", "future.made", "{}");
        for outcome in desk.store.advance_together(desk.store.projections(), &history.events).await {
            match (outcome.name, outcome.result) {
                ("metrics" | "points" | "alerts" | "rules" | "audit", Err(AdvanceError::Stopped(poison))) => {
                    assert_eq!((poison.position, poison.event_type.as_str()), (bad, "metric.exploded"));
                }
                (name, result) => {
                    assert_eq!(result.expect(name), Advance::Moved(history.head()));
                }
            }
        }
        let live = desk.store.live().await.unwrap();
        let metrics_at = live.iter().find(|at| at.name == "metrics").unwrap();
        assert_eq!(metrics_at.position, good, "all before the poison is in");
        assert_eq!(metrics_at.stopped_by.as_ref().unwrap().position, bad);

        let mut repaired = history.up_to(history.events.len() - 2);
        repaired.record_raw("future", "future_y", "future.made", "{}");
        let model = desk.store.projection("metrics").unwrap();
        desk.store.advance(model.as_ref(), &repaired.events[repaired.events.len() - 1..]).await.unwrap();
        let live = desk.store.live().await.unwrap();
        assert_eq!(live.iter().find(|at| at.name == "metrics").unwrap().stopped_by, None);
    })
    .await;
}

#[tokio::test]
async fn an_event_about_something_that_was_never_made_stops_the_model() {
    on_both_engines(async |desk| {
        let mut history = company_history();
        let point = history.events.iter().find(|event| &*event.event_type == "metric.point_recorded").unwrap().clone();
        let bad = history.record_raw("metric", "metric_AAAAAAAAAAAAAAAA", "metric.point_recorded", &point.payload);
        let model = desk.store.projection("metrics").unwrap();
        let stopped = desk.store.advance(model.as_ref(), &history.events).await;
        assert!(matches!(stopped, Err(AdvanceError::Stopped(poison)) if poison.position == bad));
    })
    .await;
}

#[tokio::test]
async fn what_the_database_never_takes_stops_the_model_at_its_event_and_holds_back_none_before() {
    on_both_engines(async |desk| {
        let history = company_history();
        let mut points = history.events.iter().filter(|event| &*event.event_type == "metric.point_recorded");
        let first = points.next().unwrap();
        let second = points.find(|event| event.stream == first.stream).unwrap();
        let tampered = desk.tamper().await;
        tampered.execute("CREATE UNIQUE INDEX only_one_point ON points_v1_g0 (metric_id)", &[]).await.unwrap();
        for outcome in desk.store.advance_together(desk.store.projections(), &history.events).await {
            match (outcome.name, outcome.result) {
                ("points", Err(AdvanceError::Stopped(poison))) => {
                    assert_eq!((poison.position, &*poison.event_type), (second.position, "metric.point_recorded"));
                    assert!(poison.reason.contains("cannot hold it"), "{poison}");
                }
                (name, result) => assert_eq!(result.expect(name), Advance::Moved(history.head())),
            }
        }
        let live = desk.store.live().await.unwrap();
        let at = live.iter().find(|at| at.name == "points").unwrap();
        assert_eq!(at.position.next(), second.position, "all before it is in");
        assert_eq!(at.stopped_by.as_ref().map(|poison| poison.position), Some(second.position));

        tampered.execute("DROP INDEX only_one_point", &[]).await.unwrap();
        let rest = &history.events[usize::try_from(at.position.0).unwrap()..];
        let model = desk.store.projection("points").unwrap();
        assert_eq!(desk.store.advance(model.as_ref(), rest).await.unwrap(), Advance::Moved(history.head()));
        tampered.close().await;
    })
    .await;
}

/// A model that panics when it is to fold the event at a position.
struct Panicking {
    model: Arc<dyn Projection>,
    at: Position,
}

#[async_trait]
impl Projection for Panicking {
    fn name(&self) -> &'static str {
        self.model.name()
    }

    fn version(&self) -> u32 {
        self.model.version()
    }

    fn tables(&self) -> &'static [Table] {
        self.model.tables()
    }

    fn schema(&self, engine: Engine) -> &'static str {
        self.model.schema(engine)
    }

    fn interest(&self) -> &'static [&'static str] {
        self.model.interest()
    }

    async fn apply(&self, facts: &[Fact<'_>], rows: &mut Rows<'_>) -> Result<(), ApplyError> {
        self.model.apply(facts, rows).await?;
        assert!(facts.iter().all(|fact| fact.recorded.position != self.at), "told to");
        Ok(())
    }
}

#[tokio::test]
async fn a_model_that_panics_stops_at_its_event_and_holds_back_none_before_and_no_other_model() {
    on_both_engines(async |desk| {
        let history = company_history();
        let bad = history.events.iter().rfind(|event| &*event.event_type == "metric.point_recorded").unwrap().position;
        let with_a_panic = |model: &Arc<dyn Projection>| -> Arc<dyn Projection> {
            if model.name() == "points" {
                Arc::new(Panicking { model: Arc::clone(model), at: bad })
            } else {
                Arc::clone(model)
            }
        };
        let models: Vec<_> = desk.store.projections().iter().map(with_a_panic).collect();
        for outcome in desk.store.advance_together(&models, &history.events).await {
            match (outcome.name, outcome.result) {
                ("points", Err(AdvanceError::Stopped(poison))) => {
                    assert_eq!((poison.position, &*poison.event_type), (bad, "metric.point_recorded"));
                    assert!(poison.reason.contains("panicked"), "{poison}");
                }
                (name, result) => assert_eq!(result.expect(name), Advance::Moved(history.head())),
            }
        }
        let live = desk.store.live().await.unwrap();
        let at = live.iter().find(|at| at.name == "points").unwrap();
        assert_eq!(at.position.next(), bad, "all before it is in");
        assert_eq!(at.stopped_by.as_ref().map(|poison| poison.position), Some(bad));

        let rest = &history.events[usize::try_from(at.position.0).unwrap()..];
        let mended = desk.store.projection("points").unwrap();
        assert_eq!(desk.store.advance(mended.as_ref(), rest).await.unwrap(), Advance::Moved(history.head()));
    })
    .await;
}

#[tokio::test]
async fn who_reads_on_a_new_connection_does_not_take_what_was_lost_for_what_was_there() {
    on_both_engines(async |desk| {
        if desk.store.engine() == Engine::Sqlite {
            return;
        }
        let history = company_history();
        desk.fold(&history, 100).await;
        let incarnation = desk.store.incarnation();
        assert_eq!(metrics::count_of_company(&desk.store, &acme()).await.unwrap(), 1);
        // As a crash leaves it: the last commits are gone, and so is every connection.
        let tampered = desk.tamper().await;
        tampered.execute("UPDATE read_checkpoints_v1 SET position = position - 1", &[]).await.unwrap();
        let others = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        tampered.fetch_all(others, &[]).await.unwrap();
        let past = metrics::count_of_company(&desk.store, &acme()).await.expect_err("an answer from the past");
        assert!(past.to_string().contains("lost"), "{past}");
        assert_eq!(desk.store.incarnation(), incarnation + 1);
        desk.store.incarnation_over(incarnation).await;
        let company = acme();
        let (again, _) = tokio::join!(
            metrics::count_of_company(&desk.store, &company),
            tampered.execute("UPDATE read_checkpoints_v1 SET position = position + 1", &[])
        );
        assert_eq!(again.unwrap(), 1, "it waits until all is there again");
        assert_eq!(desk.store.incarnation(), incarnation + 1);
        tampered.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_store_of_another_record_or_beyond_the_head_is_refused_and_can_begin_again() {
    on_both_engines(async |desk| {
        let history = company_history();
        desk.fold(&history, 100).await;
        let same = desk.reopen(history.head(), OnMismatch::Refuse).await.unwrap();
        assert_eq!(same.live().await.unwrap()[0].position, history.head());
        same.close().await;

        let beyond = desk.reopen(Position(history.head().0 - 1), OnMismatch::Refuse).await;
        assert!(matches!(beyond, Err(OpenError::BeyondHead { checkpoint, .. }) if checkpoint == history.head()));
        let cut = Position(history.head().0 - 1);
        desk.store.save_subscription("ahead", history.head(), &[]).await.unwrap();
        desk.store.save_subscription("behind", cut, &[]).await.unwrap();
        let again = desk.reopen(cut, OnMismatch::TakeOver).await.unwrap();
        assert!(again.live().await.unwrap().iter().all(|at| at.position == Position::START));
        assert_eq!(again.subscription("ahead").await.unwrap(), None, "it begins again, as the models do");
        assert_eq!(again.subscription("behind").await.unwrap(), Some(cut));
        again.close().await;

        let other = ReadStoreConfig {
            record: "another-1".to_owned(),
            head: AskHead::at(history.head()),
            ..desk.config.clone()
        };
        let refused = ReadStore::open(other.clone()).await;
        assert!(matches!(refused, Err(OpenError::OtherRecord { .. })));
        let reset = ReadStore::open(ReadStoreConfig { on_mismatch: OnMismatch::Reset, ..other }).await.unwrap();
        assert!(reset.live().await.unwrap().iter().all(|at| at.position == Position::START));
        assert_eq!(metrics::count_of_company(&reset, &acme()).await.unwrap(), 0);
        reset.close().await;
    })
    .await;
}

#[tokio::test]
async fn of_many_that_advance_at_once_exactly_one_does() {
    on_both_engines(async |desk| {
        let history = Arc::new(company_history());
        let mut racing = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (store, history) = (desk.store.clone(), Arc::clone(&history));
            racing.spawn(async move {
                let model = store.projection("points").unwrap();
                store.advance(model.as_ref(), &history.events).await.unwrap()
            });
        }
        let outcomes = racing.join_all().await;
        let moved = outcomes.iter().filter(|outcome| matches!(outcome, Advance::Moved(_))).count();
        assert_eq!(moved, 1);
    })
    .await;
}

#[tokio::test]
async fn met_127_last_use_is_written_once_a_minute() {
    on_both_engines(async |desk| {
        let token = CredentialId::from_random([1; 9]);
        let noting = LastUsed::new(desk.store.clone());
        let mut written = 0;
        for second in 0..150 {
            let now = beginning() + TimeDelta::seconds(second);
            written += u32::from(noting.note(&token, None, now).await.unwrap());
        }
        assert_eq!(written, 3);
        let elsewhere = LastUsed::new(desk.store.clone());
        assert!(!elsewhere.note(&token, None, beginning() + TimeDelta::seconds(125)).await.unwrap());
        let at = last_used::of(&desk.store, &token).await.unwrap();
        assert_eq!(at.map(|used| used.at), Some(beginning() + TimeDelta::seconds(120)));
    })
    .await;
}

#[tokio::test]
async fn a_use_that_a_clock_noted_which_was_ahead_gives_way_to_the_next() {
    on_both_engines(async |desk| {
        let token = CredentialId::from_random([2; 9]);
        let noting = LastUsed::new(desk.store.clone());
        assert!(noting.note(&token, None, beginning() + TimeDelta::days(365)).await.unwrap());
        // As well where it is remembered as where it is not.
        let elsewhere = LastUsed::new(desk.store.clone());
        for (noting, second) in [(&noting, 0), (&elsewhere, 60)] {
            let now = beginning() + TimeDelta::seconds(second);
            assert!(noting.is_due(&token, now));
            assert!(noting.note(&token, None, now).await.unwrap());
            let at = last_used::of(&desk.store, &token).await.unwrap();
            assert_eq!(at.map(|used| used.at), Some(now));
        }
        // Nodes whose clocks differ a little write no more often for it.
        let behind = LastUsed::new(desk.store.clone());
        assert!(!behind.note(&token, None, beginning() - TimeDelta::seconds(240)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn records_in_schemas_of_one_database_have_their_duties_each() {
    let url = Cluster::shared().fresh_database();
    drop(Cluster::psql_at(&url, "CREATE SCHEMA other"));
    let open = async |url: String, record: &str| {
        let config = ReadStoreConfig {
            database: ReadDatabase::Postgres { url, connections_max: 4 },
            record: record.to_owned(),
            head: AskHead::at(Position::START),
            on_mismatch: OnMismatch::Refuse,
            answer_max: ANSWER_MAX,
        };
        ReadStore::open(config).await.unwrap()
    };
    let here = open(url.clone(), RECORD).await;
    let there = open(format!("{url}?options=-c%20search_path%3Dother"), "another-1").await;
    let held = here.try_lock("duty").await.unwrap();
    assert!(held.is_some(), "nobody has it");
    assert!(here.try_lock("duty").await.unwrap().is_none(), "one node at a time");
    assert!(there.try_lock("duty").await.unwrap().is_some(), "the other record's read models are never written");
    drop(held);
}

/// As the first programs left it: the accounts' tables in another shape, uses of credentials without addresses, an
/// earlier audit in its fourth generation.
const LEFT_BY_OLDER: &str = "
    CREATE TABLE accounts_v1_g0 (id TEXT, username TEXT NOT NULL, email TEXT NOT NULL);
    CREATE TABLE audit_log_v1_g3 (seq BIGINT, metadata TEXT);
    CREATE TABLE audit_offers_v1_g3 (id TEXT, grantor TEXT);
    INSERT INTO read_checkpoints_v1 (name, version, generation, purpose, position, record)
        VALUES ('accounts', 1, 0, 'live', 7, 'RECORD'), ('audit_log', 1, 3, 'live', 7, 'RECORD');
    DROP TABLE last_used_v1;
    CREATE TABLE last_used_v1 (credential_id TEXT NOT NULL PRIMARY KEY, used_at BIGINT NOT NULL);
    INSERT INTO last_used_v1 VALUES ('old', 5)";

#[tokio::test]
async fn what_older_programs_left_is_completed_or_dropped_by_the_node_that_takes_over() {
    on_both_engines(async |desk| {
        let tables = match desk.store.engine() {
            Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%_v1_g%'",
            Engine::Postgres => "SELECT tablename::text AS name FROM pg_tables WHERE tablename LIKE '%_v1_g%'",
        };
        let tampered = desk.tamper().await;
        tampered.run_script(&LEFT_BY_OLDER.replace("RECORD", RECORD)).await.unwrap();
        let left = async || {
            let rows = tampered.fetch_all(tables, &[]).await.unwrap();
            let names = rows.iter().map(|row| row.text("name").unwrap());
            names.filter(|name| ["accounts_v1_g0", "audit_log_v1_g3", "audit_offers_v1_g3"].contains(&&**name)).count()
        };
        let looking = desk.reopen(Position::START, OnMismatch::Refuse).await.unwrap();
        assert_eq!(left().await, 3, "an older program may serve from them");
        let token = CredentialId::from_random([1; 9]);
        assert!(LastUsed::new(looking.clone()).note(&token, None, beginning()).await.unwrap());
        let old = last_used::of(&looking, &CredentialId("old".to_owned())).await.unwrap().unwrap();
        assert_eq!((old.at.timestamp_micros(), old.client), (5, None));
        looking.close().await;

        desk.reopen(Position::START, OnMismatch::Reset).await.unwrap().close().await;
        assert_eq!(left().await, 3, "a model is made anew beside it");
        let serving = desk.reopen(Position::START, OnMismatch::TakeOver).await.unwrap();
        serving.drop_retired().await.unwrap();
        assert_eq!(left().await, 0);
        let all = serving.checkpoints().await.unwrap();
        assert!(all.iter().all(|at| at.position == Position::START), "{all:?}");
        assert_eq!(all.len(), serving.projections().len());
        serving.close().await;
        tampered.close().await;
    })
    .await;
}

/// The embedded store's log of writes is as long as whoever reads longest makes it, and not for ever.
#[tokio::test]
async fn a_log_of_writes_that_a_long_reading_made_long_is_cut_back() {
    on_both_engines(async |desk| {
        let ReadDatabase::Sqlite { directory } = &desk.config.database else { return };
        let length = || std::fs::metadata(directory.join("read.db-wal")).unwrap().len();
        let reader = desk.tamper().await;
        let mut reading = reader.begin_snapshot().await.unwrap();
        reading.fetch_all("SELECT COUNT(*) FROM request_windows_v1", &[]).await.unwrap();
        let count = async |number: usize, counted: &str| {
            let is_new = request_windows::replace(&desk.store, &number.to_string(), None, counted, beginning()).await;
            assert!(is_new.unwrap());
        };
        for number in 0..8 {
            count(number, &"1".repeat(4 << 20)).await;
        }
        let while_read = length();
        reading.commit().await.unwrap();
        reader.close().await;
        for number in 8..12 {
            count(number, "1;").await;
        }
        assert!(while_read > 32 << 20, "{while_read}");
        assert!(length() < 16 << 20, "{} of {while_read} bytes are left", length());
    })
    .await;
}

#[tokio::test]
async fn a_question_that_takes_long_is_ended_by_the_server_and_not_asked_again() {
    on_both_engines(async |desk| {
        let ReadDatabase::Postgres { .. } = desk.config.database else { return };
        desk.fold(&company_history(), 1_000).await;
        let looking = desk.tamper().await;
        let slow = "ALTER TABLE metrics_v2_g0 RENAME TO aside; \
                    CREATE VIEW metrics_v2_g0 AS SELECT * FROM aside WHERE pg_sleep(120) IS NOT NULL";
        looking.run_script(slow).await.unwrap();
        // It is asked for ten seconds; four times are forty.
        let company = acme();
        let counting = metrics::count_of_company(&desk.store, &company);
        let error = tokio::time::timeout(Duration::from_secs(35), counting).await.expect("asked once").unwrap_err();
        assert!(error.took_too_long(), "{error}");
        let asked = "SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
                     AND state = 'active' AND query LIKE '%COUNT(*) AS total FROM metrics_v2%' AND pid <> pg_backend_pid()";
        let row = looking.fetch_optional(asked, &[]).await.unwrap().unwrap();
        assert_eq!(row.count("n").unwrap(), 0, "nothing runs on");
        let back = "DROP VIEW metrics_v2_g0; ALTER TABLE aside RENAME TO metrics_v2_g0";
        looking.run_script(back).await.unwrap();
        assert_eq!(metrics::count_of_company(&desk.store, &acme()).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_subscription_whose_place_was_lost_begins_at_the_metrics_and_has_each_of_them_to_ask() {
    on_both_engines(async |desk| {
        let history = company_history();
        desk.fold(&history, 1_000).await;
        let metric = metrics::of_company(&desk.store, &acme(), None, 10).await.unwrap().remove(0);
        // The second time is another node's, or of one that was killed in between.
        for _ in 0..2 {
            assert_eq!(desk.store.begin_at_metrics("alerts").await.unwrap(), history.head());
        }
        assert_eq!(desk.store.subscription("alerts").await.unwrap(), Some(history.head()));
        assert_eq!(desk.store.passed_over("alerts", "", 10).await.unwrap(), [metric.id.to_string()]);
    })
    .await;
}
