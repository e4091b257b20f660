//! Building a query whose conditions depend on what was asked, and reading typed values from its rows.

use muniment_aggregates::record::Position;
use muniment_aggregates::sealed::{Sealed, SubjectId};
use muniment_sql::{Arg, Row, SqlError};

use crate::dialect::prefix_upper_bound;

/// Rows of one page at most, whatever was asked: the greatest page of a surface (1,000) and one row more, by which
/// the caller sees that another page follows.
pub const PAGE_ROWS_MAX: usize = 1_001;

/// Text with its arguments; placeholders are numbered as they are added.
pub(crate) struct Query<'a> {
    sql: String,
    args: Vec<Arg<'a>>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), args: Vec::new() }
    }

    /// Adds literal text.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds literal text and the placeholder of `arg` behind it.
    pub(crate) fn bind(&mut self, sql: &str, arg: impl Into<Arg<'a>>) -> &mut Self {
        self.args.push(arg.into());
        self.sql.push_str(sql);
        self.sql.push('$');
        self.sql.push_str(&self.args.len().to_string());
        self
    }

    /// Adds the condition that a column of [`folded`] texts begins with a text, whatever its case.
    pub(crate) fn begins(&mut self, column: &str, beginning: &str) -> &mut Self {
        let folded = folded(beginning);
        for (number, form) in std::iter::once(folded.clone()).chain(other_sigma(&folded)).enumerate() {
            self.push(if number == 0 { "((" } else { " OR (" });
            if let Some(bound) = prefix_upper_bound(&form) {
                self.push(column).bind(" < ", bound).push(" AND ");
            }
            self.push(column).bind(" >= ", form).push(")");
        }
        self.push(")")
    }

    /// Adds the placeholders of a list, with commas.
    pub(crate) fn list(&mut self, values: impl IntoIterator<Item = &'a str>) -> &mut Self {
        for (number, value) in values.into_iter().enumerate() {
            self.bind(if number == 0 { "" } else { ", " }, value);
        }
        self
    }

    /// Ends with a bounded `LIMIT`.
    pub(crate) fn limit(&mut self, rows: usize) -> &mut Self {
        self.bind(" LIMIT ", rows.min(PAGE_ROWS_MAX))
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn args(&self) -> &[Arg<'a>] {
        &self.args
    }
}

/// The text a name is searched by.
pub(crate) fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// A folded name with its last sigma in the other form. Folding writes a capital sigma as ς where a word ends and as σ
/// elsewhere, and the end of what was typed need not be the end of a word of the name.
fn other_sigma(folded: &str) -> Option<String> {
    let at = folded.rfind(['σ', 'ς'])?;
    let (before, rest) = folded.split_at(at);
    let other = rest.strip_prefix('σ').map(|behind| format!("{before}ς{behind}"));
    other.or_else(|| rest.strip_prefix('ς').map(|behind| format!("{before}σ{behind}")))
}

/// A text column that must have the form which `parse` accepts.
pub(crate) fn parsed<T>(row: &Row, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, SqlError> {
    let text = row.text(column)?;
    parse(&text)
        .ok_or_else(|| SqlError::Column { column: column.to_owned(), what: format!("has another form: {text}") })
}

/// A text column that is null or has the form which `parse` accepts.
pub(crate) fn parsed_or_null<T>(
    row: &Row,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, SqlError> {
    match row.text_or_null(column)? {
        None => Ok(None),
        Some(_) => parsed(row, column, parse).map(Some),
    }
}

/// A JSON column.
pub(crate) fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, SqlError> {
    let text = row.text(column)?;
    serde_json::from_str(&text).map_err(|error| SqlError::Column {
        column: column.to_owned(),
        what: format!("is not the JSON expected: {error}"),
    })
}

pub(crate) fn position(row: &Row, column: &str) -> Result<Position, SqlError> {
    row.count(column).map(Position)
}

/// A column with a position, where null means before the first event.
pub(crate) fn position_or_start(row: &Row, column: &str) -> Result<Position, SqlError> {
    Ok(match row.int_or_null(column)? {
        None => Position::START,
        Some(_) => position(row, column)?,
    })
}

pub(crate) fn sealed(row: &Row, column: &str) -> Result<Sealed, SqlError> {
    row.text(column).map(Sealed::from_text)
}

pub(crate) fn sealed_or_null(row: &Row, column: &str) -> Result<Option<Sealed>, SqlError> {
    Ok(row.text_or_null(column)?.map(Sealed::from_text))
}

pub(crate) fn subject(row: &Row, column: &str) -> Result<SubjectId, SqlError> {
    row.text(column).map(SubjectId)
}

/// `COUNT(*) AS total` of an answer.
pub(crate) fn total(row: Option<Row>) -> Result<u64, SqlError> {
    row.map_or(Ok(0), |row| row.count("total"))
}

/// A column that holds one of the words of an enum as events spell them.
pub(crate) fn word<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, SqlError> {
    let text = row.text(column)?;
    serde_json::from_value(serde_json::Value::String(text))
        .map_err(|error| SqlError::Column { column: column.to_owned(), what: format!("is no known word: {error}") })
}
