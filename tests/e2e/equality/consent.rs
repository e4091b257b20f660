//! Random histories of consent, for the comparison of the engines: accounts that offer, settle, give, take and switch roles,
//! and everything that can be asked about it afterwards, with ids by the order in which they appear.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Dice;
use crate::harness::{Client, Installation, Person, Reply, looks_like, text};

/// A scope that both installations have.
const CLASS: &str = "11111111-1111-4111-8111-111111111111";

/// What somebody does.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Offer {
        by: usize,
        to: usize,
        role: &'static str,
        is_scoped: bool,
    },
    /// Of the offers that wait for somebody.
    Settle {
        by: usize,
        method: &'static str,
        nth: usize,
    },
    /// Of the offers that somebody made.
    Retract {
        by: usize,
        nth: usize,
    },
    Revoke {
        of: usize,
        nth: usize,
    },
    Switch {
        by: usize,
        is_on: bool,
    },
    Persona {
        by: usize,
        name: String,
    },
    Token {
        by: usize,
    },
    EndTokens {
        of: usize,
    },
    Invite {
        name: String,
    },
    OpenSignup {
        is_open: bool,
    },
}

pub(super) fn deed(dice: &mut Dice) -> Deed {
    let who = |dice: &mut Dice| dice.index(4);
    let settling = ["role_grant_offer_accept", "role_grant_offer_accept", "role_grant_offer_decline"];
    let roles = ["teacher", "student", "admin", "pal", "keeper"];
    match dice.roll(16) {
        0..=4 => Deed::Offer {
            by: if dice.roll(3) > 0 { 0 } else { who(dice) },
            to: who(dice),
            role: roles[dice.index(roles.len())],
            is_scoped: dice.roll(3) == 0,
        },
        5..=7 => Deed::Settle { by: who(dice), method: settling[dice.index(settling.len())], nth: who(dice) },
        8 => Deed::Retract { by: who(dice), nth: who(dice) },
        9 | 10 => Deed::Revoke { of: who(dice), nth: who(dice) },
        11 => Deed::Switch { by: who(dice), is_on: dice.roll(2) == 0 },
        12 => Deed::Persona { by: 1 + who(dice) % 3, name: format!("P{}", dice.roll(6)) },
        13 => Deed::Token { by: who(dice) },
        14 => Deed::EndTokens { of: who(dice) },
        _ if dice.roll(2) == 0 => Deed::OpenSignup { is_open: dice.roll(2) == 0 },
        _ => Deed::Invite { name: format!("guest-{}", dice.roll(9)) },
    }
}

/// Four people of one installation; the first is its keeper.
pub(super) struct People(Vec<Person>);

impl People {
    pub(super) fn of(house: &Installation) -> Self {
        let names = ["ann-a", "ben-b", "cat-c"].map(|name| house.named(name));
        Self([house.keeper.clone()].into_iter().chain(names).collect())
    }

    fn nth(list: &Value, nth: usize, key: &str) -> Value {
        let list = list.as_array().unwrap();
        list.get(nth % list.len().max(1))
            .map_or(json!("22222222-2222-4222-8222-222222222222"), |item| item[key].clone())
    }

    /// A call as the first persona, since some have several by now.
    fn call(&self, by: usize, method: &str, mut params: Value) -> Reply {
        if !params.is_null() {
            params["acting"] = json!(self.0[by].actor);
        }
        self.0[by].client.rpc(method, &params).0
    }

    fn asked(&self, by: usize, method: &str) -> Value {
        self.call(by, method, json!({})).expect(200)["result"].clone()
    }

