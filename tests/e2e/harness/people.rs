//! The people of a test: a founder who signed in by e-mail code, a company with its agent token.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Client, Server};

/// A name that no other test uses.
pub(crate) fn unique(stem: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{stem}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Somebody who proved to read a mailbox.
pub(crate) struct Founder {
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) client: Client,
}

/// A company after its application, with the first agent token.
#[derive(Clone)]
pub(crate) struct Company {
    pub(crate) id: String,
    pub(crate) application: String,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) agent: Client,
}

impl Server {
    /// The code that the server echoes for this address.
    pub(crate) fn code_for(&self, email: &str) -> String {
        let started = self.anonymous().post("/v1/auth/otp/start", &json!({ "email": email })).expect(200);
        started["dev_otp"].as_str().unwrap_or_else(|| panic!("no echoed code: {started}")).to_owned()
    }

    /// Signs in by e-mail code; `name` becomes a unique address.
    pub(crate) fn founder(&self, name: &str) -> Founder {
        self.sign_in(&format!("{}@example.com", unique(name)))
    }

    /// Signs in with this very address.
    pub(crate) fn sign_in(&self, email: &str) -> Founder {
        let code = self.code_for(email);
        let verified =
            self.anonymous().post("/v1/auth/otp/verify", &json!({ "email": email, "code": code })).expect(200);
        let token = verified["session_token"].as_str().unwrap().to_owned();
        Founder { email: email.to_owned(), client: self.anonymous().bearer(&token), token }
    }

    /// A fresh application by an unverified founder.
    pub(crate) fn company(&self) -> Company {
        let email = format!("{}@example.com", unique("founder"));
        self.apply(&self.anonymous(), &email, &json!({}))
    }

    /// A fresh application by a founder with a session; its e-mail is verified.
    pub(crate) fn company_of(&self, founder: &Founder) -> Company {
        self.apply(&founder.client, &founder.email, &json!({}))
    }

    /// An application with further fields.
    pub(crate) fn apply(&self, client: &Client, email: &str, further: &Value) -> Company {
        let mut body = json!({ "company_name": unique("Acme"), "founder_name": "Ana Founder", "founder_email": email });
        for (key, value) in further.as_object().unwrap() {
            body[key] = value.clone();
        }
        let made = client.post("/v1/applications", &body).expect(201);
        let text = |key: &str| made[key].as_str().unwrap_or_else(|| panic!("{key}: {made}")).to_owned();
        let token = text("token");
        let email = email.to_owned();
        Company { id: text("company_id"), application: text("application_id"), email, agent: self.agent(&token), token }
    }
}

impl Company {
    /// Creates a metric with the defaults; its id.
    pub(crate) fn metric(&self, key: &str) -> String {
        let made = self.agent.post("/v1/metrics", &json!({ "key": key })).expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// Records a point that must be new; its id.
    pub(crate) fn point(&self, key: &str, body: &Value) -> String {
        let made = self.agent.post(&format!("/v1/metrics/{key}/points"), body).expect(201);
        assert_eq!(made["duplicate"], json!(false), "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// What `GET /v1/status` answers.
    pub(crate) fn status(&self) -> Value {
        self.agent.get("/v1/status").expect(200)
    }

    /// The entry of one metric in the status.
    pub(crate) fn status_of(&self, key: &str) -> Value {
        let status = self.status();
        let metrics = status["metrics"].as_array().unwrap();
        metrics.iter().find(|metric| metric["key"] == key).unwrap_or_else(|| panic!("no {key} in {status}")).clone()
    }

    /// All points of a metric, oldest first, through every page.
    pub(crate) fn points(&self, key: &str) -> Vec<Value> {
        let mut points = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.agent.get(&format!("/v1/metrics/{key}/points?order=asc&limit=1000{cursor}")).expect(200);
            points.extend(page["points"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return points,
            }
        }
    }

    /// All alerts of the company, newest first.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let mut alerts = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.agent.get(&format!("/v1/alerts?limit=200{cursor}")).expect(200);
            alerts.extend(page["alerts"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return alerts,
            }
        }
    }

    /// Waits until the company has at least this many alerts.
    pub(crate) fn wait_for_alerts(&self, count: usize) -> Vec<Value> {
        super::eventually(&format!("{count} alerts"), || Some(self.alerts()).filter(|alerts| alerts.len() >= count))
    }
}
