//! A store whose memberships and edges begin and end when they should.

use std::sync::Arc;

use super::recording::due_events;
use crate::api_key::{ApiKey, ApiKeyId, ApiKeyIdentifier};
use crate::group::Group;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::{
    AccountStatus, Cancellation, ClientAccount, Fault, FoundFor, Ids, LinkedAccount, MembershipAnswer,
    MembershipQuestion, Reader, Store, StoreError, Undo, Writer,
};
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// How often a unit of work is begun anew because something was due. Each time, some of that is made so, and time goes by.
const MOST_TIMES: u32 = 10_000;

/// A store that makes everything so whose date has come, before it runs a unit of work or answers a question. No unit of work sees what was before:
/// [`Fault::Due`] ends one that would, and it is run again.
pub(super) struct Settling<'s> {
    pub(super) store: Arc<dyn Store + 's>,
    /// The ids of the events that tell it.
    pub(super) ids: Arc<dyn Ids>,
}

impl Settling<'_> {
    fn settled<T>(&self, mut ask: impl FnMut(&dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        for _ in 0..MOST_TIMES {
            match ask(&*self.store) {
                Err(error) => match error.fault() {
                    Fault::Due(now) => self.settle(now)?,
                    _ => return Err(error),
                },
                done => return done,
            }
        }
        Err(StoreError::unavailable("something became due again and again"))
    }

    /// Makes so what is due at `now`, or some of it: beside others that change memberships, as whoever removes members does. Edges change in no unit of work beside
    /// others that change some.
    fn settle(&self, now: Timestamp) -> Result<(), StoreError> {
        let settled = self.store.write_shared(|writer| self.make_due(writer, now, false))?;
        if settled.is_none() {
            self.store.write_alone(|writer| self.make_due(writer, now, true))?;
        }
        Ok(())
    }

    /// Makes everything so that is due, and keeps the events that tell it. `None`: there are edges among it, which `with_edges` rules out.
    fn make_due(&self, writer: &mut dyn Writer, now: Timestamp, with_edges: bool) -> Result<Option<()>, StoreError> {
        let Some(changes) = writer.make_due(now, with_edges)? else { return Ok(None) };
        let events = due_events(&changes, &*self.ids);
        if !events.is_empty() {
            writer.append_events(&events)?;
        }
        Ok(Some(()))
    }
}

impl Store for Settling<'_> {
    fn reading(&self, cancellation: &Cancellation, work: &mut dyn FnMut(&mut dyn Reader)) -> Result<(), StoreError> {
        self.settled(|store| store.reading(cancellation, work))
    }

    fn writing(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.settled(|store| store.writing(work))
    }

    fn writing_once(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.settled(|store| store.writing_once(work))
    }

    fn writing_shared(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.settled(|store| store.writing_shared(work))
    }

    fn writing_alone(&self, work: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>) -> Result<(), StoreError> {
        self.settled(|store| store.writing_alone(work))
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.store.ready()
    }

    fn number_events(&self) -> Result<(), StoreError> {
        self.store.number_events()
    }

    fn show_events(&self) -> Result<(), StoreError> {
        self.store.show_events()
    }

    fn check(
        &self,
        cancellation: &Cancellation,
        check: &MembershipQuestion<'_>,
    ) -> Result<MembershipAnswer, StoreError> {
        self.settled(|store| store.check(cancellation, check))
    }

    fn check_together(&self, checks: &[MembershipQuestion<'_>]) -> Vec<Result<MembershipAnswer, StoreError>> {
        let mut answers = self.store.check_together(checks);
        for _ in 0..MOST_TIMES {
            let due = answers.iter().find_map(|answer| match answer.as_ref().err()?.fault() {
                Fault::Due(now) => Some(now),
                _ => None,
            });
            let Some(now) = due else { break };
            if let Err(error) = self.settle(now) {
                let error = Arc::new(error);
                return checks.iter().map(|_| Err(StoreError::shared(&error))).collect();
            }
            answers = self.store.check_together(checks);
        }
        answers
    }

    fn account(&self, cancellation: &Cancellation, caller: UserId) -> Result<Option<AccountStatus>, StoreError> {
        self.settled(|store| store.account(cancellation, caller))
    }

    fn user_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        user: &UserIdentifier,
    ) -> Result<FoundFor<User>, StoreError> {
        self.settled(|store| store.user_for(cancellation, caller, user))
    }

    fn client(&self, cancellation: &Cancellation, key: ApiKeyId) -> Result<Option<ClientAccount>, StoreError> {
        self.settled(|store| store.client(cancellation, key))
    }

    fn group_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        group: &GroupIdentifier,
    ) -> Result<FoundFor<Group>, StoreError> {
        self.settled(|store| store.group_for(cancellation, caller, group))
    }

    fn api_key_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        key: &ApiKeyIdentifier,
    ) -> Result<FoundFor<ApiKey>, StoreError> {
        self.settled(|store| store.api_key_for(cancellation, caller, key))
    }

    fn identities_for(
        &self,
        cancellation: &Cancellation,
        caller: UserId,
        user: &UserIdentifier,
    ) -> Result<LinkedAccount, StoreError> {
        self.settled(|store| store.identities_for(cancellation, caller, user))
    }
}
