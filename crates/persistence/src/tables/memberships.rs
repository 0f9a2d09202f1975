//! Memberships. `group_users` is changed only here, so that the member counts and the change counters stay right.

use std::collections::BTreeSet;

use diesel::dsl::exists;
use diesel::prelude::*;
use guildhall_domain::group::{Group, GroupId, GroupKind, GroupName};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::page::Paged;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::ports::{
    Difference, Ended, GroupForUpdate, Joined, Member, MembersChange, Membership, MembershipReader, MembershipWriter,
    NameSource, Reach, Registration, StoreError,
};
use guildhall_domain::provenance::Provenance;
use guildhall_domain::search::{GroupListing, UserListing};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{SecurityStamp, User, UserId};

use super::group_row::kind_text;
use super::lookup::Lock;
use super::present_row::PresentRow;
use super::{Announced, lookup, users};
use crate::connection::AnyConnection;
use crate::dialect::{self, comparisons, lookups};
use crate::listing;
use crate::prepared::prepared;
use crate::schema::{group_closure, group_users, groups};
use crate::sql_types::{Key, UuidSql};
use crate::together::{Part, run_together};
use crate::unit_of_work::{Failure, Unit};

impl MembershipReader for Unit<'_> {
    fn members_change(
        &mut self,
        caller: Option<UserId>,
        group: &GroupIdentifier,
        member: Member<'_>,
    ) -> Result<MembersChange, StoreError> {
        match caller {
            Some(caller) => {
                let at = self.moment();
                self.run(|connection| lookup::members_change(connection, at, caller, group, member))
            }
            None => MembersChange::by_reading(self, caller, group, member),
        }
    }

    fn registration(&mut self, caller: Option<UserId>, user: &User) -> Result<Registration, StoreError> {
        match caller {
            Some(caller) => {
                let at = self.moment();
                self.run(|connection| lookup::registration(connection, at, caller, user))
            }
            None => Registration::by_reading(self, caller, user),
        }
    }

    /// One join of the closure with the memberships, both looked up by index: the depth does not matter.
    fn is_effective_member(&mut self, group: GroupId, user: UserId) -> Result<bool, StoreError> {
        let membership = group_users::table
            .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
            .filter(group_users::user_id.eq(Key(user.0)))
            .filter(group_closure::ancestor_id.eq(Key(group.0)))
            .select(group_users::user_id);
        self.run(|connection| Ok(diesel::select(exists(membership)).get_result(connection)?))
    }

    fn is_effective_member_of_any(&mut self, groups: &BTreeSet<GroupId>, user: UserId) -> Result<bool, StoreError> {
        let groups: Vec<Key> = groups.iter().map(|group| Key(group.0)).collect();
        let membership = group_users::table
            .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
            .filter(group_users::user_id.eq(Key(user.0)))
            .filter(group_closure::ancestor_id.eq_any(groups))
            .select(group_users::user_id);
        self.run(|connection| Ok(diesel::select(exists(membership)).get_result(connection)?))
    }

    fn effective_memberships_among(
        &mut self,
        pairs: &BTreeSet<(UserId, GroupId)>,
    ) -> Result<BTreeSet<(UserId, GroupId)>, StoreError> {
        if pairs.is_empty() {
            return Ok(BTreeSet::new());
        }
        let keys: Vec<(Key, Key)> = pairs.iter().map(|(user, group)| (Key(user.0), Key(group.0))).collect();
        self.run(|connection| {
            let found = lookups::effective_memberships(connection, &keys)?;
            Ok(found.into_iter().map(|(user, group)| (UserId(user.0), GroupId(group.0))).collect())
        })
    }

    fn members(
        &mut self,
        group: GroupId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &UserListing,
    ) -> Result<Paged<User>, StoreError> {
        self.list(|connection, cache| listing::members(connection, cache, group, reach, excluded, listing))
    }

    fn groups_of(
        &mut self,
        user: UserId,
        reach: Reach,
        excluded: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        self.run(|connection| listing::groups_of(connection, user, reach, excluded, listing))
    }

    fn groups_below_with_member(
        &mut self,
        group: GroupId,
        user: UserId,
        most: usize,
    ) -> Result<Vec<(GroupId, GroupName)>, StoreError> {
        let below = group_closure::table
            .filter(group_closure::ancestor_id.eq(Key(group.0)))
            .filter(group_closure::descendant_id.ne(Key(group.0)))
            .select(group_closure::descendant_id);
        let direct = groups::table
            .inner_join(group_users::table.on(group_users::group_id.eq(groups::id)))
            .filter(group_users::user_id.eq(Key(user.0)))
            .filter(groups::id.eq_any(below))
            .order(groups::name_key)
            .select((groups::id, groups::name))
            .limit(i64::try_from(most).unwrap_or(i64::MAX));
        self.run(|connection| {
            let named: Vec<(Key, String)> = direct.load(connection)?;
            Ok(named.into_iter().map(|(key, name)| (GroupId(key.0), GroupName::stored(name))).collect())
        })
    }

    fn membership(&mut self, group: GroupId, user: UserId) -> Result<Option<Membership>, StoreError> {
        let statement = prepared(
            "SELECT m.added, m.added_by, d.valid_from, d.valid_until, d.next_at FROM group_users m \
             LEFT JOIN membership_dates d ON d.group_id = m.group_id AND d.user_id = m.user_id \
             WHERE m.group_id = $1 AND m.user_id = $2",
        )
        .bind::<UuidSql, _>(Key(group.0))
        .bind::<UuidSql, _>(Key(user.0));
        let row: Option<PresentRow> = self.run(|connection| {
            Ok(match connection {
                AnyConnection::Postgres(connection) => statement.get_result(connection).optional()?,
                AnyConnection::Sqlite(connection) => statement.get_result(connection).optional()?,
            })
        })?;
        Ok(row.and_then(|row| Some(Membership { added: row.added()?, validity: row.validity() })))
    }

    fn compare_members(&mut self, group: GroupId, wanted: &BTreeSet<UserId>) -> Result<Difference<UserId>, StoreError> {
        self.run(|connection| Ok(comparisons::members(connection, Key(group.0), wanted)?))
    }

    fn external_groups_of(&mut self, user: UserId) -> Result<BTreeSet<GroupId>, StoreError> {
        let direct = group_users::table.filter(group_users::user_id.eq(Key(user.0))).select(group_users::group_id);
        self.run(|connection| {
            let external: Vec<Key> = groups::table
                .filter(groups::id.eq_any(direct))
                .filter(groups::kind.eq(kind_text(GroupKind::External)))
                .select(groups::id)
                .load(connection)?;
            Ok(external.into_iter().map(|key| GroupId(key.0)).collect())
        })
    }
}

