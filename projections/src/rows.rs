//! The tables of one generation of one projection, open for writing inside the transaction that also moves the
//! checkpoint. SQL is written against generation 0 and lands in the generation that is being filled.

use std::borrow::Cow;

use muniment_sql::{Arg, Row, SqlError, Transaction};

use crate::dialect::with_generations;

/// What a projection writes through while it applies a batch.
pub struct Rows<'t> {
    tx: &'t mut Transaction,
    generation: u64,
}

impl<'t> Rows<'t> {
    pub(crate) const fn new(tx: &'t mut Transaction, generation: u64) -> Self {
        Self { tx, generation }
    }

    /// SQL written against generation 0, for the one that is filled.
    fn of_generation(&self, sql: &str) -> String {
        with_generations(sql, |_| Some(self.generation))
    }

    /// Runs one statement; the number of rows it touched.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64, SqlError> {
        let sql = self.of_generation(sql);
        self.tx.execute(&sql, &storable(args)).await
    }

    /// The first row of an answer from the same generation, this batch's writes included.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_optional(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Option<Row>, SqlError> {
        let sql = self.of_generation(sql);
        self.tx.fetch_optional(&sql, args).await
    }

    /// All rows of an answer from the same generation, this batch's writes included.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_all(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, SqlError> {
        let sql = self.of_generation(sql);
        self.tx.fetch_all(&sql, args).await
    }

    /// Inserts the collected rows, many a statement. `suffix` follows the values, for example an upsert's
    /// `ON CONFLICT` part, or is empty.
    ///
    /// # Errors
    /// What the database says.
    pub async fn insert(&mut self, batch: InsertBatch, suffix: &str) -> Result<(), SqlError> {
        let (table, suffix) = (self.of_generation(batch.table), self.of_generation(suffix));
        self.tx.insert(&table, batch.columns, &storable(&batch.values), &suffix).await
    }
}

/// PostgreSQL's text has no U+0000, which JSON text can spell; a value that holds one is kept with U+FFFD in its
/// place, on both engines alike. The record keeps what was sent.
fn storable<'s, 'a>(args: &'s [Arg<'a>]) -> Cow<'s, [Arg<'a>]> {
    let has_nul = |arg: &Arg<'_>| matches!(arg, Arg::Text(Some(text)) if text.contains('\0'));
    if !args.iter().any(has_nul) {
        return Cow::Borrowed(args);
    }
    let replaced = args.iter().map(|arg| match arg {
        Arg::Text(Some(text)) => Arg::from(text.replace('\0', "\u{FFFD}")),
        Arg::Int(_) | Arg::Real(_) | Arg::Text(None) | Arg::Blob(_) => arg.clone(),
    });
    Cow::Owned(replaced.collect())
}

/// Rows of one table, collected over a batch of events.
#[derive(Debug)]
pub struct InsertBatch {
    table: &'static str,
    columns: &'static [&'static str],
    values: Vec<Arg<'static>>,
}

impl InsertBatch {
    /// No rows yet, of these columns of `table` (named as generation 0).
    #[must_use]
    pub const fn new(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self { table, columns, values: Vec::new() }
    }

    /// Adds one row, a value a column in the order of the columns.
    pub fn push<const WIDTH: usize>(&mut self, row: [Arg<'static>; WIDTH]) {
        debug_assert_eq!(WIDTH, self.columns.len(), "a row of {} must fill its columns", self.table);
        self.values.extend(row);
    }

    /// Whether no row was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes the rows collected so far, for a statement that must see them in the table.
    #[must_use]
    pub fn take(&mut self) -> Self {
        Self { table: self.table, columns: self.columns, values: std::mem::take(&mut self.values) }
    }
}
