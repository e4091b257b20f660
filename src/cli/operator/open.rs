//! Opens the record of the configuration, on a stopped server's store or beside a running one.

use anyhow::Result;
use clap::Args;
use muniment_aggregates::record::Position;
use muniment_journal::{Journal, KeyRingError, OpenError, SealError};
use muniment_projections::{Advance, AskHead, OnMismatch, Projection, ReadStore};

use crate::app::{journal_config, read_store_config};
use crate::cli::exit::{Exit, with_next};
use crate::config::{Config, Loaded, Surroundings};
use crate::runtime::limits::PAGE_EVENTS;

/// Where the record is, where it is not where the settings say.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreFlags {
    /// Folder of the keys and, with the embedded default, of the record
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// sqlite:<folder> or postgres://… [MUNIMENT_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl StoreFlags {
    /// The settings with these flags on top.
    ///
    /// # Errors
    /// When a flag bears a password, which everyone on this machine would see in the list of processes.
    pub fn surroundings(&self) -> Result<Surroundings> {
        if self.database.as_deref().is_some_and(has_password) {
            let refused =
                Exit::Usage.because("--database is refused with a password: flags are visible to everyone here");
            return Err(with_next(refused, "set MUNIMENT_DATABASE_URL, or name a file in MUNIMENT_DATABASE_URL_FILE"));
        }
        let surroundings = Surroundings::of_process();
        Ok(surroundings.flag("data_dir", "--data-dir", self.data_dir.clone()).flag(
            "database_url",
            "--database",
            self.database.clone(),
        ))
    }

    /// The settings, read.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(&self) -> Result<Loaded> {
        Ok(Config::load(&self.surroundings()?)?)
    }
}

/// Whether a database's URL holds a password.
fn has_password(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(name, _)| matches!(&*name, "password" | "sslpassword"))
    })
}

/// What to do where the database does not answer.
pub const DATABASE_AWAY: &str = "start the database, or name another with --database; `muniment config show --origin`";

/// What to do where the master key is another one.
pub const WRONG_MASTER_KEY: &str = "give the one of the newest rotation, or of the copy you keep: `muniment config show --origin` \
                                    names where keys_dir and master_key come from";

/// Whether a record did not open because the master key is another than the one that wrapped the stored keys.
pub const fn is_wrong_master_key(error: &OpenError) -> bool {
    matches!(error, OpenError::KeyRing(KeyRingError::Seal(SealError::WrongMasterKey)))
}

/// How a command ends that cannot open the record: whatever may be over on another try is worth one.
pub fn ended(error: OpenError) -> anyhow::Error {
    let (exit, next) = match &error {
        OpenError::NoRecord(_) => (
            Exit::NotFound,
            Some(
                "`muniment serve` makes one; name another with --data-dir or --database; \
                 `muniment config show --origin`",
            ),
        ),
        OpenError::Locked(_) => (Exit::Unavailable, Some("stop the server, then the same command again")),
        OpenError::Sql(error) if error.is_driver() => (Exit::Unavailable, Some(DATABASE_AWAY)),
        error if is_wrong_master_key(error) => (Exit::Failure, Some(WRONG_MASTER_KEY)),
        OpenError::Folder { .. }
        | OpenError::Schema(_)
        | OpenError::SchemaBehind(_)
        | OpenError::Unsafe(_)
        | OpenError::Unsuitable(_)
        | OpenError::Key(_)
        | OpenError::KeyRing(_)
        | OpenError::Sql(_) => (Exit::Failure, None),
    };
    let ended = exit.because_of("the record cannot be opened", error);
    match next {
        Some(next) => with_next(ended, next),
        None => ended,
    }
}

/// The journal, for reading.
///
/// # Errors
/// When there is none, or the keys do not fit.
pub async fn reading(config: &Config) -> Result<Journal> {
    Journal::open_read_only(journal_config(&config.store)).await.map_err(ended)
}

/// The journal, for writing. Nobody else may have a SQLite record open.
///
/// # Errors
/// When there is none, it cannot be opened, or a server has it.
pub async fn writing(config: &Config) -> Result<Journal> {
    Journal::open_existing(journal_config(&config.store)).await.map_err(ended)
}

/// The journal, for writing; where there is none, one is made. Only for what a record may begin with: elsewhere a wrong
/// folder would be answered as if nothing had ever happened in it.
///
/// # Errors
/// When it cannot be opened, or a server has it.
pub async fn making(config: &Config) -> Result<Journal> {
    let opened = match Journal::open_existing(journal_config(&config.store)).await {
        Err(OpenError::NoRecord(_)) => Journal::open(journal_config(&config.store)).await,
        opened => opened,
    };
    opened.map_err(ended)
}

/// The read models. A server beside us may be further than the head we have seen, so only another record counts as
/// a mismatch here.
///
/// # Errors
/// When they belong to another record and that is to be refused, or the database fails.
pub async fn read_models(config: &Config, journal: &Journal, on_mismatch: OnMismatch) -> Result<ReadStore> {
    let mut wanted = read_store_config(&config.store, journal, on_mismatch);
    wanted.head = AskHead::at(Position(i64::MAX.unsigned_abs()));
    Ok(ReadStore::open(wanted).await?)
}

/// Brings one read model to the head; a server that does the same at the same time is no harm.
///
/// # Errors
/// When an event stops it, or journal or database fail.
pub async fn catch_up(journal: &Journal, store: &ReadStore, projection: &dyn Projection) -> Result<()> {
    let live = store.live().await?;
    let mut at =
        live.iter().find(|model| model.name == projection.name()).map_or(Position::START, |model| model.position);
    while at < journal.head() {
        let page = journal.read(at, PAGE_EVENTS).await?;
        if page.is_empty() {
            return Ok(());
        }
        at = match store.advance(projection, &page).await? {
            Advance::Moved(position) | Advance::Ahead(position) | Advance::Behind(position) => position,
        };
    }
    Ok(())
}
