//! The main job on real series: a founder signs in, applies, creates metrics and imports the files through the command
//! line; every value, every duplicate, every alert and the order of all events is compared with the files.

#[path = "../../examples/watch/client.rs"]
mod watching;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::harness::{Client, Engine, Program, Server, eventually, runtime, unique};

/// One metric's rows, in the order of time: day, and the value when there is one.
type Series = Vec<(String, Option<f64>)>;

/// One metric to import: its key, its file as the owner has it, the flags that read it, and what it must become.
struct Import {
    key: String,
    csv: String,
    flags: Vec<String>,
    rows: Series,
}

/// Where the files are: what `MUNIMENT_SHARED` names, else a copy in the repository.
fn folder() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join("data");
    std::env::var_os("MUNIMENT_SHARED").map_or(own, |shared| PathBuf::from(shared).join("data"))
}

/// A file as rows of fields; none of ours quotes a field that holds a comma.
fn read(name: &str) -> (String, Vec<Vec<String>>) {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    (text, rows)
}

fn number(text: &str) -> Option<f64> {
    (!text.trim().is_empty()).then(|| text.parse().unwrap())
}

fn flags(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]).collect()
}

fn co2() -> Vec<Import> {
    let (csv, rows) = read("co2_weekly.csv");
    let day = |text: &str| format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..8]);
    let rows = rows[1..].iter().map(|row| (day(&row[0]), number(&row[1]))).collect();
    let columns = [("--timestamp-column", "date"), ("--value-column", "co2"), ("--timestamp-format", "%Y%m%d")];
    vec![Import { key: "co2_weekly".to_owned(), csv, flags: flags(&columns), rows }]
}

fn stocks() -> Vec<Import> {
    let (text, rows) = read("stocks_monthly.csv");
    let header = text.lines().next().unwrap();
    let mut by_symbol: BTreeMap<String, Import> = BTreeMap::new();
    for (line, row) in text.lines().zip(&rows).skip(1) {
        let import = by_symbol.entry(row[0].clone()).or_insert_with(|| Import {
            key: format!("stock_{}", row[0].to_lowercase()),
            csv: format!("{header}\n"),
            flags: flags(&[
                ("--timestamp-column", "date"),
                ("--value-column", "price"),
                ("--timestamp-format", "%b %d %Y"),
            ]),
            rows: Vec::new(),
        });
        import.csv.push_str(line);
        import.csv.push('\n');
        let day = chrono::NaiveDate::parse_from_str(&row[1], "%b %d %Y").unwrap();
        import.rows.push((day.to_string(), number(&row[2])));
    }
    by_symbol.into_values().collect()
}

/// A wide file: one metric a numeric column.
fn wide(name: &str, prefix: &str, time: &str, columns: &[&str]) -> Vec<Import> {
    let (csv, rows) = read(name);
    let header = &rows[0];
    let at = |column: &str| header.iter().position(|name| name == column).unwrap();
    let wanted: Vec<&str> =
        if columns.is_empty() { header[1..].iter().map(String::as_str).collect() } else { columns.to_vec() };
    wanted
        .iter()
        .map(|column| Import {
            key: format!("{prefix}_{column}"),
            csv: csv.clone(),
            flags: flags(&[("--timestamp-column", time), ("--value-column", column)]),
            rows: rows[1..].iter().map(|row| (row[at(time)].clone(), number(&row[at(column)]))).collect(),
        })
        .collect()
}

/// Years for times, quoted names of columns, and years without a single spot.
fn sunspots() -> Vec<Import> {
    let (csv, rows) = read("sunspots_yearly.csv");
    let rows = rows[1..].iter().map(|row| (row[0].clone(), number(&row[1]))).collect();
    let columns = [("--timestamp-column", "YEAR"), ("--value-column", "SUNACTIVITY")];
    vec![Import { key: "sunspots".to_owned(), csv, flags: flags(&columns), rows }]
}

