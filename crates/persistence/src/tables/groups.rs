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

use super::closure;
use super::group_row::{self, GroupRow, kind_text};
use crate::connection::AnyConnection;
use crate::dialect::{self, lookups};
use crate::listing::{self, index_rows};
use crate::schema::{group_email_domains, groups};
use crate::sql_types::Key;
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
        self.run(|connection| {
            diesel::insert_into(groups::table).values((GroupRow::from(group), others)).execute(connection)?;
            insert_domains(connection, group)?;
            closure::insert_group(connection, group.id)
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
        let expected = groups::table.find(read.id).filter(groups::version.eq(read.version));
        let others = (groups::name_key.eq(group.name.key().as_str().to_owned()), index_rows::group_keys(group));
        self.run(|connection| {
            if diesel::update(expected).set((next, others)).execute(connection)? == 0 {
                return Err(Failure::Stale);
            }
            diesel::delete(group_email_domains::table.filter(group_email_domains::group_id.eq(read.id)))
                .execute(connection)?;
            insert_domains(connection, group)
        })
    }

    /// Memberships, member counts and the group's pair with itself in the closure are deleted with the row, by foreign keys.
    fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        self.run(|connection| {
            closure::detach(connection, id)?;
            diesel::delete(groups::table.find(Key(id.0))).execute(connection)?;
            Ok(())
        })
    }
}

fn ids(keys: Vec<Key>) -> BTreeSet<GroupId> {
    keys.into_iter().map(|key| GroupId(key.0)).collect()
}

fn insert_domains(connection: &mut AnyConnection, group: &Group) -> Result<(), Failure> {
    for domain in &group.auto_membership_email_domains {
        diesel::insert_into(group_email_domains::table)
            .values((
                group_email_domains::group_id.eq(Key(group.id.0)),
                group_email_domains::domain.eq(domain.as_ascii()),
            ))
            .execute(connection)?;
    }
    Ok(())
}
