//! The account of a caller, its persona and its roles (spec/accounts-and-offers.md section 4.1).

use serde_json::{Value, json};

use super::caller::Caller;
use super::failure::{ApiFailure, Code, RestFailure};
use super::rest::RestReply;
use super::wire;
use crate::surface::Surface;

impl Surface {
    /// `GET /api/account/status`.
    pub(super) async fn account_status(
        &self,
        caller: Option<&Caller>,
        acting: Option<&str>,
    ) -> Result<RestReply, RestFailure> {
        let unauthenticated = || {
            let mut flat = ApiFailure::unauthenticated().on_rest();
            if self.bootstrap.is_available() {
                flat.extra.insert("bootstrap_available".to_owned(), Value::Bool(true));
            }
            flat
        };
        let Some(caller) = caller else { return Err(unauthenticated()) };
        let Some(account) = self.account_state(&caller.account).await? else { return Err(unauthenticated()) };
        let resolved = match self.resolve_persona(caller, acting).await {
            Ok(resolved) => Some(resolved),
            // Which persona it is cannot be told, which this route says with nulls and never refuses.
            Err(fail) if fail.code == Code::InvalidParams => None,
            Err(fail) => return Err(fail.on_rest()),
        };
        let grants: Vec<Value> = resolved.iter().flat_map(|acting| &acting.grants).map(wire::role_grant).collect();
        let body = json!({
            "account": self.session_account(&caller.account, &account).await?,
            "actor": resolved.as_ref().map(|it| json!({ "id": it.persona.id, "name": it.persona.name })),
            "role_grants": grants,
        });
        Ok(RestReply::ok(body, None))
    }
}