fn imports() -> Vec<Import> {
    let mut all = co2();
    all.extend(sunspots());
    all.extend(stocks());
    all.extend(wide("us_employment_monthly.csv", "us", "month", &[]));
    let weather = ["precipitation", "temp_max", "temp_min", "wind"];
    all.extend(wide("seattle_weather_daily.csv", "seattle", "date", &weather));
    all
}

/// The block of shell in README.md that begins like this.
fn readme_block(begins: &str) -> String {
    let readme = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks
        .find(|block| block.starts_with(begins))
        .unwrap_or_else(|| panic!("no block in README.md begins with {begins}"))
}

/// What a reader of README.md copies into a shell does what it says.
fn the_readme_imports_every_file(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = Program::client_of(&server);
    founder.run(&["login", "--email", "founder@example.com", "--code", &server.code_for("founder@example.com")]).ok();
    let first = readme_block("cargo build");
    let from = first.find("muniment apply").unwrap();
    let script = format!("{}\n{}", &first[from..], readme_block("for symbol"));
    let said = founder.shell(&script);
    assert!(said.contains("2225 recorded, 0 duplicates, 59 skipped"), "{said}");
    assert!(said.contains("0 recorded, 2225 duplicates, 59 skipped"), "{said}");
    let listed = founder.run(&["metric", "list", "--json"]).json();
    assert_eq!(listed["metrics"].as_array().unwrap().len(), 1 + 5 + 23 + 4 + 1);
    let imported =
        said.lines().filter(|line| line.contains(" recorded, 0 duplicates, ") && line.ends_with(" 0 refused"));
    assert_eq!(imported.count(), 1 + 5 + 23 + 4 + 1, "{said}");
}

/// The days on which §7.2 fires, worked out here from the file alone.
fn spikes(rows: &Series) -> Vec<String> {
    let mut found = Vec::new();
    let mut previous: Option<f64> = None;
    for (day, value) in rows {
        let Some(value) = *value else { continue };
        if let Some(before) = previous
            && before > 0.0
            && (value - before) / before >= 0.5
        {
            found.push(day.clone());
        }
        previous = Some(value);
    }
    found
}

