//! Many rows in few statements: on SQLite lists of rows in a handful of sizes, on PostgreSQL one array a column, which
//! it parses, plans and binds once however many rows there are.

use std::sync::Arc;

use crate::{Arg, SqlError};

/// Rows of one statement on SQLite, largest first. Each is a message to the thread of the connection and back; few fixed
/// sizes keep the statement texts few, so that the driver finds them prepared.
const CHUNK_ROWS: [usize; 6] = [1_024, 256, 64, 16, 4, 1];

/// Bound values of one statement. SQLite allows 32,766.
const CHUNK_VALUES_MAX: usize = 16_000;

/// The statements for SQLite with the values of each.
pub(crate) fn chunks<'v, 'a>(
    table: &str,
    columns: &[&str],
    values: &'v [Arg<'a>],
    suffix: &str,
) -> Vec<(Arc<str>, &'v [Arg<'a>])> {
    let width = columns.len().max(1);
    let (mut rest, mut chunks) = (values, Vec::new());
    for rows in CHUNK_ROWS.into_iter().filter(|rows| *rows == 1 || rows * width <= CHUNK_VALUES_MAX) {
        let mut text: Option<Arc<str>> = None;
        while let Some((now, later)) = rest.split_at_checked(rows * width) {
            let text = text.get_or_insert_with(|| Arc::from(listed(table, columns, rows, suffix)));
            chunks.push((Arc::clone(text), now));
            rest = later;
        }
    }
    chunks
}

/// SQLite keeps numbered placeholders in a list that it walks for each value; over thousands of values that is nearly
/// all of an insert's time. Its plain ones it does not.
fn listed(table: &str, columns: &[&str], rows: usize, suffix: &str) -> String {
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let rows = vec![row; rows].join(", ");
    format!("INSERT INTO {table} ({}) VALUES {rows} {suffix}", columns.join(", ")).trim_end().to_owned()
}

/// All values of one column.
#[derive(Debug)]
pub(crate) enum Column<'v> {
    Ints(Vec<Option<i64>>),
    Reals(Vec<Option<f64>>),
    Texts(Vec<Option<&'v str>>),
    Blobs(Vec<Option<&'v [u8]>>),
}

impl<'v> Column<'v> {
    fn like(first: &Arg<'_>, rows: usize) -> Self {
        match first {
            Arg::Int(_) => Self::Ints(Vec::with_capacity(rows)),
            Arg::Real(_) => Self::Reals(Vec::with_capacity(rows)),
            Arg::Text(_) => Self::Texts(Vec::with_capacity(rows)),
            Arg::Blob(_) => Self::Blobs(Vec::with_capacity(rows)),
        }
    }

    /// `false` when the value is of another type.
    fn push(&mut self, value: &'v Arg<'_>) -> bool {
        match (self, value) {
            (Self::Ints(all), Arg::Int(value)) => all.push(*value),
            (Self::Reals(all), Arg::Real(value)) => all.push(*value),
            (Self::Texts(all), Arg::Text(value)) => all.push(value.as_deref()),
            (Self::Blobs(all), Arg::Blob(value)) => all.push(value.as_deref()),
            (Self::Ints(_) | Self::Reals(_) | Self::Texts(_) | Self::Blobs(_), _) => return false,
        }
        true
    }

    const fn array_type(&self) -> &'static str {
        match self {
            Self::Ints(_) => "bigint[]",
            Self::Reals(_) => "double precision[]",
            Self::Texts(_) => "text[]",
            Self::Blobs(_) => "bytea[]",
        }
    }
}

/// The one statement for PostgreSQL and its arrays. In the select list they are walked side by side; one `unnest` of all
/// in FROM would first copy each of them.
pub(crate) fn arrays<'v>(
    table: &str,
    columns: &[&str],
    values: &'v [Arg<'_>],
    suffix: &str,
) -> Result<(String, Vec<Column<'v>>), SqlError> {
    let rows = values.len() / columns.len().max(1);
    let first = values.iter().take(columns.len());
    let mut arrays: Vec<Column<'v>> = first.map(|value| Column::like(value, rows)).collect();
    for row in values.chunks(columns.len().max(1)) {
        for ((array, value), name) in arrays.iter_mut().zip(row).zip(columns) {
            if !array.push(value) {
                let what = "has values of more than one type in one insert".to_owned();
                return Err(SqlError::Column { column: (*name).to_owned(), what });
            }
        }
    }
    let unnested = |(nth, array): (usize, &Column<'_>)| format!("unnest(${}::{})", nth + 1, array.array_type());
    let unnested: Vec<String> = arrays.iter().enumerate().map(unnested).collect();
    let sql = format!("INSERT INTO {table} ({}) SELECT {} {suffix}", columns.join(", "), unnested.join(", "));
    Ok((sql.trim_end().to_owned(), arrays))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_the_largest_chunks_that_fit() {
        let values: Vec<Arg<'_>> = (0_i64..2 * (1_024 + 256 + 5)).map(Arg::from).collect();
        let chunks = chunks("t", &["a", "b"], &values, "ON CONFLICT DO NOTHING");
        let rows: Vec<usize> = chunks.iter().map(|(_, values)| values.len() / 2).collect();
        assert_eq!(rows, [1_024, 256, 4, 1]);
        assert_eq!(&*chunks[3].0, "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT DO NOTHING");
        assert_eq!(listed("t", &["a", "b"], 2, ""), "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)");
        let wide: Vec<String> = (0..20).map(|nth| format!("c{nth}")).collect();
        let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
        let values: Vec<Arg<'_>> = (0_i64..20 * 1_024).map(Arg::from).collect();
        assert!(super::chunks("t", &wide, &values, "").iter().all(|(_, values)| values.len() <= CHUNK_VALUES_MAX));
    }

    #[test]
    fn a_column_is_an_array_of_its_type() {
        let values = [Arg::from(1_i64), Arg::from("x"), Arg::Int(None), Arg::Text(None)];
        let (sql, arrays) = arrays("t", &["a", "b"], &values, "").unwrap();
        assert_eq!(sql, "INSERT INTO t (a, b) SELECT unnest($1::bigint[]), unnest($2::text[])");
        assert!(matches!(&arrays[0], Column::Ints(all) if *all == [Some(1), None]));
        assert!(matches!(&arrays[1], Column::Texts(all) if *all == [Some("x"), None]));
    }

    #[test]
    fn a_column_of_two_types_is_refused() {
        let refused = arrays("t", &["a"], &[Arg::from(1_i64), Arg::from("x")], "").unwrap_err();
        assert!(refused.to_string().contains("column a"), "{refused}");
    }
}
