//! Pools, statements and transactions over either engine.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{Executor as _, Postgres, Sqlite};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::postgres::{ANSWER_MAX, Loan, WRITE_MAX, close_pool};
use crate::{Arg, Row, SqlError, insert};

/// Which engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded default.
    Sqlite,
    /// PostgreSQL 15 or later, or what speaks its protocol.
    Postgres,
}

/// Who holds SQLite's write lock for so long hangs. As long as a pool waits for a connection.
const TURN_MAX: Duration = Duration::from_secs(30);

/// A pool of connections. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Database {
    /// SQLite, and the line of those who write it.
    Sqlite(SqlitePool, WriteTurns),
    /// PostgreSQL.
    Postgres(PgPool),
}

/// The line of those who write one SQLite file by several connections, first come first served. Left to SQLite, each would
/// find the file locked and try again ever more rarely. By default there is none, where one connection writes.
#[derive(Debug, Clone, Default)]
pub struct WriteTurns(Option<Arc<Mutex<()>>>);

/// May write until it is dropped.
#[derive(Debug)]
pub struct WriteTurn {
    /// `None` where there is no line.
    _first: Option<OwnedMutexGuard<()>>,
}

impl WriteTurns {
    /// A line, empty.
    #[must_use]
    pub fn shared() -> Self {
        Self(Some(Arc::default()))
    }

    /// Waits until it is the caller's turn.
    ///
    /// # Errors
    /// When that takes longer than half a minute, as a pool does that has no connection to give.
    pub async fn next(&self) -> Result<WriteTurn, SqlError> {
        let Some(line) = &self.0 else { return Ok(WriteTurn { _first: None }) };
        let first = tokio::time::timeout(TURN_MAX, Arc::clone(line).lock_owned()).await;
        Ok(WriteTurn { _first: Some(first.map_err(|_late| sqlx::Error::PoolTimedOut)?) })
    }
}

/// A statement with its arguments, for SQLite.
pub fn sqlite_query<'q>(sql: &'q str, args: &'q [Arg<'_>]) -> Query<'q, Sqlite, SqliteArguments<'q>> {
    args.iter().fold(sqlx::query(sql), |query, arg| match arg {
        Arg::Int(value) => query.bind(value),
        Arg::Real(value) => query.bind(value),
        Arg::Text(value) => query.bind(value.as_deref()),
        Arg::Blob(value) => query.bind(value.as_deref()),
    })
}

/// The same for PostgreSQL.
pub fn postgres_query<'q>(sql: &'q str, args: &'q [Arg<'_>]) -> Query<'q, Postgres, PgArguments> {
    args.iter().fold(sqlx::query(sql), |query, arg| match arg {
        Arg::Int(value) => query.bind(value),
        Arg::Real(value) => query.bind(value),
        Arg::Text(value) => query.bind(value.as_deref()),
        Arg::Blob(value) => query.bind(value.as_deref()),
    })
}

