//! Every setting of the server, read once, checked as a whole, passed on by value.
//!
//! Defaults < user's file < `./muniment.toml` < `MUNIMENT_*` < flags. Unknown keys are refused and all errors are
//! reported together, each by the name of its setting. Begin with [`registry`], the list of the settings; each
//! concern then has a file with its struct and its documented defaults. What production refuses is in [`refusals`].

pub mod accounts;
pub mod applications;
pub mod audit_events;
mod duration;
pub mod environment;
pub mod errors;
pub mod http;
mod layers;
pub mod limits;
pub mod live;
pub mod mail;
pub mod metrics;
pub mod offers;
pub mod origins;
mod reader;
pub mod refusals;
pub mod registries;
pub mod registry;
pub mod runtime;
pub mod store;
pub mod telemetry;
mod value;

use std::path::PathBuf;

pub use accounts::AccountsConfig;
pub use applications::ApplicationsConfig;
pub use environment::Environment;
pub use errors::{ConfigError, ConfigErrors};
pub use http::HttpConfig;
pub use layers::Surroundings;
pub use limits::{Limit, LimitsConfig};
pub use live::LiveConfig;
pub use mail::{EchoPermit, MailConfig, MailFolder, MailMode, SmtpConfig};
pub use metrics::MetricsConfig;
pub use offers::OffersConfig;
pub use origins::OriginPattern;
pub use reader::Effective;
pub use registries::Registries;
pub use runtime::RuntimeConfig;
pub use store::{DatabaseConfig, KeysConfig, StoreConfig};
pub use telemetry::TelemetryConfig;

/// All settings. Only `cli` and `app` see it whole; everyone else takes a concern by value.
#[derive(Debug, Clone)]
pub struct Config {
    /// Development or production.
    pub environment: Environment,
    /// Where the record and its keys are.
    pub store: StoreConfig,
    /// The listening side.
    pub http: HttpConfig,
    /// Outgoing mail, or what stands in for it.
    pub mail: MailConfig,
    /// Metrics and the tokens that write them.
    pub metrics: MetricsConfig,
    /// Who may apply, and how.
    pub applications: ApplicationsConfig,
    /// Accounts and sign-in.
    pub accounts: AccountsConfig,
    /// Offers of roles.
    pub offers: OffersConfig,
    /// The live surface.
    pub live: LiveConfig,
    /// Roles, kinds of scope and the like.
    pub registries: Registries,
    /// Request limits.
    pub limits: LimitsConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// Threads and intervals.
    pub runtime: RuntimeConfig,
}

/// The settings, and where each value came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Every setting with its shown value and its source, in the registry's order.
    pub effective: Vec<Effective>,
    /// What an operator should know though it stops nothing, for example a limit that is turned off.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads all layers. Does not judge whether the result may serve: [`Config::refusals`] does.
    ///
    /// # Errors
    /// Every setting that cannot be read, at once.
    pub fn load(surroundings: &Surroundings) -> Result<Loaded, ConfigErrors> {
        let mut reader = reader::Reader::open(surroundings);
        let http = HttpConfig::read(&mut reader);
        let environment = Environment::read(&mut reader, http.listen);
        let store = StoreConfig::read(&mut reader, &environment);
        let mail = MailConfig::read(&mut reader, &environment);
        let metrics = MetricsConfig::read(&mut reader);
        let applications = ApplicationsConfig::read(&mut reader, &environment);
        let accounts = AccountsConfig::read(&mut reader, &environment);
        let offers = OffersConfig::read(&mut reader);
        let live = LiveConfig::read(&mut reader);
        let registries = Registries::read(&mut reader, &offers);
        let limits = LimitsConfig::read(&mut reader);
        let telemetry = TelemetryConfig::read(&mut reader);
        let runtime = RuntimeConfig::read(&mut reader);
        let config = Self {
            environment,
            store,
            http,
            mail,
            metrics,
            applications,
            accounts,
            offers,
            live,
            registries,
            limits,
            telemetry,
            runtime,
        };
        let warnings = config.warnings();
        Ok(Loaded { effective: reader.finish()?, warnings, config })
    }

    /// What a developer gets on his own machine, with the store in `data_dir` and nothing read from outside.
    #[must_use]
    pub fn development(data_dir: PathBuf) -> Self {
        let environment = Environment::development();
        Self {
            store: StoreConfig::in_directory(data_dir),
            http: HttpConfig::default(),
            mail: MailConfig::development(&environment),
            metrics: MetricsConfig::default(),
            applications: ApplicationsConfig::default(),
            accounts: AccountsConfig::default(),
            offers: OffersConfig::default(),
            live: LiveConfig::default(),
            registries: Registries::default(),
            limits: LimitsConfig::default(),
            telemetry: TelemetryConfig::default(),
            runtime: RuntimeConfig::default(),
            environment,
        }
    }
}

#[cfg(test)]
mod tests;
