//! Metrics and the tokens that write them.

use std::time::Duration;

use super::reader::Reader;

/// Metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsConfig {
    /// First word of agent tokens and founder sessions: `<prefix>_live_…`, `<prefix>_session_…`.
    pub token_prefix: String,
    /// Roles that may look at all applications.
    pub reviewer_roles: Vec<String>,
    /// Metrics of one company.
    pub per_company_max: u32,
    /// How often metrics are asked whether a point is late.
    pub late_check: Duration,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            token_prefix: "alif".to_owned(),
            reviewer_roles: vec!["admin".to_owned()],
            per_company_max: 10_000,
            late_check: Duration::from_secs(60),
        }
    }
}

impl MetricsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let default = Self::default();
        let token_prefix = reader.get("metrics.token_prefix", default.token_prefix);
        let well_formed = !token_prefix.is_empty() && token_prefix.bytes().all(|byte| byte.is_ascii_lowercase());
        if !well_formed || token_prefix.len() > 20 {
            reader.refuse("metrics.token_prefix", "must be 1 to 20 lower-case letters");
        }
        let per_company: u64 = reader.get("metrics.max_per_company", u64::from(default.per_company_max));
        let per_company_max = u32::try_from(per_company).unwrap_or_else(|_| {
            reader.refuse("metrics.max_per_company", "must be at most 4294967295");
            default.per_company_max
        });
        Self {
            token_prefix,
            reviewer_roles: reader.get("metrics.reviewer_roles", default.reviewer_roles),
            per_company_max,
            late_check: reader.get("metrics.late_check_seconds", default.late_check),
        }
    }
}