    pub(super) fn act(&self, deed: &Deed) -> Reply {
        let person = |index: usize| &self.0[index];
        match deed {
            Deed::Offer { by, to, role, is_scoped } => {
                let mut params = json!({ "to_account_id": person(*to).id, "role": role });
                if *is_scoped {
                    (params["scope_kind"], params["scope_id"]) = (json!("class"), json!(CLASS));
                }
                self.call(*by, "role_grant_offer_create", params)
            }
            Deed::Settle { by, method, nth } => {
                let waiting = self.asked(*by, "role_grant_offer_list");
                self.call(*by, method, json!({ "offer_id": Self::nth(&waiting["offers"], *nth, "id") }))
            }
            Deed::Retract { by, nth } => {
                let made = self.asked(*by, "role_grant_offer_history");
                self.call(
                    *by,
                    "role_grant_offer_retract",
                    json!({ "offer_id": Self::nth(&made["offers"], *nth, "id") }),
                )
            }
            Deed::Revoke { of, nth } => {
                let status = self.status(*of);
                let grant = Self::nth(&status["role_grants"], *nth, "id");
                self.call(0, "role_grant_revoke", json!({ "actor_id": person(*of).actor, "role_grant_id": grant }))
            }
            Deed::Switch { by, is_on } => {
                self.call(*by, "self_service_role_set", json!({ "role": "pal", "enabled": is_on }))
            }
            Deed::Persona { by, name } => person(*by).client.rpc("actor_create", &json!({ "name": name })).0,
            Deed::Token { by } => person(*by).client.rpc("account_token_create", &json!({ "name": "t" })).0,
            Deed::EndTokens { of } => self.call(0, "admin_token_revoke_all", json!({ "account_id": person(*of).id })),
            Deed::Invite { name } => self.call(0, "invite_create", json!({ "username": name })),
            Deed::OpenSignup { is_open } => self.call(0, "app_settings_update", json!({ "open_signup": is_open })),
        }
    }

    fn status(&self, of: usize) -> Value {
        let path = format!("/api/account/status?acting={}", self.0[of].actor);
        self.0[of].client.get(&path).expect(200)
    }

    /// Somebody who administers everything. The first keeper may have lost that, but never the last who had it.
    fn administrator(&self) -> usize {
        let is_admin = |grant: &Value| grant["role"] == "admin" && grant["scope_id"].is_null();
        let administers = |by: &usize| self.status(*by)["role_grants"].as_array().unwrap().iter().any(is_admin);
        (0..self.0.len()).find(administers).expect("somebody administers")
    }

    /// Everything that can be asked about them.
    pub(super) fn picture(&self) -> Value {
        let admin = self.administrator();
        let mut parts = vec![
            self.asked(admin, "admin_account_list"),
            self.asked(admin, "invite_list"),
            self.asked(admin, "app_settings_get"),
            json!(self.rows(admin)),
        ];
        for by in 0..self.0.len() {
            parts.push(self.status(by));
            for method in ["role_grant_offer_list", "role_grant_offer_history"] {
                parts.push(self.asked(by, method));
            }
            parts.push(tokens(&self.0[by].client));
        }
        let mut names = BTreeMap::new();
        renumbered(&json!(parts), &mut names)
    }

    /// The audit, oldest first, without the rows of metrics, some of which come by themselves.
    fn rows(&self, admin: usize) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let params = json!({ "limit": 200, "offset": rows.len() });
            let page = self.call(admin, "audit_log_list", params).expect(200)["result"]["events"].clone();
            let page = page.as_array().unwrap();
            rows.extend(page.iter().cloned());
            if page.len() < 200 {
                break;
            }
        }
        rows.retain(|row| !text(&row["event_type"]).contains('.') && row["event_type"] != "scheduled_tick");
        rows.reverse();
        rows
    }
}

fn tokens(client: &Client) -> Value {
    client.rpc("account_token_list", &Value::Null).result()
}

/// The same with ids by the order in which they appear, and times and places of rows taken out.
pub(super) fn renumbered(value: &Value, names: &mut BTreeMap<String, usize>) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "seq");
            kept.map(|(name, field)| (name.clone(), renumbered(field, names))).collect()
        }
        Value::Array(items) => items.iter().map(|item| renumbered(item, names)).collect(),
        Value::String(text) if text.len() == 24 && text.parse::<chrono::DateTime<chrono::Utc>>().is_ok() => {
            json!("time")
        }
        Value::String(text) if is_id(text) => {
            let next = names.len();
            json!(format!("id {}", names.entry(text.clone()).or_insert(next)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn is_id(text: &str) -> bool {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let made_by_us = text.split_once('_').is_some_and(|(kind, rest)| {
        ["tok", "co", "app", "metric", "point", "alert"].contains(&kind) && matches!(rest.len(), 12 | 16)
    });
    let is_public = text.len() == 18 && looks_like(text, "", 18, |letter| letter.is_ascii_hexdigit());
    let is_made_up = text.len() == 18 && text.starts_with("founder-");
    is_hash || is_made_up || made_by_us || is_public || uuid::Uuid::parse_str(text).is_ok()
}
