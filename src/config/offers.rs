//! Offers of roles, the sweep, and sockets of accounts (spec/accounts-and-offers.md section 2).

use std::time::Duration;

use figment::value::Value;

use super::duration::{Span, SpanOrOff, life};
use super::reader::Reader;
use super::value::FromValue;

/// Offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffersConfig {
    /// How long an offer waits.
    pub ttl: Duration,
    /// Who may offer a role.
    pub authorize: OfferAuthority,
    /// Who may offer what in a scope.
    pub scoped_rules: Vec<ScopedRule>,
    /// How often what ran out is swept.
    pub cleanup_interval: Duration,
    /// How long a socket may be silent; `None` for ever.
    pub heartbeat_timeout: Option<Duration>,
}

/// Below this, the sweep asks the database without a pause.
const CLEANUP_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Who may offer a role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OfferAuthority {
    /// Who holds it everywhere.
    #[default]
    Holder,
    /// Who holds it everywhere, and administrators.
    AdminOrHolder,
}

/// Who holds `holder_role` in a scope may offer `may_offer` in the same scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedRule {
    /// The role that is held.
    pub holder_role: String,
    /// The role that may be offered.
    pub may_offer: String,
}

impl Default for OffersConfig {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(30 * 86_400),
            authorize: OfferAuthority::Holder,
            scoped_rules: Vec::new(),
            cleanup_interval: Duration::from_secs(600),
            heartbeat_timeout: Some(Duration::from_secs(60)),
        }
    }
}

impl OffersConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let default = Self::default();
        let authorize = reader.one_of("offers.authorize", &["holder", "admin_or_holder"], "holder");
        let cleanup_interval = reader.get("cleanup.interval", Span(default.cleanup_interval)).0;
        if cleanup_interval < CLEANUP_INTERVAL_MIN {
            reader.refuse("cleanup.interval", "must be 1s or more");
        }
        let heartbeat_timeout = reader.get("ws.heartbeat_timeout", SpanOrOff(default.heartbeat_timeout)).0;
        if heartbeat_timeout.is_some_and(|timeout| timeout.is_zero()) {
            reader.refuse("ws.heartbeat_timeout", "must be more than 0, or off");
        }
        Self {
            ttl: life(reader, "offers.ttl", default.ttl),
            authorize: if authorize == "holder" { OfferAuthority::Holder } else { OfferAuthority::AdminOrHolder },
            scoped_rules: reader.get("offers.scoped_rules", default.scoped_rules),
            cleanup_interval,
            heartbeat_timeout,
        }
    }
}

/// A table in a file; `holder:offered` in a variable.
impl FromValue for ScopedRule {
    fn from_value(value: &Value) -> Result<Self, String> {
        let refused = || "must be tables of holder_role and may_offer, or holder:offered".to_owned();
        if let Some(text) = value.as_str() {
            let (holder, offered) = text.split_once(':').ok_or_else(refused)?;
            return Ok(Self { holder_role: holder.to_owned(), may_offer: offered.to_owned() });
        }
        let table = value.as_dict().ok_or_else(refused)?;
        let text = |name: &str| table.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(refused);
        if table.len() != 2 {
            return Err(refused());
        }
        Ok(Self { holder_role: text("holder_role")?, may_offer: text("may_offer")? })
    }

    fn shown(&self) -> String {
        format!("{}:{}", self.holder_role, self.may_offer)
    }
}
