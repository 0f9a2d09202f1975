//! Groups and their own properties.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::{Group, GroupId, GroupKind};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::name::NameKey;
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{GroupReader, GroupWriter, StoreError};
use guildhall_domain::search::GroupListing;
use guildhall_domain::time::Timestamp;

use super::Announced;
use super::closure;
use super::group_row::{self, GroupRow, kind_text};
use crate::dialect::{self, lookups};
use crate::listing::{self, index_rows};
use crate::schema::{group_email_domains, groups};
use crate::sql_types::Key;
use crate::together::{Part, Update, run_together};
use crate::unit_of_work::{Failure, Unit};

impl GroupReader for Unit<'_> {
    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError> {
        self.run(|connection| {
            let found: Option<Key> = match identifier {
                GroupIdentifier::Id(id) => {
                    groups::table.find(Key(id.0)).select(groups::id).first(connection).optional()?
                }
                GroupIdentifier::Name(key) => groups::table
                    .filter(groups::name_key.eq(key.as_str()))
                    .select(groups::id)
                    .first(connection)
                    .optional()?,
            };
            Ok(found.map(|key| GroupId(key.0)))
        })
    }

    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError> {
        let (mut keys, mut names) = (Vec::new(), Vec::new());
        for identifier in identifiers {
            match identifier {
                GroupIdentifier::Id(id) => keys.push(Key(id.0)),
                GroupIdentifier::Name(key) => names.push(key.as_str().to_owned()),
            }
        }
        self.run(|connection| {
            let identified = groups::id.eq_any(keys).or(groups::name_key.eq_any(names));
            Ok(ids(groups::table.filter(identified).select(groups::id).load(connection)?))
        })
    }

    fn groups_named<'n>(
        &mut self,
        names: &BTreeSet<&'n NameKey>,
    ) -> Result<BTreeMap<&'n NameKey, GroupId>, StoreError> {
        Ok(self.named(names, lookups::groups_named)?.into_iter().map(|(name, key)| (name, GroupId(key.0))).collect())
    }

    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.run(|connection| group_row::find(connection, id))
    }

    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| {
            let unknown = dialect::unknown_groups(connection, ids.iter().map(|id| Key(id.0)).collect())?;
            Ok(self::ids(unknown))
        })
    }

    fn external_among(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| {
            let external = groups::table
                .filter(groups::id.eq_any(ids.iter().map(|id| Key(id.0)).collect::<Vec<_>>()))
                .filter(groups::kind.eq(kind_text(GroupKind::External)))
                .select(groups::id)
                .load(connection)?;
            Ok(self::ids(external))
        })
    }

    fn groups_for_domain(&mut self, domain: &EmailDomain) -> Result<BTreeSet<GroupId>, StoreError> {
        self.run(|connection| {
            let groups = group_email_domains::table
                .filter(group_email_domains::domain.eq(domain.as_ascii()))
                .select(group_email_domains::group_id)
                .load(connection)?;
            Ok(ids(groups))
        })
    }

    fn groups(&mut self, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        self.run(|connection| listing::all_groups(connection, listing))
    }
}

impl GroupWriter for Unit<'_> {
    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        let others = (groups::name_key.eq(group.name.key().as_str().to_owned()), index_rows::group_keys(group));
        let inserted = diesel::insert_into(groups::table).values((GroupRow::from(group), others));
        let domains = domains(group);
        let (pair, joined) = (closure::insert_group(group.id), dialect::insert_domains(Key(group.id.0), &domains));
        let changes: [&dyn Part; 3] = [&inserted, &pair, &joined];
        self.change_with_events(|connection, events| {
            let events = events.map(Announced::part);
            let changes = if domains.is_empty() { &changes[..2] } else { &changes };
            run_together(connection, &with_events(changes, events.as_ref()))?;
            Ok(())
        })
    }

    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.run(|connection| {
            dialect::lock_group(connection, Key(id.0))?;
            group_row::find(connection, id)
        })
    }

    fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        let read = GroupRow::from(group);
        let next = GroupRow::from(&Group { version: group.version.next(), ..group.clone() });
        let others = (groups::name_key.eq(group.name.key().as_str().to_owned()), index_rows::group_keys(group));
        let updated = Update {
            table: "groups",
            changes: (next, others).as_changeset(),
            condition: groups::id.eq(read.id).and(groups::version.eq(read.version)),
        };
        let domains = domains(group);
        let (left, joined) = (dialect::delete_domains(read.id, &domains), dialect::insert_domains(read.id, &domains));
        let changes: [&dyn Part; 3] = [&updated, &left, &joined];
        self.change_with_events(|connection, events| {
            let events = events.map(Announced::part);
            let changes = if domains.is_empty() { &changes[..2] } else { &changes };
            let counts = run_together(connection, &with_events(changes, events.as_ref()))?;
            if counts.first() == Some(&1) { Ok(()) } else { Err(Failure::Stale) }
        })
    }

    /// Memberships, member counts and the group's pair with itself in the closure are deleted with the row, by foreign keys.
    fn delete_group(&mut self, id: GroupId, at: Timestamp) -> Result<(), StoreError> {
        let ended = self.change(|connection| closure::delete_group(connection, id, at))?;
        self.changes.users_removed += ended.users;
        self.changes.groups_removed += ended.edges;
        Ok(())
    }
}

/// These changes, and the events that tell them.
fn with_events<'p>(changes: &[&'p dyn Part], events: Option<&'p impl Part>) -> Vec<&'p dyn Part> {
    changes.iter().copied().chain(events.map(|events| events as &dyn Part)).collect()
}

fn ids(keys: Vec<Key>) -> BTreeSet<GroupId> {
    keys.into_iter().map(|key| GroupId(key.0)).collect()
}

fn domains(group: &Group) -> Vec<&str> {
    group.auto_membership_email_domains.iter().map(EmailDomain::as_ascii).collect()
}
