//! Pages of groups.

use std::collections::BTreeSet;

use diesel::prelude::*;
use guildhall_domain::group::{Group, GroupId};
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::ports::{Children, Reach};
use guildhall_domain::user::UserId;

use super::groups::{GroupRow, complete};
use super::{Failure, saturating};
use crate::connection::{AnyConnection, MultiBackend};
use crate::schema::{group_children, group_closure, group_users, groups};
use crate::sql_types::Key;

type Filtered<'a> = groups::BoxedQuery<'a, MultiBackend>;

pub(super) fn all(connection: &mut AnyConnection, page: Page) -> Result<Paged<Group>, Failure> {
    paged(connection, || groups::table.into_boxed(), page)
}

pub(super) fn children(
    connection: &mut AnyConnection,
    group: GroupId,
    children: &Children,
    page: Page,
) -> Result<Paged<Group>, Failure> {
    let group = Key(group.0);
    let filtered = || {
        let query = groups::table.into_boxed();
        let direct = group_children::table.filter(group_children::parent_id.eq(group)).select(group_children::child_id);
        let below = group_closure::table
            .filter(group_closure::ancestor_id.eq(group))
            .filter(group_closure::descendant_id.ne(group))
            .select(group_closure::descendant_id);
        let query = match (children.reach, children.include_self) {
            (Reach::Direct, false) => query.filter(groups::id.eq_any(direct)),
            (Reach::Direct, true) => query.filter(groups::id.eq_any(direct).or(groups::id.eq(group))),
            (Reach::Effective, false) => query.filter(groups::id.eq_any(below)),
            (Reach::Effective, true) => query.filter(groups::id.eq_any(below).or(groups::id.eq(group))),
        };
        without_below(query, &children.excluded, children.reach)
    };
    paged(connection, filtered, page)
}

pub(super) fn of_user(
    connection: &mut AnyConnection,
    user: UserId,
    reach: Reach,
    excluded: &BTreeSet<GroupId>,
    page: Page,
) -> Result<Paged<Group>, Failure> {
    let filtered = || {
        let query = groups::table.into_boxed();
        let query = match reach {
            Reach::Direct => {
                let direct =
                    group_users::table.filter(group_users::user_id.eq(Key(user.0))).select(group_users::group_id);
                query.filter(groups::id.eq_any(direct))
            }
            Reach::Effective => {
                let effective = group_users::table
                    .inner_join(group_closure::table.on(group_closure::descendant_id.eq(group_users::group_id)))
                    .filter(group_users::user_id.eq(Key(user.0)))
                    .select(group_closure::ancestor_id);
                query.filter(groups::id.eq_any(effective))
            }
        };
        without_below(query, excluded, reach)
    };
    paged(connection, filtered, page)
}

/// Less the groups that stand below an excluded one within the same reach (spec section 5.2); the excluded group itself
/// stays.
fn without_below<'a>(query: Filtered<'a>, excluded: &BTreeSet<GroupId>, reach: Reach) -> Filtered<'a> {
    let excluded: Vec<Key> = excluded.iter().map(|group| Key(group.0)).collect();
    match reach {
        _ if excluded.is_empty() => query,
        Reach::Direct => query.filter(groups::id.ne_all(
            group_children::table.filter(group_children::parent_id.eq_any(excluded)).select(group_children::child_id),
        )),
        Reach::Effective => query.filter(
            groups::id.ne_all(
                group_closure::table
                    .filter(group_closure::ancestor_id.eq_any(excluded))
                    .filter(group_closure::descendant_id.ne(group_closure::ancestor_id))
                    .select(group_closure::descendant_id),
            ),
        ),
    }
}

/// A page of the groups that pass a filter, by name: a constant number of statements.
fn paged<'a>(
    connection: &mut AnyConnection,
    filtered: impl Fn() -> Filtered<'a>,
    page: Page,
) -> Result<Paged<Group>, Failure> {
    let total: i64 = filtered().count().get_result(connection)?;
    let rows: Vec<GroupRow> = filtered()
        .select(GroupRow::as_select())
        .order(groups::name_key)
        .limit(saturating(page.size()))
        .offset(saturating(page.offset()))
        .load(connection)?;
    Ok(Paged { page, total: total.unsigned_abs(), items: complete(connection, rows)? })
}
