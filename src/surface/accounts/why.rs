//! Why somebody holds a role, or why not, over the network: what `muniment role why` says, without what is personal of
//! others.

use chrono::{DateTime, Utc};
use muniment_aggregates::record::Position;
use muniment_aggregates::wire;
use serde_json::json;

use super::failure::{ApiFailure, Code, Issue};
use super::rpc::{Call, Outcome};
use crate::runtime::fold::FoldError;
use crate::runtime::moment::{last_recorded_by, read_time};
use crate::runtime::why::{OfferRules, Question, Step, why};
use crate::surface::Surface;

impl Surface {
    /// One's own roles, or anybody's for an administrator.
    pub(super) async fn role_why(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let scope = self.scope_of(&call.input)?;
        let (at, instant) = self.moment_of(call).await?;
        let account = Self::readable_account(call)?;
        let question = Question { account: account.0, role: call.input.text("role").to_owned(), scope, at, instant };
        let verdict = why(&self.runtime.journal, &OfferRules::of(&self.offers), &question).await;
        let verdict = verdict.map_err(|error| match error {
            FoldError::Journal(error) => ApiFailure::from(error),
            error @ (FoldError::Undecodable { .. } | FoldError::Missing { .. } | FoldError::Panicked { .. }) => {
                ApiFailure::fault(error)
            }
        })?;
        if verdict.account.is_none() {
            return Err(ApiFailure::because(Code::NotFound, "account_not_found", "There is no such account."));
        }
        // Not the payloads: they hold what others sealed, and a password's hash.
        let shown = |step: &Step| {
            json!({
                "position": step.event.position.0,
                "recorded_at": wire::instant(step.event.recorded_at),
                "type": &*step.event.event_type,
                "says": step.says,
            })
        };
        let proof: Vec<_> = verdict.proof.iter().map(shown).collect();
        Ok(Outcome::read(json!({ "holds": verdict.holds, "sentence": verdict.sentence, "proof": proof })))
    }

    /// The moment a question is about: a position, a time, or now.
    async fn moment_of(&self, call: &Call<'_>) -> Result<(Position, DateTime<Utc>), ApiFailure> {
        let journal = &self.runtime.journal;
        let head = journal.confirm_head().await?;
        let Some(text) = call.input.optional_text("at") else { return Ok((head, self.runtime.clock.now())) };
        if let Ok(position) = text.parse() {
            let unknown = || Issue::at("at", "invalid_value", "The record has no such position.");
            let event = journal.event(Position(position)).await?;
            let event = event.ok_or_else(|| ApiFailure::issues(&[unknown()]))?;
            return Ok((event.position, event.recorded_at));
        }
        // The input was checked for being one of the two.
        let time = read_time(text).map_err(ApiFailure::fault)?;
        Ok((last_recorded_by(journal, time).await?, time))
    }
}
