//! Dropping the tables of generations that nothing reads any more.
//!
//! SQLite zeroes whatever it drops (`secure_delete`), all of it in one transaction: of a large table that takes minutes, in
//! which nobody else writes. So such a table loses its name, then its rows in portions, and is dropped when it is empty. A
//! generation is marked as retired before, so whoever is cut short leaves the rest to the server.

use std::time::Duration;

use muniment_sql::{Engine, SqlError, Transaction};

use crate::checkpoint::{self, Checkpoint, GenerationId, Purpose};
use crate::dialect::is_missing_table;
use crate::projection::{Former, Projection};
use crate::store::{ReadStore, generation_id};

/// Rows that go together on SQLite: some ten milliseconds, for which whoever else writes waits.
const PORTION_ROWS: usize = 250;

/// Of more rows an index goes with the rows, a portion at a time: to drop it takes seconds.
const INDEX_DROPPED_ROWS_MAX: usize = 1_000_000;

/// Between two portions, so that another process gets SQLite's lock, too: it looks for it every now and then only.
const PORTION_PAUSE: Duration = Duration::from_millis(10);

impl ReadStore {
    /// Drops every generation that was replaced or given up, those of older programs among them.
    ///
    /// # Errors
    /// What the database says. What is left is dropped by the next call.
    pub async fn drop_retired(&self) -> Result<(), SqlError> {
        for projection in self.projections() {
            self.drop_retired_of(projection.as_ref()).await?;
        }
        Ok(())
    }

    /// Drops every generation of one model that was replaced or given up.
    pub(crate) async fn drop_retired_of(&self, projection: &dyn Projection) -> Result<(), SqlError> {
        for left in self.checkpoints().await?.iter().filter(|at| at.purpose == Purpose::Retired) {
            if let Some((id, tables)) = tables_of(projection, left) {
                self.discard(id, &tables).await?;
            }
        }
        Ok(())
    }

    /// Drops what it can of one model's replaced generations, behind work that is done: the rest is left to the server.
    pub(crate) async fn drop_what_can_be(&self, projection: &dyn Projection) {
        if let Err(error) = self.drop_retired_of(projection).await {
            tracing::warn!(projection.name = projection.name(), %error, "what was replaced is left to the server to drop");
        }
    }

    async fn discard(&self, id: GenerationId, tables: &[&'static str]) -> Result<(), SqlError> {
        if self.engine() == Engine::Sqlite {
            self.put_out_of_reach(id, tables).await?;
            for table in tables {
                self.empty(id, &out_of_reach(table, id)).await?;
            }
        }
        let mut tx = self.begin_schema_change().await?;
        if self.engine() == Engine::Postgres {
            // Who reads for long, a backup of the whole database say, must not have all others wait for the schema's lock.
            tx.execute("SET LOCAL lock_timeout = '2s'", &[]).await?;
        }
        if is_retired(&mut tx, id).await? {
            for table in tables {
                for name in [id.table(table), out_of_reach(table, id)] {
                    tx.execute(&format!("DROP TABLE IF EXISTS {name}"), &[]).await?;
                }
            }
            checkpoint::remove(&mut tx, id).await?;
        }
        tx.commit().await
    }

    /// Takes their names from tables of SQLite's. Whoever has not heard that they were replaced must find that they are gone, not
    /// that they are empty: only then he asks for those that serve.
    async fn put_out_of_reach(&self, id: GenerationId, tables: &[&'static str]) -> Result<(), SqlError> {
        let mut tx = self.writer().begin().await?;
        if !is_retired(&mut tx, id).await? {
            return Ok(());
        }
        for table in tables {
            let name = id.table(table);
            let there = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1";
            if tx.fetch_optional(there, &[name.as_str().into()]).await?.is_some() {
                tx.execute(&format!("ALTER TABLE {name} RENAME TO {}", out_of_reach(table, id)), &[]).await?;
            }
        }
        tx.commit().await
    }

    /// Takes the rows out of a table of SQLite's, a portion a transaction.
    async fn empty(&self, id: GenerationId, table: &str) -> Result<(), SqlError> {
        let many = format!("SELECT 1 AS many FROM {table} LIMIT 1 OFFSET {INDEX_DROPPED_ROWS_MAX}");
        let is_large = match self.writer().fetch_optional(&many, &[]).await {
            Ok(row) => row.is_some(),
            Err(error) if is_missing_table(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL";
        let indexes = self.writer().fetch_all(indexes, &[table.into()]).await?;
        for index in indexes.iter().filter(|_| !is_large) {
            self.while_retired(id, &format!("DROP INDEX IF EXISTS {}", index.text("name")?)).await?;
        }
        let key = self.key_of(table).await?;
        let portion = format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} LIMIT {PORTION_ROWS})");
        loop {
            match self.while_retired(id, &portion).await {
                Ok(0) => return Ok(()),
                Ok(_) => tokio::time::sleep(PORTION_PAUSE).await,
                // Never made, or gone since.
                Err(error) if is_missing_table(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// What names a row of a table of SQLite's: its key, or its number where it has none.
    async fn key_of(&self, table: &str) -> Result<String, SqlError> {
        let columns = "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk";
        let columns = self.writer().fetch_all(columns, &[table.into()]).await?;
        let names = columns.iter().map(|column| column.text("name")).collect::<Result<Vec<_>, _>>()?;
        Ok(if names.is_empty() { "rowid".to_owned() } else { names.join(", ") })
    }

    /// How many rows a statement touches, which nothing does unless the generation is retired: another run may have dropped
    /// it meanwhile, and its number may be that of other tables by now.
    async fn while_retired(&self, id: GenerationId, sql: &str) -> Result<u64, SqlError> {
        let mut tx = self.writer().begin().await?;
        if !is_retired(&mut tx, id).await? {
            return Ok(0);
        }
        let touched = tx.execute(sql, &[]).await?;
        tx.commit().await?;
        Ok(touched)
    }
}

/// A crash of PostgreSQL's server may also have taken back that it was replaced: then it is live again.
async fn is_retired(tx: &mut Transaction, id: GenerationId) -> Result<bool, SqlError> {
    Ok(checkpoint::find(tx, id).await?.is_some_and(|found| found.purpose == Purpose::Retired))
}

fn out_of_reach(table: &str, id: GenerationId) -> String {
    format!("{}_retired", id.table(table))
}

/// The tables of a generation, if it is one of this model.
fn tables_of(projection: &dyn Projection, at: &Checkpoint) -> Option<(GenerationId, Vec<&'static str>)> {
    if at.name != projection.name() {
        return None;
    }
    let tables = if at.version == projection.version() {
        projection.tables().iter().map(|table| table.name).collect()
    } else {
        projection.former().iter().find(|former| former.version == at.version)?.tables.to_vec()
    };
    Some((GenerationId { version: at.version, ..generation_id(projection, at.generation) }, tables))
}

/// Retires what older programs left of a model.
pub(crate) async fn retire_former(
    tx: &mut Transaction,
    projection: &dyn Projection,
    known: &[Checkpoint],
) -> Result<(), SqlError> {
    let is_former = |at: &Checkpoint| projection.former().iter().any(|former: &Former| former.version == at.version);
    for left in known.iter().filter(|at| at.name == projection.name() && is_former(at)) {
        tracing::info!(
            projection.name = projection.name(),
            projection.version = left.version,
            "what an older program kept of a read model is dropped"
        );
        let id = GenerationId { version: left.version, ..generation_id(projection, left.generation) };
        checkpoint::put_away(tx, id).await?;
    }
    Ok(())
}
