//! Writes the keys that no name is found by.

use diesel::prelude::*;
use guildhall_domain::email_domain::EmailDomain;
use uuid::Uuid;

use super::PAGE;
use crate::connection::AnyConnection;
use crate::listing::index_rows;
use crate::schema::{group_email_domains, groups, users};
use crate::sql_types::Key;
use crate::tables::{groups_in_order, users_in_order};
use crate::unit_of_work::Failure;

/// Replaces the domains of groups by their form in ASCII. One that is none by the present rules stays, and no address has it.
pub(super) fn email_domains(connection: &mut AnyConnection) -> Result<(), Failure> {
    let rows: Vec<(Key, String)> = group_email_domains::table
        .select((group_email_domains::group_id, group_email_domains::domain))
        .load(connection)?;
    for (group, before) in rows {
        let Ok(domain) = EmailDomain::try_from(before.as_str()) else { continue };
        if domain.as_ascii() == before {
            continue;
        }
        let spellings = [before.as_str(), domain.as_ascii()];
        let both = group_email_domains::table
            .filter(group_email_domains::group_id.eq(group))
            .filter(group_email_domains::domain.eq_any(spellings));
        diesel::delete(both).execute(connection)?;
        diesel::insert_into(group_email_domains::table)
            .values((group_email_domains::group_id.eq(group), group_email_domains::domain.eq(domain.as_ascii())))
            .execute(connection)?;
    }
    Ok(())
}

/// Replaces what users and groups are searched and sorted by.
pub(super) fn search_rows(connection: &mut AnyConnection) -> Result<(), Failure> {
    let mut after = Key(Uuid::nil());
    loop {
        let ids: Vec<Key> =
            users::table.filter(users::id.gt(after)).order(users::id).select(users::id).limit(PAGE).load(connection)?;
        let Some(last) = ids.last() else { break };
        after = *last;
        let users = users_in_order(connection, &ids)?;
        index_rows::update_all(connection, &users)?;
    }
    let mut after = Key(Uuid::nil());
    loop {
        let ids: Vec<Key> = groups::table
            .filter(groups::id.gt(after))
            .order(groups::id)
            .select(groups::id)
            .limit(PAGE)
            .load(connection)?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = *last;
        let groups = groups_in_order(connection, &ids)?;
        index_rows::update_groups(connection, &groups)?;
    }
}
