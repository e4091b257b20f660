//! The presented founder session: shown, and revoked (spec/metrics.md section 4.4).

use muniment_aggregates::account::{Account, AccountCommand, CloseSession};
use muniment_aggregates::session::{Revoke, Session, SessionCommand};
use serde_json::json;

use super::Surface;
use super::errors::{V1Error, V1Refusal};
use super::input::Fields;
use super::principal::Founder;
use super::request::{Reply, Request};
use super::text;
use crate::runtime::BusError;

impl Surface {
    /// `GET /v1/auth/session`.
    pub(super) async fn show_session(&self, founder: &Founder) -> Result<Reply, V1Error> {
        let applications = self.applications_of(founder).await?;
        let companies: Vec<_> = applications
            .iter()
            .map(|it| {
                json!({
                    "company_id": it.company.as_str(),
                    "company_name": it.company_name,
                    "application_id": it.id.as_str(),
                    "status": it.status.as_str(),
                })
            })
            .collect();
        let body = json!({
            "email": self.shown_email(founder).await?,
            "account_id": founder.account.0,
            "created_at": text::instant(founder.created_at),
            "expires_at": text::instant(founder.expires_at),
            "companies": companies,
        });
        Ok(Reply::ok(body, None))
    }

    /// `POST /v1/auth/logout`.
    pub(super) async fn logout(&self, request: &mut Request, founder: &Founder) -> Result<Reply, V1Error> {
        Fields::of(request, &[], true).await?;
        let origin = self.origin(request, founder.who(), Some(&founder.subject), "revoke_session").await?;
        let committed = self
            .runtime
            .bus
            .transact(&origin, async |tx| {
                let reason = "logout".to_owned();
                let mut session = tx.load::<Session, Box<V1Refusal>>(&founder.id.0).await?;
                let revoke = SessionCommand::Revoke(Revoke { reason: reason.clone() });
                tx.decide(&mut session, &revoke).map_err(BusError::unexpected)?;
                let mut account = tx.load::<Account, Box<V1Refusal>>(&founder.account.0).await?;
                let close = AccountCommand::CloseSession(CloseSession { session: founder.id.clone(), reason });
                tx.decide(&mut account, &close).map_err(BusError::unexpected)?;
                Ok(())
            })
            .await?;
        Ok(Reply::ok(json!({"ok": true}), committed.appended.map(|appended| appended.last)))
    }
}
