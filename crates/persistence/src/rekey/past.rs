//! Replaces the keys of names that deleted users and groups had. Names of the past may be the same.

use diesel::prelude::*;
use guildhall_domain::name::NameKey;
use uuid::Uuid;

use super::PAGE;
use crate::connection::AnyConnection;
use crate::schema::{past_groups, past_users};
use crate::sql_types::Key;
use crate::unit_of_work::Failure;

/// Makes the keys of one table anew, page by page in the order of the ids.
macro_rules! rekey {
    ($connection:ident, $table:ident, $name:ident, $key:ident) => {{
        let mut after = Key(Uuid::nil());
        loop {
            let rows: Vec<(Key, String, String)> = $table::table
                .filter($table::id.gt(after))
                .order($table::id)
                .select(($table::id, $table::$name, $table::$key))
                .limit(PAGE)
                .load($connection)?;
            let Some((last, ..)) = rows.last() else { break };
            after = *last;
            for (id, name, before) in &rows {
                let key = NameKey::of(name);
                if key.as_str() != before {
                    diesel::update($table::table.find(*id)).set($table::$key.eq(key.as_str())).execute($connection)?;
                }
            }
        }
    }};
}

pub(super) fn names(connection: &mut AnyConnection) -> Result<(), Failure> {
    rekey!(connection, past_users, username, username_key);
    rekey!(connection, past_groups, name, name_key);
    Ok(())
}
