//! Asking the live tables: rows that have all that this process was ever told, whatever becomes of connections and of the
//! database's server meanwhile.

use std::time::Duration;

use muniment_sql::{Arg, Row, SqlError};

use crate::dialect::is_missing_table;
use crate::incarnations::lost;
use crate::store::ReadStore;

/// How often a query is asked when connections break or the database loses something meanwhile.
const ATTEMPTS_MAX: u32 = 4;
/// How often a query that waits for what a crash took from the read models looks whether it is back.
const OWED_INTERVAL: Duration = Duration::from_millis(20);

impl ReadStore {
    /// Runs a query over live generations. One retry follows a swap made by another node.
    pub(crate) async fn fetch_all(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, SqlError> {
        self.answer(|| async {
            match self.reader().fetch_all(&self.for_live_tables(sql), args).await {
                Err(error) if is_missing_table(&error) => {
                    self.refresh().await?;
                    self.reader().fetch_all(&self.for_live_tables(sql), args).await
                }
                answer => answer,
            }
        })
        .await
    }

    /// Runs a query for at most one row over live generations. One retry follows a swap made by another node.
    pub(crate) async fn fetch_optional(&self, sql: &str, args: &[Arg<'_>]) -> Result<Option<Row>, SqlError> {
        self.answer(|| async {
            match self.reader().fetch_optional(&self.for_live_tables(sql), args).await {
                Err(error) if is_missing_table(&error) => {
                    self.refresh().await?;
                    self.reader().fetch_optional(&self.for_live_tables(sql), args).await
                }
                answer => answer,
            }
        })
        .await
    }

    /// The answer to a question, from rows that have all that this process was ever told. What a crash took is waited for;
    /// a connection that went with it is no reason not to ask again.
    async fn answer<T, F>(&self, ask: impl Fn() -> F) -> Result<T, SqlError>
    where
        F: Future<Output = Result<T, SqlError>>,
    {
        for attempt in 1..=ATTEMPTS_MAX {
            // Before what is owed: a loss that is noticed later makes the answer count for nothing.
            let incarnation = self.incarnation();
            self.until_nothing_is_owed().await?;
            match ask().await {
                Ok(answer) if self.incarnation() == incarnation => return Ok(answer),
                Ok(_) => {}
                Err(error) if error.is_lost_connection() && attempt < ATTEMPTS_MAX => {}
                Err(error) => return Err(error),
            }
        }
        Err(lost())
    }

    async fn until_nothing_is_owed(&self) -> Result<(), SqlError> {
        let paid = async {
            while self.incarnations().owes() {
                self.refresh().await?;
                tokio::time::sleep(OWED_INTERVAL).await;
            }
            Ok(())
        };
        tokio::time::timeout(self.answer_max(), paid).await.unwrap_or_else(|_| Err(lost()))
    }
}
