//! Answers of authentik's API.

use super::common::{data, file, groups, lines, told, users};
use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::parse_guid;
use guildhall_domain::record::{GroupRecord, UserRecord};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_transfer::{Authentik, RecordKind, Source as _};

fn answers() -> Authentik {
    Authentik::new(vec![data("authentik-users.json"), data("authentik-groups.json")])
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("it is a moment")
}

#[test]
fn users_are_read() {
    let mut source = answers();
    let custom = [
        ("floor", CustomValue::Number("3".to_owned())),
        ("badge", CustomValue::Boolean(true)),
        ("phone", CustomValue::Text("1".to_owned())),
        ("desks", CustomValue::Text(r#"["4","5"]"#.to_owned())),
        ("none", CustomValue::Null),
    ];
    let alice = UserRecord {
        id: parse_guid("50000000-0000-4000-8000-000000000005").map(UserId),
        username: Some("alice".to_owned()),
        email: told("alice@example.com"),
        first_name: told("Alice"),
        last_name: told("Pleasance Liddell"),
        language: told("de"),
        custom: Some(custom.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        suspended: Some(false),
        created: Some(moment("2024-01-01")),
        modified: Some(moment("2024-02-01")),
        last_login: Some(Some(moment("2024-09-03T09:51:20.113Z"))),
        ..UserRecord::default()
    };
    let bob = UserRecord {
        id: parse_guid("50000000-0000-4000-8000-000000000006").map(UserId),
        username: Some("bob".to_owned()),
        custom: Some(Custom::new()),
        suspended: Some(true),
        ..UserRecord::default()
    };
    assert_eq!(users(&mut source), [alice, bob]);
    assert_eq!(
        source.warnings(),
        [
            "elements that the API has, but none of the files; give all pages: 1",
            "service accounts, which are left out: 1",
            "users who are imported without a password (authentik does not tell passwords): 2"
        ]
    );
}

#[test]
fn groups_are_read() {
    let mut source = answers();
    let floor = Custom::from([("floor".to_owned(), CustomValue::Number("3".to_owned()))]);
    let id = |text: &str| parse_guid(text).map(GroupId);
    let group = |id, name: &str, custom| GroupRecord {
        id,
        name: Some(name.to_owned()),
        custom: Some(custom),
        ..GroupRecord::default()
    };
    assert_eq!(
        groups(&mut source),
        [
            group(id("40000000-0000-4000-8000-000000000001"), "editors", floor),
            group(id("40000000-0000-4000-8000-000000000002"), "staff", Custom::new())
        ]
    );
    let fault = "1:3 groups: This is not the JSON that is expected here";
    assert_eq!(lines(&mut source, RecordKind::Groups), ["1:1 editors", "1:2 staff", fault]);
    assert!(source.warnings().contains(&"groups that make superusers in authentik, but not here: 1".to_owned()));
}

#[test]
fn edges_and_memberships_are_read_once_each() {
    let mut source = answers();
    let missing = "1:2 parents: No file has a group 40000000-0000-4000-8000-000000000008";
    assert_eq!(lines(&mut source, RecordKind::Edges), ["1:1 staff < editors", missing]);
    let memberships = [
        "0:1 editors < 50000000",
        "0:1 groups: No file has a group 40000000-0000-4000-8000-000000000009",
        "1:1 editors < 50000000",
        "1:1 users: No file has a user 99",
    ];
    assert_eq!(lines(&mut source, RecordKind::Memberships), memberships);
}

#[test]
fn another_answer_gives_nothing() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let path = file(folder.path(), "a.json", r#"{"detail": "Authentication credentials were not provided."}"#);
    let mut source = Authentik::new(vec![path]);
    assert_eq!(lines(&mut source, RecordKind::Users), Vec::<String>::new());
}
