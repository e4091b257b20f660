//! What differs between the two engines, in one place; every other statement of this crate is one text for both.
//!
//! Tables are named `<model>_v<version>_g<generation>`. Every SQL text, in the schema files and in the code, is
//! written against generation 0 and rewritten here for the generation that is meant.

use muniment_sql::{Engine, SqlError};

/// Rewrites `<table>_g0` to the generation of that table. A table that `generation_of` does not know stays as it is,
/// so the database names it in its refusal.
pub(crate) fn with_generations(sql: &str, generation_of: impl Fn(&str) -> Option<u64>) -> String {
    const MARK: &str = "_g0";
    let mut out = String::with_capacity(sql.len() + 16);
    let mut copied = 0;
    for (at, _) in sql.match_indices(MARK) {
        let before = &sql[copied..at];
        let name_start = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |found| found + 1);
        let table = &before[name_start..];
        out.push_str(before);
        match generation_of(table) {
            Some(generation) => out.push_str(&format!("_g{generation}")),
            None => out.push_str(MARK),
        }
        copied = at + MARK.len();
    }
    out.push_str(&sql[copied..]);
    out
}

/// Whether the database says that a table is not there: the generation was dropped after another node swapped it.
pub(crate) fn is_missing_table(error: &SqlError) -> bool {
    let SqlError::Driver(sqlx::Error::Database(error)) = error else { return false };
    // 42P01 is PostgreSQL's undefined_table; SQLite has no code of its own for it.
    error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table")
}

/// Taken first by whoever creates or drops tables, so that two nodes starting together do not collide. SQLite's
/// write lock already does this.
pub(crate) const fn schema_lock(engine: Engine) -> Option<&'static str> {
    match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some("SELECT pg_advisory_xact_lock(7311270834502)"),
    }
}

/// Tells the planner what a freshly filled generation looks like, before queries are sent to it. SQLite's takes the right
/// plans without, and would keep for years what it was told of a table that was small.
pub(crate) fn analyze(engine: Engine, table: &str) -> Option<String> {
    match engine {
        Engine::Sqlite => None,
        Engine::Postgres => Some(format!("ANALYZE {table}")),
    }
}

/// The smallest text greater than every text that begins with `prefix`, in byte order; `None` when there is none.
/// `column >= prefix AND column < bound` is a prefix search that both engines answer from an index.
pub(crate) fn prefix_upper_bound(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_tables_are_rewritten() {
        let sql = "SELECT a FROM points_v1_g0 JOIN x.metrics_v1_g0 m ON m.id = other_g0.id";
        let rewritten = with_generations(sql, |table| match table {
            "points_v1" => Some(3),
            "metrics_v1" => Some(12),
            _ => None,
        });
        assert_eq!(rewritten, "SELECT a FROM points_v1_g3 JOIN x.metrics_v1_g12 m ON m.id = other_g0.id");
    }

    #[test]
    fn index_names_of_a_script_follow_their_table() {
        let script = "CREATE INDEX points_v1_g0_by_metric ON points_v1_g0 (metric_id)";
        assert_eq!(
            with_generations(script, |_| Some(2)),
            "CREATE INDEX points_v1_g2_by_metric ON points_v1_g2 (metric_id)"
        );
    }

    #[test]
    fn a_prefix_ends_before_its_upper_bound() {
        assert_eq!(prefix_upper_bound("acme").as_deref(), Some("acmf"));
        assert_eq!(prefix_upper_bound("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(prefix_upper_bound("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(prefix_upper_bound("").as_deref(), None);
    }
}
