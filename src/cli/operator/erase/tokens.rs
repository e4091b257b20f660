//! The companies of somebody who is erased, looked up and looked up again, whose agent tokens end.

use anyhow::{Context as _, Result};
use muniment_aggregates::ids::ApplicationId;
use muniment_aggregates::sealed::SubjectId;
use muniment_journal::Journal;
use muniment_projections::{OnMismatch, applications};

use crate::cli::operator::{keeper, open};
use crate::config::Config;
use crate::runtime::CommandBus;
use crate::runtime::accounts::erase;

/// The applications of a founder.
pub(super) async fn applications_of(
    config: &Config,
    journal: &Journal,
    subject: &SubjectId,
) -> Result<Vec<ApplicationId>> {
    let store = open::read_models(config, journal, OnMismatch::Refuse).await?;
    // A server beside us records too.
    journal.confirm_head().await.context("the head of the record cannot be read")?;
    open::catch_up(journal, &store, &applications::Applications).await?;
    let found = applications::of_founder(&store, subject).await?;
    Ok(found.into_iter().map(|row| row.id).collect())
}

/// Ends what was made after the applications were looked up, and what one append could not hold; how many it were. `what` says
/// what stands where that is cut short.
pub(super) async fn end_late(
    config: &Config,
    journal: &Journal,
    bus: &CommandBus,
    subject: &SubjectId,
    what: &str,
) -> Result<usize> {
    let mut ended = 0;
    loop {
        let late = applications_of(config, journal, subject).await.map_err(|error| keeper::cut_short(what, error))?;
        let done = erase::end_tokens(bus, &late).await.map_err(|error| keeper::ended(what, error))?;
        ended += done.value;
        if done.appended.is_none() {
            return Ok(ended);
        }
    }
}
