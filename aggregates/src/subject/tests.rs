//! Given/when/then over subjects.

use super::*;
use crate::specification::{at, given};

#[test]
fn a_subject_is_erased_once() {
    let erase = Erase { reason: "asked".to_owned() };
    let subject = given::<Subject>(&[]).at(7).and(erase.clone());
    assert_eq!(subject.state.erased_at(), Some(at(7)));
    subject.when(erase).then_nothing();
}
