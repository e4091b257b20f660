//! Schema migrations: forward only, in named lists, recorded in one tracker table a database.
//!
//! At start a list is compared with what is recorded, length first, then names; the missing tail runs in one
//! transaction under a lock, so two programs that start at once end with the same schema. There is no force and no
//! skip: every deviation is a typed [`MigrationError`] with a next step.

use chrono::{DateTime, Utc};

use crate::{Database, Engine, SqlError, Transaction};

/// One step: a name that never changes and the SQL that runs once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Unique within its namespace, for example `0001_events`.
    pub name: &'static str,
    /// Any number of statements without arguments.
    pub sql: &'static str,
}

/// A list of steps that belong together and run in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespace<'a> {
    /// Its name, for example `muniment.journal`.
    pub name: &'a str,
    /// Its steps, oldest first.
    pub migrations: &'a [Migration],
}

/// Namespaces that begin like this are ours; a module from elsewhere may not use them.
pub const RESERVED_PREFIX: &str = "muniment.";

const TRACKER_SQL: &str = "CREATE TABLE IF NOT EXISTS applied_migrations (
    namespace  TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    sequence   BIGINT NOT NULL,
    applied_at BIGINT NOT NULL,
    CONSTRAINT applied_migrations_name PRIMARY KEY (namespace, name)
)";
const TRACKER_COLUMNS: [&str; 4] = ["applied_at", "name", "namespace", "sequence"];
/// Key of the advisory lock under which PostgreSQL migrates: the bytes of `muniment`.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"muniment");

/// Why the schema is not what this program needs.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database has steps that this program does not know.
    #[error("binary-older-than-db: the database is newer than this program: namespace {namespace} has {}; run the newer program", unknown.join(", "))]
    BinaryOlderThanDb {
        /// Which list.
        namespace: String,
        /// The steps this program does not know.
        unknown: Vec<String>,
    },
    /// Recorded and known names differ.
    #[error(
        "name-divergence-at-{at_index}: namespace {namespace}: step {at_index} is recorded as {recorded} but this program has {known}; \
         correct the row of applied_migrations with the service stopped, or run the program that wrote it"
    )]
    NameDivergence {
        /// Which list.
        namespace: String,
        /// First index, from 0, at which they differ.
        at_index: usize,
        /// Name in the database.
        recorded: String,
        /// Name in this program.
        known: String,
    },
    /// A step failed; nothing of this namespace's missing steps stays.
    #[error(
        "migration-failed: namespace {namespace}: step {index} ({name}): {cause}; nothing of it was kept, \
         start again once the cause is gone"
    )]
    Failed {
        /// Which list.
        namespace: String,
        /// Index of the step, from 0.
        index: usize,
        /// Its name.
        name: String,
        /// What the database said.
        cause: SqlError,
    },
    /// A table named like the tracker has other columns.
    #[error("old-tracker-shape: applied_migrations has the columns {}, not {}; it belongs to something else", found.join(", "), TRACKER_COLUMNS.join(", "))]
    OldTrackerShape {
        /// Its columns, sorted.
        found: Vec<String>,
    },
    /// A module from elsewhere names a namespace of ours.
    #[error("reserved-namespace: {namespace} is one of Muniment's own; choose another name")]
    ReservedNamespace {
        /// The name.
        namespace: String,
    },
    /// A baseline names a step this program does not have.
    #[error("baseline-name-not-in-code: namespace {namespace}: {name} is not a step of this program")]
    BaselineNameNotInCode {
        /// Which list.
        namespace: String,
        /// The unknown name.
        name: String,
    },
    /// A baseline is no prefix of the program's list.
    #[error(
        "baseline-name-out-of-order: namespace {namespace}: {name} stands at {at_index}, where this program has another step"
    )]
    BaselineNameOutOfOrder {
        /// Which list.
        namespace: String,
        /// First index, from 0, at which it differs.
        at_index: usize,
        /// The name given there.
        name: String,
    },
    /// A baseline was asked of a namespace that has rows.
    #[error("baseline-namespace-already-populated: namespace {namespace}: it already has recorded steps")]
    BaselineNamespaceAlreadyPopulated {
        /// Which list.
        namespace: String,
    },
    /// The tracker itself could not be read or written.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl MigrationError {
    /// Stable name of the kind, by which programs and `muniment doctor` tell errors apart.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::BinaryOlderThanDb { .. } => "binary-older-than-db".to_owned(),
            Self::NameDivergence { at_index, .. } => format!("name-divergence-at-{at_index}"),
            Self::Failed { .. } => "migration-failed".to_owned(),
            Self::OldTrackerShape { .. } => "old-tracker-shape".to_owned(),
            Self::ReservedNamespace { .. } => "reserved-namespace".to_owned(),
            Self::BaselineNameNotInCode { .. } => "baseline-name-not-in-code".to_owned(),
            Self::BaselineNameOutOfOrder { .. } => "baseline-name-out-of-order".to_owned(),
            Self::BaselineNamespaceAlreadyPopulated { .. } => "baseline-namespace-already-populated".to_owned(),
            Self::Sql(_) => "database-unavailable".to_owned(),
        }
    }
}

