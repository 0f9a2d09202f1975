//! Users and groups that were stored before searches had rows of their own get them at the start, and are looked for no more afterwards.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use guildhall_domain::contract::Fixture;
use guildhall_domain::page::Page;
use guildhall_domain::search::{Filter, Listing};
use guildhall_persistence::Database;

use super::databases;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn beside(url: &str) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(url.strip_prefix("sqlite://").expect("a path")).expect("the file");
    connection.batch_execute("PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON").expect("settings");
    connection
}

fn user_version(connection: &mut SqliteConnection) -> i64 {
    let found = sql_query("SELECT user_version AS number FROM pragma_user_version").get_result::<Number>(connection);
    found.expect("a number").number
}

/// How many users a search for this part of a name finds.
fn found(database: &Database, text: &str) -> u64 {
    let fixture = Fixture::over(database.store());
    let listing = Listing { filter: Filter::naming(text), ..fixture.all(Page::new(0, 10).expect("a page")) };
    fixture.directory.users(&fixture.by(&fixture.admin), &listing).expect("users").total
}

#[test]
fn sqlite_rows_are_written_after_migrations_and_after_a_start_that_was_cut_off() {
    let (database, url, _folder) = databases::sqlite();
    let fixture = Fixture::over(database.store());
    for number in 0..2500 {
        fixture.user(&format!("marla{number}"));
    }
    let mut beside = beside(&url);
    let complete = user_version(&mut beside);
    assert_ne!(complete, 0);
    assert_eq!(found(&database, "marla"), 2500);
    // 0: a file of before. 1: one that was complete before later migrations ran. In both, a start may have been cut off halfway.
    for (before, rows) in [(0, "row > 0"), (1, "row > 0"), (0, "row > 1200"), (1, "row % 7 = 0")] {
        beside
            .batch_execute(&format!("DELETE FROM user_search WHERE {rows}; PRAGMA user_version = {before}"))
            .expect("less");
        assert!(found(&database, "marla") < 2500);
        assert!(database.migrate().expect("nothing to run").is_empty());
        assert_eq!((found(&database, "marla"), user_version(&mut beside)), (2500, complete), "{before}: {rows}");
    }
}

#[test]
fn sqlite_rows_are_not_looked_for_again() {
    let (database, url, _folder) = databases::sqlite();
    Fixture::over(database.store()).user("marla");
    let mut beside = beside(&url);
    beside.batch_execute("DELETE FROM user_search").expect("none");
    database.migrate().expect("nothing to do");
    // What the program never does to a complete file is not mended, because nobody looks at every user.
    assert_eq!(found(&database, "marla"), 0);
}
