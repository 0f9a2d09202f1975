//! Statements about groups.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::AsSelect;
use diesel::prelude::*;
use guildhall_domain::group::{Group, GroupId, GroupKind, GroupName};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::version::Version;

use super::search::upkeep;
use super::{Failure, closure, custom};
use crate::connection::{AnyConnection, MultiBackend};
use crate::dialect;
use crate::schema::{group_email_domains, group_user_counts, group_users, groups};
use crate::sql_types::{Json, Key};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = groups, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct GroupRow {
    id: Key,
    name: String,
    description: Option<String>,
    kind: String,
    custom: Json,
    created: i64,
    modified: i64,
    version: i64,
}

pub(super) fn id(connection: &mut AnyConnection, identifier: &GroupIdentifier) -> Result<Option<GroupId>, Failure> {
    let found: Option<Key> = match identifier {
        GroupIdentifier::Id(id) => {
            groups::table.filter(groups::id.eq(Key(id.0))).select(groups::id).first(connection).optional()?
        }
        GroupIdentifier::Name(key) => {
            groups::table.filter(groups::name_key.eq(key.as_str())).select(groups::id).first(connection).optional()?
        }
    };
    Ok(found.map(|key| GroupId(key.0)))
}

/// A group's own columns, and how many children it has, which is changed with its edges alone.
fn counted() -> (AsSelect<GroupRow, MultiBackend>, groups::child_group_count) {
    (GroupRow::as_select(), groups::child_group_count)
}

pub(super) fn find(connection: &mut AnyConnection, id: GroupId) -> Result<Option<Group>, Failure> {
    let rows = groups::table.filter(groups::id.eq(Key(id.0))).select(counted()).load(connection)?;
    Ok(complete(connection, rows)?.pop())
}

pub(super) fn find_to_change(connection: &mut AnyConnection, id: GroupId) -> Result<Option<Group>, Failure> {
    dialect::lock_group(connection, Key(id.0))?;
    find(connection, id)
}

/// Groups with what stands in other tables: a constant number of statements, however many rows.
fn complete(connection: &mut AnyConnection, rows: Vec<(GroupRow, i64)>) -> Result<Vec<Group>, Failure> {
    let ids: Vec<Key> = rows.iter().map(|(row, _)| row.id).collect();
    let mut users: BTreeMap<Key, i64> = BTreeMap::new();
    let slots = group_user_counts::table
        .filter(group_user_counts::group_id.eq_any(ids.clone()))
        .select((group_user_counts::group_id, group_user_counts::users))
        .load::<(Key, i64)>(connection)?;
    for (group, slot) in slots {
        *users.entry(group).or_default() += slot;
    }
    let mut domains: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    let pairs = group_email_domains::table
        .filter(group_email_domains::group_id.eq_any(ids))
        .select((group_email_domains::group_id, group_email_domains::domain))
        .load::<(Key, String)>(connection)?;
    for (group, domain) in pairs {
        domains.entry(group).or_default().insert(domain);
    }
    let complete = |(row, children): (GroupRow, i64)| {
        let key = row.id;
        let broken = |what: &str| Failure::Data(format!("the {what} of group {} is not valid", key.0));
        Ok(Group {
            id: GroupId(key.0),
            name: GroupName::try_from(row.name).map_err(|_| broken("name"))?,
            description: row.description,
            kind: kind_of(&row.kind).ok_or_else(|| broken("kind"))?,
            user_count: users.get(&key).copied().unwrap_or_default().unsigned_abs(),
            child_group_count: children.unsigned_abs(),
            custom: custom::read(&row.custom)?,
            auto_membership_email_domains: domains.remove(&key).unwrap_or_default(),
            created: Timestamp::from_milliseconds(row.created),
            modified: Timestamp::from_milliseconds(row.modified),
            version: Version(row.version.unsigned_abs()),
        })
    };
    rows.into_iter().map(complete).collect()
}

/// The groups with these ids, in the order of the ids.
pub(super) fn in_order(connection: &mut AnyConnection, ids: &[Key]) -> Result<Vec<Group>, Failure> {
    let rows = groups::table.filter(groups::id.eq_any(ids)).select(counted()).load(connection)?;
    let groups = complete(connection, rows)?.into_iter().map(|group| (Key(group.id.0), group));
    let mut groups: BTreeMap<Key, Group> = groups.collect();
    Ok(ids.iter().filter_map(|id| groups.remove(id)).collect())
}

pub(super) fn ids(
    connection: &mut AnyConnection,
    identifiers: &[GroupIdentifier],
) -> Result<BTreeSet<GroupId>, Failure> {
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    for identifier in identifiers {
        match identifier {
            GroupIdentifier::Id(id) => keys.push(Key(id.0)),
            GroupIdentifier::Name(key) => names.push(key.as_str().to_owned()),
        }
    }
    let wanted = groups::id.eq_any(keys).or(groups::name_key.eq_any(names));
    let found: Vec<Key> = groups::table.filter(wanted).select(groups::id).load(connection)?;
    Ok(found.into_iter().map(|key| GroupId(key.0)).collect())
}

