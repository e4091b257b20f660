//! One of the two installations that are compared: what a step does there, and everything that can be asked afterwards.

use serde_json::{Value, json};

use super::consent::People;
use super::steps::{AlertAction, KEYS, Step};
use crate::harness::{Client, Company, Engine, Founder, Installation, Reply, eventually};

/// The one founder.
const EMAIL: &str = "same@example.com";

/// An installation with a founder, its companies, the tokens that were issued there, and people with roles.
pub(super) struct Side {
    pub(super) house: Installation,
    pub(super) people: People,
    founder: Founder,
    /// Sessions that are no longer the newest.
    older: Vec<Client>,
    companies: Vec<Company>,
    /// Agent tokens issued beside the companies' first ones, with their public ids.
    issued: Vec<(String, Client)>,
}

impl Side {
    pub(super) fn start(engine: Engine) -> Self {
        let limits_off = [("LIMITS_OTP_STARTS", "off"), ("LIMITS_OTP_GUESSES", "off")];
        let late_check = ("METRICS_LATE_CHECK_SECONDS", "86400");
        let house = Installation::with(engine, &[limits_off[0], limits_off[1], late_check]);
        let founder = house.server.sign_in(EMAIL);
        let company = house.server.apply(&founder.client, &founder.email, &json!({ "company_name": "Same" }));
        let people = People::of(&house);
        Self { house, people, founder, older: Vec::new(), companies: vec![company], issued: Vec::new() }
    }

    pub(super) fn act(&mut self, step: &Step) -> Reply {
        match step {
            Step::Agent { company, path, body } => self.company(*company).agent.post(path, body),
            Step::Issued { nth, path, body } => match self.issued(*nth) {
                Some((_, client)) => client.post(path, body),
                None => self.house.server.agent("alif_agent_none_none").post(path, body),
            },
            Step::CorrectNewest { company, metric, value } => {
                let agent = &self.company(*company).agent;
                let page = agent.get(&format!("/v1/metrics/{metric}/points?limit=1"));
                let newest: Value = serde_json::from_slice(&page.body).unwrap();
                let id = newest["points"][0]["id"].as_str().unwrap_or("point_AAAAAAAAAAAAAAAA").to_owned();
                agent.post(&format!("/v1/metrics/{metric}/points/{id}/correct"), &json!({ "value": value }))
            }
            Step::Issue { company, body } => self.issue(*company, body),
            Step::Revoke { nth } => self.on_issued(*nth, "revoke"),
            Step::Rotate { nth } => {
                let reply = self.on_issued(*nth, "rotate");
                self.remember(&reply);
                reply
            }
            Step::OnAlert { company, action, said, .. } => self.on_alert(*company, *action, said),
            Step::Withdraw { company } => {
                let path = format!("/v1/applications/{}/withdraw", self.company(*company).application);
                self.founder.client.post(&path, &json!({ "reason": "no longer" }))
            }
            Step::Apply => self.apply(),
            Step::People(deed) => self.people.act(deed),
            Step::SignIn { right } => self.sign_in(*right),
            Step::Logout => match self.older.pop() {
                Some(session) => session.post_bytes("/v1/auth/logout", ""),
                None => self.house.server.anonymous().post_bytes("/v1/auth/logout", ""),
            },
        }
    }

    fn company(&self, nth: usize) -> &Company {
        &self.companies[nth % self.companies.len()]
    }

    fn issued(&self, nth: usize) -> Option<&(String, Client)> {
        self.issued.get(nth % self.issued.len().max(1))
    }

    fn issue(&mut self, company: usize, body: &Value) -> Reply {
        let mut body = body.clone();
        body["company_id"] = json!(self.company(company).id);
        let reply = self.founder.client.post("/v1/tokens", &body);
        self.remember(&reply);
        reply
    }

    fn remember(&mut self, reply: &Reply) {
        if reply.status < 300 {
            let made = reply.json();
            let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{name}: {made}")).to_owned();
            self.issued.push((text("public_id"), self.house.server.agent(&text("token"))));
        }
    }

    fn on_issued(&self, nth: usize, what: &str) -> Reply {
        let id = self.issued(nth).map_or("none", |(id, _)| id);
        self.founder.client.post_bytes(&format!("/v1/tokens/{id}/{what}"), "")
    }

    fn on_alert(&self, company: usize, action: AlertAction, said: &Value) -> Reply {
        // Of several that say the same it is the oldest: one metric's alerts are raised in one order.
        let alerts = self.alerts(company);
        let id = alerts.iter().find(|alert| what_it_says(alert) == *said).unwrap()["id"].as_str().unwrap();
        let action = match action {
            AlertAction::Acknowledge => "ack",
            AlertAction::Resolve => "resolve",
        };
        self.founder.client.post_bytes(&format!("/v1/alerts/{id}/{action}"), "")
    }

