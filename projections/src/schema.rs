//! Where the scripts are that create tables: a folder an engine, a file a model (`migrations/<engine>/read_models/`).

/// The script of this name for an engine. It is a macro because a file is taken into the program while that is built.
macro_rules! schema_of {
    ($engine:expr, $file:literal) => {
        match $engine {
            muniment_sql::Engine::Sqlite => {
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite/read_models/", $file))
            }
            muniment_sql::Engine::Postgres => {
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/postgres/read_models/", $file))
            }
        }
    };
}
