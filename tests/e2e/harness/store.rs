//! Where a server keeps its record, and a look into it past the server: for byte searches and for tampering.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use muniment_testkit::{Cluster, ScratchDatabase};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};

use super::runtime;

/// The stores that a test wrote to behind a server's back: what it did there need not make sense.
static TOUCHED: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// The record of one installation.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Sqlite { folder: PathBuf },
    Postgres { url: ScratchDatabase },
}

impl Store {
    pub(crate) fn new(engine: Engine, folder: &Path) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite { folder: folder.to_path_buf() },
            Engine::Postgres => Self::Postgres { url: Cluster::shared().scratch_database() },
        }
    }

    /// Runs a statement on the journal's database behind the server's back.
    pub(crate) fn execute(&self, sql: &str) {
        self.execute_in("journal.db", sql);
    }

    /// The same on the read models' database.
    pub(crate) fn execute_on_read_models(&self, sql: &str) {
        self.execute_in("read.db", sql);
    }

    /// Ends what others have open in the database, where it is a server's.
    pub(crate) fn end_connections(&self) {
        if let Self::Postgres { .. } = self {
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
        }
    }

    /// Has the read models' database refuse what is written into a table where this is so of the new row, until
    /// [`Store::let_go`].
    pub(crate) fn hold(&self, table: &str, when: &str) {
        self.execute_on_read_models(&match self {
            Self::Sqlite { .. } => ["INSERT", "UPDATE"]
                .map(|verb| {
                    format!(
                        "CREATE TRIGGER held_{verb} BEFORE {verb} ON {table} WHEN {when} \
                         BEGIN SELECT RAISE(ABORT, 'held'); END;"
                    )
                })
                .concat(),
            Self::Postgres { .. } => format!(
                "CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'held'; END $$; \
                 CREATE TRIGGER held BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({when}) \
                 EXECUTE FUNCTION held()"
            ),
        });
    }

    /// Ends [`Store::hold`].
    pub(crate) fn let_go(&self, table: &str) {
        self.execute_on_read_models(&match self {
            Self::Sqlite { .. } => "DROP TRIGGER held_INSERT; DROP TRIGGER held_UPDATE".to_owned(),
            Self::Postgres { .. } => format!("DROP TRIGGER held ON {table}; DROP FUNCTION held()"),
        });
    }

    /// Has the read models' database count from now on what is written into a table, also what then changes no row: see
    /// [`Store::noted`].
    pub(crate) fn note(&self, table: &str) {
        self.execute_on_read_models("CREATE TABLE noted (n BIGINT)");
        self.execute_on_read_models(&match self {
            Self::Sqlite { .. } => {
                format!("CREATE TRIGGER noting BEFORE INSERT ON {table} BEGIN INSERT INTO noted VALUES (1); END")
            }
            Self::Postgres { .. } => format!(
                "CREATE FUNCTION noting() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN INSERT INTO noted VALUES (1); RETURN NEW; END $$; \
                 CREATE TRIGGER noting BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION noting()"
            ),
        });
    }

    /// How many writes were counted since [`Store::note`].
    pub(crate) fn noted(&self) -> u32 {
        self.texts_of_read_models("SELECT CAST(COUNT(*) AS TEXT) FROM noted")[0].parse().unwrap()
    }

    /// Whether a test wrote to it behind a server's back.
    pub(crate) fn is_touched(&self) -> bool {
        TOUCHED.lock().unwrap().as_ref().is_some_and(|touched| touched.contains(&self.place()))
    }

    fn place(&self) -> String {
        match self {
            Self::Sqlite { folder } => folder.display().to_string(),
            Self::Postgres { url } => url.to_string(),
        }
    }

    fn execute_in(&self, file: &str, sql: &str) {
        TOUCHED.lock().unwrap().get_or_insert_default().insert(self.place());
        match self {
            Self::Sqlite { folder } => {
                let file = folder.join(file);
                runtime().block_on(async {
                    let pool = open(&file).await;
                    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
                    pool.close().await;
                });
            }
            Self::Postgres { .. } => drop(self.texts(sql)),
        }
    }

    /// The first column, which must be text, of every row.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite { folder } => sqlite_texts(&folder.join("journal.db"), sql),
            Self::Postgres { url } => Cluster::psql_at(url, sql).lines().map(str::to_owned).collect(),
        }
    }

    /// The same of the read models' database.
    pub(crate) fn texts_of_read_models(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite { folder } => sqlite_texts(&folder.join("read.db"), sql),
            Self::Postgres { .. } => self.texts(sql),
        }
    }

    /// Every column as `table.column`, those of a migration tool of an engine left out.
    pub(crate) fn columns(&self) -> Vec<String> {
        match self {
            Self::Sqlite { folder } => ["journal.db", "read.db"]
                .iter()
                .flat_map(|file| {
                    let sql = "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c \
                               WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%'";
                    sqlite_texts(&folder.join(file), sql)
                })
                .collect(),
            Self::Postgres { .. } => self.texts(
                "SELECT table_name || '.' || column_name FROM information_schema.columns \
                 WHERE table_schema NOT IN ('pg_catalog', 'information_schema')",
            ),
        }
    }

    /// What its tables are made of, sorted: every column with whether it may be null, and every index with its columns, and
    /// whether it is unique and of some rows only. A read model's table has no number of its generation here.
    pub(crate) fn schema(&self) -> Vec<String> {
        let told = match self {
            Self::Sqlite { folder } => {
                ["journal.db", "read.db"].map(|file| sqlite_texts(&folder.join(file), SQLITE_SCHEMA)).concat()
            }
            Self::Postgres { .. } => self.texts(POSTGRES_SCHEMA),
        };
        let mut schema: Vec<String> = told.iter().map(|line| without_generation(line)).collect();
        schema.sort();
        schema.dedup();
        schema
    }

    /// How many events of a type are recorded; `%` stands for any.
    pub(crate) fn count(&self, event_type: &str) -> usize {
        let sql = format!(
            "SELECT CAST(COUNT(*) AS TEXT) FROM events \
             WHERE event_type LIKE '{event_type}' AND aggregate_type <> 'scheduler'"
        );
        self.texts(&sql)[0].parse().unwrap()
    }

    /// Edits the payload of every event of a type behind the server's back, without mending the hash chain.
    pub(crate) fn rewrite(&self, event_type: &str, edit: impl Fn(&mut serde_json::Value)) {
        let row = "CAST(position AS TEXT) || ' ' || CAST(payload AS TEXT)";
        for text in self.texts(&format!("SELECT {row} FROM events WHERE event_type = '{event_type}'")) {
            let (position, payload) = text.split_once(' ').unwrap();
            let mut payload = serde_json::from_str(payload).unwrap();
            edit(&mut payload);
            let quoted = payload.to_string().replace('\'', "''");
            self.execute(&format!("UPDATE events SET payload = '{quoted}' WHERE position = {position}"));
        }
        self.execute("DELETE FROM snapshots");
    }

    /// What [`Store::bytes`] gives, without the files whose whole purpose is to hold a key.
    pub(crate) fn bytes_without_keys(&self) -> Vec<u8> {
        match self {
            Self::Sqlite { folder } => bytes_of_files(folder, &|path| {
                !["master.key", "daemon_token"].iter().any(|key| path.file_name().is_some_and(|name| name == *key))
            }),
            Self::Postgres { .. } => self.bytes(),
        }
    }

    /// Everything stored, as bytes: the files of the folder, and a dump of the database where there is one.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Sqlite { folder } => folder_bytes(folder),
            Self::Postgres { url } => Cluster::dump_of(url),
        }
    }
}

