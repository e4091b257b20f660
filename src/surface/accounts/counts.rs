//! How much there is that can be called, for the log of the start and for `doctor`
//! (spec/accounts-and-offers.md section 8.9). Counts and names alone: no value of a setting is among them.

use std::fmt;

use super::document::NOTICES;
use super::methods::RPC_METHODS;
use super::routes::{LIVE_ROUTES, LiveAnswer, REST_ROUTES, Route};
use crate::config::Config;
use crate::config::accounts::BootstrapMode;
use crate::config::registry::SETTINGS;
use crate::surface::methods::METHODS;
use crate::surface::other_routes::OTHER_ROUTES;

/// Counts of the tables, as this configuration mounts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Routes of `/v1`, health and readiness.
    pub v1_routes: usize,
    /// Routes of the listing of `/api`: REST, streams and health.
    pub api_routes: usize,
    /// Methods of `/api/rpc`.
    pub rpc_methods: usize,
    /// Methods of `/api/ws`, `cancel` among them.
    pub socket_methods: usize,
    /// Notifications that sockets get.
    pub notifications: usize,
    /// Types of the audit's rows.
    pub audit_types: usize,
    /// Variables of the environment that are read.
    pub variables: usize,
    /// What an operator should know of the configuration.
    pub warnings: usize,
}

impl Counts {
    /// The counts under a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let has_bootstrap = config.accounts.bootstrap != BootstrapMode::Disabled;
        let rest = REST_ROUTES.iter().filter(|route| has_bootstrap || route.route != Route::Bootstrap).count();
        let streams = LIVE_ROUTES.iter().filter(|route| route.answer == LiveAnswer::AuditRows).count();
        Self {
            v1_routes: METHODS.len() + OTHER_ROUTES.len(),
            // Health is in both listings.
            api_routes: rest + streams + 1,
            rpc_methods: RPC_METHODS.iter().filter(|method| !method.socket_only).count(),
            socket_methods: RPC_METHODS.len() + 1,
            notifications: NOTICES.len(),
            audit_types: config.registries.audit_events().len(),
            variables: SETTINGS.iter().map(|setting| setting.variables().count()).sum(),
            warnings: config.warnings().len(),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} routes of /v1, {} of /api, {} methods on /api/rpc, {} on /api/ws, {} notifications, {} types of audit \
             rows, {} variables, {} warnings",
            self.v1_routes,
            self.api_routes,
            self.rpc_methods,
            self.socket_methods,
            self.notifications,
            self.audit_types,
            self.variables,
            self.warnings,
        )
    }
}