    fn apply(&mut self) -> Reply {
        let body = json!({
            "company_name": "Same again", "founder_name": "Ana Founder", "founder_email": EMAIL,
            "primary_metric": { "key": "arr" },
        });
        let reply = self.founder.client.post("/v1/applications", &body);
        if reply.status < 300 {
            let made = reply.json();
            let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{name}: {made}")).to_owned();
            let (token, email) = (text("token"), EMAIL.to_owned());
            let agent = self.house.server.agent(&token);
            self.companies.push(Company {
                id: text("company_id"),
                application: text("application_id"),
                email,
                token,
                agent,
            });
        }
        reply
    }

    fn sign_in(&mut self, right: bool) -> Reply {
        let code = self.house.server.code_for(EMAIL);
        // A code has six digits, and the next one is another.
        let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
        let code = if right { code } else { wrong };
        let body = json!({ "email": EMAIL, "code": code });
        let reply = self.house.server.anonymous().post("/v1/auth/otp/verify", &body);
        if let Some(token) = (reply.status == 200).then(|| reply.json()["session_token"].clone()) {
            let token = token.as_str().unwrap().to_owned();
            let fresh =
                Founder { email: EMAIL.to_owned(), client: self.house.server.anonymous().bearer(&token), token };
            self.older.push(std::mem::replace(&mut self.founder, fresh).client);
        }
        reply
    }

    /// The alerts of a company, oldest first.
    pub(super) fn alerts(&self, company: usize) -> Vec<Value> {
        let mut alerts = self.company(company).alerts();
        alerts.reverse();
        alerts
    }

    /// Waits until every point was judged and every read model shows what came of it; how many alerts there are.
    pub(super) fn alerts_raised(&self) -> usize {
        let store = &self.house.server.store;
        eventually("every point is judged", || {
            let judged = "SELECT CAST(position AS TEXT) FROM read_subscriptions_v1 WHERE name = 'alert-evaluator'";
            let head = "SELECT CAST(MAX(position) AS TEXT) FROM events";
            (store.texts_of_read_models(judged) == store.texts(head)).then_some(())
        });
        eventually("every read model is at the head", || {
            let ready = self.house.server.anonymous().get("/ready").expect(200);
            ready["projections"].as_array().unwrap().iter().all(|model| model["lag"] == 0).then_some(())
        });
        self.companies.iter().map(|company| company.alerts().len()).sum()
    }

    /// Everything that can be asked about the founder's companies, without ids and times of recording.
    pub(super) fn picture(&self) -> Value {
        let companies: Vec<Value> = self.companies.iter().map(|company| self.picture_of(company)).collect();
        let mut picture = json!([
            companies,
            self.founder.client.get("/v1/applications").expect(200),
            self.founder.client.get("/v1/auth/session").expect(200),
            self.older.iter().map(|session| session.get("/v1/auth/session").status).collect::<Vec<_>>(),
        ]);
        forget_own(&mut picture);
        picture
    }

    fn picture_of(&self, company: &Company) -> Value {
        let mut points = Vec::new();
        for metric in KEYS {
            let path = format!("/v1/metrics/{metric}/points?order=asc&limit=1000");
            let reply = company.agent.get(&path);
            if reply.status == 200 {
                let rules = company.agent.get(&format!("/v1/metrics/{metric}/rules")).expect(200);
                points.push(json!([metric, reply.json()["points"], rules]));
            }
        }
        // Of two metrics' alerts either may be raised first, and the status shows the newest few: the list has them all.
        let mut alerts: Vec<Value> = company.alerts();
        alerts.iter_mut().for_each(forget_own);
        alerts.sort_by_key(Value::to_string);
        let mut status = company.status();
        status["alerts"] = json!(null);
        let tokens = self.founder.client.get(&format!("/v1/tokens?company_id={}", company.id)).expect(200);
        let picture = json!([company.agent.get("/v1/metrics").expect(200), points, status, alerts, tokens]);
        // A point's default key begins with the company's id.
        serde_json::from_str(&picture.to_string().replace(&company.id, "co_same")).unwrap()
    }
}

/// What an alert says, whichever side raised it and wherever it stands by now.
pub(super) fn what_it_says(alert: &Value) -> Value {
    json!([alert["metric_key"], alert["alert_type"], alert["summary"], alert["rule_version"]])
}

/// Takes out what two installations may not share.
fn forget_own(value: &mut Value) {
    const OWN: [&str; 20] = [
        "id",
        "public_id",
        "account_id",
        "company_id",
        "application_id",
        "created_at",
        "submitted_at",
        "point_id",
        "previous_point_id",
        "set_at",
        "set_by",
        "acknowledged_at",
        "acknowledged_by",
        "revoked_at",
        "last_used_at",
        "created_by",
        "corrected_at",
        "expires_at",
        "founder_id",
        "rotated_at",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !OWN.contains(&name.as_str()));
            fields.values_mut().for_each(forget_own);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_own),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
