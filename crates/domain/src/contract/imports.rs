//! What is imported.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::fixture::must;
use super::{Fixture, Given};
use crate::access::{Actor, Refused};
use crate::context::Context;
use crate::directory::{ImportEnd, ImportError, ImportOptions, ImportOutcome};
use crate::event::EventType;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::password::PasswordHash;
use crate::ports::{EventQuery, MembershipListing, MembershipOrder, Reach, Store};
use crate::record::{
    AddedRecord, EdgeRecord, GroupRecord, ManagerRecord, MembershipRecord, Record, RecordedGroup, RecordedManager,
    UserRecord,
};
use crate::search::Filter;
use crate::time::Timestamp;
use crate::user::{User, UserId};
use crate::validity::{Validity, ValidityChange};

impl Fixture {
    /// Imports records in one unit of work.
    fn import(&self, records: &[Record]) -> Vec<ImportOutcome> {
        must(self.try_import(&self.operator(), ImportOptions::default(), records))
    }

    fn try_import(
        &self,
        context: &Context,
        options: ImportOptions,
        records: &[Record],
    ) -> Result<Vec<ImportOutcome>, ImportError> {
        self.directory.import(context, options, |import| Ok(ImportEnd::Keep(import.records(records)?)))
    }

    fn found(&self, id: u128) -> User {
        must(self.directory.user(&self.operator(), &UserIdentifier::Id(UserId(of_import(id)))))
    }
}

/// An id that nothing else has; 0 is the nil id.
fn of_import(id: u128) -> Uuid {
    if id == 0 { Uuid::nil() } else { Uuid::from_u128(id + (1 << 100)) }
}

fn user(id: u128, username: &str) -> Record {
    Record::User(Box::new(named(id, username)))
}

fn named(id: u128, username: &str) -> UserRecord {
    UserRecord { id: Some(UserId(of_import(id))), username: Some(username.to_owned()), ..UserRecord::default() }
}

fn group(id: u128, name: &str) -> Record {
    let id = Some(GroupId(of_import(id)));
    Record::Group(Box::new(GroupRecord { id, name: Some(name.to_owned()), ..GroupRecord::default() }))
}

fn edge(parent: &str, child: &str) -> Record {
    let (added, validity) = (AddedRecord::default(), ValidityChange::default());
    Record::Edge(EdgeRecord { parent: parent.into(), child: child.into(), added, validity })
}

fn member(group: &str, user: &str) -> MembershipRecord {
    let (added, validity) = (AddedRecord::default(), ValidityChange::default());
    MembershipRecord { group: group.into(), user: user.into(), added, validity }
}

fn at(fixture: &Fixture, days: i64) -> Timestamp {
    Timestamp::from_milliseconds(fixture.now().milliseconds() + days * crate::time::DAY)
}

