//! What is not imported, and who is in groups by an import without being told.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Fixture;
use super::fixture::must;
use super::imports::{at, edge, faults, group, member, named, of_import, user};
use crate::access::{Actor, Refused};
use crate::directory::{ImportEnd, ImportError, ImportOptions, ImportOutcome};
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::ports::Store;
use crate::record::{
    AddedRecord, GroupRecord, ManagerRecord, MembershipRecord, Record, RecordedGroup, RecordedManager, UserRecord,
};
use crate::user::UserId;
use crate::validity::ValidityChange;

/// Each record that cannot be imported is told with its columns, and the others are imported.
pub fn records_that_are_refused_are_named(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let nobody = AddedRecord { at: None, by: Some(UserId(of_import(99))) };
    let everyone = ValidityChange { from: None, until: Some(Some(at(&fixture, 2))) };
    let ended = ValidityChange { from: None, until: Some(Some(at(&fixture, -2))) };
    let records = [
        user(1, "tyler"),
        user(2, "TYLER"),
        Record::User(Box::new(UserRecord { language: Some(Some("?".to_owned())), ..named(3, "search") })),
        Record::User(Box::new(UserRecord { email: Some(Some("tyler".to_owned())), ..named(4, "bob") })),
        user(0, "nil"),
        group(10, "Soap"),
        group(11, "soap"),
        Record::Group(Box::new(GroupRecord {
            kind: Some("sys".to_owned()),
            name: Some("Nobody".to_owned()),
            ..GroupRecord::default()
        })),
        group(12, "Mayhem"),
        edge("Soap", "Mayhem"),
        edge("Mayhem", "Soap"),
        edge("Soap", "Soap"),
        edge("Soap", "Nowhere"),
        Record::Membership(member("Soap", "tyler")),
        Record::Membership(member("Nowhere", "tyler")),
        Record::Membership(member("Soap", "nobody")),
        Record::Membership(member("Soap", "@current")),
        Record::Membership(MembershipRecord { added: nobody, ..member("Mayhem", "tyler") }),
        Record::Membership(MembershipRecord { validity: everyone, ..member("Everyone", "tyler") }),
        Record::Membership(MembershipRecord { validity: ended, ..member("Mayhem", "tyler") }),
        Record::Manager(ManagerRecord {
            group: "System Administrators".into(),
            manager: RecordedManager::User("tyler".into()),
            added: AddedRecord::default(),
        }),
    ];
    let outcomes = fixture.import(&records);
    let expected: [&[&str]; 21] = [
        &[],
        &["userName"],
        &["userName"],
        &["email"],
        &["id"],
        &[],
        &["name"],
        &["name"],
        &[],
        &[],
        &["childId"],
        &["childId"],
        &["childId"],
        &[],
        &["groupId"],
        &["userId"],
        &["userId"],
        &["addedBy"],
        &["validUntil"],
        &["validUntil"],
        &["groupId"],
    ];
    for (number, (outcome, expected)) in outcomes.iter().zip(expected).enumerate() {
        assert_eq!(faults(outcome), expected, "{number}: {outcome:?}");
        assert_eq!(*outcome == ImportOutcome::Created, expected.is_empty(), "{number}");
    }
    let ImportOutcome::Refused(cycle) = &outcomes[10] else { return assert_eq!(outcomes[10], ImportOutcome::Created) };
    assert_eq!(cycle[0].message, "The edge would close a cycle: 'Mayhem' > 'Soap' > 'Mayhem'");
}

/// A system group is the one of its name, whatever its id elsewhere; users of API keys are left alone.
pub fn system_groups_are_those_of_their_names(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let elsewhere = GroupId(of_import(77));
    let editors = fixture.system(SystemGroup::CmsEditors);
    let recorded = RecordedGroup { identifier: GroupIdentifier::Id(elsewhere), name: Some("cms editors".to_owned()) };
    let outcomes = fixture.import(&[
        user(1, "tyler"),
        Record::Group(Box::new(GroupRecord {
            id: Some(elsewhere),
            kind: Some("sys".to_owned()),
            name: Some("CMS Editors".to_owned()),
            description: Some(Some("Those who write".to_owned())),
            ..GroupRecord::default()
        })),
        Record::Membership(MembershipRecord { group: recorded, ..member("", "tyler") }),
    ]);
    let changed = ImportOutcome::Changed(vec!["description"]);
    assert_eq!(outcomes, [ImportOutcome::Created, changed, ImportOutcome::Created]);
    assert!(fixture.is_in(editors, UserId(of_import(1))));
    let draft = crate::api_key::ApiKeyDraft { name: Some(Some("Deploy".to_owned())), ..Default::default() };
    let key = must(fixture.directory.create_api_key(&fixture.by(&fixture.admin), draft, &[])).key;
    let outcomes = fixture.import(&[Record::User(Box::new(UserRecord { id: Some(key.user), ..named(0, "mine") }))]);
    assert_eq!(faults(&outcomes[0]), ["id"]);
}

