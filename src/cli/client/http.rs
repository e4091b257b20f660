//! Speaks to the server: one request at a time, its answer or a typed failure.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::header::{HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::Instant;

use crate::cli::exit::{self, Exit};
use crate::cli::output::cell;
use crate::outbound;

/// First pause before a request is sent again.
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// Longest pause between two tries that the server did not ask for.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// What proves who calls.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Nothing.
    None,
    /// An agent token.
    Agent(SecretString),
    /// A founder session.
    Session(SecretString),
}

/// A server.
pub struct Api {
    base: Url,
    client: reqwest::Client,
    timeout: Duration,
}

/// One request.
pub struct Call<'a> {
    method: Method,
    segments: Vec<&'a str>,
    query: Vec<(&'a str, String)>,
    headers: Vec<(&'static str, HeaderValue)>,
    auth: Auth,
    body: Option<Value>,
    /// What to do where nobody can say whether it was done; nothing where the same again does no harm.
    if_lost: Option<String>,
}

impl<'a> Call<'a> {
    /// A GET of the path with these segments.
    #[must_use]
    pub fn get(segments: &[&'a str]) -> Self {
        Self::new(Method::GET, segments, None)
    }

    /// A POST to the path with these segments, of what done twice is as done once.
    #[must_use]
    pub fn post(segments: &[&'a str], body: Value) -> Self {
        Self::new(Method::POST, segments, Some(body))
    }

    /// The same of what is not: with the command that shows, where no answer came, whether it was done.
    #[must_use]
    pub fn post_once(segments: &[&'a str], body: Value, if_lost: String) -> Self {
        Self { if_lost: Some(if_lost), ..Self::post(segments, body) }
    }

    fn new(method: Method, segments: &[&'a str], body: Option<Value>) -> Self {
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method, segments: segments.to_vec(), query, headers, auth: Auth::None, body, if_lost: None }
    }

    /// As whom.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// With these query parameters.
    #[must_use]
    pub fn query(mut self, query: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        self.query.extend(query);
        self
    }

    /// With one more header, whose value comes from what `given` names.
    ///
    /// # Errors
    /// When it holds what no header can, as the end of a line.
    pub fn header(mut self, name: &'static str, value: &str, given: &str) -> Result<Self> {
        let refused = || Exit::Usage.because(format!("{given} holds a line end or another control character"));
        self.headers.push((name, HeaderValue::from_str(value).map_err(|_| refused())?));
        Ok(self)
    }
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server refused it.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// `message`, else `error`, else `HTTP <status>`.
        message: String,
        /// The whole answer.
        body: Value,
        /// How long to wait before another try.
        retry_after: Option<Duration>,
    },
    /// There was no answer.
    #[error("{url} does not answer")]
    Unreachable {
        /// The server.
        url: Url,
        /// What the network says.
        source: reqwest::Error,
    },
    /// The answer is no JSON.
    #[error("{url} answered with something that is no JSON; is it a Muniment server?")]
    NotJson {
        /// The server.
        url: Url,
    },
}

impl CallError {
    /// Whether another try of the same request may meet better.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 502..=504),
            Self::Unreachable { .. } => true,
            Self::NotJson { .. } => false,
        }
    }

    /// How the program ends because of it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Refused { status, .. } => match status {
                401 | 403 => Exit::Denied,
                404 => Exit::NotFound,
                409 => Exit::Conflict,
                400 if self.is_of_an_answered_offer() => Exit::Conflict,
                408 | 429 | 502..=504 => Exit::Unavailable,
                _ => Exit::Failure,
            },
            Self::Unreachable { .. } => Exit::Unavailable,
            Self::NotJson { .. } => Exit::Failure,
        }
    }

    /// The error that ends the program; its causes stay below it.
    #[must_use]
    pub fn ending(self) -> anyhow::Error {
        let (exit, message, next) = (self.exit(), self.to_string(), self.next());
        let error = match self {
            Self::Unreachable { source, .. } => exit.because_of(message, source),
            Self::Refused { .. } | Self::NotJson { .. } => exit.because(message),
        };
        match next {
            Some(next) => exit::with_next(error, next),
            None => error,
        }
    }

    /// Whether it leaves open if the request was done: the server took it, or may have, and did not tell.
    fn leaves_open(&self) -> bool {
        match self {
            Self::Refused { status: 502 | 504, .. } => true,
            // The one code that is also that of an outcome nobody knows. Whatever else the server lacks has a code of its own,
            // and is asked for before anything is done. Without a code it is somebody else between here and there who says 503.
            Self::Refused { status: 503, body, .. } => {
                let code = body["error"].as_str().or_else(|| body["error"]["data"]["reason"].as_str());
                code.is_none_or(|code| code == "service_unavailable")
            }
            Self::Unreachable { source, .. } => !source.is_connect(),
            Self::Refused { .. } | Self::NotJson { .. } => false,
        }
    }

    /// The error that ends the program where nobody can say whether the request was done: `next` tells where to look.
    fn undecided(self, next: String) -> anyhow::Error {
        let error = match self {
            Self::Unreachable { url, source } => {
                let what = format!("{url} does not answer, and it is not known whether this was done");
                Exit::Unavailable.because_of(what, source)
            }
            Self::Refused { .. } | Self::NotJson { .. } => Exit::Unavailable.because(self.to_string()),
        };
        exit::with_next(error, next)
    }

    /// How long the server wants to be left alone, where a limit is reached.
    #[must_use]
    pub fn limited_for(&self) -> Option<Duration> {
        match self {
            Self::Refused { status: 429, retry_after, .. } => *retry_after,
            Self::Refused { .. } | Self::Unreachable { .. } | Self::NotJson { .. } => None,
        }
    }

    /// What to do about it, where it can be told from here.
    fn next(&self) -> Option<String> {
        let (status, body) = match self {
            Self::Unreachable { .. } => {
                return Some("start one with `muniment serve`, or name another with --url or --context".to_owned());
            }
            Self::NotJson { .. } => return Some("`muniment whoami` shows which server is asked".to_owned()),
            Self::Refused { status, body, .. } => (*status, body),
        };
        let wait = || self.retry_after().map_or_else(String::new, |wait| format!(" in {} s", wait.as_secs()));
        match (status, body["error"].as_str()) {
            (_, Some("metric_not_found")) => Some("`muniment metric list` names them".to_owned()),
            (_, Some("alert_not_found")) => {
                Some("`muniment alert list` names them; --company-id names another of your companies".to_owned())
            }
            (400, Some("company_required")) => {
                let known = body["available"].as_array().into_iter().flatten();
                let known = known.map(|it| format!("{} ({})", cell(&it["company_id"]), cell(&it["company_name"])));
                let known = known.collect::<Vec<_>>().join(", ");
                Some(format!("the same command with --company-id and one of: {known}"))
            }
            (_, Some("missing_scope")) => {
                Some("`muniment token create --name <name> --scope <scope>` makes a token that may".to_owned())
            }
            (401, Some("invalid_otp" | "expired_otp")) => Some(
                "`muniment login --email <address>` sends a new code; only the newest is good, and once".to_owned(),
            ),
            (401, _) => {
                let ways = "`muniment login --email <address>` signs in, MUNIMENT_TOKEN takes another token";
                Some(format!("`muniment whoami` shows what was sent; {ways}"))
            }
            (503, Some("keeper_account_not_configured")) => Some(
                "on the server's machine, `muniment role grant <account> keeper` makes an account the keeper"
                    .to_owned(),
            ),
            (408 | 429 | 502..=504, _) => Some(format!("the same command again{}", wait())),
            (404, Some("not_found")) if body["message"].is_null() => {
                Some("`muniment whoami` shows which server is asked; is its URL right to the end?".to_owned())
            }
            // What stands between, or something else altogether.
            (300..=499, None) if body.is_null() => {
                Some("`muniment whoami` shows which server is asked; it does not answer as Muniment does".to_owned())
            }
            _ => None,
        }
    }

    /// Whether it refuses to answer an offer a second time, or after its end.
    fn is_of_an_answered_offer(&self) -> bool {
        let Self::Refused { body, .. } = self else { return false };
        let reason = body["error"]["data"]["reason"].as_str();
        matches!(reason, Some("role_grant_offer_terminal" | "role_grant_offer_expired"))
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable { .. } | Self::NotJson { .. } => None,
        }
    }
}

