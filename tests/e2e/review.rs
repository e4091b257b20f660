//! The review of applications, by cookie (MET-051, MET-130 to MET-132).

use serde_json::{Value, json};

use crate::harness::{
    Client, Company, Engine, Installation, ORIGIN, PASSWORD, Setup, assert_id, cookie_of, milliseconds_until, text,
    unique,
};

fn met_130_only_reviewers_review(engine: Engine) {
    let house = Installation::shared(engine);
    let server = &house.server;
    let founder = server.founder("curious");
    let company = server.company_of(&founder);
    let plain = house.person("plain");
    let one = format!("/v1/review/applications/{}", company.application);
    let decide = format!("{one}/status");
    for path in ["/v1/review/applications", &one] {
        server.anonymous().get(path).refused(401, "missing_token");
        company.agent.get(path).refused(403, "credential_type_required");
        founder.client.get(path).refused(403, "credential_type_required");
        plain.client.get(path).refused(403, "insufficient_permissions");
        let reply = house.keeper.client.get(path);
        reply.expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
    server.anonymous().post_bytes(&decide, "{").refused(401, "missing_token");
    company.agent.post_bytes(&decide, "{").refused(403, "credential_type_required");
    founder.client.post(&decide, &json!({ "status": "accepted" })).refused(403, "credential_type_required");
    plain.client.post_bytes(&decide, "{").refused(403, "insufficient_permissions");
    assert_eq!(company.status()["application"]["status"], "submitted");
}

fn met_130_a_reviewer_is_the_acting_persona_that_holds_the_role_everywhere(engine: Engine) {
    let house = Installation::shared(engine);
    let company = house.server.company();
    let (list, one) = ("/v1/review/applications", format!("/v1/review/applications/{}", company.application));
    let refused = |client: &Client, query: &str| {
        client.get(&format!("{list}{query}")).refused(403, "insufficient_permissions");
        client.get(&format!("{one}{query}")).refused(403, "insufficient_permissions");
        let decide = client.post(&format!("{one}/status{query}"), &json!({ "status": "accepted" }));
        decide.refused(403, "insufficient_permissions");
    };
    let of_a_class = house.person("ann");
    let scope = json!({ "scope_kind": "class", "scope_id": "22222222-2222-4222-8222-222222222222" });
    house.grant_at(&of_a_class, "admin", &scope);
    refused(&of_a_class.client, "");

    let boss = house.admin("boss");
    boss.client.get(list).expect(200);
    let second = boss.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    refused(&boss.client, &format!("?acting={}", text(&second["actor"]["id"])));
    let unnamed = boss.client.get(list).refused(400, "actor_required");
    assert_eq!(unnamed["available"].as_array().unwrap().len(), 2, "{unnamed}");
    assert_eq!(company.status()["application"]["status"], "submitted");
    boss.client.get(&format!("{list}?acting={}", boss.actor)).expect(200);
    let decide = format!("{one}/status?acting={}", boss.actor);
    boss.client.post(&decide, &json!({ "status": "in_review" })).expect(200);
}

fn met_130_an_operator_says_which_roles_review(engine: Engine) {
    let roles = [("ROLES", "teacher:admin,reviewer:admin"), ("METRICS_REVIEWER_ROLES", "reviewer")];
    let house = Installation::with(engine, &roles);
    let list = "/v1/review/applications";
    house.keeper.client.get(list).refused(403, "insufficient_permissions");
    let (ann, ben) = (house.person("ann"), house.person("ben"));
    house.grant(&ann, "reviewer");
    house.grant(&ben, "teacher");
    ann.client.get(list).expect(200);
    ben.client.get(list).refused(403, "insufficient_permissions");
}

fn met_131_another_sites_page_and_a_form_decide_nothing(engine: Engine) {
    let house = Installation::shared(engine);
    let company = house.server.company();
    let decide = format!("/v1/review/applications/{}/status", company.application);
    let body = json!({ "status": "accepted" });
    for origin in ["https://rogue.example", "null", ""] {
        let rogue = house.keeper.client.header("origin", origin);
        rogue.post(&decide, &body).refused(403, "forbidden_origin");
    }
    let form = house.keeper.client.header("content-type", "text/plain");
    form.post_bytes(&decide, body.to_string()).refused(415, "unsupported_media_type");
    house.keeper.client.post_bytes(&decide, body.to_string()).refused(415, "unsupported_media_type");
    assert_eq!(company.status()["application"]["status"], "submitted");
    house.keeper.client.header("origin", ORIGIN).post(&decide, &body).expect(200);
}

fn met_132_decisions_follow_the_table_and_are_kept_with_who_and_why(engine: Engine) {
    let house = Installation::shared(engine);
    let founder = house.server.founder("dana");
    let company = house.server.company_of(&founder);
    let path = format!("/v1/review/applications/{}", company.application);
    let decide = |body: Value| house.keeper.client.post(&format!("{path}/status"), &body);
    assert_eq!(decide(json!({ "status": "in_review" })).expect(200)["status"], "in_review");
    let again = decide(json!({ "status": "in_review" }));
    again.expect(200);
    assert_eq!(again.header("muniment-position"), "", "nothing was recorded");
    decide(json!({ "status": "submitted" })).refused(409, "invalid_transition");
    decide(json!({ "status": "withdrawn" })).refused(409, "invalid_transition");
    decide(json!({ "status": "unheard" })).refused(400, "invalid_field");
    decide(json!({ "status": 5 })).refused(400, "invalid_field");
    decide(json!({ "status": null })).refused(400, "missing_field");
    decide(json!({ "status": "accepted", "reason": "good numbers" })).expect(200);
    assert_eq!(company.status()["application"]["status"], "accepted");
    decide(json!({ "status": "rejected" })).refused(409, "invalid_transition");
    decide(json!({ "status": "in_review" })).refused(409, "invalid_transition");
    decide(json!({ "status": "in_review", "reason": "look again" })).expect(200);
    decide(json!({ "status": "rejected", "reason": "no" })).expect(200);

    let shown = house.keeper.client.get(&path).expect(200);
    let history: Vec<(String, Value)> = shown["status_history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (text(&step["status"]), step["reason"].clone()))
        .collect();
    let step = |status: &str, reason: Value| (status.to_owned(), reason);
    assert_eq!(
        history,
        [
            step("submitted", Value::Null),
            step("in_review", Value::Null),
            step("accepted", json!("good numbers")),
            step("in_review", json!("look again")),
            step("rejected", json!("no")),
        ]
    );
    let steps = shown["status_history"].as_array().unwrap();
    assert!(steps[1..].iter().all(|step| step["by"] == json!(house.keeper.id)), "{steps:?}");
    assert_eq!(steps[0]["by"], Value::Null, "nobody decided that it was sent");
    let times: Vec<&str> = steps.iter().map(|step| step["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted() && steps.iter().all(|step| milliseconds_until(&step["at"]) <= 0), "{times:?}");
    let own =
        founder.client.get(&format!("/v1/applications/{}", company.application)).expect(200)["application"].clone();
    assert_eq!(own["status"], "rejected");
    let told = |steps: &Value| -> Vec<[Value; 3]> {
        let fields = |step: &Value| ["status", "at", "reason"].map(|field| step[field].clone());
        steps.as_array().unwrap().iter().map(fields).collect()
    };
    assert_eq!(told(&own["status_history"]), told(&shown["status_history"]));
    assert_eq!(shown["founders"][0]["email"], json!(founder.email));
    assert_eq!(shown["founders"][0]["email_verified"], true);
    for key in ["narrative", "metrics", "alerts", "metrics_count", "open_alerts", "last_point_at"] {
        assert!(shown.get(key).is_some(), "{key}");
    }
    // Metrics and alerts are those of the status, key by key.
    company.metric("arr");
    for day in 1..=13 {
        let value = 10 * (1 << day);
        company.point("arr", &json!({ "value": value, "timestamp": format!("2026-01-{day:02}") }));
    }
    company.wait_for_alerts(12);
    let (shown, status) = (house.keeper.client.get(&path).expect(200), company.status());
    assert_eq!((&shown["metrics"], &shown["alerts"]), (&status["metrics"], &status["alerts"]));
    assert_eq!((shown["alerts"].as_array().unwrap().len(), &shown["open_alerts"]), (10, &json!(12)));
    let withdrawn = house.server.company_of(&founder);
    founder.client.post(&format!("/v1/applications/{}/withdraw", withdrawn.application), &json!({})).expect(200);
    let late = format!("/v1/review/applications/{}/status", withdrawn.application);
    house.keeper.client.post(&late, &json!({ "status": "accepted" })).refused(409, "invalid_transition");
}

/// From each status to each, with a reason; the same again and what a withdrawal is are tried apart.
fn met_132_each_step_is_allowed_or_refused_as_the_table_says(engine: Engine) {
    const REASON: &str = "as the table says";
    let house = Installation::shared(engine);
    let founder = house.server.founder("steps");
    let decide = |company: &Company, body: Value| {
        house.keeper.client.post(&format!("/v1/review/applications/{}/status", company.application), &body)
    };
    let allowed = |from: &str, to: &str| match from {
        "submitted" => ["in_review", "accepted", "rejected"].contains(&to),
        "in_review" => ["accepted", "rejected"].contains(&to),
        "accepted" | "rejected" => to == "in_review",
        _ => false,
    };
    let statuses = ["submitted", "in_review", "accepted", "rejected", "withdrawn"];
    for from in statuses {
        for to in statuses.into_iter().filter(|to| *to != from) {
            let company = house.server.company_of(&founder);
            let withdraw = format!("/v1/applications/{}/withdraw", company.application);
            match from {
                "submitted" => {}
                "withdrawn" => drop(founder.client.post_bytes(&withdraw, "").expect(200)),
                _ => drop(decide(&company, json!({ "status": from })).expect(200)),
            }
            if ["accepted", "rejected"].contains(&from) {
                decide(&company, json!({ "status": to })).refused(409, "invalid_transition");
            }
            let reply = decide(&company, json!({ "status": to, "reason": REASON }));
            match allowed(from, to) {
                true => assert_eq!(reply.expect(200), json!({ "id": company.application, "status": to }), "{from}"),
                false => drop(reply.refused(409, "invalid_transition")),
            }
            let stands = if allowed(from, to) { to } else { from };
            assert_eq!(company.status()["application"]["status"], stands, "from {from} to {to}");
        }
    }
}

fn applications_are_paged_and_found_by_status_and_name(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let founder = house.server.founder("erin");
    let apply = |name: &str| {
        let body = json!({ "company_name": name, "founder_name": "Erin", "founder_email": founder.email });
        text(&founder.client.post("/v1/applications", &body).expect(201)["application_id"])
    };
    let ids: Vec<String> = ["Alpha One", "alpha two", "Beta"].into_iter().map(apply).collect();
    let list = |query: &str| {
        let page = house.keeper.client.get(&format!("/v1/review/applications{query}")).expect(200);
        let ids: Vec<String> = page["applications"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect();
        (ids, page["next_cursor"].clone())
    };
    assert_eq!(list("").0, [ids[2].clone(), ids[1].clone(), ids[0].clone()]);
    assert_eq!(list("?q=ALPHA").0, [ids[1].clone(), ids[0].clone()]);
    assert_eq!(list("?q=alpha%20t").0, [ids[1].clone()]);
    assert!(list("?q=one").0.is_empty(), "a name is found by its beginning");
    let (first, next) = list("?limit=2");
    assert_eq!(first.len(), 2);
    assert_eq!(list(&format!("?limit=2&cursor={}", text(&next))).0, [ids[0].clone()]);
    assert!(list("?status=accepted").0.is_empty());
    house.keeper.client.get("/v1/review/applications?status=x").refused(400, "invalid_field");
    house.keeper.client.get("/v1/review/applications?limit=101").refused(400, "invalid_field");
    house.keeper.client.get("/v1/review/applications/app_x").refused(404, "application_not_found");
    let unknown = "/v1/review/applications/app_AAAAAAAAAAAAAAAA";
    house.keeper.client.get(unknown).refused(404, "application_not_found");
    let decision = json!({ "status": "in_review" });
    house.keeper.client.post(&format!("{unknown}/status"), &decision).refused(404, "application_not_found");
    let decide = format!("/v1/review/applications/{}/status", ids[1]);
    house.keeper.client.post(&decide, &decision).expect(200);
    assert_eq!(list("?status=in_review"), (vec![ids[1].clone()], Value::Null));
    let (first, next) = list("?status=submitted&limit=1");
    assert_eq!(first, [ids[2].clone()]);
    let rest = list(&format!("?status=submitted&limit=1&cursor={}", text(&next)));
    assert_eq!(rest, (vec![ids[0].clone()], Value::Null));
    assert_eq!(list("?status=in_review&q=alpha").0, [ids[1].clone()]);
    assert!(list("?status=in_review&q=beta").0.is_empty());
}

fn met_130_a_reviewer_is_shown_company_founder_and_figures(engine: Engine) {
    let house = Installation::shared(engine);
    let founder = house.server.founder("rower");
    let name = unique("Rowers");
    let narrative = json!({ "one_liner": "Oars", "team": [1, { "née": null }] });
    let given = json!({ "company_name": name, "website": "https://rowers.example", "narrative": narrative });
    let company = house.server.apply(&founder.client, &founder.email, &given);
    let shown = |path: &str| house.keeper.client.get(&format!("/v1/review/applications{path}")).expect(200);
    let row = || {
        let page = shown(&format!("?q={name}"));
        assert_eq!(page["applications"].as_array().unwrap().len(), 1, "{page}");
        page["applications"][0].clone()
    };
    let fresh = row();
    assert_id(&fresh["founders"][0]["id"], "founder");
    let submitted_at = company.status()["application"]["submitted_at"].clone();
    let mut expected = json!({
        "id": company.application, "status": "submitted", "submitted_at": submitted_at,
        "company": { "id": company.id, "name": name, "website": "https://rowers.example" },
        "founders": [{
            "id": fresh["founders"][0]["id"], "name": "Ana Founder", "email": founder.email, "email_verified": true,
        }],
        "metrics_count": 0, "last_point_at": null, "open_alerts": 0,
    });
    assert_eq!(fresh, expected);
    for key in ["mrr", "arr"] {
        company.metric(key);
        company.point(key, &json!({ "value": 100, "timestamp": "2026-01-02" }));
    }
    company.point("arr", &json!({ "value": 150, "timestamp": "2026-01-03" }));
    let alert = text(&company.wait_for_alerts(1)[0]["id"]);
    (expected["metrics_count"], expected["open_alerts"]) = (json!(2), json!(1));
    expected["last_point_at"] = company.points("arr")[1]["created_at"].clone();
    assert_eq!(row(), expected);
    founder.client.post_bytes(&format!("/v1/alerts/{alert}/ack"), "").expect(200);
    expected["open_alerts"] = json!(0);
    // The last one that came, however old it says it is.
    company.point("mrr", &json!({ "value": 90, "timestamp": "2026-01-01" }));
    expected["last_point_at"] = company.points("mrr")[0]["created_at"].clone();
    assert_eq!(row(), expected);

    let status = company.status();
    (expected["metrics"], expected["alerts"]) = (status["metrics"].clone(), status["alerts"].clone());
    expected["narrative"] = narrative;
    expected["status_history"] = json!([{ "status": "submitted", "at": submitted_at, "by": null, "reason": null }]);
    assert_eq!(shown(&format!("/{}", company.application)), expected);
}

fn applications_for_review_come_in_pages_of_25_unless_asked_otherwise(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let mut ids: Vec<String> = (0..27).map(|_| house.server.company().application).collect();
    ids.reverse();
    let get = |query: &str| house.keeper.client.get(&format!("/v1/review/applications{query}"));
    let page = |query: &str| {
        let page = get(query).expect(200);
        let ids: Vec<String> = page["applications"].as_array().unwrap().iter().map(|it| text(&it["id"])).collect();
        (ids, page["next_cursor"].clone())
    };
    let (first, next) = page("");
    assert_eq!(first, ids[..25]);
    let next = text(&next);
    assert_eq!(page(&format!("?cursor={next}")), (ids[25..].to_vec(), Value::Null));
    assert_eq!(page("?limit=100"), (ids.clone(), Value::Null));
    assert_eq!(page("?limit=1").0, ids[..1]);
    for bad in ["0", "101", "-1", "x"] {
        get(&format!("?limit={bad}")).refused(400, "invalid_field");
    }
    // A cursor of another list, and one that was changed on its way.
    let company = house.server.company();
    company.metric("arr");
    let points =
        json!({ "points": [{ "value": 1, "timestamp": "2026-01-01" }, { "value": 2, "timestamp": "2026-01-02" }] });
    company.agent.post("/v1/metrics/arr/points/batch", &points).expect(200);
    let foreign = text(&company.agent.get("/v1/metrics/arr/points?limit=1").expect(200)["next_cursor"]);
    for mangled in ["x", &next[1..], &format!("{next}A"), &foreign] {
        get(&format!("?cursor={mangled}")).refused(400, "invalid_cursor");
    }
}

fn met_051_applying_by_invitation_uses_the_invitation_up(engine: Engine) {
    let house = Installation::with(engine, &[("REQUIRE_INVITE", "true")]);
    let founder = house.server.founder("finn");
    let uninvited = json!({ "company_name": "Acme", "founder_name": "Finn", "founder_email": founder.email });
    house.server.anonymous().post("/v1/applications", &uninvited).refused(401, "email_otp_required");
    founder.client.post("/v1/applications", &uninvited).refused(403, "no_matching_invite");
    // What is wrong with the body is told first.
    let mut keyless = uninvited.clone();
    keyless["primary_metric"] = json!({ "key": "!!!" });
    founder.client.post("/v1/applications", &keyless).refused(400, "invalid_metric_key");
    let email = format!("{}@example.com", unique("gus"));
    let invite = house.invite(&json!({ "email": email }));
    let invited = house.server.sign_in(&email);
    let body = json!({ "company_name": "Acme", "founder_name": "Gus", "founder_email": email });
    invited.client.post("/v1/applications", &body).expect(201);
    let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
    let listed = listed["invites"].as_array().unwrap().iter().find(|row| row["id"] == invite["id"]).unwrap().clone();
    assert!(listed["claimed_by"].is_string());
    // The account claimed one: it may apply for a further company.
    invited.client.post("/v1/applications", &body).expect(201);
    founder.client.post("/v1/applications", &uninvited).refused(403, "no_matching_invite");
}

fn sign_up_by_code_can_be_by_invitation(engine: Engine) {
    let house = Installation::with(engine, &[("ACCOUNTS_OTP_SIGNUP", "invited")]);
    let email = format!("{}@example.com", unique("gwen"));
    let verify = |email: &str, code: &str| {
        house.server.anonymous().post("/v1/auth/otp/verify", &json!({ "email": email, "code": code }))
    };
    let code = house.server.code_for(&email);
    let before = house.server.store.count("%");
    verify(&email, &code).refused(403, "no_matching_invite");
    assert_eq!(house.server.store.count("%"), before, "the code is not used up");
    let claimed_by = |invite: &Value| {
        let listed = house.keeper.client.rpc("invite_list", &json!({})).result();
        listed["invites"].as_array().unwrap().iter().find(|row| row["id"] == invite["id"]).unwrap()["claimed_by"]
            .clone()
    };
    let invite = house.invite(&json!({ "email": email }));
    assert_eq!(claimed_by(&invite), Value::Null);
    verify(&email, &code).expect(200);
    assert!(claimed_by(&invite).is_string());
    // Where everybody may sign up, an invitation is left for another time.
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    let (anybody, invited) = (format!("{}@example.com", unique("hal")), format!("{}@example.com", unique("ida")));
    let invite = house.invite(&json!({ "email": invited }));
    for email in [&anybody, &invited] {
        verify(email, &house.server.code_for(email)).expect(200);
    }
    assert_eq!(claimed_by(&invite), Value::Null);
}

fn met_030_the_owner_of_a_mailbox_ends_what_another_set_up_with_it(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let email = format!("{}@example.com", unique("victim"));
    house.keeper.client.rpc("app_settings_update", &json!({ "open_signup": true })).result();
    let reply = house.sign_up(&json!({ "username": "squatter", "password": PASSWORD, "email": email }));
    reply.expect(200);
    let squatter = house.person_of("squatter", &cookie_of(&reply));
    let (by_token, _) = house.token_of(&squatter);
    house.server.sign_in(&email);
    for client in [&squatter.client, &by_token] {
        client.get("/api/account/verify").refused(401, "authentication_required");
    }
    house.login("squatter", PASSWORD).refused(401, "invalid_credentials");
    let account = house.keeper.client.rpc("admin_account_list", &json!({})).result();
    let account = account["accounts"].as_array().unwrap().iter().find(|it| it["account"]["username"] == "squatter");
    assert_eq!(account.unwrap()["account"]["email_verified"], true);
}

fn met_041_who_signed_up_with_capital_letters_applies_with_a_session(engine: Engine) {
    let house = Installation::shared(engine);
    let username = unique("mixed").replace("--", "-");
    house.invite(&json!({ "username": username }));
    let typed = format!("{}@Example.COM", username.to_uppercase());
    let body = json!({ "username": username, "password": PASSWORD, "email": typed });
    house.sign_up(&body).expect(200);
    let email = typed.to_lowercase();
    let founder = house.server.sign_in(&email);
    assert_eq!(founder.client.get("/v1/auth/session").expect(200)["email"], json!(email));
    for spelt in [&typed, &email] {
        let form = json!({ "company_name": "Acme", "founder_name": "Mia", "founder_email": spelt });
        assert_eq!(founder.client.post("/v1/applications", &form).expect(201)["founder_email_verified"], true);
    }
}

fn a_reviewer_without_a_mailbox_reads_the_company_that_he_names(engine: Engine) {
    let (setup, _folder) = Setup::new(engine).with_accounts().with_bootstrap_file();
    let server = setup.start();
    let keeper = server.bootstrap("keeper");
    let keeper = server.anonymous().header("cookie", &cookie_of(&keeper));
    keeper.get("/v1/tokens").refused(403, "insufficient_permissions");
    let company = server.company();
    let metrics = format!("/v1/metrics?company_id={}", company.id);
    company.metric("mrr");
    assert_eq!(keeper.get(&metrics).expect(200)["metrics"].as_array().unwrap().len(), 1);
    keeper.get("/v1/metrics?company_id=co_x").refused(404, "not_found");
}

fn a_founder_by_cookie_with_two_personas_names_the_company_and_reads_it(engine: Engine) {
    let house = Installation::with(engine, &[]);
    let founder = house.server.founder("otto");
    let company = house.server.company_of(&founder);
    let otto = house.by_cookie(&founder);
    otto.client.rpc("actor_create", &json!({ "name": "Second" })).result();
    for query in [String::new(), format!("?company_id={}", company.id)] {
        otto.client.get(&format!("/v1/metrics{query}")).expect(200);
    }
}

fn an_invitation_that_cannot_be_looked_for_is_no_fault_and_no_refusal(engine: Engine) {
    let house = Installation::with(engine, &[("REQUIRE_INVITE", "true")]);
    let email = format!("{}@example.com", unique("ana"));
    house.invite(&json!({ "email": email }));
    let founder = house.server.sign_in(&email);
    let form = json!({ "company_name": "Acme", "founder_name": "Ana Founder", "founder_email": email });
    let store = &house.server.store;
    store.execute("ALTER TABLE claims RENAME TO away");
    let reply = founder.client.post("/v1/applications", &form);
    reply.refused(503, "service_unavailable");
    assert!(!reply.header("retry-after").is_empty(), "{reply}");
    store.execute("ALTER TABLE away RENAME TO claims");
    founder.client.post("/v1/applications", &form).expect(201);
}

both_engines![
    met_130_a_reviewer_is_the_acting_persona_that_holds_the_role_everywhere,
    met_130_an_operator_says_which_roles_review,
    met_130_only_reviewers_review,
    met_130_a_reviewer_is_shown_company_founder_and_figures,
    met_131_another_sites_page_and_a_form_decide_nothing,
    met_132_decisions_follow_the_table_and_are_kept_with_who_and_why,
    met_132_each_step_is_allowed_or_refused_as_the_table_says,
    applications_are_paged_and_found_by_status_and_name,
    applications_for_review_come_in_pages_of_25_unless_asked_otherwise,
    met_051_applying_by_invitation_uses_the_invitation_up,
    sign_up_by_code_can_be_by_invitation,
    met_030_the_owner_of_a_mailbox_ends_what_another_set_up_with_it,
    met_041_who_signed_up_with_capital_letters_applies_with_a_session,
    a_reviewer_without_a_mailbox_reads_the_company_that_he_names,
    a_founder_by_cookie_with_two_personas_names_the_company_and_reads_it,
    an_invitation_that_cannot_be_looked_for_is_no_fault_and_no_refusal,
];
