//! Finding personas by id and by name: labels and nothing more (spec/accounts-and-offers.md section 4.6).

use muniment_aggregates::ids::PersonaId;
use muniment_aggregates::roster::ADMIN;
use muniment_projections::personas;
use serde_json::{Value, json};

use super::admin::Label;
use super::failure::{ApiFailure, Code};
use super::rpc::{Call, Outcome};
use crate::surface::Surface;

/// Personas found at once where no number is asked for.
const FOUND_DEFAULT: usize = 20;

fn label(id: &PersonaId, label: &Label) -> Value {
    let mut shown = json!({ "id": id, "username": label.username });
    if !label.name.trim().is_empty() {
        shown["display_name"] = json!(label.name);
    }
    shown
}

impl Surface {
    pub(super) async fn actor_lookup(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let mut ids: Vec<PersonaId> =
            call.input.texts("ids").unwrap_or_default().into_iter().map(|id| PersonaId(id.to_owned())).collect();
        ids.sort();
        ids.dedup();
        let actors: Vec<Value> = self.persona_names(&ids).await?.iter().map(|(id, found)| label(id, found)).collect();
        Ok(Outcome::read(json!({ "actors": actors })))
    }

    pub(super) async fn actor_search(&self, call: &Call<'_>) -> Result<Outcome, ApiFailure> {
        let scopes = call.input.texts("scope_ids").filter(|scopes| !scopes.is_empty());
        if scopes.is_none() && !self.account_holds(call.caller, ADMIN).await? {
            let reason = "actor_search_scope_required";
            return Err(ApiFailure::because(Code::InvalidParams, reason, "Name the scopes to look in with scope_ids."));
        }
        let scopes: Option<Vec<String>> = scopes.map(|scopes| scopes.into_iter().map(str::to_owned).collect());
        let now = self.runtime.clock.now();
        self.runtime.reads.catch_up(&["personas", "accounts"]).await?;
        let limit = call.input.length("limit", FOUND_DEFAULT);
        let store = self.runtime.reads.store();
        let rows = personas::search(store, call.input.text("query"), scopes.as_deref(), limit, now).await?;
        let ids: Vec<PersonaId> = rows.iter().map(|row| row.id.clone()).collect();
        let names = self.persona_names(&ids).await?;
        let actors: Vec<Value> = ids.iter().filter_map(|id| names.get(id).map(|found| label(id, found))).collect();
        Ok(Outcome::read(json!({ "actors": actors })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_150_a_blank_name_is_shown_as_none() {
        let id = PersonaId("p".to_owned());
        let shown = |name: &str| label(&id, &Label { username: "ann".to_owned(), name: name.to_owned() });
        assert_eq!(shown(" "), json!({ "id": "p", "username": "ann" }));
        assert_eq!(shown("Ann"), json!({ "id": "p", "username": "ann", "display_name": "Ann" }));
    }
}
