//! Given/when/then over refused attempts.

use super::*;
use crate::specification::given;

#[test]
fn an_attempt_is_recorded_once() {
    let record = Record {
        what: "login".to_owned(),
        account: None,
        target_account: None,
        target_persona: None,
        details: BTreeMap::new(),
        sealed: BTreeMap::new(),
    };
    let attempt = given::<Attempt>(&[]);
    assert_eq!(attempt.when(record.clone()).events().len(), 1);
    attempt.and(record.clone()).when(record).then_nothing();
}
