//! Who may import whom. The table is design section 2 and docs/decisions in a form that can fail.

use super::source::NamedPath;
use super::{File, Finding};

/// One layer: where it lives, what it must never name, and what to do instead.
struct Layer {
    folder: &'static str,
    never: &'static [&'static str],
    /// Files of the layer to which a ban does not apply, with the banned name.
    except: &'static [(&'static str, &'static str)],
    instead: &'static str,
}

const CLOCKS: [&str; 8] =
    ["Utc::now", "Local::now", "SystemTime::now", "Instant::now", "Uuid::new_v4", "rand", "getrandom", "thread_rng"];

const LAYERS: [Layer; 14] = [
    Layer {
        folder: "aggregates/src/",
        never: &[
            "tokio",
            "actix",
            "actix_web",
            "sqlx",
            "tracing",
            "reqwest",
            "cqrs_es",
            "std::fs",
            "std::net",
            "muniment",
            "muniment_journal",
            "muniment_projections",
            "muniment_sql",
        ],
        except: &[("aggregates/src/cqrs.rs", "cqrs_es")],
        instead: "the rules are pure: what they need from outside comes in the command",
    },
    Layer {
        folder: "sql/src/",
        never: &["actix", "actix_web", "muniment", "muniment_aggregates", "muniment_journal", "muniment_projections"],
        except: &[],
        instead: "portable SQL knows neither the record nor the business",
    },
    Layer {
        folder: "journal/src/",
        never: &["actix", "actix_web", "muniment", "muniment_projections"],
        except: &[],
        instead: "the journal takes the envelope and claim types and never names an aggregate",
    },
    Layer {
        folder: "projections/src/",
        never: &["actix", "actix_web", "muniment", "muniment_journal", "commands", "decide"],
        except: &[],
        instead: "a read model folds recorded events; it sends no command and reads no journal of its own",
    },
    Layer {
        folder: "src/auth/",
        never: &[
            "actix",
            "actix_web",
            "sqlx",
            "muniment_sql",
            "crate::http",
            "crate::live",
            "crate::surface",
            "crate::cli",
        ],
        except: &[],
        instead: "auth turns a credential into a principal; transport and SQL stay outside",
    },
    Layer {
        folder: "src/runtime/",
        never: &["actix_web", "actix_http", "crate::surface", "crate::http", "crate::live", "crate::cli", "sqlx"],
        except: &[],
        instead: "the runtime joins rules, journal and read models and knows no HTTP",
    },
    Layer {
        folder: "src/surface/",
        never: &["sqlx", "muniment_sql", "actix", "crate::http", "crate::live", "crate::cli"],
        // Turns the database's error into a fault without looking inside.
        except: &[("src/surface/errors.rs", "muniment_sql")],
        instead: "go through the command bus or a projection's query",
    },
    Layer {
        folder: "src/http/",
        never: &["sqlx", "muniment_sql", "muniment_journal", "crate::live", "crate::cli"],
        except: &[],
        instead: "HTTP translates the surface; call a method of its table",
    },
    Layer {
        folder: "src/transport.rs",
        never: &["sqlx", "muniment_sql", "muniment_journal", "crate::http", "crate::live", "crate::cli"],
        except: &[],
        instead: "what HTTP and the live protocols share knows the surface alone",
    },
    Layer {
        folder: "src/live/",
        never: &["sqlx", "muniment_sql", "muniment_journal", "crate::http", "crate::cli"],
        // The cursor and the hub behind it are where the record is read.
        except: &[("src/live/cursor.rs", "muniment_journal"), ("src/live/hub.rs", "muniment_journal")],
        instead: "sockets pull from a cursor of the runtime",
    },
    Layer {
        folder: "src/cli/",
        never: &["sqlx", "muniment_sql"],
        except: &[],
        instead: "the command line does nothing that a method or a projection's query does not",
    },
    Layer {
        folder: "src/config/",
        never: &[
            "muniment_aggregates",
            "muniment_projections",
            "muniment_sql",
            "crate::http",
            "crate::live",
            "crate::surface",
            "crate::runtime",
            "crate::auth",
            "crate::cli",
        ],
        except: &[],
        instead: "configuration is a leaf",
    },
    Layer {
        folder: "src/telemetry/",
        never: &[
            "muniment_aggregates",
            "muniment_projections",
            "muniment_journal",
            "crate::http",
            "crate::live",
            "crate::surface",
            "crate::runtime",
            "crate::auth",
            "crate::cli",
        ],
        except: &[],
        instead: "telemetry is a leaf",
    },
    Layer {
        folder: "tests/e2e/",
        never: &["muniment", "muniment_aggregates", "muniment_journal", "muniment_projections"],
        // MET-111 holds what the program has stored against what the rules decide on the stored events.
        except: &[("tests/e2e/alerts_replayed.rs", "muniment_aggregates")],
        instead: "end-to-end tests see only the built program",
    },
];

/// Of which crate a layer may name which modules: the journal takes the envelope, claims and sealed values, and never
/// names an aggregate.
const ONLY: [(&str, &str, &[&str]); 1] = [("journal/src/", "muniment_aggregates", &["claims", "record", "sealed"])];

