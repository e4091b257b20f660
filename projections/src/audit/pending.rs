//! Rows of the audit view on their way into the table: who did it from the metadata, and one row where several
//! events share a key.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muniment_aggregates::ids::ID_BYTES;
use muniment_aggregates::record::Who;
use muniment_sql::Arg;

use super::describe::{Described, Label, account_key};
use crate::fact::Fact;

/// What a batch of events adds to the view.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) rows: Vec<PendingRow>,
    /// E-mails by label key.
    pub(super) labels: BTreeMap<String, String>,
    coalesced: HashMap<String, usize>,
}

/// One row of a batch.
pub(super) struct PendingRow {
    columns: [Arg<'static>; 23],
    occurrences: u64,
}

impl PendingRow {
    /// A value a column of the table, how often it happened last.
    pub(super) fn columns(self) -> [Arg<'static>; 23] {
        let mut columns = self.columns;
        let [.., occurrences] = &mut columns;
        *occurrences = self.occurrences.into();
        columns
    }
}

/// Who did it, as the table keeps it.
struct Actor {
    kind: &'static str,
    label: String,
    label_key: Option<String>,
    sealed: bool,
    account: Option<String>,
    persona: Option<String>,
    credential: Option<String>,
    credential_id: Option<String>,
}

impl Actor {
    fn nobody(kind: &'static str) -> Self {
        Self {
            kind,
            label: kind.to_owned(),
            label_key: None,
            sealed: false,
            account: None,
            persona: None,
            credential: None,
            credential_id: None,
        }
    }

    fn of(who: &Who) -> Self {
        match who {
            Who::Anonymous => Self::nobody("anonymous"),
            Who::System { .. } => Self::nobody("system"),
            Who::Operator => Self::nobody("operator"),
            Who::Account { account, persona, credential, credential_id } => Self {
                label: account.clone(),
                label_key: Some(account_key(account)),
                account: Some(account.clone()),
                persona: persona.clone(),
                credential: Some(credential.clone()),
                credential_id: Some(credential_id.clone()),
                ..Self::nobody("account")
            },
            Who::Agent { token, name, .. } => Self {
                label: name.clone(),
                credential: Some("agent_token".to_owned()),
                credential_id: Some(token.clone()),
                ..Self::nobody("agent")
            },
        }
    }

    fn labelled(mut self, label: &Label) -> Self {
        match label {
            Label::Who => {}
            Label::Clear(text) => {
                (*text).clone_into(&mut self.label);
                self.label_key = None;
            }
            Label::Email(email) => {
                email.as_str().clone_into(&mut self.label);
                self.label_key = None;
                self.sealed = true;
            }
            Label::Key(key) => self.label_key = Some(key.clone()),
        }
        self
    }
}

/// The row's own id, made from the event's hash: the same after every rebuild.
fn row_id(hash: &[u8; 32]) -> String {
    format!("audit_{}", URL_SAFE_NO_PAD.encode(&hash[..ID_BYTES]))
}

impl Pending {
    /// Adds the row of an event, or counts the event in the row of its key.
    pub(super) fn row(&mut self, fact: &Fact<'_>, described: Described) {
        if let Some(key) = &described.coalesced {
            if let Some(row) = self.coalesced.get(key).and_then(|at| self.rows.get_mut(*at)) {
                row.occurrences += 1;
                return;
            }
            self.coalesced.insert(key.clone(), self.rows.len());
        }
        let metadata = fact.metadata;
        let actor = Actor::of(&metadata.who).labelled(&described.label);
        let columns = [
            fact.position(),
            row_id(&fact.recorded.hash).into(),
            described.action.into(),
            fact.recorded.recorded_at.into(),
            described.company.map(|company| company.to_string()).into(),
            described.resource_type.into(),
            described.resource_id.into(),
            actor.kind.into(),
            actor.label.into(),
            actor.sealed.into(),
            actor.label_key.into(),
            actor.account.or(described.account).into(),
            actor.persona.into(),
            actor.credential.into(),
            actor.credential_id.into(),
            metadata.client.as_ref().map(|client| client.as_str().to_owned()).into(),
            metadata.correlation.clone().into(),
            metadata.causation.map(|position| position.0).into(),
            metadata.surface.clone().into(),
            metadata.command.clone().into(),
            described.metadata.to_string().into(),
            described.coalesced.into(),
            1_u64.into(),
        ];
        self.rows.push(PendingRow { columns, occurrences: 1 });
    }
}