impl Api {
    /// The server at this URL.
    ///
    /// # Errors
    /// When the URL is none, or TLS cannot be set up.
    pub fn new(url: &str, timeout: Duration) -> Result<Self> {
        let base = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(base) = base else {
            return Err(Exit::Usage.because(format!("{url} is no URL of a server; write http://host:port")));
        };
        if base.password().is_some() || !base.username().is_empty() {
            let what = "a server's URL takes no name or password: everyone on this machine would see it";
            return Err(exit::with_next(Exit::Usage.because(what), "set MUNIMENT_TOKEN, or `muniment login`"));
        }
        let agent = concat!("muniment-cli/", env!("CARGO_PKG_VERSION"));
        let client = outbound::client_of(&base).user_agent(agent).connect_timeout(Duration::from_secs(10));
        // A redirect would carry the token to wherever it points.
        let client = client.redirect(reqwest::redirect::Policy::none()).build().context("cannot set up TLS")?;
        Ok(Self { base, client, timeout })
    }

    /// The server's URL.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// A refusal of the server, or no answer in time.
    pub async fn once(&self, call: &Call<'_>, within: Duration) -> Result<Value, CallError> {
        let unreachable = |source| CallError::Unreachable { url: self.base.clone(), source };
        let request = self.client.request(call.method.clone(), self.url(call)).timeout(within);
        let request = request.header("accept", "application/json");
        let request = match &call.auth {
            Auth::None => request,
            Auth::Agent(token) | Auth::Session(token) => request.bearer_auth(token.expose_secret()),
        };
        let request = call.headers.iter().fold(request, |request, (name, value)| request.header(*name, value.clone()));
        let request = match &call.body {
            None => request,
            Some(body) => request.json(body),
        };
        let began = Instant::now();
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let milliseconds = began.elapsed().as_millis();
        tracing::debug!(method = %call.method, url = %self.url(call), status = status.as_u16(), %milliseconds, "answered");
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = response.bytes().await.map_err(unreachable)?;
        let body: Option<Value> = serde_json::from_slice(&bytes).ok();
        if status.is_success() {
            return body.ok_or_else(|| CallError::NotJson { url: self.base.clone() });
        }
        let body = body.unwrap_or_default();
        let said = body["message"].as_str().or_else(|| body["error"].as_str()).map(str::to_owned);
        let said = said.or_else(|| said_by_method(&body["error"]));
        let message = said.unwrap_or_else(|| format!("HTTP {}", status.as_u16()));
        Err(CallError::Refused {
            status: status.as_u16(),
            message,
            body,
            retry_after: retry_after.map(Duration::from_secs),
        })
    }

