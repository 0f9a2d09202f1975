//! The tracing span of a request: the fields of all its log lines.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::Method;
use guildhall_domain::access::Admission;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::user::UserId;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span, record_all};
use uuid::Uuid;

/// The most characters of a path in the log; a path may be as long as a head.
const LONGEST_PATH: usize = 200;
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
    address: Option<IpAddr>,
    is_identified: AtomicBool,
}

impl RequestSpan {
    /// The span of a request from `address` that matched the template `route`.
    pub(crate) fn new(
        id: Uuid,
        method: &Method,
        path: &str,
        route: Option<&'static str>,
        address: Option<IpAddr>,
    ) -> Arc<Self> {
        let span = info_span!(
            "request",
            request_id = %id,
            method = %excerpt(method.as_str(), LONGEST_METHOD),
            route,
            path = excerpt(path, LONGEST_PATH),
            address = address.map(display),
            caller_id = Empty,
            caller = Empty,
            api_key = Empty,
        );
        Arc::new(Self { id, span, address, is_identified: AtomicBool::new(false) })
    }

    /// The span of the request of this task.
    pub(crate) fn current() -> Arc<Self> {
        let outside = || {
            Arc::new(Self {
                id: Uuid::nil(),
                span: Span::current(),
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
        let span = self.span.clone();
        CURRENT.scope(self, answering).instrument(span).await
    }

    /// Runs `work` in the span; for threads outside the task.
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
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
