//! A database that was there before the past was kept.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use guildhall_domain::contract::{Fixture, Given, TestClock};
use guildhall_domain::directory::AsOfError;
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::GroupIdentifier;
use guildhall_domain::page::Page;
use guildhall_domain::ports::Reach;
use guildhall_domain::time::Timestamp;
use guildhall_persistence::Database;

use super::databases;

/// The down and up of the migration, as each database has it.
const POSTGRES: &str = concat!(
    include_str!("../../../../migrations/postgres/2026-11-27-000920_past/down.sql"),
    include_str!("../../../../migrations/postgres/2026-11-27-000920_past/up.sql")
);
const SQLITE: &str = concat!(
    include_str!("../../../../migrations/sqlite/2026-11-27-000920_past/down.sql"),
    include_str!("../../../../migrations/sqlite/2026-11-27-000920_past/up.sql")
);

/// Nothing is known of the time before the migration where there were users; what counts then is known from it on.
fn knows_its_past_from_the_migration_on(database: &Database, migrate: impl FnOnce()) {
    let clock = TestClock::new();
    let fixture = Fixture::given(Given { store: database.store(), clock: clock.clone() });
    let (user, soap) = (fixture.user("user"), fixture.group("Soap"));
    fixture.join(soap, &[user]);
    let then = fixture.now();
    migrate();
    clock.set(Timestamp::LATEST);
    let total = |group: GroupId, at| {
        let (by, id) = (fixture.operator(), GroupIdentifier::Id(group));
        fixture.directory.members_as_of(&by, &id, (Reach::Direct, at), &Page::default()).map(|page| page.total)
    };
    let Err(AsOfError::Gone(known_from)) = total(soap, then) else { panic!("the past is known") };
    assert!(known_from > then);
    assert_eq!(total(soap, known_from).expect("an answer"), 1);
    let before = Timestamp::from_milliseconds(known_from.milliseconds() - 1);
    assert!(matches!(total(soap, before), Err(AsOfError::Gone(_))));
}

#[test]
fn a_postgres_that_was_there_before_knows_its_past_from_the_migration_on() {
    let (database, url, _dropped) = databases::postgres();
    let mut connection = PgConnection::establish(&url).expect("the database");
    knows_its_past_from_the_migration_on(&database, || connection.batch_execute(POSTGRES).expect("the migration"));
}

#[test]
fn a_sqlite_that_was_there_before_knows_its_past_from_the_migration_on() {
    let (database, url, _folder) = databases::sqlite();
    let mut connection = SqliteConnection::establish(url.strip_prefix("sqlite://").expect("a path")).expect("the file");
    knows_its_past_from_the_migration_on(&database, || connection.batch_execute(SQLITE).expect("the migration"));
}
