//! Statement texts with lists of rows or keys, and the few sizes that lists have so that the texts stay prepared.

use crate::rows::SQLITE_COLUMNS;

/// Lengths of lists that may be filled up by repeating their last value.
const FILLED_SIZES: [usize; 4] = [1, 16, 64, 256];

/// `(?, ?), (?, ?)`: `rows` times `columns` placeholders.
pub(crate) fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

/// Puts the dedupe keys that are in memory alone into their table, in the order of the keys.
pub(crate) const INDEX_KEYS: &str = "INSERT INTO dedupe_keys (dedupe_key, position) SELECT dedupe_key, position \
    FROM events WHERE position > (SELECT dedupe_indexed FROM journal_head) AND dedupe_key IS NOT NULL ORDER BY dedupe_key";
/// Says that [`INDEX_KEYS`] has run.
pub(crate) const ALL_INDEXED: &str = "UPDATE journal_head SET dedupe_indexed = position";

/// Gives streams numbers; those that have one keep it. Takes type and id of each.
pub(crate) fn name_streams(streams: usize) -> String {
    let rows = placeholders(streams, 2);
    format!("INSERT INTO streams (aggregate_type, aggregate_id) VALUES {rows} ON CONFLICT DO NOTHING")
}

/// Inserts events with the numbers of their streams. Takes [`SQLITE_COLUMNS`] of each.
pub(crate) fn insert_events(rows: usize) -> String {
    // The outer join keeps the order of the rows, which is that of the table.
    format!(
        "INSERT INTO events ({SQLITE_COLUMNS}, stream) SELECT given.*, number FROM (VALUES {}) AS given LEFT JOIN streams \
         ON aggregate_type = given.column2 AND aggregate_id = given.column3",
        placeholders(rows, 11)
    )
}

/// Splits a list into lists of a few sizes; a last one that is short is filled with its last value.
pub(crate) fn filled<T>(list: &[T]) -> impl Iterator<Item = Vec<&T>> {
    let [.., largest] = FILLED_SIZES;
    list.chunks(largest).map(move |chunk| {
        let size = FILLED_SIZES.into_iter().find(|size| *size >= chunk.len()).unwrap_or(largest);
        let last = chunk.last().into_iter().cycle();
        chunk.iter().chain(last).take(size).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_filled_with_its_last_value_and_loses_none() {
        for count in [0_usize, 1, 2, 16, 17, 64, 65, 256, 257, 600] {
            let list: Vec<usize> = (0..count).collect();
            let lists: Vec<Vec<&usize>> = filled(&list).collect();
            assert!(lists.iter().all(|list| FILLED_SIZES.contains(&list.len())), "{count}");
            let mut back: Vec<usize> = lists.into_iter().flatten().copied().collect();
            back.dedup();
            assert_eq!(back, list);
        }
    }
}
