//! Groups by their numbers of users, while several transactions add to them.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use guildhall_domain::contract::Fixture;
use guildhall_domain::group::GroupKind;
use guildhall_domain::page::Page;
use guildhall_domain::search::{GroupField, GroupListing, Sort};
use guildhall_domain::user::UserId;

use super::databases;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The groups that the test made and how many users they have, in order.
fn in_order(fixture: &Fixture, is_descending: bool) -> Vec<(String, u64)> {
    let page = Page::new(0, 1000).expect("a page");
    let order = vec![Sort { field: GroupField::UserCount, is_descending }];
    let listing = GroupListing { order, ..fixture.all(page) };
    let groups = fixture.directory.groups(&fixture.by(&fixture.admin), &listing).expect("groups").items;
    let made = groups.into_iter().filter(|group| group.kind == GroupKind::Contensis);
    made.map(|group| (group.name.as_str().to_owned(), group.user_count)).collect()
}

#[test]
fn groups_are_in_order_while_another_transaction_has_their_count() {
    let (database, url, _dropped) = databases::postgres();
    let fixture = Fixture::over(database.store());
    let users: Vec<UserId> = (0..9).map(|number| fixture.user(&format!("user {number}"))).collect();
    let [none, some, most] = ["none", "some", "most"].map(|name| fixture.group(name));
    fixture.join(some, &users[..3]);
    fixture.join(most, &users[..2]);
    let expected = || vec![("none".to_owned(), 0), ("some".to_owned(), 3), ("most".to_owned(), 7)];
    let check = || {
        assert_eq!(in_order(&fixture, false), expected());
        assert_eq!(in_order(&fixture, true), expected().into_iter().rev().collect::<Vec<_>>());
        assert_eq!((fixture.read(none).user_count, fixture.read(most).user_count), (0, 7));
    };

    let mut other = PgConnection::establish(&url).expect("the database");
    other.batch_execute("BEGIN; SELECT 1 FROM group_user_counts WHERE slot = 0 FOR UPDATE").expect("all counts");
    fixture.join(most, &users[2..7]);
    check();
    other.batch_execute("ROLLBACK").expect("done");
    check();

    let mut beside = || {
        let count = sql_query("SELECT count(*) AS number FROM group_user_counts WHERE slot <> 0");
        count.get_result::<Number>(&mut other).expect("a number").number
    };
    assert_eq!(beside(), 1);
    database.migrate().expect("nothing to do but that");
    assert_eq!(beside(), 0);
    check();
}
