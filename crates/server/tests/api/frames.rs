//! HTTP/2 as no well-behaved client speaks it: frame by frame, over TLS.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::TestApp;
use crate::secure::{self, Stream};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
/// What a client sends first.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Long enough for whatever has a limit.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection that is written to by hand.
pub(crate) struct Frames {
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
}

/// A frame of the server.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frames {
    /// A connection on which nothing was sent.
    pub(crate) async fn bare(app: &TestApp) -> Self {
        let stream = TcpStream::connect(app.server.address()).await.unwrap();
        let (reader, writer) = split(secure::encrypt(stream, &["h2"]).await.unwrap());
        Self { reader, writer }
    }

    /// A connection on which both sides have said their settings.
    pub(crate) async fn to(app: &TestApp) -> Self {
        Self::with_settings(app, &[]).await
    }

    /// The same, with these settings of the client.
    pub(crate) async fn with_settings(app: &TestApp, settings: &[(u16, u32)]) -> Self {
        let mut frames = Self::bare(app).await;
        let payload: Vec<_> = settings
            .iter()
            .flat_map(|(name, value)| name.to_be_bytes().into_iter().chain(value.to_be_bytes()))
            .collect();
        let first = [PREFACE, &frame(SETTINGS, 0, 0, &payload), &frame(SETTINGS, ACK, 0, &[])].concat();
        assert!(frames.send(&first).await);
        frames
    }

    /// Sends `bytes`, and says whether they were taken within a while.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        let send = async {
            self.writer.write_all(bytes).await?;
            self.writer.flush().await
        };
        timeout(Duration::from_secs(5), send).await.is_ok_and(|sent| sent.is_ok())
    }

    /// The next frame, unless the connection ends.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let read = async {
            let mut head = [0; 9];
            self.reader.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            self.reader.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            Some(Frame { kind: head[3], stream, payload })
        };
        timeout(PATIENCE, read).await.expect("the connection is open for ever")
    }

    /// The next frame of this kind, unless the connection ends.
    pub(crate) async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        loop {
            match self.next().await {
                Some(frame) if frame.kind == kind => return Some(frame),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// The error with which the connection ends, if the server says one.
    pub(crate) async fn end(&mut self) -> Option<u32> {
        let mut error = None;
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                error = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
        error
    }

    /// The status of the answer on a stream, where it is one that has a place in the static table.
    pub(crate) async fn status(&mut self, stream: u32) -> Option<u16> {
        loop {
            let frame = self.next_of(HEADERS).await?;
            if frame.stream == stream {
                return Some(status_of(&frame.payload));
            }
        }
    }
}

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// A block of headers, for a request of this path by `GET` or `POST`.
pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let method = if method == "POST" { 0x83 } else { 0x82 };
    // Of the static table: the method, the scheme https, and the names of the path and the authority.
    let mut block = vec![method, 0x87, 0x04];
    block.extend(literal(path));
    block.push(0x01);
    block.extend(literal("localhost"));
    for (name, value) in headers {
        block.push(0);
        block.extend(literal(name));
        block.extend(literal(value));
    }
    block
}

fn literal(text: &str) -> Vec<u8> {
    // A length of seven bits, then groups of seven, the last without the top bit.
    let mut bytes = Vec::new();
    match text.len() {
        short @ 0..127 => bytes.push(u8::try_from(short).unwrap()),
        long => {
            bytes.push(127);
            let mut rest = long - 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
    }
    bytes.extend(text.as_bytes());
    bytes
}

/// The status at the beginning of a block of headers.
fn status_of(block: &[u8]) -> u16 {
    // Updates of the size of the table may come first.
    let start = block.iter().position(|byte| byte >> 5 != 1).unwrap();
    match block[start] {
        0x88 => 200,
        0x89 => 204,
        0x8a => 206,
        0x8b => 304,
        0x8c => 400,
        0x8d => 404,
        0x8e => 500,
        _ => {
            let length = usize::from(block[start + 1] & 127);
            let value = &block[start + 2..start + 2 + length];
            if block[start + 1] & 128 == 0 { str::from_utf8(value).unwrap().parse().unwrap() } else { digits(value) }
        }
    }
}

/// The digits of a text in the code of Huffman of HPACK, in which 0 to 2 have five bits and 3 to 9 six.
fn digits(coded: &[u8]) -> u16 {
    let bits: Vec<_> = coded.iter().map(|byte| format!("{byte:08b}")).collect();
    let bits = bits.concat();
    let (mut rest, mut number) = (bits.as_str(), 0);
    for _ in 0..3 {
        let five = u16::from_str_radix(&rest[..5], 2).unwrap();
        let (digit, length) =
            if five < 3 { (five, 5) } else { (u16::from_str_radix(&rest[..6], 2).unwrap() - 0b01_1001 + 3, 6) };
        number = number * 10 + digit;
        rest = &rest[length..];
    }
    number
}