/// An import leaves no service without an administrator, and refuses what would, if that is wanted.
pub fn an_import_leaves_an_administrator(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let admin = fixture.admin.user;
    let suspended = Record::User(Box::new(UserRecord { id: Some(admin), suspended: Some(true), ..named(0, "admin") }));
    let until = ValidityChange { from: None, until: Some(Some(at(&fixture, 2))) };
    let ending = Record::Membership(MembershipRecord { validity: until, ..member("System Administrators", "admin") });
    for record in [suspended, ending] {
        let records = [user(1, "tyler"), record];
        let refused = fixture.try_import(&fixture.operator(), ImportOptions::default(), &records);
        assert!(matches!(refused, Err(ImportError::LastAdministrator)), "{refused:?}");
        let options = ImportOptions { protects_administrators: true, ..ImportOptions::default() };
        let outcomes = must(fixture.try_import(&fixture.operator(), options, &records));
        assert!(matches!(outcomes[1], ImportOutcome::Refused(_)), "{outcomes:?}");
        assert!(must(fixture.directory.has_administrator(&fixture.operator())));
    }
    // Without one, nobody is missed, and one who is imported administers.
    let outcomes = fixture.import(&[Record::Membership(member("System Administrators", "tyler"))]);
    assert_eq!(outcomes, [ImportOutcome::Created]);
    assert!(fixture.is_in(fixture.system(SystemGroup::SystemAdministrators), UserId(of_import(1))));
}

/// Nobody but an operator imports, and what is undone leaves nothing.
pub fn only_an_operator_imports(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let records = [user(1, "tyler"), group(10, "Soap"), Record::Membership(member("Soap", "tyler"))];
    for context in [fixture.by(&fixture.admin), fixture.by(Actor::Anonymous)] {
        let refused = fixture.try_import(&context, ImportOptions::default(), &records);
        assert!(matches!(refused, Err(ImportError::Refused(Refused::Denied(_)))), "{refused:?}");
    }
    let undone = fixture
        .directory
        .import(&fixture.operator(), ImportOptions::default(), |import| Ok(ImportEnd::Undo(import.records(&records)?)));
    assert_eq!(must(undone), vec![ImportOutcome::Created; 3]);
    let users: BTreeSet<UserId> = [1, 10].map(|id| UserId(of_import(id))).into();
    assert_eq!(must(fixture.store.read(|store| store.unknown_users(&users))), users);
}

/// New users join the groups of their email domains if that is wanted.
pub fn imported_users_join_the_groups_of_their_domains(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let domains = Some(vec!["fightclub.com".to_owned()]);
    let group =
        GroupRecord { name: Some("Club".to_owned()), auto_membership_email_domains: domains, ..GroupRecord::default() };
    fixture.import(&[Record::Group(Box::new(group))]);
    for (id, name, joins_domains) in [(1, "tyler", true), (2, "marla", false)] {
        let email = Some(Some(format!("{name}@fightclub.com")));
        let record = Record::User(Box::new(UserRecord { email, ..named(id, name) }));
        let options = ImportOptions { joins_domains, ..ImportOptions::default() };
        must(fixture.try_import(&fixture.operator(), options, &[record]));
        let user = UserIdentifier::Id(UserId(of_import(id)));
        let is_in = fixture.directory.is_member(&fixture.operator(), &GroupIdentifier::from("Club"), &user);
        assert_eq!(must(is_in), joins_domains);
    }
}

/// A name that a record gives up is free for the records after it, also for new users and groups.
pub fn a_name_that_is_given_up_is_free(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    fixture.import(&[user(1, "one"), user(2, "two"), user(3, "three"), group(11, "One"), group(12, "Two")]);
    let outcomes = fixture.import(&[
        user(3, "four"),
        user(2, "three"),
        user(1, "two"),
        user(4, "one"),
        group(12, "Three"),
        group(11, "Two"),
        group(13, "One"),
    ]);
    assert!(!outcomes.iter().any(|outcome| matches!(outcome, ImportOutcome::Refused(_))), "{outcomes:?}");
    for (name, id) in [("one", 4), ("two", 1), ("three", 2), ("four", 3)] {
        let found = must(fixture.store.read(|store| store.user_id(&UserIdentifier::from(name))));
        assert_eq!(found, Some(UserId(of_import(id))), "{name}");
    }
    for (name, id) in [("One", 13), ("Two", 11), ("Three", 12)] {
        let found = must(fixture.store.read(|store| store.group_id(&GroupIdentifier::from(name))));
        assert_eq!(found, Some(GroupId(of_import(id))), "{name}");
    }
}
