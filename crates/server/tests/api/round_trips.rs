//! How many round trips to PostgreSQL the requests of every route take, counted in what goes over the wire.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::{PASSWORD, Setup};
use crate::client::Client;
use crate::database::Kind;
use crate::endpoints::{ENDPOINTS, Scene};

const URL: &str = "GUILDHALL_DATABASE__URL";

/// The round trips of each endpoint, in the order of [`ENDPOINTS`], for a System Administrator. Before a body is read, the permission
/// is asked for, which is one of them.
///
/// What is above three and no listing takes a lock before it reads: one for the transaction and the lock, one to ask, one to change and one to
/// commit. A statement sees the state from before it waits for a lock, so what decides has to be asked after that; and the lock has to be
/// held until the change is committed, so it needs a transaction. What happened is told by a statement of its own, but where one statement makes
/// the whole change.
const ROUND_TRIPS: [(&str, u32); 63] = [
    ("GET /users", 4),
    // The permission is asked for before the password is hashed, too.
    ("POST /users", 4),
    ("GET /users/search", 4),
    ("POST /users/search", 5),
    ("GET /users/{user}", 1),
    ("GET /users/{user}", 1),
    ("PUT /users/{user}", 3),
    ("PATCH /users/{user}", 3),
    // The last System Administrator stays: under the lock of removals.
    ("DELETE /users/{user}", 5),
    // Refused before the throttle counts it; asked again after the hash was computed, which takes long.
    ("POST /users/{user}/credentials/password", 4),
    // Suspending: the same.
    ("POST /users/{user}/actions", 6),
    ("GET /users/{user}/groups", 4),
    ("GET /users/{user}/groups", 7),
    ("HEAD /users/{user}/groups/{groups}", 1),
    ("GET /users/{user}/identities", 1),
    ("DELETE /users/{user}/identities", 3),
    ("GET /groups", 4),
    ("POST /groups", 3),
    // Under the lock of edges.
    ("POST /groups", 8),
    ("GET /groups/{group}", 1),
    ("PUT /groups/{group}", 3),
    // Under the lock of edges; then nobody may join any more.
    ("DELETE /groups/{group}", 7),
    ("GET /groups/{group}/users", 6),
    ("GET /groups/{group}/users", 7),
    // A transaction, so that a bulk change may take its time; unknown users are all named.
    ("POST /groups/{group}/users", 7),
    // The same under a shared lock and that of the group; who is missing, who is too many, who is scheduled, names and the new count are asked for.
    ("PATCH /groups/{group}/users", 14),
    ("PUT /groups/{group}/users/{user}", 2),
    // Under a shared lock: an edge could make a System Administrator of the member meanwhile.
    ("DELETE /groups/{group}/users/{user}", 5),
    ("HEAD /groups/{group}/users/{user}", 1),
    ("GET /groups/{group}/groups", 4),
    // Under the lock of edges; unknown groups are all named.
    ("POST /groups/{group}/groups", 7),
    // The same, with the children that there are or are scheduled, those that go, and the new count.
    ("PATCH /groups/{group}/groups", 12),
    // Under the lock of edges.
    ("PUT /groups/{group}/groups/{child}", 5),
    // Under the lock of edges.
    ("DELETE /groups/{group}/groups/{child}", 5),
    ("GET /groups/{group}/memberships", 6),
    ("GET /groups/{group}/children", 5),
    ("GET /users/{user}/memberships", 5),
    ("GET /users/{user}/managedGroups", 4),
    ("GET /groups/{group}/managers", 5),
    ("PUT /groups/{group}/managers/users/{user}", 2),
    ("DELETE /groups/{group}/managers/users/{user}", 2),
    ("PUT /groups/{group}/managers/groups/{manager}", 2),
    ("DELETE /groups/{group}/managers/groups/{manager}", 2),
    ("GET /groups/{group}/memberships/{user}", 4),
    ("GET /groups/{group}/memberships/{user}", 7),
    // All answers of one state; names are looked up apart from the pairs.
    ("POST /memberships/check", 6),
    ("GET /apiKeys", 5),
    ("POST /apiKeys", 3),
    ("GET /apiKeys/{key}", 1),
    ("PUT /apiKeys/{key}", 3),
    // The last System Administrator stays: under the lock of removals.
    ("DELETE /apiKeys/{key}", 5),
    ("POST /apiKeys/{key}/secret", 2),
    // What is committed gets its place first.
    ("GET /events", 8),
    ("GET /events/head", 6),
    ("GET /events/{event}", 6),
    ("GET /webhooks", 5),
    // Under the lock of edges, so that they are counted.
    ("POST /webhooks", 10),
    ("GET /webhooks/{webhook}", 5),
    ("PUT /webhooks/{webhook}", 9),
    ("DELETE /webhooks/{webhook}", 7),
    ("POST /webhooks/{webhook}/secret", 11),
    ("GET /webhooks/{webhook}/deliveries", 5),
    // A replay: what is committed gets its place first.
    ("POST /webhooks/{webhook}/actions", 20),
];
/// Those of grants of the token endpoint. Signing in is told, in a transaction. The number of a password's is that of a name that nobody has, which the tests of the store compare.
const GRANTS: [(&str, u32); 2] = [("refresh_token", 2), ("client_credentials", 6)];

