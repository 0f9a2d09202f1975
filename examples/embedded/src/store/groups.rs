//! Groups and their names.

use std::collections::{BTreeMap, BTreeSet};

use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::{Group, GroupId, GroupKind, GroupName, SystemGroup};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::manager::ManagerId;
use guildhall_domain::name::NameKey;
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{GroupReader, GroupWriter, StoreError};
use guildhall_domain::search::GroupListing;
use guildhall_domain::time::Timestamp;
use guildhall_domain::version::Version;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::children::CHILDREN;
use super::memberships::MEMBERS;
use super::rows::{CustomRow, custom, custom_row};
use super::tables::{Changes, Rows, Tables};
use super::{UnitOfWork, listed};

pub(super) const GROUPS: Rows<Uuid, GroupRow> = Rows::new("groups");
/// The id of the group with a name.
pub(super) const NAMES: Rows<&str, Uuid> = Rows::new("group names");

/// What [`Group`] holds, without the counts.
#[derive(Serialize, Deserialize)]
pub(super) struct GroupRow {
    id: Uuid,
    pub(super) name: String,
    description: Option<String>,
    #[serde(with = "GroupKindRow")]
    kind: GroupKind,
    custom: CustomRow,
    auto_membership_email_domains: BTreeSet<String>,
    created: i64,
    modified: i64,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "GroupKind")]
enum GroupKindRow {
    System,
    Contensis,
    External,
}

impl From<&Group> for GroupRow {
    fn from(group: &Group) -> Self {
        Self {
            id: group.id.0,
            name: group.name.as_str().to_owned(),
            description: group.description.clone(),
            kind: group.kind,
            custom: custom_row(&group.custom),
            auto_membership_email_domains: group
                .auto_membership_email_domains
                .iter()
                .map(|domain| domain.as_ascii().to_owned())
                .collect(),
            created: group.created.milliseconds(),
            modified: group.modified.milliseconds(),
            version: group.version.0,
        }
    }
}

impl<T: Tables> UnitOfWork<T> {
    /// The group of this row with the numbers of its members and children.
    fn group_of_row(&self, row: GroupRow) -> Result<Group, StoreError> {
        Ok(Group {
            id: GroupId(row.id),
            name: GroupName::stored(row.name),
            description: row.description,
            kind: row.kind,
            user_count: MEMBERS.count(&self.0, row.id)?,
            child_group_count: CHILDREN.count(&self.0, row.id)?,
            custom: custom(row.custom),
            auto_membership_email_domains: row
                .auto_membership_email_domains
                .into_iter()
                .map(EmailDomain::stored)
                .collect(),
            created: Timestamp::from_milliseconds(row.created),
            modified: Timestamp::from_milliseconds(row.modified),
            version: Version(row.version),
        })
    }

    pub(super) fn load_group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        GROUPS.get(&self.0, id.0)?.map(|row| self.group_of_row(row)).transpose()
    }

    pub(super) fn listed_groups(
        &self,
        ids: &BTreeSet<GroupId>,
        listing: &GroupListing,
    ) -> Result<Paged<Group>, StoreError> {
        let groups: Result<_, _> = ids.iter().filter_map(|id| self.load_group(*id).transpose()).collect();
        Ok(listed(groups?, listing))
    }

    pub(super) fn system_group(&self, group: SystemGroup) -> Result<Option<GroupId>, StoreError> {
        Ok(NAMES.get(&self.0, group.key().as_str())?.map(GroupId))
    }
}

impl<T: Tables> GroupReader for UnitOfWork<T> {
    fn group_id(&mut self, identifier: &GroupIdentifier) -> Result<Option<GroupId>, StoreError> {
        Ok(match identifier {
            GroupIdentifier::Id(id) => GROUPS.get(&self.0, id.0)?.map(|_| *id),
            GroupIdentifier::Name(name) => NAMES.get(&self.0, name.as_str())?.map(GroupId),
        })
    }

    fn group_ids(&mut self, identifiers: &[GroupIdentifier]) -> Result<BTreeSet<GroupId>, StoreError> {
        identifiers.iter().filter_map(|identifier| self.group_id(identifier).transpose()).collect()
    }

    fn groups_named<'n>(
        &mut self,
        names: &BTreeSet<&'n NameKey>,
    ) -> Result<BTreeMap<&'n NameKey, GroupId>, StoreError> {
        let mut found = BTreeMap::new();
        for name in names {
            found.extend(NAMES.get(&self.0, name.as_str())?.map(|group| (*name, GroupId(group))));
        }
        Ok(found)
    }

    fn group(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.load_group(id)
    }

    fn unknown_groups(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        GROUPS.missing(&self.0, ids, |id| id.0)
    }

    fn external_among(&mut self, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, StoreError> {
        let rows = ids.iter().filter_map(|id| GROUPS.get(&self.0, id.0).transpose());
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(rows.iter().filter(|row| row.kind == GroupKind::External).map(|row| GroupId(row.id)).collect())
    }

    fn groups_for_domain(&mut self, domain: &EmailDomain) -> Result<BTreeSet<GroupId>, StoreError> {
        let rows = GROUPS.all(&self.0)?;
        let joined = rows.iter().filter(|row| row.auto_membership_email_domains.contains(domain.as_ascii()));
        Ok(joined.map(|row| GroupId(row.id)).collect())
    }

    fn groups(&mut self, listing: &GroupListing) -> Result<Paged<Group>, StoreError> {
        let groups: Result<_, _> = GROUPS.all(&self.0)?.into_iter().map(|row| self.group_of_row(row)).collect();
        Ok(listed(groups?, listing))
    }
}

impl GroupWriter for UnitOfWork<Changes> {
    fn insert_group(&mut self, group: &Group) -> Result<(), StoreError> {
        GROUPS.insert(&self.0, group.id.0, &GroupRow::from(group))?;
        NAMES.insert(&self.0, group.name.key().as_str(), &group.id.0)
    }

    fn group_to_change(&mut self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.load_group(id)
    }

    /// No other unit of work writes meanwhile, so the stored version is that of `group`.
    fn update_group(&mut self, group: &Group) -> Result<(), StoreError> {
        if let Some(before) = self.load_group(group.id)? {
            NAMES.remove(&self.0, before.name.key().as_str())?;
        }
        let next = Group { version: group.version.next(), ..group.clone() };
        GROUPS.put(&self.0, group.id.0, &GroupRow::from(&next))?;
        NAMES.insert(&self.0, group.name.key().as_str(), &group.id.0)
    }

    fn delete_group(&mut self, id: GroupId, at: Timestamp) -> Result<(), StoreError> {
        let Some(group) = self.load_group(id)? else { return Ok(()) };
        self.keep_group(id, group.name.as_str(), at)?;
        NAMES.remove(&self.0, group.name.key().as_str())?;
        GROUPS.remove(&self.0, id.0)?;
        MEMBERS.remove_all(&self.0, id.0)?;
        CHILDREN.remove_all(&self.0, id.0)?;
        CHILDREN.flipped().remove_all(&self.0, id.0)?;
        self.forget_dates(ManagerId::Group(id))?;
        self.remove_from_managers(ManagerId::Group(id))
    }
}