fn faults(outcome: &ImportOutcome) -> Vec<&str> {
    match outcome {
        ImportOutcome::Refused(faults) => faults.iter().map(|fault| fault.field.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Users, groups, edges in any order, memberships and managers are there after an import, and a second one changes nothing.
pub fn what_is_imported_is_there(given: Given) {
    let fixture = Fixture::given(given);
    let long_ago = at(&fixture, -1000);
    let whole = UserRecord {
        email: Some(Some("tyler@fightclub.com".to_owned())),
        first_name: Some(Some("Tyler".to_owned())),
        suspended: Some(true),
        created: Some(long_ago),
        modified: Some(long_ago),
        last_login: Some(Some(long_ago)),
        failed_login_attempts: Some(7),
        password: Some(PasswordHash("F1ghtC1ub1234!".to_owned())),
        ..named(1, "tyler")
    };
    let added = AddedRecord { at: Some(Some(long_ago)), by: Some(UserId(of_import(2))) };
    let scheduled = ValidityChange { from: Some(Some(at(&fixture, 5))), until: Some(Some(at(&fixture, 9))) };
    let ending = ValidityChange { from: None, until: Some(Some(at(&fixture, 3))) };
    let records = [
        Record::User(Box::new(whole)),
        user(2, "marla"),
        user(3, "bob"),
        group(10, "Clubs"),
        group(11, "Soap"),
        group(12, "Mayhem"),
        // The lower one first.
        edge("Soap", "Mayhem"),
        edge("Clubs", "Soap"),
        Record::Membership(MembershipRecord { added, ..member("Mayhem", "tyler@fightclub.com") }),
        Record::Membership(MembershipRecord { validity: ending, ..member("Soap", "marla") }),
        Record::Membership(MembershipRecord { validity: scheduled, ..member("Soap", "bob") }),
        Record::Manager(ManagerRecord { group: "Clubs".into(), manager: RecordedManager::User("marla".into()), added }),
        Record::Manager(ManagerRecord {
            group: "Clubs".into(),
            manager: RecordedManager::Group("Soap".into()),
            added: AddedRecord::default(),
        }),
    ];
    let outcomes = fixture.import(&records);
    assert_eq!(outcomes, vec![ImportOutcome::Created; records.len()]);
    let tyler = fixture.found(1);
    assert_eq!((tyler.username.as_str(), tyler.first_name.as_deref()), ("tyler", Some("Tyler")));
    assert_eq!((tyler.created, tyler.modified, tyler.last_login), (long_ago, long_ago, Some(long_ago)));
    assert!(tyler.suspended && tyler.failed_login_attempts == 7);
    let hash = must(fixture.store.read(|store| store.password(tyler.id)));
    assert_eq!(hash, Some(PasswordHash("F1ghtC1ub1234!".to_owned())));
    let [clubs, soap, mayhem] = [10, 11, 12].map(|id| GroupId(of_import(id)));
    let [marla, bob] = [2, 3].map(|id| UserId(of_import(id)));
    for (group, user, is_in) in [
        (clubs, tyler.id, true),
        (mayhem, tyler.id, true),
        (clubs, marla, true),
        (mayhem, marla, false),
        (soap, bob, false),
        (fixture.system(SystemGroup::Everyone), bob, true),
    ] {
        assert_eq!(fixture.is_in(group, user), is_in, "{group} {user}");
    }
    assert_eq!((fixture.read(clubs).child_group_count, fixture.read(soap).child_group_count), (1, 1));
    assert_eq!((fixture.read(soap).user_count, fixture.read(mayhem).user_count), (1, 1));
    let membership = must(fixture.store.read(|store| store.membership(mayhem, tyler.id)));
    assert_eq!(membership.map(|found| (found.added.at, found.added.by)), Some((long_ago, Some(marla))));
    let listing = MembershipListing {
        state: None,
        expiring_before: None,
        filter: Filter::All(Vec::new()),
        order: MembershipOrder::Name,
        is_descending: false,
        page: Page::default(),
        now: fixture.now(),
    };
    let listed =
        must(fixture.directory.memberships_of_group(&fixture.operator(), &GroupIdentifier::Id(soap), &listing));
    let dates: Vec<Validity> = listed.items.iter().map(|item| item.validity).collect();
    let (from, until) = (Some(at(&fixture, 5)), Some(at(&fixture, 9)));
    assert_eq!(dates, [Validity { from, until }, Validity { from: None, until: Some(at(&fixture, 3)) }]);
    let again = fixture.import(&records);
    assert_eq!(again, vec![ImportOutcome::Unchanged; records.len()]);
    fixture.wait_days(6);
    assert_eq!(fixture.read(soap).user_count, 1);
    assert!(fixture.is_in(clubs, bob) && !fixture.is_in(clubs, marla));
}

/// What is there is changed where the records tell it otherwise, and only there.
pub fn what_differs_is_changed(given: Given) {
    let fixture = Fixture::given(given);
    fixture.import(&[
        Record::User(Box::new(UserRecord {
            email: Some(Some("tyler@fightclub.com".to_owned())),
            language: Some(Some("de".to_owned())),
            ..named(1, "tyler")
        })),
        user(2, "marla"),
        group(10, "Soap"),
        Record::Membership(member("Soap", "tyler")),
    ]);
    fixture.wait_days(1);
    let until = ValidityChange { from: None, until: Some(Some(at(&fixture, 2))) };
    let later = ValidityChange { from: Some(Some(at(&fixture, 1))), until: Some(None) };
    let description = Record::Group(Box::new(GroupRecord {
        name: Some("soap".to_owned()),
        description: Some(Some("Made by hand".to_owned())),
        auto_membership_email_domains: Some(vec!["fightclub.com".to_owned()]),
        ..GroupRecord::default()
    }));
    let outcomes = fixture.import(&[
        // Found by the address, and without an id.
        Record::User(Box::new(UserRecord {
            email: Some(Some("Tyler@fightclub.com".to_owned())),
            last_name: Some(Some("Durden".to_owned())),
            ..UserRecord::default()
        })),
        user(2, "marla.singer"),
        description,
        Record::Membership(MembershipRecord { validity: until, ..member("Soap", "tyler") }),
        Record::Membership(member("Soap", "marla.singer")),
    ]);
    let changed = |columns: &[&'static str]| ImportOutcome::Changed(columns.to_vec());
    assert_eq!(
        outcomes,
        [
            changed(&["email", "lastName", "modified"]),
            changed(&["userName", "modified"]),
            changed(&["name", "description", "autoMembershipEmailDomains", "modified"]),
            changed(&["validUntil"]),
            ImportOutcome::Created,
        ]
    );
    let tyler = fixture.found(1);
    assert_eq!((tyler.language.as_str(), tyler.last_name.as_deref()), ("de", Some("Durden")));
    let by_name = |name: &str| must(fixture.store.read(|store| store.user_id(&UserIdentifier::from(name))));
    assert_eq!(by_name("marla"), None);
    assert_eq!(by_name("MARLA.singer"), Some(UserId(of_import(2))));
    let soap = GroupId(of_import(10));
    let (name, domains) = (fixture.read(soap).name, fixture.read(soap).auto_membership_email_domains);
    assert_eq!((name.as_str(), domains.len()), ("soap", 1));
    // One who counts goes, and comes back later.
    let outcomes =
        fixture.import(&[Record::Membership(MembershipRecord { validity: later, ..member("soap", "tyler") })]);
    assert_eq!(outcomes, [changed(&["validFrom", "validUntil"])]);
    assert_eq!((fixture.is_in(soap, tyler.id), fixture.read(soap).user_count), (false, 1));
    fixture.wait_days(1);
    assert_eq!((fixture.read(soap).user_count, fixture.is_in(soap, tyler.id)), (2, true));
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

/// Who is imported counts from the import on, whenever they were added elsewhere.
pub fn an_imported_membership_counts_from_the_import_on(given: Given) {
    let fixture = Fixture::given(given);
    let long_ago = at(&fixture, -1000);
    let added = AddedRecord { at: Some(Some(long_ago)), by: None };
    let before = fixture.now();
    fixture.wait_days(1);
    fixture.import(&[
        user(1, "tyler"),
        group(10, "Soap"),
        group(11, "Mayhem"),
        Record::Edge(EdgeRecord {
            parent: "Soap".into(),
            child: "Mayhem".into(),
            added,
            validity: ValidityChange::default(),
        }),
        Record::Membership(MembershipRecord { added, ..member("Mayhem", "tyler") }),
    ]);
    let at_once = fixture.now();
    fixture.wait_days(1);
    for (moment, count) in [(before, 0), (at_once, 1), (fixture.now(), 1)] {
        let (group, page) = (GroupIdentifier::from("Soap"), Page::default());
        let found = fixture.directory.members_as_of(&fixture.operator(), &group, (Reach::Effective, moment), &page);
        assert_eq!(must(found).items.len(), count, "{moment}");
    }
}

/// What is imported is told as if it had been done one by one.
pub fn imports_are_told(given: Given) {
    let fixture = Fixture::given(given);
    let scheduled = ValidityChange { from: Some(Some(at(&fixture, 5))), until: None };
    let until = ValidityChange { from: None, until: Some(Some(at(&fixture, 5))) };
    let count = || fixture.directory.events(&fixture.operator(), &EventQuery { limit: 1000, ..EventQuery::default() });
    let before = must(count()).events.len();
    let records = [
        user(1, "tyler"),
        user(2, "marla"),
        user(3, "bob"),
        group(10, "Soap"),
        group(11, "Mayhem"),
        edge("Soap", "Mayhem"),
        Record::Membership(member("Soap", "tyler")),
        Record::Membership(member("Soap", "marla")),
        Record::Membership(MembershipRecord { validity: scheduled, ..member("Soap", "bob") }),
        Record::Membership(MembershipRecord { validity: until, ..member("Mayhem", "bob") }),
        Record::Manager(ManagerRecord {
            group: "Soap".into(),
            manager: RecordedManager::User("tyler".into()),
            added: AddedRecord::default(),
        }),
    ];
    fixture.import(&records);
    let events: Vec<_> = must(count()).events.split_off(before);
    let kinds: Vec<EventType> = events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventType::UserCreated,
            EventType::UserCreated,
            EventType::UserCreated,
            EventType::GroupCreated,
            EventType::GroupCreated,
            EventType::ChildrenAdded,
            EventType::MembersAdded,
            EventType::MembersScheduled,
            EventType::MembersAdded,
            EventType::ManagersAdded,
        ]
    );
    fixture.import(&records);
    assert_eq!(must(count()).events.len(), before + kinds.len(), "nothing was told of what was there");
    let renamed = [
        Record::User(Box::new(UserRecord { suspended: Some(true), ..named(2, "marla.singer") })),
        Record::Membership(MembershipRecord { validity: until, ..member("Soap", "tyler") }),
    ];
    fixture.import(&renamed);
    let events: Vec<_> = must(count()).events.split_off(before + kinds.len());
    let kinds: Vec<EventType> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventType::UserSuspended, EventType::UserUpdated, EventType::MembersRescheduled]);
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