/// How often each request is sent: connections that are opened meanwhile, and statements that they prepare, are not counted.
const REPETITIONS: usize = 4;
/// The time between two of them.
const PAUSE: Duration = Duration::from_millis(60);

#[derive(Default)]
struct Counted {
    round_trips: AtomicU32,
    prepared: AtomicU32,
}

/// A proxy before PostgreSQL that counts.
struct Proxy {
    url: String,
    counted: Arc<Counted>,
}

impl Proxy {
    fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (start, rest) = url.split_once('@').unwrap();
        let (server, name) = rest.split_once('/').unwrap();
        let proxied = format!("{start}@{}/{name}?sslmode=disable", listener.local_addr().unwrap());
        let (server, counted) = (server.to_owned(), Arc::<Counted>::default());
        let counts = Arc::clone(&counted);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                for socket in [&client, &server] {
                    socket.set_nodelay(true).unwrap();
                }
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let counts = Arc::clone(&counts);
                thread::spawn(move || pass_and_count(from, to, &counts));
                thread::spawn(move || pass(server, client));
            }
        });
        Self { url: proxied, counted }
    }

    /// The round trips and the prepared statements so far.
    fn counts(&self) -> [u32; 2] {
        [&self.counted.round_trips, &self.counted.prepared].map(|count| count.load(Ordering::SeqCst))
    }

    /// The fewest round trips and prepared statements that a request takes that `send` sends.
    async fn fewest(&self, mut send: impl AsyncFnMut()) -> [u32; 2] {
        let mut fewest = [u32::MAX; 2];
        for _ in 0..REPETITIONS {
            // What the service does by itself now and then is over by then.
            tokio::time::sleep(PAUSE).await;
            let before = self.counts();
            send().await;
            let after = self.counts();
            fewest = [0, 1].map(|which| fewest[which].min(after[which] - before[which]));
        }
        fewest
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    drop(to.shutdown(std::net::Shutdown::Both));
}

/// Passes the messages of a client on. `Sync` and `Query` each ask for an answer, and `Parse` prepares a statement.
fn pass_and_count(mut from: TcpStream, mut to: TcpStream, counts: &Counted) {
    const PROTOCOL_3: [u8; 4] = 196_608_u32.to_be_bytes();
    let mut is_started = false;
    loop {
        let mut message = vec![0; if is_started { 5 } else { 4 }];
        if from.read_exact(&mut message).is_err() {
            break;
        }
        let length = u32::from_be_bytes(message[message.len() - 4..].try_into().unwrap());
        let start = message.len();
        message.resize(start + length as usize - 4, 0);
        from.read_exact(&mut message[start..]).unwrap();
        match (is_started, message[0]) {
            (true, b'S' | b'Q') => drop(counts.round_trips.fetch_add(1, Ordering::SeqCst)),
            (true, b'P') => drop(counts.prepared.fetch_add(1, Ordering::SeqCst)),
            (true, _) => {}
            (false, _) => is_started = message[4..8] == PROTOCOL_3,
        }
        if to.write_all(&message).is_err() {
            break;
        }
    }
    drop(to.shutdown(std::net::Shutdown::Both));
}

#[tokio::test]
async fn no_route_takes_more_round_trips_than_it_needs() {
    let setup = Setup::on(Kind::Postgres).await;
    let proxy = Proxy::before(&setup.database.url);
    let app = setup.with(URL, &proxy.url).with("GUILDHALL_DATABASE__POOL_SIZE", "2").start();
    let admin = Client::admin(&app);
    let mut scene = Scene::new(&app, 300).await;
    let (mut found, mut prepared_again) = (Vec::new(), Vec::new());
    for endpoint in &ENDPOINTS {
        let mut targets = Vec::new();
        for _ in 0..REPETITIONS {
            targets.push(scene.next().await);
        }
        let [round_trips, prepared] = proxy
            .fewest(async || {
                let answer = Answer::to(targets.pop().unwrap().request(&admin, endpoint)).await;
                assert_eq!(answer.status, endpoint.done, "{} {}", endpoint.method, endpoint.template);
            })
            .await;
        let route = format!("{} {}", endpoint.method, endpoint.template);
        if prepared > 0 {
            prepared_again.push((route.clone(), prepared));
        }
        found.push((route, round_trips));
    }
    let expected = ROUND_TRIPS.map(|(route, count)| (route.to_owned(), count));
    assert_eq!(found, expected);
    assert!(prepared_again.is_empty(), "{prepared_again:?}");
}

