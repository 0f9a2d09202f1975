//! Records what a unit of work changes, as events that are kept with it.
//!
//! A [`Recorder`] stands between a use case and the store, and implements every port that changes something: a method that is added to one does not compile until
//! it is said here what it tells. Where a unit of work has no transaction, its events go with its only change.

mod accounts;
mod dates;
mod effects;
mod fact;
mod graph;
mod groups;
mod imports;
mod memberships;
mod past;
mod properties;
mod users;
mod webhooks;

use std::collections::BTreeMap;
use std::mem;
use std::sync::OnceLock;

use super::unit_of_work::Turn;
use crate::api_key::ApiKey;
use crate::event::NewEvent;
use crate::group::{Group, GroupId, SystemGroup};
use crate::ports::{
    AnswerCounter, EventWriter, IdempotencyWriter, KeptAnswer, KeptTotal, KnownAddress, MemberStanding, RefreshGrant,
    Savepoints, SessionWriter, StoreError, Undo, Writer,
};
use crate::secret::SecretDigest;
use crate::time::Timestamp;
use crate::user::{Lockout, SecurityStamp, UserId};
use crate::webhook::Webhook;

pub(super) use fact::{Change, Fact, Teller, client_sign_in, due_events, refused_sign_in, started};

/// The store is given events once they name so many members, each event itself counting as one: how much memory they take is bounded, however many members a change
/// names.
const IDS_AT_ONCE: usize = 64 * 1024;

/// A unit of work whose changes are recorded.
pub(super) struct Recorder<'a> {
    store: &'a mut dyn Writer,
    teller: &'a Teller<'a>,
    turn: Turn,
    everyone: &'a OnceLock<GroupId>,
    changes: Vec<Change>,
    seen: Seen,
}

/// What the use case has read, which tells what was there before a change.
#[derive(Default)]
struct Seen {
    /// The user that was read last, and their username.
    user: Option<(UserId, String)>,
    /// The user that was read last and is known to be that of no API key.
    keyless: Option<UserId>,
    /// The group that was read last in order to be changed.
    group: Option<Group>,
    /// The API key that was read last in order to be changed.
    api_key: Option<ApiKey>,
    /// The webhook that was read last in order to be changed.
    webhook: Option<Webhook>,
    known_address: Option<KnownAddress>,
    unknown_name: Option<Lockout>,
    members: BTreeMap<(GroupId, UserId), Option<MemberStanding>>,
    children: BTreeMap<(GroupId, GroupId), Option<MemberStanding>>,
}

impl<'a> Recorder<'a> {
    pub(super) fn over(
        store: &'a mut dyn Writer,
        teller: &'a Teller<'a>,
        turn: Turn,
        everyone: &'a OnceLock<GroupId>,
    ) -> Self {
        Self { store, teller, turn, everyone, changes: Vec::new(), seen: Seen::default() }
    }

    /// Lets the store keep the events, as the last change of the unit of work.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.keep()
    }

    /// Lets the store keep the events that were recorded so far.
    fn keep(&mut self) -> Result<(), StoreError> {
        let (mut events, mut ids) = (Vec::new(), 0);
        for change in mem::take(&mut self.changes) {
            for event in self.teller.events(change) {
                ids += 1 + event.members.len();
                events.push(event);
                if ids >= IDS_AT_ONCE {
                    self.store.append_events(&events)?;
                    events.clear();
                    ids = 0;
                }
            }
        }
        if events.is_empty() { Ok(()) } else { self.store.append_events(&events) }
    }

    /// Runs `change`, and records `changes` if it did something.
    fn tell<T>(
        &mut self,
        changes: Vec<Change>,
        change: impl FnOnce(&mut dyn Writer) -> Result<T, StoreError>,
        has_changed: impl FnOnce(&T) -> bool,
    ) -> Result<T, StoreError> {
        let is_announced = self.turn == Turn::Once && !changes.is_empty() && {
            let events: Vec<_> = changes.iter().cloned().flat_map(|change| self.teller.events(change)).collect();
            self.store.announce_events(&events)?
        };
        let done = change(&mut *self.store)?;
        if !is_announced && has_changed(&done) {
            self.changes.extend(changes);
        }
        Ok(done)
    }

    /// The id of `Everyone`, which never changes.
    fn everyone(&mut self) -> Result<Option<GroupId>, StoreError> {
        if let Some(everyone) = self.everyone.get() {
            return Ok(Some(*everyone));
        }
        let found = self.store.group_id(&SystemGroup::Everyone.identifier())?;
        Ok(found.map(|found| *self.everyone.get_or_init(|| found)))
    }

    /// The username of a user.
    fn username(&mut self, user: UserId) -> Result<Option<String>, StoreError> {
        if let Some((seen, username)) = &self.seen.user
            && *seen == user
        {
            return Ok(Some(username.clone()));
        }
        Ok(self.store.user(user)?.map(|user| user.username.as_str().to_owned()))
    }
}

impl EventWriter for Recorder<'_> {
    fn append_events(&mut self, events: &[NewEvent]) -> Result<(), StoreError> {
        self.changes.extend(events.iter().cloned().map(|event| Change::Event(Box::new(event))));
        Ok(())
    }

    /// They are kept with those that are recorded here.
    fn announce_events(&mut self, _: &[NewEvent]) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn prune_events(&mut self, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        self.store.prune_events(before, most)
    }
}

impl Savepoints for Recorder<'_> {
    /// What was recorded in a part that is undone is forgotten.
    fn within_savepoint(
        &mut self,
        part: &mut dyn FnMut(&mut dyn Writer) -> Result<(), Undo>,
    ) -> Result<(), StoreError> {
        let (teller, turn, everyone) = (self.teller, self.turn, self.everyone);
        let mut changes = Vec::new();
        self.store.within_savepoint(&mut |store| {
            let mut recorder = Recorder::over(store, teller, turn, everyone);
            part(&mut recorder)?;
            changes = recorder.changes;
            Ok(())
        })?;
        self.changes.append(&mut changes);
        Ok(())
    }
}

/// Kept answers are no changes of the directory.
impl IdempotencyWriter for Recorder<'_> {
    fn take_request(&mut self, request: &SecretDigest) -> Result<bool, StoreError> {
        self.store.take_request(request)
    }

    fn kept_answer(
        &mut self,
        request: &SecretDigest,
        caller: UserId,
        now: Timestamp,
    ) -> Result<(Option<KeptAnswer>, KeptTotal), StoreError> {
        self.store.kept_answer(request, caller, now)
    }

    fn keep_answer(
        &mut self,
        request: &SecretDigest,
        answer: &KeptAnswer,
        counter: AnswerCounter,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.keep_answer(request, answer, counter, now)
    }
}

/// Sign-ins are told by the change of the user; using a refresh token is none.
impl SessionWriter for Recorder<'_> {
    fn insert_refresh_token(&mut self, token: &SecretDigest, grant: &RefreshGrant) -> Result<(), StoreError> {
        self.store.insert_refresh_token(token, grant)
    }

    fn extend_refresh_token(&mut self, token: &SecretDigest, expires: Timestamp) -> Result<(), StoreError> {
        self.store.extend_refresh_token(token, expires)
    }

    fn forget_refresh_tokens(
        &mut self,
        user: UserId,
        stamp: SecurityStamp,
        now: Timestamp,
        most: u32,
    ) -> Result<(), StoreError> {
        self.store.forget_refresh_tokens(user, stamp, now, most)
    }
}
