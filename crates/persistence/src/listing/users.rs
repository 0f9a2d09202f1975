//! Listings of users.

use std::collections::BTreeSet;

use guildhall_domain::group::GroupId;
use guildhall_domain::page::Paged;
use guildhall_domain::ports::Reach;
use guildhall_domain::search::UserListing;
use guildhall_domain::user::User;

use super::cache::{ChangeCounters, ListingCache, MIN_SEEK_OFFSET};
use super::filter_sql::ConditionUse;
use super::plan::{PageQuery, ScopeCondition};
use super::user_scope::UserScope;
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::sql_types::Key;
use crate::tables::users_in_order;
use crate::unit_of_work::Failure;

pub(crate) fn all_users(
    connection: &mut AnyConnection,
    cache: &ListingCache,
    listing: &UserListing,
) -> Result<Paged<User>, Failure> {
    users_in(connection, cache, &UserScope::AllUsers, listing)
}

/// The members of a group. If all users are members, this is the listing of all users.
pub(crate) fn members(
    connection: &mut AnyConnection,
    cache: &ListingCache,
    group: GroupId,
    reach: Reach,
    excluded: &BTreeSet<GroupId>,
    listing: &UserListing,
) -> Result<Paged<User>, Failure> {
    let excluded = excluded.iter().map(|group| Key(group.0)).collect();
    users_in(connection, cache, &UserScope::Members { group: Key(group.0), reach, excluded }, listing)
}

fn users_in(
    connection: &mut AnyConnection,
    cache: &ListingCache,
    scope: &UserScope,
    listing: &UserListing,
) -> Result<Paged<User>, Failure> {
    let is_unfiltered = listing.filter.is_all();
    if *scope == UserScope::AllUsers && is_unfiltered && listing.page.offset() < MIN_SEEK_OFFSET {
        let query = PageQuery { listing, within: None, item_count: 0 };
        let total = "(SELECT CAST(sum(users) AS bigint) FROM user_counts)";
        if let Some((total, users)) = query.page_of_all(connection, total)? {
            return Ok(listing.paged(total, users));
        }
    }
    let counters = ChangeCounters::read(connection)?;
    let mut cached = cache.get(connection, scope, counters)?;
    let holds_all = cached.holds_all();
    let scope = if holds_all { &UserScope::AllUsers } else { scope };
    if holds_all {
        cached = cache.get(connection, scope, counters)?;
    }
    let dialect = Dialect::of(connection);
    let within = |condition_use: ConditionUse, id: &'static str| scope.condition(condition_use, id, dialect);
    let within: Option<&ScopeCondition<'_>> = if holds_all { None } else { Some(&within) };
    let query = PageQuery { listing, within, item_count: counters.users };
    if !is_unfiltered && let Some((total, users)) = query.page_of_few(connection)? {
        return Ok(listing.paged(total, users));
    }
    let total = if is_unfiltered { cache.total(connection, &cached)? } else { query.count(connection)? };
    let ids = match cache.page(connection, &cached, listing, total)? {
        Some(ids) => ids,
        None => match query.items(connection, total)? {
            Some(users) => return Ok(listing.paged(total, users)),
            None => query.ids(connection, total)?,
        },
    };
    Ok(listing.paged(total, users_in_order(connection, &ids)?))
}
