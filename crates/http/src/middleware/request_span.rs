//! The tracing span of a request: the fields of all its log lines.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_http::RequestHead;
use actix_web::http::StatusCode;
use actix_web::http::Version;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use guildhall_domain::access::Admission;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::user::UserId;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span, record_all};
use uuid::Uuid;

use super::trace_context::TraceContext;
use crate::Api;
use crate::routes::path_match::PathMatch;

/// The target of the spans of this crate that are exported. The log has spans of its own, of which none is exported: they say who called.
pub const SPANS: &str = "guildhall_http::spans";

/// The most characters of a path in the log; a path may be as long as a head.
const LONGEST_PATH: usize = 200;
/// The most characters of a user agent in the log.
const LONGEST_AGENT: usize = 200;
/// The most characters of a method in the log, longer than any known method.
const LONGEST_METHOD: usize = 20;
/// The most characters of a name in the log, the same as the limit of a name.
pub(crate) const LONGEST_NAME: usize = 255;

tokio::task_local! {
    static CURRENT: Arc<RequestSpan>;
}

/// The span of one request. The caller is recorded once, when known.
pub(crate) struct RequestSpan {
    id: Uuid,
    span: Span,
    /// The span that is exported, if traces are.
    exported: Span,
    /// The context of the exported span, or else that of the caller.
    context: Option<TraceContext>,
    address: Option<IpAddr>,
    is_identified: AtomicBool,
}

impl RequestSpan {
    /// The span of the request with this head from `address`, which matched `path`.
    pub(crate) fn new(
        api: &Api,
        id: Uuid,
        head: &RequestHead,
        path: Option<&PathMatch>,
        address: Option<IpAddr>,
    ) -> Arc<Self> {
        let (method, route) = (excerpt(head.method.as_str(), LONGEST_METHOD), path.map(PathMatch::template));
        let parent = TraceContext::of(head.headers());
        let (exported, context) = match &api.traces {
            None => (Span::none(), parent),
            Some(traces) => {
                let exported = exported(id, &method, route, head.version);
                let context = traces.join(&exported, parent);
                (exported, context.or(parent))
            }
        };
        let span = info_span!(
            "request",
            request_id = %id,
            trace_id = context.map(|context| display(context.trace_id())),
            method = %method,
            route,
            path = excerpt(head.uri.path(), LONGEST_PATH),
            address = address.map(display),
            user_agent = user_agent(head.headers()),
            caller_id = Empty,
            caller = Empty,
            api_key = Empty,
        );
        Arc::new(Self { id, span, exported, context, address, is_identified: AtomicBool::new(false) })
    }

    /// The span of the request of this task.
    pub(crate) fn current() -> Arc<Self> {
        let outside = || {
            Arc::new(Self {
                id: Uuid::nil(),
                span: Span::current(),
                exported: Span::none(),
                context: None,
                address: None,
                is_identified: AtomicBool::new(true),
            })
        };
        CURRENT.try_with(Arc::clone).unwrap_or_else(|_| outside())
    }

    /// The id of the request.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// The client's address, where the request came through a socket.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Runs `answering` in this span.
    pub(crate) async fn around<F: Future>(self: Arc<Self>, answering: F) -> F::Output {
        let (span, exported) = (self.span.clone(), self.exported.clone());
        let answering = CURRENT.scope(self, answering).instrument(span);
        if exported.is_none() { answering.await } else { answering.instrument(exported).await }
    }

    /// Runs `work` in the span; for threads outside the task.
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.exported.in_scope(|| self.span.in_scope(work))
    }

    /// Says in the exported span what was answered.
    pub(crate) fn answered(&self, status: StatusCode) {
        if !self.exported.is_none() {
            self.exported.record("http.response.status_code", status.as_u16());
            if status.is_server_error() {
                self.exported.record("otel.status_code", "ERROR");
            }
        }
    }

    /// The context of the exported span, for the client.
    pub(crate) fn answered_in(&self) -> Option<HeaderValue> {
        let context = self.context.filter(|_| !self.exported.is_none())?;
        HeaderValue::try_from(context.to_string()).ok()
    }

    /// Records the caller that a use case admitted.
    pub(crate) fn identify(&self, admission: &Admission) {
        self.record(admission.user, Some(&admission.username), admission.api_key);
    }

    /// Records the user who has just signed in.
    pub(crate) fn identify_by_sign_in(&self, user: UserId, api_key: Option<ApiKeyId>) {
        self.record(user, None, api_key);
    }

    /// Records once only, because the text formatter would repeat the fields.
    fn record(&self, user: UserId, username: Option<&str>, api_key: Option<ApiKeyId>) {
        if !self.is_identified.swap(true, Ordering::Relaxed) {
            let username = username.map(|name| excerpt(name, LONGEST_NAME));
            record_all!(self.span, caller_id = %user, caller = username, api_key = api_key.map(display));
        }
    }
}

/// The span that is exported, named as OpenTelemetry asks (HTTP semantic conventions). It has nothing that says who called, and of what was called
/// the template alone.
fn exported(id: Uuid, method: &str, route: Option<&'static str>, version: Version) -> Span {
    let name = fmt::from_fn(|formatter| match route {
        Some(route) => write!(formatter, "{method} {route}"),
        None => formatter.write_str(method),
    });
    info_span!(
        target: SPANS,
        "request",
        otel.name = %name,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        network.protocol.version = network_version(version),
        guildhall.request_id = %id,
    )
}

fn network_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// What the client says of itself.
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT)?;
    Some(excerpt(&String::from_utf8_lossy(agent.as_bytes()), LONGEST_AGENT))
}

/// The first `most` characters of a text from a client, for the log.
pub(crate) fn excerpt(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(["", "äöü", "äöüß"].map(|text| excerpt(text, 3)), ["", "äöü", "äöü…"]);
    }
}
