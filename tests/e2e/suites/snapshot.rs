//! The listing is the committed file: whatever changes what clients see shows in a review.

use std::path::Path;

use serde_json::Value;

use super::listing::surface;
use crate::harness::{Engine, Installation};

const FILE: &str = "tests/e2e/suites/surface.txt";

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

fn the_surface_is_the_committed_one(engine: Engine) {
    let listed = lines(&surface(Installation::shared(engine)));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &listed).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let differs = committed.lines().zip(listed.lines()).find(|(committed, listed)| committed != listed);
    assert!(
        committed == listed,
        "the surface changed: {differs:#?}; if that was meant, `cargo xtask golden` writes {FILE} anew"
    );
}

both_engines![the_surface_is_the_committed_one];
