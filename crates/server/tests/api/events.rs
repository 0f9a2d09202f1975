//! The log of all changes: by pages, by waiting, and as a stream.

mod told;

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::app::{API, TestApp};
use crate::client::Client;
use crate::database::Kind;
use crate::waiting::until;

on_both_databases! {
    a_reader_follows_every_change_once,
    a_page_is_what_its_parameters_say,
    a_request_waits_for_the_first_event,
    a_stream_goes_on_and_is_resumed,
    a_stream_ends_for_whoever_may_read_no_more,
    streams_that_read_together_get_what_they_ask_for,
    streams_end_when_the_service_stops,
    events_get_their_place_without_a_reader,
    what_is_no_parameter_is_refused,
}

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// All events after `after`, read by pages of `limit`.
async fn follow(admin: &Client<'_>, mut after: u64, limit: usize) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let page = admin.get(&format!("/events?after={after}&limit={limit}")).await;
        let items = page["items"].as_array().unwrap().clone();
        let next = number(&page["next"]);
        if items.is_empty() {
            assert_eq!((next, number(&page["last"])), (after, after));
            return events;
        }
        assert_eq!(next, number(&items.last().unwrap()["sequence"]));
        after = next;
        events.extend(items);
    }
}

fn number(text: &Value) -> u64 {
    text.as_str().unwrap().parse().unwrap()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().strip_prefix("guildhall.").unwrap()).collect()
}

async fn last(admin: &Client<'_>) -> u64 {
    number(&admin.get("/events/head").await["sequence"])
}

/// So the hashes protect them soon.
async fn events_get_their_place_without_a_reader(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let placed =
        || app.setup.database.count("SELECT count(*) AS number FROM events WHERE content LIKE '%\"name\":\"Soap\"%'");
    admin.create_group("Soap", &[], &[]).await;
    until("the event has its place", async || placed() == 1).await;
}

async fn a_reader_follows_every_change_once(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let before = last(&admin).await;
    let tyler = admin.create_user("tyler").await;
    let soap = admin.create_group("Soap", &[], &[]).await;
    admin.send("PUT", "/groups/Soap/users/tyler").await.is(204);
    // Nothing changes.
    admin.send("PUT", "/groups/Soap/users/tyler").await.is(204);
    admin.send("PUT", "/groups/Soap/users/nobody").await.is(404);
    admin.send("PUT", "/groups/Soap/users/marla?dryRun=true").await.is(404);
    admin.send("DELETE", "/groups/Soap/users/tyler?dryRun=true").await.is(200);
    let removed = admin.send("DELETE", "/groups/Soap/users/tyler").await.is(204);
    admin.send("DELETE", "/users/tyler").await.is(204);
    let events = follow(&admin, before, 2).await;
    assert_eq!(
        types(&events),
        ["user.created", "group.created", "group.members.added", "group.members.removed", "user.deleted"]
    );
    for (number, event) in (before + 1..).zip(&events) {
        assert_eq!(event["sequence"], number.to_string());
        assert_eq!((&event["specversion"], &event["source"]), (&json!("1.0"), &json!("guildhall")));
        let actor = &event["data"]["actor"];
        assert_eq!((&actor["username"], &actor["via"]), (&json!("admin"), &json!("api")), "{event}");
        assert!(event["data"]["requestId"].is_string() && event["data"]["address"].is_string(), "{event}");
        assert_eq!(admin.get(&format!("/events/{}", event["id"].as_str().unwrap())).await, *event);
    }
    let left = &events[3];
    assert_eq!(left["data"]["requestId"], removed.headers["x-request-id"]);
    assert_eq!(left["subject"], format!("groups/{soap}"));
    assert_eq!(left["data"]["group"], json!({ "id": soap, "name": "Soap" }));
    assert_eq!((&left["data"]["userIds"], &left["data"]["groupsAbove"]), (&json!([tyler]), &json!([soap])));
    let head = admin.get("/events/head").await;
    assert_eq!(head, json!({ "sequence": events[4]["sequence"], "hash": events[4]["hash"] }));
    assert_eq!(admin.status("GET", &format!("/events/{soap}")).await, 404);
    let marla = {
        admin.create_user("marla").await;
        Client::of(&app, "marla")
    };
    for path in ["/events", "/events/head", &format!("/events/{soap}"), "/events?after=x"] {
        assert_eq!(marla.status("GET", path).await, 403, "{path}");
    }
}

