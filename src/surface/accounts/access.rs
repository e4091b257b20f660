//! Who may call a row of `/api`, in both of its tables alike: the gates ask it, the documents show it.

use super::caller::{Caller, CredentialType};
use super::failure::ApiFailure;
use super::persona::Acting;

/// As what somebody must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// As anybody, known or not.
    Nothing,
    /// As an account.
    Account,
    /// As an account that acts as one of its personas.
    Persona {
        /// The roles of which the persona must hold one everywhere; none for any.
        roles: &'static [&'static str],
    },
}

/// Who may call a row.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// As what he must come.
    pub needs: Needs,
    /// The types of credential that he may come by; none for any.
    pub credentials: &'static [CredentialType],
}

impl Access {
    /// Whoever asks.
    pub const ANYBODY: Self = Self { needs: Needs::Nothing, credentials: &[] };
    /// Any account.
    pub const ACCOUNT: Self = Self { needs: Needs::Account, ..Self::ANYBODY };
    /// Any account by a session, which somebody signed in to.
    pub const SESSION: Self = Self { credentials: &[CredentialType::Session], ..Self::ACCOUNT };
    /// Any persona.
    pub const PERSONA: Self = Self::role(&[]);

    /// A persona that holds one of these roles.
    #[must_use]
    pub const fn role(roles: &'static [&'static str]) -> Self {
        Self { needs: Needs::Persona { roles }, ..Self::ANYBODY }
    }

    /// Whether an account is needed.
    #[must_use]
    pub const fn needs_account(&self) -> bool {
        matches!(self.needs, Needs::Account | Needs::Persona { .. })
    }

    /// Whether a persona is needed.
    #[must_use]
    pub const fn needs_persona(&self) -> bool {
        matches!(self.needs, Needs::Persona { .. })
    }

    /// The roles of which one is needed; none for any.
    #[must_use]
    pub const fn roles(&self) -> &'static [&'static str] {
        match self.needs {
            Needs::Nothing | Needs::Account => &[],
            Needs::Persona { roles } => roles,
        }
    }

    /// Whether somebody may come by a credential of this type.
    #[must_use]
    pub fn takes(&self, credential: CredentialType) -> bool {
        self.credentials.is_empty() || self.credentials.contains(&credential)
    }

    /// The gate of credentials.
    ///
    /// # Errors
    /// 403 `credential_type_required`.
    pub(super) fn check_credential(&self, caller: &Caller) -> Result<(), ApiFailure> {
        if self.takes(caller.credential.kind()) {
            return Ok(());
        }
        Err(ApiFailure::credential_type(self.credentials))
    }

    /// The gate of roles, for the persona that acts.
    ///
    /// # Errors
    /// 403 `insufficient_permissions`.
    pub(super) fn check_role(&self, acting: Option<&Acting>) -> Result<(), ApiFailure> {
        let roles = self.roles();
        if roles.is_empty() || acting.is_some_and(|acting| acting.holds_any(roles)) {
            return Ok(());
        }
        Err(ApiFailure::role(roles))
    }
}
