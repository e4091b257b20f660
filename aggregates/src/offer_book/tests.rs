//! Given/when/then over offer books.