async fn a_page_is_what_its_parameters_say(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let [tyler, bob] = [admin.create_user("tyler").await, admin.create_user("bob").await];
    let [soap, lye] = [admin.create_group("Soap", &[], &[]).await, admin.create_group("Lye", &["bob"], &[]).await];
    admin.send("PUT", "/groups/Soap/users/tyler").await.is(204);
    let own = Client::of(&app, "tyler");
    own.send_with("PUT", "/users/@current", &json!({ "firstName": "Tyler" })).await.is(200);
    let asked = async |query: &str| admin.get(&format!("/events?{query}")).await["items"].as_array().unwrap().clone();
    for (query, expected) in [
        (format!("group={soap}"), vec!["group.created", "group.members.added"]),
        (format!("group={lye}&type=guildhall.group.members.*"), vec!["group.members.added"]),
        (format!("user={bob}"), vec!["user.created", "group.members.added"]),
        (format!("user={tyler}&order=-sequence"), vec!["user.updated", "group.members.added", "user.created"]),
        (format!("actor={tyler}"), vec!["user.updated"]),
        (format!("user={tyler}&type=guildhall.user.created"), vec!["user.created"]),
        (format!("group={soap}&from=2100-01-01"), vec![]),
        (format!("group={soap}&to=2000-01-01"), vec![]),
        (format!("group={soap}&from=2000-01-01&to=2100-01-01&limit=1"), vec!["group.created"]),
        (format!("user={soap}"), vec![]),
    ] {
        assert_eq!(types(&asked(&query).await), expected, "{query}");
    }
    // A filter that finds nothing more goes on after everything.
    let page = admin.get(&format!("/events?user={soap}")).await;
    assert_eq!(page["next"], page["last"]);
    let reverse = asked("order=-sequence&limit=3").await;
    let next = number(&reverse[2]["sequence"]);
    let before = asked(&format!("order=-sequence&limit=1&after={next}")).await;
    assert_eq!(number(&before[0]["sequence"]), next - 1);
}

async fn a_request_waits_for_the_first_event(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let after = last(&admin).await;
    let started = Instant::now();
    let page = admin.get(&format!("/events?after={after}&wait=1")).await;
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(page, json!({ "items": [], "next": after.to_string(), "last": after.to_string() }));
    let wait = admin.request("GET", &format!("/events?after={after}&type=guildhall.group.*&wait=30"));
    let waiting = tokio::spawn(crate::answer::Answer::to(wait));
    tokio::time::sleep(Duration::from_millis(300)).await;
    // It waits for a group.
    admin.create_user("tyler").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    let changed = Instant::now();
    admin.create_group("Soap", &[], &[]).await;
    let answer = timeout(PATIENCE, waiting).await.unwrap().unwrap().json();
    crate::tell(&format!("{kind:?}: an event that was waited for came after {:.0?}", changed.elapsed()));
    assert_eq!(types(answer["items"].as_array().unwrap()), ["group.created"]);
    assert_eq!(number(&answer["next"]), after + 2);
}

/// A stream of events that is being read.
struct Stream {
    response: reqwest::Response,
    read: String,
}

