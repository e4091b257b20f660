//! How what was counted again is shown: `audit verify` on claims and snapshots.

use serde_json::{Value, json};

use crate::runtime::recount::claims;
use crate::runtime::recount::snapshots;

/// The claims, for programs.
pub(super) fn claims_shown(compared: &claims::Compared) -> Value {
    let differing: Vec<Value> = compared.differences.iter().map(claim_shown).collect();
    json!({ "compared": compared.compared, "differing": differing, "more": compared.has_more })
}

fn claim_shown(found: &claims::Difference) -> Value {
    use claims::Wrong;
    let wrong = match &found.wrong {
        Wrong::Missing => "missing",
        Wrong::HeldBy(_) => "held_by_another",
        Wrong::FreedWith(_) => "freed_with_another",
        Wrong::Surplus => "surplus",
        Wrong::Sealed(_) => "sealed",
        Wrong::Unreadable(_) => "unreadable",
    };
    let held_by = match &found.wrong {
        Wrong::HeldBy(other) => Some(other.to_string()),
        Wrong::Surplus => found.owner.as_ref().map(ToString::to_string),
        Wrong::Missing | Wrong::FreedWith(_) | Wrong::Sealed(_) | Wrong::Unreadable(_) => None,
    };
    json!({
        "what": wrong,
        "told": found.to_string(),
        "scope": found.namespace,
        "key": found.key,
        "digest": hex::encode(&found.digest),
        "owner": found.position.and(found.owner.as_ref()).map(ToString::to_string),
        "held_by": held_by,
        "position": found.position.map(|position| position.to_string()),
    })
}

/// The snapshots, for programs.
pub(super) fn snapshots_shown(compared: &snapshots::Compared) -> Value {
    let differing: Vec<Value> = compared.differences.iter().map(snapshot_shown).collect();
    json!({
        "compared": compared.compared,
        "skipped": compared.skipped,
        "differing": differing,
        "more": compared.has_more,
    })
}

fn snapshot_shown(found: &snapshots::Difference) -> Value {
    use snapshots::Wrong;
    let (wrong, paths) = match &found.wrong {
        Wrong::State(paths) => ("state", paths.as_slice()),
        Wrong::Beyond => ("beyond", &[][..]),
        Wrong::Unreadable(_) => ("unreadable", &[][..]),
    };
    json!({
        "what": wrong,
        "told": found.to_string(),
        "stream": found.stream.as_ref().map(ToString::to_string),
        "sequence": found.sequence,
        "position": found.position.map(|position| position.to_string()),
        "paths": paths,
    })
}

/// Why the check failed, if it did.
pub(super) fn failure(claims: &claims::Compared, snapshots: &snapshots::Compared) -> Option<String> {
    let told = told(claims, snapshots);
    let first = told.first()?;
    Some(match told.len() {
        1 => first.clone(),
        many => format!("{first}; {many} differences in all"),
    })
}

fn told(claims: &claims::Compared, snapshots: &snapshots::Compared) -> Vec<String> {
    let of_claims = claims.differences.iter().map(ToString::to_string);
    of_claims.chain(snapshots.differences.iter().map(ToString::to_string)).collect()
}

/// The same for people.
pub(super) fn lines(claims: &claims::Compared, snapshots: &snapshots::Compared) -> Vec<String> {
    let differences = told(claims, snapshots);
    let ending = if differences.is_empty() { "all are as the record says" } else { "NOT all are as the record says" };
    let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (claimed, taken) = (counted(claims.compared, "claim"), counted(snapshots.compared, "snapshot"));
    let mut lines = vec![format!("compared: {claimed} and {taken}; {ending}")];
    if snapshots.skipped > 0 {
        let skipped = counted(snapshots.skipped, "snapshot");
        lines.push(format!("passed over: {skipped} in the form of another program, which this one does not load"));
    }
    lines.extend(differences);
    if claims.has_more || snapshots.has_more {
        lines.push("there may be others: the comparison ended after a hundred".to_owned());
    }
    lines
}
