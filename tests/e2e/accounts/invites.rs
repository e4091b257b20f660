//! Making and taking back invitations (ACC-040, ACC-041).

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::{Engine, Installation, PASSWORD, in_parallel, text, unique};

fn acc_040_an_invitation_names_somebody_new_once(engine: Engine) {
    let house = Installation::shared(engine);
    let invite = |params: serde_json::Value| house.keeper.client.rpc("invite_create", &params);
    assert_eq!(invite(json!({})).issues(), [("email".to_owned(), "custom".to_owned())]);
    let (name, email) = (unique("lea"), format!("{}@example.com", unique("lea")));
    house.invite(&json!({ "username": name }));
    house.sign_up(&json!({ "username": name, "password": PASSWORD, "email": email })).expect(200);
    invite(json!({ "username": name.to_uppercase() })).refused(409, -32_004, "invite_account_exists_username");
    invite(json!({ "email": email.to_uppercase() })).refused(409, -32_004, "invite_account_exists_email");
    let both = json!({ "username": name, "email": email });
    invite(both).refused(409, -32_004, "invite_account_exists_username");
    let (name, email) = (unique("leo"), format!("{}@example.com", unique("leo")));
    let made = house.invite(&json!({ "username": name, "email": email }));
    assert_eq!((&made["username"], &made["email"]), (&json!(name), &json!(email)));
    assert_eq!(made["created_by"], json!(house.keeper.actor));
    invite(json!({ "username": name.to_uppercase() })).refused(409, -32_004, "invite_duplicate");
    invite(json!({ "email": email.to_uppercase() })).refused(409, -32_004, "invite_duplicate");
    assert_eq!(invite(json!({ "email": "nobody" })).issues()[0].0, "email");
    assert_eq!(invite(json!({ "username": "a b" })).issues()[0].0, "username");
}

fn acc_041_only_an_unused_invitation_is_taken_back(engine: Engine) {
    let house = Installation::shared(engine);
    let delete = |id: &str| house.keeper.client.rpc("invite_delete", &json!({ "invite_id": id }));
    let name = unique("max");
    let id = text(&house.invite(&json!({ "username": name }))["id"]);
    delete(&id).result();
    delete(&id).refused(404, -32_003, "invite_not_found");
    delete("00000000-0000-0000-0000-000000000000").refused(404, -32_003, "invite_not_found");
    let id = text(&house.invite(&json!({ "username": name }))["id"]);
    house.sign_up(&json!({ "username": name, "password": PASSWORD })).expect(200);
    delete(&id).refused(404, -32_003, "invite_not_found");
}

/// More than the server reads at once: each is listed once, the newest first.
fn the_list_of_invitations_is_whole(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let made = in_parallel(6, |_| {
        let invite = || text(&house.invite(&json!({ "username": unique("guest") }))["id"]);
        (0..200).map(|_| invite()).collect::<Vec<_>>()
    });
    let last = text(&house.invite(&json!({ "username": unique("guest") }))["id"]);
    let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
    let listed: Vec<String> = listed["invites"].as_array().unwrap().iter().map(|invite| text(&invite["id"])).collect();
    assert_eq!(listed[0], last);
    let all: BTreeSet<String> = made.into_iter().flatten().chain([last]).collect();
    assert_eq!((listed.len(), listed.into_iter().collect::<BTreeSet<_>>()), (1_201, all));
}

both_engines![
    acc_040_an_invitation_names_somebody_new_once,
    acc_041_only_an_unused_invitation_is_taken_back,
    the_list_of_invitations_is_whole,
];
