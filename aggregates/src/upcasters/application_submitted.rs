//! `application.submitted` before narratives were sealed: 1.0 has the object itself, which 1.1 still reads.

use super::Upcaster;

/// From 1.0 to 1.1.
pub(super) const FROM_1_0: Upcaster =
    Upcaster { event_type: "application.submitted", from: "1.0", to: "1.1", step: Ok };
