//! A collector that takes spans by OTLP over HTTP, and decodes them by the types of the protocol.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message as _;

/// A safety net: what is waited for comes, or the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A span as it was exported.
#[derive(Clone, Debug)]
pub(crate) struct Exported {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) kind: i32,
    /// 2 is an error.
    pub(crate) status: i32,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) resource: BTreeMap<String, String>,
    /// The header `authorization` of the request that brought it.
    pub(crate) authorization: Option<String>,
}

/// The collector. It listens until the test ends.
pub(crate) struct Collector {
    pub(crate) url: String,
    spans: Arc<Mutex<Vec<Exported>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&spans);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || while take(&stream, &kept).is_some() {});
            }
        });
        Self { url, spans }
    }

    /// All spans that were taken so far.
    pub(crate) fn spans(&self) -> Vec<Exported> {
        self.spans.lock().unwrap().clone()
    }

    /// The spans of this trace, once there is one without a parent among them, or with this one: it ends last.
    pub(crate) async fn trace(&self, trace: &str, root_parent: &str) -> Vec<Exported> {
        let begun = Instant::now();
        loop {
            let spans: Vec<_> = self.spans().into_iter().filter(|span| span.trace == trace).collect();
            if spans.iter().any(|span| span.parent == root_parent) {
                return spans;
            }
            assert!(begun.elapsed() < PATIENCE, "the trace {trace} does not come: {:?}", self.spans());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Takes one request, and answers it.
fn take(stream: &TcpStream, kept: &Mutex<Vec<Exported>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    let mut first = String::new();
    let mut authorization = None;
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let header = line.trim_end().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if header.starts_with("authorization:") {
            authorization = line.split_once(':').map(|(_, value)| value.trim().to_owned());
        }
        if header.starts_with("content-type:") {
            assert_eq!(header, "content-type: application/x-protobuf");
        }
        if header.is_empty() {
            break;
        }
        if first.is_empty() {
            first = header;
        }
    }
    assert_eq!(first, "post /v1/traces http/1.1");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let mut spans = Vec::new();
    for resource in request.resource_spans {
        let attributes = read(resource.resource.unwrap_or_default().attributes);
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(Exported {
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind,
                status: span.status.map(|status| status.code).unwrap_or_default(),
                attributes: read(span.attributes),
                resource: attributes.clone(),
                authorization: authorization.clone(),
            });
        }
    }
    kept.lock().unwrap().extend(spans);
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n", answer.len());
    let mut stream = stream;
    stream.write_all(&[head.as_bytes(), &answer].concat()).ok()
}

fn read(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
