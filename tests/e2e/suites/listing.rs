//! `GET /api/surface`, as the suites read it.

use serde_json::Value;

use crate::harness::{Installation, text};

/// A method of `/api/rpc`.
pub(super) struct Method {
    pub(super) name: String,
    pub(super) roles: Vec<String>,
    pub(super) credentials: Vec<String>,
    pub(super) input: Value,
    pub(super) output: Value,
    pub(super) has_side_effects: bool,
    /// Why it may refuse, beside the gates.
    pub(super) reasons: Vec<String>,
}

/// A route of `/api` that is neither a mount of the methods nor a stream.
pub(super) struct Route {
    pub(super) verb: String,
    pub(super) path: String,
    pub(super) needs_account: bool,
    pub(super) roles: Vec<String>,
    pub(super) credentials: Vec<String>,
    pub(super) input: Value,
    pub(super) output: Value,
    /// Schemas of its refusals, by status.
    pub(super) errors: Value,
}

/// The whole listing.
pub(super) fn surface(house: &Installation) -> Value {
    house.keeper.client.get("/api/surface").expect(200)
}

/// All methods.
pub(super) fn methods(surface: &Value) -> Vec<Method> {
    let rows = surface["rpc_endpoints"][0]["methods"].as_array().unwrap();
    let method = |row: &Value| Method {
        name: text(&row["name"]),
        roles: texts(&row["auth"]["roles"]),
        credentials: texts(&row["auth"]["credential_types"]),
        input: row["input_schema"].clone(),
        output: row["output_schema"].clone(),
        has_side_effects: row["side_effects"].as_bool().unwrap(),
        reasons: texts(&row["reasons"]),
    };
    rows.iter().map(method).collect()
}

/// All routes.
pub(super) fn routes(surface: &Value) -> Vec<Route> {
    let rows = surface["routes"].as_array().unwrap();
    let route = |row: &Value| Route {
        verb: text(&row["method"]),
        path: text(&row["path"]),
        needs_account: row["auth"]["account"] == "required",
        roles: texts(&row["auth"]["roles"]),
        credentials: texts(&row["auth"]["credential_types"]),
        input: row["input_schema"].clone(),
        output: row["output_schema"].clone(),
        errors: row["error_schemas"].clone(),
    };
    let is_plain = |route: &Route| route.path != "/api/rpc" && !route.path.ends_with("/stream");
    rows.iter().map(route).filter(is_plain).collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().map(|list| list.iter().map(text).collect()).unwrap_or_default()
}
