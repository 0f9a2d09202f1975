//! Requests that are done once, however often they are sent.

use std::time::Duration;

use super::Directory;
use super::unit_of_work::Finish;
use crate::access::{On, Permission, Refused};
use crate::context::Context;
use crate::idempotency_key::IdempotencyKey;
use crate::ports::{KeptAnswer, StoreError};
use crate::secret::SecretDigest;

/// A request that is to be done once.
#[derive(Clone, Copy, Debug)]
pub struct KeyedRequest<'a> {
    /// What the caller calls it. Each caller has keys of their own.
    pub key: &'a IdempotencyKey,
    /// What the caller must be permitted, also to be given the kept answer.
    pub permission: Permission,
    /// On what.
    pub on: On<'a>,
    /// For how long the answer is kept.
    pub retention: Duration,
}

/// How a request that is to be done once ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyedOutcome<T> {
    /// It was done by this call.
    Done(T),
    /// It was done before; this was kept.
    Kept(Vec<u8>),
    /// Another call is doing it.
    UnderWay,
}

impl Directory<'_> {
    /// Runs `work` for an actor who has the permission of `request`, unless it was run before for a request of this actor with this key. All that use
    /// cases do by the directory that `work` is given is one unit of work; with it is kept what `work` returns as the second value, if that is something.
    /// If `work` fails, nothing is kept of it. It may be run several times, of which the last one counts.
    pub fn once<T, E: From<Refused> + From<StoreError>>(
        &self,
        context: &Context,
        request: &KeyedRequest<'_>,
        mut work: impl FnMut(&Directory<'_>, &Context) -> Result<(T, Option<Vec<u8>>), E>,
    ) -> Result<KeyedOutcome<T>, E> {
        let (digest, now) = (self.request_digest(context, request.key), context.now());
        self.in_one_unit(context, |whole| {
            whole.run(|directory, context| directory.authorise(context, request.permission, request.on))?;
            if !whole.writer.take_request(&digest)? {
                return Ok(Finish::Rollback(KeyedOutcome::UnderWay));
            }
            if let Some(kept) = whole.writer.kept_answer(&digest, now)? {
                return Ok(Finish::Rollback(KeyedOutcome::Kept(kept.sealed)));
            }
            let (value, sealed) = whole.run(&mut work)?;
            if let Some(sealed) = sealed {
                let answer = KeptAnswer { sealed, expires: now.plus(request.retention) };
                whole.writer.keep_answer(&digest, &answer, now)?;
            }
            Ok(Finish::Commit(KeyedOutcome::Done(value)))
        })
    }

    /// What names the request of this actor with this key.
    fn request_digest(&self, context: &Context, key: &IdempotencyKey) -> SecretDigest {
        let caller = context.actor().user().map(|user| user.to_string()).unwrap_or_default();
        self.secrets.digest(&format!("idempotency {caller} {}", key.as_str()))
    }
}
