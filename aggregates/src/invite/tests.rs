//! Given/when/then over invitations.
