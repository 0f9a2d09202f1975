//! By which clock memberships begin and end.

use std::time::Duration;

use guildhall_domain::access::Actor;
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::contract::Fixture;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{Cancellation, Fault};
use guildhall_domain::time::Timestamp;
use guildhall_persistence::Database;

use super::databases;
use super::due::{between, schedule};

/// Programs whose clocks are apart agree, because both go by that of the server.
#[test]
fn on_postgres_the_servers_clock_decides_for_all_programs() {
    let (one, url, _dropped) = databases::postgres();
    let other = Database::connect(&databases::settings(&url)).expect("a database");
    let fixture = Fixture::over(one.store());
    let (group, user) = (fixture.group("group"), fixture.user("user"));
    let server = || one.server_time().expect("an answer").expect("a moment");
    let at = Timestamp::from_milliseconds;
    let from = server() + 400;
    let admin = fixture.admin.clone();
    schedule(&*one.store(), group, &[user], between(Some(at(from)), None), at(from - 300));
    let directories = [&one, &other].map(|database| fixture.directory_over(database.store()));
    // The clock of one program is 200 milliseconds ahead of that of the other, and both are years behind the server's.
    let is_in = |number: usize| {
        let now = fixture.now().plus(Duration::from_millis(if number == 0 { 0 } else { 200 }));
        let context = Context::new(Actor::Caller(admin.clone()), now, user.0, Origin::Embedded);
        let check = directories[number].is_member(&context, &GroupIdentifier::Id(group), &UserIdentifier::Id(user));
        check.expect("an answer")
    };
    let (mut was_in, mut rounds) = (false, 0);
    while !was_in {
        for number in [0, 1, 1, 0] {
            let before = server();
            let now_in = is_in(number);
            let after = server();
            assert!(now_in || before < from, "it began at {from}, and not yet at {before}");
            assert!(!now_in || after >= from, "it begins at {from}, and did by {after}");
            assert!(now_in || !was_in, "the other one saw it before");
            was_in = now_in;
        }
        rounds += 1;
    }
    assert!(rounds > 1);
}

/// By the clock of the machine, to the millisecond.
#[test]
fn on_sqlite_memberships_begin_by_the_clock_of_the_machine() {
    let (database, _, _folder) = databases::sqlite();
    let fixture = Fixture::over(database.store());
    let (group, user) = (fixture.group("group"), fixture.user("user"));
    let now = || {
        let elapsed = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
        i64::try_from(elapsed.as_millis()).expect("a moment")
    };
    let at = Timestamp::from_milliseconds;
    let from = now() + 50;
    schedule(&*database.store(), group, &[user], between(Some(at(from)), None), at(from - 50));
    loop {
        let before = now();
        let due = database.store().account(&Cancellation::new(), fixture.admin.user);
        let after = now();
        match due {
            Ok(_) => assert!(before < from, "it was due at {from}, and not told at {before}"),
            Err(error) => {
                let Fault::Due(told) = error.fault() else { panic!("{error:?}") };
                assert!(after >= from && (before..=after).contains(&told.milliseconds()), "{told:?}");
                return;
            }
        }
    }
}
