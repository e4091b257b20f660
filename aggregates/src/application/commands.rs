//! What an application can be asked.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::narrative::Narrative;
use super::state::ApplicationStatus;
use super::tokens::TokenScope;
use crate::ids::{CompanyId, CredentialId, FounderId};
use crate::sealed::{Sealed, SubjectId};

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Fresh public id.
    pub id: CredentialId,
    /// Name, unique among the live ones.
    pub name: String,
    /// BLAKE3 of the whole raw token, 64 lower-case hex characters.
    pub secret_hash: String,
    /// 1 to 4 scopes, none twice.
    pub scopes: Vec<TokenScope>,
    /// Slugs it is bound to, 1 to 100; `None` = all.
    pub allowed_metrics: Option<BTreeSet<String>>,
    /// When it ends, or never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Who makes it, as the wire shows it: an account id.
    pub created_by: Option<String>,
}

/// Brings company, application and first token into being.
#[derive(Debug, Clone, PartialEq)]
pub struct Submit {
    /// Fresh id of the company.
    pub company: CompanyId,
    /// Its name.
    pub company_name: String,
    /// Fresh id of the founder.
    pub founder: FounderId,
    /// The founder's name.
    pub founder_name: Sealed,
    /// The founder's e-mail, normalised.
    pub founder_email: Sealed,
    /// Whether a session proved the e-mail.
    pub founder_email_verified: bool,
    /// Whose key seals the founder's fields.
    pub subject: SubjectId,
    /// Website as given.
    pub website: Option<String>,
    /// Narrative, an object.
    pub narrative: Narrative,
    /// The first token.
    pub token: NewToken,
}

/// The founder takes the application back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdraw {
    /// Why.
    pub reason: Option<String>,
    /// Who, as the wire shows it.
    pub by: String,
}

/// A reviewer moves the application on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeStatus {
    /// Where to.
    pub status: ApplicationStatus,
    /// Why; needed to reopen.
    pub reason: Option<String>,
    /// Who, as the wire shows it.
    pub by: String,
}

/// Makes a further token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueToken {
    /// The token.
    pub token: NewToken,
}

/// Ends a token at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeToken {
    /// Which.
    pub token: CredentialId,
    /// Why.
    pub reason: Option<String>,
    /// Who, as the wire shows it.
    pub by: String,
}

/// Replaces a token's secret: a new token of the same name, scopes, metrics and end; the old one ends after a
/// grace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateToken {
    /// The token to replace.
    pub token: CredentialId,
    /// Fresh public id of its successor.
    pub replacement: CredentialId,
    /// Hash of the successor's raw token.
    pub secret_hash: String,
    /// How long the old one still works.
    pub grace_seconds: u32,
    /// Who, as the wire shows it.
    pub by: String,
}

/// Everything an application can be asked.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "commands are few and short-lived; a box would burden every caller")]
pub enum ApplicationCommand {
    /// See [`Submit`].
    Submit(Submit),
    /// See [`Withdraw`].
    Withdraw(Withdraw),
    /// See [`ChangeStatus`].
    ChangeStatus(ChangeStatus),
    /// See [`IssueToken`].
    IssueToken(IssueToken),
    /// See [`RevokeToken`].
    RevokeToken(RevokeToken),
    /// See [`RotateToken`].
    RotateToken(RotateToken),
}

from_each!(ApplicationCommand: Submit, Withdraw, ChangeStatus, IssueToken, RevokeToken, RotateToken);
