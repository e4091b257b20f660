//! The same cursor over plain HTTP, and snapshots with a position (LIV-16, 17, 19).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::socket::{EventStream, Socket};
use super::{LEVEL, StopsWhenDropped, company_with_metric, listing, positions, store, write_points};
use crate::harness::{Engine, Server, eventually, pause, text, within};

/// Looks at each address while points come.
const LOOKS: usize = 40;
/// How many of them may show what came later than they say.
const NEWER_MAX: usize = 5;
const RAISED: &str = "metric.alert_raised";

fn liv_16_last_event_id_resumes_like_a_socket(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    write_points(&company, "revenue", 40);
    let all = listing(&company.agent, "start");
    let mut stream = EventStream::open(server, &company.token, "after=start", None).unwrap();
    let first = stream.events(20);
    drop(stream);
    let last = &first[19].id;
    assert_eq!(*last, format!("{}:{}", store(&company.agent), all[19]["p"].as_str().unwrap()));
    // The header wins over the address, which a browser repeats on every reconnect.
    let mut resumed = EventStream::open(server, &company.token, "after=start", Some(last)).unwrap();
    let rest: Vec<Value> = resumed.events(all.len() - 20).into_iter().filter_map(|told| told.data).collect();
    let mut socket = Socket::connect(server, &company.token);
    socket.subscribe(1, &json!({ "after": last }), 1024, &Value::Null);
    assert_eq!(rest, socket.until_live());
    assert_eq!(rest, all[20..]);
    company.point("revenue", &json!({ "value": LEVEL }));
    assert_eq!(resumed.events(1)[0].data.as_ref().unwrap()["data"]["value"], json!(1_000_000.0));

    let filter = "filter=%7B%22eq%22%3A%7B%22type%22%3A%22metric.defined%22%7D%7D";
    let mut filtered = EventStream::open(server, &company.token, &format!("after=start&{filter}"), None).unwrap();
    assert_eq!(filtered.events(1)[0].data.as_ref().unwrap()["type"], "metric.defined");
    // An empty header is none.
    let mut anew = EventStream::open(server, &company.token, "after=start", Some("")).unwrap();
    assert_eq!(anew.events(1)[0].id, first[0].id);
    // Nobody is put anywhere by an id that cannot be read, least of all at the head, past what he has missed.
    for broken in ["17", "nonsense", "\u{e9}", &format!("{last}\u{e9}")] {
        assert_eq!(EventStream::open(server, &company.token, "", Some(broken)).err(), Some(400), "{broken}");
    }
    let twice =
        format!("authorization: Bearer {}\r\nlast-event-id: {last}\r\nlast-event-id: {last}\r\n", company.token);
    assert_eq!(EventStream::open_by(server, &twice, "").err(), Some(400), "which one is meant?");
    assert_eq!(EventStream::open(server, "nonsense", "after=start", None).err(), Some(401));
    for pages_only in ["limit=5", "wait=5"] {
        assert_eq!(EventStream::open(server, &company.token, pages_only, None).err(), Some(400), "{pages_only}");
    }
    assert_eq!(EventStream::open(server, &company.token, "filter=%7B", None).err(), Some(400));
    assert_eq!(EventStream::open(server, &company.token, "token=x", None).err(), Some(400));
}