impl Database {
    /// Which engine this is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(..) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs one statement by itself; the number of rows it touched.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, SqlError> {
        Ok(match self {
            Self::Sqlite(pool, turns) => {
                let _turn = turns.next().await?;
                sqlite_query(sql, args).execute(pool).await?.rows_affected()
            }
            Self::Postgres(pool) => Loan::of(pool).await?.execute(WRITE_MAX, postgres_query(sql, args)).await?,
        })
    }

    /// All rows of an answer. The caller bounds it with `LIMIT`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_all(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, SqlError> {
        Ok(match self {
            Self::Sqlite(pool, _) => {
                sqlite_query(sql, args).fetch_all(pool).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let rows = Loan::of(pool).await?.fetch_all(ANSWER_MAX, postgres_query(sql, args)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of an answer, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_optional(&self, sql: &str, args: &[Arg<'_>]) -> Result<Option<Row>, SqlError> {
        Ok(match self {
            Self::Sqlite(pool, _) => sqlite_query(sql, args).fetch_optional(pool).await?.map(Row::Sqlite),
            Self::Postgres(pool) => {
                let row = Loan::of(pool).await?.fetch_optional(ANSWER_MAX, postgres_query(sql, args)).await?;
                row.map(Row::Postgres)
            }
        })
    }

    /// Runs a script of several statements without arguments, as migrations are.
    ///
    /// # Errors
    /// What the database says.
    pub async fn run_script(&self, sql: &str) -> Result<(), SqlError> {
        match self {
            Self::Sqlite(pool, turns) => {
                let _turn = turns.next().await?;
                pool.execute(sqlx::raw_sql(sql)).await.map(drop)?;
            }
            Self::Postgres(pool) => Loan::of(pool).await?.run_script(WRITE_MAX, sql).await?,
        }
        Ok(())
    }

    /// Begins a transaction that will write. On SQLite the write lock is taken at once, because a read
    /// transaction that upgrades is refused without waiting.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin(&self) -> Result<Transaction, SqlError> {
        match self {
            Self::Sqlite(pool, turns) => {
                let turn = turns.next().await?;
                Transaction::on_sqlite(pool, "BEGIN IMMEDIATE", Some(turn)).await
            }
            Self::Postgres(pool) => {
                // Nearly as long as it is waited for: sessions may end what stands alone sooner.
                Transaction::on_postgres(pool, "BEGIN; SET LOCAL statement_timeout = '29s'", WRITE_MAX).await
            }
        }
    }

    /// The same for steps that take as long as they take, or wait for somebody who does: changes of a schema.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_long(&self) -> Result<Transaction, SqlError> {
        match self {
            Self::Sqlite(..) => self.begin().await,
            Self::Postgres(pool) => {
                Transaction::on_postgres(pool, "BEGIN; SET LOCAL statement_timeout = 0", Duration::MAX).await
            }
        }
    }

    /// Begins a transaction that only reads, and sees one moment from its first statement on. Its statements may take as
    /// long as they take.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_snapshot(&self) -> Result<Transaction, SqlError> {
        match self {
            Self::Sqlite(pool, _) => Transaction::on_sqlite(pool, "BEGIN", None).await,
            Self::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0; \
                             SET LOCAL idle_in_transaction_session_timeout = 0";
                Transaction::on_postgres(pool, begin, Duration::MAX).await
            }
        }
    }

    /// Closes every connection after its running statement; on PostgreSQL it is not waited for those that fell silent.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool, _) => pool.close().await,
            Self::Postgres(pool) => close_pool(pool).await,
        }
    }
}

/// An open transaction. Dropped without [`Transaction::commit`], nothing of it stays.
pub struct Transaction {
    engine: Engine,
    /// `None` once it ended.
    inner: Option<Inner>,
    /// How long one statement may take on PostgreSQL.
    bound: Duration,
    /// Given up with the connection.
    _turn: Option<WriteTurn>,
}

enum Inner {
    /// The connection that holds SQLite's write lock.
    Sqlite(PoolConnection<Sqlite>),
    Postgres(Loan),
}

fn ended() -> SqlError {
    SqlError::Unsuitable("the transaction has already ended".to_owned())
}

impl Transaction {
    async fn on_sqlite(pool: &SqlitePool, begin: &str, turn: Option<WriteTurn>) -> Result<Self, SqlError> {
        let connection = pool.acquire().await?;
        // Ours before it begins: a caller who is dropped midway must not leave a connection with an open transaction to
        // the pool, which knows nothing of it.
        let inner = Some(Inner::Sqlite(connection));
        let mut begun = Self { engine: Engine::Sqlite, inner, bound: Duration::MAX, _turn: turn };
        begun.execute(begin, &[]).await?;
        Ok(begun)
    }

    async fn on_postgres(pool: &PgPool, begin: &str, bound: Duration) -> Result<Self, SqlError> {
        let mut loan = Loan::of(pool).await?;
        loan.begin(begin).await?;
        Ok(Self { engine: Engine::Postgres, inner: Some(Inner::Postgres(loan)), bound, _turn: None })
    }

    fn open(&mut self) -> Result<&mut Inner, SqlError> {
        self.inner.as_mut().ok_or_else(ended)
    }