impl MembershipWriter for Unit<'_> {
    fn group_for_update(
        &mut self,
        caller: Option<UserId>,
        group: &GroupIdentifier,
        member: Member<'_>,
    ) -> Result<GroupForUpdate, StoreError> {
        let Some(caller) = caller else { return GroupForUpdate::by_locking(self, caller, group, member) };
        let lock = if self.locks() { Lock::AgainstChanges } else { Lock::None };
        let at = self.moment();
        let ask =
            |connection: &mut AnyConnection| lookup::group_for_update(connection, at, caller, (group, member), lock);
        match self.run(ask)? {
            Some((found, true)) => Ok(found),
            // The latest group, and others as they were when the statement began. The lock is had.
            Some((found, false)) => Ok(self.run(ask)?.map_or(found, |(found, _)| found)),
            None => GroupForUpdate::by_locking(self, Some(caller), group, member),
        }
    }

    fn insert_member_of(
        &mut self,
        groups: (&BTreeSet<GroupId>, Provenance),
        user: &User,
        password: Option<&PasswordHash>,
        stamp: SecurityStamp,
        names: NameSource,
    ) -> Result<(), StoreError> {
        self.change_with_events(|connection, events| {
            insert_member_of(connection, groups, user, password, (stamp, names), (&[], events))
        })?;
        self.changes.users_added += groups.0.len() as u64;
        Ok(())
    }

    fn insert_members(
        &mut self,
        group: GroupId,
        users: &BTreeSet<UserId>,
        added: Provenance,
    ) -> Result<Vec<UserId>, StoreError> {
        let new = if let (Some(user), 1) = (users.first(), users.len()) {
            let (group, key) = (Key(group.0), Key(user.0));
            let new = self.change_with_events(|connection, events| {
                Ok(dialect::insert_member(connection, group, key, added, events)?)
            })?;
            if new > 0 { vec![*user] } else { Vec::new() }
        } else {
            let keys = users.iter().map(|user| Key(user.0)).collect();
            self.change(|connection| {
                let new = dialect::insert_members(connection, Key(group.0), keys, added)?;
                change_count(connection, group, count(&new))?;
                Ok(user_ids(new))
            })?
        };
        self.changes.users_added += new.len() as u64;
        Ok(new)
    }

    fn change_members(
        &mut self,
        group: GroupId,
        (joining, added): (&BTreeSet<UserId>, Provenance),
        leaving: &BTreeSet<UserId>,
    ) -> Result<Joined, StoreError> {
        let keys = |users: &BTreeSet<UserId>| users.iter().map(|user| Key(user.0)).collect::<Vec<_>>();
        let changed = self.change(|connection| {
            let key = Key(group.0);
            let mut changed = Joined::default();
            if !joining.is_empty() {
                changed.new = user_ids(dialect::insert_members(connection, key, keys(joining), added)?);
            }
            if !leaving.is_empty() {
                let removed = dialect::remove_members(connection, key, keys(leaving), added.at)?;
                changed.gone = user_ids(removed.present);
                changed.cancelled = user_ids(removed.scheduled);
            }
            // Counters are shared with changes that wait for rows of the group, so they are changed after all rows.
            change_count(connection, group, count(&changed.new))?;
            change_count(connection, group, -count(&changed.gone))?;
            Ok(changed)
        })?;
        self.changes.users_added += changed.new.len() as u64;
        self.changes.users_removed += changed.gone.len() as u64;
        Ok(changed)
    }

    fn remove_member(&mut self, group: GroupId, user: UserId, at: Timestamp) -> Result<Ended, StoreError> {
        let (group, user) = (Key(group.0), Key(user.0));
        let removed = self.change(|connection| Ok(dialect::remove_member(connection, group, user, at)?))?;
        self.changes.users_removed += removed.present as u64;
        Ok(Ended::of(removed.present > 0, removed.scheduled > 0))
    }
}

