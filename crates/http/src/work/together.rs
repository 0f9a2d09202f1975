//! Checks of membership that wait at the same time are asked of the store together.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guildhall_domain::access::Actor;
use guildhall_domain::context::Context;
use guildhall_domain::directory::{Directory, MemberCheck};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::Cancellation;
use tokio::sync::oneshot;

use super::lanes::{Lane, SHORT_QUEUE};
use super::workers::{QueueFull, Weight};
use super::{CancelOnDrop, context, outcome, report, run};
use crate::Api;
use crate::middleware::request_span::RequestSpan;
use crate::respond::problem::Problem;

/// The most checks that are asked together. A database answers so many in less time than it takes to answer two one after the other.
const MOST: usize = 64;
/// The most threads of the lane `Read` that ask at one time: one asks what came while the other waits for the database. More of them would
/// each have fewer checks to ask together.
const ASKING: usize = 2;

/// The checks that wait, and those who ask them.
#[derive(Default)]
pub(crate) struct Gathering {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    asking: usize,
}

struct Waiting {
    actor: Actor,
    group: GroupIdentifier,
    user: UserIdentifier,
    span: Arc<RequestSpan>,
    cancellation: Cancellation,
    answer: oneshot::Sender<Answer>,
}

/// What those who ask together answer.
enum Answer {
    Outcome(Result<bool, Problem>),
    /// Whether the actor may ask depends on more than what is asked together.
    Undecided(Actor, GroupIdentifier, UserIdentifier),
}

impl Gathering {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a check that waits, and a thread that asks it if there are too few.
    fn add(self: &Arc<Self>, api: &Api, check: Waiting) -> Result<(), QueueFull> {
        let mut state = self.lock();
        if state.waiting.len() >= SHORT_QUEUE {
            return Err(QueueFull);
        }
        if state.asking < ASKING {
            let (own, gathering) = (api.clone(), Arc::clone(self));
            api.lanes.workers(Lane::Read).submit(Weight::Ordinary, move || gathering.ask(&own))?;
            state.asking += 1;
        }
        state.waiting.push_back(check);
        Ok(())
    }

    /// The checks that are asked next, without those whose clients have left. `None`: nobody waits, and the thread has ended its work.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        loop {
            let count = state.waiting.len().min(MOST);
            if count == 0 {
                state.asking -= 1;
                return None;
            }
            let wanted: Vec<_> =
                state.waiting.drain(..count).filter(|check| !check.cancellation.is_cancelled()).collect();
            if !wanted.is_empty() {
                return Some(wanted);
            }
        }
    }

    /// Asks for whoever waits, until nobody does.
    fn ask(&self, api: &Api) {
        while let Some(checks) = self.next() {
            let contexts: Vec<_> = checks
                .iter()
                .map(|check| {
                    context(api, check.actor.clone(), &check.span).with_cancellation(check.cancellation.clone())
                })
                .collect();
            let asked: Vec<_> = checks
                .iter()
                .zip(&contexts)
                .map(|(check, context)| MemberCheck { context, group: &check.group, user: &check.user })
                .collect();
            let outcomes = outcomes(&api.directory, &asked);
            for ((check, context), outcome) in checks.into_iter().zip(&contexts).zip(outcomes) {
                check.tell(api, context, outcome);
            }
        }
    }
}

impl Waiting {
    /// Answers, and logs as the request says.
    fn tell(self, api: &Api, context: &Context, outcome: Option<Result<bool, Problem>>) {
        let answer = match outcome {
            Some(outcome) => {
                self.span.in_scope(|| report(api, &self.span, context, outcome.as_ref().err()));
                Answer::Outcome(outcome)
            }
            None => Answer::Undecided(self.actor, self.group, self.user),
        };
        // The receiver is gone if the client has disconnected.
        let _ = self.answer.send(answer);
    }
}

/// If all of them fail together, one of them is to blame: then each is asked alone. `None`: the answers of several leave it open.
fn outcomes(directory: &Directory, checks: &[MemberCheck<'_>]) -> Vec<Option<Result<bool, Problem>>> {
    let alone = |check: &MemberCheck<'_>| outcome(|| directory.is_member(check.context, check.group, check.user));
    catch_unwind(AssertUnwindSafe(|| directory.are_members(checks))).map_or_else(
        |_| checks.iter().map(|check| Some(alone(check))).collect(),
        |answers| answers.into_iter().map(|answer| answer.map(|answer| answer.map_err(Problem::from))).collect(),
    )
}

/// Whether `user` is in `group`: asked on a thread of the lane `Read`, together with the checks that wait at the same time. What that leaves
/// open is asked on another, so that no other check waits for its round trips.
pub(super) async fn check_together(
    api: &Api,
    gathering: &Arc<Gathering>,
    actor: Actor,
    group: GroupIdentifier,
    user: UserIdentifier,
) -> Result<bool, Problem> {
    let (answer, answered) = oneshot::channel();
    let cancellation = Cancellation::new();
    let cancel = CancelOnDrop(cancellation.clone());
    let waiting = Waiting { actor, group, user, span: RequestSpan::current(), cancellation, answer };
    gathering.add(api, waiting).map_err(Problem::unavailable)?;
    let answer = answered.await;
    drop(cancel);
    match answer {
        Ok(Answer::Outcome(outcome)) => outcome,
        Ok(Answer::Undecided(actor, group, user)) => {
            run(api, Lane::Read, actor, move |api, context| api.directory.is_member(context, &group, &user)).await
        }
        Err(_) => Err(Problem::unexpected("the work was dropped")),
    }
}
