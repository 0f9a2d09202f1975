//! Where blocking happens, and nowhere else: whole use cases, each in the lane of its kind.

pub(crate) mod shares;
mod workers;

use std::io;
use std::net::IpAddr;
use std::num::NonZeroUsize;
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
use crate::work::shares::{Share, ShareExhausted, Shares};
use crate::work::workers::{Priority, Weight, Workers};

/// Which threads do some work. No kind of work can take the threads of another, nor all connections to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Reads a few rows: checks, single items, readiness.
    Read,
    /// Changes a few rows.
    Write,
    /// Reads or changes many rows: listings, searches, bulk changes.
    Long,
    /// Searches that may compare every row with very much. They are done by the threads of `Long`, but only by few of them.
    Heavy,
    /// Hashes passwords.
    Password,
}

/// A search that is written in more bytes than this may make so many comparisons that it is heavy. It takes the database as long
/// as hundreds of listings, and another one beside it would only take the processors from everybody.
const HEAVY: usize = 1000;

impl Lane {
    /// The lane of a search that is written in so many bytes. How heavy it is turns out only when it is read, which is done in
    /// the lane.
    pub(crate) fn of_search(bytes: usize) -> Self {
        if bytes > HEAVY { Self::Heavy } else { Self::Long }
    }
}

/// The threads of every lane.
pub(crate) struct Lanes {
    read: Workers,
    write: Workers,
    long: Workers,
    password: Workers,
    password_shares: Shares<IpAddr>,
}

/// How many threads do the work that waits for the database or hashes passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSizes {
    /// The most connections to the database.
    pub connections: NonZeroUsize,
    /// How many passwords are hashed at one time.
    pub passwords: NonZeroUsize,
}

impl Default for LaneSizes {
    fn default() -> Self {
        Self { connections: NonZeroUsize::MIN, passwords: NonZeroUsize::MIN }
    }
}

/// How many requests may wait before those that only read or change a few rows.
const SHORT_QUEUE: usize = 4096;
/// How many requests may wait before listings, searches and bulk changes.
const LONG_QUEUE: usize = 256;
/// How many of these may be heavy.
const HEAVY_QUEUE: usize = 64;
/// How many requests may wait for a password to be hashed.
const PASSWORD_QUEUE: usize = 64;
/// How many of these, and of those that are being hashed, may be of one address.
const PASSWORD_SHARE: usize = PASSWORD_QUEUE / 4;

impl Lanes {
    /// Starts the threads. Long work has at most half of the connections (one, where there is one), heavy work an eighth.
    pub(crate) fn start(sizes: LaneSizes) -> io::Result<Self> {
        use Priority::{Low, Normal};
        let part = |divisor: usize| NonZeroUsize::new(sizes.connections.get() / divisor).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            read: Workers::start("read", sizes.connections, SHORT_QUEUE, Normal)?,
            write: Workers::start("write", part(4), SHORT_QUEUE, Normal)?,
            long: Workers::start("long", part(2), LONG_QUEUE, Low)?.with_heavy(part(8), HEAVY_QUEUE),
            password: Workers::start("password", sizes.passwords, PASSWORD_QUEUE, Low)?,
            password_shares: Shares::new(PASSWORD_SHARE),
        })
    }

    /// A part of the queue for whoever sends this request, where parts are limited.
    fn share(&self, lane: Lane, address: Option<IpAddr>) -> Result<Option<Share<IpAddr>>, ShareExhausted> {
        let address = address.filter(|_| lane == Lane::Password).map(network);
        address.map(|address| self.password_shares.take(address)).transpose()
    }

    fn of(&self, lane: Lane) -> &Workers {
        match lane {
            Lane::Read => &self.read,
            Lane::Write => &self.write,
            Lane::Long | Lane::Heavy => &self.long,
            Lane::Password => &self.password,
        }
    }
}

/// Cancels the work that nobody waits for any more.
struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs whole use cases of one request on a thread of `lane`, inside the current span. `work` gets the context of the call, whose
/// moment is that at which the work begins. A panic becomes a problem; work of a client that has left is not begun, and reading is
/// stopped.
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
        // Nobody listens any more if the client has left.
        let _ = answer.send(outcome);
    };
    let weight = if lane == Lane::Heavy { Weight::Heavy } else { Weight::Ordinary };
    api.lanes.of(lane).submit(weight, job).map_err(Problem::unavailable)?;
    let cancel = CancelOnDrop(cancellation);
    let outcome = answered.await;
    drop(cancel);
    outcome.unwrap_or_else(|_| Err(Problem::unexpected("the work was dropped")))
}

/// Tells the log what was found out about the request, on the thread that did the work: also when the client has left.
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
