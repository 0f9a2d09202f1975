//! The only place where use cases, which block, are run: on the threads of a lane.

mod lanes;
pub(crate) mod shares;
mod workers;

use std::panic::{AssertUnwindSafe, catch_unwind};

use guildhall_domain::access::Actor;
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::ports::Cancellation;
use tokio::sync::oneshot;

use crate::Api;
use crate::extract::client_address::network;
use crate::middleware::audit;
use crate::middleware::request_span::RequestSpan;
use crate::respond::problem::Problem;
use workers::Weight;

pub use lanes::LaneSizes;
pub(crate) use lanes::{Lane, Lanes};

/// Cancels the work when the future of its request is dropped.
struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs whole use cases of one request on a thread of `lane`, inside the current span. `work` gets the context of the call, whose
/// time is that at which the work begins. A panic becomes a 500. If the client disconnects, queued work is skipped, and reading is
/// cancelled.
pub(crate) async fn run<T, E>(
    api: &Api,
    lane: Lane,
    actor: impl Into<Actor>,
    work: impl FnOnce(&Api, &Context) -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    Problem: From<E>,
{
    let (own, actor, span) = (api.clone(), actor.into(), RequestSpan::current());
    let cancellation = Cancellation::new();
    let share = api.lanes.share(lane, span.address()).map_err(Problem::unavailable)?;
    let (answer, answered) = oneshot::channel();
    let cancelled = cancellation.clone();
    let job = move || {
        let _share = share;
        if cancelled.is_cancelled() {
            return;
        }
        let context = Context::new(actor, own.clock.now(), span.id(), Origin::Api)
            .from_address(span.address().map(network))
            .with_cancellation(cancelled);
        let outcome = span.in_scope(|| {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&own, &context).map_err(Problem::from)))
                .unwrap_or_else(|_| Err(Problem::unexpected("the work panicked")));
            report(&span, &context, outcome.as_ref().err());
            outcome
        });
        // The receiver is gone if the client has disconnected.
        let _ = answer.send(outcome);
    };
    let weight = if lane == Lane::Heavy { Weight::Heavy } else { Weight::Ordinary };
    api.lanes.workers(lane).submit(weight, job).map_err(Problem::unavailable)?;
    let cancel = CancelOnDrop(cancellation);
    let outcome = answered.await;
    drop(cancel);
    outcome.unwrap_or_else(|_| Err(Problem::unexpected("the work was dropped")))
}

/// Logs the caller and the audit notes of the request, also when the client has disconnected.
fn report(span: &RequestSpan, context: &Context, problem: Option<&Problem>) {
    if let Some(admission) = context.admission() {
        span.identify(admission);
    }
    for note in context.take_notes() {
        audit::report(&note);
    }
    if let Some(problem) = problem {
        audit::report_if_denied(problem);
    }
}
