//! Listings of groups.

use std::collections::BTreeSet;

use diesel::prelude::*;
use guildhall_domain::group::{Group, GroupId, SystemGroup};
use guildhall_domain::page::Paged;
use guildhall_domain::ports::{ChildScope, Children, Reach};
use guildhall_domain::search::GroupListing;
use guildhall_domain::user::UserId;

use super::filter_sql::{ConditionUse, Fragment};
use super::plan::{PageQuery, ScopeCondition};
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::dialect::scheduled::SOURCES;
use crate::schema::group_counts;
use crate::sql_types::Key;
use crate::tables::groups_in_order;
use crate::unit_of_work::Failure;

pub(crate) fn all_groups(connection: &mut AnyConnection, listing: &GroupListing) -> Result<Paged<Group>, Failure> {
    groups_within(connection, None, listing)
}

/// The groups below a group.
pub(crate) fn children(
    connection: &mut AnyConnection,
    group: GroupId,
    children: &Children,
    listing: &GroupListing,
) -> Result<Paged<Group>, Failure> {
    let within = |_: ConditionUse, id: &'static str| {
        let mut condition = below(&[Key(group.0)], children.reach, id);
        if children.include_self {
            let itself = Fragment::of(id).sql(" = ").id(Key(group.0));
            condition = Fragment::of("(").then(condition).sql(" OR ").then(itself).sql(")");
        }
        if children.scope == ChildScope::Managed {
            condition = without_administering(condition, id);
        }
        without_below(condition, &children.excluded, children.reach, id)
    };
    groups_within(connection, Some(&within), listing)
}

/// The groups that a user is a member of.
pub(crate) fn groups_of(
    connection: &mut AnyConnection,
    user: UserId,
    reach: Reach,
    excluded: &BTreeSet<GroupId>,
    listing: &GroupListing,
) -> Result<Paged<Group>, Failure> {
    let within = |_: ConditionUse, id: &'static str| {
        let memberships = match reach {
            Reach::Direct => " IN (SELECT m.group_id FROM group_users m WHERE m.user_id = ",
            Reach::Effective => {
                " IN (SELECT c.ancestor_id FROM group_users m \
                 JOIN group_closure c ON c.descendant_id = m.group_id WHERE m.user_id = "
            }
        };
        let condition = Fragment::of(id).sql(memberships).id(Key(user.0)).sql(")");
        without_below(condition, excluded, reach, id)
    };
    groups_within(connection, Some(&within), listing)
}

/// The groups that a user manages.
pub(crate) fn managed_groups(
    connection: &mut AnyConnection,
    user: UserId,
    listing: &GroupListing,
) -> Result<Paged<Group>, Failure> {
    let dialect = Dialect::of(connection);
    let within = |_: ConditionUse, id: &'static str| {
        let condition = Fragment::of(id)
            .sql(
                " IN (SELECT b.descendant_id FROM group_closure b WHERE b.ancestor_id IN (\
                 SELECT p.group_id FROM group_manager_users p WHERE p.user_id = ",
            )
            .id(Key(user.0))
            .sql(
                " UNION SELECT p.group_id FROM group_users m JOIN group_closure c ON c.descendant_id = m.group_id \
                 JOIN group_manager_groups p ON p.manager_id = c.ancestor_id WHERE m.user_id = ",
            )
            .id(Key(user.0))
            .sql(dialect.row_check())
            .sql("))");
        without_administering(condition, id)
    };
    groups_within(connection, Some(&within), listing)
}

fn groups_within(
    connection: &mut AnyConnection,
    within: Option<&ScopeCondition<'_>>,
    listing: &GroupListing,
) -> Result<Paged<Group>, Failure> {
    // The number of groups is not used for pages that one statement reads.
    let query = PageQuery { listing, within, item_count: 0 };
    let whole = if within.is_none() && listing.filter.is_all() {
        query.page_of_all(connection, "(SELECT CAST(sum(groups) AS bigint) FROM group_counts)")?
    } else {
        query.page_of_few(connection)?
    };
    if let Some((total, groups)) = whole {
        return Ok(listing.paged(total, groups));
    }
    let slots: Vec<i64> = group_counts::table.select(group_counts::groups).load(connection)?;
    let query = PageQuery { listing, within, item_count: slots.into_iter().sum::<i64>().unsigned_abs() };
    let total = query.count(connection)?;
    if let Some(groups) = query.items(connection, total)? {
        return Ok(listing.paged(total, groups));
    }
    let ids = query.ids(connection, total)?;
    Ok(listing.paged(total, groups_in_order(connection, &ids)?))
}

/// The condition that a group is below one of `groups`.
fn below(groups: &[Key], reach: Reach, id: &'static str) -> Fragment {
    let groups = groups.iter().copied();
    match reach {
        Reach::Direct => Fragment::of(id)
            .sql(" IN (SELECT e.child_id FROM group_children e WHERE e.parent_id IN ")
            .ids(groups)
            .sql(")"),
        // A group is not below itself, but it may be below another one of `groups`.
        Reach::Effective => Fragment::of(id)
            .sql(" IN (SELECT c.descendant_id FROM group_closure c WHERE c.ancestor_id IN ")
            .ids(groups)
            .sql(" AND c.descendant_id <> c.ancestor_id)"),
    }
}

fn without_below(condition: Fragment, excluded: &BTreeSet<GroupId>, reach: Reach, id: &'static str) -> Fragment {
    if excluded.is_empty() {
        return condition;
    }
    let excluded: Vec<Key> = excluded.iter().map(|group| Key(group.0)).collect();
    condition.sql(" AND NOT ").then(below(&excluded, reach, id))
}

/// Leaves out the administrators' groups and every group that is below one or is going to be.
pub(super) fn without_administering(condition: Fragment, id: &'static str) -> Fragment {
    let mut excluded =
        Fragment::of(id).sql(" IN (WITH RECURSIVE sources (id) AS (SELECT s.id FROM groups s WHERE s.name_key IN (''");
    for group in SystemGroup::ADMINISTRATORS {
        excluded = excluded.sql(", ").text(group.key().as_str());
    }
    let below = " SELECT a.descendant_id FROM group_closure a WHERE a.ancestor_id IN (SELECT id FROM sources))";
    condition.sql(" AND NOT ").then(excluded).sql(")").sql(SOURCES).sql(below)
}
