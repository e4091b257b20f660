//! The last step of a call in development (spec/accounts-and-offers.md section 8.3): what is answered, on `/v1` and on
//! `/api`, against what its row of the table declares; likewise what is sent unasked. A difference is logged and changes
//! nothing. The log names the place, never a value.

use serde_json::Value;

use super::Surface;
use super::accounts::document::NOTICES;
use super::accounts::failure::{ApiFailure, RestFailure};
use super::accounts::methods::RpcMethod;
use super::accounts::refusals as api_refusals;
use super::accounts::routes::RestRoute;
use super::accounts::schema::is_uuid;
use super::accounts::shapes::{AUDIT_EVENT, REFUSAL};
use super::methods::Method;
use super::other_routes::{Answer, OtherRoute};
use super::refusals;
use super::shape::Shape;
use super::shapes::ERROR;

/// The first place where an answer is not as declared.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    /// The way to it, a JSON pointer; empty for the whole answer.
    place: String,
    /// What was declared there.
    declared: &'static str,
}

impl Difference {
    const fn here(declared: &'static str) -> Self {
        Self { place: String::new(), declared }
    }

    fn below(self, step: &str) -> Self {
        Self { place: format!("/{step}{}", self.place), declared: self.declared }
    }
}

/// RFC 3339 in the one form that we write: UTC, milliseconds, `Z`.
fn is_instant(text: &str) -> bool {
    let is_ours = text.len() == "2026-11-21T10:00:00.000Z".len()
        && text.as_bytes().iter().zip(b"dddd-dd-ddTdd:dd:dd.dddZ").all(|(given, wanted)| match wanted {
            b'd' => given.is_ascii_digit(),
            other => given == other,
        });
    is_ours && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

fn is_id(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    })
}

