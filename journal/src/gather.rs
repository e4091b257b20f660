//! Asks the database what appends must know before they are judged, many appends in one round, while the writer goes
//! on committing.

use std::collections::HashMap;
use std::sync::Arc;

use muniment_aggregates::claims::ClaimChange;
use muniment_aggregates::record::{DedupeKey, Position, StreamId};
use muniment_sql::SqlError;

use crate::admit::{ClaimStep, Submission};
use crate::append::AppendError;
use crate::core::Core;
use crate::engine::ClaimId;
use crate::seal::SealError;

/// What came back; the appends in their old order.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) submissions: Vec<Submission>,
    /// Every stream that was asked for; 0 where it has no events.
    pub(crate) versions: HashMap<StreamId, u64>,
    pub(crate) dedupe: HashMap<DedupeKey, Position>,
    /// Every claim that was asked for; `None` where it is free.
    pub(crate) holders: HashMap<ClaimId, Option<StreamId>>,
    /// Set when the database could not answer: none of the appends can be judged.
    pub(crate) failed: Option<String>,
}

/// Asks for `streams`, digests claim keys, and for careful appends asks for everything else they touch.
pub(crate) async fn gather(core: Arc<Core>, submissions: Vec<Submission>, streams: Vec<StreamId>) -> Gathered {
    let mut gathered = Gathered {
        submissions: Vec::with_capacity(submissions.len()),
        versions: streams.into_iter().map(|stream| (stream, 0)).collect(),
        dedupe: HashMap::new(),
        holders: HashMap::new(),
        failed: None,
    };
    for mut submission in submissions {
        submission.gathered = true;
        match digest(&core, &mut submission).await {
            Ok(()) => gathered.submissions.push(submission),
            Err(error) => submission.answer(Err(error)),
        }
    }
    if let Err(error) = ask(&core, &mut gathered).await {
        gathered.failed = Some(error.to_string());
    }
    gathered
}

async fn ask(core: &Core, gathered: &mut Gathered) -> Result<(), SqlError> {
    let streams: Vec<StreamId> = gathered.versions.keys().cloned().collect();
    if !streams.is_empty() {
        gathered.versions.extend(core.engine.versions(&streams).await?);
    }
    let careful = || gathered.submissions.iter().filter(|submission| submission.careful);
    let keys: Vec<DedupeKey> =
        careful().flat_map(|submission| submission.events.iter().filter_map(|event| event.dedupe)).collect();
    let claims: Vec<ClaimId> = careful()
        .flat_map(|submission| &submission.claims)
        .map(|step| match step {
            ClaimStep::Take { claim, .. } | ClaimStep::Release { claim, .. } => claim.clone(),
        })
        .collect();
    if !keys.is_empty() {
        gathered.dedupe = core.engine.find_dedupe(&keys).await?;
    }
    if !claims.is_empty() {
        let held = core.engine.claim_owners(&claims).await?;
        gathered.holders = claims.into_iter().map(|claim| (claim.clone(), held.get(&claim).cloned())).collect();
    }
    Ok(())
}

async fn digest(core: &Core, submission: &mut Submission) -> Result<(), AppendError> {
    for (owner, change) in std::mem::take(&mut submission.undigested) {
        let (namespace, key) = match &change {
            ClaimChange::Take { namespace, key } | ClaimChange::Release { namespace, key } => (*namespace, key),
        };
        let digest = core.keyring.claim_digest(namespace, key).await.map_err(|error| match error {
            // Under another master key they cannot be reached either, until this node is given it.
            SealError::Unavailable(_) | SealError::WrongMasterKey => AppendError::Unavailable(error.to_string()),
            SealError::Erased(_)
            | SealError::Malformed
            | SealError::Refused { .. }
            | SealError::BadContext(_)
            | SealError::NoRandom(_)
            | SealError::ReadOnly => AppendError::Invalid(format!("a claim of scope {namespace}: {error}")),
        })?;
        match (change, digest) {
            (ClaimChange::Take { .. }, Some(found)) => submission.claims.push(ClaimStep::Take {
                claim: ClaimId { namespace, digest: found.digest },
                owner,
                subject: found.subject,
            }),
            (ClaimChange::Release { .. }, Some(found)) => {
                submission
                    .claims
                    .push(ClaimStep::Release { claim: ClaimId { namespace, digest: found.digest }, owner });
            }
            // Erasing the subject freed the key already.
            (ClaimChange::Release { .. }, None) => {}
            (ClaimChange::Take { .. }, None) => {
                return Err(AppendError::Invalid(format!("a claim of scope {namespace} belongs to an erased subject")));
            }
        }
    }
    Ok(())
}
