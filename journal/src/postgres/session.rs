//! The writing session: one connection, one statement a batch.
//!
//! The statement compares and moves the head and inserts everything from arrays, in one round trip that commits by
//! itself. Only batches that give keys back or erase somebody need several statements, and then a transaction.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;

use muniment_sql::postgres::{READS_ONLY, SESSION_SETTINGS, within};
use muniment_sql::postgres_query;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgHasArrayType, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Connection as _, Encode, Executor as _, Postgres, Type};

use super::streams::{Begun, StreamNumbers};
use crate::changes::statements;
use crate::engine::{Batch, Change, WriteError};
use crate::rows::stored;

/// Waiting longer for the head's lock means that its holder hangs. The statements are few and have one good plan each; the
/// server would plan that of a short batch anew every time, because it takes a list of unknown length for ten rows, and
/// planning costs more than the batch.
const SETTINGS: &str = "SET synchronous_commit = on; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '10s'; SET statement_timeout = '30s'; \
    SET plan_cache_mode = force_generic_plan";
/// Locking the head waits for its holder, as long as the server's bound says.
const HOLD_SECONDS_MAX: u64 = 10;
/// Beyond the server's own bound the connection itself is lost.
const ANSWER_SECONDS_MAX: u64 = 40;
const CONNECT_SECONDS_MAX: u64 = 5;

const MOVE_HEAD: &str = "WITH head AS (UPDATE journal_head SET position = $1, hash = $2, recorded_at = $3 \
    WHERE singleton = 1 AND position = $4 AND hash = $5 AND epoch = $6 RETURNING position)";
/// What is bound of each event, from [`FIRST_COLUMN`] on: its name, how it is sent, how it is stored where that differs.
const COLUMNS: [(&str, &str, &str); 11] = [
    ("position", "bigint", ""),
    ("aggregate_type", "text", ""),
    ("aggregate_id", "text", ""),
    ("sequence", "bigint", ""),
    ("event_type", "text", ""),
    ("event_version", "text", ""),
    ("payload", "text", "::json"),
    ("metadata", "text", "::json"),
    ("recorded_at", "bigint", ""),
    ("hash", "bytea", ""),
    ("dedupe_key", "bytea", ""),
];
const FIRST_COLUMN: usize = 7;
/// The number of its stream, bound behind them.
const NUMBER: (&str, &str, &str) = ("stream", "bigint", "");
/// Looking a stream's number up costs a quarter of what an event costs the database, so it is asked for only where it is
/// not known here.
const STREAM: &str = "coalesce(new.stream, (SELECT number FROM streams WHERE streams.aggregate_type = new.aggregate_type \
    AND streams.aggregate_id = new.aggregate_id))";
const TAKE_CLAIMS: &str = ", taken AS (INSERT INTO claims (scope, digest, owner_kind, owner_id, subject, position) \
    SELECT scope, digest, owner_kind, owner_id, subject, position FROM unnest($19::text[], $20::bytea[], $21::text[], \
    $22::text[], $23::text[], $24::bigint[]) AS new (scope, digest, owner_kind, owner_id, subject, position) \
    WHERE EXISTS (SELECT 1 FROM head)), \
    mailed AS (INSERT INTO outbox (id, position, subject, body, created_at, expires_at) \
    SELECT id, position, subject, body, created_at, expires_at FROM unnest($25::text[], $26::bigint[], $27::text[], \
    $28::text[], $29::bigint[], $30::bigint[]) AS new (id, position, subject, body, created_at, expires_at) \
    WHERE EXISTS (SELECT 1 FROM head))";
/// Streams that the batch begins.
const NAME_STREAMS: &str = ", named AS (INSERT INTO streams (number, aggregate_type, aggregate_id) \
    SELECT number, kind, id FROM unnest($31::bigint[], $32::text[], $33::text[]) AS new (number, kind, id) \
    WHERE EXISTS (SELECT 1 FROM head))";

/// The texts for a batch of one event, and for more.
struct Texts {
    one: String,
    many: String,
}

