//! What changes of memberships tell.

use std::collections::BTreeSet;

use super::fact::MembersFact;
use super::{Change, Recorder};
use crate::directory::unit_of_work::Turn;
use crate::event::{EventType, Members};
use crate::group::GroupId;
use crate::identifier::GroupIdentifier;
use crate::password::PasswordHash;
use crate::ports::{Ended, GroupForUpdate, Joined, Member, MembershipWriter, NameSource, StoreError};
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::{SecurityStamp, User, UserId};

impl Recorder<'_> {
    /// A new user, and the groups but `Everyone` that they join at once.
    pub(super) fn of_registration(
        &mut self,
        user: &User,
        groups: &BTreeSet<GroupId>,
    ) -> Result<Vec<Change>, StoreError> {
        let mut changes = vec![Self::created_user(user)];
        if !groups.is_empty() {
            let everyone = self.everyone()?;
            let joined = groups.iter().filter(|group| Some(**group) != everyone);
            changes.extend(joined.map(|group| Self::of_members(EventType::MembersAdded, *group, vec![user.id])));
        }
        Ok(changes)
    }

    fn of_members(kind: EventType, group: GroupId, users: Vec<UserId>) -> Change {
        Change::Members(MembersFact::new(kind, group, Members::Users(users)))
    }

    fn record_members(&mut self, kind: EventType, group: GroupId, users: &[UserId], was_scheduled: bool) {
        if !users.is_empty() {
            let fact = MembersFact::new(kind, group, Members::Users(users.to_vec()));
            self.changes.push(Change::Members(MembersFact { was_scheduled, ..fact }));
        }
    }
}

impl MembershipWriter for Recorder<'_> {
    fn group_for_update(
        &mut self,
        caller: Option<UserId>,
        group: &GroupIdentifier,
        member: Member<'_>,
    ) -> Result<GroupForUpdate, StoreError> {
        let found = self.store.group_for_update(caller, group, member)?;
        self.seen.group.clone_from(&found.group);
        Ok(found)
    }

    fn insert_member_of(
        &mut self,
        (groups, added): (&BTreeSet<GroupId>, Provenance),
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        let changes = self.of_registration(user, groups)?;
        let insert = |store: &mut dyn crate::ports::Writer| {
            store.insert_member_of((groups, added), user, password, stamp, names)
        };
        self.tell(changes, insert, |()| true)
    }

    fn insert_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
        added: Provenance,
    ) -> Result<Vec<UserId>, StoreError> {
        if let (Turn::Once, Some(user), 1) = (self.turn, users.first(), users.len()) {
            let change = Self::of_members(EventType::MembersAdded, group, vec![*user]);
            let insert = |store: &mut dyn crate::ports::Writer| store.insert_members(group, users, added);
            return self.tell(vec![change], insert, |new| !new.is_empty());
        }
        let new = self.store.insert_members(group, users, added)?;
        self.record_members(EventType::MembersAdded, group, &new, false);
        Ok(new)
    }

    fn change_members(
        &mut self,
        group: GroupId,
        joining: (&BTreeSet<UserId>, Provenance),
        leaving: &BTreeSet<UserId>,
    ) -> Result<Joined, StoreError> {
        let changed = self.store.change_members(group, joining, leaving)?;
        self.record_members(EventType::MembersAdded, group, &changed.new, false);
        self.record_members(EventType::MembersRemoved, group, &changed.gone, false);
        self.record_members(EventType::MembersRemoved, group, &changed.cancelled, true);
        Ok(changed)
    }

    fn remove_member(&mut self, group: GroupId, user: UserId, at: Timestamp) -> Result<Ended, StoreError> {
        let ended = self.store.remove_member(group, user, at)?;
        if ended != Ended::Nothing {
            self.record_members(EventType::MembersRemoved, group, &[user], ended == Ended::Schedule);
        }
        Ok(ended)
    }
}