fn liv_17_a_long_poll_answers_at_once_or_waits(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    let at_once = || company.agent.get("/v1/events?after=start&limit=2&wait=20").expect(200);
    let page = within(Duration::from_secs(3), at_once);
    assert_eq!(page["events"].as_array().unwrap().len(), 2);

    let own = "filter=%7B%22prefix%22%3A%7B%22type%22%3A%22metric.point%22%7D%7D";
    let page = within(Duration::from_secs(3), || {
        let begun = Instant::now();
        let page = company.agent.get(&format!("/v1/events?after=head&wait=1&{own}")).expect(200);
        assert!(begun.elapsed() >= Duration::from_millis(950), "{:?}", begun.elapsed());
        page
    });
    assert_eq!(page["events"], json!([]));

    let next = page["next"].as_str().unwrap().to_owned();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| company.agent.get(&format!("/v1/events?after={next}&wait=20&{own}")).expect(200));
        pause(Duration::from_millis(200));
        let begun = Instant::now();
        company.point("revenue", &json!({ "value": 5 }));
        let page = waiting.join().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(19), "woken by the event");
        assert_eq!(page["events"][0]["data"]["value"], json!(5.0));
    });
    for query in ["wait=26", "limit=0", "limit=1001", "wait=x", "limit=-1", "limit=+1", "surprise=1", "limit=1&limit=2"]
    {
        let refused = company.agent.get(&format!("/v1/events?{query}"));
        refused.refused(400, "invalid_field");
        let (name, _) = query.split_once('=').unwrap();
        assert!(refused.json()["message"].as_str().unwrap().contains(&format!("`{name}`")), "{refused} names {name}");
    }
    company.agent.get("/v1/events?after=nonsense").refused(400, "invalid_cursor");
    // A parameter without a value is none, and who calls is looked at before what is asked for.
    let page = company.agent.get("/v1/events?after=&limit=&wait=&filter=").expect(200);
    assert_eq!(page["events"], company.agent.get("/v1/events?after=start").expect(200)["events"]);
    server.anonymous().get("/v1/events?limit=0&after=nonsense").refused(401, "missing_token");
    server.agent("nonsense").get("/v1/stream?filter=nonsense").refused(401, "invalid_token");
    let mut reached = String::from("start");
    let mut pieces = Vec::new();
    for _ in 0..100 {
        let page = company.agent.get(&format!("/v1/events?after={reached}&limit=2")).expect(200);
        pieces.extend(page["events"].as_array().unwrap().iter().cloned());
        page["next"].as_str().unwrap().clone_into(&mut reached);
        if page["upto"] == page["head"] {
            break;
        }
    }
    assert_eq!(pieces, listing(&company.agent, "start"));
}

fn liv_19_a_snapshot_and_a_subscription_from_it_leave_no_gap(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    let store = store(&company.agent);
    let done = AtomicBool::new(false);
    let (snapshot, position, seen) = std::thread::scope(|scope| {
        let writers = StopsWhenDropped(&done);
        scope.spawn(|| {
            let mut value = 0;
            while !done.load(Ordering::Relaxed) {
                company.point("revenue", &json!({ "value": LEVEL + value, "idempotency_key": format!("s-{value}") }));
                value += 1;
            }
        });
        pause(Duration::from_millis(300));
        let reply = company.agent.get("/v1/metrics/revenue/points?order=asc&limit=1000");
        let position = reply.position();
        let snapshot = reply.expect(200)["points"].as_array().unwrap().clone();
        pause(Duration::from_millis(200));
        let mut socket = Socket::connect(server, &company.token);
        let of_points = json!({ "eq": { "type": "metric.point_recorded" } });
        socket.subscribe(1, &json!({ "after": format!("{store}:{position}") }), 1024, &of_points);
        let seen = socket.until_live();
        drop(writers);
        (snapshot, position, seen)
    });
    assert!(
        !snapshot.is_empty() && !seen.is_empty(),
        "{} points, {} events behind {position}",
        snapshot.len(),
        seen.len()
    );
    let mut values: Vec<f64> = snapshot.iter().map(|point| point["value"].as_f64().unwrap()).collect();
    values.extend(seen.iter().map(|event| event["data"]["value"].as_f64().unwrap()));
    let expected: Vec<f64> =
        (0..values.len()).map(|value| 1_000_000.0 + f64::from(u32::try_from(value).unwrap())).collect();
    assert_eq!(values, expected, "each point once, in order");
}

/// A page is a list like any other: its position is where the next one begins, however far the record reaches.
fn liv_19_a_page_of_events_and_a_subscription_from_it_leave_no_gap(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    write_points(&company, "revenue", 20);
    let all = listing(&company.agent, "start");
    for query in ["after=start&limit=2", "after=start", "after=head"] {
        let reply = company.agent.get(&format!("/v1/events?{query}"));
        let page = reply.expect(200);
        assert_eq!(page["upto"], reply.position().to_string(), "{query}");
        let mut socket = Socket::connect(server, &company.token);
        socket.subscribe(
            1,
            &json!({ "after": format!("{}:{}", text(&page["store"]), reply.position()) }),
            1024,
            &Value::Null,
        );
        let rest = all.iter().filter(|event| positions(&[(*event).clone()])[0] > reply.position());
        assert_eq!(socket.until_live(), rest.cloned().collect::<Vec<_>>(), "{query}");
    }
}