impl Texts {
    /// The head moves, `between` happens, events are inserted.
    fn of(between: &str) -> Self {
        let names = COLUMNS.map(|(name, ..)| name).join(", ");
        let text = |events: String| {
            format!(
                "{MOVE_HEAD}{between} INSERT INTO events ({names}, stream) SELECT {names}, {STREAM} \
                 FROM (SELECT {events}) AS new WHERE EXISTS (SELECT 1 FROM head)"
            )
        };
        // In the select list lists are walked side by side; one `unnest` of all in FROM would first copy each of them. A
        // single event comes without lists: to unpack them costs half of what it costs to store it.
        Self {
            one: text(columns(|number, kind| format!("${number}::{kind}"))),
            many: text(columns(|number, kind| format!("unnest(${number}::{kind}[])"))),
        }
    }

    fn for_events(&self, count: usize) -> &str {
        if count == 1 { &self.one } else { &self.many }
    }
}

fn columns(bound: impl Fn(usize, &str) -> String) -> String {
    let columns = (FIRST_COLUMN..).zip(COLUMNS.into_iter().chain([NUMBER]));
    let named = |(number, (name, kind, stored))| format!("{}{stored} AS {name}", bound(number, kind));
    columns.map(named).collect::<Vec<_>>().join(", ")
}

/// Events of streams that were there before, and nothing else.
static PLAIN: LazyLock<Texts> = LazyLock::new(|| Texts::of(""));
/// With keys, mail and new streams. What a statement writes it does not see, so the numbers of new streams come along.
static WITH_CHANGES: LazyLock<Texts> = LazyLock::new(|| Texts::of(&format!("{TAKE_CLAIMS}{NAME_STREAMS}")));

/// The connection that writes, made anew whenever it is lost.
pub(super) struct Session {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    /// A transaction holds the head's lock.
    held: bool,
}

impl Session {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: None, held: false }
    }

    /// Takes the connection out: if a caller is dropped midway, the connection goes with it instead of being used
    /// in an unknown state.
    async fn take(&mut self) -> Result<PgConnection, sqlx::Error> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        self.held = false;
        let connect = async {
            let mut connection = self.options.connect().await?;
            connection.execute(SESSION_SETTINGS).await?;
            connection.execute(SETTINGS).await?;
            Ok(connection)
        };
        let bound = Duration::from_secs(CONNECT_SECONDS_MAX);
        tokio::time::timeout(bound, connect).await.map_err(|late| sqlx::Error::Io(late.into()))?
    }

    pub(super) async fn write(&mut self, batch: &Batch, numbers: &StreamNumbers) -> Result<(), WriteError> {
        let mut connection = self.take().await.map_err(|error| WriteError::Ended(error.to_string()))?;
        let held = std::mem::take(&mut self.held);
        let bound = Duration::from_secs(ANSWER_SECONDS_MAX);
        let outcome = match tokio::time::timeout(bound, send(&mut connection, batch, numbers, held)).await {
            Ok(outcome) => outcome,
            Err(late) => Err(Failure::Driver(sqlx::Error::Io(late.into()))),
        };
        match outcome {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(Failure::HeadMoved) => {
                self.connection = Some(connection);
                Err(WriteError::HeadMoved)
            }
            Err(Failure::Driver(error)) => {
                let (meaning, usable) = meaning(&error);
                if usable {
                    self.connection = Some(connection);
                }
                Err(meaning)
            }
        }
    }

    /// Locks the head until the next write or [`Session::release`].
    pub(super) async fn hold(&mut self) -> Result<PgRow, sqlx::Error> {
        let mut connection = self.take().await?;
        let held = self.held;
        let hold = async {
            if !held {
                connection.execute("BEGIN").await?;
            }
            sqlx::query(HOLD_SQL).fetch_one(&mut connection).await
        };
        let row = within(Duration::from_secs(HOLD_SECONDS_MAX), hold).await?;
        self.held = true;
        self.connection = Some(connection);
        Ok(row)
    }

    pub(super) async fn release(&mut self) -> Result<(), sqlx::Error> {
        if std::mem::take(&mut self.held) {
            let mut connection = self.take().await?;
            within(Duration::from_secs(HOLD_SECONDS_MAX), connection.execute("ROLLBACK")).await?;
            self.connection = Some(connection);
        }
        Ok(())
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the writing session did not close cleanly; everything was answered before");
        }
    }
}