/// A session of somebody else, with what it did in a transaction that stays open.
pub(crate) enum OpenTransaction {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl OpenTransaction {
    /// On PostgreSQL.
    pub(crate) fn begin(url: &str, sql: &str) -> Self {
        runtime().block_on(async {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(&format!("BEGIN; {sql}")).execute(&mut connection).await.unwrap();
            Self::Postgres(connection)
        })
    }

    /// On a file of SQLite, beside which nobody writes to it.
    pub(crate) fn locking(file: &Path) -> Self {
        runtime().block_on(async {
            let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(10));
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            Self::Sqlite(connection)
        })
    }

    /// One that nothing is recorded beside.
    pub(crate) fn before_appends(store: &Store) -> Self {
        match store {
            Store::Sqlite { folder } => Self::locking(&folder.join("journal.db")),
            Store::Postgres { url } => Self::begin(url, "UPDATE journal_head SET position = position"),
        }
    }

    /// Ends it with this statement.
    pub(crate) fn end(self, with: &str) {
        runtime().block_on(async {
            match self {
                Self::Sqlite(mut connection) => sqlx::raw_sql(with).execute(&mut connection).await.map(drop),
                Self::Postgres(mut connection) => sqlx::raw_sql(with).execute(&mut connection).await.map(drop),
            }
            .unwrap();
        });
    }
}

