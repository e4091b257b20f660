//! `cargo xtask tidy`: the rules of the house that neither the compiler nor clippy holds. Runs in a second; prints
//! each finding as `path:line: what`, with what to do instead.

mod attacks;
mod dependencies;
mod figures;
mod files;
mod layers;
mod modules;
mod named_files;
mod proofs;
mod source;
mod unused;
mod words;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::shell;
use source::Line;

/// Folders that hold Rust.
const RUST: [&str; 11] = [
    "aggregates",
    "benches",
    "examples",
    "journal",
    "projections",
    "sql",
    "src",
    "testing",
    "testkit",
    "tests",
    "xtask",
];

/// Pages that are held to the list of words.
const PAGES: [&str; 2] = ["docs", "."];

/// Settings of tools at the root.
const SETTINGS: [&str; 2] = ["clippy.toml", "deny.toml"];

/// A file of the tree, read once.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    /// As stored.
    pub(crate) text: String,
    /// Split into code and comment; empty for files that are not Rust.
    pub(crate) lines: Vec<Line>,
}

impl File {
    fn new(path: String, text: String) -> Self {
        let lines = if path.ends_with(".rs") { source::lines(&text) } else { Vec::new() };
        Self { path, text, lines }
    }

    fn finding(&self, line: usize, what: String) -> Finding {
        Finding { path: self.path.clone(), line, what }
    }
}

/// One breach of a rule.
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

/// Checks the whole tree; an error when anything was found.
pub(crate) fn run(_arguments: &[String]) -> Result<()> {
    let root = shell::root();
    let mut rust = Vec::new();
    let mut manifests = Vec::new();
    for folder in RUST {
        collect(&root, folder, "rs", &mut rust)?;
        collect(&root, folder, "toml", &mut manifests)?;
    }
    manifests.push(read(&root, "Cargo.toml")?);
    manifests.retain(|file| file.path.ends_with("Cargo.toml"));
    let mut findings = Vec::new();
    for file in &rust {
        findings.extend(files::check(file));
        findings.extend(layers::check(file, &source::paths(&file.lines)));
        findings.extend(words::check(file));
        findings.extend(proofs::check(file));
    }
    let known = named_files::Known::of(&rust);
    for manifest in &manifests {
        findings.extend(files::check_manifest(manifest));
    }
    for page in rust.iter().chain(&manifests).chain(&settings(&root)?) {
        findings.extend(known.check(page));
    }
    findings.extend(modules::check(&rust, &manifests));
    findings.extend(dependencies::check(&manifests, &rust));
    findings.extend(unused::check(&rust, &unused::EXCUSED));
    findings.extend(files::check_parity(&migration_names(&root)?));
    findings.extend(page_findings(&root, &known)?);
    findings.extend(attacks::check(&read(&root, attacks::PAGE)?, &rust));
    findings.extend(figures::check(&read(&root, figures::PAGE)?, &rust));
    for Finding { path, line, what } in &findings {
        println!("{path}:{line}: {what}");
    }
    if !findings.is_empty() {
        bail!("{} findings in {} files", findings.len(), rust.len());
    }
    println!("tidy: {} files, nothing found", rust.len());
    Ok(())
}

fn page_findings(root: &Path, known: &named_files::Known<'_>) -> Result<Vec<Finding>> {
    let mut pages = Vec::new();
    for folder in PAGES {
        if folder == "." {
            for entry in fs::read_dir(root)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name.ends_with(".md") {
                    pages.push(read(root, &name)?);
                }
            }
        } else {
            collect(root, folder, "md", &mut pages)?;
        }
    }
    let mut findings = Vec::new();
    for page in &pages {
        for (index, line) in page.text.lines().enumerate() {
            findings.extend(words::empty_words(page, index + 1, line));
        }
        // The changelog tells of files that were.
        if page.path != "CHANGELOG.md" {
            findings.extend(known.check(page));
        }
    }
    Ok(findings)
}

/// Settings of tools, which give reasons too.
fn settings(root: &Path) -> Result<Vec<File>> {
    SETTINGS.iter().map(|path| read(root, path)).collect()
}

fn migration_names(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    collect(root, "migrations", "sql", &mut found)?;
    Ok(found.into_iter().map(|file| file.path).collect())
}

/// Reads every file with this extension under a folder; a folder that does not exist has none.
fn collect(root: &Path, folder: &str, extension: &str, found: &mut Vec<File>) -> Result<()> {
    let absolute = root.join(folder);
    if !absolute.is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(&absolute).with_context(|| format!("could not list {}", absolute.display()))?;
    let mut names =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<Vec<_>>>()?;
    names.sort();
    for name in names {
        let path = format!("{folder}/{name}");
        if root.join(&path).is_dir() {
            if name != "target" && name != "node_modules" {
                collect(root, &path, extension, found)?;
            }
        } else if Path::new(&name).extension().is_some_and(|have| have == extension) {
            found.push(read(root, &path)?);
        }
    }
    Ok(())
}

fn read(root: &Path, path: &str) -> Result<File> {
    let text = fs::read_to_string(root.join(path)).with_context(|| format!("could not read {path}"))?;
    Ok(File::new(path.to_owned(), text))
}
