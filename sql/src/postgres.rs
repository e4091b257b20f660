//! Connections to PostgreSQL that may fall silent: the server's machine, or the way to it, can vanish without a word,
//! and a socket left alone notices after a quarter of an hour. So every answer is waited for only so long.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{Executor as _, Postgres};

use crate::SqlError;

/// What every session of ours is told. The server finds a client that vanished within half a minute, and gives back its
/// locks; a statement whose asker has given up ends by itself, and so does a transaction whose client stands still. What a
/// role or a database may have been given as defaults does not count: our transactions are written for `read committed`,
/// where who waited for a row goes on with what is in it now, and connections lie idle in pools.
pub const SESSION_SETTINGS: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; \
    SET tcp_keepalives_count = 3; SET tcp_user_timeout = 25000; SET statement_timeout = '60s'; SET lock_timeout = 0; \
    SET idle_in_transaction_session_timeout = '30s'; SET idle_session_timeout = 0; \
    SET default_transaction_isolation = 'read committed'";

/// What a session says that only reads. It was opened to a server that is a standby, or while the database was made
/// read-only, as hosts do whose disk fills up; it stays so, and a new one may not be.
pub const READS_ONLY: &str = "25006";

/// How long a question to a pool may take.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long one statement that writes may take, alone or in a transaction.
pub const WRITE_MAX: Duration = Duration::from_secs(30);
/// How long it is waited for a free connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(5);
/// How long a connection may take to end what was left open on it, before it is closed instead.
const TIDY_MAX: Duration = Duration::from_secs(5);
/// How long it is waited for those who still have a connection when a pool is closed.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// A pool whose sessions have [`SESSION_SETTINGS`] and these. Who sets another `after_connect` begins it with
/// [`set_up`].
#[must_use]
pub fn postgres_pool(connections_max: u32, settings: &'static str) -> PgPoolOptions {
    // A ping before every statement costs a fifth of a short one; a dead connection is seen when it is used.
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_MAX)
        .test_before_acquire(false)
        .after_connect(move |connection, _| Box::pin(set_up(connection, settings)))
}

/// Tells a new session [`SESSION_SETTINGS`] and these.
///
/// # Errors
/// What the database says.
pub async fn set_up(connection: &mut PgConnection, settings: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(SESSION_SETTINGS).await?;
    connection.execute(settings).await.map(drop)
}

pub(crate) fn late() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database did not answer in time"))
}

/// An answer within `bound`, or an error. What it was asked on must be closed then.
///
/// # Errors
/// The own ones of the answer, or that it did not come in time.
pub async fn within<T>(
    bound: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(bound, answer).await.map_err(|_| late())?
}

/// A connection on loan from a pool. It goes back only if it answers; one that fell silent is closed, and with it those
/// that lie idle in the pool, which were opened to the same server.
pub struct Loan {
    pool: PgPool,
    /// `None` once it was given back or closed.
    connection: Option<PoolConnection<Postgres>>,
    /// A transaction is open.
    in_transaction: bool,
}

impl Loan {
    /// Borrows one.
    ///
    /// # Errors
    /// When none becomes free in time, or the database cannot be reached.
    pub async fn of(pool: &PgPool) -> Result<Self, SqlError> {
        let connection = Some(pool.acquire().await?);
        Ok(Self { pool: pool.clone(), connection, in_transaction: false })
    }

    fn open(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.connection.as_deref_mut().ok_or_else(late)
    }

    /// Takes the answer; if there was none, nothing more is said on this connection.
    fn settle<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, SqlError> {
        let outcome = outcome.map_err(SqlError::from);
        if outcome.as_ref().is_err_and(SqlError::is_lost_connection) {
            self.give_up();
        }
        outcome
    }

    fn give_up(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
        for _ in 0..self.pool.num_idle() {
            let Some(idle) = self.pool.try_acquire() else { return };
            drop(idle.detach());
        }
    }

    /// Runs one statement; the number of rows it touched.
    ///
    /// # Errors
    /// What the database says, or that it says nothing within `bound`.
    pub async fn execute(&mut self, bound: Duration, query: Query<'_, Postgres, PgArguments>) -> Result<u64, SqlError> {
        let outcome = within(bound, query.execute(self.open()?)).await;
        Ok(self.settle(outcome)?.rows_affected())
    }

