//! Running the use cases of a request that changes something: once for each idempotency key.

use std::cell::RefCell;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use guildhall_domain::access::{On, Permission, Refused};
use guildhall_domain::context::Context;
use guildhall_domain::directory::{Directory, Effects, KeyedOutcome, KeyedRequest, PatchEffect};
use guildhall_domain::idempotency_key::IdempotencyKey;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::StoreError;
use guildhall_domain::validation::InvalidField;

use super::switches::{Preview, Switches};
use super::{Lane, run_as, type_of};
use crate::Api;
use crate::extract::caller::{Caller, error_unless_permitted};
use crate::respond::json::{PreparedResponse, json};
use crate::respond::kept::{KeptAnswer, RequestDigest};
use crate::respond::preview::PreviewBody;
use crate::respond::problem::Problem;

const UNDER_WAY: &str = "A request with this Idempotency-Key is being processed";
const OTHER_REQUEST: &str = "This Idempotency-Key was used for another request";
const LIMIT_REACHED: &str = "As many answers to requests with an Idempotency-Key are kept for this caller as may be. Nothing was done: send the request later, or without the header";
const UNREADABLE: &str = "The request with this Idempotency-Key was processed, but its answer can no longer be read: the signing key was replaced";

/// How a request that changes something is to be run.
pub(crate) struct ChangeRequest(Option<Box<Switches>>);

impl FromRequest for ChangeRequest {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(Switches::of(request))))
    }
}

/// One run of the use cases of a request. It may be run several times, of which the last one counts.
pub(crate) struct Call<'a> {
    pub(crate) api: &'a Api,
    pub(crate) directory: &'a Directory<'a>,
    pub(crate) context: &'a Context,
    afterwards: RefCell<Vec<Afterwards>>,
}

type Afterwards = Box<dyn FnOnce()>;

impl<'a> Call<'a> {
    fn new(api: &'a Api, directory: &'a Directory<'a>, context: &'a Context) -> Self {
        Self { api, directory, context, afterwards: RefCell::default() }
    }

    /// Runs `step` when this run counts and is over.
    pub(crate) fn afterwards(&self, step: impl FnOnce() + 'static) {
        self.afterwards.borrow_mut().push(Box::new(step));
    }

    /// Returns the parse error only if the caller has this permission; otherwise 403 (contract 1.6).
    pub(crate) fn error_unless_permitted<T>(
        &self,
        permission: Permission,
        on: On<'_>,
        parsed: Result<T, Problem>,
    ) -> Result<T, Problem> {
        error_unless_permitted(self.directory, self.context, permission, on, parsed)
    }
}

/// A request that changes something, with its caller and what they must be permitted to be given an answer that was kept.
pub(crate) struct Change {
    request: ChangeRequest,
    caller: Caller,
    permission: Permission,
    on: Changed,
    preview: Preview,
}

/// What a permission is needed on.
enum Changed {
    All,
    User(UserIdentifier),
    Group(GroupIdentifier),
}

impl Changed {
    fn on(&self) -> On<'_> {
        match self {
            Self::All => On::All,
            Self::User(user) => On::User(user),
            Self::Group(group) => On::Group(group),
        }
    }
}

impl ChangeRequest {
    /// By a caller with this permission.
    pub(crate) fn by(self, caller: Caller, permission: Permission) -> Change {
        Change { request: self, caller, permission, on: Changed::All, preview: Preview::Effects }
    }

    /// By a caller with this permission on this user.
    pub(crate) fn by_on(self, caller: Caller, permission: Permission, user: &UserIdentifier) -> Change {
        Change { on: Changed::User(user.clone()), ..self.by(caller, permission) }
    }

    /// By a caller with this permission on this group.
    pub(crate) fn by_on_group(self, caller: Caller, permission: Permission, group: &GroupIdentifier) -> Change {
        Change { on: Changed::Group(group.clone()), ..self.by(caller, permission) }
    }
}

impl Change {
    /// The same, of which there is no preview: a request for one is refused.
    pub(crate) fn without_preview(self) -> Self {
        Self { preview: Preview::None, ..self }
    }

    /// The same, of which the work itself makes the preview.
    pub(crate) fn with_own_preview(self) -> Self {
        Self { preview: Preview::Own, ..self }
    }

