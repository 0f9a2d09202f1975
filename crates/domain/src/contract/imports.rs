//! What is imported.

use uuid::Uuid;

use super::fixture::must;
use super::{Fixture, Given};
use crate::context::Context;
use crate::directory::{ImportEnd, ImportError, ImportOptions, ImportOutcome};
use crate::event::EventType;
use crate::group::{GroupId, SystemGroup};
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::password::PasswordHash;
use crate::ports::{EventQuery, MembershipListing, MembershipOrder, Reach};
use crate::record::{
    AddedRecord, EdgeRecord, GroupRecord, ManagerRecord, MembershipRecord, Record, RecordedManager, UserRecord,
};
use crate::search::Filter;
use crate::time::Timestamp;
use crate::user::{User, UserId};
use crate::validity::{Validity, ValidityChange};

impl Fixture {
    /// Imports records in one unit of work.
    pub(super) fn import(&self, records: &[Record]) -> Vec<ImportOutcome> {
        must(self.try_import(&self.operator(), ImportOptions::default(), records))
    }

    pub(super) fn try_import(
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
pub(super) fn of_import(id: u128) -> Uuid {
    if id == 0 { Uuid::nil() } else { Uuid::from_u128(id + (1 << 100)) }
}

pub(super) fn user(id: u128, username: &str) -> Record {
    Record::User(Box::new(named(id, username)))
}

pub(super) fn named(id: u128, username: &str) -> UserRecord {
    UserRecord { id: Some(UserId(of_import(id))), username: Some(username.to_owned()), ..UserRecord::default() }
}

pub(super) fn group(id: u128, name: &str) -> Record {
    let id = Some(GroupId(of_import(id)));
    Record::Group(Box::new(GroupRecord { id, name: Some(name.to_owned()), ..GroupRecord::default() }))
}

pub(super) fn edge(parent: &str, child: &str) -> Record {
    let (added, validity) = (AddedRecord::default(), ValidityChange::default());
    Record::Edge(EdgeRecord { parent: parent.into(), child: child.into(), added, validity })
}

pub(super) fn member(group: &str, user: &str) -> MembershipRecord {
    let (added, validity) = (AddedRecord::default(), ValidityChange::default());
    MembershipRecord { group: group.into(), user: user.into(), added, validity }
}

pub(super) fn at(fixture: &Fixture, days: i64) -> Timestamp {
    Timestamp::from_milliseconds(fixture.now().milliseconds() + days * crate::time::DAY)
}

pub(super) fn faults(outcome: &ImportOutcome) -> Vec<&str> {
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

/// Who is suspended by an import is signed out for good, as by an action.
pub fn who_is_suspended_by_an_import_is_signed_out(given: Given) {
    let fixture = Fixture::given(given);
    fixture.import(&[user(1, "tyler"), user(2, "marla")]);
    let [tyler, marla] = [1, 2].map(|id| fixture.caller(UserId(of_import(id))));
    let reads = |caller| fixture.directory.user(&fixture.by(caller), &UserIdentifier::Current).is_ok();
    assert!(reads(&tyler) && reads(&marla));
    for suspended in [true, false] {
        let first_name = Some(Some(format!("suspended: {suspended}")));
        fixture.import(&[
            Record::User(Box::new(UserRecord { suspended: Some(suspended), ..named(1, "tyler") })),
            Record::User(Box::new(UserRecord { first_name, ..named(2, "marla") })),
        ]);
        assert!(!reads(&tyler) && reads(&marla), "{suspended}");
    }
    assert!(reads(&fixture.caller(tyler.user)));
}
