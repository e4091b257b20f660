//! Lists that are shown in part: gathered page by page up to what was asked for, with a word where more is left out.

use anyhow::Result;
use serde_json::{Value, json};

use super::output::Printer;

/// The first rows of a list.
pub struct Listed<T> {
    /// So many as were asked for, at most.
    pub rows: Vec<T>,
    /// Whether there are others behind them.
    pub more: bool,
}

/// Gathers up to `limit` rows. `page` gets what is there already and how many to bring.
///
/// # Errors
/// What `page` says.
pub async fn gather<T>(
    limit: usize,
    page_rows_max: usize,
    mut page: impl AsyncFnMut(&[T], usize) -> Result<Vec<T>>,
) -> Result<Listed<T>> {
    let mut rows: Vec<T> = Vec::new();
    // The row behind the last one shown says that there is more; nothing needs to be counted.
    while rows.len() <= limit {
        let wanted = (limit - rows.len()).saturating_add(1).min(page_rows_max);
        let brought = page(&rows, wanted).await?;
        let is_last = brought.len() < wanted;
        rows.extend(brought);
        if is_last {
            break;
        }
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Listed { rows, more })
}

/// Prints a list. Where it was cut, the document says `more: true` and stderr how the rest is seen: rows alone look whole.
///
/// # Errors
/// When stdout is closed.
pub fn print_part(
    printer: &Printer,
    mut whole: Value,
    items: &[Value],
    columns: &[&str],
    rest: Option<String>,
) -> Result<()> {
    whole["more"] = json!(rest.is_some());
    printer.list(&whole, items, columns)?;
    if let Some(rest) = rest {
        printer.message(&rest);
    }
    Ok(())
}

/// What is said of a list that was cut and can be gone through by `--offset`.
#[must_use]
pub fn offset_hint(what: &str, limit: usize, offset: usize) -> String {
    let next = offset.saturating_add(limit);
    format!("{what} are left out; --limit lists more than these {limit}, --offset {next} goes on behind them")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of_ten(limit: usize) -> (Vec<usize>, bool) {
        let page = async |have: &[usize], wanted: usize| Ok((0..10).skip(have.len()).take(wanted).collect());
        let listed = gather(limit, 3, page).await.unwrap();
        (listed.rows, listed.more)
    }

    #[tokio::test]
    async fn a_list_says_whether_it_was_cut() {
        assert_eq!(of_ten(0).await, (vec![], true));
        assert_eq!(of_ten(2).await, (vec![0, 1], true));
        assert_eq!(of_ten(3).await, (vec![0, 1, 2], true));
        assert_eq!(of_ten(9).await, ((0..9).collect(), true));
        assert_eq!(of_ten(10).await, ((0..10).collect(), false));
        assert_eq!(of_ten(usize::MAX).await, ((0..10).collect(), false));
    }
}