/// Those that a key adds to some changes: one transaction, the question who calls, the key, what is kept, a savepoint, and the answer with what has expired.
const WITH_A_KEY: [(&str, u32); 4] = [
    ("POST /groups", 12),
    ("PUT /groups/{group}/users/{user}", 11),
    // Begun again under the lock of edges.
    ("PUT /groups/{group}/groups/{child}", 16),
    ("POST /groups/{group}/users", 13),
];

#[tokio::test]
async fn a_key_adds_a_few_round_trips() {
    let setup = Setup::on(Kind::Postgres).await;
    let proxy = Proxy::before(&setup.database.url);
    let app = setup.with(URL, &proxy.url).with("GUILDHALL_DATABASE__POOL_SIZE", "2").start();
    let admin = Client::admin(&app);
    let mut scene = Scene::new(&app, 40).await;
    let mut found = Vec::new();
    for (route, _) in WITH_A_KEY {
        let endpoint = ENDPOINTS.iter().find(|row| format!("{} {}", row.method, row.template) == route).unwrap();
        let mut targets = Vec::new();
        for _ in 0..REPETITIONS {
            targets.push(scene.next().await);
        }
        let [round_trips, _] = proxy
            .fewest(async || {
                let request = targets.pop().unwrap().request(&admin, endpoint);
                let key = format!("{}-{}", targets.len(), route.replace(' ', "-"));
                assert_eq!(Answer::to(request.header("Idempotency-Key", key)).await.status, endpoint.done);
            })
            .await;
        found.push((route, round_trips));
    }
    assert_eq!(found, WITH_A_KEY);
}

#[tokio::test]
async fn no_grant_takes_more_round_trips_than_it_needs() {
    let setup = Setup::on(Kind::Postgres).await;
    let proxy = Proxy::before(&setup.database.url);
    let app = setup.with(URL, &proxy.url).with("GUILDHALL_DATABASE__POOL_SIZE", "2").start();
    let ask = async |form: &[(&str, &str)]| {
        let answer = Answer::to(app.request_for_token(form)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let password = [("grant_type", "password"), ("username", "admin"), ("password", PASSWORD)];
    let refresh = ask(&password).await["refresh_token"].as_str().unwrap().to_owned();
    let key = app.post("/apiKeys", &json!({ "name": "program" })).await.json();
    let [id, secret] = ["clientId", "clientSecret"].map(|name| key["flows"][0][name].as_str().unwrap().to_owned());
    let client = [("grant_type", "client_credentials"), ("client_id", &*id), ("client_secret", &*secret)];
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    let mut found = Vec::new();
    for (grant, form) in [("refresh_token", &refresh[..]), ("client_credentials", &client)] {
        let [round_trips, _] = proxy.fewest(async || drop(ask(form).await)).await;
        found.push((grant, round_trips));
    }
    assert_eq!(found, GRANTS);
}

/// A table is locked for longer than a statement may take: whoever asks meanwhile is told, and the connections are as before.
#[tokio::test]
async fn a_check_that_takes_too_long_is_ended_and_says_so() {
    let app = Setup::on(Kind::Postgres).await.with("GUILDHALL_DATABASE__STATEMENT_TIMEOUT", "1").start();
    let requests = || -> Vec<RequestBuilder> {
        let asked = [
            (Method::HEAD, "/groups/System%20Administrators/users/admin"),
            (Method::HEAD, "/users/@current/groups/Everyone,Nothing"),
            (Method::GET, "/users/@current"),
            (Method::GET, "/groups/Everyone"),
        ];
        asked.into_iter().map(|(method, path)| app.request(method, path)).collect()
    };
    let mut other = app.setup.database.administrate();
    for table in ["users", "group_closure", "api_keys"] {
        other.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).unwrap();
        for request in requests() {
            let begun = Instant::now();
            let answer = Answer::to(request).await;
            assert_eq!(answer.status, 503, "{answer:?}");
            if !answer.body.is_empty() {
                answer.is_error(503, "The query took longer than 1 second", &Value::Null);
            }
            assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
        }
        other.batch_execute("ROLLBACK").unwrap();
        for request in requests() {
            assert!([200, 204].contains(&Answer::to(request).await.status));
        }
        assert_eq!(app.setup.database.clients("state = 'active'"), 0);
    }
}
