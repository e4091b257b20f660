//! The read models: how far they are, rebuilding them, comparing them with a fresh replay.

use anyhow::{Context as _, Result};
use clap::{ArgGroup, Args, Subcommand};
use muniment_aggregates::record::Position;
use muniment_journal::Journal;
use muniment_projections::rebuild::{RebuildError, rebuild};
use muniment_projections::verify::{DifferenceKind, verify};
use muniment_projections::{OnMismatch, ReadStore};
use serde_json::{Value, json};

use super::open::{self, StoreFlags};
use crate::cli::exit::{self, Exit, with_next};
use crate::cli::flags::Global;
use crate::cli::interrupt::{Farewell, no_resume, resumed_by, this_command};
use crate::cli::output::Printer;
use crate::cli::progress::Progress;

/// The read models
#[derive(Debug, Subcommand)]
pub enum Projections {
    /// How far each is
    #[command(before_help = "Example:\n  muniment projections list --json")]
    List(StoreFlags),
    /// Build one anew from the record; the old one serves until the new one is ready
    #[command(
        before_help = "Examples:\n  muniment projections rebuild metrics\n  muniment projections rebuild --all",
        after_help = "Interrupted, the same command goes on where it was; with --all add --resume, or it begins again with\n\
                      the models that are done."
    )]
    Rebuild(Rebuild),
    /// Compare with a fresh replay, row for row; exit 7 when one differs
    #[command(
        before_help = "Examples:\n  muniment projections verify\n  muniment projections verify metrics --json",
        after_help = "Every run begins with the first event; what one that was cut short had replayed proves nothing and is dropped."
    )]
    Verify(Which),
}

/// Which read models.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["name", "all"]))]
pub struct Which {
    /// Its name
    name: Option<String>,
    /// All of them
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// `projections rebuild`.
#[derive(Debug, Args)]
pub struct Rebuild {
    #[command(flatten)]
    which: Which,
    /// With --all: go on with the models that any interrupted run left, one that was given a name too. A single model is always
    /// gone on with
    #[arg(long)]
    resume: bool,
}

impl Rebuild {
    /// The command that goes on with a rebuild that was cut short. Without `--resume` a run over all begins with the first.
    fn resumed(&self) -> String {
        let more = if self.which.name.is_none() && !self.resume { " --resume" } else { "" };
        format!("{}{more}", this_command())
    }
}

impl Which {
    fn names(&self, store: &ReadStore) -> Result<Vec<&'static str>> {
        let known = || store.projections().iter().map(|projection| projection.name());
        match &self.name {
            None => Ok(known().collect()),
            Some(name) => match known().find(|known| known == name) {
                Some(known) => Ok(vec![known]),
                None => {
                    let names = known().collect::<Vec<_>>().join(", ");
                    Err(Exit::NotFound.because(format!("there is no read model {name}; there are {names}")))
                }
            },
        }
    }
}

impl Projections {
    /// What is said where it is interrupted.
    #[must_use]
    pub fn farewell(&self) -> Farewell {
        match self {
            Self::Rebuild(rebuild) => resumed_by(rebuild.resumed()),
            Self::List(_) | Self::Verify(_) => no_resume(),
        }
    }
}

/// Runs one.
///
/// # Errors
/// When journal or read models cannot be used, or a verification finds a difference.
pub async fn projections(global: &Global, command: Projections) -> Result<()> {
    let printer = Printer::new(global);
    match command {
        Projections::List(store) => list(&printer, &store).await,
        Projections::Rebuild(command) => {
            if command.which.name.is_none() && !command.which.all {
                return Err(Exit::Usage.because("name a read model, or add --all"));
            }
            rebuild_all(global, &printer, &command).await
        }
        Projections::Verify(which) => verify_all(global, &printer, &which).await,
    }
}

async fn list(printer: &Printer, store: &StoreFlags) -> Result<()> {
    let config = store.load()?.config;
    let journal = open::reading(&config).await?;
    let store = open::read_models(&config, &journal, OnMismatch::Refuse).await?;
    let head = journal.head();
    let models: Vec<Value> = store
        .checkpoints()
        .await?
        .iter()
        .map(|model| {
            json!({
                "name": model.name,
                "version": model.version,
                "purpose": model.purpose.as_str(),
                "position": model.position.to_string(),
                "behind": head.0.saturating_sub(model.position.0),
                "stopped_by": model.stopped_by.as_ref().map(ToString::to_string),
            })
        })
        .collect();
    let shown = json!({ "head": head.to_string(), "projections": models });
    printer.list(&shown, &models, &["name", "version", "purpose", "position", "behind", "stopped_by"])
}

/// The journal's pages, in the form that rebuilding asks for.
fn pages(journal: &Journal) -> impl Fn(Position, usize) -> ReadPage + use<> {
    let journal = journal.clone();
    move |after, limit| {
        let journal = journal.clone();
        Box::pin(async move {
            let page = journal.read(after, limit).await?;
            if !page.is_empty() {
                return Ok(page);
            }
            // A server beside us may have recorded more since the record was opened, and folded it.
            journal.confirm_head().await?;
            journal.read(after, limit).await
        })
    }
}

type Page = Result<Vec<std::sync::Arc<muniment_aggregates::record::RecordedEvent>>, muniment_journal::JournalError>;
type ReadPage = std::pin::Pin<Box<dyn Future<Output = Page>>>;

