//! Very many connections at a time, from addresses of their own on the loopback, while others go on.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::app::{Setup, TestApp};
use crate::database::Kind;
use crate::memory::resident;
use crate::socket::Wire;
use crate::waiting::until;

/// Others come from here.
const OTHERS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 99);
/// The longest that one of a hundred requests of others may take.
const MOST: Duration = Duration::from_secs(1);
/// By how much the service may be larger after an attack than before.
const MOST_LEFT: usize = 20 * 1024;
/// How many connections are made at one time.
const AT_ONCE: usize = 256;
/// Long enough for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

on_both_databases! {
    connections_that_send_one_byte_hurt_nobody_else,
    connections_from_everywhere_leave_room_to_ask_whether_the_service_lives,
    heads_without_end_hurt_nobody_else,
    unfinished_heads_take_no_more_than_32_kib_each,
    forms_that_never_come_hurt_nobody_else,
    idle_connections_in_a_crowd_take_no_more_than_6_kib_each,
    in_a_crowd_every_request_of_a_connection_is_answered,
    readers_that_read_nothing_hurt_nobody_else,
}

async fn connections_that_send_one_byte_hurt_nobody_else(kind: Kind) {
    let app = Setup::alone_on(kind).await.with_open_files(1024).start();
    let attack = Attack { connections: 1_100, addresses: 1, sends: Arc::from(*b"G") };
    attack.run(&app, Duration::from_secs(5)).await;
}

async fn connections_from_everywhere_leave_room_to_ask_whether_the_service_lives(kind: Kind) {
    let app = Setup::alone_on(kind).await.with_open_files(1024).start();
    allow_many_files();
    let attack = Attack { connections: 1_100, addresses: 4, sends: Arc::from(*b"G") };
    let held = attack.open(address_of(&app)).await;
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
    let app = large(kind).await;
    let first = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    let second = format!("GET /health/live HTTP/1.1\r\nhost: x\r\nx: {}", "x".repeat(128 * 1024));
    let attack = Attack { connections: 5_000, addresses: 10, sends: format!("{first}{second}").into_bytes().into() };
    attack.run(&app, Duration::from_secs(10)).await;
}

async fn unfinished_heads_take_no_more_than_32_kib_each(kind: Kind) {
    let app = large(kind).await;
    let line = "GET /health/live HTTP/1.1\r\nhost: x\r\nx: ";
    // One byte less than the largest head.
    let head = format!("{line}{}", "x".repeat(15 * 1024 - 1 - line.len()));
    let attack = Attack { connections: 2_000, addresses: 5, sends: head.into_bytes().into() };
    let grown = attack.run(&app, Duration::from_secs(5)).await;
    assert!(grown <= 2_000 * 32, "{grown} KiB for heads that never end");
}

async fn forms_that_never_come_hurt_nobody_else(kind: Kind) {
    let app = large(kind).await;
    let form = "POST /authenticate/connect/token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\n";
    let attack = Attack { connections: 5_000, addresses: 20, sends: form.as_bytes().into() };
    attack.run(&app, Duration::from_secs(10)).await;
}

async fn idle_connections_in_a_crowd_take_no_more_than_6_kib_each(kind: Kind) {
    let app = large(kind).await;
    let live = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    let attack = Attack { connections: 2_000, addresses: 5, sends: live.as_bytes().into() };
    let grown = attack.run(&app, Duration::from_secs(2)).await;
    assert!(grown <= 2_000 * 6, "{grown} KiB for connections that wait for their next request");
}

/// Nothing that was sent ahead is lost when an idle connection gives its buffers back.
async fn in_a_crowd_every_request_of_a_connection_is_answered(kind: Kind) {
    let app = large(kind).await;
    allow_many_files();
    let crowd = Attack { connections: 600, addresses: 5, sends: Arc::from(*b"") }.open(address_of(&app)).await;
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

async fn readers_that_read_nothing_hurt_nobody_else(kind: Kind) {
    let app = large(kind).await;
    let one = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\nGET /docs HTTP/1.1\r\nhost: x\r\n\r\n";
    let attack = Attack { connections: 2_000, addresses: 5, sends: one.repeat(100).into_bytes().into() };
    let grown = attack.run(&app, Duration::from_secs(10)).await;
    assert!(grown <= 2_000 * 64, "{grown} KiB for readers that read nothing");
}

/// A server that takes as many connections as the attacks make.
async fn large(kind: Kind) -> TestApp {
    Setup::alone_on(kind).await.with("GUILDHALL_SERVER__MAX_CONNECTIONS", "6000").start()
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
        let address = address_of(app);
        // The web server keeps what its first hundred requests at one time took for those that follow, and no more than that.
        drop(
            Attack { connections: 300, addresses: self.addresses, sends: Arc::clone(&self.sends) }.open(address).await,
        );
        for _ in 0..100 {
            assert_eq!(ask(app, "/health/ready").await.0, 200);
            sleep(Duration::from_millis(50)).await;
        }
        let before = resident(app.server.pid());
        let others = Others::start(address, app.token.clone());
        let held = self.open(address).await;
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

    async fn open(&self, to: SocketAddr) -> Vec<TcpStream> {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let opened: Vec<_> = (0..self.connections)
            .map(|number| {
                let from = Ipv4Addr::new(127, 0, 1, 1 + u8::try_from(number % usize::from(self.addresses)).unwrap());
                let (turns, sends) = (Arc::clone(&turns), Arc::clone(&self.sends));
                tokio::spawn(async move {
                    let _turn = turns.acquire().await.unwrap();
                    let mut stream = connect(from, to).await?;
                    // Whoever is refused goes away; what is not taken at once may never be.
                    let _ = timeout(Duration::from_millis(500), stream.write_all(&sends)).await;
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
    fn start(to: SocketAddr, token: String) -> Self {
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
    exchange(address_of(app), &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
}

async fn exchange(to: SocketAddr, request: &str) -> (u16, String) {
    let exchange = async {
        let mut stream = connect(OTHERS, to).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8(answer).unwrap())
    };
    let answer =
        timeout(PATIENCE, exchange).await.expect("there is no answer").unwrap_or_else(|error| error.to_string());
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or(0), answer)
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // What is sent and not read takes the memory of this machine, too.
    socket.set_recv_buffer_size(64 * 1024)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(to).await
}

fn address_of(app: &TestApp) -> SocketAddr {
    app.server.address().parse().unwrap()
}

/// Attackers have as many files as they need.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
