//! The store of the directory.

use super::{
    AccountStatus, Cancellation, ClientAccount, FoundFor, LinkedAccount, MembershipAnswer, MembershipQuestion, Reader,
    StoreError, Writer,
};
use crate::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use crate::group::Group;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::user::{User, UserId};

/// Keeps the directory.
///
/// A unit of work commits by returning `Ok`; with `Err` it leaves no trace. A store may run `work` again from the start
/// when another unit of work changed what this one relied on, so `work` must not change anything but the store.
///
/// If any call of the reader or writer failed, the unit of work is not committed, even if `work` returns `Ok`: it is run again
/// if that may help, or fails with the error of that call.
///
/// Use the methods of `dyn Store` ([`read`](#method.read), [`write`](#method.write), [`write_alone`](#method.write_alone)),
/// which carry a value and a typed error.
pub trait Store: Send + Sync {
    /// Reads that agree with one another. A store may limit how long one call of the reader takes. A call that takes
    /// longer fails with [`Fault::TimedOut`](super::Fault::TimedOut). Once `cancellation` is cancelled, a store may end the
    /// work with an error, whatever the work returns.
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError>;
    /// Changes that commute: adding members, creating users and groups. Several may run at once.
    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError>;
    /// At most one change, by the last call of the writer that `work` makes before it returns `Ok`. It commutes with others like those of
    /// [`writing`](Self::writing), and what was read before it may have changed meanwhile. A store that makes such a change in one round
    /// trip need not begin and end a transaction for it; it fails calls after the change, which it could not undo with them.
    fn writing_once(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.writing(work)
    }
    /// Changes that commute with one another, and not with those of [`writing_alone`](Self::writing_alone): several may run at once, but none
    /// beside one of those. Removing members, for example, who are no administrators until an edge is added.
    fn writing_shared(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.writing_alone(work)
    }
    /// Changes that must see no other such change from first read to end: edges between groups, and removals that could
    /// take the last administrator.
    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError>;
    /// Checks that a change could be committed. It is cheap, and does not wait until other units of work have ended.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached, or would not commit a change: because it is read-only, full or damaged, for example. After
    /// a unit of work failed for such a reason, it keeps failing until a change was committed.
    fn ready(&self) -> Result<(), StoreError>;
    /// Gives every event that was committed before the call its place in the order of all events. No unit of work waits for long for it, and in a store with several that write at once it
    /// waits for none. A store whose events have their place once they are committed does nothing.
    fn number_events(&self) -> Result<(), StoreError> {
        Ok(())
    }
    /// Lets units of work that read from then on see every event that was committed before the call, without waiting for one that writes: by giving it its place, or, where that would
    /// have to wait, because the store shows it as it is going to be.
    fn show_events(&self) -> Result<(), StoreError> {
        self.number_events()
    }
    /// The answer that [`MembershipQuestion::answer`] gives in a unit of work that reads, with the same limit of time and the same
    /// cancellation. A store that can answer in one round trip does, as with the methods below.
    fn check(
        &self,
        cancellation: &Cancellation,
        check: &MembershipQuestion<'_>,
    ) -> Result<MembershipAnswer, StoreError> {
        check.by_reading(self, cancellation)
    }
    /// The answers to several checks, in their order, each as [`check`](Self::check) gives it. Those that a store answers in one round trip are
    /// answered by, or fail with, one state of it. None is given up before the others.
    fn check_together(&self, checks: &[MembershipQuestion<'_>]) -> Vec<Result<MembershipAnswer, StoreError>> {
        checks.iter().map(|check| self.check(&Cancellation::new(), check)).collect()
    }
    /// The account of `caller`.
    fn account(&self, cancellation: &Cancellation, caller: UserId) -> Result<Option<AccountStatus>, StoreError> {
        read_alone(self, cancellation, &mut |reader| reader.account_status(caller))
    }
    /// The user that `user` names, and the account of the caller who asks; [`UserIdentifier::Current`] is the caller.
    fn user_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        user: &UserIdentifier,
    ) -> Result<FoundFor<User>, StoreError> {
        read_alone(self, cancellation, &mut |reader| FoundFor::<User>::by_reading(reader, caller, user))
    }
    /// The account of the user that the API key acts as, and the digest of its secret.
    fn client(&self, cancellation: &Cancellation, key: ApiKeyId) -> Result<Option<ClientAccount>, StoreError> {
        read_alone(self, cancellation, &mut |reader| ClientAccount::by_reading(reader, key))
    }
    /// The group that `group` names, and the account of the caller who asks.
    fn group_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        group: &GroupIdentifier,
    ) -> Result<FoundFor<Group>, StoreError> {
        read_alone(self, cancellation, &mut |reader| FoundFor::<Group>::by_reading(reader, caller, group))
    }
    /// The API key that `key` names, and the account of the caller who asks.
    fn api_key_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        key: &ApiKeyIdentifier,
    ) -> Result<FoundFor<ApiKey>, StoreError> {
        read_alone(self, cancellation, &mut |reader| FoundFor::<ApiKey>::by_reading(reader, caller, key))
    }
    /// The links of the user that `user` names, sorted by issuer and subject, and the accounts of both.
    fn identities_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        user: &UserIdentifier,
    ) -> Result<LinkedAccount, StoreError> {
        read_alone(self, cancellation, &mut |reader| LinkedAccount::by_reading(reader, Some(caller), user))
    }
}

