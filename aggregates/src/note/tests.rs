//! Given/when/then over notes.

use super::*;
use crate::specification::given;

#[test]
fn a_note_is_recorded_once() {
    let record = Record {
        what: "lesson.held".to_owned(),
        is_failure: false,
        account: None,
        target_account: None,
        details: None,
    };
    let note = given::<Note>(&[]);
    assert_eq!(note.when(record.clone()).events().len(), 1);
    note.and(record.clone()).when(record).then_nothing();
}
