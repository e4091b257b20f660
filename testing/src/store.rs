//! The store that a reset empties: whose it is, and how it is emptied.
//!
//! **Invariant:** nothing is taken out of a store that this program did not empty before, unless it is empty.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use muniment::config::store::DatabaseConfig;
use secrecy::ExposeSecret as _;
use sqlx::Connection as _;

/// The file that marks a folder as one that this program empties.
const MARK: &str = "emptied-by-muniment-testing";

/// The same by a comment on the schema `public`.
const EMPTY_AND_MARK: &str = "DROP SCHEMA public CASCADE; CREATE SCHEMA public; \
                           COMMENT ON SCHEMA public IS 'emptied by muniment-testing'";
/// Whether it holds anything, of whatever kind, without that comment; or the URL leads to another schema.
const IS_OF_ANOTHER: &str = "SELECT COALESCE(current_schema() <> 'public', false) OR \
                             (EXISTS (SELECT 1 FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass \
                                      AND refobjid = to_regnamespace('public')) \
                              AND obj_description(to_regnamespace('public'), 'pg_namespace') \
                                  IS DISTINCT FROM 'emptied by muniment-testing')";

/// Refuses a store that holds something and that this program never emptied.
///
/// # Errors
/// That it is one, or that it cannot be looked at.
pub(crate) async fn refuse_of_another(database: &DatabaseConfig) -> Result<()> {
    match database {
        DatabaseConfig::Sqlite { directory } => {
            if !files(directory)?.is_empty() && !directory.join(MARK).exists() {
                bail!(
                    "{} holds a record that is not of this program, which begins by emptying its store; name another \
                     folder with --data-dir",
                    directory.display()
                );
            }
        }
        DatabaseConfig::Postgres { url } => {
            let mut connection = sqlx::PgConnection::connect(url.expose_secret()).await?;
            let is_of_another: bool = sqlx::query_scalar(IS_OF_ANOTHER).fetch_one(&mut connection).await?;
            connection.close().await?;
            if is_of_another {
                bail!(
                    "the database holds something that is not of this program, which begins by emptying it; give it one \
                     of its own with MUNIMENT_DATABASE_URL"
                );
            }
        }
    }
    Ok(())
}

/// Takes everything that was recorded away, and marks the store. The keys stay: they are the server's, not the record's.
///
/// # Errors
/// What the operating system or the database says.
pub(crate) async fn empty(database: &DatabaseConfig) -> Result<()> {
    match database {
        DatabaseConfig::Sqlite { directory } => {
            let mark = directory.join(MARK);
            std::fs::write(&mark, "").with_context(|| format!("{} cannot be written", mark.display()))?;
            for path in files(directory)? {
                std::fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
            }
        }
        DatabaseConfig::Postgres { url } => {
            let mut connection = sqlx::PgConnection::connect(url.expose_secret()).await?;
            sqlx::raw_sql(EMPTY_AND_MARK).execute(&mut connection).await?;
            connection.close().await?;
        }
    }
    Ok(())
}

/// The files of a store in this folder.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).context("the store cannot be listed")? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("journal.db") || name.starts_with("read.db") {
            found.push(path);
        }
    }
    Ok(found)
}