/// Asks a store to roll a unit of work back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undo;

impl dyn Store + '_ {
    /// Runs `work` over one consistent state.
    pub fn read<T, E: From<StoreError>>(&self, work: impl FnMut(&mut dyn Reader) -> Result<T, E>) -> Result<T, E> {
        self.read_unless(&Cancellation::new(), work)
    }

    /// Runs `work` over one consistent state, until `cancellation` is cancelled.
    pub fn read_unless<T, E: From<StoreError>>(
        &self,
        cancellation: &Cancellation,
        mut work: impl FnMut(&mut dyn Reader) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut outcome = None;
        self.reading(cancellation, &mut |reader| outcome = Some(work(reader)))?;
        outcome.unwrap_or_else(|| Err(StoreError::idle().into()))
    }

    /// Runs `work` beside other writers; what it did stays if it returns `Ok`.
    pub fn write<T, E: From<StoreError>>(&self, mut work: impl FnMut(&mut dyn Writer) -> Result<T, E>) -> Result<T, E> {
        typed(&mut work, |work| self.writing(work))
    }

    /// Runs `work` beside other writers, whose last call of the writer makes the only change.
    pub fn write_once<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&mut dyn Writer) -> Result<T, E>,
    ) -> Result<T, E> {
        typed(&mut work, |work| self.writing_once(work))
    }

    /// Runs `work` beside other writers, but not beside those that run alone; what it did stays if it returns `Ok`.
    pub fn write_shared<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&mut dyn Writer) -> Result<T, E>,
    ) -> Result<T, E> {
        typed(&mut work, |work| self.writing_shared(work))
    }

    /// Runs `work` while no other such work runs; what it did stays if it returns `Ok`.
    pub fn write_alone<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&mut dyn Writer) -> Result<T, E>,
    ) -> Result<T, E> {
        typed(&mut work, |work| self.writing_alone(work))
    }
}

/// The result of `work` in a unit of work of its own.
pub(super) fn read_alone<S: Store + ?Sized, T>(
    store: &S,
    cancellation: &Cancellation,
    work: &mut dyn FnMut(&mut dyn Reader) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut outcome = None;
    store.reading(cancellation, &mut |reader| outcome = Some(work(reader)))?;
    outcome.unwrap_or_else(|| Err(StoreError::idle()))
}

type WriteWork<'a> = dyn FnMut(&mut dyn Writer) -> Result<(), Undo> + 'a;

fn typed<T, E: From<StoreError>>(
    work: &mut dyn FnMut(&mut dyn Writer) -> Result<T, E>,
    run: impl FnOnce(&mut WriteWork<'_>) -> Result<(), StoreError>,
) -> Result<T, E> {
    let mut outcome = None;
    let ran = run(&mut |writer| {
        let result = work(writer);
        let done = result.as_ref().map(|_| ()).map_err(|_| Undo);
        outcome = Some(result);
        done
    });
    match (ran, outcome) {
        (Err(error), _) => Err(error.into()),
        (Ok(()), Some(outcome)) => outcome,
        (Ok(()), None) => Err(StoreError::idle().into()),
    }
}