fn all_pages(client: &Client, path: &str, list: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("{path}{cursor}")).expect(200);
        items.extend(page[list].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn the_real_series_come_back_value_for_value(engine: Engine) {
    let server = Server::with(engine, &[]);
    let founder = Program::client_of(&server);
    let email = format!("{}@example.com", unique("keeper"));
    let code = server.code_for(&email);
    founder.run(&["login", "--email", &email, "--code", &code]).ok();
    let apply = founder.run(&[
        "apply",
        "--founder-email",
        &email,
        "--company",
        "Observatory",
        "--website",
        "",
        "--founder-name",
        "Ana Keeper",
        "--one-liner",
        "We measure",
        "--metric-key",
        "readings",
        "--metric-unit",
        "count",
    ]);
    apply.ok();
    let token_at = apply.stdout.find("alif_live_").unwrap_or_else(|| panic!("no token in:\n{}", apply.stdout));
    let token: String = apply.stdout[token_at..].chars().take_while(|c| crate::harness::base64url(*c)).collect();
    let watcher = server.agent(&token);
    let watched = watch_from_the_start(&server, &token);

    let imports = imports();
    assert_eq!(imports.len(), 1 + 5 + 23 + 4 + 1, "the files have changed");
    for import in &imports {
        founder.run(&["metric", "create", &import.key, "--cadence", "monthly"]).ok();
        assert_eq!(report(&founder, import), outcome(import, true), "{}: first import", import.key);
    }
    for import in &imports {
        assert_eq!(report(&founder, import), outcome(import, false), "{}: second import", import.key);
    }

    let mut recorded = 0;
    let mut days = BTreeMap::new();
    for import in &imports {
        let points = all_pages(&watcher, &format!("/v1/metrics/{}/points?order=asc&limit=1000", import.key), "points");
        let stored: Series = points.iter().map(|point| (day_of(point), point["value"].as_f64())).collect();
        let expected: Series = import.rows.iter().filter(|(_, value)| value.is_some()).cloned().collect();
        assert_eq!(stored, expected, "{}", import.key);
        recorded += stored.len();
        days.extend(points.iter().map(|point| (point["id"].as_str().unwrap().to_owned(), day_of(point))));
    }

    let expected: BTreeMap<&str, Vec<String>> = imports
        .iter()
        .map(|import| (import.key.as_str(), spikes(&import.rows)))
        .filter(|(_, days)| !days.is_empty())
        .collect();
    let count: usize = expected.values().map(Vec::len).sum();
    let listed = || all_pages(&watcher, "/v1/alerts?limit=200", "alerts");
    eventually("all alerts", || (listed().len() >= count).then_some(()));
    // One too many would come after them.
    eventually("alerts are evaluated", || {
        (server.figure("muniment_alert_evaluator_lag_events") == Some(0.0)).then_some(())
    });
    let alerts = listed();
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for alert in alerts.iter().filter(|alert| alert["alert_type"] == "growth_spike") {
        let day = days[alert["point_id"].as_str().unwrap()].clone();
        found.entry(alert["metric_key"].as_str().unwrap()).or_default().push(day);
    }
    found.values_mut().for_each(|days| days.sort());
    assert_eq!(found, expected);

    let events = events_from_the_start(&watcher);
    // What the second client was pushed while all of this went on is the record, every event in order and once.
    let last = events.last().unwrap();
    let pushed = eventually("the second client has the last event", || {
        let seen = watched.seen.lock().unwrap();
        seen.contains(last).then(|| seen.clone())
    });
    assert_eq!(pushed[..events.len()], events);
    let of_type = |name: &str| events.iter().filter(|event| event["type"] == name).count();
    assert_eq!(of_type("metric.point_recorded"), recorded);
    assert_eq!(of_type("metric.defined"), imports.len() + 1);
    assert_eq!(of_type("metric.alert_raised"), alerts.len());
    crate::alerts_record::assert_own_causes(&events);
    println!("{engine:?}: {} metrics, {recorded} points, {count} alerts, {} events", imports.len(), events.len());
    Program::operator_of(&server).run(&["audit", "verify"]).ok();
}

/// The second client, of which README.md tells.
struct Watched {
    /// The events it was told so far.
    seen: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn watch_from_the_start(server: &Server, token: &str) -> Watched {
    let seen = Arc::new(Mutex::new(Vec::new()));
    // As it is copied from a browser's line.
    let (told, base, token) = (Arc::clone(&seen), format!("{}/", server.base), token.to_owned());
    let task = runtime().spawn(async move {
        let ended = watching::watch(&base, &token, |event| told.lock().unwrap().push(event.clone())).await;
        panic!("the second client ended: {ended:?}");
    });
    Watched { seen, task }
}

/// What never can be is told at once, not tried again and again.
#[test]
fn the_second_client_ends_at_an_address_that_it_can_never_watch() {
    let base = &Server::shared(Engine::Sqlite).base;
    for (address, why) in [
        (base.replacen("http", "https", 1), "TLS support not compiled in"),
        (base.replacen("http", "ftp", 1), "scheme not supported"),
        (format!("{base}/nowhere"), "404"),
        (format!("{base}/docs?"), "200"),
    ] {
        let watched = watching::watch(&address, "a token", |_| {});
        let ended = runtime().block_on(async { tokio::time::timeout(Duration::from_secs(60), watched).await });
        let error = ended.unwrap_or_else(|_| panic!("{address} is tried again and again")).unwrap_err();
        assert!(format!("{error:#}").contains(why), "{address}: {error:#}");
    }
}

/// A server in trouble says so in an `err` of the whole connection; whether to come back is told by the code that it closes with.
#[test]
fn the_second_client_comes_back_after_a_trouble_of_the_server() {
    let welcome = json!({ "t": "welcome", "conn": "1", "store": "s", "head": "1", "hb_ms": 25_000 });
    let batch = json!({ "t": "batch", "id": 1, "upto": "1", "ev": [{ "p": "1" }] });
    let trouble = json!({ "t": "err", "code": "rate_limited", "msg": "the read models are behind", "head": "1" });
    let expired = json!({ "t": "err", "code": "token_expired", "msg": "it has expired", "head": "1" });
    let connections =
        [(vec![trouble.clone()], 4001), (vec![trouble], 4008), (vec![welcome, batch], 4000), (vec![expired], 4005)];
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            for (frames, code) in connections {
                let (stream, _) = listener.accept().await.unwrap();
                serve_live(stream, &frames, code).await;
            }
        });
        let mut seen = Vec::new();
        let watched = watching::watch(&address, "a token", |event| seen.push(event.clone()));
        let ended = tokio::time::timeout(Duration::from_secs(60), watched).await.expect("another token is needed");
        assert!(ended.unwrap_err().to_string().contains("4005"));
        assert_eq!(seen, [json!({ "p": "1" })]);
        served.await.unwrap();
    });
}

