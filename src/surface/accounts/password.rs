//! Changing a password (spec/accounts-and-offers.md section 3.11).

use muniment_aggregates::account::{Account, AccountEvent, AccountRefusal, ChangePassword};
use muniment_aggregates::ids::AccountId;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use serde_json::json;
use zeroize::Zeroizing;

use super::attempts::RefusedAttempt;
use super::caller::Caller;
use super::failure::{ApiFailure, RestFailure};
use super::login::{Requester, invalid_credentials};
use super::own::of_own_account;
use super::rest::RestReply;
use super::schema::Input;
use crate::runtime::BusError;
use crate::runtime::accounts::make::seal_password;
use crate::surface::Surface;
use crate::surface::limits::{Window, client_prefix, sign_in_key};

impl Surface {
    /// `POST /api/account/password`.
    pub(super) async fn change_password(
        &self,
        caller: &Caller,
        input: &Input,
        from: &Requester<'_>,
    ) -> Result<RestReply, RestFailure> {
        let address = client_prefix(from.client);
        let limits = (self.limits.login_ip, self.limits.login_account);
        let by_address =
            self.windows.enter(Window::LoginAddress, &address, limits.0).await.map_err(ApiFailure::limited)?;
        let key = sign_in_key(&caller.account);
        let by_account = self.windows.enter(Window::LoginAccount, &key, limits.1).await.map_err(ApiFailure::limited)?;
        let origin = self
            .origin_of(caller.who(None), &caller.subject, from.client, "http", "password_change", from.correlation)
            .await?;
        let found = self.found(caller.account.clone()).await?;
        let given = Zeroizing::new(input.text("current_password").to_owned());
        let stored = found.as_ref().and_then(|found| found.stored.clone());
        let is_right = self.passwords.verify(given, stored).await.map_err(ApiFailure::from_hashing)?;
        let refusal = RefusedAttempt::of("password_change").with("credential_type", caller.credential.word());
        let (Some(found), true) = (found, is_right) else {
            by_address.failed().await.map_err(ApiFailure::limited)?;
            by_account.failed().await.map_err(ApiFailure::limited)?;
            self.record_refusal(refusal, &caller.subject, &origin).await?;
            return Err(invalid_credentials().on_rest());
        };
        let new = Zeroizing::new(input.text("new_password").to_owned());
        let password = self.sealed_password(&caller.account, &caller.subject, new).await?;
        let change = ChangePassword { password, verified_version: found.version };
        let done = self.runtime.bus.execute::<Account>(&caller.account.0, change.into(), &origin).await;
        let done = match done {
            Err(BusError::Refused(AccountRefusal::ConcurrentChange)) => {
                by_address.failed().await.map_err(ApiFailure::limited)?;
                by_account.failed().await.map_err(ApiFailure::limited)?;
                let refusal = refusal.with("reason", "concurrent_change");
                self.record_refusal(refusal, &caller.subject, &origin).await?;
                return Err(invalid_credentials().on_rest());
            }
            other => other.map_err(of_own_account)?,
        };
        by_account.succeeded().await;
        let ended = done.events.iter().find_map(|event| {
            if let AccountEvent::PasswordChanged(changed) = event {
                Some((changed.sessions_revoked, changed.tokens_revoked))
            } else {
                None
            }
        });
        let (sessions, tokens) = ended.unwrap_or_default();
        let body = json!({ "ok": true, "sessions_revoked": sessions, "tokens_revoked": tokens });
        let mut reply = RestReply::ok(body, done.position);
        reply.set_cookie = Some(self.cookies.clear());
        Ok(reply)
    }

    /// A password's PHC string, sealed for an account.
    pub(super) async fn sealed_password(
        &self,
        account: &AccountId,
        subject: &SubjectId,
        password: Zeroizing<String>,
    ) -> Result<Sealed, ApiFailure> {
        let stored = self.passwords.hash(password).await.map_err(ApiFailure::from_hashing)?;
        Ok(seal_password(self.runtime.journal.keyring(), account, subject, &stored).await?)
    }
}