/// Methods that a layer never calls, and what to do instead. A decision over several streams names no path.
const NEVER_CALLED: [(&str, &[&str], &str); 1] = [(
    "src/cli/",
    &["transact", "decide"],
    "what is decided on accounts from beside the surface is in `runtime/accounts/`; the command line asks for it",
)];

/// The two sockets alone may name the deprecated socket crate, so that replacing it stays the work of two files; and
/// the peer that they are measured beside, which is made of it.
const SOCKET_FILES: [&str; 3] = ["src/live/socket_actor.rs", "src/live/api/socket.rs", "benches/push/broadcaster.rs"];

/// Imports that cross a layer the wrong way, and clocks or random sources where only facts may come in.
pub(crate) fn check(file: &File, paths: &[NamedPath]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut ban = |name: &str, instead: &str| {
        for path in paths.iter().filter(|path| names(path, name)) {
            findings.push(file.finding(path.line, format!("names `{name}`: {instead}")));
        }
    };
    // A test may stand a layer on what lies beneath it.
    let is_test = file.path.ends_with("tests.rs");
    for layer in LAYERS.iter().filter(|layer| !is_test && file.path.starts_with(layer.folder)) {
        for name in layer.never.iter().filter(|name| !layer.except.contains(&(file.path.as_str(), **name))) {
            ban(name, layer.instead);
        }
    }
    if file.path.starts_with("aggregates/src/") || file.path.starts_with("projections/src/") {
        for name in CLOCKS {
            ban(name, "time and randomness come in with the command or the recorded event");
        }
    }
    if !SOCKET_FILES.contains(&file.path.as_str()) && !file.path.starts_with("xtask/") {
        ban("actix_web_actors", "only the two sockets of src/live name it");
    }
    for (folder, methods, instead) in NEVER_CALLED {
        if !is_test && file.path.starts_with(folder) {
            findings.extend(calls(file, methods, instead));
        }
    }
    findings
        .extend(ONLY.iter().filter(|only| file.path.starts_with(only.0)).flat_map(|only| beyond(file, paths, only)));
    findings
}

/// Modules that are named and not among those of the list.
fn beyond(file: &File, paths: &[NamedPath], (_, source, modules): &(&str, &str, &[&str])) -> Vec<Finding> {
    let named = paths.iter().filter_map(|path| match path.segments.as_slice() {
        [first, module, ..] if first == source && !modules.contains(&module.as_str()) => Some((path.line, module)),
        _ => None,
    });
    let what = |module| format!("names `{source}::{module}`: of this crate it may name {} alone", modules.join(", "));
    named.map(|(line, module)| file.finding(line, what(module))).collect()
}

/// Lines on which one of these methods is called.
fn calls(file: &File, methods: &[&str], instead: &str) -> Vec<Finding> {
    let lines = (1..).zip(&file.lines);
    let called = lines.filter_map(|(line, text)| {
        let method = methods.iter().find(|method| text.code.contains(&format!(".{method}(")))?;
        Some(file.finding(line, format!("calls `{method}`: {instead}")))
    });
    called.collect()
}

/// A crate's name counts at the beginning of a path; `a::b` counts wherever the two stand together.
fn names(path: &NamedPath, banned: &str) -> bool {
    let wanted: Vec<&str> = banned.split("::").collect();
    if let [only] = wanted.as_slice() {
        let begins = path.segments.first().is_some_and(|first| first == only);
        let module = path.segments.iter().any(|segment| segment == only) && matches!(*only, "commands" | "decide");
        return (begins && (path.imported || path.segments.len() > 1)) || (module && path.imported);
    }
    path.segments.windows(wanted.len()).any(|window| window.iter().zip(&wanted).all(|(have, want)| have == want))
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::super::source::paths;
    use super::check;

    fn findings(path: &str, text: &str) -> usize {
        let file = File::new(path.to_owned(), text.to_owned());
        check(&file, &paths(&file.lines)).len()
    }

    #[test]
    fn an_import_against_the_layers_is_found() {
        assert_eq!(findings("src/http/routes/a.rs", "use crate::{live::cursor, surface::methods};\n"), 1);
        assert_eq!(findings("aggregates/src/metric/decide.rs", "let now = chrono::Utc::now();\n"), 1);
        assert_eq!(findings("src/live/cursor.rs", "use actix_web_actors::ws;\n"), 1);
    }

    #[test]
    fn the_command_line_decides_nothing_over_several_streams() {
        let decides = "    bus.transact(&origin, async |tx| end(tx).await).await\n";
        assert_eq!(findings("src/cli/operator/a.rs", decides), 1);
        assert_eq!(findings("src/runtime/accounts/a.rs", decides), 0);
    }

    #[test]
    fn of_the_aggregates_the_journal_names_what_is_listed_alone() {
        let journal = |text: &str| findings("journal/src/a.rs", text);
        assert_eq!(journal("use muniment_aggregates::{record::Position, sealed::SubjectId};\n"), 0);
        assert_eq!(journal("use muniment_aggregates::{record::Position, offer_book::OfferBook};\n"), 1);
        assert_eq!(journal("let kind = muniment_aggregates::invite::KIND;\n"), 1);
    }

    #[test]
    fn a_variable_with_a_crates_name_is_not_an_import() {
        assert_eq!(findings("aggregates/src/metric/decide.rs", "let rand = tracing + 1;\n"), 0);
    }
}
