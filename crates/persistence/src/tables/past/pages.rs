//! Pages of listings of the past: the ids of those that are on them, in order.

use std::sync::LazyLock;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use guildhall_domain::group::GroupId;
use guildhall_domain::page::Page;
use guildhall_domain::ports::Reach;
use guildhall_domain::position::Position;
use guildhall_domain::search::Value;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use uuid::Uuid;

use crate::connection::AnyConnection;
use crate::dialect::past::{groups, members, sorted_page, walked_page};
use crate::dialect::{Dialect, force_index_order};
use crate::listing::CHECK_COST;
use crate::prepared::prepared;
use crate::sql_types::{Key, UuidSql, saturating};
use crate::unit_of_work::Failure;

/// What is listed.
#[derive(Clone, Copy)]
pub(super) enum Listed {
    Users,
    Groups,
}

impl Listed {
    /// The text for it.
    pub(super) fn of(self, [users, groups]: &'static [String; 2]) -> &'static str {
        match self {
            Self::Users => users,
            Self::Groups => groups,
        }
    }
}

/// The statements about one reach in one database.
struct Statements {
    count: String,
    sorted: String,
    walked: String,
}

/// The statements by database and reach.
type Texts = [[Statements; 2]; 2];

fn texts(of: impl Fn(Dialect, Reach) -> Statements) -> Texts {
    [Dialect::Postgres, Dialect::Sqlite]
        .map(|dialect| [Reach::Direct, Reach::Effective].map(|reach| of(dialect, reach)))
}

fn text(texts: &'static Texts, dialect: Dialect, reach: Reach) -> &'static Statements {
    let [postgres, sqlite] = texts;
    let [direct, effective] = if dialect == Dialect::Postgres { postgres } else { sqlite };
    if reach == Reach::Direct { direct } else { effective }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    users: Option<i64>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = UuidSql)]
    id: Key,
}

/// Runs a statement about a group or a user at a moment.
pub(super) fn load<R>(
    connection: &mut AnyConnection,
    [postgres, sqlite]: [&'static str; 2],
    of: Key,
    at: i64,
) -> QueryResult<Vec<R>>
where
    R: QueryableByName<Pg> + QueryableByName<Sqlite> + 'static,
{
    let statement = |text| prepared(text).bind::<UuidSql, _>(of).bind::<BigInt, _>(at);
    match connection {
        AnyConnection::Postgres(connection) => statement(postgres).load(connection),
        AnyConnection::Sqlite(connection) => statement(sqlite).load(connection),
    }
}

/// How many there are, and how many users.
fn count(connection: &mut AnyConnection, text: &'static str, of: Key, at: i64) -> QueryResult<[u64; 2]> {
    let rows: Vec<Count> = load(connection, [text, text], of, at)?;
    let row = rows.into_iter().next();
    Ok(row.map_or([0; 2], |row| [row.count.unsigned_abs(), row.users.unwrap_or_default().unsigned_abs()]))
}

fn ids(
    connection: &mut AnyConnection,
    text: &'static str,
    (of, at): (Key, i64),
    page: &Page,
) -> Result<Vec<Key>, Failure> {
    let (name, id) = match page.position().map(Position::values) {
        Some([Value::Text(name), Value::Id(id)]) => (name.as_str().to_owned(), *id),
        Some(_) => return Err(Failure::Data("a position in a listing of the past has other values".to_owned())),
        // Every name comes after the empty one.
        None => (String::new(), Uuid::nil()),
    };
    let statement = prepared(text)
        .bind::<UuidSql, _>(of)
        .bind::<BigInt, _>(at)
        .bind::<Text, _>(name)
        .bind::<UuidSql, _>(Key(id))
        .bind::<BigInt, _>(saturating(page.lookahead()))
        .bind::<BigInt, _>(saturating(page.offset()));
    let rows: Vec<Id> = match connection {
        AnyConnection::Postgres(connection) => statement.load(connection)?,
        AnyConnection::Sqlite(connection) => statement.load(connection)?,
    };
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How many were members, and the ids of those on the page.
pub(super) fn page_of_members(
    connection: &mut AnyConnection,
    (group, reach, at): (GroupId, Reach, Timestamp),
    page: &Page,
) -> Result<(u64, Vec<Key>), Failure> {
    static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
        texts(|dialect, reach| {
            let members = members(dialect, reach);
            Statements {
                count: format!(
                    "{members} SELECT count(*) AS count, (SELECT CAST(sum(users) AS bigint) FROM user_counts) AS users FROM found"
                ),
                sorted: members + &sorted_page("users", "past_users", "username_key"),
                walked: walked_page(dialect, reach),
            }
        })
    });
    let texts = text(&TEXTS, Dialect::of(connection), reach);
    let (of, at) = (Key(group.0), at.milliseconds());
    let [total, users] = count(connection, &texts.count, of, at)?;
    if page.offset() >= total {
        return Ok((total, Vec::new()));
    }
    // If the members are spread evenly over all users.
    let checks = (page.offset() + page.lookahead()).saturating_mul(users) / total.max(1);
    if checks.saturating_mul(CHECK_COST) > total {
        return Ok((total, ids(connection, &texts.sorted, (of, at), page)?));
    }
    force_index_order(connection, true)?;
    let found = ids(connection, &texts.walked, (of, at), page)?;
    force_index_order(connection, false)?;
    Ok((total, found))
}

/// How many groups the user was in, and the ids of those on the page.
pub(super) fn page_of_groups(
    connection: &mut AnyConnection,
    (user, reach, at): (UserId, Reach, Timestamp),
    page: &Page,
) -> Result<(u64, Vec<Key>), Failure> {
    static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
        texts(|dialect, reach| {
            let groups = groups(dialect, reach);
            Statements {
                count: format!("{groups} SELECT count(*) AS count, CAST(NULL AS bigint) AS users FROM found"),
                sorted: groups + &sorted_page("groups", "past_groups", "name_key"),
                walked: String::new(),
            }
        })
    });
    let texts = text(&TEXTS, Dialect::of(connection), reach);
    let (of, at) = (Key(user.0), at.milliseconds());
    let [total, _] = count(connection, &texts.count, of, at)?;
    if page.offset() >= total {
        return Ok((total, Vec::new()));
    }
    Ok((total, ids(connection, &texts.sorted, (of, at), page)?))
}
