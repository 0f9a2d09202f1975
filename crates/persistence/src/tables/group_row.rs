//! A group as a row of `groups`, with what other tables hold of it.

use std::collections::BTreeMap;

use diesel::dsl::AsSelect;
use diesel::prelude::*;
use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::{Group, GroupId, GroupKind, GroupName};
use guildhall_domain::time::Timestamp;
use guildhall_domain::version::Version;

use super::custom_properties;
use crate::connection::{AnyConnection, MultiBackend};
use crate::schema::{group_email_domains, group_user_counts, groups};
use crate::sql_types::{Json, Key};
use crate::unit_of_work::Failure;

/// The columns of `groups` that are the group's own properties.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = groups, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct GroupRow {
    pub(super) id: Key,
    name: String,
    description: Option<String>,
    kind: String,
    custom: Json,
    created: i64,
    modified: i64,
    pub(super) version: i64,
}

impl From<&Group> for GroupRow {
    fn from(group: &Group) -> Self {
        Self {
            id: Key(group.id.0),
            name: group.name.as_str().to_owned(),
            description: group.description.clone(),
            kind: kind_text(group.kind).to_owned(),
            custom: custom_properties::write(&group.custom),
            created: group.created.milliseconds(),
            modified: group.modified.milliseconds(),
            version: i64::try_from(group.version.0).unwrap_or(i64::MAX),
        }
    }
}

/// The group with this id.
pub(super) fn find(connection: &mut AnyConnection, id: GroupId) -> Result<Option<Group>, Failure> {
    let rows = groups::table.find(Key(id.0)).select(counted()).load(connection)?;
    Ok(complete(connection, rows)?.pop())
}

/// The groups with these ids, in the order of the ids.
pub(crate) fn groups_in_order(connection: &mut AnyConnection, ids: &[Key]) -> Result<Vec<Group>, Failure> {
    let rows = groups::table.filter(groups::id.eq_any(ids)).select(counted()).load(connection)?;
    let groups = complete(connection, rows)?.into_iter().map(|group| (Key(group.id.0), group));
    let mut groups: BTreeMap<Key, Group> = groups.collect();
    Ok(ids.iter().filter_map(|id| groups.remove(id)).collect())
}

/// A group's own columns and the number of its children, which only changes with its edges.
fn counted() -> (AsSelect<GroupRow, MultiBackend>, groups::child_group_count) {
    (GroupRow::as_select(), groups::child_group_count)
}

/// Adds to the groups what is in other tables, in a constant number of statements.
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
    let mut domains: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    let pairs = group_email_domains::table
        .filter(group_email_domains::group_id.eq_any(ids))
        .select((group_email_domains::group_id, group_email_domains::domain))
        .load::<(Key, String)>(connection)?;
    for (group, domain) in pairs {
        domains.entry(group).or_default().push(domain);
    }
    let complete = |(row, children): (GroupRow, i64)| {
        let (users, domains) = (users.get(&row.id).copied(), domains.remove(&row.id));
        group(row, children, users.unwrap_or_default(), domains.unwrap_or_default())
    };
    rows.into_iter().map(complete).collect()
}

/// The group of a row, with the numbers of its children and its direct members, and its email domains.
pub(super) fn group(
    row: GroupRow,
    children: i64,
    users: i64,
    domains: impl IntoIterator<Item = String>,
) -> Result<Group, Failure> {
    let id = row.id.0;
    let invalid = |what: &str| Failure::Data(format!("the {what} of group {id} is not valid"));
    Ok(Group {
        id: GroupId(id),
        name: GroupName::stored(row.name),
        description: row.description,
        kind: kind(&row.kind).ok_or_else(|| invalid("kind"))?,
        user_count: users.unsigned_abs(),
        child_group_count: children.unsigned_abs(),
        custom: custom_properties::read(&row.custom)?,
        auto_membership_email_domains: domains.into_iter().map(EmailDomain::stored).collect(),
        created: Timestamp::from_milliseconds(row.created),
        modified: Timestamp::from_milliseconds(row.modified),
        version: Version(row.version.unsigned_abs()),
    })
}

pub(super) fn kind_text(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::System => "sys",
        GroupKind::Contensis => "contensis",
        GroupKind::External => "external",
    }
}

fn kind(text: &str) -> Option<GroupKind> {
    [GroupKind::System, GroupKind::Contensis, GroupKind::External]
        .into_iter()
        .find(|candidate| kind_text(*candidate) == text)
}
