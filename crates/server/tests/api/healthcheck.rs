//! `guildhall healthcheck`, as a container runtime calls it.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use crate::app::Setup;
use crate::database::Kind;
use crate::secure::Certificate;
use crate::server::Server;

on_both_databases! {
    each_probe_is_answered_for_each_way_to_listen,
}

const HOST: &str = "GUILDHALL_SERVER__HOST";
const PORT: &str = "GUILDHALL_SERVER__PORT";

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

async fn each_probe_is_answered_for_each_way_to_listen(kind: Kind) {
    let mut setup = Setup::on(kind).await.with(PORT, &free_port());
    for host in ["127.0.0.1", "0.0.0.0", "::", "::1", "localhost", "127.0.0.2"] {
        for prefix in ["", "/identity"] {
            setup = setup.with(HOST, host).with("GUILDHALL_SERVER__PATH_PREFIX", prefix);
            let before = said(&setup.run(&["healthcheck"]));
            assert_eq!(before.0, Some(1), "{host}: {before:?}");
            assert!(before.1.contains("cannot connect to"), "{host}: {before:?}");
            let mut server = Server::start(&setup);
            for probe in [&["healthcheck"][..], &["healthcheck", "ready"], &["healthcheck", "live"]] {
                assert_eq!(said(&setup.run(probe)), (Some(0), "200 OK\n".to_owned()), "{host}{prefix}: {probe:?}");
            }
            server.kill();
        }
    }
    let (code, text) = said(&setup.with(PORT, "0").run(&["healthcheck"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("server.port"), "{text}");
}

/// Over TLS it knows the service by its certificate, whatever names that has.
#[tokio::test]
async fn tls_a_unix_socket_and_the_management_port_are_asked() {
    const MANAGEMENT_PORT: &str = "GUILDHALL_SERVER__MANAGEMENT_PORT";
    let plain = async || Setup::on(Kind::Sqlite).await.with(PORT, &free_port());
    let tls = async || plain().await.with_certificate(&Certificate::generate("elsewhere.example.com"));
    let socket = tempfile::tempdir().unwrap();
    let socket = socket.path().join("guildhall.sock").display().to_string();
    let setups = [
        ("TLS", tls().await),
        ("TLS and a management port", tls().await.with(MANAGEMENT_PORT, &free_port())),
        ("a management port", plain().await.with(MANAGEMENT_PORT, &free_port())),
        ("a socket", plain().await.with("GUILDHALL_SERVER__UNIX_SOCKET", &socket)),
    ];
    for (name, setup) in setups {
        assert_eq!(said(&setup.run(&["healthcheck"])).0, Some(1), "{name}");
        let mut server = Server::start(&setup);
        for probe in ["ready", "live"] {
            assert_eq!(said(&setup.run(&["healthcheck", probe])), (Some(0), "200 OK\n".to_owned()), "{name}: {probe}");
        }
        server.kill();
    }
    let setup = tls().await;
    let _server = Server::start(&setup);
    let other = setup.with_certificate(&Certificate::generate("localhost"));
    let (code, text) = said(&other.run(&["healthcheck"]));
    assert_eq!(code, Some(1), "another has the port: {text}");
}

#[tokio::test]
async fn a_service_without_its_database_is_alive_and_not_ready() {
    let setup = Setup::on(Kind::Sqlite).await.with(PORT, &free_port());
    let _server = Server::start(&setup);
    fs::remove_file(setup.database.path().join("guildhall.db")).unwrap();
    let (code, text) = said(&setup.run(&["healthcheck", "ready"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("/health/ready says 503"), "{text}");
    assert_eq!(said(&setup.run(&["healthcheck", "live"])).0, Some(0));
}

#[tokio::test]
async fn whoever_else_listens_there_is_not_the_service() {
    /// Far more than the command waits.
    const PATIENCE: Duration = Duration::from_secs(30);
    type Peer = fn(TcpStream);
    let peers: [(&str, Peer, &str); 6] = [
        ("closes at once", drop, ""),
        ("says nothing", |mut stream| drop(stream.read_to_end(&mut Vec::new())), "no answer"),
        ("drips", drip, "no answer"),
        ("speaks another protocol", |stream| answer(stream, b"SSH-2.0-OpenSSH_9.2\r\n"), "SSH-2.0"),
        ("floods", |stream| answer(stream, &vec![b'a'; 1 << 20]), "no answer of this service"),
        ("refuses", |stream| answer(stream, b"HTTP/1.1 404 Not Found\r\n\r\n"), "404 Not Found"),
    ];
    for (name, peer, expected) in peers {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let setup = Setup::on(Kind::Sqlite).await.with(PORT, &listener.local_addr().unwrap().port().to_string());
        thread::spawn(move || listener.incoming().for_each(|stream| peer(stream.unwrap())));
        let begun = Instant::now();
        let (code, text) = said(&setup.run(&["healthcheck"]));
        assert!(begun.elapsed() < PATIENCE, "{name}");
        assert_eq!(code, Some(1), "{name}: {text}");
        assert!(text.contains(expected) && text.len() < 1000, "{name}: {text}");
    }
}

fn answer(mut stream: TcpStream, text: &[u8]) {
    // The peer may have gone.
    drop(stream.write_all(text));
}

/// A byte at a time, for longer than anybody waits.
fn drip(mut stream: TcpStream) {
    while stream.write_all(b"H").is_ok() {
        thread::sleep(Duration::from_millis(200));
    }
}
