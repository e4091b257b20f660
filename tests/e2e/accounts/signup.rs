//! Signing up (ACC-030 to ACC-039).

use serde_json::{Value, json};

use crate::harness::{Engine, Installation, PASSWORD, cookie_of, in_parallel, text, unique};

fn body(username: &str) -> Value {
    json!({ "username": username, "password": PASSWORD })
}

fn acc_030_usernames_are_of_one_form(engine: Engine) {
    let house = Installation::shared(engine);
    let long = "a".repeat(40);
    for bad in ["ab", &long, "1abc", "_abc", "-abc", "abc_", "abc-", "a b", "a@b", "a.b", "café_user", "日本_user"] {
        let refusal = house.sign_up(&body(bad)).refused(400, "invalid_request_body");
        assert_eq!(refusal["issues"][0]["path"], json!(["username"]), "{bad}");
    }
    for good in ["abc", &"a".repeat(39), "us_er", "us-er"] {
        house.sign_up(&body(good)).refused(403, "no_matching_invite");
    }
}

fn acc_031_passwords_and_e_mails_are_bounded(engine: Engine) {
    let house = Installation::shared(engine);
    let attempt = |field: &str, value: Value| {
        let mut body = body(&unique("bounds"));
        body[field] = value;
        house.sign_up(&body)
    };
    for bad in [11, 301] {
        let refusal = attempt("password", json!("é".repeat(bad))).refused(400, "invalid_request_body");
        assert_eq!(refusal["issues"][0]["path"], json!(["password"]), "{bad}");
    }
    for good in [12, 300] {
        attempt("password", json!("é".repeat(good))).refused(403, "no_matching_invite");
    }
    for good in [json!("a@b.co"), json!("first.last+tag@sub.example.com"), Value::Null] {
        attempt("email", good).refused(403, "no_matching_invite");
    }
    let of_bytes = |bytes: usize| format!("{}@example.com", "a".repeat(bytes - "@example.com".len()));
    attempt("email", json!(of_bytes(254))).refused(403, "no_matching_invite");
    let long = of_bytes(255);
    for bad in ["a", "a@b@c.d", "a b@c.d", "@c.d", "a@", "a@b", ".a@b.co", "a.@b.co", "a..b@c.co", &long] {
        let refusal = attempt("email", json!(bad)).refused(400, "invalid_request_body");
        assert_eq!(refusal["issues"][0]["path"], json!(["email"]), "{bad}");
    }
}

fn acc_032_without_an_invitation_free_and_taken_names_answer_alike(engine: Engine) {
    let house = Installation::shared(engine);
    let person = house.person("ann");
    let free = unique("free");
    let (taken, open) = (house.sign_up(&body(&person.username)), house.sign_up(&body(&free)));
    taken.refused(403, "no_matching_invite");
    assert_eq!(taken.body, open.body);
    let rows = house.audit(&json!({ "event_type": "signup", "outcome": "failure", "limit": 50 }));
    let row = rows.iter().find(|row| row["metadata"]["username"] == json!(free)).unwrap();
    assert_eq!((&row["metadata"]["reason"], &row["account_id"]), (&json!("no_match"), &Value::Null));
}

fn acc_033_an_invitation_by_e_mail_covers_that_e_mail_alone(engine: Engine) {
    let house = Installation::shared(engine);
    let email = format!("{}@example.com", unique("Dora"));
    house.invite(&json!({ "email": email }));
    let mut attempt = body(&unique("dora"));
    attempt["email"] = json!(format!("other-{email}"));
    house.sign_up(&attempt).refused(403, "no_matching_invite");
    attempt["email"] = json!(email.to_uppercase());
    house.sign_up(&attempt).expect(200);
}

fn acc_034_a_username_invites_with_any_e_mail_and_both_need_both(engine: Engine) {
    let house = Installation::shared(engine);
    let name = unique("emil");
    house.invite(&json!({ "username": name.to_uppercase() }));
    let mut attempt = body(&name);
    attempt["email"] = json!(format!("{}@example.com", unique("any")));
    house.sign_up(&attempt).expect(200);

    let (name, email) = (unique("fay"), format!("{}@example.com", unique("fay")));
    house.invite(&json!({ "username": name, "email": email }));
    for (username, given) in
        [(name.clone(), None), (name.clone(), Some(format!("x{email}"))), (unique("other"), Some(email.clone()))]
    {
        let mut attempt = body(&username);
        attempt["email"] = json!(given);
        house.sign_up(&attempt).refused(403, "no_matching_invite");
    }
    house.sign_up(&json!({ "username": name, "password": PASSWORD, "email": email })).expect(200);
}

