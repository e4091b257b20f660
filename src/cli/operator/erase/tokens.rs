//! Ends the agent tokens of the companies of somebody who is erased: they act in his name, under a key that is gone.

use anyhow::{Context as _, Result};
use muniment_aggregates::application::{Application, RevokeToken};
use muniment_aggregates::ids::{ApplicationId, CredentialId};
use muniment_aggregates::sealed::SubjectId;
use muniment_journal::Journal;
use muniment_projections::{OnMismatch, applications};

use crate::cli::operator::{keeper, open};
use crate::config::Config;
use crate::runtime::transaction::Transaction;
use crate::runtime::{BusError, CommandBus};

/// Tokens ended in one append, which has a bound.
const ENDED_MAX: usize = 2_000;
/// Why, in the record.
const REASON: &str = "account_erased";
/// Who, in the record, where nobody on the wire did it.
const BY: &str = "operator";

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

/// Ends what tokens these still have, as many as go into one append; how many it were.
pub(super) async fn end(tx: &mut Transaction<'_>, applications: &[ApplicationId]) -> Result<usize, BusError<String>> {
    let mut ended = 0;
    for id in applications {
        if ended >= ENDED_MAX {
            break;
        }
        let mut application = tx.load::<Application, String>(id.as_str()).await?;
        let now = tx.facts.now;
        let working = application.state.tokens().filter(|token| token.works(now)).map(|token| token.grant.id.clone());
        let working: Vec<CredentialId> = working.take(ENDED_MAX - ended).collect();
        for token in working {
            let revoke = RevokeToken { token, reason: Some(REASON.to_owned()), by: BY.to_owned() };
            tx.decide(&mut application, &revoke.into()).map_err(keeper::said)?;
            ended += 1;
        }
    }
    Ok(ended)
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
        let taken = bus.transact(&keeper::origin("erase"), async |transaction| end(transaction, &late).await).await;
        let taken = taken.map_err(|error| keeper::ended(what, error))?;
        ended += taken.value;
        if taken.appended.is_none() {
            return Ok(ended);
        }
    }
}