    /// Runs `work`, for a request whose body is not looked at.
    pub(crate) async fn run<W>(self, api: &Api, lane: Lane, work: W) -> Result<PreparedResponse, Problem>
    where
        W: Fn(&Call<'_>) -> Result<PreparedResponse, Problem> + Send + 'static,
    {
        let kind = type_of(&work);
        self.run_as(api, (lane, kind), Vec::new(), |_, _| Ok(()), move |call, ()| work(call)).await
    }

    /// Runs `work` with what `read` makes of the body.
    pub(crate) async fn run_with<P, R, W>(
        self,
        api: &Api,
        lane: Lane,
        body: Vec<u8>,
        read: R,
        work: W,
    ) -> Result<PreparedResponse, Problem>
    where
        P: 'static,
        R: FnOnce(&Call<'_>, Vec<u8>) -> Result<P, Problem> + Send + 'static,
        W: Fn(&Call<'_>, &P) -> Result<PreparedResponse, Problem> + Send + 'static,
    {
        let kind = type_of(&work);
        self.run_as(api, (lane, kind), body, read, work).await
    }

    async fn run_as<P, R, W>(
        self,
        api: &Api,
        (lane, kind): (Lane, &'static str),
        body: Vec<u8>,
        read: R,
        work: W,
    ) -> Result<PreparedResponse, Problem>
    where
        P: 'static,
        R: FnOnce(&Call<'_>, Vec<u8>) -> Result<P, Problem> + Send + 'static,
        W: Fn(&Call<'_>, &P) -> Result<PreparedResponse, Problem> + Send + 'static,
    {
        let Self { request: ChangeRequest(switches), caller, permission, on, preview: kind_of_preview } = self;
        // It reads who would be in which groups, so that it takes longer than the change.
        let is_long = lane == Lane::Write && switches.as_ref().is_some_and(|switches| switches.asks_for_preview());
        let lane = if is_long { Lane::Long } else { lane };
        run_as(api, lane, caller, kind, move |api, context| {
            let Some(switches) = switches else {
                let call = Call::new(api, &api.directory, context);
                let parsed = read(&call, body)?;
                return answered(&call, work(&call, &parsed));
            };
            // Not of every body: it may be large.
            let digest = if switches.is_keyed() { switches.digest(&body) } else { RequestDigest::default() };
            let on = on.on();
            let read_switches = || switches.read(kind_of_preview);
            let (key, is_preview) = error_unless_permitted(&api.directory, context, permission, on, read_switches())?;
            let parsed = read(&Call::new(api, &api.directory, context), body)?;
            let work = |call: &Call<'_>| {
                if is_preview { preview(call, |call| work(call, &parsed)) } else { work(call, &parsed) }
            };
            if let Some(key) = key {
                return once(api, context, &Keyed { key: &key, digest, permission, on }, work);
            }
            let call = Call::new(api, &api.directory, context);
            answered(&call, work(&call))
        })
        .await
    }
}

/// The answer of a run that counts.
fn answered(call: &Call<'_>, answer: Result<PreparedResponse, Problem>) -> Result<PreparedResponse, Problem> {
    for step in call.afterwards.take() {
        step();
    }
    answer
}

impl Call<'_> {
    /// Runs `work`, and says what it would change if it is only a preview.
    pub(crate) fn previewed<T, E: From<Refused> + From<StoreError>>(
        &self,
        effect: PatchEffect,
        mut work: impl FnMut(&Directory<'_>, &Context) -> Result<T, E>,
    ) -> Result<(T, Option<Effects>), E> {
        match effect {
            PatchEffect::Lasting => Ok((work(self.directory, self.context)?, None)),
            PatchEffect::DryRun => {
                self.directory.preview(self.context, work).map(|(result, effects)| (result, Some(effects)))
            }
        }
    }
}

/// What `work` would do.
fn preview(
    call: &Call<'_>,
    work: impl Fn(&Call<'_>) -> Result<PreparedResponse, Problem>,
) -> Result<PreparedResponse, Problem> {
    let ((), effects) = call
        .directory
        .preview(call.context, |directory, context| work(&Call::new(call.api, directory, context)).map(drop))?;
    json(StatusCode::OK, &PreviewBody::from(&effects))
}

/// A request that is done once.
struct Keyed<'a> {
    key: &'a IdempotencyKey,
    digest: RequestDigest,
    permission: Permission,
    on: On<'a>,
}

/// Runs `work` in one unit of work with keeping its answer, unless that was done before.
fn once(
    api: &Api,
    context: &Context,
    keyed: &Keyed<'_>,
    work: impl Fn(&Call<'_>) -> Result<PreparedResponse, Problem>,
) -> Result<PreparedResponse, Problem> {
    let Keyed { key, digest, permission, on } = *keyed;
    let binding = binding(context, key);
    let request = KeyedRequest { key, permission, on, keeping: api.keeping };
    let outcome = api.directory.once(context, &request, |directory, context| {
        let call = Call::new(api, directory, context);
        let answer = work(&call);
        if answer.as_ref().is_err_and(Problem::is_server_error) {
            // Nothing of it is kept.
            return Err(answer.err().unwrap_or_else(|| Problem::unexpected("there is no answer")));
        }
        let kept = KeptAnswer::of(digest, context.request_id(), &answer);
        let sealed = kept.map(|kept| api.seals.seal(&kept.encode(), &binding)).transpose();
        let sealed = sealed.map_err(Problem::unexpected)?;
        Ok(((answer, call.afterwards.take()), sealed))
    });
    match outcome? {
        KeyedOutcome::Done((answer, afterwards)) => {
            for step in afterwards {
                step();
            }
            answer
        }
        KeyedOutcome::UnderWay => Err(Problem::conflict(UNDER_WAY)),
        KeyedOutcome::LimitReached { until } => {
            let left = until.milliseconds().saturating_sub(context.now().milliseconds());
            Err(Problem::limit_reached(LIMIT_REACHED, left.max(0).unsigned_abs() / 1000 + 1))
        }
        KeyedOutcome::Kept(sealed) => {
            let opened = api.seals.open(&sealed, &binding);
            let kept = opened.as_deref().and_then(KeptAnswer::decode);
            let kept = kept.ok_or_else(|| Problem::conflict(UNREADABLE))?;
            if kept.request != digest {
                let field =
                    InvalidField::new("Idempotency-Key", "It names a request with another method, path, query or body");
                return Err(Problem::invalid(OTHER_REQUEST, &[field]));
            }
            Ok(kept.replay())
        }
    }
}

/// What a kept answer is sealed for: this caller and key. What cursors are sealed for begins with the length of a path.
fn binding(context: &Context, key: &IdempotencyKey) -> Vec<u8> {
    let caller = context.actor().user().map(|user| user.to_string()).unwrap_or_default();
    format!("idempotency key of {caller}: {}", key.as_str()).into_bytes()
}
