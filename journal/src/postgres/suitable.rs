//! What a PostgreSQL must be like to keep a record: told at the start, with what to change, instead of by what goes wrong
//! later.

use std::time::Duration;

use muniment_sql::SqlError;
use muniment_sql::postgres::{ANSWER_MAX, within};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};

use crate::open::OpenError;

/// How long it may take to connect.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// As `server_version_num` has it. Version 15 is the oldest that the tests are run on.
const OLDEST_VERSION: u32 = 150_000;

/// Refuses a server that is too old, a database whose texts cannot hold every character, and a way to it on which a connection is no session.
pub(super) async fn check(options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut one = within(CONNECT_MAX, options.connect()).await.map_err(SqlError::from)?;
    let mut other = within(CONNECT_MAX, options.connect()).await.map_err(SqlError::from)?;
    check_version(&mut one).await?;
    let encoding: String = told(&mut one, "SELECT current_setting('server_encoding')").await?;
    // SQL_ASCII takes whatever bytes come.
    if !matches!(encoding.as_str(), "UTF8" | "SQL_ASCII") {
        return Err(OpenError::Unsuitable(format!(
            "the database's encoding is {encoding}, which does not have every character; create it with ENCODING 'UTF8'"
        )));
    }
    // Two connections that are open at once have a backend each, unless a pooler hands both the one that is free.
    let (first, second) = (backend(&mut one).await?, backend(&mut other).await?);
    if first == second || backend(&mut one).await? != first {
        return Err(OpenError::Unsuitable(
            "the way to PostgreSQL is a pooler that gives each transaction another session, and with it settings, \
             locks and notifications of somebody else; set its pool_mode to session, or connect to the server itself"
                .to_owned(),
        ));
    }
    for connection in [one, other] {
        within(ANSWER_MAX, connection.close()).await.map_err(SqlError::from)?;
    }
    Ok(())
}

async fn check_version(connection: &mut PgConnection) -> Result<(), OpenError> {
    let number = told(connection, "SELECT current_setting('server_version_num')").await?;
    if number.parse::<u32>().is_ok_and(|number| number < OLDEST_VERSION) {
        let version = told(connection, "SELECT current_setting('server_version')").await?;
        return Err(OpenError::Unsuitable(format!("the server is PostgreSQL {version}; 15 or later is needed")));
    }
    Ok(())
}

/// Refuses a server that acknowledges what a power cut takes away.
pub(super) async fn check_durable(options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = within(CONNECT_MAX, options.connect()).await.map_err(SqlError::from)?;
    for (setting, wrong) in [("fsync", "off"), ("full_page_writes", "off")] {
        let value = told(&mut connection, &format!("SELECT current_setting('{setting}')")).await?;
        if value == wrong {
            return Err(OpenError::Unsafe(format!("PostgreSQL runs with {setting} = {wrong}; set it to on")));
        }
    }
    within(ANSWER_MAX, connection.close()).await.map_err(SqlError::from)?;
    Ok(())
}

/// The process of the server that answers.
async fn backend(connection: &mut PgConnection) -> Result<String, OpenError> {
    told(connection, "SELECT pg_backend_pid()::text").await
}

/// One text, asked for without a prepared statement: a pooler may prepare it in one session and run it in another.
async fn told(connection: &mut PgConnection, sql: &str) -> Result<String, OpenError> {
    let row = within(ANSWER_MAX, connection.fetch_one(sqlx::raw_sql(sql))).await.map_err(SqlError::from)?;
    Ok(row.try_get(0).map_err(SqlError::from)?)
}
