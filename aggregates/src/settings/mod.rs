//! The switches of an installation that administrators turn while it runs. One stream, `settings/main`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::decider::{Decider, DomainEvent, Facts, Refuse};
use crate::ids::PersonaId;

/// Id of the one stream.
pub const SETTINGS_ID: &str = "main";

/// Opens or closes sign-up without an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetOpenSignup {
    /// Whether anybody may sign up.
    pub open: bool,
    /// The persona that turned it; absent outside the surface.
    pub by: Option<PersonaId>,
}

/// Everything the settings can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsCommand {
    /// See [`SetOpenSignup`].
    SetOpenSignup(SetOpenSignup),
}

from_each!(SettingsCommand: SetOpenSignup);

/// Sign-up was opened or closed. Setting what is set already is recorded too: somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSignupSet {
    /// What it was.
    pub old_value: bool,
    /// What it is.
    pub new_value: bool,
    /// The persona that turned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonaId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Everything that can have happened to the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingsEvent {
    /// See [`OpenSignupSet`].
    OpenSignupSet(OpenSignupSet),
}

impl DomainEvent for SettingsEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::OpenSignupSet(_) => "settings.open_signup_set",
        }
    }

    fn event_version(&self) -> &'static str {
        match self {
            Self::OpenSignupSet(_) => "1.0",
        }
    }
}

/// Why the settings said no: they never do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsRefusal {}

impl Refuse for SettingsRefusal {
    fn reason(&self) -> &'static str {
        match *self {}
    }
}

/// The settings as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settings {
    open_signup: bool,
    updated_at: Option<DateTime<Utc>>,
    updated_by: Option<PersonaId>,
}

impl Settings {
    /// Whether anybody may sign up.
    #[must_use]
    pub fn open_signup(&self) -> bool {
        self.open_signup
    }

    /// When they were turned last.
    #[must_use]
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.updated_at
    }

    /// Who turned them last.
    #[must_use]
    pub fn updated_by(&self) -> Option<&PersonaId> {
        self.updated_by.as_ref()
    }
}

impl Decider for Settings {
    const TYPE: &'static str = "settings";
    const SNAPSHOT_SCHEMA: u32 = 1;

    type Command = SettingsCommand;
    type Event = SettingsEvent;
    type Refusal = SettingsRefusal;

    fn decide(&self, command: &SettingsCommand, facts: &Facts) -> Result<Vec<SettingsEvent>, SettingsRefusal> {
        match command {
            SettingsCommand::SetOpenSignup(set) => Ok(vec![SettingsEvent::OpenSignupSet(OpenSignupSet {
                old_value: self.open_signup,
                new_value: set.open,
                by: set.by.clone(),
                at: facts.now,
            })]),
        }
    }

    fn evolve(&mut self, event: &SettingsEvent) {
        match event {
            SettingsEvent::OpenSignupSet(set) => {
                self.open_signup = set.new_value;
                self.updated_at = Some(set.at);
                self.updated_by.clone_from(&set.by);
            }
        }
    }
}

#[cfg(test)]
mod tests;