/// A recorded step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its name.
    pub name: String,
    /// Its place; gaps do not matter, order does.
    pub sequence: i64,
    /// When it ran.
    pub applied_at: DateTime<Utc>,
}

/// Brings every namespace up to date, one after the other; the names of the steps that ran.
///
/// # Errors
/// The first deviation or failure. Namespaces before it stay migrated, its own missing steps leave nothing behind.
pub async fn migrate(
    database: &Database,
    namespaces: &[Namespace<'_>],
    now: DateTime<Utc>,
) -> Result<Vec<String>, MigrationError> {
    let mut ran = Vec::new();
    for namespace in namespaces {
        let mut tx = locked(database).await?;
        let recorded = recorded(&mut tx, namespace.name).await?;
        let missing = compare(namespace, &recorded)?;
        let mut sequence = recorded.last().map_or(0, |last| last.sequence);
        for (index, migration) in missing {
            tx.run_script(migration.sql).await.map_err(|cause| MigrationError::Failed {
                namespace: namespace.name.to_owned(),
                index,
                name: migration.name.to_owned(),
                cause,
            })?;
            sequence += 1;
            record(&mut tx, namespace.name, migration.name, sequence, now).await?;
            ran.push(format!("{}/{}", namespace.name, migration.name));
        }
        tx.commit().await?;
    }
    Ok(ran)
}

/// Compares without changing anything; the names of the steps that are missing.
///
/// # Errors
/// The first deviation, or `old-tracker-shape`.
pub async fn pending(database: &Database, namespace: &Namespace<'_>) -> Result<Vec<&'static str>, MigrationError> {
    let found = tracker_columns(database).await?;
    if found.is_empty() {
        return Ok(namespace.migrations.iter().map(|migration| migration.name).collect());
    }
    check_tracker(found)?;
    let rows = database.fetch_all(RECORDED_SQL, &[namespace.name.into()]).await?;
    let recorded = rows.iter().map(applied).collect::<Result<Vec<_>, _>>()?;
    Ok(compare(namespace, &recorded)?.into_iter().map(|(_, migration)| migration.name).collect())
}

/// Records the first steps of a namespace as applied without running them. Whether the schema really has what they
/// would have made is the caller's word; it is not checked.
///
/// No command of ours calls it: it is for the program of an operator whose tables were made by other means, and there is
/// no flag that skips a check at the start.
///
/// # Errors
/// When a name is unknown or out of order, or the namespace has rows.
pub async fn baseline(
    database: &Database,
    namespace: &Namespace<'_>,
    names: &[&str],
    now: DateTime<Utc>,
) -> Result<(), MigrationError> {
    for (at_index, name) in names.iter().enumerate() {
        if !namespace.migrations.iter().any(|migration| migration.name == *name) {
            return Err(MigrationError::BaselineNameNotInCode {
                namespace: namespace.name.to_owned(),
                name: (*name).to_owned(),
            });
        }
        if namespace.migrations.get(at_index).is_none_or(|migration| migration.name != *name) {
            return Err(MigrationError::BaselineNameOutOfOrder {
                namespace: namespace.name.to_owned(),
                at_index,
                name: (*name).to_owned(),
            });
        }
    }
    let mut tx = locked(database).await?;
    if !recorded(&mut tx, namespace.name).await?.is_empty() {
        return Err(MigrationError::BaselineNamespaceAlreadyPopulated { namespace: namespace.name.to_owned() });
    }
    for (sequence, name) in (1_i64..).zip(names) {
        record(&mut tx, namespace.name, name, sequence, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Refuses a namespace of a module from elsewhere that claims to be ours. Programs that keep tables of their own in the
/// same database ask this before [`migrate`]; ours has no such module.
///
/// # Errors
/// When the name begins with [`RESERVED_PREFIX`].
pub fn check_foreign_namespace(name: &str) -> Result<(), MigrationError> {
    if name.starts_with(RESERVED_PREFIX) {
        return Err(MigrationError::ReservedNamespace { namespace: name.to_owned() });
    }
    Ok(())
}

const RECORDED_SQL: &str =
    "SELECT name, sequence, applied_at FROM applied_migrations WHERE namespace = $1 ORDER BY sequence";

/// Length first, so that an older program says so even where names differ earlier; then names.
fn compare<'a>(
    namespace: &Namespace<'a>,
    recorded: &[AppliedMigration],
) -> Result<Vec<(usize, &'a Migration)>, MigrationError> {
    if recorded.len() > namespace.migrations.len() {
        let known = |name: &str| namespace.migrations.iter().any(|migration| migration.name == name);
        return Err(MigrationError::BinaryOlderThanDb {
            namespace: namespace.name.to_owned(),
            unknown: recorded.iter().filter(|row| !known(&row.name)).map(|row| row.name.clone()).collect(),
        });
    }
    for (at_index, (row, migration)) in recorded.iter().zip(namespace.migrations).enumerate() {
        if row.name != migration.name {
            return Err(MigrationError::NameDivergence {
                namespace: namespace.name.to_owned(),
                at_index,
                recorded: row.name.clone(),
                known: migration.name.to_owned(),
            });
        }
    }
    Ok(namespace.migrations.iter().enumerate().skip(recorded.len()).collect())
}

/// A transaction that no other migrating program is in, with a tracker table of the right form.
async fn locked(database: &Database) -> Result<Transaction, MigrationError> {
    let mut tx = database.begin_long().await?;
    if tx.engine() == Engine::Postgres {
        tx.execute("SELECT pg_advisory_xact_lock($1)", &[LOCK_KEY.into()]).await?;
    }
    let rows = tx.fetch_all(columns_sql(tx.engine()), &[]).await?;
    let found = rows.iter().map(|row| row.text("name")).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        tx.run_script(TRACKER_SQL).await?;
    } else {
        check_tracker(found)?;
    }
    Ok(tx)
}

const fn columns_sql(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SELECT name FROM pragma_table_info('applied_migrations') ORDER BY name",
        // Not of `information_schema`, which hides tables from a role without rights to them: it would find none.
        Engine::Postgres => {
            "SELECT attname::text AS name FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
             JOIN pg_namespace ON pg_namespace.oid = relnamespace
             WHERE nspname = current_schema() AND relname = 'applied_migrations' AND attnum > 0 AND NOT attisdropped
             ORDER BY name"
        }
    }
}

async fn tracker_columns(database: &Database) -> Result<Vec<String>, SqlError> {
    let rows = database.fetch_all(columns_sql(database.engine()), &[]).await?;
    rows.iter().map(|row| row.text("name")).collect()
}

fn check_tracker(mut found: Vec<String>) -> Result<(), MigrationError> {
    found.sort_unstable();
    if found == TRACKER_COLUMNS { Ok(()) } else { Err(MigrationError::OldTrackerShape { found }) }
}

fn applied(row: &crate::Row) -> Result<AppliedMigration, SqlError> {
    Ok(AppliedMigration {
        name: row.text("name")?,
        sequence: row.int("sequence")?,
        applied_at: row.instant("applied_at")?,
    })
}

async fn recorded(tx: &mut Transaction, namespace: &str) -> Result<Vec<AppliedMigration>, SqlError> {
    tx.fetch_all(RECORDED_SQL, &[namespace.into()]).await?.iter().map(applied).collect()
}

async fn record(
    tx: &mut Transaction,
    namespace: &str,
    name: &str,
    sequence: i64,
    now: DateTime<Utc>,
) -> Result<(), SqlError> {
    let sql = "INSERT INTO applied_migrations (namespace, name, sequence, applied_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &[namespace.into(), name.into(), sequence.into(), now.into()]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

    use super::*;
    use crate::WriteTurns;

    const FIRST: Migration = Migration { name: "0001_first", sql: "CREATE TABLE one (id BIGINT)" };
    const SECOND: Migration = Migration { name: "0002_second", sql: "CREATE TABLE two (id BIGINT)" };
    const BROKEN: Migration = Migration { name: "0003_broken", sql: "CREATE TABLE three (id BIGINT); SELEKT 1" };

    async fn database(folder: &tempfile::TempDir) -> Database {
        let options = SqliteConnectOptions::new().filename(folder.path().join("test.db")).create_if_missing(true);
        Database::Sqlite(SqlitePool::connect_with(options).await.unwrap(), WriteTurns::default())
    }

    async fn run(database: &Database, migrations: &[Migration]) -> Result<Vec<String>, MigrationError> {
        migrate(database, &[Namespace { name: "muniment.test", migrations }], Utc::now()).await
    }

    #[tokio::test]
    async fn steps_run_once_and_only_the_missing_ones() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        assert_eq!(run(&database, &[FIRST]).await.unwrap(), ["muniment.test/0001_first"]);
        assert_eq!(run(&database, &[FIRST, SECOND]).await.unwrap(), ["muniment.test/0002_second"]);
        assert!(run(&database, &[FIRST, SECOND]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn acc_231_an_older_program_is_told_so_even_where_names_differ() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        run(&database, &[FIRST, SECOND]).await.unwrap();
        let other = Migration { name: "0001_other", sql: "" };
        let error = run(&database, &[other]).await.unwrap_err();
        assert_eq!(error.kind(), "binary-older-than-db");
        let error = run(&database, &[FIRST, other]).await.unwrap_err();
        assert_eq!(error.kind(), "name-divergence-at-1");
        assert!(error.to_string().starts_with(&error.kind()), "{error}");
    }

    #[tokio::test]
    async fn acc_232_a_failing_step_leaves_nothing_of_its_tail() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        let error = run(&database, &[FIRST, BROKEN, SECOND]).await.unwrap_err();
        assert!(matches!(&error, MigrationError::Failed { index: 1, .. }), "{error}");
        assert_eq!(error.kind(), "migration-failed");
        let repaired = Migration { sql: "CREATE TABLE three (id BIGINT)", ..BROKEN };
        assert_eq!(run(&database, &[FIRST, repaired, SECOND]).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn acc_233_a_baseline_is_a_prefix_of_an_empty_namespace() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        let known = [FIRST, SECOND];
        let namespace = Namespace { name: "muniment.test", migrations: &known };
        let at = Utc::now();
        baseline(&database, &namespace, &[], at).await.unwrap();
        let kind = |result: Result<(), MigrationError>| result.unwrap_err().kind();
        assert_eq!(kind(baseline(&database, &namespace, &["0009_no"], at).await), "baseline-name-not-in-code");
        let late = baseline(&database, &namespace, &[SECOND.name], at).await;
        assert_eq!(kind(late), "baseline-name-out-of-order");
        baseline(&database, &namespace, &[FIRST.name], at).await.unwrap();
        let twice = baseline(&database, &namespace, &[FIRST.name], at).await;
        assert_eq!(kind(twice), "baseline-namespace-already-populated");
        assert_eq!(pending(&database, &namespace).await.unwrap(), ["0002_second"]);
    }

    #[tokio::test]
    async fn a_foreign_tracker_is_found_before_anything_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        database.run_script("CREATE TABLE applied_migrations (version BIGINT)").await.unwrap();
        assert_eq!(run(&database, &[FIRST]).await.unwrap_err().kind(), "old-tracker-shape");
        assert!(check_foreign_namespace("muniment.journal").is_err());
    }
}
