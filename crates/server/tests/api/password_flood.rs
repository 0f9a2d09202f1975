//! A flood of passwords to hash: what it costs the service, and everybody else.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::app::{API, Setup, TestApp};
use crate::database::Kind;
use crate::memory::resident;
use crate::secure;
use crate::tell;

on_both_databases! {
    hashing_for_one_address_takes_the_memory_of_the_slots,
    hashing_for_forty_addresses_takes_the_memory_of_the_slots,
    one_address_leaves_room_for_others_to_sign_in,
}

/// How often it is measured. The median counts, because others use the machine too.
const ROUNDS: usize = 9;
/// How many requests of each kind are sent at once.
const AT_ONCE: usize = 1000;
/// More than the queue before the threads that hash holds.
const GUESSES: usize = 300;
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
    secure::client_builder().local_address(IpAddr::from(address)).timeout(PATIENCE).build().unwrap()
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
    let bearer = format!("Authorization: Bearer {}\r\n", app.token_of("marla"));
    let change = json!({ "existing": "wrong", "new": "An0ther-Passw0rd" }).to_string();
    let change = post("/api/security/users/@current/credentials/password", "application/json", &bearer, &change);
    let sign_in = |number: usize| {
        let form = format!("grant_type=password&username=somebody{number}&password=wrong");
        post("/authenticate/connect/token", "application/x-www-form-urlencoded", "", &form)
    };
    // One processor is left to others.
    let slots = thread::available_parallelism().map_or(1, NonZeroUsize::get).saturating_sub(1).max(1);
    let server = app.server.address().parse().unwrap();
    let idle = app.resident();
    let (mut statuses, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let usual = time_others(&app, Arc::new(AtomicBool::new(true))).await.unwrap();
        let peak = app.watch_resident();
        let is_over = Arc::new(AtomicBool::new(false));
        let others = time_others(&app, Arc::clone(&is_over));
        let mut answers = Vec::new();
        for number in 0..2 * AT_ONCE {
            let request = if number % 2 == 0 { sign_in(number) } else { change.clone() };
            let from = [127, 0, 0, 1 + u8::try_from(number % usize::from(addresses)).unwrap()];
            answers.push(tokio::spawn(ask(server, from.into(), request)));
        }
        for answer in answers {
            statuses.push(answer.await.unwrap());
        }
        is_over.store(true, Ordering::SeqCst);
        let (meanwhile, peak) = (others.await.unwrap(), peak.stop());
        tell(&format!(
            "{kind:?}, {addresses} addresses: resident {} MiB idle, {} MiB at most; p95 of others {usual:?} idle, \
             {meanwhile:?} meanwhile",
            idle / 1024,
            peak / 1024
        ));
        assert!(peak <= idle + slots * PER_SLOT + ELSE, "{peak} KiB at most, {idle} KiB before");
        ratios.push(meanwhile.as_secs_f64() / usual.as_secs_f64());
    }
    let count = |status| statuses.iter().filter(|answer| answer.0 == status).count();
    let [signed_in, changed, refused] = [400, 409, 503].map(count);
    tell(&format!("{kind:?}: {signed_in} sign-ins and {changed} changes looked at, {refused} told to wait"));
    assert_eq!(signed_in + changed + refused, ROUNDS * 2 * AT_ONCE, "{statuses:?}");
    assert!(statuses.iter().all(|(status, retry_after)| (*status == 503) == *retry_after));
    assert!(signed_in > 0 && changed > 0);
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[ROUNDS / 2] <= 5.0, "{ratios:?}");
}

fn post(path: &str, content_type: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// The status, and whether it came with the advice to try again. Asks again where the server gave the connection up before it had
/// the request, which may come late on a busy machine.
async fn ask(server: SocketAddr, from: IpAddr, request: String) -> (u16, bool) {
    loop {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let stream = BufReader::new(socket.connect(server).await.unwrap());
        match answer_over(stream, &request).await {
            Ok((408, _)) | Err(_) => {}
            Ok(answer) => return answer,
        }
    }
}

async fn answer_over(mut stream: BufReader<TcpStream>, request: &str) -> io::Result<(u16, bool)> {
    stream.get_mut().write_all(request.as_bytes()).await?;
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    stream.read_exact(&mut vec![0; length]).await?;
    let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, head.iter().any(|line| line.starts_with("retry-after: "))))
}

/// Somebody else signs in while one address has sent more than the queue holds.
async fn one_address_leaves_room_for_others_to_sign_in(kind: Kind) {
    let app = start(kind).await;
    let (guesser, other) = (client([127, 0, 0, 1]), client(OTHERS));
    let is_over = AtomicBool::new(false);
    let guessing = async {
        let statuses = at_once((0..GUESSES).map(|number| sign_in(&app, &guesser, &format!("somebody {number}")))).await;
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
    let (attempts, signed_in) = tokio::join!(guessing, signing_in);
    let refused = attempts.iter().filter(|(status, _)| *status == 503).count();
    tell(&format!("{kind:?}: {refused} of {GUESSES} guesses told to wait, {} others looked at", signed_in.len()));
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
