//! `role why`: one sentence, then the events it rests on.

use anyhow::{Context as _, Result};
use chrono::Utc;
use clap::Args;
use muniment_aggregates::offer_book::GrantScope;
use muniment_aggregates::record::Position;
use muniment_aggregates::wire;
use serde_json::json;

use super::scope;
use crate::cli::exit::{self, Exit};
use crate::cli::flags::Global;
use crate::cli::operator::audit::event::as_json;
use crate::cli::operator::moment::{Moment, last_position, moment};
use crate::cli::operator::open::{self, StoreFlags};
use crate::cli::output::Printer;
use crate::runtime::why::{OfferRules, Question, Step, why as answer};

/// What a proof from a few streams leaves open: an event that nothing follows in its stream leaves no gap there.
const WHOLE_RECORD: &str = "Whether an event was removed from the end of a stream, `muniment audit verify` alone says.";

/// `role why`.
#[derive(Debug, Args)]
pub struct Why {
    /// Username, e-mail address or account id
    account: String,
    /// The role
    role: String,
    /// Where it is held [default: everywhere]
    #[arg(long, value_name = "KIND:ID", value_parser = scope)]
    scope: Option<GrantScope>,
    /// The moment, right after what it names: a position, or a time as lists show it [default: now]
    #[arg(long, value_name = "POSITION|TIME", value_parser = moment)]
    at: Option<Moment>,
    /// Ask why the account does not hold it
    #[arg(long)]
    not: bool,
    #[command(flatten)]
    store: StoreFlags,
}

/// Answers. Ends as a failed check when it is otherwise than the question assumes.
pub(super) async fn why(global: &Global, command: &Why) -> Result<()> {
    let config = command.store.load()?.config;
    let journal = open::reading(&config).await?;
    let at = last_position(&journal, command.at).await?;
    let instant = match command.at {
        None => Utc::now(),
        Some(Moment::Time(time)) => time,
        Some(Moment::Position(Position::START)) => Utc::now(),
        Some(Moment::Position(_)) => {
            let missing = || Exit::NotFound.because(format!("there is no position {at}"));
            journal.event(at).await?.ok_or_else(missing)?.recorded_at
        }
    };
    let question = Question {
        account: command.account.clone(),
        role: command.role.clone(),
        scope: command.scope.clone(),
        at,
        instant,
    };
    let verdict = answer(&journal, &OfferRules::of(&config.offers), &question).await;
    let verdict = verdict.map_err(exit::unfolded).context("the record cannot be asked")?;
    let in_full = |step: &Step| {
        let mut shown = as_json(&step.event);
        shown["says"] = json!(step.says);
        shown
    };
    let proof: Vec<_> = verdict.proof.iter().map(in_full).collect();
    let registered = config.registries.role(&command.role).is_some();
    let shown = json!({
        "holds": verdict.holds,
        "sentence": verdict.sentence,
        "role": command.role,
        "registered": registered,
        "scope_kind": command.scope.as_ref().map(|scope| &scope.kind),
        "scope_id": command.scope.as_ref().map(|scope| &scope.id),
        "at": at.to_string(),
        "account_id": verdict.account,
        "actor_id": verdict.persona,
        "role_grant_id": verdict.grant,
        "proof": proof,
    });
    let lines = || {
        let events = verdict.proof.iter().map(line);
        let known = config.registries.role_names().join(", ");
        let note = format!("The setting `roles` names no role {}; there are {known}.", command.role);
        let note = (!registered).then_some(note);
        let rest = verdict.account.is_some().then(|| WHOLE_RECORD.to_owned());
        std::iter::once(verdict.sentence.clone()).chain(note).chain(events).chain(rest).collect()
    };
    let ended = match (verdict.holds, command.not) {
        // Of nobody it is not so that he does not hold it: --not would take a mistyped name for a proof.
        _ if verdict.account.is_none() => {
            let nobody = Exit::NotFound.because("the role cannot be looked for");
            Err(exit::with_next(nobody, "`muniment account list` names the accounts"))
        }
        (true, false) | (false, true) => Ok(()),
        (false, false) => Err(Exit::CheckFailed.because("the role is not held; --not asks why")),
        (true, true) => Err(Exit::CheckFailed.because("the role is held")),
    };
    Printer::new(global).verdict(&shown, lines, ended)
}

fn line(step: &Step) -> String {
    let (event, says) = (&step.event, &step.says);
    let time = wire::instant(event.recorded_at);
    format!("{:>8}  {time}  {:<18}  {says}", event.position.0, event.event_type)
}
