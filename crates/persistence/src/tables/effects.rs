//! What previews ask: sets of users against sets of groups, each question one to three statements.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use guildhall_domain::group::{GroupId, GroupName};
use guildhall_domain::ports::{EffectReader, Person, StoreError};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;

use crate::dialect::effects;
use crate::schema::{group_closure, group_users, groups};
use crate::sql_types::Key;
use crate::unit_of_work::{Failure, Unit};

type Named = BTreeMap<GroupId, GroupName>;

impl EffectReader for Unit<'_> {
    fn groups_at_or_above(&mut self, wanted: &BTreeSet<GroupId>) -> Result<Named, StoreError> {
        let above = group_closure::table
            .filter(group_closure::descendant_id.eq_any(keys(wanted)))
            .select(group_closure::ancestor_id);
        self.run(|connection| {
            let named = groups::table.filter(groups::id.eq_any(above)).select((groups::id, groups::name));
            Ok(named.load(connection)?.into_iter().map(name).collect())
        })
    }

    fn effective_groups_of(&mut self, user: UserId) -> Result<Named, StoreError> {
        let groups_of = group_closure::table
            .inner_join(group_users::table.on(group_users::group_id.eq(group_closure::descendant_id)))
            .filter(group_users::user_id.eq(Key(user.0)))
            .select(group_closure::ancestor_id);
        self.run(|connection| {
            let named = groups::table.filter(groups::id.eq_any(groups_of)).select((groups::id, groups::name));
            Ok(named.load(connection)?.into_iter().map(name).collect())
        })
    }

    fn effective_members_of_any(&mut self, groups: &BTreeSet<GroupId>) -> Result<BTreeSet<UserId>, StoreError> {
        self.run(|connection| {
            let members = effects::members_of_any(connection, &keys(groups))?;
            Ok(members.into_iter().map(|key| UserId(key.0)).collect())
        })
    }

    fn count_effective_members_among(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<GroupId, u64>, StoreError> {
        self.run(|connection| {
            let counted = effects::count_members_among(connection, &keys(groups), &user_keys(users))?;
            let count = |(group, count): (Key, i64)| (GroupId(group.0), u64::try_from(count).unwrap_or_default());
            Ok(counted.into_iter().map(count).collect())
        })
    }

    /// The users are numbered by username. Who is in a group leaves gaps between their numbers, of which the first that have `most` users in them are
    /// read: few rows for each group, however many users there are.
    fn first_outsiders(
        &mut self,
        groups: &BTreeSet<GroupId>,
        users: &BTreeSet<UserId>,
        most: usize,
    ) -> Result<BTreeMap<GroupId, Vec<Person>>, StoreError> {
        let (keys, users) = (keys(groups), user_keys(users));
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        self.run(|connection| {
            let gaps = effects::gaps(connection, &keys, &users, limit)?;
            let mut places: BTreeMap<GroupId, Vec<i64>> = BTreeMap::new();
            let with_members: BTreeSet<GroupId> = gaps.iter().map(|gap| GroupId(gap.group_id.0)).collect();
            for gap in gaps {
                let places = places.entry(GroupId(gap.group_id.0)).or_default();
                places.extend((gap.first..=gap.last).take(most.saturating_sub(places.len())));
            }
            for group in groups.difference(&with_members) {
                places.insert(*group, (1..=limit).collect());
            }
            let wanted: BTreeSet<i64> = places.values().flatten().copied().collect();
            let found = effects::people_at(connection, &users, &wanted.into_iter().collect::<Vec<_>>())?;
            let people: BTreeMap<i64, Person> = found.into_iter().map(|row| (row.place, person(row))).collect();
            let named =
                |places: Vec<i64>| places.iter().filter_map(|place| people.get(place)).cloned().collect::<Vec<_>>();
            let named = places.into_iter().map(|(group, places)| (group, named(places)));
            Ok(named.filter(|(_, people)| !people.is_empty()).collect())
        })
    }

    fn open_accounts_among(
        &mut self,
        users: &BTreeSet<UserId>,
        now: Timestamp,
    ) -> Result<BTreeSet<UserId>, StoreError> {
        self.run(|connection| {
            let open = effects::open_accounts(connection, &user_keys(users), now.milliseconds())?;
            Ok::<_, Failure>(open.into_iter().map(|key| UserId(key.0)).collect())
        })
    }
}

fn keys(groups: &BTreeSet<GroupId>) -> Vec<Key> {
    groups.iter().map(|group| Key(group.0)).collect()
}

fn user_keys(users: &BTreeSet<UserId>) -> Vec<Key> {
    users.iter().map(|user| Key(user.0)).collect()
}

fn name((id, name): (Key, String)) -> (GroupId, GroupName) {
    (GroupId(id.0), GroupName::stored(name))
}

fn person(row: effects::PersonRow) -> Person {
    Person {
        id: UserId(row.id.0),
        username: row.username,
        email: row.email,
        first_name: row.first_name,
        last_name: row.last_name,
    }
}
