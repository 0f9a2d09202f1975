//! Groups that are imported.

use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::Group;
use guildhall_domain::version::Version;
use serde::Serialize;

use super::accounts::update_statement;
use super::all_changed;
use super::rows::ColumnType::{Json, Number, Text, Uuid};
use super::rows::{Columns, Lazy, RowStatement};
use crate::connection::AnyConnection;
use crate::listing::index_rows::{self, GroupKeys};
use crate::sql_types::Key;
use crate::tables::group_row::GroupRow;
use crate::unit_of_work::Failure;

/// The columns of `groups`, without the count of children.
const GROUPS: Columns = &[
    ("id", Uuid),
    ("name", Text),
    ("name_key", Text),
    ("description", Text),
    ("kind", Text),
    ("custom", Json),
    ("created", Number),
    ("modified", Number),
    ("version", Number),
    ("description_key", Text),
    ("custom_keys", Json),
];

/// A row of `groups`.
#[derive(Serialize)]
struct WholeRow {
    #[serde(flatten)]
    group: GroupRow,
    name_key: String,
    #[serde(flatten)]
    keys: GroupKeys,
}

impl From<&Group> for WholeRow {
    fn from(group: &Group) -> Self {
        Self {
            group: GroupRow::from(group),
            name_key: group.name.key().as_str().to_owned(),
            keys: index_rows::group_keys(group),
        }
    }
}

/// A row of `group_email_domains`.
#[derive(Serialize)]
struct DomainRow<'g> {
    group_id: Key,
    domain: &'g str,
}

const DOMAINS: Columns = &[("group_id", Uuid), ("domain", Text)];

static INSERT_DOMAINS: Lazy = Lazy::new(|| RowStatement::insert("group_email_domains", DOMAINS, ""));

fn domains(group: &Group) -> impl Iterator<Item = DomainRow<'_>> {
    let group_id = Key(group.id.0);
    let domains = group.auto_membership_email_domains.iter().map(EmailDomain::as_ascii);
    domains.map(move |domain| DomainRow { group_id, domain })
}

/// Adds groups, each of which is at first alone in the closure.
pub(super) fn insert(connection: &mut AnyConnection, groups: &[Group]) -> Result<(), Failure> {
    static INSERT_GROUPS: Lazy = Lazy::new(|| RowStatement::insert("groups", GROUPS, ""));
    static INSERT_PAIRS: Lazy = Lazy::new(|| {
        RowStatement::of(GROUPS, "INSERT INTO group_closure (ancestor_id, descendant_id) SELECT id, id FROM wanted")
    });
    let rows: Vec<WholeRow> = groups.iter().map(WholeRow::from).collect();
    INSERT_GROUPS.execute(connection, &rows)?;
    INSERT_PAIRS.execute(connection, &rows)?;
    INSERT_DOMAINS.execute(connection, &groups.iter().flat_map(domains).collect::<Vec<_>>())?;
    Ok(())
}

/// Replaces groups and their email domains.
pub(super) fn update(connection: &mut AnyConnection, groups: &[(Group, Group)]) -> Result<(), Failure> {
    static UPDATE_GROUPS: Lazy =
        Lazy::new(|| update_statement("groups", "id", GROUPS, " AND groups.version = wanted.version - 1"));
    static DELETE_DOMAINS: Lazy = Lazy::new(|| {
        let left = "(SELECT group_id, domain FROM wanted)";
        RowStatement::of(DOMAINS, &format!("DELETE FROM group_email_domains WHERE (group_id, domain) IN {left}"))
    });
    let next = |(before, after): &(Group, Group)| {
        WholeRow::from(&Group { version: Version(before.version.0 + 1), ..after.clone() })
    };
    let rows: Vec<WholeRow> = groups.iter().map(next).collect();
    all_changed(UPDATE_GROUPS.execute(connection, &rows)?, groups.len())?;
    let differs =
        |(before, after): &&(Group, Group)| before.auto_membership_email_domains != after.auto_membership_email_domains;
    let changed: Vec<_> = groups.iter().filter(differs).collect();
    let left: Vec<_> = changed.iter().flat_map(|(before, _)| domains(before)).collect();
    let new: Vec<_> = changed.iter().flat_map(|(_, after)| domains(after)).collect();
    DELETE_DOMAINS.execute(connection, &left)?;
    INSERT_DOMAINS.execute(connection, &new)?;
    Ok(())
}