const HOLD_SQL: &str = "SELECT position, hash, recorded_at, installation, epoch FROM journal_head FOR UPDATE";

enum Failure {
    HeadMoved,
    Driver(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

/// What an error says about the batch, and whether the connection can go on.
fn meaning(error: &sqlx::Error) -> (WriteError, bool) {
    let sqlx::Error::Database(reported) = error else { return (WriteError::Unknown(error.to_string()), false) };
    let code = reported.code().unwrap_or_default();
    let text = || format!("{} ({code})", reported.message());
    if reported.is_unique_violation() {
        return (WriteError::Unique(reported.constraint().unwrap_or_default().to_owned()), true);
    }
    // Nothing was written. Somebody else holds the head's lock for too long, and waiting on would hang the callers; or
    // this session only reads, which another may not.
    if code == "55P03" || code == READS_ONLY {
        return (WriteError::Failed(text()), false);
    }
    // Its backend is gone, and with it whatever it had not committed.
    if code.starts_with("57P") {
        return (WriteError::Ended(text()), false);
    }
    match code.get(..2) {
        // Data exception, integrity, cardinality, program limit: something in the batch.
        Some("21" | "22" | "23" | "54") => (WriteError::Refused(text()), true),
        // Connection trouble, deadlock, statement timeout: to be settled and sent again.
        Some("08" | "40" | "55" | "57") => (WriteError::Unknown(text()), false),
        _ => (WriteError::Failed(text()), true),
    }
}

/// Whether the changes can ride in the statement itself: only keys taken, each once, and mail.
fn fits_statement(changes: &[Change]) -> bool {
    let mut taken = HashSet::new();
    changes.iter().all(|change| match change {
        Change::Take { claim, .. } => taken.insert(claim),
        Change::Mail { .. } => true,
        Change::Release { .. } | Change::Erase { .. } => false,
    })
}

async fn send(
    connection: &mut PgConnection,
    batch: &Batch,
    numbers: &StreamNumbers,
    held: bool,
) -> Result<(), Failure> {
    let begun = Begun::of(batch);
    let single = fits_statement(&batch.changes);
    let transaction = held || !single;
    if transaction && !held {
        connection.execute("BEGIN").await?;
    }
    let streams = numbers.of_events(batch, &begun);
    let outcome = send_statements(connection, batch, &begun, streams, single).await;
    if transaction {
        match &outcome {
            Ok(()) => connection.execute("COMMIT").await?,
            Err(_) => connection.execute("ROLLBACK").await?,
        };
    }
    if outcome.is_ok() {
        numbers.learn(begun.named());
    }
    outcome
}

async fn send_statements(
    connection: &mut PgConnection,
    batch: &Batch,
    begun: &Begun<'_>,
    streams: Vec<Option<i64>>,
    single: bool,
) -> Result<(), Failure> {
    let changes: &[Change] = if single { &batch.changes } else { &[] };
    let is_plain = changes.is_empty() && begun.is_empty();
    let texts: &'static Texts = if is_plain { &PLAIN } else { &WITH_CHANGES };
    let mut query = bind_events(sqlx::query(texts.for_events(batch.events.len())), batch, streams);
    if !is_plain {
        query = begun.bind(bind_changes(query, changes));
    }
    if query.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(Failure::HeadMoved);
    }
    if !single {
        for change in &batch.changes {
            apply(connection, change).await?;
        }
    }
    Ok(())
}

type PgQuery<'q> = Query<'q, Postgres, PgArguments>;

fn bind_events<'q>(query: PgQuery<'q>, batch: &'q Batch, streams: Vec<Option<i64>>) -> PgQuery<'q> {
    let (after, events) = (batch.after(), batch.events.as_slice());
    let mut query = query
        .bind(stored(after.position.0))
        .bind(after.hash.to_vec())
        .bind(after.recorded_at.timestamp_micros())
        .bind(stored(batch.before.position.0))
        .bind(batch.before.hash.as_slice())
        .bind(stored(batch.before.identity.epoch));
    query = bind_column(query, events.iter().map(|event| stored(event.position.0)));
    query = bind_column(query, events.iter().map(|event| &*event.stream.kind));
    query = bind_column(query, events.iter().map(|event| &*event.stream.id));
    query = bind_column(query, events.iter().map(|event| stored(event.sequence)));
    query = bind_column(query, events.iter().map(|event| &*event.event_type));
    query = bind_column(query, events.iter().map(|event| &*event.event_version));
    query = bind_column(query, events.iter().map(|event| &*event.payload));
    query = bind_column(query, events.iter().map(|event| &*event.metadata));
    query = bind_column(query, events.iter().map(|event| event.recorded_at.timestamp_micros()));
    query = bind_column(query, events.iter().map(|event| event.hash.as_slice()));
    query = bind_column(query, events.iter().map(|event| event.dedupe.as_ref().map(|key| key.0.as_slice())));
    bind_column(query, streams.into_iter())
}

/// One column of all events: the value itself where there is one event, a list otherwise.
fn bind_column<'q, T>(query: PgQuery<'q>, mut values: impl ExactSizeIterator<Item = T>) -> PgQuery<'q>
where
    T: Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType + 'q,
{
    match (values.len(), values.next()) {
        (1, Some(value)) => query.bind(value),
        (_, first) => query.bind(first.into_iter().chain(values).collect::<Vec<T>>()),
    }
}

