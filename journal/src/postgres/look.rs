//! The connection that asks for the head. Requests wait for its answer before their rights are judged, so it has one of
//! its own: a pool pings each connection that it takes back, a second round trip for every question.

use std::time::Duration;

use muniment_sql::SqlError;
use muniment_sql::postgres::SESSION_SETTINGS;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::sync::Mutex;

use super::HEAD_SQL;

/// A database that needs longer is treated as one that does not answer.
const ANSWER_SECONDS_MAX: u64 = 5;

/// Asks for the head, one question at a time.
pub(super) struct Look {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl Look {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: Mutex::new(None) }
    }

    /// The row of the head as it is now.
    pub(super) async fn head(&self) -> Result<PgRow, SqlError> {
        let bound = Duration::from_secs(ANSWER_SECONDS_MAX);
        tokio::time::timeout(bound, self.ask()).await.map_err(|late| sqlx::Error::Io(late.into()))?
    }

    async fn ask(&self) -> Result<PgRow, SqlError> {
        let mut place = self.connection.lock().await;
        // Taken out: a connection whose answer was not waited for goes with its caller.
        if let Some(mut known) = place.take() {
            match sqlx::query(HEAD_SQL).fetch_one(&mut known).await {
                Ok(row) => {
                    *place = Some(known);
                    return Ok(row);
                }
                Err(error) => tracing::debug!(%error, "the connection that asks for the head is made anew"),
            }
        }
        let mut fresh = self.options.connect().await?;
        fresh.execute(SESSION_SETTINGS).await?;
        let row = sqlx::query(HEAD_SQL).fetch_one(&mut fresh).await?;
        *place = Some(fresh);
        Ok(row)
    }

    pub(super) async fn close(&self) {
        use sqlx::Connection as _;
        if let Some(connection) = self.connection.lock().await.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the connection that asks for the head did not close cleanly");
        }
    }
}
