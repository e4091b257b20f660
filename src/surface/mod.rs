//! The surface: every method there is, who may call it, how its input is read and how a refusal is answered. The
//! HTTP server, the live protocol and the OpenAPI document are translations of this.
//!
//! Reading order: [`methods`] is the one table; [`dispatch`] leads a request through its gates in order;
//! [`principal`] says who asks; [`input`] reads bodies; [`errors`] holds every answer that is not success;
//! [`shapes`] and [`refusals`] say what each method may answer, which [`openapi`] shows and `output_check` compares; then
//! one file a resource.

pub mod accounts;
pub mod alerts;
pub mod applications;
pub mod bearer;
pub mod client_address;
mod companies;
pub mod cookie_caller;
pub mod credential_cache;
pub mod cursor;
pub mod dispatch;
pub mod errors;
pub mod input;
pub mod limits;
pub mod methods;
pub mod metrics;
pub mod openapi;
mod origin;
pub mod other_routes;
mod output_check;
pub mod points;
mod points_batch;
pub mod presented;
pub mod principal;
pub mod readable;
pub mod refusals;
pub mod request;
pub mod review;
mod rows;
pub mod rules;
pub mod session;
pub mod shape;
pub mod shapes;
pub mod sign_in;
pub mod status;
pub mod text;
pub mod tokens;

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lru::LruCache;
use muniment_aggregates::ids::{AccountId, MetricId};
use muniment_projections::LastUsed;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use self::accounts::bootstrap::Bootstrap;
use self::accounts::closings::Closings;
use self::accounts::extra::ExtraMethods;
use self::client_address::TrustedProxies;
use crate::auth::cookie::{CookieMarks, Cookies};
use crate::auth::daemon_token::DaemonToken;
use crate::auth::passwords::{HashError, Passwords};
use crate::config::DatabaseConfig;
use crate::config::{
    AccountsConfig, ApplicationsConfig, Config, Environment, LimitsConfig, MailConfig, MetricsConfig, OffersConfig,
    OriginPattern, Registries,
};
use crate::runtime::Runtime;

/// Metric ids remembered by company and key. The mapping never changes, so an entry never goes wrong.
const METRIC_IDS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("100,000 is not zero");

/// Everything the methods need. One a process.
pub struct Surface {
    /// Journal, actors and read models.
    pub runtime: Arc<Runtime>,
    /// Development or production.
    pub environment: Environment,
    mail: MailConfig,
    metrics: MetricsConfig,
    applications: ApplicationsConfig,
    accounts: AccountsConfig,
    limits: LimitsConfig,
    windows: limits::Windows,
    credentials: Arc<credential_cache::CredentialCache>,
    last_used: LastUsed,
    metric_ids: Mutex<LruCache<(String, String), MetricId>>,
    /// By company: those who define metrics of it take turns.
    definitions: limits::Queues,
    offers: OffersConfig,
    registries: Registries,
    origins: Vec<OriginPattern>,
    /// What an operator should know of this configuration, for the listing.
    diagnostics: Vec<String>,
    cookies: Cookies,
    passwords: Passwords,
    daemon_token: Option<Arc<DaemonToken>>,
    bootstrap: Bootstrap,
    closings: Arc<Closings>,
    trusted_proxies: TrustedProxies,
    /// Account and hash of API tokens by public id; neither ever changes.
    token_owners: Mutex<LruCache<String, (AccountId, String)>>,
    engine: &'static str,
    started: Instant,
    extra_methods: OnceLock<Arc<dyn ExtraMethods>>,
    /// The listing of `/api`, written at its first request.
    listing: OnceLock<serde_json::Value>,
    /// The OpenAPI document, likewise.
    openapi: OnceLock<bytes::Bytes>,
}

/// API tokens whose owner is remembered.
const TOKEN_OWNERS_MAX: NonZeroUsize = NonZeroUsize::new(50_000).expect("50,000 is not zero");

impl Surface {
    /// The surface of a running node.
    ///
    /// # Errors
    /// When the hash that stands for unknown accounts cannot be made.
    pub fn new(
        runtime: Arc<Runtime>,
        config: &Config,
        daemon_token: Option<Arc<DaemonToken>>,
    ) -> Result<Arc<Self>, HashError> {
        let credentials = Arc::new(credential_cache::CredentialCache::default());
        let listening = Arc::clone(&credentials);
        runtime.journal.on_durable(Arc::new(move |events| listening.note_durable(events)));
        Ok(Arc::new(Self {
            offers: config.offers.clone(),
            registries: config.registries.clone(),
            origins: origins(config),
            diagnostics: config.warnings(),
            cookies: cookies(&runtime, config),
            passwords: Passwords::new(config.accounts.hashing_concurrency, config.accounts.hashing_queue)?,
            daemon_token,
            bootstrap: Bootstrap::closed(&config.accounts),
            closings: Arc::default(),
            trusted_proxies: TrustedProxies::new(config.http.trusted_proxies.clone()),
            token_owners: Mutex::new(LruCache::new(TOKEN_OWNERS_MAX)),
            engine: match config.store.database {
                DatabaseConfig::Sqlite { .. } => "sqlite",
                DatabaseConfig::Postgres { .. } => "postgres",
            },
            started: Instant::now(),
            extra_methods: OnceLock::new(),
            listing: OnceLock::new(),
            openapi: OnceLock::new(),
            last_used: LastUsed::new(runtime.reads.store().clone()),
            environment: config.environment.clone(),
            mail: config.mail.clone(),
            metrics: config.metrics.clone(),
            applications: config.applications.clone(),
            accounts: config.accounts.clone(),
            limits: config.limits.clone(),
            windows: limits::Windows::new(&runtime),
            credentials,
            metric_ids: Mutex::new(LruCache::new(METRIC_IDS_MAX)),
            definitions: limits::Queues::default(),
            runtime,
        }))
    }

    /// Mounts further methods, once; a second time changes nothing.
    pub fn mount_methods(&self, methods: Arc<dyn ExtraMethods>) {
        self.extra_methods.get_or_init(|| methods);
    }

    /// Writes and reads the session's cookie.
    #[must_use]
    pub const fn cookies(&self) -> &Cookies {
        &self.cookies
    }
}

/// The sites from which browsers may call; in development every port of this machine where nothing is said.
fn origins(config: &Config) -> Vec<OriginPattern> {
    if !config.http.allowed_origins.is_empty() || config.environment.is_production() {
        return config.http.allowed_origins.clone();
    }
    let local = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];
    local.into_iter().filter_map(|pattern| OriginPattern::parse(pattern).ok()).collect()
}

/// The cookie's keys: those that are set, else one of the installation's own, the same on every node and after every
/// restart.
fn cookies(runtime: &Runtime, config: &Config) -> Cookies {
    let accounts = &config.accounts;
    let mut keys = accounts.cookie_keys.0.iter().cloned();
    let own = || Zeroizing::new(hex::encode(runtime.journal.keyring().mac("cookie-key", b"1")));
    let (first, rest) = (keys.next().unwrap_or_else(own), keys.collect());
    let marks = CookieMarks {
        name: accounts.cookie_name.clone(),
        secure: accounts.cookie_secure,
        http_only: accounts.cookie_http_only,
        same_site: accounts.cookie_same_site.word(),
        max_age: accounts.session_max_age,
    };
    Cookies::new(first, rest, marks)
}