#[derive(Default)]
struct Takes<'a> {
    namespaces: Vec<&'a str>,
    digests: Vec<&'a [u8]>,
    kinds: Vec<&'a str>,
    ids: Vec<&'a str>,
    subjects: Vec<Option<&'a str>>,
    positions: Vec<i64>,
}

#[derive(Default)]
struct Mails<'a> {
    ids: Vec<&'a str>,
    positions: Vec<i64>,
    subjects: Vec<&'a str>,
    bodies: Vec<&'a str>,
    created: Vec<i64>,
    expire: Vec<i64>,
}

fn bind_changes<'q>(query: PgQuery<'q>, changes: &'q [Change]) -> PgQuery<'q> {
    let mut takes = Takes::default();
    let mut mails = Mails::default();
    for change in changes {
        match change {
            Change::Take { claim, owner, subject, position } => {
                takes.namespaces.push(claim.namespace);
                takes.digests.push(&claim.digest);
                takes.kinds.push(&owner.kind);
                takes.ids.push(&owner.id);
                takes.subjects.push(subject.as_ref().map(|subject| subject.0.as_str()));
                takes.positions.push(stored(position.0));
            }
            Change::Mail { mail, position, recorded_at } => {
                mails.ids.push(&mail.id);
                mails.positions.push(stored(position.0));
                mails.subjects.push(&mail.subject.0);
                mails.bodies.push(mail.body.as_str());
                mails.created.push(recorded_at.timestamp_micros());
                mails.expire.push(mail.expires_at.timestamp_micros());
            }
            // These make the batch a transaction of several statements.
            Change::Release { .. } | Change::Erase { .. } => {}
        }
    }
    query
        .bind(takes.namespaces)
        .bind(takes.digests)
        .bind(takes.kinds)
        .bind(takes.ids)
        .bind(takes.subjects)
        .bind(takes.positions)
        .bind(mails.ids)
        .bind(mails.positions)
        .bind(mails.subjects)
        .bind(mails.bodies)
        .bind(mails.created)
        .bind(mails.expire)
}

async fn apply(connection: &mut PgConnection, change: &Change) -> Result<(), sqlx::Error> {
    let (statements, args) = statements(change);
    for sql in statements {
        postgres_query(sql, &args).execute(&mut *connection).await?;
    }
    Ok(())
}
