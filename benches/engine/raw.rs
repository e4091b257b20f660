//! The engine's own limit: rows with the bytes of recorded points, in one multi-row insert a transaction, on one
//! connection that is as durable as the journal's. Included by the benchmarks that put themselves beside it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use muniment::runtime::Origin;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

/// As long as a recorded point's payload.
const PAYLOAD: &str = r#"{"point_recorded":{"company":"co_AAAAAAAAAAAAAAAA","metric_key":"metric_1","point":"point_AAAAAAAAAAAAAAAA","value":12000.0,"timestamp":"2026-01-01T00:00:00Z","instant":"2026-01-01T00:00:00Z","source":"default-agent-token","confidence":0.5,"raw_event_id":null,"idempotency_key":"bench-1234567-0"}}"#;

const TABLE: &str = "CREATE TABLE raw (position BIGINT PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, \
    sequence BIGINT NOT NULL, type TEXT NOT NULL, version TEXT NOT NULL, payload TEXT NOT NULL, metadata TEXT NOT NULL)";

const COLUMNS: u32 = 8;

enum Connection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// A table of its own and who writes it.
pub(crate) struct Raw {
    connection: Connection,
    metadata: String,
    next: i64,
}

macro_rules! insert {
    ($connection:expr, $statement:expr, $first:expr, $rows:expr, $metadata:expr) => {{
        let mut query = sqlx::query($statement);
        for position in ($first..).take($rows) {
            query = query
                .bind(position)
                .bind("metric")
                .bind("metric_AAAAAAAAAAAAAAAA")
                .bind(position)
                .bind("metric.point_recorded")
                .bind("1.0")
                .bind(PAYLOAD)
                .bind($metadata);
        }
        query.execute($connection).await.expect("raw rows");
    }};
}

impl Raw {
    pub(crate) async fn postgres(url: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.expect("connects");
        sqlx::query(TABLE).execute(&mut connection).await.expect("the raw table");
        Self::on(Connection::Postgres(connection))
    }

    pub(crate) async fn sqlite(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30));
        let mut connection = options.connect().await.expect("connects");
        sqlx::query(TABLE).execute(&mut connection).await.expect("the raw table");
        Self::on(Connection::Sqlite(connection))
    }

    fn on(connection: Connection) -> Self {
        Self { connection, metadata: Origin::system("bench", "record_points", None).to_metadata().to_string(), next: 1 }
    }

    /// The statement for [`Raw::insert`]. A numbered placeholder costs SQLite a search through all of them at every
    /// bind; its own plain one does not.
    pub(crate) fn statement(&self, rows: u32) -> String {
        let mut text = "INSERT INTO raw VALUES ".to_owned();
        for mark in 0..rows * COLUMNS {
            let before = match (mark, mark % COLUMNS) {
                (0, _) => "(",
                (_, 0) => "),(",
                (..) => ",",
            };
            match self.connection {
                Connection::Postgres(_) => write!(text, "{before}${}", mark + 1),
                Connection::Sqlite(_) => write!(text, "{before}?"),
            }
            .expect("a string takes all");
        }
        text + ")"
    }

    /// Writes so many rows durably; `statement` is that of as many.
    pub(crate) async fn insert(&mut self, statement: &str, rows: u32) {
        let first = self.next;
        self.next += i64::from(rows);
        let (rows, metadata) = (usize::try_from(rows).expect("fits"), self.metadata.as_str());
        match &mut self.connection {
            Connection::Postgres(connection) => insert!(connection, statement, first, rows, metadata),
            Connection::Sqlite(connection) => insert!(connection, statement, first, rows, metadata),
        }
    }
}
