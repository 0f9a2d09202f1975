//! Memberships and edges as rows of a page.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use guildhall_domain::group::{GroupId, GroupName};
use guildhall_domain::manager::Author;
use guildhall_domain::ports::{ListedMember, NamedGroup, Person};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::{Validity, ValidityState};

use crate::connection::AnyConnection;
use crate::listing::filter_sql::Fragment;
use crate::sql_types::{Key, UuidSql};

/// A row of a page.
pub(super) trait Row: Sized {
    fn load(statement: Fragment, connection: &mut AnyConnection) -> QueryResult<Vec<Self>>;
}

/// The group, when and by whom, the dates, and whether it counts.
type DatesSql = (
    (UuidSql, Text),
    Nullable<BigInt>,
    (Nullable<UuidSql>, Nullable<Text>),
    (Nullable<BigInt>, Nullable<BigInt>),
    Integer,
);
type Dates = ((Key, String), Option<i64>, (Option<Key>, Option<String>), (Option<i64>, Option<i64>), i32);

macro_rules! dates {
    ($before:literal, $join:literal) => {
        concat!(
            ") SELECT ",
            $before,
            ", g.id, g.name, page.added, b.id, b.username, page.valid_from, page.valid_until, page.is_present FROM page JOIN ",
            $join,
            " JOIN groups g ON g.id = page.group_id LEFT JOIN users b ON b.id = page.added_by"
        )
    };
}

type PersonSql = (UuidSql, Text, Nullable<Text>, Nullable<Text>, Nullable<Text>);
pub(super) type PersonRow = ((Key, String, Option<String>, Option<String>, Option<String>), Dates);

pub(super) const PERSON: &str =
    dates!("u.id, u.username, u.email, u.first_name, u.last_name", "users u ON u.id = page.member_id");

impl Row for PersonRow {
    fn load(statement: Fragment, connection: &mut AnyConnection) -> QueryResult<Vec<Self>> {
        statement.query::<(PersonSql, DatesSql)>().load(connection)
    }
}

pub(super) type ChildRow = ((Key, String), Dates);

pub(super) const CHILD: &str = dates!("c.id, c.name", "groups c ON c.id = page.member_id");

impl Row for ChildRow {
    fn load(statement: Fragment, connection: &mut AnyConnection) -> QueryResult<Vec<Self>> {
        statement.query::<((UuidSql, Text), DatesSql)>().load(connection)
    }
}

pub(super) fn of_person(((id, username, email, first_name, last_name), dates): PersonRow) -> ListedMember<Person> {
    listed(Person { id: UserId(id.0), username, email, first_name, last_name }, dates)
}

pub(super) fn of_child((child, dates): ChildRow) -> ListedMember<NamedGroup> {
    listed(named(child), dates)
}

fn named((id, name): (Key, String)) -> NamedGroup {
    NamedGroup { id: GroupId(id.0), name: GroupName::stored(name) }
}

fn listed<M>(member: M, (group, added, (author, username), (from, until), is_present): Dates) -> ListedMember<M> {
    let moment = Timestamp::from_milliseconds;
    ListedMember {
        member,
        group: named(group),
        added: added.map(moment),
        added_by: author.zip(username).map(|(id, username)| Author { id: UserId(id.0), username }),
        validity: Validity { from: from.map(moment), until: until.map(moment) },
        state: if is_present == 0 { ValidityState::Scheduled } else { ValidityState::Active },
    }
}
