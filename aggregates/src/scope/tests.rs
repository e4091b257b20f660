//! Given/when/then over scopes.
