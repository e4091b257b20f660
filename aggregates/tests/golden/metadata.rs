//! Golden copies of what stands beside events: one file a kind of [`Who`] in `golden/metadata/`. It has no version and no
//! upcaster, so a field that is written once is read for ever: renamed, it would be missing in all that was recorded before.

use muniment_aggregates::record::{Metadata, Position, Who};

use super::{expect_golden, folder, sealed, some, stored};

fn all() -> [Who; 5] {
    [
        Who::Anonymous,
        Who::System { component: "alert-evaluator".to_owned() },
        Who::Operator,
        Who::Account {
            account: "3f1f5a3e-0000-4000-8000-000000000001".to_owned(),
            persona: some("3f1f5a3e-0000-4000-8000-000000000002"),
            credential: "api_token".to_owned(),
            credential_id: "tok_QUJDREVGR0hJ".to_owned(),
        },
        Who::Agent {
            company: "cmp_AQEBAQEBAQEBAQEB".to_owned(),
            application: "app_AgICAgICAgICAgIC".to_owned(),
            token: "CQkJCQkJCQkJ".to_owned(),
            name: "default-agent-token".to_owned(),
        },
    ]
}

#[test]
fn golden_metadata_hold() {
    for who in all() {
        let kind = stored(&who)["kind"].as_str().unwrap().to_owned();
        // Exhaustive, so that a new kind is thought of here.
        let (client, causation) = match &who {
            Who::Anonymous | Who::Account { .. } | Who::Agent { .. } => (Some(sealed("client/any")), None),
            Who::System { .. } => (None, Some(Position(41))),
            Who::Operator => (None, None),
        };
        let metadata = Metadata {
            who,
            client,
            correlation: "3f1f5a3e-0000-4000-8000-000000000020".to_owned(),
            causation,
            surface: "http".to_owned(),
            command: "record_points".to_owned(),
        };
        let path = folder().join("metadata").join(format!("{kind}.json"));
        let differs = "what was recorded before would be read without it; what is new goes beside it";
        expect_golden(&path, &stored(&metadata), differs);
        let golden = std::fs::read_to_string(path).unwrap();
        assert_eq!(serde_json::from_str::<Metadata>(&golden).unwrap(), metadata, "{kind}");
    }
}
