//! The surface: every method there is, who may call it, how its input is read and how a refusal is answered. The
//! HTTP server, the live protocol and the OpenAPI document are translations of this.
//!
//! Reading order: [`methods`] is the one table; [`dispatch`] leads a request through its gates in order;
//! [`principal`] says who asks; [`input`] reads bodies; [`errors`] holds every answer that is not success; then one
//! file a resource.

pub mod alerts;
pub mod applications;
pub mod client_address;
pub mod cursor;
pub mod dispatch;
pub mod errors;
pub mod input;
pub mod limits;
pub mod methods;
pub mod metrics;
pub mod openapi;
pub mod points;
pub mod principal;
pub mod readable;
pub mod request;
pub mod review;
pub mod rules;
pub mod session;
pub mod sign_in;
pub mod status;
pub mod text;
pub mod tokens;

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use muniment_aggregates::ids::MetricId;
use muniment_projections::LastUsed;
use parking_lot::Mutex;

use crate::config::{AccountsConfig, ApplicationsConfig, Config, Environment, LimitsConfig, MailConfig, MetricsConfig};
use crate::runtime::Runtime;

/// Metric ids remembered by company and key. The mapping never changes, so an entry never goes wrong.
const METRIC_IDS_MAX: usize = 100_000;

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
    credentials: Arc<principal::CredentialCache>,
    last_used: LastUsed,
    metric_ids: Mutex<LruCache<(String, String), MetricId>>,
}

impl Surface {
    /// The surface of a running node.
    #[must_use]
    pub fn new(runtime: Arc<Runtime>, config: &Config) -> Arc<Self> {
        let credentials = Arc::new(principal::CredentialCache::default());
        let listening = Arc::clone(&credentials);
        runtime.journal.on_publish(Arc::new(move |events| listening.note_published(events)));
        Arc::new(Self {
            last_used: LastUsed::new(runtime.reads.store().clone()),
            environment: config.environment.clone(),
            mail: config.mail.clone(),
            metrics: config.metrics.clone(),
            applications: config.applications.clone(),
            accounts: config.accounts.clone(),
            limits: config.limits.clone(),
            windows: limits::Windows::default(),
            credentials,
            metric_ids: Mutex::new(LruCache::new(NonZeroUsize::new(METRIC_IDS_MAX).unwrap_or(NonZeroUsize::MIN))),
            runtime,
        })
    }
}
