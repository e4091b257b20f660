//! The listings are the committed files: whatever changes what clients see shows in a review.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::listing::surface;
use crate::harness::{Engine, Installation, Server};

/// A line an entry, so that a review shows which entry changed.
fn lines(surface: &Value) -> String {
    let mut lines = String::new();
    for part in ["routes", "rpc_endpoints", "ws_endpoints", "events", "middleware"] {
        for entry in surface[part].as_array().unwrap() {
            let mut entry = entry.clone();
            let methods = entry.as_object_mut().and_then(|entry| entry.remove("methods"));
            lines.push_str(&format!("{part}: {entry}\n"));
            for method in methods.as_ref().and_then(Value::as_array).into_iter().flatten() {
                lines.push_str(&format!("{part}, method: {method}\n"));
            }
        }
    }
    lines
}

/// A line an operation of `/v1` and `/health`, and a line a schema that any of them names, itself or by way of another.
fn lines_of_v1(document: &Value) -> String {
    let mut lines = String::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if path.starts_with("/v1/") || path == "/health" {
            for (verb, operation) in operations.as_object().unwrap() {
                lines.push_str(&format!("{verb} {path}: {operation}\n"));
            }
        }
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut listed = BTreeSet::new();
    while let Some((name, schema)) = schemas
        .iter()
        .find(|(name, _)| !listed.contains(*name) && lines.contains(&format!("\"#/components/schemas/{name}\"")))
    {
        listed.insert(name);
        lines.push_str(&format!("schema {name}: {schema}\n"));
    }
    lines
}

#[track_caller]
fn is_committed(listed: &str, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/suites").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, listed).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let differs = committed.lines().zip(listed.lines()).find(|(committed, listed)| committed != listed);
    assert!(
        committed == listed,
        "the surface changed: {differs:#?}; if that was meant, `cargo xtask golden` writes {file} anew"
    );
}

fn the_surface_is_the_committed_one(engine: Engine) {
    is_committed(&lines(&surface(Installation::shared(engine))), "surface.txt");
}

/// Clients are out there that speak these paths, fields, statuses and codes.
fn the_operations_of_v1_are_the_committed_ones(engine: Engine) {
    let document = Server::shared(engine).anonymous().get("/openapi.json").expect(200);
    is_committed(&lines_of_v1(&document), "v1.txt");
}

both_engines![the_operations_of_v1_are_the_committed_ones, the_surface_is_the_committed_one];