pub(super) fn unknown(connection: &mut AnyConnection, ids: &BTreeSet<GroupId>) -> Result<BTreeSet<GroupId>, Failure> {
    let unknown = dialect::unknown_groups(connection, ids.iter().map(|id| Key(id.0)).collect())?;
    Ok(unknown.into_iter().map(|key| GroupId(key.0)).collect())
}

pub(super) fn external_among(
    connection: &mut AnyConnection,
    ids: &BTreeSet<GroupId>,
) -> Result<BTreeSet<GroupId>, Failure> {
    let external: Vec<Key> = groups::table
        .filter(groups::id.eq_any(ids.iter().map(|id| Key(id.0)).collect::<Vec<_>>()))
        .filter(groups::kind.eq(kind(GroupKind::External)))
        .select(groups::id)
        .load(connection)?;
    Ok(external.into_iter().map(|key| GroupId(key.0)).collect())
}

pub(super) fn external_of_user(connection: &mut AnyConnection, user: UserId) -> Result<BTreeSet<GroupId>, Failure> {
    let direct = group_users::table.filter(group_users::user_id.eq(Key(user.0))).select(group_users::group_id);
    let external: Vec<Key> = groups::table
        .filter(groups::id.eq_any(direct))
        .filter(groups::kind.eq(kind(GroupKind::External)))
        .select(groups::id)
        .load(connection)?;
    Ok(external.into_iter().map(|key| GroupId(key.0)).collect())
}

pub(super) fn for_domain(connection: &mut AnyConnection, domain: &str) -> Result<BTreeSet<GroupId>, Failure> {
    let groups: Vec<Key> = group_email_domains::table
        .filter(group_email_domains::domain.eq(domain))
        .select(group_email_domains::group_id)
        .load(connection)?;
    Ok(groups.into_iter().map(|key| GroupId(key.0)).collect())
}

pub(super) fn insert(connection: &mut AnyConnection, group: &Group) -> Result<(), Failure> {
    let name_key = groups::name_key.eq(group.name.key().as_str().to_owned());
    let keys = keys(group);
    diesel::insert_into(groups::table).values((row(group), name_key, keys)).execute(connection)?;
    insert_domains(connection, group)?;
    closure::insert_group(connection, group.id)
}

/// Replaces the group's own properties, if it still is in the state that was read.
pub(super) fn update(connection: &mut AnyConnection, group: &Group) -> Result<(), Failure> {
    let read = row(group);
    let expected = groups::table.find(read.id).filter(groups::version.eq(read.version));
    let name_key = groups::name_key.eq(group.name.key().as_str().to_owned());
    let next = row(&Group { version: group.version.next(), ..group.clone() });
    if diesel::update(expected).set((next, name_key, keys(group))).execute(connection)? == 0 {
        return Err(Failure::Stale);
    }
    diesel::delete(group_email_domains::table.filter(group_email_domains::group_id.eq(Key(group.id.0))))
        .execute(connection)?;
    insert_domains(connection, group)
}

/// Members, counts and the group's own pairs of the closure go with the row.
pub(super) fn delete(connection: &mut AnyConnection, id: GroupId) -> Result<(), Failure> {
    closure::detach(connection, id)?;
    diesel::delete(groups::table.find(Key(id.0))).execute(connection)?;
    Ok(())
}

fn insert_domains(connection: &mut AnyConnection, group: &Group) -> Result<(), Failure> {
    for domain in &group.auto_membership_email_domains {
        diesel::insert_into(group_email_domains::table)
            .values((group_email_domains::group_id.eq(Key(group.id.0)), group_email_domains::domain.eq(domain)))
            .execute(connection)?;
    }
    Ok(())
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = groups, treat_none_as_default_value = false, treat_none_as_null = true)]
struct GroupKeys {
    description_key: Option<String>,
    custom_keys: Json,
}

/// What the group is searched and sorted by, its name apart.
fn keys(group: &Group) -> GroupKeys {
    let (description_key, custom_keys) = upkeep::of_group(group);
    GroupKeys { description_key, custom_keys }
}

fn row(group: &Group) -> GroupRow {
    GroupRow {
        id: Key(group.id.0),
        name: group.name.as_str().to_owned(),
        description: group.description.clone(),
        kind: kind(group.kind).to_owned(),
        custom: custom::write(&group.custom),
        created: group.created.milliseconds(),
        modified: group.modified.milliseconds(),
        version: i64::try_from(group.version.0).unwrap_or(i64::MAX),
    }
}

fn kind(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::System => "sys",
        GroupKind::Contensis => "contensis",
        GroupKind::External => "external",
    }
}

fn kind_of(text: &str) -> Option<GroupKind> {
    [GroupKind::System, GroupKind::Contensis, GroupKind::External]
        .into_iter()
        .find(|candidate| kind(*candidate) == text)
}