/// Every field by which events are told apart, with the value that an event has, against the same listing sorted out by hand. A
/// founder reads events of his company and of his account.
fn liv_16_every_field_of_a_filter_narrows_alike_on_all_three(engine: Engine) {
    let server = Server::shared(engine);
    let (founder, company) = company_with_metric(server, "revenue");
    company.metric("users");
    write_points(&company, "revenue", 3);
    company.point("users", &json!({ "value": LEVEL }));
    let all = listing(&founder.client, "start");
    let of = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    let newest = all.last().unwrap();
    let users = of(newest, "agg");
    let (_, metric) = users.split_once('/').unwrap();
    let account = founder.client.get("/v1/auth/session").expect(200)["account_id"].clone();
    let begins = |event: &Value, kinds: [&str; 2]| kinds.iter().any(|kind| of(event, "agg").starts_with(kind));
    let is_users = |event: &Value| of(event, "agg") == users;
    type Meant<'a> = &'a dyn Fn(&Value) -> bool;
    let cases: [(Value, Meant<'_>); 10] = [
        (json!({ "eq": { "type": "metric.defined" } }), &|event| event["type"] == "metric.defined"),
        (json!({ "eq": { "aggregate": "metric" } }), &|event| begins(event, ["metric/"; 2])),
        (json!({ "eq": { "aggregate": users } }), &is_users),
        (json!({ "eq": { "metric": "users" } }), &is_users),
        (json!({ "eq": { "metric": metric } }), &is_users),
        (json!({ "eq": { "company": company.id } }), &|event| begins(event, ["metric/", "application/"])),
        (json!({ "eq": { "account": account } }), &|event| begins(event, ["account/", "session/"])),
        (json!({ "eq": { "correlation": newest["corr"] } }), &|event| event["corr"] == newest["corr"]),
        (json!({ "in": { "aggregate": [users, "session", "nothing"] } }), &|event| {
            is_users(event) || begins(event, ["session/"; 2])
        }),
        (
            json!({ "all": [{ "gt": { "type": "application.submitted" } }, { "lt": { "type": "metric.point_recorded" } }] }),
            &|event| {
                let event_type = of(event, "type");
                event_type.as_str() > "application.submitted" && event_type.as_str() < "metric.point_recorded"
            },
        ),
    ];
    for (filter, is_meant) in cases {
        let meant: Vec<Value> = all.iter().filter(|event| is_meant(event)).cloned().collect();
        assert!(!meant.is_empty() && meant.len() < all.len(), "{filter} tells nothing: {all:?}");
        let encoded: String = filter.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        let query = format!("after=start&filter={encoded}");
        let page = founder.client.get(&format!("/v1/events?{query}&limit=1000")).expect(200);
        assert_eq!(page["events"], json!(meant), "{filter}");
        let told = EventStream::open(server, &founder.token, &query, None).unwrap().events(meant.len());
        assert_eq!(told.into_iter().filter_map(|told| told.data).collect::<Vec<_>>(), meant, "{filter}");
        let mut socket = Socket::connect(server, &founder.token);
        assert_eq!(socket.subscribe(1, &json!("start"), 1024, &filter)["t"], "subok", "{filter}");
        assert_eq!(socket.until_live(), meant, "{filter}");
    }
}

/// One look at something while points come: where the answer says it is, and what it shows of them.
struct Look {
    path: &'static str,
    position: u64,
    shown: f64,
}

/// What a look must show by the record alone: the value of the newest point up to its position, or how many alerts were raised.
fn recorded(events: &[Value], look: &Look) -> f64 {
    let counts = look.path.starts_with("/v1/alerts");
    let kind = if counts { RAISED } else { "metric.point_recorded" };
    let upto = |event: &&Value| event["p"].as_str().unwrap().parse::<u64>().unwrap() <= look.position;
    let mut of_kind = events.iter().filter(|event| event["type"] == kind).filter(upto);
    if counts {
        of_kind.fold(0.0, |count, _| count + 1.0)
    } else {
        of_kind.next_back().unwrap()["data"]["value"].as_f64().unwrap()
    }
}

/// Looks at everything while points come, and tells what showed more than it said. Less is a gap.
fn newer_than_they_say(server: &Server) -> Vec<String> {
    let (founder, company) = company_with_metric(server, "revenue");
    company.point("revenue", &json!({ "value": LEVEL }));
    let above = json!({ "type": "above", "threshold": 0, "cool_down_points": 0 });
    company.agent.post("/v1/metrics/revenue/rules", &above).expect(200);
    let id = founder.client.get("/v1/applications").expect(200)["applications"][0]["id"].as_str().unwrap().to_owned();
    let done = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        let writers = StopsWhenDropped(&done);
        // One writer: what came last is then what is newest.
        scope.spawn(|| {
            let mut value = 1;
            while !done.load(Ordering::Relaxed) {
                company
                    .point("revenue", &json!({ "value": LEVEL + value, "idempotency_key": format!("look-{value}") }));
                value += 1;
            }
        });
        let mut looks = Vec::new();
        for _ in 0..LOOKS {
            for path in ["/v1/status", "/v1/metrics", "/v1/metrics/revenue", "/v1/alerts?limit=200", "/v1/applications"]
            {
                let reply = match path {
                    "/v1/applications" => founder.client.get(&format!("{path}/{id}")),
                    _ => company.agent.get(path),
                };
                let (body, position) = (reply.expect(200), reply.position());
                let shown = match path {
                    "/v1/metrics/revenue" => body["latest_value"].as_f64(),
                    "/v1/alerts?limit=200" => match body["alerts"].as_array().unwrap().len() {
                        // A full page tells of the newest only.
                        200 => continue,
                        alerts => u32::try_from(alerts).ok().map(f64::from),
                    },
                    _ => body["metrics"][0]["latest_value"].as_f64(),
                };
                looks.push(Look { path, position, shown: shown.unwrap() });
            }
        }
        drop(writers);
        looks
    });
    let events = listing(&company.agent, "start");
    assert!(events.iter().any(|event| event["type"] == RAISED), "nothing was raised");
    let mut newer = Vec::new();
    for look in &looks {
        let expected = recorded(&events, look);
        assert!(look.shown >= expected, "{} at {}: {} and not {expected}", look.path, look.position, look.shown);
        if look.shown > expected {
            newer.push(format!("{} at {}: {} and not {expected}", look.path, look.position, look.shown));
        }
    }
    newer
}

