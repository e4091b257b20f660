//! Origins of the commands of `/api`: who calls, as whom, and from where.

use std::net::IpAddr;

use muniment_aggregates::record::Who;
use muniment_aggregates::sealed::SubjectId;

use super::failure::ApiFailure;
use super::rpc::Call;
use crate::runtime::Origin;
use crate::surface::Surface;

impl Surface {
    /// The origin of a command, with the client's address sealed under a subject.
    pub(super) async fn origin_of(
        &self,
        who: Who,
        subject: &SubjectId,
        client: Option<IpAddr>,
        surface: &'static str,
        command: &'static str,
        correlation: &str,
    ) -> Result<Origin, ApiFailure> {
        let client = self.sealed_client(subject, client, correlation).await?;
        Ok(Origin { who, client, correlation: correlation.to_owned(), causation: None, surface, command })
    }

    /// The origin of a call that the audit keeps by account.
    pub(super) async fn account_origin(&self, call: &Call<'_>) -> Result<Origin, ApiFailure> {
        self.call_origin(call, None).await
    }

    /// The origin of a call that the audit keeps by persona.
    pub(super) async fn persona_origin(&self, call: &Call<'_>) -> Result<Origin, ApiFailure> {
        let persona = call.persona()?.persona.id.0.clone();
        self.call_origin(call, Some(&persona)).await
    }

    async fn call_origin(&self, call: &Call<'_>, persona: Option<&str>) -> Result<Origin, ApiFailure> {
        let caller = call.caller;
        let who = caller.who(persona);
        let (client, name) = (caller.client, call.method.name);
        self.origin_of(who, &caller.subject, client, call.surface(), name, call.correlation).await
    }
}
