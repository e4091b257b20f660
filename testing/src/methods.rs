//! The three methods, for the daemon token alone. Their input is strict: what is unknown or malformed changes nothing.

use std::sync::Weak;

use muniment::surface::Surface;
use muniment::surface::accounts::caller::{Caller, Credential};
use muniment::surface::accounts::extra::{ExtraAnswer, ExtraMethods};
use muniment::surface::accounts::fail::{Code, Fail, Issue};
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

    async fn answer(&self, surface: &Surface, method: Method, params: Map<String, Value>) -> Result<Value, Fail> {
        match method {
            Method::Reset => {
                let wanted: Wanted = read(params)?;
                let generations = self.generations.upgrade().ok_or_else(|| Fail::fault("the program ends"))?;
                wanted.check(&generations.registries).map_err(|what| malformed(&what))?;
                let seeded = generations.reset(wanted).await.map_err(|error| Fail::fault(format!("{error:#}")))?;
                serde_json::to_value(seeded).map_err(Fail::fault)
            }
            Method::Drain => {
                let Drain {} = read(params)?;
                seed::drain(surface).await.map_err(|error| Fail::fault(format!("{error:#}")))?;
                Ok(json!({}))
            }
            Method::Mint => {
                let Mint { account_id, expires_in_ms } = read(params)?;
                let life = chrono::TimeDelta::try_milliseconds(expires_in_ms)
                    .filter(|life| life.abs() <= chrono::TimeDelta::days(36_500))
                    .ok_or_else(|| malformed("expires_in_ms is out of range"))?;
                let minted = seed::mint(surface, &AccountId(account_id), life).await;
                let minted = minted.map_err(|error| Fail::fault(format!("{error:#}")))?;
                minted.ok_or_else(|| Fail::because(Code::NotFound, "account_not_found", "There is no such account."))
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
            let caller = caller.ok_or_else(Fail::unauthenticated)?;
            if caller.credential != Credential::DaemonToken {
                return Err(Fail::credential_type(&["daemon_token"]));
            }
            self.answer(surface, method, params).await
        }))
    }
}

fn malformed(what: &str) -> Fail {
    Fail::issues(&[Issue::at("params", "custom", what)])
}

fn read<T: DeserializeOwned>(params: Map<String, Value>) -> Result<T, Fail> {
    serde_json::from_value(Value::Object(params)).map_err(|error| malformed(&error.to_string()))
}
