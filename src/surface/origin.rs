//! From where a command came: the client's address, sealed for the record, on both surfaces.

use std::net::IpAddr;

use muniment_aggregates::record::Who;
use muniment_aggregates::seal_context::SealContext;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_journal::{SealError, SubjectAlias};

use super::Surface;
use super::errors::V1Error;
use super::request::Request;
use crate::runtime::Origin;

impl Surface {
    /// The subject that seals what comes from a client nobody knows: one a day, which `muniment erase --client-day`
    /// erases.
    pub(super) async fn client_subject(&self) -> Result<SubjectId, SealError> {
        let day = SubjectAlias::client_day(self.runtime.clock.now().date_naive());
        self.runtime.journal.keyring().subject_for(day).await
    }

    /// A client's address, sealed under a subject for the metadata of a command.
    pub(super) async fn sealed_client(
        &self,
        subject: &SubjectId,
        client: Option<IpAddr>,
        correlation: &str,
    ) -> Result<Option<Sealed>, SealError> {
        let Some(address) = client else { return Ok(None) };
        let context = SealContext::client(correlation);
        let address = address.to_canonical().to_string();
        self.runtime.journal.keyring().seal(subject, &context, &address).await.map(Some)
    }

    /// The origin of a command of `/v1`, with the client's address sealed under the caller's subject, or under the day's
    /// where there is none.
    ///
    /// # Errors
    /// 401 where the caller was erased meanwhile, 503 where that was nobody by a credential; else when sealing fails.
    pub async fn origin(
        &self,
        request: &Request,
        who: Who,
        subject: Option<&SubjectId>,
        command: &'static str,
    ) -> Result<Origin, V1Error> {
        let (client, correlation) = (request.presented.client, request.correlation.as_str());
        let client = match (client, subject) {
            (None, _) => None,
            (Some(_), Some(subject)) => match self.sealed_client(subject, client, correlation).await {
                // Who came without a credential comes again as somebody new.
                Err(SealError::Erased(_)) if who != Who::Anonymous => return Err(erased(&who)),
                sealed => sealed?,
            },
            (Some(_), None) => {
                let subject = self.client_subject().await?;
                self.sealed_client(&subject, client, correlation).await?
            }
        };
        Ok(Origin { who, client, correlation: request.correlation.clone(), causation: None, surface: "http", command })
    }
}

/// Who was erased while he asked, or before his credential ended, is nobody.
fn erased(who: &Who) -> V1Error {
    let code = match who {
        Who::Agent { .. } => "invalid_token",
        Who::Account { .. } | Who::Anonymous | Who::System { .. } | Who::Operator => "invalid_session",
    };
    V1Error::refuse(401, code, "The credential is unknown, wrong or revoked.")
}