    /// Which engine this is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// Runs one statement; the number of rows it touched.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64, SqlError> {
        let bound = self.bound;
        Ok(match self.open()? {
            Inner::Sqlite(connection) => sqlite_query(sql, args).execute(&mut **connection).await?.rows_affected(),
            Inner::Postgres(loan) => loan.execute(bound, postgres_query(sql, args)).await?,
        })
    }

    /// Inserts rows whose values stand one after the other, row after row; `suffix` follows them, for example the
    /// `ON CONFLICT` part of an upsert, or is empty.
    ///
    /// # Errors
    /// What the database says, and that a column has values of more than one type.
    pub async fn insert(
        &mut self,
        table: &str,
        columns: &[&str],
        values: &[Arg<'_>],
        suffix: &str,
    ) -> Result<(), SqlError> {
        let bound = self.bound;
        match self.open()? {
            Inner::Sqlite(connection) => {
                for (sql, values) in insert::chunks(table, columns, values, suffix) {
                    sqlite_query(&sql, values).execute(&mut **connection).await?;
                }
            }
            Inner::Postgres(loan) if !values.is_empty() => {
                let (sql, arrays) = insert::arrays(table, columns, values, suffix)?;
                let query = arrays.into_iter().fold(sqlx::query(&sql), |query, column| match column {
                    insert::Column::Ints(values) => query.bind(values),
                    insert::Column::Reals(values) => query.bind(values),
                    insert::Column::Texts(values) => query.bind(values),
                    insert::Column::Blobs(values) => query.bind(values),
                });
                loan.execute(bound, query).await?;
            }
            Inner::Postgres(_) => {}
        }
        Ok(())
    }

    /// All rows of an answer.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_all(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, SqlError> {
        let bound = self.bound;
        Ok(match self.open()? {
            Inner::Sqlite(connection) => {
                sqlite_query(sql, args).fetch_all(&mut **connection).await?.into_iter().map(Row::Sqlite).collect()
            }
            Inner::Postgres(loan) => {
                let rows = loan.fetch_all(bound, postgres_query(sql, args)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of an answer, if there is one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_optional(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Option<Row>, SqlError> {
        let bound = self.bound;
        Ok(match self.open()? {
            Inner::Sqlite(connection) => {
                sqlite_query(sql, args).fetch_optional(&mut **connection).await?.map(Row::Sqlite)
            }
            Inner::Postgres(loan) => loan.fetch_optional(bound, postgres_query(sql, args)).await?.map(Row::Postgres),
        })
    }

    /// Runs a script of several statements without arguments.
    ///
    /// # Errors
    /// What the database says.
    pub async fn run_script(&mut self, sql: &str) -> Result<(), SqlError> {
        let bound = self.bound;
        match self.open()? {
            Inner::Sqlite(connection) => (&mut **connection).execute(sqlx::raw_sql(sql)).await.map(drop)?,
            Inner::Postgres(loan) => loan.run_script(bound, sql).await?,
        }
        Ok(())
    }

    /// Makes it durable, as far as the engine is set up to.
    ///
    /// # Errors
    /// What the database says; the outcome is unknown if the connection was lost.
    pub async fn commit(mut self) -> Result<(), SqlError> {
        if let Inner::Sqlite(connection) = self.open()? {
            // Still ours, so that a failure or a caller who is dropped midway closes the connection.
            sqlx::query("COMMIT").execute(&mut **connection).await?;
        }
        match self.inner.take().ok_or_else(ended)? {
            Inner::Sqlite(connection) => drop(connection),
            Inner::Postgres(loan) => loan.commit().await?,
        }
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(Inner::Sqlite(connection)) = self.inner.take() {
            // Rolled back by closing.
            drop(connection.detach());
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

    use super::*;

    /// Lets `work` go on for so many turns of the scheduler, then drops it wherever it is.
    async fn dropped_after<T>(turns: usize, work: impl Future<Output = T>) {
        let turned = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            done = work => drop(done),
            () = turned => {}
        }
    }

    #[tokio::test]
    async fn whoever_is_dropped_while_a_transaction_begins_leaves_none_open() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(folder.path().join("x.db")).create_if_missing(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        let database = Database::Sqlite(pool, WriteTurns::default());
        for turns in 0..200 {
            dropped_after(turns, database.begin()).await;
            database.begin().await.unwrap().commit().await.unwrap();
            dropped_after(turns, database.begin_snapshot()).await;
            database.begin_snapshot().await.unwrap().commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_writes_a_file_by_another_connection_waits_for_his_turn() {
        let folder = tempfile::tempdir().unwrap();
        // Of itself SQLite refuses the second at once.
        let options = SqliteConnectOptions::new().filename(folder.path().join("x.db")).busy_timeout(Duration::ZERO);
        let turns = WriteTurns::shared();
        let mut databases = Vec::new();
        for _ in 0..2 {
            let pool = SqlitePoolOptions::new().max_connections(1);
            let pool = pool.connect_with(options.clone().create_if_missing(true)).await.unwrap();
            databases.push(Database::Sqlite(pool, turns.clone()));
        }
        databases[0].run_script("CREATE TABLE t (x BIGINT)").await.unwrap();
        let mut first = databases[0].begin().await.unwrap();
        first.execute("INSERT INTO t VALUES (1)", &[]).await.unwrap();
        let other = databases.pop().unwrap();
        let second = tokio::spawn(async move { other.execute("INSERT INTO t VALUES (2)", &[]).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!second.is_finished());
        first.commit().await.unwrap();
        assert_eq!(second.await.unwrap().unwrap(), 1);
        // One that is given up gives up its turn.
        drop(databases[0].begin().await.unwrap());
        assert!(turns.next().await.is_ok());
    }
}
