//! Who may apply, and how.

use secrecy::SecretString;

use super::environment::Environment;
use super::reader::Reader;

/// Applications.
#[derive(Debug, Clone, Default)]
pub struct ApplicationsConfig {
    /// Applications must carry it in `x-alif-signup-secret`.
    pub signup_secret: Option<SecretString>,
    /// Applications need a founder session. Default false; true in production unless a signup secret is set.
    pub require_email_otp: bool,
    /// Applications need an invite for the e-mail.
    pub require_invite: bool,
}

impl ApplicationsConfig {
    pub(super) fn read(reader: &mut Reader, environment: &Environment) -> Self {
        let signup_secret: Option<SecretString> = reader.optional("applications.signup_secret");
        let needs_session = environment.is_production() && signup_secret.is_none();
        Self {
            require_email_otp: reader.get("applications.require_email_otp", needs_session),
            require_invite: reader.get("applications.require_invite", false),
            signup_secret,
        }
    }
}
