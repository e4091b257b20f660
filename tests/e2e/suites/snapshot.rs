//! The listings are the committed files: whatever changes what clients see shows in a review.

use std::path::Path;

use serde_json::Value;

use super::listing::surface;
use super::operations;
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

#[track_caller]
fn is_committed(listed: &str, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/suites").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, listed).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let differs = (1..).zip(committed.lines().zip(listed.lines())).find(|(_, (committed, listed))| committed != listed);
    assert!(
        committed == listed,
        "the surface changed, from this line on (its number; committed, listed): {differs:#?}; if that was meant, `cargo xtask golden` writes {file} anew"
    );
}

fn the_surface_is_the_committed_one(engine: Engine) {
    is_committed(&lines(&surface(Installation::shared(engine))), "surface.txt");
}

/// Clients are out there that speak these paths, fields, statuses and codes.
fn the_operations_of_v1_are_the_committed_ones(engine: Engine) {
    let document = Server::shared(engine).anonymous().get("/openapi.json").expect(200);
    is_committed(&operations::of_v1(&document), "v1.txt");
}

both_engines![the_operations_of_v1_are_the_committed_ones, the_surface_is_the_committed_one];
