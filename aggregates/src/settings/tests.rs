//! Given/when/then over the settings.