fn is_public_id(text: &str) -> bool {
    text.len() == 18 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_position(text: &str) -> bool {
    let is_plain = text == "0" || !text.starts_with('0');
    is_plain && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn difference(declared: &Shape, answer: &Value) -> Option<Difference> {
    let unless = |holds: bool, declared: &'static str| (!holds).then_some(Difference::here(declared));
    match declared {
        Shape::Uuid => unless(answer.as_str().is_some_and(is_uuid), "a UUID"),
        Shape::Instant => unless(answer.as_str().is_some_and(is_instant), "an instant"),
        Shape::Id(prefix) => unless(answer.as_str().is_some_and(|text| is_id(prefix, text)), "an id of its kind"),
        Shape::PublicId => unless(answer.as_str().is_some_and(is_public_id), "a public id"),
        Shape::Position => unless(answer.as_str().is_some_and(is_position), "a position"),
        Shape::OneOf(words) => {
            unless(answer.as_str().is_some_and(|text| words.contains(&text)), "one of the declared words")
        }
        Shape::Number => unless(answer.is_number(), "a number"),
        Shape::No => unless(answer == &Value::Bool(false), "false"),
        Shape::Named(_, inner) => difference(inner, answer),
        Shape::Text => unless(answer.is_string(), "a text"),
        Shape::Flag => unless(answer.is_boolean(), "true or false"),
        Shape::Count => unless(answer.is_i64() || answer.is_u64(), "a whole number"),
        Shape::Ok => unless(answer == &Value::Bool(true), "true"),
        Shape::Open => unless(answer.is_object(), "an object"),
        Shape::Empty => unless(answer.as_object().is_some_and(serde_json::Map::is_empty), "an empty object"),
        Shape::OrNull(_) if answer.is_null() => None,
        Shape::OrNull(inner) => difference(inner, answer),
        Shape::List(items) => {
            let Some(answers) = answer.as_array() else { return Some(Difference::here("a list")) };
            let mut differing = answers.iter().enumerate();
            differing.find_map(|(index, answer)| Some(difference(items, answer)?.below(&index.to_string())))
        }
        Shape::Object(fields) => {
            let Some(answers) = answer.as_object() else { return Some(Difference::here("an object")) };
            let mut found = 0;
            for (name, shape) in *fields {
                let bare = name.trim_end_matches('?');
                match answers.get(bare) {
                    Some(answer) => {
                        found += 1;
                        if let Some(difference) = difference(shape, answer) {
                            return Some(difference.below(bare));
                        }
                    }
                    None if bare == *name => return Some(Difference::here("a key that is always there").below(bare)),
                    None => {}
                }
            }
            unless(found == answers.len(), "no further key")
        }
    }
}

/// Where an answer is not as declared; `None` declared is an answer without a body.
fn found(declared: Option<&Shape>, answer: Option<&Value>) -> Option<Difference> {
    match (declared, answer) {
        (None, None) => None,
        (None, Some(_)) => Some(Difference::here("no body")),
        (Some(_), None) => Some(Difference::here("a body")),
        (Some(declared), Some(answer)) => difference(declared, answer),
    }
}

/// Where a refusal is not as declared: `codes` are those of its route under its status.
fn refused_otherwise(shape: &Shape, codes: Option<&[&str]>, answer: &Value) -> Option<Difference> {
    let Some(codes) = codes else { return Some(Difference::here("a declared status")) };
    if let Some(difference) = difference(shape, answer) {
        return Some(difference);
    }
    let is_known = answer["error"].as_str().is_some_and(|code| codes.contains(&code));
    (!is_known).then(|| Difference::here("one of the declared codes").below("error"))
}

fn log(method: &str, status: Option<u16>, difference: Option<Difference>, correlation: &str) {
    if let Some(Difference { place, declared }) = difference {
        tracing::error!(method, status, place, declared, correlation.id = correlation, "an answer is not as declared");
    }
}

impl Surface {
    /// In development, logs where an answer is not as the table declares. It changes nothing.
    pub(super) fn check_output(
        &self,
        method: &str,
        declared: Option<&Shape>,
        answer: Option<&Value>,
        correlation: &str,
    ) {
        if !self.environment.is_production() {
            log(method, None, found(declared, answer), correlation);
        }
    }

    /// The same for a refusal of a REST route of `/api`.
    pub fn check_refusal(&self, route: &RestRoute, flat: &RestFailure, correlation: &str) {
        if self.environment.is_production() {
            return;
        }
        let codes = api_refusals::of_route(route);
        let difference = refused_otherwise(&REFUSAL, codes.get(&flat.status).map(Vec::as_slice), &flat.body());
        log(route.path, Some(flat.status), difference, correlation);
    }

    /// The same for a failure of a method of JSON-RPC: its code, and the reason that it tells.
    pub(super) fn check_failure(&self, method: &RpcMethod, fail: &ApiFailure, correlation: &str) {
        if self.environment.is_production() {
            return;
        }
        let failures = api_refusals::of_method(method);
        let difference = match failures.get(&fail.code.number()) {
            None => Some(Difference::here("a declared code")),
            Some((_, reasons)) => {
                let is_known = fail.told_reason().is_none_or(|told| reasons.contains(&told));
                (!is_known).then(|| Difference::here("one of the declared reasons").below("reason"))
            }
        };
        log(method.name, Some(fail.code.status()), difference, correlation);
    }

    /// The same for an answer of `/v1`, success or not.
    pub fn check_answer(&self, method: &Method, status: u16, answer: &Value, correlation: &str) {
        if self.environment.is_production() {
            return;
        }
        let difference = match method.success.iter().find(|(declared, _)| *declared == status) {
            Some((_, declared)) => difference(declared, answer),
            None => refused_otherwise(&ERROR, refusals::of(method).get(&status).map(Vec::as_slice), answer),
        };
        log(&format!("{} {}", method.verb.word(), method.path), Some(status), difference, correlation);
    }

    /// The same for an answer of a route beside the table, which is JSON.
    pub fn check_other_answer(&self, route: &OtherRoute, status: u16, answer: &Value) {
        if self.environment.is_production() {
            return;
        }
        let declared = route.answers.iter().find(|(declared, _)| *declared == status).map(|(_, answer)| answer);
        let difference = match declared {
            Some(Answer::Json(declared) | Answer::JsonAt(declared)) => difference(declared, answer),
            Some(Answer::Events(_) | Answer::Socket) => Some(Difference::here("a stream")),
            None => refused_otherwise(&ERROR, route.codes().get(&status).map(Vec::as_slice), answer),
        };
        log(&format!("GET {}", route.path), Some(status), difference, "");
    }

    /// The same for the params of a notification.
    pub fn check_notice(&self, method: &str, params: &Value) {
        let declared = NOTICES.iter().find(|(name, ..)| *name == method).map(|(.., shape)| shape);
        self.check_output(method, declared, Some(params), "");
    }

    /// The same for a row of the audit as its stream sends it.
    pub fn check_streamed_row(&self, event_type: &str, row: &Value) {
        self.check_output(event_type, Some(&AUDIT_EVENT), Some(row), "");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::super::accounts::{methods as rpc, routes, shapes};
    use super::super::methods::METHODS;
    use super::super::other_routes::OTHER_ROUTES;
    use super::*;

    fn place(declared: &Shape, answer: &Value) -> Option<(String, &'static str)> {
        difference(declared, answer).map(|it| (it.place, it.declared))
    }

    #[test]
    fn a_wrong_answer_is_found_at_its_place_and_not_quoted() {
        let grant = json!({
            "id": "4f9a7c1e-0000-4000-8000-000000000001", "role": "teacher", "scope_kind": null, "scope_id": null,
            "created_at": "2026-11-21T10:00:00.000Z", "expires_at": null, "granted_by": null,
        });
        let answer = |change: &dyn Fn(&mut Value)| {
            let mut grant = grant.clone();
            change(&mut grant);
            let actor = json!({ "id": "4f9a7c1e-0000-4000-8000-000000000002", "name": "Ann" });
            let account = json!({
                "id": "4f9a7c1e-0000-4000-8000-000000000003", "username": "ann", "email": null,
                "email_verified": false, "created_at": "2026-11-21T10:00:00.000Z",
            });
            place(&shapes::STATUS, &json!({ "account": account, "actor": actor, "role_grants": [grant] }))
        };
        let at = |place: &str, declared| Some((format!("/role_grants/0{place}"), declared));
        assert_eq!(answer(&|_| {}), None);
        assert_eq!(answer(&|it| it["id"] = json!("secret")), at("/id", "a UUID"));
        assert_eq!(answer(&|it| it["created_at"] = json!("yesterday")), at("/created_at", "an instant"));
        assert_eq!(answer(&|it| it["created_at"] = json!("2026-11-21T10:00:00Z")), at("/created_at", "an instant"));
        assert_eq!(answer(&|it| it["role"] = Value::Null), at("/role", "a text"));
        assert_eq!(answer(&|it| it["scope_id"] = json!(1)), at("/scope_id", "a UUID"));
        assert_eq!(answer(&|it| it["secret"] = json!(1)), at("", "no further key"));
        let gone = at("/granted_by", "a key that is always there");
        assert_eq!(answer(&|it| drop(it.as_object_mut().unwrap().remove("granted_by"))), gone);
        assert_eq!(answer(&|it| *it = json!([])), at("", "an object"));
        assert_eq!(place(&shapes::NOTHING, &json!({ "a": 1 })), Some((String::new(), "an empty object")));
        assert_eq!(place(&shapes::DONE, &json!({ "ok": false })), Some(("/ok".to_owned(), "true")));
    }

    /// A value of a shape.
    fn of(shape: &'static Shape) -> BoxedStrategy<Value> {
        match shape {
            Shape::Uuid => Just(json!("4f9a7c1e-0000-4000-8000-000000000001")).boxed(),
            Shape::Instant => Just(json!("2026-11-21T10:00:00.123Z")).boxed(),
            Shape::Id(prefix) => {
                "[A-Za-z0-9_-]{16}".prop_map(move |rest| Value::from(format!("{prefix}{rest}"))).boxed()
            }
            Shape::PublicId => "[0-9a-f]{18}".prop_map(Value::from).boxed(),
            Shape::Position => any::<u64>().prop_map(|position| json!(position.to_string())).boxed(),
            Shape::OneOf(words) => prop::sample::select(*words).prop_map(Value::from).boxed(),
            Shape::Number => (-1e300..1e300).prop_map(Value::from).boxed(),
            Shape::No => Just(json!(false)).boxed(),
            Shape::Named(_, inner) => of(inner),
            Shape::Text => "[a-z ]{0,4}".prop_map(Value::from).boxed(),
            Shape::Flag => any::<bool>().prop_map(Value::from).boxed(),
            Shape::Count => any::<i64>().prop_map(Value::from).boxed(),
            Shape::Ok => Just(json!(true)).boxed(),
            Shape::Open => Just(json!({ "any": [1, null] })).boxed(),
            Shape::Empty => Just(json!({})).boxed(),
            Shape::OrNull(inner) => prop_oneof![Just(Value::Null), of(inner)].boxed(),
            Shape::List(items) => prop::collection::vec(of(items), 0..3).prop_map(Value::from).boxed(),
            Shape::Object(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, shape)| (*name, of(shape), any::<bool>())).collect();
                let fields = fields.into_iter().map(|(name, value, there)| (Just(name), value, there));
                fields.collect::<Vec<_>>().prop_map(object).boxed()
            }
        }
    }

    fn object(fields: Vec<(&'static str, Value, bool)>) -> Value {
        let kept = fields.into_iter().filter(|(name, _, there)| *there || !name.ends_with('?'));
        kept.map(|(name, value, _)| (name.trim_end_matches('?').to_owned(), value)).collect::<Map<_, _>>().into()
    }

    /// The places of a value, itself included.
    fn places(value: &Value, at: &str, into: &mut Vec<String>) {
        into.push(at.to_owned());
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| places(value, &format!("{at}/{key}"), into)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), into));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// One place replaced, taken away or given a further key.
    fn spoilt(mut answer: Value, which: usize, how: usize) -> Value {
        let mut all = Vec::new();
        places(&answer, "", &mut all);
        let place = all[which % all.len()].clone();
        let others = [json!(null), json!(true), json!(7), json!("x"), json!([]), json!({}), json!({ "extra": 1 })];
        if let Some(other) = others.get(how) {
            *answer.pointer_mut(&place).unwrap() = other.clone();
        } else if let Some((parent, key)) = place.rsplit_once('/')
            && let Some(Value::Object(fields)) = answer.pointer_mut(parent)
        {
            let value = fields.remove(key).unwrap();
            if how == others.len() {
                fields.insert(format!("{key}_too"), value);
            }
        }
        answer
    }

    fn declared() -> impl Strategy<Value = &'static Shape> {
        let mut all: Vec<&'static Shape> = rpc::RPC_METHODS.iter().map(|method| &method.output).collect();
        all.extend(routes::REST_ROUTES.iter().filter_map(|route| route.output.as_ref()));
        all.extend(METHODS.iter().flat_map(|method| method.success.iter().map(|(_, shape)| shape)));
        all.extend(OTHER_ROUTES.iter().flat_map(|route| route.answers).filter_map(|(_, answer)| match answer {
            Answer::Json(shape) | Answer::JsonAt(shape) | Answer::Events(shape) => Some(shape),
            Answer::Socket => None,
        }));
        all.extend([&ERROR, &REFUSAL]);
        prop::sample::select(all)
    }

    proptest! {
        /// The check and the schemas of the listing mean the same.
        #[test]
        fn the_check_says_what_the_listed_schema_says(
            (shape, right) in declared().prop_flat_map(|shape| (Just(shape), of(shape))),
            which in any::<usize>(),
            how in 0..9_usize,
        ) {
            let schema = jsonschema::options().should_validate_formats(true).build(&shape.schema()).unwrap();
            prop_assert_eq!(difference(shape, &right), None);
            prop_assert!(schema.is_valid(&right));
            let wrong = spoilt(right, which, how);
            prop_assert_eq!(difference(shape, &wrong).is_none(), schema.is_valid(&wrong), "{}", wrong);
        }
    }
}