/// Adds a user who is a direct member of `groups`, together with what makes them more.
pub(super) fn insert_member_of(
    connection: &mut AnyConnection,
    (groups, added): (&BTreeSet<GroupId>, Provenance),
    user: &User,
    password: Option<&PasswordHash>,
    account: (SecurityStamp, NameSource),
    (with, events): (&[&dyn Part], Option<&Announced>),
) -> Result<(), Failure> {
    let keys: Vec<Key> = groups.iter().map(|group| Key(group.0)).collect();
    let (joined, counted) = (dialect::insert_memberships(&keys, Key(user.id.0), added), dialect::count_joined(&keys));
    let joins: [&dyn Part; 2] = [&joined, &counted];
    let joins = if keys.is_empty() { &joins[..0] } else { &joins };
    users::insert(connection, user, password, account, (&[joins, with].concat(), events))
}

fn user_ids(keys: Vec<Key>) -> Vec<UserId> {
    keys.into_iter().map(|key| UserId(key.0)).collect()
}

fn count<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

fn change_count(connection: &mut AnyConnection, group: GroupId, change: i64) -> Result<(), Failure> {
    if change != 0 {
        let count = dialect::change_member_count(Key(group.0), change);
        run_together(connection, &[&count, &dialect::note_memberships()])?;
    }
    Ok(())
}

/// Ends all memberships of a group that is deleted. A foreign key would, too, but not say how many they are.
pub(super) fn end_all_of(group: GroupId) -> impl Part {
    prepared("DELETE FROM group_users WHERE group_id = $1").bind::<UuidSql, _>(Key(group.0))
}
