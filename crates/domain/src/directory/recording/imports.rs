//! What imports tell.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::MembersFact;
use super::properties::Changes;
use super::{Change, Fact, Recorder};
use crate::event::{EventGroup, EventType, GroupsAbove, Members};
use crate::group::{Group, GroupId, SystemGroup};
use crate::manager::ManagerId;
use crate::ports::{
    Appointment, ChangedAccount, ImportReader, ImportWriter, MemberStanding, NewAccount, PlacedMember, StoreError,
};
use crate::provenance::Provenance;
use crate::time::Timestamp;
use crate::user::{User, UserId};
use crate::validity::{Validity, ValidityState};

impl ImportReader for Recorder<'_> {
    fn users_of(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeMap<UserId, User>, StoreError> {
        self.store.users_of(ids)
    }

    fn users_with_password(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        self.store.users_with_password(ids)
    }

    fn users_of_api_keys(&mut self, ids: &BTreeSet<UserId>) -> Result<BTreeSet<UserId>, StoreError> {
        self.store.users_of_api_keys(ids)
    }

    fn groups_of_ids(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeMap<GroupId, Group>, StoreError> {
        self.store.groups_of_ids(ids)
    }

    fn standings_of_memberships(
        &mut self,
        pairs: &BTreeSet<(GroupId, UserId)>,
    ) -> Result<BTreeMap<(GroupId, UserId), MemberStanding>, StoreError> {
        self.store.standings_of_memberships(pairs)
    }

    fn standings_of_edges(
        &mut self,
        pairs: &BTreeSet<(GroupId, GroupId)>,
    ) -> Result<BTreeMap<(GroupId, GroupId), MemberStanding>, StoreError> {
        self.store.standings_of_edges(pairs)
    }

    fn all_edges(&mut self) -> Result<BTreeMap<GroupId, Vec<GroupId>>, StoreError> {
        self.store.all_edges()
    }

    fn administrators_groups(&mut self) -> Result<BTreeMap<GroupId, BTreeSet<SystemGroup>>, StoreError> {
        self.store.administrators_groups()
    }
}

/// An import may be larger than memory: its events are kept with each of its parts.
impl ImportWriter for Recorder<'_> {
    fn begin_member(&mut self, group: GroupId, member: ManagerId, at: Timestamp) -> Result<(), StoreError> {
        self.store.begin_member(group, member, at)
    }

    fn insert_accounts(&mut self, accounts: &[NewAccount], added: Provenance) -> Result<(), StoreError> {
        let everyone = self.everyone()?;
        self.store.insert_accounts(accounts, added)?;
        let mut joined: BTreeMap<GroupId, Vec<UserId>> = BTreeMap::new();
        for account in accounts {
            self.changes.push(Self::created_user(&account.user));
            for group in account.groups.iter().filter(|group| Some(**group) != everyone) {
                joined.entry(*group).or_default().push(account.user.id);
            }
        }
        for (group, mut users) in joined {
            users.sort_unstable();
            let fact = MembersFact::new(EventType::MembersAdded, group, Members::Users(users));
            self.changes.push(Change::Members(fact));
        }
        self.keep()
    }

    fn update_accounts(&mut self, accounts: &[ChangedAccount]) -> Result<(), StoreError> {
        for account in accounts {
            let changes = self.of_update(&account.before, &account.after, &account.credentials());
            self.changes.extend(changes);
        }
        self.store.update_accounts(accounts)?;
        self.keep()
    }

    fn insert_groups(&mut self, groups: &[Group]) -> Result<(), StoreError> {
        self.store.insert_groups(groups)?;
        let created = groups.iter().map(|group| Fact::of_group(EventType::GroupCreated, told(group)).into());
        self.changes.extend(created);
        self.keep()
    }

    fn update_groups(&mut self, groups: &[(Group, Group)]) -> Result<(), StoreError> {
        self.store.update_groups(groups)?;
        for (before, after) in groups {
            let Changes(changes) = Changes::of_groups(before, after);
            if !changes.is_empty() {
                let fact = Fact::of_group(EventType::GroupUpdated, told(after)).with("changes", changes);
                self.changes.push(fact.into());
            }
        }
        self.keep()
    }

    fn place_members(&mut self, members: &[PlacedMember<UserId>], now: Timestamp) -> Result<(), StoreError> {
        self.store.place_members(members, now)?;
        let kinds = Kinds {
            added: EventType::MembersAdded,
            removed: EventType::MembersRemoved,
            scheduled: EventType::MembersScheduled,
            rescheduled: EventType::MembersRescheduled,
        };
        self.record_placed(members, now, &kinds, Members::Users);
        self.keep()
    }

    fn place_children(&mut self, children: &[PlacedMember<GroupId>], now: Timestamp) -> Result<(), StoreError> {
        self.store.place_children(children, now)?;
        let kinds = Kinds {
            added: EventType::ChildrenAdded,
            removed: EventType::ChildrenRemoved,
            scheduled: EventType::ChildrenScheduled,
            rescheduled: EventType::ChildrenRescheduled,
        };
        self.record_placed(children, now, &kinds, Members::Groups);
        self.keep()
    }

    fn appoint_managers(&mut self, appointments: &[Appointment]) -> Result<Vec<Appointment>, StoreError> {
        let new = self.store.appoint_managers(appointments)?;
        let kind = EventType::ManagersAdded;
        self.changes.extend(new.iter().map(|new| Self::of_manager(kind, new.group, new.manager)));
        self.keep()?;
        Ok(new)
    }
}

/// The types of the events that tell where members stand.
struct Kinds {
    added: EventType,
    removed: EventType,
    scheduled: EventType,
    rescheduled: EventType,
}

impl Recorder<'_> {
    fn record_placed<Id: Copy + Ord>(
        &mut self,
        placed: &[PlacedMember<Id>],
        now: Timestamp,
        kinds: &Kinds,
        members: impl Fn(Vec<Id>) -> Members,
    ) {
        let mut together: BTreeMap<(GroupId, EventType, Option<Validity>), Vec<Id>> = BTreeMap::new();
        for member in placed {
            let before = member.before.map(|before| before.state);
            let dates = (!member.validity.is_always()).then_some(member.validity);
            let mut tell = |kind, dates| together.entry((member.group, kind, dates)).or_default().push(member.member);
            if member.leaves(now) {
                tell(kinds.removed, None);
            }
            match (before, member.validity.state(now)) {
                (None | Some(ValidityState::Scheduled), ValidityState::Active) => {
                    tell(kinds.added, dates.filter(|dates| dates.until.is_some()));
                }
                (None | Some(ValidityState::Active), ValidityState::Scheduled) => tell(kinds.scheduled, dates),
                (Some(_), _) => tell(kinds.rescheduled, Some(member.validity)),
            }
        }
        for ((group, kind, validity), mut ids) in together {
            ids.sort_unstable();
            let fact = MembersFact::new(kind, group, members(ids));
            self.changes.push(Change::Members(MembersFact { validity, ..fact }));
        }
    }
}

fn told(group: &Group) -> EventGroup {
    EventGroup { id: group.id, name: Some(group.name.as_str().to_owned()), above: GroupsAbove::NotTold }
}