    /// All rows of an answer.
    ///
    /// # Errors
    /// As [`Loan::execute`].
    pub async fn fetch_all(
        &mut self,
        bound: Duration,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, SqlError> {
        let outcome = within(bound, query.fetch_all(self.open()?)).await;
        self.settle(outcome)
    }

    /// The first row of an answer, if there is one.
    ///
    /// # Errors
    /// As [`Loan::execute`].
    pub async fn fetch_optional(
        &mut self,
        bound: Duration,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Option<PgRow>, SqlError> {
        let outcome = within(bound, query.fetch_optional(self.open()?)).await;
        self.settle(outcome)
    }

    /// Runs a script of several statements without arguments.
    ///
    /// # Errors
    /// As [`Loan::execute`].
    pub async fn run_script(&mut self, bound: Duration, sql: &str) -> Result<(), SqlError> {
        let outcome = within(bound, self.open()?.execute(sqlx::raw_sql(sql))).await;
        self.settle(outcome).map(drop)
    }

    /// Begins a transaction by this statement; dropped before [`Loan::commit`], nothing of it stays.
    pub(crate) async fn begin(&mut self, statement: &str) -> Result<(), SqlError> {
        // Noted first: whoever drops this midway leaves a transaction that may be open.
        self.in_transaction = true;
        self.run_script(ANSWER_MAX, statement).await
    }

    pub(crate) async fn commit(mut self) -> Result<(), SqlError> {
        self.run_script(WRITE_MAX, "COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }
}

/// Closes a pool, without those who never answer.
pub(crate) async fn close_pool(pool: &PgPool) {
    // What is still on loan then is closed when it comes back.
    drop(tokio::time::timeout(CLOSE_MAX, pool.close()).await);
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let in_transaction = self.in_transaction;
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return drop(connection.detach()) };
        runtime.spawn(async move {
            if in_transaction && within(TIDY_MAX, (&mut *connection).execute("ROLLBACK")).await.is_err() {
                return drop(connection.detach());
            }
            // It is asked for one more answer, so that whoever borrows it next does not read ours. Too late, it is closed.
            drop(tokio::time::timeout(TIDY_MAX, connection.return_to_pool()).await);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use muniment_testkit::{Cluster, SilentWay};

    use super::*;
    use crate::{Database, NodeLock};

    async fn pool(url: &str) -> PgPool {
        postgres_pool(2, "SET synchronous_commit = off").connect_with(url.parse().unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn every_session_lets_the_server_find_out_that_its_client_is_gone() {
        let database = Database::Postgres(pool(&Cluster::shared().fresh_database()).await);
        for (setting, wanted) in [
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", "25000"),
            ("statement_timeout", "1min"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("synchronous_commit", "off"),
        ] {
            let asked = format!("SELECT current_setting('{setting}') AS now");
            let now = database.fetch_optional(&asked, &[]).await.unwrap().unwrap().text("now").unwrap();
            assert_eq!(now, wanted, "{setting}, as the server's socket has it");
        }
        let asked = "SELECT current_setting('statement_timeout') AS now";
        let mut short = database.begin().await.unwrap();
        assert_eq!(short.fetch_optional(asked, &[]).await.unwrap().unwrap().text("now").unwrap(), "29s");
        short.commit().await.unwrap();
        let mut long = database.begin_long().await.unwrap();
        assert_eq!(long.fetch_optional(asked, &[]).await.unwrap().unwrap().text("now").unwrap(), "0");
    }

    #[tokio::test]
    async fn whoever_asks_for_a_lock_that_somebody_has_keeps_its_connections() {
        let url = Cluster::shared().fresh_database();
        let holder = Database::Postgres(pool(&url).await);
        let alone = postgres_pool(1, "SET synchronous_commit = off").connect_with(url.parse().unwrap()).await.unwrap();
        let asker = Database::Postgres(alone);
        let sessions = "SELECT pg_backend_pid()::bigint AS pid";
        let session = asker.fetch_optional(sessions, &[]).await.unwrap().unwrap().count("pid").unwrap();
        let lock = NodeLock::try_take(&holder, "duty").await.unwrap().expect("nobody has it");
        for _ in 0..5 {
            assert!(NodeLock::try_take(&asker, "duty").await.unwrap().is_none());
        }
        let lives = "SELECT 1 AS lives FROM pg_stat_activity WHERE pid = $1";
        assert!(holder.fetch_optional(lives, &[session.into()]).await.unwrap().is_some(), "it was closed");
        assert!(NodeLock::try_take(&asker, "other").await.unwrap().is_some());
        drop(lock);
    }

    #[tokio::test]
    async fn a_lock_whose_session_fell_silent_is_given_up_at_once() {
        let way = SilentWay::to(&Cluster::shared().fresh_database());
        let database = Database::Postgres(pool(&way.url()).await);
        let mut lock = NodeLock::try_take(&database, "duty").await.unwrap().expect("nobody has it");
        assert!(lock.is_held().await);
        way.fall_silent();
        let begun = Instant::now();
        assert!(!lock.is_held().await);
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn what_fell_silent_is_closed_and_asked_anew() {
        let way = SilentWay::to(&Cluster::shared().fresh_database());
        let pool = pool(&way.url()).await;
        let mut loans = (Loan::of(&pool).await.unwrap(), Loan::of(&pool).await.unwrap());
        let bound = Duration::from_millis(300);
        way.fall_silent();
        for loan in [&mut loans.0, &mut loans.1] {
            loan.run_script(bound, "SELECT 1").await.unwrap_err();
            loan.run_script(bound, "SELECT 1").await.unwrap_err();
        }
        // Both places in the pool are free, although neither was given back.
        let mut fresh = (Loan::of(&pool).await.unwrap(), Loan::of(&pool).await.unwrap());
        fresh.0.run_script(WRITE_MAX, "SELECT 1").await.unwrap();
        fresh.1.run_script(WRITE_MAX, "SELECT 1").await.unwrap();
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_leaves_nothing_and_gives_its_connection_back() {
        let database = Database::Postgres(pool(&Cluster::shared().fresh_database()).await);
        database.execute("CREATE TABLE kept (n BIGINT)", &[]).await.unwrap();
        for _ in 0..20 {
            let mut tx = database.begin().await.unwrap();
            tx.execute("INSERT INTO kept VALUES (1)", &[]).await.unwrap();
        }
        let count = "SELECT COUNT(*) AS n FROM kept";
        assert_eq!(database.fetch_optional(count, &[]).await.unwrap().unwrap().count("n").unwrap(), 0);
        let mut tx = database.begin().await.unwrap();
        tx.execute("INSERT INTO kept VALUES (1)", &[]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(database.fetch_optional(count, &[]).await.unwrap().unwrap().count("n").unwrap(), 1);
    }
}