/// The models to rebuild: those that are named, or those that an interrupted run left where it is to be gone on with.
async fn to_rebuild(printer: &Printer, store: &ReadStore, command: &Rebuild) -> Result<Vec<&'static str>> {
    if command.which.name.is_none() && command.resume {
        let left = store.unfinished_rebuilds().await?;
        if !left.is_empty() {
            printer.message(&format!("goes on with what an interrupted run left: {}", left.join(", ")));
            return Ok(left);
        }
    }
    command.which.names(store)
}

async fn rebuild_all(global: &Global, printer: &Printer, command: &Rebuild) -> Result<()> {
    let config = command.which.store.load()?.config;
    let journal = open::reading(&config).await?;
    let store = open::read_models(&config, &journal, OnMismatch::Reset).await?;
    let names = to_rebuild(printer, &store, command).await?;
    let mut rebuilt = Vec::new();
    for (done, name) in names.iter().copied().enumerate() {
        let projection = store.projection(name).with_context(|| format!("{name} is gone"))?;
        // Those behind it too, by which the next run sees what this one was not done with; an erasure drops them.
        store.begin_rebuilds(names.get(done..).unwrap_or_default()).await?;
        // A model that is behind is built up to the head, not to where it happened to be.
        open::catch_up(&journal, &store, projection.as_ref()).await.unwrap_or_else(|error| {
            printer.message(&format!("{name}: the old tables stay where they are: {error}"));
        });
        let progress = Progress::new(global, format!("rebuild {name}"));
        let position = rebuild(&store, name, pages(&journal), &|at| progress.at(at.position.0, at.target.0)).await;
        let position = position.map_err(|error| {
            let what = format!("{name} was not rebuilt; the old tables still serve");
            let error = anyhow::Error::new(error);
            with_next(exit::of(&error).because_of(what, error), format!("`{}` goes on", command.resumed()))
        })?;
        progress.done(position.0, &format!("{name}: rebuilt, position {position}"));
        rebuilt.push(json!({ "name": name, "position": position.to_string() }));
    }
    printer.result(&json!({ "rebuilt": rebuilt }), Vec::new)
}

/// Who was only outrun by what others record may try again.
fn not_verified(name: &str, error: RebuildError) -> anyhow::Error {
    let what = format!("{name} was not verified");
    match error {
        RebuildError::NoCommonMoment { .. } => Exit::Unavailable.because_of(what, error),
        _ => anyhow::Error::new(error).context(what),
    }
}

async fn verify_all(global: &Global, printer: &Printer, which: &Which) -> Result<()> {
    let config = which.store.load()?.config;
    let journal = open::reading(&config).await?;
    let store = open::read_models(&config, &journal, OnMismatch::Refuse).await?;
    let _alone =
        store.try_verifying().await.context("it cannot be said that read models are verified")?.ok_or_else(|| {
            let what = "another `muniment projections verify` is at work on these read models";
            with_next(Exit::Unavailable.because(what), "the same command once that one has ended")
        })?;
    let (mut models, mut lines, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for name in which.names(&store)? {
        let progress = Progress::new(global, format!("verify {name}"));
        let done = verify(&store, name, pages(&journal), &|at| progress.at(at.position.0, at.target.0)).await;
        drop(progress);
        let found = done.map_err(|error| not_verified(name, error))?;
        let differences: Vec<Value> = found
            .differences
            .iter()
            .map(|difference| {
                let kind = match difference.kind {
                    DifferenceKind::Missing => "missing",
                    DifferenceKind::Surplus => "surplus",
                    DifferenceKind::Altered => "altered",
                };
                lines.push(format!("{name}: {kind} row {} in {}", difference.key, difference.table));
                json!({ "table": difference.table, "key": difference.key, "kind": kind })
            })
            .collect();
        let unlisted = found.differing.saturating_sub(u64::try_from(differences.len())?);
        if unlisted > 0 {
            lines.push(format!("{name}: and {unlisted} more"));
        }
        if differences.is_empty() {
            lines.push(format!("{name}: {} rows as a replay to position {} makes them", found.rows, found.position));
        } else {
            wrong.push(name);
        }
        let position = found.position.to_string();
        let mut model = json!({ "name": name, "position": position, "rows": found.rows, "differences": differences });
        model["differing"] = json!(found.differing);
        models.push(model);
    }
    let ended = if wrong.is_empty() {
        Ok(())
    } else {
        let what = format!("{} differ; `muniment projections rebuild <name>` builds them anew", wrong.join(", "));
        Err(Exit::CheckFailed.because(what))
    };
    printer.verdict(&json!({ "ok": wrong.is_empty(), "projections": models }), || lines, ended)
}

#[cfg(test)]
mod tests {
    use muniment_aggregates::record::Position;

    use super::*;
    use crate::cli::exit;

    #[test]
    fn who_was_outrun_by_what_others_record_may_try_again() {
        let outrun = RebuildError::NoCommonMoment { name: "points", live_at: Some(Position(7)) };
        let outrun = not_verified("points", outrun);
        assert_eq!(exit::of(&outrun), Exit::Unavailable);
        assert_eq!(outrun.to_string(), "points was not verified");
        let hole = RebuildError::Gap { before: Position(3), found: Position(5) };
        assert_eq!(exit::of(&not_verified("points", hole)), Exit::Failure);
    }
}
