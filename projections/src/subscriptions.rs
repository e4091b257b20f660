//! How far the policies have come, whom they passed over on the way, and the lock that gives a duty to one node at a
//! time.
//!
//! A policy's place is kept here beside the read models because it is as expendable: a policy that begins again
//! asks for nothing that is already done.

use muniment_aggregates::record::Position;
use muniment_sql::{Arg, Engine, NodeLock, SqlError, Transaction};

use crate::checkpoint::{self, Purpose};
use crate::dialect::with_generations;
use crate::metrics::Metrics;
use crate::projection::Projection as _;
use crate::store::ReadStore;

pub(crate) const fn schema(engine: Engine) -> &'static str {
    schema_of!(engine, "subscriptions_v1.sql")
}

/// How far each subscription of a record has come.
pub(crate) async fn places(tx: &mut Transaction, record: &str) -> Result<Vec<(String, Position)>, SqlError> {
    let rows =
        tx.fetch_all("SELECT name, position FROM read_subscriptions_v1 WHERE record = $1", &[record.into()]).await?;
    rows.iter().map(|row| Ok((row.text("name")?, Position(row.count("position")?)))).collect()
}

/// Lets those begin again that have dealt with events which the record no longer has: others will stand at their positions.
pub(crate) async fn forget_beyond(
    tx: &mut Transaction,
    places: &[(String, Position)],
    head: Position,
) -> Result<(), SqlError> {
    for (name, position) in places.iter().filter(|(_, position)| *position > head) {
        tracing::warn!(subscription = name, %position, %head, "a policy was beyond the head, and begins again");
        tx.execute("DELETE FROM read_subscriptions_v1 WHERE name = $1", &[name.into()]).await?;
    }
    Ok(())
}

impl ReadStore {
    /// The last position a subscription has dealt with, of this record; `None` when it has not begun.
    ///
    /// # Errors
    /// What the database says.
    pub async fn subscription(&self, name: &str) -> Result<Option<Position>, SqlError> {
        let row = self
            .reader()
            .fetch_optional(
                "SELECT position FROM read_subscriptions_v1 WHERE name = $1 AND record = $2",
                &[name.into(), self.record().into()],
            )
            .await?;
        row.map(|row| row.count("position").map(Position)).transpose()
    }

    /// Notes the last position a subscription has dealt with, and whom it passed over on the way.
    ///
    /// # Errors
    /// What the database says.
    pub async fn save_subscription(
        &self,
        name: &str,
        position: Position,
        passed_over: &[String],
    ) -> Result<(), SqlError> {
        let mut tx = self.writer().begin().await?;
        self.set_place(&mut tx, name, position).await?;
        for id in passed_over {
            tx.execute(
                "INSERT INTO read_passed_over_v1 (name, id, record) VALUES ($1, $2, $3) \
                 ON CONFLICT (name, id) DO UPDATE SET record = excluded.record",
                &[name.into(), id.into(), self.record().into()],
            )
            .await?;
        }
        tx.commit().await
    }

    /// Has a subscription to metrics begin where their read model is, with every metric up to there as one that it passed
    /// over: once each was asked about what it has, all that led there need not be read. Where it begins.
    ///
    /// # Errors
    /// What the database says, also of a generation that another node has just replaced.
    pub async fn begin_at_metrics(&self, name: &str) -> Result<Position, SqlError> {
        let mut tx = self.writer().begin().await?;
        let known = checkpoint::all(&mut tx).await?;
        let live = known.into_iter().find(|at| {
            at.purpose == Purpose::Live
                && (at.name.as_str(), at.version) == (Metrics.name(), Metrics.version())
                && at.record == self.record()
        });
        let Some(live) = live else { return Err(SqlError::Unsuitable("metrics have no read model".to_owned())) };
        let sql = "INSERT INTO read_passed_over_v1 (name, id, record) SELECT $1, id, $2 FROM metrics_v2_g0 WHERE TRUE \
                   ON CONFLICT (name, id) DO UPDATE SET record = excluded.record";
        let sql = with_generations(sql, |_| Some(live.generation));
        tx.execute(&sql, &[name.into(), self.record().into()]).await?;
        self.set_place(&mut tx, name, live.position).await?;
        tx.commit().await?;
        Ok(live.position)
    }

    async fn set_place(&self, tx: &mut Transaction, name: &str, position: Position) -> Result<(), SqlError> {
        tx.execute(
            "INSERT INTO read_subscriptions_v1 (name, record, position) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET record = excluded.record, position = excluded.position",
            &[name.into(), self.record().into(), position.0.into()],
        )
        .await
        .map(drop)
    }

    /// Whom a subscription passed over, by id, from behind `after`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn passed_over(&self, name: &str, after: &str, limit: usize) -> Result<Vec<String>, SqlError> {
        let sql = "SELECT id FROM read_passed_over_v1 WHERE name = $1 AND record = $2 AND id > $3 ORDER BY id LIMIT $4";
        let args: [Arg<'_>; 4] = [name.into(), self.record().into(), after.into(), limit.into()];
        self.reader().fetch_all(sql, &args).await?.iter().map(|row| row.text("id")).collect()
    }

    /// Forgets that somebody was passed over.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forget_passed_over(&self, name: &str, id: &str) -> Result<(), SqlError> {
        let sql = "DELETE FROM read_passed_over_v1 WHERE name = $1 AND id = $2";
        self.writer().execute(sql, &[name.into(), id.into()]).await.map(drop)
    }

    /// Takes a duty for this node if no other node has it. One of this record: locks are a database's, and another record
    /// may stand beside it in a schema of its own.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn try_lock(&self, duty: &str) -> Result<Option<NodeLock>, SqlError> {
        NodeLock::try_take(self.writer(), &format!("{duty}/{}", self.record())).await
    }
}