    /// Sends a request once, within the time that `--timeout` allows.
    ///
    /// # Errors
    /// What the server refused or the network failed, with its exit code.
    pub async fn send(&self, call: Call<'_>) -> Result<Value> {
        self.once(&call, self.timeout).await.map_err(|error| match call.if_lost {
            Some(next) if error.leaves_open() => error.undecided(next),
            Some(_) | None => error.ending(),
        })
    }

    /// Sends a request that may be repeated, until it is answered or `--timeout` is over.
    ///
    /// # Errors
    /// The last failure.
    pub async fn insist(&self, call: &Call<'_>) -> Result<Value, CallError> {
        let deadline = Instant::now() + self.timeout;
        let mut backoff = BACKOFF_FIRST;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match self.once(call, left).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = error.retry_after().unwrap_or(backoff);
            if !error.is_transient() || pause >= deadline.saturating_duration_since(Instant::now()) {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    fn url(&self, call: &Call<'_>) -> Url {
        let mut url = self.base.clone();
        // Only a URL that cannot be a base has no segments; `new` accepts http and https alone.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&call.segments);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }
}

/// What a method of `/api/rpc` says of its refusal, with the reason that documents name.
fn said_by_method(error: &Value) -> Option<String> {
    let message = error["message"].as_str()?;
    let reason = error["data"]["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let issues = error["data"]["issues"].as_array().into_iter().flatten();
    let issues = issues.map(|issue| format!("; {}: {}", issue["path"], issue["message"].as_str().unwrap_or_default()));
    Some(format!("{message}{reason}{}", issues.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_escaped() {
        let api = Api::new("http://127.0.0.1:1/prefix/", Duration::from_secs(1)).unwrap();
        let call = Call::get(&["v1", "metrics", "a b/c"]).query([("cursor", "x&y".to_owned())]);
        assert_eq!(api.url(&call).as_str(), "http://127.0.0.1:1/prefix/v1/metrics/a%20b%2Fc?cursor=x%26y");
    }

    /// Its body did not arrive in time, so nothing of it was done.
    #[test]
    fn a_request_that_took_too_long_on_its_way_is_worth_another_try() {
        let late = CallError::Refused { status: 408, message: String::new(), body: Value::Null, retry_after: None };
        assert!(late.is_transient());
        assert_eq!((late.exit(), late.next().as_deref()), (Exit::Unavailable, Some("the same command again")));
    }

    #[test]
    fn a_url_that_is_none_is_a_usage_error() {
        for bad in ["", "localhost", "ftp://x", "http://", "http://ana:secret@x", "http://ana@x"] {
            let Err(error) = Api::new(bad, Duration::from_secs(1)) else { panic!("{bad} was accepted") };
            assert_eq!(crate::cli::exit::of(&error), Exit::Usage, "{bad}");
        }
    }
}
