//! Very many connections at a time, from addresses of their own on the loopback, while others go on.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::app::{Setup, TestApp, Transport};
use crate::database::Kind;
use crate::memory::resident;
use crate::secure::Stream;
use crate::socket::Wire;
use crate::target::{Target, connect, exchange};
use crate::waiting::until;

/// The longest that one of a hundred requests of others may take.
const MOST: Duration = Duration::from_secs(1);
/// By how much the service may be larger after an attack than before.
const MOST_LEFT: usize = 20 * 1024;
/// How many connections are made at one time.
const AT_ONCE: usize = 256;
on_both_databases! {
    connections_that_send_one_byte_hurt_nobody_else,
    heads_without_end_hurt_nobody_else,
    forms_that_never_come_hurt_nobody_else,
}

on_both_databases_and_over_tls! {
    connections_from_everywhere_leave_room_to_ask_whether_the_service_lives,
    unfinished_heads_take_little_memory,
    idle_connections_in_a_crowd_take_little_memory,
    in_a_crowd_every_request_of_a_connection_is_answered,
    readers_that_read_nothing_hurt_nobody_else,
}

async fn connections_that_send_one_byte_hurt_nobody_else(kind: Kind) {
    let app = Setup::alone_on(kind).await.with_open_files(1024).start();
    let attack = Attack { connections: 1_100, addresses: 1, sends: Arc::from(*b"G") };
    attack.run(&app, Duration::from_secs(5)).await;
}

async fn connections_from_everywhere_leave_room_to_ask_whether_the_service_lives(kind: Kind, transport: Transport) {
    let app = Setup::alone_on(kind).await.speaking(transport).with_open_files(1024).start();
    allow_many_files();
    let attack = Attack { connections: 1_100, addresses: 4, sends: Arc::from(*b"G") };
    let held = attack.open(&app).await;
    for _ in 0..50 {
        assert_eq!(ask(&app, "/health/live").await.0, 200);
        let (status, answer) = ask(&app, "/health/ready").await;
        assert!(status == 503 && answer.contains("connection: close\r\n"), "{answer}");
        assert!(answer.contains("retry-after: 1\r\n") && answer.contains("\"type\":\"Error\""), "{answer}");
    }
    drop(held);
    until("others are answered again", async || ask(&app, "/health/ready").await.0 == 200).await;
}

async fn heads_without_end_hurt_nobody_else(kind: Kind) {
    let app = large(kind, Transport::Plain).await;
    let first = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    let second = format!("GET /health/live HTTP/1.1\r\nhost: x\r\nx: {}", "x".repeat(128 * 1024));
    let attack = Attack { connections: 5_000, addresses: 10, sends: format!("{first}{second}").into_bytes().into() };
    attack.run(&app, Duration::from_secs(10)).await;
}

async fn unfinished_heads_take_little_memory(kind: Kind, transport: Transport) {
    let app = large(kind, transport).await;
    let line = "GET /health/live HTTP/1.1\r\nhost: x\r\nx: ";
    // One byte less than the largest head.
    let head = format!("{line}{}", "x".repeat(15 * 1024 - 1 - line.len()));
    let attack = Attack { connections: 2_000, addresses: 5, sends: head.into_bytes().into() };
    let grown = attack.run(&app, Duration::from_secs(3)).await;
    let most = if transport == Transport::Tls { 64 } else { 32 };
    assert!(grown <= 2_000 * most, "{grown} KiB for heads that never end");
}

async fn forms_that_never_come_hurt_nobody_else(kind: Kind) {
    let app = large(kind, Transport::Plain).await;
    let form = "POST /authenticate/connect/token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\n";
    let attack = Attack { connections: 5_000, addresses: 20, sends: form.as_bytes().into() };
    attack.run(&app, Duration::from_secs(10)).await;
}

async fn idle_connections_in_a_crowd_take_little_memory(kind: Kind, transport: Transport) {
    let app = large(kind, transport).await;
    let live = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    let attack = Attack { connections: 2_000, addresses: 5, sends: live.as_bytes().into() };
    let grown = attack.run(&app, Duration::from_secs(2)).await;
    let most = if transport == Transport::Tls { 24 } else { 6 };
    assert!(grown <= 2_000 * most, "{grown} KiB for connections that wait for their next request");
}

/// Nothing that was sent ahead is lost when an idle connection gives its buffers back.
async fn in_a_crowd_every_request_of_a_connection_is_answered(kind: Kind, transport: Transport) {
    let app = large(kind, transport).await;
    allow_many_files();
    let crowd = Attack { connections: 600, addresses: 5, sends: Arc::from(*b"") }.open(&app).await;
    let live = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    let form = "grant_type=password&username=somebody&password=wrong";
    let post =
        "POST /authenticate/connect/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let whole = format!("{post}content-length: {}\r\n\r\n{form}", form.len());
    let chunked = format!("{post}transfer-encoding: chunked\r\n\r\n{:x}\r\n{form}\r\n0\r\n\r\n", form.len());
    let script = [live, &whole, live, live, &whole, &whole, &chunked, live, &chunked, &chunked, &whole, live].concat();
    let expected = [200, 400, 200, 200, 400, 400, 400, 200, 400, 400, 400, 200];
    // All at once, and in parts that end within heads, bodies and chunks, with and without pauses in which the connection is idle.
    for part in [script.len(), 1_000, 150, 61, 7] {
        let mut wire = Wire::to(&app);
        let (mut sender, script) = (wire.other_handle(), script.clone());
        let sending = std::thread::spawn(move || {
            script.as_bytes().chunks(part).for_each(|part| sender.send(str::from_utf8(part).unwrap()));
        });
        let answers = tokio::task::spawn_blocking(move || expected.map(|_| wire.answer().0)).await.unwrap();
        sending.join().unwrap();
        assert_eq!(answers, expected, "in parts of {part} bytes");
    }
    // A head whose last line comes late, and with it a part of the next one.
    let mut wire = Wire::to(&app);
    wire.send(live.strip_suffix("\r\n").unwrap());
    for _ in 0..20 {
        // Meanwhile the server reads what there is.
        assert_eq!(ask(&app, "/health/ready").await.0, 200);
    }
    wire.send(&format!("\r\n{}", &live[..30]));
    assert_eq!(wire.answer().0, 200);
    wire.send(&live[30..]);
    assert_eq!(wire.answer().0, 200);
    // One after the other.
    let mut wire = Wire::to(&app);
    for (request, status) in
        [live, &whole, live, &chunked, live, &whole].into_iter().zip([200, 400, 200, 400, 200, 400])
    {
        wire.send(request);
        assert_eq!(wire.answer().0, status, "{request}");
    }
    drop(crowd);
}

