//! How far each generation of each read model is. A checkpoint moves by compare-and-set, in the transaction that
//! writes the rows, so every event is folded exactly once whoever else tries.

use muniment_aggregates::record::Position;
use muniment_sql::{Arg, Row, SqlError, Transaction};

use crate::projection::{Poison, Projection};
use crate::query::Query;

/// Names one generation of one read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GenerationId {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) generation: u64,
}

impl GenerationId {
    fn args(self) -> [Arg<'static>; 3] {
        [self.name.into(), i64::from(self.version).into(), self.generation.into()]
    }

    /// What one of the model's tables is called in this generation.
    pub(crate) fn table(self, name: &str) -> String {
        format!("{name}_g{}", self.generation)
    }
}

/// What a generation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Queries read it.
    Live,
    /// A rebuild fills it; it will take the live one's place.
    Rebuild,
    /// A verification fills it, compares and drops it.
    Verify,
    /// It was replaced or given up; its tables are being dropped and nothing may advance it.
    Retired,
}

impl Purpose {
    /// Its name in the database and in listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Rebuild => "rebuild",
            Self::Verify => "verify",
            Self::Retired => "retired",
        }
    }

    fn parse(text: &str) -> Result<Self, SqlError> {
        [Self::Live, Self::Rebuild, Self::Verify, Self::Retired]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
            .ok_or_else(|| SqlError::Column { column: "purpose".to_owned(), what: format!("is unknown: {text}") })
    }
}

/// One generation of one read model and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The read model.
    pub name: String,
    /// Version of the model.
    pub version: u32,
    /// Generation of its tables.
    pub generation: u64,
    /// What the generation is for.
    pub purpose: Purpose,
    /// Last position folded into its rows.
    pub position: Position,
    /// The record it was made from: `<installation>-<epoch>`.
    pub record: String,
    /// The event that stops it, where one does.
    pub stopped_by: Option<Poison>,
}

impl Checkpoint {
    /// Whether it is of this version of this model.
    pub(crate) fn is_of(&self, projection: &dyn Projection) -> bool {
        self.name == projection.name() && self.version == projection.version()
    }

    /// Whether queries of this model read it.
    pub(crate) fn is_live_of(&self, projection: &dyn Projection) -> bool {
        self.purpose == Purpose::Live && self.is_of(projection)
    }
}

const COLUMNS: &str =
    "name, version, generation, purpose, position, record, failed_position, failed_type, failed_reason";

/// All generations, oldest first within a model.
pub(crate) fn select_all() -> String {
    format!("SELECT {COLUMNS} FROM read_checkpoints_v1 ORDER BY name, version, generation")
}

/// [`select_all`] as the transaction sees it.
pub(crate) async fn all(tx: &mut Transaction) -> Result<Vec<Checkpoint>, SqlError> {
    tx.fetch_all(&select_all(), &[]).await?.iter().map(from_row).collect()
}

pub(crate) fn from_row(row: &Row) -> Result<Checkpoint, SqlError> {
    let stopped_by = match row.int_or_null("failed_position")? {
        None => None,
        Some(_) => Some(Poison {
            position: Position(row.count("failed_position")?),
            event_type: row.text("failed_type")?,
            reason: row.text("failed_reason")?,
        }),
    };
    let version = row.count("version")?;
    Ok(Checkpoint {
        name: row.text("name")?,
        version: u32::try_from(version)
            .map_err(|_| SqlError::Column { column: "version".to_owned(), what: format!("is too great: {version}") })?,
        generation: row.count("generation")?,
        purpose: Purpose::parse(&row.text("purpose")?)?,
        position: Position(row.count("position")?),
        record: row.text("record")?,
        stopped_by,
    })
}

pub(crate) async fn find(tx: &mut Transaction, id: GenerationId) -> Result<Option<Checkpoint>, SqlError> {
    let sql = format!("SELECT {COLUMNS} FROM read_checkpoints_v1 WHERE name = $1 AND version = $2 AND generation = $3");
    tx.fetch_optional(&sql, &id.args()).await?.as_ref().map(from_row).transpose()
}

pub(crate) async fn create(
    tx: &mut Transaction,
    id: GenerationId,
    purpose: Purpose,
    record: &str,
) -> Result<(), SqlError> {
    let [name, version, generation] = id.args();
    tx.execute(
        "INSERT INTO read_checkpoints_v1 (name, version, generation, purpose, position, record) \
         VALUES ($1, $2, $3, $4, 0, $5)",
        &[name, version, generation, purpose.as_str().into(), record.into()],
    )
    .await
    .map(drop)
}

/// Moves the checkpoint from exactly `from` to `to`; `false` when it is not at `from` of this record.
pub(crate) async fn compare_and_set(
    tx: &mut Transaction,
    id: GenerationId,
    record: &str,
    from: Position,
    to: Position,
) -> Result<bool, SqlError> {
    let [name, version, generation] = id.args();
    let moved = tx
        .execute(
            "UPDATE read_checkpoints_v1 \
             SET position = $1, failed_position = NULL, failed_type = NULL, failed_reason = NULL \
             WHERE name = $2 AND version = $3 AND generation = $4 AND position = $5 AND record = $6 \
             AND purpose <> 'retired'",
            &[to.0.into(), name, version, generation, from.0.into(), record.into()],
        )
        .await?;
    Ok(moved == 1)
}