fn liv_19_what_is_shown_is_all_up_to_its_position_and_nothing_later(engine: Engine) {
    let server = Server::shared(engine);
    // On a machine that stands still, pages may follow each other faster than one can be read; not in every round.
    eventually("nothing newer is shown", || {
        let newer = newer_than_they_say(server);
        assert!(newer.len() <= NEWER_MAX, "{newer:?}");
        newer.is_empty().then_some(())
    });
}

/// As everywhere else: a position that a command answered with is in what is read after it, or nothing is read.
fn liv_17_muniment_after_is_waited_for(engine: Engine) {
    let server = Server::shared(engine);
    let (_, company) = company_with_metric(server, "revenue");
    let written = company.agent.post("/v1/metrics/revenue/points", &json!({ "value": LEVEL }));
    let position = written.header("muniment-position");
    let seen = |after: &str| company.agent.header("muniment-after", after);
    let page = seen(position).get("/v1/events?after=start").expect(200);
    assert_eq!(page["events"].as_array().unwrap().last().unwrap()["p"], position);
    for path in ["/v1/events", "/v1/stream"] {
        for broken in ["", "x", "-1", &format!("{}:{position}", store(&company.agent))] {
            seen(broken).get(path).refused(400, "invalid_field");
        }
        for beyond in ["999999999", "18446744073709551615"] {
            let later = seen(beyond).get(path);
            later.refused(503, "service_unavailable");
            assert!(later.header("retry-after").parse::<u64>().unwrap() > 0);
        }
    }
}

both_engines![
    liv_16_every_field_of_a_filter_narrows_alike_on_all_three,
    liv_16_last_event_id_resumes_like_a_socket,
    liv_17_a_long_poll_answers_at_once_or_waits,
    liv_17_muniment_after_is_waited_for,
    liv_19_a_page_of_events_and_a_subscription_from_it_leave_no_gap,
    liv_19_a_snapshot_and_a_subscription_from_it_leave_no_gap,
    liv_19_what_is_shown_is_all_up_to_its_position_and_nothing_later,
];
