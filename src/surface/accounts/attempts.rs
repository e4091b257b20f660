//! Refused attempts for the record: what an investigator will ask for is an event of its own, appended although the
//! command changed nothing.

use std::collections::BTreeMap;

use muniment_aggregates::account::ACCOUNT_USERNAME_CLAIM;
use muniment_aggregates::attempt::{Attempt, AttemptCommand, Record};
use muniment_aggregates::ids::{AccountId, PersonaId};
use muniment_aggregates::record::Position;
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::SubjectId;
use muniment_journal::SubjectAlias;
use serde_json::{Value, json};
use uuid::Uuid;

use super::failure::ApiFailure;
use super::offers::last_position;
use super::rpc::Call;
use crate::runtime::Origin;
use crate::surface::Surface;
use crate::surface::text;

/// A refused attempt, while it is put together.
#[derive(Debug, Clone, Default)]
pub(super) struct RefusedAttempt {
    /// The audit's event type.
    pub(super) what: &'static str,
    /// The account that tried, where the credential does not say.
    pub(super) account: Option<AccountId>,
    /// The account it was aimed at.
    pub(super) target_account: Option<AccountId>,
    /// The persona it was aimed at.
    pub(super) target_persona: Option<PersonaId>,
    /// What an investigator should know, nothing personal in it.
    pub(super) details: BTreeMap<String, Value>,
    /// Personal details, in clear, and whose they are where it is somebody else's than the rest; they are sealed before
    /// they are recorded.
    pub(super) personal: BTreeMap<String, (String, Option<SubjectId>)>,
}

impl RefusedAttempt {
    /// An attempt of this audit type.
    #[must_use]
    pub(super) fn of(what: &'static str) -> Self {
        Self { what, ..Self::default() }
    }

    /// Adds a detail.
    #[must_use]
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a personal detail of somebody the record knows, where it does.
    #[must_use]
    pub(super) fn personal(mut self, whose: Option<SubjectId>, key: &str, value: &str) -> Self {
        self.personal.insert(key.to_owned(), (value.to_owned(), whose));
        self
    }
}

impl Surface {
    /// Whose a name is that somebody gave who could not prove it: what is said of a person goes when the person is erased,
    /// whoever said it.
    pub(super) async fn subject_named(&self, name: &str) -> Result<Option<SubjectId>, ApiFailure> {
        if let Some(account) = self.claim_owner(ACCOUNT_USERNAME_CLAIM, name).await? {
            let account = self.account_state(&AccountId(account)).await?;
            return Ok(account.and_then(|account| account.registered().map(|it| it.subject.clone())));
        }
        match text::email(name) {
            Some(email) => Ok(self.runtime.journal.keyring().find_subject(&SubjectAlias::email(&email)).await?),
            None => Ok(None),
        }
    }

    /// Records a refused attempt. It fails as a command fails: what is refused without a record is not refused.
    ///
    /// # Errors
    /// When it cannot be sealed or recorded.
    pub(super) async fn record_refusal(
        &self,
        refusal: RefusedAttempt,
        subject: &SubjectId,
        origin: &Origin,
    ) -> Result<Option<Position>, ApiFailure> {
        let id = Uuid::new_v4().to_string();
        let mut sealed = BTreeMap::new();
        for (key, (value, whose)) in refusal.personal {
            let context = SealContext::attempt(&id, &key);
            let whose = whose.as_ref().unwrap_or(subject);
            let value = self.runtime.journal.keyring().seal(whose, &context, &value).await?;
            sealed.insert(key, value);
        }
        let record = AttemptCommand::Record(Record {
            what: refusal.what.to_owned(),
            account: refusal.account,
            target_account: refusal.target_account,
            target_persona: refusal.target_persona,
            details: refusal.details,
            sealed,
        });
        // Without an actor: nobody asks for an attempt again, and whoever guesses would fill the memory with them.
        let recorded = self.runtime.bus.transact(origin, async |tx| {
            let mut attempt = tx.begin::<Attempt>(&id);
            tx.decide(&mut attempt, &record).map(drop)
        });
        let recorded = recorded.await.map_err(ApiFailure::from_bus)?;
        Ok(last_position(recorded.appended))
    }

    /// Records a refused attempt of a call, with the type of its credential among the details.
    pub(super) async fn record_own_refusal(
        &self,
        call: &Call<'_>,
        refusal: RefusedAttempt,
    ) -> Result<Option<Position>, ApiFailure> {
        let origin = self.account_origin(call).await?;
        let refusal = refusal.with("credential_type", json!(call.caller.credential.word()));
        self.record_refusal(refusal, &call.caller.subject, &origin).await
    }
}
