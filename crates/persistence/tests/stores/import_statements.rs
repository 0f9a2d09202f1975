//! An import takes as many statements for many records as for few.

use guildhall_domain::contract::Fixture;
use guildhall_domain::directory::{ImportEnd, ImportOptions, ImportOutcome};
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::record::{
    AddedRecord, EdgeRecord, GroupRecord, ManagerRecord, MembershipRecord, Record, RecordedGroup, RecordedManager,
    UserRecord,
};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_domain::validity::ValidityChange;
use guildhall_persistence::Database;
use uuid::Uuid;

use super::counting::{count_from_now_on, statements};
use super::databases;

/// Users, groups in one another, memberships of which every other one ends, and managers: each `size` times. `generation` changes all that can be changed.
fn records(size: usize, generation: usize) -> Vec<Vec<Record>> {
    let id = |kind: u128, number: usize| Uuid::from_u128(((kind * 1000 + size as u128) << 64) + number as u128 + 1);
    let group = |number: usize| RecordedGroup::from(GroupId(id(2, number)));
    let user = |number: usize| UserIdentifier::Id(UserId(id(1, number)));
    let added = AddedRecord::default();
    let ends = |number: usize| {
        let day =
            Timestamp::parse("2999-01-01T00:00:00Z").expect("a date").plus_days(generation.try_into().expect("few"));
        ValidityChange { from: None, until: number.is_multiple_of(2).then_some(Some(day)) }
    };
    let of = |count: usize, record: &dyn Fn(usize) -> Record| (0..count).map(record).collect::<Vec<_>>();
    vec![
        of(size, &|number| {
            let username = Some(format!("user {size} {number} {generation}"));
            let email = Some(Some(format!("u{size}-{number}-{generation}@x.example")));
            Record::User(Box::new(UserRecord {
                id: Some(UserId(id(1, number))),
                username,
                email,
                ..UserRecord::default()
            }))
        }),
        of(size, &|number| {
            let (id, name) = (Some(GroupId(id(2, number))), Some(format!("group {size} {number}")));
            let domains = Some(vec![format!("d{generation}.example")]);
            Record::Group(Box::new(GroupRecord {
                id,
                name,
                auto_membership_email_domains: domains,
                ..GroupRecord::default()
            }))
        }),
        of(size - 1, &|number| {
            let (parent, child) = (group(number), group(number + 1));
            Record::Edge(EdgeRecord { parent, child, added, validity: ends(number) })
        }),
        of(size, &|number| {
            let validity = ends(number);
            Record::Membership(MembershipRecord { group: group(number), user: user(number), added, validity })
        }),
        of(size, &|number| {
            Record::Manager(ManagerRecord { group: group(number), manager: RecordedManager::User(user(number)), added })
        }),
    ]
}

fn import(fixture: &Fixture, records: &[Record]) -> Vec<ImportOutcome> {
    let imported = fixture
        .directory
        .import(&fixture.operator(), ImportOptions::default(), |import| Ok(ImportEnd::Keep(import.records(records)?)));
    imported.expect("imported")
}

fn costs(fixture: &Fixture, size: usize) -> Vec<usize> {
    let cost = |records: &[Record], is_done: &dyn Fn(&ImportOutcome) -> bool| {
        statements(|| {
            let outcomes = import(fixture, records);
            assert!(outcomes.iter().all(is_done), "{outcomes:?}");
        })
    };
    let mut costs = Vec::new();
    for records in records(size, 0) {
        costs.push(cost(&records, &|outcome| *outcome == ImportOutcome::Created));
        costs.push(cost(&records, &|outcome| *outcome == ImportOutcome::Unchanged));
    }
    for records in records(size, 1) {
        costs.push(cost(&records, &|outcome| !matches!(outcome, ImportOutcome::Refused(_))));
    }
    costs
}

fn costs_stay(database: &Database) {
    let fixture = Fixture::over(database.store());
    // Prepares statements, and makes the slots of counters.
    costs(&fixture, 3);
    assert_eq!(costs(&fixture, 4), costs(&fixture, 60));
}

/// A thousand users in each of 21 groups: more rows than one statement takes.
fn more_than_a_statement_is_imported(database: &Database) {
    let fixture = Fixture::over(database.store());
    let id = |kind: u128, number: u128| Uuid::from_u128((kind << 64) + number);
    let users = (0..1000).map(|number| {
        let (id, username) = (Some(UserId(id(1, number))), Some(format!("user {number}")));
        Record::User(Box::new(UserRecord { id, username, ..UserRecord::default() }))
    });
    let groups = (0..21).map(|number| {
        let (id, name) = (Some(GroupId(id(2, number))), Some(format!("group {number}")));
        Record::Group(Box::new(GroupRecord { id, name, ..GroupRecord::default() }))
    });
    import(&fixture, &users.collect::<Vec<_>>());
    import(&fixture, &groups.collect::<Vec<_>>());
    let membership = |number: u128| {
        let (group, user) = (GroupId(id(2, number % 21)), UserId(id(1, number / 21)));
        let (group, user) = (RecordedGroup::from(group), UserIdentifier::Id(user));
        let validity = ValidityChange { from: None, until: None };
        Record::Membership(MembershipRecord { group, user, added: AddedRecord::default(), validity })
    };
    let memberships: Vec<Record> = (0..21_000).map(membership).collect();
    for expected in [ImportOutcome::Created, ImportOutcome::Unchanged] {
        assert_eq!(import(&fixture, &memberships), vec![expected; 21_000]);
    }
    let of_group = |number| {
        let group = GroupId(id(2, number));
        database.store().read(|directory| directory.group(group)).expect("read").expect("there").user_count
    };
    assert!((0..21).all(|number| of_group(number) == 1000));
}

#[test]
fn sqlite_imports_more_rows_than_a_statement_takes() {
    let (database, _, _folder) = databases::sqlite();
    more_than_a_statement_is_imported(&database);
}

#[test]
fn postgres_imports_more_rows_than_a_statement_takes() {
    let (database, _, _dropped) = databases::postgres();
    more_than_a_statement_is_imported(&database);
}

#[test]
fn sqlite_imports_many_with_as_many_statements_as_few() {
    count_from_now_on();
    let (database, _, _folder) = databases::sqlite();
    costs_stay(&database);
}

#[test]
fn postgres_imports_many_with_as_many_statements_as_few() {
    count_from_now_on();
    let (database, _, _dropped) = databases::postgres();
    costs_stay(&database);
}
