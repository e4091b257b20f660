//! Who asks, from where and in what course of events: what becomes the metadata of every event recorded.

use std::sync::Arc;

use muniment_aggregates::record::{Metadata, Position, Who};
use muniment_aggregates::sealed::Sealed;

/// The circumstances of one command.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Who asks.
    pub who: Who,
    /// Client address, already sealed.
    pub client: Option<Sealed>,
    /// Correlation id of the request.
    pub correlation: String,
    /// Position of the event this reacts to, for policies.
    pub causation: Option<Position>,
    /// `http`, `ws` (a socket of `/api`), `cli` or `policy`.
    pub surface: &'static str,
    /// Name of the command, for example `record_points`.
    pub command: &'static str,
}

impl Origin {
    /// A policy or the scheduler acting for the installation.
    #[must_use]
    pub fn system(component: &str, command: &'static str, causation: Option<Position>) -> Self {
        Self {
            who: Who::System { component: component.to_owned() },
            client: None,
            correlation: uuid::Uuid::new_v4().to_string(),
            causation,
            surface: "policy",
            command,
        }
    }

    /// The stored form, shared by all events of the command.
    #[must_use]
    pub fn to_metadata(&self) -> Arc<str> {
        let metadata = Metadata {
            who: self.who.clone(),
            client: self.client.clone(),
            correlation: self.correlation.clone(),
            causation: self.causation,
            surface: self.surface.to_owned(),
            command: self.command.to_owned(),
        };
        #[expect(clippy::expect_used, reason = "plain texts and numbers under texts: no serialising of them fails")]
        let text = serde_json::to_string(&metadata).expect("metadata is plain data");
        Arc::from(text)
    }
}
