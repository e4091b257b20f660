//! What of an input is an issue.

use super::*;

fn issues(fields: &[Field], given: Value) -> Vec<(&'static str, Vec<&'static str>)> {
    let Value::Object(given) = given else { panic!("an object") };
    let issues = check(fields, given).err().unwrap_or_default();
    issues.into_iter().map(|issue| (issue.code, issue.path)).collect()
}

#[test]
fn every_issue_is_named_at_its_path() {
    let fields = [
        required("id", Kind::Uuid),
        optional("limit", Kind::Count { min: 1, max: 200 }),
        optional_not_null("acting", Kind::Uuid),
    ];
    assert_eq!(issues(&fields, json!({ "id": "00000000-0000-0000-0000-000000000000", "limit": null })), []);
    assert_eq!(
        issues(&fields, json!({ "id": "{00000000-0000-0000-0000-000000000000}", "limit": 0, "acting": null, "x": 1 })),
        [
            ("invalid_format", vec!["id"]),
            ("too_small", vec!["limit"]),
            ("invalid_type", vec!["acting"]),
            ("unrecognized_keys", vec![]),
        ]
    );
    assert_eq!(
        issues(&fields, json!({ "limit": 1.5 })),
        [("invalid_type", vec!["id"]), ("invalid_type", vec!["limit"])]
    );
    for (limit, code) in [(1e30, "too_big"), (1e300, "too_big"), (-1.0, "too_small"), (-1e300, "too_small")] {
        assert_eq!(issues(&fields[1..2], json!({ "limit": limit })), [(code, vec!["limit"])], "{limit}");
    }
    let Value::Object(whole) = json!({ "limit": 7.0 }) else { panic!("an object") };
    assert_eq!(check(&fields[1..2], whole).map(|input| input.count("limit")), Ok(Some(7)));
}

#[test]
fn names_are_of_one_form() {
    for good in ["a", "a_b", "teacher"] {
        assert!(is_name(good), "{good}");
    }
    for bad in ["", "_x", "x_", "a1", "Bad-Name", "GLOBAL"] {
        assert!(!is_name(bad), "{bad}");
    }
}
