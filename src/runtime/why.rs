//! Why somebody holds a role at a moment, or why not: answered from the recorded events alone.
//!
//! The proof of a role is the smallest set of events from which [`check`] follows it: the grant, the offer and its
//! acceptance, by what right it was offered, and so on back to the bootstrap. Only the streams concerned are read,
//! so the length of the record does not matter. [`chain`] collects, [`check`] replays, [`absence`] explains a role that is
//! not held.

mod absence;
mod chain;
mod check;
mod records;
mod telling;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use muniment_aggregates::account::{ACCOUNT_EMAIL_CLAIM, ACCOUNT_USERNAME_CLAIM};
use muniment_aggregates::ids::{AccountId, GrantId, PersonaId};
use muniment_aggregates::offer_book::GrantScope;
use muniment_aggregates::record::{Position, RecordedEvent};
use muniment_journal::Journal;

use super::fold::FoldError;
use crate::config::offers::{OfferAuthority, OffersConfig};
use records::{Evidence, Records};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Username, e-mail address or id.
    pub account: String,
    /// The role.
    pub role: String,
    /// Where; everywhere if absent.
    pub scope: Option<GrantScope>,
    /// After the event at this position.
    pub at: Position,
    /// The instant by which ends are judged.
    pub instant: DateTime<Utc>,
}

/// By what somebody may offer a role. The record does not hold the settings of its time, so those of today are tried
/// first, and where they explain nothing, every right that any setting gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferRules {
    /// Whether an administrator may offer every role.
    pub admin_may_offer: bool,
    /// Who holds the first role in a scope may offer the second in it.
    pub scoped: Vec<(String, String)>,
    /// Whether any role in a scope is enough to offer in it.
    pub any_in_scope: bool,
}

impl OfferRules {
    /// The rules of the settings.
    #[must_use]
    pub fn of(config: &OffersConfig) -> Self {
        Self {
            admin_may_offer: config.authorize == OfferAuthority::AdminOrHolder,
            scoped: config.scoped_rules.iter().map(|it| (it.holder_role.clone(), it.may_offer.clone())).collect(),
            any_in_scope: false,
        }
    }

    fn widest() -> Self {
        Self { admin_may_offer: true, scoped: Vec::new(), any_in_scope: true }
    }

    /// How directly holding one role gives the right to offer another, 0 first; `None` where it does not.
    fn rank(&self, held: (&str, Option<&GrantScope>), offered: (&str, Option<&GrantScope>)) -> Option<u8> {
        let ((held_role, held_in), (role, scope)) = (held, offered);
        match held_in {
            None if held_role == role => Some(0),
            None if held_role == "admin" && self.admin_may_offer => Some(1),
            None => None,
            Some(_) if held_in != scope => None,
            Some(_) => {
                let by_rule = self.scoped.iter().any(|(holder, offered)| holder == held_role && offered == role);
                (by_rule || self.any_in_scope).then_some(2)
            }
        }
    }
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whether the role is held.
    pub holds: bool,
    /// The account, where there is or was one.
    pub account: Option<AccountId>,
    /// The persona that holds the role.
    pub persona: Option<PersonaId>,
    /// The grant by which it does.
    pub grant: Option<GrantId>,
    /// The answer in one sentence.
    pub sentence: String,
    /// The events it rests on, in order. Of a role that is held: all that are needed, and none that is not.
    pub proof: Vec<Step>,
}

/// An event of a proof.
#[derive(Debug, Clone)]
pub struct Step {
    /// The event as it is recorded.
    pub event: Arc<RecordedEvent>,
    /// What it says.
    pub says: String,
}

/// Says what each event of a proof says.
async fn steps(records: &mut Records<'_>, proof: Vec<Evidence>) -> Result<Vec<Step>, FoldError> {
    let mut steps = Vec::with_capacity(proof.len());
    for evidence in proof {
        let says = telling::tell(records, &evidence).await?;
        steps.push(Step { event: evidence.recorded, says });
    }
    Ok(steps)
}

impl Verdict {
    fn unknown(sentence: String) -> Self {
        Self { holds: false, account: None, persona: None, grant: None, sentence, proof: Vec::new() }
    }
}

/// Answers.
///
/// # Errors
/// When the record cannot be read.
pub async fn why(journal: &Journal, rules: &OfferRules, question: &Question) -> Result<Verdict, FoldError> {
    let Some(account) = find_account(journal, &question.account).await? else {
        return Ok(Verdict::unknown(format!("There is no account {}.", question.account)));
    };
    let mut records = Records::new(journal);
    if let Some(gone) = absence::of_account(&mut records, &account, question).await? {
        return Ok(gone);
    }
    let held = chain::held_grant(&mut records, &account, question).await?;
    let Some(held) = held else { return absence::of_role(&mut records, &account, question).await };
    let mut proof = chain::prove(&mut records, &held, rules, question).await?;
    if proof.is_none() {
        proof = chain::prove(&mut records, &held, &OfferRules::widest(), question).await?;
    }
    chain::verdict(&mut records, &held, proof, question).await
}

/// The account of an id, a username or an e-mail address. An id comes first: a username may look like somebody's id.
///
/// # Errors
/// When the record cannot be read.
pub async fn find_account(journal: &Journal, named: &str) -> Result<Option<AccountId>, FoldError> {
    let name = named.trim().to_lowercase();
    let id = AccountId(name.clone());
    if Records::new(journal).birth(&id).await?.is_some() {
        return Ok(Some(id));
    }
    let claim = if name.contains('@') { ACCOUNT_EMAIL_CLAIM } else { ACCOUNT_USERNAME_CLAIM };
    let owner = journal.claim_owner(claim, &name).await?;
    Ok(owner.map(|owner| AccountId(owner.id.to_string())))
}

/// ` in <kind>:<id>`, or nothing for a role that is held everywhere.
fn place(scope: Option<&GrantScope>) -> String {
    scope.map_or_else(String::new, |scope| format!(" in {}:{}", scope.kind, scope.id))
}
