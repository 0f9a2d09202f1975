//! A group as a row of `groups`, with what other tables hold of it.

use std::collections::BTreeMap;

use diesel::dsl::AsSelect;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::{Group, GroupId, GroupKind, GroupName};
use guildhall_domain::time::Timestamp;
use guildhall_domain::version::Version;
use serde::Serialize;

use super::custom_properties;
use crate::connection::{AnyConnection, MultiBackend};
use crate::dialect::Dialect;
use crate::schema::groups;
use crate::sql_types::{Computed, Json, Key};
use crate::unit_of_work::Failure;

/// The columns of `groups` that are the group's own properties.
#[derive(Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = groups, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct GroupRow {
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
    let columns = complete(Dialect::of(connection));
    let row: Option<CompleteRow> = groups::table.find(Key(id.0)).select(columns).first(connection).optional()?;
    row.map(CompleteRow::group).transpose()
}

/// The groups with these ids, in the order of the ids.
pub(crate) fn groups_in_order(connection: &mut AnyConnection, ids: &[Key]) -> Result<Vec<Group>, Failure> {
    let columns = complete(Dialect::of(connection));
    let rows: Vec<CompleteRow> = groups::table.filter(groups::id.eq_any(ids)).select(columns).load(connection)?;
    let groups = rows.into_iter().map(|row| row.group().map(|group| (Key(group.id.0), group)));
    let mut groups = groups.collect::<Result<BTreeMap<Key, Group>, Failure>>()?;
    Ok(ids.iter().filter_map(|id| groups.remove(id)).collect())
}

/// How many direct members a group has.
pub(crate) const USERS: &str =
    "(SELECT CAST(sum(n.users) AS bigint) FROM group_user_counts n WHERE n.group_id = groups.id)";

type Complete =
    (AsSelect<GroupRow, MultiBackend>, groups::child_group_count, Computed<Nullable<BigInt>>, Computed<Nullable<Text>>);

/// A group's own columns, the number of its children, that of its direct members, and its email domains as a JSON array.
fn complete(dialect: Dialect) -> Complete {
    (GroupRow::as_select(), groups::child_group_count, Computed::of(USERS), Computed::of(dialect.email_domains()))
}

/// What [`complete`] selects.
#[derive(Queryable)]
pub(crate) struct CompleteRow {
    row: GroupRow,
    children: i64,
    users: Option<i64>,
    domains: Option<String>,
}

impl CompleteRow {
    pub(crate) fn group(self) -> Result<Group, Failure> {
        group(self.row, self.children, self.users.unwrap_or_default(), domains(self.domains)?)
    }
}

/// The texts of a JSON array.
pub(super) fn domains(json: Option<String>) -> Result<Vec<String>, Failure> {
    let read = |json: String| serde_json::from_str(&json).map_err(|error| Failure::Data(error.to_string()));
    json.map_or(Ok(Vec::new()), read)
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
