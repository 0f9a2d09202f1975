//! TLS as clients of other makes speak it, and as nobody should.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::answer::Answer;
use crate::app::{Setup, TestApp, Transport};
use crate::database::Kind;
use crate::http2::encrypted;
use crate::secure;
use crate::waiting::until;

/// What is added to every limit on a busy machine.
const MARGIN: Duration = Duration::from_secs(8);
/// Clients of old versions must allow themselves what their libraries no longer do.
const OLD_CIPHERS: [&str; 2] = ["-cipher", "ALL@SECLEVEL=0"];

fn curl(app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let [certificate, _] = app.setup.tls_files();
    let url = format!("{}/health/live", app.server.url.replace("127.0.0.1", "localhost"));
    let output = Command::new("curl")
        .args(["-sS", "-i", "--cacert", certificate.to_str().unwrap()])
        .args(arguments)
        .arg(url)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn curl_is_answered_by_http_2_and_by_http_1() {
    let app = encrypted().await;
    for (arguments, line) in [(&[][..], "HTTP/2 200"), (&["--http1.1"], "HTTP/1.1 200"), (&["--http2"], "HTTP/2 200")] {
        let (is_good, said) = curl(&app, arguments);
        assert!(is_good && said.starts_with(line) && said.ends_with(r#"{"status":"ok"}"#), "{said}");
        assert!(said.contains("strict-transport-security: max-age=31536000\r\n"), "{said}");
        assert!(!said.to_lowercase().contains("set-cookie"), "{said}");
    }
    for (arguments, is_taken) in [
        (&["--tls-max", "1.2"][..], true),
        (&["--tlsv1.3"], true),
        (&["--tlsv1.0", "--tls-max", "1.1", "--ciphers", OLD_CIPHERS[1]], false),
    ] {
        assert_eq!(curl(&app, arguments).0, is_taken, "{arguments:?}");
    }
}

#[tokio::test]
async fn without_tls_browsers_are_not_told_to_come_by_https() {
    let app = TestApp::on(Kind::Sqlite).await;
    let answer = Answer::to(app.client.get(format!("{}/health/live", app.server.url))).await.is(200);
    assert!(!answer.headers.contains_key("strict-transport-security"), "{answer:?}");
}

#[tokio::test]
async fn every_answer_over_tls_says_to_come_by_https() {
    let app = encrypted().await;
    for request in [
        "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n",
        "nonsense\r\n\r\n",
        "POST /nothing HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n",
    ] {
        let mut wire = crate::socket::Wire::to(&app);
        wire.send(request);
        let head = wire.read_until("\r\n\r\n");
        assert!(head.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), "{request}: {head}");
    }
}

#[tokio::test]
async fn only_versions_1_2_and_1_3_are_spoken() {
    let app = encrypted().await;
    for (version, is_taken) in [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        let output = Command::new("openssl")
            .args(["s_client", "-connect", app.server.address(), version])
            .args(OLD_CIPHERS)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.success(), is_taken, "{version}: {said}");
        // It is the server that refuses, and not the client.
        assert_eq!(said.contains(":SSL alert number "), !is_taken, "{version}: {said}");
    }
}

#[tokio::test]
async fn whoever_does_not_speak_tls_gets_no_answer() {
    let app = encrypted().await;
    for text in ["GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n", "\0\0\0\0\0\0\0\0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(app.server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{text}: {answer:?}");
    }
}

/// The beginning of a handshake: a record of 500 bytes, of which few come.
const UNFINISHED: [u8; 7] = [22, 3, 1, 1, 244, 1, 0];

#[tokio::test]
async fn a_handshake_that_does_not_end_has_its_time_and_counts_as_a_connection() {
    let app = Setup::on(Kind::Sqlite)
        .await
        .speaking(Transport::Tls)
        .with("GUILDHALL_SERVER__MAX_CONNECTIONS_PER_ADDRESS", "30")
        .start();
    let begun = Instant::now();
    let open = |sends: &[u8]| {
        let mut stream = TcpStream::connect(app.server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(sends).unwrap();
        stream
    };
    let mut silent = open(b"");
    let held: Vec<_> = (0..30).map(|_| open(&UNFINISHED)).collect();
    let full = |path: &str| app.client.get(format!("{}{path}", app.server.url));
    assert_eq!(Answer::to(full("/health/ready")).await.status, 503);
    assert_eq!(Answer::to(full("/health/live")).await.status, 200);
    for mut stream in held {
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let _ = silent.read_to_end(&mut Vec::new());
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(9) && took < Duration::from_secs(11) + MARGIN, "{took:?}");
    // By another client, because the connection of this one had its place beyond the limit.
    let ask = async || secure::client().get(format!("{}/health/ready", app.server.url)).send().await;
    until("others are answered", async || ask().await.is_ok_and(|response| response.status() == 200)).await;
}

#[tokio::test]
async fn journeys_work_with_tls_1_2_and_1_3_and_are_resumed() {
    let app = encrypted().await;
    for version in ["-tls1_2", "-tls1_3"] {
        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("session");
        let connect = |option: &str| {
            let mut client = Command::new("openssl")
                .args(["s_client", "-connect", app.server.address(), version, option, session.to_str().unwrap()])
                .args(["-alpn", "http/1.1", "-ign_eof"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut input = client.stdin.take().unwrap();
            input.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
            let said = String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap();
            assert!(said.contains("HTTP/1.1 200 OK"), "{version}: {said}");
            said
        };
        assert!(connect("-sess_out").contains("\nNew, "));
        assert!(connect("-sess_in").contains("\nReused, "), "{version}");
    }
}
