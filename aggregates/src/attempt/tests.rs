//! Given/when/then over refused attempts.
