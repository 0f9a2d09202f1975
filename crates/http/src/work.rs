//! The only place where use cases, which block, are run: on the threads of a lane.

mod change;
mod lanes;
pub(crate) mod shares;
mod switches;
mod together;
mod workers;

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};

use guildhall_domain::access::Actor;
use guildhall_domain::audit::AuditNote;
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::directory::Directory;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::Cancellation;
use tokio::sync::oneshot;
use tracing::{Span, info_span};

use crate::Api;
use crate::extract::client_address::network;
use crate::middleware::audit;
use crate::middleware::request_span::{RequestSpan, SPANS};
use crate::respond::problem::Problem;
use together::check_together;
use workers::Weight;

pub(crate) use change::{Call, Change, ChangeRequest};
pub use lanes::LaneSizes;
pub(crate) use lanes::{Lane, Lanes};
pub(crate) use together::Gathering;

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
    let kind = type_of(&work);
    run_as(api, lane, actor, kind, work).await
}

/// The same, where the span is that of a closure of the type `kind`.
async fn run_as<T, E>(
    api: &Api,
    lane: Lane,
    actor: impl Into<Actor>,
    kind: &'static str,
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
        let context = context(&own, actor, &span).with_cancellation(cancelled);
        let outcome = span.in_scope(|| {
            let outcome = use_case(kind, lane).in_scope(|| outcome(|| work(&own, &context)));
            report(&own, &span, &context, outcome.as_ref().err());
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

/// Runs a use case that reads few rows: at once on this thread, if the API has a directory that answers at once; otherwise, or if that
/// gave no answer, on a thread of the lane `Read`.
pub(crate) async fn run_at_once<T, E>(
    api: &Api,
    actor: impl Into<Actor>,
    work: impl Fn(&Directory, &Context) -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    Problem: From<E>,
{
    let (actor, kind) = (actor.into(), type_of(&work));
    if let Some(directory) = &api.at_once {
        let span = RequestSpan::current();
        let context = context(api, actor.clone(), &span);
        let outcome = use_case(kind, Lane::Read).in_scope(|| outcome(|| work(directory, &context)));
        // What went wrong is found out, and told, by the directory that may wait.
        if !outcome.as_ref().is_err_and(Problem::is_server_error) {
            report(api, &span, &context, outcome.as_ref().err());
            return outcome;
        }
    }
    run_as(api, Lane::Read, actor, kind, move |api, context| work(&api.directory, context)).await
}

/// Whether `user` is in `group`, in itself or by a group below: together with other checks, if the API asks them together.
pub(crate) async fn run_check(
    api: &Api,
    actor: impl Into<Actor>,
    group: GroupIdentifier,
    user: UserIdentifier,
) -> Result<bool, Problem> {
    match &api.together {
        Some(gathering) => check_together(api, gathering, actor.into(), group, user).await,
        None => run_at_once(api, actor, move |directory, context| directory.is_member(context, &group, &user)).await,
    }
}

/// The context of a call of this request.
fn context(api: &Api, actor: Actor, span: &RequestSpan) -> Context {
    Context::new(actor, api.clock.now(), span.id(), Origin::Api).from_address(span.address().map(network))
}

fn outcome<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<T, Problem>
where
    Problem: From<E>,
{
    catch_unwind(AssertUnwindSafe(|| work().map_err(Problem::from)))
        .unwrap_or_else(|_| Err(Problem::unexpected("the work panicked")))
}

/// The span of a use case, which is exported. `work` is the type of the closure that runs it.
fn use_case(work: &'static str, lane: Lane) -> Span {
    info_span!(target: SPANS, "use case", otel.name = function_of(work), guildhall.lane = lane.name())
}

/// The type of the closure `work`, which names the function that it is written in.
fn type_of<W>(_work: &W) -> &'static str {
    type_name::<W>()
}

/// The path of the function of this crate that a closure of this type is written in: `security::groups::handlers::create`.
fn function_of(closure: &'static str) -> &'static str {
    let path = closure.split_once("::").map_or(closure, |(_, path)| path);
    path.find("::{{closure}}").and_then(|end| path.get(..end)).unwrap_or(path)
}

/// Logs the caller and the audit notes of the request, and counts locks, also when the client has disconnected.
fn report(api: &Api, span: &RequestSpan, context: &Context, problem: Option<&Problem>) {
    if let Some(admission) = context.admission() {
        span.identify(admission);
    }
    for note in context.take_notes() {
        if matches!(note, AuditNote::Locked { .. }) {
            api.metrics.account_locks.inc();
        }
        audit::report(&note);
    }
    if let Some(problem) = problem {
        audit::report_if_denied(problem);
    }
}
