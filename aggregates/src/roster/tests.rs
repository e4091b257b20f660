//! Given/when/then over the roster.
