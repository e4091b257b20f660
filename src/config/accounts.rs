//! Accounts and sign-in.

use super::reader::Reader;

/// Accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountsConfig {
    /// Whether a right e-mail code makes an account that does not exist. Default always.
    pub otp_signup: OtpSignup,
}

/// Whether a right e-mail code makes an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OtpSignup {
    /// For everyone.
    #[default]
    Always,
    /// Only for whom an invite is open.
    Invited,
}

impl AccountsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let word = reader.one_of("accounts.otp_signup", &["always", "invited"], "always");
        Self { otp_signup: if word == "invited" { OtpSignup::Invited } else { OtpSignup::Always } }
    }
}