fn acc_035_an_invitation_is_used_once_and_says_by_whom(engine: Engine) {
    let house = Installation::shared(engine);
    let email = format!("{}@example.com", unique("gil"));
    let invite = house.invite(&json!({ "email": email }));
    let name = unique("gil");
    let mut attempt = body(&name);
    attempt["email"] = json!(email);
    house.sign_up(&attempt).expect(200);
    let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
    let listed = listed["invites"].as_array().unwrap().iter().find(|row| row["id"] == invite["id"]).unwrap().clone();
    assert_eq!(listed["claimed_by_username"], json!(name));
    assert_eq!(listed["created_by_username"], json!("keeper"));
    assert!(listed["claimed_by"].is_string() && listed["claimed_at"].is_string());
    let mut again = body(&unique("gil"));
    again["email"] = json!(email);
    house.sign_up(&again).refused(403, "no_matching_invite");
}

fn acc_036_taken_names_conflict_and_the_invitation_stays_open(engine: Engine) {
    let house = Installation::shared(engine);
    let owner_email = format!("{}@example.com", unique("owner"));
    let owner = unique("owner");
    house.invite(&json!({ "username": owner }));
    house.sign_up(&json!({ "username": owner, "password": PASSWORD, "email": owner_email })).expect(200);
    let email = format!("{}@example.com", unique("hal"));
    let invite = house.invite(&json!({ "email": email }));
    let by_name = house.sign_up(&json!({ "username": owner.to_uppercase(), "password": PASSWORD, "email": email }));
    by_name.refused(409, "signup_conflict");
    let name = unique("hal");
    let other_invite = house.invite(&json!({ "username": name }));
    let taken = json!({ "username": name, "password": PASSWORD, "email": owner_email.to_uppercase() });
    let by_email = house.sign_up(&taken);
    by_email.refused(409, "signup_conflict");
    assert_eq!(by_name.body, by_email.body);
    let rows = house.audit(&json!({ "event_type": "signup", "outcome": "failure", "limit": 200 }));
    for (invite, username, given) in [(&invite, &owner, email), (&other_invite, &name, owner_email.to_uppercase())] {
        let row = rows.iter().find(|row| row["metadata"]["invite_id"] == invite["id"]).unwrap();
        let metadata =
            json!({ "username": username, "email": given, "reason": "signup_conflict", "invite_id": invite["id"] });
        assert_eq!(row["metadata"], metadata);
        assert_eq!((&row["account_id"], &row["target_account_id"]), (&Value::Null, &Value::Null), "{row}");
    }
    let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
    for invite in [invite, other_invite] {
        let row = listed["invites"].as_array().unwrap().iter().find(|row| row["id"] == invite["id"]).unwrap();
        assert_eq!((&row["claimed_by"], &row["claimed_at"]), (&Value::Null, &Value::Null), "{row}");
    }
}

