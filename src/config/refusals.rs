//! What production does not start with (design section 10; spec/metrics.md section 13.2), and what is only worth
//! a warning. What a value's own meaning forbids is refused where it is read.

use super::Config;
use super::errors::ConfigError;
use super::mail::MailMode;
use super::origins::OriginPattern;
use super::store::KeysConfig;

impl Config {
    /// Why this configuration may not serve. Empty in development.
    #[must_use]
    pub fn refusals(&self) -> Vec<ConfigError> {
        let mut refused = Vec::new();
        if !self.environment.is_production() {
            return refused;
        }
        let mut refuse = |setting: &str, what: String| refused.push(ConfigError { setting: setting.to_owned(), what });
        if !matches!(self.mail.mode(), MailMode::Smtp(_)) {
            let what = "is missing: production needs mail, because sign-in by code has no other way; set \
                        mail.smtp_url and mail.from_email";
            refuse("mail.smtp_url", what.to_owned());
        }
        if self.accounts.cookie_keys.0.is_empty() {
            let what = "must be set in production: keys of 32 characters or more, with __ between them";
            refuse("accounts.cookie_keys", what.to_owned());
        }
        if self.http.allowed_origins.is_empty() {
            let what = "must be set in production: the sites from which browsers may call, as https://app.example.com";
            refuse("http.allowed_origins", what.to_owned());
        }
        let unsafe_origins: Vec<String> =
            self.http.allowed_origins.iter().filter_map(|it| self.unsafe_in(it)).collect();
        if !unsafe_origins.is_empty() {
            refuse("http.allowed_origins", unsafe_origins.join("; "));
        }
        for name in self.accounts.weakened() {
            refuse(name, "must not be weakened in production".to_owned());
        }
        if let KeysConfig::Directory { path, .. } = &self.store.keys
            && !path.join("master.key").exists()
        {
            let what = format!(
                "{} has no master.key, and production makes none by itself: restore it, or run `muniment init` for a \
                 new installation, or set master_key",
                path.display()
            );
            refuse("keys_dir", what);
        }
        refused
    }

    /// Why production does not take an origin.
    fn unsafe_in(&self, origin: &OriginPattern) -> Option<String> {
        let origin_is = format!("{} is not taken in production", origin.as_str());
        if origin.is_of_whole_domains() {
            return Some(format!("{origin_is}: a * in its last two labels lets in sites that are not yours"));
        }
        let is_plain = self.accounts.cookie_secure && origin.is_plain_beyond_loopback();
        is_plain.then(|| format!("{origin_is}: the session's cookie is for https alone"))
    }

    /// What an operator should know though it stops nothing.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> =
            self.limits.off().into_iter().map(|name| format!("{name} is off: nothing bounds these requests")).collect();
        warnings
            .extend(self.accounts.weakened().into_iter().map(|name| format!("{name} weakens the session's cookie")));
        if self.http.body_bytes_max.is_none() {
            warnings.push("http.max_body_size is off: nothing bounds what a request holds".to_owned());
        }
        if !self.environment.is_production() && !self.http.listen.ip().is_loopback() {
            warnings.push(format!("a development configuration listens on {}", self.http.listen));
        }
        warnings
    }
}
