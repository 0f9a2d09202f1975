//! Statements about groups.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::count_star;
use diesel::prelude::*;
use guildhall_domain::group::{Group, GroupId, GroupKind, GroupName};
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::time::Timestamp;

use super::{Failure, closure, custom};
use crate::connection::AnyConnection;
use crate::schema::{group_children, group_email_domains, group_user_counts, groups};
use crate::sql_types::{Json, Key};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = groups, treat_none_as_default_value = false)]
pub(super) struct GroupRow {
    id: Key,
    name: String,
    description: Option<String>,
    kind: String,
    custom: Json,
    created: i64,
    modified: i64,
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

pub(super) fn find(connection: &mut AnyConnection, id: GroupId) -> Result<Option<Group>, Failure> {
    let rows = groups::table.filter(groups::id.eq(Key(id.0))).select(GroupRow::as_select()).load(connection)?;
    Ok(complete(connection, rows)?.pop())
}

/// Groups with what stands in other tables: a constant number of statements, however many rows.
pub(super) fn complete(connection: &mut AnyConnection, rows: Vec<GroupRow>) -> Result<Vec<Group>, Failure> {
    let ids: Vec<Key> = rows.iter().map(|row| row.id).collect();
    let mut users: BTreeMap<Key, i64> = BTreeMap::new();
    let slots = group_user_counts::table
        .filter(group_user_counts::group_id.eq_any(ids.clone()))
        .select((group_user_counts::group_id, group_user_counts::users))
        .load::<(Key, i64)>(connection)?;
    for (group, slot) in slots {
        *users.entry(group).or_default() += slot;
    }
    let children: BTreeMap<Key, i64> = group_children::table
        .filter(group_children::parent_id.eq_any(ids.clone()))
        .group_by(group_children::parent_id)
        .select((group_children::parent_id, count_star()))
        .load(connection)?
        .into_iter()
        .collect();
    let mut domains: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
    let pairs = group_email_domains::table
        .filter(group_email_domains::group_id.eq_any(ids))
        .select((group_email_domains::group_id, group_email_domains::domain))
        .load::<(Key, String)>(connection)?;
    for (group, domain) in pairs {
        domains.entry(group).or_default().insert(domain);
    }
    let complete = |row: GroupRow| {
        let key = row.id;
        let broken = |what: &str| Failure::Data(format!("the {what} of group {} is not valid", key.0));
        Ok(Group {
            id: GroupId(key.0),
            name: GroupName::try_from(row.name).map_err(|_| broken("name"))?,
            description: row.description,
            kind: kind_of(&row.kind).ok_or_else(|| broken("kind"))?,
            user_count: users.get(&key).copied().unwrap_or_default().unsigned_abs(),
            child_group_count: children.get(&key).copied().unwrap_or_default().unsigned_abs(),
            custom: custom::read(&row.custom)?,
            auto_membership_email_domains: domains.remove(&key).unwrap_or_default(),
            created: Timestamp::from_milliseconds(row.created),
            modified: Timestamp::from_milliseconds(row.modified),
        })
    };
    rows.into_iter().map(complete).collect()
}

pub(super) fn for_domain(connection: &mut AnyConnection, domain: &str) -> Result<BTreeSet<GroupId>, Failure> {
    let groups: Vec<Key> = group_email_domains::table
        .filter(group_email_domains::domain.eq(domain))
        .select(group_email_domains::group_id)
        .load(connection)?;
    Ok(groups.into_iter().map(|key| GroupId(key.0)).collect())
}

pub(super) fn insert(connection: &mut AnyConnection, group: &Group) -> Result<(), Failure> {
    let row = GroupRow {
        id: Key(group.id.0),
        name: group.name.as_str().to_owned(),
        description: group.description.clone(),
        kind: kind(group.kind).to_owned(),
        custom: custom::write(&group.custom),
        created: group.created.milliseconds(),
        modified: group.modified.milliseconds(),
    };
    let name_key = groups::name_key.eq(group.name.key().as_str().to_owned());
    diesel::insert_into(groups::table).values((row, name_key)).execute(connection)?;
    for domain in &group.auto_membership_email_domains {
        diesel::insert_into(group_email_domains::table)
            .values((group_email_domains::group_id.eq(Key(group.id.0)), group_email_domains::domain.eq(domain)))
            .execute(connection)?;
    }
    closure::insert_group(connection, group.id)
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
