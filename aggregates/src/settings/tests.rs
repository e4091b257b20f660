//! Given/when/then over the settings.

use super::*;
use crate::specification::given;

#[test]
fn acc_104_turning_a_switch_says_what_it_was() {
    let set = |open| SetOpenSignup { open, by: Some(PersonaId("p".to_owned())) };
    let on = given::<Settings>(&[]).and(set(true));
    assert!(on.state.open_signup());
    let SettingsEvent::OpenSignupSet(again) = on.when(set(true)).events().remove(0);
    assert!(again.old_value && again.new_value);
    let SettingsEvent::OpenSignupSet(off) = on.when(set(false)).events().remove(0);
    assert!(off.old_value && !off.new_value);
}
