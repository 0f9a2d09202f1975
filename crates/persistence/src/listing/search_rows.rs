//! Whether the search rows are those of the users and groups, and making them so.

use std::collections::BTreeMap;

use diesel::prelude::*;
use guildhall_domain::group::Group;
use uuid::Uuid;

use super::index_rows::{self, GroupKeys, SearchRow};
use crate::connection::AnyConnection;
use crate::schema::{groups, user_search, users};
use crate::sql_types::Key;
use crate::tables::{groups_in_order, users_in_order};
use crate::unit_of_work::Failure;

/// How many are read at once.
const AT_ONCE: i64 = 1000;

/// How many users and groups are searched by other properties than they have. With `repairs`, they are searched by their own then.
pub(crate) fn differing(connection: &mut AnyConnection, repairs: bool) -> Result<u64, Failure> {
    Ok(differing_users(connection, repairs)? + differing_groups(connection, repairs)?)
}

fn differing_users(connection: &mut AnyConnection, repairs: bool) -> Result<u64, Failure> {
    let (mut count, mut after) = (0, Key(Uuid::nil()));
    loop {
        // No user has the nil id (contract 4.3).
        let following = users::table.filter(users::id.gt(after)).order(users::id);
        let ids: Vec<Key> = following.select(users::id).limit(AT_ONCE).load(connection)?;
        let Some(last) = ids.last() else { return Ok(count) };
        after = *last;
        let stored: Vec<SearchRow> = user_search::table
            .filter(user_search::user_id.eq_any(&ids))
            .select(SearchRow::as_select())
            .load(connection)?;
        let mut stored: BTreeMap<Key, SearchRow> = stored.into_iter().map(|row| (row.user(), row)).collect();
        for user in users_in_order(connection, &ids)? {
            let is_stored = stored.remove(&Key(user.id.0)).is_some_and(|row| row == index_rows::search_row(&user));
            if is_stored {
                continue;
            }
            count += 1;
            if repairs {
                index_rows::replace(connection, &user)?;
            }
        }
    }
}

fn differing_groups(connection: &mut AnyConnection, repairs: bool) -> Result<u64, Failure> {
    let stored: Vec<(Key, GroupKeys)> =
        groups::table.order(groups::id).select((groups::id, GroupKeys::as_select())).load(connection)?;
    let mut count = 0;
    for part in stored.chunks(1000) {
        let ids: Vec<Key> = part.iter().map(|(id, _)| *id).collect();
        let groups = groups_in_order(connection, &ids)?;
        let differs = |(group, (_, keys)): &(&Group, &(Key, GroupKeys))| index_rows::group_keys(group) != *keys;
        count += groups.iter().zip(part).filter(differs).count() as u64;
        if repairs {
            index_rows::update_groups(connection, &groups)?;
        }
    }
    Ok(count)
}