/// A key of one number is no index there, so keys are read from the columns.
const SQLITE_SCHEMA: &str = "WITH tables AS (SELECT name FROM sqlite_master \
        WHERE type = 'table' AND name NOT LIKE 'sqlite_%'), \
    keys AS (SELECT t.name AS name, (SELECT group_concat(name, ',') FROM \
        (SELECT c.name FROM pragma_table_info(t.name) c WHERE c.pk > 0 ORDER BY c.pk)) AS columns FROM tables t) \
    SELECT t.name || '.' || c.name || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE ' null' END \
        FROM tables t, pragma_table_info(t.name) c \
    UNION ALL SELECT name || ' (' || columns || ') unique' FROM keys WHERE columns IS NOT NULL \
    UNION ALL SELECT t.name || ' (' || (SELECT group_concat(name, ',') FROM \
        (SELECT COALESCE(c.name, '?') AS name FROM pragma_index_info(l.name) c ORDER BY c.seqno)) || ')' \
        || CASE l.\"unique\" WHEN 1 THEN ' unique' ELSE '' END || CASE l.partial WHEN 1 THEN ' partial' ELSE '' END \
        FROM tables t, pragma_index_list(t.name) l WHERE l.origin <> 'pk'";
const POSTGRES_SCHEMA: &str = "SELECT t.relname || '.' || a.attname \
        || CASE WHEN a.attnotnull THEN ' not null' ELSE ' null' END \
        FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_namespace s ON s.oid = t.relnamespace \
        WHERE s.nspname = 'public' AND t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped \
    UNION ALL SELECT t.relname || ' (' || (SELECT string_agg(COALESCE(a.attname, '?'), ',' ORDER BY k.place) \
        FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k(number, place) \
        LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number AND k.number > 0 \
        WHERE k.place <= i.indnkeyatts) || ')' \
        || CASE WHEN i.indisunique THEN ' unique' ELSE '' END \
        || CASE WHEN i.indpred IS NULL THEN '' ELSE ' partial' END \
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace \
        WHERE s.nspname = 'public'";

/// `points_v1_g0.id` as `points_v1.id`, and so of an index of that table.
fn without_generation(line: &str) -> String {
    let end = line.find(['.', ' ']).unwrap_or(line.len());
    let (table, rest) = line.split_at(end);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = table.rsplit_once("_g").filter(|(_, generation)| is_number(generation)).map_or(table, |(name, _)| name);
    format!("{plain}{rest}")
}

fn sqlite_texts(file: &Path, sql: &str) -> Vec<String> {
    runtime().block_on(async {
        let pool = open(file).await;
        let rows = sqlx::query(sql).fetch_all(&pool).await.unwrap();
        pool.close().await;
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    })
}

async fn open(file: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(10));
    SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap()
}

/// All files under a folder, one after the other.
pub(crate) fn folder_bytes(folder: &Path) -> Vec<u8> {
    bytes_of_files(folder, &|_| true)
}

fn bytes_of_files(folder: &Path, is_wanted: &impl Fn(&Path) -> bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(bytes_of_files(&path, is_wanted));
        } else if is_wanted(&path) {
            bytes.extend(std::fs::read(&path).unwrap());
        }
    }
    bytes
}