impl Stream {
    async fn open(app: &TestApp, token: &str, query: &str, last_event: Option<u64>) -> Self {
        let mut request = app.client.get(format!("{}{API}/events{query}", app.server.url)).bearer_auth(token);
        request = request.header(ACCEPT, "text/event-stream");
        if let Some(last) = last_event {
            request = request.header("Last-Event-ID", last.to_string());
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    /// The next event: its id, and what it is. `None`: the stream ended.
    async fn next(&mut self) -> Option<(u64, Value)> {
        loop {
            if let Some(end) = self.read.find("\n\n") {
                let event: String = self.read.drain(..end + 2).collect();
                let lines: Vec<_> = event.trim_end().lines().collect();
                if let [id, data] = lines.as_slice() {
                    let id = id.strip_prefix("id: ").unwrap().parse().unwrap();
                    let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
                    assert_eq!(number(&event["sequence"]), id);
                    return Some((id, event));
                }
                assert_eq!(lines, [":"]);
                continue;
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.unwrap().ok().flatten()?;
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

async fn a_stream_goes_on_and_is_resumed(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let before = last(&admin).await;
    admin.create_user("tyler").await;
    let mut stream = Stream::open(&app, &app.token, &format!("?after={before}"), None).await;
    assert_eq!(stream.next().await.unwrap().0, before + 1);
    for number in 2..5 {
        Client::admin(&app).create_group(&format!("Soap {number}"), &[], &[]).await;
        let (id, event) = stream.next().await.unwrap();
        assert_eq!((id, event["type"].as_str()), (before + number, Some("guildhall.group.created")));
    }
    app.kill_and_restart();
    assert!(stream.next().await.is_none());
    let mut resumed = Stream::open(&app, &app.token, "?after=0&type=guildhall.group.*", Some(before + 2)).await;
    assert_eq!(resumed.next().await.unwrap().0, before + 3);
    assert_eq!(resumed.next().await.unwrap().0, before + 4);
    Client::admin(&app).create_group("Lye", &[], &[]).await;
    assert_eq!(resumed.next().await.unwrap().1["data"]["group"]["name"], "Lye");
}

async fn a_stream_ends_for_whoever_may_read_no_more(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    admin.create_user("marla").await;
    admin.send("PUT", "/groups/System Administrators/users/marla").await.is(204);
    let after = last(&admin).await;
    let mut stream = Stream::open(&app, &app.token_of("marla"), &format!("?after={after}"), None).await;
    admin.create_group("Soap", &[], &[]).await;
    assert_eq!(stream.next().await.unwrap().0, after + 1);
    admin.send("DELETE", "/groups/System Administrators/users/marla").await.is(204);
    assert!(stream.next().await.is_none());
}

async fn streams_that_read_together_get_what_they_ask_for(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    let soap = admin.create_group("Soap", &[], &[]).await;
    let tyler = admin.create_user("tyler").await;
    for name in ["marla", "robert"] {
        admin.create_user(name).await;
        admin.send("PUT", &format!("/groups/System Administrators/users/{name}")).await.is(204);
    }
    let marla = admin.get("/users/marla").await["id"].as_str().unwrap().to_owned();
    let [of_marla, of_robert] = ["marla", "robert"].map(|name| app.token_of(name));
    let after = last(&admin).await;
    let mut streams = Vec::new();
    for (token, filter) in [
        (&app.token, String::new()),
        (&of_marla, String::new()),
        (&app.token, "&type=guildhall.group.*".to_owned()),
        (&of_marla, format!("&group={soap}")),
        (&app.token, format!("&user={tyler}")),
        (&app.token, format!("&actor={marla}")),
    ] {
        streams.push(Stream::open(&app, token, &format!("?after={after}{filter}"), None).await);
    }
    let mut ended = Stream::open(&app, &of_robert, &format!("?after={after}"), None).await;
    let by_marla = Client::of(&app, "marla");
    admin.send("PUT", "/groups/Soap/users/tyler").await.is(204);
    assert_eq!(ended.next().await.unwrap().0, after + 1);
    admin.send("DELETE", "/groups/System Administrators/users/robert").await.is(204);
    by_marla.create_group("Lye", &[], &[]).await;
    by_marla.create_user("chloe").await;
    by_marla.send("DELETE", "/groups/Soap/users/tyler").await.is(204);
    admin.create_group("Ash", &[], &[]).await;
    assert!(ended.next().await.is_none());
    let wanted: [&[u64]; 6] =
        [&[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6], &[1, 2, 3, 5, 6], &[1, 5], &[1, 5], &[3, 4, 5]];
    for (stream, wanted) in streams.iter_mut().zip(wanted) {
        for sequence in wanted {
            assert_eq!(stream.next().await.unwrap().0, after + sequence, "{wanted:?}");
        }
    }
    by_marla.send("PUT", "/groups/Soap/users/tyler").await.is(204);
    for stream in &mut streams {
        assert_eq!(stream.next().await.unwrap().0, after + 7);
    }
}

async fn streams_end_when_the_service_stops(kind: Kind) {
    let mut app = TestApp::on(kind).await;
    let after = last(&Client::admin(&app)).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Stream::open(&app, &app.token, &format!("?after={after}"), None).await);
    }
    let wait = app.request(Method::GET, &format!("/events?after={after}&wait=30"));
    let waiting = tokio::spawn(crate::answer::Answer::to(wait));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    app.server.terminate();
    for stream in &mut streams {
        assert!(stream.next().await.is_none());
    }
    assert_eq!(waiting.await.unwrap().status, 200);
    assert!(app.server.ended().await.success());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

async fn what_is_no_parameter_is_refused(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for query in [
        "after=-1",
        "after=9223372036854775808",
        "after=",
        "after=1&after=2",
        "limit=0",
        "limit=1001",
        "limit=ten",
        "type=guildhall.user",
        "type=soap*",
        "type=",
        "group=Everyone",
        "user=@current",
        "actor=0",
        "from=yesterday",
        "to=",
        "order=type",
        "wait=31",
        "wait=0.5",
        "wait=5&order=-sequence",
    ] {
        assert_eq!(admin.status("GET", &format!("/events?{query}")).await, 400, "{query}");
    }
    let stream = |header: &str, query: &str| {
        let request = app.request(Method::GET, &format!("/events{query}")).header(ACCEPT, "text/event-stream");
        crate::answer::Answer::to(request.header("Last-Event-ID", header))
    };
    assert_eq!(stream("soap", "").await.status, 400);
    assert_eq!(stream("1", "?order=-sequence").await.status, 400);
    assert_eq!(admin.status("GET", "/events/soap").await, 404);
}
