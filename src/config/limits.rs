//! How often is too often (spec/metrics.md section 12). `<count>/<seconds>` or `off`; the windows slide.

use std::time::Duration;

use figment::value::Value;

use super::reader::Reader;
use super::value::FromValue;

/// At most so many in any window of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub count: u32,
    /// In how long.
    pub window: Duration,
}

impl Limit {
    /// `count` in any `seconds`.
    #[must_use]
    pub const fn new(count: u32, seconds: u64) -> Self {
        Self { count, window: Duration::from_secs(seconds) }
    }
}

/// Wrong guesses one code takes. Not a setting: it is the documents' own figure and part of what a code is.
pub const GUESSES_PER_CODE_MAX: u32 = 5;

/// All limits; `None` is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Codes started per e-mail address.
    pub otp_starts: Option<Limit>,
    /// Codes started per address (`limits.otp_address`).
    pub otp_address_starts: Option<Limit>,
    /// Codes tried per address (`limits.otp_address`).
    pub otp_address_guesses: Option<Limit>,
    /// Wrong codes per e-mail address, over all its codes.
    pub otp_guesses: Option<Limit>,
    /// Applications per address.
    pub applications_address: Option<Limit>,
    /// Applications per e-mail address.
    pub applications_email: Option<Limit>,
    /// Wrong signup secrets per address.
    pub signup_secret: Option<Limit>,
    /// Unknown or wrong tokens per address.
    pub bad_tokens: Option<Limit>,
    /// Writing requests per token.
    pub metric_writes: Option<Limit>,
    /// Reading requests per credential.
    pub reads: Option<Limit>,
    /// Failed sign-ins and changes of a password together, per address.
    pub login_ip: Option<Limit>,
    /// Failed sign-ups per address.
    pub signup_ip: Option<Limit>,
    /// Failed bootstraps per address.
    pub bootstrap_ip: Option<Limit>,
    /// Unknown and ended bearer tokens of `/api` per address.
    pub bearer_ip: Option<Limit>,
    /// Failed sign-ins and changes of a password per account.
    pub login_account: Option<Limit>,
    /// Failed sign-ups per username.
    pub signup_account: Option<Limit>,
    /// Calls of limited methods per account.
    pub action_account: Option<Limit>,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            otp_starts: Some(Limit::new(5, 600)),
            otp_address_starts: Some(Limit::new(20, 600)),
            otp_address_guesses: Some(Limit::new(30, 600)),
            otp_guesses: Some(Limit::new(30, 86_400)),
            applications_address: Some(Limit::new(10, 3_600)),
            applications_email: Some(Limit::new(5, 86_400)),
            signup_secret: Some(Limit::new(10, 900)),
            bad_tokens: Some(Limit::new(20, 900)),
            metric_writes: Some(Limit::new(1_200, 60)),
            reads: Some(Limit::new(600, 60)),
            login_ip: Some(Limit::new(5, 900)),
            signup_ip: Some(Limit::new(5, 900)),
            bootstrap_ip: Some(Limit::new(5, 900)),
            bearer_ip: Some(Limit::new(5, 900)),
            login_account: Some(Limit::new(10, 1_800)),
            signup_account: Some(Limit::new(10, 1_800)),
            action_account: Some(Limit::new(1_200, 900)),
        }
    }
}

impl LimitsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let default = Self::default();
        let address_is_set = reader.is_set("limits.otp_address");
        let address = reader.get("limits.otp_address", default.otp_address_starts);
        Self {
            otp_starts: reader.get("limits.otp_starts", default.otp_starts),
            otp_address_starts: address,
            otp_address_guesses: if address_is_set { address } else { default.otp_address_guesses },
            otp_guesses: reader.get("limits.otp_guesses", default.otp_guesses),
            applications_address: reader.get("limits.applications_address", default.applications_address),
            applications_email: reader.get("limits.applications_email", default.applications_email),
            signup_secret: reader.get("limits.signup_secret", default.signup_secret),
            bad_tokens: reader.get("limits.bad_tokens", default.bad_tokens),
            metric_writes: reader.get("limits.metric_writes", default.metric_writes),
            reads: reader.get("limits.reads", default.reads),
            login_ip: reader.get("limits.login_ip", default.login_ip),
            signup_ip: reader.get("limits.signup_ip", default.signup_ip),
            bootstrap_ip: reader.get("limits.bootstrap_ip", default.bootstrap_ip),
            bearer_ip: reader.get("limits.bearer_ip", default.bearer_ip),
            login_account: reader.get("limits.login_account", default.login_account),
            signup_account: reader.get("limits.signup_account", default.signup_account),
            action_account: reader.get("limits.action_account", default.action_account),
        }
    }

    /// Names of the limits that are off.
    #[must_use]
    pub fn off(&self) -> Vec<&'static str> {
        let limits = [
            ("limits.otp_starts", self.otp_starts),
            ("limits.otp_address", self.otp_address_starts),
            ("limits.otp_guesses", self.otp_guesses),
            ("limits.applications_address", self.applications_address),
            ("limits.applications_email", self.applications_email),
            ("limits.signup_secret", self.signup_secret),
            ("limits.bad_tokens", self.bad_tokens),
            ("limits.metric_writes", self.metric_writes),
            ("limits.reads", self.reads),
            ("limits.login_ip", self.login_ip),
            ("limits.signup_ip", self.signup_ip),
            ("limits.bootstrap_ip", self.bootstrap_ip),
            ("limits.bearer_ip", self.bearer_ip),
            ("limits.login_account", self.login_account),
            ("limits.signup_account", self.signup_account),
            ("limits.action_account", self.action_account),
        ];
        limits.into_iter().filter(|(_, limit)| limit.is_none()).map(|(name, _)| name).collect()
    }
}

impl FromValue for Option<Limit> {
    fn from_value(value: &Value) -> Result<Self, String> {
        let refused = || "must be <count>/<seconds>, both 1 or more, or off".to_owned();
        let text = value.as_str().ok_or_else(refused)?;
        if text == "off" {
            return Ok(None);
        }
        let (count, seconds) = text.split_once('/').ok_or_else(refused)?;
        // `parse` takes a leading plus; a limit is written without.
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(count) || !digits(seconds) {
            return Err(refused());
        }
        match (count.parse(), seconds.parse()) {
            (Ok(1..), Ok(1..=31_536_000)) => {}
            _ => return Err(refused()),
        }
        let limit = count.parse().ok().zip(seconds.parse().ok()).map(|(count, seconds)| Limit::new(count, seconds));
        limit.map(Some).ok_or_else(refused)
    }

    fn shown(&self) -> String {
        match self {
            None => "off".to_owned(),
            Some(limit) => format!("{}/{}", limit.count, limit.window.as_secs()),
        }
    }
}
