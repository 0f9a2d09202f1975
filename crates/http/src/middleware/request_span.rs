//! The span of a request: what every line of the log about it says.

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

/// The most characters of a path in the log. The service reads paths of any length that fits a head.
const LONGEST_PATH: usize = 200;
/// The most characters of a method in the log: more than any that means something.
const LONGEST_METHOD: usize = 20;
/// The most characters of a name in the log: as many as a name has.
pub(crate) const LONGEST_NAME: usize = 255;

tokio::task_local! {
    static CURRENT: Arc<RequestSpan>;
}

/// The span of one request, which learns once who calls.
pub(crate) struct RequestSpan {
    id: Uuid,
    span: Span,
    address: Option<IpAddr>,
    is_identified: AtomicBool,
}

impl RequestSpan {
    /// The span of a request from `address`, which is answered by the route with the template `route`.
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

    /// The span of the request that this task answers.
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

    /// Makes this the span of the request that `answering` answers.
    pub(crate) async fn around<F: Future>(self: Arc<Self>, answering: F) -> F::Output {
        let span = self.span.clone();
        CURRENT.scope(self, answering).instrument(span).await
    }

    /// Runs `work` in the span, on any thread.
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }

    /// Says who calls, as a use case found out.
    pub(crate) fn identify(&self, admission: &Admission) {
        self.record(admission.user, Some(&admission.username), admission.api_key);
    }

    /// Says who has just signed in.
    pub(crate) fn identify_by_sign_in(&self, user: UserId, api_key: Option<ApiKeyId>) {
        self.record(user, None, api_key);
    }

    /// Once only: the formatter for text would write the fields again.
    fn record(&self, user: UserId, username: Option<&str>, api_key: Option<ApiKeyId>) {
        if !self.is_identified.swap(true, Ordering::Relaxed) {
            let username = username.map(|name| excerpt(name, LONGEST_NAME));
            record_all!(self.span, caller_id = %user, caller = username, api_key = api_key.map(display));
        }
    }
}

/// The first characters of a text that whoever calls can make as long as they like.
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
