//! The statements by which one change of a batch is written by itself, the same on both engines. What rides in the
//! statement of the events stands with its engine.

use muniment_aggregates::record::StreamId;
use muniment_sql::Arg;

use crate::engine::{Change, ClaimId};

const TAKE: &str = "INSERT INTO claims (scope, digest, owner_kind, owner_id, subject, position) \
    VALUES ($1, $2, $3, $4, $5, $6)";
const RELEASE: &str = "DELETE FROM claims WHERE scope = $1 AND digest = $2 AND owner_kind = $3 AND owner_id = $4";
const ERASE: [&str; 2] = ["DELETE FROM subject_keys WHERE subject = $1", "DELETE FROM claims WHERE subject = $1"];
const MAIL: &str = "INSERT INTO outbox (id, position, subject, body, created_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6)";

/// What writes this change, to be run one after the other in the batch's transaction.
pub(crate) fn statements(change: &Change) -> (&'static [&'static str], Vec<Arg<'_>>) {
    match change {
        Change::Take { claim, owner, subject, position } => {
            let subject = subject.as_ref().map(|subject| subject.0.as_str());
            let [namespace, digest, kind, id] = held(claim, owner);
            (&[TAKE], vec![namespace, digest, kind, id, subject.into(), position.0.into()])
        }
        Change::Release { claim, owner } => (&[RELEASE], held(claim, owner).into()),
        Change::Erase { subject } => (&ERASE, vec![subject.0.as_str().into()]),
        Change::Mail { mail, position, recorded_at } => (
            &[MAIL],
            vec![
                mail.id.as_str().into(),
                position.0.into(),
                mail.subject.0.as_str().into(),
                mail.body.as_str().into(),
                (*recorded_at).into(),
                mail.expires_at.into(),
            ],
        ),
    }
}

fn held<'a>(claim: &'a ClaimId, owner: &'a StreamId) -> [Arg<'a>; 4] {
    [claim.namespace.into(), claim.digest.as_slice().into(), (&*owner.kind).into(), (&*owner.id).into()]
}