/// Moves the checkpoints of several generations at once; `false` when any of them is not at `from`, and then the
/// transaction must be given up.
pub(crate) async fn compare_and_set_all(
    tx: &mut Transaction,
    ids: &[GenerationId],
    record: &str,
    from: Position,
    to: Position,
) -> Result<bool, SqlError> {
    let mut query = Query::new("UPDATE read_checkpoints_v1 SET ");
    query.bind("position = ", to.0).push(", failed_position = NULL, failed_type = NULL, failed_reason = NULL");
    query.bind(" WHERE position = ", from.0).bind(" AND record = ", record).push(" AND purpose <> 'retired'");
    for (nth, id) in ids.iter().enumerate() {
        let [name, version, generation] = id.args();
        query.bind(if nth == 0 { " AND ((name = " } else { " OR (name = " }, name);
        query.bind(" AND version = ", version).bind(" AND generation = ", generation).push(")");
    }
    query.push(")");
    let moved = tx.execute(query.sql(), query.args()).await?;
    Ok(usize::try_from(moved) == Ok(ids.len()))
}

/// Keeps what stopped a generation, for whoever asks; the next success clears it.
pub(crate) async fn store_poison(tx: &mut Transaction, id: GenerationId, poison: &Poison) -> Result<(), SqlError> {
    let [name, version, generation] = id.args();
    tx.execute(
        "UPDATE read_checkpoints_v1 SET failed_position = $1, failed_type = $2, failed_reason = $3 \
         WHERE name = $4 AND version = $5 AND generation = $6",
        &[
            poison.position.0.into(),
            poison.event_type.as_str().into(),
            poison.reason.as_str().into(),
            name,
            version,
            generation,
        ],
    )
    .await
    .map(drop)
}

/// Marks a generation as replaced, provided that it is not ahead of `not_beyond`; `false` when it is.
pub(crate) async fn retire(tx: &mut Transaction, id: GenerationId, not_beyond: Position) -> Result<bool, SqlError> {
    let [name, version, generation] = id.args();
    let retired = tx
        .execute(
            "UPDATE read_checkpoints_v1 SET purpose = 'retired' \
             WHERE name = $1 AND version = $2 AND generation = $3 AND position <= $4 AND purpose = 'live'",
            &[name, version, generation, not_beyond.0.into()],
        )
        .await?;
    Ok(retired == 1)
}

/// Marks a generation that a rebuild or a verification fills as given up; `false` when it is none, or none any more.
pub(crate) async fn give_up(tx: &mut Transaction, id: GenerationId) -> Result<bool, SqlError> {
    let given_up = tx
        .execute(
            "UPDATE read_checkpoints_v1 SET purpose = 'retired' \
             WHERE name = $1 AND version = $2 AND generation = $3 AND purpose IN ('rebuild', 'verify')",
            &id.args(),
        )
        .await?;
    Ok(given_up == 1)
}

/// Marks a generation as one that nothing reads, whatever it was for.
pub(crate) async fn put_away(tx: &mut Transaction, id: GenerationId) -> Result<(), SqlError> {
    tx.execute(
        "UPDATE read_checkpoints_v1 SET purpose = 'retired' WHERE name = $1 AND version = $2 AND generation = $3",
        &id.args(),
    )
    .await
    .map(drop)
}

/// Makes a generation that a rebuild filled the one that queries read; `false` when it is none, and then the transaction
/// must be given up.
pub(crate) async fn activate(tx: &mut Transaction, id: GenerationId) -> Result<bool, SqlError> {
    let activated = tx
        .execute(
            "UPDATE read_checkpoints_v1 SET purpose = 'live' \
             WHERE name = $1 AND version = $2 AND generation = $3 AND purpose = 'rebuild'",
            &id.args(),
        )
        .await?;
    if activated != 1 {
        return Ok(false);
    }
    point_to(tx, id).await?;
    Ok(true)
}

/// Names a live generation where whoever looks at the tables by hand finds it.
pub(crate) async fn point_to(tx: &mut Transaction, id: GenerationId) -> Result<(), SqlError> {
    tx.execute(
        "INSERT INTO read_active_v1 (name, version, generation) VALUES ($1, $2, $3) \
         ON CONFLICT (name, version) DO UPDATE SET generation = excluded.generation",
        &id.args(),
    )
    .await
    .map(drop)
}

pub(crate) async fn remove(tx: &mut Transaction, id: GenerationId) -> Result<(), SqlError> {
    tx.execute("DELETE FROM read_checkpoints_v1 WHERE name = $1 AND version = $2 AND generation = $3", &id.args())
        .await
        .map(drop)
}

/// The next unused generation number of a model.
pub(crate) async fn next_generation(tx: &mut Transaction, name: &'static str, version: u32) -> Result<u64, SqlError> {
    let row = tx
        .fetch_optional(
            "SELECT COALESCE(MAX(generation) + 1, 0) AS next FROM read_checkpoints_v1 WHERE name = $1 AND version = $2",
            &[name.into(), i64::from(version).into()],
        )
        .await?;
    row.map_or(Ok(0), |row| row.count("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They stand in databases, and in what `muniment projections list` prints.
    #[test]
    fn purposes_have_the_names_that_are_stored() {
        for (purpose, name) in [
            (Purpose::Live, "live"),
            (Purpose::Rebuild, "rebuild"),
            (Purpose::Verify, "verify"),
            (Purpose::Retired, "retired"),
        ] {
            assert_eq!(purpose.as_str(), name);
            assert_eq!(Purpose::parse(name).ok(), Some(purpose));
        }
    }
}
