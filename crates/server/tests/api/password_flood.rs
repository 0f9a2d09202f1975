//! A flood of passwords to hash: what it costs the service, and everybody else.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde_json::json;

use crate::app::{API, Setup, TestApp};
use crate::database::Kind;
use crate::tell;

on_both_databases! {
    hashing_for_one_address_takes_the_memory_of_the_slots,
    hashing_for_forty_addresses_takes_the_memory_of_the_slots,
    one_address_leaves_room_for_others_to_sign_in,
}

/// How often it is measured. The median counts, because others use the machine too.
const ROUNDS: usize = 3;
/// How many requests of each kind are sent at once.
const AT_ONCE: usize = 1000;
/// What one hash takes, and what anything else may, in KiB.
const PER_SLOT: usize = 19 * 1024;
const ELSE: usize = 32 * 1024;
/// Long enough for any flood on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Where nothing is sent from but what is timed.
const OTHERS: [u8; 4] = [127, 0, 1, 1];

async fn hashing_for_one_address_takes_the_memory_of_the_slots(kind: Kind) {
    is_bounded(kind, 1).await;
}

async fn hashing_for_forty_addresses_takes_the_memory_of_the_slots(kind: Kind) {
    is_bounded(kind, 40).await;
}

fn client(address: [u8; 4]) -> Client {
    Client::builder().local_address(std::net::IpAddr::from(address)).timeout(PATIENCE).build().unwrap()
}

async fn start(kind: Kind) -> TestApp {
    let setup = Setup::alone_on(kind).await;
    // The limits on attempts are lifted, because the bound on memory must not depend on them.
    let setup = setup
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ADDRESS", "0")
        .with("GUILDHALL_LIMITS__TOKEN_REQUESTS_PER_ACCOUNT", "0")
        .with("GUILDHALL_AUTH__LOCKOUT_THRESHOLD", "1000000");
    setup.start()
}