/// One connection of a stand-in for the server: what it says after `hello`, and the code it closes with.
#[expect(clippy::result_large_err, reason = "the library's own answer to a handshake")]
async fn serve_live(stream: tokio::net::TcpStream, frames: &[Value], code: u16) {
    let with_protocol = |_: &Request, mut response: Response| {
        response.headers_mut().insert("sec-websocket-protocol", "muniment.live.v1".parse().unwrap());
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, with_protocol).await.unwrap();
    socket.next().await.unwrap().unwrap();
    for frame in frames {
        socket.send(Message::text(frame.to_string())).await.unwrap();
    }
    socket.close(Some(CloseFrame { code: code.into(), reason: "".into() })).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

fn day_of(point: &Value) -> String {
    point["timestamp"].as_str().unwrap().chars().take(10).collect()
}

/// What `metric import` says: recorded, duplicates, skipped.
fn report(founder: &Program, import: &Import) -> (u64, u64, u64) {
    let file = founder.path(&format!("{}.csv", import.key));
    fs::write(&file, &import.csv).unwrap();
    let file = file.display().to_string();
    let mut arguments = vec!["metric", "import", &import.key, "--file", &file, "--format", "csv", "--output", "json"];
    arguments.extend(import.flags.iter().map(String::as_str));
    let said = founder.run(&arguments).json();
    assert_eq!(said["refused"], serde_json::json!([]), "{}", import.key);
    let count = |name: &str| said[name].as_u64().unwrap_or_else(|| panic!("{name} in {said}"));
    (count("recorded"), count("duplicates"), count("skipped"))
}

fn outcome(import: &Import, first: bool) -> (u64, u64, u64) {
    let values = u64::try_from(import.rows.iter().filter(|(_, value)| value.is_some()).count()).unwrap();
    let skipped = u64::try_from(import.rows.len()).unwrap() - values;
    if first { (values, 0, skipped) } else { (0, values, skipped) }
}

/// Every event that the caller may see, through the long-poll; their order is asserted.
pub(crate) fn events_from_the_start(client: &Client) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    let mut after = "start".to_owned();
    let mut last = 0_u64;
    loop {
        let page = client.get(&format!("/v1/events?after={after}&limit=1000&wait=0")).expect(200);
        for event in page["events"].as_array().unwrap() {
            let position: u64 = event["p"].as_str().unwrap().parse().unwrap();
            assert!(position > last, "position {position} after {last}");
            last = position;
            events.push(event.clone());
        }
        let next = page["next"].as_str().unwrap();
        if page["upto"] == page["head"] || next == after {
            return events;
        }
        next.clone_into(&mut after);
    }
}

both_engines![the_real_series_come_back_value_for_value, the_readme_imports_every_file];
