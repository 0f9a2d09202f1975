//! Whose listing a listing of users is: all users, or the members of a group.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guildhall_domain::ports::Reach;
use guildhall_domain::search::UserField;

use super::cache::ChangeCounters;
use super::filter_sql::{ConditionUse, Fragment, TableSet};
use super::plan::{AccessPath, SqlItem};
use super::user_fields::USERNAME_INDEX;
use crate::connection::AnyConnection;
use crate::dialect::Dialect;
use crate::sql_types::{Key, UuidSql, saturating};
use crate::unit_of_work::Failure;

/// Whose listing it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UserScope {
    /// All users.
    AllUsers,
    /// The members of a group without the members of the excluded groups.
    Members { group: Key, reach: Reach, excluded: Vec<Key> },
}

impl UserScope {
    /// The condition that the user whose id is in this column is in scope.
    pub(super) fn condition(&self, condition_use: ConditionUse, id: &'static str, dialect: Dialect) -> Fragment {
        match self {
            Self::AllUsers => Fragment::of("1 = 1"),
            Self::Members { group, reach, excluded } => {
                let members = membership(&[*group], *reach, condition_use, id, dialect);
                if excluded.is_empty() {
                    return members;
                }
                members.sql(" AND NOT ").then(membership(excluded, *reach, ConditionUse::RowFilter, id, dialect))
            }
        }
    }
}

fn membership(
    groups: &[Key],
    reach: Reach,
    condition_use: ConditionUse,
    id: &'static str,
    dialect: Dialect,
) -> Fragment {
    let groups = groups.iter().copied();
    match (condition_use, reach) {
        (ConditionUse::IndexLookup, Reach::Direct) => Fragment::of(id)
            .sql(" IN (SELECT m.user_id FROM group_users m WHERE m.group_id IN ")
            .ids(groups)
            .sql(dialect.row_check())
            .sql(")"),
        (ConditionUse::IndexLookup, Reach::Effective) => Fragment::of(id)
            .sql(" IN (SELECT m.user_id FROM group_closure c JOIN group_users m ON m.group_id = c.descendant_id ")
            .sql("WHERE c.ancestor_id IN ")
            .ids(groups)
            .sql(dialect.row_check())
            .sql(")"),
        // A scalar subquery: PostgreSQL would turn EXISTS into a join.
        (ConditionUse::RowFilter, Reach::Direct) => {
            Fragment::of("coalesce((SELECT 1 FROM group_users m WHERE m.user_id = ")
                .sql(id)
                .sql(" AND m.group_id IN ")
                .ids(groups)
                .sql(" LIMIT 1), 0) = 1")
        }
        // `coalesce` keeps PostgreSQL from turning the list of groups into a join. It hashes the list once, and then reads the
        // memberships of each user.
        (ConditionUse::RowFilter, Reach::Effective) => {
            Fragment::of("coalesce((SELECT 1 FROM group_users m WHERE m.user_id = ")
                .sql(id)
                .sql(" AND coalesce(m.group_id IN (SELECT c.descendant_id FROM group_closure c WHERE c.ancestor_id IN ")
                .ids(groups)
                .sql("), 1 = 0) LIMIT 1), 0) = 1")
        }
    }
}

/// The groups that a listing depends on, each with the number of its users and the number of its changes.
pub(super) type Fingerprint = Vec<(Key, i64, i64)>;

fn group_counters(connection: &mut AnyConnection, groups: &[Key], reach: Reach) -> Result<Fingerprint, Failure> {
    let groups = groups.iter().copied();
    let statement = match reach {
        Reach::Direct => Fragment::of(
            "SELECT n.group_id, CAST(sum(n.users) AS bigint), CAST(sum(n.changes) AS bigint) FROM group_user_counts n \
             WHERE n.group_id IN ",
        )
        .ids(groups)
        .sql(" GROUP BY n.group_id ORDER BY n.group_id"),
        Reach::Effective => Fragment::of(
            "SELECT n.group_id, CAST(sum(n.users) AS bigint), CAST(sum(n.changes) AS bigint) FROM group_user_counts n \
             WHERE n.group_id IN (SELECT c.descendant_id FROM group_closure c WHERE c.ancestor_id IN ",
        )
        .ids(groups)
        .sql(") GROUP BY n.group_id ORDER BY n.group_id"),
    };
    Ok(statement.query::<(UuidSql, BigInt, BigInt)>().load(connection)?)
}

/// The numbers that change whenever the listing does: a listing with the same fingerprint is the same listing.
pub(super) fn fingerprint(
    connection: &mut AnyConnection,
    scope: &UserScope,
    counters: ChangeCounters,
) -> Result<Fingerprint, Failure> {
    // No group has this id. It stands for all users, and separates the groups from the excluded ones.
    let no_group = Key(uuid::Uuid::nil());
    match scope {
        UserScope::AllUsers => Ok(vec![(no_group, saturating(counters.users), counters.changes)]),
        UserScope::Members { group, reach, excluded } => {
            let mut fingerprint = group_counters(connection, &[*group], *reach)?;
            if !excluded.is_empty() {
                fingerprint.push((no_group, 0, 0));
                fingerprint.extend(group_counters(connection, excluded, *reach)?);
            }
            Ok(fingerprint)
        }
    }
}

/// Counts the users in scope. Only memberships are read.
pub(super) fn count(connection: &mut AnyConnection, scope: &UserScope) -> Result<u64, Failure> {
    let UserScope::Members { group, reach, excluded } = scope else {
        return Ok(ChangeCounters::read(connection)?.users);
    };
    let dialect = Dialect::of(connection);
    let members = |groups: &[Key]| {
        let statement = match reach {
            Reach::Direct => "SELECT m.user_id FROM group_users m WHERE m.group_id IN ",
            Reach::Effective => {
                "SELECT m.user_id FROM group_closure c JOIN group_users m ON m.group_id = c.descendant_id \
                 WHERE c.ancestor_id IN "
            }
        };
        Fragment::of(statement).ids(groups.iter().copied()).sql(dialect.row_check())
    };
    let counted = Fragment::of("SELECT count(*) FROM (").then(members(&[*group]));
    let counted = if excluded.is_empty() {
        counted.sql(" GROUP BY m.user_id) t")
    } else {
        counted.sql(" EXCEPT ").then(members(excluded)).sql(") t")
    };
    let count: i64 = counted.query::<BigInt>().get_result(connection)?;
    Ok(count.unsigned_abs())
}

/// A statement that selects from the users in scope in the order of the index of usernames, up to the end of its condition.
pub(super) fn in_name_order(scope: &UserScope, dialect: Dialect, select: &'static str) -> Fragment {
    Fragment::of(select)
        .then(UserField::from_clause(TableSet::MAIN, TableSet::MAIN, AccessPath::Driven(Some(USERNAME_INDEX)), dialect))
        .sql(" WHERE ")
        .sql(dialect.interrupt_check())
        .then(scope.condition(ConditionUse::RowFilter, "u.id", dialect))
}