async fn is_bounded(kind: Kind, addresses: u8) {
    let app = start(kind).await;
    app.create_user("marla").await;
    let marla = app.token_of("marla");
    let clients: Vec<Client> = (1..=addresses).map(|number| client([127, 0, 0, number])).collect();
    let requests = |number: usize| {
        let client = &clients[number % clients.len()];
        let sign_in = sign_in(&app, client, &format!("somebody {number}"));
        let change = client.post(app.url("/users/@current/credentials/password")).bearer_auth(&marla);
        [sign_in, change.json(&json!({ "existing": "wrong", "new": "An0ther-Passw0rd" }))]
    };
    let idle = app.resident();
    // Open connections take memory whatever they are used for, so they are there before the passwords come.
    let live = |number: usize| clients[number % clients.len()].get(format!("{}/health/live", app.server.url));
    at_once((0..2 * AT_ONCE).map(live)).await;
    let connected = app.resident();
    let peak = app.watch_resident();
    let (mut statuses, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let usual = time_others(&app, Arc::new(AtomicBool::new(true)));
        let usual = usual.await.unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let others = time_others(&app, Arc::clone(&is_over));
        statuses.extend(at_once((0..AT_ONCE).flat_map(requests)).await);
        is_over.store(true, Ordering::SeqCst);
        let meanwhile = others.await.unwrap();
        tell(&format!("{kind:?}, {addresses} addresses: p95 of others {usual:?} idle, {meanwhile:?} meanwhile"));
        ratios.push(meanwhile.as_secs_f64() / usual.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    let peak = peak.stop();
    let slots = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let count = |status| statuses.iter().filter(|answer| answer.0 == status).count();
    tell(&format!(
        "{kind:?}, {addresses} addresses: resident {} MiB idle, {} MiB with connections, {} MiB at most; {} \
         sign-ins and {} changes looked at, {} told to wait",
        idle / 1024,
        connected / 1024,
        peak / 1024,
        count(400),
        count(409),
        count(503)
    ));
    assert_eq!(count(400) + count(409) + count(503), ROUNDS * 2 * AT_ONCE, "{statuses:?}");
    assert!(statuses.iter().all(|(status, retry_after)| (*status == 503) == *retry_after));
    assert!(count(400) > 0 && count(409) > 0);
    assert!(peak <= connected + slots * PER_SLOT + ELSE, "{peak} KiB at most, {connected} KiB before");
    assert!(ratios[ROUNDS / 2] <= 5.0, "{ratios:?}");
}

/// Somebody else signs in while one address has sent more than the queue holds.
async fn one_address_leaves_room_for_others_to_sign_in(kind: Kind) {
    let app = start(kind).await;
    let (guesser, other) = (client([127, 0, 0, 1]), client(OTHERS));
    let is_over = AtomicBool::new(false);
    let guessing = async {
        let statuses = at_once((0..AT_ONCE).map(|number| sign_in(&app, &guesser, &format!("somebody {number}")))).await;
        is_over.store(true, Ordering::SeqCst);
        statuses
    };
    let signing_in = async {
        let mut statuses = Vec::new();
        while !is_over.load(Ordering::SeqCst) {
            statuses.push(sign_in(&app, &other, "somebody else").send().await.unwrap().status().as_u16());
        }
        statuses
    };
    let (guessed, signed_in) = tokio::join!(guessing, signing_in);
    let refused = guessed.iter().filter(|(status, _)| *status == 503).count();
    tell(&format!("{kind:?}: {refused} of {AT_ONCE} guesses told to wait, {} others looked at", signed_in.len()));
    assert!(refused > 0 && !signed_in.is_empty());
    assert!(signed_in.iter().all(|status| *status == 400), "{signed_in:?}");
}

fn sign_in(app: &TestApp, client: &Client, username: &str) -> RequestBuilder {
    let form = [("grant_type", "password"), ("username", username), ("password", "wrong")];
    client.post(format!("{}/authenticate/connect/token", app.server.url)).form(&form)
}

/// Sends all of them at once, and says each status and whether it came with the advice to try again.
async fn at_once(requests: impl Iterator<Item = RequestBuilder>) -> Vec<(u16, bool)> {
    let answers: Vec<_> = requests.map(|request| tokio::spawn(request.send())).collect();
    let mut statuses = Vec::new();
    for answer in answers {
        let response = answer.await.unwrap().unwrap();
        statuses.push((response.status().as_u16(), response.headers().contains_key("retry-after")));
        response.bytes().await.unwrap();
    }
    statuses
}

/// The time that 95 of 100 requests of somebody else take, of at least 200 and until it is over; from a thread of their own, which
/// has nothing else to do.
fn time_others(app: &TestApp, is_over: Arc<AtomicBool>) -> tokio::task::JoinHandle<Duration> {
    let (url, token) = (app.server.url.clone(), app.token.clone());
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let other = client(OTHERS);
            let ready = || other.get(format!("{url}/health/ready"));
            let current = || other.get(format!("{url}{API}/users/@current")).bearer_auth(&token);
            let mut times = Vec::new();
            while times.len() < 200 || !is_over.load(Ordering::SeqCst) && times.len() < 100_000 {
                for request in [ready(), current()] {
                    let begun = Instant::now();
                    assert_eq!(request.send().await.unwrap().status(), 200);
                    times.push(begun.elapsed());
                }
            }
            times.sort();
            times[times.len() * 95 / 100]
        })
    })
}

/// Looks at the server's memory all the time.
struct Watch {
    is_over: Arc<AtomicBool>,
    watching: thread::JoinHandle<usize>,
}

impl Watch {
    /// The most that was resident, in KiB.
    fn stop(self) -> usize {
        self.is_over.store(true, Ordering::SeqCst);
        self.watching.join().unwrap()
    }
}

impl TestApp {
    /// How much of the server's memory is resident, in KiB.
    fn resident(&self) -> usize {
        resident(self.server.pid())
    }

    fn watch_resident(&self) -> Watch {
        let (is_over, pid) = (Arc::new(AtomicBool::new(false)), self.server.pid());
        let until = Arc::clone(&is_over);
        let watching = thread::spawn(move || {
            let mut most = 0;
            while !until.load(Ordering::SeqCst) {
                most = most.max(resident(pid));
                thread::sleep(Duration::from_millis(5));
            }
            most
        });
        Watch { is_over, watching }
    }
}

fn resident(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}