async fn readers_that_read_nothing_hurt_nobody_else(kind: Kind, transport: Transport) {
    let app = large(kind, transport).await;
    let one = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\nGET /docs HTTP/1.1\r\nhost: x\r\n\r\n";
    let attack = Attack { connections: 2_000, addresses: 5, sends: one.repeat(100).into_bytes().into() };
    let held_for = if transport == Transport::Tls { 3 } else { 10 };
    let grown = attack.run(&app, Duration::from_secs(held_for)).await;
    let most = if transport == Transport::Tls { 112 } else { 64 };
    assert!(grown <= 2_000 * most, "{grown} KiB for readers that read nothing");
}

/// A server that takes as many connections as the attacks make.
async fn large(kind: Kind, transport: Transport) -> TestApp {
    Setup::alone_on(kind).await.speaking(transport).with("GUILDHALL_SERVER__MAX_CONNECTIONS", "6000").start()
}

struct Attack {
    connections: usize,
    addresses: u8,
    sends: Arc<[u8]>,
}

impl Attack {
    /// Holds all connections for a while, and says by how many KiB the service grew meanwhile.
    async fn run(&self, app: &TestApp, held_for: Duration) -> usize {
        allow_many_files();
        // The web server keeps what its first hundred requests at one time took for those that follow, and no more than that.
        drop(Attack { connections: 300, addresses: self.addresses, sends: Arc::clone(&self.sends) }.open(app).await);
        for _ in 0..100 {
            assert_eq!(ask(app, "/health/ready").await.0, 200);
            sleep(Duration::from_millis(50)).await;
        }
        let before = resident(app.server.pid());
        let others = Others::start(Target::of(app), app.token.clone());
        let held = self.open(app).await;
        sleep(held_for).await;
        let during = resident(app.server.pid());
        drop(held);
        let times = others.stop().await;
        let p99 = times[(times.len() - 1) * 99 / 100];
        let grown = during.saturating_sub(before);
        let told = format!(
            "{} connections: {} requests of others, p99 {p99:.2?}, longest {:.2?}; {grown} KiB more",
            self.connections,
            times.len(),
            times[times.len() - 1]
        );
        crate::tell(&told);
        assert!(times.len() > 20 && p99 <= MOST, "{told}");
        // Others go on asking, as they always do.
        until("the service is as small as before", async || {
            assert_eq!(ask(app, "/health/ready").await.0, 200);
            resident(app.server.pid()) <= before + MOST_LEFT
        })
        .await;
        grown
    }

    async fn open(&self, app: &TestApp) -> Vec<Stream> {
        let to = Target::of(app);
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let opened: Vec<_> = (0..self.connections)
            .map(|number| {
                let from = Ipv4Addr::new(127, 0, 1, 1 + u8::try_from(number % usize::from(self.addresses)).unwrap());
                let (turns, sends) = (Arc::clone(&turns), Arc::clone(&self.sends));
                tokio::spawn(async move {
                    let _turn = turns.acquire().await.unwrap();
                    let mut stream = connect(from, to).await?;
                    // Whoever is refused goes away; what is not taken at once may never be.
                    let send = async {
                        stream.write_all(&sends).await?;
                        stream.flush().await
                    };
                    let _ = timeout(Duration::from_millis(500), send).await;
                    Ok::<_, std::io::Error>(stream)
                })
            })
            .collect();
        let mut held = Vec::new();
        for stream in opened {
            held.extend(stream.await.unwrap());
        }
        held
    }
}

/// Somebody who goes on working.
struct Others {
    stop: oneshot::Sender<()>,
    times: JoinHandle<Vec<Duration>>,
}

impl Others {
    fn start(to: Target, token: String) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let times = tokio::spawn(async move {
            let mut times = Vec::new();
            while stopped.try_recv().is_err() {
                let begun = Instant::now();
                let head = format!(
                    "GET /api/security/users/@current HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
                );
                assert_eq!(exchange(to, &head).await.0, 200);
                times.push(begun.elapsed());
                sleep(Duration::from_millis(20)).await;
            }
            times.sort_unstable();
            times
        });
        Self { stop, times }
    }

    async fn stop(self) -> Vec<Duration> {
        self.stop.send(()).expect("the others gave up");
        self.times.await.unwrap()
    }
}

async fn ask(app: &TestApp, path: &str) -> (u16, String) {
    exchange(Target::of(app), &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
}

/// Attackers have as many files as they need.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
