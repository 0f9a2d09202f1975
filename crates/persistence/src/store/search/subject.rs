//! Of whom listings of users are.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use guildhall_domain::ports::Reach;
use guildhall_domain::search::UserField;

use super::column::{Dialect, Homes, Use};
use super::fragment::Fragment;
use super::known::Stamp;
use super::page::Table;
use super::way::Way;
use crate::connection::AnyConnection;
use crate::sql_types::{Key, UuidSql};
use crate::store::{Failure, saturating};

/// Of whom a listing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// All users.
    Everybody,
    /// The members of a group, but for those of the excluded ones.
    Members { group: Key, reach: Reach, excluded: Vec<Key> },
}

impl Subject {
    /// That the user whose id stands in this column is one of them.
    pub(super) fn condition(&self, purpose: Use, id: &'static str, dialect: Dialect) -> Fragment {
        match self {
            Self::Everybody => Fragment::of("1 = 1"),
            Self::Members { group, reach, excluded } => {
                let members = membership(&[*group], *reach, purpose, id, dialect);
                if excluded.is_empty() {
                    return members;
                }
                members.sql(" AND NOT ").then(membership(excluded, *reach, Use::Probing, id, dialect))
            }
        }
    }
}

/// Has SQLite ask for each membership whether the statement is to go on. It asks as soon as it can, so that without a word
/// about the membership it would ask for each group alone.
fn going_on(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "",
        Dialect::Sqlite => " AND length(m.user_id) >= guildhall_goes_on()",
    }
}

fn membership(groups: &[Key], reach: Reach, purpose: Use, id: &'static str, dialect: Dialect) -> Fragment {
    let groups = groups.iter().copied();
    match (purpose, reach) {
        (Use::Finding, Reach::Direct) => Fragment::of(id)
            .sql(" IN (SELECT m.user_id FROM group_users m WHERE m.group_id IN ")
            .ids(groups)
            .sql(going_on(dialect))
            .sql(")"),
        (Use::Finding, Reach::Effective) => Fragment::of(id)
            .sql(" IN (SELECT m.user_id FROM group_closure c JOIN group_users m ON m.group_id = c.descendant_id ")
            .sql("WHERE c.ancestor_id IN ")
            .ids(groups)
            .sql(going_on(dialect))
            .sql(")"),
        // As a value rather than with EXISTS, which PostgreSQL would turn into a join.
        (Use::Probing, Reach::Direct) => Fragment::of("coalesce((SELECT 1 FROM group_users m WHERE m.user_id = ")
            .sql(id)
            .sql(" AND m.group_id IN ")
            .ids(groups)
            .sql(" LIMIT 1), 0) = 1"),
        // The groups are a value for the same reason: PostgreSQL keeps them at hand, and looks up the user's own alone.
        (Use::Probing, Reach::Effective) => Fragment::of("coalesce((SELECT 1 FROM group_users m WHERE m.user_id = ")
            .sql(id)
            .sql(" AND coalesce(m.group_id IN (SELECT c.descendant_id FROM group_closure c WHERE c.ancestor_id IN ")
            .ids(groups)
            .sql("), 1 = 0) LIMIT 1), 0) = 1"),
    }
}

/// The groups that have a say in a listing, with the numbers of their users and of their changes.
pub(super) type Fingerprint = Vec<(Key, i64, i64)>;

fn group_counts(connection: &mut AnyConnection, groups: &[Key], reach: Reach) -> Result<Fingerprint, Failure> {
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

/// The numbers that change whenever the listing does.
pub(super) fn fingerprint(
    connection: &mut AnyConnection,
    subject: &Subject,
    stamp: Stamp,
) -> Result<Fingerprint, Failure> {
    // What is no group stands for all users, and between the groups and the excluded ones.
    let nobody = Key(uuid::Uuid::nil());
    match subject {
        Subject::Everybody => Ok(vec![(nobody, saturating(stamp.users), stamp.changes)]),
        Subject::Members { group, reach, excluded } => {
            let mut fingerprint = group_counts(connection, &[*group], *reach)?;
            if !excluded.is_empty() {
                fingerprint.push((nobody, 0, 0));
                fingerprint.extend(group_counts(connection, excluded, *reach)?);
            }
            Ok(fingerprint)
        }
    }
}

/// How many users a listing has, by counting them: the rows of members alone tell.
pub(super) fn count(connection: &mut AnyConnection, subject: &Subject) -> Result<u64, Failure> {
    let Subject::Members { group, reach, excluded } = subject else { return Ok(Stamp::read(connection)?.users) };
    let dialect = Dialect::of(connection);
    let members = |groups: &[Key]| {
        let statement = match reach {
            Reach::Direct => "SELECT m.user_id FROM group_users m WHERE m.group_id IN ",
            Reach::Effective => {
                "SELECT m.user_id FROM group_closure c JOIN group_users m ON m.group_id = c.descendant_id \
                 WHERE c.ancestor_id IN "
            }
        };
        Fragment::of(statement).ids(groups.iter().copied()).sql(going_on(dialect))
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

/// The users of a listing along the index of their names, up to the condition.
pub(super) fn by_name(subject: &Subject, dialect: Dialect, select: &'static str) -> Fragment {
    let index = "users_by_username_key";
    Fragment::of(select)
        .then(UserField::tables(Homes::OWN, Homes::OWN, Way::Led(Some(index)), dialect))
        .sql(" WHERE ")
        .sql(dialect.going_on())
        .then(subject.condition(Use::Probing, "u.id", dialect))
}
