//! Sign-ins, by grant and outcome.

use std::sync::Arc;

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use prometheus::core::Collector;
use prometheus::{IntCounter, IntCounterVec, Opts};

use crate::respond::problem::Problem;

/// By what somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInKind {
    /// A request for a token whose grant could not be read.
    Unreadable,
    Password,
    Client,
    Refresh,
    /// A token of an external issuer that was issued later than any seen before.
    External,
}

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Refused,
    Throttled,
    /// It could not be decided, because the service could not do its work.
    Failed,
    /// Nobody decided it: the client had left, or there was no thread for it.
    Undecided,
}

const KINDS: [SignInKind; 5] =
    [SignInKind::Unreadable, SignInKind::Password, SignInKind::Client, SignInKind::Refresh, SignInKind::External];
const OUTCOMES: [Outcome; 5] =
    [Outcome::Accepted, Outcome::Refused, Outcome::Throttled, Outcome::Failed, Outcome::Undecided];

impl SignInKind {
    fn label(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Password => "password",
            Self::Client => "client",
            Self::Refresh => "refresh",
            Self::External => "external",
        }
    }
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Undecided => "undecided",
        }
    }

    fn of(problem: &Problem) -> Self {
        match problem.status_code() {
            StatusCode::TOO_MANY_REQUESTS => Self::Throttled,
            status if status.is_server_error() => Self::Failed,
            _ => Self::Refused,
        }
    }
}

/// The counters of all kinds and outcomes.
pub(crate) struct SignInMetrics {
    all: IntCounterVec,
    counters: Arc<Vec<IntCounter>>,
}

/// A sign-in that is counted once, when this is dropped: also on the thread that does it for a client that has left.
pub(crate) struct SignIn {
    counters: Arc<Vec<IntCounter>>,
    kind: SignInKind,
    outcome: Outcome,
}

impl SignInMetrics {
    pub(super) fn new() -> prometheus::Result<Self> {
        let all = IntCounterVec::new(
            Opts::new("guildhall_sign_ins_total", "Sign-ins, by what was shown and how they ended"),
            &["grant", "outcome"],
        )?;
        let pairs = KINDS.iter().flat_map(|kind| OUTCOMES.iter().map(move |outcome| [kind.label(), outcome.label()]));
        let counters = pairs.map(|pair| all.get_metric_with_label_values(&pair)).collect::<Result<_, _>>()?;
        Ok(Self { all, counters: Arc::new(counters) })
    }

    pub(super) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.all.clone())]
    }

    /// Begins a sign-in.
    pub(crate) fn begin(&self, kind: SignInKind) -> SignIn {
        SignIn { counters: Arc::clone(&self.counters), kind, outcome: Outcome::Undecided }
    }
}

impl SignIn {
    /// Says by what it is, once that was read.
    pub(crate) fn is_by(&mut self, kind: SignInKind) {
        self.kind = kind;
    }

    /// Says that it was refused before it was decided.
    pub(crate) fn refused(&mut self, problem: &Problem) {
        self.outcome = Outcome::of(problem);
    }

    /// The same outcome, noted.
    pub(crate) fn settle<T>(mut self, outcome: Result<T, Problem>) -> Result<T, Problem> {
        self.outcome = outcome.as_ref().map_or_else(Outcome::of, |_| Outcome::Accepted);
        outcome
    }
}

impl Drop for SignIn {
    fn drop(&mut self) {
        let place = self.kind as usize * OUTCOMES.len() + self.outcome as usize;
        if let Some(counter) = self.counters.get(place) {
            counter.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KINDS, OUTCOMES, SignInKind, SignInMetrics};
    use crate::respond::problem::Problem;

    #[test]
    fn every_outcome_is_counted_once_under_its_own_name() {
        for (place, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
        for (place, outcome) in OUTCOMES.into_iter().enumerate() {
            assert_eq!(outcome as usize, place);
        }
        let metrics = SignInMetrics::new().unwrap();
        let problems = [
            None,
            Some(Problem::oauth("invalid_grant")),
            Some(Problem::too_many_requests(1)),
            Some(Problem::unavailable("away")),
        ];
        for problem in problems {
            let outcome = problem.map_or(Ok(()), Err);
            let _ = metrics.begin(SignInKind::Client).settle(outcome);
        }
        drop(metrics.begin(SignInKind::Password));
        for (grant, outcome, expected) in [
            ("client", "accepted", 1),
            ("client", "refused", 1),
            ("client", "throttled", 1),
            ("client", "failed", 1),
            ("client", "undecided", 0),
            ("password", "undecided", 1),
            ("password", "accepted", 0),
        ] {
            let counter = metrics.all.get_metric_with_label_values(&[grant, outcome]).unwrap();
            assert_eq!(counter.get(), expected, "{grant} {outcome}");
        }
    }
}
