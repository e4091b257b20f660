//! Databases, and ways to one, that no record can be in: refused at the start.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use muniment_journal::{Journal, Obstacle, OpenError, Store};
use muniment_testkit::Cluster;

use crate::support::Home;

async fn refused(url: String) -> String {
    let mut home = Home::postgres();
    home.store = Store::Postgres { url };
    let mut said = Vec::new();
    for opened in [Journal::open(home.config()).await, Journal::open_read_only(home.config()).await] {
        let Err(error) = opened else { panic!("it opened") };
        assert!(matches!(error, OpenError::Unsuitable(_)), "{error}");
        said.push(error.to_string());
    }
    assert_eq!(said[0], said[1], "whoever only reads is told the same");
    said.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_lacks_characters_is_refused() {
    let cluster = Cluster::shared();
    let name = format!("latin_{}", std::process::id());
    cluster.psql("postgres", &format!("CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0"));
    let said = refused(cluster.url(&name)).await;
    assert!(said.contains("LATIN1") && said.contains("ENCODING 'UTF8'"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_shares_sessions_out_by_transaction_is_refused() {
    let said = refused(pooled(&Cluster::shared().fresh_database(), |_| {})).await;
    assert!(said.contains("pool_mode to session"), "{said}");
}

/// One that says of itself that it is of version 14, as nothing but its answers tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_too_old_is_refused() {
    let url = Cluster::shared().fresh_database();
    let number = Cluster::psql_at(&url, "SHOW server_version_num");
    let (number, version) = (number.trim().to_owned(), Cluster::psql_at(&url, "SHOW server_version").trim().to_owned());
    let age = move |answer: &mut Vec<u8>| {
        for own in [&number, &version] {
            let found = answer.windows(own.len()).position(|part| part == own.as_bytes());
            if let Some(at) = found {
                answer[at..at + 2].copy_from_slice(b"14");
            }
        }
    };
    let said = refused(pooled(&url, age)).await;
    assert!(said.contains("PostgreSQL 14") && said.contains("15 or later"), "{said}");
}

/// A table that a role has no right to is there all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_read_all_of_the_record_is_not_told_that_there_is_none() {
    let mut home = Home::postgres();
    home.open().await.shutdown().await;
    let Store::Postgres { url } = &home.store else { panic!("it is on PostgreSQL") };
    let (url, role) = (url.clone(), format!("auditor_{}", std::process::id()));
    let grants = format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
         REVOKE SELECT ON applied_migrations FROM {role}"
    );
    drop(Cluster::psql_at(&url, &grants));
    home.store = Store::Postgres { url: url.replace("muniment@", &format!("{role}@")) };
    let Err(error) = Journal::open_read_only(home.config()).await else { panic!("it opened") };
    assert_eq!(error.obstacle(), Some(Obstacle::NotPermitted), "{error}");
    drop(Cluster::psql_at(&url, &format!("GRANT SELECT ON applied_migrations TO {role}")));
    Journal::open_read_only(home.config()).await.unwrap().shutdown().await;
    drop(Cluster::psql_at(&url, &format!("DROP OWNED BY {role}; DROP ROLE {role}")));
}

/// It would acknowledge what a power cut takes away. What is recorded can be read all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_wait_for_its_disk_is_refused_for_writing() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let home = Home::on(&cluster);
    home.open().await.shutdown().await;
    for setting in ["fsync", "full_page_writes"] {
        set(&cluster, setting, "off");
        let Err(error) = Journal::open(home.config()).await else { panic!("it opened with {setting} off") };
        assert!(matches!(error, OpenError::Unsafe(_)), "{error}");
        assert!(error.to_string().contains(&format!("{setting} = off")), "{error}");
        Journal::open_read_only(home.config()).await.unwrap().shutdown().await;
        set(&cluster, setting, "on");
    }
    home.open().await.shutdown().await;
}

/// Changes a setting of the server and waits until those who come anew find it so.
fn set(cluster: &Cluster, setting: &str, value: &str) {
    cluster.psql("postgres", &format!("ALTER SYSTEM SET {setting} = '{value}'"));
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    let begun = Instant::now();
    while cluster.psql("postgres", &format!("SHOW {setting}")).trim() != value {
        assert!(begun.elapsed() < Duration::from_secs(60), "{setting} is not {value}");
    }
}

/// A way to a database by a pooler with one connection to the server, which serves whoever asks; answers are altered.
fn pooled(database: &str, alter: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> String {
    let (user, rest) = database.split_once("@127.0.0.1:").unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let server: u16 = server.parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (shared, alter) = (Arc::new(Mutex::new(None)), Arc::new(alter));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (shared, alter) = (Arc::clone(&shared), Arc::clone(&alter));
            // Ends with its client, by an error of reading.
            std::thread::spawn(move || drop(serve(client, server, &shared, &*alter)));
        }
    });
    format!("{user}@127.0.0.1:{port}/{name}")
}

fn serve(
    mut client: TcpStream,
    server: u16,
    shared: &Mutex<Option<TcpStream>>,
    alter: &impl Fn(&mut Vec<u8>),
) -> std::io::Result<()> {
    let mut startup = message(&mut client, 0)?;
    if startup.ends_with(&80_877_103_u32.to_be_bytes()) {
        client.write_all(b"N")?;
        startup = message(&mut client, 0)?;
    }
    let mut behind = TcpStream::connect(("127.0.0.1", server))?;
    behind.write_all(&startup)?;
    until_ready(&mut behind, &mut client, alter)?;
    shared.lock().unwrap().get_or_insert(behind);
    loop {
        let asked = message(&mut client, 1)?;
        if asked.starts_with(b"X") {
            return Ok(());
        }
        let mut place = shared.lock().unwrap();
        let behind = place.as_mut().unwrap();
        behind.write_all(&asked)?;
        // What is asked in several messages is answered at its end.
        if asked.starts_with(b"Q") || asked.starts_with(b"S") {
            until_ready(behind, &mut client, alter)?;
        }
    }
}

/// One message whole: `kind` bytes, four of length, the rest.
fn message(from: &mut TcpStream, kind: usize) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; kind + 4];
    from.read_exact(&mut message)?;
    let length = u32::from_be_bytes(message[kind..].try_into().unwrap());
    let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
    from.read_exact(&mut rest)?;
    message.extend(rest);
    Ok(message)
}

fn until_ready(behind: &mut TcpStream, client: &mut TcpStream, alter: &impl Fn(&mut Vec<u8>)) -> std::io::Result<()> {
    loop {
        let mut answer = message(behind, 1)?;
        alter(&mut answer);
        client.write_all(&answer)?;
        if answer.starts_with(b"Z") {
            return Ok(());
        }
    }
}
