//! Whatever is changed in the tables of the log by other hands is found.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use guildhall_domain::contract::Fixture;
use guildhall_domain::directory::VerificationError;
use guildhall_domain::event::ChainError;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};

use super::databases;

/// What somebody does to a log of 31 events, of which the last tell of members, and which event `verify` names. An event that is missing is named by its place.
const CHANGES: [(&str, Option<u64>); 17] = [
    ("UPDATE events SET content = replace(content, 'part', 'trap') WHERE sequence = 25", Some(25)),
    ("UPDATE events SET hash = (SELECT hash FROM events WHERE sequence = 24) WHERE sequence = 26", Some(26)),
    ("UPDATE events SET kind = kind + 1 WHERE sequence = 26", Some(26)),
    ("UPDATE events SET kind = 999 WHERE sequence = 26", Some(26)),
    ("UPDATE events SET id = (SELECT id FROM events WHERE sequence = 24) WHERE sequence = 27", Some(27)),
    ("UPDATE events SET time = time + 1 WHERE sequence = 28", Some(28)),
    ("UPDATE events SET clock = clock + 1 WHERE sequence = 28", Some(28)),
    ("UPDATE events SET actor_id = NULL WHERE sequence = 29", Some(29)),
    ("UPDATE events SET group_id = NULL WHERE sequence = 29", Some(29)),
    ("DELETE FROM events WHERE sequence = 25", Some(25)),
    ("DELETE FROM events WHERE sequence < 25", Some(1)),
    (
        "INSERT INTO events SELECT 32, id, kind, time, clock, actor_id, group_id, content, hash FROM events WHERE sequence = 31",
        Some(32),
    ),
    ("UPDATE events SET sequence = 100 - sequence; UPDATE events SET sequence = sequence - 68", Some(1)),
    ("DELETE FROM event_users WHERE sequence = 27", Some(27)),
    ("UPDATE event_users SET sequence = 24 WHERE sequence = 30", Some(30)),
    ("UPDATE event_users SET kind = kind + 1 WHERE sequence = 30", Some(30)),
    ("INSERT INTO event_users SELECT user_id, kind, 24 FROM event_users WHERE sequence = 30", None),
];

/// Adds one user after the other to a group, until the log has `events` events.
fn fill(fixture: &Fixture, events: u64) {
    let (context, group) = (fixture.by(&fixture.admin), GroupIdentifier::Id(fixture.group("Soap")));
    for number in 0.. {
        if fixture.directory.event_head(&context).expect("a head").sequence == events {
            return;
        }
        let user = UserIdentifier::Id(fixture.user(&format!("user{number}")));
        fixture.directory.add_member(&context, &group, &user).expect("a member");
    }
}

fn every_change_is_found(fixture: &Fixture, mut run: impl FnMut(&str)) {
    fill(fixture, 31);
    let operator = fixture.operator();
    let kept = fixture.directory.verify_events(&operator, None).expect("what was kept");
    assert_eq!((kept.count, kept.head.sequence), (31, 31));
    for (change, named) in CHANGES {
        run(
            "CREATE TABLE events_before AS SELECT * FROM events; CREATE TABLE users_before AS SELECT * FROM event_users",
        );
        run(change);
        let found = match fixture.directory.verify_events(&operator, None).expect_err(change) {
            VerificationError::Chain(ChainError::Gap { expected, .. }) => Some(expected),
            VerificationError::Chain(ChainError::Hash(sequence) | ChainError::Text(sequence))
            | VerificationError::Unreadable { sequence, .. } => Some(sequence),
            VerificationError::Users { .. } => None,
            other => panic!("{change}: {other}"),
        };
        assert_eq!(found, named, "{change}");
        run("DELETE FROM events; INSERT INTO events SELECT * FROM events_before; DROP TABLE events_before");
        run("DELETE FROM event_users; INSERT INTO event_users SELECT * FROM users_before; DROP TABLE users_before");
        assert_eq!(fixture.directory.verify_events(&operator, None).expect("what was kept"), kept, "{change}");
    }
    // Whoever removes the last events leaves a log that fits, so its head is kept elsewhere.
    run("DELETE FROM event_users WHERE sequence = 31; DELETE FROM events WHERE sequence = 31");
    assert_ne!(fixture.directory.verify_events(&operator, None).expect("a shorter log").head, kept.head);
    assert_eq!(fixture.directory.verify_events(&operator, Some(29)).expect("the last two").count, 2);
}

#[test]
fn every_change_is_found_on_sqlite() {
    let (database, url, _files) = databases::sqlite();
    let mut other = SqliteConnection::establish(url.trim_start_matches("sqlite://")).expect("the file");
    every_change_is_found(&Fixture::over(database.store()), |sql| other.batch_execute(sql).expect(sql));
}

#[test]
fn every_change_is_found_on_postgres() {
    let (database, url, _dropped) = databases::postgres();
    let mut other = PgConnection::establish(&url).expect("the database");
    every_change_is_found(&Fixture::over(database.store()), |sql| other.batch_execute(sql).expect(sql));
}