fn acc_037_many_at_once_on_one_invitation_make_one_account(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| house.server.second_node());
    let nodes = [&house.server, second.as_ref().unwrap_or(&house.server)];
    let email = "ida@example.com";
    let invite = house.invite(&json!({ "email": email }));
    let statuses = in_parallel(20, |index| {
        let mut attempt = body(&format!("ida-{index}"));
        attempt["email"] = json!(email);
        nodes[index % 2].anonymous().post("/api/account/signup", &attempt).status
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 403 | 409)), "{statuses:?}");
    let winner = statuses.iter().position(|status| *status == 200).unwrap();
    let admin = |method: &str| house.keeper.client.rpc(method, &json!({})).result();
    // The keeper comes first in every list of accounts; whoever else is there came by this invitation.
    let accounts = admin("admin_account_list")["accounts"].as_array().unwrap().clone();
    assert_eq!(accounts.len(), 2, "{accounts:?}");
    assert_eq!(accounts[1]["account"]["username"], json!(format!("ida-{winner}")));
    let (id, actors) = (&accounts[1]["account"]["id"], &accounts[1]["actors"]);
    assert_eq!(actors.as_array().unwrap().len(), 1, "{actors}");
    let sessions = admin("admin_session_list")["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2, "the keeper's and the winner's: {sessions:?}");
    assert_eq!(sessions.iter().filter(|session| session["account_id"] == *id).count(), 1, "{sessions:?}");
    let invites = admin("invite_list")["invites"].as_array().unwrap().clone();
    assert_eq!((&invites[0]["id"], &invites[0]["claimed_by"]), (&invite["id"], id));
    assert_eq!(house.server.store.count("account.registered"), 2);
    assert_eq!(house.server.store.count("invite.claimed"), 1);
    let refused = house.audit(&json!({ "event_type": "signup", "outcome": "failure", "limit": 200 }));
    assert_eq!(refused.len(), 19);
    for row in refused {
        // Who looks for an invitation when it is taken finds none; who had found it lost it, or the name or address.
        let (reason, told) = (text(&row["metadata"]["reason"]), &row["metadata"]["invite_id"]);
        assert!(["no_match", "race_lost", "signup_conflict"].contains(&reason.as_str()), "{row}");
        assert_eq!(*told == invite["id"], reason != "no_match", "{row}");
    }
}

fn acc_038_open_sign_up_needs_no_invitation(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let second = (engine == Engine::Postgres).then(|| house.server.second_node());
    let node = second.as_ref().unwrap_or(&house.server);
    let set = |open: bool| house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": open })).result();
    let sign_up = |name: &str| node.anonymous().post("/api/account/signup", &body(name));
    // One that would cover the name is left for whoever needs it.
    let invite = house.invite(&json!({ "username": "jane-doe" }));
    assert_eq!(set(true)["settings"]["open_signup"], true);
    let reply = sign_up("jane-doe");
    reply.expect(200);
    let jane = house.person_of("jane-doe", &cookie_of(&reply));
    let row = house.row("signup", &jane.id);
    assert_eq!(row["metadata"], json!({ "username": "jane-doe", "open_signup": true }));
    set(false);
    sign_up("john-doe").refused(403, "no_matching_invite");
    let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
    let stands = listed["invites"].as_array().unwrap().iter().find(|it| it["id"] == invite["id"]).unwrap();
    assert_eq!((&stands["claimed_by"], &stands["claimed_at"]), (&Value::Null, &Value::Null), "{stands}");
}

fn acc_039_a_new_account_has_one_persona_and_nothing_else(engine: Engine) {
    let house = Installation::shared(engine);
    let name = unique("kim");
    house.invite(&json!({ "username": name }));
    let mut given = body(&name.to_uppercase());
    given["email"] = json!(format!("{}@Example.com", unique("Kim.K")));
    let reply = house.sign_up(&given);
    reply.expect(200);
    let status = house.server.anonymous().header("cookie", &cookie_of(&reply)).get("/api/account/status").expect(200);
    assert_eq!(status["account"]["username"], json!(name));
    assert_eq!(status["account"]["email"], given["email"], "as it was given");
    assert_eq!(status["account"]["email_verified"], false);
    assert_eq!(status["actor"]["name"], json!(name));
    assert_eq!(status["role_grants"], json!([]));
}

both_engines![
    acc_030_usernames_are_of_one_form,
    acc_031_passwords_and_e_mails_are_bounded,
    acc_032_without_an_invitation_free_and_taken_names_answer_alike,
    acc_033_an_invitation_by_e_mail_covers_that_e_mail_alone,
    acc_034_a_username_invites_with_any_e_mail_and_both_need_both,
    acc_035_an_invitation_is_used_once_and_says_by_whom,
    acc_036_taken_names_conflict_and_the_invitation_stays_open,
    acc_037_many_at_once_on_one_invitation_make_one_account,
    acc_038_open_sign_up_needs_no_invitation,
    acc_039_a_new_account_has_one_persona_and_nothing_else,
];
