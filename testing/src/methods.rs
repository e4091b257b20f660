//! The three methods, for the daemon token alone. Their input is strict: what is unknown or malformed changes nothing.

use std::sync::Weak;

use chrono::TimeDelta;
use muniment::surface::Surface;
use muniment::surface::accounts::caller::{Caller, Credential, CredentialType};
use muniment::surface::accounts::extra::{ExtraAnswer, ExtraMethods};
use muniment::surface::accounts::failure::{ApiFailure, Code, Issue};
use muniment::surface::accounts::schema::is_uuid;
use muniment_aggregates::ids::AccountId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::generations::Generations;
use crate::seed::{self, Wanted};

/// `_testing_mint_session`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mint {
    account_id: String,
    /// At or below zero the session has ended by construction.
    expires_in_ms: i64,
}

/// `_testing_drain_effects`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drain {}

/// The methods of one installation.
pub(crate) struct TestingMethods {
    generations: Weak<Generations>,
}

impl TestingMethods {
    pub(crate) fn new(generations: Weak<Generations>) -> Self {
        Self { generations }
    }

    async fn answer(&self, surface: &Surface, asked: Asked) -> Result<Value, ApiFailure> {
        match asked {
            Asked::Reset(wanted) => {
                let generations = self.generations.upgrade().ok_or_else(|| ApiFailure::fault("the program ends"))?;
                let seeded =
                    generations.reset(wanted).await.map_err(|error| ApiFailure::fault(format!("{error:#}")))?;
                serde_json::to_value(seeded).map_err(ApiFailure::fault)
            }
            Asked::Drain => {
                seed::drain(surface).await.map_err(|error| ApiFailure::fault(format!("{error:#}")))?;
                Ok(json!({}))
            }
            Asked::Mint(account, life) => {
                let minted = seed::mint(surface, &account, life).await;
                let minted = minted.map_err(|error| ApiFailure::fault(format!("{error:#}")))?;
                minted.ok_or_else(|| {
                    ApiFailure::because(Code::NotFound, "account_not_found", "There is no such account.")
                })
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Method {
    Reset,
    Drain,
    Mint,
}

/// What is asked for, its input checked.
enum Asked {
    Reset(Wanted),
    Drain,
    Mint(AccountId, TimeDelta),
}

impl TestingMethods {
    /// The input of a method: what is wrong with it is told before who may call, as for all others.
    fn read(&self, method: Method, params: Map<String, Value>) -> Result<Asked, ApiFailure> {
        Ok(match method {
            Method::Reset => {
                let wanted: Wanted = read(params)?;
                let generations = self.generations.upgrade().ok_or_else(|| ApiFailure::fault("the program ends"))?;
                wanted.check(&generations.registries).map_err(|what| malformed(&what))?;
                Asked::Reset(wanted)
            }
            Method::Drain => {
                let Drain {} = read(params)?;
                Asked::Drain
            }
            Method::Mint => {
                let Mint { account_id, expires_in_ms } = read(params)?;
                if !is_uuid(&account_id) {
                    return Err(malformed("account_id must be a UUID"));
                }
                let life = TimeDelta::try_milliseconds(expires_in_ms)
                    .filter(|life| life.abs() <= TimeDelta::days(36_500))
                    .ok_or_else(|| malformed("expires_in_ms is out of range"))?;
                Asked::Mint(AccountId(account_id.to_lowercase()), life)
            }
        })
    }
}

impl ExtraMethods for TestingMethods {
    fn call<'a>(
        &'a self,
        surface: &'a Surface,
        caller: Option<&'a Caller>,
        method: &'a str,
        params: Map<String, Value>,
    ) -> Option<ExtraAnswer<'a>> {
        let method = match method {
            "_testing_reset" => Method::Reset,
            "_testing_drain_effects" => Method::Drain,
            "_testing_mint_session" => Method::Mint,
            _ => return None,
        };
        Some(Box::pin(async move {
            let caller = caller.ok_or_else(ApiFailure::unauthenticated)?;
            let asked = self.read(method, params)?;
            if caller.credential != Credential::DaemonToken {
                return Err(ApiFailure::credential_type(&[CredentialType::DaemonToken]));
            }
            self.answer(surface, asked).await
        }))
    }
}

fn malformed(what: &str) -> ApiFailure {
    ApiFailure::issues(&[Issue::at("params", "custom", what)])
}

fn read<T: DeserializeOwned>(params: Map<String, Value>) -> Result<T, ApiFailure> {
    serde_json::from_value(Value::Object(params)).map_err(|error| malformed(&error.to_string()))
}
