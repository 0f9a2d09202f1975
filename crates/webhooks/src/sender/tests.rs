//! Attempts over real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender as Channel, channel};
use std::thread;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::NextTimeout;
use uuid::Uuid;

use super::*;

/// A name that leads to other addresses each time it is asked about, first to the last of these.
#[derive(Debug)]
struct Names(Mutex<Vec<Vec<SocketAddr>>>);

impl Resolver for Names {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        for address in self.0.lock().unwrap().pop().unwrap_or_default() {
            found.push(address);
        }
        if found.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(found) }
    }
}

/// What a receiver got: the number of the connection, the head and the body of a request.
type Got = (usize, String, String);

/// A receiver at `host` that sends `response` to each request, and hangs up after it where that says `close`.
fn receiver(host: &str, response: &'static str) -> (SocketAddr, Receiver<Got>) {
    let listener = TcpListener::bind((host, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sent, got) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let sent = sent.clone();
            thread::spawn(move || serve(number, &stream.unwrap(), response, &sent));
        }
    });
    (address, got)
}

fn serve(number: usize, stream: &TcpStream, response: &str, sent: &Channel<Got>) {
    let mut reader = BufReader::new(stream);
    loop {
        let lines: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let head = lines.join("\n").to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let Some(length) = length else { return };
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        // The test may be over.
        _ = sent.send((number, head, String::from_utf8(body).unwrap()));
        if response.is_empty() || (&mut &*stream).write_all(response.as_bytes()).is_err() || response.contains("close")
        {
            return;
        }
    }
}

const SECRET: [WebhookSecret; 1] = [WebhookSecret([7; 32])];

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

/// A sender that may send to this network.
fn sender(network: &str, names: impl Resolver) -> Sender {
    let rules = DestinationRules { allow_http: true, allowed_networks: vec![network.parse().unwrap()] };
    Sender::with(&Arc::new(rules), &[], names, Duration::from_millis(700))
}

fn post(sender: &Sender, url: &str) -> Result<(u16, Option<Duration>), String> {
    let url = WebhookUrl::try_from(url.to_owned()).unwrap();
    let event = EventId(Uuid::from_u128(5));
    sender.request(&url, (event, "{\"a\":\"ü\"}"), &SECRET, at(1_700_000_000_999))
}

#[test]
fn an_event_arrives_as_standard_webhooks_says() {
    let (address, got) = receiver("127.0.0.1", "HTTP/1.1 204 No Content\r\n\r\n");
    let sender = sender("127.0.0.0/8", DefaultResolver::default());
    let url = format!("http://{address}/in?a=b");
    for _ in 0..3 {
        assert_eq!(post(&sender, &url), Ok((204, None)));
    }
    let all: Vec<Got> = got.try_iter().collect();
    let (_, head, body) = &all[0];
    assert_eq!(body, "{\"a\":\"ü\"}");
    assert!(head.starts_with("post /in?a=b http/1.1\n"), "{head}");
    let signature = signatures(&SECRET, &Uuid::from_u128(5).to_string(), 1_700_000_000, body).to_ascii_lowercase();
    for line in [
        "webhook-id: 00000000-0000-0000-0000-000000000005",
        "webhook-timestamp: 1700000000",
        &format!("webhook-signature: {signature}"),
        "content-type: application/cloudevents+json; charset=utf-8",
    ] {
        assert!(head.lines().any(|got| got == line), "{line}: {head}");
    }
    // All on one connection.
    assert_eq!(all.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [0, 0, 0]);
}

#[test]
fn redirects_are_not_followed() {
    let (elsewhere, got) = receiver("127.0.0.1", "HTTP/1.1 204 No Content\r\n\r\n");
    let redirect =
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\n\r\n");
    let (address, _got) = receiver("127.0.0.1", redirect.leak());
    let sender = sender("127.0.0.0/8", DefaultResolver::default());
    assert_eq!(post(&sender, &format!("http://{address}/")), Ok((307, None)));
    assert_eq!(got.try_iter().count(), 0);
}

#[test]
fn answers_are_read_for_their_status_alone() {
    let endless = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nbegin";
    let busy = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 90\r\nContent-Length: 4\r\n\r\nbusy";
    for (response, expected) in [(endless, (200, None)), (busy, (503, Some(Duration::from_secs(90))))] {
        let (address, _got) = receiver("127.0.0.1", response);
        let sender = sender("127.0.0.0/8", DefaultResolver::default());
        assert_eq!(post(&sender, &format!("http://{address}/")), Ok(expected));
    }
}

#[test]
fn a_receiver_that_is_silent_hangs_up_or_is_away_fails_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (hangs_up, _got) = receiver("127.0.0.1", "");
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sender = sender("127.0.0.0/8", DefaultResolver::default());
    for (address, expected) in [(silent.local_addr().unwrap(), "timeout"), (hangs_up, ""), (away, "refused")] {
        let began = Instant::now();
        let error = post(&sender, &format!("http://{address}/")).unwrap_err();
        assert!(error.to_lowercase().contains(expected), "{error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{error}");
    }
}

/// The name leads to an address that may be sent to when the webhook is made and the first event is sent, and to another one later.
#[test]
fn a_name_that_leads_elsewhere_later_is_refused_then() {
    let (good, got) = receiver("127.0.0.1", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let (bad, nothing) = receiver("127.0.0.2", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let mapped: SocketAddr = format!("[::ffff:127.0.0.2]:{}", bad.port()).parse().unwrap();
    let names = Names(Mutex::new(vec![vec![bad, good], vec![mapped], vec![bad], vec![good]]));
    let sender = sender("127.0.0.1/32", names);
    let url = "http://hooks.example/";
    assert_eq!(post(&sender, url), Ok((200, None)));
    for address in ["127.0.0.2", "::ffff:127.0.0.2"] {
        let error = post(&sender, url).unwrap_err();
        assert!(error.contains(&format!("leads to {address}, which is no public address")), "{error}");
    }
    // Of several addresses those are left out that may not be sent to.
    assert_eq!(post(&sender, url), Ok((200, None)));
    assert_eq!((got.try_iter().count(), nothing.try_iter().count()), (2, 0));
}

#[test]
fn addresses_that_are_not_public_are_refused_in_every_form() {
    let (address, got) = receiver("127.0.0.1", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let rules = Arc::new(DestinationRules { allow_http: true, allowed_networks: Vec::new() });
    let sender = Sender::with(&rules, &[], DefaultResolver::default(), Duration::from_secs(2));
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[::]", "0.0.0.0"] {
        let error = post(&sender, &format!("http://{host}:{}/", address.port())).unwrap_err();
        assert!(error.contains("public"), "{host}: {error}");
    }
    assert_eq!(got.try_iter().count(), 0);
    let encrypted = Sender::with(&Arc::default(), &[], DefaultResolver::default(), Duration::from_secs(2));
    assert_eq!(post(&encrypted, "http://8.8.8.8/"), Err("the URL must begin with https://".to_owned()));
}

#[test]
fn nothing_is_sent_unsigned() {
    let sender = sender("127.0.0.0/8", DefaultResolver::default());
    let url = WebhookUrl::try_from("http://127.0.0.1:9/".to_owned()).unwrap();
    let refused = sender.request(&url, (EventId(Uuid::nil()), "{}"), &[], at(0)).unwrap_err();
    assert!(refused.contains("rotate"), "{refused}");
}
