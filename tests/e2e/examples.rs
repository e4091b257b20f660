//! Every example of docs/integrate is run as it stands and writes its point (MET-148).

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::harness::{Engine, Server};

/// The runnable pieces of a page: its `sh` blocks, and what stands under `run: |` in its `yaml` blocks.
fn scripts(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("```") {
        let (kind, after) = after.split_once('\n').unwrap();
        let (block, after) = after.split_once("```").unwrap();
        match kind.trim() {
            "sh" => found.push(block.to_owned()),
            "yaml" => found.push(under_run(block)),
            _ => {}
        }
        rest = after;
    }
    found
}

fn under_run(yaml: &str) -> String {
    let (_, after) = yaml.split_once("run: |\n").unwrap_or_else(|| panic!("nothing to run in:\n{yaml}"));
    let indent = after.len() - after.trim_start().len();
    let lines = after.lines().take_while(|line| line.len() - line.trim_start().len() >= indent);
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

fn met_148_each_example_runs_and_writes_its_point(engine: Engine) {
    let server = Server::shared(engine);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join("integrate");
    let mut pages: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let scripts: Vec<String> = pages.iter().flat_map(|page| scripts(&fs::read_to_string(page).unwrap())).collect();
    assert_eq!(scripts.len(), 5, "Claude Code, Codex, Hermes, cron, GitHub Actions");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_muniment"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for script in scripts {
        let founder = server.founder("examples");
        let company = server.company_of(&founder);
        company.metric("weekly_revenue");
        let body = json!({ "name": "weekly", "scopes": ["metrics:write"], "allowed_metrics": ["weekly_revenue"] });
        let made = founder.client.post("/v1/tokens", &body).expect(201);
        let home = tempfile::tempdir().unwrap();
        let run = || {
            let mut command = Command::new("sh");
            command.args(["-eu", "-c", &script]).env_clear().env("PATH", &path).env("HOME", home.path());
            command.env("MUNIMENT_URL", &server.base).env("MUNIMENT_TOKEN", made["token"].as_str().unwrap());
            let output = command.output().unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{script}\n{said}");
            said
        };
        assert!(run().contains("Metric point created: point_"));
        assert!(run().contains("Duplicate ignored: point_"));
        assert_eq!(company.points("weekly_revenue").len(), 1, "{script}");
    }
}

both_engines![met_148_each_example_runs_and_writes_its_point];
